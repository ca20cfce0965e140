/* SPDX-License-Identifier: MIT */
/* Requests to the verification service and what they are answered. */
#include "judged.h"

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static const char *code_of(const json_t *answer)
{
    return text_of(json_object_get(answer, "error"), "code");
}

/* --- POST /verify --- */

static json_t *real_request(void)
{
    return json_pack("{s:o, s:o, s:o}", "quote", vector_hex(REAL_QUOTE), "event_log", vector_text(REAL_LOG),
                     "vm_config", vector_text(REAL_CONFIG));
}

static void dstack_answer_is_that_of_a_real_td(void **state)
{
    (void)state;
    struct judged j;
    size_t size;
    struct pml_error err;
    judged_open(&j, REAL_BUNDLE, "{}");
    PML_AUTO(json) json_t *request = real_request();
    PML_AUTO(json) json_t *answer = ask_json(pml_judge_dstack, &j, request, REAL_NOW, 200);
    const json_t *details = json_object_get(answer, "details"), *app = json_object_get(details, "app_info");
    PML_AUTO(mem) char *expected = vector_file("measurement/quotes/qemu9.2.1-16c-64g-1gpu/expected.json", &size);
    PML_AUTO(json) json_t *wanted = pml_json_load(expected, size, &err);
    PML_AUTO(mem) char *config = vector_file(REAL_CONFIG, &size);
    PML_AUTO(json) json_t *vm_config = pml_json_load(config, size, &err);

    assert_true(json_is_true(json_object_get(details, "quote_verified")));
    assert_true(json_is_true(json_object_get(details, "event_log_verified")));
    assert_string_equal(text_of(details, "tcb_status"), "UpToDate");
    assert_string_equal(text_of(details, "tee_variant"), "dstack-tdx");
    assert_int_equal(strlen(text_of(details, "report_data")), 128);
    assert_string_equal(text_of(app, "mrtd"), text_of(wanted, "mrtd"));
    assert_string_equal(text_of(app, "rtmr3"), text_of(wanted, "rtmr3"));
    assert_string_equal(text_of(app, "os_image_hash"), text_of(vm_config, "os_image_hash"));
    assert_non_null(json_object_get(details, "boot_info"));
    /* no calculator of measurements yet: nothing may be called valid */
    assert_true(json_is_false(json_object_get(answer, "is_valid")));
    assert_true(json_is_false(json_object_get(details, "os_image_hash_verified")));
    assert_non_null(strstr(text_of(answer, "reason"), "OS image hash verification failed"));
    judged_close(&j);
}

/* Each step stops the examination: what comes after it has not been shown. */
static void dstack_steps_come_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *name, *policy, *remove, *set, *value;
        int64_t now;
        const char *reason;
        bool quote_verified, report_data, event_log_verified, app_info;
    } cases[] = {
        { "no quote", "{}", "quote", NULL, NULL, REAL_NOW, "Quote verification failed: quote is missing" },
        { "not hex", "{}", NULL, "quote", "0x0", REAL_NOW, "Quote verification failed: quote: not hex" },
        { "not a quote", "{}", NULL, "quote", "0400", REAL_NOW, "Quote verification failed: " },
        { "an attestation blob", "{}", "quote", "attestation", "00", REAL_NOW, "attestation is not read here" },
        { "too late", "{}", NULL, NULL, NULL, REAL_NOW + 400 * 86400, "Quote verification failed: " },
        { "a status that is not accepted", "{\"accept_status\":[\"OutOfDate\"]}", NULL, NULL, NULL, REAL_NOW,
          "Policy verification failed: status UpToDate", true },
        { "no log", "{}", "event_log", NULL, NULL, REAL_NOW, "Event log verification failed: event_log is missing",
          true, true },
        { "an empty log", "{}", NULL, "event_log", "[]", REAL_NOW, "Event log verification failed: ", true, true },
        { "a log that is none", "{}", NULL, "event_log", "{", REAL_NOW, "Event log verification failed: ", true, true },
        { "a vm_config that is none", "{}", NULL, "vm_config", "{", REAL_NOW, "App info verification failed: vm_config",
          true, true, true },
        { "another application", "{\"app_id\":[\"0000000000000000000000000000000000000000\"]}", NULL, NULL, NULL,
          REAL_NOW, "Policy verification failed: app_id", true, true, true, true },
        { "models", "{\"models\":[]}", NULL, NULL, NULL, REAL_NOW, "Policy verification failed: models", true, true,
          true, true },
        { "no vm_config", "{}", "vm_config", NULL, NULL, REAL_NOW, "OS image hash verification failed", true, true,
          true, true },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        struct judged j;
        judged_open(&j, REAL_BUNDLE, cases[i].policy);
        PML_AUTO(json) json_t *request = real_request();
        if (cases[i].remove)
            json_object_del(request, cases[i].remove);
        if (cases[i].set)
            json_object_set_new(request, cases[i].set, json_string(cases[i].value));
        PML_AUTO(json) json_t *answer = ask_json(pml_judge_dstack, &j, request, cases[i].now, 200);
        const json_t *details = json_object_get(answer, "details");
        if (!strstr(text_of(answer, "reason"), cases[i].reason))
            fail_msg("%s: %s", cases[i].name, text_of(answer, "reason"));
        assert_true(json_is_false(json_object_get(answer, "is_valid")));
        assert_int_equal(json_is_true(json_object_get(details, "quote_verified")), cases[i].quote_verified);
        assert_int_equal(json_is_string(json_object_get(details, "report_data")), cases[i].report_data);
        assert_int_equal(json_is_true(json_object_get(details, "event_log_verified")), cases[i].event_log_verified);
        assert_int_equal(json_is_object(json_object_get(details, "app_info")), cases[i].app_info);
        judged_close(&j);
    }
}

/* A debug TD is refused even by a service whose policy lets it pass. */
static void dstack_never_accepts_debug(void **state)
{
    (void)state;
    struct judged j;
    judged_open(&j, "dcap/public/collateral/50806f-0623-trustee-tdx4-debug.json",
                "{\"allow_debug\":true,\"accept_status\":[\"any\"],\"require_sept_ve_disable\":false,"
                "\"td_attributes_allowed\":\"ffffffffffffffff\"}");
    PML_AUTO(json)
    json_t *request = json_pack("{s:o}", "quote", vector_hex("dcap/public/quotes/trustee-tdx4-debug.bin"));
    PML_AUTO(json) json_t *answer = ask_json(pml_judge_dstack, &j, request, 1687219200, 200);
    if (!strstr(text_of(answer, "reason"), "TD attributes verification failed: the TD runs in debug mode"))
        fail_msg("%s", text_of(answer, "reason"));
    judged_close(&j);
}

static void dstack_bodies_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        unsigned status;
    } cases[] = {
        { "", 400 },
        { "{", 400 },
        { "{}{}", 400 },
        { "[]", 422 },
        { "{\"quote\":1}", 422 },
        { "{\"event_log\":[]}", 422 },
        { "{\"debug\":\"yes\"}", 422 },
        { "{\"quote\":\"\\u0000\"}", 422 },
        { "{\"debug\":true,\"quote\":null,\"more\":1}", 200 },
        { "{}", 200 },
    };
    struct judged j;
    judged_open(&j, REAL_BUNDLE, "{}");
    for (size_t i = 0; i < PML_COUNT(cases); i++)
        json_decref(ask_text(pml_judge_dstack, &j, cases[i].body, strlen(cases[i].body), REAL_NOW, cases[i].status));
    judged_close(&j);
}

/* --- POST /v1/quote --- */

static void quote_is_judged_as_by_the_command(void **state)
{
    (void)state;
    struct judged j;
    judged_open(&j, REAL_BUNDLE, "{}");
    PML_AUTO(json)
    json_t *request = json_pack("{s:o, s:n, s:n, s:n}", "quote", vector_hex(REAL_QUOTE), "collateral", "at", "policy");
    PML_AUTO(json) json_t *answer = ask_json(pml_judge_quote, &j, request, REAL_NOW, 200);
    assert_true(json_is_true(json_object_get(answer, "accepted")));
    assert_string_equal(text_of(answer, "status"), "UpToDate");
    assert_string_equal(text_of(answer, "verified_at"), REAL_AT);
    judged_close(&j);
}

static void quote_time_needs_a_switch(void **state)
{
    (void)state;
    struct judged j;
    judged_open(&j, REAL_BUNDLE, "{}");
    PML_AUTO(json) json_t *request = json_pack("{s:o, s:s}", "quote", vector_hex(REAL_QUOTE), "at", REAL_AT);
    PML_AUTO(json) json_t *refused = ask_json(pml_judge_quote, &j, request, REAL_NOW + 400 * 86400, 400);
    assert_non_null(strstr(text_of(json_object_get(refused, "error"), "message"), "at: "));
    j.judge.allow_time_override = true;
    PML_AUTO(json) json_t *answer = ask_json(pml_judge_quote, &j, request, REAL_NOW + 400 * 86400, 200);
    assert_true(json_is_true(json_object_get(answer, "accepted")));
    json_object_set_new(request, "at", json_integer(REAL_NOW));
    json_decref(ask_json(pml_judge_quote, &j, request, REAL_NOW, 400));
    judged_close(&j);
}

static void quote_brings_its_own_collateral(void **state)
{
    (void)state;
    struct judged j;
    size_t size;
    struct pml_error err;
    judged_open(&j, "dcap/public/collateral/bundle-sgx-dcapqvl-sgx.json", "{}");
    PML_AUTO(mem) char *text = vector_file(REAL_BUNDLE, &size);
    PML_AUTO(json) json_t *request = json_pack("{s:o}", "quote", vector_hex(REAL_QUOTE));
    PML_AUTO(json) json_t *none = ask_json(pml_judge_quote, &j, request, REAL_NOW, 200);
    assert_string_equal(code_of(none), "collateral_unavailable");
    assert_string_equal(text_of(none, "tee"), "tdx");
    json_object_set_new(request, "collateral", pml_json_load(text, size, &err));
    PML_AUTO(json) json_t *answer = ask_json(pml_judge_quote, &j, request, REAL_NOW, 200);
    assert_true(json_is_true(json_object_get(answer, "accepted")));
    json_object_del(json_object_get(request, "collateral"), "tcb_info");
    PML_AUTO(json) json_t *incomplete = ask_json(pml_judge_quote, &j, request, REAL_NOW, 200);
    assert_string_equal(code_of(incomplete), "collateral_field_missing");
    judged_close(&j);
}

/* POLICY of a request against one of the service; the code that follows, "" for acceptance, "400" for a refusal. */
static void quote_policy_only_tightens(void **state)
{
    (void)state;
    static const struct {
        const char *service, *request, *code;
    } cases[] = {
        { "{}", "{}", "" },
        { "{}", "{\"accept_status\":[\"UpToDate\",\"OutOfDate\"]}", "" },
        { "{\"accept_status\":[\"OutOfDate\"]}", "{\"accept_status\":[\"any\"]}", "status_not_accepted" },
        { "{\"accept_status\":[\"any\"]}", "{\"accept_status\":[\"OutOfDate\"]}", "status_not_accepted" },
        { "{\"min_tcb_eval_num\":1000}", "{\"min_tcb_eval_num\":0}", "policy_min_tcb_eval_num" },
        { "{\"min_tcb_eval_num\":0}", "{\"min_tcb_eval_num\":1000}", "policy_min_tcb_eval_num" },
        { "{}", "{\"mr_td\":[]}", "policy_mr_td" },
        { "{}", "{\"mr_tdd\":[]}", "400" },
        { "{}", "{\"trusted_root\":\"\"}", "400" },
        { "{}", "{\"simulated_roots\":[]}", "" },
        { "{}", "{\"compat\":\"dcap-qvl\"}", "400" },
        { "{\"compat\":\"dcap-qvl\"}", "{\"compat\":\"dcap-qvl\"}", "" },
        { "{}", "[]", "400" },
    };
    struct pml_error err;
    PML_AUTO(json) json_t *quote = vector_hex(REAL_QUOTE);
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        struct judged j;
        bool bad = strcmp(cases[i].code, "400") == 0;
        judged_open(&j, REAL_BUNDLE, cases[i].service);
        PML_AUTO(json)
        json_t *request = json_pack("{s:O, s:o}", "quote", quote, "policy",
                                    pml_json_load(cases[i].request, strlen(cases[i].request), &err));
        PML_AUTO(json) json_t *answer = ask_json(pml_judge_quote, &j, request, REAL_NOW, bad ? 400 : 200);
        if (!bad && strcmp(code_of(answer), cases[i].code) != 0)
            fail_msg("%s and %s: %s", cases[i].service, cases[i].request, code_of(answer));
        judged_close(&j);
    }
}

/* A root in the request is no way to have another PKI trusted. */
static void quote_roots_are_the_services(void **state)
{
    (void)state;
    struct judged j;
    judged_open(&j, "dcap/public/collateral/synth-happy-tdx4.json", "{}");
    PML_AUTO(json) json_t *request = json_pack("{s:o}", "quote", vector_hex("dcap/public/quotes/synth-happy-tdx4.bin"));
    PML_AUTO(json) json_t *answer = ask_json(pml_judge_quote, &j, request, 1750000000, 200);
    assert_string_equal(code_of(answer), "pck_chain_root");
    judged_close(&j);
}

static void quote_bodies_are_read_strictly(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "[]",
        "{}",
        "{\"quote\":null}",
        "{\"quote\":\"zz\"}",
        "{\"quote\":\"040\"}",
        "{\"quote\":\"04\",\"quotes\":1}",
        "{\"quote\":\"04\",\"collateral\":\"x\"}",
        "{\"quote\":\"04\",\"policy\":1}",
        "{\"quote\":\"04\",\"quote\":\"05\"}",
    };
    struct judged j;
    judged_open(&j, REAL_BUNDLE, "{}");
    for (size_t i = 0; i < PML_COUNT(bodies); i++)
        json_decref(ask_text(pml_judge_quote, &j, bodies[i], strlen(bodies[i]), REAL_NOW, 400));
    PML_AUTO(json) json_t *empty = ask_text(pml_judge_quote, &j, "{\"quote\":\"\"}", 12, REAL_NOW, 200);
    assert_string_equal(code_of(empty), "quote_format");
    judged_close(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dstack_answer_is_that_of_a_real_td), cmocka_unit_test(dstack_steps_come_in_order),
        cmocka_unit_test(dstack_never_accepts_debug),         cmocka_unit_test(dstack_bodies_are_read_strictly),
        cmocka_unit_test(quote_is_judged_as_by_the_command),  cmocka_unit_test(quote_time_needs_a_switch),
        cmocka_unit_test(quote_brings_its_own_collateral),    cmocka_unit_test(quote_policy_only_tightens),
        cmocka_unit_test(quote_roots_are_the_services),       cmocka_unit_test(quote_bodies_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
