/* SPDX-License-Identifier: MIT */
/* The canonicaliser: sorted members, no blanks, the fewest escapes. */
#include "base/jcs.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"

static void put_string(struct pml_buf *out, const char *text, size_t size)
{
    pml_put_u8(out, '"');
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        switch (c) {
        case '"': pml_put_text(out, "\\\""); break;
        case '\\': pml_put_text(out, "\\\\"); break;
        case '\b': pml_put_text(out, "\\b"); break;
        case '\f': pml_put_text(out, "\\f"); break;
        case '\n': pml_put_text(out, "\\n"); break;
        case '\r': pml_put_text(out, "\\r"); break;
        case '\t': pml_put_text(out, "\\t"); break;
        default:
            if (c < 0x20)
                pml_put_format(out, "\\u%04x", c);
            else
                pml_put_u8(out, c);
        }
    }
    pml_put_u8(out, '"');
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool put_value(struct pml_buf *out, const json_t *value, struct pml_error *err);

static bool put_object(struct pml_buf *out, const json_t *object, struct pml_error *err)
{
    size_t count = 0;
    const char *name;
    json_t *value;
    PML_AUTO(mem) const char **names = calloc(json_object_size(object) + 1, sizeof *names);
    if (!names)
        return pml_fail_memory(err);
    json_object_foreach((json_t *)object, name, value) {
        for (const char *c = name; *c; c++) {
            if ((unsigned char)*c >= 0x80)
                return pml_fail(err, PML_NO, "jcs", "member name is not ASCII");
        }
        names[count++] = name;
    }
    qsort(names, count, sizeof *names, by_bytes);
    pml_put_u8(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i)
            pml_put_u8(out, ',');
        put_string(out, names[i], strlen(names[i]));
        pml_put_u8(out, ':');
        if (!put_value(out, json_object_get(object, names[i]), err))
            return false;
    }
    pml_put_u8(out, '}');
    return true;
}

static bool put_array(struct pml_buf *out, const json_t *array, struct pml_error *err)
{
    pml_put_u8(out, '[');
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i)
            pml_put_u8(out, ',');
        if (!put_value(out, json_array_get(array, i), err))
            return false;
    }
    pml_put_u8(out, ']');
    return true;
}

static bool put_value(struct pml_buf *out, const json_t *value, struct pml_error *err)
{
    const json_int_t largest = 9007199254740991;
    switch (json_typeof(value)) {
    case JSON_OBJECT: return put_object(out, value, err);
    case JSON_ARRAY: return put_array(out, value, err);
    case JSON_STRING: put_string(out, json_string_value(value), json_string_length(value)); return true;
    case JSON_TRUE: pml_put_text(out, "true"); return true;
    case JSON_FALSE: pml_put_text(out, "false"); return true;
    case JSON_NULL: pml_put_text(out, "null"); return true;
    case JSON_REAL: return pml_fail(err, PML_NO, "jcs", "number is not an integer");
    case JSON_INTEGER:
        if (json_integer_value(value) > largest || json_integer_value(value) < -largest)
            return pml_fail(err, PML_NO, "jcs", "integer beyond 2^53 - 1");
        pml_put_format(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return true;
    }
    return pml_fail(err, PML_NO, "jcs", "unknown value");
}

char *pml_jcs(const json_t *value, size_t *size, struct pml_error *err)
{
    PML_AUTO(buf) struct pml_buf out = { 0 };
    if (!put_value(&out, value, err))
        return NULL;
    return pml_buf_take(&out, size, err);
}

/* A minus sign, a zero and no further digit, outside strings. */
static bool has_negative_zero(const char *text, size_t size)
{
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"')
            in_string = !in_string;
        else if (in_string && text[i] == '\\')
            i++;
        else if (!in_string && text[i] == '-' && i + 1 < size && text[i + 1] == '0')
            return true;
    }
    return false;
}

json_t *pml_jcs_load(const char *text, size_t size, struct pml_error *err)
{
    if (has_negative_zero(text, size))
        return pml_fail(err, PML_NO, "jcs", "number is spelt -0");
    return pml_json_load(text, size, err);
}

bool pml_jcs_sha256(uint8_t digest[PML_SHA256_SIZE], const json_t *value, struct pml_error *err)
{
    size_t size;
    PML_AUTO(mem) char *text = pml_jcs(value, &size, err);
    if (!text)
        return false;
    pml_sha256(digest, text, size);
    return true;
}
