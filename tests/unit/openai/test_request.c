/* SPDX-License-Identifier: MIT */
/* Which chat completion requests are accepted, what they mean, and what the others are told. */
#include "test.h"

#include "base/memory.h"
#include "openai/request.h"

#define USER "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"

static void parse(struct pml_chat_request *r, const char *body)
{
    struct pml_api_error err;
    if (!pml_chat_request_parse(r, body, strlen(body), &err))
        fail_msg("%s: %s", body, err.message);
}

static void defaults_are_those_of_openai(void **state)
{
    (void)state;
    PML_AUTO(chat_request) struct pml_chat_request r;
    parse(&r, "{" USER "}");
    assert_string_equal(r.model, "");
    assert_int_equal(r.message_count, 1);
    assert_int_equal(r.messages[0].role, PML_ROLE_USER);
    assert_memory_equal(r.messages[0].content, "hi", 3);
    assert_int_equal(r.max_tokens, -1);
    assert_true(r.sampling.temperature == 1 && r.sampling.top_p == 1 && r.sampling.min_p == 0 &&
                r.sampling.typical_p == 1 && r.sampling.top_k == 0);
    assert_true(r.sampling.repeat_penalty == 1 && r.sampling.repeat_last_n == 64 && !r.sampling.presence_penalty &&
                !r.sampling.frequency_penalty);
    assert_false(r.stream || r.include_usage || r.has_seed || r.wants_sessions);
    assert_int_equal(r.stop_count + r.sampling.logit_bias_count, 0);
}

static void every_member_is_read(void **state)
{
    (void)state;
    PML_AUTO(chat_request) struct pml_chat_request r;
    parse(&r, "{\"model\":\"m\",\"messages\":[{\"role\":\"developer\",\"content\":\"s\"},{\"role\":\"assistant\","
              "\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\\u0000\"}],"
              "\"tool_calls\":[]}],"
              "\"stream\":true,\"stream_options\":{\"include_usage\":true},\"max_completion_tokens\":7,"
              "\"max_tokens\":8,\"n_predict\":-1,\"stop\":[\"x\",\"y\"],\"seed\":5,\"temperature\":0.7,\"top_p\":0.9,"
              "\"min_p\":0.05,\"typical_p\":0.5,\"top_k\":40,\"repeat_penalty\":1.1,\"repeat_last_n\":-1,"
              "\"presence_penalty\":-2,\"frequency_penalty\":2,\"logit_bias\":{\"20\":-1.5,\"3\":100},\"n\":1,"
              "\"logprobs\":false,\"response_format\":{\"type\":\"text\"},\"tools\":[],\"tool_choice\":\"auto\","
              "\"dry_multiplier\":0.0,\"user\":\"u\",\"whatever\":[123456789012345678901234567890]}");
    assert_int_equal(r.messages[0].role, PML_ROLE_SYSTEM);
    assert_int_equal(r.messages[1].size, 4);
    assert_memory_equal(r.messages[1].content, "a\nb\0", 4);
    assert_true(r.stream && r.include_usage && r.has_seed && r.seed == 5);
    assert_int_equal(r.max_tokens, 7);
    assert_int_equal(r.stop_count, 2);
    assert_string_equal(r.stops[1], "y");
    assert_true(r.sampling.temperature == 0.7f && r.sampling.top_p == 0.9f && r.sampling.min_p == 0.05f &&
                r.sampling.typical_p == 0.5f);
    assert_true(r.sampling.top_k == 40 && r.sampling.repeat_penalty == 1.1f && r.sampling.repeat_last_n == -1);
    assert_true(r.sampling.presence_penalty == -2 && r.sampling.frequency_penalty == 2);
    assert_int_equal(r.sampling.logit_bias_count, 2);
    assert_true(r.sampling.logit_bias[0].token == 3 && r.sampling.logit_bias[0].bias == 100 &&
                r.sampling.logit_bias[1].bias == -1.5f);
}

static void the_strongest_token_limit_wins_in_any_order(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        int64_t limit;
    } cases[] = {
        { "\"max_tokens\":8,\"max_completion_tokens\":7", 7 },
        { "\"max_completion_tokens\":null,\"max_tokens\":8", 8 },
        { "\"n_predict\":-1,\"max_tokens\":8", 8 },
        { "\"n_predict\":9", 9 },
        { "\"max_tokens\":99999999999999999999", 1000000000000000 },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        char body[256];
        PML_AUTO(chat_request) struct pml_chat_request r;
        snprintf(body, sizeof body, "{%s," USER "}", cases[i].members);
        parse(&r, body);
        assert_int_equal(r.max_tokens, cases[i].limit);
    }
}

static void seeds_keep_64_bits(void **state)
{
    (void)state;
    static const struct {
        const char *spelling;
        uint64_t seed;
    } cases[] = {
        { "0", 0 },
        { "-1", UINT64_MAX },
        { "18446744073709551615", UINT64_MAX },
        { "9223372036854775808", UINT64_C(1) << 63 },
        { "9007199254740993", UINT64_C(9007199254740993) },
        { "-9223372036854775808", UINT64_C(1) << 63 },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        char body[256];
        PML_AUTO(chat_request) struct pml_chat_request r;
        snprintf(body, sizeof body, "{" USER ",\"see\\u0064\" : %s}", cases[i].spelling);
        parse(&r, body);
        assert_true(r.has_seed && r.seed == cases[i].seed);
    }
}

/* Half-way between two binary32 values but for a digit that binary64 cannot hold: twice rounded it would be even. */
static void decimals_are_rounded_once(void **state)
{
    (void)state;
    PML_AUTO(chat_request) struct pml_chat_request r;
    parse(&r, "{" USER ",\"temperature\":1.00000005960464477539062500000000001}");
    assert_true(r.sampling.temperature == 1.00000011920928955078125f);
}

static void session_constraints_are_noticed(void **state)
{
    (void)state;
    PML_AUTO(chat_request) struct pml_chat_request r;
    parse(&r, "{" USER ",\"provider\":{\"aci_verified\":true,\"order\":[\"x\"],\"aci_session_ids\":["
              "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"]}}");
    assert_true(r.wants_sessions);
    PML_AUTO(chat_request) struct pml_chat_request plain;
    parse(&plain, "{" USER ",\"provider\":{\"aci_verified\":true}}");
    assert_false(plain.wants_sessions);
}

static const struct {
    const char *body, *code, *param;
} refused[] = {
    { "", NULL, "" },
    { "[]", NULL, "" },
    { "{\"a\":1,\"a\":2}", NULL, "" },
    { "{" USER ",\"temperature\":NaN}", NULL, "" },
    { "{" USER ",\"user\":\"\xff\"}", NULL, "" },
    { "{\"model\":\"m\"}", NULL, "messages" },
    { "{\"messages\":[]}", NULL, "messages" },
    { "{\"messages\":[1]}", NULL, "messages[0]" },
    { "{\"messages\":[{\"role\":\"bot\",\"content\":\"x\"}]}", NULL, "messages[0].role" },
    { "{\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}", "unsupported_parameter", "messages[0].role" },
    { "{\"messages\":[{\"role\":\"user\"}]}", NULL, "messages[0].content" },
    { "{\"messages\":[{\"role\":\"assistant\",\"content\":null}]}", NULL, "messages[0].content" },
    { "{\"messages\":[{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{}]}]}", "unsupported_parameter",
      "messages[0].tool_calls" },
    { "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}", NULL,
      "messages[0].content[0].type" },
    { "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":1}]}]}", NULL,
      "messages[0].content[0].text" },
    { "{" USER ",\"model\":1}", NULL, "model" },
    { "{" USER ",\"model\":\"a\\u0000\"}", NULL, "model" },
    { "{" USER ",\"stream\":1}", NULL, "stream" },
    { "{" USER ",\"stream_options\":{}}", NULL, "stream_options" },
    { "{" USER ",\"stream\":true,\"stream_options\":{\"include_usage\":1}}", NULL, "stream_options.include_usage" },
    { "{" USER ",\"max_tokens\":0}", NULL, "max_tokens" },
    { "{" USER ",\"max_tokens\":-1}", NULL, "max_tokens" },
    { "{" USER ",\"max_tokens\":1.5}", NULL, "max_tokens" },
    { "{" USER ",\"n_predict\":-2}", NULL, "n_predict" },
    { "{" USER ",\"seed\":1.0}", NULL, "seed" },
    { "{" USER ",\"seed\":18446744073709551616}", NULL, "seed" },
    { "{" USER ",\"seed\":-9223372036854775809}", NULL, "seed" },
    { "{" USER ",\"seed\":\"1\"}", NULL, "seed" },
    { "{" USER ",\"temperature\":2.01}", NULL, "temperature" },
    { "{" USER ",\"temperature\":-0.1}", NULL, "temperature" },
    { "{" USER ",\"temperature\":\"1\"}", NULL, "temperature" },
    { "{" USER ",\"top_p\":1.1}", NULL, "top_p" },
    { "{" USER ",\"presence_penalty\":3}", NULL, "presence_penalty" },
    { "{" USER ",\"stop\":\"\"}", NULL, "stop" },
    { "{" USER ",\"stop\":[1]}", NULL, "stop" },
    { "{" USER ",\"stop\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"a\",\"b\",\"c\",\"d\",\"e\",\"f\","
      "\"g\",\"h\"]}",
      NULL, "stop" },
    { "{" USER ",\"logit_bias\":{\"x\":1}}", NULL, "logit_bias" },
    { "{" USER ",\"logit_bias\":{\"1\":101}}", NULL, "logit_bias" },
    { "{" USER ",\"logit_bias\":{\"1\":\"2\"}}", NULL, "logit_bias" },
    { "{" USER ",\"logit_bias\":[[1,2],[1,3]]}", NULL, "logit_bias" },
    { "{" USER ",\"logit_bias\":[1]}", NULL, "logit_bias" },
    { "{" USER ",\"n\":0}", NULL, "n" },
    { "{" USER ",\"n\":2}", "unsupported_parameter", "n" },
    { "{" USER ",\"logprobs\":true}", "unsupported_parameter", "logprobs" },
    { "{" USER ",\"top_logprobs\":2}", NULL, "top_logprobs" },
    { "{" USER ",\"response_format\":{\"type\":\"json_object\"}}", "unsupported_parameter", "response_format" },
    { "{" USER ",\"tools\":[{}]}", "unsupported_parameter", "tools" },
    { "{" USER ",\"tool_choice\":\"required\"}", "unsupported_parameter", "tool_choice" },
    { "{" USER ",\"grammar\":\"root\"}", "unsupported_parameter", "grammar" },
    { "{" USER ",\"dry_multiplier\":0.8}", "unsupported_parameter", "dry_multiplier" },
    { "{" USER ",\"mirostat\":2}", "unsupported_parameter", "mirostat" },
    { "{" USER ",\"ignore_eos\":true}", "unsupported_parameter", "ignore_eos" },
    { "{" USER ",\"samplers\":[\"top_p\"]}", "unsupported_parameter", "samplers" },
    { "{" USER ",\"provider\":1}", NULL, "provider" },
    { "{" USER ",\"provider\":{\"aci_other\":1}}", NULL, "provider" },
    { "{" USER ",\"provider\":{\"aci_verified\":1}}", NULL, "provider.aci_verified" },
    { "{" USER ",\"provider\":{\"aci_session_ids\":[]}}", NULL, "provider.aci_session_ids" },
    { "{" USER ",\"provider\":{\"aci_session_ids\":[\"00\"]}}", NULL, "provider.aci_session_ids" },
    { "{" USER ",\"provider\":{\"aci_verified\":false,\"aci_session_ids\":["
      "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"]}}",
      NULL, "provider.aci_session_ids" },
};

static void bad_requests_name_the_member(void **state)
{
    (void)state;
    for (size_t i = 0; i < PML_COUNT(refused); i++) {
        struct pml_chat_request r;
        struct pml_api_error err;
        if (pml_chat_request_parse(&r, refused[i].body, strlen(refused[i].body), &err))
            fail_msg("accepted: %s", refused[i].body);
        assert_int_equal(err.status, 400);
        assert_string_equal(err.type, "invalid_request_error");
        if (strcmp(err.code ? err.code : "-", refused[i].code ? refused[i].code : "-") != 0 ||
            strcmp(err.param, refused[i].param) != 0)
            fail_msg("%s: code %s param %s", refused[i].body, err.code, err.param);
    }
}

static void errors_do_not_quote_the_request(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"messages\":[{\"role\":\"sEcReT\",\"content\":\"sEcReT\"}],\"sEcReT\":1}",
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"sEcReT\"}]}]}",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"sEcReT\" sEcReT",
        "{" USER ",\"stop\":[[\"sEcReT\"]]}",
        "{" USER ",\"provider\":{\"aci_sEcReT\":1}}",
        "{\"sEcReT\":1,\"sEcReT\":2}",
    };
    for (size_t i = 0; i < PML_COUNT(bodies); i++) {
        struct pml_chat_request r;
        struct pml_api_error err;
        PML_AUTO(buf) struct pml_buf out = { 0 };
        assert_false(pml_chat_request_parse(&r, bodies[i], strlen(bodies[i]), &err));
        pml_api_put_error(&out, &err);
        assert_null(memmem(out.bytes, out.size, "sEcReT", 6));
    }
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    char body[512] = "{" USER ",\"x\":";
    size_t size = strlen(body);
    for (int i = 0; i < 64; i++) {
        body[size + i] = '[';
        body[size + 64 + i] = ']';
    }
    body[size + 128] = '}';
    struct pml_chat_request r;
    struct pml_api_error err;
    assert_false(pml_chat_request_parse(&r, body, size + 129, &err));
    memset(body + size, ' ', 1); /* one level less */
    body[size + 127] = ' ';
    if (!pml_chat_request_parse(&r, body, size + 129, &err))
        fail_msg("%s", err.message);
    pml_chat_request_free(&r);
}

static void the_number_of_values_is_bounded(void **state)
{
    (void)state;
    size_t size = 1 << 20;
    char *body = malloc(size);
    struct pml_chat_request r;
    struct pml_api_error err;
    memset(body, '[', size);
    for (size_t i = 0; i < size; i += 3)
        memcpy(body + i, "[],", size - i < 3 ? size - i : 3);
    assert_false(pml_chat_request_parse(&r, body, size, &err));
    assert_string_equal(err.message, "the body holds more than 262144 values");
    free(body);
}

/* The engine draws from an open range; the API's is closed. */
static void the_ends_of_ranges_can_be_drawn_from(void **state)
{
    (void)state;
    static const char *const members[] = {
        "\"top_p\":0",       "\"typical_p\":0", "\"temperature\":1e-40",  "\"top_p\":1e-30",
        "\"temperature\":0", "\"min_p\":1",     "\"repeat_penalty\":0.01"
    };
    for (size_t i = 0; i < PML_COUNT(members); i++) {
        char body[256];
        struct pml_error err;
        PML_AUTO(chat_request) struct pml_chat_request r;
        snprintf(body, sizeof body, "{%s," USER "}", members[i]);
        parse(&r, body);
        if (!pml_sampling_check(&r.sampling, 100, &err))
            fail_msg("%s: %s", members[i], err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_openai),
        cmocka_unit_test(every_member_is_read),
        cmocka_unit_test(the_strongest_token_limit_wins_in_any_order),
        cmocka_unit_test(seeds_keep_64_bits),
        cmocka_unit_test(decimals_are_rounded_once),
        cmocka_unit_test(session_constraints_are_noticed),
        cmocka_unit_test(bad_requests_name_the_member),
        cmocka_unit_test(errors_do_not_quote_the_request),
        cmocka_unit_test(the_ends_of_ranges_can_be_drawn_from),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(the_number_of_values_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
