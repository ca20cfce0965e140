/* SPDX-License-Identifier: MIT */
/* The cache of verifications: two short tables under one lock. */
#include "dcap/verify_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/time.h"
#include "dcap/known.h"

struct slot {
    struct pml_known *known; /* a reference; NULL: free */
    uint64_t last_use;
};

struct table {
    struct slot *slots;
    size_t count;
};

struct pml_verify_cache {
    pthread_mutex_t lock; /* of the tables, of `uses` and of all references */
    struct table bundles, platforms;
    uint64_t uses;
};

/* --- entries --- */

void pml_known_bundle_clear(struct pml_known_bundle *bundle)
{
    pml_tcb_info_free(&bundle->tcb_info);
    pml_qe_identity_free(&bundle->qe_identity);
    free(bundle->lists);
}

static void free_bundle(struct pml_known *known)
{
    pml_known_bundle_clear((struct pml_known_bundle *)known);
    free(known);
}

static void free_platform(struct pml_known *known)
{
    free(known);
}

/* True when that was the last reference, and the entry is the caller's to free, without the lock. */
static bool drop(struct pml_known *known)
{
    return known && --known->references == 0;
}

static void release(struct pml_verify_cache *cache, struct pml_known *known, void (*destroy)(struct pml_known *))
{
    pthread_mutex_lock(&cache->lock);
    bool last = drop(known);
    pthread_mutex_unlock(&cache->lock);
    if (last)
        destroy(known);
}

void pml_known_bundle_release(struct pml_verify_cache *cache, struct pml_known_bundle *bundle)
{
    release(cache, (struct pml_known *)bundle, free_bundle);
}

void pml_known_platform_release(struct pml_verify_cache *cache, struct pml_known_platform *platform)
{
    release(cache, (struct pml_known *)platform, free_platform);
}

/* --- tables --- */

static struct slot *find(struct table *table, const uint8_t key[PML_SHA256_SIZE])
{
    for (size_t i = 0; i < table->count; i++) {
        struct pml_known *known = table->slots[i].known;
        if (known && memcmp(known->key, key, PML_SHA256_SIZE) == 0)
            return &table->slots[i];
    }
    return NULL;
}

/* A reference to the entry of KEY that is valid at NOW; NULL: none. */
static struct pml_known *get(struct pml_verify_cache *cache, struct table *table, const uint8_t key[PML_SHA256_SIZE],
                             int64_t now)
{
    struct pml_known *known = NULL;
    pthread_mutex_lock(&cache->lock);
    struct slot *slot = find(table, key);
    if (slot && now >= slot->known->from && now <= slot->known->until) {
        slot->last_use = ++cache->uses;
        known = slot->known;
        known->references++;
    }
    pthread_mutex_unlock(&cache->lock);
    return known;
}

/* The slot to overwrite: a free one, one that has expired, else the one that was used longest ago. */
static struct slot *choose(struct table *table)
{
    int64_t now = pml_now();
    struct slot *oldest = table->slots;
    for (size_t i = 0; i < table->count; i++) {
        struct slot *slot = &table->slots[i];
        if (!slot->known || slot->known->until < now)
            return slot;
        if (slot->last_use < oldest->last_use)
            oldest = slot;
    }
    return oldest;
}

static void keep(struct pml_verify_cache *cache, struct table *table, struct pml_known *known, int64_t from,
                 int64_t until, void (*destroy)(struct pml_known *))
{
    struct pml_known *old = NULL;
    known->verified = true;
    known->from = from;
    known->until = until;
    pthread_mutex_lock(&cache->lock);
    if (!find(table, known->key)) { /* another thread may have been quicker */
        struct slot *slot = choose(table);
        old = slot->known;
        *slot = (struct slot){ known, ++cache->uses };
        known->references++;
    }
    bool last = drop(old);
    pthread_mutex_unlock(&cache->lock);
    if (last)
        destroy(old);
}

void pml_known_bundle_keep(struct pml_verify_cache *cache, struct pml_known_bundle *bundle, int64_t from, int64_t until)
{
    keep(cache, &cache->bundles, &bundle->known, from, until, free_bundle);
}

void pml_known_platform_keep(struct pml_verify_cache *cache, struct pml_known_platform *platform, int64_t from,
                             int64_t until)
{
    keep(cache, &cache->platforms, &platform->known, from, until, free_platform);
}

/* --- making entries --- */

static struct pml_known *new_entry(size_t size, const uint8_t key[PML_SHA256_SIZE], struct pml_error *err)
{
    struct pml_known *known = calloc(1, size);
    if (!known)
        return pml_fail_memory(err);
    memcpy(known->key, key, PML_SHA256_SIZE);
    known->references = 1;
    return known;
}

struct pml_known_bundle *pml_known_bundle_get(struct pml_verify_cache *cache, const struct pml_collateral *c,
                                              int64_t now, struct pml_error *err)
{
    struct pml_collateral_digest digest = pml_collateral_digest(c);
    struct pml_known *known = get(cache, &cache->bundles, digest.all, now);
    if (known)
        return (struct pml_known_bundle *)known;
    struct pml_known_bundle *bundle =
        (struct pml_known_bundle *)new_entry(sizeof(struct pml_known_bundle), digest.all, err);
    if (!bundle)
        return NULL;
    bundle->lists = malloc(c->root_crl_size + c->pck_crl_size + 1);
    if (!bundle->lists) {
        free(bundle);
        return pml_fail_memory(err);
    }
    memcpy(bundle->lists, c->root_crl, c->root_crl_size);
    memcpy(bundle->lists + c->root_crl_size, c->pck_crl, c->pck_crl_size);
    return bundle;
}

struct pml_known_platform *pml_known_platform_get(struct pml_verify_cache *cache, const struct pml_collateral *c,
                                                  struct pml_text pck_chain, int64_t now, struct pml_error *err)
{
    uint8_t key[PML_SHA256_SIZE];
    struct pml_collateral_digest digest = pml_collateral_digest(c);
    PML_AUTO(hash) struct pml_hash hash;
    pml_hash_sha256(&hash);
    pml_hash_add(&hash, digest.lists, sizeof digest.lists);
    pml_hash_add(&hash, pck_chain.bytes, pck_chain.size);
    pml_hash_final(&hash, key);
    struct pml_known *known = get(cache, &cache->platforms, key, now);
    return (struct pml_known_platform *)(known ? known : new_entry(sizeof(struct pml_known_platform), key, err));
}

/* --- the whole --- */

static bool open_table(struct table *table, size_t count)
{
    table->count = count ? count : 1;
    table->slots = calloc(table->count, sizeof *table->slots);
    return table->slots;
}

static void close_table(struct table *table, void (*destroy)(struct pml_known *))
{
    for (size_t i = 0; table->slots && i < table->count; i++) {
        if (drop(table->slots[i].known))
            destroy(table->slots[i].known);
    }
    free(table->slots);
}

struct pml_verify_cache *pml_verify_cache_new(size_t bundles, size_t platforms, struct pml_error *err)
{
    struct pml_verify_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return pml_fail_memory(err);
    pthread_mutex_init(&cache->lock, NULL);
    if (open_table(&cache->bundles, bundles) && open_table(&cache->platforms, platforms))
        return cache;
    pml_verify_cache_free(cache);
    return pml_fail_memory(err);
}

void pml_verify_cache_free(struct pml_verify_cache *cache)
{
    if (!cache)
        return;
    close_table(&cache->bundles, free_bundle);
    close_table(&cache->platforms, free_platform);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}
