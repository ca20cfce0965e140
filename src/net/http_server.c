/* SPDX-License-Identifier: MIT */
/* The HTTP server as a whole: listening, accepting, the limit on connections, draining, and what names a request. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "net/http_connection.h"

#define BACKLOG         1024
#define ACCEPTS_A_TURN  64
#define ACCEPT_AGAIN_MS 200 /* when the process is out of descriptors */

const char *pml_http_request_header(const struct pml_http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    }
    return NULL;
}

size_t pml_http_request_header_count(const struct pml_http_request *request, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < request->header_count; i++)
        count += strcasecmp(request->headers[i].name, name) == 0;
    return count;
}

uint8_t *pml_http_take_body(struct pml_http_server *server, struct pml_http_request *request)
{
    struct pml_http_connection *c = pml_http_find(server, request->handle);
    if (!c || !request->body)
        return NULL;
    uint8_t *body = c->body.bytes;
    c->body = (struct pml_buf){ 0 };
    server->bodies -= c->body_counted;
    c->body_counted = 0;
    request->body = NULL;
    request->body_size = 0;
    return body;
}

bool pml_http_attach(struct pml_http_server *server, struct pml_http_handle handle, void *user)
{
    struct pml_http_connection *c = pml_http_find(server, handle);
    if (!c)
        return false;
    c->user = user;
    return true;
}

void *pml_http_user(struct pml_http_server *server, struct pml_http_handle handle)
{
    struct pml_http_connection *c = pml_http_find(server, handle);
    return c ? c->user : NULL;
}

/* Kept open by a client that asks nothing at the moment. */
static bool is_idle(const struct pml_http_connection *c)
{
    return c->at == PML_HTTP_READ_HEAD && !c->begun && c->written_seen;
}

/* The one to give up for a newcomer: an idle connection if there is any, else that which has been sending its request
 * or taking its response longest. NULL: all are being answered. */
static struct pml_http_connection *least_deserving(const struct pml_http_server *server)
{
    struct pml_http_connection *worst = NULL;
    for (size_t i = 0; i < server->limits.connections; i++) {
        struct pml_http_connection *c = server->slots[i].connection;
        if (!c || c->at == PML_HTTP_ANSWER)
            continue;
        if (!worst || is_idle(c) > is_idle(worst) || (is_idle(c) == is_idle(worst) && c->order < worst->order))
            worst = c;
    }
    return worst;
}

static void watch_listeners(struct pml_http_server *server, bool accept)
{
    server->paused = !accept;
    for (struct pml_http_listener *l = server->listeners; l; l = l->next) {
        if (accept)
            event_add(l->event, NULL);
        else
            event_del(l->event);
    }
}

static bool is_full(const struct pml_http_server *server)
{
    return server->open == server->limits.connections;
}

/* One connection out of the kernel's queue. False: none there, or no room. */
static bool accept_one(struct pml_http_listener *listener)
{
    struct pml_http_server *server = listener->server;
    struct pml_http_connection *victim = is_full(server) ? least_deserving(server) : NULL;
    struct pml_address peer = { .size = sizeof peer.at };
    if (is_full(server) && !victim) {
        watch_listeners(server, false);
        return false;
    }
    int client = accept4(listener->fd, (struct sockaddr *)&peer.at, &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pml_log_limited(PML_LOG_ERROR, "net.accept", "error=\"%s\"", strerror(errno));
            watch_listeners(server, false);
            pml_timer_start(server->accept_timer, ACCEPT_AGAIN_MS);
        }
        return errno == ECONNABORTED;
    }
    if (victim) {
        pml_log_limited(PML_LOG_WARN, "net.connection_limit", "connections=%zu", server->open);
        pml_http_connection_close(victim);
    }
    if (!pml_http_connection_open(server, client, &peer, listener->tls))
        pml_log_limited(PML_LOG_ERROR, "net.accept", "error=\"out of memory\"");
    return true;
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    for (int i = 0; i < ACCEPTS_A_TURN && accept_one(arg); i++)
        ;
}

static void on_accept_again(void *arg)
{
    struct pml_http_server *server = arg;
    if (server->paused && !is_full(server))
        watch_listeners(server, true);
}

/* An address in the file system that nobody answers at is left over from a process that was killed. */
static bool clear_stale_socket(const struct sockaddr_un *at, struct pml_error *err)
{
    struct stat st;
    if (lstat(at->sun_path, &st) != 0)
        return errno == ENOENT || pml_fail_io(err, "stat %s", at->sun_path);
    if (!S_ISSOCK(st.st_mode))
        return pml_fail(err, PML_UNKNOWN, "in_use", "%s is there and is no socket", at->sun_path);
    PML_AUTO(fd) int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return pml_fail_io(err, "socket");
    if (connect(probe, (const struct sockaddr *)at, sizeof *at) == 0 || errno != ECONNREFUSED)
        return pml_fail(err, PML_UNKNOWN, "in_use", "another process serves %s", at->sun_path);
    return unlink(at->sun_path) == 0 || pml_fail_io(err, "remove %s", at->sun_path);
}

static bool bind_to(int fd, const struct pml_address *address, unsigned unix_mode, struct pml_error *err)
{
    char text[PML_ADDRESS_TEXT];
    const struct sockaddr_un *un = (const struct sockaddr_un *)&address->at;
    bool is_unix = address->at.ss_family == AF_UNIX;
    pml_address_text(text, address);
    if (is_unix && !clear_stale_socket(un, err))
        return false;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    if (address->at.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 1 }, sizeof(int));
    mode_t mask = is_unix ? umask(0777) : 0; /* nobody connects before the mode is set */
    int bound = bind(fd, (const struct sockaddr *)&address->at, address->size);
    int reason = errno;
    if (is_unix)
        umask(mask);
    errno = reason;
    if (bound != 0)
        return errno == EADDRINUSE ? pml_fail(err, PML_UNKNOWN, "in_use", "another process listens on %s", text)
                                   : pml_fail_io(err, "listen on %s", text);
    if (is_unix && chmod(un->sun_path, unix_mode) != 0)
        return pml_fail_io(err, "chmod %s", un->sun_path);
    if (listen(fd, BACKLOG) != 0)
        return errno == EADDRINUSE ? pml_fail(err, PML_UNKNOWN, "in_use", "another process listens on %s", text)
                                   : pml_fail_io(err, "listen on %s", text);
    return true;
}

bool pml_http_server_listen(struct pml_http_server *server, const struct pml_address *address,
                            struct pml_tls_server *tls, unsigned unix_mode, struct pml_address *bound,
                            struct pml_error *err)
{
    PML_AUTO(fd) int fd = socket(address->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return pml_fail_io(err, "socket");
    if (!bind_to(fd, address, unix_mode, err))
        return false;
    struct pml_address real = { .size = sizeof real.at };
    if (getsockname(fd, (struct sockaddr *)&real.at, &real.size) != 0)
        return pml_fail_io(err, "getsockname");
    PML_AUTO(mem) struct pml_http_listener *listener = calloc(1, sizeof *listener);
    if (!listener)
        return pml_fail_memory(err);
    *listener = (struct pml_http_listener){ .next = server->listeners, .server = server, .tls = tls };
    listener->event = event_new(pml_loop_base(server->loop), fd, EV_READ | EV_PERSIST, on_accept, listener);
    if (!listener->event)
        return pml_fail_memory(err);
    if (!server->paused && event_add(listener->event, NULL) != 0) {
        event_free(listener->event);
        return pml_fail_memory(err);
    }
    if (address->at.ss_family == AF_UNIX)
        memcpy(listener->unix_path, ((const struct sockaddr_un *)&address->at)->sun_path, sizeof listener->unix_path);
    if (bound)
        *bound = real;
    listener->fd = pml_fd_take(&fd);
    server->listeners = pml_take(&listener);
    return true;
}

static void close_listeners(struct pml_http_server *server)
{
    while (server->listeners) {
        struct pml_http_listener *l = server->listeners;
        server->listeners = l->next;
        event_free(l->event);
        close(l->fd);
        if (l->unix_path[0])
            unlink(l->unix_path);
        free(l);
    }
}

static void close_all(struct pml_http_server *server)
{
    for (size_t i = 0; i < server->limits.connections; i++) {
        if (server->slots[i].connection)
            pml_http_connection_close(server->slots[i].connection);
    }
}

/* With nothing left open, or when the time is up. */
static void on_drain_timer(void *arg)
{
    struct pml_http_server *server = arg;
    close_all(server);
    void (*drained)(void *arg) = server->drained;
    server->drained = NULL;
    if (drained)
        drained(server->drained_arg);
}

void pml_http_server_room(struct pml_http_server *server)
{
    if (server->drained && server->open == 0)
        pml_timer_start(server->drain_timer, 0);
    if (server->paused && !server->draining)
        watch_listeners(server, true);
}

void pml_http_server_drain(struct pml_http_server *server, unsigned timeout_ms, void (*done)(void *arg), void *arg)
{
    server->draining = true;
    server->drained = done;
    server->drained_arg = arg;
    close_listeners(server);
    pml_timer_start(server->drain_timer, server->open ? timeout_ms : 0);
    for (size_t i = 0; i < server->limits.connections; i++) {
        struct pml_http_connection *c = server->slots[i].connection;
        if (c && c->at == PML_HTTP_READ_HEAD && !c->begun)
            pml_http_connection_close(c);
    }
}

static void set_defaults(struct pml_http_limits *limits)
{
#define DEFAULT(member, value) limits->member = limits->member ? limits->member : (value)
    DEFAULT(header_size, 65536);
    DEFAULT(header_count, 100);
    DEFAULT(body_size, (size_t)32 << 20);
    DEFAULT(bodies_size, (size_t)512 << 20);
    DEFAULT(output_size, 256 << 10);
    DEFAULT(connections, 1024);
    DEFAULT(header_ms, 30000);
    DEFAULT(body_ms, 60000);
    DEFAULT(write_ms, 60000);
    DEFAULT(idle_ms, 75000);
    DEFAULT(linger_ms, 5000);
#undef DEFAULT
}

struct pml_http_server *pml_http_server_new(struct pml_loop *loop, const struct pml_http_handler *handler,
                                            const struct pml_http_limits *limits, struct pml_error *err)
{
    struct pml_http_server *server = calloc(1, sizeof *server);
    if (!server)
        return pml_fail_memory(err);
    server->loop = loop;
    server->handler = *handler;
    if (limits)
        server->limits = *limits;
    set_defaults(&server->limits);
    server->drain_timer = pml_timer_new(loop, on_drain_timer, server, err);
    server->accept_timer = pml_timer_new(loop, on_accept_again, server, err);
    server->slots = calloc(server->limits.connections, sizeof server->slots[0]);
    if (!server->drain_timer || !server->accept_timer || !server->slots) {
        pml_http_server_free(server);
        return pml_fail_memory(err);
    }
    return server;
}

void pml_http_server_free(struct pml_http_server *server)
{
    if (!server)
        return;
    server->draining = true;
    server->drained = NULL;
    close_listeners(server);
    if (server->slots)
        close_all(server);
    free(server->slots);
    pml_timer_free(server->accept_timer);
    pml_timer_free(server->drain_timer);
    free(server);
}
