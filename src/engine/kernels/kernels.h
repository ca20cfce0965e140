/* SPDX-License-Identifier: MIT */
/*
 * The inner loops, once for each instruction set. kernels/scalar is the definition, written to be read against spec
 * engine §5; the other directories are faster spellings of the same bits. Kernels know no threads: the caller splits
 * groups, columns and rows as it likes.
 *
 * Weights are packed in groups of 16 rows (the lanes of a product are rows, so no sum runs across lanes and one column
 * or a hundred have the same definition); pack.h makes the groups.
 */
#ifndef PML_ENGINE_KERNELS_H
#define PML_ENGINE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/model.h"
#include "engine/tensor_type.h"

#define PML_LANES       16  /* rows of a group, positions of a key tile, lanes of every float sum */
#define PML_CHUNK       256 /* key positions that attention takes at once, aligned to absolute positions */
#define PML_FLOAT_BLOCK 64  /* inputs whose products form one chain (spec engine §5.4) */

/* A group of Q8_0, for each block of 32 inputs: element 4k+i of row r is q[k][r][i] - 128, scales are binary16. */
struct pml_q8_0_block {
    uint8_t q[8][PML_LANES][4];
    uint16_t d[PML_LANES];
};
/* A group of F32, F16 or BF16 is [inputs][PML_LANES] values of the type. */
/* Groups of the other types: formats.h. */

/* The right-hand side of a product: COUNT columns of SIZE elements. */
struct pml_columns {
    size_t count, size;
    const float *x; /* [count][stride]: read by the F types */
    size_t stride;
    /* The same in blocks of 32 (A32, spec §5.2), read by types with such blocks: x = d * q, s = sum of q */
    const int8_t *q;  /* [count][size], never -128 */
    const float *d;   /* [count][size / 32] */
    const int32_t *s; /* [count][size / 32] */
    /* And in blocks of 256 (A256), read by K types and IQ4_XS; sums are those of 16. */
    const int8_t *q256;  /* [count][size], never -128 */
    const float *d256;   /* [count][size / 256] */
    const int16_t *s256; /* [count][size / 16] */
};

/* y[column][stride], elements 16*FIRST up to 16*END of each column: the product of these groups of WEIGHTS, a whole
 * packed matrix with x.size inputs. */
typedef void pml_mul(float *y, size_t stride, const void *weights, const struct pml_columns *x, size_t first,
                     size_t end);

/* One chunk of the cache of one key/value head, widened to f32. */
struct pml_attend_chunk {
    const float *keys;   /* [PML_CHUNK / PML_LANES][size][PML_LANES] */
    const float *values; /* [PML_CHUNK][size] */
    size_t size;         /* of a head, zero-extended to a multiple of PML_LANES */
    float scale;         /* of scores */
};

/* One query on its way through the chunks: start with max = -infinity, sum = 0, out all 0; the result is out / sum. */
struct pml_attend_row {
    const float *query; /* [size] */
    uint32_t visible;   /* leading positions of the chunk that it sees, 1 to PML_CHUNK */
    float max, sum;
    float *out; /* [size] */
};

struct pml_kernels {
    const char *name;
    enum pml_simd simd;
    /* Indexed by enum pml_tensor_type; NULL: not supported. */
    pml_mul *mul[PML_TYPE_BF16 + 1];
    /* A32 of x[n], n a multiple of 32. False if an element is not finite; the outputs are then zero. */
    bool (*quantize)(int8_t *q, float *d, int32_t *s, const float *x, size_t n);
    /* A256 of x[n], n a multiple of 256; S: sums of 16. */
    bool (*quantize256)(int8_t *q, float *d, int16_t *s, const float *x, size_t n);
    /* y[n] = x * 1/sqrt(mean(x^2) + epsilon) * w, squares rounded before they are added; y may be x. */
    void (*rms)(float *y, const float *x, const float *w, size_t n, float epsilon);
    /* y[n] = silu(gate) * up; y may be either. */
    void (*silu_gate)(float *y, const float *gate, const float *up, size_t n);
    /* y[n] = exp(x - shift); y may be x. */
    void (*exp_shifted)(float *y, const float *x, float shift, size_t n);
    void (*widen_f16)(float *y, const uint16_t *x, size_t n);
    /* Takes COUNT rows one chunk further. */
    void (*attend)(const struct pml_attend_chunk *chunk, struct pml_attend_row *rows, size_t count);
};

/* The kernels of an instruction set; AUTO: the best that the CPU has. NULL: the CPU or the build does not have it. */
const struct pml_kernels *pml_kernels(enum pml_simd simd);

/* Sum of 16 lanes by halves: l += l+8, then 4, 2, 1. */
static inline float pml_sum_lanes(float lanes[PML_LANES])
{
    for (size_t half = PML_LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    return lanes[0];
}

#endif
