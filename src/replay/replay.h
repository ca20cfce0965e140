/* SPDX-License-Identifier: MIT */
/*
 * Re-execution of a receipt (spec inference-api §5.5): does this model file, given this request, produce the tokens,
 * the logits and the answer that the receipt is about? The engine is bit-deterministic, so the question has an answer.
 *
 * A receipt carries digests of token ids, not the ids. The answer's text gives a guess of them, which one pass in large
 * batches confirms, many times faster than generating; where text has more than one spelling in tokens the pass is
 * repeated from there, and at last the tokens are generated.
 */
#ifndef PML_REPLAY_REPLAY_H
#define PML_REPLAY_REPLAY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aci/receipt.h"

#define PML_REPLAY_NULL (-1) /* of the integers below */

enum pml_replay_result { PML_REPLAY_INDETERMINATE, PML_REPLAY_MATCH, PML_REPLAY_MISMATCH };
enum pml_replay_what { PML_WHAT_NONE, PML_WHAT_PROMPT, PML_WHAT_TOKEN, PML_WHAT_LOGITS, PML_WHAT_TEXT };

struct pml_replay_input {              /* all borrowed */
    const struct pml_receipt *receipt; /* whose signature the caller has judged, or not */
    const char *request;               /* as received by the service */
    size_t request_size;
    const char *response;
    size_t response_size;
    const char *model_path; /* GGUF */
    size_t threads;         /* 0: one a CPU */
};

struct pml_replay_verdict {
    enum pml_replay_result result;
    enum pml_replay_what what;
    int64_t choice, step, expected, actual; /* step counts generated tokens; expected is the receipt's side */
    char reason[256];                       /* "" for a match */
    bool same_build;                        /* the receipt's engine is this executable, or the pml-serve beside it */
};

/* Replays the receipt's inference.executed. Whatever keeps it from an answer (another model, another profile, memory)
 * makes it indeterminate, with the reason. */
void pml_replay(struct pml_replay_verdict *out, const struct pml_replay_input *in);

/* {"result","choice","step","expected","actual","what","reason","same_build"}. NULL: no memory. */
json_t *pml_replay_json(const struct pml_replay_verdict *verdict);
/* 0 match, 1 mismatch, 3 indeterminate. */
int pml_replay_status(const struct pml_replay_verdict *verdict);

#endif
