/* SPDX-License-Identifier: MIT */
/* Operations on rows. Each is a job for the pool: a task takes ROWS_PER_TASK rows, or a strip of columns where rows are
 * summed. */
#include "ops.h"

#include <string.h>

#include "engine/math.h"
#include "numeric.h"

enum { ROWS_PER_TASK = 64, STRIP = 32 };

struct rows_job {
    float *out, *out2;
    const float *in, *in2, *in3, *weight;
    const int32_t *ids, *ids2;
    size_t rows, width;
    float eps;
};

static size_t row_end(const struct rows_job *j, size_t index)
{
    size_t end = (index + 1) * ROWS_PER_TASK;
    return end < j->rows ? end : j->rows;
}

static void run_rows(struct pool *pool, pool_task *task, struct rows_job j)
{
    pool_run(pool, task, &j, (j.rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK);
}

static void run_strips(struct pool *pool, pool_task *task, struct rows_job j)
{
    pool_run(pool, task, &j, (j.width + STRIP - 1) / STRIP);
}

static void embed_task(void *job, size_t index, float *scratch)
{
    const struct rows_job *j = job;
    (void)scratch;
    for (size_t r = index * ROWS_PER_TASK; r < row_end(j, index); r++)
        memcpy(j->out + r * j->width, j->in + (size_t)j->ids[r] * j->width, j->width * sizeof(float));
}

void ops_embed(struct pool *pool, float *x, const float *table, const int32_t *tokens, size_t rows, size_t dim)
{
    run_rows(pool, embed_task, (struct rows_job){ .out = x, .in = table, .ids = tokens, .rows = rows, .width = dim });
}

static void embed_back_task(void *job, size_t index, float *scratch)
{
    const struct rows_job *j = job;
    size_t col = index * STRIP, width = j->width - col < STRIP ? j->width - col : STRIP;
    (void)scratch;
    for (size_t r = 0; r < j->rows; r++) {
        float *to = j->out + (size_t)j->ids[r] * j->width + col;
        const float *from = j->in + r * j->width + col;
        for (size_t i = 0; i < width; i++)
            to[i] += from[i];
    }
}

void ops_embed_back(struct pool *pool, float *d_table, const float *d_x, const int32_t *tokens, size_t rows, size_t dim)
{
    run_strips(pool, embed_back_task,
               (struct rows_job){ .out = d_table, .in = d_x, .ids = tokens, .rows = rows, .width = dim });
}

static void norm_task(void *job, size_t index, float *scratch)
{
    const struct rows_job *j = job;
    (void)scratch;
    for (size_t r = index * ROWS_PER_TASK; r < row_end(j, index); r++) {
        const float *x = j->in + r * j->width;
        float *y = j->out + r * j->width;
        float inv = 1.0f / sqrtf(numeric_dot(x, x, j->width) / (float)j->width + j->eps);
        for (size_t i = 0; i < j->width; i++)
            y[i] = x[i] * inv * j->weight[i];
        j->out2[r] = inv;
    }
}

void ops_norm(struct pool *pool, float *y, float *inv, const float *x, const float *w, size_t rows, size_t dim,
              float eps)
{
    run_rows(pool, norm_task,
             (struct rows_job){ .out = y, .out2 = inv, .in = x, .weight = w, .rows = rows, .width = dim, .eps = eps });
}

/* d_w first, a strip of columns a task: d_w[i] = sum over r of d_y * x * inv */
static void norm_weight_back_task(void *job, size_t index, float *scratch)
{
    const struct rows_job *j = job;
    size_t col = index * STRIP, width = j->width - col < STRIP ? j->width - col : STRIP;
    float sum[STRIP] = { 0 };
    (void)scratch;
    for (size_t r = 0; r < j->rows; r++) {
        const float *d_y = j->in + r * j->width + col, *x = j->in2 + r * j->width + col;
        for (size_t i = 0; i < width; i++)
            sum[i] = fmaf(d_y[i], x[i] * j->in3[r], sum[i]);
    }
    memcpy(j->out2 + col, sum, width * sizeof(float));
}

/* d_x += inv * (w * d_y - x * inv^2 * mean(w * d_y * x)) */
static void norm_back_task(void *job, size_t index, float *scratch)
{
    const struct rows_job *j = job;
    float *weighted = scratch;
    for (size_t r = index * ROWS_PER_TASK; r < row_end(j, index); r++) {
        const float *d_y = j->in + r * j->width, *x = j->in2 + r * j->width;
        float *d_x = j->out + r * j->width, inv = j->in3[r];
        for (size_t i = 0; i < j->width; i++)
            weighted[i] = d_y[i] * j->weight[i];
        float pull = numeric_dot(weighted, x, j->width) * inv * inv / (float)j->width;
        for (size_t i = 0; i < j->width; i++)
            d_x[i] += inv * (weighted[i] - x[i] * pull);
    }
}

void ops_norm_back(struct pool *pool, float *d_x, float *d_w, const float *d_y, const float *x, const float *inv,
                   const float *w, size_t rows, size_t dim)
{
    struct rows_job j = {
        .out = d_x, .out2 = d_w, .in = d_y, .in2 = x, .in3 = inv, .weight = w, .rows = rows, .width = dim
    };
    run_strips(pool, norm_weight_back_task, j);
    run_rows(pool, norm_back_task, j);
}

static void add_task(void *job, size_t index, float *scratch)
{
    const struct rows_job *j = job;
    size_t begin = index * ROWS_PER_TASK * j->width, end = row_end(j, index) * j->width;
    (void)scratch;
    for (size_t i = begin; i < end; i++)
        j->out[i] += j->in[i];
}

void ops_add(struct pool *pool, float *x, const float *y, size_t count)
{
    enum { WIDTH = 64 };
    run_rows(pool, add_task, (struct rows_job){ .out = x, .in = y, .rows = count / WIDTH, .width = WIDTH });
    for (size_t i = count / WIDTH * WIDTH; i < count; i++)
        x[i] += y[i];
}

static void swiglu_task(void *job, size_t index, float *scratch)
{
    const struct rows_job *j = job;
    (void)scratch;
    for (size_t r = index * ROWS_PER_TASK; r < row_end(j, index); r++) {
        const float *gate = j->in + r * 2 * j->width, *up = gate + j->width;
        float *act = j->out + r * j->width;
        for (size_t i = 0; i < j->width; i++)
            act[i] = gate[i] / (1.0f + numeric_exp(-gate[i])) * up[i];
    }
}

void ops_swiglu(struct pool *pool, float *act, const float *gate_up, size_t rows, size_t ffn)
{
    run_rows(pool, swiglu_task, (struct rows_job){ .out = act, .in = gate_up, .rows = rows, .width = ffn });
}

static void swiglu_back_task(void *job, size_t index, float *scratch)
{
    const struct rows_job *j = job;
    (void)scratch;
    for (size_t r = index * ROWS_PER_TASK; r < row_end(j, index); r++) {
        const float *gate = j->in2 + r * 2 * j->width, *up = gate + j->width, *d_act = j->in + r * j->width;
        float *d_gate = j->out + r * 2 * j->width, *d_up = d_gate + j->width;
        for (size_t i = 0; i < j->width; i++) {
            float sigmoid = 1.0f / (1.0f + numeric_exp(-gate[i])), silu = gate[i] * sigmoid;
            d_up[i] = d_act[i] * silu;
            d_gate[i] = d_act[i] * up[i] * (sigmoid + silu * (1.0f - sigmoid));
        }
    }
}

void ops_swiglu_back(struct pool *pool, float *d_gate_up, const float *d_act, const float *gate_up, size_t rows,
                     size_t ffn)
{
    run_rows(pool, swiglu_back_task,
             (struct rows_job){ .out = d_gate_up, .in = d_act, .in2 = gate_up, .rows = rows, .width = ffn });
}

static float max_of(const float *x, size_t count)
{
    float lanes[NUMERIC_LANES], best = x[0];
    for (size_t l = 0; l < NUMERIC_LANES; l++)
        lanes[l] = x[0];
    size_t i = 0;
    for (; i + NUMERIC_LANES <= count; i += NUMERIC_LANES)
        for (size_t l = 0; l < NUMERIC_LANES; l++)
            lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
    for (; i < count; i++)
        best = x[i] > best ? x[i] : best;
    for (size_t l = 0; l < NUMERIC_LANES; l++)
        best = lanes[l] > best ? lanes[l] : best;
    return best;
}

/* x = softmax(x * scale); returns the sum of exp(x * scale - max) and the maximum. */
static float softmax(float *x, size_t count, float scale, float *max)
{
    float m = max_of(x, count) * scale;
    for (size_t i = 0; i < count; i++)
        x[i] = numeric_exp(x[i] * scale - m);
    float sum = numeric_sum(x, count), inv = 1.0f / sum;
    for (size_t i = 0; i < count; i++)
        x[i] *= inv;
    *max = m;
    return sum;
}

static void cross_entropy_task(void *job, size_t index, float *scratch)
{
    const struct rows_job *j = job;
    float share = 1.0f / (float)j->rows;
    (void)scratch;
    for (size_t r = index * ROWS_PER_TASK; r < row_end(j, index); r++) {
        float *x = j->out + r * j->width, max;
        size_t target = (size_t)j->ids[j->ids2[r]];
        float of_target = x[target];
        float sum = softmax(x, j->width, 1.0f, &max);
        j->out2[r] = pml_logf(sum) - (of_target - max);
        for (size_t i = 0; i < j->width; i++)
            x[i] *= share;
        x[target] -= share;
    }
}

void ops_cross_entropy(struct pool *pool, float *logits, float *loss, const int32_t *targets,
                       const int32_t *target_rows, size_t rows, size_t vocab)
{
    run_rows(pool, cross_entropy_task,
             (struct rows_job){
                 .out = logits, .out2 = loss, .ids = targets, .ids2 = target_rows, .rows = rows, .width = vocab });
}

struct attention_job {
    const struct ops_attention *a;
    float *out;
    const float *in, *qkv;
    bool back;
};

static void rope_task(void *job, size_t doc, float *scratch)
{
    const struct attention_job *j = job;
    const struct ops_attention *a = j->a;
    size_t half = a->head_dim / 2, stride = (a->heads + 2 * a->kv_heads) * a->head_dim;
    (void)scratch;
    for (size_t t = a->batch->start[doc], pos = 0; t < a->batch->start[doc + 1]; t++, pos++) {
        const float *cosine = a->cosine + pos * half, *sine = a->sine + pos * half;
        for (size_t h = 0; h < a->heads + a->kv_heads; h++) {
            float *x = j->out + t * stride + h * a->head_dim;
            for (size_t i = 0; i < half; i++) {
                float even = x[2 * i], odd = x[2 * i + 1], s = j->back ? -sine[i] : sine[i];
                x[2 * i] = even * cosine[i] - odd * s;
                x[2 * i + 1] = even * s + odd * cosine[i];
            }
        }
    }
}

void ops_rope(struct pool *pool, const struct ops_attention *a, float *qkv, bool back)
{
    struct attention_job j = { .a = a, .out = qkv, .back = back };
    pool_run(pool, rope_task, &j, a->batch->docs_count);
}

/* The scratch of an attention task: two score squares, one head of queries. */
struct attention_scratch {
    float *gemm, *scores, *d_scores, *head;
};

static struct attention_scratch cut_scratch(float *scratch, size_t length)
{
    struct attention_scratch s = { .gemm = scratch, .scores = scratch + gemm_scratch_count() };
    s.d_scores = s.scores + length * length;
    s.head = s.d_scores + length * length;
    return s;
}

size_t ops_attention_scratch(size_t length, size_t head_dim)
{
    return 2 * length * length + length * head_dim;
}

/* scores[length][length] = softmax of the visible part of each row, zeros behind it */
static void attention_weights(const struct ops_attention *a, struct attention_scratch *s, const float *q,
                              const float *k, size_t length, size_t stride)
{
    float scale = 1.0f / sqrtf((float)a->head_dim), max;
    gemm_here(s->gemm, a->kernel, s->scores, length, (struct gemm_view){ q, stride, 1 },
              (struct gemm_view){ k, 1, stride }, length, length, a->head_dim);
    for (size_t i = 0; i < length; i++) {
        float *row = s->scores + i * length;
        softmax(row, i + 1, scale, &max);
        memset(row + i + 1, 0, (length - i - 1) * sizeof(float));
    }
}

static void attend_task(void *job, size_t index, float *scratch)
{
    const struct attention_job *j = job;
    const struct ops_attention *a = j->a;
    size_t doc = index / a->heads, head = index % a->heads, kv = head / (a->heads / a->kv_heads), hd = a->head_dim;
    size_t begin = a->batch->start[doc], length = a->batch->start[doc + 1] - begin;
    size_t stride = (a->heads + 2 * a->kv_heads) * hd, out_stride = a->heads * hd;
    const float *q = j->qkv + begin * stride + head * hd, *k = j->qkv + begin * stride + (a->heads + kv) * hd;
    const float *v = k + a->kv_heads * hd;
    struct attention_scratch s = cut_scratch(scratch, length);

    attention_weights(a, &s, q, k, length, stride);
    gemm_here(s.gemm, a->kernel, j->out + begin * out_stride + head * hd, out_stride,
              (struct gemm_view){ s.scores, length, 1 }, (struct gemm_view){ v, stride, 1 }, length, hd, length);
}

void ops_attend(struct pool *pool, const struct ops_attention *a, float *att, const float *qkv)
{
    struct attention_job j = { .a = a, .out = att, .qkv = qkv };
    pool_run(pool, attend_task, &j, a->batch->docs_count * a->heads);
}

/* d_scores = weights * (d_scores - sum(weights * d_scores)) * scale, row by row */
static void softmax_back(struct attention_scratch *s, size_t length, float scale)
{
    for (size_t i = 0; i < length; i++) {
        float *p = s->scores + i * length, *d = s->d_scores + i * length;
        float pull = numeric_dot(p, d, length);
        for (size_t m = 0; m < length; m++)
            d[m] = p[m] * (d[m] - pull) * scale;
    }
}

/* to[length][head_dim] (row stride) (+)= from */
static void put_head(float *to, size_t stride, const float *from, size_t length, size_t head_dim, bool add)
{
    for (size_t t = 0; t < length; t++)
        for (size_t i = 0; i < head_dim; i++)
            to[t * stride + i] = add ? to[t * stride + i] + from[t * head_dim + i] : from[t * head_dim + i];
}

/* One document and one key/value head: the query heads that share it are taken in ascending order. */
static void attend_back_task(void *job, size_t index, float *scratch)
{
    const struct attention_job *j = job;
    const struct ops_attention *a = j->a;
    size_t doc = index / a->kv_heads, kv = index % a->kv_heads, group = a->heads / a->kv_heads, hd = a->head_dim;
    size_t begin = a->batch->start[doc], length = a->batch->start[doc + 1] - begin;
    size_t stride = (a->heads + 2 * a->kv_heads) * hd, att_stride = a->heads * hd;
    size_t k_at = begin * stride + (a->heads + kv) * hd, v_at = k_at + a->kv_heads * hd;
    float scale = 1.0f / sqrtf((float)hd);
    struct attention_scratch s = cut_scratch(scratch, length);

    for (size_t head = kv * group; head < (kv + 1) * group; head++) {
        size_t q_at = begin * stride + head * hd;
        const float *d_att = j->in + begin * att_stride + head * hd;
        bool add = head > kv * group;

        attention_weights(a, &s, j->qkv + q_at, j->qkv + k_at, length, stride);
        gemm_here(s.gemm, a->kernel, s.head, hd, (struct gemm_view){ s.scores, 1, length },
                  (struct gemm_view){ d_att, att_stride, 1 }, length, hd, length);
        put_head(j->out + v_at, stride, s.head, length, hd, add);
        gemm_here(s.gemm, a->kernel, s.d_scores, length, (struct gemm_view){ d_att, att_stride, 1 },
                  (struct gemm_view){ j->qkv + v_at, 1, stride }, length, length, hd);
        softmax_back(&s, length, scale);
        gemm_here(s.gemm, a->kernel, s.head, hd, (struct gemm_view){ s.d_scores, 1, length },
                  (struct gemm_view){ j->qkv + q_at, stride, 1 }, length, hd, length);
        put_head(j->out + k_at, stride, s.head, length, hd, add);
        gemm_here(s.gemm, a->kernel, j->out + q_at, stride, (struct gemm_view){ s.d_scores, length, 1 },
                  (struct gemm_view){ j->qkv + k_at, stride, 1 }, length, hd, length);
    }
}

void ops_attend_back(struct pool *pool, const struct ops_attention *a, float *d_qkv, const float *d_att,
                     const float *qkv)
{
    struct attention_job j = { .a = a, .out = d_qkv, .in = d_att, .qkv = qkv };
    pool_run(pool, attend_back_task, &j, a->batch->docs_count * a->kv_heads);
}
