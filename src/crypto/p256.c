/* SPDX-License-Identifier: MIT */
/* P-256 over OpenSSL. */
#include "crypto/p256.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <string.h>

#include "base/memory.h"

enum { DER_SIG_MAX = 72 };

static void pml_md_ctx_auto(EVP_MD_CTX **ctx)
{
    EVP_MD_CTX_free(*ctx);
}

static void pml_ecdsa_sig_auto(ECDSA_SIG **sig)
{
    ECDSA_SIG_free(*sig);
}

static bool is_p256(EVP_PKEY *key)
{
    char group[32];
    return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
           strcmp(group, SN_X9_62_prime256v1) == 0;
}

EVP_PKEY *pml_p256_new(struct pml_error *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    return key ? key : pml_fail_openssl(err, "generate p-256 key");
}

EVP_PKEY *pml_p256_load(const char *path, struct pml_error *err)
{
    PML_AUTO(pkey) EVP_PKEY *key = pml_pkey_load(path, err);
    if (key && !is_p256(key))
        return pml_fail(err, PML_UNKNOWN, "key_file", "%s is damaged: no p-256 private key in pem form", path);
    return pml_take(&key);
}

bool pml_p256_save(EVP_PKEY *key, const char *path, struct pml_error *err)
{
    return pml_pkey_save(key, path, err);
}

bool pml_p256_point(uint8_t point[PML_P256_POINT_SIZE], EVP_PKEY *key, struct pml_error *err)
{
    uint8_t encoded[1 + PML_P256_POINT_SIZE];
    size_t size;
    if (!is_p256(key))
        return pml_fail(err, PML_NO, "crypto", "not a p-256 key");
    if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, encoded, sizeof encoded, &size) != 1 ||
        size != sizeof encoded || encoded[0] != POINT_CONVERSION_UNCOMPRESSED)
        return pml_fail_openssl(err, "p-256 point");
    memcpy(point, encoded + 1, PML_P256_POINT_SIZE);
    return true;
}

EVP_PKEY *pml_p256_from_point(const uint8_t point[PML_P256_POINT_SIZE], struct pml_error *err)
{
    uint8_t encoded[1 + PML_P256_POINT_SIZE] = { POINT_CONVERSION_UNCOMPRESSED };
    char group[] = SN_X9_62_prime256v1;
    memcpy(encoded + 1, point, PML_P256_POINT_SIZE);
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                            OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded, sizeof encoded),
                            OSSL_PARAM_construct_end() };
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    bool made =
        ctx && EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return made ? key : pml_fail(err, PML_NO, "crypto", "the point is not on p-256");
}

bool pml_p256_sign(uint8_t sig[PML_P256_SIG_SIZE], EVP_PKEY *key, const void *msg, size_t size, struct pml_error *err)
{
    PML_AUTO(md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t der[DER_SIG_MAX];
    size_t der_size = sizeof der;
    if (!ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(ctx, der, &der_size, msg, size) != 1)
        return pml_fail_openssl(err, "ecdsa signature");
    const uint8_t *at = der;
    PML_AUTO(ecdsa_sig) ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der_size);
    if (!pair || BN_bn2binpad(ECDSA_SIG_get0_r(pair), sig, 32) != 32 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(pair), sig + 32, 32) != 32)
        return pml_fail_openssl(err, "ecdsa signature");
    return true;
}

/* One DER INTEGER of 32 big-endian bytes. Returns the bytes written. */
static size_t put_integer(uint8_t *out, const uint8_t value[32])
{
    size_t skip = 0;
    while (skip < 31 && value[skip] == 0)
        skip++;
    size_t pad = value[skip] >> 7;
    out[0] = 0x02;
    out[1] = (uint8_t)(32 - skip + pad);
    out[2] = 0;
    memcpy(out + 2 + pad, value + skip, 32 - skip);
    return 2 + pad + 32 - skip;
}

bool pml_p256_verify(EVP_PKEY *key, const uint8_t sig[PML_P256_SIG_SIZE], const void *msg, size_t size)
{
    uint8_t der[DER_SIG_MAX] = { 0x30 };
    size_t body = put_integer(der + 2, sig);
    body += put_integer(der + 2 + body, sig + 32);
    der[1] = (uint8_t)body;
    PML_AUTO(md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && is_p256(key) && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(ctx, der, 2 + body, msg, size) == 1;
    ERR_clear_error();
    return good;
}

bool pml_p256_verify_point(const uint8_t point[PML_P256_POINT_SIZE], const uint8_t sig[PML_P256_SIG_SIZE],
                           const void *msg, size_t size)
{
    struct pml_error ignored;
    PML_AUTO(pkey) EVP_PKEY *key = pml_p256_from_point(point, &ignored);
    return key && pml_p256_verify(key, sig, msg, size);
}
