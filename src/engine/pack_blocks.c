/* SPDX-License-Identifier: MIT */
/*
 * Packing of the types below eight bits. A block of the file is taken apart by the formulas of spec engine §2 into
 * scales and unsigned quants, which is all that differs between types; formats.h says where they go.
 */
#include "engine/pack_blocks.h"

#include <string.h>

#include "engine/kernels/formats.h"
#include "engine/math.h"
#include "engine/tensor_type.h"

/* One block of one row. */
struct parts {
    uint16_t d, minimum;        /* binary16 */
    uint8_t scale[16], min[16]; /* of runs of 16 or 32; signed as the type has them */
    uint8_t q[256];             /* in the order of the inputs */
};

static uint16_t half_at(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

/* 32 nibbles, the first 16 in low halves; QH: fifth bits, or NULL. */
static void split32(uint8_t q[32], const uint8_t *qs, const uint8_t *qh)
{
    for (size_t j = 0; j < 16; j++) {
        q[j] = qs[j] & 15;
        q[j + 16] = qs[j] >> 4;
    }
    for (size_t e = 0; qh && e < 32; e++)
        q[e] = (uint8_t)(q[e] | (qh[e / 8] >> e % 8 & 1) << 4);
}

static void split_q4_0(struct parts *p, const uint8_t *block)
{
    p->d = half_at(block);
    split32(p->q, block + 2, NULL);
}

static void split_q4_1(struct parts *p, const uint8_t *block)
{
    p->d = half_at(block);
    p->minimum = half_at(block + 2);
    split32(p->q, block + 4, NULL);
}

static void split_q5_0(struct parts *p, const uint8_t *block)
{
    p->d = half_at(block);
    split32(p->q, block + 6, block + 2);
}

static void split_q5_1(struct parts *p, const uint8_t *block)
{
    p->d = half_at(block);
    p->minimum = half_at(block + 2);
    split32(p->q, block + 8, block + 4);
}

/* Two bits of each element of Q2_K and Q3_K. */
static unsigned two_bits(const uint8_t *qs, size_t e)
{
    size_t n = e / 128, j = e % 128 / 32;
    return qs[32 * n + e % 32] >> 2 * j & 3u;
}

static void split_q2_k(struct parts *p, const uint8_t *block)
{
    p->d = half_at(block + 80);
    p->minimum = half_at(block + 82);
    for (size_t i = 0; i < 16; i++) {
        p->scale[i] = block[i] & 15;
        p->min[i] = block[i] >> 4;
    }
    for (size_t e = 0; e < 256; e++)
        p->q[e] = (uint8_t)two_bits(block + 16, e);
}

static void split_q3_k(struct parts *p, const uint8_t *block)
{
    const uint8_t *mask = block, *scales = block + 96;
    p->d = half_at(block + 108);
    for (size_t i = 0; i < 16; i++) {
        int low = i < 8 ? scales[i] & 15 : scales[i - 8] >> 4, top = scales[8 + i % 4] >> 2 * (i / 4) & 3;
        p->scale[i] = (uint8_t)((low | top << 4) - 32);
    }
    for (size_t e = 0; e < 256; e++)
        p->q[e] = (uint8_t)(two_bits(block + 32, e) | (mask[e % 32] >> e / 32 & 1u) << 2);
}

/* The eight pairs of six bits of Q4_K and Q5_K. */
static void split_scales(struct parts *p, const uint8_t *q)
{
    for (size_t s = 0; s < 4; s++) {
        p->scale[s] = q[s] & 63;
        p->min[s] = q[s + 4] & 63;
        p->scale[s + 4] = (uint8_t)((q[s + 8] & 15) | q[s] >> 6 << 4);
        p->min[s + 4] = (uint8_t)(q[s + 8] >> 4 | q[s + 4] >> 6 << 4);
    }
}

static unsigned nibble(const uint8_t *qs, size_t e)
{
    return qs[e / 64 * 32 + e % 32] >> (e % 64 / 32 ? 4 : 0) & 15u;
}

static void split_q4_k(struct parts *p, const uint8_t *block)
{
    p->d = half_at(block);
    p->minimum = half_at(block + 2);
    split_scales(p, block + 4);
    for (size_t e = 0; e < 256; e++)
        p->q[e] = (uint8_t)nibble(block + 16, e);
}

static void split_q5_k(struct parts *p, const uint8_t *block)
{
    p->d = half_at(block);
    p->minimum = half_at(block + 2);
    split_scales(p, block + 4);
    for (size_t e = 0; e < 256; e++)
        p->q[e] = (uint8_t)(nibble(block + 48, e) | (block[16 + e % 32] >> e / 32 & 1u) << 4);
}

static void split_q6_k(struct parts *p, const uint8_t *block)
{
    p->d = half_at(block + 208);
    memcpy(p->scale, block + 192, sizeof p->scale);
    for (size_t e = 0; e < 256; e++) {
        size_t n = e / 128, c = e % 128 / 32, l = e % 32;
        unsigned low = block[64 * n + 32 * (c % 2) + l] >> (c < 2 ? 0 : 4) & 15u;
        p->q[e] = (uint8_t)(low | (block[128 + 32 * n + l] >> 2 * c & 3u) << 4);
    }
}

static void split_iq4_xs(struct parts *p, const uint8_t *block)
{
    unsigned high = half_at(block + 2);
    p->d = half_at(block);
    for (size_t b = 0; b < 8; b++) {
        int low = block[4 + b / 2] >> 4 * (b % 2) & 15, top = (int)(high >> 2 * b & 3u);
        p->scale[b] = (uint8_t)((low | top << 4) - 32);
        split32(p->q + 32 * b, block + 8 + 16 * b, NULL);
    }
}

/* Places one row's block; the group was zero before. */
static void place(const struct pml_format *f, uint8_t *block, size_t row, const struct parts *p)
{
    memcpy(block + row * sizeof p->d, &p->d, sizeof p->d);
    if (f->minimum)
        memcpy(block + f->minimum + row * sizeof p->minimum, &p->minimum, sizeof p->minimum);
    for (size_t e = 0; f->scales && e < f->inputs; e += f->shared) {
        size_t i = e / f->shared;
        block[pml_packed_scale_byte(f, f->scales, row, e)] = p->scale[i];
        if (f->mins == f->scales)
            block[pml_packed_scale_byte(f, f->scales, row, e)] |= (uint8_t)(p->min[i] << 4);
        else if (f->mins)
            block[pml_packed_scale_byte(f, f->mins, row, e)] = p->min[i];
    }
    for (size_t e = 0; e < f->inputs; e++) {
        unsigned q = p->q[e];
        struct pml_place at;
        if (f->nibbles) {
            at = pml_nibble_place(f, row, e);
            block[at.byte] |= (uint8_t)((q & 15) << at.shift);
            q >>= 4;
        }
        if (f->pairs) {
            at = pml_pair_place(f, row, e);
            block[at.byte] |= (uint8_t)((q & 3) << at.shift);
            q >>= 2;
        }
        if (f->bits) {
            at = pml_bit_place(f, row, e);
            block[at.byte] |= (uint8_t)((q & 1) << at.shift);
        }
    }
}

static inline __attribute__((always_inline)) void pack(const struct pml_format *f,
                                                       void (*split)(struct parts *, const uint8_t *),
                                                       size_t block_size, void *group, const uint8_t *rows,
                                                       size_t row_size, size_t row_count, size_t inputs)
{
    size_t blocks = inputs / f->inputs;
    struct parts p = { 0 };
    memset(group, 0, blocks * f->size);
    for (size_t r = 0; r < row_count; r++) {
        for (size_t b = 0; b < blocks; b++) {
            split(&p, rows + r * row_size + b * block_size);
            place(f, (uint8_t *)group + b * f->size, r, &p);
        }
    }
}

/* d*q + m, or (d*scale)*q - dmin*min: each operation rounded. */
static void unpack(const struct pml_format *f, float *out, const uint8_t *block, size_t lane, size_t inputs)
{
    for (size_t k = 0; k < inputs; k++) {
        size_t e = k % f->inputs;
        if (k > 0 && e == 0)
            block += f->size;
        float d = pml_f16_to_f32(pml_packed_half(block, 0, lane)), q = (float)pml_packed_quant(f, block, lane, e);
        float minimum = f->minimum ? pml_f16_to_f32(pml_packed_half(block, f->minimum, lane)) : 0.0f;
        float y = f->scales ? d * (float)pml_packed_scale(f, block, lane, e) * q : d * q;
        if (f->minimum)
            y = f->scales ? y - minimum * (float)pml_packed_min(f, block, lane, e) : y + minimum;
        out[k] = y;
    }
}

#define PACKING(type, id, split)                                                                                    \
    size_t pml_group_size_##type(size_t inputs)                                                                     \
    {                                                                                                               \
        return inputs / pml_format_##type.inputs * pml_format_##type.size;                                          \
    }                                                                                                               \
    void pml_pack_##type(void *group, const uint8_t *rows, size_t row_size, size_t row_count, size_t inputs)        \
    {                                                                                                               \
        pack(&pml_format_##type, split, pml_tensor_type(id)->block_size, group, rows, row_size, row_count, inputs); \
    }                                                                                                               \
    void pml_unpack_##type(float *out, const void *group, size_t lane, size_t inputs)                               \
    {                                                                                                               \
        unpack(&pml_format_##type, out, group, lane, inputs);                                                       \
    }

PACKING(q4_0, PML_TYPE_Q4_0, split_q4_0)
PACKING(q4_1, PML_TYPE_Q4_1, split_q4_1)
PACKING(q5_0, PML_TYPE_Q5_0, split_q5_0)
PACKING(q5_1, PML_TYPE_Q5_1, split_q5_1)
PACKING(iq4_nl, PML_TYPE_IQ4_NL, split_q4_0)
PACKING(q2_k, PML_TYPE_Q2_K, split_q2_k)
PACKING(q3_k, PML_TYPE_Q3_K, split_q3_k)
PACKING(q4_k, PML_TYPE_Q4_K, split_q4_k)
PACKING(q5_k, PML_TYPE_Q5_K, split_q5_k)
PACKING(q6_k, PML_TYPE_Q6_K, split_q6_k)
PACKING(iq4_xs, PML_TYPE_IQ4_XS, split_iq4_xs)
