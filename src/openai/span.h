/* SPDX-License-Identifier: MIT */
/*
 * The exact bytes of the members of a JSON object, for the few places where a value parsed and printed again is not
 * good enough: seeds beyond 63 bits, decimals that are rounded to binary32 once, schemas that are hashed as sent. The
 * text has been accepted by a JSON parser before; on other text a walk ends early and stays inside its bounds.
 */
#ifndef PML_OPENAI_SPAN_H
#define PML_OPENAI_SPAN_H

#include <stdbool.h>
#include <stddef.h>

struct pml_span { /* borrowed */
    const char *text;
    size_t size;
};

struct pml_span pml_span(const char *text, size_t size);
bool pml_span_is(struct pml_span s, const char *text);

/* Starts before the first member of an object (or element of an array) that SPAN holds. */
struct pml_span_walk {
    const char *at, *end;
};
struct pml_span_walk pml_span_walk(struct pml_span container);

/* The next member. KEY is the name as a JSON string with its quotes, VALUE the value without blanks around. False at
 * the end. */
bool pml_span_member(struct pml_span_walk *walk, struct pml_span *key, struct pml_span *value);
bool pml_span_element(struct pml_span_walk *walk, struct pml_span *value);

/* True if KEY, a JSON string with its quotes, spells NAME, escapes included. */
bool pml_span_key_is(struct pml_span key, const char *name);

/* An upper bound of the values that JSON text holds: what a parser will allocate, before it does. */
size_t pml_span_count(struct pml_span text);

#endif
