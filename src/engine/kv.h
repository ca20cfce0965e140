/* SPDX-License-Identifier: MIT */
/*
 * The key/value cache (spec engine §10): blocks of 256 positions of one layer, the chunks of attention, handed to
 * sequences as they grow and wiped when they come back. A block holds, for each key/value head, the keys in tiles
 * [16][size][16] and the values [256][size], size being the head size rounded up to 16; elements are binary16 or f32.
 * Thread rules: reserve and release on one thread; store and widen of different heads or positions on any, between
 * them.
 */
#ifndef PML_ENGINE_KV_H
#define PML_ENGINE_KV_H

#include <stdint.h>

#include "engine/kernels/kernels.h"

struct pml_kv_shape {
    size_t layers, heads, size; /* SIZE of a head as the model has it */
    enum pml_kv_type type;
};

struct pml_kv; /* the blocks of all sequences */

struct pml_kv_sequence { /* zero: empty */
    void **blocks;       /* [chunk][layer] */
    size_t chunks;
};

PML_CHECKED
struct pml_kv *pml_kv_new(struct pml_kv_shape shape, struct pml_error *err);
void pml_kv_free(struct pml_kv *kv); /* every sequence released before */
void pml_kv_auto(struct pml_kv **kv);

/* Makes room for positions below COUNT. memory. */
PML_CHECKED
bool pml_kv_reserve(struct pml_kv *kv, struct pml_kv_sequence *sequence, size_t count, struct pml_error *err);
/* Wipes the sequence's blocks and takes them back. */
void pml_kv_release(struct pml_kv *kv, struct pml_kv_sequence *sequence);

/* Keeps key and value [heads][model's head size] of one position. */
void pml_kv_store(const struct pml_kv *kv, const struct pml_kv_sequence *sequence, size_t layer, size_t position,
                  const float *key, const float *value);

/* The first COUNT positions (rounded up to 16) of a chunk for one head as f32: in SCRATCH, pml_kv_scratch elements, or
 * the cache's own memory when it is f32. Sets keys, values and size. */
void pml_kv_widen(const struct pml_kv *kv, const struct pml_kv_sequence *sequence, size_t layer, size_t chunk,
                  size_t head, size_t count, const struct pml_kernels *kernels, float *scratch,
                  struct pml_attend_chunk *out);
size_t pml_kv_scratch(const struct pml_kv *kv);

#endif
