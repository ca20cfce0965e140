/* SPDX-License-Identifier: MIT */
/*
 * The forward pass: one batch of tokens, from any number of sequences, through all layers. A sequence's part of the
 * batch is a span of consecutive positions; a token is a column. No result depends on what else is in the batch.
 */
#ifndef PML_ENGINE_FORWARD_H
#define PML_ENGINE_FORWARD_H

#include "engine/kv.h"
#include "engine/model.h"
#include "engine/pool.h"

struct pml_span {
    const struct pml_kv_sequence *cache; /* with room for position + count, filled below position */
    const uint32_t *tokens;              /* [count], each in the vocabulary */
    size_t count;
    size_t position;    /* of the first token */
    size_t logits_from; /* logits are wanted from this token of the span on; COUNT: of none */
    bool failed;        /* out: a value was not finite, the sequence has no result */
};

struct pml_forward; /* working memory and thread pool for one batch at a time */

/* For batches of at most COLUMNS tokens. Borrows the other three. memory. */
PML_CHECKED
struct pml_forward *pml_forward_new(const struct pml_model *model, const struct pml_kv *kv, struct pml_pool *pool,
                                    size_t columns, struct pml_error *err);
void pml_forward_free(struct pml_forward *f); /* wipes the activations */
void pml_forward_auto(struct pml_forward **f);
void pml_forward_wipe(struct pml_forward *f); /* zeroes the activations of the last batch */

/* Logits [vocabulary] of token INDEX of span SPAN; borrowed for the call. Called on the thread that runs the batch,
 * spans and tokens ascending; not for spans that have failed. */
typedef void pml_logits_sink(void *arg, size_t span, size_t index, const float *logits);

void pml_forward_run(struct pml_forward *f, struct pml_span *spans, size_t count, pml_logits_sink *sink, void *arg);

/* The shape of the cache that a model needs. */
struct pml_kv_shape pml_model_kv_shape(const struct pml_model *model);

#endif
