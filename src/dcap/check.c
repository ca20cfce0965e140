/* SPDX-License-Identifier: MIT */
/* Certificates, revocation lists and signed documents, one at a time. */
#include "dcap/check.h"

#include <string.h>

#include "base/time.h"
#include "dcap/ecdsa.h"

/* Past END, and past the grace that was asked for. */
static bool is_past(struct pml_when when, int64_t end)
{
    return when.now - when.grace_s > end;
}

static bool is_root(struct pml_bytes der, const struct pml_root *root)
{
    return pml_bytes_equal(der, root->der, root->size);
}

static bool is_trusted(const struct pml_trust *trust, struct pml_bytes root)
{
    if (is_root(root, trust->root ? trust->root : &pml_intel_root))
        return true;
    for (size_t i = 0; i < trust->simulated_root_count; i++) {
        if (is_root(root, &trust->simulated_roots[i]))
            return true;
    }
    return false;
}

bool pml_check_root(const struct pml_cert *root, const struct pml_trust *trust, struct pml_error *err)
{
    if (is_trusted(trust, root->der))
        return true;
    if (pml_cert_is_simulated(root))
        return pml_fail(err, PML_NO, "pck_chain_root",
                        "this is a simulation, not Intel hardware; --trust-simulated with its root would accept it");
    return pml_fail(err, PML_NO, "pck_chain_root", "the PCK chain does not end in the trusted root");
}

bool pml_check_cert(const struct pml_cert *cert, const struct pml_cert *issuer, bool ca, struct pml_when when,
                    const char *code, const char *expired_code, struct pml_error *err)
{
    char from[PML_TIME_TEXT], until[PML_TIME_TEXT];
    uint8_t usage = ca ? PML_KU_CERT_SIGN : PML_KU_DIGITAL_SIGNATURE;
    if (!pml_bytes_same(cert->issuer, issuer->subject))
        return pml_fail(err, PML_NO, code, "issuer is not the next certificate's subject");
    if (cert->is_ca != ca || (cert->has_key_usage && !(cert->key_usage & usage)))
        return pml_fail(err, PML_NO, code, ca ? "is not a CA" : "is not for signing data");
    if (when.now < cert->not_before || is_past(when, cert->not_after))
        return pml_fail(err, PML_NO, expired_code, "valid from %s until %s", pml_time_text(from, cert->not_before),
                        pml_time_text(until, cert->not_after));
    if (cert != issuer && !pml_cert_signed_by(cert, issuer))
        return pml_fail(err, PML_NO, code, "signature does not match");
    return true;
}

bool pml_check_crl(const struct pml_crl *crl, const struct pml_cert *issuer, struct pml_when when,
                   struct pml_error *err)
{
    char from[PML_TIME_TEXT], until[PML_TIME_TEXT];
    if (!pml_bytes_same(crl->issuer, issuer->subject))
        return pml_fail(err, PML_NO, "crl_issuer", "issued by another CA than the certificates it is for");
    if (when.now < crl->this_update || is_past(when, crl->next_update - 1))
        return pml_fail(err, PML_NO, "crl_expired", "valid from %s to before %s: fetch fresh collateral",
                        pml_time_text(from, crl->this_update), pml_time_text(until, crl->next_update));
    if (!pml_crl_signed_by(crl, issuer))
        return pml_fail(err, PML_NO, "crl_signature", "signature does not match");
    return true;
}

bool pml_pck_chain_decode(struct pml_pck_chain *out, struct pml_text pem, struct pml_error *err)
{
    return pml_chain_decode(&out->chain, pem.bytes, pem.size, 3, "pck_chain", err) &&
           pml_cert_parse(&out->root, out->chain.cert[2], "pck_chain", err);
}

bool pml_pck_chain_check(struct pml_pck_chain *c, struct pml_when when, struct pml_error *err)
{
    if (!pml_cert_parse(&c->leaf, c->chain.cert[0], "pck_chain", err))
        return pml_wrap(err, "pck certificate");
    if (!pml_cert_parse(&c->intermediate, c->chain.cert[1], "pck_chain", err))
        return pml_wrap(err, "pck ca certificate");
    c->by_platform_ca = pml_cert_cn_is(&c->intermediate, "Intel SGX PCK Platform CA");
    if (!pml_cert_cn_is(&c->root, "Intel SGX Root CA") ||
        (!c->by_platform_ca && !pml_cert_cn_is(&c->intermediate, "Intel SGX PCK Processor CA")) ||
        !pml_cert_cn_is(&c->leaf, "Intel SGX PCK Certificate"))
        return pml_fail(err, PML_NO, "pck_chain", "pck chain: not leaf, PCK CA and root by their names, in this order");
    if (!pml_check_cert(&c->root, &c->root, true, when, "pck_chain", "pck_chain_expired", err))
        return pml_wrap(err, "root certificate");
    if (!pml_check_cert(&c->intermediate, &c->root, true, when, "pck_chain", "pck_chain_expired", err))
        return pml_wrap(err, "pck ca certificate");
    if (!pml_check_cert(&c->leaf, &c->intermediate, false, when, "pck_chain", "pck_chain_expired", err))
        return pml_wrap(err, "pck certificate");
    if (!pml_pck_parse(&c->pck, c->leaf.sgx_extension, err))
        return pml_wrap(err, "pck certificate");
    return true;
}

const struct pml_document_codes pml_tcb_info_codes = {
    .name = "tcb info",
    .chain_code = "tcb_info_chain",
    .chain_expired_code = "tcb_info_chain_expired",
    .signature_code = "tcb_info_signature",
    .expired_code = "tcb_info_expired",
    .not_yet_code = "tcb_info_not_yet_valid",
};

const struct pml_document_codes pml_qe_identity_codes = {
    .name = "qe identity",
    .chain_code = "qe_identity_chain",
    .chain_expired_code = "qe_identity_chain_expired",
    .signature_code = "qe_identity_signature",
    .expired_code = "qe_identity_expired",
    .not_yet_code = "qe_identity_not_yet_valid",
};

bool pml_check_signer(const struct pml_cert *signer, const struct pml_cert *root, bool verified, struct pml_when when,
                      const struct pml_document_codes *codes, struct pml_error *err)
{
    static const char role[] = "SGX TCB Signing";
    if (!signer->subject_cn.size || !memmem(signer->subject_cn.bytes, signer->subject_cn.size, role, sizeof role - 1))
        return pml_fail(err, PML_NO, codes->chain_code, "%s: signed by a certificate that is not for TCB signing",
                        codes->name);
    if (!verified && !pml_check_cert(signer, root, false, when, codes->chain_code, codes->chain_expired_code, err))
        return pml_wrap(err, "%s: signing certificate", codes->name);
    return true;
}

bool pml_check_document(const struct pml_cert *signer, struct pml_text text, const uint8_t signature[64],
                        const struct pml_document_codes *codes, struct pml_error *err)
{
    struct pml_bytes message = { (const uint8_t *)text.bytes, text.size };
    if (!pml_ecdsa_verify(signer->point.bytes + 1, message, signature))
        return pml_fail(err, PML_NO, codes->signature_code, "%s: signature does not match its text", codes->name);
    return true;
}

bool pml_check_window(int64_t issue_date, int64_t next_update, struct pml_when when,
                      const struct pml_document_codes *codes, struct pml_error *err)
{
    char text[PML_TIME_TEXT];
    if (when.now < issue_date)
        return pml_fail(err, PML_NO, codes->not_yet_code, "%s: issued on %s only", codes->name,
                        pml_time_text(text, issue_date));
    if (is_past(when, next_update))
        return pml_fail(err, PML_NO, codes->expired_code, "%s: expired on %s: fetch fresh collateral", codes->name,
                        pml_time_text(text, next_update));
    return true;
}
