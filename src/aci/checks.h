/* SPDX-License-Identifier: MIT */
/*
 * What a relying party checks about an attested service, as the ordered table of spec inference-api §2.11. A client
 * runs it live, in parts, with the connection between them; `pml receipt verify` runs it on saved files.
 *
 * The first check that fails ends the run. Whoever sends a prompt does so only after pml_checks_run to
 * PML_CHECK_IDENTITY has returned true.
 */
#ifndef PML_ACI_CHECKS_H
#define PML_ACI_CHECKS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aci/receipt.h"
#include "aci/report.h"
#include "dcap/policy.h"
#include "dcap/source.h"
#include "tdx/event_log.h"

enum pml_check {
    PML_CHECK_REPORT,
    PML_CHECK_QUOTE,
    PML_CHECK_REPORT_DATA,
    PML_CHECK_TLS_KEY,
    PML_CHECK_EVENT_LOG,
    PML_CHECK_MODEL,
    PML_CHECK_ENGINE,
    PML_CHECK_IDENTITY, /* the last before a prompt may be sent */
    PML_CHECK_RECEIPT,
    PML_CHECK_REQUEST_HASH,
    PML_CHECK_RESPONSE_HASH,
    PML_CHECK_RECEIPT_MODEL,
    PML_CHECK_RECEIPT_ENGINE,
    PML_CHECK_REPLAY,
    PML_CHECK_COUNT
};

enum pml_outcome { PML_SKIPPED, PML_PASSED, PML_FAILED }; /* also what could not be decided is skipped */

/*
 * First the facts, set by the caller before the checks that read them and borrowed; then what the checks made of them.
 * Zero is the state before everything.
 */
struct pml_checks {
    const char *report_text;
    size_t report_size;
    const uint8_t *nonce;       /* PML_NONCE_SIZE; NULL: the report was asked for without one */
    const uint8_t *spki_sha256; /* of the connection the report came over; NULL: offline */
    const char *host;           /* of that connection */
    const struct pml_policy *policy;
    bool policy_given;      /* POLICY came from the user and not only from defaults and trusted roots */
    const char *collateral; /* bundle; NULL: the report's */
    size_t collateral_size;
    bool fresh_collateral;     /* never the report's */
    struct pml_source *source; /* of collateral when there is none, or it is out of date; NULL: it is not fetched */
    int64_t now;               /* unix seconds at which everything is judged */

    const char *receipt_text;
    size_t receipt_size;
    const char *receipt_id; /* that the response named; NULL: offline */
    const char *path;       /* that was asked; NULL: offline */
    const char *request;    /* body; NULL: not at hand */
    size_t request_size;
    const char *response; /* body; NULL: not at hand */
    size_t response_size;
    /* Re-executes the receipt; NULL: not asked for. True: match. */
    bool (*replay)(void *arg, const struct pml_checks *checks, struct pml_error *err);
    void *replay_arg;

    enum pml_outcome outcome[PML_CHECK_COUNT];
    enum pml_check next;     /* the first that has not been run */
    enum pml_check ended_at; /* the check that ended the run; PML_CHECK_COUNT: something else did */
    struct pml_error error;  /* what ended it; code NULL: nothing did */
    struct pml_report report;
    struct pml_verdict verdict;
    struct pml_event_log log;
    struct pml_receipt receipt;
};

const char *pml_check_name(enum pml_check check); /* "report_data", as in the JSON output; not of PML_CHECK_COUNT */

/* Runs the checks FROM to TO, both included, unless an earlier run ended in failure. True: none failed. */
PML_CHECKED
bool pml_checks_run(struct pml_checks *checks, enum pml_check from, enum pml_check to);

/* Ends the run from outside, unless it has ended: CHECK failed for the reason ERR gives (a response without a receipt),
 * or with PML_CHECK_COUNT none of them did (a network that is down, a refusal). Returns false. */
bool pml_checks_end(struct pml_checks *checks, enum pml_check check, const struct pml_error *err);

/* Nothing failed, and every check that the use needs passed: up to the receipt's engine online, the set that spec §2.11
 * names offline. */
bool pml_checks_ok(const struct pml_checks *checks);
/* 0 ok, 1 a check failed, 3 could not tell. */
int pml_checks_status(const struct pml_checks *checks);

/* {"ok","simulated","checks","receipt_id","model","error"}. memory. */
PML_CHECKED
json_t *pml_checks_json(const struct pml_checks *checks, struct pml_error *err);

/* A policy that pins what was measured, for review: JSON text the caller frees. The checks
 * up to `engine` must have passed. memory. */
PML_CHECKED
char *pml_checks_policy(const struct pml_checks *checks, struct pml_error *err);

void pml_checks_wipe(struct pml_checks *checks); /* what the checks made, not the facts */
void pml_checks_auto(struct pml_checks *checks);

#endif
