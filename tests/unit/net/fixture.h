/* SPDX-License-Identifier: MIT */
/* A real server on its own loop thread, and blocking sockets to talk to it. */
#ifndef PML_NET_FIXTURE_H
#define PML_NET_FIXTURE_H

#include "test.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/encode.h"
#include "net/http_client.h"
#include "net/http_server.h"

#define OUTPUT_LIMIT 4096
#define STREAM_SIZE  (8u << 20) /* of /stream: more than all socket buffers together */

struct fixture {
    struct pml_loop *loop;
    struct pml_http_server *server;
    struct pml_tls_server *tls;
    struct pml_address at;
    char url[PML_ADDRESS_TEXT + 16];
    pthread_t thread;
    sem_t gone;                    /* posted by `gone` */
    sem_t held;                    /* posted when /hold has arrived */
    struct pml_http_handle handle; /* of /hold or /stream */
    size_t streamed;               /* bytes of /stream accepted so far */
    size_t fulls, requests;
};

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
    uint8_t spki[PML_SPKI_SIZE];
};

static inline struct identity new_identity(void)
{
    struct pml_error err;
    struct identity id = { EVP_EC_gen("P-256"), X509_new(), { 0 } };
    ASN1_INTEGER_set(X509_get_serialNumber(id.certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(id.certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(id.certificate), 3600);
    X509_NAME *name = X509_get_subject_name(id.certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"localhost", -1, -1, 0);
    X509_set_issuer_name(id.certificate, name);
    X509_set_pubkey(id.certificate, id.key);
    assert_true(X509_sign(id.certificate, id.key, EVP_sha256()) > 0);
    assert_true(pml_spki_sha256(id.spki, id.certificate, &err));
    return id;
}

static inline void free_identity(struct identity *id)
{
    EVP_PKEY_free(id->key);
    X509_free(id->certificate);
}

static inline void answer(struct fixture *f, struct pml_http_handle handle, unsigned status, const char *text)
{
    struct pml_http_response r = { status, "text/plain", NULL, 0, text, strlen(text) };
    pml_http_respond(f->server, handle, &r);
}

/* Writes blocks of 'x' until the output is full or all is written. */
static inline void pump(struct fixture *f, struct pml_http_handle handle)
{
    char block[1000];
    memset(block, 'x', sizeof block);
    while (f->streamed < STREAM_SIZE) {
        enum pml_http_sent sent = pml_http_write(f->server, handle, block, sizeof block);
        if (sent == PML_HTTP_FULL)
            f->fulls++;
        if (sent != PML_HTTP_SENT)
            return;
        f->streamed += sizeof block;
    }
    assert_true(pml_http_end(f->server, handle, "end", 3));
    assert_false(pml_http_end(f->server, handle, "end", 3));
}

static inline void on_admit(void *arg, const struct pml_http_request *request)
{
    if (strcmp(request->path, "/forbidden") == 0)
        answer(arg, request->handle, 403, "no");
    if (strcmp(request->path, "/early") == 0)
        pml_http_start(((struct fixture *)arg)->server, request->handle, &(struct pml_http_response){ 200 });
}

static inline void on_request(void *arg, struct pml_http_request *request)
{
    struct fixture *f = arg;
    f->requests++;
    if (strcmp(request->path, "/echo") == 0) {
        struct pml_http_response r = { 200, "application/octet-stream", NULL, 0, request->body, request->body_size };
        assert_int_equal(request->body[request->body_size], 0);
        pml_http_respond(f->server, request->handle, &r);
        assert_string_equal(request->path, "/echo"); /* still there */
    } else if (strcmp(request->path, "/hold") == 0) {
        f->handle = request->handle;
        assert_true(pml_http_attach(f->server, request->handle, f));
        sem_post(&f->held);
    } else if (strcmp(request->path, "/stream") == 0 || strcmp(request->path, "/events") == 0) {
        struct pml_http_header header = { "Cache-Control", "no-cache" };
        struct pml_http_response r = { 200, "text/event-stream", &header, 1, "data: first\n\n", 13 };
        f->handle = request->handle;
        assert_true(pml_http_attach(f->server, request->handle, f));
        assert_true(pml_http_start(f->server, request->handle, &r));
        if (strcmp(request->path, "/stream") == 0)
            pump(f, request->handle);
        sem_post(&f->held);
    } else if (strcmp(request->path, "/abort") == 0) {
        struct pml_http_response r = { 200, "text/plain", NULL, 0, "some", 4 };
        pml_http_start(f->server, request->handle, &r);
        pml_http_abort(f->server, request->handle);
    } else {
        answer(f, request->handle, 404, request->path);
    }
}

static inline void on_gone(void *arg, struct pml_http_handle handle, void *user)
{
    struct fixture *f = arg;
    assert_ptr_equal(user, f);
    assert_null(pml_http_user(f->server, handle));
    sem_post(&f->gone);
}

static inline void on_drained(void *arg, struct pml_http_handle handle, void *user)
{
    (void)user;
    pump(arg, handle);
}

static inline void decorate(void *arg, void *user, struct pml_http_head *head)
{
    (void)arg;
    pml_http_put_header(head, "X-Everywhere", "yes");
    pml_http_put_header(head, "Content-Type", "never/replaced");
    pml_http_put_header(head, "X-Split", "a\r\nb");
    if (user)
        pml_http_put_header(head, "X-User", "attached");
}

static inline const char *error_body(void *arg, unsigned status, const char *text, struct pml_buf *body)
{
    (void)arg, (void)text;
    pml_put_format(body, "{\"error\":%u}", status);
    return "application/json";
}

static inline void *run_loop(void *arg)
{
    struct pml_error err;
    struct fixture *f = arg;
    assert_true(pml_loop_run(f->loop, &err));
    return NULL;
}

static inline void start(struct fixture *f, const char *address, const struct identity *id,
                         const struct pml_http_limits *limits)
{
    struct pml_error err;
    struct pml_address wanted;
    char text[PML_ADDRESS_TEXT];
    memset(f, 0, sizeof *f);
    sem_init(&f->gone, 0, 0);
    sem_init(&f->held, 0, 0);
    struct pml_http_handler handler = { on_admit, on_request, on_gone, on_drained, decorate, error_body, f };
    struct pml_http_limits with_output = limits ? *limits : (struct pml_http_limits){ 0 };
    with_output.output_size = OUTPUT_LIMIT;
    f->loop = pml_loop_new(&err);
    assert_non_null(f->loop);
    f->server = pml_http_server_new(f->loop, &handler, &with_output, &err);
    assert_non_null(f->server);
    if (id)
        f->tls = pml_tls_server_new(id->key, id->certificate, &err);
    assert_true(pml_address_parse(&wanted, address, &err));
    if (!pml_http_server_listen(f->server, &wanted, f->tls, 0600, &f->at, &err))
        fail_msg("%s", err.text);
    snprintf(f->url, sizeof f->url, "%s://%s", id ? "https" : "http", pml_address_text(text, &f->at));
    assert_int_equal(pthread_create(&f->thread, NULL, run_loop, f), 0);
}

static inline void stop(struct fixture *f)
{
    pml_loop_stop(f->loop);
    pthread_join(f->thread, NULL);
    pml_http_server_free(f->server);
    pml_tls_server_free(f->tls);
    pml_loop_free(f->loop);
    sem_destroy(&f->gone);
    sem_destroy(&f->held);
}

struct errand {
    void (*fn)(struct fixture *f);
    struct fixture *f;
    sem_t done;
};

static inline void run_errand(void *arg)
{
    struct errand *errand = arg;
    errand->fn(errand->f);
    sem_post(&errand->done);
}

/* Runs FN on the loop's thread and waits for it. */
static inline void on_loop(struct fixture *f, void (*fn)(struct fixture *f))
{
    struct errand errand = { fn, f, { { 0 } } };
    sem_init(&errand.done, 0, 0);
    assert_true(pml_loop_post(f->loop, run_errand, &errand));
    sem_wait(&errand.done);
    sem_destroy(&errand.done);
}

static inline int dial(const struct fixture *f)
{
    int fd = socket(f->at.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&f->at.at, f->at.size), 0);
    return fd;
}

static inline void say_bytes(int fd, const void *bytes, size_t size)
{
    struct pml_error err;
    if (!pml_write_all(fd, bytes, size, &err))
        fail_msg("%s", err.text);
}

static inline void say(int fd, const char *text)
{
    say_bytes(fd, text, strlen(text));
}

/* Everything the server sends until it ends; the caller frees. A reset fails the test. */
static inline char *hear(int fd)
{
    struct pml_error err;
    PML_AUTO(buf) struct pml_buf all = { 0 };
    for (;;) {
        uint8_t *room = pml_buf_room(&all, 65536);
        ssize_t got = recv(fd, room, 65536, 0);
        if (got < 0)
            fail_msg("the server reset the connection");
        if (got == 0)
            break;
        pml_buf_grow(&all, (size_t)got);
    }
    close(fd);
    return pml_buf_take(&all, NULL, &err);
}

/* What one connection brings that says TEXT and then ends its side. The caller frees. */
static inline char *ask(const struct fixture *f, const char *text)
{
    int fd = dial(f);
    say(fd, text);
    shutdown(fd, SHUT_WR);
    return hear(fd);
}

static inline size_t occurrences(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

#endif
