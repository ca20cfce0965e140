/* SPDX-License-Identifier: MIT */
/*
 * The quote maker of a simulated platform (spec simulator §4). A quote is filled as a structure, in which a caller may
 * change anything, and then signed.
 */
#ifndef PML_TDX_PLATFORM_SIM_QUOTE_H
#define PML_TDX_PLATFORM_SIM_QUOTE_H

#include "tdx/platform/sim_pki.h"
#include "tdx/quote.h"

/* The 48 ASCII bytes that no firmware can hash to. */
extern const char pml_sim_mr_td[49];

/* The body of an in-process TD: MRTD is the label, RTMRs and report data zero. */
void pml_sim_td_report(struct pml_td_report *td, const uint8_t app_compose_sha256[32]);

/* Version 4, TD 1.0 body (zero), QE report bound to the attestation key. CHAIN is the PCK chain as PEM text; its
 * trailing NUL belongs to the quote. Q borrows CHAIN. crypto. */
PML_CHECKED
bool pml_sim_quote_fill(struct pml_quote *q, const struct pml_sim_platform *platform, const struct pml_sim_pki *pki,
                        const struct pml_sim_sgx *sgx, const char *chain, struct pml_error *err);

/* Signs the QE report with the PCK key and header and body with the attestation key. */
PML_CHECKED
bool pml_sim_quote_sign(struct pml_quote *q, const struct pml_sim_pki *pki, struct pml_error *err);
/* Signs and returns the bytes; the caller frees. */
PML_CHECKED
uint8_t *pml_sim_quote_make(struct pml_quote *q, const struct pml_sim_pki *pki, size_t *size, struct pml_error *err);

#endif
