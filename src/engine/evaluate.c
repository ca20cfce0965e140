/* SPDX-License-Identifier: MIT */
/* Teacher-forced evaluation: one sequence through the forward pass in chunks. */
#include "engine/evaluate.h"

#include <fenv.h>
#include <float.h>
#include <math.h>

#include "base/memory.h"
#include "engine/forward.h"

#define CHUNK_DEFAULT 256
#define CHUNK_MAX     4096

struct evaluator {
    const struct pml_evaluation *e;
    size_t vocabulary;
    size_t position; /* of the span's first token */
    bool bad, ended;
};

static void take_logits(void *arg, size_t span, size_t index, const float *logits)
{
    struct evaluator *v = arg;
    (void)span;
    for (size_t i = 0; i < v->vocabulary; i++)
        v->bad = v->bad || !(fabsf(logits[i]) <= FLT_MAX);
    if (!v->bad && !v->ended)
        v->ended = !v->e->on_logits(v->e->arg, v->position + index, logits);
}

static bool run(const struct pml_model *model, const struct pml_evaluation *e, struct pml_kv *kv,
                struct pml_kv_sequence *sequence, size_t chunk, struct pml_error *err)
{
    PML_AUTO(pool) struct pml_pool *pool = pml_pool_new(e->threads, err);
    if (!pool)
        return false;
    PML_AUTO(forward) struct pml_forward *forward = pml_forward_new(model, kv, pool, chunk, err);
    if (!forward || !pml_kv_reserve(kv, sequence, e->count, err))
        return false;
    struct evaluator v = { .e = e, .vocabulary = pml_model_info(model)->vocabulary };
    for (; v.position < e->count && !v.ended; v.position += chunk) {
        size_t count = e->count - v.position < chunk ? e->count - v.position : chunk;
        size_t from = e->from > v.position ? e->from - v.position : 0;
        struct pml_span span = { .cache = sequence,
                                 .tokens = e->tokens + v.position,
                                 .count = count,
                                 .position = v.position,
                                 .logits_from = from < count ? from : count };
        pml_forward_run(forward, &span, 1, take_logits, &v);
        if (span.failed || v.bad)
            return pml_fail(err, PML_UNKNOWN, "logits", "a value is not finite");
    }
    return true;
}

bool pml_evaluate(const struct pml_model *model, const struct pml_evaluation *e, struct pml_error *err)
{
    const struct pml_model_info *info = pml_model_info(model);
    if (e->count == 0 || e->count > info->context_length)
        return pml_fail(err, PML_NO, "context_length", "%zu tokens, the context has room for 1 to %u", e->count,
                        info->context_length);
    for (size_t i = 0; i < e->count; i++) {
        if (e->tokens[i] >= info->vocabulary)
            return pml_fail(err, PML_NO, "token", "no token %u", e->tokens[i]);
    }
    size_t chunk = e->chunk > 0 ? e->chunk : CHUNK_DEFAULT;
    chunk = chunk < CHUNK_MAX ? chunk : CHUNK_MAX;
    chunk = chunk < e->count ? chunk : e->count;

    fenv_t environment; /* the calling thread computes too (spec engine §5.1) */
    fegetenv(&environment);
    fesetenv(FE_DFL_ENV);
    struct pml_kv_sequence sequence = { 0 };
    PML_AUTO(kv) struct pml_kv *kv = pml_kv_new(pml_model_kv_shape(model), err);
    bool ok = kv && run(model, e, kv, &sequence, chunk, err);
    if (kv)
        pml_kv_release(kv, &sequence);
    fesetenv(&environment);
    return ok;
}
