/* SPDX-License-Identifier: MIT */
/* The transport: non-blocking reads and writes on a socket or through TLS. */
#include "net/stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE 16384 /* one TLS record */

enum outcome { MOVED, BLOCKED, ENDED, BROKEN };

static enum outcome tls_outcome(const struct pml_stream *s, int result)
{
    switch (SSL_get_error(s->ssl, result)) {
    case SSL_ERROR_NONE: return MOVED;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return BLOCKED;
    case SSL_ERROR_ZERO_RETURN: return ENDED; /* close_notify */
    default: return BROKEN;
    }
}

static enum outcome socket_outcome(ssize_t result)
{
    if (result > 0)
        return MOVED;
    if (result == 0)
        return ENDED;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? BLOCKED : BROKEN;
}

static enum outcome read_piece(struct pml_stream *s, void *bytes, size_t size, size_t *got)
{
    if (s->ssl) {
        ERR_clear_error();
        return tls_outcome(s, SSL_read_ex(s->ssl, bytes, size, got));
    }
    ssize_t result = recv(s->fd, bytes, size, 0);
    *got = result > 0 ? (size_t)result : 0;
    return socket_outcome(result);
}

static void fill(struct pml_stream *s)
{
    while (s->readable && !s->ended && !s->broken && evbuffer_get_length(s->in) < s->in_limit) {
        struct evbuffer_iovec room;
        size_t got = 0;
        if (evbuffer_reserve_space(s->in, PIECE, &room, 1) != 1) {
            s->broken = true;
            return;
        }
        enum outcome outcome = read_piece(s, room.iov_base, room.iov_len, &got);
        room.iov_len = got;
        evbuffer_commit_space(s->in, &room, 1);
        s->readable = outcome == MOVED;
        s->ended = outcome == ENDED;
        s->broken = outcome == BROKEN;
    }
}

static enum outcome write_piece(struct pml_stream *s, const void *bytes, size_t size, size_t *put)
{
    if (s->ssl) {
        ERR_clear_error();
        return tls_outcome(s, SSL_write_ex(s->ssl, bytes, size, put));
    }
    ssize_t result = send(s->fd, bytes, size, MSG_NOSIGNAL);
    *put = result > 0 ? (size_t)result : 0;
    return socket_outcome(result);
}

void pml_stream_flush(struct pml_stream *s)
{
    struct evbuffer_iovec piece;
    while (s->writable && !s->broken && evbuffer_get_length(s->out) &&
           evbuffer_peek(s->out, PIECE, NULL, &piece, 1) > 0) {
        size_t put = 0;
        enum outcome outcome = write_piece(s, piece.iov_base, piece.iov_len < PIECE ? piece.iov_len : PIECE, &put);
        evbuffer_drain(s->out, put);
        s->written += put;
        s->writable = outcome == MOVED;
        s->broken = outcome == BROKEN || outcome == ENDED;
    }
}

/* A reset that no read would meet, because nothing is to be read. */
static bool was_reset(const struct pml_stream *s)
{
    int reason = 0;
    socklen_t size = sizeof reason;
    bool reads = !s->ended && evbuffer_get_length(s->in) < s->in_limit;
    return !reads && (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &reason, &size) != 0 || reason != 0);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct pml_stream *s = arg;
    (void)fd;
    /* Either direction of TLS may have waited for the other one of the socket. */
    s->readable = s->writable = true;
    fill(s);
    pml_stream_flush(s);
    /* A TLS peer that half-closes sends close_notify and keeps the socket; when that ends too, nobody reads any more.
     */
    if ((s->ssl && (what & EV_CLOSED)) || was_reset(s))
        s->broken = true;
    s->changed(s->arg);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
    struct pml_stream *s = arg;
    (void)fd, (void)what;
    fill(s);
    s->changed(s->arg);
}

bool pml_stream_open(struct pml_stream *s, struct event_base *base, int fd, SSL *ssl, void (*changed)(void *arg),
                     void *arg, struct pml_error *err)
{
    *s = (struct pml_stream){ .fd = fd, .ssl = ssl, .in_limit = 4 * PIECE, .changed = changed, .arg = arg };
    s->in = evbuffer_new();
    s->out = evbuffer_new();
    s->event = event_new(base, fd, EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST, on_socket, s);
    s->again = evtimer_new(base, on_again, s);
    if (!s->in || !s->out || !s->event || !s->again || (ssl && SSL_set_fd(ssl, fd) != 1) ||
        event_add(s->event, NULL) != 0) {
        pml_stream_close(s);
        return pml_fail_memory(err);
    }
    return true;
}

void pml_stream_close(struct pml_stream *s)
{
    if (s->event)
        event_free(s->event);
    if (s->again)
        event_free(s->again);
    if (s->in)
        evbuffer_free(s->in);
    if (s->out)
        evbuffer_free(s->out);
    SSL_free(s->ssl);
    close(s->fd);
    *s = (struct pml_stream){ .fd = -1 };
}

void pml_stream_poke(struct pml_stream *s)
{
    evtimer_add(s->again, &(struct timeval){ 0 });
}

void pml_stream_continue(struct pml_stream *s)
{
    if (s->readable && !s->ended && !s->broken && evbuffer_get_length(s->in) < s->in_limit)
        pml_stream_poke(s);
}

void pml_stream_finish(struct pml_stream *s)
{
    if (s->finished || s->broken || evbuffer_get_length(s->out))
        return;
    s->finished = true;
    if (s->ssl && SSL_is_init_finished(s->ssl)) {
        ERR_clear_error();
        SSL_shutdown(s->ssl); /* one way; if the socket takes nothing now, FIN alone has to do */
    }
    shutdown(s->fd, SHUT_WR);
}
