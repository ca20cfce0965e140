/* SPDX-License-Identifier: MIT */
/* What is answered is kept: through reopening, through kill -9, within its limits, and not at all when there is no
 * room. */
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/memory.h"
#include "base/queue.h"
#include "serve/store.h"

static const uint8_t keyset_a[32] = { 1 }, keyset_b[32] = { 2 };
static atomic_llong clock_now;

static int64_t fake_now(void)
{
    return clock_now;
}

/* An answer, carried from the store's thread to the test's. */
struct reply {
    bool failed, found, has_credential;
    uint8_t credential[32];
    char code[32];
    char *document;
};

static void on_answer(void *arg, struct pml_store_answer *answer)
{
    struct reply *reply = calloc(1, sizeof *reply);
    reply->failed = answer->error;
    reply->found = answer->found;
    reply->has_credential = answer->has_credential;
    memcpy(reply->credential, answer->credential, 32);
    snprintf(reply->code, sizeof reply->code, "%s", answer->error ? answer->error->code : "");
    reply->document = pml_take(&answer->document);
    assert_true(pml_queue_put(arg, reply));
}

struct fixture {
    char dir[64], path[96];
    struct pml_store *store;
    struct pml_queue *replies;
    struct pml_store_options options;
};

static void reopen(struct fixture *f)
{
    struct pml_error err;
    pml_store_close(f->store);
    f->store = pml_store_open(&f->options, &err);
    if (!f->store)
        fail_msg("%s", err.text);
}

static int setup(void **state)
{
    struct pml_error err;
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->dir, "/tmp/pml-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/store.db", f->dir);
    f->replies = pml_queue_new(0, &err);
    clock_now = 1000000;
    f->options = (struct pml_store_options){
        .path = f->path, .retention = PML_STORE_RETENTION, .max_size = PML_STORE_MAX, .now = fake_now
    };
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    pml_store_close(f->store);
    pml_queue_free(f->replies);
    snprintf(command, sizeof command, "rm -r %s", f->dir);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

/* Waits for one answer. */
static struct reply take(struct fixture *f)
{
    struct reply *reply = pml_queue_get(f->replies), copy = *reply;
    free(reply);
    return copy;
}

static struct pml_store_receipt receipt(const char *id, const char *document)
{
    return (struct pml_store_receipt){ .receipt_id = id,
                                       .served_at = clock_now,
                                       .keyset_digest = keyset_a,
                                       .document = document,
                                       .size = strlen(document) };
}

static struct reply put(struct fixture *f, struct pml_store_receipt r)
{
    assert_true(pml_store_put_receipt(f->store, &r, on_answer, f->replies));
    return take(f);
}

static void put_keyset(struct fixture *f, const uint8_t digest[32], const char *report)
{
    assert_true(pml_store_put_keyset(f->store, digest, report, strlen(report), on_answer, f->replies));
    assert_false(take(f).failed);
}

static void assert_receipt(struct fixture *f, const char *id, const char *document)
{
    assert_true(pml_store_get_receipt(f->store, id, on_answer, f->replies));
    struct reply reply = take(f);
    assert_false(reply.failed);
    assert_int_equal(reply.found, document != NULL);
    if (document)
        assert_string_equal(reply.document, document);
    free(reply.document);
}

static bool has_keyset(struct fixture *f, const uint8_t digest[32])
{
    assert_true(pml_store_get_keyset(f->store, digest, on_answer, f->replies));
    struct reply reply = take(f);
    free(reply.document);
    return reply.found;
}

static void receipts_are_found_by_both_ids(void **state)
{
    struct fixture *f = *state;
    uint8_t credential[32] = { 7 };
    reopen(f);
    put_keyset(f, keyset_a, "report a");
    struct pml_store_receipt r = receipt("rcpt-1", "{1}");
    r.chat_id = "chatcmpl-1";
    assert_false(put(f, r).failed);
    r = receipt("rcpt-2", "{2}");
    r.chat_id = "chatcmpl-1";
    r.credential = credential;
    assert_false(put(f, r).failed);
    reopen(f);
    assert_receipt(f, "rcpt-1", "{1}");
    assert_receipt(f, "rcpt-2", "{2}");
    assert_receipt(f, "rcpt-3", NULL);
    assert_true(pml_store_get_receipt(f->store, "chatcmpl-1", on_answer, f->replies));
    struct reply newest = take(f);
    assert_string_equal(newest.document, "{2}");
    assert_true(newest.has_credential);
    assert_memory_equal(newest.credential, credential, 32);
    free(newest.document);
    assert_true(put(f, receipt("rcpt-1", "again")).failed);
    assert_receipt(f, "rcpt-1", "{1}");
}

static void a_receipt_needs_its_keyset(void **state)
{
    struct fixture *f = *state;
    reopen(f);
    struct reply reply = put(f, receipt("rcpt-1", "{}"));
    assert_true(reply.failed);
    assert_string_equal(reply.code, "store");
}

static void keysets_stay_while_cited(void **state)
{
    struct fixture *f = *state;
    reopen(f);
    put_keyset(f, keyset_a, "report a");
    assert_false(put(f, receipt("rcpt-1", "{}")).failed);
    put_keyset(f, keyset_b, "report b");
    clock_now += 120;
    assert_true(has_keyset(f, keyset_a));
    assert_true(has_keyset(f, keyset_b));
    clock_now += PML_STORE_RETENTION;
    put_keyset(f, keyset_b, "report b2"); /* a batch that removes the receipt, then the keyset */
    assert_receipt(f, "rcpt-1", NULL);
    assert_false(has_keyset(f, keyset_a));
    assert_true(has_keyset(f, keyset_b));
}

static void the_oldest_go_first_but_none_younger_than_an_hour(void **state)
{
    struct fixture *f = *state;
    char id[32], document[4000];
    f->options.max_size = 1 << 20;
    reopen(f);
    put_keyset(f, keyset_a, "report a");
    memset(document, 'x', sizeof document);
    document[sizeof document - 1] = 0;
    size_t count = 0;
    struct reply reply;
    do {
        snprintf(id, sizeof id, "rcpt-%zu", count);
        reply = put(f, receipt(id, document));
    } while (!reply.failed && count++ < 1000);
    assert_in_range(count, 100, 300);
    assert_string_equal(reply.code, "store_full");
    assert_true(pml_store_is_full(f->store));
    assert_receipt(f, "rcpt-0", document);

    clock_now += PML_STORE_RETENTION_MIN + 1;
    assert_true(pml_store_is_full(f->store)); /* asks the thread to look */
    assert_receipt(f, "rcpt-x", NULL);        /* which it has done when this is answered */
    assert_false(pml_store_is_full(f->store));
    assert_false(put(f, receipt("rcpt-new", document)).failed);
    assert_receipt(f, "rcpt-0", NULL);
    assert_receipt(f, "rcpt-new", document);
    snprintf(id, sizeof id, "rcpt-%zu", count - 1);
    assert_receipt(f, id, document);
}

static void other_files_are_refused(void **state)
{
    struct fixture *f = *state;
    struct pml_error err;
    FILE *file = fopen(f->path, "w");
    fputs("this is no database, it is a text that is long enough to be read as one", file);
    fclose(file);
    assert_null(pml_store_open(&f->options, &err));
    assert_string_equal(err.code, "store");
    assert_non_null(strstr(err.text, f->path));
}

/* The child reports every receipt whose commit was announced; after SIGKILL each of them is there. */
static void kill_9_loses_nothing_announced(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < 10; round++) {
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        if (!child) {
            f->store = NULL;
            reopen(f);
            put_keyset(f, keyset_a, "report a");
            for (int i = 0;; i++) {
                char id[32];
                snprintf(id, sizeof id, "rcpt-%d-%d", round, i);
                if (put(f, receipt(id, id)).failed || write(pipes[1], &i, sizeof i) != sizeof i)
                    _exit(1);
            }
        }
        close(pipes[1]);
        int last = -1, i;
        while (last < 20 + 7 * round && read(pipes[0], &i, sizeof i) == sizeof i)
            last = i;
        kill(child, SIGKILL);
        while (read(pipes[0], &i, sizeof i) == sizeof i)
            last = i;
        close(pipes[0]);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_true(last >= 20);
        reopen(f);
        for (i = 0; i <= last; i++) {
            char id[32];
            snprintf(id, sizeof id, "rcpt-%d-%d", round, i);
            assert_receipt(f, id, id);
        }
        pml_store_close(f->store);
        f->store = NULL;
    }
}

/* In a child whose files may not grow any further: the write fails, reading goes on, and later writes succeed. */
static void a_full_disk_fails_the_write_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    pid_t child = fork();
    if (!child) {
        struct rlimit limit;
        char document[30000];
        memset(document, 'x', sizeof document);
        document[sizeof document - 1] = 0;
        signal(SIGXFSZ, SIG_IGN);
        reopen(f);
        put_keyset(f, keyset_a, "report a");
        assert_false(put(f, receipt("rcpt-1", "{1}")).failed);
        getrlimit(RLIMIT_FSIZE, &limit);
        rlim_t before = limit.rlim_cur;
        limit.rlim_cur = 64 << 10;
        setrlimit(RLIMIT_FSIZE, &limit);
        struct reply reply = { 0 };
        for (int i = 0; i < 50 && !reply.failed; i++) {
            char id[32];
            snprintf(id, sizeof id, "rcpt-x%d", i);
            reply = put(f, receipt(id, document));
        }
        assert_true(reply.failed);
        assert_string_equal(reply.code, "store");
        assert_receipt(f, "rcpt-1", "{1}");
        limit.rlim_cur = before;
        setrlimit(RLIMIT_FSIZE, &limit);
        assert_false(put(f, receipt("rcpt-2", document)).failed);
        assert_receipt(f, "rcpt-2", document);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(receipts_are_found_by_both_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(a_receipt_needs_its_keyset, setup, teardown),
        cmocka_unit_test_setup_teardown(keysets_stay_while_cited, setup, teardown),
        cmocka_unit_test_setup_teardown(the_oldest_go_first_but_none_younger_than_an_hour, setup, teardown),
        cmocka_unit_test_setup_teardown(other_files_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(kill_9_loses_nothing_announced, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_fails_the_write_and_nothing_else, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
