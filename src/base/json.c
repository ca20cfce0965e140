/* SPDX-License-Identifier: MIT */
/* Strict JSON. */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"

void pml_json_auto(json_t **value)
{
    json_decref(*value);
}

/* Nesting depth of the text, ignoring brackets in strings: jansson's own limit is a compile-time 2048. */
static bool depth_within(const char *text, size_t size, unsigned limit)
{
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        if (in_string) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                in_string = false;
            continue;
        }
        switch (text[i]) {
        case '"': in_string = true; break;
        case '{':
        case '[':
            if (++depth > limit)
                return false;
            break;
        case '}':
        case ']':
            if (depth > 0)
                depth--;
            break;
        default: break;
        }
    }
    return true;
}

static json_t *load(const char *text, size_t size, unsigned depth, size_t flags, struct pml_error *err)
{
    json_error_t where;
    if (!depth_within(text, size, depth))
        return pml_fail(err, PML_NO, "json", "nested deeper than %u levels", depth);
    if (size && memchr(text, 0, size)) /* jansson skips it between tokens */
        return pml_fail(err, PML_NO, "json", "not JSON: a NUL byte");
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | flags, &where);
    if (!value && json_error_code(&where) == json_error_out_of_memory)
        return pml_fail_memory(err);
    if (!value && json_error_code(&where) == json_error_duplicate_key)
        return pml_fail(err, PML_NO, "json", "duplicate member at line %d column %d", where.line, where.column);
    if (!value)
        return pml_fail(err, PML_NO, "json", "not JSON at line %d column %d", where.line, where.column);
    return value;
}

json_t *pml_json_load_depth(const char *text, size_t size, unsigned depth, struct pml_error *err)
{
    return load(text, size, depth, 0, err);
}

json_t *pml_json_load_reals(const char *text, size_t size, unsigned depth, struct pml_error *err)
{
    return load(text, size, depth, JSON_DECODE_INT_AS_REAL, err);
}

json_t *pml_json_load(const char *text, size_t size, struct pml_error *err)
{
    return pml_json_load_depth(text, size, 32, err);
}

static json_t *member(const json_t *object, const char *name, bool (*is)(const json_t *), const char *type,
                      struct pml_error *err)
{
    json_t *value = json_object_get(object, name);
    if (!value)
        return pml_fail(err, PML_NO, "json", "%s: missing", name);
    if (!is(value))
        return pml_fail(err, PML_NO, "json", "%s: not %s", name, type);
    return value;
}

static bool is_text(const json_t *value)
{
    return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

static bool is_object(const json_t *value)
{
    return json_is_object(value);
}

static bool is_array(const json_t *value)
{
    return json_is_array(value);
}

static bool is_int(const json_t *value)
{
    return json_is_integer(value);
}

static bool is_bool(const json_t *value)
{
    return json_is_boolean(value);
}

const char *pml_json_text(const json_t *object, const char *name, struct pml_error *err)
{
    return json_string_value(member(object, name, is_text, "a string", err));
}

json_t *pml_json_object(const json_t *object, const char *name, struct pml_error *err)
{
    return member(object, name, is_object, "an object", err);
}

json_t *pml_json_array(const json_t *object, const char *name, struct pml_error *err)
{
    return member(object, name, is_array, "an array", err);
}

bool pml_json_int(int64_t *out, const json_t *object, const char *name, struct pml_error *err)
{
    json_t *value = member(object, name, is_int, "an integer", err);
    if (value)
        *out = json_integer_value(value);
    return value;
}

bool pml_json_bool(bool *out, const json_t *object, const char *name, struct pml_error *err)
{
    json_t *value = member(object, name, is_bool, "true or false", err);
    if (value)
        *out = json_is_true(value);
    return value;
}

bool pml_json_hex(void *out, size_t size, const json_t *object, const char *name, struct pml_error *err)
{
    const char *text = pml_json_text(object, name, err);
    if (!text)
        return false;
    if (!pml_unhex(out, size, text, strlen(text)))
        return pml_fail(err, PML_NO, "json", "%s: not %zu hex digits", name, 2 * size);
    return true;
}

bool pml_json_only(const json_t *object, const char *const *names, struct pml_error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value) {
        size_t i = 0;
        while (names[i] && strcmp(names[i], name) != 0)
            i++;
        if (!names[i])
            return pml_fail(err, PML_NO, "json", "%.60s: no such member", name);
    }
    return true;
}

char *pml_json_dump(const json_t *value, size_t *size, struct pml_error *err)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text)
        return pml_fail_memory(err);
    if (size)
        *size = strlen(text);
    return text;
}
