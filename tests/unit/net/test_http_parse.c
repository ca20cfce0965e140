/* SPDX-License-Identifier: MIT */
/* Heads and chunks: what is a request and what is refused, byte by byte or at once. */
#include "test.h"

#include "net/http_parse.h"

static struct pml_http_message message;

/* Parses HEAD (copied to *TEXT); -1: not complete, else the status. */
static int parse(const char *head, char **text)
{
    size_t scanned = 0;
    const char *why = NULL;
    size_t size = pml_http_head_size(head, strlen(head), &scanned);
    *text = NULL;
    if (size == 0)
        return -1;
    if (size == SIZE_MAX)
        return 400;
    *text = strndup(head, size);
    unsigned status = pml_http_head_parse(&message, *text, size, 100, &why);
    assert_true(status == 0 || why);
    return (int)status;
}

static const struct {
    const char *name, *head;
    int status;
} heads[] = {
    { "the least of HTTP/1.1", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0 },
    { "the least of HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 0 },
    { "a later minor version", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 0 },
    { "an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 0 },
    { "bytes above 127 in a value", "GET / HTTP/1.1\r\nHost: x\r\nA: \xc3\xa9\r\n\r\n", 0 },
    { "asterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 0 },
    { "absolute target", "GET http://y/p?q HTTP/1.1\r\nHost: x\r\n\r\n", 0 },
    { "not complete", "GET / HTTP/1.1\r\nHost: x\r\n", -1 },
    { "no host", "GET / HTTP/1.1\r\n\r\n", 400 },
    { "two hosts", "GET / HTTP/1.1\r\nHost: x\r\nhost: x\r\n\r\n", 400 },
    { "bare line feeds", "GET / HTTP/1.1\nHost: x\n\n", 400 },
    { "a bare carriage return", "GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", 400 },
    { "two blanks", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
    { "a blank at the end", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400 },
    { "HTTP/0.9", "GET /\r\n\r\n", 400 },
    { "HTTP/2", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505 },
    { "a version of letters", "GET / HTTP/1.x\r\nHost: x\r\n\r\n", 400 },
    { "no method", " / HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
    { "a method with a colon", "G:T / HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
    { "a target that is no path", "GET x HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
    { "an absolute target without a host", "GET http:///p HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
    { "a fragment", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
    { "a byte above 127 in the target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
    { "CONNECT", "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 405 },
    { "TRACE", "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 405 },
    { "a blank before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400 },
    { "a folded line", "GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n", 400 },
    { "a line without a colon", "GET / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n", 400 },
    { "a control character in a value", "GET / HTTP/1.1\r\nHost: x\r\nA: \x01\r\n\r\n", 400 },
    { "a length that is no number", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n", 400 },
    { "a length that is a list", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n", 400 },
    { "two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400 },
    { "a length past 64 bits", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 400 },
    { "length and coding", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      400 },
    { "a coding of HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
    { "another coding", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501 },
    { "another expectation", "POST / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", 417 },
};

static void each_head_gets_its_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < PML_COUNT(heads); i++) {
        PML_AUTO(mem) char *text = NULL;
        int status = parse(heads[i].head, &text);
        if (status != heads[i].status)
            fail_msg("%s: %d, not %d", heads[i].name, status, heads[i].status);
    }
}

static void a_head_is_taken_apart(void **state)
{
    (void)state;
    PML_AUTO(mem) char *text = NULL;
    assert_int_equal(parse("POST /v1/x?a=b?c HTTP/1.1\r\nHOST: h:1\r\nA: \t b c \t\r\nContent-Length: 7\r\n"
                           "Connection: keep-alive , Close\r\nExpect: 100-Continue\r\n\r\nbody",
                           &text),
                     0);
    assert_string_equal(message.method, "POST");
    assert_string_equal(message.path, "/v1/x");
    assert_string_equal(message.query, "a=b?c");
    assert_string_equal(message.host, "h:1");
    assert_int_equal(message.header_count, 5);
    assert_string_equal(message.headers[1].name, "A");
    assert_string_equal(message.headers[1].value, "b c");
    assert_int_equal(message.length, 7);
    assert_true(message.close && message.expects);
    assert_false(message.chunked);
}

static void the_authority_of_the_target_wins(void **state)
{
    (void)state;
    PML_AUTO(mem) char *text = NULL;
    assert_int_equal(parse("GET HTTPS://real:8?q HTTP/1.1\r\nHost: other\r\n\r\n", &text), 0);
    assert_string_equal(message.host, "real:8");
    assert_string_equal(message.path, "/");
    assert_string_equal(message.query, "q");
}

static void a_hundred_header_lines_are_the_limit(void **state)
{
    (void)state;
    for (int count = 100; count <= 101; count++) {
        struct pml_error err;
        PML_AUTO(buf) struct pml_buf head = { 0 };
        PML_AUTO(mem) char *text = NULL;
        pml_put_text(&head, "GET / HTTP/1.1\r\nHost: x\r\n");
        for (int i = 1; i < count; i++)
            pml_put_text(&head, "A: b\r\n");
        pml_put_text(&head, "\r\n");
        PML_AUTO(mem) char *whole = pml_buf_take(&head, NULL, &err);
        assert_int_equal(parse(whole, &text), count == 100 ? 0 : 431);
    }
}

static const struct {
    const char *name, *coded, *data;
    enum pml_http_chunk_state state;
    size_t left; /* bytes after the end */
} bodies[] = {
    { "empty", "0\r\n\r\n", "", PML_CHUNK_DONE, 0 },
    { "two chunks", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde", PML_CHUNK_DONE, 0 },
    { "upper case and zeros", "00A\r\n0123456789\r\n000\r\n\r\n", "0123456789", PML_CHUNK_DONE, 0 },
    { "an extension", "1;a=\"b\"\r\nx\r\n0 ;c\r\n\r\n", "x", PML_CHUNK_DONE, 0 },
    { "trailers", "1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n", "x", PML_CHUNK_DONE, 0 },
    { "the next request behind", "1\r\nx\r\n0\r\n\r\nGET", "x", PML_CHUNK_DONE, 3 },
    { "not complete", "5\r\nabc", "abc", PML_CHUNK_MORE, 0 },
    { "no size", "\r\n", "", PML_CHUNK_BAD, 0 },
    { "a sign", "+1\r\nx\r\n", "", PML_CHUNK_BAD, 0 },
    { "hexadecimal prefix", "0x1\r\nx\r\n", "", PML_CHUNK_BAD, 0 },
    { "a size past 60 bits", "1000000000000000\r\n", "", PML_CHUNK_BAD, 0 },
    { "a bare line feed", "1\nx\r\n", "", PML_CHUNK_BAD, 0 },
    { "too much data", "1\r\nxy\r\n", "x", PML_CHUNK_BAD, 0 },
    { "a control character in an extension", "1;\x01\r\n", "", PML_CHUNK_BAD, 0 },
    { "trailers of over 16 bytes", "0\r\nABC: defghijklmno\r\n\r\n", "", PML_CHUNK_BAD, 0 },
};

static void chunks_decode_however_they_are_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < PML_COUNT(bodies); i++) {
        size_t size = strlen(bodies[i].coded);
        for (size_t step = 1; step <= size; step++) {
            struct pml_http_chunks chunks = { 0 };
            PML_AUTO(buf) struct pml_buf data = { 0 };
            enum pml_http_chunk_state got = PML_CHUNK_MORE;
            size_t at = 0;
            while (at < size && got == PML_CHUNK_MORE) {
                size_t used, piece = size - at < step ? size - at : step;
                got = pml_http_chunks_read(&chunks, (const uint8_t *)bodies[i].coded + at, piece, &used, &data, 16);
                at += used;
            }
            if (got != bodies[i].state || data.size != strlen(bodies[i].data) ||
                memcmp(data.bytes ? (char *)data.bytes : "", bodies[i].data, data.size) != 0)
                fail_msg("%s, in steps of %zu: state %d, %zu bytes", bodies[i].name, step, got, data.size);
            if (got == PML_CHUNK_DONE)
                assert_int_equal(size - at, bodies[i].left);
        }
    }
}

static void framing_may_not_outweigh_the_data(void **state)
{
    (void)state;
    char chunk[1100];
    memset(chunk, 'e', sizeof chunk);
    memcpy(chunk, "1;", 2);
    memcpy(chunk + 1000, "\r\nx\r\n", 5);
    struct pml_http_chunks chunks = { 0 };
    PML_AUTO(buf) struct pml_buf data = { 0 };
    size_t used, count = 0;
    while (count < 1000 &&
           pml_http_chunks_read(&chunks, (const uint8_t *)chunk, 1005, &used, &data, 16) == PML_CHUNK_MORE)
        count++;
    assert_in_range(count, 64, 70);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_head_gets_its_status),          cmocka_unit_test(a_head_is_taken_apart),
        cmocka_unit_test(the_authority_of_the_target_wins),   cmocka_unit_test(a_hundred_header_lines_are_the_limit),
        cmocka_unit_test(chunks_decode_however_they_are_cut), cmocka_unit_test(framing_may_not_outweigh_the_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
