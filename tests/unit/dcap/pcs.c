/* SPDX-License-Identifier: MIT */
/* The service: one connection at a time, one request a connection. */
#include "pcs.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/time.h"
#include "crypto/p256.h"
#include "crypto/x509_build.h"

#define RESPONSES "dcap/public/pcs-responses/"

/* What is served: by part of the path, with the vector's file and the header of its chain. */
static const struct {
    const char *part, *file, *header, *old_header;
} items[] = {
    { "/rootcacrl", "rootcacrl-2023-04.der", NULL, NULL },
    { "/pckcrl?ca=platform", "pckcrl-platform-2023-06.der", "SGX-PCK-CRL-Issuer-Chain", NULL },
    { "/tdx/certification/v4/tcb?fmspc=50806F000000", "tdx-tcb-50806f000000-2023-06.json", "TCB-Info-Issuer-Chain",
      "SGX-TCB-Info-Issuer-Chain" },
    { "/tdx/certification/v4/qe/identity", "tdx-qe-identity-2023-06.json", "SGX-Enclave-Identity-Issuer-Chain", NULL },
};

struct body {
    char *bytes;
    size_t size;
    const char *chain; /* percent-encoded; NULL: none */
};

struct pcs {
    int listener;
    char dir[64], ca_file[80], url[64];
    SSL_CTX *context;
    json_t *index;
    struct body bodies[PML_COUNT(items)];
    pthread_t thread;
    sem_t go;
    pthread_mutex_t lock; /* of what follows */
    enum fault fault;
    const char *part;
    size_t faults_left, requests;
    const char *pck_pem, *pck_issuers, *pck_tcbm;
    char last_path[2048];
};

/* --- an answer --- */

static void put_chain(struct pml_buf *out, const char *chain, enum fault fault)
{
    for (; *chain; chain++) {
        if (fault == FORM_CHAIN && strncmp(chain, "%20", 3) == 0) {
            pml_put_u8(out, '+');
            chain += 2;
        } else if (fault == RAW_CHAIN &&
                   (!strncmp(chain, "%2B", 3) || !strncmp(chain, "%2F", 3) || !strncmp(chain, "%3D", 3))) {
            pml_put_u8(out, chain[2] == 'B' ? '+' : chain[2] == 'F' ? '/' : '=');
            chain += 2;
        } else {
            pml_put_u8(out, (uint8_t)*chain);
        }
    }
    pml_put_text(out, fault == BAD_CHAIN ? "%zz" : "");
}

static void put_pem(struct pml_buf *out, const struct body *body)
{
    char *base64 = malloc(pml_base64_size(body->size) + 1);
    pml_base64(base64, body->bytes, body->size);
    pml_put_text(out, "-----BEGIN X509 CRL-----\n");
    for (size_t i = 0; i < strlen(base64); i += 64)
        pml_put_format(out, "%.64s\n", base64 + i);
    pml_put_text(out, "-----END X509 CRL-----\n");
    free(base64);
}

/* The member's text with a space where it changes no value. */
static void put_spaced(struct pml_buf *out, const struct body *body)
{
    const char *at = strstr(body->bytes, "\"version\":");
    size_t before = (size_t)(at - body->bytes) + strlen("\"version\":");
    pml_put_bytes(out, body->bytes, before);
    pml_put_text(out, " ");
    pml_put_bytes(out, body->bytes + before, body->size - before);
}

static void put_changed(struct pml_buf *out, const struct body *body, const char *mark, size_t offset)
{
    size_t start = out->size;
    const char *at = memmem(body->bytes, body->size, mark, strlen(mark));
    pml_put_bytes(out, body->bytes, body->size);
    char *changed = (char *)out->bytes + start + (at - body->bytes) + strlen(mark) + offset;
    *changed = *changed == '1' ? '2' : '1';
}

static void put_body(struct pml_buf *out, const struct body *body, const struct body *other, enum fault fault)
{
    switch (fault) {
    case PEM_CRL: put_pem(out, body); return;
    case HEX_CRL: pml_put_hex(out, body->bytes, body->size); return;
    case EMPTY: return;
    case NOT_JSON: pml_put_text(out, "<html>busy</html>"); return;
    case SPACED: put_spaced(out, body); return;
    case ALTERED: put_changed(out, body, "\"tcbEvaluationDataNumber\":", 0); return;
    case SIGNATURE: put_changed(out, body, "\"signature\":\"", 3); return;
    case OTHER_ITEM: pml_put_bytes(out, other->bytes, other->size); return;
    case OVERSIZED:
        while (out->size < (3 << 20) / 2)
            pml_put_text(out, "                                                                ");
        return;
    default: pml_put_bytes(out, body->bytes, body->size);
    }
}

static void put_item(struct pml_buf *out, const struct pcs *p, size_t item, enum fault fault)
{
    PML_AUTO(buf) struct pml_buf body = { 0 };
    const char *header = fault == OLD_HEADER ? items[item].old_header : items[item].header;
    put_body(&body, &p->bodies[item], &p->bodies[item == 2 ? 3 : 2], fault);
    pml_put_format(out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n", body.size);
    if (header && fault != NO_CHAIN) {
        pml_put_format(out, "%s: ", header);
        put_chain(out, p->bodies[item].chain, fault);
        pml_put_text(out, "\r\n");
    }
    pml_put_text(out, "\r\n");
    pml_put_bytes(out, body.bytes, fault == CUT ? body.size / 2 : body.size);
}

static void put_status(struct pml_buf *out, const char *status, const char *header)
{
    pml_put_format(out, "HTTP/1.1 %s\r\n%sContent-Length: 0\r\nConnection: close\r\n\r\n", status, header);
}

static void put_pck(struct pml_buf *out, const struct pcs *p)
{
    if (!p->pck_pem) {
        put_status(out, "461 Unknown platform", "");
        return;
    }
    pml_put_format(out,
                   "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nSGX-TCBm: %s\r\nSGX-PCK-Certificate-Issuer-Chain: %s\r\n"
                   "Connection: close\r\n\r\n%s",
                   strlen(p->pck_pem), p->pck_tcbm, p->pck_issuers, p->pck_pem);
}

static void put_answer(struct pml_buf *out, const struct pcs *p, const char *path, enum fault fault)
{
    size_t item = 0;
    while (item < PML_COUNT(items) && !strstr(path, items[item].part))
        item++;
    if (fault == STATUS_429)
        put_status(out, "429 Too Many Requests", "Retry-After: 0\r\n");
    else if (fault == STATUS_503)
        put_status(out, "503 Service Unavailable", "");
    else if (fault == REDIRECT)
        put_status(out, "302 Found", "Location: https://127.0.0.1:1/\r\n");
    else if (strstr(path, "/pckcert"))
        put_pck(out, p);
    else if (fault == STATUS_404 || item == PML_COUNT(items))
        put_status(out, "404 Not Found", "");
    else
        put_item(out, p, item, fault);
}

/* --- connections --- */

/* The path of "GET PATH HTTP/1.1", in place; NULL: no request. */
static char *read_path(SSL *ssl, char *head, int room)
{
    int used = 0;
    while (used < room - 1) {
        int got = SSL_read(ssl, head + used, room - 1 - used);
        if (got <= 0)
            return NULL;
        used += got;
        head[used] = 0;
        if (strstr(head, "\r\n\r\n"))
            break;
    }
    char *path = strchr(head, ' ');
    char *end = path ? strchr(path + 1, ' ') : NULL;
    if (!end)
        return NULL;
    *end = 0;
    return path + 1;
}

static enum fault count_request(struct pcs *p, const char *path)
{
    enum fault fault = NO_FAULT;
    pthread_mutex_lock(&p->lock);
    p->requests++;
    snprintf(p->last_path, sizeof p->last_path, "%s", path);
    if (p->faults_left && strstr(path, p->part)) {
        p->faults_left--;
        fault = p->fault;
    }
    pthread_mutex_unlock(&p->lock);
    return fault;
}

static void serve_connection(struct pcs *p, SSL *ssl)
{
    char head[8192], rest[64];
    PML_AUTO(buf) struct pml_buf out = { 0 };
    char *path = SSL_accept(ssl) == 1 ? read_path(ssl, head, sizeof head) : NULL;
    if (!path)
        return;
    enum fault fault = count_request(p, path);
    if (fault == HANG_UP)
        return;
    if (fault == SILENCE) {
        while (SSL_read(ssl, rest, sizeof rest) > 0)
            ;
        return;
    }
    if (fault == HOLD)
        sem_wait(&p->go);
    put_answer(&out, p, path, fault);
    SSL_write(ssl, out.bytes, (int)out.size);
    SSL_shutdown(ssl);
}

static void *serve(void *arg)
{
    struct pcs *p = arg;
    for (;;) {
        int fd = accept(p->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        SSL *ssl = SSL_new(p->context);
        SSL_set_fd(ssl, fd);
        serve_connection(p, ssl);
        SSL_free(ssl);
        close(fd);
    }
}

/* --- starting and stopping --- */

static void load_bodies(struct pcs *p)
{
    struct pml_error err;
    size_t size, i;
    json_t *entry;
    PML_AUTO(mem) char *text = vector_file(RESPONSES "index.json", &size);
    p->index = pml_json_load(text, size, &err);
    assert_non_null(p->index);
    for (size_t item = 0; item < PML_COUNT(items); item++) {
        char name[256];
        snprintf(name, sizeof name, RESPONSES "%s", items[item].file);
        p->bodies[item].bytes = vector_file(name, &p->bodies[item].size);
        json_array_foreach(json_object_get(p->index, "responses"), i, entry) {
            if (strcmp(json_string_value(json_object_get(entry, "file")), items[item].file) == 0)
                p->bodies[item].chain = json_string_value(json_object_get(entry, "issuer_chain_value_percent_encoded"));
        }
    }
}

static void make_tls(struct pcs *p)
{
    struct pml_error err;
    size_t size;
    static const char *const names[] = { "127.0.0.1" };
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = pml_cert_self_signed(key, "test", names, 1, pml_now() - 3600, pml_now() + 3600, &err);
    PML_AUTO(mem) char *pem = pml_cert_pem(cert, &size, &err);
    p->context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(p->context, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(p->context, key), 1);
    strcpy(p->dir, "/tmp/pml-pcs-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->ca_file, sizeof p->ca_file, "%s/ca.pem", p->dir);
    assert_true(pml_write_file(p->ca_file, pem, size, 0600, &err));
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void listen_somewhere(struct pcs *p)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(p->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(p->listener, 16), 0);
    assert_int_equal(getsockname(p->listener, (struct sockaddr *)&at, &size), 0);
    snprintf(p->url, sizeof p->url, "https://127.0.0.1:%d", ntohs(at.sin_port));
}

struct pcs *pcs_start(void)
{
    struct pcs *p = calloc(1, sizeof *p);
    assert_non_null(p);
    signal(SIGPIPE, SIG_IGN);
    pthread_mutex_init(&p->lock, NULL);
    sem_init(&p->go, 0, 0);
    load_bodies(p);
    make_tls(p);
    listen_somewhere(p);
    assert_int_equal(pthread_create(&p->thread, NULL, serve, p), 0);
    return p;
}

void pcs_stop(struct pcs *p)
{
    char command[128];
    shutdown(p->listener, SHUT_RDWR);
    pthread_join(p->thread, NULL);
    close(p->listener);
    SSL_CTX_free(p->context);
    for (size_t i = 0; i < PML_COUNT(items); i++)
        free(p->bodies[i].bytes);
    json_decref(p->index);
    snprintf(command, sizeof command, "rm -r %s", p->dir);
    assert_int_equal(system(command), 0);
    free(p);
}

const char *pcs_url(const struct pcs *p)
{
    return p->url;
}

const char *pcs_ca_file(const struct pcs *p)
{
    return p->ca_file;
}

sem_t *pcs_go(struct pcs *p)
{
    return &p->go;
}

void pcs_fail(struct pcs *p, enum fault fault, const char *part, size_t count)
{
    pthread_mutex_lock(&p->lock);
    p->fault = fault;
    p->part = part;
    p->faults_left = count;
    p->requests = 0;
    pthread_mutex_unlock(&p->lock);
}

size_t pcs_requests(struct pcs *p)
{
    pthread_mutex_lock(&p->lock);
    size_t count = p->requests;
    pthread_mutex_unlock(&p->lock);
    return count;
}

void pcs_pck(struct pcs *p, const char *pem, const char *issuers, const char *tcbm)
{
    pthread_mutex_lock(&p->lock);
    p->pck_pem = pem;
    p->pck_issuers = issuers;
    p->pck_tcbm = tcbm;
    pthread_mutex_unlock(&p->lock);
}

const char *pcs_last_path(struct pcs *p)
{
    return p->last_path; /* the client's call has returned, so the server is past it */
}
