/* SPDX-License-Identifier: MIT */
/*
 * Client of Intel's provisioning certification service, version 4, and of caches of it (spec dcap §3.1, §3.2). Only the
 * hosts that the caller names, or Intel's, are ever contacted: nothing in a quote or a certificate can name one. What
 * comes back is verified item by item; an answer that does not verify is as good as none, and the next service is
 * asked.
 *
 * A service gets 10 s to be connected to and 30 s for an answer; refusals, cut answers, 429 and 5xx are tried three
 * times, waiting in between. Calls block. Thread-safe: every call makes its own connections.
 */
#ifndef PML_DCAP_FETCH_H
#define PML_DCAP_FETCH_H

#include "dcap/item.h"
#include "tdx/quote.h"

#define PML_PCS_URL "https://api.trustedservices.intel.com"

struct pml_fetch;

struct pml_fetch_options {
    const char *const *urls; /* asked in this order; none: Intel's. https, or http for this machine's own addresses; a
                              * path may end in /sgx/certification/v4 or /tdx/certification/v4, which is ignored */
    size_t url_count;
    const char *ca_file; /* PEM of who vouches for the services' TLS keys; NULL: the system's */
    unsigned retry_ms;   /* wait before the second try, four times as long before the third; 0: 500 */
    unsigned answer_ms;  /* for one answer; 0: 30,000 */
};

/* Copies the options; touches no network. PML_USAGE "usage": a URL is none, or neither https nor local. */
PML_CHECKED
struct pml_fetch *pml_fetch_new(const struct pml_fetch_options *options, struct pml_error *err);
void pml_fetch_free(struct pml_fetch *fetch); /* NULL is allowed */

/* Gets one item and verifies it. The caller frees the item. PML_UNKNOWN "collateral_unavailable": what each service
 * failed with. */
PML_CHECKED
bool pml_fetch_item(const struct pml_fetch *fetch, struct pml_item *item, const struct pml_item_key *key,
                    struct pml_bytes root, struct pml_when when, struct pml_error *err);

/*
 * The PCK chain (PEM) of a quote with certification data of type 1 to 3, which carries the platform's name instead.
 * Intel's own service wants a subscription key for this; a PCCS that knows the platform does not. The chain is not
 * verified yet. The caller frees. PML_NO "pck_chain": the platform is registered with a lower TCB than the quote has;
 * collateral_unavailable.
 */
PML_CHECKED
char *pml_fetch_pck_chain(const struct pml_fetch *fetch, const struct pml_quote *quote, struct pml_error *err);

#endif
