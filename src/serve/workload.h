/* SPDX-License-Identifier: MIT */
/*
 * What is served: a model, the engine that runs it, and the descriptors under which both are measured (spec
 * inference-api §5.2). Immutable once open; any thread may read it.
 */
#ifndef PML_SERVE_WORKLOAD_H
#define PML_SERVE_WORKLOAD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/chat_template.h"
#include "engine/model.h"

struct pml_platform;

struct pml_workload {
    struct pml_model *model;
    const struct pml_model_info *info;
    const struct pml_tokenizer *tokenizer;
    struct pml_chat_template *chat;
    size_t longest_piece; /* bytes of text that one token can stand for, at least 1 */
    char model_id[257];
    int64_t opened_at; /* unix seconds: `created` of the model list */
    uint8_t build_digest[PML_SHA256_SIZE];
    uint8_t oms_root[PML_SHA256_SIZE];
    char fingerprint[20];
    json_t *models;      /* array of the one model descriptor, as the report has it */
    json_t *engine;      /* engine descriptor */
    json_t *model_event; /* model.measured and engine.measured, as receipts have them */
    json_t *engine_event;
};

/* Loads PATH. MODEL_ID NULL: general.name of the file, else the file's name without directory and extension. Codes of
 * pml_model_open; pml_chat_template_new; PML_USAGE "model_id". */
PML_CHECKED
bool pml_workload_open(struct pml_workload *out, const char *path, const char *model_id,
                       const struct pml_model_options *options, struct pml_error *err);
void pml_workload_close(struct pml_workload *w);

/* Does the measured app-compose allow this model (spec inference-api §5.2 step 4)? Without pml.models it allows any.
 * PML_NO: "not_pinned", "json". */
PML_CHECKED
bool pml_workload_check_pins(const struct pml_workload *w, const char *app_compose, struct pml_error *err);

/* Extends RTMR3 by model-measured, then engine-measured: before anything listens. */
PML_CHECKED
bool pml_workload_measure(const struct pml_workload *w, struct pml_platform *platform, struct pml_error *err);

#endif
