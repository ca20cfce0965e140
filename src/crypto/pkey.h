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

#endif
