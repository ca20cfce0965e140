/* SPDX-License-Identifier: MIT */
/*
 * TLS 1.2 and 1.3 over OpenSSL, ALPN http/1.1. Sessions are never resumed: a resumed session shows no certificate, and
 * here the key of the certificate is what the peer is judged by.
 */
#ifndef PML_NET_TLS_H
#define PML_NET_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "base/error.h"

#define PML_SPKI_SIZE 32

/* A server's key and certificate, which can be swapped while it serves. One thread, but for pml_tls_server_set before
 * serving begins. */
struct pml_tls_server;

PML_CHECKED
struct pml_tls_server *pml_tls_server_new(EVP_PKEY *key, X509 *certificate, struct pml_error *err);
/* Connections made from now on get this pair; those that exist keep theirs. Borrows both (OpenSSL counts references).
 * On failure the old pair stays. PML_USAGE "tls_key": the key is not the certificate's. */
PML_CHECKED
bool pml_tls_server_set(struct pml_tls_server *tls, EVP_PKEY *key, X509 *certificate, struct pml_error *err);
void pml_tls_server_free(struct pml_tls_server *tls);

/* A new connection in server state under the pair of the moment; the caller frees it with SSL_free. */
PML_CHECKED
SSL *pml_tls_server_open(struct pml_tls_server *tls, struct pml_error *err);

/* SHA-256 of the DER SubjectPublicKeyInfo, the `spki_sha256` of keysets. memory. */
PML_CHECKED
bool pml_spki_sha256(uint8_t out[PML_SPKI_SIZE], const X509 *certificate, struct pml_error *err);

/*
 * Makes a client context judge servers by their key alone: no certificate authority, no name, no dates. `accept` sees
 * the SPKI hash inside the handshake of every connection; when it returns false the handshake fails, before a byte of
 * application data has left. That the server holds the key is then proven by the handshake itself. JUDGE is borrowed
 * and outlives the context's connections.
 */
struct pml_tls_judge {
    bool (*accept)(void *arg, const uint8_t spki[PML_SPKI_SIZE]);
    void *arg;
};
void pml_tls_client_judge(SSL_CTX *context, struct pml_tls_judge *judge);

/* Fails with "tls" and the oldest reason in OpenSSL's error queue, which it empties. */
void *pml_fail_tls(struct pml_error *err, const char *what);

#endif
