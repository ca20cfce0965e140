/* SPDX-License-Identifier: MIT */
/* Receipts: collecting events, signing, reading and verifying. */
#include "aci/receipt.h"

#include <stdlib.h>
#include <string.h>

#include "aci/members.h"
#include "aci/report.h"
#include "base/encode.h"
#include "base/jcs.h"
#include "base/json.h"
#include "crypto/ed25519.h"

bool pml_receipt_new_id(char out[PML_RECEIPT_ID_TEXT], struct pml_error *err)
{
    uint8_t random[12];
    if (!pml_random(random, sizeof random, err))
        return false;
    memcpy(out, "rcpt-", 5);
    pml_hex(out + 5, random, sizeof random);
    return true;
}

json_t *pml_receipt_events(struct pml_error *err)
{
    json_t *events = json_array();
    return events ? events : pml_fail_memory(err);
}

bool pml_receipt_add(json_t *events, json_t *event, struct pml_error *err)
{
    if (!event)
        return false;
    if (json_array_append_new(events, event) != 0)
        return pml_fail_memory(err);
    return true;
}

bool pml_receipt_add_body(json_t *events, const char *type, const uint8_t body_sha256[PML_SHA256_SIZE],
                          struct pml_error *err)
{
    json_t *event = json_pack("{s:s, s:o}", "type", type, "body_hash", pml_json_digest(body_sha256));
    if (!event)
        return pml_fail_memory(err);
    return pml_receipt_add(events, event, err);
}

static const char *type_of(const json_t *event)
{
    const char *type = json_string_value(json_object_get(event, "type"));
    return type ? type : "";
}

char *pml_receipt_sign(const struct pml_receipt_head *head, json_t *events, const char *key_id,
                       const struct pml_secret *seed, size_t *size, struct pml_error *err)
{
    uint8_t signature[PML_ED25519_SIG_SIZE];
    size_t count = json_array_size(events);
    if (count < 2 || strcmp(type_of(json_array_get(events, 0)), PML_EVENT_RECEIVED) != 0 ||
        strcmp(type_of(json_array_get(events, count - 1)), PML_EVENT_RETURNED) != 0)
        return pml_fail(err, PML_UNKNOWN, "internal", "receipt without its first or last event");
    PML_AUTO(json)
    json_t *document =
        json_pack("{s:s, s:s, s:s?, s:s?, s:o, s:s, s:s, s:I, s:O, s:s}", "api_version", PML_ACI_VERSION, "receipt_id",
                  head->receipt_id, "chat_id", head->chat_id, "model", head->model, "workload_keyset_digest",
                  pml_json_digest(head->keyset_digest), "endpoint", head->endpoint, "method", head->method, "served_at",
                  (json_int_t)head->served_at, "event_log", events, "key_id", key_id);
    if (!document)
        return pml_fail_memory(err);
    size_t signed_size;
    PML_AUTO(mem) char *signed_text = pml_jcs(document, &signed_size, err);
    if (!signed_text || !pml_ed25519_sign(signature, seed, signed_text, signed_size, err))
        return NULL;
    if (json_object_set_new(document, "signature", pml_json_hex_text(signature, sizeof signature)) != 0)
        return pml_fail_memory(err);
    return pml_jcs(document, size, err);
}

static bool read_head(struct pml_receipt *receipt, struct pml_error *err)
{
    const json_t *document = receipt->document;
    const char *version = pml_json_text(document, "api_version", err);
    if (!version)
        return false;
    if (strcmp(version, PML_ACI_VERSION) != 0)
        return pml_fail(err, PML_NO, "receipt", "api_version: not \"" PML_ACI_VERSION "\"");
    return (receipt->receipt_id = pml_json_text(document, "receipt_id", err)) &&
           pml_member_text_or_null(&receipt->chat_id, document, "chat_id", err) &&
           pml_member_text_or_null(&receipt->model, document, "model", err) &&
           pml_member_digest(receipt->keyset_digest, document, "workload_keyset_digest", err) &&
           (receipt->endpoint = pml_json_text(document, "endpoint", err)) &&
           (receipt->method = pml_json_text(document, "method", err)) &&
           pml_member_count(&receipt->served_at, document, "served_at", 0, err) &&
           (receipt->event_log = pml_json_array(document, "event_log", err)) &&
           (receipt->key_id = pml_json_text(document, "key_id", err)) &&
           pml_member_hex(receipt->signature, sizeof receipt->signature, document, "signature", err);
}

static bool check_events(const struct pml_receipt *receipt, struct pml_error *err)
{
    static const char *const once[] = { PML_EVENT_RECEIVED, PML_EVENT_FORWARDED, PML_EVENT_RETURNED };
    for (size_t i = 0; i < json_array_size(receipt->event_log); i++) {
        if (!pml_json_text(json_array_get(receipt->event_log, i), "type", err))
            return pml_wrap(err, "event_log[%zu]", i);
    }
    if (strcmp(type_of(json_array_get(receipt->event_log, 0)), PML_EVENT_RECEIVED) != 0)
        return pml_fail(err, PML_NO, "receipt", "event_log: does not begin with " PML_EVENT_RECEIVED);
    for (size_t i = 0; i < PML_COUNT(once); i++) {
        if (pml_receipt_count(receipt, once[i]) > 1)
            return pml_fail(err, PML_NO, "receipt", "event_log: more than one %s", once[i]);
    }
    return true;
}

bool pml_receipt_parse(struct pml_receipt *out, const char *text, size_t size, struct pml_error *err)
{
    PML_AUTO(receipt) struct pml_receipt receipt = { 0 };
    if (size > PML_RECEIPT_MAX)
        return pml_fail(err, PML_NO, "receipt", "larger than %u bytes", PML_RECEIPT_MAX);
    receipt.document = pml_jcs_load(text, size, err);
    if (!receipt.document || !read_head(&receipt, err) || !check_events(&receipt, err))
        return false;
    *out = receipt;
    receipt.document = NULL;
    return true;
}

bool pml_receipt_verify(const struct pml_receipt *receipt, const struct pml_keyset *keyset, struct pml_error *err)
{
    uint8_t public_key[PML_RECEIPT_KEY_SIZE];
    size_t size;
    if (memcmp(receipt->keyset_digest, keyset->digest, PML_SHA256_SIZE) != 0)
        return pml_fail(err, PML_NO, "receipt_keyset", "receipt cites another keyset");
    if (!pml_keyset_receipt_key(public_key, keyset, receipt->key_id))
        return pml_fail(err, PML_NO, "receipt_key", "receipt is signed by a key that the keyset does not have");
    PML_AUTO(json) json_t *document = json_copy(receipt->document);
    if (!document)
        return pml_fail_memory(err);
    json_object_del(document, "signature");
    PML_AUTO(mem) char *signed_text = pml_jcs(document, &size, err);
    if (!signed_text)
        return false;
    if (!pml_ed25519_verify(public_key, receipt->signature, signed_text, size))
        return pml_fail(err, PML_NO, "receipt_signature", "signature does not match");
    return true;
}

const json_t *pml_receipt_event(const struct pml_receipt *receipt, const char *type, size_t index)
{
    for (size_t i = 0; i < json_array_size(receipt->event_log); i++) {
        const json_t *event = json_array_get(receipt->event_log, i);
        if (!strcmp(type_of(event), type) && index-- == 0)
            return event;
    }
    return NULL;
}

size_t pml_receipt_count(const struct pml_receipt *receipt, const char *type)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(receipt->event_log); i++)
        count += !strcmp(type_of(json_array_get(receipt->event_log, i)), type);
    return count;
}

bool pml_receipt_body_hash(uint8_t digest[PML_SHA256_SIZE], const struct pml_receipt *receipt, const char *type,
                           struct pml_error *err)
{
    const json_t *event = pml_receipt_event(receipt, type, 0);
    if (!event)
        return pml_fail(err, PML_NO, "receipt", "no event %s", type);
    if (!pml_member_digest(digest, event, "body_hash", err))
        return pml_wrap(err, "%s", type);
    return true;
}

void pml_receipt_wipe(struct pml_receipt *receipt)
{
    json_decref(receipt->document);
    *receipt = (struct pml_receipt){ 0 };
}

void pml_receipt_auto(struct pml_receipt *receipt)
{
    pml_receipt_wipe(receipt);
}
