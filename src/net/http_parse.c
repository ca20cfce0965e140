/* SPDX-License-Identifier: MIT */
/* Request heads and the chunked coding. */
#include "net/http_parse.h"

#include <string.h>
#include <strings.h>

size_t pml_http_head_size(const char *bytes, size_t size, size_t *scanned)
{
    for (size_t i = *scanned; i < size; i++) {
        if (bytes[i] == 0 || (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r')))
            return SIZE_MAX;
        if (bytes[i] == '\n' && i >= 3 && bytes[i - 2] == '\n')
            return *scanned = i + 1;
    }
    *scanned = size;
    return 0;
}

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(const char *text)
{
    size_t size = 0;
    while (is_token_char(text[size]))
        size++;
    return size > 0 && text[size] == 0;
}

/* Cuts the text at the first END, which becomes NUL. Returns what follows, NULL if there is no END. */
static char *cut(char *text, const char *end)
{
    char *found = strstr(text, end);
    if (!found)
        return NULL;
    *found = 0;
    return found + strlen(end);
}

static unsigned refuse(const char **why, unsigned status, const char *text)
{
    *why = text;
    return status;
}

/* Target forms of RFC 9112 §3.2: origin ("/x?y"), absolute ("http://host/x"), asterisk for OPTIONS. */
static unsigned parse_target(struct pml_http_message *m, char *target, const char **why)
{
    for (const char *c = target; *c; c++) {
        if (*c <= ' ' || *c >= 0x7f || *c == '#')
            return refuse(why, 400, "the request target has a character that must be escaped");
    }
    if (strncasecmp(target, "http://", 7) == 0 || strncasecmp(target, "https://", 8) == 0) {
        char *authority = strstr(target, "//") + 2;
        size_t size = strcspn(authority, "/?");
        if (size == 0)
            return refuse(why, 400, "the request target names no host");
        /* moved down by one, to make room for its NUL in front of the path */
        memmove(authority - 1, authority, size);
        target = authority + size;
        authority[size - 1] = 0;
        m->host = authority - 1;
    } else if (*target != '/' && !(strcmp(target, "*") == 0 && strcmp(m->method, "OPTIONS") == 0)) {
        return refuse(why, 400, "the request target is not a path");
    }
    m->query = cut(target, "?");
    m->path = *target ? target : "/";
    return 0;
}

static unsigned parse_request_line(struct pml_http_message *m, char *line, const char **why)
{
    char *target = cut(line, " ");
    char *version = target ? cut(target, " ") : NULL;
    if (!version || !is_token(line) || strlen(line) > 32 || !*target)
        return refuse(why, 400, "the request line is malformed");
    if (strncmp(version, "HTTP/", 5) != 0 || strspn(version + 5, "0123456789") != 1 || version[6] != '.' ||
        strspn(version + 7, "0123456789") != 1 || version[8])
        return refuse(why, 400, "the request line has no HTTP version");
    if (version[5] != '1')
        return refuse(why, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    m->minor = version[7] == '0' ? 0 : 1;
    m->method = line;
    m->head_only = strcmp(line, "HEAD") == 0;
    if (strcmp(line, "CONNECT") == 0 || strcmp(line, "TRACE") == 0)
        return refuse(why, 405, "this method is not served");
    return parse_target(m, target, why);
}

static unsigned parse_header(struct pml_http_message *m, char *line, const char **why)
{
    char *value = cut(line, ":");
    if (!value || !is_token(line))
        return refuse(why, 400, "a header line is malformed");
    value += strspn(value, " \t");
    size_t size = strlen(value);
    while (size && (value[size - 1] == ' ' || value[size - 1] == '\t'))
        size--;
    value[size] = 0;
    for (const char *c = value; *c; c++) {
        if ((*c > 0 && *c < ' ' && *c != '\t') || *c == 0x7f)
            return refuse(why, 400, "a header value has a control character");
    }
    m->headers[m->header_count++] = (struct pml_http_header){ line, value };
    return 0;
}

static bool named(const struct pml_http_header *header, const char *name)
{
    return strcasecmp(header->name, name) == 0;
}

/* True if the comma-separated list has the token, in any case. */
static bool list_has(const char *list, const char *token)
{
    size_t size = strlen(token);
    while (*list) {
        list += strspn(list, ", \t");
        size_t item = strcspn(list, ",");
        size_t bare = item;
        while (bare && (list[bare - 1] == ' ' || list[bare - 1] == '\t'))
            bare--;
        if (bare == size && strncasecmp(list, token, size) == 0)
            return true;
        list += item;
    }
    return false;
}

static bool parse_length(uint64_t *out, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 18 || text[digits])
        return false;
    for (*out = 0; *text; text++)
        *out = *out * 10 + (uint64_t)(*text - '0');
    return true;
}

/* RFC 9112 §6: what says how long the body is. */
static unsigned parse_framing(struct pml_http_message *m, const char **why)
{
    size_t lengths = 0, codings = 0, hosts = 0;
    for (size_t i = 0; i < m->header_count; i++) {
        const struct pml_http_header *h = &m->headers[i];
        if (named(h, "content-length")) {
            if (lengths++ || !parse_length(&m->length, h->value))
                return refuse(why, 400, "Content-Length is not one number");
        } else if (named(h, "transfer-encoding")) {
            if (codings++ || strcasecmp(h->value, "chunked") != 0)
                return refuse(why, 501, "the only transfer coding is chunked");
        } else if (named(h, "host")) {
            if (hosts++)
                return refuse(why, 400, "more than one Host");
            if (!m->host)
                m->host = h->value;
        } else if (named(h, "connection")) {
            m->close |= list_has(h->value, "close");
        } else if (named(h, "expect")) {
            if (strcasecmp(h->value, "100-continue") != 0)
                return refuse(why, 417, "the only expectation is 100-continue");
            m->expects = m->minor == 1;
        }
    }
    if (codings && (lengths || m->minor == 0))
        return refuse(why, 400, "Transfer-Encoding together with Content-Length or HTTP/1.0");
    if (!hosts && m->minor == 1)
        return refuse(why, 400, "no Host");
    m->chunked = codings > 0;
    m->close |= m->minor == 0;
    if (!m->host)
        m->host = "";
    return 0;
}

unsigned pml_http_head_parse(struct pml_http_message *out, char *text, size_t size, size_t header_limit,
                             const char **why)
{
    memset(out, 0, sizeof *out);
    out->minor = 1;
    text[size - 2] = 0; /* at the blank line */
    char *line = text;
    char *rest = cut(line, "\r\n");
    unsigned status = parse_request_line(out, line, why);
    for (line = rest; !status && *line; line = rest) {
        rest = cut(line, "\r\n");
        if (out->header_count >= header_limit || out->header_count >= PML_HTTP_MAX_HEADERS)
            return refuse(why, 431, "too many header lines");
        status = parse_header(out, line, why);
    }
    return status ? status : parse_framing(out, why);
}

enum { SIZE, EXTENSION, SIZE_LF, DATA, DATA_CR, DATA_LF, TRAILER, TRAILER_LINE, TRAILER_LF, END_LF, DONE, BAD };

#define MAX_LINE       1024      /* of a chunk extension */
#define FREE_OVERHEAD  (1 << 16) /* framing that is always allowed */
#define OVERHEAD_RATIO 16        /* and that allowed for each byte of data: chunks of one byte need 5 */

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static int after_size(struct pml_http_chunks *k, uint8_t c)
{
    int digit = hex_digit(c);
    if (digit >= 0 && k->digits < 15) {
        k->left = k->left << 4 | (uint64_t)digit;
        k->digits++;
        return SIZE;
    }
    if (k->digits == 0)
        return BAD;
    k->line = 0;
    return c == '\r' ? SIZE_LF : c == ';' || c == ' ' || c == '\t' ? EXTENSION : BAD;
}

static int after_text(struct pml_http_chunks *k, uint8_t c, int same, int next, size_t limit)
{
    if (c == '\r')
        return next;
    return (c < ' ' && c != '\t') || c == 0x7f || ++k->line > limit ? BAD : same;
}

/* The state after one byte that is not data. */
static int after(struct pml_http_chunks *k, uint8_t c, size_t trailer_limit)
{
    switch (k->at) {
    case SIZE: return after_size(k, c);
    case EXTENSION: return after_text(k, c, EXTENSION, SIZE_LF, MAX_LINE);
    case SIZE_LF: return c != '\n' ? BAD : k->left ? DATA : TRAILER;
    case DATA_CR: return c == '\r' ? DATA_LF : BAD;
    case DATA_LF: k->digits = 0; return c == '\n' ? SIZE : BAD;
    case TRAILER: k->line = 0; return c == '\r' ? END_LF : after_text(k, c, TRAILER_LINE, BAD, trailer_limit);
    case TRAILER_LINE: return after_text(k, c, TRAILER_LINE, TRAILER_LF, trailer_limit);
    case TRAILER_LF: return c == '\n' ? TRAILER : BAD;
    case END_LF: return c == '\n' ? DONE : BAD;
    default: return BAD;
    }
}

enum pml_http_chunk_state pml_http_chunks_read(struct pml_http_chunks *k, const uint8_t *bytes, size_t size,
                                               size_t *used, struct pml_buf *body, size_t trailer_limit)
{
    size_t i = 0;
    while (i < size && k->at != DONE && k->at != BAD) {
        if (k->at == DATA) {
            size_t piece = size - i < k->left ? size - i : (size_t)k->left;
            pml_put_bytes(body, bytes + i, piece);
            i += piece;
            k->data += piece;
            k->left -= piece;
            if (k->left == 0)
                k->at = DATA_CR;
            continue;
        }
        if (k->at >= TRAILER && k->at != END_LF && ++k->trailers > trailer_limit)
            k->at = BAD;
        else if (++k->overhead > FREE_OVERHEAD + OVERHEAD_RATIO * k->data)
            k->at = BAD;
        else
            k->at = after(k, bytes[i++], trailer_limit);
    }
    *used = i;
    return k->at == DONE ? PML_CHUNK_DONE : k->at == BAD ? PML_CHUNK_BAD : PML_CHUNK_MORE;
}
