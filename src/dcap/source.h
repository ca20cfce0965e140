/* SPDX-License-Identifier: MIT */
/*
 * Where collateral comes from when nobody brings it: finds out what a quote needs, gets the four items through the
 * cache, and makes a bundle of them (spec dcap §3.4).
 *
 * Only quotes of platforms that a trusted root vouches for cause any traffic: their PCK chain is verified first.
 */
#ifndef PML_DCAP_SOURCE_H
#define PML_DCAP_SOURCE_H

#include "dcap/cache.h"

struct pml_source;

struct pml_source_options { /* copied */
    struct pml_fetch_options services;
    bool offline;          /* the cache alone */
    bool early;            /* TCB info and QE identity as soon as Intel publishes them */
    const char *cache_dir; /* NULL: this process remembers */
    void (*notice)(void *arg, const struct pml_error *what); /* as of the cache; NULL: none */
    void *arg;
};

/* Touches no network. PML_USAGE "usage"; io, state_dir. */
PML_CHECKED
struct pml_source *pml_source_new(const struct pml_source_options *options, struct pml_error *err);
void pml_source_free(struct pml_source *source); /* NULL is allowed */
void pml_source_auto(struct pml_source **source);

/* What collateral is for. */
struct pml_need {
    bool tdx; /* else SGX */
    bool by_platform_ca;
    bool simulated; /* the root carries the mark */
    uint8_t fmspc[6];
    struct pml_root root; /* that all chains must end in */
    char *pck_chain;      /* owned PEM that goes into the bundle; NULL: the quote carries it */
};

/* What a quote needs. Verifies its PCK chain, which for certification data of type 1 to 3 is fetched. Codes of S1, S3
 * and S4 of pml_quote_verify; collateral_unavailable. The caller frees. */
PML_CHECKED
bool pml_source_need(struct pml_need *need, const struct pml_source *source, const void *quote, size_t quote_size,
                     const struct pml_trust *trust, struct pml_when when, struct pml_error *err);
void pml_need_free(struct pml_need *need);
void pml_need_auto(struct pml_need *need);

/*
 * The bundle's JSON text, whose parts are verified and current by WHEN; the caller frees. WHEN is the present, also for
 * a service that judges by other times on request: what failed for one caller is remembered for all. FRESH: ask again
 * even if what is kept is current. PML_UNKNOWN "collateral_unavailable", memory.
 */
PML_CHECKED
char *pml_source_bundle(struct pml_source *source, const struct pml_need *need, struct pml_when when, bool fresh,
                        size_t *size, struct pml_error *err);
/* Both steps at once. */
PML_CHECKED
char *pml_source_for_quote(struct pml_source *source, const void *quote, size_t quote_size,
                           const struct pml_trust *trust, struct pml_when when, bool fresh, size_t *size,
                           struct pml_error *err);

#endif
