/* SPDX-License-Identifier: MIT */
/*
 * A hash table from byte strings, each cut in two parts, to numbers. It is keyed (SipHash-1-3), so a file or a text
 * that is made to collide does not. Filled once, to a size that is known, and only read afterwards.
 */
#ifndef PML_ENGINE_BYTE_MAP_H
#define PML_ENGINE_BYTE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define PML_MAP_NONE UINT32_MAX

struct pml_byte_map {
    struct pml_byte_map_slot *slots;
    size_t mask; /* count of slots - 1 */
    uint64_t key[2];
};

/* Room for COUNT entries. memory; io if the operating system has no random bytes. */
PML_CHECKED
bool pml_byte_map_init(struct pml_byte_map *m, size_t count, struct pml_error *err);
void pml_byte_map_free(struct pml_byte_map *m);

/* LEFT is the size of the first part, 0 for a whole string. BYTES are borrowed. False: the string was there, and keeps
 * its value. At most COUNT times. */
bool pml_byte_map_add(struct pml_byte_map *m, const void *bytes, size_t size, size_t left, uint32_t value);
uint32_t pml_byte_map_get(const struct pml_byte_map *m, const void *bytes, size_t size, size_t left);

#endif
