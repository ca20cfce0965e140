/* SPDX-License-Identifier: MIT */
/* HTTP requests as a client sends them: a head, then a body in chunks. However the bytes are cut, the same comes out;
 * what is accepted is well-formed. The first byte chooses the size of the pieces. */
#include <stdlib.h>
#include <string.h>

#include "net/http_parse.h"

#define REQUIRE(condition) \
    do {                   \
        if (!(condition))  \
            abort();       \
    } while (0)

#define TRAILER_LIMIT 4096

static enum pml_http_chunk_state decode(const uint8_t *bytes, size_t size, size_t step, struct pml_buf *body,
                                        size_t *end)
{
    struct pml_http_chunks chunks = { 0 };
    enum pml_http_chunk_state got = PML_CHUNK_MORE;
    size_t at = 0;
    while (at < size && got == PML_CHUNK_MORE) {
        size_t used, piece = size - at < step ? size - at : step;
        got = pml_http_chunks_read(&chunks, bytes + at, piece, &used, body, TRAILER_LIMIT);
        REQUIRE(used <= piece && (used == piece || got != PML_CHUNK_MORE));
        at += used;
    }
    *end = at;
    return got;
}

static void check_chunks(const uint8_t *bytes, size_t size, size_t step)
{
    struct pml_buf whole = { 0 }, pieces = { 0 };
    size_t whole_end, pieces_end;
    enum pml_http_chunk_state one = decode(bytes, size, size ? size : 1, &whole, &whole_end);
    enum pml_http_chunk_state other = decode(bytes, size, step, &pieces, &pieces_end);
    REQUIRE(one == other && whole_end == pieces_end && whole.size == pieces.size && whole.size <= size);
    REQUIRE(whole.size == 0 || memcmp(whole.bytes, pieces.bytes, whole.size) == 0);
    pml_buf_free(&whole);
    pml_buf_free(&pieces);
}

static void check_message(const struct pml_http_message *m)
{
    REQUIRE(m->method[0] && (m->path[0] == '/' || strcmp(m->path, "*") == 0));
    REQUIRE(!strpbrk(m->path, " ?#\r\n") && m->host && m->header_count <= 100);
    REQUIRE(!m->chunked || m->length == 0);
    for (size_t i = 0; i < m->header_count; i++)
        REQUIRE(m->headers[i].name[0] && !strpbrk(m->headers[i].name, " \t\r\n:") &&
                !strpbrk(m->headers[i].value, "\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pml_http_message message;
    if (size == 0)
        return 0;
    size_t step = data[0] % 32 + 1, scanned = 0, found = 0;
    const char *text = (const char *)++data;
    size--;
    for (size_t there = 0; found == 0 && there < size;) {
        there = size - there < step ? size : there + step;
        found = pml_http_head_size(text, there, &scanned);
    }
    scanned = 0;
    REQUIRE(found == pml_http_head_size(text, size, &scanned) || found == SIZE_MAX);
    if (found == 0 || found == SIZE_MAX) {
        check_chunks(data, size, step);
        return 0;
    }
    const char *why = NULL;
    char *head = malloc(found);
    memcpy(head, text, found);
    unsigned status = pml_http_head_parse(&message, head, found, 100, &why);
    REQUIRE(status == 0 || (status >= 400 && status < 600 && why));
    if (status == 0)
        check_message(&message);
    free(head);
    check_chunks(data + found, size - found, step);
    return 0;
}
