/* SPDX-License-Identifier: MIT */
/* One optimizer step: clip, then move each part of the parameters in its own way. */
#include "optimizer.h"

#include <math.h>
#include <stdlib.h>

#include "numeric.h"

static const float ADAMW_RATE = 1.2e-2f, EMBED_DECAY = 0.1f, MAX_NORM = 1.0f;
static const double WARM_UP = 0.05, FALL_FROM = 0.3; /* shares of the run */

enum { CHUNK = 8192 };

struct norm_job {
    const float *grads;
    size_t count;
    double *partial;
};

static void norm_task(void *arg, size_t index, float *scratch)
{
    const struct norm_job *j = arg;
    const float *g = j->grads + index * CHUNK;
    size_t rest = j->count - index * CHUNK;
    (void)scratch;
    j->partial[index] = (double)numeric_dot(g, g, rest < CHUNK ? rest : CHUNK);
}

static double norm_of(struct optimizer *o, const float *grads)
{
    struct norm_job j = { grads, o->layout.count, o->partial };
    size_t chunks = (j.count + CHUNK - 1) / CHUNK;
    double square = 0;
    pool_run(o->pool, norm_task, &j, chunks);
    for (size_t i = 0; i < chunks; i++)
        square += o->partial[i];
    return sqrt(square);
}

/* The learning rate as a share of its peak. */
static float share(size_t step, size_t steps)
{
    double at = (double)(step + 1) / (double)steps;
    return (float)(at < WARM_UP ? at / WARM_UP : at < FALL_FROM ? 1 : (1 - at) / (1 - FALL_FROM));
}

bool optimizer_open(struct optimizer *o, const struct net_shape *shape, struct pool *pool,
                    const struct gemm_kernel *kernel, struct pml_error *err)
{
    *o = (struct optimizer){ .shape = *shape, .layout = net_layout(shape), .pool = pool };
    o->adamw.mean = calloc(o->layout.count, sizeof(float));
    o->adamw.square = calloc(o->layout.count, sizeof(float));
    o->partial = calloc(o->layout.count / CHUNK + 1, sizeof(double));
    o->muon = (struct muon){ .kernel = kernel, .shape = *shape, .momentum = calloc(o->layout.count, sizeof(float)) };
    if (!o->muon.momentum || !o->adamw.mean || !o->adamw.square || !o->partial)
        return pml_fail_memory(err);
    return true;
}

void optimizer_close(struct optimizer *o)
{
    free(o->adamw.mean);
    free(o->adamw.square);
    free(o->partial);
    free(o->muon.momentum);
}

double optimizer_step(struct optimizer *o, float *params, const float *grads, size_t step, size_t steps)
{
    const struct net_shape *s = &o->shape;
    double norm = norm_of(o, grads);
    float scale = norm > (double)MAX_NORM ? (float)((double)MAX_NORM / norm) : 1.0f, rate = share(step, steps);

    adamw_set_step(&o->adamw, step);
    o->adamw.rate = rate * ADAMW_RATE;
    o->adamw.decay = EMBED_DECAY;
    adamw_move(&o->adamw, o->pool, params, grads, o->layout.embed, s->vocab * s->dim, scale);
    o->adamw.decay = 0;
    for (size_t i = 0; i < s->layers; i++) {
        adamw_move(&o->adamw, o->pool, params, grads, o->layout.layer[i].attn_norm, s->dim, scale);
        adamw_move(&o->adamw, o->pool, params, grads, o->layout.layer[i].ffn_norm, s->dim, scale);
    }
    adamw_move(&o->adamw, o->pool, params, grads, o->layout.out_norm, s->dim, scale);
    muon_move(&o->muon, o->pool, params, grads, scale, rate);
    return norm;
}
