/* SPDX-License-Identifier: MIT */
/*
 * The collateral of a simulated platform: TCB info, QE identity and CRLs, signed, as one bundle (spec simulator §3,
 * dcap §3.4). The documents are JSON values that a caller may change before they are signed.
 */
#ifndef PML_TDX_PLATFORM_SIM_COLLATERAL_H
#define PML_TDX_PLATFORM_SIM_COLLATERAL_H

#include <jansson.h>

#include "tdx/platform/sim_pki.h"

struct pml_sim_collateral {
    json_t *tcb_info, *qe_identity; /* owned */
    struct pml_crl_spec root_crl, pck_crl;
};

/* SHA-256("pmlsdk.sim/1 qe signer"): the QE's mr_signer. */
void pml_sim_qe_signer(uint8_t digest[32]);

/* What a platform with these SGX values, made at MADE, publishes at NOW. The caller frees, also on failure. */
PML_CHECKED
bool pml_sim_collateral(struct pml_sim_collateral *out, const struct pml_sim_sgx *sgx, int64_t made, int64_t now,
                        struct pml_error *err);
void pml_sim_collateral_free(struct pml_sim_collateral *c);
void pml_sim_collateral_auto(struct pml_sim_collateral *c);

/* Signs it all and returns the bundle's JSON text; the caller frees. */
PML_CHECKED
char *pml_sim_bundle(const struct pml_sim_collateral *c, const struct pml_sim_pki *pki, struct pml_error *err);

/* Checks that TEXT is a bundle signed by this PKI, and gives the latest issue date and the earliest next update of its
 * documents. PML_UNKNOWN "sim_state". */
PML_CHECKED
bool pml_sim_bundle_dates(int64_t *issued, int64_t *next_update, const char *text, size_t size,
                          const struct pml_sim_pki *pki, struct pml_error *err);

#endif
