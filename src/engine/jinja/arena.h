/* SPDX-License-Identifier: MIT */
/* Memory that is taken in pieces and given back at once, up to a limit: a compiled template's, or a rendering's. */
#ifndef PML_ENGINE_JINJA_ARENA_H
#define PML_ENGINE_JINJA_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct jinja_chunk;
struct jinja_arena {
    struct jinja_chunk *chunks;
    char *next;
    size_t room; /* bytes left of the newest chunk */
    size_t left; /* bytes that may still be taken */
    bool over_limit;
};

/* SIZE zero bytes, aligned for any type. NULL: the limit (over_limit is set) or no memory. */
void *jinja_arena_new(struct jinja_arena *arena, size_t size);
bool jinja_arena_charge(struct jinja_arena *arena, size_t size); /* counts bytes that are kept elsewhere */
void jinja_arena_free(struct jinja_arena *arena);                /* and wipes: prompts went through it */

#endif
