/* SPDX-License-Identifier: MIT */
/* JSON on a tape: the grammar of RFC 8259, and what is stricter than it. */
#include "test.h"

#include "base/buf.h"
#include "base/memory.h"
#include "dcap/tape.h"

#define BYTES(literal) literal, sizeof(literal) - 1

static void only_strict_json_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        const char *error; /* NULL: accepted */
    } cases[] = {
        { BYTES("{}"), NULL },
        { BYTES(" { \"a\" : [ ] , \"b\" : { } , \"c\" : [ 1 , -2.5e+3 , null ] } \n"), NULL },
        { BYTES("{\"\":\"\"}"), NULL },
        { BYTES("{\"a\":\"\\u0000\\ud83d\\ude00\xc3\xa9\xf0\x9f\x98\x80\"}"), NULL },
        { BYTES(""), "byte 0: ends early" },
        { BYTES("[]"), "byte 2: not an object" },
        { BYTES("1"), "byte 1: not an object" },
        { BYTES("{}x"), "byte 2: text behind the end" },
        { BYTES("{}\0"), "byte 2: text behind the end" },
        { BYTES("{\"a\":1,}"), "byte 7: member without a name" },
        { BYTES("{\"a\" 1}"), "byte 5: member without a value" },
        { BYTES("{\"a\":}"), "byte 5: not a value" },
        { BYTES("{\"a\":[1,]}"), "byte 8: not a value" },
        { BYTES("{\"a\":[,1]}"), "byte 6: not a value" },
        { BYTES("{\"a\":[1 2]}"), "byte 8: values without a comma between them" },
        { BYTES("{\"a\":[1}"), "byte 7: values without a comma between them" },
        { BYTES("{\"a\":1"), "byte 6: values without a comma between them" },
        { BYTES("{\"a\":01}"), "byte 7: not a value" },
        { BYTES("{\"a\":+1}"), "byte 5: not a value" },
        { BYTES("{\"a\":1.}"), "byte 7: not a value" },
        { BYTES("{\"a\":.5}"), "byte 5: not a value" },
        { BYTES("{\"a\":1e}"), "byte 7: not a value" },
        { BYTES("{\"a\":nul}"), "byte 5: not a value" },
        { BYTES("{\"a\":True}"), "byte 5: not a value" },
        { BYTES("{a:1}"), "byte 1: member without a name" },
        { BYTES("{\"a\":\"b}"), "byte 8: string without end" },
        { BYTES("{\"a\":\"\n\"}"), "byte 6: control character or invalid UTF-8 in a string" },
        { BYTES("{\"a\":\"\\x\"}"), "byte 8: bad escape in a string" },
        { BYTES("{\"a\":\"\\"), "byte 7: bad escape in a string" },
        { BYTES("{\"a\":\"\\u12\"}"), "byte 8: bad escape in a string" },
        { BYTES("{\"a\":\"\\ud83d\"}"), "byte 12: bad escape in a string" },
        { BYTES("{\"a\":\"\\ude00\"}"), "byte 12: bad escape in a string" },
        { BYTES("{\"a\":\"\xff\"}"), "byte 6: control character or invalid UTF-8 in a string" },
        { BYTES("{\"a\":\"\xc0\x80\"}"), "byte 6: control character or invalid UTF-8 in a string" },
        { BYTES("{\"a\":\"\xed\xa0\x80\"}"), "byte 6: control character or invalid UTF-8 in a string" },
        { BYTES("{\"a\":\"\xf4\x90\x80\x80\"}"), "byte 6: control character or invalid UTF-8 in a string" },
        { BYTES("{\"a\":\"\xe2\x82\"}"), "byte 6: control character or invalid UTF-8 in a string" },
        { BYTES("{\"a\":1,\"a\":2}"), "byte 10: duplicate member" },
        { BYTES("{\"a\":1,\"\\u0061\":2}"), "byte 15: duplicate member" },
        { BYTES("{\"x\":{\"a\":[{}],\"b\":1,\"a\":2}}"), "byte 24: duplicate member" },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        struct pml_error err = { 0 };
        struct pml_tape tape;
        bool good = pml_tape_parse(&tape, cases[i].text, cases[i].size, &err);
        pml_tape_free(&tape);
        if (good != !cases[i].error || (!good && strcmp(err.text, cases[i].error) != 0))
            fail_msg("%s: %s", cases[i].text, good ? "accepted" : err.text);
    }
}

static void strings_are_decoded(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_tape tape;
    struct pml_text text;
    assert_true(pml_tape_parse(
        &tape, BYTES("{\"\\u006eame\":\"a\\n\\t\\\\\\/\\\"\\u00e9\\u20ac\\ud83d\\ude00\\u0000z\"}"), &err));
    assert_true(pml_node_text(&text, tape.nodes, "name", &err));
    static const char wanted[] = "a\n\t\\/\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\0z";
    assert_int_equal(text.size, sizeof wanted - 1);
    assert_memory_equal(text.bytes, wanted, sizeof wanted - 1);
    pml_tape_free(&tape);
}

static void members_have_types_and_ranges(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_tape tape;
    int64_t number;
    uint8_t bytes[2];
    assert_true(pml_tape_parse(&tape,
                               BYTES("{\"max\":9223372036854775807,\"over\":9223372036854775808,\"min\":"
                                     "-9223372036854775808,\"real\":4.0,\"exp\":1e2,\"list\":[[1,2],{\"x\":3},4],"
                                     "\"hex\":\"0aFF\",\"zero\":-0}"),
                               &err));
    const struct pml_node *all = tape.nodes;
    assert_true(pml_node_int(&number, all, "max", INT64_MAX, &err) && number == INT64_MAX);
    assert_false(pml_node_int(&number, all, "over", INT64_MAX, &err));
    assert_string_equal(err.text, "over: not an integer");
    assert_false(pml_node_int(&number, all, "min", INT64_MAX, &err));
    assert_string_equal(err.text, "min: not in 0..9223372036854775807");
    assert_false(pml_node_int(&number, all, "real", 9, &err));
    assert_false(pml_node_int(&number, all, "exp", 999, &err));
    assert_false(pml_node_int(&number, all, "none", 9, &err));
    assert_string_equal(err.text, "none: missing");
    assert_true(pml_node_int(&number, all, "zero", 0, &err));
    assert_true(pml_node_hex(bytes, 2, all, "hex", &err) && bytes[0] == 10 && bytes[1] == 255);
    assert_false(pml_node_hex(bytes, 1, all, "hex", &err));
    const struct pml_node *list = pml_node_array(all, "list", &err);
    assert_int_equal(list->count, 3);
    const struct pml_node *second = pml_node_next(pml_node_first(list));
    assert_true(pml_node_int(&number, second, "x", 9, &err) && number == 3);
    assert_int_equal(pml_node_next(second)->integer, 4);
    assert_null(pml_node_member(list, "x"));
    pml_tape_free(&tape);
}

static void depth_and_members_are_bounded(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_tape tape;
    for (size_t depth = 31; depth <= 32; depth++) {
        char text[200] = "{\"a\":";
        memset(text + 5, '[', depth);
        memset(text + 5 + depth, ']', depth);
        text[5 + 2 * depth] = '}';
        assert_int_equal(pml_tape_parse(&tape, text, 6 + 2 * depth, &err), depth == 31);
        pml_tape_free(&tape);
    }
    assert_string_equal(err.text, "byte 36: more than 32 levels");
    for (size_t members = 64; members <= 65; members++) {
        struct pml_buf text = { 0 };
        for (size_t i = 0; i < members; i++)
            pml_put_format(&text, "%c\"%zu\":0", i ? ',' : '{', i);
        pml_put_text(&text, "}");
        assert_int_equal(pml_tape_parse(&tape, (char *)text.bytes, text.size, &err), members == 64);
        pml_tape_free(&tape);
        pml_buf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_strict_json_is_read),
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(members_have_types_and_ranges),
        cmocka_unit_test(depth_and_members_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
