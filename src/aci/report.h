/* SPDX-License-Identifier: MIT */
/*
 * The attestation report: the document of GET /v1/aci/attestation, which carries a keyset, the quote that binds it and
 * what a relying party needs to judge the quote. Source: ACI v1, spec inference-api §2.3 and §5.2.
 */
#ifndef PML_ACI_REPORT_H
#define PML_ACI_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aci/keyset.h"
#include "aci/statement.h"

#define PML_ACI_VERSION "aci/1"
#define PML_REPORT_MAX  (4u << 20)

/* What a service reports; all borrowed, one consistent snapshot. */
struct pml_report_parts {
    const struct pml_keyset *keyset;
    const uint8_t *report_data;         /* PML_SHA256_SIZE, of the statement the quote carries */
    const char *repo_url, *repo_commit; /* both or neither (NULL or "") */
    const uint8_t *image_digest;        /* PML_SHA256_SIZE; NULL: none */
    const void *quote;
    size_t quote_size;
    const char *event_log;   /* JSON text, the log at the moment of the quote */
    const char *app_compose; /* exact bytes that compose-hash covers */
    const char *vm_config;
    const char *platform;     /* "tdx" or "simulated" */
    const json_t *models;     /* array of model descriptors (aci/events.h) in load order */
    const json_t *engine;     /* engine descriptor */
    const json_t *collateral; /* bundle, NULL: none at hand */
};

/* The document's compact text. The caller frees. memory. */
PML_CHECKED
char *pml_report_build(const struct pml_report_parts *parts, size_t *size, struct pml_error *err);

/* A report from outside. Pointers belong to DOCUMENT; those marked optional are NULL when absent or null. */
struct pml_report {
    json_t *document; /* owned */
    uint8_t claimed_keyset_digest[PML_SHA256_SIZE];
    uint8_t report_data[PML_SHA256_SIZE];
    struct pml_keyset keyset; /* owned */
    uint8_t *quote;           /* owned; optional */
    size_t quote_size;
    const char *quote_report_data; /* optional, hex */
    const char *event_log;         /* optional, JSON text */
    const char *app_compose;       /* optional */
    const char *platform;          /* optional: evidence.pml.platform */
    const json_t *models;          /* optional, array of objects */
    const json_t *engine;          /* optional, object */
    const json_t *collateral;      /* optional, object */
};

/*
 * Reads the structure and judges nothing beyond it: one JSON object of at most PML_REPORT_MAX bytes, api_version aci/1,
 * tee_type tdx, a well-formed keyset, report data and evidence members of the right types. PML_NO: "report", "keyset",
 * "json", "jcs".
 */
PML_CHECKED
bool pml_report_parse(struct pml_report *out, const char *text, size_t size, struct pml_error *err);

/*
 * The keyset digest is the keyset's, the statement of it and NONCE (NULL: the form without) hashes to report_data, and
 * SLOT, the quote's report data, is that and 32 zero bytes. PML_NO: "keyset_digest", "report_data".
 */
PML_CHECKED
bool pml_report_check_binding(const struct pml_report *report, const uint8_t *nonce,
                              const uint8_t slot[PML_REPORT_DATA_SLOT], struct pml_error *err);

void pml_report_wipe(struct pml_report *report);
void pml_report_auto(struct pml_report *report);

#endif
