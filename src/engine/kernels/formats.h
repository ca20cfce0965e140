/* SPDX-License-Identifier: MIT */
/*
 * Packed blocks of the types below eight bits: 16 rows, and where in their bytes each part is. One description serves
 * packing, the scalar definition and the faster kernels, which are compiled once for each format.
 *
 * A block begins with the scales d, [16] binary16. Quants are stored unsigned, as up to three planes of bytes
 * [16 rows][4 inputs], group k of which holds inputs 4k to 4k+3 of a run of 32 (run s of the block):
 *
 *   nibbles   blocks of 256: plane [s/2][k], low half for even s; blocks of 32: plane [k%4], low half for k < 4
 *   pairs     plane [s/4][k], two bits from bit 2(s%4) on
 *   bits      blocks of 256: plane [k], bit s; blocks of 32: one plane, bit k
 *
 * A quant is nibble | pair << 4 | bit << 4 of the planes there are, or pair | bit << 2. Scales of blocks of 256 are
 * signed bytes, [8 runs][16 rows], or [8 runs][16 rows][2] when 16 inputs share one.
 */
#ifndef PML_ENGINE_KERNELS_FORMATS_H
#define PML_ENGINE_KERNELS_FORMATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/kernels/kernels.h"

#define PML_PLANE 64 /* bytes */

struct pml_format {
    uint16_t inputs; /* of a block: 32 or 256 */
    uint16_t shared; /* inputs that share a scale: 32 or 16 */
    uint16_t size;   /* bytes of a block of 16 rows */
    /* Where parts are; 0: there is none. */
    uint16_t minimum;              /* m or dmin, [16] binary16 */
    uint16_t scales, mins;         /* the same place: scale in the low, minimum in the high half of a byte */
    uint16_t nibbles, pairs, bits; /* planes */
    uint8_t offset;                /* what is taken off a stored quant */
    bool table;                    /* a stored quant is an index into pml_iq4_values */
};

static const int8_t pml_iq4_values[16] = { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 };

static const struct pml_format pml_format_q4_0 = { 32, 32, 288, .nibbles = 32, .offset = 8 };
static const struct pml_format pml_format_iq4_nl = { 32, 32, 288, .nibbles = 32, .table = true };
static const struct pml_format pml_format_q4_1 = { 32, 32, 320, .minimum = 32, .nibbles = 64 };
static const struct pml_format pml_format_q5_0 = { 32, 32, 352, .nibbles = 32, .bits = 288, .offset = 16 };
static const struct pml_format pml_format_q5_1 = { 32, 32, 384, .minimum = 32, .nibbles = 64, .bits = 320 };
static const struct pml_format pml_format_q2_k = {
    256, 16, 1344, .minimum = 32, .scales = 64, .mins = 64, .pairs = 320
};
static const struct pml_format pml_format_q3_k = {
    256, 16, 1824, .scales = 32, .pairs = 288, .bits = 1312, .offset = 4
};
static const struct pml_format pml_format_q4_k = { 256,          32,          2368,          .minimum = 32,
                                                   .scales = 64, .mins = 192, .nibbles = 320 };
static const struct pml_format pml_format_q5_k = { 256,          32,          2880,           .minimum = 32,
                                                   .scales = 64, .mins = 192, .nibbles = 320, .bits = 2368 };
static const struct pml_format pml_format_q6_k = { 256,           16,          3360, .scales = 32, .nibbles = 288,
                                                   .pairs = 2336, .offset = 32 };
static const struct pml_format pml_format_iq4_xs = { 256, 32, 2208, .scales = 32, .nibbles = 160, .table = true };

/* Defines the products of a type; MUL takes the format as its first argument, a constant to the compiler. */
#define PML_DEFINE_MUL(type, isa)                                                                          \
    void pml_mul_##type##_##isa(float *y, size_t stride, const void *weights, const struct pml_columns *x, \
                                size_t first, size_t end)                                                  \
    {                                                                                                      \
        pml_mul_packed(&pml_format_##type, y, stride, weights, x, first, end);                             \
    }

/* Where a quant's bits are in a block: the byte of a part and the shift. */
struct pml_place {
    size_t byte;
    unsigned shift;
};

static inline size_t pml_in_plane(size_t row, size_t e)
{
    return row * 4 + e % 4;
}

static inline struct pml_place pml_nibble_place(const struct pml_format *f, size_t row, size_t e)
{
    size_t s = e / 32, k = e % 32 / 4;
    if (f->inputs == 32)
        return (struct pml_place){ f->nibbles + k % 4 * PML_PLANE + pml_in_plane(row, e), 4 * (unsigned)(k / 4) };
    return (struct pml_place){ f->nibbles + (s / 2 * 8 + k) * PML_PLANE + pml_in_plane(row, e), 4 * (unsigned)(s % 2) };
}

static inline struct pml_place pml_pair_place(const struct pml_format *f, size_t row, size_t e)
{
    size_t s = e / 32, k = e % 32 / 4;
    return (struct pml_place){ f->pairs + (s / 4 * 8 + k) * PML_PLANE + pml_in_plane(row, e), 2 * (unsigned)(s % 4) };
}

static inline struct pml_place pml_bit_place(const struct pml_format *f, size_t row, size_t e)
{
    size_t s = e / 32, k = e % 32 / 4;
    if (f->inputs == 32)
        return (struct pml_place){ f->bits + pml_in_plane(row, e), (unsigned)k };
    return (struct pml_place){ f->bits + k * PML_PLANE + pml_in_plane(row, e), (unsigned)s };
}

/* Element E of a row as the integer of spec §5.3. */
static inline int32_t pml_packed_quant(const struct pml_format *f, const uint8_t *block, size_t row, size_t e)
{
    unsigned q = 0;
    if (f->nibbles) {
        struct pml_place p = pml_nibble_place(f, row, e);
        q = block[p.byte] >> p.shift & 15u;
    }
    if (f->pairs) {
        struct pml_place p = pml_pair_place(f, row, e);
        q |= (block[p.byte] >> p.shift & 3u) << (f->nibbles ? 4 : 0);
    }
    if (f->bits) {
        struct pml_place p = pml_bit_place(f, row, e);
        q |= (block[p.byte] >> p.shift & 1u) << (f->nibbles ? 4 : 2);
    }
    return f->table ? pml_iq4_values[q] : (int32_t)q - f->offset;
}

/* The byte of a scale or minimum for element E; AT: scales or mins. */
static inline size_t pml_packed_scale_byte(const struct pml_format *f, size_t at, size_t row, size_t e)
{
    return f->shared == 16 ? at + (e / 32 * PML_LANES + row) * 2 + e % 32 / 16 : at + e / 32 * PML_LANES + row;
}

static inline int32_t pml_packed_scale(const struct pml_format *f, const uint8_t *block, size_t row, size_t e)
{
    uint8_t byte = block[pml_packed_scale_byte(f, f->scales, row, e)];
    return f->scales == f->mins ? byte & 15 : (int8_t)byte;
}

static inline int32_t pml_packed_min(const struct pml_format *f, const uint8_t *block, size_t row, size_t e)
{
    uint8_t byte = block[pml_packed_scale_byte(f, f->mins, row, e)];
    return f->scales == f->mins ? byte >> 4 : byte;
}

/* d (AT 0) or the minimum (AT f->minimum). */
static inline uint16_t pml_packed_half(const uint8_t *block, size_t at, size_t row)
{
    uint16_t half;
    memcpy(&half, block + at + row * sizeof half, sizeof half);
    return half;
}

#endif
