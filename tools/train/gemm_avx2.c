/* SPDX-License-Identifier: MIT */
/* The matrix kernel for AVX2 and FMA: two halves of 6 x 16, twelve accumulators each. */
#include <immintrin.h>

#include "gemm.h"

static inline void half_tile(float *c, size_t ldc, const float *a, const float *b, size_t depth, bool first)
{
    for (size_t k = 0; k < depth;) {
        __m256 p[GEMM_ROWS][2];
#pragma GCC unroll 6
        for (size_t i = 0; i < GEMM_ROWS; i++)
            p[i][0] = p[i][1] = _mm256_setzero_ps();
        for (size_t end = k + GEMM_BLOCK < depth ? k + GEMM_BLOCK : depth; k < end; k++) {
            __m256 b0 = _mm256_loadu_ps(b + k * GEMM_COLS), b1 = _mm256_loadu_ps(b + k * GEMM_COLS + 8);
#pragma GCC unroll 6
            for (size_t i = 0; i < GEMM_ROWS; i++) {
                __m256 x = _mm256_broadcast_ss(a + k * GEMM_ROWS + i);
                p[i][0] = _mm256_fmadd_ps(x, b0, p[i][0]);
                p[i][1] = _mm256_fmadd_ps(x, b1, p[i][1]);
            }
        }
#pragma GCC unroll 6
        for (size_t i = 0; i < GEMM_ROWS; i++) {
            float *row = c + i * ldc;
            __m256 c0 = first ? _mm256_setzero_ps() : _mm256_loadu_ps(row);
            __m256 c1 = first ? _mm256_setzero_ps() : _mm256_loadu_ps(row + 8);
            _mm256_storeu_ps(row, _mm256_add_ps(c0, p[i][0]));
            _mm256_storeu_ps(row + 8, _mm256_add_ps(c1, p[i][1]));
        }
        first = false;
    }
}

static void tile(float *c, size_t ldc, const float *a, const float *b, size_t depth, bool first)
{
    half_tile(c, ldc, a, b, depth, first);
    half_tile(c + 16, ldc, a, b + 16, depth, first);
}

const struct gemm_kernel gemm_avx2 = { "avx2", tile };
