/* SPDX-License-Identifier: MIT */
/*
 * Quantization of inputs for instruction sets with vectors (spec engine §5.2), around two functions that the including
 * file defines before: largest_magnitude, the bits of the largest |x[i]| of n, and round32, which rounds 32 scaled
 * numbers to bytes in order and sums the first and the last 16.
 */
#ifndef PML_ENGINE_KERNELS_QUANTIZE_H
#define PML_ENGINE_KERNELS_QUANTIZE_H

#include <float.h>
#include <string.h>

/* The scale of a block and its inverse. False: an element is not finite. */
INLINE bool block_scale(float *d, float *inverse, const float *x, size_t n)
{
    uint32_t bits = largest_magnitude(x, n);
    float amax;
    memcpy(&amax, &bits, sizeof amax);
    *inverse = amax > 0.0f ? 127.0f / amax : 0.0f;
    *d = *inverse <= FLT_MAX ? amax / 127.0f : 0.0f;
    *inverse = *inverse <= FLT_MAX ? *inverse : 0.0f;
    return bits < 0x7f800000u;
}

INLINE bool quantize32(int8_t *q, float *d, int32_t *s, const float *x, size_t n)
{
    for (size_t b = 0; b < n / 32; b++) {
        float inverse;
        int32_t sums[2];
        if (!block_scale(&d[b], &inverse, &x[32 * b], 32)) {
            memset(q, 0, n);
            memset(d, 0, n / 32 * sizeof *d);
            memset(s, 0, n / 32 * sizeof *s);
            return false;
        }
        round32(&q[32 * b], sums, &x[32 * b], inverse);
        s[b] = sums[0] + sums[1];
    }
    return true;
}

INLINE bool quantize256(int8_t *q, float *d, int16_t *s, const float *x, size_t n)
{
    for (size_t b = 0; b < n / 256; b++) {
        float inverse;
        if (!block_scale(&d[b], &inverse, &x[256 * b], 256)) {
            memset(q, 0, n);
            memset(d, 0, n / 256 * sizeof *d);
            memset(s, 0, n / 16 * sizeof *s);
            return false;
        }
        for (size_t r = 8 * b; r < 8 * b + 8; r++) {
            int32_t sums[2];
            round32(&q[32 * r], sums, &x[32 * r], inverse);
            s[2 * r] = (int16_t)sums[0];
            s[2 * r + 1] = (int16_t)sums[1];
        }
    }
    return true;
}

#endif
