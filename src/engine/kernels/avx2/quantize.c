/* SPDX-License-Identifier: MIT */
/* Quantization of inputs: magnitudes compared as bits, which order as the numbers do, NaN above infinity. */
#include "engine/kernels/tables.h"

#include <float.h>
#include <immintrin.h>
#include <string.h>

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

/* The scale of a block and its inverse. False: an element is not finite. */
INLINE bool block_scale(float *d, float *inverse, const float *x, size_t n)
{
    uint32_t bits = largest_magnitude(x, n);
    float amax;
    memcpy(&amax, &bits, sizeof amax);
    *inverse = amax > 0.0f ? 127.0f / amax : 0.0f;
    *d = *inverse <= FLT_MAX ? amax / 127.0f : 0.0f;
    *inverse = *inverse <= FLT_MAX ? *inverse : 0.0f;
    return bits < 0x7f800000u;
}

bool pml_quantize_avx2(int8_t *q, float *d, int32_t *s, const float *x, size_t n)
{
    for (size_t b = 0; b < n / 32; b++) {
        float inverse;
        int32_t sums[2];
        if (!block_scale(&d[b], &inverse, &x[32 * b], 32)) {
            memset(q, 0, n);
            memset(d, 0, n / 32 * sizeof *d);
            memset(s, 0, n / 32 * sizeof *s);
            return false;
        }
        round32(&q[32 * b], sums, &x[32 * b], inverse);
        s[b] = sums[0] + sums[1];
    }
    return true;
}

bool pml_quantize256_avx2(int8_t *q, float *d, int16_t *s, const float *x, size_t n)
{
    for (size_t b = 0; b < n / 256; b++) {
        float inverse;
        if (!block_scale(&d[b], &inverse, &x[256 * b], 256)) {
            memset(q, 0, n);
            memset(d, 0, n / 256 * sizeof *d);
            memset(s, 0, n / 16 * sizeof *s);
            return false;
        }
        for (size_t r = 8 * b; r < 8 * b + 8; r++) {
            int32_t sums[2];
            round32(&q[32 * r], sums, &x[32 * r], inverse);
            s[2 * r] = (int16_t)sums[0];
            s[2 * r + 1] = (int16_t)sums[1];
        }
    }
    return true;
}
