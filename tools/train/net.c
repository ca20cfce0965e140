/* SPDX-License-Identifier: MIT */
/* The network forward and backward. A line of net_forward and its mirror in net_backward are one operation of spec
 * engine §3.3. */
#include "net.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/rope.h"
#include "ops.h"

/* What the forward pass of one layer leaves for the backward pass; each [batch_tokens][...]. */
struct layer_state {
    float *in;        /* [dim] input of the layer */
    float *h1, *inv1; /* [dim], [1] normed input and its scale */
    float *qkv;       /* [qkv_dim] after rope */
    float *att;       /* [heads head_dim] */
    float *mid;       /* [dim] after the attention residual */
    float *h2, *inv2;
    float *gate_up; /* [2 ffn] */
    float *act;     /* [ffn] silu(gate) * up */
};

struct net {
    struct net_shape shape;
    struct net_layout layout;
    struct pool *pool;
    const struct gemm_kernel *kernel;
    size_t qkv_dim, att_dim;
    float *memory;
    struct layer_state layer[NET_MAX_LAYERS];
    float *last;                                          /* [dim] output of the last layer */
    float *final, *final_inv;                             /* [dim], [1] */
    float *picked;                                        /* [dim] rows of final that have a target */
    float *logits;                                        /* [vocab] of those rows, then their gradients */
    float *d_x, *d_h, *d_qkv, *d_att, *d_act, *d_gate_up; /* gradients */
    float *row_loss;                                      /* [1] */
    float *cosine, *sine;                                 /* [context][head_dim / 2] */
    int32_t *target_rows;                                 /* rows that have a target */
    size_t targets_count;
};

struct net_layout net_layout(const struct net_shape *s)
{
    struct net_layout l = { 0 };
    size_t at = 0, qkv_dim = (s->heads + 2 * s->kv_heads) * s->head_dim;

    l.embed = at, at += s->vocab * s->dim;
    for (size_t i = 0; i < s->layers; i++) {
        l.layer[i].attn_norm = at, at += s->dim;
        l.layer[i].qkv = at, at += qkv_dim * s->dim;
        l.layer[i].out = at, at += s->dim * s->heads * s->head_dim;
        l.layer[i].ffn_norm = at, at += s->dim;
        l.layer[i].gate_up = at, at += 2 * s->ffn * s->dim;
        l.layer[i].down = at, at += s->dim * s->ffn;
    }
    l.out_norm = at, at += s->dim;
    l.count = at;
    return l;
}

size_t net_scratch_count(const struct net_shape *s)
{
    return gemm_scratch_count() + ops_attention_scratch(s->context, s->head_dim);
}

/* Cuts the workspace into arrays; with MEMORY null it only measures. */
static size_t carve(struct net *n, size_t rows, float *memory)
{
    size_t at = 0;
#define ARRAY(slot, width) ((slot) = memory ? memory + at : NULL, at += (rows * (width) + 15) / 16 * 16)
    const struct net_shape *s = &n->shape;
    for (size_t i = 0; i < s->layers; i++) {
        struct layer_state *l = &n->layer[i];
        ARRAY(l->in, s->dim);
        ARRAY(l->h1, s->dim);
        ARRAY(l->inv1, 1);
        ARRAY(l->qkv, n->qkv_dim);
        ARRAY(l->att, n->att_dim);
        ARRAY(l->mid, s->dim);
        ARRAY(l->h2, s->dim);
        ARRAY(l->inv2, 1);
        ARRAY(l->gate_up, 2 * s->ffn);
        ARRAY(l->act, s->ffn);
    }
    ARRAY(n->last, s->dim);
    ARRAY(n->final, s->dim);
    ARRAY(n->final_inv, 1);
    ARRAY(n->picked, s->dim);
    ARRAY(n->logits, s->vocab);
    ARRAY(n->d_x, s->dim);
    ARRAY(n->d_h, s->dim);
    ARRAY(n->d_qkv, n->qkv_dim);
    ARRAY(n->d_att, n->att_dim);
    ARRAY(n->d_act, s->ffn);
    ARRAY(n->d_gate_up, 2 * s->ffn);
    ARRAY(n->row_loss, 1);
    rows = s->context;
    ARRAY(n->cosine, s->head_dim / 2);
    ARRAY(n->sine, s->head_dim / 2);
#undef ARRAY
    return at;
}

static void make_rope_table(struct net *n)
{
    double frequency[NET_MAX_HEAD_DIM / 2];
    size_t pairs = n->shape.head_dim / 2;
    pml_rope_frequencies(frequency, pairs, (double)n->shape.rope_base, NULL, 1.0);
    for (size_t t = 0; t < n->shape.context; t++)
        pml_rope_angles(n->cosine + t * pairs, n->sine + t * pairs, frequency, pairs, (uint32_t)t);
}

struct net *net_new(const struct net_shape *shape, size_t batch_tokens, struct pool *pool,
                    const struct gemm_kernel *kernel, struct pml_error *err)
{
    struct net *n = calloc(1, sizeof *n);
    if (!n)
        return pml_fail_memory(err);
    n->shape = *shape;
    n->layout = net_layout(shape);
    n->pool = pool;
    n->kernel = kernel;
    n->qkv_dim = (shape->heads + 2 * shape->kv_heads) * shape->head_dim;
    n->att_dim = shape->heads * shape->head_dim;
    n->target_rows = calloc(batch_tokens, sizeof *n->target_rows);
    size_t count = carve(n, batch_tokens, NULL);
    if (!n->target_rows || posix_memalign((void **)&n->memory, 64, count * sizeof(float)) != 0) {
        net_free(n);
        return pml_fail_memory(err);
    }
    carve(n, batch_tokens, n->memory);
    make_rope_table(n);
    return n;
}

void net_free(struct net *n)
{
    if (!n)
        return;
    free(n->memory);
    free(n->target_rows);
    free(n);
}

/* y[rows][outs] = x[rows][ins] . w[outs][ins]^T */
static void linear(struct net *n, float *y, const float *x, const float *w, size_t rows, size_t outs, size_t ins)
{
    gemm(n->pool, n->kernel, y, outs, (struct gemm_view){ x, ins, 1 }, (struct gemm_view){ w, 1, ins }, rows, outs,
         ins);
}

/* dx[rows][ins] = dy[rows][outs] . w[outs][ins];  dw[outs][ins] = dy^T . x */
static void linear_back(struct net *n, float *dx, float *dw, const float *dy, const float *x, const float *w,
                        size_t rows, size_t outs, size_t ins)
{
    gemm(n->pool, n->kernel, dw, ins, (struct gemm_view){ dy, 1, outs }, (struct gemm_view){ x, ins, 1 }, outs, ins,
         rows);
    gemm(n->pool, n->kernel, dx, ins, (struct gemm_view){ dy, outs, 1 }, (struct gemm_view){ w, ins, 1 }, rows, ins,
         outs);
}

static struct ops_attention attention_of(struct net *n, const struct net_batch *batch)
{
    return (struct ops_attention){
        .kernel = n->kernel,
        .batch = batch,
        .heads = n->shape.heads,
        .kv_heads = n->shape.kv_heads,
        .head_dim = n->shape.head_dim,
        .cosine = n->cosine,
        .sine = n->sine,
    };
}

/* Everything up to the final norm. */
static void run_layers(struct net *n, const float *w, const struct net_batch *batch)
{
    const struct net_shape *s = &n->shape;
    size_t rows = batch->tokens_count;
    struct ops_attention attention = attention_of(n, batch);

    ops_embed(n->pool, n->layer[0].in, w + n->layout.embed, batch->tokens, rows, s->dim);
    for (size_t i = 0; i < s->layers; i++) {
        const struct net_layer *p = &n->layout.layer[i];
        struct layer_state *l = &n->layer[i];
        float *next = i + 1 < s->layers ? n->layer[i + 1].in : n->last;

        ops_norm(n->pool, l->h1, l->inv1, l->in, w + p->attn_norm, rows, s->dim, s->rms_eps);
        linear(n, l->qkv, l->h1, w + p->qkv, rows, n->qkv_dim, s->dim);
        ops_rope(n->pool, &attention, l->qkv, false);
        ops_attend(n->pool, &attention, l->att, l->qkv);
        linear(n, l->mid, l->att, w + p->out, rows, s->dim, n->att_dim);
        ops_add(n->pool, l->mid, l->in, rows * s->dim);

        ops_norm(n->pool, l->h2, l->inv2, l->mid, w + p->ffn_norm, rows, s->dim, s->rms_eps);
        linear(n, l->gate_up, l->h2, w + p->gate_up, rows, 2 * s->ffn, s->dim);
        ops_swiglu(n->pool, l->act, l->gate_up, rows, s->ffn);
        linear(n, next, l->act, w + p->down, rows, s->dim, s->ffn);
        ops_add(n->pool, next, l->mid, rows * s->dim);
    }
    ops_norm(n->pool, n->final, n->final_inv, n->last, w + n->layout.out_norm, rows, s->dim, s->rms_eps);
}

double net_forward(struct net *n, const float *w, const struct net_batch *batch, size_t *targets)
{
    const struct net_shape *s = &n->shape;
    size_t m = 0;
    double loss = 0;

    run_layers(n, w, batch);
    for (size_t t = 0; t < batch->tokens_count; t++)
        if (batch->targets[t] >= 0) {
            memcpy(n->picked + m * s->dim, n->final + t * s->dim, s->dim * sizeof(float));
            n->target_rows[m++] = (int32_t)t;
        }
    linear(n, n->logits, n->picked, w + n->layout.embed, m, s->vocab, s->dim);
    ops_cross_entropy(n->pool, n->logits, n->row_loss, batch->targets, n->target_rows, m, s->vocab);
    for (size_t i = 0; i < m; i++)
        loss += n->row_loss[i];
    *targets = n->targets_count = m;
    return loss;
}

void net_backward(struct net *n, const float *w, const struct net_batch *batch, float *g)
{
    const struct net_shape *s = &n->shape;
    size_t rows = batch->tokens_count, m = n->targets_count;
    struct ops_attention attention = attention_of(n, batch);

    linear_back(n, n->d_x, g + n->layout.embed, n->logits, n->picked, w + n->layout.embed, m, s->vocab, s->dim);
    memset(n->d_h, 0, rows * s->dim * sizeof(float));
    for (size_t i = 0; i < m; i++)
        memcpy(n->d_h + (size_t)n->target_rows[i] * s->dim, n->d_x + i * s->dim, s->dim * sizeof(float));
    memset(n->d_x, 0, rows * s->dim * sizeof(float));
    ops_norm_back(n->pool, n->d_x, g + n->layout.out_norm, n->d_h, n->last, n->final_inv, w + n->layout.out_norm, rows,
                  s->dim);

    for (size_t i = s->layers; i-- > 0;) {
        const struct net_layer *p = &n->layout.layer[i];
        struct layer_state *l = &n->layer[i];

        linear_back(n, n->d_act, g + p->down, n->d_x, l->act, w + p->down, rows, s->dim, s->ffn);
        ops_swiglu_back(n->pool, n->d_gate_up, n->d_act, l->gate_up, rows, s->ffn);
        linear_back(n, n->d_h, g + p->gate_up, n->d_gate_up, l->h2, w + p->gate_up, rows, 2 * s->ffn, s->dim);
        ops_norm_back(n->pool, n->d_x, g + p->ffn_norm, n->d_h, l->mid, l->inv2, w + p->ffn_norm, rows, s->dim);

        linear_back(n, n->d_att, g + p->out, n->d_x, l->att, w + p->out, rows, s->dim, n->att_dim);
        ops_attend_back(n->pool, &attention, n->d_qkv, n->d_att, l->qkv);
        ops_rope(n->pool, &attention, n->d_qkv, true);
        linear_back(n, n->d_h, g + p->qkv, n->d_qkv, l->h1, w + p->qkv, rows, n->qkv_dim, s->dim);
        ops_norm_back(n->pool, n->d_x, g + p->attn_norm, n->d_h, l->in, l->inv1, w + p->attn_norm, rows, s->dim);
    }
    ops_embed_back(n->pool, g + n->layout.embed, n->d_x, batch->tokens, rows, s->dim);
}

void net_logits(struct net *n, const float *w, const int32_t *tokens, size_t count, float *logits)
{
    size_t start[2] = { 0, count };
    struct net_batch batch = { .tokens_count = count, .docs_count = 1, .tokens = (int32_t *)tokens, .start = start };

    run_layers(n, w, &batch);
    linear(n, logits, n->final + (count - 1) * n->shape.dim, w + n->layout.embed, 1, n->shape.vocab, n->shape.dim);
}

double net_work(const struct net_shape *s, const struct net_batch *batch)
{
    double weights = (double)net_layout(s).count - (double)(s->vocab * s->dim), work = 0;
    size_t targets = 0;

    for (size_t t = 0; t < batch->tokens_count; t++)
        targets += batch->targets[t] >= 0;
    for (size_t d = 0; d < batch->docs_count; d++) {
        double length = (double)(batch->start[d + 1] - batch->start[d]);
        /* scores and weighted sum forward, the scores once more and four products backward, whole squares */
        work += (double)s->layers * 14 * length * length * (double)(s->heads * s->head_dim);
    }
    return work + 6 * (weights * (double)batch->tokens_count + (double)(s->vocab * s->dim * targets));
}
