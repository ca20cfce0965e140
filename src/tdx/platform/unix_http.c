/* SPDX-License-Identifier: MIT */
/* HTTP over a unix socket: one request, one response, closed. */
#include "tdx/platform/unix_http.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/time.h"

/* Waits until FD is ready or the deadline has passed. */
static bool await(int fd, short events, int64_t deadline_ms, struct pml_error *err)
{
    for (;;) {
        struct pollfd one = { .fd = fd, .events = events };
        int64_t left = deadline_ms - pml_monotonic_ms();
        int ready = left > 0 ? poll(&one, 1, (int)left) : 0;
        if (ready > 0)
            return true;
        if (ready == 0)
            return pml_fail(err, PML_UNKNOWN, "agent", "no answer in time");
        if (errno != EINTR)
            return pml_fail_io(err, "poll");
    }
}

static int dial(const char *socket_path, struct pml_error *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(socket_path) >= sizeof address.sun_path) {
        pml_fail(err, PML_UNKNOWN, "agent_absent", "socket path too long");
        return -1;
    }
    memcpy(address.sun_path, socket_path, strlen(socket_path));
    PML_AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        pml_fail_io(err, "socket");
        return -1;
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        if (errno == ENOENT || errno == ECONNREFUSED)
            pml_fail(err, PML_UNKNOWN, "agent_absent", "nothing listens");
        else
            pml_fail_io(err, "connect");
        return -1;
    }
    return pml_fd_take(&fd);
}

static bool send_all(int fd, const struct pml_buf *request, int64_t deadline_ms, struct pml_error *err)
{
    for (size_t sent = 0; sent < request->size;) {
        if (!await(fd, POLLOUT, deadline_ms, err))
            return false;
        ssize_t put = send(fd, request->bytes + sent, request->size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put < 0 && errno != EINTR && errno != EAGAIN)
            return pml_fail_io(err, "send");
        sent += put > 0 ? (size_t)put : 0;
    }
    return true;
}

/* Offset of the body, 0 while the headers have not ended. */
static size_t body_offset(const char *bytes, size_t size)
{
    const char *end = memmem(bytes, size, "\r\n\r\n", 4);
    return end ? (size_t)(end - bytes) + 4 : 0;
}

/* Value of a header whose NAME ends in ':', in the lines after the first; NULL: absent. Ends at '\r'. */
static const char *find_header(const char *bytes, size_t headers_size, const char *name)
{
    const char *end = bytes + headers_size;
    for (const char *line = bytes; (line = memmem(line, (size_t)(end - line), "\r\n", 2));) {
        line += 2;
        if ((size_t)(end - line) > strlen(name) && strncasecmp(line, name, strlen(name)) == 0) {
            line += strlen(name);
            while (*line == ' ' || *line == '\t')
                line++;
            return line;
        }
    }
    return NULL;
}

/* The announced size of the body; *KNOWN false: it ends with the connection. */
static bool content_length(const char *bytes, size_t headers_size, bool *known, size_t *length, struct pml_error *err)
{
    if (find_header(bytes, headers_size, "transfer-encoding:"))
        return pml_fail(err, PML_UNKNOWN, "agent", "a transfer encoding, which this client does not take");
    const char *value = find_header(bytes, headers_size, "content-length:");
    *known = value != NULL;
    if (!value)
        return true;
    *length = 0;
    size_t digits = 0;
    for (; *value >= '0' && *value <= '9' && digits < 9; value++, digits++)
        *length = *length * 10 + (size_t)(*value - '0');
    if (digits == 0 || *value != '\r' || *length > PML_UNIX_HTTP_BODY_MAX)
        return pml_fail(err, PML_UNKNOWN, "agent", "bad content-length");
    return true;
}

/* Reads until the announced end of the body, or the end of the connection. */
static bool receive(int fd, struct pml_buf *in, int64_t deadline_ms, struct pml_error *err)
{
    size_t wanted = SIZE_MAX;
    while (in->size < wanted) {
        uint8_t *room = pml_buf_room(in, 16384);
        if (!room)
            return pml_buf_check(in, err);
        if (!await(fd, POLLIN, deadline_ms, err))
            return false;
        ssize_t got = recv(fd, room, 16384, MSG_DONTWAIT);
        if (got < 0 && errno != EINTR && errno != EAGAIN)
            return pml_fail_io(err, "receive");
        if (got == 0)
            return true;
        pml_buf_grow(in, got > 0 ? (size_t)got : 0);
        size_t body = body_offset((const char *)in->bytes, in->size);
        if (!body && in->size > PML_UNIX_HTTP_HEADER_MAX)
            return pml_fail(err, PML_UNKNOWN, "agent", "headers too large");
        bool known = false;
        size_t length;
        if (body && wanted == SIZE_MAX && !content_length((const char *)in->bytes, body, &known, &length, err))
            return false;
        if (known)
            wanted = body + length;
    }
    return true;
}

bool pml_unix_http_parse(const char *bytes, size_t size, int *status, const char **body, size_t *body_size,
                         struct pml_error *err)
{
    size_t offset = body_offset(bytes, size);
    bool known;
    size_t length;
    if (!offset || size < 13 || memcmp(bytes, "HTTP/1.", 7) != 0 || bytes[8] != ' ' || bytes[9] < '1' || bytes[9] > '5')
        return pml_fail(err, PML_UNKNOWN, "agent", "not an http response");
    if (bytes[10] < '0' || bytes[10] > '9' || bytes[11] < '0' || bytes[11] > '9' ||
        (bytes[12] != ' ' && bytes[12] != '\r'))
        return pml_fail(err, PML_UNKNOWN, "agent", "not an http response");
    if (!content_length(bytes, offset, &known, &length, err))
        return false;
    if (known && length != size - offset)
        return pml_fail(err, PML_UNKNOWN, "agent", "%zu bytes of body announced, %zu came", length, size - offset);
    *status = (bytes[9] - '0') * 100 + (bytes[10] - '0') * 10 + (bytes[11] - '0');
    *body = bytes + offset;
    *body_size = size - offset;
    return true;
}

/* The agent's own words, when it sent any: {"error":"..."}. */
static void *fail_status(int status, const char *body, size_t size, struct pml_error *err)
{
    struct pml_error ignored;
    PML_AUTO(json) json_t *object = pml_json_load(body, size, &ignored);
    const char *text = object ? pml_json_text(object, "error", &ignored) : NULL;
    return pml_fail(err, PML_UNKNOWN, "agent", "status %d%s%.300s", status, text ? ": " : "", text ? text : "");
}

char *pml_unix_http_post(const char *socket_path, const char *path, const char *body, int timeout_ms, size_t *size,
                         struct pml_error *err)
{
    int64_t deadline_ms = pml_monotonic_ms() + timeout_ms;
    PML_AUTO(buf) struct pml_buf request = { 0 }, in = { .limit = PML_UNIX_HTTP_HEADER_MAX + PML_UNIX_HTTP_BODY_MAX };
    pml_put_format(&request, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n", path);
    pml_put_format(&request, "Content-Length: %zu\r\nConnection: close\r\n\r\n%s", strlen(body), body);
    if (!pml_buf_check(&request, err))
        return NULL;
    PML_AUTO(fd) int fd = dial(socket_path, err);
    int status;
    const char *answer;
    size_t answer_size;
    if (fd < 0 || !send_all(fd, &request, deadline_ms, err) || !receive(fd, &in, deadline_ms, err) ||
        !pml_unix_http_parse((const char *)in.bytes, in.size, &status, &answer, &answer_size, err))
        return pml_wrap(err, "%s%s", socket_path, path);
    if (status != 200) {
        fail_status(status, answer, answer_size, err);
        return pml_wrap(err, "%s%s", socket_path, path);
    }
    PML_AUTO(buf) struct pml_buf out = { 0 };
    pml_put_bytes(&out, answer, answer_size);
    return pml_buf_take(&out, size, err);
}
