/* SPDX-License-Identifier: MIT */
/*
 * The step that SPM and BPE share (spec engine §7.2, §7.3): of all neighbouring symbols whose concatenation has a rank,
 * the pair of the lowest rank is joined, the leftmost first among equals, until none is left. A heap of candidates
 * makes it n log n.
 */
#ifndef PML_ENGINE_MERGE_H
#define PML_ENGINE_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define PML_NO_RANK UINT32_MAX

struct pml_candidate {
    uint32_t rank;  /* lower first */
    uint32_t place; /* then further left first */
    uint32_t size;
};

struct pml_heap { /* of candidates */
    struct pml_candidate *items;
    size_t count, room;
};
PML_CHECKED
bool pml_heap_push(struct pml_heap *h, struct pml_candidate item, struct pml_error *err);
struct pml_candidate pml_heap_pop(struct pml_heap *h); /* COUNT is not 0 */
void pml_heap_free(struct pml_heap *h);

struct pml_symbol {
    uint32_t start, size; /* bytes of the text; size 0: joined to another */
    uint32_t prev, next;  /* neighbours, UINT32_MAX at the ends */
};

struct pml_merge { /* may be used again; its memory grows with the largest text */
    struct pml_symbol *symbols;
    size_t count, room;
    struct pml_heap heap;
};
void pml_merge_free(struct pml_merge *m);

void pml_merge_clear(struct pml_merge *m);
/* Appends the next SIZE bytes of the text as a symbol. */
PML_CHECKED
bool pml_merge_add(struct pml_merge *m, size_t size, struct pml_error *err);

/* Rank of joining the first LEFT bytes with the rest of SIZE, or PML_NO_RANK. */
typedef uint32_t pml_rank_of(const void *arg, const uint8_t *pair, size_t left, size_t size);

/* Joins what can be joined. Afterwards the symbols from index 0 along NEXT make up the text. memory. */
PML_CHECKED
bool pml_merge_run(struct pml_merge *m, const uint8_t *text, pml_rank_of *rank_of, const void *arg,
                   struct pml_error *err);

#endif
