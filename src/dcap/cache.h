/* SPDX-License-Identifier: MIT */
/*
 * Collateral that was fetched before: in memory, and in a private directory so that later processes have it too (spec
 * dcap §3.5). An item is served while its own dates say that it is current, never after. Once it is older than a day,
 * or than half of its window if that is less, it is fetched again, and kept when that fails. A failure is remembered
 * for a minute. Whatever comes from the disk is verified as if it came from the network.
 *
 * Thread-safe: of the callers who want the same item one fetches it, and the others wait, or take the copy at hand.
 */
#ifndef PML_DCAP_CACHE_H
#define PML_DCAP_CACHE_H

#include "dcap/fetch.h"

struct pml_cache;

struct pml_cache_options {
    const char *dir;    /* made 0700 if missing; NULL: memory only */
    unsigned forget_ms; /* how long failures are remembered; 0: 60,000 */
    /* Told of what is no failure: an old copy served because fetching failed, an item that could not be kept. From any
     * thread. May be NULL. */
    void (*notice)(void *arg, const struct pml_error *what);
    void *arg;
};

/* Copies the options. io, state_dir: the directory is no place for it. */
PML_CHECKED
struct pml_cache *pml_cache_new(const struct pml_cache_options *options, struct pml_error *err);
void pml_cache_free(struct pml_cache *cache); /* NULL is allowed */

/*
 * An item that is current by WHEN and whose chain ends in ROOT; the caller frees it. FETCH NULL: what is kept must do.
 * FRESH: ask again even if what is kept is current, and fail if that fails. PML_UNKNOWN "collateral_unavailable".
 */
PML_CHECKED
bool pml_cache_get(struct pml_cache *cache, struct pml_item *item, const struct pml_item_key *key,
                   struct pml_bytes root, struct pml_when when, const struct pml_fetch *fetch, bool fresh,
                   struct pml_error *err);

#endif
