/* SPDX-License-Identifier: MIT */
/*
 * Who may ask (spec inference-api §0.8). Bearer tokens are kept as SHA-256 digests and compared in constant time; the
 * digest of a presented token is also the tenant that receipts belong to. Without a list of tokens everybody may ask,
 * and a token only names the tenant.
 */
#ifndef PML_SERVE_TENANTS_H
#define PML_SERVE_TENANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

struct pml_tenants;

/* Reads a file with one token a line; blank lines and lines that begin with # are skipped. PATH NULL: everybody may
 * ask. PML_UNKNOWN "token_file": no token in it, a token with blanks or over 1024 bytes; io. */
PML_CHECKED
struct pml_tenants *pml_tenants_load(const char *path, struct pml_error *err);
void pml_tenants_free(struct pml_tenants *tenants);
bool pml_tenants_are_listed(const struct pml_tenants *tenants); /* there is a list */

/* The digest of the bearer token in an Authorization header. False: there is none. */
bool pml_bearer_digest(uint8_t digest[PML_SHA256_SIZE], const char *authorization);

/* May the holder of this token ask? DIGEST NULL: no token was presented. */
PML_CHECKED
bool pml_tenants_admit(const struct pml_tenants *tenants, const uint8_t *digest);

#endif
