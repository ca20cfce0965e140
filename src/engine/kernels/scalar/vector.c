/* SPDX-License-Identifier: MIT */
/* Definition of the operations on vectors and of attention (spec engine §5.5). */
#include "engine/kernels/tables.h"

#include <math.h>

#include "engine/math.h"

void pml_rms_scalar(float *y, const float *x, const float *w, size_t n, float epsilon)
{
    float lanes[PML_LANES] = { 0 };
    for (size_t i = 0; i < n; i++)
        lanes[i % PML_LANES] += x[i] * x[i];
    float mean = pml_sum_lanes(lanes) / (float)n;
    float inverse = 1.0f / sqrtf(mean + epsilon);
    for (size_t i = 0; i < n; i++)
        y[i] = (x[i] * inverse) * w[i];
}

void pml_silu_gate_scalar(float *y, const float *gate, const float *up, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = pml_siluf(gate[i]) * up[i];
}

void pml_exp_shifted_scalar(float *y, const float *x, float shift, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = pml_expf(x[i] - shift);
}

void pml_widen_f16_scalar(float *y, const uint16_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = pml_f16_to_f32(x[i]);
}

static float score(const struct pml_attend_chunk *chunk, const float *query, size_t position)
{
    const float *tile = chunk->keys + position / PML_LANES * chunk->size * PML_LANES;
    float lanes[PML_LANES] = { 0 };
    for (size_t i = 0; i < chunk->size; i++)
        lanes[i % PML_LANES] = fmaf(query[i], tile[i * PML_LANES + position % PML_LANES], lanes[i % PML_LANES]);
    return pml_sum_lanes(lanes) * chunk->scale;
}

static void attend_row(const struct pml_attend_chunk *chunk, struct pml_attend_row *row)
{
    float p[PML_CHUNK], max = -INFINITY, lanes[PML_LANES] = { 0 };
    for (size_t t = 0; t < row->visible; t++) {
        p[t] = score(chunk, row->query, t);
        max = p[t] > max ? p[t] : max;
    }
    for (size_t t = 0; t < row->visible; t++) {
        p[t] = pml_expf(p[t] - max);
        lanes[t % PML_LANES] += p[t];
    }
    float sum = pml_sum_lanes(lanes);

    float both = max > row->max ? max : row->max;
    float before = pml_expf(row->max - both), here = pml_expf(max - both);
    for (size_t i = 0; i < chunk->size; i++) {
        float o = 0.0f;
        for (size_t t = 0; t < row->visible; t++)
            o = fmaf(p[t], chunk->values[t * chunk->size + i], o);
        row->out[i] = fmaf(here, o, row->out[i] * before);
    }
    row->sum = fmaf(here, sum, row->sum * before);
    row->max = both;
}

void pml_attend_scalar(const struct pml_attend_chunk *chunk, struct pml_attend_row *rows, size_t count)
{
    for (size_t r = 0; r < count; r++)
        attend_row(chunk, &rows[r]);
}

const struct pml_kernels pml_kernels_scalar = PML_KERNELS(scalar, PML_SIMD_SCALAR);
