/* SPDX-License-Identifier: MIT */
/* The sampler chain: logit_bias, penalties, then greedy, or truncation, temperature and the draw (spec engine §9). */
#include "engine/sampler.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/memory.h"
#include "engine/kernels/kernels.h"
#include "engine/math.h"

struct candidate {
    uint32_t token;
    float logit;
    float weight; /* exp(logit - max) of the last softmax */
    float key;    /* what typical_p orders by */
};

struct pml_sampler {
    struct pml_sampling sampling;
    struct pml_logit_bias *biases; /* what sampling.logit_bias points to */
    uint64_t seed;
    size_t vocabulary;
    const struct pml_kernels *kernels;
    uint32_t *history; /* prompt, then generated */
    size_t count, room, prompt_count;
    float *logits, *weights;      /* [vocabulary] */
    uint32_t *counts;             /* [vocabulary], all 0 between choices */
    struct candidate *candidates; /* [vocabulary]; NULL without truncation */
};

static bool truncates(const struct pml_sampling *s)
{
    return s->temperature != 0.0f && (s->top_k > 0 || s->typical_p < 1.0f || s->top_p < 1.0f || s->min_p > 0.0f);
}

static bool allocate(struct pml_sampler *s, const struct pml_sampling *sampling, const uint32_t *prompt,
                     struct pml_error *err)
{
    s->room = s->prompt_count + 256;
    s->history = malloc(s->room * sizeof *s->history);
    s->logits = malloc(s->vocabulary * sizeof *s->logits);
    s->weights = malloc(s->vocabulary * sizeof *s->weights);
    s->counts = calloc(s->vocabulary, sizeof *s->counts);
    s->biases = malloc((sampling->logit_bias_count + 1) * sizeof *s->biases);
    if (truncates(sampling))
        s->candidates = malloc(s->vocabulary * sizeof *s->candidates);
    if (!s->history || !s->logits || !s->weights || !s->counts || !s->biases || (truncates(sampling) && !s->candidates))
        return pml_fail_memory(err);
    if (s->prompt_count > 0)
        memcpy(s->history, prompt, s->prompt_count * sizeof *prompt);
    if (sampling->logit_bias_count > 0)
        memcpy(s->biases, sampling->logit_bias, sampling->logit_bias_count * sizeof *s->biases);
    s->sampling = *sampling;
    s->sampling.logit_bias = s->biases;
    return true;
}

struct pml_sampler *pml_sampler_new(const struct pml_sampling *sampling, uint64_t seed, size_t vocabulary,
                                    const uint32_t *prompt, size_t prompt_count, struct pml_error *err)
{
    if (!pml_sampling_check(sampling, vocabulary, err))
        return NULL;
    for (size_t i = 0; i < prompt_count; i++) {
        if (prompt[i] >= vocabulary)
            return pml_fail(err, PML_NO, "token", "no token %u", prompt[i]);
    }
    PML_AUTO(sampler) struct pml_sampler *s = calloc(1, sizeof *s);
    if (!s)
        return pml_fail_memory(err);
    s->seed = seed;
    s->vocabulary = vocabulary;
    s->kernels = pml_kernels(PML_SIMD_AUTO);
    s->count = s->prompt_count = prompt_count;
    if (!allocate(s, sampling, prompt, err))
        return NULL;
    return pml_take(&s);
}

/* History and logits say what was asked and answered. */
void pml_sampler_free(struct pml_sampler *s)
{
    if (!s)
        return;
    if (s->history)
        pml_wipe(s->history, s->room * sizeof *s->history);
    if (s->logits)
        pml_wipe(s->logits, s->vocabulary * sizeof *s->logits);
    if (s->weights)
        pml_wipe(s->weights, s->vocabulary * sizeof *s->weights);
    if (s->candidates)
        pml_wipe(s->candidates, s->vocabulary * sizeof *s->candidates);
    free(s->history);
    free(s->logits);
    free(s->weights);
    free(s->counts);
    free(s->biases);
    free(s->candidates);
    free(s);
}

void pml_sampler_auto(struct pml_sampler **s)
{
    pml_sampler_free(*s);
}

bool pml_sampler_accept(struct pml_sampler *s, uint32_t token, struct pml_error *err)
{
    if (token >= s->vocabulary)
        return pml_fail(err, PML_NO, "token", "no token %u", token);
    if (s->count == s->room) {
        uint32_t *grown = malloc(2 * s->room * sizeof *grown);
        if (!grown)
            return pml_fail_memory(err);
        memcpy(grown, s->history, s->count * sizeof *grown);
        pml_wipe(s->history, s->count * sizeof *s->history);
        free(s->history);
        s->history = grown;
        s->room *= 2;
    }
    s->history[s->count++] = token;
    return true;
}

float pml_sampler_random(uint64_t seed, uint32_t position)
{
    uint8_t message[11 + 8 + 4] = "det1-sample", hash[PML_SHA256_SIZE];
    for (int i = 0; i < 8; i++)
        message[11 + i] = (uint8_t)(seed >> 8 * i);
    for (int i = 0; i < 4; i++)
        message[19 + i] = (uint8_t)(position >> 8 * i);
    pml_sha256(hash, message, sizeof message);
    return (float)((uint32_t)hash[0] << 16 | (uint32_t)hash[1] << 8 | hash[2]) * 0x1p-24f;
}

static void penalize(struct pml_sampler *s)
{
    const struct pml_sampling *p = &s->sampling;
    if (p->repeat_penalty != 1.0f && p->repeat_last_n != 0) {
        size_t window =
            p->repeat_last_n < 0 || (size_t)p->repeat_last_n > s->count ? s->count : (size_t)p->repeat_last_n;
        const uint32_t *recent = s->history + s->count - window;
        for (size_t i = 0; i < window; i++) {
            float *logit = &s->logits[recent[i]];
            if (s->counts[recent[i]]++ == 0)
                *logit = *logit <= 0.0f ? *logit * p->repeat_penalty : *logit / p->repeat_penalty;
        }
        for (size_t i = 0; i < window; i++)
            s->counts[recent[i]] = 0;
    }
    if (p->frequency_penalty != 0.0f || p->presence_penalty != 0.0f) {
        for (size_t i = s->prompt_count; i < s->count; i++)
            s->counts[s->history[i]]++;
        for (size_t i = s->prompt_count; i < s->count; i++) {
            uint32_t token = s->history[i], count = s->counts[token];
            s->counts[token] = 0;
            if (count > 0)
                s->logits[token] -= (float)count * p->frequency_penalty + p->presence_penalty;
        }
    }
}

static uint32_t greedy(const float *logits, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        best = logits[i] > logits[best] ? i : best;
    return (uint32_t)best;
}

/* The draw without truncation: ids ascending. False if the softmax is no distribution. */
static bool draw_from_all(struct pml_sampler *s, uint32_t *token, float u)
{
    size_t n = s->vocabulary;
    float lanes[PML_LANES] = { 0 };
    for (size_t i = 0; i < n; i++)
        s->logits[i] = s->logits[i] / s->sampling.temperature;
    s->kernels->exp_shifted(s->weights, s->logits, s->logits[greedy(s->logits, n)], n);
    for (size_t i = 0; i < n; i++)
        lanes[i % PML_LANES] += s->weights[i];
    float total = pml_sum_lanes(lanes), sum = 0.0f, at = u * total;
    if (!(total >= 1.0f && total <= FLT_MAX))
        return false;
    *token = (uint32_t)(n - 1);
    for (size_t i = 0; i < n; i++) {
        sum = sum + s->weights[i];
        if (sum > at) {
            *token = (uint32_t)i;
            break;
        }
    }
    return true;
}

/* Rank order: logit descending, id ascending. */
static bool ranks_before(const struct candidate *a, const struct candidate *b)
{
    return a->logit != b->logit ? a->logit > b->logit : a->token < b->token;
}

static bool key_before(const struct candidate *a, const struct candidate *b)
{
    return a->key != b->key ? a->key < b->key : ranks_before(a, b);
}

typedef bool before(const struct candidate *a, const struct candidate *b);

/* A heap whose top comes first of all that remain: candidates are sorted only as far as somebody reads. */
static void sift(struct candidate *c, size_t count, size_t at, before *first)
{
    struct candidate moved = c[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && first(&c[child + 1], &c[child]))
            child++;
        if (!first(&c[child], &moved))
            break;
        c[at] = c[child];
    }
    c[at] = moved;
}

static void make_heap(struct candidate *c, size_t count, before *first)
{
    for (size_t i = count / 2; i-- > 0;)
        sift(c, count, i, first);
}

/* Moves the first of COUNT candidates to c[COUNT - 1]; the others remain a heap. Returns it. */
static const struct candidate *pop(struct candidate *c, size_t count, before *first)
{
    struct candidate top = c[0];
    c[0] = c[count - 1];
    c[count - 1] = top;
    sift(c, count - 1, 0, first);
    return &c[count - 1];
}

static int by_token(const void *a, const void *b)
{
    uint32_t x = ((const struct candidate *)a)->token, y = ((const struct candidate *)b)->token;
    return (x > y) - (x < y);
}

/* Keeps those popped, which stand from c[REST] on, in the order of ids. Returns how many. */
static size_t keep_popped(struct candidate *c, size_t count, size_t rest)
{
    memmove(c, c + rest, (count - rest) * sizeof *c);
    qsort(c, count - rest, sizeof *c, by_token);
    return count - rest;
}

/* Softmax over candidates in the order of ids. Returns the total of the weights. */
static float softmax(struct pml_sampler *s, struct candidate *c, size_t count)
{
    float max = c[0].logit, lanes[PML_LANES] = { 0 };
    for (size_t i = 0; i < count; i++) {
        s->weights[i] = c[i].logit;
        max = c[i].logit > max ? c[i].logit : max;
    }
    s->kernels->exp_shifted(s->weights, s->weights, max, count);
    for (size_t i = 0; i < count; i++) {
        c[i].weight = s->weights[i];
        lanes[c[i].token % PML_LANES] += s->weights[i];
    }
    return pml_sum_lanes(lanes);
}

static size_t keep_top_k(struct candidate *c, size_t count, size_t k)
{
    if (k >= count)
        return count;
    size_t rest = count;
    make_heap(c, count, ranks_before);
    while (count - rest < k)
        pop(c, rest--, ranks_before);
    return keep_popped(c, count, rest);
}

static size_t keep_typical(struct pml_sampler *s, struct candidate *c, size_t count)
{
    float total = softmax(s, c, count), lanes[PML_LANES] = { 0 };
    for (size_t i = 0; i < count; i++) {
        float p = c[i].weight / total;
        c[i].key = pml_logf(p);
        if (p > 0.0f)
            lanes[c[i].token % PML_LANES] += p * c[i].key;
    }
    float entropy = -pml_sum_lanes(lanes);
    for (size_t i = 0; i < count; i++)
        c[i].key = fabsf(-c[i].key - entropy);
    make_heap(c, count, key_before);
    size_t rest = count;
    for (float sum = 0.0f; rest > 0 && !(sum > s->sampling.typical_p);)
        sum = sum + pop(c, rest--, key_before)->weight / total;
    return keep_popped(c, count, rest);
}

static size_t keep_top_p(struct pml_sampler *s, struct candidate *c, size_t count)
{
    float total = softmax(s, c, count);
    make_heap(c, count, ranks_before);
    size_t rest = count;
    for (float sum = 0.0f; rest > 0 && !(sum >= s->sampling.top_p);)
        sum = sum + pop(c, rest--, ranks_before)->weight / total;
    return keep_popped(c, count, rest);
}

static size_t keep_min_p(const struct pml_sampler *s, struct candidate *c, size_t count)
{
    float max = c[0].logit;
    for (size_t i = 1; i < count; i++)
        max = c[i].logit > max ? c[i].logit : max;
    float least = max + pml_logf(s->sampling.min_p);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (c[i].logit >= least)
            c[kept++] = c[i];
    }
    return kept;
}

/* The draw after truncation: candidates in rank order. */
static bool draw_from_candidates(struct pml_sampler *s, uint32_t *token, float u)
{
    struct candidate *c = s->candidates;
    size_t count = s->vocabulary;
    for (size_t i = 0; i < count; i++)
        c[i] = (struct candidate){ .token = (uint32_t)i, .logit = s->logits[i] };
    if (s->sampling.top_k > 0)
        count = keep_top_k(c, count, s->sampling.top_k);
    if (s->sampling.typical_p < 1.0f)
        count = keep_typical(s, c, count);
    if (s->sampling.top_p < 1.0f)
        count = keep_top_p(s, c, count);
    if (s->sampling.min_p > 0.0f)
        count = keep_min_p(s, c, count);

    for (size_t i = 0; i < count; i++)
        c[i].logit = c[i].logit / s->sampling.temperature;
    float total = softmax(s, c, count), sum = 0.0f, at = u * total;
    if (!(total >= 1.0f && total <= FLT_MAX))
        return false;
    make_heap(c, count, ranks_before);
    while (count > 0 && !(sum > at)) {
        const struct candidate *next = pop(c, count--, ranks_before);
        sum = sum + next->weight;
        *token = next->token;
    }
    return true;
}

bool pml_sampler_choose(struct pml_sampler *s, uint32_t *token, const float *logits, struct pml_error *err)
{
    for (size_t i = 0; i < s->vocabulary; i++) {
        if (!(fabsf(logits[i]) <= FLT_MAX))
            return pml_fail(err, PML_UNKNOWN, "logits", "a logit is not finite");
        s->logits[i] = logits[i];
    }
    for (size_t i = 0; i < s->sampling.logit_bias_count; i++)
        s->logits[s->biases[i].token] += s->biases[i].bias;
    penalize(s);
    if (s->sampling.temperature == 0.0f) {
        *token = greedy(s->logits, s->vocabulary);
        return true;
    }
    float u = pml_sampler_random(s->seed, (uint32_t)s->count);
    bool drawn = s->candidates ? draw_from_candidates(s, token, u) : draw_from_all(s, token, u);
    return drawn || pml_fail(err, PML_UNKNOWN, "logits", "logits out of range");
}
