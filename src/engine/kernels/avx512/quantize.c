/* SPDX-License-Identifier: MIT */
/* Quantization of inputs: magnitudes compared as bits, which order as the numbers do, NaN above infinity. */
#include "engine/kernels/tables.h"

#include <float.h>
#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

INLINE uint32_t largest_magnitude(const float *x, size_t n)
{
    const __m512i mask = _mm512_set1_epi32(0x7fffffff);
    __m512i most = _mm512_set1_epi32(0);
    for (size_t i = 0; i < n; i += 16)
        most = _mm512_max_epi32(most, _mm512_and_si512(_mm512_castps_si512(_mm512_loadu_ps(&x[i])), mask));
    return (uint32_t)_mm512_reduce_max_epi32(most);
}

/* Rounds 32 scaled numbers to bytes in order; SUMS: those of the first and the last 16. */
INLINE void round32(int8_t *q, int32_t sums[2], const float *x, float inverse)
{
    for (size_t i = 0; i < 2; i++) {
        __m512i n = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(&x[16 * i]), _mm512_set1_ps(inverse)));
        _mm_storeu_si128((__m128i *)&q[16 * i], _mm512_cvtepi32_epi8(n));
        sums[i] = _mm512_reduce_add_epi32(n);
    }
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

bool pml_quantize_avx512(int8_t *q, float *d, int32_t *s, const float *x, size_t n)
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

bool pml_quantize256_avx512(int8_t *q, float *d, int16_t *s, const float *x, size_t n)
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
