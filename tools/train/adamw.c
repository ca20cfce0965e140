/* SPDX-License-Identifier: MIT */
/* The optimizer. */
#include "adamw.h"

#include <math.h>
#include <stdlib.h>

#include "numeric.h"

static const float BETA1 = 0.9f, BETA2 = 0.98f, EPSILON = 1e-8f, DECAY = 0.1f, MAX_NORM = 1.0f, PEAK_RATE = 3e-3f;

enum { CHUNK = 8192 };

struct job {
    struct adamw *a;
    float *params;
    const float *grads;
    double *partial; /* sum of squares of each chunk */
    float rate, scale, correct1, correct2;
};

static size_t chunk_end(const struct job *j, size_t index)
{
    size_t end = (index + 1) * CHUNK;
    return end < j->a->count ? end : j->a->count;
}

static void norm_task(void *arg, size_t index, float *scratch)
{
    struct job *j = arg;
    const float *g = j->grads + index * CHUNK;
    (void)scratch;
    j->partial[index] = numeric_dot(g, g, chunk_end(j, index) - index * CHUNK);
}

static void step_task(void *arg, size_t index, float *scratch)
{
    const struct job *j = arg;
    struct adamw *a = j->a;
    (void)scratch;
    for (size_t i = index * CHUNK; i < chunk_end(j, index); i++) {
        float g = j->grads[i] * j->scale;
        a->mean[i] = BETA1 * a->mean[i] + (1.0f - BETA1) * g;
        a->square[i] = BETA2 * a->square[i] + (1.0f - BETA2) * (g * g);
        float direction = a->mean[i] * j->correct1 / (sqrtf(a->square[i] * j->correct2) + EPSILON);
        j->params[i] -= j->rate * (direction + DECAY * a->decay[i] * j->params[i]);
    }
}

bool adamw_open(struct adamw *a, const struct net_shape *shape, struct pml_error *err)
{
    struct net_layout l = net_layout(shape);
    *a = (struct adamw){ .count = l.count, .beta1_power = 1, .beta2_power = 1 };
    a->mean = calloc(l.count, sizeof(float));
    a->square = calloc(l.count, sizeof(float));
    a->decay = calloc(l.count, sizeof(float));
    a->partial = calloc(l.count / CHUNK + 1, sizeof(double));
    if (!a->mean || !a->square || !a->decay || !a->partial) {
        adamw_close(a);
        return pml_fail_memory(err);
    }
    for (size_t i = 0; i < l.count; i++)
        a->decay[i] = 1.0f;
    for (size_t i = 0; i < shape->dim; i++) {
        a->decay[l.out_norm + i] = 0.0f;
        for (size_t k = 0; k < shape->layers; k++)
            a->decay[l.layer[k].attn_norm + i] = a->decay[l.layer[k].ffn_norm + i] = 0.0f;
    }
    return true;
}

void adamw_close(struct adamw *a)
{
    free(a->mean);
    free(a->square);
    free(a->decay);
    free(a->partial);
}

double adamw_step(struct adamw *a, struct pool *pool, float *params, const float *grads, float rate)
{
    struct job j = { .a = a, .params = params, .grads = grads, .partial = a->partial, .rate = rate };
    size_t chunks = (a->count + CHUNK - 1) / CHUNK;
    double square = 0;

    pool_run(pool, norm_task, &j, chunks);
    for (size_t i = 0; i < chunks; i++)
        square += a->partial[i];
    double norm = sqrt(square);

    a->beta1_power *= BETA1;
    a->beta2_power *= BETA2;
    j.scale = norm > MAX_NORM ? (float)(MAX_NORM / norm) : 1.0f;
    j.correct1 = (float)(1 / (1 - a->beta1_power));
    j.correct2 = (float)(1 / (1 - a->beta2_power));
    pool_run(pool, step_task, &j, chunks);
    return norm;
}

float adamw_rate(size_t step, size_t steps)
{
    double at = (double)(step + 1) / (double)steps, warm = 0.05, fall = 0.2;
    double share = at < warm ? at / warm : at < fall ? 1 : (1 - at) / (1 - fall);
    return PEAK_RATE * (float)share;
}
