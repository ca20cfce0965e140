/* SPDX-License-Identifier: MIT */
/* Strict DER. */
#include "dcap/der.h"

#include <string.h>

#include "base/time.h"

void pml_der_fail(struct pml_cursor *in)
{
    if (in->failed)
        return;
    in->failed = true;
    in->fail_offset = pml_cursor_offset(in);
    in->fail_wanted = 0;
    in->fail_left = (size_t)(in->end - in->at);
}

bool pml_der_next_is(const struct pml_cursor *in, uint8_t tag)
{
    return pml_cursor_left(in) > 0 && *in->at == tag;
}

static size_t get_length(struct pml_cursor *in)
{
    uint8_t first = pml_get_u8(in);
    if (first < 0x80)
        return first;
    size_t count = first & 0x7f;
    size_t length = 0;
    if (count < 1 || count > 3) {
        pml_der_fail(in);
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        length = length << 8 | pml_get_u8(in);
    if (length < 0x80 || length >> 8 * (count - 1) == 0)
        pml_der_fail(in); /* a shorter form exists */
    return length;
}

struct pml_cursor pml_der_get(struct pml_cursor *in, uint8_t tag)
{
    if (!pml_der_next_is(in, tag))
        pml_der_fail(in);
    pml_get_skip(in, 1);
    size_t length = get_length(in);
    return pml_get_sub(in, length);
}

struct pml_cursor pml_der_get_raw(struct pml_cursor *in, uint8_t tag, struct pml_bytes *raw)
{
    const uint8_t *start = in->at;
    struct pml_cursor content = pml_der_get(in, tag);
    *raw = in->failed ? (struct pml_bytes){ 0 } : (struct pml_bytes){ start, (size_t)(in->at - start) };
    return content;
}

void pml_der_end(struct pml_cursor *in, const struct pml_cursor *part)
{
    if (part->failed || part->at != part->end)
        pml_der_fail(in);
}

struct pml_bytes pml_der_bytes(struct pml_cursor *in, uint8_t tag)
{
    struct pml_cursor content = pml_der_get(in, tag);
    return (struct pml_bytes){ content.at, pml_cursor_left(&content) };
}

static struct pml_bytes get_unsigned(struct pml_cursor *in, uint8_t tag)
{
    struct pml_bytes value = pml_der_bytes(in, tag);
    bool leading_zero = value.size > 1 && value.bytes[0] == 0;
    if (value.size == 0 || value.bytes[0] >= 0x80 || (leading_zero && value.bytes[1] < 0x80)) {
        pml_der_fail(in);
        return (struct pml_bytes){ 0 };
    }
    return leading_zero ? (struct pml_bytes){ value.bytes + 1, value.size - 1 } : value;
}

struct pml_bytes pml_der_unsigned(struct pml_cursor *in)
{
    return get_unsigned(in, PML_DER_INTEGER);
}

uint64_t pml_der_small(struct pml_cursor *in, uint8_t tag, uint64_t max)
{
    struct pml_bytes bytes = get_unsigned(in, tag);
    uint64_t value = 0;
    if (bytes.size > 8) {
        pml_der_fail(in);
        return 0;
    }
    for (size_t i = 0; i < bytes.size; i++)
        value = value << 8 | bytes.bytes[i];
    if (value > max) {
        pml_der_fail(in);
        return 0;
    }
    return value;
}

bool pml_der_boolean(struct pml_cursor *in)
{
    struct pml_bytes value = pml_der_bytes(in, PML_DER_BOOLEAN);
    if (value.size != 1 || (value.bytes[0] != 0 && value.bytes[0] != 0xff)) {
        pml_der_fail(in);
        return false;
    }
    return value.bytes[0];
}

struct pml_bytes pml_der_bit_string(struct pml_cursor *in)
{
    struct pml_bytes value = pml_der_bytes(in, PML_DER_BIT_STRING);
    if (value.size == 0 || value.bytes[0] != 0) {
        pml_der_fail(in);
        return (struct pml_bytes){ 0 };
    }
    return (struct pml_bytes){ value.bytes + 1, value.size - 1 };
}

void pml_der_octets(struct pml_cursor *in, void *out, size_t size)
{
    struct pml_bytes value = pml_der_bytes(in, PML_DER_OCTET_STRING);
    if (value.size == size) {
        memcpy(out, value.bytes, size);
    } else {
        pml_der_fail(in);
        memset(out, 0, size);
    }
}

int64_t pml_der_time(struct pml_cursor *in)
{
    bool utc = pml_der_next_is(in, PML_DER_UTC_TIME);
    struct pml_bytes digits = pml_der_bytes(in, utc ? PML_DER_UTC_TIME : PML_DER_GENERALIZED_TIME);
    char text[] = "YYYY-MM-DDThh:mm:ssZ";
    static const uint8_t places[14] = { 0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18 };
    size_t skip = utc ? 2 : 0;
    int64_t seconds = 0;
    if (digits.size != sizeof places - skip + 1 || digits.bytes[digits.size - 1] != 'Z') {
        pml_der_fail(in);
        return 0;
    }
    if (utc)
        memcpy(text, digits.bytes[0] >= '5' ? "19" : "20", 2);
    for (size_t i = skip; i < sizeof places; i++)
        text[places[i]] = (char)digits.bytes[i - skip];
    if (!pml_time_parse(&seconds, text))
        pml_der_fail(in);
    return seconds;
}

void pml_der_skip(struct pml_cursor *in)
{
    if (pml_cursor_left(in) == 0)
        pml_der_fail(in);
    else
        pml_der_get(in, *in->at);
}

bool pml_bytes_equal(struct pml_bytes a, const void *bytes, size_t size)
{
    return a.size == size && (size == 0 || memcmp(a.bytes, bytes, size) == 0);
}

bool pml_bytes_same(struct pml_bytes a, struct pml_bytes b)
{
    return pml_bytes_equal(a, b.bytes, b.size);
}
