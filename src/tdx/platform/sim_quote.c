/* SPDX-License-Identifier: MIT */
/* The quote maker of a simulated platform. */
#include "tdx/platform/sim_quote.h"

#include <string.h>

#include "base/digest.h"
#include "crypto/p256.h"
#include "tdx/platform/sim_collateral.h"

enum { AUTH_SIZE = 32 };

const char pml_sim_mr_td[49] = "SIMULATED TD - NOT CONFIDENTIAL - PML SDK sim v1";

static const uint8_t auth_data[AUTH_SIZE] = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a,
                                              0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15,
                                              0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f };

void pml_sim_td_report(struct pml_td_report *td, const uint8_t app_compose_sha256[32])
{
    static const char seam[] = "pmlsdk.sim/1 seam";
    *td = (struct pml_td_report){
        .tee_tcb_svn = { 5, 1, 2 }, .td_attributes = PML_TD_SEPT_VE_DISABLE, .xfam = 0x602e7, .mr_config_id = { 1 }
    };
    pml_sha384(td->mr_seam, seam, strlen(seam));
    memcpy(td->mr_td, pml_sim_mr_td, sizeof td->mr_td);
    memcpy(td->mr_config_id + 1, app_compose_sha256, 32); /* after version 1 (spec guest §4.2) */
}

static bool fill_qe_report(struct pml_quote *q, const struct pml_sim_sgx *sgx, struct pml_error *err)
{
    static const char enclave[] = "pmlsdk.sim/1 qe";
    q->qe_report = (struct pml_sgx_report){ .attributes = { 0x15, [8] = 0xe7 }, .isv_prod_id = 2, .isv_svn = 4 };
    memcpy(q->qe_report.cpu_svn, sgx->cpu_svn, sizeof q->qe_report.cpu_svn);
    pml_sha256(q->qe_report.mr_enclave, enclave, strlen(enclave));
    pml_sim_qe_signer(q->qe_report.mr_signer);
    PML_AUTO(buf) struct pml_buf bound = { 0 };
    pml_put_bytes(&bound, q->attestation_key, sizeof q->attestation_key);
    pml_put_bytes(&bound, q->qe_auth_data, q->qe_auth_size);
    if (!pml_buf_check(&bound, err))
        return false;
    pml_sha256(q->qe_report.report_data, bound.bytes, bound.size);
    return true;
}

bool pml_sim_quote_fill(struct pml_quote *q, const struct pml_sim_platform *platform, const struct pml_sim_pki *pki,
                        const struct pml_sim_sgx *sgx, const char *chain, struct pml_error *err)
{
    *q = (struct pml_quote){ .version = 4,
                             .att_key_type = PML_ATT_KEY_ECDSA_P256,
                             .tee_type = PML_TEE_TDX,
                             .body_type = PML_BODY_TD10,
                             .qe_auth_data = auth_data,
                             .qe_auth_size = sizeof auth_data,
                             .cert_type = PML_CERT_PCK_CHAIN,
                             .cert_data = (const uint8_t *)chain,
                             .cert_size = strlen(chain) + 1 };
    memcpy(q->qe_vendor_id, pml_intel_qe_vendor_id, sizeof q->qe_vendor_id);
    memcpy(q->user_data, platform->qe_id, sizeof platform->qe_id);
    return pml_p256_point(q->attestation_key, pki->attestation_key, err) && fill_qe_report(q, sgx, err);
}

bool pml_sim_quote_sign(struct pml_quote *q, const struct pml_sim_pki *pki, struct pml_error *err)
{
    PML_AUTO(buf) struct pml_buf qe_report = { 0 }, covered = { 0 };
    pml_put_sgx_report(&qe_report, &q->qe_report);
    pml_put_quote_signed(&covered, q);
    return pml_buf_check(&qe_report, err) && pml_buf_check(&covered, err) &&
           pml_p256_sign(q->qe_report_signature, pki->key[PML_SIM_PCK], qe_report.bytes, qe_report.size, err) &&
           pml_p256_sign(q->signature, pki->attestation_key, covered.bytes, covered.size, err);
}

uint8_t *pml_sim_quote_make(struct pml_quote *q, const struct pml_sim_pki *pki, size_t *size, struct pml_error *err)
{
    PML_AUTO(buf) struct pml_buf out = { 0 };
    if (!pml_sim_quote_sign(q, pki, err))
        return NULL;
    pml_put_quote(&out, q);
    return (uint8_t *)pml_buf_take(&out, size, err);
}
