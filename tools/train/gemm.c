/* SPDX-License-Identifier: MIT */
/* Matrix products: packing, tiling and the choice of kernel. The arithmetic is in gemm_{scalar,avx2,avx512}.c. */
#include "gemm.h"

#include <string.h>

/*
 * A task computes a TILE_ROWS x TILE_COLS part of C, DEPTH inner indices at a time: the packed part of A (384 KiB) then
 * stays in the L2 cache while one panel of B (32 KiB) at a time passes through L1. DEPTH is a multiple of GEMM_BLOCK,
 * so that the chains are cut where the definition cuts them.
 */
enum { TILE_ROWS = 384, TILE_COLS = 256, DEPTH = 256, MIN_TILES = 8 };

struct job {
    const struct gemm_kernel *kernel;
    float *c;
    size_t ldc;
    struct gemm_view a, b;
    size_t rows, cols, depth;
    size_t tile_rows, tile_cols; /* extent of one task */
    size_t tiles_down, tiles_across;
};

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* out[panel][depth][WIDTH] from rows of V, the last panel padded with zeros. Inlined so that WIDTH is a constant. */
static inline __attribute__((always_inline)) void pack(float *out, struct gemm_view v, size_t rows, size_t depth,
                                                       size_t width)
{
    for (size_t r = 0; r < rows; r += width, out += depth * width) {
        size_t used = min_size(width, rows - r);
        const float *in = v.data + r * v.row;
        if (used < width)
            memset(out, 0, depth * width * sizeof *out);
        if (v.row == 1 && used == width) {
            for (size_t k = 0; k < depth; k++)
                memcpy(out + k * width, in + k * v.col, width * sizeof *out);
        } else {
            for (size_t k = 0; k < depth; k++)
                for (size_t i = 0; i < used; i++)
                    out[k * width + i] = in[i * v.row + k * v.col];
        }
    }
}

/* One kernel call; a tile that sticks out of C goes through a buffer. */
static void one_tile(const struct job *j, float *c, size_t rows, size_t cols, const float *a, const float *b,
                     size_t depth, bool first)
{
    if (rows == GEMM_ROWS && cols == GEMM_COLS) {
        j->kernel->tile(c, j->ldc, a, b, depth, first);
        return;
    }
    _Alignas(64) float whole[GEMM_ROWS * GEMM_COLS] = { 0 };
    for (size_t i = 0; i < rows && !first; i++)
        memcpy(whole + i * GEMM_COLS, c + i * j->ldc, cols * sizeof *c);
    j->kernel->tile(whole, GEMM_COLS, a, b, depth, first);
    for (size_t i = 0; i < rows; i++)
        memcpy(c + i * j->ldc, whole + i * GEMM_COLS, cols * sizeof *c);
}

static void task(void *arg, size_t index, float *scratch)
{
    const struct job *j = arg;
    size_t row0 = index / j->tiles_across * j->tile_rows, rows = min_size(j->tile_rows, j->rows - row0);
    size_t col0 = index % j->tiles_across * j->tile_cols, cols = min_size(j->tile_cols, j->cols - col0);
    float *a = scratch, *b = scratch + TILE_ROWS * DEPTH;

    for (size_t k0 = 0; k0 < j->depth; k0 += DEPTH) {
        size_t depth = min_size(DEPTH, j->depth - k0);
        struct gemm_view part_a = { j->a.data + row0 * j->a.row + k0 * j->a.col, j->a.row, j->a.col };
        struct gemm_view part_b = { j->b.data + k0 * j->b.row + col0 * j->b.col, j->b.col, j->b.row };
        pack(a, part_a, rows, depth, GEMM_ROWS);
        pack(b, part_b, cols, depth, GEMM_COLS);
        for (size_t n = 0; n < cols; n += GEMM_COLS)
            for (size_t m = 0; m < rows; m += GEMM_ROWS)
                one_tile(j, j->c + (row0 + m) * j->ldc + col0 + n, min_size(GEMM_ROWS, rows - m),
                         min_size(GEMM_COLS, cols - n), a + m * depth, b + n * depth, depth, k0 == 0);
    }
}

static void cut(struct job *j, size_t tile_rows, size_t tile_cols)
{
    j->tile_rows = tile_rows;
    j->tile_cols = tile_cols;
    j->tiles_down = (j->rows + tile_rows - 1) / tile_rows;
    j->tiles_across = (j->cols + tile_cols - 1) / tile_cols;
}

static struct job make_job(const struct gemm_kernel *kernel, float *c, size_t ldc, struct gemm_view a,
                           struct gemm_view b, size_t rows, size_t cols, size_t depth)
{
    struct job j = { .kernel = kernel, .c = c, .ldc = ldc, .a = a, .b = b, .rows = rows, .cols = cols, .depth = depth };
    cut(&j, TILE_ROWS, TILE_COLS);
    if (j.tiles_down * j.tiles_across < MIN_TILES)
        cut(&j, TILE_ROWS / 2, TILE_COLS / 2);
    return j;
}

size_t gemm_scratch_count(void)
{
    return TILE_ROWS * DEPTH + TILE_COLS * DEPTH;
}

void gemm_here(float *scratch, const struct gemm_kernel *kernel, float *c, size_t ldc, struct gemm_view a,
               struct gemm_view b, size_t rows, size_t cols, size_t depth)
{
    struct job j = make_job(kernel, c, ldc, a, b, rows, cols, depth);
    for (size_t i = 0; i < j.tiles_down * j.tiles_across; i++)
        task(&j, i, scratch);
}

void gemm(struct pool *pool, const struct gemm_kernel *kernel, float *c, size_t ldc, struct gemm_view a,
          struct gemm_view b, size_t rows, size_t cols, size_t depth)
{
    struct job j = make_job(kernel, c, ldc, a, b, rows, cols, depth);
    pool_run(pool, task, &j, j.tiles_down * j.tiles_across);
}

const struct gemm_kernel *gemm_pick(const char *name)
{
    const struct gemm_kernel *best_first[] = { &gemm_avx512, &gemm_avx2, &gemm_scalar };
    const bool present[] = { __builtin_cpu_supports("avx512f"),
                             __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"), true };

    for (size_t i = 0; i < sizeof present / sizeof *present; i++)
        if (present[i] && (!name || strcmp(name, best_first[i]->name) == 0))
            return best_first[i];
    return NULL;
}
