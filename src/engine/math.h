/* SPDX-License-Identifier: MIT */
/*
 * The elementary functions of the numeric profile pmlsdk.det/1 (spec engine §5.5). Each is a fixed program of correctly
 * rounded IEEE-754 operations, so it has the same bits on every machine, compiler and instruction set; none calls libm
 * beyond fma, rint and sqrt. The constants are frozen: changing a bit of any result needs a new profile name.
 */
#ifndef PML_ENGINE_MATH_H
#define PML_ENGINE_MATH_H

#include <stdint.h>
#include <string.h>

#define PML_DETERMINISM_PROFILE "pmlsdk.det/1"

/* Binary32. Errors against the exact value: exp 0.9 ulp, log 0.51, tanh 3, silu 2.5. */
float pml_expf(float x); /* 0 below -87.33, infinity above 88.72 */
float pml_logf(float x); /* of zero -infinity, of a negative number NaN */
float pml_tanhf(float x);
float pml_siluf(float x); /* x / (1 + exp(-x)) */

/* Binary64, for the rope tables. */
double pml_exp2(double x); /* |x| at most 1000 */
double pml_log2(double x); /* x normal and positive */
/* Sine and cosine of an angle with |x| at most 2^20; absolute error below 2^-51. */
void pml_sincos(double x, double *sine, double *cosine);

static inline uint32_t pml_f32_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float pml_f32_from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Binary16 and bfloat16. Widening is exact, narrowing rounds to nearest even; a NaN stays a (quiet) NaN. */
float pml_f16_to_f32(uint16_t half);
uint16_t pml_f32_to_f16(float x);
static inline float pml_bf16_to_f32(uint16_t half)
{
    return pml_f32_from_bits((uint32_t)half << 16);
}
uint16_t pml_f32_to_bf16(float x);

#endif
