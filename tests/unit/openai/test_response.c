/* SPDX-License-Identifier: MIT */
/* The exact bytes of responses, and the answer read back from them. */
#include "test.h"

#include "openai/response.h"

static const struct pml_chat_head head = { "chatcmpl-1", 12, "mo\"del", "fp_0123456789abcdef", false };
static const struct pml_chat_usage usage = { 3, 2, 1 };

#define CHUNK                                                                                            \
    "\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":12,\"model\":\"mo\\\"del\"," \
    "\"system_fingerprint\":\"fp_0123456789abcdef\""
#define USAGE                                                                    \
    "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5," \
    "\"prompt_tokens_details\":{\"cached_tokens\":1}}"

static void assert_bytes(const struct pml_buf *out, const char *want)
{
    assert_false(out->failed);
    assert_int_equal(out->size, strlen(want));
    assert_memory_equal(out->bytes, want, out->size);
}

static void body_bytes(void **state)
{
    (void)state;
    PML_AUTO(buf) struct pml_buf out = { 0 };
    pml_chat_put_body(&out, &head, "a\nb", 3, "stop", &usage);
    assert_bytes(&out, "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":12,\"model\":\"mo\\\"del\","
                       "\"system_fingerprint\":\"fp_0123456789abcdef\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
                       "\"assistant\",\"content\":\"a\\nb\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":"
                       "\"stop\"}]," USAGE "}");
}

static void stream(struct pml_buf *out, struct pml_chat_head h)
{
    pml_chat_put_role_chunk(out, &h);
    pml_chat_put_content_chunk(out, &h, "a\n", 2);
    pml_chat_put_content_chunk(out, &h, "b", 1);
    pml_chat_put_finish_chunk(out, &h, "length");
    if (h.include_usage)
        pml_chat_put_usage_chunk(out, &h, &usage);
    pml_put_text(out, PML_SSE_DONE);
}

static void stream_bytes(void **state)
{
    (void)state;
    PML_AUTO(buf) struct pml_buf out = { 0 };
    stream(&out, head);
    assert_bytes(&out, "data: {" CHUNK ",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
                       "\"logprobs\":null,\"finish_reason\":null}]}\n\n"
                       "data: {" CHUNK ",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\\n\"},\"logprobs\":null,"
                       "\"finish_reason\":null}]}\n\n"
                       "data: {" CHUNK ",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"},\"logprobs\":null,"
                       "\"finish_reason\":null}]}\n\n"
                       "data: {" CHUNK ",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,"
                       "\"finish_reason\":\"length\"}]}\n\n"
                       "data: [DONE]\n\n");
}

static void usage_is_null_until_its_own_chunk(void **state)
{
    (void)state;
    PML_AUTO(buf) struct pml_buf out = { 0 };
    struct pml_chat_head h = head;
    h.include_usage = true;
    pml_chat_put_finish_chunk(&out, &h, "stop");
    pml_chat_put_usage_chunk(&out, &h, &usage);
    assert_bytes(&out, "data: {" CHUNK ",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,"
                       "\"finish_reason\":\"stop\"}],\"usage\":null}\n\n"
                       "data: {" CHUNK ",\"choices\":[]," USAGE "}\n\n");
}

static void error_bytes(void **state)
{
    (void)state;
    PML_AUTO(buf) struct pml_buf out = { 0 };
    struct pml_api_error err;
    pml_api_fail(&err, 404, "invalid_request_error", "model_not_found", "model", "no \"such\" model");
    pml_api_put_error(&out, &err);
    pml_api_invalid(&err, NULL, "x");
    pml_api_put_error(&out, &err);
    pml_chat_put_error_event(&out, "broken");
    assert_bytes(&out, "{\"error\":{\"message\":\"no \\\"such\\\" model\",\"type\":\"invalid_request_error\","
                       "\"code\":\"model_not_found\",\"param\":\"model\"}}"
                       "{\"error\":{\"message\":\"x\",\"type\":\"invalid_request_error\",\"code\":null,"
                       "\"param\":null}}"
                       "data: {\"error\":{\"message\":\"broken\",\"type\":\"server_error\",\"code\":500,"
                       "\"param\":null}}\n\n");
}

static void answers_read_back(void **state)
{
    (void)state;
    struct pml_error err;
    for (int kind = 0; kind < 3; kind++) {
        PML_AUTO(buf) struct pml_buf out = { 0 };
        PML_AUTO(chat_answer) struct pml_chat_answer answer = { 0 };
        struct pml_chat_head h = head;
        h.include_usage = kind == 2;
        if (kind == 0)
            pml_chat_put_body(&out, &h, "a\nb", 3, "length", &usage);
        else
            stream(&out, h);
        if (!pml_chat_answer_read(&answer, (const char *)out.bytes, out.size, &err))
            fail_msg("%s", err.text);
        assert_int_equal(answer.size, 3);
        assert_string_equal(answer.content, "a\nb");
        assert_string_equal(answer.finish_reason, "length");
        assert_string_equal(answer.id, "chatcmpl-1");
        assert_string_equal(answer.model, "mo\"del");
        assert_true(answer.complete);
        assert_int_equal(answer.stream, kind > 0);
    }
}

/* A stream cut after any byte is readable, incomplete until its last byte, and yields a prefix of the answer. */
static void cut_streams_are_incomplete(void **state)
{
    (void)state;
    struct pml_error err;
    PML_AUTO(buf) struct pml_buf out = { 0 };
    stream(&out, head);
    for (size_t size = 0; size <= out.size; size++) {
        PML_AUTO(chat_answer) struct pml_chat_answer answer = { 0 };
        assert_true(pml_chat_answer_read(&answer, (const char *)out.bytes, size, &err));
        assert_int_equal(answer.complete, size == out.size);
        assert_memory_equal(answer.content, "a\nb", answer.size);
    }
}

static void broken_streams_are_not_complete(void **state)
{
    (void)state;
    struct pml_error err;
    PML_AUTO(buf) struct pml_buf out = { 0 };
    PML_AUTO(chat_answer) struct pml_chat_answer answer = { 0 };
    pml_chat_put_content_chunk(&out, &head, "a", 1);
    pml_put_text(&out, "\n\n"); /* the tail of §2.5 */
    pml_chat_put_error_event(&out, "broken");
    pml_put_text(&out, PML_SSE_DONE);
    assert_true(pml_chat_answer_read(&answer, (const char *)out.bytes, out.size, &err));
    assert_string_equal(answer.content, "a");
    assert_false(answer.complete);
}

static void other_bytes_are_no_answer(void **state)
{
    (void)state;
    static const char *const bytes[] = {
        "{}",
        "{\"error\":{\"message\":\"x\"}}",
        "{\"choices\":[{},{}]}",
        "{\"choices\":[{\"index\":1,\"message\":{}}]}",
        "hello\n\n",
        "data: [DONE]\r\n\r\ndata: {}\n\n",
        "data: [DONE]\n\ndata: {\"choices\":[]}\n\n",
        ": ping\n\n",
    };
    for (size_t i = 0; i < PML_COUNT(bytes); i++) {
        struct pml_error err;
        struct pml_chat_answer answer;
        if (pml_chat_answer_read(&answer, bytes[i], strlen(bytes[i]), &err))
            fail_msg("accepted: %s", bytes[i]);
        assert_string_equal(err.code, "response");
    }
}

static void fingerprint_hashes_both_digests(void **state)
{
    (void)state;
    /* SHA-256 of 32 bytes 00 and 32 bytes 01, from sha256sum. */
    uint8_t build[32] = { 0 }, file[32];
    char text[20];
    memset(file, 1, sizeof file);
    assert_string_equal(pml_system_fingerprint(text, build, file), "fp_5c85955f709283ec");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body_bytes),
        cmocka_unit_test(stream_bytes),
        cmocka_unit_test(usage_is_null_until_its_own_chunk),
        cmocka_unit_test(error_bytes),
        cmocka_unit_test(answers_read_back),
        cmocka_unit_test(cut_streams_are_incomplete),
        cmocka_unit_test(broken_streams_are_not_complete),
        cmocka_unit_test(other_bytes_are_no_answer),
        cmocka_unit_test(fingerprint_hashes_both_digests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
