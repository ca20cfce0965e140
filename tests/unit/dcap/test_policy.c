/* SPDX-License-Identifier: MIT */
/* Policies: what the file may say, and what each member refuses. */
#include "test.h"

#include "base/json.h"
#include "base/memory.h"
#include "dcap/policy.h"

static void files_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error; /* NULL: accepted */
    } cases[] = {
        { "{}", NULL },
        { "{\"accept_status\":[\"UpToDate\",\"TDRelaunchAdvised\"],\"allow_debug\":true,\"min_tcb_eval_num\":17}",
          NULL },
        { "{\"mr_td\":null,\"compat\":null,\"models\":[],\"unpinned\":[\"rt_mr0\",\"compose_hash\"]}", NULL },
        { "{\"engine_builds\":[\"sha256:0000000000000000000000000000000000000000000000000000000000000000\"]}", NULL },
        { "[]", "policy: not a JSON object" },
        { "", "policy: not JSON at line 1 column 0" },
        { "{\"allow_debgu\":true}", "policy: allow_debgu: no such member" },
        { "{\"allow_debug\":true,\"allow_debug\":false}", "policy: duplicate member at line 1 column 33" },
        { "{\"allow_debug\":1}", "policy: allow_debug: not true or false" },
        { "{\"allow_debug\":null}", "policy: allow_debug: not true or false" },
        { "{\"accept_status\":\"UpToDate\"}", "policy: accept_status: not an array" },
        { "{\"accept_status\":[\"uptodate\"]}", "policy: accept_status: no such status: \"uptodate\"" },
        { "{\"accept_status\":[\"Revoked\"]}", "policy: accept_status: Revoked is never acceptable" },
        { "{\"min_tcb_eval_num\":-1}", "policy: min_tcb_eval_num: not an integer from 0 to 3155760000" },
        { "{\"min_tcb_eval_num\":1.0}", "policy: min_tcb_eval_num: not an integer from 0 to 3155760000" },
        { "{\"mr_td\":[\"00\"]}", "policy: mr_td: item 0 is not 96 hex digits" },
        { "{\"models\":[\"00\"]}", "policy: models: item 0 is not sha256: and 64 hex digits" },
        { "{\"unpinned\":[\"mrtd\"]}", "policy: unpinned: names something that is not a measurement" },
        { "{\"compat\":\"dcap\"}", "policy: compat: not \"dcap-qvl\"" },
        { "{\"td_attributes_allowed\":\"00\"}", "policy: td_attributes_allowed: not 16 hex digits" },
        { "{\"rejected_advisory_ids\":[1]}", "policy: rejected_advisory_ids: not an array of strings" },
        { "{\"trusted_root\":\"x\"}", "policy: trusted_root: root certificate: 0 certificates, 1 are needed" },
        { "{\"simulated_roots\":\"x\"}", "policy: simulated_roots: not an array" },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        struct pml_error err = { 0 };
        struct pml_policy policy;
        if (pml_policy_parse(&policy, cases[i].text, strlen(cases[i].text), &err)) {
            pml_policy_free(&policy);
            if (cases[i].error)
                fail_msg("accepted: %s", cases[i].text);
            continue;
        }
        assert_int_equal(err.kind, PML_USAGE);
        assert_string_equal(err.code, "policy_format");
        if (!cases[i].error || strcmp(err.text, cases[i].error) != 0)
            fail_msg("%s: %s", cases[i].text, err.text);
    }
}

static struct pml_verdict genuine(void)
{
    struct pml_verdict v = { .ok = true,
                             .body_type = PML_BODY_TD10,
                             .verified_at = 1000000,
                             .status = PML_TCB_UP_TO_DATE,
                             .advisory_ids = json_pack("[s]", "INTEL-SA-00001"),
                             .supplemental = { .tcb_eval_num = 17, .oldest_collateral = 999000 } };
    memset(v.td.mr_td, 0xaa, sizeof v.td.mr_td);
    memset(v.td.report_data, 0xbb, sizeof v.td.report_data);
    return v;
}

/* Judges a genuine quote by the policy TEXT; returns the code, "" when accepted. */
static const char *judge(const char *text, unsigned flags)
{
    struct pml_error err = { 0 };
    PML_AUTO(verdict) struct pml_verdict v = genuine();
    PML_AUTO(policy) struct pml_policy policy;
    if (!pml_policy_parse(&policy, text, strlen(text), &err))
        fail_msg("%s: %s", text, err.text);
    bool accepted = pml_policy_apply(&v, &policy, flags, &err);
    assert_int_equal(accepted, v.accepted);
    assert_true(accepted ? !v.error.code : v.error.code == err.code);
    return accepted ? "" : err.code;
}

#define AA48 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define AA32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void each_member_refuses_under_its_own_code(void **state)
{
    (void)state;
    assert_string_equal(judge("{}", 0), "");
    assert_string_equal(judge("{\"accept_status\":[\"OutOfDate\"]}", 0), "status_not_accepted");
    assert_string_equal(judge("{\"accept_status\":[]}", 0), "status_not_accepted");
    assert_string_equal(judge("{\"accept_status\":[\"any\"]}", 0), "");
    assert_string_equal(judge("{\"min_tcb_eval_num\":17}", 0), "");
    assert_string_equal(judge("{\"min_tcb_eval_num\":18}", 0), "policy_min_tcb_eval_num");
    assert_string_equal(judge("{\"max_collateral_age_s\":1000}", 0), "");
    assert_string_equal(judge("{\"max_collateral_age_s\":999}", 0), "policy_max_collateral_age_s");
    assert_string_equal(judge("{\"allowed_advisory_ids\":[]}", 0), "policy_allowed_advisory_ids");
    assert_string_equal(judge("{\"allowed_advisory_ids\":[\"INTEL-SA-00001\"]}", 0), "");
    assert_string_equal(judge("{\"rejected_advisory_ids\":[\"INTEL-SA-00001\"]}", 0), "policy_rejected_advisory_ids");
    assert_string_equal(judge("{\"mr_td\":[\"" AA48 "\"]}", 0), "");
    assert_string_equal(judge("{\"mr_td\":[]}", 0), "policy_mr_td");
    assert_string_equal(judge("{\"rt_mr3\":[\"" AA48 "\"]}", 0), "policy_rt_mr3");
    assert_string_equal(judge("{\"mr_enclave\":[\"" AA32 "\"]}", 0), "policy_mr_enclave");
    assert_string_equal(judge("{\"report_data\":[\"" AA32 AA32 "\"]}", 0), "policy_report_data");
    assert_string_equal(judge("{\"report_data\":[\"" AA32 AA32 "\"]}", PML_POLICY_IGNORE_REPORT_DATA), "");
    assert_string_equal(judge("{\"compose_hash\":[\"" AA32 "\"]}", 0), "policy_compose_hash");
    assert_string_equal(judge("{\"models\":[\"sha256:" AA32 "\"]}", 0), "policy_models");
    assert_string_equal(judge("{\"models\":[\"sha256:" AA32 "\"]}", PML_POLICY_LOG_CHECKED_LATER), "");
}

/* What the policies A and B come to, when B may only tighten A; "" for acceptance. */
static const char *judge_both(const char *a, const char *b)
{
    struct pml_error err = { 0 };
    PML_AUTO(verdict) struct pml_verdict v = genuine();
    PML_AUTO(policy) struct pml_policy policy;
    PML_AUTO(json) json_t *asked = json_loads(b, 0, NULL);
    if (!pml_policy_parse(&policy, a, strlen(a), &err))
        fail_msg("%s: %s", a, err.text);
    if (!pml_policy_tighten(&policy, asked, &err))
        return err.code;
    return pml_policy_apply(&v, &policy, 0, &err) ? "" : err.code;
}

/* Both orders: a policy that refuses goes on refusing whatever is asked for beside it. */
static void tightening_never_loosens(void **state)
{
    (void)state;
    static const struct {
        const char *holds, *fails, *code;
    } cases[] = {
        { "{\"accept_status\":[\"UpToDate\",\"OutOfDate\"]}", "{\"accept_status\":[\"OutOfDate\"]}",
          "status_not_accepted" },
        { "{\"min_tcb_eval_num\":17}", "{\"min_tcb_eval_num\":18}", "policy_min_tcb_eval_num" },
        { "{\"max_collateral_age_s\":1000}", "{\"max_collateral_age_s\":999}", "policy_max_collateral_age_s" },
        { "{\"allowed_advisory_ids\":[\"INTEL-SA-00001\",\"INTEL-SA-00002\"]}",
          "{\"allowed_advisory_ids\":[\"INTEL-SA-00002\"]}", "policy_allowed_advisory_ids" },
        { "{\"rejected_advisory_ids\":[\"INTEL-SA-00002\"]}", "{\"rejected_advisory_ids\":[\"INTEL-SA-00001\"]}",
          "policy_rejected_advisory_ids" },
        { "{\"mr_td\":[\"" AA48 "\"]}", "{\"mr_td\":[\"" AA32 "00000000000000000000000000000000\"]}", "policy_mr_td" },
        { "{\"mr_td\":null}", "{\"mr_td\":[]}", "policy_mr_td" },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        assert_string_equal(judge_both(cases[i].holds, cases[i].holds), "");
        assert_string_equal(judge_both(cases[i].holds, "{}"), "");
        assert_string_equal(judge_both(cases[i].holds, cases[i].fails), cases[i].code);
        assert_string_equal(judge_both(cases[i].fails, cases[i].holds), cases[i].code);
        assert_string_equal(judge_both(cases[i].fails, "{}"), cases[i].code);
        assert_string_equal(judge_both("{}", cases[i].fails), cases[i].code);
    }
    assert_string_equal(judge_both("{}", "{\"compat\":\"dcap-qvl\"}"), "policy_format");
    assert_string_equal(judge_both("{\"compat\":\"dcap-qvl\"}", "{\"compat\":\"dcap-qvl\"}"), "");
    assert_string_equal(judge_both("{}", "{\"acept_status\":[]}"), "policy_format");
}

static void tightening_takes_what_both_allow(void **state)
{
    (void)state;
    struct pml_error err = { 0 };
    PML_AUTO(policy) struct pml_policy policy;
    static const char own[] = "{\"allow_debug\":true,\"allow_service_td\":true,\"require_sept_ve_disable\":false,"
                              "\"td_attributes_allowed\":\"0f00000000000000\",\"collateral_grace_period_s\":100}";
    static const char other[] = "{\"allow_debug\":false,\"require_sept_ve_disable\":true,"
                                "\"td_attributes_allowed\":\"fc00000000000000\",\"collateral_grace_period_s\":50}";
    static const char looser[] = "{\"allow_debug\":true,\"require_sept_ve_disable\":false,"
                                 "\"td_attributes_allowed\":\"ffffffffffffffff\",\"collateral_grace_period_s\":500}";
    PML_AUTO(json) json_t *asked = json_loads(other, 0, NULL);
    PML_AUTO(json) json_t *asked_more = json_loads(looser, 0, NULL);
    assert_true(pml_policy_parse(&policy, own, sizeof own - 1, &err));
    assert_true(pml_policy_tighten(&policy, asked, &err));
    for (size_t i = 0; i < 2; i++) {
        assert_false(policy.allow_debug);
        assert_true(policy.allow_service_td);
        assert_true(policy.require_sept_ve_disable);
        assert_int_equal(policy.td_attributes_allowed, 0x0c);
        assert_int_equal(policy.collateral_grace_period_s, 50);
        assert_true(pml_policy_tighten(&policy, asked_more, &err));
    }
    pml_policy_free(&policy);
    assert_true(pml_policy_tighten(&policy, asked_more, &err)); /* the default policy gives no grace */
    assert_int_equal(policy.collateral_grace_period_s, -1);
    assert_int_equal(policy.td_attributes_allowed, PML_TD_ATTRIBUTES_ALLOWED);
}

static void relaunch_is_a_status_of_its_own(void **state)
{
    (void)state;
    struct pml_error err = { 0 };
    PML_AUTO(verdict) struct pml_verdict v = genuine();
    PML_AUTO(policy) struct pml_policy policy;
    pml_policy_init(&policy);
    v.status = PML_TCB_OUT_OF_DATE;
    v.relaunch = PML_TCB_RELAUNCH_ADVISED;
    assert_false(pml_policy_apply(&v, &policy, 0, &err));
    assert_true(pml_policy_accept(&policy, "UpToDate,TDRelaunchAdvised", &err));
    assert_true(pml_policy_apply(&v, &policy, 0, &err));
    v.relaunch = PML_TCB_RELAUNCH_ADVISED_CONFIGURATION_NEEDED;
    assert_false(pml_policy_apply(&v, &policy, 0, &err));
    assert_true(pml_policy_accept(&policy, "any", &err));
    assert_true(pml_policy_apply(&v, &policy, 0, &err));
    assert_false(pml_policy_accept(&policy, "UpToDate,", &err));
    assert_false(pml_policy_accept(&policy, "Revoked", &err));
    assert_int_equal(PML_ACCEPT_ANY & PML_ACCEPT(PML_TCB_REVOKED), 0);
}

static void what_did_not_verify_is_never_accepted(void **state)
{
    (void)state;
    struct pml_error err = { 0 };
    PML_AUTO(verdict) struct pml_verdict v = genuine();
    PML_AUTO(policy) struct pml_policy policy;
    pml_policy_init(&policy);
    policy.accept = ~0u;
    v.ok = false;
    pml_fail(&v.error, PML_NO, "quote_signature", "forged");
    assert_false(pml_policy_apply(&v, &policy, 0, &err));
    assert_false(v.accepted);
    assert_string_equal(err.code, "quote_signature");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read_strictly),         cmocka_unit_test(each_member_refuses_under_its_own_code),
        cmocka_unit_test(tightening_never_loosens),        cmocka_unit_test(tightening_takes_what_both_allow),
        cmocka_unit_test(relaunch_is_a_status_of_its_own), cmocka_unit_test(what_did_not_verify_is_never_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
