/* SPDX-License-Identifier: MIT */
/*
 * The client against a service that lies in one place: the check of spec inference-api §2.11 that the lie is about ends
 * the run, and while it is one of those up to `identity` not a byte of the prompt has left.
 */
#include "test.h"

#include <sys/stat.h>

#include "aci/events.h"
#include "base/encode.h"
#include "base/json.h"
#include "client/session.h"
#include "service.h"

#define SECRET "what colour are plums, PLUM-4711"

struct run {
    struct service *service;
    struct pml_policy policy;
    struct pml_session session;
    bool attested, asked;
    char shown[256];
};

static void on_text(void *arg, const char *text, size_t size)
{
    struct run *run = arg;
    size_t old = strlen(run->shown);
    assert_true(old + size < sizeof run->shown);
    memcpy(run->shown + old, text, size);
}

static char *question(size_t *size)
{
    char *body =
        strdup("{\"model\":\"demo\",\"messages\":[{\"role\":\"user\",\"content\":\"" SECRET "\"}],\"stream\":true}");
    *size = strlen(body);
    return body;
}

static void start(struct run *run, enum lie lie, bool trusted)
{
    struct pml_error err;
    *run = (struct run){ .service = service_start(lie) };
    pml_policy_init(&run->policy);
    if (trusted && !pml_policy_trust_simulated(&run->policy, service_state_dir(run->service), &err))
        fail_msg("%s", err.text);
}

/* Attests, and asks if that went well, as pml chat does. */
static void talk(struct run *run)
{
    struct pml_error err;
    size_t size;
    struct pml_session_options options = { .url = service_url(run->service), .policy = &run->policy };
    if (!pml_session_open(&run->session, &options, &err))
        fail_msg("%s", err.text);
    run->attested = pml_session_attest(&run->session, PML_CHECK_IDENTITY);
    char *body = question(&size);
    if (run->attested)
        run->asked = pml_session_ask(&run->session, body, size, on_text, run);
    else
        free(body);
}

static void stop(struct run *run)
{
    pml_session_free(&run->session);
    pml_policy_free(&run->policy);
    service_stop(run->service);
}

static void an_honest_service_is_verified(void **state)
{
    (void)state;
    struct run run;
    struct pml_error err;
    start(&run, HONEST, true);
    talk(&run);
    const struct pml_checks *checks = &run.session.checks;
    if (checks->error.code)
        fail_msg("%s", checks->error.text);
    assert_true(run.asked);
    assert_true(pml_checks_ok(checks));
    assert_int_equal(pml_checks_status(checks), 0);
    assert_true(checks->verdict.simulated);
    assert_string_equal(run.shown, "Plums are purple.");
    assert_string_equal(run.session.answer.finish_reason, "stop");
    assert_true(service_saw(run.service, SECRET));

    PML_AUTO(json) json_t *json = pml_checks_json(checks, &err);
    PML_AUTO(mem) char *text = json_dumps(json_object_get(json, "checks"), JSON_COMPACT);
    assert_string_equal(text, "{\"report\":\"pass\",\"quote\":\"pass\",\"report_data\":\"pass\",\"tls_key\":\"pass\","
                              "\"event_log\":\"pass\",\"model\":\"pass\",\"engine\":\"pass\",\"identity\":\"skip\","
                              "\"receipt\":\"pass\",\"request_hash\":\"pass\",\"response_hash\":\"pass\","
                              "\"receipt_model\":\"pass\",\"receipt_engine\":\"pass\",\"replay\":\"skip\"}");
    stop(&run);
}

static const struct {
    const char *name;
    enum lie lie;
    const char *check; /* that fails; NULL: none, but CODE */
    const char *code;  /* in the JSON output */
    enum pml_kind kind;
    bool prompt_sent;
} lies[] = {
    { "no report", REPORT_404, "report", "report", PML_NO, false },
    { "report not at hand", REPORT_503, NULL, "server", PML_UNKNOWN, false },
    { "report is not JSON", REPORT_NOT_JSON, "report", "report", PML_NO, false },
    { "report does not end", REPORT_ENDLESS, "report", "report", PML_NO, false },
    { "report of another version", REPORT_OTHER_VERSION, "report", "report", PML_NO, false },
    { "no quote", NO_QUOTE, "quote", "quote_format", PML_NO, false },
    { "quote altered", QUOTE_BIT, "quote", "quote_signature", PML_NO, false },
    { "collateral altered", COLLATERAL_BYTE, "quote", "tcb_info_signature", PML_NO, false },
    { "no collateral", NO_COLLATERAL, NULL, "collateral_unavailable", PML_UNKNOWN, false },
    { "wrong keyset digest", KEYSET_DIGEST, "report_data", "report_data", PML_NO, false },
    { "another keyset", KEYSET_OTHER, "report_data", "report_data", PML_NO, false },
    { "stale nonce", OLD_NONCE, "report_data", "report_data", PML_NO, false },
    { "TLS key not in the keyset", TLS_KEY_UNLISTED, "tls_key", "tls_key", PML_NO, false },
    { "TLS key of another host", TLS_KEY_OF_OTHER_HOST, "tls_key", "tls_key", PML_NO, false },
    { "keyset expired", KEYSET_EXPIRED, "tls_key", "tls_key", PML_NO, false },
    { "keyset good for ever", KEYSET_FOR_EVER, "tls_key", "tls_key", PML_NO, false },
    { "event digest altered", EVENT_DIGEST, "event_log", "event_log", PML_NO, false },
    { "event left out", EVENT_DROPPED, "event_log", "event_log", PML_NO, false },
    { "no event log", NO_EVENT_LOG, "event_log", "event_log", PML_NO, false },
    { "another app_compose", APP_COMPOSE, "event_log", "event_log", PML_NO, false },
    { "another model than measured", MODEL_DESCRIPTOR, "model", "model", PML_NO, false },
    { "model measured and hidden", MODEL_EXTRA, "model", "model", PML_NO, false },
    { "no model", NO_MODEL, "model", "model", PML_NO, false },
    { "another engine than measured", ENGINE_DESCRIPTOR, "engine", "engine", PML_NO, false },
    { "engine measured twice", ENGINE_TWICE, "engine", "engine", PML_NO, false },
    { "TLS key swapped after the report", TLS_KEY_SWAPPED_BEFORE_PROMPT, "tls_key", "tls_key", PML_NO, false },
    { "TLS key swapped after the answer", TLS_KEY_SWAPPED_BEFORE_RECEIPT, "tls_key", "tls_key", PML_NO, true },
    { "request refused", REFUSAL, NULL, "refused", PML_NO, true },
    { "answer cut", CUT_STREAM, NULL, "network", PML_UNKNOWN, true },
    { "answer breaks off with an error", ERROR_EVENT, NULL, "response", PML_NO, true },
    { "answer is no chat completion", NOT_AN_ANSWER, NULL, "response", PML_NO, true },
    { "no receipt id", NO_RECEIPT_ID, "receipt", "receipt", PML_NO, true },
    { "receipt id is a path", STRANGE_RECEIPT_ID, "receipt", "receipt", PML_NO, true },
    { "receipt withheld", RECEIPT_404, "receipt", "receipt", PML_NO, true },
    { "receipt does not end", RECEIPT_ENDLESS, "receipt", "receipt", PML_NO, true },
    { "receipt signature altered", RECEIPT_SIGNATURE, "receipt", "receipt", PML_NO, true },
    { "another receipt", RECEIPT_OTHER_ID, "receipt", "receipt", PML_NO, true },
    { "receipt cites another keyset", RECEIPT_OTHER_KEYSET, "receipt", "receipt", PML_NO, true },
    { "receipt of another path", RECEIPT_OTHER_PATH, "receipt", "receipt", PML_NO, true },
    { "receipt of another model asked for", RECEIPT_OTHER_ASKED_MODEL, "receipt", "receipt", PML_NO, true },
    { "receipt of another request", RECEIPT_OTHER_REQUEST, "request_hash", "request_hash", PML_NO, true },
    { "byte of the answer altered", ANSWER_BYTE, "response_hash", "response_hash", PML_NO, true },
    { "receipt without a model", RECEIPT_NO_MODEL, "receipt_model", "receipt_model", PML_NO, true },
    { "receipt of another model", RECEIPT_OTHER_MODEL, "receipt_model", "receipt_model", PML_NO, true },
    { "receipt of another engine", RECEIPT_OTHER_ENGINE, "receipt_engine", "receipt_engine", PML_NO, true },
};

static void assert_failed_as(const char *name, struct run *run, const char *check, const char *code, enum pml_kind kind,
                             bool prompt_sent)
{
    struct pml_error err;
    const struct pml_checks *checks = &run->session.checks;
    if (!checks->error.code)
        fail_msg("%s: not noticed", name);
    PML_AUTO(json) json_t *json = pml_checks_json(checks, &err);
    json_t *error = json_object_get(json, "error");
    if (strcmp(json_string_value(json_object_get(error, "code")), code) != 0 || checks->error.kind != kind)
        fail_msg("%s: code %s, kind %d: %s", name, json_string_value(json_object_get(error, "code")),
                 checks->error.kind, checks->error.text);
    const char *outcome;
    json_t *value;
    json_object_foreach(json_object_get(json, "checks"), outcome, value) {
        bool failed = !strcmp(json_string_value(value), "fail");
        if (failed != (check && !strcmp(outcome, check)))
            fail_msg("%s: %s is %s: %s", name, outcome, json_string_value(value), checks->error.text);
    }
    assert_false(pml_checks_ok(checks));
    assert_int_equal(pml_checks_status(checks), kind);
    if (service_saw(run->service, "PLUM-4711") != prompt_sent || service_saw(run->service, "POST ") != prompt_sent)
        fail_msg("%s: the prompt was %ssent", name, prompt_sent ? "not " : "");
}

static void every_lie_fails_the_check_it_is_about(void **state)
{
    (void)state;
    for (size_t i = 0; i < PML_COUNT(lies); i++) {
        struct run run;
        start(&run, lies[i].lie, true);
        talk(&run);
        assert_failed_as(lies[i].name, &run, lies[i].check, lies[i].code, lies[i].kind, lies[i].prompt_sent);
        stop(&run);
    }
}

static void a_simulation_needs_trust_by_name(void **state)
{
    (void)state;
    struct run run;
    start(&run, HONEST, false);
    talk(&run);
    assert_failed_as("untrusted simulation", &run, "quote", "pck_chain_root", PML_NO, false);
    assert_true(run.session.checks.verdict.simulated);
    stop(&run);
}

static void another_simulation_is_not_the_trusted_one(void **state)
{
    (void)state;
    struct run run, other;
    struct pml_error err;
    start(&other, HONEST, true);
    start(&run, HONEST, false);
    assert_true(pml_policy_trust_simulated(&run.policy, service_state_dir(other.service), &err));
    talk(&run);
    assert_failed_as("other simulation", &run, "quote", "pck_chain_root", PML_NO, false);
    stop(&run);
    stop(&other);
}

static void asking_before_attesting_sends_nothing(void **state)
{
    (void)state;
    struct run run;
    struct pml_error err;
    size_t size;
    start(&run, HONEST, true);
    struct pml_session_options options = { .url = service_url(run.service), .policy = &run.policy };
    assert_true(pml_session_open(&run.session, &options, &err));
    assert_true(pml_session_attest(&run.session, PML_CHECK_ENGINE));
    char *body = question(&size);
    assert_false(pml_session_ask(&run.session, body, size, NULL, NULL));
    assert_false(service_saw(run.service, "PLUM-4711"));
    assert_int_equal(service_connections(run.service), 1);
    stop(&run);
}

static void a_conversation_is_judged_turn_by_turn(void **state)
{
    (void)state;
    struct run run;
    size_t size;
    start(&run, HONEST, true);
    talk(&run);
    assert_true(run.asked);
    run.shown[0] = 0;
    char *body = question(&size);
    assert_true(pml_session_ask(&run.session, body, size, on_text, &run));
    assert_string_equal(run.shown, "Plums are purple.");
    assert_true(pml_checks_ok(&run.session.checks));
    stop(&run);
}

static void a_printed_policy_pins_what_it_saw(void **state)
{
    (void)state;
    struct run run;
    struct pml_error err;
    start(&run, HONEST, true);
    talk(&run);
    PML_AUTO(mem) char *text = pml_checks_policy(&run.session.checks, &err);
    assert_non_null(text);
    PML_AUTO(policy) struct pml_policy policy;
    if (!pml_policy_parse(&policy, text, strlen(text), &err))
        fail_msg("%s", err.text);
    static const enum pml_pin_name pins[] = { PML_PIN_MR_TD,        PML_PIN_RT_MR0,       PML_PIN_RT_MR1,
                                              PML_PIN_RT_MR2,       PML_PIN_COMPOSE_HASH, PML_PIN_MODELS,
                                              PML_PIN_ENGINE_BUILDS };
    for (size_t i = 0; i < PML_COUNT(pins); i++) {
        assert_true(policy.pins[pins[i]].set);
        assert_int_equal(policy.pins[pins[i]].count, 1);
    }
    struct pml_checks *checks = &run.session.checks;
    checks->policy = &policy;
    checks->policy_given = true;
    assert_true(pml_checks_run(checks, PML_CHECK_IDENTITY, PML_CHECK_IDENTITY));
    assert_int_equal(checks->outcome[PML_CHECK_IDENTITY], PML_PASSED);

    static const enum pml_pin_name of_the_log[] = { PML_PIN_COMPOSE_HASH, PML_PIN_MODELS, PML_PIN_ENGINE_BUILDS };
    for (size_t i = 0; i < PML_COUNT(of_the_log); i++) {
        checks->error = (struct pml_error){ 0 };
        policy.pins[of_the_log[i]].values[0] ^= 1;
        assert_false(pml_checks_run(checks, PML_CHECK_IDENTITY, PML_CHECK_IDENTITY));
        assert_int_equal(checks->ended_at, PML_CHECK_IDENTITY);
        assert_int_equal(checks->outcome[PML_CHECK_IDENTITY], PML_FAILED);
        policy.pins[of_the_log[i]].values[0] ^= 1;
    }
    stop(&run);
}

/* The rule for a quote that is not simulated, on the evidence of one that is. */
static void a_real_td_must_be_pinned(void **state)
{
    (void)state;
    struct run run;
    struct pml_error err;
    start(&run, HONEST, true);
    talk(&run);
    struct pml_checks *checks = &run.session.checks;
    PML_AUTO(mem) char *text = pml_checks_policy(checks, &err);
    checks->verdict.simulated = false;
    assert_false(pml_checks_run(checks, PML_CHECK_IDENTITY, PML_CHECK_IDENTITY));
    assert_string_equal(checks->error.text, "no policy pins mr_td, so any TD would do; see --print-policy");

    PML_AUTO(policy) struct pml_policy policy;
    assert_true(pml_policy_parse(&policy, text, strlen(text), &err));
    checks->policy = &policy;
    checks->policy_given = true;
    checks->error = (struct pml_error){ 0 };
    assert_true(pml_checks_run(checks, PML_CHECK_IDENTITY, PML_CHECK_IDENTITY));

    policy.pins[PML_PIN_RT_MR0].set = false;
    assert_false(pml_checks_run(checks, PML_CHECK_IDENTITY, PML_CHECK_IDENTITY));
    assert_string_equal(checks->error.text, "no policy pins rt_mr0, so any TD would do; see --print-policy");
    policy.unpinned = 1u << PML_PIN_RT_MR0;
    checks->error = (struct pml_error){ 0 };
    assert_true(pml_checks_run(checks, PML_CHECK_IDENTITY, PML_CHECK_IDENTITY));
    stop(&run);
}

/* What was saved verifies offline, as pml receipt verify does it, and fails when any of it is altered. */
static void saved_files_verify_offline(void **state)
{
    (void)state;
    static const char *const names[] = { "report.json", "nonce", "request.json", "response.bin", "receipt.json" };
    struct run run;
    struct pml_error err;
    char dir[128], path[4096];
    char *files[PML_COUNT(names)];
    size_t sizes[PML_COUNT(names)];
    uint8_t nonce[PML_NONCE_SIZE];
    start(&run, HONEST, true);
    talk(&run);
    snprintf(dir, sizeof dir, "%s/saved", service_state_dir(run.service));
    assert_true(pml_session_save(&run.session, dir, &err));
    for (size_t i = 0; i < PML_COUNT(names); i++) {
        files[i] = pml_read_file(pml_path(path, dir, names[i]), 1 << 24, &sizes[i], &err);
        assert_non_null(files[i]);
    }
    assert_true(pml_nonce_parse(nonce, files[1]));
    struct pml_checks offline = { .report_text = files[0],
                                  .report_size = sizes[0],
                                  .nonce = nonce,
                                  .policy = &run.policy,
                                  .now = run.session.checks.now,
                                  .receipt_text = files[4],
                                  .receipt_size = sizes[4],
                                  .request = files[2],
                                  .request_size = sizes[2],
                                  .response = files[3],
                                  .response_size = sizes[3] };
    struct pml_checks checks = offline;
    assert_true(pml_checks_run(&checks, PML_CHECK_REPORT, PML_CHECK_COUNT - 1));
    assert_true(pml_checks_ok(&checks));
    assert_int_equal(checks.outcome[PML_CHECK_TLS_KEY], PML_SKIPPED);
    assert_int_equal(checks.outcome[PML_CHECK_REPORT], PML_SKIPPED);
    assert_int_equal(checks.outcome[PML_CHECK_RESPONSE_HASH], PML_PASSED);
    pml_checks_wipe(&checks);

    checks = offline;
    checks.request = checks.response = NULL;
    assert_true(pml_checks_run(&checks, PML_CHECK_REPORT, PML_CHECK_COUNT - 1));
    assert_true(pml_checks_ok(&checks));
    assert_int_equal(checks.outcome[PML_CHECK_REQUEST_HASH], PML_SKIPPED);
    pml_checks_wipe(&checks);

    checks = offline;
    checks.nonce = NULL;
    assert_false(pml_checks_run(&checks, PML_CHECK_REPORT, PML_CHECK_COUNT - 1));
    assert_int_equal(checks.ended_at, PML_CHECK_REPORT_DATA);
    pml_checks_wipe(&checks);

    files[3][sizes[3] / 2] ^= 1;
    checks = offline;
    assert_false(pml_checks_run(&checks, PML_CHECK_REPORT, PML_CHECK_COUNT - 1));
    assert_int_equal(checks.ended_at, PML_CHECK_RESPONSE_HASH);
    pml_checks_wipe(&checks);
    for (size_t i = 0; i < PML_COUNT(names); i++)
        free(files[i]);
    stop(&run);
}

static void urls_that_are_not_https_are_misuse(void **state)
{
    (void)state;
    static const char *const bad[] = { "http://127.0.0.1:1", "127.0.0.1",   "https://",
                                       "https://:8443",      "https://a@b", "https://[::1" };
    PML_AUTO(policy) struct pml_policy policy;
    pml_policy_init(&policy);
    for (size_t i = 0; i < PML_COUNT(bad); i++) {
        struct pml_error err = { 0 };
        struct pml_session session;
        struct pml_session_options options = { .url = bad[i], .policy = &policy };
        if (pml_session_open(&session, &options, &err))
            fail_msg("%s: accepted", bad[i]);
        assert_int_equal(err.kind, PML_USAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_service_is_verified),
        cmocka_unit_test(every_lie_fails_the_check_it_is_about),
        cmocka_unit_test(a_simulation_needs_trust_by_name),
        cmocka_unit_test(another_simulation_is_not_the_trusted_one),
        cmocka_unit_test(asking_before_attesting_sends_nothing),
        cmocka_unit_test(a_conversation_is_judged_turn_by_turn),
        cmocka_unit_test(a_printed_policy_pins_what_it_saw),
        cmocka_unit_test(a_real_td_must_be_pinned),
        cmocka_unit_test(saved_files_verify_offline),
        cmocka_unit_test(urls_that_are_not_https_are_misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
