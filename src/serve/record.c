/* SPDX-License-Identifier: MIT */
/* Receipts of requests. */
#include "serve/record.h"

#include <string.h>

#include "base/json.h"

/* Measured and executed: between request.forwarded and response.returned. */
static bool add_execution(json_t *events, const struct pml_record *r, struct pml_error *err)
{
    if (!r->forwarded)
        return true;
    return pml_receipt_add_body(events, PML_EVENT_FORWARDED, r->request_sha256, err) &&
           pml_receipt_add(events, json_incref(r->workload->model_event), err) &&
           pml_receipt_add(events, json_incref(r->workload->engine_event), err) &&
           (!r->inference || pml_receipt_add(events, pml_inference_build(r->inference, err), err));
}

char *pml_record_sign(const struct pml_record *r, size_t *size, struct pml_error *err)
{
    PML_AUTO(json) json_t *events = pml_receipt_events(err);
    if (!events || !pml_receipt_add_body(events, PML_EVENT_RECEIVED, r->request_sha256, err) ||
        !add_execution(events, r, err) || !pml_receipt_add_body(events, PML_EVENT_RETURNED, r->response_sha256, err))
        return NULL;
    struct pml_receipt_head head = {
        .receipt_id = r->receipt_id,
        .chat_id = r->chat_id,
        .model = r->model,
        .endpoint = r->endpoint,
        .method = r->method,
        .served_at = r->served_at,
    };
    memcpy(head.keyset_digest, r->identity->keyset.digest, sizeof head.keyset_digest);
    return pml_receipt_sign(&head, events, r->identity->receipt_key_id, &r->identity->receipt_seed, size, err);
}
