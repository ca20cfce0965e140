/* SPDX-License-Identifier: MIT */
/*
 * Weights in memory: the rows of a matrix in groups of 16, interleaved as the kernels read them (spec engine §6), zero
 * rows filling the last group. One entry a tensor type; everything that depends on the type of a weight is here or in
 * the kernels of that type.
 */
#ifndef PML_ENGINE_PACK_H
#define PML_ENGINE_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "engine/tensor_type.h"

enum pml_inputs { PML_INPUTS_F32, PML_INPUTS_A32, PML_INPUTS_A256 };

struct pml_packing {
    enum pml_inputs inputs;              /* as what products read the inputs */
    size_t (*group_size)(size_t inputs); /* bytes of 16 rows */
    /* Packs ROW_COUNT (1 to 16) rows of the file, ROW_SIZE bytes apart. */
    void (*pack)(void *group, const uint8_t *rows, size_t row_size, size_t row_count, size_t inputs);
    /* One row as numbers, each formula of spec §2 as written. */
    void (*unpack)(float *out, const void *group, size_t lane, size_t inputs);
};

/* NULL: weights of this type are not supported. */
const struct pml_packing *pml_packing(enum pml_tensor_type type);

struct pml_matrix { /* y[rows] = matrix . x[inputs] */
    enum pml_tensor_type type;
    const struct pml_packing *packing;
    size_t rows, inputs;
    size_t group_size;
    uint8_t *groups; /* borrowed from the model's memory */
};

size_t pml_matrix_groups(const struct pml_matrix *m);
void pml_matrix_row(float *out, const struct pml_matrix *m, size_t row); /* [inputs] */

#endif
