/* SPDX-License-Identifier: MIT */
/* Model and engine descriptors, and the record of an inference. */
#include "aci/events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aci/members.h"
#include "base/jcs.h"
#include "base/json.h"
#include "base/memory.h"

enum { VERITY_BLOCK_SIZE = 4096 };

static json_t *or_no_memory(json_t *value, struct pml_error *err)
{
    return value ? value : pml_fail_memory(err);
}

json_t *pml_model_descriptor_build(const struct pml_model_descriptor *model, struct pml_error *err)
{
    return or_no_memory(json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:i, s:o, s:o, s:o}", "profile",
                                  PML_MODEL_PROFILE, "model_id", model->model_id, "format", "gguf", "file_size",
                                  (json_int_t)model->file_size, "file_digest", pml_json_digest(model->file_digest),
                                  "verity_root_sha256", pml_json_hex_text(model->verity_root, PML_SHA256_SIZE),
                                  "verity_salt", pml_json_hex_text(model->verity_salt, PML_SHA256_SIZE),
                                  "verity_block_size", VERITY_BLOCK_SIZE, "oms_root_sha256",
                                  pml_json_hex_text(model->oms_root, PML_SHA256_SIZE), "tokenizer_digest",
                                  pml_json_digest(model->tokenizer_digest), "chat_template_digest",
                                  pml_json_digest(model->chat_template_digest)),
                        err);
}

json_t *pml_engine_descriptor_build(const struct pml_engine_descriptor *engine, struct pml_error *err)
{
    return or_no_memory(json_pack("{s:s, s:s, s:s, s:o, s:s, s:I, s:s, s:s}", "profile", PML_ENGINE_PROFILE, "engine",
                                  "pmlsdk-infer", "engine_version", engine->engine_version, "build_digest",
                                  pml_json_digest(engine->build_digest), "determinism_profile", PML_DETERMINISM_PROFILE,
                                  "context_length", (json_int_t)engine->context_length, "kv_dtype", engine->kv_dtype,
                                  "chat_template", engine->chat_template),
                        err);
}

json_t *pml_inference_build(const struct pml_inference *inference, struct pml_error *err)
{
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, inference->seed);
    return or_no_memory(
        json_pack("{s:s, s:s, s:I, s:s, s:s, s:o, s:I, s:I, s:o, s:I, s:o, s:s, s:I, s:o, s:s*}", "type",
                  PML_EVENT_INFERENCE, "profile", PML_REPLAY_PROFILE, "choice_index",
                  (json_int_t)inference->choice_index, "seed", seed, "sampling", inference->sampling, "grammar_digest",
                  pml_json_digest(inference->grammar_digest), "max_new_tokens", (json_int_t)inference->max_new_tokens,
                  "prompt_tokens", (json_int_t)inference->prompt_tokens, "prompt_tokens_digest",
                  pml_json_digest(inference->prompt_tokens_digest), "output_tokens",
                  (json_int_t)inference->output_tokens, "output_tokens_digest",
                  pml_json_digest(inference->output_tokens_digest), "finish_reason", inference->finish_reason,
                  "logits_top", (json_int_t)inference->logits_top, "logits_chain_digest",
                  pml_json_digest(inference->has_logits_chain ? inference->logits_chain_digest : NULL), "template_date",
                  inference->template_date),
        err);
}

json_t *pml_descriptor_event(const json_t *descriptor, const char *type, struct pml_error *err)
{
    PML_AUTO(json) json_t *event = json_pack("{s:s}", "type", type);
    if (!event || json_object_update((json_t *)event, (json_t *)descriptor) != 0)
        return pml_fail_memory(err);
    return pml_take(&event);
}

json_t *pml_event_descriptor(const json_t *event, struct pml_error *err)
{
    PML_AUTO(json) json_t *descriptor = json_copy((json_t *)event);
    if (!descriptor)
        return pml_fail_memory(err);
    json_object_del(descriptor, "type");
    return pml_take(&descriptor);
}

bool pml_descriptor_payload(uint8_t payload[PML_SHA256_SIZE], const json_t *descriptor, struct pml_error *err)
{
    return pml_jcs_sha256(payload, descriptor, err);
}

static bool expect_profile(const json_t *document, const char *wanted, struct pml_error *err)
{
    const char *profile = pml_json_text(document, "profile", err);
    if (profile && strcmp(profile, wanted) != 0)
        return pml_fail(err, PML_NO, "profile", "profile is not %s", wanted);
    return profile;
}

bool pml_model_descriptor_parse(struct pml_model_descriptor *out, const json_t *document, struct pml_error *err)
{
    struct pml_model_descriptor model = { 0 };
    if (!expect_profile(document, PML_MODEL_PROFILE, err))
        return false;
    model.model_id = pml_json_text(document, "model_id", err);
    if (!model.model_id || !pml_member_count(&model.file_size, document, "file_size", 0, err) ||
        !pml_member_digest(model.file_digest, document, "file_digest", err) ||
        !pml_member_hex(model.oms_root, sizeof model.oms_root, document, "oms_root_sha256", err) ||
        !pml_member_digest(model.tokenizer_digest, document, "tokenizer_digest", err) ||
        !pml_member_digest(model.chat_template_digest, document, "chat_template_digest", err))
        return false;
    *out = model;
    return true;
}

bool pml_engine_descriptor_parse(struct pml_engine_descriptor *out, const json_t *document, struct pml_error *err)
{
    struct pml_engine_descriptor engine = { 0 };
    if (!expect_profile(document, PML_ENGINE_PROFILE, err))
        return false;
    engine.engine_version = pml_json_text(document, "engine_version", err);
    if (!engine.engine_version || !pml_member_digest(engine.build_digest, document, "build_digest", err))
        return false;
    engine.determinism_profile = pml_json_text(document, "determinism_profile", err);
    if (!engine.determinism_profile || !pml_member_count(&engine.context_length, document, "context_length", 1, err))
        return false;
    engine.kv_dtype = pml_json_text(document, "kv_dtype", err);
    if (!engine.kv_dtype || !pml_member_text_or_null(&engine.chat_template, document, "chat_template", err))
        return false;
    *out = engine;
    return true;
}

/* An unsigned 64-bit decimal as printed: no sign, no leading zero. */
static bool read_seed(uint64_t *seed, const json_t *event, struct pml_error *err)
{
    char again[24];
    const char *text = pml_json_text(event, "seed", err);
    if (!text)
        return false;
    *seed = strtoull(text, NULL, 10);
    snprintf(again, sizeof again, "%" PRIu64, *seed);
    if (strcmp(text, again) != 0)
        return pml_fail(err, PML_NO, "event", "seed: not an unsigned 64-bit decimal");
    return true;
}

static bool digest_or_null(bool *present, uint8_t digest[PML_SHA256_SIZE], const json_t *event, const char *name,
                           struct pml_error *err)
{
    *present = !json_is_null(json_object_get(event, name));
    return !*present || pml_member_digest(digest, event, name, err);
}

bool pml_inference_parse(struct pml_inference *out, const json_t *event, struct pml_error *err)
{
    bool grammar;
    *out = (struct pml_inference){ 0 };
    if (!expect_profile(event, PML_REPLAY_PROFILE, err) ||
        !pml_member_count(&out->choice_index, event, "choice_index", 0, err) || !read_seed(&out->seed, event, err))
        return false;
    out->sampling = pml_json_text(event, "sampling", err);
    if (!out->sampling || !digest_or_null(&grammar, out->grammar_bytes, event, "grammar_digest", err) ||
        !pml_member_count(&out->max_new_tokens, event, "max_new_tokens", 0, err) ||
        !pml_member_count(&out->prompt_tokens, event, "prompt_tokens", 0, err) ||
        !pml_member_digest(out->prompt_tokens_digest, event, "prompt_tokens_digest", err) ||
        !pml_member_count(&out->output_tokens, event, "output_tokens", 0, err) ||
        !pml_member_digest(out->output_tokens_digest, event, "output_tokens_digest", err))
        return false;
    out->grammar_digest = grammar ? out->grammar_bytes : NULL;
    out->finish_reason = pml_json_text(event, "finish_reason", err);
    return out->finish_reason && pml_member_count(&out->logits_top, event, "logits_top", 0, err) &&
           digest_or_null(&out->has_logits_chain, out->logits_chain_digest, event, "logits_chain_digest", err) &&
           pml_member_text_or_null(&out->template_date, event, "template_date", err);
}
