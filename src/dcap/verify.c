/* SPDX-License-Identifier: MIT */
/* Quote verification: the steps of spec dcap §2.1, in its order and under its names. */
#include "dcap/verify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/encode.h"
#include "base/memory.h"
#include "base/time.h"
#include "dcap/attributes.h"
#include "dcap/ecdsa.h"
#include "dcap/verification.h"

/* Tells the caller's trace, if there is one, what the running step has compared. */
__attribute__((format(printf, 2, 3))) static void note(const struct pml_verification *v, const char *fmt, ...)
{
    char text[400];
    va_list args;
    if (!v->in->trace)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    v->in->trace(v->in->trace_context, v->step, text);
}

/* A step that is done already. */
static bool skip(const struct pml_verification *v, const char *why)
{
    note(v, "%s", why);
    return true;
}

/* How much of a foreign text goes into a message. */
static int shown(struct pml_text text)
{
    return text.size < 40 ? (int)text.size : 40;
}

static void show_body(struct pml_verdict *verdict, const struct pml_quote *q)
{
    if (q->version >= 3 && q->version <= 5)
        verdict->quote_version = q->version;
    verdict->body_type = q->body_type;
    verdict->td = q->td;
    verdict->sgx = q->sgx;
}

/* S1: parse and frame the quote. */
static bool parse_quote(struct pml_verification *v, struct pml_error *err)
{
    bool parsed = pml_quote_parse(&v->quote, v->in->quote, v->in->quote_size, err);
    show_body(v->verdict, &v->quote);
    if (!parsed)
        return pml_wrap(err, "quote");
    if (memcmp(v->quote.qe_vendor_id, pml_intel_qe_vendor_id, sizeof pml_intel_qe_vendor_id) != 0)
        return pml_fail(err, PML_NO, "qe_vendor", "the quoting enclave is not Intel's");
    if (v->in->collateral->pck_chain.size == 0 && v->quote.cert_type != PML_CERT_PCK_CHAIN)
        return pml_fail(err, PML_NO, "cert_data_type",
                        "certification data of type %u: only type 5 holds the PCK chain, others need "
                        "pck_certificate_chain in the collateral",
                        v->quote.cert_type);
    note(v, "version %u, %s, body type %d, %zu bytes, certification data type %u", v->quote.version,
         pml_quote_is_td(&v->quote) ? "TDX" : "SGX", v->quote.body_type, v->quote.size, v->quote.cert_type);
    return true;
}

/* S2: the bundle was decoded by its parser; here the lists inside it. */
static bool parse_crls(struct pml_verification *v, struct pml_error *err)
{
    const struct pml_collateral *c = v->in->collateral;
    struct pml_bytes root = { c->root_crl, c->root_crl_size }, pck = { c->pck_crl, c->pck_crl_size };
    v->bundle = v->in->cache ? pml_known_bundle_get(v->in->cache, c, v->in->now, err) : &v->own_bundle;
    if (!v->bundle)
        return false;
    if (v->bundle->known.verified)
        return skip(v, "verified before");
    if (v->bundle->lists) {
        root.bytes = v->bundle->lists;
        pck.bytes = v->bundle->lists + root.size;
    }
    if (!pml_crl_parse(&v->bundle->root_crl, root, err))
        return pml_wrap(err, "root ca crl");
    if (!pml_crl_parse(&v->bundle->pck_crl, pck, err))
        return pml_wrap(err, "pck crl");
    note(v, "root CRL %zu entries, PCK CRL %zu entries", v->bundle->root_crl.revoked_count,
         v->bundle->pck_crl.revoked_count);
    return true;
}

/* The mark of a simulated root on the last certificate of a chain, whatever the rest of it is worth. */
static bool chain_is_marked(const char *text, size_t size)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    struct pml_chain chain;
    struct pml_cert cert;
    struct pml_error ignored;
    const char *last = NULL;
    const char *end = text + size;
    for (const char *at = text; at < end && (at = memmem(at, (size_t)(end - at), begin, sizeof begin - 1)); at++)
        last = at;
    return last && pml_chain_decode(&chain, last, (size_t)(end - last), 1, "pck_chain", &ignored) &&
           pml_cert_parse(&cert, chain.cert[0], "pck_chain", &ignored) && pml_cert_is_simulated(&cert);
}

static bool quote_is_marked(const struct pml_quote *q)
{
    return q->cert_type == PML_CERT_PCK_CHAIN && q->cert_data &&
           chain_is_marked((const char *)q->cert_data, q->cert_size);
}

/* Decodes the chain of a JSON signer, and checks that it ends in the root of the PCK chain. CODE. */
static bool pin_signer(struct pml_chain *chain, const struct pml_verification *v, struct pml_text pem, const char *code,
                       struct pml_error *err)
{
    if (!v->bundle->known.verified && !pml_chain_decode(chain, pem.bytes, pem.size, 2, code, err))
        return false;
    if (!pml_bytes_same(chain->cert[1], v->platform->chain.root.der))
        return pml_fail(err, PML_NO, code, "ends in another root than the PCK chain");
    return true;
}

/* S3: every chain ends in the trusted root, byte for byte. */
static bool pin_roots(struct pml_verification *v, struct pml_error *err)
{
    const struct pml_collateral *c = v->in->collateral;
    const struct pml_quote *q = &v->quote;
    struct pml_text pem =
        c->pck_chain.size ? c->pck_chain : (struct pml_text){ (const char *)q->cert_data, q->cert_size };
    v->platform = v->in->cache ? pml_known_platform_get(v->in->cache, c, pem, v->in->now, err) : &v->own_platform;
    if (!v->platform)
        return false;
    if (!v->platform->known.verified && !pml_pck_chain_decode(&v->platform->chain, pem, err))
        return pml_wrap(err, "pck chain");
    v->verdict->simulated =
        pml_cert_is_simulated(&v->platform->chain.root) || (c->pck_chain.size && quote_is_marked(q));
    if (!pml_check_root(&v->platform->chain.root, &v->in->trust, err))
        return false;
    if (!pin_signer(&v->bundle->tcb_chain, v, c->tcb_info_chain, "tcb_info_chain", err))
        return pml_wrap(err, "tcb info chain");
    if (!pin_signer(&v->bundle->qe_chain, v, c->qe_identity_chain, "qe_identity_chain", err))
        return pml_wrap(err, "qe identity chain");
    note(v, "three chains end in %s%s", v->verdict->simulated ? "a simulated root that was added" : "the trusted root",
         v->in->trust.root && !v->verdict->simulated ? " that was given" : "");
    return true;
}

/* S4: leaf, intermediate, root in that order, by their names. */
static bool check_pck_chain(struct pml_verification *v, struct pml_error *err)
{
    if (v->platform->known.verified)
        return skip(v, "verified before");
    if (!pml_pck_chain_check(&v->platform->chain, v->when, err))
        return false;
    note(v, "PCK certificate by the %s CA, names, dates, signatures",
         v->platform->chain.by_platform_ca ? "Platform" : "Processor");
    return true;
}

static bool parse_signers(struct pml_verification *v, struct pml_error *err)
{
    if (!pml_cert_parse(&v->bundle->tcb_signer, v->bundle->tcb_chain.cert[0], "tcb_info_chain", err))
        return pml_wrap(err, "tcb signing certificate");
    if (!pml_cert_parse(&v->bundle->qe_signer, v->bundle->qe_chain.cert[0], "qe_identity_chain", err))
        return pml_wrap(err, "qe identity signing certificate");
    return true;
}

/* S5: both lists are genuine and current, and list none of the certificates in use. */
static bool check_crls(struct pml_verification *v, struct pml_error *err)
{
    const struct pml_crl *root_crl = &v->bundle->root_crl, *pck_crl = &v->bundle->pck_crl;
    const struct pml_pck_chain *chain = &v->platform->chain;
    bool bundle_known = v->bundle->known.verified, platform_known = v->platform->known.verified;
    if (!bundle_known && !pml_check_crl(root_crl, &chain->root, v->when, err))
        return pml_wrap(err, "root ca crl");
    if (!platform_known && !pml_check_crl(pck_crl, &chain->intermediate, v->when, err))
        return pml_wrap(err, "pck crl");
    if (!bundle_known && !parse_signers(v, err))
        return false;
    if (!platform_known && pml_crl_lists(root_crl, chain->intermediate.serial))
        return pml_fail(err, PML_NO, "intermediate_revoked", "the PCK CA has been revoked");
    if (!platform_known && pml_crl_lists(pck_crl, chain->leaf.serial))
        return pml_fail(err, PML_NO, "pck_revoked", "the platform's PCK certificate has been revoked");
    if (!bundle_known &&
        (pml_crl_lists(root_crl, v->bundle->tcb_signer.serial) || pml_crl_lists(root_crl, v->bundle->qe_signer.serial)))
        return pml_fail(err, PML_NO, "tcb_signing_revoked", "the TCB signing certificate has been revoked");
    note(v, "issuers, dates, signatures; three serial numbers not listed");
    return true;
}

/* S6. The signature first: nothing unsigned is parsed. */
static bool check_tcb_info(struct pml_verification *v, struct pml_error *err)
{
    const struct pml_collateral *c = v->in->collateral;
    if (v->bundle->known.verified)
        return skip(v, "verified before");
    if (!pml_check_signer(&v->bundle->tcb_signer, &v->platform->chain.root, false, v->when, &pml_tcb_info_codes, err) ||
        !pml_check_document(&v->bundle->tcb_signer, c->tcb_info, c->tcb_info_signature, &pml_tcb_info_codes, err) ||
        !pml_tcb_info_parse(&v->bundle->tcb_info, c->tcb_info.bytes, c->tcb_info.size, err) ||
        !pml_check_window(v->bundle->tcb_info.issue_date, v->bundle->tcb_info.next_update, v->when, &pml_tcb_info_codes,
                          err))
        return false;
    note(v, "TCB info version %" PRId64 ", number %" PRId64 ", %zu levels", v->bundle->tcb_info.version,
         v->bundle->tcb_info.eval_num, v->bundle->tcb_info.level_count);
    return true;
}

/* S7. */
static bool check_qe_identity(struct pml_verification *v, struct pml_error *err)
{
    const struct pml_collateral *c = v->in->collateral;
    if (v->bundle->known.verified)
        return skip(v, "verified before");
    bool same_signer = pml_bytes_same(v->bundle->qe_signer.der, v->bundle->tcb_signer.der);
    if (!pml_check_signer(&v->bundle->qe_signer, &v->platform->chain.root, same_signer, v->when, &pml_qe_identity_codes,
                          err) ||
        !pml_check_document(&v->bundle->qe_signer, c->qe_identity, c->qe_identity_signature, &pml_qe_identity_codes,
                            err) ||
        !pml_qe_identity_parse(&v->bundle->qe_identity, c->qe_identity.bytes, c->qe_identity.size, err) ||
        !pml_check_window(v->bundle->qe_identity.issue_date, v->bundle->qe_identity.next_update, v->when,
                          &pml_qe_identity_codes, err))
        return false;
    note(v, "QE identity %.*s version %" PRId64 ", number %" PRId64, shown(v->bundle->qe_identity.id),
         v->bundle->qe_identity.id.bytes, v->bundle->qe_identity.version, v->bundle->qe_identity.eval_num);
    return true;
}

/* S8: the documents are of the quote's kind. */
static bool match_types(struct pml_verification *v, struct pml_error *err)
{
    bool tdx = pml_quote_is_td(&v->quote);
    const char *wanted = tdx ? "TD_QE" : "QE";
    int64_t version = v->bundle->qe_identity.version;
    if (v->bundle->tcb_info.is_tdx != tdx || v->bundle->tcb_info.tcb_type != 0)
        return pml_fail(err, PML_NO, "tcb_info_mismatch", "%s quote with TCB info of %s, tcbType %" PRId64,
                        tdx ? "TDX" : "SGX", v->bundle->tcb_info.is_tdx ? "TDX" : "SGX", v->bundle->tcb_info.tcb_type);
    if (!pml_text_is(v->bundle->qe_identity.id, wanted) || (version != 2 && !(tdx && version == 3)))
        return pml_fail(err, PML_NO, "qe_identity_id", "QE identity %.*s version %" PRId64 " where %s is needed",
                        shown(v->bundle->qe_identity.id), v->bundle->qe_identity.id.bytes, version, wanted);
    note(v, "%s, %s", tdx ? "TDX" : "SGX", wanted);
    return true;
}

/* S9: the documents are of this platform. */
static bool match_platform(struct pml_verification *v, struct pml_error *err)
{
    char ours[13], theirs[13];
    pml_hex(ours, v->platform->chain.pck.fmspc, sizeof v->platform->chain.pck.fmspc);
    pml_hex(theirs, v->bundle->tcb_info.fmspc, sizeof v->bundle->tcb_info.fmspc);
    if (strcmp(ours, theirs) != 0)
        return pml_fail(err, PML_NO, "fmspc_mismatch", "the platform is of FMSPC %s, the TCB info of %s", ours, theirs);
    pml_hex(ours, v->platform->chain.pck.pce_id, sizeof v->platform->chain.pck.pce_id);
    pml_hex(theirs, v->bundle->tcb_info.pce_id, sizeof v->bundle->tcb_info.pce_id);
    if (strcmp(ours, theirs) != 0)
        return pml_fail(err, PML_NO, "pceid_mismatch", "the platform has PCEID %s, the TCB info %s", ours, theirs);
    note(v, "FMSPC %s, PCEID %s", pml_hex(ours, v->platform->chain.pck.fmspc, sizeof v->platform->chain.pck.fmspc),
         theirs);
    return true;
}

/* S10. */
static bool check_qe_report_signature(struct pml_verification *v, struct pml_error *err)
{
    struct pml_bytes report = { v->quote.qe_report_bytes, PML_SGX_REPORT_SIZE };
    if (!pml_ecdsa_verify(v->platform->chain.leaf.point.bytes + 1, report, v->quote.qe_report_signature))
        return pml_fail(err, PML_NO, "qe_report_signature", "the platform's PCK key did not sign the QE report");
    note(v, "QE report signed by the PCK key");
    return true;
}

/* S11: the QE vouches for the attestation key. */
static bool check_qe_report_data(struct pml_verification *v, struct pml_error *err)
{
    const struct pml_quote *q = &v->quote;
    uint8_t wanted[64] = { 0 };
    PML_AUTO(hash) struct pml_hash hash;
    pml_hash_sha256(&hash);
    pml_hash_add(&hash, q->attestation_key, sizeof q->attestation_key);
    pml_hash_add(&hash, q->qe_auth_data, q->qe_auth_size);
    pml_hash_final(&hash, wanted);
    if (memcmp(q->qe_report.report_data, wanted, sizeof wanted) != 0)
        return pml_fail(err, PML_NO, "qe_report_data", "the QE report is for another attestation key");
    note(v, "SHA-256 of attestation key and %zu bytes of QE auth data", q->qe_auth_size);
    return true;
}

/* S12. */
static bool check_qe_policy(struct pml_verification *v, struct pml_error *err)
{
    if (!pml_qe_identity_check(&v->bundle->qe_identity, &v->quote.qe_report, err))
        return false;
    note(v, "misc_select, attributes, signer, product %u; not in debug mode", v->quote.qe_report.isv_prod_id);
    return true;
}

/* S13. */
static bool find_qe_level(struct pml_verification *v, struct pml_error *err)
{
    unsigned svn = v->quote.qe_report.isv_svn;
    v->qe_level = pml_isv_level_find(&v->bundle->qe_identity.levels, v->quote.qe_report.isv_svn);
    if (!v->qe_level)
        return pml_fail(err, PML_NO, "qe_tcb_not_supported",
                        "the quoting enclave has version %u, older than every level that is listed", svn);
    note(v, "QE version %u reaches level %u, %s", svn, v->qe_level->isvsvn,
         pml_tcb_status_name(v->qe_level->level.status));
    return true;
}

/* S14. */
static bool check_quote_signature(struct pml_verification *v, struct pml_error *err)
{
    struct pml_bytes message = { v->quote.signed_bytes, v->quote.signed_size };
    if (!pml_ecdsa_verify(v->quote.attestation_key, message, v->quote.signature)) {
        if (!pml_ecdsa_point_valid(v->quote.attestation_key))
            return pml_fail(err, PML_NO, "attestation_key", "the attestation key is not a point of P-256");
        return pml_fail(err, PML_NO, "quote_signature", "the attestation key did not sign this quote");
    }
    note(v, "%zu bytes signed by the attestation key", message.size);
    return true;
}

/* §2.2 to §2.4 for one set of TDX versions, NULL for SGX. */
static bool evaluate(struct pml_evaluation *out, const struct pml_verification *v, const uint8_t *tee_tcb_svn,
                     struct pml_error *err)
{
    const struct pml_isv_level *module = NULL;
    const struct pml_tcb_level *platform =
        pml_tcb_level_find(&v->bundle->tcb_info, v->platform->chain.pck.cpu_svn, v->platform->chain.pck.pce_svn,
                           tee_tcb_svn, v->in->compat == PML_COMPAT_DCAP_QVL, err);
    if (!platform)
        return false;
    if (tee_tcb_svn && !pml_tdx_module_check(&module, &v->bundle->tcb_info, &v->quote.td, tee_tcb_svn, err))
        return false;
    out->platform = &platform->level;
    out->module = module ? &module->level : NULL;
    out->status = pml_tcb_converge(platform->level.status, v->qe_level->level.status,
                                   module ? module->level.status : PML_TCB_NONE, v->in->compat);
    note(v, "platform %s, QE %s, TDX module %s: %s", pml_tcb_status_name(platform->level.status),
         pml_tcb_status_name(v->qe_level->level.status), module ? pml_tcb_status_name(module->level.status) : "none",
         pml_tcb_status_name(out->status));
    return true;
}

/* S15: the levels at launch and, for bodies that tell it, of the module that runs now. */
static bool evaluate_tcb(struct pml_verification *v, struct pml_error *err)
{
    bool td = pml_quote_is_td(&v->quote);
    if (!evaluate(&v->launch, v, td ? v->quote.td.tee_tcb_svn : NULL, err))
        return pml_wrap(err, "tcb");
    if (v->quote.body_type >= PML_BODY_TD15 && !evaluate(&v->current, v, v->quote.td.tee_tcb_svn2, err))
        return pml_wrap(err, "current tcb");
    return true;
}

/* S16. */
static bool refuse_revoked(struct pml_verification *v, struct pml_error *err)
{
    if (v->launch.status == PML_TCB_REVOKED || v->current.status == PML_TCB_REVOKED)
        return pml_fail(err, PML_NO, "tcb_revoked", "this TCB level has been revoked");
    note(v, "not revoked");
    return true;
}

/* S17. */
static bool check_attributes(struct pml_verification *v, struct pml_error *err)
{
    if (!pml_attributes_check(v->in, &v->quote, err))
        return false;
    if (pml_quote_is_td(&v->quote))
        note(v, "td_attributes 0x%016" PRIx64, v->quote.td.td_attributes);
    else
        note(v, "attributes 0x%02x", v->quote.sgx.attributes[0]);
    return true;
}

/* S18. */
static bool report(struct pml_verification *v, struct pml_error *err)
{
    char until[PML_TIME_TEXT];
    if (!pml_verification_report(v, err))
        return false;
    note(v, "%s, collateral in date until %s", pml_tcb_status_name(v->verdict->status),
         pml_time_text(until, v->verdict->supplemental.earliest_expiration_date));
    return true;
}

static const struct {
    const char *name;
    bool (*run)(struct pml_verification *v, struct pml_error *err);
} steps[] = {
    { "S1 quote", parse_quote },
    { "S2 bundle", parse_crls },
    { "S3 roots", pin_roots },
    { "S4 PCK chain", check_pck_chain },
    { "S5 CRLs", check_crls },
    { "S6 TCB info", check_tcb_info },
    { "S7 QE identity", check_qe_identity },
    { "S8 types", match_types },
    { "S9 platform", match_platform },
    { "S10 QE report signature", check_qe_report_signature },
    { "S11 QE report data", check_qe_report_data },
    { "S12 QE policy", check_qe_policy },
    { "S13 QE level", find_qe_level },
    { "S14 quote signature", check_quote_signature },
    { "S15 TCB level", evaluate_tcb },
    { "S16 not revoked", refuse_revoked },
    { "S17 attributes", check_attributes },
    { "S18 report", report },
};

static bool run_steps(struct pml_verification *v, struct pml_error *err)
{
    for (size_t i = 0; i < PML_COUNT(steps); i++) {
        v->step = steps[i].name;
        if (!steps[i].run(v, err))
            return false;
    }
    return true;
}

/* What a program is told when this machine failed, not the quote. */
static void set_error(struct pml_verdict *verdict, const struct pml_error *err)
{
    verdict->error = *err;
    if (strcmp(err->code, "memory") == 0)
        verdict->error.code = "internal";
}

/* Lets the cache have the bundle and the PCK chain, with the time in which every part of both is valid. */
static void remember(struct pml_verification *v)
{
    const struct pml_supplemental *s = &v->verdict->supplemental;
    int64_t from = s->latest_issue_date, until = s->earliest_expiration_date - 1; /* lists end before their date */
    if (v->in->now < from || v->in->now > until)                                  /* by grace only */
        return;
    if (!v->bundle->known.verified)
        pml_known_bundle_keep(v->in->cache, v->bundle, from, until);
    if (!v->platform->known.verified)
        pml_known_platform_keep(v->in->cache, v->platform, from, until);
}

static void release(struct pml_verification *v)
{
    pml_known_bundle_clear(&v->own_bundle);
    if (v->in->cache) {
        pml_known_bundle_release(v->in->cache, v->bundle);
        pml_known_platform_release(v->in->cache, v->platform);
    }
}

bool pml_quote_verify(struct pml_verdict *verdict, const struct pml_verify_input *in, struct pml_error *err)
{
    struct pml_verification v = { .in = in, .verdict = verdict, .when = { in->now, in->grace_s } };
    *verdict = (struct pml_verdict){ .verified_at = in->now, .grace_s = in->grace_s };
    verdict->ok = run_steps(&v, err);
    if (!verdict->ok) {
        set_error(verdict, err);
        verdict->simulated = verdict->simulated || quote_is_marked(&v.quote);
    }
    if (verdict->ok && in->cache)
        remember(&v);
    release(&v);
    return verdict->ok;
}

void pml_verdict_unknown(struct pml_verdict *verdict, const void *quote, size_t quote_size, int64_t now,
                         const struct pml_error *err)
{
    struct pml_quote q;
    struct pml_error ignored;
    *verdict = (struct pml_verdict){ .verified_at = now };
    set_error(verdict, err);
    bool parsed = pml_quote_parse(&q, quote, quote_size, &ignored);
    show_body(verdict, &q);
    verdict->simulated = parsed && quote_is_marked(&q);
}
