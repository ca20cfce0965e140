/* SPDX-License-Identifier: MIT */
/*
 * Chooses the tokens of one sequence from logits, by the order, the softmax and the counter-based random numbers of
 * spec engine §9. The choice is a function of logits, parameters, seed, position and the tokens before: a replayer that
 * is given the same makes the same.
 */
#ifndef PML_ENGINE_SAMPLER_H
#define PML_ENGINE_SAMPLER_H

#include "engine/sampling.h"

struct pml_sampler; /* one thread at a time */

/* A sampler over VOCABULARY tokens for a sequence that begins with PROMPT. Copies SAMPLING and PROMPT. sampling,
 * memory.
 */
PML_CHECKED
struct pml_sampler *pml_sampler_new(const struct pml_sampling *sampling, uint64_t seed, size_t vocabulary,
                                    const uint32_t *prompt, size_t prompt_count, struct pml_error *err);
void pml_sampler_free(struct pml_sampler *sampler); /* wipes the token history */
void pml_sampler_auto(struct pml_sampler **sampler);

/*
 * Chooses the next token from logits [vocabulary], which stay as they are. Its position is the number of tokens the
 * sequence has so far. PML_UNKNOWN: "logits" when one is not finite.
 */
PML_CHECKED
bool pml_sampler_choose(struct pml_sampler *sampler, uint32_t *token, const float *logits, struct pml_error *err);

/* Appends a generated token: the chosen one, or the one a teacher forces. memory. */
PML_CHECKED
bool pml_sampler_accept(struct pml_sampler *sampler, uint32_t token, struct pml_error *err);

/* u = the random number in [0, 1) of a seed and a position, a multiple of 2^-24. */
float pml_sampler_random(uint64_t seed, uint32_t position);

#endif
