/* SPDX-License-Identifier: MIT */
/* Reading answers as the network cuts them. */
#include "test.h"

#include "client/answer.h"

static const char stream[] =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Gr\\u00fc\"}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"n\"},\"finish_reason\":\"stop\"}]}\n\n"
    "data: {\"choices\":[],\"usage\":{}}\n\n"
    "data: [DONE]\n\n";

/* Feeds TEXT in pieces of STEP bytes. */
static bool read_pieces(struct pml_answer *answer, const char *text, size_t step, struct pml_error *err)
{
    pml_answer_init(answer);
    for (size_t at = 0; at < strlen(text); at += step) {
        size_t left = strlen(text) - at;
        if (!pml_answer_feed(answer, text + at, left < step ? left : step, err))
            return false;
    }
    return pml_answer_end(answer, err);
}

static void a_stream_may_be_cut_anywhere(void **state)
{
    (void)state;
    for (size_t step = 1; step <= sizeof stream; step++) {
        struct pml_error err;
        PML_AUTO(answer) struct pml_answer answer;
        assert_true(read_pieces(&answer, stream, step, &err));
        assert_int_equal(answer.text.size, 5);
        assert_memory_equal(answer.text.bytes, "Gr\xc3\xbcn", 5);
        assert_string_equal(answer.finish_reason, "stop");
    }
}

static void a_body_is_read_at_its_end(void **state)
{
    (void)state;
    struct pml_error err;
    PML_AUTO(answer) struct pml_answer answer;
    assert_true(read_pieces(&answer, "{\"choices\":[{\"message\":{\"content\":\"ok\"},\"finish_reason\":\"length\"}]}",
                            7, &err));
    assert_memory_equal(answer.text.bytes, "ok", 2);
    assert_string_equal(answer.finish_reason, "length");
}

static const struct {
    const char *name, *text, *error;
} bad[] = {
    { "nothing", "", "the stream did not end with [DONE]" },
    { "no end", "data: {\"choices\":[]}\n\n", "the stream did not end with [DONE]" },
    { "half an event", "data: [DONE]\n\ndata: {", "the stream did not end with [DONE]" },
    { "event after the end", "data: [DONE]\n\ndata: {}\n\n", "not a stream of chat completion events" },
    { "other lines", "event: x\n\n", "not a stream of chat completion events" },
    { "not JSON", "data: {\n\n", "not JSON at line 1 column 1" },
    { "two choices", "data: {\"choices\":[{},{}]}\n\n", "more than one choice" },
    { "error", "data: {\"error\":{\"message\":\"gone\\u001b[2J\"}}\n\n", "the server broke off: gone?[2J" },
    { "body without choices", "{}", "choices: missing" },
};

static void what_is_no_answer_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < PML_COUNT(bad); i++) {
        struct pml_error err = { 0 };
        PML_AUTO(answer) struct pml_answer answer;
        if (read_pieces(&answer, bad[i].text, 64, &err))
            fail_msg("%s: accepted", bad[i].name);
        assert_string_equal(err.text, bad[i].error);
    }
}

static void refusals_are_told_apart_from_trouble(void **state)
{
    (void)state;
    struct pml_error err;
    static const char body[] = "{\"error\":{\"message\":\"no such model\"}}";
    assert_null(pml_answer_refused(404, body, sizeof body - 1, &err));
    assert_int_equal(err.kind, PML_NO);
    assert_string_equal(err.text, "the server answered 404: no such model");
    pml_answer_refused(429, "busy", 4, &err);
    assert_int_equal(err.kind, PML_UNKNOWN);
    pml_answer_refused(503, "", 0, &err);
    assert_int_equal(err.kind, PML_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_may_be_cut_anywhere),
        cmocka_unit_test(a_body_is_read_at_its_end),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(refusals_are_told_apart_from_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
