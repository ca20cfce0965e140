/* SPDX-License-Identifier: MIT */
/*
 * Every instruction set gives the bits of the scalar definition, for every kernel and at the edges of its shapes. Built
 * twice: against the kernels as they are, of which those run that this CPU has; and with PML_AVX512_MODEL against the
 * AVX-512 sources compiled over a software model of the instructions.
 */
#include "test.h"

#include <math.h>

#include "base/memory.h"
#include "engine/kernels/tables.h"
#include "engine/math.h"

static const struct pml_kernels *tables[PML_SIMD_COUNT];
static size_t table_count;

static uint64_t state_of_random = 88172645463325252u;

static uint32_t random32(void)
{
    state_of_random ^= state_of_random << 13;
    state_of_random ^= state_of_random >> 7;
    state_of_random ^= state_of_random << 17;
    return (uint32_t)(state_of_random >> 16);
}

/* Of either sign, magnitudes from 2^-12 to 4. */
static float random_float(void)
{
    float x = (float)(random32() % 4096 + 1) / 4096.0f;
    return (random32() & 1 ? -x : x) * (float)(random32() % 4 + 1);
}

static float *random_floats(size_t count)
{
    float *x = malloc((count ? count : 1) * sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = random_float();
    return x;
}

/* Bytes of any value, then every second of the 16-bit patterns made a finite binary16 (and bfloat16). */
static void *random_weights(size_t size)
{
    uint16_t *w = malloc(size);
    for (size_t i = 0; i < size / 2; i++)
        w[i] = pml_f32_to_f16(random_float());
    return w;
}

static void same(const char *what, const struct pml_kernels *table, const void *got, const void *wanted, size_t size)
{
    if (memcmp(got, wanted, size) != 0)
        fail_msg("%s: %s differs from scalar", table->name, what);
}

static void compare_products(enum pml_tensor_type type, size_t groups, size_t size, size_t columns)
{
    size_t weight_size = groups * PML_LANES * size * 4, rows = groups * PML_LANES, stride = rows + 16;
    void *w = random_weights(weight_size);
    if (type == PML_TYPE_F32)
        for (size_t i = 0; i < weight_size / 4; i++)
            ((float *)w)[i] = random_float();
    if (type == PML_TYPE_Q8_0)
        for (size_t b = 0; b < groups * size / 32; b++)
            for (size_t i = 0; i < sizeof((struct pml_q8_0_block *)w)->q; i++)
                ((uint8_t *)&((struct pml_q8_0_block *)w)[b])[i] = random32() % 5 ? (uint8_t)random32() : 0;
    float *x = random_floats(columns * (size + 3));
    int8_t *q = malloc(columns * size);
    float *d = malloc(columns * size / 32 * sizeof *d + 1);
    int32_t *s = malloc(columns * size / 32 * sizeof *s + 1);
    for (size_t c = 0; c < columns && type == PML_TYPE_Q8_0; c++)
        assert_true(
            pml_kernels_scalar.quantize(q + c * size, d + c * size / 32, s + c * size / 32, x + c * (size + 3), size));
    const struct pml_columns in = { columns, size, x, size + 3, q, d, s };
    float *wanted = calloc(columns * stride, sizeof *wanted), *got = calloc(columns * stride, sizeof *got);
    pml_kernels_scalar.mul[type](wanted, stride, w, &in, 0, groups);
    for (size_t t = 0; t < table_count; t++) {
        memset(got, 0, columns * stride * sizeof *got);
        tables[t]->mul[type](got, stride, w, &in, 0, groups);
        same(pml_tensor_type(type)->name, tables[t], got, wanted, columns * stride * sizeof *got);
        for (size_t g = 0; g < groups; g++) /* and group by group */
            tables[t]->mul[type](got, stride, w, &in, g, g + 1);
        same(pml_tensor_type(type)->name, tables[t], got, wanted, columns * stride * sizeof *got);
    }
    free(w);
    free(x);
    free(q);
    free(d);
    free(s);
    free(wanted);
    free(got);
}

static void products_agree(void **state)
{
    (void)state;
    static const size_t float_sizes[] = { 1, 63, 64, 65, 200 }, block_sizes[] = { 32, 64, 352 };
    static const size_t column_counts[] = { 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 26 };
    for (size_t g = 1; g <= 3; g++) {
        for (size_t c = 0; c < PML_COUNT(column_counts); c++) {
            for (size_t s = 0; s < PML_COUNT(float_sizes); s++) {
                compare_products(PML_TYPE_F32, g, float_sizes[s], column_counts[c]);
                compare_products(PML_TYPE_F16, g, float_sizes[s], column_counts[c]);
                compare_products(PML_TYPE_BF16, g, float_sizes[s], column_counts[c]);
            }
            for (size_t s = 0; s < PML_COUNT(block_sizes); s++)
                compare_products(PML_TYPE_Q8_0, g, block_sizes[s], column_counts[c]);
        }
    }
}

/* The largest sums there are: |w| = 128, |q| = 127, all of one sign. */
static void extreme_products_do_not_saturate(void **state)
{
    (void)state;
    struct pml_q8_0_block w;
    memset(w.q, 0, sizeof w.q); /* -128 */
    for (int r = 0; r < PML_LANES; r++)
        w.d[r] = 0x3c00;
    int8_t q[32];
    memset(q, -127, sizeof q);
    float d = 1.0f, y[PML_LANES];
    int32_t s = -127 * 32;
    const struct pml_columns in = { .count = 1, .size = 32, .q = q, .d = &d, .s = &s };
    for (size_t t = 0; t < table_count; t++) {
        tables[t]->mul[PML_TYPE_Q8_0](y, PML_LANES, &w, &in, 0, 1);
        assert_true(y[0] == 128.0f * 127 * 32 && y[15] == y[0]);
    }
}

static void quantization_agrees(void **state)
{
    (void)state;
    enum { N = 96 };
    for (int round = 0; round < 400; round++) {
        float x[N], d[2][N / 32], scale = ldexpf(1.0f, (int)(random32() % 250) - 130);
        int8_t q[2][N];
        int32_t s[2][N / 32];
        for (int i = 0; i < N; i++)
            x[i] = round % 7 == 0 && i < 40 ? 0.0f : random_float() * scale;
        bool bad = round % 5 == 4;
        if (bad)
            x[random32() % N] = round & 1 ? NAN : -INFINITY;
        assert_int_equal(pml_kernels_scalar.quantize(q[0], d[0], s[0], x, N), !bad);
        for (size_t t = 0; t < table_count; t++) {
            assert_int_equal(tables[t]->quantize(q[1], d[1], s[1], x, N), !bad);
            same("quantize", tables[t], q[1], q[0], sizeof q[0]);
            same("quantize", tables[t], d[1], d[0], sizeof d[0]);
            same("quantize", tables[t], s[1], s[0], sizeof s[0]);
        }
        for (int i = 0; i < N; i++)
            assert_true(q[0][i] >= -127 &&
                        (bad || fabsf((float)q[0][i] * d[0][i / 32] - x[i]) <= d[0][i / 32] * 0.51f + 1e-36f));
    }
}

static void vector_operations_agree(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1, 7, 8, 15, 16, 17, 31, 64, 100, 256, 301 };
    for (size_t i = 0; i < PML_COUNT(sizes); i++) {
        size_t n = sizes[i], size = n * sizeof(float);
        float *a = random_floats(n), *b = random_floats(n), wanted[301], got[301];
        a[0] = 100.0f;
        for (size_t t = 0; t < table_count; t++) {
            pml_kernels_scalar.rms(wanted, a, b, n, 1e-5f);
            tables[t]->rms(got, a, b, n, 1e-5f);
            same("rms", tables[t], got, wanted, size);
            pml_kernels_scalar.silu_gate(wanted, a, b, n);
            tables[t]->silu_gate(got, a, b, n);
            same("silu_gate", tables[t], got, wanted, size);
            pml_kernels_scalar.exp_shifted(wanted, a, 1.5f, n);
            tables[t]->exp_shifted(got, a, 1.5f, n);
            same("exp_shifted", tables[t], got, wanted, size);
        }
        free(a);
        free(b);
    }
}

/* Over binary32 of every exponent, special values included. */
static void exp_agrees_for_all_magnitudes(void **state)
{
    (void)state;
    enum { N = 32 };
    float x[N], got[N], wanted[N];
    for (uint64_t bits = 0; bits < 1ull << 32; bits += 65521ull * N) {
        for (uint32_t i = 0; i < N; i++)
            x[i] = pml_f32_from_bits((uint32_t)bits + 65521 * i);
        pml_kernels_scalar.exp_shifted(wanted, x, 0.0f, N);
        for (size_t t = 0; t < table_count; t++) {
            tables[t]->exp_shifted(got, x, 0.0f, N);
            for (int i = 0; i < N; i++) /* the sign and payload of a NaN is nobody's business */
                if (!(isnan(got[i]) && isnan(wanted[i])))
                    same("exp", tables[t], &got[i], &wanted[i], sizeof got[i]);
        }
    }
}

static void widening_agrees_for_all_values(void **state)
{
    (void)state;
    static uint16_t half[65536 + 3];
    static float got[65536 + 3], wanted[65536 + 3];
    for (size_t i = 0; i < PML_COUNT(half); i++)
        half[i] = (uint16_t)i;
    pml_kernels_scalar.widen_f16(wanted, half, PML_COUNT(half));
    for (size_t t = 0; t < table_count; t++) {
        tables[t]->widen_f16(got, half, PML_COUNT(half));
        same("widen_f16", tables[t], got, wanted, sizeof got);
    }
}

enum { ROWS_MAX = 9, HEAD_MAX = 144, CHUNKS = 2 };

/* Runs COUNT rows, each of which sees another number of positions, through two chunks. */
static void run_attention(const struct pml_kernels *table, size_t head, size_t count, const float *keys,
                          const float *values, const float *query, float *out)
{
    struct pml_attend_row rows[ROWS_MAX];
    memset(out, 0, count * (HEAD_MAX + 2) * sizeof *out);
    for (size_t r = 0; r < count; r++)
        rows[r] = (struct pml_attend_row){ query + r * head, 0, -INFINITY, 0.0f, out + r * (HEAD_MAX + 2) };
    for (size_t c = 0; c < CHUNKS; c++) {
        static const uint32_t visible[ROWS_MAX] = { 256, 1, 15, 16, 17, 200, 255, 33, 96 };
        const struct pml_attend_chunk chunk = { keys + c * PML_CHUNK * head, values + c * PML_CHUNK * head, head,
                                                0.125f };
        for (size_t r = 0; r < count; r++)
            rows[r].visible = c + 1 < CHUNKS ? PML_CHUNK : visible[(r + count) % ROWS_MAX];
        table->attend(&chunk, rows, count);
    }
    for (size_t r = 0; r < count; r++) {
        out[r * (HEAD_MAX + 2) + HEAD_MAX] = rows[r].max;
        out[r * (HEAD_MAX + 2) + HEAD_MAX + 1] = rows[r].sum;
    }
}

static void attention_agrees(void **state)
{
    (void)state;
    static const size_t heads[] = { 16, 32, 48, 64, 80, 128, 144 };
    for (size_t h = 0; h < PML_COUNT(heads); h++) {
        size_t head = heads[h];
        float *keys = random_floats(CHUNKS * PML_CHUNK * head), *values = random_floats(CHUNKS * PML_CHUNK * head);
        float *query = random_floats(ROWS_MAX * head), out[2][ROWS_MAX * (HEAD_MAX + 2)];
        for (size_t count = 1; count <= ROWS_MAX; count++) {
            run_attention(&pml_kernels_scalar, head, count, keys, values, query, out[0]);
            for (size_t t = 0; t < table_count; t++) {
                run_attention(tables[t], head, count, keys, values, query, out[1]);
                same("attend", tables[t], out[1], out[0], count * (HEAD_MAX + 2) * sizeof(float));
            }
        }
        free(keys);
        free(values);
        free(query);
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
        cmocka_unit_test(quantization_agrees),
        cmocka_unit_test(vector_operations_agree),
        cmocka_unit_test(exp_agrees_for_all_magnitudes),
        cmocka_unit_test(widening_agrees_for_all_values),
        cmocka_unit_test(attention_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
