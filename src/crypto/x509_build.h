/* SPDX-License-Identifier: MIT */
/*
 * Making X.509 v3 certificates and CRLs with exactly the extensions asked for, in that order: the simulated PKI, the
 * broken PKIs of tests, and self-signed TLS certificates. Signatures are ECDSA-SHA256 for P-256 keys.
 */
#ifndef PML_CRYPTO_X509_BUILD_H
#define PML_CRYPTO_X509_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/pkey.h"

/* An extension in OpenSSL's configuration language: { "basicConstraints", "critical,CA:TRUE,pathlen:1" }, or by dotted
 * OID with "DER:<hex>". Never built from outside text: use pml_cert_self_signed for names that come from a user. */
struct pml_x509_ext {
    const char *name, *value;
};

struct pml_cert_spec {
    const char *common_name, *organization; /* the subject, in this order; NULL: left out */
    int64_t not_before, not_after;          /* seconds since 1970 */
    const uint8_t *serial;                  /* 16 bytes; NULL: random, top bit clear, not zero */
    const struct pml_x509_ext *exts;
    size_t ext_count;
};

/* A certificate for the public half of KEY, signed with ISSUER_KEY. ISSUER NULL: self-signed. The caller frees. crypto.
 */
PML_CHECKED
X509 *pml_cert_build(const struct pml_cert_spec *spec, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
                     struct pml_error *err);

struct pml_crl_spec {
    int64_t this_update, next_update; /* seconds since 1970 */
    int64_t number;                   /* CRL number */
    X509 *const *revoked;             /* certificates to list by serial number, revoked at this_update */
    size_t revoked_count;
};

/* A version 2 CRL with authority key identifier and CRL number. The caller frees. crypto. */
PML_CHECKED
X509_CRL *pml_crl_build(const struct pml_crl_spec *spec, X509 *issuer, EVP_PKEY *issuer_key, struct pml_error *err);

/*
 * A self-signed server certificate: subject CN, subjectAltName (an IP entry for each NAME that is an IPv4 or IPv6
 * address, a DNS entry for others), basicConstraints CA:FALSE, keyUsage digitalSignature, extendedKeyUsage serverAuth,
 * subjectKeyIdentifier. A name that is neither an address nor a host name is PML_USAGE, "name". The caller frees.
 */
PML_CHECKED
X509 *pml_cert_self_signed(EVP_PKEY *key, const char *common_name, const char *const *names, size_t name_count,
                           int64_t not_before, int64_t not_after, struct pml_error *err);

/* Encodings; the caller frees. PEM is NUL-terminated beyond *SIZE (which may be NULL). crypto, memory. */
PML_CHECKED
char *pml_cert_pem(X509 *cert, size_t *size, struct pml_error *err);
PML_CHECKED
uint8_t *pml_cert_der(X509 *cert, size_t *size, struct pml_error *err);
PML_CHECKED
uint8_t *pml_crl_der(X509_CRL *crl, size_t *size, struct pml_error *err);

/* Reads a file that holds one certificate in PEM. The caller frees. io; PML_UNKNOWN "cert_file". */
PML_CHECKED
X509 *pml_cert_load(const char *path, struct pml_error *err);

/* SHA-256 of the DER SubjectPublicKeyInfo. crypto. */
PML_CHECKED
bool pml_key_spki_sha256(uint8_t digest[32], EVP_PKEY *key, struct pml_error *err);

#endif
