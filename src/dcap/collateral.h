/* SPDX-License-Identifier: MIT */
/*
 * The collateral bundle: everything Intel signed that a quote is judged by, as one JSON object (`QuoteCollateralV3` of
 * dcap-qvl and dstack; spec dcap §3.4). Parsing decodes the spelling and checks no signature and no date.
 */
#ifndef PML_DCAP_COLLATERAL_H
#define PML_DCAP_COLLATERAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "dcap/tape.h"

#define PML_COLLATERAL_MAX (1 << 20) /* bytes of JSON text */

/* SHA-256 of what a bundle is verified by. */
struct pml_collateral_digest {
    uint8_t all[32];   /* of everything but PCK chain and issuers of the PCK CRL */
    uint8_t lists[32]; /* of the revocation lists alone */
};

struct pml_collateral {
    struct pml_tape bundle;                            /* owned: the texts below borrow from it */
    struct pml_text tcb_info_chain, qe_identity_chain; /* PEM */
    struct pml_text pck_crl_chain;         /* PEM; verification uses the PCK chain's own intermediate instead */
    struct pml_text tcb_info, qe_identity; /* JSON, exactly the bytes that are signed */
    struct pml_text pck_chain;             /* PEM; size 0: the quote carries it */
    uint8_t tcb_info_signature[64], qe_identity_signature[64]; /* r || s */
    uint8_t *root_crl, *pck_crl;                               /* owned DER */
    size_t root_crl_size, pck_crl_size;
    bool sealed;
    struct pml_collateral_digest digest; /* once sealed */
};

/* collateral_json, collateral_field_missing, collateral_format, crl_format; memory. Free with pml_collateral_free. */
PML_CHECKED
bool pml_collateral_parse(struct pml_collateral *out, const char *text, size_t size, struct pml_error *err);
/* As above from a bundle that is a member of another document. */
PML_CHECKED
bool pml_collateral_from_json(struct pml_collateral *out, const json_t *bundle, struct pml_error *err);

struct pml_collateral_digest pml_collateral_digest(const struct pml_collateral *c);
/* Computes the digest once, for bundles that many quotes are verified with. */
void pml_collateral_seal(struct pml_collateral *c);

void pml_collateral_free(struct pml_collateral *c);
void pml_collateral_auto(struct pml_collateral *c);

#endif
