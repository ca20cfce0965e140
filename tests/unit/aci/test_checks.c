/* SPDX-License-Identifier: MIT */
/*
 * The checks on a report around a real Intel-signed quote of somebody else's TD: it is genuine, and still says nothing
 * for this keyset. (Services that pass, and lie, are in tests/unit/client.)
 */
#include "documents.h"

#include "aci/checks.h"

#define QUOTE      "dcap/public/quotes/dcapqvl-tdx4.bin"
#define COLLATERAL "dcap/public/collateral/bundle-b0c06f-dcapqvl-tdx4.json"
#define WHEN       1751623200
#define YEAR       (365 * INT64_C(86400))

struct case_state {
    char *report, *collateral;
    size_t collateral_size;
    struct pml_policy policy;
    struct pml_checks checks;
};

static void start(struct case_state *s, bool with_collateral)
{
    struct pml_error err;
    size_t size;
    *s = (struct case_state){ 0 };
    PML_AUTO(json) json_t *family = vector_json("aci/direct-service.json");
    json_t *report = at(family, "report_without_nonce");
    PML_AUTO(mem) char *quote = vector_file(QUOTE, &size);
    PML_AUTO(mem) char *hex = malloc(2 * size + 1);
    s->collateral = vector_file(COLLATERAL, &s->collateral_size);
    json_t *bundle = pml_json_load(s->collateral, s->collateral_size, &err);
    assert_non_null(bundle);
    json_t *evidence = at(report, "attestation.evidence");
    json_object_set_new(evidence, "quote", json_string(pml_hex(hex, quote, size)));
    json_object_set_new(evidence, "pml", json_pack("{s:o}", "collateral", with_collateral ? bundle : json_null()));
    if (!with_collateral)
        json_decref(bundle);
    s->report = pml_json_dump(report, &size, &err);
    pml_policy_init(&s->policy);
    s->checks = (struct pml_checks){ .report_text = s->report, .report_size = size, .policy = &s->policy, .now = WHEN };
}

static void stop(struct case_state *s)
{
    pml_checks_wipe(&s->checks);
    pml_policy_free(&s->policy);
    free(s->report);
    free(s->collateral);
}

static void a_genuine_quote_of_another_binds_nothing(void **state)
{
    (void)state;
    struct case_state s;
    start(&s, true);
    assert_false(pml_checks_run(&s.checks, PML_CHECK_REPORT, PML_CHECK_COUNT - 1));
    assert_int_equal(s.checks.outcome[PML_CHECK_QUOTE], PML_PASSED);
    assert_false(s.checks.verdict.simulated);
    assert_int_equal(s.checks.ended_at, PML_CHECK_REPORT_DATA);
    assert_int_equal(pml_checks_status(&s.checks), PML_NO);
    stop(&s);
}

static void old_collateral_of_the_report_is_no_verdict(void **state)
{
    (void)state;
    struct case_state s;
    start(&s, true);
    s.checks.now = WHEN + YEAR;
    assert_false(pml_checks_run(&s.checks, PML_CHECK_REPORT, PML_CHECK_COUNT - 1));
    assert_string_equal(s.checks.error.code, "collateral_unavailable");
    assert_int_equal(pml_checks_status(&s.checks), PML_UNKNOWN);
    assert_int_equal(s.checks.outcome[PML_CHECK_QUOTE], PML_SKIPPED);
    stop(&s);
}

static void old_collateral_that_was_chosen_is_a_no(void **state)
{
    (void)state;
    struct case_state s;
    start(&s, true);
    s.checks.now = WHEN + YEAR;
    s.checks.collateral = s.collateral;
    s.checks.collateral_size = s.collateral_size;
    assert_false(pml_checks_run(&s.checks, PML_CHECK_REPORT, PML_CHECK_COUNT - 1));
    assert_int_equal(s.checks.ended_at, PML_CHECK_QUOTE);
    assert_int_equal(pml_checks_status(&s.checks), PML_NO);
    stop(&s);
}

static void collateral_comes_from_where_it_was_asked_for(void **state)
{
    (void)state;
    struct case_state s;
    start(&s, true);
    s.checks.fresh_collateral = true;
    assert_false(pml_checks_run(&s.checks, PML_CHECK_REPORT, PML_CHECK_QUOTE));
    assert_string_equal(s.checks.error.code, "collateral_unavailable");
    stop(&s);

    start(&s, false);
    s.checks.collateral = s.collateral;
    s.checks.collateral_size = s.collateral_size;
    assert_true(pml_checks_run(&s.checks, PML_CHECK_REPORT, PML_CHECK_QUOTE));
    assert_int_equal(s.checks.outcome[PML_CHECK_QUOTE], PML_PASSED);
    stop(&s);
}

static void a_pin_of_the_quote_is_judged_with_it(void **state)
{
    (void)state;
    struct pml_error err;
    struct case_state s;
    char zero[97];
    memset(zero, '0', 96);
    zero[96] = 0;
    start(&s, true);
    assert_true(pml_policy_pin(&s.policy, PML_PIN_MR_TD, zero, &err));
    assert_false(pml_checks_run(&s.checks, PML_CHECK_REPORT, PML_CHECK_COUNT - 1));
    assert_int_equal(s.checks.ended_at, PML_CHECK_QUOTE);
    assert_string_equal(s.checks.error.code, "policy_mr_td");
    stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_genuine_quote_of_another_binds_nothing),
        cmocka_unit_test(old_collateral_of_the_report_is_no_verdict),
        cmocka_unit_test(old_collateral_that_was_chosen_is_a_no),
        cmocka_unit_test(collateral_comes_from_where_it_was_asked_for),
        cmocka_unit_test(a_pin_of_the_quote_is_judged_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
