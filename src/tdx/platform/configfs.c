/* SPDX-License-Identifier: MIT */
/* The configfs-tsm report entry. */
#include "tdx/platform/configfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

enum {
    TRIES = 3,
    RETRY_SECONDS = 10,
    POLL_MS = 10,
    POLLS = 500, /* 5 s */
    QUOTE_MIN = 1021,
    QUOTE_LIMIT = 8191,
};

static const char provider[] = "tdx_guest";

static bool is_tdx(const char *entry)
{
    struct pml_error ignored;
    char path[4096];
    PML_AUTO(mem) char *text = pml_read_file(pml_path(path, entry, "provider"), 4096, NULL, &ignored);
    return text && strncmp(text, provider, strlen(provider)) == 0;
}

bool pml_configfs_entry(char path[4096])
{
    const char *given = getenv("DCAP_TDX_QUOTE_CONFIGFS_PATH");
    snprintf(path, 4096, "%s", given ? given : "/sys/kernel/config/tsm/report/com.intel.dcap");
    if (!given)
        mkdir(path, 0700); /* instantiates the entry; whether that worked is seen by reading it */
    return path[0] == '/' && is_tdx(path);
}

static bool read_generation(unsigned long *out, const char *entry, struct pml_error *err)
{
    char path[4096], *end;
    PML_AUTO(mem) char *text = pml_read_file(pml_path(path, entry, "generation"), 64, NULL, err);
    if (!text)
        return false;
    *out = strtoul(text, &end, 10);
    if (end == text)
        return pml_fail(err, PML_UNKNOWN, "quote", "%s is not a number", path);
    return true;
}

/* One write of the whole report data; the kernel answers EBUSY while a quote is being made. */
static bool write_inblob(int fd, const char *path, const uint8_t report_data[64], struct pml_error *err)
{
    for (int i = 0; i < TRIES; i++) {
        ssize_t put = pwrite(fd, report_data, 64, 0);
        if (put == 64)
            return true;
        if (put >= 0)
            return pml_fail(err, PML_UNKNOWN, "quote", "%s took %zd bytes of 64", path, put);
        if (errno != EBUSY)
            return pml_fail_io(err, "write %s", path);
        if (i + 1 < TRIES)
            sleep(RETRY_SECONDS);
    }
    return pml_fail(err, PML_UNKNOWN, "quote", "%s is busy", path);
}

/* Our write moves the counter by one; any other step is somebody else's request. */
static bool await_generation(const char *entry, unsigned long before, struct pml_error *err)
{
    unsigned long now = before;
    for (int i = 0; i < POLLS && now == before; i++) {
        if (!read_generation(&now, entry, err))
            return false;
        if (now == before)
            usleep(POLL_MS * 1000);
    }
    if (now != before + 1)
        return pml_fail(err, PML_UNKNOWN, "quote", "%s: generation went from %lu to %lu", entry, before, now);
    return true;
}

static uint8_t *read_outblob(const char *entry, size_t *size, struct pml_error *err)
{
    char path[4096];
    pml_path(path, entry, "outblob");
    for (int i = 0;; i++) {
        errno = 0;
        uint8_t *blob = (uint8_t *)pml_read_file(path, QUOTE_LIMIT, size, err);
        if (blob || i + 1 == TRIES || (errno != EBUSY && errno != EINTR && errno != ETIMEDOUT))
            return blob;
        sleep(RETRY_SECONDS);
    }
}

uint8_t *pml_configfs_quote(const char *entry, const uint8_t report_data[64], size_t *size, struct pml_error *err)
{
    char path[4096];
    unsigned long before, after;
    PML_AUTO(fd) int inblob = open(pml_path(path, entry, "inblob"), O_WRONLY | O_CLOEXEC);
    if (inblob < 0 || flock(inblob, LOCK_EX) != 0)
        return pml_fail_io(err, "lock %s", path);
    if (!read_generation(&before, entry, err) || !write_inblob(inblob, path, report_data, err) ||
        !await_generation(entry, before, err))
        return NULL;
    PML_AUTO(mem) uint8_t *blob = read_outblob(entry, size, err);
    if (!blob || !read_generation(&after, entry, err))
        return NULL;
    if (after != before + 1)
        return pml_fail(err, PML_UNKNOWN, "quote", "%s: another request came in between", entry);
    if (*size < QUOTE_MIN)
        return pml_fail(err, PML_UNKNOWN, "quote", "%s: %zu bytes are no quote", entry, *size);
    return pml_take(&blob);
}
