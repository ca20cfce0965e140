/* SPDX-License-Identifier: MIT */
/* What the files of the HTTP server share: the server, its slots, one connection. Private to net/. */
#ifndef PML_NET_HTTP_CONNECTION_H
#define PML_NET_HTTP_CONNECTION_H

#include "net/http_parse.h"
#include "net/http_server.h"
#include "net/stream.h"

struct pml_http_connection;

struct pml_http_slot {
    struct pml_http_connection *connection; /* NULL: free */
    uint32_t generation;                    /* of the request at hand; grows with each one begun and ended */
};

struct pml_http_listener {
    struct pml_http_listener *next;
    struct pml_http_server *server;
    struct pml_tls_server *tls;
    struct event *event;
    int fd;
    char unix_path[108]; /* removed at the end; empty: none */
};

struct pml_http_server {
    struct pml_loop *loop;
    struct pml_http_handler handler;
    struct pml_http_limits limits;
    struct pml_http_slot *slots; /* limits.connections of them */
    size_t open;                 /* slots in use */
    uint64_t order;              /* of the latest connection or request to start */
    size_t bodies;               /* bytes of bodies being received */
    struct pml_http_listener *listeners;
    bool paused; /* nothing is accepted: every connection is being answered */
    bool draining;
    struct pml_timer *drain_timer;
    struct pml_timer *accept_timer; /* looks again after accept found no descriptors left */
    void (*drained)(void *arg);
    void *drained_arg;
};

/* Where a connection stands; http_connection.c has the table of steps. */
enum pml_http_at { PML_HTTP_READ_HEAD, PML_HTTP_READ_BODY, PML_HTTP_ANSWER, PML_HTTP_FLUSH, PML_HTTP_LINGER };

struct pml_http_connection {
    struct pml_http_server *server;
    uint32_t slot;
    char peer[PML_ADDRESS_TEXT];
    struct pml_stream stream;
    struct pml_timer *timer;
    enum pml_http_at at;
    int64_t since;         /* ms: the deadline of the state counts from here */
    int64_t started;       /* ms: accept, or the first byte of the request */
    uint64_t order;        /* of `started` among all connections */
    uint64_t written_seen; /* stream.written when last looked */
    bool begun;            /* a byte of the head at hand has arrived */
    bool aborted;          /* to be closed as it is */
    bool closing;          /* no further request after this response */

    char *head;
    size_t head_scanned;
    struct pml_http_message message;
    struct pml_http_chunks chunks;
    struct pml_buf body;
    uint64_t received;   /* bytes of body, those thrown away included */
    size_t body_counted; /* part of server->bodies */

    bool live;      /* the handle is valid: the response has not ended */
    bool streaming; /* its head is sent */
    bool full;      /* PML_HTTP_FULL was returned */
    void *user;
};

/* Takes FD. False: nothing was made. */
bool pml_http_connection_open(struct pml_http_server *server, int fd, const struct pml_address *peer,
                              struct pml_tls_server *tls);
/* Ends it whatever its state; `gone` is called for an unanswered request. */
void pml_http_connection_close(struct pml_http_connection *c);
/* The connection whose unanswered request HANDLE names, NULL when stale. */
struct pml_http_connection *pml_http_find(struct pml_http_server *server, struct pml_http_handle handle);
/* The request at hand is over: its handle is stale, its memory is free. `gone` is not called. */
void pml_http_request_end(struct pml_http_connection *c);

/* Queues a response made by the server itself, after which the connection closes. */
void pml_http_refuse(struct pml_http_connection *c, unsigned status, const char *why);
/* Queues the head of a response, and the body when it is WHOLE. False: out of memory. */
bool pml_http_put_response(struct pml_http_connection *c, const struct pml_http_response *response, bool whole);

/* A connection has gone, or can be given up again: accepts if that had stopped, finishes draining. */
void pml_http_server_room(struct pml_http_server *server);

#endif
