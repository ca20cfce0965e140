/* SPDX-License-Identifier: MIT */
/*
 * Collateral from files: bundles by the platforms they are about. A quote finds the bundle of its FMSPC, TEE and PCK CA
 * that was issued last, but not after the time that is judged by; failing that the oldest, whose dates then say what
 * is wrong. A bundle here speaks of a family of platforms: a PCK chain in it, which is of one, is left aside. Loaded
 * once, then read from any thread.
 */
#ifndef PML_VERIFIER_BUNDLES_H
#define PML_VERIFIER_BUNDLES_H

#include "dcap/collateral.h"

#define PML_BUNDLES_MAX 4096

struct pml_bundles;

PML_CHECKED
struct pml_bundles *pml_bundles_new(struct pml_error *err);
void pml_bundles_free(struct pml_bundles *bundles); /* NULL is allowed */

/* Adds the bundle in a file, or those in all *.json of a directory. io; codes of pml_collateral_parse and of what it
 * holds; PML_USAGE "usage" for more than PML_BUNDLES_MAX. */
PML_CHECKED
bool pml_bundles_load(struct pml_bundles *bundles, const char *path, struct pml_error *err);
size_t pml_bundles_count(const struct pml_bundles *bundles);

/* Borrowed. *CURRENT, if not NULL, tells whether its TCB info is by NOW. PML_UNKNOWN "collateral_unavailable": there is
 * none for such a platform; codes of a quote that is not one. */
PML_CHECKED
const struct pml_collateral *pml_bundles_find(const struct pml_bundles *bundles, const void *quote, size_t quote_size,
                                              int64_t now, bool *current, struct pml_error *err);

#endif
