/* SPDX-License-Identifier: MIT */
/*
 * Strict JSON, read once into a flat array of nodes. Bundles and signed documents are parsed for every quote; through
 * jansson that takes as long as three of the nine signatures, on a tape as long as a fifth of one. Refuses duplicate
 * members, objects of more than 64 members, more than 32 levels, invalid UTF-8 and lone surrogates (RFC 8259).
 */
#ifndef PML_DCAP_TAPE_H
#define PML_DCAP_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct pml_text { /* borrowed; may hold any byte */
    const char *bytes;
    size_t size;
};

enum pml_node_type {
    PML_NODE_NULL,
    PML_NODE_FALSE,
    PML_NODE_TRUE,
    PML_NODE_INTEGER, /* fits int64_t */
    PML_NODE_NUMBER,  /* any other */
    PML_NODE_STRING,
    PML_NODE_ARRAY,  /* followed by its items */
    PML_NODE_OBJECT, /* followed by names, each a string, and values in turn */
};

struct pml_node {
    enum pml_node_type type;
    uint32_t span;  /* nodes from this one to the next that is not part of it */
    uint32_t count; /* items or members */
    int64_t integer;
    struct pml_text text; /* of a string, decoded */
};

struct pml_tape {
    char *text;             /* owned copy, decoded in place */
    struct pml_node *nodes; /* owned; the first is the whole */
};

/* Parses one object. PML_NO "json", memory. Free with pml_tape_free. */
PML_CHECKED
bool pml_tape_parse(struct pml_tape *out, const char *text, size_t size, struct pml_error *err);
void pml_tape_free(struct pml_tape *tape);

/* A member's value; NULL if absent, or if OBJECT is not an object or NULL. */
const struct pml_node *pml_node_member(const struct pml_node *object, const char *name);
/* The first item of an array, and the one after ITEM; count tells how many there are. */
static inline const struct pml_node *pml_node_first(const struct pml_node *array)
{
    return array + 1;
}
static inline const struct pml_node *pml_node_next(const struct pml_node *item)
{
    return item + item->span;
}

/* Members of one type; NULL or false with "json" and the member's name when missing or of another type. */
PML_CHECKED
const struct pml_node *pml_node_object(const struct pml_node *object, const char *name, struct pml_error *err);
PML_CHECKED
const struct pml_node *pml_node_array(const struct pml_node *object, const char *name, struct pml_error *err);
PML_CHECKED
bool pml_node_text(struct pml_text *out, const struct pml_node *object, const char *name, struct pml_error *err);
/* 0..MAX. */
PML_CHECKED
bool pml_node_int(int64_t *out, const struct pml_node *object, const char *name, int64_t max, struct pml_error *err);
/* A string of exactly 2*SIZE hex digits, either case. */
PML_CHECKED
bool pml_node_hex(void *out, size_t size, const struct pml_node *object, const char *name, struct pml_error *err);

bool pml_text_is(struct pml_text text, const char *wanted);

#endif
