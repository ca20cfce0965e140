/* SPDX-License-Identifier: MIT */
/* Reports of a service on a simulated platform, read back as a relying party reads them. */
#include "test.h"

#include "aci/events.h"
#include "aci/report.h"
#include "base/queue.h"
#include "base/time.h"
#include "serve/attestation.h"
#include "tdx/event_log.h"
#include "tdx/platform.h"
#include "tdx/quote.h"

struct fixture {
    char dir[64];
    int lock;
    struct pml_platform *platform;
    struct pml_workload workload;
    struct pml_identity *identity;
    struct pml_attestation *attestation;
    struct pml_queue *answers;
};

struct answer {
    char *report;
    size_t size;
    bool failed;
};

static int setup(void **state)
{
    struct pml_error err;
    struct fixture *f = calloc(1, sizeof *f);
    struct pml_platform_model model = { "m",
                                        "sha256:0000000000000000000000000000000000000000000000000000000000000000" };
    strcpy(f->dir, "/tmp/pml-attest-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->lock = pml_state_open(f->dir, &err);
    struct pml_platform_options options = {
        .state_dir = f->dir, .simulated = true, .models = &model, .model_count = 1
    };
    f->platform = pml_platform_open(&options, &err);
    if (!f->platform)
        fail_msg("%s", err.text);
    struct pml_model_descriptor descriptor = { .model_id = "m", .file_size = 1 };
    struct pml_engine_descriptor engine = {
        .engine_version = "1", .context_length = 64, .kv_dtype = "f16", .chat_template = "builtin:chatml"
    };
    f->workload.models = json_array();
    json_array_append_new(f->workload.models, pml_model_descriptor_build(&descriptor, &err));
    f->workload.engine = pml_engine_descriptor_build(&engine, &err);
    struct pml_identity_options identity = { .state_dir = f->dir, .keep = true };
    f->identity = pml_identity_open(&identity, pml_now(), &err);
    struct pml_attestation_options attestation = { .platform = f->platform,
                                                   .workload = &f->workload,
                                                   .cache_seconds = 600 };
    f->attestation = pml_attestation_new(&attestation, &err);
    f->answers = pml_queue_new(0, &err);
    assert_true(f->identity && f->attestation && f->answers);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    pml_attestation_free(f->attestation);
    pml_identity_unref(f->identity);
    pml_platform_free(f->platform);
    json_decref(f->workload.models);
    json_decref(f->workload.engine);
    pml_queue_free(f->answers);
    close(f->lock);
    snprintf(command, sizeof command, "rm -r %s", f->dir);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static void on_report(void *arg, char **report, size_t size, const struct pml_error *err)
{
    struct answer *answer = calloc(1, sizeof *answer);
    *answer = (struct answer){ pml_take(report), size, err };
    assert_true(pml_queue_put(arg, answer));
}

static char *ask(struct fixture *f, const uint8_t *nonce, size_t *size)
{
    assert_true(pml_attestation_report(f->attestation, f->identity, nonce, on_report, f->answers));
    struct answer *answer = pml_queue_get(f->answers);
    assert_false(answer->failed);
    char *report = answer->report;
    *size = answer->size;
    free(answer);
    return report;
}

/* Binding, and a log that replays to the quote. */
static void check(const char *text, size_t size, const uint8_t *nonce)
{
    struct pml_error err;
    struct pml_quote quote;
    PML_AUTO(report) struct pml_report report = { 0 };
    PML_AUTO(event_log) struct pml_event_log log = { 0 };
    if (!pml_report_parse(&report, text, size, &err) ||
        !pml_quote_parse(&quote, report.quote, report.quote_size, &err) ||
        !pml_report_check_binding(&report, nonce, quote.td.report_data, &err) ||
        !pml_event_log_parse(&log, report.event_log, strlen(report.event_log), &err) ||
        !pml_event_log_check(&log, quote.td.rtmr, &err))
        fail_msg("%s", err.text);
    assert_string_equal(report.platform, "simulated");
    assert_non_null(report.collateral);
    assert_int_equal(json_array_size(report.models), 1);
    assert_non_null(report.engine);
}

static void reports_bind_keyset_and_nonce(void **state)
{
    struct fixture *f = *state;
    uint8_t nonce[32] = { 1, 2, 3 };
    size_t size, other_size;
    PML_AUTO(mem) char *fresh = ask(f, nonce, &size);
    check(fresh, size, nonce);
    PML_AUTO(mem) char *plain = ask(f, NULL, &other_size);
    check(plain, other_size, NULL);
}

static void a_report_without_nonce_is_reused_until_something_changes(void **state)
{
    struct fixture *f = *state;
    struct pml_error err;
    size_t size, again_size;
    PML_AUTO(mem) char *first = ask(f, NULL, &size);
    PML_AUTO(mem) char *again = ask(f, NULL, &again_size);
    assert_string_equal(first, again); /* ECDSA signatures are randomised: the same text is the same quote */
    assert_true(pml_platform_extend(f->platform, "something", "x", 1, &err));
    PML_AUTO(mem) char *extended = ask(f, NULL, &size);
    assert_string_not_equal(first, extended);
    check(extended, size, NULL);
    struct pml_identity_options options = { .state_dir = f->dir, .keep = true };
    pml_identity_unref(f->identity);
    f->identity = pml_identity_renew(&options, pml_now(), &err);
    PML_AUTO(mem) char *renewed = ask(f, NULL, &size);
    assert_string_not_equal(extended, renewed);
    check(renewed, size, NULL);
}

static void reports_with_a_nonce_are_never_reused(void **state)
{
    struct fixture *f = *state;
    uint8_t nonce[32] = { 9 };
    size_t size;
    PML_AUTO(mem) char *first = ask(f, nonce, &size);
    PML_AUTO(mem) char *again = ask(f, nonce, &size);
    assert_string_not_equal(first, again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reports_bind_keyset_and_nonce, setup, teardown),
        cmocka_unit_test_setup_teardown(a_report_without_nonce_is_reused_until_something_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(reports_with_a_nonce_are_never_reused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
