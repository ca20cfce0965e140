/* SPDX-License-Identifier: MIT */
/* Counting what glibc's allocator gives out, by what it says that each block has room for. */
#include "heap.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void __libc_free(void *block);

static _Thread_local size_t in_use, at_begin, peak;

static void *gained(void *block)
{
    in_use += block ? malloc_usable_size(block) : 0;
    if (in_use > peak)
        peak = in_use;
    return block;
}

void *malloc(size_t size)
{
    return gained(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return gained(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size)
{
    size_t before = block ? malloc_usable_size(block) : 0;
    void *moved = __libc_realloc(block, size);
    if (moved || size == 0)
        in_use -= before;
    return gained(moved);
}

void free(void *block)
{
    in_use -= block ? malloc_usable_size(block) : 0;
    __libc_free(block);
}

void heap_begin(void)
{
    at_begin = peak = in_use;
}

size_t heap_peak(void)
{
    return peak - at_begin;
}
