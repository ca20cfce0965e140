/* SPDX-License-Identifier: MIT */
/*
 * Products with Q8_0 weights. vpmaddubsw multiplies unsigned by signed, so a product is |w| * (x with the sign of w);
 * two of them fit 16 bits, 128 * 127 * 2 = 32512.
 */
#include "engine/kernels/tables.h"

#include <immintrin.h>
#include <string.h>

#define INLINE  static inline __attribute__((always_inline))
#define COLUMNS 4

INLINE __m256i four_bytes(const int8_t *q)
{
    int32_t bytes;
    memcpy(&bytes, q, sizeof bytes);
    return _mm256_set1_epi32(bytes);
}

/* One block: 16 rows times COLUMNS columns of 32 inputs, exact sums. */
INLINE void block_sums(const int columns, __m256i sum[COLUMNS][2], const struct pml_q8_0_block *w, const int8_t *q,
                       size_t stride)
{
    const __m256i flip = _mm256_set1_epi8((char)0x80), ones = _mm256_set1_epi16(1);
    for (int c = 0; c < columns; c++)
        sum[c][0] = sum[c][1] = _mm256_setzero_si256();
    for (int k = 0; k < 8; k++) {
        __m256i low = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)&w->q[k][0]), flip);
        __m256i high = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)&w->q[k][8]), flip);
        __m256i abs_low = _mm256_abs_epi8(low), abs_high = _mm256_abs_epi8(high);
        for (int c = 0; c < columns; c++) {
            __m256i x = four_bytes(q + (size_t)c * stride + 4 * k);
            __m256i pairs_low = _mm256_maddubs_epi16(abs_low, _mm256_sign_epi8(x, low));
            __m256i pairs_high = _mm256_maddubs_epi16(abs_high, _mm256_sign_epi8(x, high));
            sum[c][0] = _mm256_add_epi32(sum[c][0], _mm256_madd_epi16(pairs_low, ones));
            sum[c][1] = _mm256_add_epi32(sum[c][1], _mm256_madd_epi16(pairs_high, ones));
        }
    }
}

/* 16 rows times COLUMNS columns of BLOCKS blocks. */
INLINE void tile(const int columns, float *y, size_t stride, const struct pml_q8_0_block *w, const int8_t *q,
                 const float *d, size_t blocks)
{
    __m256 acc[COLUMNS][2];
    for (int c = 0; c < columns; c++)
        acc[c][0] = acc[c][1] = _mm256_setzero_ps();
    for (size_t b = 0; b < blocks; b++) {
        __m256i sum[COLUMNS][2];
        block_sums(columns, sum, &w[b], q + 32 * b, 32 * blocks);
        __m256 d_low = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)&w[b].d[0]));
        __m256 d_high = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)&w[b].d[8]));
        for (int c = 0; c < columns; c++) {
            __m256 dx = _mm256_broadcast_ss(&d[(size_t)c * blocks + b]);
            acc[c][0] = _mm256_fmadd_ps(_mm256_mul_ps(d_low, dx), _mm256_cvtepi32_ps(sum[c][0]), acc[c][0]);
            acc[c][1] = _mm256_fmadd_ps(_mm256_mul_ps(d_high, dx), _mm256_cvtepi32_ps(sum[c][1]), acc[c][1]);
        }
    }
    for (int c = 0; c < columns; c++) {
        _mm256_storeu_ps(&y[(size_t)c * stride], acc[c][0]);
        _mm256_storeu_ps(&y[(size_t)c * stride + 8], acc[c][1]);
    }
}

void pml_mul_q8_0_avx2(float *y, size_t stride, const void *weights, const struct pml_columns *x, size_t first,
                       size_t end)
{
    size_t blocks = x->size / 32;
    for (size_t g = first; g < end; g++) {
        const struct pml_q8_0_block *w = (const struct pml_q8_0_block *)weights + g * blocks;
        size_t c = 0;
        for (; c + COLUMNS <= x->count; c += COLUMNS)
            tile(COLUMNS, &y[c * stride + g * PML_LANES], stride, w, &x->q[c * x->size], &x->d[c * blocks], blocks);
        for (; c < x->count; c++)
            tile(1, &y[c * stride + g * PML_LANES], stride, w, &x->q[c * x->size], &x->d[c * blocks], blocks);
    }
}
