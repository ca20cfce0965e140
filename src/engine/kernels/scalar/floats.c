/* SPDX-License-Identifier: MIT */
/* Definition of products with F32, F16 and BF16 weights (spec engine §5.4): fused chains over blocks of 64 inputs,
 * block sums added in ascending order. */
#include "engine/kernels/tables.h"

#include <math.h>

#include "engine/math.h"

static float weight(enum pml_tensor_type type, const void *weights, size_t index)
{
    switch (type) {
    case PML_TYPE_F16: return pml_f16_to_f32(((const uint16_t *)weights)[index]);
    case PML_TYPE_BF16: return pml_bf16_to_f32(((const uint16_t *)weights)[index]);
    default: return ((const float *)weights)[index];
    }
}

static void mul(enum pml_tensor_type type, float *y, size_t stride, const void *weights, const struct pml_columns *x,
                size_t first, size_t end)
{
    for (size_t row = first * PML_LANES; row < end * PML_LANES; row++) {
        size_t group = row / PML_LANES, lane = row % PML_LANES;
        for (size_t c = 0; c < x->count; c++) {
            float sum = 0.0f;
            for (size_t block = 0; block < x->size; block += PML_FLOAT_BLOCK) {
                float part = 0.0f;
                for (size_t k = block; k < x->size && k < block + PML_FLOAT_BLOCK; k++) {
                    float w = weight(type, weights, (group * x->size + k) * PML_LANES + lane);
                    part = fmaf(w, x->x[c * x->stride + k], part);
                }
                sum = sum + part;
            }
            y[c * stride + row] = sum;
        }
    }
}

void pml_mul_f32_scalar(float *y, size_t stride, const void *weights, const struct pml_columns *x, size_t first,
                        size_t end)
{
    mul(PML_TYPE_F32, y, stride, weights, x, first, end);
}

void pml_mul_f16_scalar(float *y, size_t stride, const void *weights, const struct pml_columns *x, size_t first,
                        size_t end)
{
    mul(PML_TYPE_F16, y, stride, weights, x, first, end);
}

void pml_mul_bf16_scalar(float *y, size_t stride, const void *weights, const struct pml_columns *x, size_t first,
                         size_t end)
{
    mul(PML_TYPE_BF16, y, stride, weights, x, first, end);
}
