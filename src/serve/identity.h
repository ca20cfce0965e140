/* SPDX-License-Identifier: MIT */
/*
 * The keys of a service and the keyset that names them (spec inference-api §2.2, simulator §5). An identity never
 * changes: rotation makes a new one, and requests that began under the old one keep it by its reference count, which
 * any thread may change.
 *
 * On a simulated platform the keys and the keyset document live in STATE/keys, so that a restart keeps the digest; on a
 * real one they exist in memory only.
 */
#ifndef PML_SERVE_IDENTITY_H
#define PML_SERVE_IDENTITY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aci/keyset.h"
#include "base/memory.h"
#include "crypto/pkey.h"

struct pml_identity {
    atomic_int references;
    struct pml_keyset keyset;
    char digest[PML_DIGEST_TEXT];
    char receipt_key_id[48];
    struct pml_secret receipt_seed; /* Ed25519 */
    EVP_PKEY *tls_key;              /* P-256 */
    X509 *certificate;
};

struct pml_identity_options { /* borrowed */
    const char *state_dir;
    bool keep;                /* simulated platform: keys live in the state directory */
    const char *subject;      /* of the keyset; NULL: none */
    const char *const *names; /* of the certificate beside localhost, 127.0.0.1 and ::1 */
    size_t name_count;
};

/*
 * The identity to serve with: the kept one, or a new one when there is none, it has expired, or keys are not kept.
 * Writes STATE/tls.crt. The caller owns one reference. PML_UNKNOWN: "keys" (kept keys and keyset do not belong
 * together), key_file, io, memory; PML_USAGE "name".
 */
PML_CHECKED
struct pml_identity *pml_identity_open(const struct pml_identity_options *options, int64_t now, struct pml_error *err);

/* New keys in every role, as a whole: kept keys are replaced in one step, and a crash leaves the old or the new. */
PML_CHECKED
struct pml_identity *pml_identity_renew(const struct pml_identity_options *options, int64_t now, struct pml_error *err);

/* Writes STATE/tls.crt, the certificate for people and tools that want it in a file. io. */
PML_CHECKED
bool pml_identity_publish(const struct pml_identity *identity, const char *state_dir, struct pml_error *err);

/* Two thirds of its life are over. */
bool pml_identity_is_due(const struct pml_identity *identity, int64_t now);
bool pml_identity_is_expired(const struct pml_identity *identity, int64_t now);

struct pml_identity *pml_identity_ref(struct pml_identity *identity);
void pml_identity_unref(struct pml_identity *identity); /* NULL is allowed */
void pml_identity_auto(struct pml_identity **identity);

#endif
