/* SPDX-License-Identifier: MIT */
/* Packing of the types below eight bits: the functions that pack.c puts into its table. */
#ifndef PML_ENGINE_PACK_BLOCKS_H
#define PML_ENGINE_PACK_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#define PML_DECLARE_PACKING(type)                                                                             \
    size_t pml_group_size_##type(size_t inputs);                                                              \
    void pml_pack_##type(void *group, const uint8_t *rows, size_t row_size, size_t row_count, size_t inputs); \
    void pml_unpack_##type(float *out, const void *group, size_t lane, size_t inputs)

PML_DECLARE_PACKING(q4_0);
PML_DECLARE_PACKING(q4_1);
PML_DECLARE_PACKING(q5_0);
PML_DECLARE_PACKING(q5_1);
PML_DECLARE_PACKING(iq4_nl);
PML_DECLARE_PACKING(q2_k);
PML_DECLARE_PACKING(q3_k);
PML_DECLARE_PACKING(q4_k);
PML_DECLARE_PACKING(q5_k);
PML_DECLARE_PACKING(q6_k);
PML_DECLARE_PACKING(iq4_xs);

#endif
