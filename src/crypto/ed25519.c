/* SPDX-License-Identifier: MIT */
/* Ed25519 over OpenSSL. */
#include "crypto/ed25519.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/pkey.h"

static void pml_md_ctx_auto(EVP_MD_CTX **ctx)
{
    EVP_MD_CTX_free(*ctx);
}

static EVP_PKEY *load_seed(const struct pml_secret *seed, struct pml_error *err)
{
    if (seed->size != PML_ED25519_SEED_SIZE)
        return pml_fail(err, PML_UNKNOWN, "crypto", "an ed25519 seed has 32 bytes, not %zu", seed->size);
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed->bytes, seed->size);
    return key ? key : pml_fail_openssl(err, "ed25519 key");
}

bool pml_ed25519_public(uint8_t pub[PML_ED25519_PUBLIC_SIZE], const struct pml_secret *seed, struct pml_error *err)
{
    PML_AUTO(pkey) EVP_PKEY *key = load_seed(seed, err);
    size_t size = PML_ED25519_PUBLIC_SIZE;
    if (!key)
        return false;
    if (EVP_PKEY_get_raw_public_key(key, pub, &size) != 1 || size != PML_ED25519_PUBLIC_SIZE)
        return pml_fail_openssl(err, "ed25519 public key");
    return true;
}

bool pml_ed25519_sign(uint8_t sig[PML_ED25519_SIG_SIZE], const struct pml_secret *seed, const void *msg, size_t size,
                      struct pml_error *err)
{
    PML_AUTO(pkey) EVP_PKEY *key = load_seed(seed, err);
    PML_AUTO(md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t sig_size = PML_ED25519_SIG_SIZE;
    if (!key)
        return false;
    if (!ctx || EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) != 1 ||
        EVP_DigestSign(ctx, sig, &sig_size, msg, size) != 1 || sig_size != PML_ED25519_SIG_SIZE)
        return pml_fail_openssl(err, "ed25519 signature");
    return true;
}

bool pml_ed25519_verify(const uint8_t pub[PML_ED25519_PUBLIC_SIZE], const uint8_t sig[PML_ED25519_SIG_SIZE],
                        const void *msg, size_t size)
{
    PML_AUTO(pkey)
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub, PML_ED25519_PUBLIC_SIZE);
    PML_AUTO(md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = key && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestVerify(ctx, sig, PML_ED25519_SIG_SIZE, msg, size) == 1;
    ERR_clear_error();
    return good;
}

bool pml_ed25519_load(struct pml_secret *seed, const char *path, struct pml_error *err)
{
    PML_AUTO(pkey) EVP_PKEY *key = pml_pkey_load(path, err);
    size_t size = PML_ED25519_SEED_SIZE;
    if (!key)
        return false;
    if (!EVP_PKEY_is_a(key, "ED25519"))
        return pml_fail(err, PML_UNKNOWN, "key_file", "%s is damaged: no ed25519 private key in pem form", path);
    if (!pml_secret_new(seed, size, err))
        return false;
    if (EVP_PKEY_get_raw_private_key(key, seed->bytes, &size) != 1)
        return pml_fail_openssl(err, "ed25519 private key");
    return true;
}

bool pml_ed25519_save(const struct pml_secret *seed, const char *path, struct pml_error *err)
{
    PML_AUTO(pkey) EVP_PKEY *key = load_seed(seed, err);
    return key && pml_pkey_save(key, path, err);
}
