/* SPDX-License-Identifier: MIT */
/*
 * The receipts a service has issued, and the reports of the keysets they cite, in one SQLite file (spec inference-api
 * §2.5). A thread of the store owns the database; calls queue a job and the answer comes by a callback on that thread,
 * after the job's transaction has been committed. Jobs that wait together are committed together.
 *
 * Write-ahead log, synchronous=NORMAL: a killed process loses nothing that was answered. When a row cannot be written
 * (disk full) its callback says so and the database is as before.
 */
#ifndef PML_SERVE_STORE_H
#define PML_SERVE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

#define PML_STORE_RETENTION     (30 * INT64_C(86400)) /* seconds, default */
#define PML_STORE_RETENTION_MIN INT64_C(3600)
#define PML_STORE_MAX           (UINT64_C(1) << 30) /* bytes, default */

struct pml_store;

struct pml_store_options {
    const char *path;
    int64_t retention;    /* seconds a receipt is kept, at least PML_STORE_RETENTION_MIN */
    uint64_t max_size;    /* bytes of database in use; past it the oldest go first, but none younger than an hour */
    bool sync_full;       /* flush the disk for each commit */
    int64_t (*now)(void); /* NULL: pml_now */
};

struct pml_store_answer {          /* borrowed for the call */
    const struct pml_error *error; /* NULL: done. "store_full": no room that may be freed; "store": SQLite failed */
    bool found;                    /* of a get */
    char *document;                /* of a get; the callback may take it (set to NULL), and then frees it */
    size_t size;
    bool has_credential;
    uint8_t credential[PML_SHA256_SIZE];
};
typedef void (*pml_store_done)(void *arg, struct pml_store_answer *answer);

/* Opens or makes the database (mode 0600) and starts the thread. PML_UNKNOWN: "store" (damaged, foreign, of another
 * version), io, memory. */
PML_CHECKED
struct pml_store *pml_store_open(const struct pml_store_options *options, struct pml_error *err);
/* Finishes what is queued, its callbacks included. */
void pml_store_close(struct pml_store *store);

struct pml_store_receipt { /* copied */
    const char *receipt_id;
    const char *chat_id; /* NULL: none */
    int64_t served_at;
    const uint8_t *keyset_digest; /* a keyset that was put before */
    const uint8_t *credential;    /* SHA-256 of the bearer token that asked; NULL: anonymous */
    const char *document;
    size_t size;
};

/* Each queues a job from any thread. False: too many are queued or memory is out, and DONE is not called. */
PML_CHECKED
bool pml_store_put_receipt(struct pml_store *store, const struct pml_store_receipt *receipt, pml_store_done done,
                           void *arg);
/* By receipt id or chat id, the newest for a chat id used twice. */
PML_CHECKED
bool pml_store_get_receipt(struct pml_store *store, const char *id, pml_store_done done, void *arg);
/* The null-nonce report of a keyset, replacing an older one. The keyset becomes the current one; others are kept while
 * a receipt cites them. */
PML_CHECKED
bool pml_store_put_keyset(struct pml_store *store, const uint8_t digest[PML_SHA256_SIZE], const char *report,
                          size_t size, pml_store_done done, void *arg);
PML_CHECKED
bool pml_store_get_keyset(struct pml_store *store, const uint8_t digest[PML_SHA256_SIZE], pml_store_done done,
                          void *arg);

/* True while there is no room for further receipts: answer 503 before working for a request. Any thread. */
bool pml_store_is_full(struct pml_store *store);

#endif
