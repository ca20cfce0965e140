/* SPDX-License-Identifier: MIT */
/* The elementary functions: near libm, exact where the specification says exact, and frozen bit by bit. */
#include "test.h"

#include <math.h>

#include "base/digest.h"
#include "base/encode.h"
#include "engine/math.h"
#include "engine/rope.h"

/* Distance of GOT from the exact value in units of the last place of binary32. */
static double ulps(float got, double exact)
{
    int exponent;
    frexp(exact, &exponent);
    return fabs((double)got - exact) / ldexp(1.0, (exponent < -125 ? -125 : exponent) - 24);
}

static double exact_silu(double x)
{
    return x / (1.0 + exp(-x));
}

/* The largest error over every 997th binary32 whose magnitude lies in [low, high], both signs unless POSITIVE. */
static double worst(float (*ours)(float), double (*exact)(double), float low, float high, bool positive)
{
    double most = 0;
    for (uint32_t bits = pml_f32_bits(low); bits <= pml_f32_bits(high); bits += 997) {
        float x = pml_f32_from_bits(bits);
        most = fmax(most, ulps(ours(x), exact(x)));
        if (!positive)
            most = fmax(most, ulps(ours(-x), exact(-x)));
    }
    return most;
}

static void functions_are_near_the_exact_value(void **state)
{
    (void)state;
    assert_true(worst(pml_expf, exp, 1e-10f, 87.0f, false) < 0.9);
    assert_true(worst(pml_logf, log, 1e-38f, 3e38f, true) < 0.51);
    assert_true(worst(pml_tanhf, tanh, 1e-10f, 20.0f, false) < 3.0);
    assert_true(worst(pml_siluf, exact_silu, 1e-10f, 80.0f, false) < 2.5);
}

static void special_values(void **state)
{
    (void)state;
    assert_true(isnan(pml_expf(NAN)) && isnan(pml_logf(NAN)) && isnan(pml_tanhf(NAN)) && isnan(pml_siluf(NAN)));
    assert_true(pml_expf(-INFINITY) == 0 && pml_expf(-88.0f) == 0 && pml_expf(0) == 1 && isinf(pml_expf(89.0f)));
    assert_true(pml_logf(0) == -INFINITY && isnan(pml_logf(-1)) && pml_logf(1) == 0 && isinf(pml_logf(INFINITY)));
    assert_true(pml_logf(1e-45f) == (float)log((double)1e-45f));
    assert_true(pml_tanhf(INFINITY) == 1 && pml_tanhf(-INFINITY) == -1 && pml_tanhf(1e-30f) == 1e-30f);
    assert_true(pml_siluf(0) == 0 && pml_siluf(100.0f) == 100.0f && pml_siluf(-100.0f) == 0);
}

static void binary64_functions_are_near_libm(void **state)
{
    (void)state;
    for (int i = 1; i < 200000; i++) {
        double x = i * 0.00517;
        assert_true(fabs(pml_log2(x) - log2(x)) <= 4e-16 * fmax(1.0, fabs(log2(x))));
        double e = exp2(-x * 0.1);
        assert_true(fabs(pml_exp2(-x * 0.1) - e) <= 4e-16 * e);
    }
    for (int i = 0; i < 200000; i++) {
        double x = (i & 1 ? -1 : 1) * (double)i * 5.2423, s, c;
        pml_sincos(x, &s, &c);
        assert_true(fabs(s - sin(x)) < 4e-16 && fabs(c - cos(x)) < 4e-16);
    }
}

static void half_widths_convert_exactly(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        float x = pml_f16_to_f32((uint16_t)h);
        float b = pml_bf16_to_f32((uint16_t)h);
        uint16_t quiet = isnan(x) ? 0x200 : 0, quiet_b = isnan(b) ? 0x40 : 0;
        assert_int_equal(pml_f32_to_f16(x), h | quiet);
        assert_int_equal(pml_f32_to_bf16(b), h | quiet_b);
    }
    /* halves between neighbours go to the even one, anything else to the nearer */
    for (uint32_t h = 0; h < 0x7bff; h++) {
        float low = pml_f16_to_f32((uint16_t)h), high = pml_f16_to_f32((uint16_t)(h + 1)), mid = low + (high - low) / 2;
        assert_int_equal(pml_f32_to_f16(mid), (h + 1) & ~1u);
        assert_int_equal(pml_f32_to_f16(nextafterf(mid, 0)), h);
        assert_int_equal(pml_f32_to_f16(-nextafterf(mid, 1e9f)), 0x8000 | (h + 1));
    }
    assert_int_equal(pml_f32_to_f16(65519.0f), 0x7bff);
    assert_int_equal(pml_f32_to_f16(65520.0f), 0x7c00);
    assert_int_equal(pml_f32_to_f16(1e30f), 0x7c00);
}

static void rope_angles_follow_the_definition(void **state)
{
    (void)state;
    double frequency[32];
    float factors[32], cosine[32], sine[32];
    for (int i = 0; i < 32; i++)
        factors[i] = 1.0f + (float)i / 8;
    pml_rope_frequencies(frequency, 32, 500000.0, factors, 4.0);
    for (uint32_t t = 0; t < 131072; t += 4099) {
        pml_rope_angles(cosine, sine, frequency, 32, t);
        for (int i = 0; i < 32; i++) {
            double angle = t * pow(500000.0, -i / 32.0) / factors[i] / 4;
            assert_true(fabs(cosine[i] - cos(angle)) < 1e-7 && fabs(sine[i] - sin(angle)) < 1e-7);
        }
    }
    float head[4] = { 1, 2, 3, 4 };
    pml_rope_turn_adjacent(head, (float[]){ 0, 1 }, (float[]){ 1, 0 }, 2);
    assert_true(head[0] == -2 && head[1] == 1 && head[2] == 3 && head[3] == 4);
}

/* A digest over results for inputs of every magnitude: it changes when any of their bits does. */
static void results_are_frozen(void **state)
{
    (void)state;
    PML_AUTO(hash) struct pml_hash hash = { 0 };
    pml_hash_sha256(&hash);
    for (uint32_t bits = 1; bits < 0x7f800000u; bits += 65521) {
        float x = pml_f32_from_bits(bits);
        double s, c, frequency[3];
        float turn[6];
        pml_sincos(fmin(x, 1e6), &s, &c);
        pml_rope_frequencies(frequency, 3, 10000.0, NULL, 1.0);
        pml_rope_angles(turn, turn + 3, frequency, 3, bits >> 12);
        float f[] = {
            pml_expf(x), pml_expf(-x), pml_logf(x), pml_tanhf(x), pml_tanhf(-x), pml_siluf(x), pml_siluf(-x)
        };
        double d[] = { s, c, pml_exp2(-fmin(x, 1000.0)), pml_log2(x) };
        pml_hash_add(&hash, f, sizeof f);
        pml_hash_add(&hash, d, sizeof d);
        pml_hash_add(&hash, turn, sizeof turn);
    }
    uint8_t digest[PML_SHA256_SIZE];
    char text[2 * PML_SHA256_SIZE + 1];
    pml_hash_final(&hash, digest);
    assert_string_equal(pml_hex(text, digest, sizeof digest),
                        "b2b43ea7afaac6aa279ebd67198c225650dfffec938b4fecbfbbb4cb08b699aa");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_near_the_exact_value), cmocka_unit_test(special_values),
        cmocka_unit_test(binary64_functions_are_near_libm),   cmocka_unit_test(half_widths_convert_exactly),
        cmocka_unit_test(rope_angles_follow_the_definition),  cmocka_unit_test(results_are_frozen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
