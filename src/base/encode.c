/* SPDX-License-Identifier: MIT */
/* Hex and base64 by arithmetic on the character value: (a - b) >> 8 is all ones exactly when a < b. */
#include "base/encode.h"

#include <string.h>

static char hex_digit(unsigned value)
{
    return (char)('0' + value + (((9 - (int)value) >> 8) & ('a' - '0' - 10)));
}

char *pml_hex(char *out, const void *bytes, size_t size)
{
    const uint8_t *in = bytes;
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = hex_digit(in[i] >> 4);
        out[2 * i + 1] = hex_digit(in[i] & 15);
    }
    out[2 * size] = 0;
    return out;
}

void pml_put_hex(struct pml_buf *b, const void *bytes, size_t size)
{
    uint8_t *room = pml_buf_room(b, 2 * size);
    if (!room)
        return;
    pml_hex((char *)room, bytes, size);
    pml_buf_grow(b, 2 * size);
}

/* All ones if LOW <= c <= HIGH. */
static int in_range(int c, int low, int high)
{
    return ((low - 1 - c) & (c - high - 1)) >> 8;
}

/* 0..15, or -1. */
static int unhex_digit(char ch, bool upper)
{
    int c = (unsigned char)ch;
    int value = -1;
    value += in_range(c, '0', '9') & (c - '0' + 1);
    value += in_range(c, 'a', 'f') & (c - 'a' + 11);
    value += -(int)upper & in_range(c, 'A', 'F') & (c - 'A' + 11);
    return value;
}

static bool unhex(uint8_t *out, size_t size, const char *text, size_t text_size, bool upper)
{
    int bad = 0;
    if (text_size / 2 != size || text_size % 2)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = unhex_digit(text[2 * i], upper);
        int low = unhex_digit(text[2 * i + 1], upper);
        bad |= high | low;
        out[i] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
    }
    return bad >= 0;
}

bool pml_unhex(void *out, size_t size, const char *text, size_t text_size)
{
    return unhex(out, size, text, text_size, true);
}

bool pml_unhex_lower(void *out, size_t size, const char *text, size_t text_size)
{
    return unhex(out, size, text, text_size, false);
}

static char base64_char(int v)
{
    int c = 'A' + v;
    c += ((25 - v) >> 8) & ('a' - 'Z' - 1);
    c += ((51 - v) >> 8) & ('0' - 'z' - 1);
    c += ((61 - v) >> 8) & ('+' - '9' - 1);
    c += ((62 - v) >> 8) & ('/' - '+' - 1);
    return (char)c;
}

static int unbase64_char(char ch)
{
    int c = (unsigned char)ch;
    int value = -1;
    value += in_range(c, 'A', 'Z') & (c - 'A' + 1);
    value += in_range(c, 'a', 'z') & (c - 'a' + 27);
    value += in_range(c, '0', '9') & (c - '0' + 53);
    value += in_range(c, '+', '+') & 63;
    value += in_range(c, '/', '/') & 64;
    return value;
}

size_t pml_base64_size(size_t size)
{
    return (size + 2) / 3 * 4;
}

char *pml_base64(char *out, const void *bytes, size_t size)
{
    const uint8_t *in = bytes;
    char *to = out;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t word = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0);
        *to++ = base64_char(word >> 18);
        *to++ = base64_char(word >> 12 & 63);
        *to++ = left > 1 ? base64_char(word >> 6 & 63) : '=';
        *to++ = left > 2 ? base64_char(word & 63) : '=';
    }
    *to = 0;
    return out;
}

bool pml_unbase64(void *out, size_t *out_size, const char *text, size_t text_size)
{
    uint8_t *to = out;
    size_t pad = 0;
    int bad = 0;
    if (text_size % 4)
        return false;
    while (pad < 2 && pad < text_size && text[text_size - 1 - pad] == '=')
        pad++;
    for (size_t i = 0; i < text_size; i += 4) {
        size_t chars = i + 4 == text_size ? 4 - pad : 4;
        uint32_t word = 0;
        for (size_t j = 0; j < 4; j++) {
            int value = j < chars ? unbase64_char(text[i + j]) : 0;
            bad |= value;
            word = word << 6 | ((unsigned)value & 63);
        }
        uint8_t group[3] = { (uint8_t)(word >> 16), (uint8_t)(word >> 8), (uint8_t)word };
        for (size_t j = chars - 1; j < 3; j++)
            bad |= -(int)group[j]; /* bits beyond the data must be zero: one spelling a value */
        memcpy(to, group, chars - 1);
        to += chars - 1;
    }
    *out_size = (size_t)(to - (uint8_t *)out);
    return bad >= 0;
}
