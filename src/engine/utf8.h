/* SPDX-License-Identifier: MIT */
/* UTF-8 (RFC 3629): shortest forms only, no surrogates, at most U+10FFFF. */
#ifndef PML_ENGINE_UTF8_H
#define PML_ENGINE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PML_UTF8_MAX 4 /* bytes of a character */

enum pml_utf8 { PML_UTF8_GOOD, PML_UTF8_BAD, PML_UTF8_SHORT };

/*
 * Looks at the first character of SIZE >= 1 bytes. GOOD: *USED bytes encode *POINT. BAD: *USED bytes are the longest
 * beginning of a character that is there, at least 1 (Unicode §3.9, "maximal subpart"; one U+FFFD replaces them).
 * SHORT: all SIZE bytes are the beginning of a character whose rest is missing; *USED is SIZE.
 */
enum pml_utf8 pml_utf8_next(const uint8_t *bytes, size_t size, size_t *used, uint32_t *point);

/* Writes the character to OUT. Returns its size. */
size_t pml_utf8_put(uint8_t out[PML_UTF8_MAX], uint32_t point);

bool pml_utf8_valid(const void *bytes, size_t size);

#endif
