/* SPDX-License-Identifier: MIT */
/* AdamW, element by element. */
#include "adamw.h"

#include <math.h>

static const float BETA1 = 0.9f, BETA2 = 0.98f, EPSILON = 1e-8f;

enum { CHUNK = 4096 };

struct job {
    const struct adamw *a;
    float *params;
    const float *grads;
    size_t at, end;
    float scale;
};

static void task(void *arg, size_t index, float *scratch)
{
    const struct job *j = arg;
    const struct adamw *a = j->a;
    size_t begin = j->at + index * CHUNK, end = begin + CHUNK < j->end ? begin + CHUNK : j->end;
    (void)scratch;
    for (size_t i = begin; i < end; i++) {
        float g = j->grads[i] * j->scale;
        a->mean[i] = BETA1 * a->mean[i] + (1.0f - BETA1) * g;
        a->square[i] = BETA2 * a->square[i] + (1.0f - BETA2) * (g * g);
        float direction = a->mean[i] * a->correct1 / (sqrtf(a->square[i] * a->correct2) + EPSILON);
        j->params[i] -= a->rate * (direction + a->decay * j->params[i]);
    }
}

void adamw_set_step(struct adamw *a, size_t step)
{
    double power1 = 1, power2 = 1;
    for (size_t i = 0; i <= step && (power1 > 1e-20 || power2 > 1e-20); i++) {
        power1 *= (double)BETA1;
        power2 *= (double)BETA2;
    }
    a->correct1 = (float)(1 / (1 - power1));
    a->correct2 = (float)(1 / (1 - power2));
}

void adamw_move(const struct adamw *a, struct pool *pool, float *params, const float *grads, size_t at, size_t count,
                float scale)
{
    struct job j = { .a = a, .params = params, .grads = grads, .at = at, .end = at + count, .scale = scale };
    pool_run(pool, task, &j, (count + CHUNK - 1) / CHUNK);
}
