/* SPDX-License-Identifier: MIT */
/*
 * The engine thread: admit requests to slots, build one batch, run it, hand out tokens, let finished requests go; and
 * again. Other threads only append to the queue and set marks, under the one mutex.
 */
#include "engine/scheduler.h"

#include <fenv.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "engine/forward.h"
#include "engine/sampler.h"
#include "engine/tokenizer.h"

#define SLOTS_DEFAULT 8
#define SLOTS_MAX     256
#define QUEUE_DEFAULT 64
#define CHUNK_DEFAULT 256
#define STEP_DEFAULT  512
#define STEP_MAX      8192

struct request {
    struct request *next; /* in the queue */
    uint64_t id;
    bool cancelled; /* under the mutex */

    struct pml_generation ask; /* prompt is this request's own copy */
    struct pml_sampler *sampler;
    struct pml_logits_chain chain;
    uint8_t prompt_digest[PML_SHA256_SIZE];

    struct pml_kv_sequence cache;
    size_t fed;       /* tokens of prompt and output in the cache */
    uint32_t *output; /* [ask.max_tokens] */
    size_t output_count;

    bool finished;
    enum pml_finish finish;
    struct pml_error error;
    int64_t submitted_us, admitted_us, first_us;
};

struct pml_scheduler {
    const struct pml_model *model;
    struct pml_scheduler_options options;
    struct pml_kv *kv;
    struct pml_pool *pool;
    struct pml_forward *forward;
    pthread_t thread;
    bool started;

    /* the engine thread's own */
    struct request **active; /* [slots], oldest first */
    struct pml_span *spans;  /* [slots]; of the batch under way */
    struct request **of_span;

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct request *queue, **queue_end; /* under the mutex, as all below */
    size_t active_count;                /* written by the engine thread only */
    bool closing;
    uint64_t last_id;
    struct pml_scheduler_stats stats;
};

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

const char *pml_finish_name(enum pml_finish finish)
{
    static const char *const names[] = {
        [PML_FINISH_END] = "stop",      [PML_FINISH_STOPPED] = "stop",
        [PML_FINISH_LENGTH] = "length", [PML_FINISH_CANCELLED] = "cancelled",
        [PML_FINISH_ERROR] = "error",
    };
    return names[finish];
}

/* Requests. */

static void request_free(struct request *r)
{
    if (!r)
        return;
    if (r->ask.prompt)
        pml_wipe((void *)r->ask.prompt, r->ask.prompt_count * sizeof *r->ask.prompt);
    if (r->output)
        pml_wipe(r->output, r->ask.max_tokens * sizeof *r->output);
    pml_sampler_free(r->sampler);
    free((void *)r->ask.prompt);
    free(r->output);
    pml_wipe(r, sizeof *r);
    free(r);
}

static void request_auto(struct request **r)
{
    request_free(*r);
}

static bool check(const struct pml_scheduler *s, const struct pml_generation *g, struct pml_error *err)
{
    const struct pml_model_info *info = pml_model_info(s->model);
    if (g->prompt_count == 0)
        return pml_fail(err, PML_NO, "prompt", "the prompt is empty");
    if (g->max_tokens == 0)
        return pml_fail(err, PML_NO, "max_tokens", "no tokens are asked for");
    if (g->prompt_count >= info->context_length)
        return pml_fail(err, PML_NO, "context_length", "the prompt has %zu tokens, the context has room for %u",
                        g->prompt_count, info->context_length);
    if (g->logits_top > PML_LOGITS_TOP_MAX)
        return pml_fail(err, PML_NO, "logits_top", "at most %d logits a token", PML_LOGITS_TOP_MAX);
    return true;
}

static struct request *request_new(const struct pml_scheduler *s, const struct pml_generation *g, struct pml_error *err)
{
    const struct pml_model_info *info = pml_model_info(s->model);
    __attribute__((cleanup(request_auto))) struct request *r = calloc(1, sizeof *r);
    if (!r)
        return pml_fail_memory(err);
    size_t room = info->context_length - g->prompt_count;
    r->ask = *g;
    r->ask.max_tokens = g->max_tokens < room ? g->max_tokens : room;
    uint32_t *prompt = malloc(g->prompt_count * sizeof *prompt);
    r->ask.prompt = prompt;
    r->output = malloc(r->ask.max_tokens * sizeof *r->output);
    if (!prompt || !r->output)
        return pml_fail_memory(err);
    memcpy(prompt, g->prompt, g->prompt_count * sizeof *prompt);
    r->sampler = pml_sampler_new(&g->sampling, g->seed, info->vocabulary, prompt, g->prompt_count, err);
    if (!r->sampler)
        return NULL;
    r->ask.sampling.logit_bias = NULL; /* the sampler has its copy */
    pml_tokens_digest(r->prompt_digest, prompt, g->prompt_count);
    pml_logits_chain_begin(&r->chain, info->file_digest, r->prompt_digest);
    r->submitted_us = now_us();
    return pml_take(&r);
}

bool pml_scheduler_submit(struct pml_scheduler *s, const struct pml_generation *generation, uint64_t *id,
                          struct pml_error *err)
{
    if (!check(s, generation, err))
        return false;
    __attribute__((cleanup(request_auto))) struct request *r = request_new(s, generation, err);
    if (!r)
        return false;
    pthread_mutex_lock(&s->mutex);
    bool taken = !s->closing && s->active_count + s->stats.waiting < s->options.slots + s->options.queue;
    if (taken) {
        *id = r->id = ++s->last_id;
        *s->queue_end = r;
        s->queue_end = &r->next;
        s->stats.waiting++;
        r = NULL;
        pthread_cond_signal(&s->changed);
    }
    pthread_mutex_unlock(&s->mutex);
    return taken || pml_fail(err, PML_UNKNOWN, "busy", "%zu requests are waiting already", s->options.queue);
}

void pml_scheduler_cancel(struct pml_scheduler *s, uint64_t id)
{
    pthread_mutex_lock(&s->mutex);
    for (struct request *r = s->queue; r; r = r->next)
        r->cancelled = r->cancelled || r->id == id;
    for (size_t i = 0; i < s->active_count; i++)
        s->active[i]->cancelled = s->active[i]->cancelled || s->active[i]->id == id;
    pthread_mutex_unlock(&s->mutex);
}

void pml_scheduler_stats(struct pml_scheduler *s, struct pml_scheduler_stats *out)
{
    pthread_mutex_lock(&s->mutex);
    *out = s->stats;
    out->active = s->active_count;
    pthread_mutex_unlock(&s->mutex);
}

/* The engine thread. */

static void finish(struct request *r, enum pml_finish how)
{
    r->finished = true;
    r->finish = how;
}

static void report(const struct request *r)
{
    int64_t now = now_us(), admitted = r->admitted_us ? r->admitted_us : now, first = r->first_us ? r->first_us : now;
    struct pml_generation_result result = {
        .finish = r->finish,
        .error = r->finish == PML_FINISH_ERROR ? &r->error : NULL,
        .output = r->output,
        .output_count = r->output_count,
        .prompt_count = r->ask.prompt_count,
        .seed = r->ask.seed,
        .logits_top = r->ask.logits_top,
        .queued_us = admitted - r->submitted_us,
        .prefill_us = first - admitted,
        .decode_us = now - first,
    };
    memcpy(result.prompt_digest, r->prompt_digest, sizeof result.prompt_digest);
    pml_tokens_digest(result.output_digest, r->output, r->output_count);
    if (r->ask.logits_top > 0)
        memcpy(result.logits_chain, r->chain.value, sizeof result.logits_chain);
    r->ask.on_done(r->ask.arg, &result);
}

static void let_go(struct pml_scheduler *s, struct request *r)
{
    report(r);
    pml_kv_release(s->kv, &r->cache);
    request_free(r);
}

/* Moves requests from the queue to free slots, and marks those that were cancelled. Waits while there is nothing to do.
 * False: the scheduler closes. */
static bool admit(struct pml_scheduler *s)
{
    pthread_mutex_lock(&s->mutex);
    while (!s->queue && s->active_count == 0 && !s->closing)
        pthread_cond_wait(&s->changed, &s->mutex);
    while (s->queue && s->active_count < s->options.slots) {
        struct request *r = s->queue;
        s->queue = r->next;
        s->queue_end = s->queue ? s->queue_end : &s->queue;
        s->stats.waiting--;
        r->admitted_us = now_us();
        s->active[s->active_count++] = r;
    }
    for (size_t i = 0; i < s->active_count; i++) {
        if (s->active[i]->cancelled || s->closing)
            finish(s->active[i], PML_FINISH_CANCELLED);
    }
    bool open = !s->closing;
    pthread_mutex_unlock(&s->mutex);
    return open;
}

/* Takes requests that were cancelled while they waited, or all when closing, out of the queue. */
static struct request *take_cancelled(struct pml_scheduler *s)
{
    struct request *taken = NULL;
    pthread_mutex_lock(&s->mutex);
    for (struct request **at = &s->queue; *at;) {
        struct request *r = *at;
        if (!r->cancelled && !s->closing) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        s->queue_end = *at ? s->queue_end : at;
        s->stats.waiting--;
        r->next = taken;
        taken = r;
    }
    pthread_mutex_unlock(&s->mutex);
    return taken;
}

/* Ends what is finished. Slots keep the order of arrival. */
static void sweep(struct pml_scheduler *s)
{
    for (struct request *r = take_cancelled(s), *next; r; r = next) {
        next = r->next;
        finish(r, PML_FINISH_CANCELLED);
        let_go(s, r);
    }
    for (size_t i = 0; i < s->active_count;) {
        struct request *r = s->active[i];
        if (!r->finished) {
            i++;
            continue;
        }
        pthread_mutex_lock(&s->mutex);
        memmove(&s->active[i], &s->active[i + 1], (s->active_count - i - 1) * sizeof *s->active);
        s->active_count--;
        pthread_mutex_unlock(&s->mutex);
        let_go(s, r);
    }
    if (s->active_count == 0)
        pml_forward_wipe(s->forward);
}

/* The next COUNT tokens of a request as a span of the batch. */
static void add_span(struct pml_scheduler *s, struct request *r, size_t count, size_t *spans)
{
    bool prompt = r->fed < r->ask.prompt_count, last = r->fed + count >= r->ask.prompt_count;
    if (!pml_kv_reserve(s->kv, &r->cache, r->fed + count, &r->error)) {
        finish(r, PML_FINISH_ERROR);
        return;
    }
    s->of_span[*spans] = r;
    s->spans[(*spans)++] = (struct pml_span){
        .cache = &r->cache,
        .tokens = prompt ? r->ask.prompt + r->fed : r->output + (r->fed - r->ask.prompt_count),
        .count = count,
        .position = r->fed,
        .logits_from = prompt && r->ask.prompt_logits ? 0
                       : last                         ? count - 1
                                                      : count,
    };
}

/* One token for every sequence that generates, then chunks of prompts, oldest first. Returns the number of spans. */
static size_t build_batch(struct pml_scheduler *s)
{
    size_t spans = 0, room = s->options.step;
    for (size_t i = 0; i < s->active_count; i++) {
        struct request *r = s->active[i];
        if (!r->finished && r->fed >= r->ask.prompt_count) {
            add_span(s, r, 1, &spans);
            room--;
        }
    }
    for (size_t i = 0; i < s->active_count && room > 0; i++) {
        struct request *r = s->active[i];
        if (r->finished || r->fed >= r->ask.prompt_count)
            continue;
        size_t count = r->ask.prompt_count - r->fed;
        count = count < s->options.chunk ? count : s->options.chunk;
        count = count < room ? count : room;
        add_span(s, r, count, &spans);
        room -= count;
    }
    return spans;
}

/* Chooses the next token from the logits of the last one fed. */
static void take_token(const struct pml_scheduler *s, struct request *r, const float *logits)
{
    struct pml_token_event event = { .index = r->output_count, .logits = logits };
    if (!pml_sampler_choose(r->sampler, &event.token, logits, &r->error) ||
        !pml_sampler_accept(r->sampler, event.token, &r->error)) {
        finish(r, PML_FINISH_ERROR);
        return;
    }
    if (r->ask.logits_top > 0) {
        struct pml_top_logit top[PML_LOGITS_TOP_MAX];
        size_t count = pml_top_logits(top, r->ask.logits_top, logits, pml_model_info(s->model)->vocabulary);
        pml_logits_chain_add(&r->chain, event.token, top, count);
    }
    r->first_us = r->first_us ? r->first_us : now_us();
    r->output[r->output_count++] = event.token;
    event.position = (uint32_t)(r->ask.prompt_count + event.index);
    event.ends = pml_tokenizer_ends(pml_model_tokenizer(s->model), event.token);
    bool go_on = !r->ask.on_token || r->ask.on_token(r->ask.arg, &event);
    if (event.ends && !r->ask.ignore_end)
        finish(r, PML_FINISH_END);
    else if (!go_on)
        finish(r, PML_FINISH_STOPPED);
    else if (r->output_count == r->ask.max_tokens)
        finish(r, PML_FINISH_LENGTH);
}

static void take_logits(void *arg, size_t span, size_t index, const float *logits)
{
    struct pml_scheduler *s = arg;
    struct request *r = s->of_span[span];
    size_t position = s->spans[span].position + index;
    if (r->ask.on_logits)
        r->ask.on_logits(r->ask.arg, (uint32_t)position, logits);
    if (position + 1 >= r->ask.prompt_count)
        take_token(s, r, logits);
}

static void step(struct pml_scheduler *s)
{
    size_t count = build_batch(s), prompt = 0, output = 0;
    if (count == 0)
        return;
    pml_forward_run(s->forward, s->spans, count, take_logits, s);
    for (size_t i = 0; i < count; i++) {
        struct request *r = s->of_span[i];
        *(r->fed < r->ask.prompt_count ? &prompt : &output) += s->spans[i].count;
        r->fed += s->spans[i].count;
        if (s->spans[i].failed) {
            pml_fail(&r->error, PML_UNKNOWN, "logits", "a value is not finite");
            finish(r, PML_FINISH_ERROR);
        }
    }
    pthread_mutex_lock(&s->mutex);
    s->stats.steps++;
    s->stats.prompt_tokens += prompt;
    s->stats.output_tokens += output;
    pthread_mutex_unlock(&s->mutex);
}

static void *engine_main(void *arg)
{
    struct pml_scheduler *s = arg;
    fesetenv(FE_DFL_ENV); /* this thread computes too (spec engine §5.1) */
    while (admit(s)) {
        sweep(s);
        step(s);
        sweep(s);
    }
    sweep(s);
    return NULL;
}

static size_t either(size_t value, size_t otherwise)
{
    return value > 0 ? value : otherwise;
}

static bool start(struct pml_scheduler *s, struct pml_error *err)
{
    s->kv = pml_kv_new(pml_model_kv_shape(s->model), err);
    if (!s->kv)
        return false;
    s->pool = pml_pool_new(s->options.threads, err);
    if (!s->pool)
        return false;
    s->forward = pml_forward_new(s->model, s->kv, s->pool, s->options.step, err);
    if (!s->forward)
        return false;
    s->active = calloc(s->options.slots, sizeof *s->active);
    s->spans = calloc(s->options.slots, sizeof *s->spans);
    s->of_span = calloc(s->options.slots, sizeof *s->of_span);
    if (!s->active || !s->spans || !s->of_span)
        return pml_fail_memory(err);
    if (pthread_create(&s->thread, NULL, engine_main, s) != 0)
        return pml_fail(err, PML_UNKNOWN, "memory", "cannot start the engine thread");
    s->started = true;
    return true;
}

struct pml_scheduler *pml_scheduler_new(const struct pml_model *model, const struct pml_scheduler_options *options,
                                        struct pml_error *err)
{
    PML_AUTO(scheduler) struct pml_scheduler *s = calloc(1, sizeof *s);
    if (!s)
        return pml_fail_memory(err);
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->changed, NULL);
    s->model = model;
    s->queue_end = &s->queue;
    s->options = *options;
    s->options.slots = either(options->slots, SLOTS_DEFAULT);
    s->options.queue = either(options->queue, QUEUE_DEFAULT);
    s->options.chunk = either(options->chunk, CHUNK_DEFAULT);
    s->options.step = either(options->step, STEP_DEFAULT);
    if (s->options.slots > SLOTS_MAX)
        return pml_fail(err, PML_USAGE, "slots", "at most %d slots", SLOTS_MAX);
    s->options.step = s->options.step < STEP_MAX ? s->options.step : STEP_MAX;
    s->options.step = s->options.step > s->options.slots ? s->options.step : s->options.slots;
    if (!start(s, err))
        return NULL;
    return pml_take(&s);
}

void pml_scheduler_free(struct pml_scheduler *s)
{
    if (!s)
        return;
    if (s->started) {
        pthread_mutex_lock(&s->mutex);
        s->closing = true;
        pthread_cond_signal(&s->changed);
        pthread_mutex_unlock(&s->mutex);
        pthread_join(s->thread, NULL);
    }
    pml_forward_free(s->forward);
    pml_pool_free(s->pool);
    pml_kv_free(s->kv);
    pthread_mutex_destroy(&s->mutex);
    pthread_cond_destroy(&s->changed);
    free(s->active);
    free(s->spans);
    free(s->of_span);
    free(s);
}

void pml_scheduler_auto(struct pml_scheduler **s)
{
    pml_scheduler_free(*s);
}
