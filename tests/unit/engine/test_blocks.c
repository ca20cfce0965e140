/* SPDX-License-Identifier: MIT */
/*
 * The types below eight bits: every instruction set gives the bits of the scalar definition at the edges of the shapes,
 * and those bits, and the numbers of a row, are the ones committed here (pmlsdk.det/1). Built a second time with
 * PML_AVX512_MODEL: the AVX-512 sources over a software model of the instructions.
 */
#include "test.h"

#include <math.h>

#include "base/memory.h"
#include "engine/kernels/tables.h"
#include "engine/math.h"
#include "engine/pack.h"

enum { GROUPS = 3, ROWS = GROUPS * PML_LANES - 5, COLUMNS_MAX = 9, GUARD = 3 };

static const struct {
    enum pml_tensor_type type;
    uint64_t rows, products; /* hashes */
} golden[] = {
    { PML_TYPE_Q4_0, 0x06be3807233bcad2u, 0x47ba74f550113f8bu },
    { PML_TYPE_Q4_1, 0x97a6b21633a5c0ccu, 0xf20326b8ba52542au },
    { PML_TYPE_Q5_0, 0xda374903656061ffu, 0x164f0dcb1286fe6du },
    { PML_TYPE_Q5_1, 0xa69cad01e6305c5eu, 0xcb30106ac61d1457u },
    { PML_TYPE_IQ4_NL, 0x5d41da8e0dae83ccu, 0xa82730252135e4fau },
    { PML_TYPE_Q2_K, 0xf144a6f7c1373496u, 0x47b9ba2bdd35b852u },
    { PML_TYPE_Q3_K, 0xa1c4ee4543a3aa23u, 0x3ec119601713bc04u },
    { PML_TYPE_Q4_K, 0x3c7d384ea628349au, 0x20994c0921aa6c5au },
    { PML_TYPE_Q5_K, 0x89b2b4bce366da70u, 0xfc82d5cb0d997f13u },
    { PML_TYPE_Q6_K, 0xa94ed936a70aff79u, 0x9bedf0064f9f32d5u },
    { PML_TYPE_IQ4_XS, 0x2cff829ade4f0720u, 0x80054afbeb7b8065u },
};

static const struct pml_kernels *tables[PML_SIMD_COUNT];
static size_t table_count;
static uint64_t state_of_random;

static uint32_t random32(void)
{
    state_of_random ^= state_of_random << 13;
    state_of_random ^= state_of_random >> 7;
    state_of_random ^= state_of_random << 17;
    return (uint32_t)(state_of_random >> 16);
}

static uint64_t hash(const void *p, size_t size)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        h = (h ^ ((const uint8_t *)p)[i]) * 0x100000001b3u;
    return h;
}

/* Where the binary16 scales are in a block of the file. */
static void scale_places(enum pml_tensor_type type, size_t at[2])
{
    at[0] = at[1] = 0;
    switch (type) {
    case PML_TYPE_Q4_1:
    case PML_TYPE_Q5_1:
    case PML_TYPE_Q4_K:
    case PML_TYPE_Q5_K: at[1] = 2; break;
    case PML_TYPE_Q2_K:
        at[0] = 80;
        at[1] = 82;
        break;
    case PML_TYPE_Q3_K: at[0] = at[1] = 108; break;
    case PML_TYPE_Q6_K: at[0] = at[1] = 208; break;
    default: break;
    }
}

enum fill { RANDOM, ALL_ZERO, ALL_ONE };

/* Rows as a file has them: any bits, but scales that are numbers. */
static uint8_t *file_rows(enum pml_tensor_type type, size_t inputs, size_t *row_size, enum fill fill)
{
    const struct pml_tensor_type_info *info = pml_tensor_type(type);
    size_t blocks = inputs / info->block_count, at[2];
    *row_size = blocks * info->block_size;
    uint8_t *rows = malloc(ROWS * *row_size);
    scale_places(type, at);
    for (size_t i = 0; i < ROWS * *row_size; i++)
        rows[i] = fill == RANDOM ? (uint8_t)random32() : fill == ALL_ONE ? 0xff : 0;
    for (size_t b = 0; b < ROWS * blocks; b++) {
        for (size_t i = 0; i < 2; i++) {
            uint16_t half = pml_f32_to_f16(((float)(random32() % 4096) - 2047.5f) / 4096.0f);
            memcpy(rows + b * info->block_size + at[i], &half, sizeof half);
        }
    }
    return rows;
}

struct shape {
    struct pml_matrix matrix;
    float *x;
    int8_t *q, *q256;
    float *d, *d256;
    int32_t *s;
    int16_t *s256;
    struct pml_columns in;
};

static void make_columns(struct shape *t, size_t columns, size_t n, enum fill fill)
{
    t->x = malloc(columns * n * sizeof *t->x);
    for (size_t i = 0; i < columns * n; i++) /* magnitudes that make the rounding matter; or all as large as can be */
        t->x[i] = fill == RANDOM ? ((float)(random32() % 20001) - 10000.0f) * (i % 97 ? 1e-4f : 6e-4f) : -1.0f;
    t->q = malloc(columns * n);
    t->q256 = malloc(columns * n);
    t->d = malloc(columns * (n / 32) * sizeof *t->d);
    t->s = malloc(columns * (n / 32) * sizeof *t->s);
    t->d256 = malloc(columns * (n / 256) * sizeof *t->d256 + 1);
    t->s256 = malloc(columns * (n / 16) * sizeof *t->s256);
    for (size_t c = 0; c < columns; c++) {
        assert_true(
            pml_kernels_scalar.quantize(t->q + c * n, t->d + c * (n / 32), t->s + c * (n / 32), t->x + c * n, n));
        if (n % 256 == 0)
            assert_true(pml_kernels_scalar.quantize256(t->q256 + c * n, t->d256 + c * (n / 256), t->s256 + c * (n / 16),
                                                       t->x + c * n, n));
    }
    t->in = (struct pml_columns){ columns, n, t->x, n, t->q, t->d, t->s, t->q256, t->d256, t->s256 };
}

static void make_shape(struct shape *t, enum pml_tensor_type type, size_t columns, size_t n, enum fill fill)
{
    size_t row_size;
    uint8_t *rows = file_rows(type, n, &row_size, fill);
    const struct pml_packing *packing = pml_packing(type);
    size_t group_size = packing->group_size(n);
    t->matrix = (struct pml_matrix){ type, packing, ROWS, n, group_size, malloc(GROUPS * group_size) };
    for (size_t g = 0; g < GROUPS; g++)
        packing->pack(t->matrix.groups + g * group_size, rows + g * PML_LANES * row_size, row_size,
                      ROWS - g * PML_LANES < PML_LANES ? ROWS - g * PML_LANES : PML_LANES, n);
    free(rows);
    make_columns(t, columns, n, fill);
}

static void free_shape(struct shape *t)
{
    free(t->matrix.groups);
    free(t->x);
    free(t->q);
    free(t->q256);
    free(t->d);
    free(t->d256);
    free(t->s);
    free(t->s256);
}

/* All tables against scalar; at once and group by group. Returns the hash of the result. */
static uint64_t compare(const struct shape *t)
{
    size_t stride = GROUPS * PML_LANES + GUARD, size = t->in.count * stride * sizeof(float);
    const char *name = pml_tensor_type(t->matrix.type)->name;
    float *wanted = calloc(1, size), *got = malloc(size);
    pml_kernels_scalar.mul[t->matrix.type](wanted, stride, t->matrix.groups, &t->in, 0, GROUPS);
    for (size_t i = 0; i < table_count; i++) {
        memset(got, 0, size);
        tables[i]->mul[t->matrix.type](got, stride, t->matrix.groups, &t->in, 0, GROUPS);
        if (memcmp(got, wanted, size) != 0)
            fail_msg("%s: %s differs from scalar", tables[i]->name, name);
        memset(got, 0, size);
        for (size_t g = 0; g < GROUPS; g++)
            tables[i]->mul[t->matrix.type](got, stride, t->matrix.groups, &t->in, g, g + 1);
        if (memcmp(got, wanted, size) != 0)
            fail_msg("%s: %s differs from scalar, group by group", tables[i]->name, name);
    }
    uint64_t h = hash(wanted, size);
    free(wanted);
    free(got);
    return h;
}

static void products_agree(void **state)
{
    (void)state;
    state_of_random = 88172645463325252u;
    for (size_t i = 0; i < PML_COUNT(golden); i++) {
        bool small = pml_packing(golden[i].type)->inputs == PML_INPUTS_A32;
        static const size_t sizes[2][2] = { { 256, 768 }, { 32, 352 } };
        for (size_t columns = 1; columns <= COLUMNS_MAX; columns += columns > 4 ? 4 : 1) {
            for (size_t s = 0; s < 2; s++) {
                struct shape t;
                make_shape(&t, golden[i].type, columns, sizes[small][s], RANDOM);
                compare(&t);
                free_shape(&t);
            }
        }
    }
}

/* The largest quants, scales and inputs that there are: sums of 16 bits must hold them. */
static void extreme_products_do_not_saturate(void **state)
{
    (void)state;
    state_of_random = 88172645463325252u;
    for (size_t i = 0; i < PML_COUNT(golden); i++) {
        for (enum fill fill = ALL_ZERO; fill <= ALL_ONE; fill++) {
            struct shape t;
            make_shape(&t, golden[i].type, 5, 512, fill);
            compare(&t);
            free_shape(&t);
        }
    }
}

static void results_are_the_committed_ones(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < PML_COUNT(golden); i++) {
        struct shape t;
        float row[512];
        uint64_t rows = 0;
        state_of_random = 88172645463325252u;
        make_shape(&t, golden[i].type, 5, 512, RANDOM);
        for (size_t r = 0; r < ROWS; r++) {
            pml_matrix_row(row, &t.matrix, r);
            rows = rows * 31 + hash(row, sizeof row);
        }
        uint64_t products = compare(&t);
        if (rows != golden[i].rows || products != golden[i].products) {
            wrong++;
            print_message("%s: 0x%016llx, 0x%016llx\n", pml_tensor_type(golden[i].type)->name, (unsigned long long)rows,
                          (unsigned long long)products);
        }
        free_shape(&t);
    }
    assert_int_equal(wrong, 0);
}

/* Without the quantization of inputs the product is that of the row's numbers. */
static void products_are_those_of_the_numbers(void **state)
{
    (void)state;
    state_of_random = 1234567;
    for (size_t i = 0; i < PML_COUNT(golden); i++) {
        struct shape t;
        float row[512], y[GROUPS * PML_LANES];
        make_shape(&t, golden[i].type, 1, 512, RANDOM);
        bool small = t.matrix.packing->inputs == PML_INPUTS_A32;
        pml_kernels_scalar.mul[golden[i].type](y, PML_COUNT(y), t.matrix.groups, &t.in, 0, GROUPS);
        for (size_t r = 0; r < ROWS; r++) {
            double sum = 0, scale = 0;
            pml_matrix_row(row, &t.matrix, r);
            for (size_t k = 0; k < 512; k++) {
                double x = small ? (double)t.d[k / 32] * t.q[k] : (double)t.d256[k / 256] * t.q256[k];
                sum += x * (double)row[k];
                scale += fabs(x * (double)row[k]);
            }
            if (!(fabs(sum - (double)y[r]) <= 1e-4 * scale))
                fail_msg("%s: row %zu is %g, wanted %g", pml_tensor_type(golden[i].type)->name, r, (double)y[r], sum);
        }
        free_shape(&t);
    }
}

static void quantization_agrees(void **state)
{
    (void)state;
    enum { N = 512 };
    state_of_random = 88172645463325252u;
    for (int round = 0; round < 200; round++) {
        float x[N], d[2][N / 256], scale = ldexpf(1.0f, (int)(random32() % 250) - 130);
        int8_t q[2][N];
        int16_t s[2][N / 16];
        for (int i = 0; i < N; i++)
            x[i] = round % 7 == 0 && i < 300 ? 0.0f : ((float)(random32() % 8192) - 4096.0f) / 1024.0f * scale;
        bool bad = round % 5 == 4;
        if (bad)
            x[random32() % N] = round & 1 ? NAN : -INFINITY;
        assert_int_equal(pml_kernels_scalar.quantize256(q[0], d[0], s[0], x, N), !bad);
        for (size_t t = 0; t < table_count; t++) {
            assert_int_equal(tables[t]->quantize256(q[1], d[1], s[1], x, N), !bad);
            assert_memory_equal(q[1], q[0], sizeof q[0]);
            assert_memory_equal(d[1], d[0], sizeof d[0]);
            assert_memory_equal(s[1], s[0], sizeof s[0]);
        }
    }
}

int main(void)
{
#ifdef PML_AVX512_MODEL
    tables[table_count++] = &pml_kernels_avx512;
#else
    for (enum pml_simd simd = PML_SIMD_SCALAR + 1; simd < PML_SIMD_COUNT; simd++) {
        if (pml_kernels(simd))
            tables[table_count++] = pml_kernels(simd);
        else
            printf("skipped: this CPU has no %s\n", pml_simd_name(simd));
    }
#endif
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_agree),
        cmocka_unit_test(extreme_products_do_not_saturate),
        cmocka_unit_test(results_are_the_committed_ones),
        cmocka_unit_test(products_are_those_of_the_numbers),
        cmocka_unit_test(quantization_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
