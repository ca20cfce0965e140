/* SPDX-License-Identifier: MIT */
/* TLS contexts. */
#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/memory.h"

struct pml_tls_server {
    SSL_CTX *context; /* connections hold references of their own */
};

void *pml_fail_tls(struct pml_error *err, const char *what)
{
    unsigned long code = ERR_get_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    return pml_fail(err, PML_UNKNOWN, "tls", "%s: %s", what, reason ? reason : "failed");
}

/* The only protocol spoken is HTTP/1.1: a client that offers others and not this one is told so by an alert. */
static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_size, const unsigned char *in,
                       unsigned in_size, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl, (void)arg;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_size, ours, sizeof ours - 1, in, in_size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *server_context(EVP_PKEY *key, X509 *certificate, struct pml_error *err)
{
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context)
        return pml_fail_memory(err);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_mode(context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(context, choose_alpn, NULL);
    /* forward secrecy in TLS 1.2 too: a key taken later must not open recorded prompts */
    if (SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
        SSL_CTX_use_certificate(context, certificate) != 1 || SSL_CTX_use_PrivateKey(context, key) != 1) {
        SSL_CTX_free(context);
        pml_fail_tls(err, "server certificate");
        err->kind = PML_USAGE;
        err->code = "tls_key";
        return NULL;
    }
    return context;
}

struct pml_tls_server *pml_tls_server_new(EVP_PKEY *key, X509 *certificate, struct pml_error *err)
{
    PML_AUTO(mem) struct pml_tls_server *tls = calloc(1, sizeof *tls);
    if (!tls)
        return pml_fail_memory(err);
    if (!pml_tls_server_set(tls, key, certificate, err))
        return NULL;
    return pml_take(&tls);
}

bool pml_tls_server_set(struct pml_tls_server *tls, EVP_PKEY *key, X509 *certificate, struct pml_error *err)
{
    SSL_CTX *context = server_context(key, certificate, err);
    if (!context)
        return false;
    SSL_CTX_free(tls->context);
    tls->context = context;
    return true;
}

void pml_tls_server_free(struct pml_tls_server *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

SSL *pml_tls_server_open(struct pml_tls_server *tls, struct pml_error *err)
{
    ERR_clear_error();
    SSL *ssl = SSL_new(tls->context);
    if (!ssl)
        return pml_fail_tls(err, "connection");
    SSL_set_accept_state(ssl);
    return ssl;
}

bool pml_spki_sha256(uint8_t out[PML_SPKI_SIZE], const X509 *certificate, struct pml_error *err)
{
    uint8_t *der = NULL;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (size <= 0)
        return pml_fail_tls(err, "public key of a certificate");
    pml_sha256(out, der, (size_t)size);
    OPENSSL_free(der);
    return true;
}

/* Instead of chain building (SSL_CTX_set_cert_verify_callback(3)). The certificate's own signature is of no interest.
 */
static int verify_certificate(X509_STORE_CTX *store, void *arg)
{
    const struct pml_tls_judge *judge = arg;
    struct pml_error err;
    uint8_t spki[PML_SPKI_SIZE];
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    bool good = leaf && pml_spki_sha256(spki, leaf, &err) && judge->accept(judge->arg, spki);
    X509_STORE_CTX_set_error(store, good ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    return good;
}

void pml_tls_client_judge(SSL_CTX *context, struct pml_tls_judge *judge)
{
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, verify_certificate, judge);
}
