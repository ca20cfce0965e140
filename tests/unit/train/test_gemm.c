/* SPDX-License-Identifier: MIT */
/* Matrix products: every instruction set and every number of threads gives the bits of the definition. */
#include "test.h"

#include <math.h>

#include "gemm.h"
#include "grammar.h"

static const struct {
    size_t rows, cols, depth;
} shapes[] = {
    { 1, 1, 1 },     { 6, 32, 64 },     { 7, 33, 65 },      { 5, 31, 63 },
    { 64, 64, 257 }, { 385, 257, 300 }, { 100, 1024, 256 }, { 512, 256, 1000 },
};

static float *random_matrix(struct rng *rng, size_t count)
{
    float *x = malloc(count * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(int32_t)rng_next(rng) * 0x1p-30f;
    return x;
}

/* One element as spec engine §5.4 defines it. */
static float element(struct gemm_view a, struct gemm_view b, size_t i, size_t j, size_t depth)
{
    float acc = 0;
    for (size_t k = 0; k < depth;) {
        float p = 0;
        for (size_t end = k + 64 < depth ? k + 64 : depth; k < end; k++)
            p = fmaf(a.data[i * a.row + k * a.col], b.data[k * b.row + j * b.col], p);
        acc = acc + p;
    }
    return acc;
}

static void check_shape(size_t rows, size_t cols, size_t depth, bool turned)
{
    static const char *const kernels[] = { "scalar", "avx2", "avx512" };
    struct pml_error err;
    struct rng rng = { rows * 7919 + cols * 31 + depth };
    float *a = random_matrix(&rng, rows * depth), *b = random_matrix(&rng, depth * cols),
          *c = calloc(rows * cols, sizeof *c);
    struct gemm_view left = turned ? (struct gemm_view){ a, 1, rows } : (struct gemm_view){ a, depth, 1 };
    struct gemm_view right = turned ? (struct gemm_view){ b, 1, depth } : (struct gemm_view){ b, cols, 1 };
    assert_non_null(c);

    for (size_t threads = 1; threads <= 3; threads++) {
        struct pool *pool = pool_new(threads, gemm_scratch_count(), &err);
        assert_non_null(pool);
        for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++) {
            const struct gemm_kernel *kernel = gemm_pick(kernels[k]);
            if (!kernel)
                continue;
            gemm(pool, kernel, c, cols, left, right, rows, cols, depth);
            for (size_t i = 0; i < rows; i++)
                for (size_t j = 0; j < cols; j += 1 + (rows * cols * depth > 100000 ? 13 : 0)) {
                    float wanted = element(left, right, i, j, depth);
                    assert_memory_equal(&c[i * cols + j], &wanted, sizeof wanted);
                }
        }
        pool_free(pool);
    }
    free(a);
    free(b);
    free(c);
}

static void every_kernel_and_thread_count_gives_the_defined_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        check_shape(shapes[i].rows, shapes[i].cols, shapes[i].depth, false);
        check_shape(shapes[i].rows, shapes[i].cols, shapes[i].depth, true);
    }
}

static void an_unknown_kernel_is_not_picked(void **state)
{
    (void)state;
    assert_null(gemm_pick("mmx"));
    assert_non_null(gemm_pick(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_and_thread_count_gives_the_defined_bits),
        cmocka_unit_test(an_unknown_kernel_is_not_picked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
