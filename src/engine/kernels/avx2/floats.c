/* SPDX-License-Identifier: MIT */
/* Products with F32, F16 and BF16 weights: 16 rows times up to six columns in registers, one fused chain a lane. */
#include "engine/kernels/tables.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

/* Eight rows' weights from element INDEX on. */
INLINE __m256 load(enum pml_tensor_type type, const void *weights, size_t index)
{
    if (type == PML_TYPE_F32)
        return _mm256_loadu_ps((const float *)weights + index);
    __m128i half = _mm_loadu_si128((const __m128i *)((const uint16_t *)weights + index));
    if (type == PML_TYPE_F16)
        return _mm256_cvtph_ps(half);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

/* GROUPS groups of 16 rows (weights STEP elements apart) times COLUMNS columns; y and x are those of the first. */
INLINE void tile(enum pml_tensor_type type, const int groups, const int columns, float *y, size_t y_stride,
                 const void *weights, size_t step, const float *x, size_t x_stride, size_t size)
{
    __m256 sum[2][6][2];
    for (int g = 0; g < groups; g++)
        for (int c = 0; c < columns; c++)
            sum[g][c][0] = sum[g][c][1] = _mm256_setzero_ps();
    for (size_t block = 0; block < size; block += PML_FLOAT_BLOCK) {
        size_t end = size - block < PML_FLOAT_BLOCK ? size : block + PML_FLOAT_BLOCK;
        __m256 part[2][6][2];
        for (int g = 0; g < groups; g++)
            for (int c = 0; c < columns; c++)
                part[g][c][0] = part[g][c][1] = _mm256_setzero_ps();
        for (size_t k = block; k < end; k++) {
            for (int g = 0; g < groups; g++) {
                __m256 low = load(type, weights, (size_t)g * step + k * PML_LANES);
                __m256 high = load(type, weights, (size_t)g * step + k * PML_LANES + 8);
                for (int c = 0; c < columns; c++) {
                    __m256 input = _mm256_broadcast_ss(&x[(size_t)c * x_stride + k]);
                    part[g][c][0] = _mm256_fmadd_ps(low, input, part[g][c][0]);
                    part[g][c][1] = _mm256_fmadd_ps(high, input, part[g][c][1]);
                }
            }
        }
        for (int g = 0; g < groups; g++) {
            for (int c = 0; c < columns; c++) {
                sum[g][c][0] = _mm256_add_ps(sum[g][c][0], part[g][c][0]);
                sum[g][c][1] = _mm256_add_ps(sum[g][c][1], part[g][c][1]);
            }
        }
    }
    for (int g = 0; g < groups; g++) {
        for (int c = 0; c < columns; c++) {
            _mm256_storeu_ps(&y[(size_t)c * y_stride + (size_t)g * PML_LANES], sum[g][c][0]);
            _mm256_storeu_ps(&y[(size_t)c * y_stride + (size_t)g * PML_LANES + 8], sum[g][c][1]);
        }
    }
}

INLINE void mul(enum pml_tensor_type type, float *y, size_t stride, const void *weights, const struct pml_columns *x,
                size_t first, size_t end)
{
    size_t step = x->size * PML_LANES;
    size_t element = type == PML_TYPE_F32 ? sizeof(float) : sizeof(uint16_t);
    for (size_t g = first; g < end;) {
        const void *w = (const char *)weights + g * step * element;
        size_t groups = x->count < 6 && end - g > 1 ? 2 : 1; /* few columns: two groups, for enough chains in flight */
        for (size_t c = 0; c < x->count;) {
            float *to = &y[c * stride + g * PML_LANES];
            const float *from = &x->x[c * x->stride];
            if (groups == 2) {
                tile(type, 2, 1, to, stride, w, step, from, x->stride, x->size);
                c++;
            } else if (x->count - c >= 6) {
                tile(type, 1, 6, to, stride, w, step, from, x->stride, x->size);
                c += 6;
            } else {
                tile(type, 1, 1, to, stride, w, step, from, x->stride, x->size);
                c++;
            }
        }
        g += groups;
    }
}

void pml_mul_f32_avx2(float *y, size_t stride, const void *weights, const struct pml_columns *x, size_t first,
                      size_t end)
{
    mul(PML_TYPE_F32, y, stride, weights, x, first, end);
}

void pml_mul_f16_avx2(float *y, size_t stride, const void *weights, const struct pml_columns *x, size_t first,
                      size_t end)
{
    mul(PML_TYPE_F16, y, stride, weights, x, first, end);
}

void pml_mul_bf16_avx2(float *y, size_t stride, const void *weights, const struct pml_columns *x, size_t first,
                       size_t end)
{
    mul(PML_TYPE_BF16, y, stride, weights, x, first, end);
}
