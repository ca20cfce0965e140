/* SPDX-License-Identifier: MIT */
/* The well-formed byte sequences of table 3-7 of the Unicode standard. */
#include "engine/utf8.h"

enum pml_utf8 pml_utf8_next(const uint8_t *bytes, size_t size, size_t *used, uint32_t *point)
{
    uint8_t lead = bytes[0];
    size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    *used = 1;
    if (length < 2) {
        *point = lead;
        return length ? PML_UTF8_GOOD : PML_UTF8_BAD;
    }
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80; /* of the second byte only */
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    uint32_t value = lead & (0x7f >> length);
    for (size_t i = 1; i < length; i++) {
        *used = i;
        if (i == size)
            return PML_UTF8_SHORT;
        if (bytes[i] < low || bytes[i] > high)
            return PML_UTF8_BAD;
        value = value << 6 | (bytes[i] & 0x3f);
        low = 0x80;
        high = 0xbf;
    }
    *used = length;
    *point = value;
    return PML_UTF8_GOOD;
}

size_t pml_utf8_put(uint8_t out[PML_UTF8_MAX], uint32_t point)
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, point >>= 6)
        out[i] = (uint8_t)(0x80 | (point & 0x3f));
    out[0] = (uint8_t)((0xf00 >> size & 0xff) | point);
    return size;
}

bool pml_utf8_valid(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    size_t used;
    uint32_t point;
    for (; size; at += used, size -= used) {
        if (pml_utf8_next(at, size, &used, &point) != PML_UTF8_GOOD)
            return false;
    }
    return true;
}
