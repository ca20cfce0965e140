/* SPDX-License-Identifier: MIT */
/* Definition of the quantization of inputs (spec engine §5.2). */
#include "engine/kernels/tables.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* The largest magnitude of x[n]; not finite if an element is not. */
static float largest(const float *x, size_t n)
{
    float amax = 0.0f;
    for (size_t i = 0; i < n; i++) {
        float magnitude = fabsf(x[i]);
        if (!(magnitude <= FLT_MAX))
            return INFINITY;
        amax = magnitude > amax ? magnitude : amax;
    }
    return amax;
}

/* Blocks so small that 127 / amax is no number are zero. */
static bool quantize_block(int8_t *q, float *d, const float *x, size_t n)
{
    float amax = largest(x, n), inverse = amax > 0.0f ? 127.0f / amax : 0.0f;
    if (!(amax <= FLT_MAX))
        return false;
    *d = inverse <= FLT_MAX ? amax / 127.0f : 0.0f;
    for (size_t i = 0; i < n; i++)
        q[i] = inverse <= FLT_MAX ? (int8_t)rintf(x[i] * inverse) : 0;
    return true;
}

static int32_t sum_of(const int8_t *q, size_t n)
{
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += q[i];
    return sum;
}

bool pml_quantize_scalar(int8_t *q, float *d, int32_t *s, const float *x, size_t n)
{
    for (size_t b = 0; b < n / 32; b++) {
        if (!quantize_block(&q[32 * b], &d[b], &x[32 * b], 32)) {
            memset(q, 0, n);
            memset(d, 0, n / 32 * sizeof *d);
            memset(s, 0, n / 32 * sizeof *s);
            return false;
        }
        s[b] = sum_of(&q[32 * b], 32);
    }
    return true;
}

bool pml_quantize256_scalar(int8_t *q, float *d, int16_t *s, const float *x, size_t n)
{
    for (size_t b = 0; b < n / 256; b++) {
        if (!quantize_block(&q[256 * b], &d[b], &x[256 * b], 256)) {
            memset(q, 0, n);
            memset(d, 0, n / 256 * sizeof *d);
            memset(s, 0, n / 16 * sizeof *s);
            return false;
        }
        for (size_t i = 0; i < 16; i++)
            s[16 * b + i] = (int16_t)sum_of(&q[256 * b + 16 * i], 16);
    }
    return true;
}
