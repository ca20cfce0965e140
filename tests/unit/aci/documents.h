/* SPDX-License-Identifier: MIT */
/* Members of outside vectors, for the tests of ACI documents. All fail the running test when something is missing. */
#ifndef PML_TEST_ACI_DOCUMENTS_H
#define PML_TEST_ACI_DOCUMENTS_H

#include "test.h"

#include "base/encode.h"
#include "base/json.h"

static inline json_t *vector_json(const char *name)
{
    struct pml_error err;
    size_t size;
    char *text = vector_file(name, &size);
    json_t *document = pml_json_load(text, size, &err);
    free(text);
    if (!document)
        fail_msg("%s: %s", name, err.text);
    return document;
}

/* The member at a path like "receipt.document"; borrowed. */
static inline json_t *at(json_t *document, const char *path)
{
    char copy[256];
    snprintf(copy, sizeof copy, "%s", path);
    for (char *save, *name = strtok_r(copy, ".", &save); name; name = strtok_r(NULL, ".", &save))
        document = json_object_get(document, name);
    if (!document)
        fail_msg("vector has no %s", path);
    return document;
}

static inline const char *text_at(json_t *document, const char *path)
{
    const char *text = json_string_value(at(document, path));
    if (!text)
        fail_msg("vector's %s is no string", path);
    return text;
}

static inline void hex_at(void *out, size_t size, json_t *document, const char *path)
{
    const char *text = text_at(document, path);
    assert_true(pml_unhex(out, size, text, strlen(text)));
}

#endif
