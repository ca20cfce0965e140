/* SPDX-License-Identifier: MIT */
/* The store. */
#include "serve/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/queue.h"
#include "base/time.h"

#define FORMAT_VERSION 1
#define QUEUE_LIMIT    8192
#define BATCH_LIMIT    256
#define PRUNE_SECONDS  60
#define ROOM_RESERVE   (UINT64_C(256) << 10) /* bytes that must be free for new requests to be let in */

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    PUT_RECEIPT,
    GET_RECEIPT,
    PUT_KEYSET,
    GET_KEYSET,
    PRUNE,
    EVICT,
    PRUNE_KEYSETS,
    PAGES,
    STATEMENTS
};

/* Those before time ?1 among the first ROWS: looking at no more keeps a batch short, however many are stored. */
#define DELETE_OLD(rows)                                 \
    "DELETE FROM receipts WHERE seq IN (SELECT seq FROM" \
    " (SELECT seq, served_at FROM receipts ORDER BY seq LIMIT " rows ") WHERE served_at < ?1)"

static const char *const statement_text[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [PUT_RECEIPT] = "INSERT INTO receipts (receipt_id, chat_id, served_at, credential, document, keyset)"
                    " VALUES (?1, ?2, ?3, ?4, ?5, (SELECT id FROM keysets WHERE digest = ?6))",
    [GET_RECEIPT] =
        "SELECT document, credential FROM (SELECT seq, document, credential FROM receipts WHERE receipt_id = ?1"
        " UNION ALL SELECT seq, document, credential FROM receipts WHERE chat_id = ?1)"
        " ORDER BY seq DESC LIMIT 1",
    [PUT_KEYSET] = "INSERT INTO keysets (digest, report) VALUES (?1, ?2)"
                   " ON CONFLICT (digest) DO UPDATE SET report = excluded.report",
    [GET_KEYSET] = "SELECT report, NULL FROM keysets WHERE digest = ?1",
    [PRUNE] =
        "DELETE FROM receipts WHERE seq IN (SELECT seq FROM receipts WHERE served_at < ?1 ORDER BY seq LIMIT 4096)",
    [EVICT] = DELETE_OLD("64"),
    [PRUNE_KEYSETS] = "DELETE FROM keysets WHERE digest <> ?1"
                      " AND NOT EXISTS (SELECT 1 FROM receipts WHERE keyset = keysets.id)",
    [PAGES] = "SELECT (page_count - freelist_count) * page_size"
              " FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
};

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE keysets (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, report BLOB NOT NULL);"
    "CREATE TABLE receipts (seq INTEGER PRIMARY KEY, receipt_id TEXT NOT NULL UNIQUE, chat_id TEXT,"
    " served_at INTEGER NOT NULL, keyset INTEGER NOT NULL REFERENCES keysets (id), credential BLOB,"
    " document BLOB NOT NULL);"
    "CREATE INDEX receipts_chat ON receipts (chat_id) WHERE chat_id IS NOT NULL;"
    "CREATE INDEX receipts_keyset ON receipts (keyset);"
    "PRAGMA user_version = 1;"
    "COMMIT;";

struct job { /* made by a caller, then the store thread's */
    enum statement kind;
    pml_store_done done;
    void *arg;
    char id[128], chat_id[128];
    bool has_chat_id, has_credential;
    uint8_t digest[PML_SHA256_SIZE], credential[PML_SHA256_SIZE];
    int64_t served_at;
    bool failed;
    struct pml_error error;
    size_t size;
    char document[];
};

struct pml_store { /* the thread's own, but for the queue and the flag */
    char path[4096];
    struct pml_queue *queue;
    atomic_bool full;
    atomic_llong probed; /* when the thread was last asked to look for room, seconds */
    pthread_t thread;
    bool started;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    int64_t retention;
    uint64_t max_size;
    int64_t (*now)(void);
    int64_t next_prune;
    uint8_t current[PML_SHA256_SIZE];
};

/* --- SQLite --- */

static void *fail_sqlite(const struct pml_store *s, struct pml_error *err)
{
    return pml_fail(err, PML_UNKNOWN, "store", "%s: %s", s->path, sqlite3_errmsg(s->db));
}

/* Runs a statement that answers nothing, and makes it ready for the next time. */
static bool run(struct pml_store *s, enum statement which, struct pml_error *err)
{
    sqlite3_stmt *statement = s->statements[which];
    bool done = sqlite3_step(statement) == SQLITE_DONE;
    if (!done)
        fail_sqlite(s, err);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return done;
}

static bool used(struct pml_store *s, uint64_t *bytes, struct pml_error *err)
{
    sqlite3_stmt *statement = s->statements[PAGES];
    bool row = sqlite3_step(statement) == SQLITE_ROW;
    if (row)
        *bytes = (uint64_t)sqlite3_column_int64(statement, 0);
    else
        fail_sqlite(s, err);
    sqlite3_reset(statement);
    return row;
}

/* --- room --- */

/* Removes the oldest receipts until WANTED bytes fit, none younger than an hour. Out: whether they do. */
static bool make_room(struct pml_store *s, uint64_t wanted, bool *fits, struct pml_error *err)
{
    for (;;) {
        uint64_t bytes;
        if (!used(s, &bytes, err))
            return false;
        *fits = bytes + wanted <= s->max_size;
        if (*fits)
            return true;
        sqlite3_bind_int64(s->statements[EVICT], 1, s->now() - PML_STORE_RETENTION_MIN);
        if (!run(s, EVICT, err))
            return false;
        if (!sqlite3_changes(s->db))
            return true;
    }
}

/* What is past its time goes, a slice at a time; so do keysets that nothing cites. */
static bool prune(struct pml_store *s, struct pml_error *err)
{
    bool fits;
    if (s->now() < s->next_prune && !atomic_load(&s->full))
        return true;
    sqlite3_bind_int64(s->statements[PRUNE], 1, s->now() - s->retention);
    if (!run(s, PRUNE, err))
        return false;
    if (!sqlite3_changes(s->db))
        s->next_prune = s->now() + PRUNE_SECONDS;
    sqlite3_bind_blob(s->statements[PRUNE_KEYSETS], 1, s->current, sizeof s->current, SQLITE_STATIC);
    if (!run(s, PRUNE_KEYSETS, err) || !make_room(s, ROOM_RESERVE, &fits, err))
        return false;
    atomic_store(&s->full, !fits);
    return true;
}

/* --- jobs --- */

static bool put_receipt(struct pml_store *s, struct job *job, struct pml_error *err)
{
    bool fits;
    sqlite3_stmt *put = s->statements[PUT_RECEIPT];
    if (!make_room(s, 2 * job->size + 4096, &fits, err))
        return false;
    if (!fits) {
        atomic_store(&s->full, true);
        return pml_fail(err, PML_UNKNOWN, "store_full", "the receipt store is full");
    }
    sqlite3_bind_text(put, 1, job->id, -1, SQLITE_STATIC);
    if (job->has_chat_id)
        sqlite3_bind_text(put, 2, job->chat_id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(put, 3, job->served_at);
    if (job->has_credential)
        sqlite3_bind_blob(put, 4, job->credential, sizeof job->credential, SQLITE_STATIC);
    sqlite3_bind_blob64(put, 5, job->document, job->size, SQLITE_STATIC);
    sqlite3_bind_blob(put, 6, job->digest, sizeof job->digest, SQLITE_STATIC);
    return run(s, PUT_RECEIPT, err);
}

static bool put_keyset(struct pml_store *s, struct job *job, struct pml_error *err)
{
    sqlite3_bind_blob(s->statements[PUT_KEYSET], 1, job->digest, sizeof job->digest, SQLITE_STATIC);
    sqlite3_bind_blob64(s->statements[PUT_KEYSET], 2, job->document, job->size, SQLITE_STATIC);
    if (!run(s, PUT_KEYSET, err))
        return false;
    memcpy(s->current, job->digest, sizeof s->current);
    return true;
}

/* The first row of a get. A document that memory does not suffice for is an error, not an absence. */
static bool get(struct pml_store *s, struct job *job, struct pml_store_answer *answer, struct pml_error *err)
{
    sqlite3_stmt *statement = s->statements[job->kind];
    if (job->kind == GET_RECEIPT)
        sqlite3_bind_text(statement, 1, job->id, -1, SQLITE_STATIC);
    else
        sqlite3_bind_blob(statement, 1, job->digest, sizeof job->digest, SQLITE_STATIC);
    int status = sqlite3_step(statement);
    if (status == SQLITE_ROW) {
        answer->size = (size_t)sqlite3_column_bytes(statement, 0);
        answer->document = malloc(answer->size + 1);
        if (answer->document) {
            memcpy(answer->document, sqlite3_column_blob(statement, 0), answer->size);
            answer->document[answer->size] = 0;
        }
        answer->found = answer->document;
        answer->has_credential = sqlite3_column_bytes(statement, 1) == sizeof answer->credential;
        if (answer->has_credential)
            memcpy(answer->credential, sqlite3_column_blob(statement, 1), sizeof answer->credential);
        if (!answer->found)
            pml_fail_memory(err);
    } else if (status != SQLITE_DONE) {
        fail_sqlite(s, err);
    }
    sqlite3_reset(statement);
    return status == SQLITE_DONE || answer->found;
}

static bool is_put(const struct job *job)
{
    return job->kind == PUT_RECEIPT || job->kind == PUT_KEYSET;
}

static void fail_job(struct job *job, const struct pml_error *err)
{
    job->failed = true;
    job->error = *err;
}

/* All the writes of a batch in one transaction. One that fails by itself fails alone; a commit that fails fails all. */
static void write_batch(struct pml_store *s, struct job **jobs, size_t count)
{
    struct pml_error err;
    bool open = run(s, BEGIN, &err) && prune(s, &err);
    for (size_t i = 0; open && i < count; i++) {
        if (is_put(jobs[i]) && !(jobs[i]->kind == PUT_RECEIPT ? put_receipt : put_keyset)(s, jobs[i], &jobs[i]->error))
            jobs[i]->failed = true;
        if (sqlite3_get_autocommit(s->db)) { /* SQLite rolled back by itself: disk full, I/O error */
            err = jobs[i]->error;
            open = false;
        }
    }
    if (open && run(s, COMMIT, &err))
        return;
    struct pml_error ignored;
    if (!sqlite3_get_autocommit(s->db) && !run(s, ROLLBACK, &ignored))
        err = ignored;
    for (size_t i = 0; i < count; i++) {
        if (is_put(jobs[i]) && !jobs[i]->failed)
            fail_job(jobs[i], &err);
    }
}

static void answer_job(struct pml_store *s, struct job *job)
{
    struct pml_store_answer answer = { 0 };
    if ((job->kind == GET_RECEIPT || job->kind == GET_KEYSET) && !get(s, job, &answer, &job->error))
        job->failed = true;
    answer.error = job->failed ? &job->error : NULL;
    if (job->done)
        job->done(job->arg, &answer);
    free(answer.document);
    free(job);
}

static void *store_thread(void *arg)
{
    struct pml_store *s = arg;
    struct job *jobs[BATCH_LIMIT];
    while ((jobs[0] = pml_queue_get(s->queue))) {
        size_t count = 1;
        while (count < BATCH_LIMIT && (jobs[count] = pml_queue_try_get(s->queue)))
            count++;
        bool writes = false;
        for (size_t i = 0; i < count; i++)
            writes |= is_put(jobs[i]);
        if (writes || s->now() >= s->next_prune || atomic_load(&s->full))
            write_batch(s, jobs, count);
        for (size_t i = 0; i < count; i++)
            answer_job(s, jobs[i]);
    }
    return NULL;
}

/* --- opening --- */

static bool exec(struct pml_store *s, const char *sql, struct pml_error *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK || fail_sqlite(s, err);
}

static bool format_version(struct pml_store *s, int *version, int *tables, struct pml_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool read =
        sqlite3_prepare_v2(s->db, "SELECT user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version",
                           -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW;
    if (read) {
        *version = sqlite3_column_int(statement, 0);
        *tables = sqlite3_column_int(statement, 1);
    } else {
        fail_sqlite(s, err);
    }
    sqlite3_finalize(statement);
    return read;
}

static bool prepare(struct pml_store *s, struct pml_error *err)
{
    int version, tables;
    /* one process at a time (the state directory is locked): no locks to take, no shared index of the log to keep */
    if (!exec(s, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL", err) ||
        !format_version(s, &version, &tables, err))
        return false;
    if (!version && !tables) {
        if (!exec(s, schema, err))
            return false;
    } else if (version != FORMAT_VERSION) {
        return pml_fail(err, PML_UNKNOWN, "store", "%s: a database of another program or version", s->path);
    }
    for (size_t i = 0; i < STATEMENTS; i++) {
        if (sqlite3_prepare_v3(s->db, statement_text[i], -1, SQLITE_PREPARE_PERSISTENT, &s->statements[i], NULL) !=
            SQLITE_OK)
            return fail_sqlite(s, err);
    }
    return true;
}

static bool open_database(struct pml_store *s, const struct pml_store_options *options, struct pml_error *err)
{
    PML_AUTO(fd) int fd = open(options->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* SQLite would use 0644 */
    if (fd < 0)
        return pml_fail_io(err, "open %s", s->path);
    if (sqlite3_open_v2(options->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return fail_sqlite(s, err);
    return prepare(s, err) &&
           exec(s, options->sync_full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", err);
}

struct pml_store *pml_store_open(const struct pml_store_options *options, struct pml_error *err)
{
    struct pml_store *s = calloc(1, sizeof *s);
    if (!s)
        return pml_fail_memory(err);
    s->retention = options->retention;
    s->max_size = options->max_size;
    s->now = options->now ? options->now : pml_now;
    s->queue = pml_queue_new(QUEUE_LIMIT, err);
    snprintf(s->path, sizeof s->path, "%s", options->path);
    if (!s->queue || !open_database(s, options, err)) {
        pml_store_close(s);
        return NULL;
    }
    int failed = pthread_create(&s->thread, NULL, store_thread, s);
    if (failed) {
        errno = failed;
        pml_fail_io(err, "start the store thread");
        pml_store_close(s);
        return NULL;
    }
    s->started = true;
    return s;
}

void pml_store_close(struct pml_store *s)
{
    if (!s)
        return;
    if (s->started) {
        pml_queue_close(s->queue);
        pthread_join(s->thread, NULL);
    }
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(s->statements[i]);
    sqlite3_close(s->db);
    pml_queue_free(s->queue);
    free(s);
}

/* --- callers --- */

static struct job *job_new(enum statement kind, const char *document, size_t size, pml_store_done done, void *arg)
{
    struct job *job = malloc(sizeof *job + size + 1);
    if (!job)
        return NULL;
    *job = (struct job){ .kind = kind, .done = done, .arg = arg, .size = size };
    if (size)
        memcpy(job->document, document, size);
    return job;
}

static bool submit(struct pml_store *s, struct job *job)
{
    if (pml_queue_put(s->queue, job))
        return true;
    free(job);
    return false;
}

bool pml_store_put_receipt(struct pml_store *s, const struct pml_store_receipt *receipt, pml_store_done done, void *arg)
{
    struct job *job = job_new(PUT_RECEIPT, receipt->document, receipt->size, done, arg);
    if (!job)
        return false;
    snprintf(job->id, sizeof job->id, "%s", receipt->receipt_id);
    job->has_chat_id = receipt->chat_id;
    snprintf(job->chat_id, sizeof job->chat_id, "%s", receipt->chat_id ? receipt->chat_id : "");
    job->served_at = receipt->served_at;
    memcpy(job->digest, receipt->keyset_digest, sizeof job->digest);
    job->has_credential = receipt->credential;
    if (receipt->credential)
        memcpy(job->credential, receipt->credential, sizeof job->credential);
    return submit(s, job);
}

bool pml_store_get_receipt(struct pml_store *s, const char *id, pml_store_done done, void *arg)
{
    struct job *job = job_new(GET_RECEIPT, NULL, 0, done, arg);
    if (!job)
        return false;
    snprintf(job->id, sizeof job->id, "%s", id);
    return submit(s, job);
}

bool pml_store_put_keyset(struct pml_store *s, const uint8_t digest[PML_SHA256_SIZE], const char *report, size_t size,
                          pml_store_done done, void *arg)
{
    struct job *job = job_new(PUT_KEYSET, report, size, done, arg);
    if (!job)
        return false;
    memcpy(job->digest, digest, sizeof job->digest);
    return submit(s, job);
}

bool pml_store_get_keyset(struct pml_store *s, const uint8_t digest[PML_SHA256_SIZE], pml_store_done done, void *arg)
{
    struct job *job = job_new(GET_KEYSET, NULL, 0, done, arg);
    if (!job)
        return false;
    memcpy(job->digest, digest, sizeof job->digest);
    return submit(s, job);
}

bool pml_store_is_full(struct pml_store *s)
{
    if (!atomic_load(&s->full))
        return false;
    long long now = s->now();
    if (atomic_exchange(&s->probed, now) != now) { /* time makes room, but only the thread notices */
        struct job *job = job_new(PRUNE, NULL, 0, NULL, NULL);
        if (job)
            (void)!submit(s, job);
    }
    return true;
}
