/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 server (RFC 9112) on the event loop, over TCP and unix sockets, with or without TLS.
 *
 * A request reaches the handler whole, body decoded, and is known by its handle from then on; the answer comes at any
 * later time, whole (pml_http_respond) or streamed (pml_http_start, pml_http_write..., pml_http_end). Jobs on other
 * threads carry the handle and post back to the loop: once the client has gone or the response has ended every call
 * with it returns false or PML_HTTP_GONE and does nothing.
 *
 * Memory and time are bounded for each connection and over all of them. Requests on one connection are answered one
 * after the other. A client that half-closes its side still gets its answer; one that is known to be gone (reset, or
 * the TCP end of a TLS connection) is reported at once. Every response, those to malformed requests included, passes
 * through the handler's `decorate`. All calls belong to the loop's thread.
 */
#ifndef PML_NET_HTTP_SERVER_H
#define PML_NET_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "net/address.h"
#include "net/loop.h"
#include "net/tls.h"

struct pml_http_server;

struct pml_http_header {
    const char *name, *value;
};

/* Names one request. May be copied to any thread; only the loop's thread can use it. */
struct pml_http_handle {
    uint32_t slot, generation;
};

/* A request. Everything is borrowed and lives until the callback returns; the body can be taken. */
struct pml_http_request {
    struct pml_http_handle handle;
    const char *method; /* as sent, a token: "POST" */
    const char *path;   /* from the first '/', as sent, not decoded; "*" for OPTIONS */
    const char *query;  /* what follows '?', NULL when there is none */
    const char *host;   /* Host or the authority of an absolute target, "" if there is none */
    const char *peer;   /* "192.0.2.1", "::1", "unix" */
    const struct pml_http_header *headers;
    size_t header_count;
    const uint8_t *body; /* exact bytes after removal of the transfer coding, NUL beyond the end; NULL in `admit` */
    size_t body_size;
};

/* Value of the first header of that name in any case, NULL when there is none. */
const char *pml_http_request_header(const struct pml_http_request *request, const char *name);
/* How many headers have that name. */
size_t pml_http_request_header_count(const struct pml_http_request *request, const char *name);
/* Takes the body out of the request, NUL-terminated beyond its size; the caller frees. In `request` only. */
uint8_t *pml_http_take_body(struct pml_http_server *server, struct pml_http_request *request);

/* The head of a response while `decorate` may still add to it. A name that is already there is left alone. */
struct pml_http_head;
void pml_http_put_header(struct pml_http_head *head, const char *name, const char *value);

struct pml_http_handler {
    /* The head has arrived and the body, if any, has not. May answer already (401, 404, a smaller body limit): then the
     * body is received, thrown away, and `request` is not called. May be NULL. */
    void (*admit)(void *arg, const struct pml_http_request *request);
    /* A whole request. It must be answered some time. */
    void (*request)(void *arg, struct pml_http_request *request);
    /* The client went away before the response ended, or reads nothing any more. HANDLE is stale already. USER is what
     * was attached to it. Called only for requests with something attached. May be NULL. */
    void (*gone)(void *arg, struct pml_http_handle handle, void *user);
    /* After PML_HTTP_FULL: there is room again. May be NULL if nothing is streamed. */
    void (*drained)(void *arg, struct pml_http_handle handle, void *user);
    /* Adds headers to every response. USER is NULL when nothing is attached and for malformed requests. May be NULL. */
    void (*decorate)(void *arg, void *user, struct pml_http_head *head);
    /* Body and its content type (a literal) for a response that the server itself makes: 400 malformed, 405 CONNECT and
     * TRACE, 408 too slow, 413 body too large, 417 Expect, 431 head too large, 500 unanswerable, 501 transfer coding,
     * 503 no memory left for bodies or shutting down, 505 version. TEXT says what was wrong and quotes nothing. */
    const char *(*error_body)(void *arg, unsigned status, const char *text, struct pml_buf *body);
    void *arg;
};

/* A zero means the default. */
struct pml_http_limits {
    size_t header_size;  /* 65536: request line and headers, bytes; likewise trailers */
    size_t header_count; /* 100 lines */
    size_t body_size;    /* 32 MiB, decoded */
    size_t bodies_size;  /* 512 MiB: bodies of all connections together while they are received */
    size_t output_size;  /* 256 KiB of response waiting for the client; more is PML_HTTP_FULL */
    size_t connections;  /* 1024; past it the connection that has been idle, or receiving, longest is closed */
    unsigned header_ms; /* 30,000 from the first byte (or from accept, TLS handshake included) to the end of the head */
    unsigned body_ms;   /* 60,000 without a byte of the body */
    unsigned write_ms;  /* 60,000 without the client taking a byte of the response */
    unsigned idle_ms;   /* 75,000 between requests */
    unsigned linger_ms; /* 5,000 for the client to take a final response before the connection is closed */
};

PML_CHECKED
struct pml_http_server *pml_http_server_new(struct pml_loop *loop, const struct pml_http_handler *handler,
                                            const struct pml_http_limits *limits, struct pml_error *err);
/* Closes everything at once; `gone` is called for unanswered requests. NULL is allowed. */
void pml_http_server_free(struct pml_http_server *server);

/*
 * Starts to accept on ADDRESS, with TLS unless TLS is NULL (borrowed, outlives the server). *BOUND, if not NULL, gets
 * the address in use, with the real port when 0 was asked for. A unix socket gets UNIX_MODE; a stale one is replaced,
 * one that answers is not. PML_UNKNOWN "in_use": the port or socket is taken; io.
 */
PML_CHECKED
bool pml_http_server_listen(struct pml_http_server *server, const struct pml_address *address,
                            struct pml_tls_server *tls, unsigned unix_mode, struct pml_address *bound,
                            struct pml_error *err);

/* Stops to accept, closes idle connections, lets the requests at hand be answered; calls DONE(ARG) when no connection
 * is left, at the latest after TIMEOUT_MS, when the rest is closed. DONE may stop the loop but not free the server. */
void pml_http_server_drain(struct pml_http_server *server, unsigned timeout_ms, void (*done)(void *arg), void *arg);

/* Attaches USER to the request, for `gone`, `drained`, `decorate` and pml_http_user. False: stale. */
bool pml_http_attach(struct pml_http_server *server, struct pml_http_handle handle, void *user);
/* What is attached; NULL if nothing or stale. */
void *pml_http_user(struct pml_http_server *server, struct pml_http_handle handle);

struct pml_http_response {
    unsigned status;
    const char *content_type; /* NULL: none */
    const struct pml_http_header *headers;
    size_t header_count;
    const void *body; /* the first bytes of it when streaming */
    size_t body_size;
};

/* The whole response, copied; HANDLE is stale afterwards. For HEAD the body is left out, its length is not. False:
 * stale already, or out of memory (then the connection is closed). */
bool pml_http_respond(struct pml_http_server *server, struct pml_http_handle handle,
                      const struct pml_http_response *response);

enum pml_http_sent {
    PML_HTTP_SENT, /* taken, and passed to the socket as far as it went */
    PML_HTTP_FULL, /* nothing taken: the client reads too slowly; wait for `drained`, or abort */
    PML_HTTP_GONE, /* stale */
};
/* Streaming: the head at once, then each write flushed as it is (a chunk; HTTP/1.0 clients get bytes until the end of
 * the connection). A write is taken whole or not at all. */
bool pml_http_start(struct pml_http_server *server, struct pml_http_handle handle,
                    const struct pml_http_response *response);
enum pml_http_sent pml_http_write(struct pml_http_server *server, struct pml_http_handle handle, const void *bytes,
                                  size_t size);
/* The last bytes (taken however full the output is) and the proper end of the body. HANDLE is stale afterwards. */
bool pml_http_end(struct pml_http_server *server, struct pml_http_handle handle, const void *bytes, size_t size);
/* Closes the connection so that the client can tell that the response is not complete. HANDLE is stale afterwards,
 * `gone` is not called. */
void pml_http_abort(struct pml_http_server *server, struct pml_http_handle handle);

#endif
