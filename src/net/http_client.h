/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 client over libcurl, for command-line programs and workers: calls block. One server a client; one thread at
 * a time. Redirects are not followed, cookies and sessions not kept.
 *
 * Servers are trusted in one of two ways. By authority: the system's certificates, or a file of them. By key: nobody
 * vouches for the server, its key is observed in the handshake of the first connection and handed to the caller, who
 * judges it by other means (attestation); every later connection must show the same key, and one that does not is
 * refused inside the handshake, before a byte of the request has left.
 */
#ifndef PML_NET_HTTP_CLIENT_H
#define PML_NET_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "net/http_server.h"
#include "net/tls.h"

struct pml_http_client;

enum pml_http_trust { PML_TRUST_AUTHORITY, PML_TRUST_KEY };

struct pml_http_client_options {
    const char *url;         /* "https://host:port" or "http://...", a path in front of all others allowed */
    const char *unix_socket; /* path of the socket to connect to instead, NULL: none */
    enum pml_http_trust trust;
    const char *ca_file;      /* PEM, with PML_TRUST_AUTHORITY; NULL: the system's */
    const uint8_t *spki;      /* the key to demand from the first connection on, with PML_TRUST_KEY; NULL: any */
    unsigned connect_ms;      /* 0: 10,000 */
    unsigned stall_ms;        /* without a byte either way; 0: 60,000 */
    const char *bearer_token; /* sent as Authorization, NULL: none; copied */
};

/* Copies the options. PML_USAGE "url". */
PML_CHECKED
struct pml_http_client *pml_http_client_new(const struct pml_http_client_options *options, struct pml_error *err);
void pml_http_client_free(struct pml_http_client *client);
void pml_http_client_auto(struct pml_http_client **client);

/* SPKI SHA-256 of the server as first observed (or demanded), NULL before the first connection. PML_TRUST_KEY only. */
const uint8_t *pml_http_client_spki(const struct pml_http_client *client);

struct pml_http_reply;

struct pml_http_call {
    const char *method; /* "GET" */
    const char *path;   /* "/v1/models?x=y", appended to the URL's */
    const struct pml_http_header *headers;
    size_t header_count;
    const void *body; /* NULL: none */
    size_t body_size;
    size_t limit;      /* bytes of response body, more is "too_large"; 0: 4 MiB */
    unsigned total_ms; /* 0: no limit but stall_ms */
    /* Sees the body as it arrives, after the headers (REPLY's status and headers are filled). False stops the call,
     * which fails with what ERR was filled with. NULL: the body is collected in the reply. */
    bool (*on_body)(void *arg, const struct pml_http_reply *reply, const void *bytes, size_t size,
                    struct pml_error *err);
    void *arg;
};

struct pml_http_reply {
    unsigned status;
    struct pml_http_header *headers; /* in order of arrival, names as sent */
    size_t header_count;
    char *body; /* collected, NUL beyond its size; NULL with on_body */
    size_t body_size;
};

/*
 * Makes one call; any status is a success. REPLY is the caller's to free, on success only. A body that ends early is an
 * error. PML_UNKNOWN: "network" (refused, reset, cut short, name not found), "timeout", "tls", "too_large", "memory".
 * PML_NO "tls_key": the server showed another key than before; nothing of the request was sent.
 */
PML_CHECKED
bool pml_http_client_call(struct pml_http_client *client, const struct pml_http_call *call,
                          struct pml_http_reply *reply, struct pml_error *err);
/* First value of that name in any case, NULL when there is none. */
const char *pml_http_reply_header(const struct pml_http_reply *reply, const char *name);
void pml_http_reply_free(struct pml_http_reply *reply);
void pml_http_reply_auto(struct pml_http_reply *reply);

#endif
