/* SPDX-License-Identifier: MIT */
/* Verification by a contract: the recorded answers of the real one, and answers that are not its. */
#include "test.h"

#include "base/encode.h"
#include "base/json.h"
#include "base/memory.h"
#include "dcap/onchain.h"
#include "dcap/policy.h"

#define RECORDED "dcap/public/onchain/automata-v1.1-eth_call.json"

struct recorded {
    const char *name, *error; /* error NULL: it returned */
    const json_t *entry;
    uint8_t *quote;
    size_t quote_size;
    struct pml_eth_answer answer;
};

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void decode(struct pml_eth_answer *answer, const char *hex)
{
    answer->size = strlen(hex) / 2 - 1;
    answer->data = malloc(answer->size + 1);
    assert_non_null(answer->data);
    assert_true(pml_unhex(answer->data, answer->size, hex + 2, 2 * answer->size));
}

static void load(struct recorded *r, const json_t *entry)
{
    char name[512];
    *r = (struct recorded){ .name = text_of(entry, "name"), .error = text_of(entry, "error"), .entry = entry };
    snprintf(name, sizeof name, "dcap/public/%s", text_of(entry, "quote"));
    r->quote = (uint8_t *)vector_file(name, &r->quote_size);
    if (text_of(entry, "mutation"))
        r->quote[184] ^= 1; /* "byte 184 xor 1", the only one there is */
    r->answer.reverted = r->error;
    decode(&r->answer, r->error ? strstr(r->error, "revert 0x") + 7 : text_of(entry, "return_data"));
}

static void unload(struct recorded *r)
{
    free(r->quote);
    pml_eth_answer_free(&r->answer);
}

static json_t *load_recorded(void)
{
    struct pml_error err;
    size_t size;
    PML_AUTO(mem) char *text = vector_file(RECORDED, &size);
    json_t *file = pml_json_load(text, size, &err);
    if (!file)
        fail_msg("%s", err.text);
    return file;
}

static void calldata_is_what_was_recorded(void **state)
{
    (void)state;
    size_t i, seen = 0;
    json_t *entry;
    PML_AUTO(json) json_t *file = load_recorded();
    json_array_foreach(json_object_get(file, "cases"), i, entry) {
        const char *prefix = text_of(entry, "calldata_prefix");
        struct recorded r;
        if (!prefix)
            continue;
        load(&r, entry);
        PML_AUTO(buf) struct pml_buf call = { 0 };
        PML_AUTO(mem) char *hex = malloc(strlen(prefix) + 1);
        pml_onchain_put_call(&call, r.quote, r.quote_size);
        assert_int_equal(call.size, json_integer_value(json_object_get(entry, "calldata_length")));
        assert_string_equal(pml_hex(hex, call.bytes, strlen(prefix) / 2 - 1), prefix + 2);
        assert_memory_equal(call.bytes + 68, r.quote, r.quote_size);
        for (size_t at = 68 + r.quote_size; at < call.size; at++)
            assert_int_equal(call.bytes[at], 0);
        seen++;
        unload(&r);
    }
    assert_int_equal(seen, 9);
}

/* What the entry says was decoded from its return data. */
static void check_output(const struct recorded *r, const json_t *decoded)
{
    struct pml_error err = { 0 };
    struct pml_onchain_return returned;
    struct pml_onchain_output output;
    char fmspc[13];
    assert_true(pml_onchain_return_parse(&returned, r->answer.data, r->answer.size, &err));
    assert_true(returned.success);
    if (!pml_onchain_output_parse(&output, returned.output, &err))
        fail_msg("%s: %s", r->name, err.text);
    assert_int_equal(output.quote_version, json_integer_value(json_object_get(decoded, "quoteVersion")));
    assert_int_equal(output.body_type, json_integer_value(json_object_get(decoded, "quoteBodyType")));
    assert_int_equal(output.tcb_status, json_integer_value(json_object_get(decoded, "tcbStatus")));
    assert_int_equal(output.body.size, json_integer_value(json_object_get(decoded, "bodyLen")));
    assert_string_equal(pml_hex(fmspc, output.fmspc, 6), text_of(decoded, "fmspc"));
    assert_true(json_equal(output.advisory_ids, json_object_get(decoded, "advisoryIDs")));
    pml_onchain_output_free(&output);
}

static void every_recorded_answer_gives_its_verdict(void **state)
{
    (void)state;
    size_t i, accepted = 0, rejected = 0;
    json_t *entry;
    PML_AUTO(json) json_t *file = load_recorded();
    json_array_foreach(json_object_get(file, "cases"), i, entry) {
        struct pml_error err = { 0 };
        struct recorded r;
        load(&r, entry);
        const json_t *decoded = json_object_get(entry, "decoded");
        PML_AUTO(verdict) struct pml_verdict v = { 0 };
        struct pml_verify_input in = { .quote = r.quote, .quote_size = r.quote_size, .now = 1749095100 };
        bool ok = pml_onchain_verify(&v, &in, &r.answer, &err);
        PML_AUTO(json) json_t *object = pml_verdict_json(&v, &err);
        assert_int_equal(ok, decoded != NULL);
        assert_false(v.simulated);
        assert_false(v.accepted);
        if (decoded) {
            check_output(&r, decoded);
            assert_string_equal(text_of(object, "fmspc"), text_of(decoded, "fmspc"));
            assert_true(json_equal(json_object_get(object, "advisory_ids"), json_object_get(decoded, "advisoryIDs")));
            assert_string_equal(text_of(object, "status"),
                                json_integer_value(json_object_get(decoded, "tcbStatus")) == 4 ? "OutOfDate"
                                                                                               : "SWHardeningNeeded");
            accepted++;
        } else {
            assert_string_equal(err.code, "onchain_rejected");
            assert_int_equal(err.kind, PML_NO);
            if (!r.error && !strstr(err.text, text_of(entry, "code")))
                fail_msg("%s: %s", r.name, err.text);
            rejected++;
        }
        static const char *const unknown[] = { "platform_status", "qe_status", "tdx_module_status",  "current_status",
                                               "tcb_eval_num",    "tcb_date",  "earliest_expiration" };
        for (size_t j = 0; j < PML_COUNT(unknown); j++)
            assert_true(json_is_null(json_object_get(object, unknown[j])));
        unload(&r);
    }
    assert_int_equal(accepted, 3);
    assert_int_equal(rejected, 9);
}

static void find_recorded(struct recorded *r, const json_t *file, const char *name)
{
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(file, "cases"), i, entry) {
        if (strcmp(text_of(entry, "name"), name) == 0) {
            load(r, entry);
            return;
        }
    }
    fail_msg("no case %s", name);
}

static const char *judge(const struct recorded *r, const struct pml_eth_answer *answer)
{
    struct pml_error err = { 0 };
    PML_AUTO(verdict) struct pml_verdict v = { 0 };
    struct pml_verify_input in = { .quote = r->quote, .quote_size = r->quote_size, .now = 1749095100 };
    return pml_onchain_verify(&v, &in, answer, &err) ? "" : err.code;
}

/* Each byte of the answer in turn: the success, the layout, the status and the body cannot change unnoticed. */
static void altered_answers_are_noticed(void **state)
{
    (void)state;
    struct recorded r;
    PML_AUTO(json) json_t *file = load_recorded();
    find_recorded(&r, file, "v4-8000");
    assert_string_equal(judge(&r, &r.answer), "");
    for (size_t at = 0; at < r.answer.size; at++) {
        bool fmspc = at >= 96 + 5 && at < 96 + 11, status = at == 96 + 4;
        bool advisory = at >= 96 + 11 + 584; /* the list of advisories, and zeros behind it */
        r.answer.data[at] ^= 0x10;
        const char *code = judge(&r, &r.answer);
        if (!*code && !fmspc && !status && !advisory)
            fail_msg("byte %zu can change", at);
        if (at >= 96 + 11 && at < 96 + 11 + 584)
            assert_string_equal(code, "onchain_mismatch");
        r.answer.data[at] ^= 0x10;
    }
    for (size_t size = 0; size < r.answer.size; size++) {
        struct pml_eth_answer cut = { .data = malloc(size + 1), .size = size };
        memcpy(cut.data, r.answer.data, size);
        const char *code = judge(&r, &cut);
        if (size < 96 + 947 && strcmp(code, "onchain_unavailable") != 0)
            fail_msg("cut to %zu: %s", size, code);
        pml_eth_answer_free(&cut);
    }
    unload(&r);
}

static void success_for_another_quote_is_none(void **state)
{
    (void)state;
    struct recorded a, b;
    PML_AUTO(json) json_t *file = load_recorded();
    find_recorded(&a, file, "v4-8000");
    find_recorded(&b, file, "v4-cos113");
    assert_string_equal(judge(&a, &b.answer), "onchain_mismatch");
    unload(&b);
    find_recorded(&b, file, "v3-sgx");
    assert_string_equal(judge(&a, &b.answer), "onchain_mismatch");
    unload(&b);
    find_recorded(&b, file, "neg-version");
    assert_string_equal(judge(&b, &a.answer), "quote_version");
    unload(&b);
    unload(&a);
}

static void statuses_are_the_contracts(void **state)
{
    (void)state;
    static const struct {
        uint8_t number;
        const char *code; /* "": one of these statuses */
        enum pml_tcb_status status, relaunch;
    } cases[] = {
        { 0, "", PML_TCB_UP_TO_DATE, PML_TCB_NONE },
        { 1, "", PML_TCB_SW_HARDENING_NEEDED, PML_TCB_NONE },
        { 2, "", PML_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED, PML_TCB_NONE },
        { 3, "", PML_TCB_CONFIGURATION_NEEDED, PML_TCB_NONE },
        { 4, "", PML_TCB_OUT_OF_DATE, PML_TCB_NONE },
        { 5, "", PML_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, PML_TCB_NONE },
        { 6, "tcb_revoked", PML_TCB_NONE, PML_TCB_NONE },
        { 7, "tcb_unknown_status", PML_TCB_NONE, PML_TCB_NONE },
        { 8, "", PML_TCB_OUT_OF_DATE, PML_TCB_RELAUNCH_ADVISED },
        { 9, "", PML_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, PML_TCB_RELAUNCH_ADVISED_CONFIGURATION_NEEDED },
        { 10, "tcb_unknown_status", PML_TCB_NONE, PML_TCB_NONE },
        { 255, "tcb_unknown_status", PML_TCB_NONE, PML_TCB_NONE },
    };
    struct recorded r;
    PML_AUTO(json) json_t *file = load_recorded();
    find_recorded(&r, file, "v4-8000");
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        struct pml_error err = { 0 };
        PML_AUTO(verdict) struct pml_verdict v = { 0 };
        struct pml_verify_input in = { .quote = r.quote, .quote_size = r.quote_size, .now = 1749095100 };
        r.answer.data[96 + 4] = cases[i].number;
        bool ok = pml_onchain_verify(&v, &in, &r.answer, &err);
        assert_string_equal(ok ? "" : err.code, cases[i].code);
        assert_int_equal(v.status, cases[i].status);
        assert_int_equal(v.relaunch, cases[i].relaunch);
    }
    unload(&r);
}

/* The contract looks at none of them. */
static void attributes_and_policy_still_count(void **state)
{
    (void)state;
    static const struct {
        const char *policy, *code;
    } cases[] = {
        { "{\"accept_status\":[\"OutOfDate\"]}", "" },
        { "{}", "status_not_accepted" },
        { "{\"accept_status\":[\"any\"],\"td_attributes_allowed\":\"0000000000000000\"}", "td_attributes_reserved" },
        { "{\"accept_status\":[\"any\"],\"rejected_advisory_ids\":[\"INTEL-SA-00982\"]}",
          "policy_rejected_advisory_ids" },
        { "{\"accept_status\":[\"any\"],\"mr_td\":[]}", "policy_mr_td" },
        { "{\"accept_status\":[\"any\"],\"min_tcb_eval_num\":0}", "policy_min_tcb_eval_num" },
        { "{\"accept_status\":[\"any\"],\"max_collateral_age_s\":3155760000}", "policy_max_collateral_age_s" },
    };
    struct recorded r;
    PML_AUTO(json) json_t *file = load_recorded();
    find_recorded(&r, file, "v4-8000");
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        struct pml_error err = { 0 };
        PML_AUTO(verdict) struct pml_verdict v = { 0 };
        PML_AUTO(policy) struct pml_policy policy;
        struct pml_verify_input in = { .quote = r.quote, .quote_size = r.quote_size, .now = 1749095100 };
        assert_true(pml_policy_parse(&policy, cases[i].policy, strlen(cases[i].policy), &err));
        pml_policy_input(&in, &policy);
        bool accepted = pml_onchain_verify(&v, &in, &r.answer, &err) && pml_policy_apply(&v, &policy, 0, &err);
        assert_string_equal(accepted ? "" : err.code, cases[i].code);
    }
    unload(&r);
}

static void padding_is_trimmed_when_it_is_padding(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_quote q;
    size_t size;
    PML_AUTO(mem) char *quote = vector_file("dcap/public/quotes/automata-solana-tdx.bin", &size);
    assert_true(pml_quote_parse(&q, quote, size, &err));
    assert_int_equal(size, 8000);
    assert_int_equal(pml_onchain_trimmed_size(quote, size), q.size);
    assert_true(q.size < 5000);
    quote[size - 1] = 1;
    assert_int_equal(pml_onchain_trimmed_size(quote, size), size);
    assert_int_equal(pml_onchain_trimmed_size(quote, 900), 900);
}

/* --- JSON-RPC --- */

static void answers_of_nodes_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error; /* error NULL: an answer */
        bool reverted;
        size_t size;
    } cases[] = {
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x\"}", NULL, false, 0 },
        { "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0xAb01\"}", NULL, false, 2 },
        { "{\"error\":{\"code\":3,\"message\":\"execution reverted\",\"data\":\"0xa78bf21a\"}}", NULL, true, 4 },
        { "{\"error\":{\"code\":3,\"message\":\"\"}}", NULL, true, 0 },
        { "{\"error\":{\"code\":-32000,\"message\":\"execution reverted\"}}", NULL, true, 0 },
        { "{\"error\":{\"code\":-32015,\"message\":\"VM\",\"data\":\"Reverted 0x01\"}}", NULL, true, 1 },
        { "{\"error\":{\"code\":-32603,\"message\":\"x\",\"data\":{\"data\":\"0x0102\"}}}", NULL, true, 2 },
        { "{\"error\":{\"code\":-32005,\"message\":\"too many requests\"}}", "too many requests" },
        { "{\"error\":{\"code\":-32005,\"message\":\"x\",\"data\":\"see the manual\"}}", "error: x" },
        { "{\"error\":{}}", "it says nothing more" },
        { "{\"result\":\"0x0\"}", "not hex data" },
        { "{\"result\":\"00\"}", "not hex data" },
        { "{\"result\":\"0x00\\u0000\"}", "no result" },
        { "{\"result\":1}", "no result" },
        { "{\"result\":null}", "no result" },
        { "{}", "no result" },
        { "[]", "not a JSON object" },
        { "<html>", "not a JSON object" },
        { "", "not a JSON object" },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        struct pml_error err = { 0 };
        struct pml_eth_answer answer = { 0 };
        if (!pml_eth_answer_parse(&answer, cases[i].text, strlen(cases[i].text), &err)) {
            assert_int_equal(err.kind, PML_UNKNOWN);
            assert_string_equal(err.code, "onchain_unavailable");
            if (!cases[i].error || !strstr(err.text, cases[i].error))
                fail_msg("%s: %s", cases[i].text, err.text);
            continue;
        }
        assert_null(cases[i].error);
        assert_int_equal(answer.reverted, cases[i].reverted);
        assert_int_equal(answer.size, cases[i].size);
        pml_eth_answer_free(&answer);
    }
}

static void only_sound_urls_are_called(void **state)
{
    (void)state;
    static const char *const urls[] = { "",
                                        "ftp://127.0.0.1",
                                        "http://example.org/",
                                        "https://",
                                        "https://u:secret@x/",
                                        "https://x#y",
                                        "http://127.0.0.1.example.org/",
                                        "https://x?key=1" };
    static const uint8_t to[PML_ETH_ADDRESS_SIZE];
    for (size_t i = 0; i < PML_COUNT(urls); i++) {
        struct pml_error err = { 0 };
        struct pml_eth_answer answer;
        assert_false(pml_eth_call(&answer, urls[i], to, "", 0, &err));
        if (err.kind != PML_USAGE)
            fail_msg("%s: %s", urls[i], err.text);
        assert_null(strstr(err.text, "secret"));
    }
}

static void addresses_are_read_strictly(void **state)
{
    (void)state;
    uint8_t out[PML_ETH_ADDRESS_SIZE];
    struct pml_error err;
    assert_true(pml_eth_address_parse(out, "0xaDdeC7e85c2182202b66E331f2a4A0bBB2cEEa1F", &err));
    assert_int_equal(out[0], 0xad);
    assert_int_equal(out[19], 0x1f);
    assert_false(pml_eth_address_parse(out, "aDdeC7e85c2182202b66E331f2a4A0bBB2cEEa1F", &err));
    assert_false(pml_eth_address_parse(out, "0xaDdeC7e85c2182202b66E331f2a4A0bBB2cEEa1", &err));
    assert_false(pml_eth_address_parse(out, "", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calldata_is_what_was_recorded),
        cmocka_unit_test(every_recorded_answer_gives_its_verdict),
        cmocka_unit_test(altered_answers_are_noticed),
        cmocka_unit_test(success_for_another_quote_is_none),
        cmocka_unit_test(statuses_are_the_contracts),
        cmocka_unit_test(attributes_and_policy_still_count),
        cmocka_unit_test(padding_is_trimmed_when_it_is_padding),
        cmocka_unit_test(answers_of_nodes_are_told_apart),
        cmocka_unit_test(only_sound_urls_are_called),
        cmocka_unit_test(addresses_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
