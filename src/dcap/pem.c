/* SPDX-License-Identifier: MIT */
/* PEM certificate chains. */
#include "dcap/pem.h"

#include <string.h>

static const char begin_mark[] = "-----BEGIN CERTIFICATE-----";
static const char end_mark[] = "-----END CERTIFICATE-----";

enum { SKIP = 64, PAD = 65, BAD = 66 };

/* Values of base64 digits. Certificates are public: a table may be used. */
static const uint8_t digit_values[128] = {
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 64, 66, 66, 64, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 62, 66, 66, 66, 63, 52, 53, 54, 55,
    56, 57, 58, 59, 60, 61, 66, 66, 66, 65, 66, 66, 66, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
    13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 66, 66, 66, 66, 66, 66, 26, 27, 28, 29, 30, 31, 32,
    33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 66, 66, 66, 66, 66,
};

/* Decodes the base64 between two marks, line ends ignored. False: not base64, or more than ROOM bytes. */
static bool decode_body(uint8_t *out, size_t room, size_t *out_size, const char *text, size_t size)
{
    uint32_t bits = 0;
    size_t digits = 0, padding = 0, used = 0;
    for (size_t i = 0; i < size; i++) {
        uint8_t c = (uint8_t)text[i];
        uint8_t value = c < 128 ? digit_values[c] : BAD;
        if (value == SKIP)
            continue;
        if (value == BAD || (value != PAD && padding))
            return false;
        padding += value == PAD;
        bits = bits << 6 | (value & 63u);
        if (++digits % 4)
            continue;
        if (padding > 2 || room - used < 3)
            return false;
        if (padding)
            bits &= padding == 1 ? 0xffffc0u : 0xfff000u;
        out[used] = (uint8_t)(bits >> 16);
        out[used + 1] = (uint8_t)(bits >> 8);
        out[used + 2] = (uint8_t)bits;
        used += 3 - padding;
        bits = 0;
    }
    *out_size = used;
    return digits % 4 == 0 && used > 0;
}

bool pml_chain_decode(struct pml_chain *out, const char *text, size_t size, size_t count, const char *code,
                      struct pml_error *err)
{
    size_t used = 0;
    const char *limit = text + size;
    out->count = 0;
    while (text < limit) {
        const char *begin = memmem(text, (size_t)(limit - text), begin_mark, sizeof begin_mark - 1);
        if (!begin)
            break;
        begin += sizeof begin_mark - 1;
        const char *end = memmem(begin, (size_t)(limit - begin), end_mark, sizeof end_mark - 1);
        size_t der_size = 0;
        if (out->count == count)
            return pml_fail(err, PML_NO, code, "more than %zu certificates", count);
        if (!end || !decode_body(out->der + used, sizeof out->der - used, &der_size, begin, (size_t)(end - begin)))
            return pml_fail(err, PML_NO, code, "certificate %zu is not PEM", out->count + 1);
        if (der_size > PML_CHAIN_MAX)
            return pml_fail(err, PML_NO, code, "certificate %zu is larger than %d bytes", out->count + 1,
                            PML_CHAIN_MAX);
        out->cert[out->count++] = (struct pml_bytes){ out->der + used, der_size };
        used += der_size;
        text = end + sizeof end_mark - 1;
    }
    if (out->count != count)
        return pml_fail(err, PML_NO, code, "%zu certificates, %zu are needed", out->count, count);
    return true;
}
