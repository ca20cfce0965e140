/* SPDX-License-Identifier: MIT */
/*
 * Generation for many requests at once (spec engine §10). One engine thread owns all sequences and their cache; a step
 * is one batch: a token for every sequence that generates, then chunks of prompts, oldest first. What a request gets
 * depends on nothing but its own tokens, parameters and seed: not on its neighbours, the threads or the chunking.
 */
#ifndef PML_ENGINE_SCHEDULER_H
#define PML_ENGINE_SCHEDULER_H

#include "engine/chain.h"
#include "engine/model.h"
#include "engine/sampling.h"

struct pml_scheduler;

struct pml_scheduler_options { /* zero: the default */
    size_t slots;              /* sequences at once; 8 */
    size_t queue;              /* requests that may wait beside them; 64 */
    size_t threads;            /* that compute, the engine thread included; one a CPU */
    size_t chunk;              /* prompt tokens of one sequence a step; 256 */
    size_t step;               /* tokens a step in all; 512 */
};

struct pml_token_event {
    uint32_t token;
    uint32_t position;   /* in the sequence: the first generated token has the number of prompt tokens */
    size_t index;        /* among the generated */
    bool ends;           /* an end-of-generation token: it has no text */
    const float *logits; /* [vocabulary] raw, that it was chosen from; borrowed for the call */
};

enum pml_finish {
    PML_FINISH_END,       /* the model ended its turn: the last output token is the end token */
    PML_FINISH_STOPPED,   /* on_token said so (a stop string) */
    PML_FINISH_LENGTH,    /* max_tokens or the context is full */
    PML_FINISH_CANCELLED, /* pml_scheduler_cancel, or the scheduler closes */
    PML_FINISH_ERROR,
};
const char *pml_finish_name(enum pml_finish finish); /* "stop", "stop", "length", "cancelled", "error" */

struct pml_generation_result { /* borrowed for the call of on_done; wiped afterwards */
    enum pml_finish finish;
    const struct pml_error *error; /* of PML_FINISH_ERROR, else NULL */
    const uint32_t *output;        /* an end token included */
    size_t output_count, prompt_count;
    uint64_t seed;
    size_t logits_top; /* k of the chain, 0: none */
    uint8_t prompt_digest[PML_SHA256_SIZE], output_digest[PML_SHA256_SIZE];
    uint8_t logits_chain[PML_SHA256_SIZE];
    int64_t queued_us, prefill_us, decode_us;
};

struct pml_generation { /* everything is copied by submit */
    const uint32_t *prompt;
    size_t prompt_count; /* at least 1, less than the context length */
    size_t max_tokens;   /* at least 1; cut to what the context leaves */
    struct pml_sampling sampling;
    uint64_t seed;
    bool ignore_end;    /* go on after an end token */
    size_t logits_top;  /* k of the logits chain, PML_LOGITS_TOP in receipts; 0: no chain */
    bool prompt_logits; /* call on_logits for the prompt's positions too */
    /* On the engine thread; they must not block. Any but on_done may be NULL. on_token: false stops the sequence after
     * exactly this token. on_logits: position = index of the last token fed. on_done is called once, last. */
    bool (*on_token)(void *arg, const struct pml_token_event *event);
    void (*on_logits)(void *arg, uint32_t position, const float *logits);
    void (*on_done)(void *arg, const struct pml_generation_result *result);
    void *arg;
};

/* Starts the threads. The model must outlive the scheduler. memory; PML_USAGE: "threads", "slots". */
PML_CHECKED
struct pml_scheduler *pml_scheduler_new(const struct pml_model *model, const struct pml_scheduler_options *options,
                                        struct pml_error *err);
/* Cancels what is left (each on_done is called), stops the threads. */
void pml_scheduler_free(struct pml_scheduler *scheduler);
void pml_scheduler_auto(struct pml_scheduler **scheduler);

/*
 * Queues a request; any thread. *ID names it for cancel and is never used again. PML_NO: "context_length" (prompt too
 * long), "token", "sampling", "prompt" (empty), "max_tokens" (none). PML_UNKNOWN: "busy" when the queue is full,
 * memory.
 */
PML_CHECKED
bool pml_scheduler_submit(struct pml_scheduler *scheduler, const struct pml_generation *generation, uint64_t *id,
                          struct pml_error *err);

/* Asks a request to end; any thread. It ends within a step, by on_done. An ID that is done is ignored. */
void pml_scheduler_cancel(struct pml_scheduler *scheduler, uint64_t id);

struct pml_scheduler_stats {
    size_t active, waiting;
    uint64_t steps, prompt_tokens, output_tokens; /* since the start */
};
void pml_scheduler_stats(struct pml_scheduler *scheduler, struct pml_scheduler_stats *out);

#endif
