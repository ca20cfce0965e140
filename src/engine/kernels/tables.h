/* SPDX-License-Identifier: MIT */
/* The kernel tables, and the functions that the files of one instruction set put into its table. */
#ifndef PML_ENGINE_KERNELS_TABLES_H
#define PML_ENGINE_KERNELS_TABLES_H

#include "engine/kernels/kernels.h"

#define PML_DECLARE_KERNELS(isa)                                                           \
    extern const struct pml_kernels pml_kernels_##isa;                                     \
    pml_mul pml_mul_f32_##isa, pml_mul_f16_##isa, pml_mul_bf16_##isa, pml_mul_q8_0_##isa;  \
    bool pml_quantize_##isa(int8_t *q, float *d, int32_t *s, const float *x, size_t n);    \
    void pml_rms_##isa(float *y, const float *x, const float *w, size_t n, float epsilon); \
    void pml_silu_gate_##isa(float *y, const float *gate, const float *up, size_t n);      \
    void pml_exp_shifted_##isa(float *y, const float *x, float shift, size_t n);           \
    void pml_widen_f16_##isa(float *y, const uint16_t *x, size_t n);                       \
    void pml_attend_##isa(const struct pml_attend_chunk *chunk, struct pml_attend_row *rows, size_t count)

PML_DECLARE_KERNELS(scalar);
PML_DECLARE_KERNELS(avx2);
PML_DECLARE_KERNELS(avx512);

/* The initialiser of a table. */
#define PML_KERNELS(isa, id)                                                                               \
    {                                                                                                      \
        .name = #isa, .simd = (id),                                                                        \
        .mul = { [PML_TYPE_F32] = pml_mul_f32_##isa,                                                       \
                 [PML_TYPE_F16] = pml_mul_f16_##isa,                                                       \
                 [PML_TYPE_BF16] = pml_mul_bf16_##isa,                                                     \
                 [PML_TYPE_Q8_0] = pml_mul_q8_0_##isa },                                                   \
        .quantize = pml_quantize_##isa, .rms = pml_rms_##isa, .silu_gate = pml_silu_gate_##isa,            \
        .exp_shifted = pml_exp_shifted_##isa, .widen_f16 = pml_widen_f16_##isa, .attend = pml_attend_##isa \
    }

#endif
