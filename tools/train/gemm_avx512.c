/* SPDX-License-Identifier: MIT */
/* The matrix kernel for AVX-512: 6 x 32, twelve accumulators. */
#include <immintrin.h>

#include "gemm.h"

static void tile(float *c, size_t ldc, const float *a, const float *b, size_t depth, bool first)
{
    for (size_t k = 0; k < depth;) {
        __m512 p[GEMM_ROWS][2];
#pragma GCC unroll 6
        for (size_t i = 0; i < GEMM_ROWS; i++)
            p[i][0] = p[i][1] = _mm512_setzero_ps();
        for (size_t end = k + GEMM_BLOCK < depth ? k + GEMM_BLOCK : depth; k < end; k++) {
            __m512 b0 = _mm512_loadu_ps(b + k * GEMM_COLS), b1 = _mm512_loadu_ps(b + k * GEMM_COLS + 16);
#pragma GCC unroll 6
            for (size_t i = 0; i < GEMM_ROWS; i++) {
                __m512 x = _mm512_set1_ps(a[k * GEMM_ROWS + i]);
                p[i][0] = _mm512_fmadd_ps(x, b0, p[i][0]);
                p[i][1] = _mm512_fmadd_ps(x, b1, p[i][1]);
            }
        }
#pragma GCC unroll 6
        for (size_t i = 0; i < GEMM_ROWS; i++) {
            float *row = c + i * ldc;
            __m512 c0 = first ? _mm512_setzero_ps() : _mm512_loadu_ps(row);
            __m512 c1 = first ? _mm512_setzero_ps() : _mm512_loadu_ps(row + 16);
            _mm512_storeu_ps(row, _mm512_add_ps(c0, p[i][0]));
            _mm512_storeu_ps(row + 16, _mm512_add_ps(c1, p[i][1]));
        }
        first = false;
    }
}

const struct gemm_kernel gemm_avx512 = { "avx512", tile };
