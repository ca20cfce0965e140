/* SPDX-License-Identifier: MIT */
/*
 * Reading HTTP/1.1 requests (RFC 9112): where a head ends, what it says, and the chunked coding. Strict, because two
 * readers of one connection that disagree let a request be smuggled past one of them: CRLF only, no folding, no blank
 * before a colon, one length. Nothing here does I/O. Private to net/.
 */
#ifndef PML_NET_HTTP_PARSE_H
#define PML_NET_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/http_server.h"

/* Looks for the blank line that ends a head. *SCANNED is how far earlier calls have looked (0 at first) and moves on.
 * Returns the head's size with that line, 0 if it is not there yet, SIZE_MAX for a byte that no head has (NUL, a bare
 * LF). */
size_t pml_http_head_size(const char *bytes, size_t size, size_t *scanned);

#define PML_HTTP_MAX_HEADERS 256 /* a limit on limits */

struct pml_http_message {
    const char *method, *path, *query, *host; /* as in struct pml_http_request; into the parsed text, NUL-terminated */
    struct pml_http_header headers[PML_HTTP_MAX_HEADERS];
    size_t header_count;
    unsigned minor; /* HTTP/1.minor, 0 or 1 */
    bool head_only; /* HEAD */
    bool close;     /* the connection is not to be used again */
    bool expects;   /* 100-continue */
    bool chunked;   /* else LENGTH bytes of body */
    uint64_t length;
};

/* Parses a whole head in place; TEXT is changed and borrowed by OUT. Returns 0, or the status that refuses it with the
 * reason in *WHY. */
unsigned pml_http_head_parse(struct pml_http_message *out, char *text, size_t size, size_t header_limit,
                             const char **why);

struct pml_http_chunks {
    int at;            /* enum of the implementation; 0 at first */
    uint64_t left;     /* data bytes to come in this chunk */
    size_t digits;     /* of its size */
    size_t line;       /* bytes of the extension or trailer line so far */
    size_t trailers;   /* bytes of trailers */
    uint64_t overhead; /* bytes that were not data */
    uint64_t data;     /* bytes that were */
};
enum pml_http_chunk_state { PML_CHUNK_MORE, PML_CHUNK_DONE, PML_CHUNK_BAD };

/* Decodes what is there into BODY (whose limit the caller checks) and counts the bytes *USED. After DONE and BAD
 * nothing more is used. Extensions and trailers are dropped, trailers of over TRAILER_LIMIT bytes are bad. */
enum pml_http_chunk_state pml_http_chunks_read(struct pml_http_chunks *chunks, const uint8_t *bytes, size_t size,
                                               size_t *used, struct pml_buf *body, size_t trailer_limit);

#endif
