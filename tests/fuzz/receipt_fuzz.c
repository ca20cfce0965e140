/* SPDX-License-Identifier: MIT */
/* Receipts and their events as the client reads them: what is accepted reads the same from its canonical form. */
#include <stdlib.h>
#include <string.h>

#include "aci/events.h"
#include "aci/receipt.h"
#include "base/jcs.h"
#include "base/json.h"
#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_events(const struct pml_receipt *receipt)
{
    struct pml_error err;
    uint8_t digest[PML_SHA256_SIZE];
    struct pml_model_descriptor model;
    struct pml_engine_descriptor engine;
    struct pml_inference inference;
    const json_t *event = pml_receipt_event(receipt, PML_EVENT_MODEL, 0);
    if (event && pml_model_descriptor_parse(&model, event, &err) && model.file_size < 0)
        abort();
    event = pml_receipt_event(receipt, PML_EVENT_ENGINE, 0);
    if (event && pml_engine_descriptor_parse(&engine, event, &err) && engine.context_length < 1)
        abort();
    event = pml_receipt_event(receipt, PML_EVENT_INFERENCE, 0);
    if (event && pml_inference_parse(&inference, event, &err) && inference.output_tokens < 0)
        abort();
    if (pml_receipt_body_hash(digest, receipt, PML_EVENT_RETURNED, &err) &&
        pml_receipt_count(receipt, PML_EVENT_RETURNED) != 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pml_error err;
    struct pml_receipt receipt, again;
    if (!pml_receipt_parse(&receipt, (const char *)data, size, &err))
        return 0;
    read_events(&receipt);
    size_t text_size;
    PML_AUTO(mem) char *text = pml_jcs(receipt.document, &text_size, &err);
    if (text) { /* numbers beyond the canonical form are found when the signature is checked */
        if (!pml_receipt_parse(&again, text, text_size, &err) || !json_equal(again.document, receipt.document))
            abort();
        pml_receipt_wipe(&again);
    }
    pml_receipt_wipe(&receipt);
    return 0;
}
