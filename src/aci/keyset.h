/* SPDX-License-Identifier: MIT */
/*
 * The workload keyset: the public keys of one service, by role, and until when they hold. Its digest is what a quote
 * binds (aci/statement.h), so every TLS session, encrypted field and signed receipt chains to one quote. Source: ACI
 * v1, spec inference-api §2.2.
 *
 * A parsed keyset keeps the document it came from, because unknown members are part of the digest.
 */
#ifndef PML_ACI_KEYSET_H
#define PML_ACI_KEYSET_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

#define PML_RECEIPT_KEY_SIZE 32 /* Ed25519 public key */
#define PML_KEYSET_MAX_LIFE  (400 * INT64_C(86400))
#define PML_KEYSET_LIFE      (30 * INT64_C(86400)) /* of a new keyset */

struct pml_e2ee_key {
    const char *key_id, *algo;
    const char *public_key; /* lower-case hex */
};

struct pml_tls_key {
    uint8_t spki_sha256[PML_SHA256_SIZE];
    const char *domain; /* NULL: every host */
};

/* What a service puts into its keyset; all borrowed. */
struct pml_keyset_parts {
    const char *subject; /* NULL: none */
    int64_t not_after;   /* unix seconds */
    const char *receipt_key_id;
    uint8_t receipt_public_key[PML_RECEIPT_KEY_SIZE];
    const struct pml_e2ee_key *e2ee;
    size_t e2ee_count;
    const struct pml_tls_key *tls;
    size_t tls_count;
};

struct pml_keyset {
    json_t *document; /* owned */
    uint8_t digest[PML_SHA256_SIZE];
    int64_t not_after;
};

/* The document of PARTS, checked like one from outside. keyset, memory. */
PML_CHECKED
bool pml_keyset_build(struct pml_keyset *out, const struct pml_keyset_parts *parts, struct pml_error *err);

/*
 * Reads and checks a document (borrowed; a reference is kept). Refused: a member that is missing or of another type,
 * no Ed25519 receipt key, a key_id used twice in a role, public keys that are not lower-case hex, one key in two roles.
 * Entries of an unknown algo are allowed and never match. PML_NO: "keyset", "json", "jcs".
 */
PML_CHECKED
bool pml_keyset_parse(struct pml_keyset *out, json_t *document, struct pml_error *err);

/* now < not_after <= now + PML_KEYSET_MAX_LIFE. PML_NO, "keyset_expired", "keyset_lifetime". */
PML_CHECKED
bool pml_keyset_check_time(const struct pml_keyset *keyset, int64_t now, struct pml_error *err);

/* The Ed25519 receipt key of that id. False: none. */
PML_CHECKED
bool pml_keyset_receipt_key(uint8_t public_key[PML_RECEIPT_KEY_SIZE], const struct pml_keyset *keyset,
                            const char *key_id);

/* Is this TLS key listed for HOST (a name or address without port; case and a trailing dot are ignored)? */
PML_CHECKED
bool pml_keyset_lists_tls(const struct pml_keyset *keyset, const char *host,
                          const uint8_t spki_sha256[PML_SHA256_SIZE]);

/* Does any TLS entry apply to HOST? A service answers 404 for the report when none does. */
PML_CHECKED
bool pml_keyset_serves_host(const struct pml_keyset *keyset, const char *host);

void pml_keyset_wipe(struct pml_keyset *keyset);
void pml_keyset_auto(struct pml_keyset *keyset);

#endif
