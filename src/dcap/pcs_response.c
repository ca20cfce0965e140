/* SPDX-License-Identifier: MIT */
/* Bodies and headers of PCS and PCCS. */
#include "dcap/pcs_response.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/memory.h"

/* The byte after the value that begins at AT: a string with its quotes, an object or array with its brackets, or a
 * word. The text is JSON already, so brackets match and only strings can hide them. */
static const char *skip_value(const char *at, const char *end)
{
    size_t depth = 0;
    bool quoted = false;
    for (; at < end; at++) {
        if (quoted && *at == '\\')
            at++;
        else if (*at == '"')
            quoted = !quoted;
        if (quoted)
            continue;
        if (*at == '{' || *at == '[')
            depth++;
        else if (*at == '}' || *at == ']')
            depth--;
        if (depth == 0 && (*at == '"' || *at == '}' || *at == ']'))
            return at + 1;
        if (depth == 0 && (at + 1 == end || strchr(",:}] \t\r\n", at[1])))
            return at + 1;
    }
    return end;
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && strchr(" \t\r\n", *at) && *at)
        at++;
    return at;
}

/* The value of a member of the one object that TEXT is, as it is spelt. Its name must be spelt without escapes. */
static bool find_member(struct pml_text *out, const char *text, size_t size, const char *name)
{
    const char *end = text + size;
    const char *at = skip_space(text, end) + 1;
    size_t name_size = strlen(name);
    for (at = skip_space(at, end); at < end && *at == '"'; at = skip_space(at, end)) {
        const char *name_end = skip_value(at, end);
        const char *value = skip_space(skip_space(name_end, end) + 1, end);
        const char *value_end = skip_value(value, end);
        if ((size_t)(name_end - at) == name_size + 2 && memcmp(at + 1, name, name_size) == 0) {
            *out = (struct pml_text){ value, (size_t)(value_end - value) };
            return true;
        }
        at = skip_space(value_end, end);
        if (at < end)
            at++; /* the comma, or the last brace */
    }
    return false;
}

bool pml_pcs_document(struct pml_text *document, uint8_t signature[64], const char *body, size_t size,
                      const char *member, struct pml_error *err)
{
    struct pml_tape tape = { 0 };
    if (!pml_tape_parse(&tape, body, size, err)) { /* strict JSON: what follows may rely on it */
        if (err->kind == PML_NO)
            *err = (struct pml_error){ .kind = PML_UNKNOWN, .code = "pcs_response", .text = "not a JSON object" };
        return false;
    }
    bool right = pml_node_object(tape.nodes, member, err) && pml_node_hex(signature, 64, tape.nodes, "signature", err);
    pml_tape_free(&tape);
    if (!right || !find_member(document, body, size, member))
        return pml_fail(err, PML_UNKNOWN, "pcs_response", "not an object of %s and signature", member);
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *pml_pcs_chain(const char *value, struct pml_error *err)
{
    PML_AUTO(mem) char *out = malloc(strlen(value) + 1);
    char *to = out;
    if (!out)
        return pml_fail_memory(err);
    for (; *value; value++) {
        if (*value != '%') {
            *to++ = *value;
            continue;
        }
        int high = hex_digit(value[1]);
        int low = high < 0 ? -1 : hex_digit(value[2]);
        if (low < 0 || (high | low) == 0)
            return pml_fail(err, PML_UNKNOWN, "pcs_response", "issuer chain: not percent-encoded text");
        *to++ = (char)(high << 4 | low);
        value += 2;
    }
    *to = 0;
    return pml_take(&out);
}

static const char pem_begin[] = "-----BEGIN X509 CRL-----";
static const char pem_end[] = "-----END X509 CRL-----";

/* Copies SIZE characters but for white space. */
static size_t squeeze(char *out, const char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        if (!isspace((unsigned char)text[i]))
            out[used++] = text[i];
    }
    return used;
}

/* From the text between the marks, or from the whole as hex. OUT and TEXT may hold as many bytes as the text has. */
static bool decode_crl(uint8_t *out, size_t *out_size, char *text, const char *body, size_t size)
{
    const char *begin = memmem(body, size, pem_begin, sizeof pem_begin - 1);
    if (!begin) {
        size_t digits = squeeze(text, body, size);
        *out_size = digits / 2;
        return digits && pml_unhex(out, digits / 2, text, digits);
    }
    begin += sizeof pem_begin - 1;
    const char *end = memmem(begin, (size_t)(body + size - begin), pem_end, sizeof pem_end - 1);
    return end && pml_unbase64(out, out_size, text, squeeze(text, begin, (size_t)(end - begin)));
}

uint8_t *pml_pcs_crl(const void *body, size_t size, size_t *der_size, struct pml_error *err)
{
    const uint8_t *bytes = body;
    PML_AUTO(mem) uint8_t *der = malloc(size + 1);
    PML_AUTO(mem) char *text = malloc(size + 1);
    if (!der || !text)
        return pml_fail_memory(err);
    if (size >= 2 && bytes[0] == 0x30 && bytes[1] & 0x80) { /* a long SEQUENCE; in text "0" is followed by a digit */
        memcpy(der, body, size);
        *der_size = size;
    } else if (!decode_crl(der, der_size, text, body, size)) {
        return pml_fail(err, PML_UNKNOWN, "pcs_response", "revocation list: neither DER, nor hex, nor PEM");
    }
    return pml_take(&der);
}
