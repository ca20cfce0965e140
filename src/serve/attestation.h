/* SPDX-License-Identifier: MIT */
/*
 * Attestation reports (spec inference-api §2.3). One worker makes quotes, one after the other; callers ask from any
 * thread and are answered by a callback on that worker. A report is one snapshot: its event log is the one that replays
 * to its quote. The form without nonce may be reused for a while; with a nonce the quote is always fresh.
 */
#ifndef PML_SERVE_ATTESTATION_H
#define PML_SERVE_ATTESTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "serve/identity.h"
#include "serve/workload.h"

struct pml_platform;
struct pml_source;
struct pml_attestation;

struct pml_attestation_options { /* borrowed, outlive the attestation */
    struct pml_platform *platform;
    const struct pml_workload *workload;
    unsigned cache_seconds;    /* of reports without nonce; 0: never reused */
    struct pml_source *source; /* of collateral on a real platform; NULL: reports carry none there */
};

/* Gets the platform's collateral as well: without one, reports carry null and the log says so. */
PML_CHECKED
struct pml_attestation *pml_attestation_new(const struct pml_attestation_options *options, struct pml_error *err);
void pml_attestation_free(struct pml_attestation *attestation); /* answers what is queued first */

/* REPORT is the document's text; a callback may take it (set to NULL), and then frees it. ERR is NULL on success. */
typedef void (*pml_attestation_done)(void *arg, char **report, size_t size, const struct pml_error *err);

/* Asks for a report over IDENTITY (a reference is taken). NONCE NULL: the form without. False: too many wait. */
PML_CHECKED
bool pml_attestation_report(struct pml_attestation *attestation, struct pml_identity *identity, const uint8_t *nonce,
                            pml_attestation_done done, void *arg);

/* Renews the collateral on the worker if it is time to: call it every hour. */
void pml_attestation_refresh(struct pml_attestation *attestation);

#endif
