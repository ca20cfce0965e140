/* SPDX-License-Identifier: MIT */
/* Definition of products with Q4_0, Q4_1, Q5_0, Q5_1 and IQ4_NL weights (spec engine §5.3). */
#include <math.h>

#include "engine/kernels/formats.h"
#include "engine/kernels/tables.h"
#include "engine/math.h"

static float product(const struct pml_format *f, const uint8_t *w, size_t row, const struct pml_columns *x, size_t c)
{
    size_t blocks = x->size / 32;
    float acc = 0.0f;
    for (size_t b = 0; b < blocks; b++, w += f->size) {
        const int8_t *q = &x->q[c * x->size + 32 * b];
        float dx = x->d[c * blocks + b];
        int32_t sum = 0;
        for (size_t e = 0; e < 32; e++)
            sum += pml_packed_quant(f, w, row, e) * q[e];
        acc = fmaf(pml_f16_to_f32(pml_packed_half(w, 0, row)) * dx, (float)sum, acc);
        if (f->minimum)
            acc = fmaf(pml_f16_to_f32(pml_packed_half(w, f->minimum, row)) * dx, (float)x->s[c * blocks + b], acc);
    }
    return acc;
}

static void pml_mul_packed(const struct pml_format *f, float *y, size_t stride, const void *weights,
                           const struct pml_columns *x, size_t first, size_t end)
{
    size_t group_size = x->size / 32 * f->size;
    for (size_t row = first * PML_LANES; row < end * PML_LANES; row++)
        for (size_t c = 0; c < x->count; c++)
            y[c * stride + row] =
                product(f, (const uint8_t *)weights + row / PML_LANES * group_size, row % PML_LANES, x, c);
}

PML_DEFINE_MUL(q4_0, scalar)
PML_DEFINE_MUL(q4_1, scalar)
PML_DEFINE_MUL(q5_0, scalar)
PML_DEFINE_MUL(q5_1, scalar)
PML_DEFINE_MUL(iq4_nl, scalar)
