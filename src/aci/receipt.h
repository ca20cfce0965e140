/* SPDX-License-Identifier: MIT */
/*
 * Receipts: a signed statement, by a key of the keyset, of which bytes were asked, forwarded and answered, and by which
 * model and engine. Source: ACI v1, spec inference-api §2.5 and §5.4.
 */
#ifndef PML_ACI_RECEIPT_H
#define PML_ACI_RECEIPT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aci/keyset.h"
#include "base/memory.h"

#define PML_RECEIPT_ID_TEXT 30 /* "rcpt-" + 24 hex digits + NUL */
#define PML_RECEIPT_MAX     (1u << 20)
#define PML_EVENT_RECEIVED  "request.received"
#define PML_EVENT_FORWARDED "request.forwarded"
#define PML_EVENT_RETURNED  "response.returned"

/* What surrounds the events of a receipt; borrowed. */
struct pml_receipt_head {
    const char *receipt_id;
    const char *chat_id; /* NULL: none, as in a refusal */
    const char *model;   /* as requested, verbatim; NULL: none */
    uint8_t keyset_digest[PML_SHA256_SIZE];
    const char *endpoint; /* path */
    const char *method;
    int64_t served_at; /* unix seconds */
};

/* A new random id. io. */
PML_CHECKED
bool pml_receipt_new_id(char out[PML_RECEIPT_ID_TEXT], struct pml_error *err);

/*
 * The events of a receipt under construction, in order. pml_receipt_add takes EVENT, and fails on NULL, so that a
 * builder's result can be passed straight in. A stream's response.returned is added last, when its hash is known.
 */
PML_CHECKED
json_t *pml_receipt_events(struct pml_error *err);
PML_CHECKED
bool pml_receipt_add(json_t *events, json_t *event, struct pml_error *err);
PML_CHECKED
bool pml_receipt_add_body(json_t *events, const char *type, const uint8_t body_sha256[PML_SHA256_SIZE],
                          struct pml_error *err);

/*
 * Finishes: signs JCS(document without signature) and returns the canonical text with the signature in its sorted
 * place. SEED is the Ed25519 receipt key of that id. EVENTS is borrowed and must begin with request.received and end
 * with response.returned. The caller frees. jcs, memory, crypto.
 */
PML_CHECKED
char *pml_receipt_sign(const struct pml_receipt_head *head, json_t *events, const char *key_id,
                       const struct pml_secret *seed, size_t *size, struct pml_error *err);

/* A receipt from outside. Pointers belong to DOCUMENT. */
struct pml_receipt {
    json_t *document; /* owned */
    const char *receipt_id;
    const char *chat_id; /* NULL: null */
    const char *model;   /* NULL: null */
    uint8_t keyset_digest[PML_SHA256_SIZE];
    const char *endpoint, *method;
    int64_t served_at;
    const json_t *event_log; /* array of objects, each with a string `type` */
    const char *key_id;
    uint8_t signature[64];
};

/*
 * Reads the structure: one JSON object of at most PML_RECEIPT_MAX bytes, api_version aci/1, members of their types, the
 * first event request.received, and no second request.received, request.forwarded or response.returned. PML_NO:
 * "receipt", "json", "jcs".
 */
PML_CHECKED
bool pml_receipt_parse(struct pml_receipt *out, const char *text, size_t size, struct pml_error *err);

/* Signed by the keyset's key of that id, and citing the keyset's digest. PML_NO: "receipt_keyset", "receipt_key",
 * "receipt_signature". */
PML_CHECKED
bool pml_receipt_verify(const struct pml_receipt *receipt, const struct pml_keyset *keyset, struct pml_error *err);

/* The events of a type: how many, and the i-th. Borrowed; NULL when there are fewer. */
size_t pml_receipt_count(const struct pml_receipt *receipt, const char *type);
const json_t *pml_receipt_event(const struct pml_receipt *receipt, const char *type, size_t index);

/* The body_hash of the one event of TYPE. PML_NO, "receipt". */
PML_CHECKED
bool pml_receipt_body_hash(uint8_t digest[PML_SHA256_SIZE], const struct pml_receipt *receipt, const char *type,
                           struct pml_error *err);

void pml_receipt_wipe(struct pml_receipt *receipt);
void pml_receipt_auto(struct pml_receipt *receipt);

#endif
