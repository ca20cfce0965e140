/* SPDX-License-Identifier: MIT */
/* The cache of collateral. */
#include "dcap/cache.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/time.h"

#define ENTRIES      64
#define FORGET_MS    60000
#define REFRESH_S    86400
#define ROOT_ID_SIZE 8
#define CHAIN_MAX    (64 << 10)

struct entry {
    struct pml_item_key key;
    uint8_t root_id[ROOT_ID_SIZE]; /* of the root its chain ends in */
    bool in_use;
    struct pml_item item; /* verified; body NULL: none */
    int64_t fetched;      /* unix seconds */
    uint64_t fetches;     /* that have succeeded */
    struct pml_error failure;
    int64_t failed_until_ms; /* monotonic */
    bool busy;               /* somebody fetches it, without the lock */
    unsigned waiting;        /* callers who come back to it */
    uint64_t last_use;
};

struct pml_cache {
    char *dir; /* NULL: memory only */
    unsigned forget_ms;
    void (*notice)(void *arg, const struct pml_error *what);
    void *arg;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t settled;
    uint64_t uses;
    struct entry entries[ENTRIES];
};

/* What a caller wants. */
struct want {
    const struct pml_item_key *key;
    struct pml_bytes root;
    uint8_t root_id[ROOT_ID_SIZE];
    struct pml_when when;
    const struct pml_fetch *fetch;
    bool fresh;
};

struct pml_cache *pml_cache_new(const struct pml_cache_options *options, struct pml_error *err)
{
    if (options->dir && !pml_private_dir(options->dir, err))
        return pml_wrap(err, "collateral cache");
    struct pml_cache *c = calloc(1, sizeof *c);
    if (!c)
        return pml_fail_memory(err);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->settled, NULL);
    c->forget_ms = options->forget_ms ? options->forget_ms : FORGET_MS;
    c->notice = options->notice;
    c->arg = options->arg;
    c->dir = options->dir ? strdup(options->dir) : NULL;
    if (c->dir || !options->dir)
        return c;
    pml_cache_free(c);
    return pml_fail_memory(err);
}

void pml_cache_free(struct pml_cache *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < ENTRIES; i++)
        pml_item_free(&c->entries[i].item);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->settled);
    free(c->dir);
    free(c);
}

static void tell(struct pml_cache *c, const struct pml_error *what)
{
    if (c->notice)
        c->notice(c->arg, what);
}

/* --- on disk: DIR/<root>/<name>, and <name>.chain beside it --- */

static void file_path(char out[4096], const struct pml_cache *c, const struct want *w, const char *suffix)
{
    char root[2 * ROOT_ID_SIZE + 1], name[PML_ITEM_NAME];
    snprintf(out, 4096, "%s/%s/%s%s", c->dir, pml_hex(root, w->root_id, ROOT_ID_SIZE), pml_item_name(name, w->key),
             suffix);
}

/* Verified, or not at all. *FETCHED: when it was written. */
static bool load(struct pml_item *item, int64_t *fetched, const struct pml_cache *c, const struct want *w)
{
    char path[4096];
    struct stat st;
    struct pml_error ignored; /* whatever is wrong with it, it is not there */
    *item = (struct pml_item){ 0 };
    if (!c->dir)
        return false;
    file_path(path, c, w, "");
    item->body = stat(path, &st) == 0 ? pml_read_file(path, PML_ITEM_MAX, &item->size, &ignored) : NULL;
    *fetched = st.st_mtime;
    if (item->body && w->key->kind != PML_ITEM_ROOT_CRL) {
        size_t size;
        file_path(path, c, w, ".chain");
        item->chain = pml_read_file(path, CHAIN_MAX, &size, &ignored);
    }
    if (item->body && pml_item_check(item, w->key, w->root, w->when, &ignored))
        return true;
    pml_item_free(item);
    return false;
}

static bool write_item(const struct pml_item *item, const struct pml_cache *c, const struct want *w,
                       struct pml_error *err)
{
    char path[4096], dir[4096];
    file_path(dir, c, w, "");
    *strrchr(dir, '/') = 0;
    if (!pml_private_dir(dir, err))
        return false;
    file_path(path, c, w, ".chain");
    if (item->chain && !pml_write_file(path, item->chain, strlen(item->chain), 0600, err))
        return false;
    file_path(path, c, w, "");
    return pml_write_file(path, item->body, item->size, 0600, err);
}

static void save(const struct pml_item *item, struct pml_cache *c, const struct want *w)
{
    struct pml_error err;
    if (!c->dir || write_item(item, c, w, &err))
        return;
    pml_wrap(&err, "collateral cache");
    tell(c, &err);
}

/* --- entries, under the lock --- */

static bool is_entry(const struct entry *e, const struct want *w)
{
    return e->in_use && memcmp(e->root_id, w->root_id, ROOT_ID_SIZE) == 0 && pml_item_key_same(&e->key, w->key);
}

/* The entry of a key: found, or made in place of the one that was used longest ago. NULL: all are being fetched. */
static struct entry *find(struct pml_cache *c, const struct want *w)
{
    struct entry *oldest = NULL;
    for (struct entry *e = c->entries; e < c->entries + ENTRIES; e++) {
        if (is_entry(e, w))
            return e;
        if (!e->busy && !e->waiting && (!oldest || e->last_use < oldest->last_use))
            oldest = e;
    }
    if (!oldest)
        return NULL;
    pml_item_free(&oldest->item);
    *oldest = (struct entry){ .key = *w->key, .in_use = true };
    memcpy(oldest->root_id, w->root_id, ROOT_ID_SIZE);
    return oldest;
}

static bool is_current(const struct pml_item *item, struct pml_when when)
{
    return item->body && item->issued <= when.now && when.now - when.grace_s <= item->next_update;
}

static bool is_due(const struct pml_item *item, int64_t fetched, struct pml_when when)
{
    int64_t half = (item->next_update - item->issued) / 2;
    return when.now > item->next_update || pml_now() - fetched > (half < REFRESH_S ? half : REFRESH_S);
}

enum answer { SERVE, REFUSE, FETCH };

/* What to do about an entry; waits while somebody else fetches what this caller cannot do without. */
static enum answer consider(struct pml_cache *c, struct entry *e, const struct want *w)
{
    uint64_t before = e->fetches;
    for (;;) {
        bool fresh_enough = !w->fresh || e->fetches != before;
        bool current = is_current(&e->item, w->when) && fresh_enough;
        if (current && (!w->fetch || e->busy || e->fetches != before || !is_due(&e->item, e->fetched, w->when)))
            return SERVE;
        if (!e->busy) {
            if (w->fetch && pml_monotonic_ms() < e->failed_until_ms)
                return current ? SERVE : REFUSE;
            return FETCH;
        }
        e->waiting++;
        pthread_cond_wait(&c->settled, &c->lock);
        e->waiting--;
    }
}

/* Without the lock: from the disk if that will do, else from the network. */
static bool obtain(struct pml_item *item, int64_t *fetched, struct pml_cache *c, const struct want *w,
                   struct pml_error *err)
{
    char name[PML_ITEM_NAME];
    struct pml_item kept = { 0 };
    if (!w->fresh && load(&kept, fetched, c, w) && (!w->fetch || !is_due(&kept, *fetched, w->when))) {
        *item = kept;
        return true;
    }
    if (!w->fetch) {
        pml_item_free(&kept);
        return pml_fail(err, PML_UNKNOWN, "collateral_unavailable", "%s: none that is current is kept here",
                        pml_item_name(name, w->key));
    }
    if (pml_fetch_item(w->fetch, item, w->key, w->root, w->when, err)) {
        pml_item_free(&kept);
        *fetched = pml_now();
        save(item, c, w);
        return true;
    }
    *item = kept; /* perhaps none */
    return false;
}

/* Takes what `obtain` brought into the entry. ASKED: it could have come from the network. */
static void settle(struct pml_cache *c, struct entry *e, struct pml_item *item, int64_t fetched, bool got, bool asked,
                   const struct pml_error *err)
{
    if (got || (item->body && !e->item.body)) {
        pml_item_free(&e->item);
        e->item = *item;
        e->fetched = fetched;
    } else {
        pml_item_free(item);
    }
    e->fetches += got;
    if (asked) {
        e->failed_until_ms = got ? 0 : pml_monotonic_ms() + c->forget_ms;
        if (!got)
            e->failure = *err;
    }
    e->busy = false;
    pthread_cond_broadcast(&c->settled);
}

/* Under the lock, which it gives up while it works. */
static bool refill(struct pml_cache *c, struct entry *e, const struct want *w, struct pml_error *err)
{
    struct pml_item item = { 0 };
    int64_t fetched = 0;
    e->busy = true;
    pthread_mutex_unlock(&c->lock);
    bool got = obtain(&item, &fetched, c, w, err);
    pthread_mutex_lock(&c->lock);
    settle(c, e, &item, fetched, got, w->fetch, err);
    if (got)
        return true;
    if (w->fresh || !is_current(&e->item, w->when))
        return false;
    tell(c, err);
    return true;
}

bool pml_cache_get(struct pml_cache *c, struct pml_item *item, const struct pml_item_key *key, struct pml_bytes root,
                   struct pml_when when, const struct pml_fetch *fetch, bool fresh, struct pml_error *err)
{
    struct want w = { .key = key, .root = root, .when = when, .fetch = fetch, .fresh = fresh && fetch };
    uint8_t digest[PML_SHA256_SIZE];
    bool good = false;
    pml_sha256(digest, root.bytes, root.size);
    memcpy(w.root_id, digest, ROOT_ID_SIZE);
    pthread_mutex_lock(&c->lock);
    struct entry *e = find(c, &w);
    enum answer answer = e ? consider(c, e, &w) : REFUSE;
    if (!e)
        pml_fail(err, PML_UNKNOWN, "collateral_unavailable", "too much collateral is being fetched at once");
    else if (answer == REFUSE)
        *err = e->failure;
    else
        good = (answer == SERVE || refill(c, e, &w, err)) && pml_item_copy(item, &e->item, err);
    if (e)
        e->last_use = ++c->uses;
    pthread_mutex_unlock(&c->lock);
    return good;
}
