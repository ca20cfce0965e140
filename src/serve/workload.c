/* SPDX-License-Identifier: MIT */
/* The model that is served. */
#include "serve/workload.h"

#include <stdio.h>
#include <string.h>

#include "aci/events.h"
#include "base/json.h"
#include "base/time.h"
#include "engine/model_digest.h"
#include "openai/response.h"
#include "tdx/platform.h"

/* An id that can stand in documents and headers: no control characters, valid UTF-8 is jansson's to check. */
static bool choose_id(struct pml_workload *w, const char *path, const char *model_id, struct pml_error *err)
{
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    const char *id = model_id ? model_id : w->info->name[0] ? w->info->name : base;
    size_t size = strlen(id);
    if (id == base && size > 5 && !strcmp(id + size - 5, ".gguf"))
        size -= 5;
    if (!size || size >= sizeof w->model_id)
        return pml_fail(err, PML_USAGE, "model_id", "a model id has 1 to %zu bytes", sizeof w->model_id - 1);
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)id[i] < 0x20 || id[i] == 0x7f)
            return pml_fail(err, PML_USAGE, "model_id", "the model id holds a control character; give another one");
    }
    memcpy(w->model_id, id, size);
    return true;
}

static size_t longest_piece(const struct pml_tokenizer *t)
{
    size_t longest = 1;
    for (uint32_t id = 0; id < pml_tokenizer_count(t); id++) {
        size_t size = pml_tokenizer_text(t, id).size;
        longest = size > longest ? size : longest;
    }
    return longest;
}

static bool describe_model(struct pml_workload *w, struct pml_error *err)
{
    const struct pml_gguf *gguf = pml_model_gguf(w->model);
    struct pml_model_descriptor model = { .model_id = w->model_id, .file_size = (int64_t)w->info->file_size };
    memcpy(model.file_digest, w->info->file_digest, sizeof model.file_digest);
    pml_oms_root(model.oms_root, w->info->file_digest);
    memcpy(w->oms_root, model.oms_root, sizeof w->oms_root);
    pml_tokenizer_digest(model.tokenizer_digest, gguf);
    if (!pml_chat_template_digest(model.chat_template_digest, gguf, err))
        return false;
    json_t *descriptor = pml_model_descriptor_build(&model, err);
    w->models = json_array();
    if (!descriptor || !w->models || json_array_append_new(w->models, descriptor) != 0)
        return pml_fail(err, PML_UNKNOWN, "memory", "model descriptor");
    w->model_event = pml_descriptor_event(descriptor, PML_EVENT_MODEL, err);
    return w->model_event;
}

static bool describe_engine(struct pml_workload *w, struct pml_error *err)
{
    struct pml_engine_descriptor engine = {
        .engine_version = PML_VERSION,
        .context_length = w->info->context_length,
        .kv_dtype = pml_kv_name(w->info->kv),
        .chat_template = pml_chat_template_name(w->chat),
    };
    memcpy(engine.build_digest, w->build_digest, sizeof engine.build_digest);
    w->engine = pml_engine_descriptor_build(&engine, err);
    w->engine_event = w->engine ? pml_descriptor_event(w->engine, PML_EVENT_ENGINE, err) : NULL;
    return w->engine_event;
}

static bool open_workload(struct pml_workload *w, const char *path, const char *model_id,
                          const struct pml_model_options *options, struct pml_error *err)
{
    w->model = pml_model_open(path, options, err);
    if (!w->model)
        return false;
    w->info = pml_model_info(w->model);
    w->tokenizer = pml_model_tokenizer(w->model);
    w->longest_piece = longest_piece(w->tokenizer);
    w->opened_at = pml_now();
    w->chat = pml_chat_template_new(pml_model_gguf(w->model), w->tokenizer, err);
    if (!w->chat)
        return pml_wrap(err, "%s", path);
    if (!choose_id(w, path, model_id, err) || !pml_build_digest(w->build_digest, err))
        return false;
    pml_system_fingerprint(w->fingerprint, w->build_digest, w->info->file_digest);
    return describe_model(w, err) && describe_engine(w, err);
}

bool pml_workload_open(struct pml_workload *out, const char *path, const char *model_id,
                       const struct pml_model_options *options, struct pml_error *err)
{
    *out = (struct pml_workload){ 0 };
    if (open_workload(out, path, model_id, options, err))
        return true;
    pml_workload_close(out);
    return false;
}

void pml_workload_close(struct pml_workload *w)
{
    json_decref(w->models);
    json_decref(w->engine);
    json_decref(w->model_event);
    json_decref(w->engine_event);
    pml_chat_template_free(w->chat);
    pml_model_free(w->model);
    *w = (struct pml_workload){ 0 };
}

static bool extend(struct pml_platform *platform, const char *event, const json_t *descriptor, struct pml_error *err)
{
    uint8_t payload[PML_SHA256_SIZE];
    return (pml_descriptor_payload(payload, descriptor, err) &&
            pml_platform_extend(platform, event, payload, sizeof payload, err)) ||
           pml_wrap(err, "measure %s", event);
}

bool pml_workload_measure(const struct pml_workload *w, struct pml_platform *platform, struct pml_error *err)
{
    for (size_t i = 0; i < json_array_size(w->models); i++) {
        if (!extend(platform, PML_RTMR_EVENT_MODEL, json_array_get(w->models, i), err))
            return false;
    }
    return extend(platform, PML_RTMR_EVENT_ENGINE, w->engine, err);
}

/* Is our model the one that PIN names? A volume root cannot be confirmed here, so a pin that has one does not fit. */
static bool pin_fits(const struct pml_workload *w, const json_t *pin)
{
    char digest[PML_DIGEST_TEXT];
    const char *id = json_string_value(json_object_get(pin, "model_id"));
    const char *file = json_string_value(json_object_get(pin, "file_digest"));
    const json_t *root = json_object_get(pin, "verity_root_sha256");
    return id && file && !strcmp(id, w->model_id) && !strcmp(file, pml_digest_text(digest, w->info->file_digest)) &&
           (!root || json_is_null(root));
}

bool pml_workload_check_pins(const struct pml_workload *w, const char *app_compose, struct pml_error *err)
{
    PML_AUTO(json) json_t *document = pml_json_load(app_compose, strlen(app_compose), err);
    if (!document)
        return pml_wrap(err, "app-compose");
    const json_t *models = json_object_get(json_object_get(document, "pml"), "models");
    if (!models)
        return true;
    if (json_array_size(models) != 1 || !pin_fits(w, json_array_get(models, 0)))
        return pml_fail(err, PML_NO, "not_pinned", "the measured app-compose does not pin exactly this model: %s",
                        w->model_id);
    return true;
}
