/* SPDX-License-Identifier: MIT */
/* The element types of GGUF tensors: names and block sizes (spec engine §2). */
#ifndef PML_ENGINE_TENSOR_TYPE_H
#define PML_ENGINE_TENSOR_TYPE_H

#include <stdbool.h>
#include <stdint.h>

/* The ids are those of the file format. */
enum pml_tensor_type {
    PML_TYPE_F32 = 0,
    PML_TYPE_F16 = 1,
    PML_TYPE_Q4_0 = 2,
    PML_TYPE_Q4_1 = 3,
    PML_TYPE_Q5_0 = 6,
    PML_TYPE_Q5_1 = 7,
    PML_TYPE_Q8_0 = 8,
    PML_TYPE_Q2_K = 10,
    PML_TYPE_Q3_K = 11,
    PML_TYPE_Q4_K = 12,
    PML_TYPE_Q5_K = 13,
    PML_TYPE_Q6_K = 14,
    PML_TYPE_IQ4_NL = 20,
    PML_TYPE_IQ4_XS = 23,
    PML_TYPE_BF16 = 30,
};

struct pml_tensor_type_info {
    const char *name;     /* "Q8_0" */
    uint16_t block_count; /* elements in a block; 0: the type is known by name only and its size is not */
    uint16_t block_size;  /* bytes of a block */
};

/* NULL if no type of that id was ever defined. */
const struct pml_tensor_type_info *pml_tensor_type(uint32_t id);

#endif
