/* SPDX-License-Identifier: MIT */
/* The matrix kernel as its definition reads (spec engine §5.4), in plain C: one chain of fma for every j. */
#include <math.h>

#include "gemm.h"

static void tile(float *c, size_t ldc, const float *a, const float *b, size_t depth, bool first)
{
    for (size_t i = 0; i < GEMM_ROWS; i++, c += ldc) {
        for (size_t j = 0; j < GEMM_COLS && first; j++)
            c[j] = 0.0f;
        for (size_t k = 0; k < depth;) {
            float p[GEMM_COLS] = { 0 };
            for (size_t end = k + GEMM_BLOCK < depth ? k + GEMM_BLOCK : depth; k < end; k++)
                for (size_t j = 0; j < GEMM_COLS; j++)
                    p[j] = fmaf(a[k * GEMM_ROWS + i], b[k * GEMM_COLS + j], p[j]);
            for (size_t j = 0; j < GEMM_COLS; j++)
                c[j] = c[j] + p[j];
        }
    }
}

const struct gemm_kernel gemm_scalar = { "scalar", tile };
