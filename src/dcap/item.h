/* SPDX-License-Identifier: MIT */
/*
 * One piece of collateral: a revocation list or a signed document, with the chain of its issuer. A bundle is four of
 * them. Each is verified by itself before anything is done with it, and is current between two dates of its own.
 */
#ifndef PML_DCAP_ITEM_H
#define PML_DCAP_ITEM_H

#include "dcap/check.h"
#include "dcap/collateral.h"

#define PML_ITEM_MAX  (1 << 20) /* bytes of a body */
#define PML_ITEM_NAME 64

enum pml_item_kind { PML_ITEM_ROOT_CRL, PML_ITEM_PCK_CRL, PML_ITEM_TCB_INFO, PML_ITEM_QE_IDENTITY };

struct pml_item_key { /* what does not apply is zero */
    enum pml_item_kind kind;
    bool tdx;            /* TCB info, QE identity: for TDX quotes, else SGX */
    bool early;          /* TCB info, QE identity: as soon as Intel publishes them, else the standard ones */
    bool by_platform_ca; /* PCK CRL: of the Platform CA, else the Processor CA */
    uint8_t fmspc[6];    /* TCB info */
};

struct pml_item {
    char *body; /* owned: DER of a list; of a document the whole answer, {"tcbInfo":{...},"signature":"..."} */
    size_t size;
    char *chain; /* owned PEM: issuer, root; NULL for the root's list */
    /* Set by pml_item_check: when it is current, its certificates included. */
    int64_t issued, next_update;
};

bool pml_item_key_same(const struct pml_item_key *a, const struct pml_item_key *b);
/* "tdx/tcb/00806f050000.json", "tdx/qe/identity-early.json", "crl/platform.der", "crl/root.der". Returns OUT. */
char *pml_item_name(char out[PML_ITEM_NAME], const struct pml_item_key *key);
/* The member of a document's body: "tcbInfo" or "enclaveIdentity". */
const char *pml_item_member(const struct pml_item_key *key);

/* Verifies the item: that it is what KEY names, that its chain ends in ROOT, names, signatures and dates. Codes as of
 * pml_quote_verify, and pcs_response. */
PML_CHECKED
bool pml_item_check(struct pml_item *item, const struct pml_item_key *key, struct pml_bytes root, struct pml_when when,
                    struct pml_error *err);

/* The item of that kind in a bundle, as a service would send it, and what it says that it is. Nothing is verified. The
 * caller frees. Codes of the parsers. */
PML_CHECKED
bool pml_item_of_bundle(struct pml_item *item, struct pml_item_key *key, const struct pml_collateral *bundle,
                        enum pml_item_kind kind, struct pml_error *err);

PML_CHECKED
bool pml_item_copy(struct pml_item *to, const struct pml_item *from, struct pml_error *err);
void pml_item_free(struct pml_item *item);
void pml_item_auto(struct pml_item *item);

#endif
