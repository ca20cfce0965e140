/* SPDX-License-Identifier: MIT */
/* The foundation: errors, cursor, buffer, encodings, digests, JSON, JCS, time. */
#include "test.h"

#include "base/buf.h"
#include "base/cursor.h"
#include "base/encode.h"
#include "base/jcs.h"
#include "base/json.h"
#include "base/queue.h"
#include "base/time.h"

static void wrap_reads_outside_in(void **state)
{
    (void)state;
    struct pml_error err;
    pml_fail(&err, PML_NO, "x", "inner %d\n", 7);
    pml_wrap(&err, "middle");
    assert_null(pml_wrap(&err, "outer"));
    assert_string_equal(err.text, "outer: middle: inner 7?");
}

static void an_overrun_fails_the_cursor_for_good(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_cursor c = pml_cursor("\x01\x02\x03", 3);
    assert_int_equal(pml_get_u16le(&c), 0x0201);
    assert_int_equal(pml_get_u32le(&c), 0);
    assert_int_equal(pml_get_u8(&c), 0);
    assert_false(pml_cursor_end(&c, "format", &err));
    assert_string_equal(err.text, "4 bytes wanted at offset 2, 1 left");
    struct pml_cursor rest = pml_cursor("\x01", 1);
    assert_false(pml_cursor_end(&rest, "format", &err));
    assert_string_equal(err.text, "1 bytes left over at offset 0");
    struct pml_cursor sub = pml_get_sub(&rest, 9);
    assert_false(pml_cursor_ok(&sub));
}

static void lengths_are_filled_in_later(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_buf b = { .limit = 16 };
    size_t mark = pml_put_len32le(&b);
    pml_put_text(&b, "abc");
    pml_put_len_end(&b, mark);
    size_t size;
    char *bytes = pml_buf_take(&b, &size, &err);
    assert_int_equal(size, 7);
    assert_memory_equal(bytes, "\x03\0\0\0abc", 8);
    free(bytes);
    pml_put_zero(&b, 17);
    assert_null(pml_buf_take(&b, &size, &err));
    assert_string_equal(err.code, "too_large");
    pml_buf_free(&b);
}

static void hex_and_base64_round_trip(void **state)
{
    (void)state;
    uint8_t bytes[256], back[256];
    char text[513];
    size_t size;
    for (int i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    pml_hex(text, bytes, 256);
    assert_true(pml_unhex_lower(back, 256, text, 512));
    assert_memory_equal(bytes, back, 256);
    for (size_t n = 0; n <= 256; n++) {
        pml_base64(text, bytes, n);
        assert_int_equal(strlen(text), pml_base64_size(n));
        assert_true(pml_unbase64(back, &size, text, strlen(text)));
        assert_int_equal(size, n);
        assert_memory_equal(bytes, back, n);
    }
    assert_true(pml_unhex(back, 1, "Ff", 2));
    assert_false(pml_unhex_lower(back, 1, "Ff", 2));
    assert_false(pml_unhex(back, 1, "0g", 2));
    assert_false(pml_unhex(back, 1, "0", 1));
    assert_false(pml_unbase64(back, &size, "QQ", 2));
    assert_false(pml_unbase64(back, &size, "QR==", 4)); /* non-zero padding bits */
    assert_false(pml_unbase64(back, &size, "Q=Q=", 4));
}

static void jcs_vectors(void **state)
{
    (void)state;
    size_t size;
    struct pml_error err;
    char *text = vector_file("aci/jcs.json", &size);
    json_t *doc = pml_json_load(text, size, &err);
    assert_non_null(doc);
    size_t i, checked = 0;
    json_t *one;
    json_array_foreach(json_object_get(doc, "vectors"), i, one) {
        const char *in = json_string_value(json_object_get(one, "input"));
        const char *want = json_string_value(json_object_get(one, "jcs"));
        json_t *value = pml_jcs_load(in, strlen(in), &err);
        char *got = value ? pml_jcs(value, NULL, &err) : NULL;
        if (want)
            assert_string_equal(got, want);
        else
            assert_null(got);
        free(got);
        json_decref(value);
        checked++;
    }
    assert_true(checked > 0);
    json_decref(doc);
    free(text);
}

static void json_is_strict(void **state)
{
    (void)state;
    struct pml_error err;
    assert_null(pml_json_load("[1\0,2]", 6, &err));
    assert_string_equal(err.text, "not JSON: a NUL byte");
    static const struct {
        const char *text, *error;
    } cases[] = {
        { "{\"a\":1,\"a\":2}", "duplicate member at line 1 column 10" },
        { "{} x", "not JSON at line 1 column 4" },
        { "{\"a\":\"\xff\"}", "not JSON at line 1 column 6" },
        { "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "nested deeper than 32 levels" },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        assert_null(pml_json_load(cases[i].text, strlen(cases[i].text), &err));
        assert_string_equal(err.code, "json");
        assert_string_equal(err.text, cases[i].error);
    }
}

static void only_one_spelling_of_a_time(void **state)
{
    (void)state;
    int64_t t;
    char text[PML_TIME_TEXT];
    assert_true(pml_time_parse(&t, "2049-12-31T23:59:59Z"));
    assert_int_equal(t, 2524607999);
    assert_string_equal(pml_time_text(text, t), "2049-12-31T23:59:59Z");
    assert_false(pml_time_parse(&t, "2023-02-31T00:00:00Z"));
    assert_false(pml_time_parse(&t, "2023-02-01T00:00:00+00:00"));
    assert_false(pml_time_parse(&t, "2023-02-01T00:00:00.0Z"));
    assert_false(pml_time_parse(&t, "2023-02-01 00:00:00Z"));
    assert_false(pml_time_parse(&t, "2100-02-29T00:00:00Z"));
    assert_false(pml_time_parse(&t, "2023-04-31T00:00:00Z"));
    assert_false(pml_time_parse(&t, "2023-13-01T00:00:00Z"));
    assert_false(pml_time_parse(&t, "2023-01-01T24:00:00Z"));
    assert_false(pml_time_parse(&t, "2023-01-01T00:00:60Z"));
    assert_false(pml_time_parse(&t, "1969-12-31T23:59:59Z"));
    for (int64_t day = 0; day < 2932896; day += 5) { /* to the end of the year 9999 */
        assert_true(pml_time_parse(&t, pml_time_text(text, day * 86400 + day % 86400)));
        assert_int_equal(t, day * 86400 + day % 86400);
    }
}

static int sum;

static void add(void *job)
{
    __atomic_fetch_add(&sum, *(int *)job, __ATOMIC_SEQ_CST);
}

static void workers_finish_what_was_queued(void **state)
{
    (void)state;
    struct pml_error err;
    int values[100];
    struct pml_workers *w = pml_workers_new(3, 0, add, &err);
    assert_non_null(w);
    for (int i = 0; i < 100; i++) {
        values[i] = i;
        assert_true(pml_workers_put(w, &values[i]));
    }
    pml_workers_free(w);
    assert_int_equal(sum, 4950);
}

static void a_state_directory_must_be_private(void **state)
{
    (void)state;
    struct pml_error err;
    char base[] = "/tmp/pml-test-XXXXXX";
    char dir[4096], lock[4096];
    assert_non_null(mkdtemp(base));
    pml_path(dir, base, "a/b");
    assert_true(pml_private_dir(dir, &err));
    assert_true(pml_private_dir(dir, &err));
    int fd = pml_lock_file(pml_path(lock, dir, "lock"), &err);
    assert_true(fd >= 0);
    assert_int_equal(pml_lock_file(lock, &err), -1);
    assert_string_equal(err.code, "in_use");
    close(fd);
    char command[4200];
    snprintf(command, sizeof command, "chmod 755 %s", dir);
    assert_int_equal(system(command), 0);
    assert_false(pml_private_dir(dir, &err));
    assert_string_equal(err.code, "state_dir");
    snprintf(command, sizeof command, "rm -rf %s", base);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrap_reads_outside_in),
        cmocka_unit_test(an_overrun_fails_the_cursor_for_good),
        cmocka_unit_test(lengths_are_filled_in_later),
        cmocka_unit_test(hex_and_base64_round_trip),
        cmocka_unit_test(jcs_vectors),
        cmocka_unit_test(json_is_strict),
        cmocka_unit_test(only_one_spelling_of_a_time),
        cmocka_unit_test(workers_finish_what_was_queued),
        cmocka_unit_test(a_state_directory_must_be_private),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
