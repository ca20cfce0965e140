/* SPDX-License-Identifier: MIT */
/* The matrix kernel as its definition reads (spec engine §5.4). */
#include <math.h>

#include "gemm.h"

static void tile(float *c, size_t ldc, const float *a, const float *b, size_t depth, bool first)
{
    for (size_t i = 0; i < GEMM_ROWS; i++)
        for (size_t j = 0; j < GEMM_COLS; j++) {
            float acc = first ? 0.0f : c[i * ldc + j];
            for (size_t k = 0; k < depth;) {
                float p = 0.0f;
                for (size_t end = k + GEMM_BLOCK < depth ? k + GEMM_BLOCK : depth; k < end; k++)
                    p = fmaf(a[k * GEMM_ROWS + i], b[k * GEMM_COLS + j], p);
                acc = acc + p;
            }
            c[i * ldc + j] = acc;
        }
}

const struct gemm_kernel gemm_scalar = { "scalar", tile };
