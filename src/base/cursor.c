/* SPDX-License-Identifier: MIT */
/* The bounded cursor. */
#include "base/cursor.h"

#include <string.h>

struct pml_cursor pml_cursor(const void *bytes, size_t size)
{
    return (struct pml_cursor){ .start = bytes, .at = bytes, .end = size ? (const uint8_t *)bytes + size : bytes };
}

bool pml_cursor_ok(const struct pml_cursor *c)
{
    return !c->failed;
}

size_t pml_cursor_left(const struct pml_cursor *c)
{
    return c->failed ? 0 : (size_t)(c->end - c->at);
}

size_t pml_cursor_offset(const struct pml_cursor *c)
{
    return (size_t)(c->at - c->start);
}

const uint8_t *pml_get_view(struct pml_cursor *c, size_t size)
{
    if (c->failed)
        return NULL;
    if ((size_t)(c->end - c->at) < size) {
        c->failed = true;
        c->fail_offset = pml_cursor_offset(c);
        c->fail_wanted = size;
        c->fail_left = (size_t)(c->end - c->at);
        return NULL;
    }
    const uint8_t *view = c->at;
    if (size)
        c->at += size;
    return view;
}

void pml_get_bytes(struct pml_cursor *c, void *out, size_t size)
{
    const uint8_t *view = pml_get_view(c, size);
    if (size && view)
        memcpy(out, view, size);
    else if (size)
        memset(out, 0, size);
}

struct pml_cursor pml_get_sub(struct pml_cursor *c, size_t size)
{
    const uint8_t *view = pml_get_view(c, size);
    struct pml_cursor sub = pml_cursor(view, view ? size : 0);
    if (c->failed) {
        sub.failed = true;
        sub.fail_offset = c->fail_offset;
        sub.fail_wanted = c->fail_wanted;
        sub.fail_left = c->fail_left;
    }
    return sub;
}

void pml_get_skip(struct pml_cursor *c, size_t size)
{
    (void)pml_get_view(c, size);
}

static uint64_t get_le(struct pml_cursor *c, size_t size)
{
    const uint8_t *view = pml_get_view(c, size);
    uint64_t value = 0;
    for (size_t i = size; view && i-- > 0;)
        value = value << 8 | view[i];
    return value;
}

static uint64_t get_be(struct pml_cursor *c, size_t size)
{
    const uint8_t *view = pml_get_view(c, size);
    uint64_t value = 0;
    for (size_t i = 0; view && i < size; i++)
        value = value << 8 | view[i];
    return value;
}

uint8_t pml_get_u8(struct pml_cursor *c)
{
    return (uint8_t)get_le(c, 1);
}

uint16_t pml_get_u16le(struct pml_cursor *c)
{
    return (uint16_t)get_le(c, 2);
}

uint32_t pml_get_u32le(struct pml_cursor *c)
{
    return (uint32_t)get_le(c, 4);
}

uint64_t pml_get_u64le(struct pml_cursor *c)
{
    return get_le(c, 8);
}

uint16_t pml_get_u16be(struct pml_cursor *c)
{
    return (uint16_t)get_be(c, 2);
}

uint32_t pml_get_u32be(struct pml_cursor *c)
{
    return (uint32_t)get_be(c, 4);
}

bool pml_cursor_check(const struct pml_cursor *c, const char *code, struct pml_error *err)
{
    if (c->failed)
        return pml_fail(err, PML_NO, code, "%zu bytes wanted at offset %zu, %zu left", c->fail_wanted, c->fail_offset,
                        c->fail_left);
    return true;
}

bool pml_cursor_end(const struct pml_cursor *c, const char *code, struct pml_error *err)
{
    if (!pml_cursor_check(c, code, err))
        return false;
    if (c->at != c->end)
        return pml_fail(err, PML_NO, code, "%zu bytes left over at offset %zu", pml_cursor_left(c),
                        pml_cursor_offset(c));
    return true;
}
