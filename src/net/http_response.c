/* SPDX-License-Identifier: MIT */
/* Responses: their heads, and the calls of the handler that send them. These only queue and write what the socket
 * takes; callbacks come from the loop later, never out of a call. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/time.h"
#include "net/http_connection.h"

struct pml_http_head {
    struct pml_buf text;
};

static const char *reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } reasons[] = {
        { 200, "OK" },
        { 201, "Created" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 301, "Moved Permanently" },
        { 302, "Found" },
        { 304, "Not Modified" },
        { 307, "Temporary Redirect" },
        { 308, "Permanent Redirect" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 412, "Precondition Failed" },
        { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" },
        { 417, "Expectation Failed" },
        { 421, "Misdirected Request" },
        { 422, "Unprocessable Content" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" },
    };
    for (size_t i = 0; i < PML_COUNT(reasons); i++) {
        if (reasons[i].status == status)
            return reasons[i].text;
    }
    return "Unknown";
}

static bool has_header(const struct pml_http_head *head, const char *name)
{
    const char *at = (const char *)head->text.bytes, *end = at + head->text.size;
    size_t size = strlen(name);
    while (at && (at = memmem(at, (size_t)(end - at), "\r\n", 2))) {
        at += 2;
        if ((size_t)(end - at) > size && at[size] == ':' && strncasecmp(at, name, size) == 0)
            return true;
    }
    return false;
}

void pml_http_put_header(struct pml_http_head *head, const char *name, const char *value)
{
    if (has_header(head, name))
        return;
    pml_put_format(&head->text, "%s: ", name);
    for (; *value; value++) /* a value never ends its line */
        pml_put_u8(&head->text, (uint8_t)*value < ' ' || *value == 0x7f ? '?' : (uint8_t)*value);
    pml_put_text(&head->text, "\r\n");
}

/* Framing is this file's business. */
static bool is_framing(const char *name)
{
    return strcasecmp(name, "content-length") == 0 || strcasecmp(name, "transfer-encoding") == 0 ||
           strcasecmp(name, "connection") == 0;
}

static bool has_body(unsigned status)
{
    return status >= 200 && status != 204 && status != 304;
}

static void put_framing(struct pml_http_head *head, const struct pml_http_connection *c,
                        const struct pml_http_response *response, bool whole)
{
    if (whole && has_body(response->status))
        pml_put_format(&head->text, "Content-Length: %zu\r\n", response->body_size);
    else if (!whole && c->message.minor == 1)
        pml_put_text(&head->text, "Transfer-Encoding: chunked\r\n");
    pml_put_format(&head->text, "Connection: %s\r\n\r\n", c->closing ? "close" : "keep-alive");
}

static void put_head(struct pml_http_head *head, const struct pml_http_connection *c,
                     const struct pml_http_response *response, bool whole)
{
    const struct pml_http_handler *handler = &c->server->handler;
    time_t now = time(NULL);
    struct tm utc;
    char date[64];
    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    pml_put_format(&head->text, "HTTP/1.1 %u %s\r\nDate: %s\r\n", response->status, reason(response->status), date);
    if (response->content_type)
        pml_http_put_header(head, "Content-Type", response->content_type);
    for (size_t i = 0; i < response->header_count; i++) {
        if (!is_framing(response->headers[i].name))
            pml_http_put_header(head, response->headers[i].name, response->headers[i].value);
    }
    if (handler->decorate)
        handler->decorate(handler->arg, c->user, head);
    put_framing(head, c, response, whole);
}

static bool put_chunk(struct pml_http_connection *c, const void *bytes, size_t size)
{
    struct evbuffer *out = c->stream.out;
    if (size == 0 || c->message.head_only)
        return true;
    if (c->message.minor == 0)
        return evbuffer_add(out, bytes, size) == 0;
    return evbuffer_add_printf(out, "%zx\r\n", size) > 0 && evbuffer_add(out, bytes, size) == 0 &&
           evbuffer_add(out, "\r\n", 2) == 0;
}

bool pml_http_put_response(struct pml_http_connection *c, const struct pml_http_response *response, bool whole)
{
    struct pml_http_head head = { 0 };
    bool body_open = c->at == PML_HTTP_READ_BODY && c->message.expects; /* whether it will come is anyone's guess */
    if (c->server->draining || body_open || (!whole && c->message.minor == 0))
        c->closing = true;
    put_head(&head, c, response, whole);
    bool good = !head.text.failed && evbuffer_add(c->stream.out, head.text.bytes, head.text.size) == 0;
    pml_buf_free(&head.text);
    if (!good || !whole)
        return good && put_chunk(c, response->body, response->body_size);
    if (c->message.head_only || !has_body(response->status) || !response->body_size)
        return true;
    return evbuffer_add(c->stream.out, response->body, response->body_size) == 0;
}

void pml_http_refuse(struct pml_http_connection *c, unsigned status, const char *why)
{
    static const struct pml_http_header allow = { "Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS" };
    static const struct pml_http_header later = { "Retry-After", "1" };
    const struct pml_http_handler *handler = &c->server->handler;
    struct pml_http_response response = { .status = status, .content_type = "text/plain" };
    struct pml_buf body = { 0 };
    if (handler->error_body)
        response.content_type = handler->error_body(handler->arg, status, why, &body);
    else
        pml_put_format(&body, "%s\n", why);
    response.body = body.bytes;
    response.body_size = body.failed ? 0 : body.size;
    response.headers = status == 405 ? &allow : &later;
    response.header_count = status == 405 || status == 503;
    c->closing = true;
    if (!pml_http_put_response(c, &response, true))
        c->aborted = true;
    pml_buf_free(&body);
}

/* After something was queued: what went wrong closes the connection, from the loop. */
static bool sent(struct pml_http_connection *c, bool good)
{
    if (!good)
        c->aborted = true;
    pml_stream_flush(&c->stream);
    pml_stream_poke(&c->stream);
    return good;
}

static struct pml_http_connection *to_answer(struct pml_http_server *server, struct pml_http_handle handle)
{
    struct pml_http_connection *c = pml_http_find(server, handle);
    if (c && evbuffer_get_length(c->stream.out) == 0)
        c->since = pml_monotonic_ms(); /* from here on the client has to take something */
    return c;
}

bool pml_http_respond(struct pml_http_server *server, struct pml_http_handle handle,
                      const struct pml_http_response *response)
{
    struct pml_http_connection *c = to_answer(server, handle);
    if (!c || c->streaming)
        return false;
    bool good = pml_http_put_response(c, response, true);
    pml_http_request_end(c);
    return sent(c, good);
}

bool pml_http_start(struct pml_http_server *server, struct pml_http_handle handle,
                    const struct pml_http_response *response)
{
    struct pml_http_connection *c = to_answer(server, handle);
    if (!c || c->streaming)
        return false;
    c->streaming = true;
    return sent(c, pml_http_put_response(c, response, false));
}

enum pml_http_sent pml_http_write(struct pml_http_server *server, struct pml_http_handle handle, const void *bytes,
                                  size_t size)
{
    struct pml_http_connection *c = to_answer(server, handle);
    if (!c || !c->streaming)
        return PML_HTTP_GONE;
    if (evbuffer_get_length(c->stream.out) >= server->limits.output_size) {
        c->full = true;
        return PML_HTTP_FULL;
    }
    return sent(c, put_chunk(c, bytes, size)) ? PML_HTTP_SENT : PML_HTTP_GONE;
}

bool pml_http_end(struct pml_http_server *server, struct pml_http_handle handle, const void *bytes, size_t size)
{
    struct pml_http_connection *c = to_answer(server, handle);
    if (!c || !c->streaming)
        return false;
    bool good = put_chunk(c, bytes, size);
    if (good && c->message.minor == 1 && !c->message.head_only)
        good = evbuffer_add(c->stream.out, "0\r\n\r\n", 5) == 0;
    pml_http_request_end(c);
    return sent(c, good);
}

void pml_http_abort(struct pml_http_server *server, struct pml_http_handle handle)
{
    struct pml_http_connection *c = to_answer(server, handle);
    if (!c)
        return;
    pml_http_request_end(c);
    sent(c, false);
}
