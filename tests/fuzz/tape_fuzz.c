/* SPDX-License-Identifier: MIT */
/*
 * Target: pml_tape_parse, against jansson. Whatever the tape accepts, jansson accepts with the same values; what only
 * jansson accepts has more than 64 members in an object, more than 32 levels, or NULs between tokens.
 */
#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "dcap/tape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct pml_node *node, const json_t *value)
{
    switch (node->type) {
    case PML_NODE_NULL: assert(json_is_null(value)); break;
    case PML_NODE_FALSE: assert(json_is_false(value)); break;
    case PML_NODE_TRUE: assert(json_is_true(value)); break;
    case PML_NODE_INTEGER: assert(json_is_integer(value) && json_integer_value(value) == node->integer); break;
    case PML_NODE_NUMBER: assert(json_is_real(value)); break;
    case PML_NODE_STRING:
        assert(json_is_string(value) && json_string_length(value) == node->text.size);
        assert(memcmp(json_string_value(value), node->text.bytes, node->text.size) == 0);
        break;
    case PML_NODE_ARRAY: {
        assert(json_array_size(value) == node->count);
        const struct pml_node *item = pml_node_first(node);
        for (uint32_t i = 0; i < node->count; i++, item = pml_node_next(item))
            compare(item, json_array_get(value, i));
        break;
    }
    case PML_NODE_OBJECT: {
        assert(json_object_size(value) == node->count);
        const struct pml_node *name = pml_node_first(node);
        for (uint32_t i = 0; i < node->count; i++, name = pml_node_next(name + 1))
            compare(name + 1, json_object_getn(value, name->text.bytes, name->text.size));
        break;
    }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pml_error err;
    struct pml_tape tape;
    json_error_t error;
    json_t *value = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (pml_tape_parse(&tape, (const char *)data, size, &err)) {
        /* numbers beyond int64 or double are errors to jansson, and U+0000 in a name */
        if (value)
            compare(tape.nodes, value);
        else
            assert(json_error_code(&error) == json_error_numeric_overflow ||
                   json_error_code(&error) == json_error_null_byte_in_key);
    } else {
        /* jansson skips a NUL between tokens */
        assert(!json_is_object(value) || strstr(err.text, "more than") || memchr(data, 0, size));
    }
    pml_tape_free(&tape);
    json_decref(value);
    return 0;
}
