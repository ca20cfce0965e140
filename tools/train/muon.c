/* SPDX-License-Identifier: MIT */
/* Muon: one matrix a task. */
#include "muon.h"

#include <math.h>

#include "numeric.h"

static const float MOMENTUM = 0.95f, DECAY = 0.1f, PEAK_RATE = 0.03f;

enum { ITERATIONS = 5, MATRICES = 7 }; /* of a layer */

/* A weight matrix [outs][ins] in the parameters. */
struct matrix {
    size_t at, outs, ins;
};

static struct matrix matrix_of(const struct net_shape *s, size_t index)
{
    struct net_layout layout = net_layout(s);
    const struct net_layer *l = &layout.layer[index / MATRICES];
    size_t q = s->heads * s->head_dim, kv = s->kv_heads * s->head_dim;
    const struct matrix list[MATRICES] = {
        { l->qkv, q, s->dim },
        { l->qkv + q * s->dim, kv, s->dim },
        { l->qkv + (q + kv) * s->dim, kv, s->dim },
        { l->out, s->dim, q },
        { l->gate_up, s->ffn, s->dim },
        { l->gate_up + s->ffn * s->dim, s->ffn, s->dim },
        { l->down, s->dim, s->ffn },
    };
    return list[index % MATRICES];
}

static size_t largest_side(const struct net_shape *s)
{
    size_t side = s->dim > s->ffn ? s->dim : s->ffn, attention = s->heads * s->head_dim;
    return side > attention ? side : attention;
}

size_t muon_scratch_count(const struct net_shape *s)
{
    return gemm_scratch_count() + 4 * largest_side(s) * largest_side(s);
}

/*
 * x[outs][ins], turned so that rows <= cols, becomes nearly orthogonal: five times x = a x + (b g + c g g) x with g = x
 * x^T. ROOM is for gemm, then for g, its polynomial and the product.
 */
static void orthogonalize(float *x, float *room, const struct gemm_kernel *kernel, size_t outs, size_t ins)
{
    const float a = 3.4445f, b = -4.7750f, c = 2.0315f;
    bool wide = outs <= ins;
    size_t rows = wide ? outs : ins, cols = wide ? ins : outs;
    float *g = room + gemm_scratch_count(), *polynomial = g + rows * rows, *product = polynomial + rows * rows;
    float norm = sqrtf(numeric_dot(x, x, outs * ins)) + 1e-7f;
    struct gemm_view straight = wide ? (struct gemm_view){ x, ins, 1 } : (struct gemm_view){ x, 1, ins };
    struct gemm_view turned = { x, straight.col, straight.row };
    struct gemm_view square = { g, rows, 1 }, factor = { polynomial, rows, 1 };

    for (size_t i = 0; i < outs * ins; i++)
        x[i] = x[i] / norm;
    for (int n = 0; n < ITERATIONS; n++) {
        gemm_here(room, kernel, g, rows, straight, turned, rows, rows, cols);
        gemm_here(room, kernel, polynomial, rows, square, square, rows, rows, rows);
        for (size_t i = 0; i < rows * rows; i++)
            polynomial[i] = b * g[i] + c * polynomial[i];
        if (wide)
            gemm_here(room, kernel, product, cols, factor, straight, rows, cols, rows);
        else /* the transpose of it, so that the product lies in memory as x does */
            gemm_here(room, kernel, product, rows, turned, factor, cols, rows, rows);
        for (size_t i = 0; i < outs * ins; i++)
            x[i] = a * x[i] + product[i];
    }
}

struct job {
    const struct muon *m;
    float *params;
    const float *grads;
    float scale, rate;
};

static void task(void *arg, size_t index, float *scratch)
{
    const struct job *j = arg;
    struct matrix w = matrix_of(&j->m->shape, index);
    size_t count = w.outs * w.ins;
    float *p = j->params + w.at, *momentum = j->m->momentum + w.at, *update = scratch;
    const float *g = j->grads + w.at;
    float step = w.outs > w.ins ? j->rate * sqrtf((float)w.outs / (float)w.ins) : j->rate;

    for (size_t i = 0; i < count; i++) {
        momentum[i] = MOMENTUM * momentum[i] + g[i] * j->scale;
        update[i] = MOMENTUM * momentum[i] + g[i] * j->scale; /* Nesterov */
    }
    orthogonalize(update, update + count, j->m->kernel, w.outs, w.ins);
    for (size_t i = 0; i < count; i++)
        p[i] -= step * update[i] + j->rate * DECAY * p[i];
}

void muon_move(const struct muon *m, struct pool *pool, float *params, const float *grads, float scale, float rate)
{
    struct job j = { .m = m, .params = params, .grads = grads, .scale = scale, .rate = PEAK_RATE * rate };
    pool_run(pool, task, &j, m->shape.layers * MATRICES);
}
