/* SPDX-License-Identifier: MIT */
/*
 * The AVX-512 instructions that kernels/avx512 uses, as plain C over arrays (Intel 64 and IA-32 Architectures Software
 * Developer's Manual, volume 2). With this directory first in the include path the kernels compile to code that every
 * machine can run, so their bits are compared with the scalar definition everywhere.
 */
#ifndef AVX512_MODEL_IMMINTRIN_H
#define AVX512_MODEL_IMMINTRIN_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "engine/math.h"

typedef struct {
    float f[16];
} __m512;
typedef struct {
    int32_t i[16];
} __m512i;
typedef struct {
    uint16_t h[16];
} __m256i;
typedef struct {
    int8_t b[16];
} __m128i;
typedef uint16_t __mmask16;

#define EACH for (int l = 0; l < 16; l++)
#define MODEL_BINARY(type, field, name, expression) \
    static inline type name(type a, type b)         \
    {                                               \
        type r;                                     \
        EACH r.field[l] = (expression);             \
        return r;                                   \
    }

MODEL_BINARY(__m512, f, _mm512_add_ps, a.f[l] + b.f[l])
MODEL_BINARY(__m512, f, _mm512_sub_ps, a.f[l] - b.f[l])
MODEL_BINARY(__m512, f, _mm512_mul_ps, a.f[l] * b.f[l])
MODEL_BINARY(__m512, f, _mm512_div_ps, a.f[l] / b.f[l])
MODEL_BINARY(__m512, f, _mm512_max_ps, a.f[l] > b.f[l] ? a.f[l] : b.f[l]) /* a NaN, or two zeros: the second */
MODEL_BINARY(__m512i, i, _mm512_add_epi32, (int32_t)((uint32_t)a.i[l] + (uint32_t)b.i[l]))
MODEL_BINARY(__m512i, i, _mm512_sub_epi32, (int32_t)((uint32_t)a.i[l] - (uint32_t)b.i[l]))
MODEL_BINARY(__m512i, i, _mm512_max_epi32, a.i[l] > b.i[l] ? a.i[l] : b.i[l])
MODEL_BINARY(__m512i, i, _mm512_and_si512, a.i[l] & b.i[l])
MODEL_BINARY(__m512i, i, _mm512_xor_si512, a.i[l] ^ b.i[l])
MODEL_BINARY(__m512i, i, _mm512_or_si512, a.i[l] | b.i[l])
MODEL_BINARY(__m512i, i, _mm512_mullo_epi32, (int32_t)((uint32_t)a.i[l] * (uint32_t)b.i[l]))

static inline __m512 _mm512_loadu_ps(const void *p)
{
    __m512 r;
    memcpy(&r, p, sizeof r);
    return r;
}

static inline void _mm512_storeu_ps(void *p, __m512 a)
{
    memcpy(p, &a, sizeof a);
}

static inline __m512i _mm512_loadu_si512(const void *p)
{
    __m512i r;
    memcpy(&r, p, sizeof r);
    return r;
}

static inline __m256i _mm256_loadu_si256(const __m256i *p)
{
    __m256i r;
    memcpy(&r, p, sizeof r);
    return r;
}

static inline void _mm_storeu_si128(__m128i *p, __m128i a)
{
    memcpy(p, &a, sizeof a);
}

static inline __m512 _mm512_set1_ps(float x)
{
    __m512 r;
    EACH r.f[l] = x;
    return r;
}

static inline __m512 _mm512_setzero_ps(void)
{
    return _mm512_set1_ps(0.0f);
}

static inline __m512i _mm512_set1_epi32(int32_t x)
{
    __m512i r;
    EACH r.i[l] = x;
    return r;
}

static inline __m512 _mm512_fmadd_ps(__m512 a, __m512 b, __m512 c)
{
    EACH c.f[l] = fmaf(a.f[l], b.f[l], c.f[l]);
    return c;
}

static inline __m512i _mm512_castps_si512(__m512 a)
{
    __m512i r;
    memcpy(&r, &a, sizeof r);
    return r;
}

static inline __m512 _mm512_castsi512_ps(__m512i a)
{
    __m512 r;
    memcpy(&r, &a, sizeof r);
    return r;
}

static inline __m512i _mm512_slli_epi32(__m512i a, unsigned count)
{
    EACH a.i[l] = (int32_t)((uint32_t)a.i[l] << count);
    return a;
}

static inline __m512i _mm512_srai_epi32(__m512i a, unsigned count)
{
    EACH a.i[l] >>= count;
    return a;
}

/* Out of range and NaN give the integer indefinite value. */
static inline __m512i _mm512_cvtps_epi32(__m512 a)
{
    __m512i r;
    EACH r.i[l] = fabsf(a.f[l]) < 0x1p31f ? (int32_t)rintf(a.f[l]) : INT32_MIN;
    return r;
}

static inline __m512 _mm512_cvtepi32_ps(__m512i a)
{
    __m512 r;
    EACH r.f[l] = (float)a.i[l];
    return r;
}

static inline __m512 _mm512_cvtph_ps(__m256i a)
{
    __m512 r;
    EACH r.f[l] = pml_f16_to_f32(a.h[l]);
    return r;
}

static inline __m512i _mm512_cvtepu16_epi32(__m256i a)
{
    __m512i r;
    EACH r.i[l] = a.h[l];
    return r;
}

static inline __m128i _mm512_cvtepi32_epi8(__m512i a)
{
    __m128i r;
    EACH r.b[l] = (int8_t)a.i[l];
    return r;
}

/* Immediate 0: no fraction bits, round to nearest even. */
static inline __m512 _mm512_roundscale_ps(__m512 a, int immediate)
{
    (void)immediate;
    EACH a.f[l] = rintf(a.f[l]);
    return a;
}

enum { _CMP_GT_OQ, _CMP_LT_OQ, _CMP_UNORD_Q };

static inline __mmask16 _mm512_cmp_ps_mask(__m512 a, __m512 b, int predicate)
{
    __mmask16 mask = 0;
    EACH
    {
        int holds = predicate == _CMP_GT_OQ   ? a.f[l] > b.f[l]
                    : predicate == _CMP_LT_OQ ? a.f[l] < b.f[l]
                                              : isnan(a.f[l]) || isnan(b.f[l]);
        mask = (__mmask16)(mask | holds << l);
    }
    return mask;
}

static inline __m512 _mm512_mask_mov_ps(__m512 otherwise, __mmask16 mask, __m512 a)
{
    EACH otherwise.f[l] = mask >> l & 1 ? a.f[l] : otherwise.f[l];
    return otherwise;
}

/* VPDPBUSD: unsigned bytes of a times signed bytes of b, four to a sum, no saturation. */
static inline __m512i _mm512_dpbusd_epi32(__m512i sum, __m512i a, __m512i b)
{
    uint8_t u[64];
    int8_t s[64];
    memcpy(u, &a, sizeof u);
    memcpy(s, &b, sizeof s);
    EACH
    {
        for (int k = 4 * l; k < 4 * l + 4; k++)
            sum.i[l] += (int32_t)u[k] * s[k];
    }
    return sum;
}

static inline __m128i _mm_loadu_si128(const __m128i *p)
{
    __m128i r;
    memcpy(&r, p, sizeof r);
    return r;
}

static inline __m512i _mm512_setzero_si512(void)
{
    return _mm512_set1_epi32(0);
}

static inline __m512i _mm512_set1_epi8(char x)
{
    __m512i r;
    memset(&r, x, sizeof r);
    return r;
}

static inline __m512i _mm512_broadcast_i32x4(__m128i a)
{
    __m512i r;
    for (int l = 0; l < 4; l++)
        memcpy(&r.i[4 * l], &a, sizeof a);
    return r;
}

static inline __m512 _mm512_fnmadd_ps(__m512 a, __m512 b, __m512 c)
{
    EACH c.f[l] = fmaf(-a.f[l], b.f[l], c.f[l]);
    return c;
}

/* Each 16-bit half on its own. */
static inline __m512i _mm512_srli_epi16(__m512i a, unsigned count)
{
    EACH
    {
        uint32_t x = (uint32_t)a.i[l];
        a.i[l] = (int32_t)((x >> 16 >> count) << 16 | (x & 0xffff) >> count);
    }
    return a;
}

static inline __m512i _mm512_slli_epi16(__m512i a, unsigned count)
{
    EACH
    {
        uint32_t x = (uint32_t)a.i[l];
        a.i[l] = (int32_t)((x >> 16 << count) << 16 | ((x & 0xffff) << count & 0xffff));
    }
    return a;
}

/* VPSHUFB: within each 16 bytes; an index with its top bit set gives zero. */
static inline __m512i _mm512_shuffle_epi8(__m512i a, __m512i index)
{
    uint8_t from[64], at[64], to[64];
    memcpy(from, &a, sizeof from);
    memcpy(at, &index, sizeof at);
    for (int k = 0; k < 64; k++)
        to[k] = at[k] & 0x80 ? 0 : from[k / 16 * 16 + at[k] % 16];
    memcpy(&a, to, sizeof a);
    return a;
}

static inline __m512i _mm512_cvtepi8_epi32(__m128i a)
{
    __m512i r;
    EACH r.i[l] = a.b[l];
    return r;
}

static inline __m512i _mm512_cvtepi8_epi16(__m256i a)
{
    int8_t from[32];
    int16_t to[32];
    __m512i r;
    memcpy(from, &a, sizeof from);
    for (int k = 0; k < 32; k++)
        to[k] = from[k];
    memcpy(&r, to, sizeof r);
    return r;
}

/* VPDPWSSD: signed words, two to a sum, no saturation. */
static inline __m512i _mm512_dpwssd_epi32(__m512i sum, __m512i a, __m512i b)
{
    int16_t u[32], s[32];
    memcpy(u, &a, sizeof u);
    memcpy(s, &b, sizeof s);
    EACH sum.i[l] += u[2 * l] * s[2 * l] + u[2 * l + 1] * s[2 * l + 1];
    return sum;
}

static inline int32_t _mm512_reduce_add_epi32(__m512i a)
{
    int32_t sum = 0;
    EACH sum += a.i[l];
    return sum;
}

static inline int32_t _mm512_reduce_max_epi32(__m512i a)
{
    int32_t max = INT32_MIN;
    EACH max = a.i[l] > max ? a.i[l] : max;
    return max;
}

#endif
