/* SPDX-License-Identifier: MIT */
/*
 * JSON Canonicalization Scheme, RFC 8785 restricted as in ACI (spec inference-api §2.1): member names ASCII, numbers
 * integers within +-(2^53 - 1). Documents outside the restriction are refused (PML_NO, "jcs"), so the two spellings
 * cannot differ.
 */
#ifndef PML_BASE_JCS_H
#define PML_BASE_JCS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

/* Loads a document that will be canonicalised: pml_json_load, and no number spelt -0, about which parsers disagree.
 * json, jcs. */
PML_CHECKED
json_t *pml_jcs_load(const char *text, size_t size, struct pml_error *err);

/* The canonical text of a value. The caller frees. jcs, memory. */
PML_CHECKED
char *pml_jcs(const json_t *value, size_t *size, struct pml_error *err);
PML_CHECKED
bool pml_jcs_sha256(uint8_t digest[PML_SHA256_SIZE], const json_t *value, struct pml_error *err);

#endif
