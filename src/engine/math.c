/* SPDX-License-Identifier: MIT */
/* Elementary functions with one result on every machine: argument reduction, a polynomial by Horner, exact scaling. */
#include "engine/math.h"

#include <math.h>

/* 2^k for a normal result. */
static float power_of_two_f32(int k)
{
    return pml_f32_from_bits((uint32_t)(k + 127) << 23);
}

static double power_of_two_f64(int k)
{
    uint64_t bits = (uint64_t)(k + 1023) << 52;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

float pml_expf(float x)
{
    if (x != x)
        return x;
    if (x < -87.33f)
        return 0.0f;
    if (x > 88.72f)
        return INFINITY;
    static const float taylor[] = {
        0x1.a01a02p-13f, 0x1.6c16c2p-10f, 0x1.111112p-7f, 0x1.555556p-5f, 0x1.555556p-3f, 0.5f, 1.0f, 1.0f
    };
    float n = rintf(x * 1.44269502f);
    float r = fmaf(n, -0x1.62e4p-1f, x); /* ln 2 in two pieces, the first with trailing zeros: n times it is exact */
    r = fmaf(n, -0x1.7f7d1cp-20f, r);
    float p = taylor[0];
    for (int i = 1; i < 8; i++)
        p = fmaf(p, r, taylor[i]);
    int k = (int)n;
    int half = k >> 1; /* 2^k in two factors, each a normal number */
    return (p * power_of_two_f32(half)) * power_of_two_f32(k - half);
}

float pml_logf(float x)
{
    if (x != x || x < 0.0f)
        return NAN;
    if (x == 0.0f)
        return -INFINITY;
    if (isinf(x))
        return x;
    return (float)(pml_log2((double)x) * 0.69314718055994530942);
}

float pml_tanhf(float x)
{
    if (!(fabsf(x) <= 0.625f))
        return 1.0f - 2.0f / (pml_expf(2.0f * x) + 1.0f);
    /* Minimax in x^2 of (tanh(x)/x - 1) / x^2 over this interval, relative error 1.3e-7. */
    float z = x * x;
    float p = 0x1.f1ec08p-7f;
    p = fmaf(p, z, -0x1.a98ea6p-5f);
    p = fmaf(p, z, 0x1.108d2ap-3f);
    p = fmaf(p, z, -0x1.5552bcp-2f);
    return fmaf(p * z, x, x);
}

float pml_siluf(float x)
{
    return x / (1.0f + pml_expf(-x));
}

double pml_exp2(double x)
{
    double n = rint(x);
    double r = (x - n) * 0.69314718055994530942;
    double p = 1.0;
    for (int i = 14; i >= 1; i--) /* Taylor, degree 14: the rest is below 2^-58 for |r| <= ln(2)/2 */
        p = 1.0 + p * (r / i);
    return p * power_of_two_f64((int)n);
}

double pml_log2(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52) - 1023;
    bits = (bits & 0x000fffffffffffffu) | 0x3ff0000000000000u;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.41421356237309504880) {
        m = m * 0.5;
        exponent++;
    }
    /* log m = 2 atanh(s) = 2 s (1 + s^2/3 + s^4/5 + ...), |s| <= 0.1716 */
    double s = (m - 1.0) / (m + 1.0);
    double z = s * s;
    double p = 0.0;
    for (int odd = 23; odd >= 3; odd -= 2)
        p = (p + 1.0 / odd) * z;
    return (s + s * p) * (2.0 * 1.44269504088896340736) + (double)exponent;
}

void pml_sincos(double x, double *sine, double *cosine)
{
    /* pi/2 in three parts of 33 bits: n times a part is exact for n below 2^20. */
    double n = rint(x * 0.63661977236758134308);
    double r = x - n * 0x1.921fb544p+0;
    r = r - n * 0x1.0b4611a6p-34;
    r = r - n * 0x1.3198a2ep-69;

    double z = r * r; /* Taylor, |r| <= pi/4 */
    double s = 1.0;
    for (int i = 16; i >= 2; i -= 2)
        s = 1.0 - s * (z / (double)(i * (i + 1)));
    s = s * r;
    double c = 1.0;
    for (int i = 18; i >= 2; i -= 2)
        c = 1.0 - c * (z / (double)(i * (i - 1)));

    unsigned quadrant = (unsigned)(int)n & 3;
    *sine = quadrant & 1 ? c : s;
    *cosine = quadrant & 1 ? s : c;
    if (quadrant & 2)
        *sine = -*sine;
    if (quadrant == 1 || quadrant == 2)
        *cosine = -*cosine;
}

float pml_f16_to_f32(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = (half >> 10) & 31;
    uint32_t mantissa = half & 0x3ffu;
    if (exponent == 31) /* infinity; a NaN becomes quiet, as the hardware's conversion does */
        return pml_f32_from_bits(sign | 0x7f800000u | mantissa << 13 | (mantissa ? 0x400000u : 0));
    if (exponent == 0) { /* zero and subnormals: mantissa * 2^-24, exact */
        float x = (float)mantissa * 0x1p-24f;
        return sign ? -x : x;
    }
    return pml_f32_from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
}

/* VALUE >> SHIFT, rounded to nearest even. */
static uint32_t shift_rounding(uint32_t value, unsigned shift)
{
    uint32_t half = 1u << (shift - 1);
    uint32_t rest = value & ((half << 1) - 1);
    uint32_t kept = value >> shift;
    return kept + (rest > half || (rest == half && (kept & 1)));
}

uint16_t pml_f32_to_f16(float x)
{
    uint32_t bits = pml_f32_bits(x);
    uint32_t sign = (bits >> 16) & 0x8000u;
    uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
    if (magnitude >= 0x47800000u) /* 2^16 and above */
        return (uint16_t)(sign | 0x7c00u);
    if (magnitude >= 0x38800000u) /* normal; the carry of rounding may run into the exponent, up to infinity */
        return (uint16_t)(sign | shift_rounding(magnitude - 0x38000000u, 13));
    if (magnitude < 0x33000000u) /* below half the smallest subnormal */
        return (uint16_t)sign;
    return (uint16_t)(sign | shift_rounding((magnitude & 0x7fffffu) | 0x800000u, 126 - (magnitude >> 23)));
}

uint16_t pml_f32_to_bf16(float x)
{
    uint32_t bits = pml_f32_bits(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}
