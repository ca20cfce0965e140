/* SPDX-License-Identifier: MIT */
/* A training run: everything that decides the result is in struct train_options, and nothing else does. */
#ifndef TRAIN_TRAIN_H
#define TRAIN_TRAIN_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "net.h"

struct train_options {
    size_t steps, batch_tokens;
    uint64_t seed;
    /* these change nothing in the result */
    size_t threads;
    const struct gemm_kernel *kernel;
    FILE *progress;        /* NULL: silent */
    const char *questions; /* text of a question file to be examined with, or NULL */
};

struct train_result {
    struct pml_buf file;      /* the GGUF file; the caller frees */
    uint8_t checkpoint[32];   /* SHA-256 of all parameters before they are quantized */
    uint64_t tokens, learned; /* read; predicted */
    double loss, entropy;     /* bits a predicted token, mean over the last tenth of the run */
    double seconds, work;     /* operations */
    size_t right, questions;  /* of the questions */
    struct pml_buf answers;   /* what was said to them; the caller frees */
};

/* The shape and the defaults of the demo model. */
extern const struct net_shape train_shape;
enum { TRAIN_STEPS = 3600, TRAIN_BATCH_TOKENS = 2048, TRAIN_SEED = 1, TRAIN_BPE_DOCUMENTS = 20000 };

bool train_run(struct train_result *result, const struct train_options *options, struct pml_error *err) PML_CHECKED;

/* Writes to FILE the documents that a run with OPTIONS reads. io, memory. */
bool train_dump_corpus(FILE *file, const struct train_options *options, struct pml_error *err) PML_CHECKED;

#endif
