/* SPDX-License-Identifier: MIT */
/* Client and TLS: a key that is observed, then demanded; what hostile servers get. */
#include "fixture.h"

#include <openssl/ssl.h>

static struct pml_http_client *client_for(const char *url, enum pml_http_trust trust, const uint8_t *spki)
{
    struct pml_error err;
    struct pml_http_client_options options = { .url = url, .trust = trust, .spki = spki };
    struct pml_http_client *client = pml_http_client_new(&options, &err);
    assert_non_null(client);
    return client;
}

static void post_and_check(struct pml_http_client *client, size_t size)
{
    struct pml_error err;
    PML_AUTO(mem) uint8_t *body = malloc(size);
    for (size_t i = 0; i < size; i++)
        body[i] = (uint8_t)(i * 7 + i / 251);
    struct pml_http_header header = { "Content-Type", "application/json" };
    struct pml_http_call call = { "POST", "/echo", &header, 1, body, size, .limit = size };
    PML_AUTO(http_reply) struct pml_http_reply reply = { 0 };
    if (!pml_http_client_call(client, &call, &reply, &err))
        fail_msg("%s", err.text);
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body_size, size);
    assert_memory_equal(reply.body, body, size);
    assert_string_equal(pml_http_reply_header(&reply, "x-EVERYWHERE"), "yes");
    assert_null(pml_http_reply_header(&reply, "X-Nowhere"));
}

static void bodies_come_back_as_sent(void **state)
{
    (void)state;
    struct fixture f;
    struct identity id = new_identity();
    for (int tls = 0; tls < 2; tls++) {
        start(&f, "127.0.0.1:0", tls ? &id : NULL, NULL);
        PML_AUTO(http_client) struct pml_http_client *client = client_for(f.url, PML_TRUST_KEY, NULL);
        post_and_check(client, 1);
        post_and_check(client, 5000000);
        post_and_check(client, 65536);
        stop(&f);
    }
    free_identity(&id);
}

static void unix_sockets_serve_too(void **state)
{
    (void)state;
    struct fixture f;
    struct pml_error err;
    char dir[] = "/tmp/pml-net-XXXXXX", address[64];
    assert_non_null(mkdtemp(dir));
    snprintf(address, sizeof address, "unix:%s/s", dir);
    start(&f, address, NULL, NULL);
    struct pml_http_client_options options = { .url = "http://agent", .unix_socket = address + 5 };
    PML_AUTO(http_client) struct pml_http_client *client = pml_http_client_new(&options, &err);
    post_and_check(client, 100);
    stop(&f);
    rmdir(dir);
}

static const struct identity *next_identity;

static void swap_identity(struct fixture *f)
{
    struct pml_error err;
    assert_true(pml_tls_server_set(f->tls, next_identity->key, next_identity->certificate, &err));
}

static void a_swapped_key_is_refused_before_the_request(void **state)
{
    (void)state;
    struct fixture f;
    struct pml_error err;
    struct identity first = new_identity(), second = new_identity();
    next_identity = &second;
    start(&f, "127.0.0.1:0", &first, NULL);
    PML_AUTO(http_client) struct pml_http_client *client = client_for(f.url, PML_TRUST_KEY, NULL);
    assert_null(pml_http_client_spki(client));
    post_and_check(client, 10);
    assert_memory_equal(pml_http_client_spki(client), first.spki, PML_SPKI_SIZE);
    on_loop(&f, swap_identity);
    post_and_check(client, 10); /* the connection at hand goes on under the old key */

    struct pml_http_call call = { "POST", "/echo", .body = "secret", .body_size = 6 };
    struct pml_http_reply reply;
    size_t before = f.requests;
    PML_AUTO(http_client) struct pml_http_client *pinned = client_for(f.url, PML_TRUST_KEY, first.spki);
    assert_false(pml_http_client_call(pinned, &call, &reply, &err));
    assert_string_equal(err.code, "tls_key");
    assert_int_equal(err.kind, PML_NO);
    assert_int_equal(f.requests, before);
    PML_AUTO(http_client) struct pml_http_client *fresh = client_for(f.url, PML_TRUST_KEY, second.spki);
    post_and_check(fresh, 10);
    stop(&f);
    free_identity(&first);
    free_identity(&second);
}

static void by_authority_a_stranger_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct pml_error err;
    struct identity id = new_identity();
    start(&f, "127.0.0.1:0", &id, NULL);
    PML_AUTO(http_client) struct pml_http_client *client = client_for(f.url, PML_TRUST_AUTHORITY, NULL);
    struct pml_http_call call = { "GET", "/x" };
    struct pml_http_reply reply;
    assert_false(pml_http_client_call(client, &call, &reply, &err));
    assert_string_equal(err.code, "tls");
    assert_int_equal(f.requests, 0);
    stop(&f);
    free_identity(&id);
}

static void a_key_of_another_certificate_is_refused(void **state)
{
    (void)state;
    struct pml_error err;
    struct identity one = new_identity(), other = new_identity();
    assert_null(pml_tls_server_new(one.key, other.certificate, &err));
    assert_string_equal(err.code, "tls_key");
    free_identity(&one);
    free_identity(&other);
}

struct heard {
    size_t size, calls, stop_after;
};

static bool on_piece(void *arg, const struct pml_http_reply *reply, const void *bytes, size_t size,
                     struct pml_error *err)
{
    struct heard *heard = arg;
    (void)bytes;
    assert_string_equal(pml_http_reply_header(reply, "Cache-Control"), "no-cache");
    heard->size += size;
    heard->calls++;
    if (heard->stop_after && heard->size > heard->stop_after)
        return pml_fail(err, PML_NO, "enough", "heard enough");
    return true;
}

static void streams_are_seen_as_they_come(void **state)
{
    (void)state;
    struct fixture f;
    struct pml_error err;
    struct identity id = new_identity();
    struct heard heard = { 0 };
    start(&f, "127.0.0.1:0", &id, NULL);
    PML_AUTO(http_client) struct pml_http_client *client = client_for(f.url, PML_TRUST_KEY, NULL);
    struct pml_http_call call = { "GET", "/stream", .on_body = on_piece, .arg = &heard, .limit = 2 * STREAM_SIZE };
    PML_AUTO(http_reply) struct pml_http_reply reply = { 0 };
    assert_true(pml_http_client_call(client, &call, &reply, &err));
    assert_int_equal(heard.size, 13 + f.streamed + 3);
    assert_true(heard.calls > 1);
    sem_wait(&f.held);

    heard = (struct heard){ .stop_after = 100000 };
    f.streamed = 0;
    struct pml_http_reply stopped;
    assert_false(pml_http_client_call(client, &call, &stopped, &err));
    assert_string_equal(err.text, "heard enough");
    sem_wait(&f.gone); /* the TLS peer that has left is noticed */
    call.limit = 1000;
    heard = (struct heard){ 0 };
    assert_false(pml_http_client_call(client, &call, &stopped, &err));
    assert_string_equal(err.code, "too_large");
    sem_wait(&f.gone);
    stop(&f);
    free_identity(&id);
}

static void a_tls_client_that_leaves_is_noticed_at_once(void **state)
{
    (void)state;
    struct fixture f;
    struct identity id = new_identity();
    start(&f, "127.0.0.1:0", &id, NULL);
    for (int polite = 0; polite < 2; polite++) {
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());
        SSL *ssl = SSL_new(context);
        int fd = dial(&f);
        SSL_set_fd(ssl, fd);
        assert_int_equal(SSL_connect(ssl), 1);
        const char *text = "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n";
        assert_int_equal(SSL_write(ssl, text, (int)strlen(text)), (int)strlen(text));
        sem_wait(&f.held);
        if (polite)
            SSL_shutdown(ssl);
        close(fd);
        sem_wait(&f.gone);
        SSL_free(ssl);
        SSL_CTX_free(context);
    }
    stop(&f);
    free_identity(&id);
}

static void release_held(struct fixture *f)
{
    answer(f, f->handle, 200, "released");
}

static void a_half_closed_tls_client_is_answered(void **state)
{
    (void)state;
    struct fixture f;
    struct identity id = new_identity();
    start(&f, "127.0.0.1:0", &id, NULL);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    int fd = dial(&f);
    SSL_set_fd(ssl, fd);
    assert_int_equal(SSL_connect(ssl), 1);
    const char *text = "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_int_equal(SSL_write(ssl, text, (int)strlen(text)), (int)strlen(text));
    sem_wait(&f.held);
    assert_int_equal(SSL_shutdown(ssl), 0); /* close_notify is out, the answer may still come */
    on_loop(&f, release_held);
    char heard[4096] = "";
    size_t size = 0, got;
    while (SSL_read_ex(ssl, heard + size, sizeof heard - 1 - size, &got))
        size += got;
    assert_int_equal(SSL_get_error(ssl, 0), SSL_ERROR_ZERO_RETURN); /* and the server closes properly too */
    assert_non_null(strstr(heard, "released"));
    close(fd);
    SSL_free(ssl);
    SSL_CTX_free(context);
    stop(&f);
    free_identity(&id);
}

static void protocols_other_than_http_1_1_are_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct identity id = new_identity();
    start(&f, "127.0.0.1:0", &id, NULL);
    for (int i = 0; i < 3; i++) {
        static const uint8_t offers[2][12] = { "\x02h2", "\x02h2\x08http/1.1" };
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());
        if (i == 2)
            SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
        SSL *ssl = SSL_new(context);
        if (i < 2)
            SSL_set_alpn_protos(ssl, offers[i], i == 0 ? 3 : 12);
        int fd = dial(&f);
        SSL_set_fd(ssl, fd);
        assert_int_equal(SSL_connect(ssl) == 1, i == 1);
        close(fd);
        SSL_free(ssl);
        SSL_CTX_free(context);
    }
    stop(&f);
    free_identity(&id);
}

/* A server that says one thing and closes. */
static void *say_once(void *arg)
{
    const char *text = ((const char **)arg)[0];
    int listener = *((int **)arg)[1];
    char request[4096];
    int fd = accept(listener, NULL, NULL);
    assert_true(recv(fd, request, sizeof request, 0) > 0);
    say(fd, text);
    shutdown(fd, SHUT_WR);
    while (recv(fd, request, sizeof request, 0) > 0)
        ;
    close(fd);
    return NULL;
}

static const struct {
    const char *name, *text, *code; /* NULL: taken */
} servers[] = {
    { "a whole answer", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", NULL },
    { "an interim answer before",
      "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", NULL },
    { "a body cut short", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "network" },
    { "a chunk cut short", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok", "network" },
    { "no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "network" },
    { "a body past the limit", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n0123456789", "too_large" },
    { "no HTTP", "SSH-2.0-server\r\n", "network" },
    { "nothing", "", "network" },
};

static void broken_answers_are_errors(void **state)
{
    (void)state;
    struct pml_address at;
    struct pml_error err;
    assert_true(pml_address_parse(&at, "127.0.0.1:0", &err));
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at.at, at.size), 0);
    assert_int_equal(listen(listener, 5), 0);
    at.size = sizeof at.at;
    getsockname(listener, (struct sockaddr *)&at.at, &at.size);
    char text[PML_ADDRESS_TEXT], url[PML_ADDRESS_TEXT + 16];
    snprintf(url, sizeof url, "http://%s", pml_address_text(text, &at));
    for (size_t i = 0; i < PML_COUNT(servers); i++) {
        pthread_t thread;
        const void *args[] = { servers[i].text, &listener };
        pthread_create(&thread, NULL, say_once, args);
        struct pml_http_client *client = client_for(url, PML_TRUST_KEY, NULL);
        struct pml_http_call call = { "GET", "/", .limit = 5 };
        struct pml_http_reply reply = { 0 };
        bool good = pml_http_client_call(client, &call, &reply, &err);
        if (good == (servers[i].code != NULL) || (!good && strcmp(err.code, servers[i].code) != 0))
            fail_msg("%s: %s", servers[i].name, good ? "taken" : err.text);
        if (good)
            assert_int_equal(reply.status, 200);
        pml_http_reply_free(&reply);
        pml_http_client_free(client);
        pthread_join(thread, NULL);
    }
    close(listener);
    struct pml_http_client *client = client_for(url, PML_TRUST_KEY, NULL);
    struct pml_http_call call = { "GET", "/" };
    struct pml_http_reply reply;
    assert_false(pml_http_client_call(client, &call, &reply, &err)); /* nobody listens */
    assert_string_equal(err.code, "network");
    assert_int_equal(err.kind, PML_UNKNOWN);
    pml_http_client_free(client);
    assert_null(pml_http_client_new(&(struct pml_http_client_options){ .url = "ftp://x" }, &err));
    assert_string_equal(err.code, "url");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_come_back_as_sent),
        cmocka_unit_test(unix_sockets_serve_too),
        cmocka_unit_test(a_swapped_key_is_refused_before_the_request),
        cmocka_unit_test(by_authority_a_stranger_is_refused),
        cmocka_unit_test(a_key_of_another_certificate_is_refused),
        cmocka_unit_test(streams_are_seen_as_they_come),
        cmocka_unit_test(a_tls_client_that_leaves_is_noticed_at_once),
        cmocka_unit_test(a_half_closed_tls_client_is_answered),
        cmocka_unit_test(protocols_other_than_http_1_1_are_refused),
        cmocka_unit_test(broken_answers_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
