/* SPDX-License-Identifier: MIT */
/*
 * Scalar functions and sums with defined bits (spec engine §5.5). They are written without branches so that a compiler
 * can put a loop of them into SIMD lanes, which changes nothing: each lane does the same operations.
 */
#ifndef TRAIN_NUMERIC_H
#define TRAIN_NUMERIC_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { NUMERIC_LANES = 16 };

static inline float numeric_pow2(int32_t k)
{
    uint32_t bits = (uint32_t)(k + 127) << 23;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* pml_expf (engine/math.h) for x <= 88: the same operations, but without a branch, so that compilers can put a loop of
 * it into lanes. */
static inline float numeric_exp(float x)
{
    float in = x < -87.33f ? -87.33f : x;
    float n = rintf(in * 1.44269502f);
    float r = fmaf(n, -0x1.62e4p-1f, in);
    r = fmaf(n, -0x1.7f7d1cp-20f, r);
    float p = 0x1.a01a02p-13f;
    p = fmaf(p, r, 0x1.6c16c2p-10f);
    p = fmaf(p, r, 0x1.111112p-7f);
    p = fmaf(p, r, 0x1.555556p-5f);
    p = fmaf(p, r, 0x1.555556p-3f);
    p = fmaf(p, r, 0.5f);
    p = fmaf(p, r, 1.0f);
    p = fmaf(p, r, 1.0f);
    int32_t k = (int32_t)n, k1 = k >> 1;
    float y = p * numeric_pow2(k1) * numeric_pow2(k - k1);
    return x < -87.33f ? 0.0f : y;
}

/* Sum of 16 lanes by halves. */
static inline float numeric_halve(float lanes[NUMERIC_LANES])
{
    for (size_t half = NUMERIC_LANES / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++)
            lanes[l] += lanes[l + half];
    return lanes[0];
}

/* Sum of a[i] * b[i]: lane i mod 16 is a chain of fma, lanes are added by halves. */
static inline float numeric_dot(const float *a, const float *b, size_t count)
{
    float lanes[NUMERIC_LANES] = { 0 };
    size_t i = 0;
    for (; i + NUMERIC_LANES <= count; i += NUMERIC_LANES)
        for (size_t l = 0; l < NUMERIC_LANES; l++)
            lanes[l] = fmaf(a[i + l], b[i + l], lanes[l]);
    for (size_t l = 0; i < count; i++, l++)
        lanes[l] = fmaf(a[i], b[i], lanes[l]);
    return numeric_halve(lanes);
}

/* Sum of a[i], lanes as in numeric_dot. */
static inline float numeric_sum(const float *a, size_t count)
{
    float lanes[NUMERIC_LANES] = { 0 };
    size_t i = 0;
    for (; i + NUMERIC_LANES <= count; i += NUMERIC_LANES)
        for (size_t l = 0; l < NUMERIC_LANES; l++)
            lanes[l] += a[i + l];
    for (size_t l = 0; i < count; i++, l++)
        lanes[l] += a[i];
    return numeric_halve(lanes);
}

#endif
