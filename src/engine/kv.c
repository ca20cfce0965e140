/* SPDX-License-Identifier: MIT */
/* Blocks of the key/value cache. */
#include "engine/kv.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/math.h"

struct pml_kv {
    struct pml_kv_shape shape;
    size_t size;       /* of a head, rounded up */
    size_t element;    /* bytes */
    size_t block_size; /* bytes */
    void **idle;       /* blocks that no sequence has, all zero */
    size_t idle_count, idle_room;
    size_t made; /* blocks that exist */
};

struct pml_kv *pml_kv_new(struct pml_kv_shape shape, struct pml_error *err)
{
    struct pml_kv *kv = calloc(1, sizeof *kv);
    if (!kv)
        return pml_fail_memory(err);
    kv->shape = shape;
    kv->size = (shape.size + PML_LANES - 1) / PML_LANES * PML_LANES;
    kv->element = shape.type == PML_KV_F32 ? sizeof(float) : sizeof(uint16_t);
    kv->block_size = shape.heads * 2 * PML_CHUNK * kv->size * kv->element;
    return kv;
}

void pml_kv_free(struct pml_kv *kv)
{
    if (!kv)
        return;
    for (size_t i = 0; i < kv->idle_count; i++)
        free(kv->idle[i]);
    free(kv->idle);
    free(kv);
}

void pml_kv_auto(struct pml_kv **kv)
{
    pml_kv_free(*kv);
}

/* A zero block. The list of idle blocks always has room for all that exist, so that giving one back cannot fail. */
static void *take_block(struct pml_kv *kv, struct pml_error *err)
{
    if (kv->idle_count > 0)
        return kv->idle[--kv->idle_count];
    if (kv->made == kv->idle_room) {
        size_t room = 2 * kv->idle_room + 64;
        void **grown = realloc(kv->idle, room * sizeof *grown);
        if (!grown)
            return pml_fail_memory(err);
        kv->idle = grown;
        kv->idle_room = room;
    }
    void *block = aligned_alloc(64, kv->block_size);
    if (!block)
        return pml_fail_memory(err);
    memset(block, 0, kv->block_size);
    kv->made++;
    return block;
}

static void give_block(struct pml_kv *kv, void *block)
{
    pml_wipe(block, kv->block_size);
    kv->idle[kv->idle_count++] = block;
}

bool pml_kv_reserve(struct pml_kv *kv, struct pml_kv_sequence *sequence, size_t count, struct pml_error *err)
{
    size_t chunks = (count + PML_CHUNK - 1) / PML_CHUNK, layers = kv->shape.layers;
    if (chunks <= sequence->chunks)
        return true;
    void **grown = realloc(sequence->blocks, chunks * layers * sizeof *grown);
    if (!grown)
        return pml_fail_memory(err);
    sequence->blocks = grown;
    for (; sequence->chunks < chunks; sequence->chunks++) {
        void **blocks = sequence->blocks + sequence->chunks * layers;
        for (size_t layer = 0; layer < layers; layer++) {
            blocks[layer] = take_block(kv, err);
            if (!blocks[layer]) {
                while (layer > 0)
                    give_block(kv, blocks[--layer]);
                return false;
            }
        }
    }
    return true;
}

void pml_kv_release(struct pml_kv *kv, struct pml_kv_sequence *sequence)
{
    for (size_t i = 0; i < sequence->chunks * kv->shape.layers; i++)
        give_block(kv, sequence->blocks[i]);
    free(sequence->blocks);
    *sequence = (struct pml_kv_sequence){ 0 };
}

/* Index of the first element of a head's keys; its values follow after PML_CHUNK * size. */
static size_t head_start(const struct pml_kv *kv, size_t head)
{
    return head * 2 * PML_CHUNK * kv->size;
}

static void put(const struct pml_kv *kv, void *block, size_t index, float x)
{
    if (kv->shape.type == PML_KV_F32)
        ((float *)block)[index] = x;
    else
        ((uint16_t *)block)[index] = pml_f32_to_f16(x);
}

void pml_kv_store(const struct pml_kv *kv, const struct pml_kv_sequence *sequence, size_t layer, size_t position,
                  const float *key, const float *value)
{
    void *block = sequence->blocks[position / PML_CHUNK * kv->shape.layers + layer];
    size_t t = position % PML_CHUNK, size = kv->shape.size;
    for (size_t head = 0; head < kv->shape.heads; head++) {
        size_t keys = head_start(kv, head) + t / PML_LANES * kv->size * PML_LANES + t % PML_LANES;
        size_t values = head_start(kv, head) + PML_CHUNK * kv->size + t * kv->size;
        for (size_t i = 0; i < size; i++) {
            put(kv, block, keys + i * PML_LANES, key[head * size + i]);
            put(kv, block, values + i, value[head * size + i]);
        }
    }
}

size_t pml_kv_scratch(const struct pml_kv *kv)
{
    return 2 * PML_CHUNK * kv->size;
}

void pml_kv_widen(const struct pml_kv *kv, const struct pml_kv_sequence *sequence, size_t layer, size_t chunk,
                  size_t head, size_t count, const struct pml_kernels *kernels, float *scratch,
                  struct pml_attend_chunk *out)
{
    const void *block = sequence->blocks[chunk * kv->shape.layers + layer];
    size_t keys = head_start(kv, head), values = keys + PML_CHUNK * kv->size;
    out->size = kv->size;
    if (kv->shape.type == PML_KV_F32) {
        out->keys = (const float *)block + keys;
        out->values = (const float *)block + values;
        return;
    }
    size_t padded = (count + PML_LANES - 1) / PML_LANES * PML_LANES;
    kernels->widen_f16(scratch, (const uint16_t *)block + keys, padded * kv->size);
    kernels->widen_f16(scratch + PML_CHUNK * kv->size, (const uint16_t *)block + values, count * kv->size);
    out->keys = scratch;
    out->values = scratch + PML_CHUNK * kv->size;
}
