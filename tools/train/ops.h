/* SPDX-License-Identifier: MIT */
/*
 * The operations between the matrix products, forward and backward. ROWS are tokens; arrays are [rows][width] unless
 * said. Sums inside a row run in 16 lanes (spec engine §5.5); sums over rows run in ascending order, one column a
 * chain.
 */
#ifndef TRAIN_OPS_H
#define TRAIN_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gemm.h"
#include "net.h"
#include "pool.h"

/* x[r] = table[tokens[r]];  back: d_table[tokens[r]] += d_x[r], r ascending */
void ops_embed(struct pool *pool, float *x, const float *table, const int32_t *tokens, size_t rows, size_t dim);
void ops_embed_back(struct pool *pool, float *d_table, const float *d_x, const int32_t *tokens, size_t rows,
                    size_t dim);

/* inv[r] = 1 / sqrt(mean(x[r]^2) + eps);  y = x * inv * w */
void ops_norm(struct pool *pool, float *y, float *inv, const float *x, const float *w, size_t rows, size_t dim,
              float eps);
/* d_x += gradient through the norm; d_w is overwritten */
void ops_norm_back(struct pool *pool, float *d_x, float *d_w, const float *d_y, const float *x, const float *inv,
                   const float *w, size_t rows, size_t dim);

/* x[i] += y[i] */
void ops_add(struct pool *pool, float *x, const float *y, size_t count);

/* act[rows][ffn] = silu(gate) * up, gate_up [rows][2 ffn] */
void ops_swiglu(struct pool *pool, float *act, const float *gate_up, size_t rows, size_t ffn);
void ops_swiglu_back(struct pool *pool, float *d_gate_up, const float *d_act, const float *gate_up, size_t rows,
                     size_t ffn);

/* Attention over the documents of a batch; qkv is [tokens][(heads + 2 kv_heads) head_dim]. */
struct ops_attention {
    const struct gemm_kernel *kernel;
    const struct net_batch *batch;
    size_t heads, kv_heads, head_dim;
    const float *cosine, *sine; /* [positions][head_dim / 2], by engine/rope.h */
};

/* Rotates the q and k heads of QKV in place by their positions in the document; BACK turns the other way. */
void ops_rope(struct pool *pool, const struct ops_attention *a, float *qkv, bool back);
/* att[tokens][heads head_dim] = softmax(q k^T / sqrt(head_dim), causal) v */
void ops_attend(struct pool *pool, const struct ops_attention *a, float *att, const float *qkv);
void ops_attend_back(struct pool *pool, const struct ops_attention *a, float *d_qkv, const float *d_att,
                     const float *qkv);
/* Floats of scratch beyond gemm_scratch_count that one attention task needs for documents of LENGTH tokens. */
size_t ops_attention_scratch(size_t length, size_t head_dim);

/*
 * logits[r][vocab] of row target_rows[r] become the gradients of the mean loss over ROWS; loss[r] = -ln p(target).
 */
void ops_cross_entropy(struct pool *pool, float *logits, float *loss, const int32_t *targets,
                       const int32_t *target_rows, size_t rows, size_t vocab);

#endif
