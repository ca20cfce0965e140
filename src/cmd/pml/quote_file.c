/* SPDX-License-Identifier: MIT */
/* Reading quotes. */
#include "quote_file.h"

#include <ctype.h>
#include <string.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/memory.h"
#include "tdx/quote.h"

/* Hex text, or at least meant as such: only digits and white space after an optional 0x. No binary quote looks like
 * that. */
static bool is_hex(const char *text, size_t size)
{
    size_t start = 0;
    while (start < size && isspace((unsigned char)text[start]))
        start++;
    if (size - start >= 2 && text[start] == '0' && (text[start + 1] | 0x20) == 'x')
        start += 2;
    for (size_t i = start; i < size; i++) {
        if (!isxdigit((unsigned char)text[i]) && !isspace((unsigned char)text[i]))
            return false;
    }
    return true;
}

/* In place. quote_format. */
static bool decode_hex(char *text, size_t *size, struct pml_error *err)
{
    size_t digits = 0;
    for (size_t i = 0; i < *size; i++) {
        if (!isspace((unsigned char)text[i]))
            text[digits++] = text[i];
    }
    char *start = digits >= 2 && text[0] == '0' && (text[1] | 0x20) == 'x' ? text + 2 : text;
    digits -= (size_t)(start - text);
    if (!pml_unhex(text, digits / 2, start, digits))
        return pml_fail(err, PML_NO, "quote_format", "quote: an odd number of hex digits");
    *size = digits / 2;
    return true;
}

char *input_file_read(const char *path, size_t limit, size_t *size, const char *code, struct pml_error *err)
{
    char *bytes = pml_read_file(path, limit, size, err);
    if (!bytes && strcmp(err->code, "too_large") == 0) {
        err->kind = PML_NO;
        err->code = code;
    }
    return bytes;
}

char *quote_file_read(const char *path, size_t *size, struct pml_error *err)
{
    PML_AUTO(mem) char *bytes = input_file_read(path, 4 * PML_QUOTE_MAX, size, "quote_format", err);
    if (!bytes)
        return NULL;
    if (is_hex(bytes, *size) && !decode_hex(bytes, size, err))
        return NULL;
    return pml_take(&bytes);
}
