/* SPDX-License-Identifier: MIT */
/* Definition of products with Q2_K to Q6_K and IQ4_XS weights (spec engine §5.3). */
#include <math.h>

#include "engine/kernels/formats.h"
#include "engine/kernels/tables.h"
#include "engine/math.h"

static float product(const struct pml_format *f, const uint8_t *w, size_t row, const struct pml_columns *x, size_t c)
{
    size_t blocks = x->size / 256;
    float acc = 0.0f;
    for (size_t b = 0; b < blocks; b++, w += f->size) {
        const int8_t *q = &x->q256[c * x->size + 256 * b];
        float dx = x->d256[c * blocks + b];
        int32_t scaled = 0, low = 0; /* S and M */
        for (size_t e = 0; e < 256; e++) {
            scaled += pml_packed_scale(f, w, row, e) * pml_packed_quant(f, w, row, e) * q[e];
            if (f->minimum)
                low += pml_packed_min(f, w, row, e) * q[e];
        }
        acc = fmaf(pml_f16_to_f32(pml_packed_half(w, 0, row)) * dx, (float)scaled, acc);
        if (f->minimum)
            acc = fmaf(-(pml_f16_to_f32(pml_packed_half(w, f->minimum, row)) * dx), (float)low, acc);
    }
    return acc;
}

static void pml_mul_packed(const struct pml_format *f, float *y, size_t stride, const void *weights,
                           const struct pml_columns *x, size_t first, size_t end)
{
    size_t group_size = x->size / 256 * f->size;
    for (size_t row = first * PML_LANES; row < end * PML_LANES; row++)
        for (size_t c = 0; c < x->count; c++)
            y[c * stride + row] =
                product(f, (const uint8_t *)weights + row / PML_LANES * group_size, row % PML_LANES, x, c);
}

PML_DEFINE_MUL(q2_k, scalar)
PML_DEFINE_MUL(q3_k, scalar)
PML_DEFINE_MUL(q4_k, scalar)
PML_DEFINE_MUL(q5_k, scalar)
PML_DEFINE_MUL(q6_k, scalar)
PML_DEFINE_MUL(iq4_xs, scalar)
