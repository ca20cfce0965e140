/* SPDX-License-Identifier: MIT */
/* Quantization of inputs: magnitudes compared as bits, which order as the numbers do, NaN above infinity. */
#include "engine/kernels/tables.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

INLINE uint32_t largest_magnitude(const float *x, size_t n)
{
    const __m256i mask = _mm256_set1_epi32(0x7fffffff);
    __m256i most = _mm256_setzero_si256();
    for (size_t i = 0; i < n; i += 8)
        most = _mm256_max_epi32(most, _mm256_and_si256(_mm256_castps_si256(_mm256_loadu_ps(&x[i])), mask));
    __m128i half = _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
    half = _mm_max_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    half = _mm_max_epi32(half, _mm_shuffle_epi32(half, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(half);
}

INLINE int32_t sum_lanes(__m256i n)
{
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(n), _mm256_extracti128_si256(n, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1));
    return _mm_cvtsi128_si32(half);
}

/* Rounds 32 scaled numbers to bytes in order; SUMS: those of the first and the last 16. */
INLINE void round32(int8_t *q, int32_t sums[2], const float *x, float inverse)
{
    __m256 by = _mm256_set1_ps(inverse);
    __m256i n[4];
    for (size_t i = 0; i < 4; i++)
        n[i] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(&x[8 * i]), by));
    __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(n[0], n[1]), _mm256_packs_epi32(n[2], n[3]));
    bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256((__m256i *)q, bytes);
    sums[0] = sum_lanes(_mm256_add_epi32(n[0], n[1]));
    sums[1] = sum_lanes(_mm256_add_epi32(n[2], n[3]));
}

#include "engine/kernels/quantize.h"

bool pml_quantize_avx2(int8_t *q, float *d, int32_t *s, const float *x, size_t n)
{
    return quantize32(q, d, s, x, n);
}

bool pml_quantize256_avx2(int8_t *q, float *d, int16_t *s, const float *x, size_t n)
{
    return quantize256(q, d, s, x, n);
}
