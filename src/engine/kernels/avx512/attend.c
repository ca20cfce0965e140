/* SPDX-License-Identifier: MIT */
/*
 * Attention, four queries at a time. A tile of keys is [size][16]: the lanes of a vector are positions, so the 16 sums
 * that make a score live in 16 vectors and their reduction by halves is plain vector addition.
 */
#include "engine/kernels/tables.h"

#include <immintrin.h>
#include <math.h>

#include "engine/kernels/avx512/exp.h"
#include "engine/math.h"

#define INLINE static inline __attribute__((always_inline))
#define ROWS   4

/* Sums of ROWS queries over 16 positions. */
struct sums {
    __m512 of[ROWS];
};

INLINE struct sums add(const int rows, struct sums a, struct sums b)
{
    for (int r = 0; r < rows; r++)
        a.of[r] = _mm512_add_ps(a.of[r], b.of[r]);
    return a;
}

/* Sums LANE and LANE + 8 of the definition, added. */
INLINE struct sums lane_pair(const int rows, const float *tile, size_t size, const struct pml_attend_row *row,
                             size_t lane)
{
    struct sums a, b;
    for (int r = 0; r < rows; r++)
        a.of[r] = b.of[r] = _mm512_setzero_ps();
    for (size_t i = lane; i < size; i += PML_LANES) {
        __m512 ka = _mm512_loadu_ps(tile + i * PML_LANES), kb = _mm512_loadu_ps(tile + (i + 8) * PML_LANES);
        for (int r = 0; r < rows; r++) {
            a.of[r] = _mm512_fmadd_ps(_mm512_set1_ps(row[r].query[i]), ka, a.of[r]);
            b.of[r] = _mm512_fmadd_ps(_mm512_set1_ps(row[r].query[i + 8]), kb, b.of[r]);
        }
    }
    return add(rows, a, b);
}

INLINE struct sums lane_four(const int rows, const float *tile, size_t size, const struct pml_attend_row *row,
                             size_t lane)
{
    return add(rows, lane_pair(rows, tile, size, row, lane), lane_pair(rows, tile, size, row, lane + 4));
}

INLINE struct sums lane_eight(const int rows, const float *tile, size_t size, const struct pml_attend_row *row,
                              size_t lane)
{
    return add(rows, lane_four(rows, tile, size, row, lane), lane_four(rows, tile, size, row, lane + 2));
}

/* p[row][position] of the chunk's first TILES tiles. */
INLINE void scores(const int rows, const struct pml_attend_chunk *chunk, const struct pml_attend_row *row, size_t tiles,
                   float p[ROWS][PML_CHUNK])
{
    __m512 scale = _mm512_set1_ps(chunk->scale);
    for (size_t t = 0; t < tiles; t++) {
        const float *tile = chunk->keys + t * chunk->size * PML_LANES;
        struct sums s =
            add(rows, lane_eight(rows, tile, chunk->size, row, 0), lane_eight(rows, tile, chunk->size, row, 1));
        for (int r = 0; r < rows; r++)
            _mm512_storeu_ps(&p[r][t * PML_LANES], _mm512_mul_ps(s.of[r], scale));
    }
}

/* Turns scores into exp(score - max) with zeros up to the end of the tile. Returns their sum. */
static float softmax(float p[PML_CHUNK], size_t visible, float *max)
{
    size_t padded = (visible + PML_LANES - 1) / PML_LANES * PML_LANES;
    for (size_t t = visible; t < padded; t++)
        p[t] = -INFINITY;
    __m512 most = _mm512_set1_ps(-INFINITY);
    for (size_t t = 0; t < padded; t += PML_LANES)
        most = _mm512_max_ps(_mm512_loadu_ps(&p[t]), most); /* a NaN yields to the second operand */
    float lanes[PML_LANES];
    _mm512_storeu_ps(lanes, most);
    *max = -INFINITY;
    for (int i = 0; i < PML_LANES; i++)
        *max = lanes[i] > *max ? lanes[i] : *max;

    __m512 shift = _mm512_set1_ps(*max), sum = _mm512_setzero_ps();
    for (size_t t = 0; t < padded; t += PML_LANES) {
        __m512 e = exp16(_mm512_sub_ps(_mm512_loadu_ps(&p[t]), shift));
        _mm512_storeu_ps(&p[t], e);
        sum = _mm512_add_ps(sum, e);
    }
    _mm512_storeu_ps(lanes, sum);
    return pml_sum_lanes(lanes);
}

/* What a chunk adds to a row: out = fma(here, o, out * before). */
struct merge {
    float before, here;
};

static struct merge merge_sums(struct pml_attend_row *row, float max, float sum)
{
    float both = max > row->max ? max : row->max;
    struct merge m = { pml_expf(row->max - both), pml_expf(max - both) };
    row->sum = fmaf(m.here, sum, row->sum * m.before);
    row->max = both;
    return m;
}

/* 16 times VECTORS elements of one row's output, from element I on: values weighted by p, merged into the row. */
INLINE void weigh(const int vectors, const struct pml_attend_chunk *chunk, struct pml_attend_row *row, const float *p,
                  struct merge merge, size_t i)
{
    __m512 o[4];
    for (int v = 0; v < vectors; v++)
        o[v] = _mm512_setzero_ps();
    for (size_t t = 0; t < row->visible; t++) {
        const float *value = chunk->values + t * chunk->size + i;
        __m512 by = _mm512_set1_ps(p[t]);
        for (int v = 0; v < vectors; v++)
            o[v] = _mm512_fmadd_ps(by, _mm512_loadu_ps(value + 16 * v), o[v]);
    }
    __m512 before = _mm512_set1_ps(merge.before), here = _mm512_set1_ps(merge.here);
    for (int v = 0; v < vectors; v++) {
        float *out = &row->out[i + 16 * (size_t)v];
        _mm512_storeu_ps(out, _mm512_fmadd_ps(here, o[v], _mm512_mul_ps(_mm512_loadu_ps(out), before)));
    }
}

INLINE void attend(const int rows, const struct pml_attend_chunk *chunk, struct pml_attend_row *row)
{
    float p[ROWS][PML_CHUNK];
    size_t most = 0;
    for (int r = 0; r < rows; r++)
        most = row[r].visible > most ? row[r].visible : most;
    scores(rows, chunk, row, (most + PML_LANES - 1) / PML_LANES, p);
    for (int r = 0; r < rows; r++) {
        float max, sum = softmax(p[r], row[r].visible, &max);
        struct merge merge = merge_sums(&row[r], max, sum);
        size_t i = 0;
        for (; i + 64 <= chunk->size; i += 64)
            weigh(4, chunk, &row[r], p[r], merge, i);
        for (; i < chunk->size; i += 16)
            weigh(1, chunk, &row[r], p[r], merge, i);
    }
}

void pml_attend_avx512(const struct pml_attend_chunk *chunk, struct pml_attend_row *rows, size_t count)
{
    size_t r = 0;
    for (; r + ROWS <= count; r += ROWS)
        attend(ROWS, chunk, &rows[r]);
    for (; r < count; r++)
        attend(1, chunk, &rows[r]);
}
