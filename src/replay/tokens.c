/* SPDX-License-Identifier: MIT */
/* Tokens from a guess confirmed in batches, or generated when the guess does not hold. */
#include "replay/tokens.h"

#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/evaluate.h"
#include "engine/sampler.h"
#include "engine/scheduler.h"

enum { MAX_PASSES = 4 }; /* then generating costs less than another one */

struct pass {
    const struct pml_retrace *in;
    const struct pml_tokenizer *tokenizer;
    struct pml_sampler *sampler;
    struct pml_logits_chain chain;
    struct pml_tokens *output;
    const uint32_t *guess; /* ids the pass is fed after the prompt */
    size_t guess_count;
    bool done, failed;
    struct pml_error err;
};

static bool is_done(const struct pass *p)
{
    return p->output->count == p->in->wanted ||
           (p->output->count && pml_tokenizer_ends(p->tokenizer, p->output->ids[p->output->count - 1]));
}

/* The token chosen from these logits; to go on makes sense only if it is the one that was fed next. */
static bool on_logits(void *arg, size_t position, const float *logits)
{
    struct pass *p = arg;
    struct pml_top_logit top[PML_LOGITS_TOP_MAX];
    uint32_t token;
    size_t step = p->output->count;
    (void)position;
    p->failed = !pml_sampler_choose(p->sampler, &token, logits, &p->err) ||
                !pml_sampler_accept(p->sampler, token, &p->err) || !pml_tokens_add(p->output, token, &p->err);
    if (p->failed)
        return false;
    size_t count = pml_top_logits(top, p->in->logits_top, logits, pml_model_info(p->in->model)->vocabulary);
    pml_logits_chain_add(&p->chain, token, top, count);
    p->done = is_done(p);
    return !p->done && step < p->guess_count && p->guess[step] == token;
}

/*
 * Appends the ids of the text. A tokenizer that puts a blank in front of every text would add one that the text has
 * already; what such a text spells is seen by decoding it.
 */
static bool encode(struct pml_tokens *out, const struct pml_tokenizer *t, const char *text, size_t size,
                   struct pml_error *err)
{
    struct pml_encode how = { 0 };
    size_t before = out->count;
    PML_AUTO(buf) struct pml_buf back = { 0 };
    if (!pml_tokenizer_encode(t, text, size, how, out, err))
        return false;
    pml_tokenizer_decode(t, out->ids + before, out->count - before, &back);
    if (size && text[0] == ' ' && back.size > size) {
        out->count = before;
        return pml_tokenizer_encode(t, text + 1, size - 1, how, out, err);
    }
    return pml_buf_check(&back, err);
}

/* The guess after what is known: the known tokens and the ids of the text they leave. False in *HOPE when they do not
 * spell the beginning of the text. */
static bool guess_rest(struct pml_tokens *guess, const struct pass *p, bool *hope, struct pml_error *err)
{
    PML_AUTO(buf) struct pml_buf spelt = { 0 };
    for (size_t i = 0; i < p->output->count; i++) {
        if (!pml_tokens_add(guess, p->output->ids[i], err))
            return false;
    }
    pml_tokenizer_decode(p->tokenizer, p->output->ids, p->output->count, &spelt);
    if (!pml_buf_check(&spelt, err))
        return false;
    *hope = spelt.size <= p->in->text_size && (!spelt.size || !memcmp(spelt.bytes, p->in->text, spelt.size));
    return !*hope || encode(guess, p->tokenizer, p->in->text + spelt.size, p->in->text_size - spelt.size, err);
}

/* One pass: feeds prompt and guess, of which the last wanted token is never needed. */
static bool confirm(struct pass *p, const struct pml_tokens *guess, struct pml_error *err)
{
    const struct pml_tokens *prompt = p->in->prompt;
    size_t fed = guess->count < p->in->wanted - 1 ? guess->count : p->in->wanted - 1;
    PML_AUTO(mem) uint32_t *tokens = malloc((prompt->count + fed) * sizeof *tokens);
    if (!tokens)
        return pml_fail_memory(err);
    memcpy(tokens, prompt->ids, prompt->count * sizeof *tokens);
    if (fed)
        memcpy(tokens + prompt->count, guess->ids, fed * sizeof *tokens);
    p->guess = guess->ids;
    p->guess_count = fed;
    struct pml_evaluation evaluation = { .tokens = tokens,
                                         .count = prompt->count + fed,
                                         .from = prompt->count - 1 + p->output->count,
                                         .threads = p->in->threads,
                                         .on_logits = on_logits,
                                         .arg = p };
    if (!pml_evaluate(p->in->model, &evaluation, err))
        return false;
    if (p->failed)
        *err = p->err;
    return !p->failed;
}

static bool confirm_passes(struct pass *p, struct pml_tokens *first_guess, struct pml_error *err)
{
    bool hope = true;
    for (size_t pass = 0; pass < MAX_PASSES && hope && !p->done; pass++) {
        PML_AUTO(tokens) struct pml_tokens guess = { 0 };
        if (!guess_rest(&guess, p, &hope, err) || (hope && !confirm(p, &guess, err)))
            return false;
        if (pass == 0) {
            *first_guess = guess;
            guess = (struct pml_tokens){ 0 };
        }
    }
    return true;
}

struct generating {
    struct pml_retraced *out;
    size_t wanted;
    sem_t done;
    bool ok;
    struct pml_error err;
};

static bool on_token(void *arg, const struct pml_token_event *event)
{
    const struct generating *g = arg;
    return event->index + 1 < g->wanted;
}

static void on_done(void *arg, const struct pml_generation_result *result)
{
    struct generating *g = arg;
    g->out->output.count = 0;
    g->ok = !result->error;
    if (result->error)
        g->err = *result->error;
    for (size_t i = 0; i < result->output_count && g->ok; i++)
        g->ok = pml_tokens_add(&g->out->output, result->output[i], &g->err);
    memcpy(g->out->logits_chain, result->logits_chain, PML_SHA256_SIZE);
    sem_post(&g->done);
}

static bool generate(struct pml_retraced *out, const struct pml_retrace *in, struct pml_error *err)
{
    uint64_t id;
    struct pml_scheduler_options options = { .slots = 1, .threads = in->threads };
    struct generating g = { .out = out, .wanted = in->wanted };
    struct pml_generation generation = { .prompt = in->prompt->ids,
                                         .prompt_count = in->prompt->count,
                                         .max_tokens = in->wanted,
                                         .sampling = *in->sampling,
                                         .seed = in->seed,
                                         .logits_top = in->logits_top,
                                         .on_token = on_token,
                                         .on_done = on_done,
                                         .arg = &g };
    PML_AUTO(scheduler) struct pml_scheduler *scheduler = pml_scheduler_new(in->model, &options, err);
    if (!scheduler)
        return false;
    sem_init(&g.done, 0, 0);
    bool submitted = pml_scheduler_submit(scheduler, &generation, &id, err);
    while (submitted && sem_wait(&g.done) != 0)
        ;
    sem_destroy(&g.done);
    if (submitted && !g.ok)
        *err = g.err;
    return submitted && g.ok;
}

bool pml_retrace(struct pml_retraced *out, const struct pml_retrace *in, struct pml_error *err)
{
    PML_AUTO(retraced) struct pml_retraced r = { 0 };
    uint8_t prompt_digest[PML_SHA256_SIZE];
    struct pass p = { .in = in, .tokenizer = pml_model_tokenizer(in->model), .output = &r.output };
    PML_AUTO(sampler)
    struct pml_sampler *sampler = pml_sampler_new(in->sampling, in->seed, pml_model_info(in->model)->vocabulary,
                                                  in->prompt->ids, in->prompt->count, err);
    if (!sampler)
        return false;
    p.sampler = sampler;
    pml_tokens_digest(prompt_digest, in->prompt->ids, in->prompt->count);
    pml_logits_chain_begin(&p.chain, pml_model_info(in->model)->file_digest, prompt_digest);
    p.done = in->wanted == 0;
    if (!confirm_passes(&p, &r.guess, err))
        return false;
    memcpy(r.logits_chain, p.chain.value, PML_SHA256_SIZE);
    if (!p.done && !generate(&r, in, err))
        return false;
    *out = r;
    r = (struct pml_retraced){ 0 };
    return true;
}

void pml_retraced_free(struct pml_retraced *retraced)
{
    pml_tokens_free(&retraced->guess);
    pml_tokens_free(&retraced->output);
}

void pml_retraced_auto(struct pml_retraced *retraced)
{
    pml_retraced_free(retraced);
}
