/* SPDX-License-Identifier: MIT */
/*
 * Strict JSON over jansson. Loading refuses duplicate members, trailing text, invalid UTF-8 and deep nesting. The
 * getters read one member of one type and name it in the error, so a reader of a document is a list of its members.
 */
#ifndef PML_BASE_JSON_H
#define PML_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

void pml_json_auto(json_t **value); /* json_decref */

/* Parses one JSON object or array of at most 32 levels. The error names line and column, never content. PML_NO, code
 * "json". */
PML_CHECKED
json_t *pml_json_load(const char *text, size_t size, struct pml_error *err);
/* As above with another nesting limit. Strings may hold U+0000 (json_string_length). */
PML_CHECKED
json_t *pml_json_load_depth(const char *text, size_t size, unsigned depth, struct pml_error *err);
/* As above, every number a real, however it is spelt: for documents whose integers need not fit 63 bits. */
PML_CHECKED
json_t *pml_json_load_reals(const char *text, size_t size, unsigned depth, struct pml_error *err);

/* Members of an object; NULL or false with CODE "json" and the member's name when missing or of another type. Borrowed.
 */
PML_CHECKED
const char *pml_json_text(const json_t *object, const char *name, struct pml_error *err); /* no U+0000 inside */
PML_CHECKED
json_t *pml_json_object(const json_t *object, const char *name, struct pml_error *err);
PML_CHECKED
json_t *pml_json_array(const json_t *object, const char *name, struct pml_error *err);
PML_CHECKED
bool pml_json_int(int64_t *out, const json_t *object, const char *name, struct pml_error *err);
PML_CHECKED
bool pml_json_bool(bool *out, const json_t *object, const char *name, struct pml_error *err);
/* A string of exactly 2*SIZE hex digits, either case. */
PML_CHECKED
bool pml_json_hex(void *out, size_t size, const json_t *object, const char *name, struct pml_error *err);

/* True if every member's name is in the NULL-terminated list; else names the stranger. */
PML_CHECKED
bool pml_json_only(const json_t *object, const char *const *names, struct pml_error *err);

/* Compact text, members in insertion order. The caller frees. memory. */
PML_CHECKED
char *pml_json_dump(const json_t *value, size_t *size, struct pml_error *err);

#endif
