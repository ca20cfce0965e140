/* SPDX-License-Identifier: MIT */
/*
 * A llama-architecture transformer that can be trained: RMS norm, grouped-query attention with NORM rope, SwiGLU, tied
 * output (spec engine §3.3). Every sum has one written order, so gradients are the same bits on any number of threads.
 *
 * A batch is a row of whole documents without padding. Attention and positions restart with each document.
 */
#ifndef TRAIN_NET_H
#define TRAIN_NET_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "gemm.h"
#include "pool.h"

struct net_shape {
    size_t vocab, dim, layers, ffn, heads, kv_heads, head_dim, context;
    float rope_base, rms_eps;
};

/* The documents of one step: document d is tokens[start[d] .. start[d + 1]). */
struct net_batch {
    size_t tokens_count, docs_count;
    int32_t *tokens;  /* [tokens_count] */
    int32_t *targets; /* [tokens_count], the next token, or -1 where nothing is to be learned */
    size_t *start;    /* [docs_count + 1] */
};

/* Where the tensors of one layer lie in the flat parameter array; weights are [outputs][inputs]. */
struct net_layer {
    size_t attn_norm; /* [dim] */
    size_t qkv;       /* [(heads + 2 kv_heads) head_dim][dim]: q, then k, then v */
    size_t out;       /* [dim][heads head_dim] */
    size_t ffn_norm;  /* [dim] */
    size_t gate_up;   /* [2 ffn][dim]: gate, then up */
    size_t down;      /* [dim][ffn] */
};

enum { NET_MAX_LAYERS = 16, NET_MAX_HEAD_DIM = 256 };

struct net_layout {
    size_t embed; /* [vocab][dim], also the output */
    struct net_layer layer[NET_MAX_LAYERS];
    size_t out_norm; /* [dim] */
    size_t count;    /* of all parameters */
};

struct net_layout net_layout(const struct net_shape *shape);

struct net;

/* Makes a network for batches of at most BATCH_TOKENS tokens. Borrows POOL, whose scratch is at least
 * net_scratch_count. */
struct net *net_new(const struct net_shape *shape, size_t batch_tokens, struct pool *pool,
                    const struct gemm_kernel *kernel, struct pml_error *err) PML_CHECKED;
void net_free(struct net *net);
size_t net_scratch_count(const struct net_shape *shape);

/* Runs BATCH. Returns the sum over targets of -ln p(target); their number goes to *TARGETS. */
double net_forward(struct net *net, const float *params, const struct net_batch *batch, size_t *targets);

/* Gradients of the mean loss of the last net_forward, with the same PARAMS and BATCH. Overwrites grads[layout.count].
 */
void net_backward(struct net *net, const float *params, const struct net_batch *batch, float *grads);

/* Logits after the last token of TOKENS, as inference sees them. */
void net_logits(struct net *net, const float *params, const int32_t *tokens, size_t count, float *logits);

/* Multiplications and additions, counted as two, of a forward and backward pass over BATCH. */
double net_work(const struct net_shape *shape, const struct net_batch *batch);

#endif
