/* SPDX-License-Identifier: MIT */
/* Look-ups in parsed GGUF metadata. Payloads were measured by the parser; types and values are judged here. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/gguf.h"

#define KEY_ROOM 256 /* bytes of the longest key that is ever asked for, architecture included */

static const char *const type_names[] = { "u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                          "bool", "string", "array", "u64", "i64", "f64" };

const struct pml_gguf_tensor *pml_gguf_tensor(const struct pml_gguf *g, const char *name)
{
    for (size_t low = 0, high = g->tensor_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        const struct pml_gguf_tensor *t = &g->tensors[g->by_name[middle]];
        int order = strcmp(name, t->name);
        if (!order)
            return t;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static int compare_key(const void *name, const void *key)
{
    return pml_gguf_text_compare((struct pml_gguf_text){ name, strlen(name) },
                                 ((const struct pml_gguf_key *)key)->name);
}

const struct pml_gguf_key *pml_gguf_key(const struct pml_gguf *g, const char *name)
{
    char full[KEY_ROOM];
    snprintf(full, sizeof full, "%s%s", name[0] == '.' ? g->architecture : "", name);
    return bsearch(full, g->keys, g->key_count, sizeof *g->keys, compare_key);
}

/* Finds a key for a typed look-up. False with ERR set: it is missing though needed. True with *OUT NULL: leave it. */
static bool find(const struct pml_gguf *g, const char *name, enum pml_gguf_need need, const struct pml_gguf_key **out,
                 struct pml_error *err)
{
    *out = pml_gguf_key(g, name);
    if (!*out && need == PML_REQUIRED)
        return pml_fail(err, PML_NO, "gguf", "key %s%s is missing", name[0] == '.' ? g->architecture : "", name);
    return true;
}

static void *wrong_type(const struct pml_gguf_key *key, const char *wanted, struct pml_error *err)
{
    return pml_fail(err, PML_NO, "gguf", "key %.*s is of type %s, %s is wanted", (int)key->name.size, key->name.bytes,
                    type_names[key->type], wanted);
}

/* An integer of any type as i64. False: no integer, or beyond i64. */
static bool get_integer(struct pml_cursor *in, uint32_t type, int64_t *out)
{
    switch (type) {
    case PML_GGUF_U8: *out = pml_get_u8(in); return true;
    case PML_GGUF_I8: *out = (int8_t)pml_get_u8(in); return true;
    case PML_GGUF_U16: *out = pml_get_u16le(in); return true;
    case PML_GGUF_I16: *out = (int16_t)pml_get_u16le(in); return true;
    case PML_GGUF_U32: *out = pml_get_u32le(in); return true;
    case PML_GGUF_I32: *out = (int32_t)pml_get_u32le(in); return true;
    case PML_GGUF_U64:
    case PML_GGUF_I64: *out = (int64_t)pml_get_u64le(in); return type == PML_GGUF_I64 || *out >= 0;
    default: return false;
    }
}

static bool get_u32(struct pml_cursor *in, uint32_t type, const struct pml_gguf_key *key, uint32_t *out,
                    struct pml_error *err)
{
    int64_t value = 0;
    if (!get_integer(in, type, &value))
        return wrong_type(key, "an integer", err);
    if (value < 0 || value > UINT32_MAX)
        return pml_fail(err, PML_NO, "gguf", "key %.*s is out of range", (int)key->name.size, key->name.bytes);
    *out = (uint32_t)value;
    return true;
}

bool pml_gguf_u32(const struct pml_gguf *g, const char *key, enum pml_gguf_need need, uint32_t *out,
                  struct pml_error *err)
{
    const struct pml_gguf_key *found;
    if (!find(g, key, need, &found, err))
        return false;
    if (!found)
        return true;
    struct pml_cursor in = pml_cursor(found->payload, found->payload_size);
    return get_u32(&in, found->type, found, out, err);
}

bool pml_gguf_u32_layers(const struct pml_gguf *g, const char *key, enum pml_gguf_need need, uint32_t *out,
                         struct pml_error *err)
{
    const struct pml_gguf_key *found;
    if (!find(g, key, need, &found, err))
        return false;
    if (!found || found->type != PML_GGUF_ARRAY)
        return pml_gguf_u32(g, key, need, out, err);
    struct pml_cursor in = pml_cursor(found->payload, found->payload_size);
    uint32_t type = pml_get_u32le(&in);
    uint64_t count = pml_get_u64le(&in);
    uint32_t first = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t value = 0;
        if (!get_u32(&in, type, found, &value, err))
            return false;
        if (i && value != first)
            return pml_fail(err, PML_NO, "gguf", "key %.*s differs between layers, which is not supported",
                            (int)found->name.size, found->name.bytes);
        first = value;
    }
    if (!count)
        return pml_fail(err, PML_NO, "gguf", "key %.*s is empty", (int)found->name.size, found->name.bytes);
    *out = first;
    return true;
}

bool pml_gguf_f32(const struct pml_gguf *g, const char *key, enum pml_gguf_need need, float *out, struct pml_error *err)
{
    const struct pml_gguf_key *found;
    if (!find(g, key, need, &found, err))
        return false;
    if (!found)
        return true;
    struct pml_cursor in = pml_cursor(found->payload, found->payload_size);
    float value;
    if (found->type == PML_GGUF_F32) {
        uint32_t bits = pml_get_u32le(&in);
        memcpy(&value, &bits, sizeof value);
    } else if (found->type == PML_GGUF_F64) {
        uint64_t bits = pml_get_u64le(&in);
        double wide;
        memcpy(&wide, &bits, sizeof wide);
        value = (float)wide;
    } else {
        return wrong_type(found, "a float", err);
    }
    if (!isfinite(value))
        return pml_fail(err, PML_NO, "gguf", "key %.*s is not finite", (int)found->name.size, found->name.bytes);
    *out = value;
    return true;
}

bool pml_gguf_bool(const struct pml_gguf *g, const char *key, enum pml_gguf_need need, bool *out, struct pml_error *err)
{
    const struct pml_gguf_key *found;
    if (!find(g, key, need, &found, err))
        return false;
    if (!found)
        return true;
    if (found->type != PML_GGUF_BOOL)
        return wrong_type(found, "bool", err);
    if (found->payload[0] > 1)
        return pml_fail(err, PML_NO, "gguf", "key %.*s is neither 0 nor 1", (int)found->name.size, found->name.bytes);
    *out = found->payload[0];
    return true;
}

static struct pml_gguf_text get_text(struct pml_cursor *in)
{
    uint64_t size = pml_get_u64le(in);
    return (struct pml_gguf_text){ (const char *)pml_get_view(in, size), size };
}

bool pml_gguf_string(const struct pml_gguf *g, const char *key, enum pml_gguf_need need, struct pml_gguf_text *out,
                     struct pml_error *err)
{
    const struct pml_gguf_key *found;
    if (!find(g, key, need, &found, err))
        return false;
    if (!found)
        return true;
    if (found->type != PML_GGUF_STRING)
        return wrong_type(found, "string", err);
    struct pml_cursor in = pml_cursor(found->payload, found->payload_size);
    *out = get_text(&in);
    return true;
}

bool pml_gguf_array(const struct pml_gguf *g, const char *key, enum pml_gguf_need need, uint32_t type,
                    struct pml_gguf_array *out, struct pml_error *err)
{
    const struct pml_gguf_key *found;
    *out = (struct pml_gguf_array){ .type = type };
    if (!find(g, key, need, &found, err))
        return false;
    if (!found)
        return true;
    if (found->type != PML_GGUF_ARRAY)
        return wrong_type(found, "array", err);
    out->at = pml_cursor(found->payload, found->payload_size);
    uint32_t real = pml_get_u32le(&out->at);
    uint64_t count = pml_get_u64le(&out->at);
    if (real != type)
        return pml_fail(err, PML_NO, "gguf", "key %.*s is an array of %s, one of %s is wanted", (int)found->name.size,
                        found->name.bytes, type_names[real], type_names[type]);
    out->count = (uint32_t)count;
    return true;
}

struct pml_gguf_text pml_gguf_next_string(struct pml_gguf_array *a)
{
    a->count--;
    return get_text(&a->at);
}

float pml_gguf_next_f32(struct pml_gguf_array *a)
{
    uint32_t bits = pml_get_u32le(&a->at);
    float value;
    memcpy(&value, &bits, sizeof value);
    a->count--;
    return value;
}

int32_t pml_gguf_next_i32(struct pml_gguf_array *a)
{
    a->count--;
    return (int32_t)pml_get_u32le(&a->at);
}

bool pml_gguf_text_is(struct pml_gguf_text t, const char *text)
{
    return t.size == strlen(text) && !memcmp(t.bytes, text, t.size);
}

int pml_gguf_text_compare(struct pml_gguf_text a, struct pml_gguf_text b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter ? memcmp(a.bytes, b.bytes, shorter) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}
