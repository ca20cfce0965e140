/* SPDX-License-Identifier: MIT */
/*
 * NIST P-256 keys and ECDSA with SHA-256 (FIPS 186-4). Keys are OpenSSL's, so that TLS and X.509 take them as they are;
 * points are 64 bytes X || Y and signatures 64 bytes r || s, big-endian, as in TDX quotes.
 */
#ifndef PML_CRYPTO_P256_H
#define PML_CRYPTO_P256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/pkey.h"

#define PML_P256_POINT_SIZE 64
#define PML_P256_SIG_SIZE   64

/* A new key from the operating system's randomness. The caller frees (PML_AUTO(pkey)). crypto. */
PML_CHECKED
EVP_PKEY *pml_p256_new(struct pml_error *err);

/*
 * Keys in files: PKCS#8 PEM, mode 0600. Load refuses a file that belongs to another user, is accessible to group or
 * others, or holds anything but one P-256 private key (PML_UNKNOWN, "key_file"); io. Save replaces the file atomically.
 */
PML_CHECKED
EVP_PKEY *pml_p256_load(const char *path, struct pml_error *err);
PML_CHECKED
bool pml_p256_save(EVP_PKEY *key, const char *path, struct pml_error *err);

PML_CHECKED
bool pml_p256_point(uint8_t point[PML_P256_POINT_SIZE], EVP_PKEY *key, struct pml_error *err);
/* The public key of a point, NULL with "crypto" (PML_NO) if it is not on the curve. The caller frees. */
PML_CHECKED
EVP_PKEY *pml_p256_from_point(const uint8_t point[PML_P256_POINT_SIZE], struct pml_error *err);

PML_CHECKED
bool pml_p256_sign(uint8_t sig[PML_P256_SIG_SIZE], EVP_PKEY *key, const void *msg, size_t size, struct pml_error *err);
/* False for a wrong signature; r and s outside 1..n-1 are wrong. */
PML_CHECKED
bool pml_p256_verify(EVP_PKEY *key, const uint8_t sig[PML_P256_SIG_SIZE], const void *msg, size_t size);
/* As above by point; false also when the point is not on the curve. */
PML_CHECKED
bool pml_p256_verify_point(const uint8_t point[PML_P256_POINT_SIZE], const uint8_t sig[PML_P256_SIG_SIZE],
                           const void *msg, size_t size);

#endif
