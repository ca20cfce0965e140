/* SPDX-License-Identifier: MIT */
/* Operations on vectors, sixteen lanes at a time; a remainder goes through the scalar functions, which have the same
 * bits. */
#include "engine/kernels/tables.h"

#include <immintrin.h>
#include <math.h>

#include "engine/kernels/avx512/exp.h"
#include "engine/math.h"

void pml_rms_avx512(float *y, const float *x, const float *w, size_t n, float epsilon)
{
    __m512 sum = _mm512_setzero_ps();
    size_t i = 0;
    for (; i + PML_LANES <= n; i += PML_LANES) {
        __m512 v = _mm512_loadu_ps(&x[i]);
        sum = _mm512_add_ps(sum, _mm512_mul_ps(v, v));
    }
    float lanes[PML_LANES];
    _mm512_storeu_ps(lanes, sum);
    for (; i < n; i++)
        lanes[i % PML_LANES] += x[i] * x[i];
    float mean = pml_sum_lanes(lanes) / (float)n;
    float inverse = 1.0f / sqrtf(mean + epsilon);

    __m512 by = _mm512_set1_ps(inverse);
    for (i = 0; i + PML_LANES <= n; i += PML_LANES)
        _mm512_storeu_ps(&y[i], _mm512_mul_ps(_mm512_mul_ps(_mm512_loadu_ps(&x[i]), by), _mm512_loadu_ps(&w[i])));
    for (; i < n; i++)
        y[i] = (x[i] * inverse) * w[i];
}

void pml_silu_gate_avx512(float *y, const float *gate, const float *up, size_t n)
{
    const __m512 one = _mm512_set1_ps(1.0f);
    const __m512i sign = _mm512_set1_epi32((int)0x80000000u);
    size_t i = 0;
    for (; i + PML_LANES <= n; i += PML_LANES) {
        __m512 x = _mm512_loadu_ps(&gate[i]);
        __m512 minus = _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(x), sign));
        __m512 silu = _mm512_div_ps(x, _mm512_add_ps(one, exp16(minus)));
        _mm512_storeu_ps(&y[i], _mm512_mul_ps(silu, _mm512_loadu_ps(&up[i])));
    }
    for (; i < n; i++)
        y[i] = pml_siluf(gate[i]) * up[i];
}

void pml_exp_shifted_avx512(float *y, const float *x, float shift, size_t n)
{
    __m512 by = _mm512_set1_ps(shift);
    size_t i = 0;
    for (; i + PML_LANES <= n; i += PML_LANES)
        _mm512_storeu_ps(&y[i], exp16(_mm512_sub_ps(_mm512_loadu_ps(&x[i]), by)));
    for (; i < n; i++)
        y[i] = pml_expf(x[i] - shift);
}

void pml_widen_f16_avx512(float *y, const uint16_t *x, size_t n)
{
    size_t i = 0;
    for (; i + PML_LANES <= n; i += PML_LANES)
        _mm512_storeu_ps(&y[i], _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)&x[i])));
    for (; i < n; i++)
        y[i] = pml_f16_to_f32(x[i]);
}

const struct pml_kernels pml_kernels_avx512 = PML_KERNELS(avx512, PML_SIMD_AVX512);
