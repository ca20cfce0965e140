/* SPDX-License-Identifier: MIT */
/*
 * The parameters that decide which token is drawn (spec engine §9), and their one spelling in receipts (spec
 * inference-api §5.4): "temperature=3f333333;top_k=40;...;samplers=penalties,top_k,temperature,dist".
 */
#ifndef PML_ENGINE_SAMPLING_H
#define PML_ENGINE_SAMPLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct pml_logit_bias {
    uint32_t token;
    float bias;
};

struct pml_sampling {
    float temperature;                       /* 0: greedy, and then no truncation is run; else finite and positive */
    uint32_t top_k;                          /* keep the k largest; 0: off */
    float top_p;                             /* in (0, 1]; 1: off */
    float min_p;                             /* in [0, 1]; 0: off */
    float typical_p;                         /* in (0, 1]; 1: off */
    float repeat_penalty;                    /* positive; 1: off */
    int32_t repeat_last_n;                   /* 64 by default; 0: off, -1: all */
    float presence_penalty;                  /* finite; 0: off */
    float frequency_penalty;                 /* finite; 0: off */
    const struct pml_logit_bias *logit_bias; /* ascending by token, no token twice, finite; borrowed */
    size_t logit_bias_count;                 /* at most 1024 */
};

/* Neutral values and temperature 1: the defaults of the OpenAI API. */
struct pml_sampling pml_sampling_default(void);

/* True if every value is in its range and biased tokens are below VOCABULARY. PML_NO: "sampling", naming the value. */
PML_CHECKED
bool pml_sampling_check(const struct pml_sampling *sampling, size_t vocabulary, struct pml_error *err);

/* The receipt's text. The caller frees. memory. */
PML_CHECKED
char *pml_sampling_text(const struct pml_sampling *sampling, struct pml_error *err);

/*
 * Reads such a text. Accepted are exactly the texts that pml_sampling_text writes, so the order of samplers is checked
 * too. OUT's biases are allocated: pml_sampling_free. PML_NO: "sampling"; memory.
 */
PML_CHECKED
bool pml_sampling_parse(struct pml_sampling *out, const char *text, struct pml_error *err);
void pml_sampling_free(struct pml_sampling *sampling); /* what pml_sampling_parse allocated */

#endif
