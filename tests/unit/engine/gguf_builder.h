/* SPDX-License-Identifier: MIT */
/* Writes small GGUF files, well-formed or not, byte by byte as spec engine §1 lays them out. */
#ifndef PML_TEST_GGUF_BUILDER_H
#define PML_TEST_GGUF_BUILDER_H

#include <string.h>

#include "base/buf.h"
#include "engine/gguf.h"

static inline void put_header(struct pml_buf *b, uint32_t version, uint64_t tensors, uint64_t keys)
{
    pml_put_text(b, "GGUF");
    pml_put_u32le(b, version);
    pml_put_u64le(b, tensors);
    pml_put_u64le(b, keys);
}

static inline void put_string(struct pml_buf *b, const char *text)
{
    pml_put_u64le(b, strlen(text));
    pml_put_text(b, text);
}

static inline void put_key(struct pml_buf *b, const char *name, uint32_t type)
{
    put_string(b, name);
    pml_put_u32le(b, type);
}

static inline void put_key_u32(struct pml_buf *b, const char *name, uint32_t value)
{
    put_key(b, name, PML_GGUF_U32);
    pml_put_u32le(b, value);
}

static inline void put_key_bool(struct pml_buf *b, const char *name, uint8_t value)
{
    put_key(b, name, PML_GGUF_BOOL);
    pml_put_u8(b, value);
}

static inline void put_key_string(struct pml_buf *b, const char *name, const char *value)
{
    put_key(b, name, PML_GGUF_STRING);
    put_string(b, value);
}

static inline void put_key_array(struct pml_buf *b, const char *name, uint32_t type, uint64_t count)
{
    put_key(b, name, PML_GGUF_ARRAY);
    pml_put_u32le(b, type);
    pml_put_u64le(b, count);
}

static inline void put_key_strings(struct pml_buf *b, const char *name, const char *const *texts, size_t count)
{
    put_key_array(b, name, PML_GGUF_STRING, count);
    for (size_t i = 0; i < count; i++)
        put_string(b, texts[i]);
}

static inline void put_tensor(struct pml_buf *b, const char *name, uint32_t type, uint64_t columns, uint64_t rows,
                              uint64_t offset)
{
    put_string(b, name);
    pml_put_u32le(b, 2);
    pml_put_u64le(b, columns);
    pml_put_u64le(b, rows);
    pml_put_u32le(b, type);
    pml_put_u64le(b, offset);
}

static inline void put_padding(struct pml_buf *b, size_t align)
{
    pml_put_zero(b, (align - b->size % align) % align);
}

#endif
