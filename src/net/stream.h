/* SPDX-License-Identifier: MIT */
/*
 * One connected socket, with or without TLS, as two buffers and a few facts; private to net/. A single callback says
 * that something changed, and its owner looks: this is the transport under a state machine.
 *
 * Events are edge-triggered and registered once, so that the end of a connection is noticed even while nothing is read.
 */
#ifndef PML_NET_STREAM_H
#define PML_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "net/tls.h"

struct pml_stream {
    struct evbuffer *in, *out;
    size_t in_limit;  /* no more is read while `in` holds this much */
    bool ended;       /* the peer sends no more; it may still read */
    bool broken;      /* of no further use: reset, TLS error, or a TLS peer that closed the TCP connection */
    uint64_t written; /* bytes the socket took so far */

    int fd;
    SSL *ssl; /* NULL: plain */
    bool readable, writable, finished;
    struct event *event, *again;
    void (*changed)(void *arg);
    void *arg;
};

/* Watches FD; takes FD and SSL, on failure too. CHANGED(ARG) runs on the loop's thread and may close the stream. */
PML_CHECKED
bool pml_stream_open(struct pml_stream *s, struct event_base *base, int fd, SSL *ssl, void (*changed)(void *arg),
                     void *arg, struct pml_error *err);
void pml_stream_close(struct pml_stream *s);

/* Writes what the socket takes of `out` now; the rest follows by itself. */
void pml_stream_flush(struct pml_stream *s);
/* Calls `changed` again soon if more can be read and `in` has room for it; after the owner has taken from `in`. */
void pml_stream_continue(struct pml_stream *s);
/* Calls `changed` from the loop, soon. For owners that must not be called back from where they are. */
void pml_stream_poke(struct pml_stream *s);
/* Ends our side once, when `out` is empty: close_notify, then FIN. Reading goes on. */
void pml_stream_finish(struct pml_stream *s);

#endif
