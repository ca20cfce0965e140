/* SPDX-License-Identifier: MIT */
/*
 * Attention, two queries at a time. A tile of keys is [size][16]: the lanes of a vector are positions, so the 16 sums
 * that make a score live in 16 vectors and their reduction by halves is plain vector addition.
 */
#include "engine/kernels/tables.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "engine/kernels/avx2/exp.h"
#include "engine/math.h"

#define INLINE static inline __attribute__((always_inline))

/* Sums of ROWS queries over 16 positions. */
struct sums {
    __m256 of[2][2];
};

INLINE struct sums add(const int rows, struct sums a, struct sums b)
{
    for (int r = 0; r < rows; r++) {
        a.of[r][0] = _mm256_add_ps(a.of[r][0], b.of[r][0]);
        a.of[r][1] = _mm256_add_ps(a.of[r][1], b.of[r][1]);
    }
    return a;
}

/* Sums LANE and LANE + 8 of the definition, added. */
INLINE struct sums lane_pair(const int rows, const float *tile, size_t size, const float *const query[2], size_t lane)
{
    struct sums a, b;
    for (int r = 0; r < rows; r++)
        a.of[r][0] = a.of[r][1] = b.of[r][0] = b.of[r][1] = _mm256_setzero_ps();
    for (size_t i = lane; i < size; i += PML_LANES) {
        const float *k = tile + i * PML_LANES;
        for (int r = 0; r < rows; r++) {
            __m256 qa = _mm256_broadcast_ss(&query[r][i]), qb = _mm256_broadcast_ss(&query[r][i + 8]);
            a.of[r][0] = _mm256_fmadd_ps(qa, _mm256_loadu_ps(k), a.of[r][0]);
            a.of[r][1] = _mm256_fmadd_ps(qa, _mm256_loadu_ps(k + 8), a.of[r][1]);
            b.of[r][0] = _mm256_fmadd_ps(qb, _mm256_loadu_ps(k + 8 * PML_LANES), b.of[r][0]);
            b.of[r][1] = _mm256_fmadd_ps(qb, _mm256_loadu_ps(k + 8 * PML_LANES + 8), b.of[r][1]);
        }
    }
    return add(rows, a, b);
}

INLINE struct sums lane_four(const int rows, const float *tile, size_t size, const float *const query[2], size_t lane)
{
    return add(rows, lane_pair(rows, tile, size, query, lane), lane_pair(rows, tile, size, query, lane + 4));
}

INLINE struct sums lane_eight(const int rows, const float *tile, size_t size, const float *const query[2], size_t lane)
{
    return add(rows, lane_four(rows, tile, size, query, lane), lane_four(rows, tile, size, query, lane + 2));
}

/* p[row][position] of the chunk's first TILES tiles. */
INLINE void scores(const int rows, const struct pml_attend_chunk *chunk, const float *const query[2], size_t tiles,
                   float p[2][PML_CHUNK])
{
    __m256 scale = _mm256_set1_ps(chunk->scale);
    for (size_t t = 0; t < tiles; t++) {
        const float *tile = chunk->keys + t * chunk->size * PML_LANES;
        struct sums s =
            add(rows, lane_eight(rows, tile, chunk->size, query, 0), lane_eight(rows, tile, chunk->size, query, 1));
        for (int r = 0; r < rows; r++) {
            _mm256_storeu_ps(&p[r][t * PML_LANES], _mm256_mul_ps(s.of[r][0], scale));
            _mm256_storeu_ps(&p[r][t * PML_LANES + 8], _mm256_mul_ps(s.of[r][1], scale));
        }
    }
}

/* Turns scores into exp(score - max) with zeros up to the end of the tile. Returns their sum. */
static float softmax(float p[PML_CHUNK], size_t visible, float *max)
{
    size_t padded = (visible + PML_LANES - 1) / PML_LANES * PML_LANES;
    for (size_t t = visible; t < padded; t++)
        p[t] = -INFINITY;
    __m256 most = _mm256_set1_ps(-INFINITY);
    for (size_t t = 0; t < padded; t += 8)
        most = _mm256_max_ps(_mm256_loadu_ps(&p[t]), most); /* a NaN yields to the second operand */
    float lanes[PML_LANES];
    _mm256_storeu_ps(lanes, most);
    *max = -INFINITY;
    for (int i = 0; i < 8; i++)
        *max = lanes[i] > *max ? lanes[i] : *max;

    __m256 shift = _mm256_set1_ps(*max), low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
    for (size_t t = 0; t < padded; t += PML_LANES) {
        __m256 a = exp8(_mm256_sub_ps(_mm256_loadu_ps(&p[t]), shift));
        __m256 b = exp8(_mm256_sub_ps(_mm256_loadu_ps(&p[t + 8]), shift));
        _mm256_storeu_ps(&p[t], a);
        _mm256_storeu_ps(&p[t + 8], b);
        low = _mm256_add_ps(low, a);
        high = _mm256_add_ps(high, b);
    }
    _mm256_storeu_ps(lanes, low);
    _mm256_storeu_ps(lanes + 8, high);
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

/* Eight times VECTORS elements of the outputs, from element I on: values weighted by p, merged into the rows. The
 * positions that both rows see come first, then those of the row that sees more. */
INLINE void weigh(const int rows, const int vectors, const struct pml_attend_chunk *chunk, struct pml_attend_row *row,
                  float p[2][PML_CHUNK], const struct merge *merge, size_t i)
{
    __m256 o[2][4];
    size_t shared = rows == 2 && row[1].visible < row[0].visible ? row[1].visible : row[0].visible;
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++)
            o[r][v] = _mm256_setzero_ps();
    for (size_t t = 0; t < shared; t++) {
        const float *value = chunk->values + t * chunk->size + i;
        for (int r = 0; r < rows; r++) {
            __m256 by = _mm256_broadcast_ss(&p[r][t]);
            for (int v = 0; v < vectors; v++)
                o[r][v] = _mm256_fmadd_ps(by, _mm256_loadu_ps(value + 8 * v), o[r][v]);
        }
    }
    for (int r = 0; r < rows; r++) {
        for (size_t t = shared; t < row[r].visible; t++) {
            const float *value = chunk->values + t * chunk->size + i;
            __m256 by = _mm256_broadcast_ss(&p[r][t]);
            for (int v = 0; v < vectors; v++)
                o[r][v] = _mm256_fmadd_ps(by, _mm256_loadu_ps(value + 8 * v), o[r][v]);
        }
        __m256 before = _mm256_set1_ps(merge[r].before), here = _mm256_set1_ps(merge[r].here);
        for (int v = 0; v < vectors; v++) {
            float *out = &row[r].out[i + 8 * (size_t)v];
            _mm256_storeu_ps(out, _mm256_fmadd_ps(here, o[r][v], _mm256_mul_ps(_mm256_loadu_ps(out), before)));
        }
    }
}

INLINE void attend(const int rows, const struct pml_attend_chunk *chunk, struct pml_attend_row *row)
{
    float p[2][PML_CHUNK];
    const float *const query[2] = { row[0].query, row[rows - 1].query };
    size_t most = row[rows - 1].visible > row[0].visible ? row[rows - 1].visible : row[0].visible;
    scores(rows, chunk, query, (most + PML_LANES - 1) / PML_LANES, p);
    struct merge merge[2];
    for (int r = 0; r < rows; r++) {
        float max, sum = softmax(p[r], row[r].visible, &max);
        merge[r] = merge_sums(&row[r], max, sum);
    }
    size_t i = 0;
    for (; i + 32 <= chunk->size; i += 32)
        weigh(rows, 4, chunk, row, p, merge, i);
    for (; i < chunk->size; i += 16)
        weigh(rows, 2, chunk, row, p, merge, i);
}

void pml_attend_avx2(const struct pml_attend_chunk *chunk, struct pml_attend_row *rows, size_t count)
{
    size_t r = 0;
    for (; r + 2 <= count; r += 2)
        attend(2, chunk, &rows[r]);
    if (r < count)
        attend(1, chunk, &rows[r]);
}
