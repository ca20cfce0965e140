/* SPDX-License-Identifier: MIT */
/* Definition of products with Q8_0 weights (spec engine §5.3) and of the quantization of their inputs (§5.2). */
#include "engine/kernels/tables.h"

#include <float.h>
#include <math.h>
#include <string.h>

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

/* Blocks so small that 127 / amax is no number are zero. */
static void quantize_block(int8_t *q, float *d, int32_t *s, const float *x, float amax)
{
    float inverse = amax > 0.0f ? 127.0f / amax : 0.0f;
    *d = inverse <= FLT_MAX ? amax / 127.0f : 0.0f;
    *s = 0;
    for (int i = 0; i < 32; i++) {
        q[i] = inverse <= FLT_MAX ? (int8_t)rintf(x[i] * inverse) : 0;
        *s += q[i];
    }
}

bool pml_quantize_scalar(int8_t *q, float *d, int32_t *s, const float *x, size_t n)
{
    for (size_t b = 0; b < n / 32; b++) {
        float amax = 0.0f;
        for (int i = 0; i < 32; i++) {
            float magnitude = fabsf(x[32 * b + i]);
            if (!(magnitude <= FLT_MAX)) {
                memset(q, 0, n);
                memset(d, 0, n / 32 * sizeof *d);
                memset(s, 0, n / 32 * sizeof *s);
                return false;
            }
            if (magnitude > amax)
                amax = magnitude;
        }
        quantize_block(&q[32 * b], &d[b], &s[b], &x[32 * b], amax);
    }
    return true;
}
