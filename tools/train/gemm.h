/* SPDX-License-Identifier: MIT */
/*
 * Matrix products whose bits depend on nothing but their operands.
 *
 * Every element of C is one chain of the profile pmlsdk.det/1 (spec engine §5.4): over blocks of 64 inner indices,
 * p = +0; p = fma(a, b, p) ascending; acc = acc + p. SIMD lanes are different elements and threads own different
 * tiles, so instruction set and thread count cannot show in the result.
 */
#ifndef TRAIN_GEMM_H
#define TRAIN_GEMM_H

#include <stdbool.h>
#include <stddef.h>

#include "pool.h"

enum { GEMM_BLOCK = 64, GEMM_ROWS = 6, GEMM_COLS = 32 };

/* A matrix seen through strides: element (i, j) is data[i * row + j * col]. A transpose swaps the strides. */
struct gemm_view {
    const float *data;
    size_t row, col;
};

/*
 * The kernel of one instruction set.
 *   tile: c[GEMM_ROWS][GEMM_COLS] (row stride LDC) = (FIRST ? +0 : c) + chains over DEPTH of a[DEPTH][GEMM_ROWS] and
 *   b[DEPTH][GEMM_COLS]
 */
struct gemm_kernel {
    const char *name;
    void (*tile)(float *c, size_t ldc, const float *a, const float *b, size_t depth, bool first);
};

extern const struct gemm_kernel gemm_scalar, gemm_avx2, gemm_avx512;

/* The kernel called NAME ("scalar", "avx2", "avx512"), or the best one when NAME is NULL. NULL if this CPU lacks it. */
const struct gemm_kernel *gemm_pick(const char *name);

/* c[rows][cols] (row stride LDC) = a[rows][depth] . b[depth][cols], on all threads of POOL. */
void gemm(struct pool *pool, const struct gemm_kernel *kernel, float *c, size_t ldc, struct gemm_view a,
          struct gemm_view b, size_t rows, size_t cols, size_t depth);

/* The same on the calling thread, for use inside a task; SCRATCH holds gemm_scratch_count floats, 64-byte aligned. */
void gemm_here(float *scratch, const struct gemm_kernel *kernel, float *c, size_t ldc, struct gemm_view a,
               struct gemm_view b, size_t rows, size_t cols, size_t depth);

/* Floats of scratch that gemm_here needs, whatever the shapes. */
size_t gemm_scratch_count(void);

#endif
