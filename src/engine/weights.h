/* SPDX-License-Identifier: MIT */
/* The inside of a model, for the forward pass: what model.c loads and forward.c multiplies with. */
#ifndef PML_ENGINE_WEIGHTS_H
#define PML_ENGINE_WEIGHTS_H

#include "engine/gguf_reader.h"
#include "engine/kernels/kernels.h"
#include "engine/model.h"
#include "engine/pack.h"
#include "engine/tokenizer.h"

struct pml_layer {
    float *attn_norm, *ffn_norm;                   /* [embedding] */
    struct pml_matrix q, k, v, output;             /* attention */
    float *q_bias, *k_bias, *v_bias, *output_bias; /* NULL: none */
    struct pml_matrix gate, up, down;
};

struct pml_architecture { /* what spec engine §3.4 says differs */
    const char *name;
    bool rope_halves; /* rotated pairs are (i, i + n/2), NEOX; else (2i, 2i + 1), NORM */
    bool biases;      /* q, k and v have biases */
};

struct pml_model {
    struct pml_model_info info;
    char name[256];
    bool reference;
    const struct pml_architecture *architecture;
    const struct pml_kernels *kernels;
    struct pml_gguf_reader *reader; /* keeps the metadata */
    struct pml_tokenizer *tokenizer;

    float epsilon;
    size_t pairs;      /* rotated pairs of a head */
    double *frequency; /* [pairs] */

    struct pml_matrix embedding, output; /* the same when tied */
    float *output_norm;
    float *rope_factors; /* [pairs]; NULL: all 1 */
    struct pml_layer *layers;

    void *memory; /* all weights */
    size_t memory_size;
};

#endif
