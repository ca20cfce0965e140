/* SPDX-License-Identifier: MIT */
/* Packing of F32, F16, BF16 and Q8_0 weights, and the table of all packings. */
#include "engine/pack.h"

#include <string.h>

#include "base/memory.h"
#include "engine/kernels/kernels.h"
#include "engine/math.h"
#include "engine/pack_blocks.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "weights are used in the byte order of the file, little-endian"
#endif

static size_t wide_group(size_t inputs)
{
    return inputs * PML_LANES * sizeof(float);
}

static size_t half_group(size_t inputs)
{
    return inputs * PML_LANES * sizeof(uint16_t);
}

static void pack_wide(void *group, const uint8_t *rows, size_t row_size, size_t row_count, size_t inputs)
{
    uint32_t *out = group;
    memset(group, 0, row_count < PML_LANES ? wide_group(inputs) : 0);
    for (size_t r = 0; r < row_count; r++)
        for (size_t k = 0; k < inputs; k++)
            memcpy(&out[k * PML_LANES + r], rows + r * row_size + k * sizeof *out, sizeof *out);
}

static void pack_half(void *group, const uint8_t *rows, size_t row_size, size_t row_count, size_t inputs)
{
    uint16_t *out = group;
    memset(group, 0, row_count < PML_LANES ? half_group(inputs) : 0);
    for (size_t r = 0; r < row_count; r++)
        for (size_t k = 0; k < inputs; k++)
            memcpy(&out[k * PML_LANES + r], rows + r * row_size + k * sizeof *out, sizeof *out);
}

static void unpack_f32(float *out, const void *group, size_t lane, size_t inputs)
{
    for (size_t k = 0; k < inputs; k++)
        out[k] = ((const float *)group)[k * PML_LANES + lane];
}

static void unpack_f16(float *out, const void *group, size_t lane, size_t inputs)
{
    for (size_t k = 0; k < inputs; k++)
        out[k] = pml_f16_to_f32(((const uint16_t *)group)[k * PML_LANES + lane]);
}

static void unpack_bf16(float *out, const void *group, size_t lane, size_t inputs)
{
    for (size_t k = 0; k < inputs; k++)
        out[k] = pml_bf16_to_f32(((const uint16_t *)group)[k * PML_LANES + lane]);
}

static size_t q8_0_group(size_t inputs)
{
    return inputs / 32 * sizeof(struct pml_q8_0_block);
}

/* A block in the file: scale, then 32 signed bytes. Stored with the sign bit flipped, which adds 128. */
static void pack_q8_0(void *group, const uint8_t *rows, size_t row_size, size_t row_count, size_t inputs)
{
    struct pml_q8_0_block *out = group;
    for (size_t b = 0; b < inputs / 32; b++) {
        if (row_count < PML_LANES) {
            memset(out[b].q, 0x80, sizeof out[b].q);
            memset(out[b].d, 0, sizeof out[b].d);
        }
        for (size_t r = 0; r < row_count; r++) {
            const uint8_t *block = rows + r * row_size + b * 34;
            memcpy(&out[b].d[r], block, 2);
            for (size_t k = 0; k < 8; k++) {
                uint32_t four;
                memcpy(&four, block + 2 + 4 * k, sizeof four);
                four ^= 0x80808080u;
                memcpy(out[b].q[k][r], &four, sizeof four);
            }
        }
    }
}

static void unpack_q8_0(float *out, const void *group, size_t lane, size_t inputs)
{
    const struct pml_q8_0_block *block = group;
    for (size_t k = 0; k < inputs; k++) {
        const struct pml_q8_0_block *b = &block[k / 32];
        out[k] = pml_f16_to_f32(b->d[lane]) * (float)((int)b->q[k % 32 / 4][lane][k % 4] - 128);
    }
}

#define PACKED(inputs, type)                                                           \
    {                                                                                  \
        PML_INPUTS_##inputs, pml_group_size_##type, pml_pack_##type, pml_unpack_##type \
    }

static const struct pml_packing packings[] = {
    [PML_TYPE_F32] = { PML_INPUTS_F32, wide_group, pack_wide, unpack_f32 },
    [PML_TYPE_F16] = { PML_INPUTS_F32, half_group, pack_half, unpack_f16 },
    [PML_TYPE_BF16] = { PML_INPUTS_F32, half_group, pack_half, unpack_bf16 },
    [PML_TYPE_Q8_0] = { PML_INPUTS_A32, q8_0_group, pack_q8_0, unpack_q8_0 },
    [PML_TYPE_Q4_0] = PACKED(A32, q4_0),
    [PML_TYPE_Q4_1] = PACKED(A32, q4_1),
    [PML_TYPE_Q5_0] = PACKED(A32, q5_0),
    [PML_TYPE_Q5_1] = PACKED(A32, q5_1),
    [PML_TYPE_IQ4_NL] = PACKED(A32, iq4_nl),
    [PML_TYPE_Q2_K] = PACKED(A256, q2_k),
    [PML_TYPE_Q3_K] = PACKED(A256, q3_k),
    [PML_TYPE_Q4_K] = PACKED(A256, q4_k),
    [PML_TYPE_Q5_K] = PACKED(A256, q5_k),
    [PML_TYPE_Q6_K] = PACKED(A256, q6_k),
    [PML_TYPE_IQ4_XS] = PACKED(A256, iq4_xs),
};

const struct pml_packing *pml_packing(enum pml_tensor_type type)
{
    return (size_t)type < PML_COUNT(packings) && packings[type].pack ? &packings[type] : NULL;
}

size_t pml_matrix_groups(const struct pml_matrix *m)
{
    return (m->rows + PML_LANES - 1) / PML_LANES;
}

void pml_matrix_row(float *out, const struct pml_matrix *m, size_t row)
{
    m->packing->unpack(out, m->groups + row / PML_LANES * m->group_size, row % PML_LANES, m->inputs);
}
