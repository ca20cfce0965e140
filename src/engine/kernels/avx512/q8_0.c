/* SPDX-License-Identifier: MIT */
/* Products with Q8_0 weights by VNNI: the stored byte is w + 128, so the sum of (w + 128) * q starts at -128 * sum(q).
 */
#include "engine/kernels/tables.h"

#include <immintrin.h>
#include <string.h>

#define INLINE  static inline __attribute__((always_inline))
#define GROUPS  2
#define COLUMNS 6

INLINE __m512i four_bytes(const int8_t *q)
{
    int32_t bytes;
    memcpy(&bytes, q, sizeof bytes);
    return _mm512_set1_epi32(bytes);
}

/* GROUPS groups of 16 rows times COLUMNS columns of BLOCKS blocks; the groups' blocks follow each other. */
INLINE void tile(const int groups, const int columns, float *y, size_t stride, const struct pml_q8_0_block *w,
                 const struct pml_columns *x, size_t column, size_t blocks)
{
    const int8_t *q = x->q + column * x->size;
    __m512 acc[GROUPS][COLUMNS];
    for (int g = 0; g < groups; g++)
        for (int c = 0; c < columns; c++)
            acc[g][c] = _mm512_setzero_ps();
    for (size_t b = 0; b < blocks; b++) {
        __m512i sum[GROUPS][COLUMNS];
        for (int c = 0; c < columns; c++)
            for (int g = 0; g < groups; g++)
                sum[g][c] = _mm512_set1_epi32(-128 * x->s[(column + (size_t)c) * blocks + b]);
        for (int k = 0; k < 8; k++) {
            __m512i rows[GROUPS];
            for (int g = 0; g < groups; g++)
                rows[g] = _mm512_loadu_si512(w[(size_t)g * blocks + b].q[k]);
            for (int c = 0; c < columns; c++) {
                __m512i input = four_bytes(q + (size_t)c * x->size + 32 * b + 4 * (size_t)k);
                for (int g = 0; g < groups; g++)
                    sum[g][c] = _mm512_dpbusd_epi32(sum[g][c], rows[g], input);
            }
        }
        for (int g = 0; g < groups; g++) {
            __m512 d = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)w[(size_t)g * blocks + b].d));
            for (int c = 0; c < columns; c++) {
                __m512 scale = _mm512_mul_ps(d, _mm512_set1_ps(x->d[(column + (size_t)c) * blocks + b]));
                acc[g][c] = _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(sum[g][c]), acc[g][c]);
            }
        }
    }
    for (int g = 0; g < groups; g++)
        for (int c = 0; c < columns; c++)
            _mm512_storeu_ps(&y[(size_t)c * stride + (size_t)g * PML_LANES], acc[g][c]);
}

/* GROUPS groups times all columns. */
INLINE void strip(const int groups, float *y, size_t stride, const struct pml_q8_0_block *w,
                  const struct pml_columns *x, size_t blocks)
{
    size_t c = 0;
    for (; c + COLUMNS <= x->count; c += COLUMNS)
        tile(groups, COLUMNS, &y[c * stride], stride, w, x, c, blocks);
    for (; c < x->count; c++)
        tile(groups, 1, &y[c * stride], stride, w, x, c, blocks);
}

void pml_mul_q8_0_avx512(float *y, size_t stride, const void *weights, const struct pml_columns *x, size_t first,
                         size_t end)
{
    size_t blocks = x->size / 32;
    const struct pml_q8_0_block *w = weights;
    size_t g = first;
    for (; g + GROUPS <= end; g += GROUPS)
        strip(GROUPS, &y[g * PML_LANES], stride, w + g * blocks, x, blocks);
    for (; g < end; g++)
        strip(1, &y[g * PML_LANES], stride, w + g * blocks, x, blocks);
}
