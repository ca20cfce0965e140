/* SPDX-License-Identifier: MIT */
/* Release of the OpenSSL objects that cross areas: PML_AUTO(pkey), PML_AUTO(x509), PML_AUTO(x509_crl). */
#ifndef PML_CRYPTO_PKEY_H
#define PML_CRYPTO_PKEY_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/error.h"
#include "base/memory.h"

void pml_pkey_auto(EVP_PKEY **key);
void pml_x509_auto(X509 **cert);
void pml_x509_crl_auto(X509_CRL **crl);

/* Fails with code "crypto" (PML_UNKNOWN) and OpenSSL's reason, and clears its error queue. Returns NULL. */
void *pml_fail_openssl(struct pml_error *err, const char *what);

/*
 * Private keys in files: PKCS#8 PEM, mode 0600. Load refuses a file that belongs to another user, is accessible to
 * group or others, or holds anything else (PML_UNKNOWN, "key_file"); io. Save replaces the file atomically.
 */
PML_CHECKED
EVP_PKEY *pml_pkey_load(const char *path, struct pml_error *err);
PML_CHECKED
bool pml_pkey_save(EVP_PKEY *key, const char *path, struct pml_error *err);

#endif
