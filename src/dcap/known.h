/* SPDX-License-Identifier: MIT */
/* What verification makes of a bundle and of a PCK chain, in the form that a cache can keep. Private to dcap/. */
#ifndef PML_DCAP_KNOWN_H
#define PML_DCAP_KNOWN_H

#include "base/digest.h"
#include "dcap/check.h"
#include "dcap/collateral.h"
#include "dcap/qe_identity.h"
#include "dcap/tcb_info.h"
#include "dcap/verify_cache.h"

struct pml_known {
    uint8_t key[PML_SHA256_SIZE];
    bool verified;       /* all of it, and nothing of it changes from then on */
    int64_t from, until; /* when all of it is valid */
    unsigned references;
};

struct pml_known_bundle {
    struct pml_known known; /* first */
    uint8_t *lists;         /* owned copy of both lists' DER, the root's first; NULL: they are the caller's */
    struct pml_crl root_crl, pck_crl;
    struct pml_chain tcb_chain, qe_chain; /* their DER */
    struct pml_cert tcb_signer, qe_signer;
    struct pml_tcb_info tcb_info;
    struct pml_qe_identity qe_identity;
};

struct pml_known_platform {
    struct pml_known known; /* first */
    struct pml_pck_chain chain;
};

/* The entry of a key if it is valid at NOW, else an empty one that nobody else has. Release it. NULL: memory. */
PML_CHECKED
struct pml_known_bundle *pml_known_bundle_get(struct pml_verify_cache *cache, const struct pml_collateral *bundle,
                                              int64_t now, struct pml_error *err);
PML_CHECKED
struct pml_known_platform *pml_known_platform_get(struct pml_verify_cache *cache, const struct pml_collateral *bundle,
                                                  struct pml_text pck_chain, int64_t now, struct pml_error *err);
/* Keeps what the caller has verified, all of which is valid in FROM..UNTIL; it is not the caller's to change any more,
 * but still to release. */
void pml_known_bundle_keep(struct pml_verify_cache *cache, struct pml_known_bundle *bundle, int64_t from,
                           int64_t until);
void pml_known_platform_keep(struct pml_verify_cache *cache, struct pml_known_platform *platform, int64_t from,
                             int64_t until);
/* NULL is allowed. */
void pml_known_bundle_release(struct pml_verify_cache *cache, struct pml_known_bundle *bundle);
void pml_known_platform_release(struct pml_verify_cache *cache, struct pml_known_platform *platform);

/* Frees what the bundle owns, not itself. */
void pml_known_bundle_clear(struct pml_known_bundle *bundle);

#endif
