/* SPDX-License-Identifier: MIT */
/* Joining symbols by rank. */
#include "engine/merge.h"

#include <stdlib.h>

static bool before(struct pml_candidate a, struct pml_candidate b)
{
    return a.rank != b.rank ? a.rank < b.rank : a.place < b.place;
}

bool pml_heap_push(struct pml_heap *h, struct pml_candidate item, struct pml_error *err)
{
    if (h->count == h->room) {
        size_t room = h->room ? 2 * h->room : 64;
        struct pml_candidate *items = realloc(h->items, room * sizeof *items);
        if (!items)
            return pml_fail_memory(err);
        h->items = items;
        h->room = room;
    }
    size_t at = h->count++;
    for (size_t up; at && before(item, h->items[up = (at - 1) / 2]); at = up)
        h->items[at] = h->items[up];
    h->items[at] = item;
    return true;
}

struct pml_candidate pml_heap_pop(struct pml_heap *h)
{
    struct pml_candidate top = h->items[0], last = h->items[--h->count];
    size_t at = 0;
    for (size_t down; (down = 2 * at + 1) < h->count; at = down) {
        if (down + 1 < h->count && before(h->items[down + 1], h->items[down]))
            down++;
        if (!before(h->items[down], last))
            break;
        h->items[at] = h->items[down];
    }
    h->items[at] = last;
    return top;
}

void pml_heap_free(struct pml_heap *h)
{
    free(h->items);
    *h = (struct pml_heap){ 0 };
}

void pml_merge_free(struct pml_merge *m)
{
    free(m->symbols);
    pml_heap_free(&m->heap);
    *m = (struct pml_merge){ 0 };
}

void pml_merge_clear(struct pml_merge *m)
{
    m->count = 0;
    m->heap.count = 0;
}

bool pml_merge_add(struct pml_merge *m, size_t size, struct pml_error *err)
{
    if (m->count == m->room) {
        size_t room = m->room ? 2 * m->room : 64;
        struct pml_symbol *symbols = realloc(m->symbols, room * sizeof *symbols);
        if (!symbols)
            return pml_fail_memory(err);
        m->symbols = symbols;
        m->room = room;
    }
    struct pml_symbol symbol = { 0, (uint32_t)size, UINT32_MAX, UINT32_MAX };
    if (m->count) {
        struct pml_symbol *prev = &m->symbols[m->count - 1];
        symbol.start = prev->start + prev->size;
        symbol.prev = (uint32_t)m->count - 1;
        prev->next = (uint32_t)m->count;
    }
    m->symbols[m->count++] = symbol;
    return true;
}

/* Makes a candidate of a symbol and the one after it, if they have a rank. */
static bool offer(struct pml_merge *m, uint32_t left, const uint8_t *text, pml_rank_of *rank_of, const void *arg,
                  struct pml_error *err)
{
    if (left == UINT32_MAX || m->symbols[left].next == UINT32_MAX)
        return true;
    const struct pml_symbol *a = &m->symbols[left], *b = &m->symbols[a->next];
    uint32_t size = a->size + b->size;
    uint32_t rank = rank_of(arg, text + a->start, a->size, size);
    if (rank == PML_NO_RANK)
        return true;
    return pml_heap_push(&m->heap, (struct pml_candidate){ rank, left, size }, err);
}

bool pml_merge_run(struct pml_merge *m, const uint8_t *text, pml_rank_of *rank_of, const void *arg,
                   struct pml_error *err)
{
    for (size_t i = 0; i < m->count; i++) {
        if (!offer(m, (uint32_t)i, text, rank_of, arg, err))
            return false;
    }
    while (m->heap.count) {
        struct pml_candidate best = pml_heap_pop(&m->heap);
        struct pml_symbol *a = &m->symbols[best.place];
        /* One of the two has been joined to another since: a symbol only grows, so the sizes tell. */
        if (!a->size || a->next == UINT32_MAX || a->size + m->symbols[a->next].size != best.size)
            continue;
        struct pml_symbol *b = &m->symbols[a->next];
        a->size = best.size;
        a->next = b->next;
        b->size = 0;
        if (a->next != UINT32_MAX)
            m->symbols[a->next].prev = best.place;
        if (!offer(m, a->prev, text, rank_of, arg, err) || !offer(m, best.place, text, rank_of, arg, err))
            return false;
    }
    return true;
}
