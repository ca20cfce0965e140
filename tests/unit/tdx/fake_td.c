/* SPDX-License-Identifier: MIT */
/* The fake kernel of a TD. */
#include "fake_td.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/time.h"
#include "tdx/event_log.h"
#include "tdx/platform/sim_quote.h"
#include "test.h"

static struct pml_error err;

static void write_text(const char *dir, const char *name, const void *bytes, size_t size)
{
    char path[4096];
    assert_true(pml_write_file(pml_path(path, dir, name), bytes, size, 0600, &err));
}

static void write_generation(struct fake_td *td)
{
    char text[16];
    snprintf(text, sizeof text, "%u\n", td->generation);
    write_text(td->entry, "generation", text, strlen(text));
}

uint8_t *fake_td_quote(struct fake_td *td, const uint8_t report_data[64], size_t *size)
{
    enum { PADDING = 70 };
    struct pml_quote quote;
    uint8_t compose[32] = { 0 };
    assert_true(pml_sim_quote_fill(&quote, &td->platform, &td->pki, &td->sgx, td->chain, &err));
    pml_sim_td_report(&quote.td, compose);
    memcpy(quote.td.rtmr, td->rtmr, sizeof td->rtmr);
    memcpy(quote.td.report_data, report_data, 64);
    PML_AUTO(mem) uint8_t *bytes = pml_sim_quote_make(&quote, &td->pki, size, &err);
    uint8_t *padded = calloc(1, *size + PADDING);
    memcpy(padded, bytes, *size);
    *size += PADDING;
    return padded;
}

static void drain_extensions(struct fake_td *td)
{
    uint8_t digest[48];
    while (read(td->fifo, digest, sizeof digest) == sizeof digest)
        pml_rtmr_extend(td->rtmr[3], digest);
}

static void answer(struct fake_td *td)
{
    char path[4096];
    uint8_t large[8192] = { 0 };
    size_t in_size, size;
    PML_AUTO(mem) char *in = pml_read_file(pml_path(path, td->entry, "inblob"), 4096, &in_size, &err);
    assert_int_equal(in_size, 64);
    if (td->fault == FAKE_OTHER_REPORT_DATA)
        in[0] ^= 1;
    PML_AUTO(mem) uint8_t *quote = fake_td_quote(td, (const uint8_t *)in, &size);
    write_text(td->entry, "outblob", td->fault == FAKE_LARGE ? large : quote,
               td->fault == FAKE_LARGE   ? sizeof large
               : td->fault == FAKE_SHORT ? 1020
                                         : size);
    td->generation += td->fault == FAKE_FOREIGN_GENERATION ? 2 : 1;
    write_generation(td);
}

static void *run(void *arg)
{
    struct fake_td *td = arg;
    for (;;) {
        char events[4096];
        struct pollfd fds[] = { { .fd = td->inotify, .events = POLLIN },
                                { .fd = td->fifo, .events = POLLIN },
                                { .fd = td->stop[0], .events = POLLIN } };
        poll(fds, PML_COUNT(fds), -1);
        if (fds[2].revents)
            return NULL;
        drain_extensions(td); /* what was extended before the request is in its quote */
        if (fds[0].revents && read(td->inotify, events, sizeof events) > 0)
            answer(td);
    }
}

void fake_td_start(struct fake_td *td)
{
    static const enum pml_sim_role chain[] = { PML_SIM_PCK, PML_SIM_PLATFORM_CA, PML_SIM_ROOT };
    struct pml_sim_pki_spec spec;
    char path[4096];
    *td = (struct fake_td){ .dir = "/tmp/pml-td-XXXXXX" };
    assert_non_null(mkdtemp(td->dir));
    snprintf(td->entry, sizeof td->entry, "%s/report", td->dir);
    snprintf(td->measurements, sizeof td->measurements, "%s/measurements", td->dir);
    assert_true(pml_sim_platform_new(&td->platform, &err) && pml_sim_pki_keys(&td->pki, &err));
    pml_sim_pki_spec(&spec, &td->platform, pml_now());
    assert_true(pml_sim_pki_issue(&td->pki, &spec, &err));
    td->sgx = spec.sgx;
    td->chain = pml_sim_chain(&td->pki, chain, PML_COUNT(chain), &err);

    assert_int_equal(mkdir(td->entry, 0700) | mkdir(td->measurements, 0700), 0);
    write_text(td->entry, "provider", "tdx_guest\n", 10);
    write_text(td->entry, "inblob", "", 0);
    write_text(td->entry, "outblob", "", 0);
    write_generation(td);
    pml_path(path, td->measurements, "rtmr3:sha384");
    assert_int_equal(mkfifo(path, 0600), 0);
    td->fifo = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    td->inotify = inotify_init1(IN_CLOEXEC);
    assert_true(inotify_add_watch(td->inotify, pml_path(path, td->entry, "inblob"), IN_MODIFY) >= 0);
    assert_int_equal(pipe(td->stop), 0);
    assert_int_equal(pthread_create(&td->thread, NULL, run, td), 0);
}

static void remove_tree(const char *path)
{
    char child[4096];
    DIR *entries = opendir(path);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlink(pml_path(child, path, entry->d_name)) != 0)
            remove_tree(child);
    }
    if (entries)
        closedir(entries);
    rmdir(path);
}

void fake_td_stop(struct fake_td *td)
{
    assert_int_equal(write(td->stop[1], "x", 1), 1);
    pthread_join(td->thread, NULL);
    close(td->stop[0]);
    close(td->stop[1]);
    close(td->fifo);
    close(td->inotify);
    pml_sim_pki_free(&td->pki);
    free(td->chain);
    remove_tree(td->dir);
}
