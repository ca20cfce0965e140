/* SPDX-License-Identifier: MIT */
/*
 * Bounded reading of untrusted bytes. A read past the end fails the cursor: it and all later reads yield zero and move
 * nothing, and the first overrun is remembered. A parser is therefore its layout, one line a field, and one check at
 * the end. Nothing read may steer a loop, an allocation or a branch that trusts it before pml_cursor_ok.
 */
#ifndef PML_BASE_CURSOR_H
#define PML_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct pml_cursor {
    const uint8_t *start, *at, *end; /* borrowed bytes */
    bool failed;
    size_t fail_offset, fail_wanted, fail_left; /* of the first overrun, in bytes */
};

struct pml_cursor pml_cursor(const void *bytes, size_t size);

bool pml_cursor_ok(const struct pml_cursor *c);
size_t pml_cursor_left(const struct pml_cursor *c);
size_t pml_cursor_offset(const struct pml_cursor *c);

uint8_t pml_get_u8(struct pml_cursor *c);
uint16_t pml_get_u16le(struct pml_cursor *c);
uint32_t pml_get_u32le(struct pml_cursor *c);
uint64_t pml_get_u64le(struct pml_cursor *c);
uint16_t pml_get_u16be(struct pml_cursor *c);
uint32_t pml_get_u32be(struct pml_cursor *c);

void pml_get_bytes(struct pml_cursor *c, void *out, size_t size); /* copies; zeroes OUT on overrun */
const uint8_t *pml_get_view(struct pml_cursor *c, size_t size);   /* borrows; NULL on overrun */
struct pml_cursor pml_get_sub(struct pml_cursor *c, size_t size); /* a cursor over the next SIZE bytes */
void pml_get_skip(struct pml_cursor *c, size_t size);

/* Fills an array from the next sizeof(array) bytes. A pointer does not compile. */
#define PML_GET(c, array) \
    pml_get_bytes(        \
        (c), (array),     \
        sizeof(array) +   \
            0 * sizeof(char[1 - 2 * __builtin_types_compatible_p(__typeof__(array), __typeof__(&(array)[0]))]))

/* True if nothing overran and nothing is left; else fails with CODE: "64 bytes wanted at offset 520, 63 left". */
PML_CHECKED
bool pml_cursor_end(const struct pml_cursor *c, const char *code, struct pml_error *err);
/* True if nothing overran; left-over bytes are allowed. */
PML_CHECKED
bool pml_cursor_check(const struct pml_cursor *c, const char *code, struct pml_error *err);

#endif
