/* SPDX-License-Identifier: MIT */
/*
 * Products with packed weights below eight bits (formats.h), the frame that is compiled for each format: unsigned
 * quants times signed inputs by vpmaddubsw, added up in 16 bits for as many steps as fit, then vpmaddwd by the scale.
 * What a stored quant has too much is taken off with the sums of the inputs. Table values have signs: |w| * (x with
 * the sign of w).
 */
#ifndef PML_ENGINE_KERNELS_AVX2_PACKED_H
#define PML_ENGINE_KERNELS_AVX2_PACKED_H

#include <immintrin.h>
#include <string.h>

#include "engine/kernels/formats.h"
#include "engine/kernels/tables.h"

#define INLINE  static inline __attribute__((always_inline))
#define COLUMNS 4

INLINE __m256i four_bytes(const void *p)
{
    int32_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    return _mm256_set1_epi32(bytes);
}

/* SHIFT places down, then the bits of MASK of each byte. */
INLINE __m256i field(const uint8_t *plane, size_t shift, int mask)
{
    __m256i bytes = _mm256_loadu_si256((const __m256i *)plane);
    return _mm256_and_si256(_mm256_srli_epi16(bytes, (int)shift), _mm256_set1_epi8((char)mask));
}

/* Group K of run S, rows 8*HALF on. */
INLINE __m256i quants(const struct pml_format *f, const uint8_t *block, size_t s, size_t k, size_t half)
{
    const bool small = f->inputs == 32;
    __m256i q = _mm256_setzero_si256();
    block += PML_PLANE / 2 * half;
    if (f->nibbles)
        q = field(block + f->nibbles + (small ? k % 4 : s / 2 * 8 + k) * PML_PLANE, 4 * (small ? k / 4 : s % 2), 15);
    if (f->pairs) {
        __m256i pairs = field(block + f->pairs + (s / 4 * 8 + k) * PML_PLANE, 2 * (s % 4), 3);
        q = f->nibbles ? _mm256_or_si256(q, _mm256_slli_epi16(pairs, 4)) : pairs;
    }
    if (f->bits) {
        __m256i bits = field(block + f->bits + (small ? 0 : k) * PML_PLANE, small ? k : s, 1);
        q = _mm256_or_si256(q, _mm256_slli_epi16(bits, f->nibbles ? 4 : 2));
    }
    if (f->table)
        q = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)pml_iq4_values)), q);
    return q;
}

/* Scales (or minimums) of the two halves of run S, as pairs of 16 bits for each of eight rows. */
INLINE __m256i scale_pairs(const struct pml_format *f, size_t at, const uint8_t *block, size_t s, size_t half)
{
    const uint8_t *bytes = block + at + (s * PML_LANES + 8 * half) * (32 / f->shared);
    if (f->shared == 16)
        return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)bytes));
    __m256i one = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)bytes));
    return _mm256_or_si256(_mm256_and_si256(one, _mm256_set1_epi32(0xffff)), _mm256_slli_epi32(one, 16));
}

/* The factor of inputs 4K on, in both halves of the pair. */
INLINE __m256i factor(const struct pml_format *f, __m256i pairs, int k)
{
    if (f->shared == 32)
        return pairs;
    if (k < 4)
        return _mm256_or_si256(_mm256_and_si256(pairs, _mm256_set1_epi32(0xffff)), _mm256_slli_epi32(pairs, 16));
    return _mm256_or_si256(_mm256_srli_epi32(pairs, 16), _mm256_andnot_si256(_mm256_set1_epi32(0xffff), pairs));
}

/* Adds run S of 32 inputs of COLUMNS columns, times the scales. */
INLINE void add_run(const struct pml_format *f, const int columns, __m256i sum[COLUMNS][2], const uint8_t *block,
                    size_t s, const int8_t *q, size_t stride, const __m256i pairs[2])
{
    /* steps of at most 2 * largest quant * 127 that fit 15 bits, within one scale */
    const int steps = f->table ? 1 : f->nibbles && f->pairs ? 2 : f->bits || f->shared == 16 ? 4 : 8;
    for (int first = 0; first < 8; first += steps) {
        __m256i part[COLUMNS][2];
        for (int c = 0; c < columns; c++)
            part[c][0] = part[c][1] = _mm256_setzero_si256();
        for (int k = first; k < first + steps; k++) {
            __m256i w[2] = { quants(f, block, s, (size_t)k, 0), quants(f, block, s, (size_t)k, 1) };
            for (int c = 0; c < columns; c++) {
                __m256i x = four_bytes(q + (size_t)c * stride + 4 * k);
                for (int h = 0; h < 2; h++) {
                    __m256i two = f->table ? _mm256_maddubs_epi16(_mm256_abs_epi8(w[h]), _mm256_sign_epi8(x, w[h]))
                                           : _mm256_maddubs_epi16(w[h], x);
                    part[c][h] = _mm256_add_epi16(part[c][h], two);
                }
            }
        }
        __m256i by[2] = { factor(f, pairs[0], first), factor(f, pairs[1], first) };
        for (int c = 0; c < columns; c++)
            for (int h = 0; h < 2; h++)
                sum[c][h] = _mm256_add_epi32(sum[c][h], _mm256_madd_epi16(part[c][h], by[h]));
    }
}

INLINE __m256 halves(const uint8_t *block, size_t at, int h)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(block + at + 16 * (size_t)h)));
}

/* A block of 32 inputs. */
INLINE void add_block32(const struct pml_format *f, const int columns, __m256 acc[COLUMNS][2], const uint8_t *block,
                        const struct pml_columns *x, size_t column, size_t b)
{
    const __m256i ones[2] = { _mm256_set1_epi16(1), _mm256_set1_epi16(1) };
    size_t blocks = x->size / 32;
    __m256i sum[COLUMNS][2];
    for (int c = 0; c < columns; c++)
        sum[c][0] = sum[c][1] = _mm256_set1_epi32(-f->offset * x->s[(column + (size_t)c) * blocks + b]);
    add_run(f, columns, sum, block, 0, x->q + column * x->size + 32 * b, x->size, ones);
    for (int c = 0; c < columns; c++) {
        size_t at = (column + (size_t)c) * blocks + b;
        __m256 dx = _mm256_broadcast_ss(&x->d[at]);
        for (int h = 0; h < 2; h++) {
            acc[c][h] =
                _mm256_fmadd_ps(_mm256_mul_ps(halves(block, 0, h), dx), _mm256_cvtepi32_ps(sum[c][h]), acc[c][h]);
            if (f->minimum)
                acc[c][h] = _mm256_fmadd_ps(_mm256_mul_ps(halves(block, f->minimum, h), dx),
                                            _mm256_set1_ps((float)x->s[at]), acc[c][h]);
        }
    }
}

/* A block of 256 inputs: the scaled sum S, and LOW, the sum of minimums (or of scales) times inputs. */
INLINE void add_block256(const struct pml_format *f, const int columns, __m256 acc[COLUMNS][2], const uint8_t *block,
                         const struct pml_columns *x, size_t column, size_t b)
{
    __m256i sum[COLUMNS][2], low[COLUMNS][2];
    for (int c = 0; c < columns; c++)
        sum[c][0] = sum[c][1] = low[c][0] = low[c][1] = _mm256_setzero_si256();
#pragma GCC unroll 2 /* nibbles at places known to the compiler */
    for (size_t s = 0; s < 8; s++) {
        __m256i pairs[2], mins[2];
        for (size_t h = 0; h < 2; h++) {
            pairs[h] = scale_pairs(f, f->scales, block, s, h);
            mins[h] = f->minimum && f->mins != f->scales ? scale_pairs(f, f->mins, block, s, h) : pairs[h];
            if (f->mins == f->scales) {
                pairs[h] = _mm256_and_si256(pairs[h], _mm256_set1_epi16(15));
                mins[h] = _mm256_and_si256(_mm256_srli_epi16(mins[h], 4), _mm256_set1_epi16(15));
            }
        }
        add_run(f, columns, sum, block, s, x->q256 + column * x->size + 256 * b + 32 * s, x->size, pairs);
        for (int c = 0; c < columns && (f->minimum || f->offset); c++) {
            __m256i sums = four_bytes(&x->s256[(column + (size_t)c) * (x->size / 16) + 16 * b + 2 * s]);
            for (int h = 0; h < 2; h++)
                low[c][h] = _mm256_add_epi32(low[c][h], _mm256_madd_epi16(mins[h], sums));
        }
    }
    for (int c = 0; c < columns; c++) {
        __m256 dx = _mm256_broadcast_ss(&x->d256[(column + (size_t)c) * (x->size / 256) + b]);
        for (int h = 0; h < 2; h++) {
            if (f->offset)
                sum[c][h] = _mm256_sub_epi32(sum[c][h], _mm256_mullo_epi32(low[c][h], _mm256_set1_epi32(f->offset)));
            acc[c][h] =
                _mm256_fmadd_ps(_mm256_mul_ps(halves(block, 0, h), dx), _mm256_cvtepi32_ps(sum[c][h]), acc[c][h]);
            if (f->minimum)
                acc[c][h] = _mm256_fnmadd_ps(_mm256_mul_ps(halves(block, f->minimum, h), dx),
                                             _mm256_cvtepi32_ps(low[c][h]), acc[c][h]);
        }
    }
}

/* 16 rows times COLUMNS columns from COLUMN on. */
INLINE void tile(const struct pml_format *f, const int columns, float *y, size_t stride, const uint8_t *w,
                 const struct pml_columns *x, size_t column)
{
    __m256 acc[COLUMNS][2];
    for (int c = 0; c < columns; c++)
        acc[c][0] = acc[c][1] = _mm256_setzero_ps();
    for (size_t b = 0; b < x->size / f->inputs; b++, w += f->size) {
        if (f->inputs == 32)
            add_block32(f, columns, acc, w, x, column, b);
        else
            add_block256(f, columns, acc, w, x, column, b);
    }
    for (int c = 0; c < columns; c++) {
        _mm256_storeu_ps(&y[(size_t)c * stride], acc[c][0]);
        _mm256_storeu_ps(&y[(size_t)c * stride + 8], acc[c][1]);
    }
}

INLINE void pml_mul_packed(const struct pml_format *f, float *y, size_t stride, const void *weights,
                           const struct pml_columns *x, size_t first, size_t end)
{
    size_t group_size = x->size / f->inputs * f->size;
    for (size_t g = first; g < end; g++) {
        const uint8_t *w = (const uint8_t *)weights + g * group_size;
        size_t c = 0;
        for (; c + COLUMNS <= x->count; c += COLUMNS)
            tile(f, COLUMNS, &y[c * stride + g * PML_LANES], stride, w, x, c);
        for (; c < x->count; c++)
            tile(f, 1, &y[c * stride + g * PML_LANES], stride, w, x, c);
    }
}

#endif
