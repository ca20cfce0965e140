/* SPDX-License-Identifier: MIT */
/*
 * A buffer that grows as it is written and is taken once, at the end. Like the cursor it is sticky: when memory or the
 * limit runs out all later writes do nothing, and only the taker has to check.
 */
#ifndef PML_BASE_BUF_H
#define PML_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

struct pml_buf {
    uint8_t *bytes;
    size_t size, room;
    size_t limit; /* 0: none; a write past it fails the buffer with "too_large" */
    bool failed, over_limit;
};

void pml_put_bytes(struct pml_buf *b, const void *bytes, size_t size);
void pml_put_text(struct pml_buf *b, const char *text);
void pml_put_format(struct pml_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void pml_put_u8(struct pml_buf *b, uint8_t value);
void pml_put_u16le(struct pml_buf *b, uint16_t value);
void pml_put_u32le(struct pml_buf *b, uint32_t value);
void pml_put_u64le(struct pml_buf *b, uint64_t value);
void pml_put_zero(struct pml_buf *b, size_t size);

/* Room of SIZE bytes to fill directly, NULL on failure; pml_buf_grow then counts those used. */
uint8_t *pml_buf_room(struct pml_buf *b, size_t size);
void pml_buf_grow(struct pml_buf *b, size_t size);

/* Reserves a length field; pml_put_len_end writes into it the count of bytes put since. */
size_t pml_put_len32le(struct pml_buf *b);
void pml_put_len_end(struct pml_buf *b, size_t mark);

PML_CHECKED
bool pml_buf_check(const struct pml_buf *b, struct pml_error *err);
/* Returns the bytes, NUL-terminated beyond *SIZE (which may be NULL), and empties the buffer; the caller frees. memory,
 * too_large. */
PML_CHECKED
char *pml_buf_take(struct pml_buf *b, size_t *size, struct pml_error *err);
void pml_buf_clear(struct pml_buf *b); /* size 0, memory kept */
void pml_buf_free(struct pml_buf *b);
void pml_buf_auto(struct pml_buf *b);

#endif
