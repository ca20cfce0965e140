/* SPDX-License-Identifier: MIT */
/* Hex and base64 (RFC 4648 §4, padded), without table look-ups that depend on the data, so they serve secrets too. */
#ifndef PML_BASE_ENCODE_H
#define PML_BASE_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Writes 2*SIZE lower-case digits and a NUL to OUT. Returns OUT. */
char *pml_hex(char *out, const void *bytes, size_t size);
void pml_put_hex(struct pml_buf *b, const void *bytes, size_t size);

/* Exactly SIZE bytes from exactly 2*SIZE digits. Either case; pml_unhex_lower takes only 0-9a-f. False: not that, OUT
 * undefined. */
PML_CHECKED
bool pml_unhex(void *out, size_t size, const char *text, size_t text_size);
PML_CHECKED
bool pml_unhex_lower(void *out, size_t size, const char *text, size_t text_size);

size_t pml_base64_size(size_t size); /* characters, without NUL */
char *pml_base64(char *out, const void *bytes, size_t size);
/* Decodes canonical padded base64; OUT has room for text_size/4*3 bytes. */
PML_CHECKED
bool pml_unbase64(void *out, size_t *out_size, const char *text, size_t text_size);

#endif
