/* SPDX-License-Identifier: MIT */
/* Digests, hex and optional members of ACI documents. */
#include "aci/members.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/memory.h"

bool pml_member_text_or_null(const char **out, const json_t *object, const char *name, struct pml_error *err)
{
    const json_t *value = json_object_get(object, name);
    *out = NULL;
    if (!value || json_is_null(value))
        return true;
    *out = pml_json_text(object, name, err);
    return *out;
}

bool pml_member_or_null(const json_t **out, const json_t *object, const char *name, json_type want,
                        struct pml_error *err)
{
    const json_t *value = json_object_get(object, name);
    *out = NULL;
    if (!value || json_is_null(value))
        return true;
    if (json_typeof(value) != want)
        return pml_fail(err, PML_NO, "json", "%s: not %s", name, want == JSON_ARRAY ? "an array" : "an object");
    *out = value;
    return true;
}

bool pml_member_digest(uint8_t out[PML_SHA256_SIZE], const json_t *object, const char *name, struct pml_error *err)
{
    const char *text = pml_json_text(object, name, err);
    if (!text)
        return false;
    if (!pml_digest_parse(out, text))
        return pml_fail(err, PML_NO, "json", "%s: not sha256: and 64 lower-case hex digits", name);
    return true;
}

bool pml_member_hex(void *out, size_t size, const json_t *object, const char *name, struct pml_error *err)
{
    const char *text = pml_json_text(object, name, err);
    if (!text)
        return false;
    if (!pml_unhex_lower(out, size, text, strlen(text)))
        return pml_fail(err, PML_NO, "json", "%s: not %zu lower-case hex digits", name, 2 * size);
    return true;
}

bool pml_member_count(int64_t *out, const json_t *object, const char *name, int64_t low, struct pml_error *err)
{
    if (!pml_json_int(out, object, name, err))
        return false;
    if (*out < low || *out > (INT64_C(1) << 53) - 1)
        return pml_fail(err, PML_NO, "json", "%s: out of range", name);
    return true;
}

json_t *pml_json_hex_text(const void *bytes, size_t size)
{
    if (!bytes)
        return json_null();
    PML_AUTO(mem) char *text = malloc(2 * size + 1);
    return text ? json_string(pml_hex(text, bytes, size)) : NULL;
}

json_t *pml_json_digest(const uint8_t *digest)
{
    char text[PML_DIGEST_TEXT];
    return digest ? json_string(pml_digest_text(text, digest)) : json_null();
}
