/* SPDX-License-Identifier: MIT */
/* Readers of the member spellings that ACI documents share beyond base/json.h. All fail with PML_NO, "json". */
#ifndef PML_ACI_MEMBERS_H
#define PML_ACI_MEMBERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

/* A string, or NULL when the member is null or absent. */
PML_CHECKED
bool pml_member_text_or_null(const char **out, const json_t *object, const char *name, struct pml_error *err);
/* An object or array (as WANT says), or NULL when the member is null or absent. */
PML_CHECKED
bool pml_member_or_null(const json_t **out, const json_t *object, const char *name, json_type want,
                        struct pml_error *err);
/* "sha256:<64 lower-case hex>" */
PML_CHECKED
bool pml_member_digest(uint8_t out[PML_SHA256_SIZE], const json_t *object, const char *name, struct pml_error *err);
/* Exactly SIZE bytes in lower-case hex. */
PML_CHECKED
bool pml_member_hex(void *out, size_t size, const json_t *object, const char *name, struct pml_error *err);
/* An integer from LOW to 2^53 - 1. */
PML_CHECKED
bool pml_member_count(int64_t *out, const json_t *object, const char *name, int64_t low, struct pml_error *err);

/* A JSON string of bytes in hex, and of a digest; NULL BYTES gives null. NULL: no memory. */
json_t *pml_json_hex_text(const void *bytes, size_t size);
json_t *pml_json_digest(const uint8_t *digest);

#endif
