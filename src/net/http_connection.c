/* SPDX-License-Identifier: MIT */
/* One connection of the HTTP server: the state machine from the first byte of a head to the last of a response. */
#include "net/http_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"

/* WAIT: for the socket, the handler or the deadline. DONE: close. */
enum progress { AGAIN, WAIT, DONE };

static void enter(struct pml_http_connection *c, enum pml_http_at at)
{
    c->at = at;
    c->since = pml_monotonic_ms();
}

static struct pml_http_handle handle_of(const struct pml_http_connection *c)
{
    return (struct pml_http_handle){ c->slot, c->server->slots[c->slot].generation };
}

struct pml_http_connection *pml_http_find(struct pml_http_server *server, struct pml_http_handle handle)
{
    if (handle.slot >= server->limits.connections)
        return NULL;
    struct pml_http_slot *slot = &server->slots[handle.slot];
    bool valid = slot->connection && slot->connection->live && slot->generation == handle.generation;
    return valid ? slot->connection : NULL;
}

static void release_body(struct pml_http_connection *c)
{
    c->server->bodies -= c->body_counted;
    c->body_counted = 0;
    pml_buf_free(&c->body);
}

void pml_http_request_end(struct pml_http_connection *c)
{
    c->server->slots[c->slot].generation++;
    c->live = c->streaming = c->full = false;
    c->user = NULL;
}

/* The request at hand ends without the handler's doing, which is told. */
static void lose_request(struct pml_http_connection *c)
{
    const struct pml_http_handler *handler = &c->server->handler;
    struct pml_http_handle handle = handle_of(c);
    void *user = c->user;
    pml_http_request_end(c);
    if (user && handler->gone)
        handler->gone(handler->arg, handle, user);
}

static enum progress refuse(struct pml_http_connection *c, unsigned status, const char *why)
{
    if (c->streaming) /* begun by `admit`: there is no second response */
        c->aborted = true;
    else
        pml_http_refuse(c, status, why);
    if (c->live)
        lose_request(c);
    enter(c, PML_HTTP_FLUSH);
    return AGAIN;
}

static struct pml_http_request request_of(const struct pml_http_connection *c)
{
    const struct pml_http_message *m = &c->message;
    return (struct pml_http_request){ handle_of(c), m->method,  m->path,         m->query, m->host,
                                      c->peer,      m->headers, m->header_count, NULL,     0 };
}

static bool expects_body(const struct pml_http_message *m)
{
    return m->chunked || m->length > 0;
}

/* The head is parsed: tells the handler, and the client if it waits for a word before it sends the body. */
static enum progress begin_request(struct pml_http_connection *c)
{
    const struct pml_http_server *server = c->server;
    const struct pml_http_message *m = &c->message;
    server->slots[c->slot].generation++;
    c->live = true;
    c->closing = m->close;
    enter(c, PML_HTTP_READ_BODY);
    if (m->length > server->limits.body_size)
        return refuse(c, 413, "the request body is too large");
    if (server->handler.admit) {
        struct pml_http_request request = request_of(c);
        server->handler.admit(server->handler.arg, &request);
    }
    if (c->live && m->expects && expects_body(m) && evbuffer_get_length(c->stream.in) == 0)
        evbuffer_add_printf(c->stream.out, "HTTP/1.1 100 Continue\r\n\r\n");
    return AGAIN;
}

/* Empty lines in front of a request are allowed (RFC 9112 §2.2). */
static void skip_empty_lines(struct evbuffer *in)
{
    const char *bytes;
    while (evbuffer_get_length(in) >= 2 && (bytes = (const char *)evbuffer_pullup(in, 2)) &&
           memcmp(bytes, "\r\n", 2) == 0)
        evbuffer_drain(in, 2);
}

static enum progress read_head(struct pml_http_connection *c)
{
    struct evbuffer *in = c->stream.in;
    size_t limit = c->server->limits.header_size;
    if (c->head_scanned == 0)
        skip_empty_lines(in);
    size_t there = evbuffer_get_length(in);
    if (there == 0)
        return c->stream.ended || (c->server->draining && !c->begun) ? DONE : WAIT;
    if (!c->begun) {
        c->begun = true;
        if (c->written_seen) { /* the deadline of the first request began with the connection */
            c->since = c->started = pml_monotonic_ms();
            c->order = ++c->server->order;
        }
    }
    const char *bytes = (const char *)evbuffer_pullup(in, -1);
    if (!bytes)
        return DONE;
    bool half_line = c->head_scanned == 0 && there == 1 && *bytes == '\r'; /* of an empty one, perhaps */
    size_t size = half_line ? 0 : pml_http_head_size(bytes, there, &c->head_scanned);
    if (size == SIZE_MAX)
        return refuse(c, 400, "the request head has a byte that is not allowed there");
    if (size > limit || (size == 0 && there > limit))
        return refuse(c, 431, "the request head is too large");
    if (size == 0)
        return c->stream.ended ? refuse(c, 400, "the request head ends early") : WAIT;
    c->head = malloc(size + 1);
    if (!c->head)
        return DONE;
    evbuffer_remove(in, c->head, size);
    const char *why;
    unsigned status = pml_http_head_parse(&c->message, c->head, size, c->server->limits.header_count, &why);
    return status ? refuse(c, status, why) : begin_request(c);
}

/* Moves what has arrived of the body; *END when that was all of it. Returns 0 or the status that refuses it. */
static unsigned take_body(struct pml_http_connection *c, bool *end, const char **why)
{
    struct evbuffer *in = c->stream.in;
    size_t header_limit = c->server->limits.header_size;
    struct evbuffer_iovec piece;
    *end = !c->message.chunked && c->received == c->message.length;
    while (!*end && evbuffer_get_length(in) && evbuffer_peek(in, -1, NULL, &piece, 1) > 0) {
        size_t before = c->body.size, used = piece.iov_len;
        if (c->message.chunked) {
            enum pml_http_chunk_state state =
                pml_http_chunks_read(&c->chunks, piece.iov_base, piece.iov_len, &used, &c->body, header_limit);
            c->received += c->body.size - before;
            *end = state == PML_CHUNK_DONE;
            if (state == PML_CHUNK_BAD) {
                *why = "the chunked body is malformed";
                return 400;
            }
        } else {
            if (used > c->message.length - c->received)
                used = (size_t)(c->message.length - c->received);
            pml_put_bytes(&c->body, piece.iov_base, used);
            c->received += used;
            *end = c->received == c->message.length;
        }
        evbuffer_drain(in, used);
        if (!c->live) /* answered already */
            pml_buf_clear(&c->body);
        c->since = pml_monotonic_ms();
    }
    *why = "the request body is too large";
    return c->received > c->server->limits.body_size ? 413 : 0;
}

/* Counts the body among those of all connections. */
static bool count_body(struct pml_http_connection *c)
{
    struct pml_http_server *server = c->server;
    size_t more = c->body.size - c->body_counted;
    if (c->body.failed || more > server->limits.bodies_size - server->bodies)
        return false;
    server->bodies += more;
    c->body_counted += more;
    return true;
}

static enum progress hand_over(struct pml_http_connection *c)
{
    struct pml_http_server *server = c->server;
    uint8_t *end = pml_buf_room(&c->body, 1);
    if (!end)
        return refuse(c, 503, "no memory for the request body");
    *end = 0;
    enter(c, PML_HTTP_ANSWER);
    struct pml_http_request request = request_of(c);
    request.body = c->body.bytes;
    request.body_size = c->body.size;
    server->handler.request(server->handler.arg, &request);
    release_body(c);
    return AGAIN;
}

static enum progress read_body(struct pml_http_connection *c)
{
    bool end;
    const char *why;
    if (!c->live && c->closing) { /* answered already, and nothing follows: the rest of the body is thrown away */
        enter(c, PML_HTTP_FLUSH);
        return AGAIN;
    }
    unsigned status = take_body(c, &end, &why);
    if (!c->live && (end || status || c->stream.ended)) {
        c->closing |= !end || status;
        enter(c, PML_HTTP_FLUSH);
        return AGAIN;
    }
    if (status)
        return refuse(c, status, why);
    if (!count_body(c))
        return refuse(c, 503, "no memory for the request body");
    if (end)
        return hand_over(c);
    return c->stream.ended ? refuse(c, 400, "the request body ends early") : WAIT;
}

static enum progress await_answer(struct pml_http_connection *c)
{
    const struct pml_http_server *server = c->server;
    if (!c->live) {
        enter(c, PML_HTTP_FLUSH);
        pml_http_server_room(c->server);
        return AGAIN;
    }
    if (c->full && evbuffer_get_length(c->stream.out) <= server->limits.output_size / 2) {
        c->full = false;
        if (server->handler.drained)
            server->handler.drained(server->handler.arg, handle_of(c), c->user);
        return AGAIN;
    }
    return WAIT;
}

static bool throw_away_input(struct pml_http_connection *c)
{
    size_t there = evbuffer_get_length(c->stream.in);
    evbuffer_drain(c->stream.in, there);
    return there > 0;
}

static enum progress flush(struct pml_http_connection *c)
{
    if (c->closing)
        throw_away_input(c);
    if (evbuffer_get_length(c->stream.out))
        return WAIT;
    release_body(c);
    free(pml_take(&c->head));
    c->message.head_only = false;
    c->head_scanned = 0;
    c->chunks = (struct pml_http_chunks){ 0 };
    c->received = 0;
    c->begun = false;
    enter(c, c->closing ? PML_HTTP_LINGER : PML_HTTP_READ_HEAD);
    return AGAIN;
}

/* Closing while the client still sends would reset the connection and may take the response away from it (RFC 9112
 * §9.6): so our side ends, and what comes is thrown away until the client ends too, or too much time has passed. */
static enum progress linger(struct pml_http_connection *c)
{
    pml_stream_finish(&c->stream);
    int64_t now = pml_monotonic_ms();
    if (throw_away_input(c) && now - c->started < c->server->limits.header_ms + c->server->limits.body_ms)
        c->since = now;
    return c->stream.ended ? DONE : WAIT;
}

static const struct {
    enum progress (*step)(struct pml_http_connection *c);
    size_t deadline; /* offset in the limits, in ms after c->since */
} states[] = {
    [PML_HTTP_READ_HEAD] = { read_head, offsetof(struct pml_http_limits, header_ms) },
    [PML_HTTP_READ_BODY] = { read_body, offsetof(struct pml_http_limits, body_ms) },
    [PML_HTTP_ANSWER] = { await_answer, offsetof(struct pml_http_limits, write_ms) },
    [PML_HTTP_FLUSH] = { flush, offsetof(struct pml_http_limits, write_ms) },
    [PML_HTTP_LINGER] = { linger, offsetof(struct pml_http_limits, linger_ms) },
};

/* Milliseconds until the state has lasted too long; INT64_MAX while nothing is asked of the client. */
static int64_t time_left(const struct pml_http_connection *c)
{
    size_t offset = states[c->at].deadline;
    unsigned limit;
    if (c->at == PML_HTTP_ANSWER && evbuffer_get_length(c->stream.out) == 0)
        return INT64_MAX;
    if (c->at == PML_HTTP_READ_HEAD && !c->begun && c->written_seen)
        offset = offsetof(struct pml_http_limits, idle_ms);
    memcpy(&limit, (const char *)&c->server->limits + offset, sizeof limit);
    int64_t left = c->since + limit - pml_monotonic_ms();
    return left < 0 ? 0 : left;
}

static enum progress expire(struct pml_http_connection *c)
{
    if (c->at == PML_HTTP_READ_HEAD && c->begun)
        return refuse(c, 408, "the request head took too long");
    if (c->at == PML_HTTP_READ_BODY && c->live)
        return refuse(c, 408, "the request body took too long");
    return DONE;
}

static void advance(struct pml_http_connection *c)
{
    enum progress got = AGAIN;
    for (int steps = 0; got == AGAIN && steps < 64; steps++) {
        pml_stream_flush(&c->stream);
        if (c->stream.written != c->written_seen && (c->at == PML_HTTP_ANSWER || c->at == PML_HTTP_FLUSH))
            c->since = pml_monotonic_ms();
        c->written_seen = c->stream.written;
        if (c->stream.broken || c->aborted)
            got = DONE;
        else if (time_left(c) == 0)
            got = expire(c);
        else
            got = states[c->at].step(c);
    }
    if (got == DONE) {
        pml_http_connection_close(c);
        return;
    }
    if (got == AGAIN) /* others first */
        pml_stream_poke(&c->stream);
    pml_stream_continue(&c->stream);
    int64_t left = time_left(c);
    if (left == INT64_MAX)
        pml_timer_stop(c->timer);
    else
        pml_timer_start(c->timer, (unsigned)left);
}

static void on_change(void *arg)
{
    advance(arg);
}

static uint32_t free_slot(const struct pml_http_server *server)
{
    uint32_t slot = 0;
    while (server->slots[slot].connection)
        slot++;
    return slot;
}

bool pml_http_connection_open(struct pml_http_server *server, int fd, const struct pml_address *peer,
                              struct pml_tls_server *tls)
{
    struct pml_error err;
    SSL *ssl = NULL;
    PML_AUTO(mem) struct pml_http_connection *c = calloc(1, sizeof *c);
    if (!c || (tls && !(ssl = pml_tls_server_open(tls, &err)))) {
        close(fd);
        return false;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)); /* fails on unix sockets, which have no delay */
    c->server = server;
    c->slot = free_slot(server);
    c->started = pml_monotonic_ms();
    c->order = ++server->order;
    pml_address_host(c->peer, peer);
    enter(c, PML_HTTP_READ_HEAD);
    if (!pml_stream_open(&c->stream, pml_loop_base(server->loop), fd, ssl, on_change, c, &err))
        return false;
    c->stream.in_limit = server->limits.header_size + 1;
    c->timer = pml_timer_new(server->loop, on_change, c, &err);
    if (!c->timer) {
        pml_stream_close(&c->stream);
        return false;
    }
    pml_timer_start(c->timer, server->limits.header_ms);
    server->open++;
    server->slots[c->slot].connection = c;
    c = NULL;
    return true;
}

void pml_http_connection_close(struct pml_http_connection *c)
{
    struct pml_http_server *server = c->server;
    if (c->live)
        lose_request(c);
    server->slots[c->slot].connection = NULL;
    server->open--;
    pml_timer_free(c->timer);
    if (!c->aborted)
        pml_stream_finish(&c->stream);
    pml_stream_close(&c->stream);
    release_body(c);
    free(c->head);
    free(c);
    pml_http_server_room(server);
}
