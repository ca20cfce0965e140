/* SPDX-License-Identifier: MIT */
/* Ed25519 and P-256 against published vectors. */
#include "test.h"

#include <sys/stat.h>

#include "base/encode.h"
#include "base/memory.h"
#include "crypto/ed25519.h"
#include "crypto/p256.h"

static struct pml_error err;

/* RFC 8032 §7.1, tests 1 to 3. */
static const struct {
    const char *seed, *pub, *msg, *sig;
} ed25519_cases[] = {
    { "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
      "655141438e7a100b" },
    { "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
      "b00d291612bb0c00" },
    { "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d"
      "c027beceea1ec40a" },
};

static size_t unhex(uint8_t *out, const char *text)
{
    assert_true(pml_unhex(out, strlen(text) / 2, text, strlen(text)));
    return strlen(text) / 2;
}

static void ed25519_equals_rfc8032(void **state)
{
    (void)state;
    for (size_t i = 0; i < PML_COUNT(ed25519_cases); i++) {
        uint8_t bytes[64], pub[32], want_pub[32], sig[64], want_sig[64], msg[64];
        PML_AUTO(secret) struct pml_secret seed = { 0 };
        assert_true(pml_secret_copy(&seed, bytes, unhex(bytes, ed25519_cases[i].seed), &err));
        size_t msg_size = unhex(msg, ed25519_cases[i].msg);
        unhex(want_sig, ed25519_cases[i].sig);
        assert_true(pml_ed25519_public(pub, &seed, &err));
        unhex(want_pub, ed25519_cases[i].pub);
        assert_memory_equal(pub, want_pub, 32);
        assert_true(pml_ed25519_sign(sig, &seed, msg, msg_size, &err));
        assert_memory_equal(sig, want_sig, 64);
        assert_true(pml_ed25519_verify(pub, sig, msg, msg_size));
    }
}

static void ed25519_rejects_every_changed_bit(void **state)
{
    (void)state;
    uint8_t pub[32], sig[64];
    char msg[] = "receipt";
    PML_AUTO(secret) struct pml_secret seed = { 0 };
    assert_true(pml_secret_random(&seed, 32, &err));
    assert_true(pml_ed25519_public(pub, &seed, &err));
    assert_true(pml_ed25519_sign(sig, &seed, msg, sizeof msg, &err));
    for (size_t bit = 0; bit < 8 * sizeof sig; bit++) {
        sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(pml_ed25519_verify(pub, sig, msg, sizeof msg));
        sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof msg; bit++) {
        msg[bit / 8] ^= (char)(1 << bit % 8);
        assert_false(pml_ed25519_verify(pub, sig, msg, sizeof msg));
        msg[bit / 8] ^= (char)(1 << bit % 8);
    }
    assert_true(pml_ed25519_verify(pub, sig, msg, sizeof msg));
    /* S + L satisfies the equation but is not below L (RFC 8032 §5.1.7). */
    static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                       0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };
    unsigned carry = 0;
    for (size_t i = 0; i < 32; i++) {
        carry += sig[32 + i] + order[i];
        sig[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_false(pml_ed25519_verify(pub, sig, msg, sizeof msg));
}

static void a_seed_of_another_size_is_refused(void **state)
{
    (void)state;
    uint8_t pub[32];
    PML_AUTO(secret) struct pml_secret seed = { 0 };
    assert_true(pml_secret_random(&seed, 31, &err));
    assert_false(pml_ed25519_public(pub, &seed, &err));
    assert_string_equal(err.text, "an ed25519 seed has 32 bytes, not 31");
}

/* RFC 6979 appendix A.2.5: P-256 with SHA-256, messages "sample" and "test". */
static const char p256_point[] = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
                                 "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
static const struct {
    const char *msg, *sig;
} p256_cases[] = {
    { "sample", "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8" },
    { "test", "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
              "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083" },
};

static void p256_verifies_rfc6979(void **state)
{
    (void)state;
    uint8_t point[64], sig[64];
    unhex(point, p256_point);
    for (size_t i = 0; i < PML_COUNT(p256_cases); i++) {
        const char *msg = p256_cases[i].msg;
        unhex(sig, p256_cases[i].sig);
        assert_true(pml_p256_verify_point(point, sig, msg, strlen(msg)));
        assert_false(pml_p256_verify_point(point, sig, "other", 5));
    }
    point[63] ^= 1;
    assert_false(pml_p256_verify_point(point, sig, "test", 4));
    assert_null(pml_p256_from_point(point, &err));
    assert_string_equal(err.text, "the point is not on p-256");
    memset(point, 0, sizeof point);
    assert_null(pml_p256_from_point(point, &err));
}

static void p256_rejects_every_changed_bit_and_zero(void **state)
{
    (void)state;
    uint8_t sig[64], point[64], zero[64] = { 0 };
    PML_AUTO(pkey) EVP_PKEY *key = pml_p256_new(&err);
    assert_non_null(key);
    assert_true(pml_p256_point(point, key, &err));
    assert_true(pml_p256_sign(sig, key, "quote", 5, &err));
    assert_true(pml_p256_verify_point(point, sig, "quote", 5));
    for (size_t bit = 0; bit < 8 * sizeof sig; bit++) {
        sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(pml_p256_verify(key, sig, "quote", 5));
        sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_false(pml_p256_verify(key, zero, "quote", 5));
}

static void key_files_are_private_and_whole(void **state)
{
    (void)state;
    char dir[] = "/tmp/pml-keys-XXXXXX", path[4096], linked[4096];
    assert_non_null(mkdtemp(dir));
    pml_path(path, dir, "a.key");
    pml_path(linked, dir, "b.key");
    uint8_t saved[64], loaded[64];
    PML_AUTO(pkey) EVP_PKEY *key = pml_p256_new(&err);
    assert_true(pml_p256_save(key, path, &err));
    PML_AUTO(pkey) EVP_PKEY *again = pml_p256_load(path, &err);
    assert_non_null(again);
    assert_true(pml_p256_point(saved, key, &err) && pml_p256_point(loaded, again, &err));
    assert_memory_equal(saved, loaded, 64);

    assert_int_equal(chmod(path, 0640), 0);
    assert_null(pml_p256_load(path, &err));
    assert_non_null(strstr(err.text, "accessible to others (mode 640)"));
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(symlink(path, linked), 0);
    assert_null(pml_p256_load(linked, &err));
    assert_string_equal(err.code, "io");
    assert_int_equal(truncate(path, 100), 0);
    assert_null(pml_p256_load(path, &err));
    assert_non_null(strstr(err.text, "a.key is damaged"));
    unlink(path);
    unlink(linked);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ed25519_equals_rfc8032),
        cmocka_unit_test(ed25519_rejects_every_changed_bit),
        cmocka_unit_test(a_seed_of_another_size_is_refused),
        cmocka_unit_test(p256_verifies_rfc6979),
        cmocka_unit_test(p256_rejects_every_changed_bit_and_zero),
        cmocka_unit_test(key_files_are_private_and_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
