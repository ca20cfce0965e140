/* SPDX-License-Identifier: MIT */
/* Every public case through the library; supplemental data against what Intel's own library reported. */
#include "cases.h"

#include "base/encode.h"

static void assert_text(const char *id, const char *member, const char *got, const json_t *expect)
{
    const char *wanted = json_string_value(json_object_get(expect, member));
    if (!got || !wanted ? got != wanted : strcmp(got, wanted) != 0)
        fail_msg("%s: %s is %s, expected %s", id, member, got ? got : "null", wanted ? wanted : "null");
}

static bool contains(const json_t *list, const json_t *id)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), id))
            return true;
    }
    return false;
}

static void assert_same_set(const char *id, const json_t *got, const json_t *wanted)
{
    assert_int_equal(json_array_size(got), json_array_size(wanted));
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        if (!contains(got, json_array_get(wanted, i)))
            fail_msg("%s: advisory %s is missing", id, json_string_value(json_array_get(wanted, i)));
    }
}

static void assert_statuses(const struct vector_case *c, const struct pml_verdict *v)
{
    assert_text(c->id, "status", pml_tcb_status_name(v->status), c->expect);
    assert_text(c->id, "platform_status", pml_tcb_status_name(v->platform_status), c->expect);
    assert_text(c->id, "qe_status", pml_tcb_status_name(v->qe_status), c->expect);
    assert_text(c->id, "tdx_module_status", pml_tcb_status_name(v->tdx_module_status), c->expect);
    assert_text(c->id, "relaunch", pml_tcb_status_name(v->relaunch), c->expect);
    assert_same_set(c->id, v->advisory_ids, json_object_get(c->expect, "advisory_ids"));
    assert_int_equal(v->accepted, v->status == PML_TCB_UP_TO_DATE);
}

static void every_case_gives_its_outcome(void **state)
{
    (void)state;
    size_t i, accepted = 0;
    json_t *entry;
    PML_AUTO(json) json_t *index = load_cases();
    json_array_foreach(json_object_get(index, "cases"), i, entry) {
        struct vector_case c;
        struct pml_error err = { 0 };
        PML_AUTO(verdict) struct pml_verdict v = { 0 };
        load_case(&c, entry);
        bool passed = pml_policy_verify(&v, c.quote, c.quote_size, &c.collateral, c.now, &c.policy, 0, &err);
        if (v.ok != expects_ok(&c))
            fail_msg("%s: ok is %d: %s", c.id, v.ok, err.text);
        assert_int_equal(passed, v.accepted);
        assert_false(v.simulated);
        if (v.ok)
            assert_statuses(&c, &v);
        else
            assert_text(c.id, "reason", err.code, c.expect);
        accepted += v.ok;
        free_case(&c);
    }
    assert_true(i >= 53 && accepted >= 15);
}

/* QVE reports dates and numbers for every quote it finds genuine, also where attributes make us refuse. */
static void supplemental_data_equals_intels(void **state)
{
    (void)state;
    size_t i, compared = 0;
    json_t *entry;
    PML_AUTO(json) json_t *index = load_cases();
    json_array_foreach(json_object_get(index, "cases"), i, entry) {
        struct vector_case c;
        struct pml_error err = { 0 };
        PML_AUTO(verdict) struct pml_verdict v = { 0 };
        load_case(&c, entry);
        const json_t *intel = json_object_get(c.reference, "intel-dcap-quoteverify@2026-03");
        struct pml_verify_input in = { .quote = c.quote,
                                       .quote_size = c.quote_size,
                                       .collateral = &c.collateral,
                                       .now = c.now,
                                       .allow_debug = true,
                                       .allow_service_td = true,
                                       .allow_sept_ve = true };
        if (json_object_get(intel, "earliest_issue_date") && pml_quote_verify(&v, &in, &err)) {
            const struct pml_supplemental *s = &v.supplemental;
            char hex[97];
            assert_int_equal(s->earliest_issue_date, json_integer_value(json_object_get(intel, "earliest_issue_date")));
            assert_int_equal(s->latest_issue_date, json_integer_value(json_object_get(intel, "latest_issue_date")));
            assert_int_equal(s->earliest_expiration_date,
                             json_integer_value(json_object_get(intel, "earliest_expiration_date")));
            assert_int_equal(s->tcb_date, json_integer_value(json_object_get(intel, "tcb_level_date_tag")));
            assert_int_equal(s->tcb_eval_num, json_integer_value(json_object_get(intel, "tcb_eval_ref_num")));
            assert_int_equal(s->sgx_type, json_integer_value(json_object_get(intel, "sgx_type")));
            assert_text(c.id, "pck_ppid", pml_hex(hex, s->ppid, sizeof s->ppid), intel);
            assert_text(c.id, "root_key_id", pml_hex(hex, s->root_key_id, sizeof s->root_key_id), intel);
            compared++;
        }
        free_case(&c);
    }
    assert_true(compared >= 18);
}

/* Under dcap-qvl's rules the index of TDX components begins at 0: cos113 falls back (spec dcap §2.2). */
static void compat_follows_dcap_qvl(void **state)
{
    (void)state;
    size_t i;
    json_t *entry;
    bool seen = false;
    PML_AUTO(json) json_t *index = load_cases();
    json_array_foreach(json_object_get(index, "cases"), i, entry) {
        struct vector_case c;
        struct pml_error err = { 0 };
        PML_AUTO(verdict) struct pml_verdict v = { 0 };
        if (strcmp(json_string_value(json_object_get(entry, "id")), "real-gotdx-cos113--00806f05-0625") != 0)
            continue;
        load_case(&c, entry);
        c.policy.compat = PML_COMPAT_DCAP_QVL;
        assert_false(pml_policy_verify(&v, c.quote, c.quote_size, &c.collateral, c.now, &c.policy, 0, &err));
        assert_true(v.ok);
        assert_int_equal(v.status, PML_TCB_OUT_OF_DATE);
        assert_string_equal(err.code, "status_not_accepted");
        free_case(&c);
        seen = true;
    }
    assert_true(seen);
}

static void a_grace_period_only_extends_the_end(void **state)
{
    (void)state;
    size_t i;
    json_t *entry;
    PML_AUTO(json) json_t *index = load_cases();
    json_array_foreach(json_object_get(index, "cases"), i, entry) {
        struct vector_case c;
        struct pml_error err = { 0 };
        PML_AUTO(verdict) struct pml_verdict v = { 0 };
        const char *id = json_string_value(json_object_get(entry, "id"));
        bool expired = strcmp(id, "neg-collateral-expired") == 0;
        if (!expired && strcmp(id, "neg-collateral-future") != 0)
            continue;
        load_case(&c, entry);
        c.policy.collateral_grace_period_s = 86400 * 30;
        bool passed = pml_policy_verify(&v, c.quote, c.quote_size, &c.collateral, c.now, &c.policy, 0, &err);
        assert_int_equal(passed, expired);
        if (expired) {
            assert_true(v.supplemental.earliest_expiration_date < v.verified_at);
            pml_verdict_free(&v);
            c.policy.collateral_grace_period_s = 1;
            assert_false(pml_policy_verify(&v, c.quote, c.quote_size, &c.collateral, c.now, &c.policy, 0, &err));
        }
        free_case(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_gives_its_outcome),
        cmocka_unit_test(supplemental_data_equals_intels),
        cmocka_unit_test(compat_follows_dcap_qvl),
        cmocka_unit_test(a_grace_period_only_extends_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
