/* SPDX-License-Identifier: MIT */
/*
 * Memory of verifications, for programs that verify many quotes: bundles and PCK chains that have been verified need
 * not be again while they are current, which leaves two signatures of nine for the next quote of the same platform. The
 * verdict is the same with and without.
 *
 * A bundle is known by the SHA-256 of all of it that is verified, a PCK chain by that of its text and of both
 * revocation lists. Entries are used between the latest date from which and the earliest until which all of their parts
 * are valid; at any other time everything is verified as if nothing were known. Roots and policy are never part of an
 * entry: a chain must end in a root that is trusted now. Thread-safe.
 */
#ifndef PML_DCAP_VERIFY_CACHE_H
#define PML_DCAP_VERIFY_CACHE_H

#include <stddef.h>

#include "base/error.h"

struct pml_verify_cache;

/* Keeps so many BUNDLES (about 200 KB each) and PLATFORMS (about 15 KB each) that were used last; at least one of each.
 * memory. */
PML_CHECKED
struct pml_verify_cache *pml_verify_cache_new(size_t bundles, size_t platforms, struct pml_error *err);
void pml_verify_cache_free(struct pml_verify_cache *cache); /* NULL is allowed; no verification may be using it */

#endif
