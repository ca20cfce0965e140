/* SPDX-License-Identifier: MIT */
/* Finds the tokens a model generates after a prompt, with the help of a text that they are believed to spell. */
#ifndef PML_REPLAY_TOKENS_H
#define PML_REPLAY_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/chain.h"
#include "engine/model.h"
#include "engine/sampling.h"
#include "engine/tokenizer.h"

struct pml_retrace { /* all borrowed */
    const struct pml_model *model;
    const struct pml_tokens *prompt;
    const struct pml_sampling *sampling;
    uint64_t seed;
    size_t wanted;    /* tokens; fewer come when one of them ends the generation */
    const char *text; /* the guess */
    size_t text_size;
    size_t logits_top; /* of the chain; at most PML_LOGITS_TOP_MAX */
    size_t threads;    /* 0: one a CPU */
};

struct pml_retraced {
    struct pml_tokens guess;  /* what the text alone suggests, owned */
    struct pml_tokens output; /* what the model generates, owned */
    uint8_t logits_chain[PML_SHA256_SIZE];
};

/* The caller frees OUT on success. memory; codes of pml_evaluate and the scheduler. */
PML_CHECKED
bool pml_retrace(struct pml_retraced *out, const struct pml_retrace *in, struct pml_error *err);
void pml_retraced_free(struct pml_retraced *retraced);
void pml_retraced_auto(struct pml_retraced *retraced);

#endif
