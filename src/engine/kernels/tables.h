/* SPDX-License-Identifier: MIT */
/* The kernel tables, and the functions that the files of one instruction set put into its table. */
#ifndef PML_ENGINE_KERNELS_TABLES_H
#define PML_ENGINE_KERNELS_TABLES_H

#include "engine/kernels/kernels.h"

/* Each type that has products, with APPLY(isa, enumerator, name). */
#define PML_EACH_PRODUCT(apply, isa)                                                                               \
    apply(isa, F32, f32) apply(isa, F16, f16) apply(isa, BF16, bf16) apply(isa, Q8_0, q8_0) apply(isa, Q4_0, q4_0) \
        apply(isa, Q4_1, q4_1) apply(isa, Q5_0, q5_0) apply(isa, Q5_1, q5_1) apply(isa, IQ4_NL, iq4_nl)            \
            apply(isa, Q2_K, q2_k) apply(isa, Q3_K, q3_k) apply(isa, Q4_K, q4_k) apply(isa, Q5_K, q5_k)            \
                apply(isa, Q6_K, q6_k) apply(isa, IQ4_XS, iq4_xs)

#define PML_DECLARE_PRODUCT(isa, id, type) pml_mul pml_mul_##type##_##isa;
#define PML_PRODUCT_ENTRY(isa, id, type)   [PML_TYPE_##id] = pml_mul_##type##_##isa,

#define PML_DECLARE_KERNELS(isa)                                                           \
    extern const struct pml_kernels pml_kernels_##isa;                                     \
    PML_EACH_PRODUCT(PML_DECLARE_PRODUCT, isa)                                             \
    bool pml_quantize_##isa(int8_t *q, float *d, int32_t *s, const float *x, size_t n);    \
    bool pml_quantize256_##isa(int8_t *q, float *d, int16_t *s, const float *x, size_t n); \
    void pml_rms_##isa(float *y, const float *x, const float *w, size_t n, float epsilon); \
    void pml_silu_gate_##isa(float *y, const float *gate, const float *up, size_t n);      \
    void pml_exp_shifted_##isa(float *y, const float *x, float shift, size_t n);           \
    void pml_widen_f16_##isa(float *y, const uint16_t *x, size_t n);                       \
    void pml_attend_##isa(const struct pml_attend_chunk *chunk, struct pml_attend_row *rows, size_t count)

PML_DECLARE_KERNELS(scalar);
PML_DECLARE_KERNELS(avx2);
PML_DECLARE_KERNELS(avx512);

/* The initialiser of a table. */
#define PML_KERNELS(isa, id)                                                                                      \
    {                                                                                                             \
        .name = #isa, .simd = (id), .mul = { PML_EACH_PRODUCT(PML_PRODUCT_ENTRY, isa) },                          \
        .quantize = pml_quantize_##isa, .quantize256 = pml_quantize256_##isa, .rms = pml_rms_##isa,               \
        .silu_gate = pml_silu_gate_##isa, .exp_shifted = pml_exp_shifted_##isa, .widen_f16 = pml_widen_f16_##isa, \
        .attend = pml_attend_##isa                                                                                \
    }

#endif
