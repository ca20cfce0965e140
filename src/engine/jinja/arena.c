/* SPDX-License-Identifier: MIT */
/* The arena of the template interpreter. */
#include "engine/jinja/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#include "base/memory.h"

#define CHUNK_SIZE (32u << 10)

struct jinja_chunk {
    struct jinja_chunk *older;
    size_t size;
    alignas(max_align_t) char bytes[];
};

bool jinja_arena_charge(struct jinja_arena *arena, size_t size)
{
    if (size > arena->left) {
        arena->over_limit = true;
        return false;
    }
    arena->left -= size;
    return true;
}

void *jinja_arena_new(struct jinja_arena *arena, size_t size)
{
    if (size > arena->left + arena->room) {
        arena->over_limit = true;
        return NULL;
    }
    size = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    if (size > arena->room) {
        size_t chunk_size = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        if (!jinja_arena_charge(arena, chunk_size))
            return NULL;
        struct jinja_chunk *chunk = calloc(1, sizeof *chunk + chunk_size);
        if (!chunk)
            return NULL;
        *chunk = (struct jinja_chunk){ .older = arena->chunks, .size = chunk_size };
        arena->chunks = chunk;
        arena->next = chunk->bytes;
        arena->room = chunk_size;
    }
    void *taken = arena->next;
    arena->next += size;
    arena->room -= size;
    return taken;
}

void jinja_arena_free(struct jinja_arena *arena)
{
    for (struct jinja_chunk *chunk = arena->chunks, *older; chunk; chunk = older) {
        older = chunk->older;
        pml_wipe(chunk->bytes, chunk->size);
        free(chunk);
    }
    *arena = (struct jinja_arena){ 0 };
}
