/* SPDX-License-Identifier: MIT */
/* The growing buffer. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

uint8_t *pml_buf_room(struct pml_buf *b, size_t size)
{
    size_t needed;
    if (b->failed)
        return NULL;
    if (__builtin_add_overflow(b->size, size, &needed) || (b->limit && needed > b->limit)) {
        b->failed = b->over_limit = true;
        return NULL;
    }
    if (needed >= b->room) { /* one byte more than needed, for the NUL of pml_buf_take */
        size_t room = needed < 128 ? 256 : needed + needed / 2;
        uint8_t *bytes = realloc(b->bytes, room);
        if (!bytes) {
            b->failed = true;
            return NULL;
        }
        b->bytes = bytes;
        b->room = room;
    }
    return b->bytes + b->size;
}

void pml_buf_grow(struct pml_buf *b, size_t size)
{
    if (!b->failed)
        b->size += size;
}

void pml_put_bytes(struct pml_buf *b, const void *bytes, size_t size)
{
    uint8_t *room = pml_buf_room(b, size);
    if (room && size)
        memcpy(room, bytes, size);
    pml_buf_grow(b, size);
}

void pml_put_text(struct pml_buf *b, const char *text)
{
    pml_put_bytes(b, text, strlen(text));
}

void pml_put_format(struct pml_buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int size = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    uint8_t *room = size < 0 ? NULL : pml_buf_room(b, (size_t)size);
    if (!room)
        return;
    va_start(args, fmt);
    vsnprintf((char *)room, (size_t)size + 1, fmt, args);
    va_end(args);
    pml_buf_grow(b, (size_t)size);
}

static void put_le(struct pml_buf *b, uint64_t value, size_t size)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
    pml_put_bytes(b, bytes, size);
}

void pml_put_u8(struct pml_buf *b, uint8_t value)
{
    put_le(b, value, 1);
}

void pml_put_u16le(struct pml_buf *b, uint16_t value)
{
    put_le(b, value, 2);
}

void pml_put_u32le(struct pml_buf *b, uint32_t value)
{
    put_le(b, value, 4);
}

void pml_put_u64le(struct pml_buf *b, uint64_t value)
{
    put_le(b, value, 8);
}

void pml_put_zero(struct pml_buf *b, size_t size)
{
    uint8_t *room = pml_buf_room(b, size);
    if (room && size)
        memset(room, 0, size);
    pml_buf_grow(b, size);
}

size_t pml_put_len32le(struct pml_buf *b)
{
    size_t mark = b->size;
    pml_put_u32le(b, 0);
    return mark;
}

void pml_put_len_end(struct pml_buf *b, size_t mark)
{
    if (b->failed)
        return;
    size_t size = b->size - mark - 4;
    for (size_t i = 0; i < 4; i++)
        b->bytes[mark + i] = (uint8_t)(size >> 8 * i);
}

bool pml_buf_check(const struct pml_buf *b, struct pml_error *err)
{
    if (b->over_limit)
        return pml_fail(err, PML_NO, "too_large", "more than %zu bytes", b->limit);
    if (b->failed)
        return pml_fail_memory(err);
    return true;
}

char *pml_buf_take(struct pml_buf *b, size_t *size, struct pml_error *err)
{
    if (!pml_buf_room(b, 0) && !pml_buf_check(b, err))
        return NULL;
    b->bytes[b->size] = 0;
    if (size)
        *size = b->size;
    char *taken = (char *)b->bytes;
    *b = (struct pml_buf){ .limit = b->limit };
    return taken;
}

void pml_buf_clear(struct pml_buf *b)
{
    b->size = 0;
    b->failed = b->over_limit = false;
}

void pml_buf_free(struct pml_buf *b)
{
    free(b->bytes);
    *b = (struct pml_buf){ .limit = b->limit };
}

void pml_buf_auto(struct pml_buf *b)
{
    free(b->bytes);
}
