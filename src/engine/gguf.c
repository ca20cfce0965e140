/* SPDX-License-Identifier: MIT */
/* Parsing of GGUF metadata and tensor infos, spec engine §1. */
#include "engine/gguf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/utf8.h"

#define KEY_SIZE_MIN    13 /* bytes of the smallest record: empty name, type, one byte */
#define TENSOR_SIZE_MIN 33 /* name of one byte, one dimension */
#define DEFAULT_ALIGN   32

static const uint8_t scalar_sizes[] = {
    [PML_GGUF_U8] = 1,  [PML_GGUF_I8] = 1,  [PML_GGUF_U16] = 2, [PML_GGUF_I16] = 2,
    [PML_GGUF_U32] = 4, [PML_GGUF_I32] = 4, [PML_GGUF_F32] = 4, [PML_GGUF_BOOL] = 1,
    [PML_GGUF_U64] = 8, [PML_GGUF_I64] = 8, [PML_GGUF_F64] = 8,
};

static bool is_scalar(uint32_t type)
{
    return type < PML_COUNT(scalar_sizes) && scalar_sizes[type];
}

static void *bad(struct pml_error *err, const char *text)
{
    return pml_fail(err, PML_NO, "gguf", "%s", text);
}

/* What an overrun means, to be asked before anything else about what was read. */
static bool check(const struct pml_cursor *in, struct pml_error *err)
{
    if (!pml_cursor_ok(in))
        return bad(err, "the file ends too early");
    return true;
}

/* Before COUNT records of at least SIZE bytes each are given memory. */
static bool expect(struct pml_cursor *in, size_t count, size_t size, struct pml_error *err)
{
    if (pml_cursor_left(in) / size < count)
        pml_get_skip(in, SIZE_MAX);
    return check(in, err);
}

static bool get_text(struct pml_cursor *in, uint64_t limit, struct pml_gguf_text *out, struct pml_error *err)
{
    uint64_t size = pml_get_u64le(in);
    if (size > limit)
        return pml_fail(err, PML_NO, "gguf", "string of %llu bytes, %llu are allowed", (unsigned long long)size,
                        (unsigned long long)limit);
    out->bytes = (const char *)pml_get_view(in, size);
    out->size = size;
    return check(in, err);
}

static bool skip_array(struct pml_cursor *in, struct pml_error *err)
{
    uint32_t type = pml_get_u32le(in);
    uint64_t count = pml_get_u64le(in);
    struct pml_gguf_text text;
    if (!check(in, err))
        return false;
    if (count > PML_GGUF_ARRAY_MAX)
        return pml_fail(err, PML_NO, "gguf", "array of %llu elements", (unsigned long long)count);
    if (is_scalar(type)) {
        pml_get_skip(in, count * scalar_sizes[type]);
        return check(in, err);
    }
    if (type != PML_GGUF_STRING)
        return pml_fail(err, PML_NO, "gguf", "array of type %u", type);
    for (uint64_t i = 0; i < count; i++) {
        if (!get_text(in, PML_GGUF_STRING_MAX, &text, err))
            return false;
    }
    return true;
}

static bool skip_value(struct pml_cursor *in, uint32_t type, struct pml_error *err)
{
    struct pml_gguf_text text;
    if (type == PML_GGUF_STRING)
        return get_text(in, PML_GGUF_STRING_MAX, &text, err);
    if (type == PML_GGUF_ARRAY)
        return skip_array(in, err);
    if (!is_scalar(type))
        return pml_fail(err, PML_NO, "gguf", "value of type %u", type);
    pml_get_skip(in, scalar_sizes[type]);
    return check(in, err);
}

static bool get_key(struct pml_cursor *in, struct pml_gguf_key *out, struct pml_error *err)
{
    if (!get_text(in, PML_GGUF_KEY_SIZE_MAX, &out->name, err))
        return pml_wrap(err, "key name");
    if (!out->name.size || !pml_utf8_valid(out->name.bytes, out->name.size))
        return bad(err, "key name is empty or not UTF-8");
    out->type = pml_get_u32le(in);
    out->payload = in->at;
    if (!check(in, err) || !skip_value(in, out->type, err))
        return pml_wrap(err, "key %.*s", (int)out->name.size, out->name.bytes);
    out->payload_size = (size_t)(in->at - out->payload);
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    return pml_gguf_text_compare(((const struct pml_gguf_key *)a)->name, ((const struct pml_gguf_key *)b)->name);
}

static bool get_keys(struct pml_gguf *g, struct pml_cursor *in, struct pml_error *err)
{
    if (!expect(in, g->key_count, KEY_SIZE_MIN, err))
        return false;
    g->keys = calloc(g->key_count + 1, sizeof *g->keys);
    if (!g->keys)
        return pml_fail_memory(err);
    for (size_t i = 0; i < g->key_count; i++) {
        if (!get_key(in, &g->keys[i], err))
            return false;
    }
    qsort(g->keys, g->key_count, sizeof *g->keys, compare_keys);
    for (size_t i = 1; i < g->key_count; i++) {
        struct pml_gguf_text name = g->keys[i].name;
        if (!pml_gguf_text_compare(g->keys[i - 1].name, name))
            return pml_fail(err, PML_NO, "gguf", "key %.*s stands twice", (int)name.size, name.bytes);
    }
    return true;
}

static bool size_tensor(struct pml_gguf_tensor *t, uint32_t type, struct pml_error *err)
{
    const struct pml_tensor_type_info *info = pml_tensor_type(type);
    if (!info)
        return pml_fail(err, PML_NO, "gguf", "unknown type %u", type);
    if (!info->block_count)
        return pml_fail(err, PML_NO, "gguf", "type %s is not supported", info->name);
    if (t->dims[0] % info->block_count)
        return pml_fail(err, PML_NO, "gguf", "rows of %llu elements do not divide into blocks of %u",
                        (unsigned long long)t->dims[0], info->block_count);
    t->type = (enum pml_tensor_type)type;
    bool over = __builtin_mul_overflow(t->dims[0] / info->block_count, (uint64_t)info->block_size, &t->row_size);
    t->size = t->row_size;
    for (size_t i = 1; i < 4; i++)
        over |= __builtin_mul_overflow(t->size, t->dims[i], &t->size);
    if (over)
        return bad(err, "its size overflows");
    return true;
}

/* Leaves in OFFSET what the file says, from the start of the data section. */
static bool get_tensor(struct pml_cursor *in, struct pml_gguf_tensor *t, uint32_t align, struct pml_error *err)
{
    struct pml_gguf_text name = { "", 0 };
    if (!get_text(in, PML_GGUF_NAME_ROOM - 1, &name, err))
        return pml_wrap(err, "tensor name");
    if (!name.size || memchr(name.bytes, 0, name.size) || !pml_utf8_valid(name.bytes, name.size))
        return bad(err, "tensor name is empty or not UTF-8");
    memcpy(t->name, name.bytes, name.size);
    t->dim_count = pml_get_u32le(in);
    if (pml_cursor_ok(in) && (t->dim_count < 1 || t->dim_count > 4))
        return pml_fail(err, PML_NO, "gguf", "tensor %s: %u dimensions", t->name, t->dim_count);
    for (size_t i = 0; i < 4; i++) {
        t->dims[i] = i < t->dim_count ? pml_get_u64le(in) : 1;
        if (pml_cursor_ok(in) && !t->dims[i])
            return pml_fail(err, PML_NO, "gguf", "tensor %s: dimension %zu is 0", t->name, i);
    }
    uint32_t type = pml_get_u32le(in);
    t->offset = pml_get_u64le(in);
    if (!check(in, err) || !size_tensor(t, type, err))
        return pml_wrap(err, "tensor %s", t->name);
    if (t->offset % align)
        return pml_fail(err, PML_NO, "gguf", "tensor %s: offset %llu is no multiple of %u", t->name,
                        (unsigned long long)t->offset, align);
    return true;
}

static int compare_offsets(const void *a, const void *b)
{
    const struct pml_gguf_tensor *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static int compare_by_name(const void *a, const void *b, void *tensors)
{
    const struct pml_gguf_tensor *t = tensors;
    return strcmp(t[*(const uint32_t *)a].name, t[*(const uint32_t *)b].name);
}

/* Turns offsets into positions in the file, in file order, and proves that they lie inside it and do not overlap. */
static bool place_tensors(struct pml_gguf *g, struct pml_error *err)
{
    uint64_t free_from = g->data_offset;
    qsort(g->tensors, g->tensor_count, sizeof *g->tensors, compare_offsets);
    for (size_t i = 0; i < g->tensor_count; i++) {
        struct pml_gguf_tensor *t = &g->tensors[i];
        uint64_t end;
        if (__builtin_add_overflow(t->offset, g->data_offset, &t->offset) ||
            __builtin_add_overflow(t->offset, t->size, &end) || end > g->file_size)
            return pml_fail(err, PML_NO, "gguf", "tensor %s: reaches beyond the end of the file", t->name);
        if (t->offset < free_from)
            return pml_fail(err, PML_NO, "gguf", "tensor %s: overlaps tensor %s", t->name, g->tensors[i - 1].name);
        free_from = end;
    }
    return true;
}

static bool index_tensors(struct pml_gguf *g, struct pml_error *err)
{
    g->by_name = calloc(g->tensor_count + 1, sizeof *g->by_name);
    if (!g->by_name)
        return pml_fail_memory(err);
    for (uint32_t i = 0; i < g->tensor_count; i++)
        g->by_name[i] = i;
    qsort_r(g->by_name, g->tensor_count, sizeof *g->by_name, compare_by_name, g->tensors);
    for (size_t i = 1; i < g->tensor_count; i++) {
        const char *name = g->tensors[g->by_name[i]].name;
        if (!strcmp(g->tensors[g->by_name[i - 1]].name, name))
            return pml_fail(err, PML_NO, "gguf", "tensor %s stands twice", name);
    }
    return true;
}

static bool get_tensors(struct pml_gguf *g, struct pml_cursor *in, struct pml_error *err)
{
    uint32_t align = DEFAULT_ALIGN;
    if (!pml_gguf_u32(g, "general.alignment", PML_OPTIONAL, &align, err))
        return false;
    if (!align || (align & (align - 1)))
        return pml_fail(err, PML_NO, "gguf", "general.alignment is %u, no power of two", align);
    if (!expect(in, g->tensor_count, TENSOR_SIZE_MIN, err))
        return false;
    g->tensors = calloc(g->tensor_count + 1, sizeof *g->tensors);
    if (!g->tensors)
        return pml_fail_memory(err);
    for (size_t i = 0; i < g->tensor_count; i++) {
        if (!get_tensor(in, &g->tensors[i], align, err))
            return false;
    }
    uint64_t end = pml_cursor_offset(in);
    g->data_offset = (end + align - 1) / align * align;
    if (!g->tensor_count && g->data_offset > g->file_size)
        g->data_offset = g->file_size; /* a vocabulary-only file need not be padded */
    return place_tensors(g, err) && index_tensors(g, err);
}

static bool get_header(struct pml_gguf *g, struct pml_cursor *in, struct pml_error *err)
{
    char magic[4];
    PML_GET(in, magic);
    g->version = pml_get_u32le(in);
    uint64_t tensor_count = pml_get_u64le(in);
    uint64_t key_count = pml_get_u64le(in);
    if (!check(in, err))
        return false;
    if (memcmp(magic, "GGUF", 4) != 0)
        return bad(err, "not a GGUF file");
    if (!(g->version & 0xffff))
        return bad(err, "a big-endian file; only little-endian ones are read");
    if (g->version != 2 && g->version != 3)
        return pml_fail(err, PML_NO, "gguf", "version %u; 2 and 3 are read", g->version);
    if (tensor_count > PML_GGUF_TENSORS_MAX || key_count > PML_GGUF_KEYS_MAX)
        return pml_fail(err, PML_NO, "gguf", "%llu tensors and %llu keys; %d of each are allowed",
                        (unsigned long long)tensor_count, (unsigned long long)key_count, PML_GGUF_KEYS_MAX);
    g->tensor_count = tensor_count;
    g->key_count = key_count;
    return true;
}

static bool printable(struct pml_gguf_text text)
{
    for (size_t i = 0; i < text.size; i++) {
        if ((uint8_t)text.bytes[i] <= 0x20 || (uint8_t)text.bytes[i] >= 0x7f)
            return false;
    }
    return true;
}

static bool get_architecture(struct pml_gguf *g, struct pml_error *err)
{
    struct pml_gguf_text name;
    if (!pml_gguf_string(g, "general.architecture", PML_REQUIRED, &name, err))
        return false;
    if (!name.size || name.size >= sizeof g->architecture || !printable(name))
        return bad(err, "general.architecture is not a short name");
    memcpy(g->architecture, name.bytes, name.size);
    return true;
}

bool pml_gguf_parse(struct pml_gguf *out, const void *bytes, size_t size, uint64_t file_size, bool *more,
                    struct pml_error *err)
{
    PML_AUTO(gguf) struct pml_gguf g = { .file_size = file_size };
    struct pml_cursor in = pml_cursor(bytes, size);
    *more = false;
    if (!get_header(&g, &in, err) || !get_keys(&g, &in, err) || !get_architecture(&g, err) ||
        !get_tensors(&g, &in, err)) {
        *more = !pml_cursor_ok(&in) && size < file_size && size < PML_GGUF_HEADER_MAX;
        if (!pml_cursor_ok(&in) && size < file_size && !*more)
            return pml_fail(err, PML_NO, "gguf", "more than %u bytes of metadata", PML_GGUF_HEADER_MAX);
        return NULL;
    }
    *out = g;
    g = (struct pml_gguf){ 0 };
    return true;
}

void pml_gguf_free(struct pml_gguf *g)
{
    free(g->keys);
    free(g->tensors);
    free(g->by_name);
    *g = (struct pml_gguf){ 0 };
}

void pml_gguf_auto(struct pml_gguf *g)
{
    pml_gguf_free(g);
}
