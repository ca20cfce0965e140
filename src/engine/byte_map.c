/* SPDX-License-Identifier: MIT */
/* Open addressing with linear probing, at most half full. */
#include "engine/byte_map.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct pml_byte_map_slot {
    const uint8_t *bytes; /* NULL: free */
    uint32_t size, left, value;
    uint32_t hash; /* the bits that did not choose the slot */
};

static inline uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF") of LEFT and the bytes. */
static uint64_t hash_bytes(const struct pml_byte_map *m, const uint8_t *bytes, size_t size, size_t left)
{
    uint64_t v[4] = { m->key[0] ^ 0x736f6d6570736575, m->key[1] ^ 0x646f72616e646f6d, m->key[0] ^ 0x6c7967656e657261,
                      m->key[1] ^ 0x7465646279746573 };
    uint64_t word = left;
    size_t at = 0;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    for (; at + 8 <= size; at += 8) {
        memcpy(&word, bytes + at, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = (uint64_t)size << 56;
    for (int shift = 0; at < size; at++, shift += 8)
        word |= (uint64_t)bytes[at] << shift;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

bool pml_byte_map_init(struct pml_byte_map *m, size_t count, struct pml_error *err)
{
    size_t slots = 16;
    while (slots < 2 * count)
        slots *= 2;
    if (!pml_random(m->key, sizeof m->key, err))
        return false;
    m->slots = calloc(slots, sizeof *m->slots);
    if (!m->slots)
        return pml_fail_memory(err);
    m->mask = slots - 1;
    return true;
}

void pml_byte_map_free(struct pml_byte_map *m)
{
    free(m->slots);
    *m = (struct pml_byte_map){ 0 };
}

/* The slot that holds the string, or the free one where it belongs. */
static struct pml_byte_map_slot *find(const struct pml_byte_map *m, const uint8_t *bytes, size_t size, size_t left,
                                      uint32_t *high)
{
    uint64_t hash = hash_bytes(m, bytes, size, left);
    *high = (uint32_t)(hash >> 32);
    for (size_t i = hash & m->mask;; i = (i + 1) & m->mask) {
        struct pml_byte_map_slot *slot = &m->slots[i];
        if (!slot->bytes ||
            (slot->hash == *high && slot->size == size && slot->left == left && !memcmp(slot->bytes, bytes, size)))
            return slot;
    }
}

bool pml_byte_map_add(struct pml_byte_map *m, const void *bytes, size_t size, size_t left, uint32_t value)
{
    uint32_t high;
    struct pml_byte_map_slot *slot = find(m, bytes, size, left, &high);
    if (slot->bytes)
        return false;
    *slot = (struct pml_byte_map_slot){ bytes, (uint32_t)size, (uint32_t)left, value, high };
    return true;
}

uint32_t pml_byte_map_get(const struct pml_byte_map *m, const void *bytes, size_t size, size_t left)
{
    uint32_t high;
    const struct pml_byte_map_slot *slot = find(m, bytes, size, left, &high);
    return slot->bytes ? slot->value : PML_MAP_NONE;
}
