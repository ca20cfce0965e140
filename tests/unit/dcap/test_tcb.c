/* SPDX-License-Identifier: MIT */
/* TCB info and QE identity: what their parsers refuse, how levels match, and how statuses converge. */
#include "test.h"

#include "base/json.h"
#include "base/memory.h"
#include "dcap/qe_identity.h"
#include "dcap/tcb_info.h"

static json_t *components(int value)
{
    json_t *list = json_array();
    for (int i = 0; i < 16; i++)
        json_array_append_new(list, json_pack("{s:i}", "svn", value));
    return list;
}

static json_t *level(int sgx, int pcesvn, int tdx, const char *status)
{
    return json_pack("{s:{s:o, s:i, s:o}, s:s, s:s}", "tcb", "sgxtcbcomponents", components(sgx), "pcesvn", pcesvn,
                     "tdxtcbcomponents", components(tdx), "tcbDate", "2024-03-13T00:00:00Z", "tcbStatus", status);
}

static json_t *isv_level(int isvsvn, const char *status)
{
    return json_pack("{s:{s:i}, s:s, s:s}", "tcb", "isvsvn", isvsvn, "tcbDate", "2024-03-13T00:00:00Z", "tcbStatus",
                     status);
}

static const char zeros[] = "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
                            "000000";

/* A document of two levels in ascending order and one module identity. */
static json_t *tcb_info(void)
{
    return json_pack(
        "{s:s, s:i, s:s, s:s, s:s, s:s, s:i, s:i, s:{s:s, s:s, s:s}, s:[{s:s, s:s, s:s, s:s, s:[o, o]}], s:[o, o]}",
        "id", "TDX", "version", 3, "issueDate", "2025-01-01T00:00:00Z", "nextUpdate", "2025-02-01T00:00:00Z", "fmspc",
        "00806F050000", "pceId", "0000", "tcbType", 0, "tcbEvaluationDataNumber", 17, "tdxModule", "mrsigner", zeros,
        "attributes", "0000000000000000", "attributesMask", "FFFFFFFFFFFFFFFF", "tdxModuleIdentities", "id", "TDX_0A",
        "mrsigner", zeros, "attributes", "0000000000000000", "attributesMask", "FFFFFFFFFFFFFFFF", "tcbLevels",
        isv_level(4, "UpToDate"), isv_level(2, "OutOfDate"), "tcbLevels", level(1, 5, 1, "OutOfDate"),
        level(3, 10, 4, "UpToDate"));
}

static bool parse(struct pml_tcb_info *out, const json_t *doc, struct pml_error *err)
{
    size_t size;
    PML_AUTO(mem) char *text = pml_json_dump(doc, &size, err);
    assert_non_null(text);
    return pml_tcb_info_parse(out, text, size, err);
}

static void assert_parse_fails(const json_t *doc, const char *code, const char *text)
{
    struct pml_error err;
    struct pml_tcb_info info;
    assert_false(parse(&info, doc, &err));
    pml_tcb_info_free(&info);
    assert_string_equal(err.code, code);
    assert_string_equal(err.text, text);
}

static void every_member_is_mandatory_and_typed(void **state)
{
    (void)state;
    static const char *const members[] = { "id",        "version",  "issueDate", "nextUpdate",
                                           "fmspc",     "pceId",    "tcbType",   "tcbEvaluationDataNumber",
                                           "tdxModule", "tcbLevels" };
    for (size_t i = 0; i < PML_COUNT(members); i++) {
        struct pml_error err;
        struct pml_tcb_info info;
        PML_AUTO(json) json_t *doc = tcb_info();
        json_object_set_new(doc, members[i], json_true());
        assert_false(parse(&info, doc, &err));
        pml_tcb_info_free(&info);
        json_object_del(doc, members[i]);
        assert_false(parse(&info, doc, &err));
        pml_tcb_info_free(&info);
        assert_string_equal(err.code, "tcb_info_format");
    }
}

static void bad_values_are_named(void **state)
{
    (void)state;
    PML_AUTO(json) json_t *doc = tcb_info();
    json_t *levels = json_object_get(doc, "tcbLevels");
    json_t *first = json_array_get(levels, 0);
    json_t *sgx = json_object_get(json_object_get(first, "tcb"), "sgxtcbcomponents");

    json_object_set_new(json_array_get(sgx, 3), "svn", json_integer(256));
    assert_parse_fails(doc, "tcb_info_format", "tcb info: tcbLevels 0: sgxtcbcomponents 3: svn: not in 0..255");
    json_object_set_new(json_array_get(sgx, 3), "svn", json_real(1.0));
    assert_parse_fails(doc, "tcb_info_format", "tcb info: tcbLevels 0: sgxtcbcomponents 3: svn: not an integer");
    json_object_set_new(json_array_get(sgx, 3), "svn", json_integer(1));
    json_array_remove(sgx, 15);
    assert_parse_fails(doc, "tcb_info_format", "tcb info: tcbLevels 0: sgxtcbcomponents: 15 components instead of 16");
    json_array_append_new(sgx, json_pack("{s:i}", "svn", 1));
    json_object_set_new(first, "tcbStatus", json_string("Fine"));
    assert_parse_fails(doc, "tcb_unknown_status", "tcb info: tcbLevels 0: tcbStatus: \"Fine\" is not known");
    json_object_set_new(first, "tcbStatus", json_string("TDRelaunchAdvised"));
    assert_parse_fails(doc, "tcb_unknown_status",
                       "tcb info: tcbLevels 0: tcbStatus: \"TDRelaunchAdvised\" is not known");
    json_object_set_new(first, "tcbStatus", json_string("UpToDate"));
    json_object_set_new(first, "tcbDate", json_string("2024-03-13T00:00:00+00:00"));
    assert_parse_fails(doc, "bad_date", "tcb info: tcbLevels 0: tcbDate: not of the form YYYY-MM-DDThh:mm:ssZ");
    json_object_set_new(first, "tcbDate", json_string("2024-03-13T00:00:00Z"));
    json_array_append(levels, first);
    assert_parse_fails(doc, "tcb_info_format", "tcb info: tcbLevels: the same level twice");
    json_array_remove(levels, 2);
    json_object_set_new(doc, "version", json_integer(2));
    assert_parse_fails(doc, "tcb_info_format", "tcb info: version 2 is not known in this form");
}

static void duplicate_members_are_refused(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_tcb_info info;
    static const char text[] = "{\"id\":\"TDX\",\"id\":\"SGX\"}";
    assert_false(pml_tcb_info_parse(&info, text, sizeof text - 1, &err));
    pml_tcb_info_free(&info);
    assert_string_equal(err.code, "tcb_info_format");
}

static const uint8_t cpu[16] = { 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3 };

static void the_highest_level_within_reach_is_chosen(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_tcb_info info;
    PML_AUTO(json) json_t *doc = tcb_info();
    uint8_t tdx[16] = { 4, 0, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4 };
    uint8_t lower[16];
    assert_true(parse(&info, doc, &err));

    /* major version 0: all sixteen components count, so [1] = 0 reaches neither level */
    assert_null(pml_tcb_level_find(&info, cpu, 10, tdx, false, &err));
    assert_string_equal(err.code, "tcb_not_supported");
    /* any other: [0] and [1] are the module's business */
    tdx[0] = 0;
    tdx[1] = 10;
    const struct pml_tcb_level *found = pml_tcb_level_find(&info, cpu, 10, tdx, false, &err);
    assert_int_equal(found->level.status, PML_TCB_UP_TO_DATE);
    /* dcap-qvl compares them */
    assert_null(pml_tcb_level_find(&info, cpu, 10, tdx, true, &err));
    /* one pcesvn, one component, one TDX component short */
    found = pml_tcb_level_find(&info, cpu, 9, tdx, false, &err);
    assert_int_equal(found->level.status, PML_TCB_OUT_OF_DATE);
    memcpy(lower, cpu, sizeof lower);
    lower[15] = 2;
    found = pml_tcb_level_find(&info, lower, 10, tdx, false, &err);
    assert_int_equal(found->level.status, PML_TCB_OUT_OF_DATE);
    tdx[15] = 3;
    found = pml_tcb_level_find(&info, cpu, 10, tdx, false, &err);
    assert_int_equal(found->level.status, PML_TCB_OUT_OF_DATE);
    pml_tcb_info_free(&info);
}

static void a_module_is_found_by_its_major_version(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_tcb_info info;
    const struct pml_isv_level *found;
    struct pml_td_report td = { 0 };
    uint8_t versions[16] = { 3, 10 };
    PML_AUTO(json) json_t *doc = tcb_info();
    json_object_set_new(json_array_get(json_object_get(doc, "tdxModuleIdentities"), 0), "id", json_string("tdx_0a"));
    assert_true(parse(&info, doc, &err));

    assert_true(pml_tdx_module_check(&found, &info, &td, versions, &err));
    assert_int_equal(found->level.status, PML_TCB_OUT_OF_DATE);
    versions[0] = 1;
    assert_false(pml_tdx_module_check(&found, &info, &td, versions, &err));
    assert_string_equal(err.code, "tcb_not_supported");
    versions[1] = 16; /* 10 in hex, not in decimal */
    assert_false(pml_tdx_module_check(&found, &info, &td, versions, &err));
    assert_string_equal(err.code, "tdx_module_mismatch");
    versions[1] = 0;
    assert_true(pml_tdx_module_check(&found, &info, &td, versions, &err));
    assert_null(found);
    td.seam_attributes = 1;
    assert_false(pml_tdx_module_check(&found, &info, &td, versions, &err));
    td.seam_attributes = 0;
    td.mr_signer_seam[47] = 1;
    assert_false(pml_tdx_module_check(&found, &info, &td, versions, &err));
    assert_string_equal(err.code, "tdx_module_mismatch");
    pml_tcb_info_free(&info);
}

static json_t *qe_identity(void)
{
    return json_pack("{s:s, s:i, s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:i, s:[o, o]}", "id", "TD_QE", "version", 2,
                     "issueDate", "2025-01-01T00:00:00Z", "nextUpdate", "2025-02-01T00:00:00Z",
                     "tcbEvaluationDataNumber", 17, "miscselect", "01000000", "miscselectMask", "FFFFFFFF",
                     "attributes", "11000000000000000000000000000000", "attributesMask",
                     "FBFFFFFFFFFFFFFF0000000000000000", "mrsigner",
                     "DC9E2A7C6F948F17474E34A7FC43ED030F7C1563F1BABDDF6340C82E0E54A8C5", "isvprodid", 2, "tcbLevels",
                     isv_level(4, "UpToDate"), isv_level(2, "OutOfDate"));
}

static void the_quoting_enclave_must_be_the_one_described(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_qe_identity id;
    size_t size;
    PML_AUTO(json) json_t *doc = qe_identity();
    PML_AUTO(mem) char *text = pml_json_dump(doc, &size, &err);
    assert_true(pml_qe_identity_parse(&id, text, size, &err));
    struct pml_sgx_report good = { .misc_select = 1, .attributes = { 0x15, [8] = 0xe7 }, .isv_prod_id = 2 };
    memcpy(good.mr_signer, id.mrsigner, sizeof good.mr_signer);
    assert_true(pml_qe_identity_check(&id, &good, &err));
    struct pml_sgx_report bad = good;
    bad.attributes[0] |= 2;
    assert_false(pml_qe_identity_check(&id, &bad, &err));
    assert_string_equal(err.code, "qe_debug");
    bad = good;
    bad.attributes[7] = 1;
    assert_false(pml_qe_identity_check(&id, &bad, &err));
    assert_string_equal(err.code, "qe_identity_mismatch");
    bad = good;
    bad.misc_select = 0x01000000; /* the hex is in memory order */
    assert_false(pml_qe_identity_check(&id, &bad, &err));
    bad = good;
    bad.mr_signer[31] ^= 1;
    assert_false(pml_qe_identity_check(&id, &bad, &err));
    bad = good;
    bad.isv_prod_id = 1;
    assert_false(pml_qe_identity_check(&id, &bad, &err));
    assert_int_equal(pml_isv_level_find(&id.levels, 3)->level.status, PML_TCB_OUT_OF_DATE);
    assert_null(pml_isv_level_find(&id.levels, 1));
    pml_qe_identity_free(&id);
}

/* spec dcap §2.4, all of it, and dcap-qvl's rule beside it */
static void statuses_converge(void **state)
{
    (void)state;
    static const enum pml_tcb_status N = PML_TCB_NONE, U = PML_TCB_UP_TO_DATE, S = PML_TCB_SW_HARDENING_NEEDED,
                                     C = PML_TCB_CONFIGURATION_NEEDED,
                                     CS = PML_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED, O = PML_TCB_OUT_OF_DATE,
                                     OC = PML_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, R = PML_TCB_REVOKED;
    const struct {
        enum pml_tcb_status platform, qe, module, intel, qvl;
    } cases[] = {
        { U, U, U, U, U },    { S, U, U, S, S },    { C, U, N, C, C },   { CS, U, U, CS, CS },
        { O, U, U, O, O },    { OC, U, U, OC, OC }, { R, U, U, R, R },   { U, O, U, O, O },
        { S, U, O, O, O },    { C, O, U, OC, O },   { CS, U, O, OC, O }, { O, O, O, O, O },
        { OC, O, U, OC, OC }, { U, R, U, R, R },    { OC, U, R, R, R },  { C, R, O, R, R },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        assert_int_equal(pml_tcb_converge(cases[i].platform, cases[i].qe, cases[i].module, PML_COMPAT_INTEL),
                         cases[i].intel);
        assert_int_equal(pml_tcb_converge(cases[i].platform, cases[i].qe, cases[i].module, PML_COMPAT_DCAP_QVL),
                         cases[i].qvl);
    }
    assert_int_equal(pml_tcb_relaunch(O, U), PML_TCB_RELAUNCH_ADVISED);
    assert_int_equal(pml_tcb_relaunch(O, S), PML_TCB_RELAUNCH_ADVISED);
    assert_int_equal(pml_tcb_relaunch(O, C), PML_TCB_RELAUNCH_ADVISED_CONFIGURATION_NEEDED);
    assert_int_equal(pml_tcb_relaunch(OC, U), PML_TCB_RELAUNCH_ADVISED_CONFIGURATION_NEEDED);
    assert_int_equal(pml_tcb_relaunch(O, O), N);
    assert_int_equal(pml_tcb_relaunch(U, U), N);
    assert_int_equal(pml_tcb_relaunch(O, R), N);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_is_mandatory_and_typed),
        cmocka_unit_test(bad_values_are_named),
        cmocka_unit_test(duplicate_members_are_refused),
        cmocka_unit_test(the_highest_level_within_reach_is_chosen),
        cmocka_unit_test(a_module_is_found_by_its_major_version),
        cmocka_unit_test(the_quoting_enclave_must_be_the_one_described),
        cmocka_unit_test(statuses_converge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
