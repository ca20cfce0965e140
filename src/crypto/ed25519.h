/* SPDX-License-Identifier: MIT */
/* Ed25519 (RFC 8032), pure: keys are 32-byte seeds, signatures 64 bytes R || S. */
#ifndef PML_CRYPTO_ED25519_H
#define PML_CRYPTO_ED25519_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

#define PML_ED25519_SEED_SIZE   32
#define PML_ED25519_PUBLIC_SIZE 32
#define PML_ED25519_SIG_SIZE    64

/* SEED has PML_ED25519_SEED_SIZE bytes, else PML_UNKNOWN "crypto". */
PML_CHECKED
bool pml_ed25519_public(uint8_t pub[PML_ED25519_PUBLIC_SIZE], const struct pml_secret *seed, struct pml_error *err);
PML_CHECKED
bool pml_ed25519_sign(uint8_t sig[PML_ED25519_SIG_SIZE], const struct pml_secret *seed, const void *msg, size_t size,
                      struct pml_error *err);
/* False for a wrong signature, a key that is no point, and an S that is not below the group order. */
PML_CHECKED
bool pml_ed25519_verify(const uint8_t pub[PML_ED25519_PUBLIC_SIZE], const uint8_t sig[PML_ED25519_SIG_SIZE],
                        const void *msg, size_t size);

/* The seed in a key file (crypto/pkey.h). SEED is fresh. key_file, io, memory. */
PML_CHECKED
bool pml_ed25519_load(struct pml_secret *seed, const char *path, struct pml_error *err);
PML_CHECKED
bool pml_ed25519_save(const struct pml_secret *seed, const char *path, struct pml_error *err);

#endif
