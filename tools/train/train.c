/* SPDX-License-Identifier: MIT */
/* The training loop. */
#include "train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "batch.h"
#include "base/digest.h"
#include "base/memory.h"
#include "exam.h"
#include "gguf.h"
#include "optimizer.h"
#include "grammar.h"

const struct net_shape train_shape = {
    .vocab = BPE_VOCAB,
    .dim = 256,
    .layers = 2,
    .ffn = 512,
    .heads = 4,
    .kv_heads = 2,
    .head_dim = 64,
    .context = 1024,
    .rope_base = 10000.0f,
    .rms_eps = 1e-5f,
};

/* bits in a nat */
static const double LOG2E = 0x1.71547652b82fep+0;

/* All that a run holds. */
struct run {
    const struct train_options *o;
    struct bpe *bpe;
    struct pool *pool;
    struct net *net;
    struct optimizer optimizer;
    struct batcher batcher;
    float *params, *grads;
    struct net_layout layout;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Roughly normal with deviation SCALE: the sum of four uniform numbers. */
static void fill_random(struct rng *rng, float *x, size_t count, float scale)
{
    for (size_t i = 0; i < count; i++) {
        int64_t sum = -2 * ((int64_t)1 << 24);
        for (int k = 0; k < 4; k++)
            sum += (int64_t)(rng_next(rng) >> 40);
        x[i] = (float)sum / (float)(1 << 24) * 1.7320508f * scale;
    }
}

static void fill_ones(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] = 1.0f;
}

static void initialize(struct run *r)
{
    const struct net_shape *s = &train_shape;
    struct rng rng = { r->o->seed };
    size_t att_dim = s->heads * s->head_dim, qkv_dim = att_dim + 2 * s->kv_heads * s->head_dim;
    float wide = 1.0f / sqrtf((float)s->dim), back = wide / sqrtf(2.0f * (float)s->layers);

    fill_random(&rng, r->params + r->layout.embed, s->vocab * s->dim, 0.02f);
    for (size_t i = 0; i < s->layers; i++) {
        const struct net_layer *l = &r->layout.layer[i];
        fill_ones(r->params + l->attn_norm, s->dim);
        fill_random(&rng, r->params + l->qkv, qkv_dim * s->dim, wide);
        fill_random(&rng, r->params + l->out, s->dim * att_dim, back);
        fill_ones(r->params + l->ffn_norm, s->dim);
        fill_random(&rng, r->params + l->gate_up, 2 * s->ffn * s->dim, wide);
        fill_random(&rng, r->params + l->down, s->dim * s->ffn, back);
    }
    fill_ones(r->params + r->layout.out_norm, s->dim);
}

static bool open_run(struct run *r, const struct train_options *o, struct pml_error *err)
{
    size_t capacity = o->batch_tokens > train_shape.context ? o->batch_tokens : train_shape.context;
    size_t for_net = net_scratch_count(&train_shape), for_muon = muon_scratch_count(&train_shape);
    size_t scratch = for_net > for_muon ? for_net : for_muon;
    r->o = o;
    r->layout = net_layout(&train_shape);
    if (posix_memalign((void **)&r->params, 64, r->layout.count * sizeof(float)) != 0 ||
        posix_memalign((void **)&r->grads, 64, r->layout.count * sizeof(float)) != 0)
        return pml_fail_memory(err);
    return (r->bpe = bpe_learn(o->seed, TRAIN_BPE_DOCUMENTS, err)) && (r->pool = pool_new(o->threads, scratch, err)) &&
           (r->net = net_new(&train_shape, capacity, r->pool, o->kernel, err)) &&
           optimizer_open(&r->optimizer, &train_shape, r->pool, o->kernel, err) &&
           batcher_open(&r->batcher, r->bpe, o->seed, o->batch_tokens, train_shape.context, err);
}

static void close_run(struct run *r)
{
    batcher_close(&r->batcher);
    optimizer_close(&r->optimizer);
    net_free(r->net);
    pool_free(r->pool);
    free(r->bpe);
    free(r->params);
    free(r->grads);
}

/* Sums since the last report. */
struct window {
    double nats, bits;
    uint64_t learned;
};

static void report(const struct run *r, size_t step, const struct window *w, double norm, const struct train_result *t)
{
    fprintf(r->o->progress,
            "step %5zu/%zu  loss %.4f bits/token, grammar %.4f  |gradient| %.3f  %.0f tokens/s  %.1f GFLOP/s  %.0f s\n",
            step, r->o->steps, w->nats * LOG2E / (double)w->learned, w->bits / (double)w->learned, norm,
            (double)t->tokens / t->seconds, t->work / t->seconds * 1e-9, t->seconds);
    fflush(r->o->progress);
}

static bool loop(struct run *r, struct train_result *t, struct pml_error *err)
{
    const struct train_options *o = r->o;
    struct window window = { 0 }, last = { 0 };
    size_t every = o->steps / 60 + 1, last_from = o->steps - (o->steps + 9) / 10;
    double begin = now();

    for (size_t step = 0; step < o->steps; step++) {
        const struct net_batch *batch = batcher_next(&r->batcher, NULL, err);
        if (!batch)
            return false;
        size_t learned;
        double nats = net_forward(r->net, r->params, batch, &learned);
        net_backward(r->net, r->params, batch, r->grads);
        double norm = optimizer_step(&r->optimizer, r->params, r->grads, step, o->steps);

        t->tokens += batch->tokens_count;
        t->learned += learned;
        t->work += net_work(&train_shape, batch);
        t->seconds = now() - begin;
        window = (struct window){ window.nats + nats, window.bits + r->batcher.bits, window.learned + learned };
        if (step >= last_from)
            last = (struct window){ last.nats + nats, last.bits + r->batcher.bits, last.learned + learned };
        if (o->progress && ((step + 1) % every == 0 || step + 1 == o->steps)) {
            report(r, step + 1, &window, norm, t);
            window = (struct window){ 0 };
        }
    }
    t->loss = last.nats * LOG2E / (double)last.learned;
    t->entropy = last.bits / (double)last.learned;
    return true;
}

static bool finish(struct run *r, struct train_result *t, struct pml_error *err)
{
    struct exam exam;
    pml_sha256(t->checkpoint, r->params, r->layout.count * sizeof(float));
    gguf_write(&t->file, &train_shape, r->params, r->bpe);
    if (!pml_buf_check(&t->file, err))
        return false;
    if (!r->o->questions)
        return true;
    gguf_round(&train_shape, r->params);
    if (!exam_run(&exam, r->net, &train_shape, r->params, r->bpe, r->o->questions, &t->answers, err))
        return false;
    t->right = exam.right;
    t->questions = exam.total;
    return true;
}

bool train_run(struct train_result *result, const struct train_options *options, struct pml_error *err)
{
    struct run r = { 0 };
    *result = (struct train_result){ 0 };
    bool ok = open_run(&r, options, err);
    if (ok) {
        initialize(&r);
        ok = loop(&r, result, err) && finish(&r, result, err);
    }
    close_run(&r);
    return ok;
}

bool train_dump_corpus(FILE *file, const struct train_options *o, struct pml_error *err)
{
    PML_AUTO(mem) struct bpe *bpe = bpe_learn(o->seed, TRAIN_BPE_DOCUMENTS, err);
    PML_AUTO(buf) struct pml_buf text = { 0 };
    struct batcher batcher;
    bool ok = bpe && batcher_open(&batcher, bpe, o->seed, o->batch_tokens, train_shape.context, err);
    if (!ok)
        return false;
    for (size_t step = 0; ok && step < o->steps; step++) {
        pml_buf_clear(&text);
        ok = batcher_next(&batcher, &text, err) && pml_buf_check(&text, err);
        if (ok && fwrite(text.bytes, 1, text.size, file) != text.size)
            ok = pml_fail_io(err, "write corpus");
    }
    batcher_close(&batcher);
    return ok;
}
