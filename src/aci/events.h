/* SPDX-License-Identifier: MIT */
/*
 * The measured descriptors of a model and of the engine, and the record of one inference: extension events of a receipt
 * (spec inference-api §5.4). A descriptor is the event without `type`; the report carries descriptors, receipts carry
 * events, and RTMR3 is extended by the SHA-256 of a descriptor's canonical form (§5.2).
 */
#ifndef PML_ACI_EVENTS_H
#define PML_ACI_EVENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

#define PML_EVENT_MODEL         "model.measured"
#define PML_EVENT_ENGINE        "engine.measured"
#define PML_EVENT_INFERENCE     "inference.executed"
#define PML_RTMR_EVENT_MODEL    "model-measured" /* names in the TD's event log */
#define PML_RTMR_EVENT_ENGINE   "engine-measured"
#define PML_MODEL_PROFILE       "pmlsdk.model/1"
#define PML_ENGINE_PROFILE      "pmlsdk.engine/1"
#define PML_REPLAY_PROFILE      "pmlsdk.replay/1"
#define PML_DETERMINISM_PROFILE "pmlsdk.det/1"

struct pml_model_descriptor { /* strings borrowed */
    const char *model_id;
    int64_t file_size;
    uint8_t file_digest[PML_SHA256_SIZE];
    const uint8_t *verity_root, *verity_salt; /* 32 bytes each; NULL: not on such a volume */
    uint8_t oms_root[PML_SHA256_SIZE];
    uint8_t tokenizer_digest[PML_SHA256_SIZE];
    uint8_t chat_template_digest[PML_SHA256_SIZE];
};

struct pml_engine_descriptor { /* strings borrowed */
    const char *engine_version;
    uint8_t build_digest[PML_SHA256_SIZE];
    const char *determinism_profile; /* built: always PML_DETERMINISM_PROFILE */
    int64_t context_length;          /* token positions a sequence */
    const char *kv_dtype;            /* "f16" or "f32" */
    const char *chat_template;       /* "builtin:FAMILY", "jinja" or "none"; parsed: NULL when absent */
};

struct pml_inference { /* one choice; strings borrowed */
    int64_t choice_index;
    uint64_t seed;
    const char *sampling;
    const uint8_t *grammar_digest; /* NULL: nothing constrained */
    int64_t max_new_tokens;
    int64_t prompt_tokens;
    uint8_t prompt_tokens_digest[PML_SHA256_SIZE];
    int64_t output_tokens;
    uint8_t output_tokens_digest[PML_SHA256_SIZE];
    const char *finish_reason;
    int64_t logits_top;
    bool has_logits_chain;
    uint8_t logits_chain_digest[PML_SHA256_SIZE];
    const char *template_date;              /* NULL: the template did not read the clock */
    uint8_t grammar_bytes[PML_SHA256_SIZE]; /* parsed: what grammar_digest points to */
};

/* Descriptors and events as documents; the caller owns the reference. memory. */
PML_CHECKED
json_t *pml_model_descriptor_build(const struct pml_model_descriptor *model, struct pml_error *err);
PML_CHECKED
json_t *pml_engine_descriptor_build(const struct pml_engine_descriptor *engine, struct pml_error *err);
PML_CHECKED
json_t *pml_inference_build(const struct pml_inference *inference, struct pml_error *err); /* the event, with type */

/* The event of a descriptor: a copy with `type` put in. memory. */
PML_CHECKED
json_t *pml_descriptor_event(const json_t *descriptor, const char *type, struct pml_error *err);
/* The reverse: a copy of the event without `type`. memory. */
PML_CHECKED
json_t *pml_event_descriptor(const json_t *event, struct pml_error *err);

/* The payload that RTMR3 is extended with: SHA-256(JCS(descriptor)). jcs, memory. */
PML_CHECKED
bool pml_descriptor_payload(uint8_t payload[PML_SHA256_SIZE], const json_t *descriptor, struct pml_error *err);

/* Readers of documents from outside (descriptor or event); strings point into the document. PML_NO: "profile", "event",
 * "json". */
PML_CHECKED
bool pml_model_descriptor_parse(struct pml_model_descriptor *out, const json_t *document, struct pml_error *err);
PML_CHECKED
bool pml_engine_descriptor_parse(struct pml_engine_descriptor *out, const json_t *document, struct pml_error *err);
/* OUT must stay where it is while grammar_digest is used. */
PML_CHECKED
bool pml_inference_parse(struct pml_inference *out, const json_t *event, struct pml_error *err);

#endif
