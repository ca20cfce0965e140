/* SPDX-License-Identifier: MIT */
/* Quantization of inputs: magnitudes compared as bits, which order as the numbers do, NaN above infinity. */
#include "engine/kernels/tables.h"

#include <immintrin.h>

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

#include "engine/kernels/quantize.h"

bool pml_quantize_avx512(int8_t *q, float *d, int32_t *s, const float *x, size_t n)
{
    return quantize32(q, d, s, x, n);
}

bool pml_quantize256_avx512(int8_t *q, float *d, int16_t *s, const float *x, size_t n)
{
    return quantize256(q, d, s, x, n);
}
