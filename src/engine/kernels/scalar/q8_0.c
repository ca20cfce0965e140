/* SPDX-License-Identifier: MIT */
/* Definition of products with Q8_0 weights (spec engine §5.3). */
#include "engine/kernels/tables.h"

#include <math.h>

#include "engine/math.h"

static int32_t block_sum(const struct pml_q8_0_block *w, size_t row, const int8_t *q)
{
    int32_t sum = 0;
    for (int k = 0; k < 8; k++)
        for (int i = 0; i < 4; i++)
            sum += ((int32_t)w->q[k][row][i] - 128) * q[4 * k + i];
    return sum;
}

void pml_mul_q8_0_scalar(float *y, size_t stride, const void *weights, const struct pml_columns *x, size_t first,
                         size_t end)
{
    size_t blocks = x->size / 32;
    for (size_t group = first; group < end; group++) {
        const struct pml_q8_0_block *w = (const struct pml_q8_0_block *)weights + group * blocks;
        for (size_t c = 0; c < x->count; c++) {
            for (size_t row = 0; row < PML_LANES; row++) {
                float sum = 0.0f;
                for (size_t b = 0; b < blocks; b++) {
                    float scale = pml_f16_to_f32(w[b].d[row]) * x->d[c * blocks + b];
                    sum = fmaf(scale, (float)block_sum(&w[b], row, &x->q[c * x->size + 32 * b]), sum);
                }
                y[c * stride + group * PML_LANES + row] = sum;
            }
        }
    }
}
