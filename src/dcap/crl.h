/* SPDX-License-Identifier: MIT */
/* Certificate revocation lists, version 2, read directly from DER (RFC 5280 §5). Delta and indirect lists, which a
 * verifier must not take for whole ones, are refused by their critical extensions. */
#ifndef PML_DCAP_CRL_H
#define PML_DCAP_CRL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "dcap/cert.h"

struct pml_crl { /* borrowed from its DER */
    struct pml_bytes tbs, issuer;
    int64_t this_update, next_update;
    struct pml_bytes revoked; /* content of revokedCertificates; empty if absent */
    size_t revoked_count;
    uint64_t number; /* CRL number extension, 0 if absent */
    struct pml_bytes signature;
};

/* crl_format: not strict DER to the last byte. */
PML_CHECKED
bool pml_crl_parse(struct pml_crl *out, struct pml_bytes der, struct pml_error *err);
bool pml_crl_lists(const struct pml_crl *crl, struct pml_bytes serial);
bool pml_crl_signed_by(const struct pml_crl *crl, const struct pml_cert *issuer);

#endif
