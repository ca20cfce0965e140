/* SPDX-License-Identifier: MIT */
/* SHA-2 (FIPS 180-4) over OpenSSL, at the bottom of the tree because the engine hashes what it loads and what it
 * computes. */
#ifndef PML_BASE_DIGEST_H
#define PML_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define PML_SHA256_SIZE 32
#define PML_SHA384_SIZE 48
#define PML_DIGEST_TEXT 72 /* "sha256:" + 64 digits + NUL */

void pml_sha256(uint8_t out[PML_SHA256_SIZE], const void *bytes, size_t size);
void pml_sha384(uint8_t out[PML_SHA384_SIZE], const void *bytes, size_t size);

/* A running SHA-256 or SHA-384. final resets nothing: begin again to hash another message. Aborts only when memory is
 * out. */
struct pml_hash {
    void *context;
};
void pml_hash_sha256(struct pml_hash *h);
void pml_hash_sha384(struct pml_hash *h);
void pml_hash_add(struct pml_hash *h, const void *bytes, size_t size);
void pml_hash_copy(struct pml_hash *to, const struct pml_hash *from); /* TO is fresh, both go on independently */
void pml_hash_final(struct pml_hash *h, uint8_t *out);                /* releases the context */
void pml_hash_auto(struct pml_hash *h);

/* "sha256:<64 lower-case hex>" as in receipts. Returns OUT. */
char *pml_digest_text(char out[PML_DIGEST_TEXT], const uint8_t digest[PML_SHA256_SIZE]);
/* The reverse; false if TEXT is not exactly of that form. */
PML_CHECKED
bool pml_digest_parse(uint8_t digest[PML_SHA256_SIZE], const char *text);

/* SHA-256 of the running executable's file (/proc/self/exe): the build_digest of receipts. io. */
PML_CHECKED
bool pml_build_digest(uint8_t digest[PML_SHA256_SIZE], struct pml_error *err);
/* SHA-256 of a whole file. io. */
PML_CHECKED
bool pml_file_digest(uint8_t digest[PML_SHA256_SIZE], const char *path, struct pml_error *err);

#endif
