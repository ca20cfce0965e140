/* SPDX-License-Identifier: MIT */
/*
 * Products with packed weights below eight bits (formats.h) by VNNI, the frame that is compiled for each format. What a
 * stored quant has too much is taken off with the sums of the inputs; table values are looked up 128 too large.
 */
#ifndef PML_ENGINE_KERNELS_AVX512_PACKED_H
#define PML_ENGINE_KERNELS_AVX512_PACKED_H

#include <immintrin.h>
#include <string.h>

#include "engine/kernels/formats.h"
#include "engine/kernels/tables.h"

#define INLINE  static inline __attribute__((always_inline))
#define COLUMNS 4

INLINE __m512i four_bytes(const void *p)
{
    int32_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    return _mm512_set1_epi32(bytes);
}

INLINE int32_t offset(const struct pml_format *f)
{
    return f->table ? 128 : f->offset;
}

/* SHIFT places down, then the bits of MASK of each byte. */
INLINE __m512i field(const uint8_t *plane, size_t shift, int mask)
{
    return _mm512_and_si512(_mm512_srli_epi16(_mm512_loadu_si512(plane), (unsigned)shift),
                            _mm512_set1_epi8((char)mask));
}

/* Group K of run S. */
INLINE __m512i quants(const struct pml_format *f, const uint8_t *block, size_t s, size_t k)
{
    const bool small = f->inputs == 32;
    __m512i q = _mm512_setzero_si512();
    if (f->nibbles)
        q = field(block + f->nibbles + (small ? k % 4 : s / 2 * 8 + k) * PML_PLANE, 4 * (small ? k / 4 : s % 2), 15);
    if (f->pairs) {
        __m512i pairs = field(block + f->pairs + (s / 4 * 8 + k) * PML_PLANE, 2 * (s % 4), 3);
        q = f->nibbles ? _mm512_or_si512(q, _mm512_slli_epi16(pairs, 4)) : pairs;
    }
    if (f->bits) {
        __m512i bits = field(block + f->bits + (small ? 0 : k) * PML_PLANE, small ? k : s, 1);
        q = _mm512_or_si512(q, _mm512_slli_epi16(bits, f->nibbles ? 4 : 2));
    }
    if (f->table) {
        __m512i values = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)pml_iq4_values));
        q = _mm512_shuffle_epi8(_mm512_xor_si512(values, _mm512_set1_epi8((char)0x80)), q);
    }
    return q;
}

/* Scales (or minimums) of the two halves of run S, as pairs of 16 bits for each row. */
INLINE __m512i scale_pairs(const struct pml_format *f, size_t at, const uint8_t *block, size_t s)
{
    const uint8_t *bytes = block + at + s * PML_LANES * (32 / f->shared);
    if (f->shared == 16)
        return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)bytes));
    __m512i one = _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)bytes));
    return _mm512_or_si512(_mm512_and_si512(one, _mm512_set1_epi32(0xffff)), _mm512_slli_epi32(one, 16));
}

/* Adds inputs 4*FIRST up to 4*END of run S of COLUMNS columns. */
INLINE void add_groups(const struct pml_format *f, const int columns, __m512i sum[COLUMNS], const uint8_t *block,
                       size_t s, size_t first, size_t end, const int8_t *q, size_t stride)
{
    for (size_t k = first; k < end; k++) {
        __m512i w = quants(f, block, s, k);
        for (int c = 0; c < columns; c++)
            sum[c] = _mm512_dpbusd_epi32(sum[c], w, four_bytes(q + (size_t)c * stride + 4 * k));
    }
}

INLINE __m512 halves(const uint8_t *block, size_t at)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(block + at)));
}

/* A block of 32 inputs. */
INLINE void add_block32(const struct pml_format *f, const int columns, __m512 acc[COLUMNS], const uint8_t *block,
                        const struct pml_columns *x, size_t column, size_t b)
{
    size_t blocks = x->size / 32;
    __m512i sum[COLUMNS];
    for (int c = 0; c < columns; c++)
        sum[c] = _mm512_set1_epi32(-offset(f) * x->s[(column + (size_t)c) * blocks + b]);
    add_groups(f, columns, sum, block, 0, 0, 8, x->q + column * x->size + 32 * b, x->size);
    for (int c = 0; c < columns; c++) {
        size_t at = (column + (size_t)c) * blocks + b;
        __m512 dx = _mm512_set1_ps(x->d[at]);
        acc[c] = _mm512_fmadd_ps(_mm512_mul_ps(halves(block, 0), dx), _mm512_cvtepi32_ps(sum[c]), acc[c]);
        if (f->minimum)
            acc[c] =
                _mm512_fmadd_ps(_mm512_mul_ps(halves(block, f->minimum), dx), _mm512_set1_ps((float)x->s[at]), acc[c]);
    }
}

/* Adds run S times its scales. */
INLINE void add_run(const struct pml_format *f, const int columns, __m512i sum[COLUMNS], const uint8_t *block, size_t s,
                    const int8_t *q, size_t stride, __m512i pairs)
{
    const size_t step = f->shared / 4;
    for (size_t first = 0; first < 8; first += step) {
        __m512i part[COLUMNS];
        for (int c = 0; c < columns; c++)
            part[c] = _mm512_setzero_si512();
        add_groups(f, columns, part, block, s, first, first + step, q, stride);
        __m512i by = _mm512_srai_epi32(first + step == 8 ? pairs : _mm512_slli_epi32(pairs, 16), 16);
        for (int c = 0; c < columns; c++)
            sum[c] = _mm512_add_epi32(sum[c], _mm512_mullo_epi32(part[c], by));
    }
}

/* A block of 256 inputs: the scaled sum S, and LOW, the sum of minimums (or of scales) times inputs. */
INLINE void add_block256(const struct pml_format *f, const int columns, __m512 acc[COLUMNS], const uint8_t *block,
                         const struct pml_columns *x, size_t column, size_t b)
{
    __m512i sum[COLUMNS], low[COLUMNS];
    for (int c = 0; c < columns; c++)
        sum[c] = low[c] = _mm512_setzero_si512();
    for (size_t s = 0; s < 8; s++) {
        __m512i pairs = scale_pairs(f, f->scales, block, s);
        __m512i mins = f->minimum && f->mins != f->scales ? scale_pairs(f, f->mins, block, s) : pairs;
        if (f->mins == f->scales) {
            pairs = _mm512_and_si512(pairs, _mm512_set1_epi32(0x000f000f));
            mins = _mm512_and_si512(_mm512_srli_epi16(mins, 4), _mm512_set1_epi32(0x000f000f));
        }
        add_run(f, columns, sum, block, s, x->q256 + column * x->size + 256 * b + 32 * s, x->size, pairs);
        for (int c = 0; c < columns && (f->minimum || offset(f)); c++)
            low[c] = _mm512_dpwssd_epi32(low[c], mins,
                                         four_bytes(&x->s256[(column + (size_t)c) * (x->size / 16) + 16 * b + 2 * s]));
    }
    for (int c = 0; c < columns; c++) {
        __m512 dx = _mm512_set1_ps(x->d256[(column + (size_t)c) * (x->size / 256) + b]);
        if (offset(f))
            sum[c] = _mm512_sub_epi32(sum[c], _mm512_mullo_epi32(low[c], _mm512_set1_epi32(offset(f))));
        acc[c] = _mm512_fmadd_ps(_mm512_mul_ps(halves(block, 0), dx), _mm512_cvtepi32_ps(sum[c]), acc[c]);
        if (f->minimum)
            acc[c] = _mm512_fnmadd_ps(_mm512_mul_ps(halves(block, f->minimum), dx), _mm512_cvtepi32_ps(low[c]), acc[c]);
    }
}

/* 16 rows times COLUMNS columns from COLUMN on. */
INLINE void tile(const struct pml_format *f, const int columns, float *y, size_t stride, const uint8_t *w,
                 const struct pml_columns *x, size_t column)
{
    __m512 acc[COLUMNS];
    for (int c = 0; c < columns; c++)
        acc[c] = _mm512_setzero_ps();
    for (size_t b = 0; b < x->size / f->inputs; b++, w += f->size) {
        if (f->inputs == 32)
            add_block32(f, columns, acc, w, x, column, b);
        else
            add_block256(f, columns, acc, w, x, column, b);
    }
    for (int c = 0; c < columns; c++)
        _mm512_storeu_ps(&y[(size_t)c * stride], acc[c]);
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
