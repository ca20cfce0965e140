/* SPDX-License-Identifier: MIT */
/*
 * Logits of given tokens, computed in large batches: what replays a receipt and what --force shows. Prefill equals
 * decode bit for bit, so the logits are those that generation saw.
 */
#ifndef PML_ENGINE_EVALUATE_H
#define PML_ENGINE_EVALUATE_H

#include "engine/model.h"

struct pml_evaluation {
    const uint32_t *tokens;
    size_t count;   /* at least 1, at most the model's context length */
    size_t from;    /* logits are wanted of positions FROM to COUNT - 1; position = index of the last token fed */
    size_t threads; /* 0: one a CPU */
    size_t chunk;   /* tokens a step; 0: 256 */
    /* Called on the calling thread, positions ascending; logits [vocabulary] are borrowed for the call. To answer false
     * ends the evaluation early, which is no error. */
    bool (*on_logits)(void *arg, size_t position, const float *logits);
    void *arg;
};

/* PML_NO: "token" outside the vocabulary, "context_length". PML_UNKNOWN: memory, "logits" not finite. */
PML_CHECKED
bool pml_evaluate(const struct pml_model *model, const struct pml_evaluation *evaluation, struct pml_error *err);

#endif
