/* SPDX-License-Identifier: MIT */
/*
 * Platforms of our own making, each broken in one place: one row a rule of spec dcap §2.1 to §2.9, with the code that
 * must name it; and the rules of trust in simulated roots, spec simulator §6.
 */
#include "test.h"

#include "base/digest.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/time.h"
#include "crypto/x509_build.h"
#include "dcap/policy.h"
#include "tdx/platform/sim_collateral.h"
#include "tdx/platform/sim_quote.h"

enum { DAY = 86400 };

/* A simulated world and the places where a case may spoil it, in the order of making. */
struct world {
    int64_t now;
    struct pml_sim_platform platform;
    struct pml_sim_pki_spec spec;
    struct pml_sim_pki pki; /* keys are made once, certificates for every case */
    struct pml_sim_collateral documents;
    X509 *revoked[1];
    enum pml_sim_role chain[3];
    size_t chain_count;
    struct pml_quote quote;
    json_t *bundle;
    struct pml_policy policy;
};

static struct pml_sim_pki keys;

static int make_keys(void **state)
{
    struct pml_error err;
    (void)state;
    return pml_sim_pki_keys(&keys, &err) ? 0 : -1;
}

static int free_keys(void **state)
{
    (void)state;
    pml_sim_pki_free(&keys);
    return 0;
}

typedef void spoil(struct world *w);

struct test_case {
    const char *name, *code; /* NULL: accepted */
    spoil *spec;             /* the certificates to be */
    spoil *documents;        /* the collateral before it is signed */
    spoil *quote;            /* the quote before it is signed */
    spoil *bundle;           /* the bundle afterwards */
};

#define CHECK(expression)             \
    do {                              \
        if (!(expression))            \
            fail_msg("%s", err.text); \
    } while (0)

static void make_documents(struct world *w, const struct test_case *t)
{
    struct pml_error err;
    struct pml_sim_pki_spec honest;
    pml_sim_pki_spec(&honest, &w->platform, w->now);
    CHECK(pml_sim_collateral(&w->documents, &honest.sgx, w->now, w->now, &err));
    if (t->documents)
        t->documents(w);
    PML_AUTO(mem) char *text = pml_sim_bundle(&w->documents, &w->pki, &err);
    CHECK(text);
    w->bundle = pml_json_load(text, strlen(text), &err);
    CHECK(w->bundle);
    if (t->bundle)
        t->bundle(w);
}

static uint8_t *make_quote(struct world *w, const struct test_case *t, size_t *size)
{
    struct pml_error err;
    static const uint8_t compose[32];
    PML_AUTO(mem) char *chain = pml_sim_chain(&w->pki, w->chain, w->chain_count, &err);
    CHECK(chain);
    CHECK(pml_sim_quote_fill(&w->quote, &w->platform, &w->pki, &w->spec.sgx, chain, &err));
    pml_sim_td_report(&w->quote.td, compose);
    if (t->quote)
        t->quote(w);
    uint8_t *bytes = pml_sim_quote_make(&w->quote, &w->pki, size, &err);
    CHECK(bytes);
    return bytes;
}

static void trust_own_root(struct world *w)
{
    struct pml_error err;
    size_t size;
    PML_AUTO(mem) uint8_t *der = pml_cert_der(w->pki.cert[PML_SIM_ROOT], &size, &err);
    CHECK(der);
    w->policy.simulated_roots = calloc(1, sizeof *w->policy.simulated_roots);
    w->policy.simulated_root_count = 1;
    CHECK(pml_root_parse(w->policy.simulated_roots, der, size, true, &err));
}

static void make_world(struct world *w, const struct test_case *t)
{
    struct pml_error err;
    *w = (struct world){
        .now = pml_now(), .chain = { PML_SIM_PCK, PML_SIM_PLATFORM_CA, PML_SIM_ROOT }, .chain_count = 3, .pki = keys
    };
    memset(&w->platform, 7, sizeof w->platform);
    pml_policy_init(&w->policy);
    pml_sim_pki_spec(&w->spec, &w->platform, w->now);
    if (t->spec)
        t->spec(w);
    CHECK(pml_sim_pki_issue(&w->pki, &w->spec, &err));
    memcpy(keys.cert, w->pki.cert, sizeof keys.cert);
}

static void free_world(struct world *w)
{
    pml_sim_collateral_free(&w->documents);
    json_decref(w->bundle);
    pml_policy_free(&w->policy);
}

/* Judges what CASE makes of the world. */
static void judge(struct pml_verdict *v, const struct test_case *t, bool trusted)
{
    struct world w;
    struct pml_error err = { 0 };
    size_t size;
    make_world(&w, t);
    make_documents(&w, t);
    PML_AUTO(mem) uint8_t *quote = make_quote(&w, t, &size);
    PML_AUTO(collateral) struct pml_collateral collateral = { 0 };
    if (trusted)
        trust_own_root(&w);
    if (!pml_collateral_from_json(&collateral, w.bundle, &err))
        pml_verdict_unknown(v, quote, size, w.now, &err);
    else
        (void)!pml_policy_verify(v, quote, size, &collateral, w.now, &w.policy, 0, &err);
    free_world(&w);
}

/* Certificates. */
static void leaf_of_tomorrow(struct world *w)
{
    w->spec.cert[PML_SIM_PCK].not_before = w->now + 1;
}
static void leaf_of_yesterday(struct world *w)
{
    w->spec.cert[PML_SIM_PCK].not_after = w->now - 1;
}
static void leaf_until_now(struct world *w)
{
    w->spec.cert[PML_SIM_PCK].not_after = w->now;
}
static void ca_of_yesterday(struct world *w)
{
    w->spec.cert[PML_SIM_PLATFORM_CA].not_after = w->now - 1;
}
static void signer_of_yesterday(struct world *w)
{
    w->spec.cert[PML_SIM_TCB_SIGNING].not_after = w->now - 1;
}
static void leaf_renamed(struct world *w)
{
    w->spec.cert[PML_SIM_PCK].common_name = "Intel SGX PCK Certificate ";
}
static void ca_renamed(struct world *w)
{
    w->spec.cert[PML_SIM_PLATFORM_CA].common_name = "Intel SGX PCK CA";
}
static void root_renamed(struct world *w)
{
    w->spec.cert[PML_SIM_ROOT].common_name = "Intel SGX Root CA 2";
}
static void signer_renamed(struct world *w)
{
    w->spec.cert[PML_SIM_TCB_SIGNING].common_name = "Intel SGX PCK";
}
static void leaf_by_root(struct world *w)
{
    w->spec.cert[PML_SIM_PCK].issuer = PML_SIM_ROOT;
}
static void ca_is_none(struct world *w)
{
    w->spec.cert[PML_SIM_PLATFORM_CA].exts[4].value = "critical,CA:FALSE";
}
static void leaf_is_ca(struct world *w)
{
    w->spec.cert[PML_SIM_PCK].exts[4].value = "critical,CA:TRUE";
}
static void ca_may_not_sign(struct world *w)
{
    w->spec.cert[PML_SIM_PLATFORM_CA].exts[3].value = "critical,cRLSign";
}
static void unknown_critical(struct world *w)
{
    w->spec.cert[PML_SIM_PCK].exts[5] = (struct pml_x509_ext){ "1.2.3.4", "critical,DER:0500" };
    w->spec.cert[PML_SIM_PCK].ext_count = 6;
}
static void no_sgx_extension(struct world *w)
{
    w->spec.cert[PML_SIM_PCK].sgx_extension = false;
}
static void components_differ(struct world *w)
{
    w->spec.sgx.svn[3] = 9;
}
static void other_fmspc(struct world *w)
{
    w->spec.sgx.fmspc[5] = 2;
}
static void other_pce(struct world *w)
{
    w->spec.sgx.pce_id[1] = 1;
}
static void old_platform(struct world *w)
{
    w->spec.sgx.svn[15] = w->spec.sgx.cpu_svn[15] = 1;
}
static void old_pce(struct world *w)
{
    w->spec.sgx.pce_svn = 12;
}
static void high_pce(struct world *w)
{
    w->spec.sgx.pce_svn = 0x8000;
}

/* Revocation lists. */
static void root_crl_ends_now(struct world *w)
{
    w->documents.root_crl.next_update = w->now;
}
static void pck_crl_begins_later(struct world *w)
{
    w->documents.pck_crl.this_update = w->now + 1;
}
static void put_on_list(struct world *w, struct pml_crl_spec *crl, enum pml_sim_role role)
{
    w->revoked[0] = w->pki.cert[role];
    crl->revoked = w->revoked;
    crl->revoked_count = 1;
}
static void leaf_revoked(struct world *w)
{
    put_on_list(w, &w->documents.pck_crl, PML_SIM_PCK);
}
static void ca_revoked(struct world *w)
{
    put_on_list(w, &w->documents.root_crl, PML_SIM_PLATFORM_CA);
}
static void signer_revoked(struct world *w)
{
    put_on_list(w, &w->documents.root_crl, PML_SIM_TCB_SIGNING);
}
static void leaf_in_the_wrong_list(struct world *w)
{
    put_on_list(w, &w->documents.root_crl, PML_SIM_PCK);
}
static void swap_crls(struct world *w)
{
    json_t *root = json_incref(json_object_get(w->bundle, "root_ca_crl"));
    json_object_set(w->bundle, "root_ca_crl", json_object_get(w->bundle, "pck_crl"));
    json_object_set_new(w->bundle, "pck_crl", root);
}

/* Documents. */
static void set_date(json_t *document, const char *name, int64_t when)
{
    char text[PML_TIME_TEXT];
    json_object_set_new(document, name, json_string(pml_time_text(text, when)));
}
static void tcb_info_expired(struct world *w)
{
    set_date(w->documents.tcb_info, "nextUpdate", w->now - 1);
}
static void tcb_info_until_now(struct world *w)
{
    set_date(w->documents.tcb_info, "nextUpdate", w->now);
}
static void tcb_info_early(struct world *w)
{
    set_date(w->documents.tcb_info, "issueDate", w->now + 1);
}
static void qe_identity_expired(struct world *w)
{
    set_date(w->documents.qe_identity, "nextUpdate", w->now - 1);
}
static void qe_identity_early(struct world *w)
{
    set_date(w->documents.qe_identity, "issueDate", w->now + 1);
}
static void date_with_fraction(struct world *w)
{
    json_object_set_new(w->documents.tcb_info, "issueDate", json_string("2025-01-01T00:00:00.000Z"));
}
static void tcb_info_of_sgx(struct world *w)
{
    json_object_set_new(w->documents.tcb_info, "id", json_string("SGX"));
}
static void tcb_type_1(struct world *w)
{
    json_object_set_new(w->documents.tcb_info, "tcbType", json_integer(1));
}
static void no_eval_num(struct world *w)
{
    json_object_del(w->documents.tcb_info, "tcbEvaluationDataNumber");
}
static void unknown_member(struct world *w)
{
    json_object_set_new(w->documents.tcb_info, "extra", json_object());
}
static void qe_of_sgx(struct world *w)
{
    json_object_set_new(w->documents.qe_identity, "id", json_string("QE"));
}
static void qe_version_3(struct world *w)
{
    json_object_set_new(w->documents.qe_identity, "version", json_integer(3));
}
static void qe_version_4(struct world *w)
{
    json_object_set_new(w->documents.qe_identity, "version", json_integer(4));
}
static void no_modules(struct world *w)
{
    json_object_set_new(w->documents.tcb_info, "tdxModuleIdentities", json_array());
}
static json_t *level(struct world *w, size_t i)
{
    return json_array_get(json_object_get(w->documents.tcb_info, "tcbLevels"), i);
}
static json_t *qe_level(struct world *w)
{
    return json_array_get(json_object_get(w->documents.qe_identity, "tcbLevels"), 0);
}
static void revoked_level(struct world *w)
{
    json_object_set_new(level(w, 0), "tcbStatus", json_string("Revoked"));
}
static void qe_revoked(struct world *w)
{
    json_object_set_new(qe_level(w), "tcbStatus", json_string("Revoked"));
}
static void qe_out_of_date(struct world *w)
{
    json_object_set_new(qe_level(w), "tcbStatus", json_string("OutOfDate"));
}
static void qe_too_old(struct world *w)
{
    json_object_set_new(json_object_get(qe_level(w), "tcb"), "isvsvn", json_integer(5));
}
static void only_a_higher_level(struct world *w)
{
    json_array_remove(json_object_get(w->documents.tcb_info, "tcbLevels"), 1);
}
static void levels_in_ascending_order(struct world *w)
{
    json_t *levels = json_object_get(w->documents.tcb_info, "tcbLevels");
    json_array_append(levels, json_array_get(levels, 0));
    json_array_remove(levels, 0);
}

/* Quote. */
static void other_vendor(struct world *w)
{
    w->quote.qe_vendor_id[15] ^= 1;
}
static void leaf_only(struct world *w)
{
    w->quote.cert_type = PML_CERT_PCK_LEAF;
}
static void qe_debug(struct world *w)
{
    w->quote.qe_report.attributes[0] |= 2;
}
static void qe_of_another_signer(struct world *w)
{
    w->quote.qe_report.mr_signer[0] ^= 1;
}
static void qe_report_data_tail(struct world *w)
{
    w->quote.qe_report.report_data[63] = 1;
}
static void short_auth_data(struct world *w)
{
    PML_AUTO(hash) struct pml_hash hash;
    w->quote.qe_auth_size = 5;
    pml_hash_sha256(&hash);
    pml_hash_add(&hash, w->quote.attestation_key, 64);
    pml_hash_add(&hash, w->quote.qe_auth_data, 5);
    pml_hash_final(&hash, w->quote.qe_report.report_data);
}
static void key_off_the_curve(struct world *w)
{
    PML_AUTO(hash) struct pml_hash hash;
    memset(w->quote.attestation_key, 0, 64);
    pml_hash_sha256(&hash);
    pml_hash_add(&hash, w->quote.attestation_key, 64);
    pml_hash_add(&hash, w->quote.qe_auth_data, w->quote.qe_auth_size);
    pml_hash_final(&hash, w->quote.qe_report.report_data);
}
static void td_debug(struct world *w)
{
    w->quote.td.td_attributes |= PML_TD_DEBUG;
}
static void td_perfmon(struct world *w)
{
    w->quote.td.td_attributes |= PML_TD_PERFMON;
}
static void td_bit_39(struct world *w)
{
    w->quote.td.td_attributes |= UINT64_C(1) << 39;
}
static void td_migratable(struct world *w)
{
    w->quote.td.td_attributes |= PML_TD_MIGRATABLE;
}
static void td_without_sept_ve(struct world *w)
{
    w->quote.td.td_attributes = 0;
}
static void seam_of_another_signer(struct world *w)
{
    w->quote.td.mr_signer_seam[0] = 1;
}
static void seam_attributes(struct world *w)
{
    w->quote.td.seam_attributes = 1;
}
static void unknown_module(struct world *w)
{
    w->quote.td.tee_tcb_svn[1] = 2;
}
static void old_module(struct world *w)
{
    w->quote.td.tee_tcb_svn[0] = 4;
}
static void legacy_module(struct world *w)
{
    w->quote.td.tee_tcb_svn[1] = 0;
}
static void td15(struct world *w)
{
    w->quote.version = 5;
    w->quote.body_type = PML_BODY_TD15;
    memcpy(w->quote.td.tee_tcb_svn2, w->quote.td.tee_tcb_svn, 16);
}
static void td15_with_service_td(struct world *w)
{
    td15(w);
    w->quote.td.mr_service_td[0] = 1;
}
static void td15_now_unknown_module(struct world *w)
{
    td15(w);
    w->quote.td.tee_tcb_svn2[1] = 2;
}

/* Chains and bundle. */
static void chain_reversed(struct world *w)
{
    w->chain[0] = PML_SIM_ROOT;
    w->chain[2] = PML_SIM_PCK;
}
static void chain_without_root(struct world *w)
{
    w->chain_count = 2;
}
static void set_chain(struct world *w, const char *member, enum pml_sim_role first, enum pml_sim_role second)
{
    struct pml_error err;
    const enum pml_sim_role roles[] = { first, second };
    PML_AUTO(mem) char *text = pml_sim_chain(&w->pki, roles, 2, &err);
    CHECK(text);
    json_object_set_new(w->bundle, member, json_string(text));
}
/* The platform's own key signs TCB info: dcap-qvl's JavaScript port accepts it (§2.9). */
static void pck_key_signs(struct world *w)
{
    struct pml_error err;
    struct pml_sim_pki swapped = w->pki;
    swapped.key[PML_SIM_TCB_SIGNING] = w->pki.key[PML_SIM_PCK];
    PML_AUTO(mem) char *text = pml_sim_bundle(&w->documents, &swapped, &err);
    CHECK(text);
    json_decref(w->bundle);
    w->bundle = pml_json_load(text, strlen(text), &err);
    CHECK(w->bundle);
    set_chain(w, "tcb_info_issuer_chain", PML_SIM_PCK, PML_SIM_ROOT);
    set_chain(w, "qe_identity_issuer_chain", PML_SIM_PCK, PML_SIM_ROOT);
}
static void signer_without_root(struct world *w)
{
    set_chain(w, "tcb_info_issuer_chain", PML_SIM_TCB_SIGNING, PML_SIM_TCB_SIGNING);
}
static void reformat(struct world *w)
{
    PML_AUTO(json) json_t *info = json_loads(json_string_value(json_object_get(w->bundle, "tcb_info")), 0, NULL);
    PML_AUTO(mem) char *text = json_dumps(info, JSON_INDENT(1));
    json_object_set_new(w->bundle, "tcb_info", json_string(text));
}
static void chain_in_bundle(struct world *w)
{
    struct pml_error err;
    PML_AUTO(mem) char *text = pml_sim_chain(&w->pki, w->chain, 3, &err);
    CHECK(text);
    json_object_set_new(w->bundle, "pck_certificate_chain", json_string(text));
}
static void no_chain_in_quote(struct world *w)
{
    static const uint8_t ppid[404];
    w->quote.cert_type = PML_CERT_PPID_RSA3072;
    w->quote.cert_data = ppid;
    w->quote.cert_size = sizeof ppid;
}
static void member_missing(struct world *w)
{
    json_object_del(w->bundle, "pck_crl_issuer_chain");
}
static void crl_missing(struct world *w)
{
    json_object_set_new(w->bundle, "pck_crl", json_null());
}
static void crl_empty(struct world *w)
{
    json_object_set_new(w->bundle, "pck_crl", json_string(""));
}
static void signature_not_hex(struct world *w)
{
    json_object_set_new(w->bundle, "tcb_info_signature", json_string("0x00"));
}

static const struct test_case cases[] = {
    { "as it should be", NULL },
    { "PCK certificate not valid yet", "pck_chain_expired", .spec = leaf_of_tomorrow },
    { "PCK certificate expired", "pck_chain_expired", .spec = leaf_of_yesterday },
    { "PCK certificate in its last second", NULL, .spec = leaf_until_now },
    { "PCK CA expired", "pck_chain_expired", .spec = ca_of_yesterday },
    { "TCB signing certificate expired", "tcb_info_chain_expired", .spec = signer_of_yesterday },
    { "PCK certificate by another name", "pck_chain", .spec = leaf_renamed },
    { "PCK CA by another name", "pck_chain", .spec = ca_renamed },
    { "root by another name", "pck_chain", .spec = root_renamed },
    { "signer by another name", "tcb_info_chain", .spec = signer_renamed },
    { "PCK certificate by the root", "pck_chain", .spec = leaf_by_root },
    { "PCK CA that is no CA", "pck_chain", .spec = ca_is_none },
    { "PCK certificate that is a CA", "pck_chain", .spec = leaf_is_ca },
    { "PCK CA that may not sign", "pck_chain", .spec = ca_may_not_sign },
    { "unknown critical extension", "pck_chain", .spec = unknown_critical },
    { "no SGX extension", "pck_chain", .spec = no_sgx_extension },
    { "CPUSVN is not the components", "pck_chain", .spec = components_differ },
    { "another FMSPC", "fmspc_mismatch", .spec = other_fmspc },
    { "another PCEID", "pceid_mismatch", .spec = other_pce },
    { "one component below the level", "status_not_accepted", .spec = old_platform },
    { "PCESVN below the level", "status_not_accepted", .spec = old_pce },
    { "PCESVN that needs a leading zero in DER", NULL, .spec = high_pce },
    { "root CRL ends now", "crl_expired", .documents = root_crl_ends_now },
    { "PCK CRL begins later", "crl_expired", .documents = pck_crl_begins_later },
    { "PCK certificate revoked", "pck_revoked", .documents = leaf_revoked },
    { "PCK CA revoked", "intermediate_revoked", .documents = ca_revoked },
    { "TCB signing certificate revoked", "tcb_signing_revoked", .documents = signer_revoked },
    { "a serial number counts for its issuer only", NULL, .documents = leaf_in_the_wrong_list },
    { "CRLs swapped", "crl_issuer", .bundle = swap_crls },
    { "TCB info expired", "tcb_info_expired", .documents = tcb_info_expired },
    { "TCB info in its last second", NULL, .documents = tcb_info_until_now },
    { "TCB info from the future", "tcb_info_not_yet_valid", .documents = tcb_info_early },
    { "QE identity expired", "qe_identity_expired", .documents = qe_identity_expired },
    { "QE identity from the future", "qe_identity_not_yet_valid", .documents = qe_identity_early },
    { "date with a fraction", "bad_date", .documents = date_with_fraction },
    { "TCB info of SGX", "tcb_info_mismatch", .documents = tcb_info_of_sgx },
    { "tcbType 1", "tcb_info_mismatch", .documents = tcb_type_1 },
    { "no evaluation number", "tcb_info_format", .documents = no_eval_num },
    { "an unknown member", NULL, .documents = unknown_member },
    { "QE identity of SGX", "qe_identity_id", .documents = qe_of_sgx },
    { "QE identity version 3", NULL, .documents = qe_version_3 },
    { "QE identity version 4", "qe_identity_id", .documents = qe_version_4 },
    { "no module identities", "tdx_module_mismatch", .documents = no_modules },
    { "level revoked", "tcb_revoked", .documents = revoked_level },
    { "QE level revoked", "tcb_revoked", .documents = qe_revoked },
    { "QE out of date", "status_not_accepted", .documents = qe_out_of_date },
    { "QE older than its levels", "qe_tcb_not_supported", .documents = qe_too_old },
    { "platform older than its levels", "tcb_not_supported", .spec = old_pce, .documents = only_a_higher_level },
    { "levels in ascending order", NULL, .documents = levels_in_ascending_order },
    { "another QE vendor", "qe_vendor", .quote = other_vendor },
    { "certification data of type 4", "cert_data_type", .quote = leaf_only },
    { "QE in debug mode", "qe_debug", .quote = qe_debug },
    { "QE of another signer", "qe_identity_mismatch", .quote = qe_of_another_signer },
    { "QE report data with a tail", "qe_report_data", .quote = qe_report_data_tail },
    { "five bytes of QE auth data", NULL, .quote = short_auth_data },
    { "attestation key of zeros", "attestation_key", .quote = key_off_the_curve },
    { "TD in debug mode", "td_debug", .quote = td_debug },
    { "TD with PERFMON", NULL, .quote = td_perfmon },
    { "TD with bit 39", "td_attributes_reserved", .quote = td_bit_39 },
    { "migratable TD", "td_attributes_reserved", .quote = td_migratable },
    { "TD without SEPT_VE_DISABLE", "sept_ve_disable", .quote = td_without_sept_ve },
    { "module of another signer", "tdx_module_mismatch", .quote = seam_of_another_signer },
    { "module with attributes", "tdx_module_mismatch", .quote = seam_attributes },
    { "module of an unknown version", "tdx_module_mismatch", .quote = unknown_module },
    { "module older than its levels", "tcb_not_supported", .quote = old_module },
    { "module without an identity of its own", "status_not_accepted", .quote = legacy_module },
    { "TD 1.5", NULL, .quote = td15 },
    { "TD 1.5 with a service TD", "mr_service_td", .quote = td15_with_service_td },
    { "TD 1.5 whose module is unknown now", "tdx_module_mismatch", .quote = td15_now_unknown_module },
    { "PCK key signs the documents", "tcb_info_chain", .bundle = pck_key_signs },
    { "signer's chain without root", "tcb_info_chain", .bundle = signer_without_root },
    { "TCB info reformatted", "tcb_info_signature", .bundle = reformat },
    { "PCK chain in the bundle", NULL, .quote = no_chain_in_quote, .bundle = chain_in_bundle },
    { "no PCK chain anywhere", "cert_data_type", .quote = no_chain_in_quote },
    { "bundle member missing", "collateral_field_missing", .bundle = member_missing },
    { "CRL null", "collateral_field_missing", .bundle = crl_missing },
    { "CRL empty", "crl_format", .bundle = crl_empty },
    { "signature not hex", "collateral_format", .bundle = signature_not_hex },
};

static void each_broken_platform_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        PML_AUTO(verdict) struct pml_verdict v = { 0 };
        judge(&v, &cases[i], true);
        const char *code = v.accepted ? NULL : v.error.code;
        if (!code || !cases[i].code ? code != cases[i].code : strcmp(code, cases[i].code) != 0)
            fail_msg("%s: %s", cases[i].name, v.accepted ? "accepted" : v.error.text);
        if (v.accepted)
            assert_true(v.ok && v.status == PML_TCB_UP_TO_DATE && v.supplemental.sgx_type == 1);
        assert_true(v.simulated || !v.ok);
    }
}

static void a_chain_has_three_certificates_from_leaf_to_root(void **state)
{
    (void)state;
    PML_AUTO(verdict) struct pml_verdict v = { 0 };
    judge(&v, &(struct test_case){ "root first", "pck_chain_root", .spec = chain_reversed }, true);
    assert_string_equal(v.error.code, "pck_chain_root");
    pml_verdict_free(&v);
    judge(&v, &(struct test_case){ "no root", "pck_chain", .spec = chain_without_root }, true);
    assert_string_equal(v.error.code, "pck_chain");
}

static void a_simulation_is_never_taken_for_real(void **state)
{
    (void)state;
    PML_AUTO(verdict) struct pml_verdict v = { 0 };
    judge(&v, &cases[0], true);
    assert_true(v.accepted && v.simulated);
    pml_verdict_free(&v);

    judge(&v, &cases[0], false);
    assert_true(!v.ok && v.simulated);
    assert_string_equal(v.error.code, "pck_chain_root");
    assert_non_null(strstr(v.error.text, "simulation"));
    assert_non_null(strstr(v.error.text, "--trust-simulated"));
    pml_verdict_free(&v);

    /* the label does not depend on how far verification came */
    judge(&v, &(struct test_case){ "bad bundle", "crl_format", .bundle = crl_empty }, false);
    assert_true(!v.ok && v.simulated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_broken_platform_is_named),
        cmocka_unit_test(a_chain_has_three_certificates_from_leaf_to_root),
        cmocka_unit_test(a_simulation_is_never_taken_for_real),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
