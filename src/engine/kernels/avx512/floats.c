/* SPDX-License-Identifier: MIT */
/* Products with F32, F16 and BF16 weights: a vector is the 16 rows of a group; up to twelve columns in registers. */
#include "engine/kernels/tables.h"

#include <immintrin.h>

#define INLINE  static inline __attribute__((always_inline))
#define COLUMNS 12

/* A group's weights for one input. */
INLINE __m512 load(enum pml_tensor_type type, const void *weights, size_t index)
{
    if (type == PML_TYPE_F32)
        return _mm512_loadu_ps((const float *)weights + index);
    __m256i half = _mm256_loadu_si256((const __m256i *)((const uint16_t *)weights + index));
    if (type == PML_TYPE_F16)
        return _mm512_cvtph_ps(half);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

/* One group of rows times COLUMNS columns; y and x are those of the first. */
INLINE void tile(enum pml_tensor_type type, const int columns, float *y, size_t y_stride, const void *weights,
                 const float *x, size_t x_stride, size_t size)
{
    __m512 sum[COLUMNS], part[COLUMNS];
    for (int c = 0; c < columns; c++)
        sum[c] = _mm512_setzero_ps();
    for (size_t block = 0; block < size; block += PML_FLOAT_BLOCK) {
        size_t end = size - block < PML_FLOAT_BLOCK ? size : block + PML_FLOAT_BLOCK;
        for (int c = 0; c < columns; c++)
            part[c] = _mm512_setzero_ps();
        for (size_t k = block; k < end; k++) {
            __m512 w = load(type, weights, k * PML_LANES);
            for (int c = 0; c < columns; c++)
                part[c] = _mm512_fmadd_ps(w, _mm512_set1_ps(x[(size_t)c * x_stride + k]), part[c]);
        }
        for (int c = 0; c < columns; c++)
            sum[c] = _mm512_add_ps(sum[c], part[c]);
    }
    for (int c = 0; c < columns; c++)
        _mm512_storeu_ps(&y[(size_t)c * y_stride], sum[c]);
}

INLINE void mul(enum pml_tensor_type type, float *y, size_t stride, const void *weights, const struct pml_columns *x,
                size_t first, size_t end)
{
    size_t element = type == PML_TYPE_F32 ? sizeof(float) : sizeof(uint16_t);
    for (size_t g = first; g < end; g++) {
        const void *w = (const char *)weights + g * x->size * PML_LANES * element;
        size_t c = 0;
        for (; c + COLUMNS <= x->count; c += COLUMNS)
            tile(type, COLUMNS, &y[c * stride + g * PML_LANES], stride, w, &x->x[c * x->stride], x->stride, x->size);
        for (; c < x->count; c++)
            tile(type, 1, &y[c * stride + g * PML_LANES], stride, w, &x->x[c * x->stride], x->stride, x->size);
    }
}

void pml_mul_f32_avx512(float *y, size_t stride, const void *weights, const struct pml_columns *x, size_t first,
                        size_t end)
{
    mul(PML_TYPE_F32, y, stride, weights, x, first, end);
}

void pml_mul_f16_avx512(float *y, size_t stride, const void *weights, const struct pml_columns *x, size_t first,
                        size_t end)
{
    mul(PML_TYPE_F16, y, stride, weights, x, first, end);
}

void pml_mul_bf16_avx512(float *y, size_t stride, const void *weights, const struct pml_columns *x, size_t first,
                         size_t end)
{
    mul(PML_TYPE_BF16, y, stride, weights, x, first, end);
}
