/* SPDX-License-Identifier: MIT */
/* Operations on vectors, eight lanes at a time; a remainder goes through the scalar functions, which have the same
 * bits.
 */
#include "engine/kernels/tables.h"

#include <immintrin.h>
#include <math.h>

#include "engine/kernels/avx2/exp.h"
#include "engine/math.h"

void pml_rms_avx2(float *y, const float *x, const float *w, size_t n, float epsilon)
{
    __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
    size_t i = 0;
    for (; i + PML_LANES <= n; i += PML_LANES) {
        __m256 a = _mm256_loadu_ps(&x[i]), b = _mm256_loadu_ps(&x[i + 8]);
        low = _mm256_add_ps(low, _mm256_mul_ps(a, a));
        high = _mm256_add_ps(high, _mm256_mul_ps(b, b));
    }
    float lanes[PML_LANES];
    _mm256_storeu_ps(lanes, low);
    _mm256_storeu_ps(lanes + 8, high);
    for (; i < n; i++)
        lanes[i % PML_LANES] += x[i] * x[i];
    float mean = pml_sum_lanes(lanes) / (float)n;
    float inverse = 1.0f / sqrtf(mean + epsilon);

    __m256 by = _mm256_set1_ps(inverse);
    for (i = 0; i + 8 <= n; i += 8)
        _mm256_storeu_ps(&y[i], _mm256_mul_ps(_mm256_mul_ps(_mm256_loadu_ps(&x[i]), by), _mm256_loadu_ps(&w[i])));
    for (; i < n; i++)
        y[i] = (x[i] * inverse) * w[i];
}

void pml_silu_gate_avx2(float *y, const float *gate, const float *up, size_t n)
{
    const __m256 one = _mm256_set1_ps(1.0f), sign = _mm256_set1_ps(-0.0f);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256 x = _mm256_loadu_ps(&gate[i]);
        __m256 silu = _mm256_div_ps(x, _mm256_add_ps(one, exp8(_mm256_xor_ps(x, sign))));
        _mm256_storeu_ps(&y[i], _mm256_mul_ps(silu, _mm256_loadu_ps(&up[i])));
    }
    for (; i < n; i++)
        y[i] = pml_siluf(gate[i]) * up[i];
}

void pml_exp_shifted_avx2(float *y, const float *x, float shift, size_t n)
{
    __m256 by = _mm256_set1_ps(shift);
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(&y[i], exp8(_mm256_sub_ps(_mm256_loadu_ps(&x[i]), by)));
    for (; i < n; i++)
        y[i] = pml_expf(x[i] - shift);
}

void pml_widen_f16_avx2(float *y, const uint16_t *x, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(&y[i], _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)&x[i])));
    for (; i < n; i++)
        y[i] = pml_f16_to_f32(x[i]);
}

const struct pml_kernels pml_kernels_avx2 = PML_KERNELS(avx2, PML_SIMD_AVX2);
