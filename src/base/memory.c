/* SPDX-License-Identifier: MIT */
/* Release of owned things, and memory for secrets. */
#include "base/memory.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

void pml_mem_auto(void *slot)
{
    void *memory;
    memcpy(&memory, slot, sizeof memory);
    free(memory);
}

void pml_fd_auto(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

void pml_file_auto(FILE **file)
{
    if (*file)
        fclose(*file);
}

int pml_fd_take(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

static size_t pages_for(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

bool pml_secret_new(struct pml_secret *secret, size_t size, struct pml_error *err)
{
    uint8_t *bytes = mmap(NULL, pages_for(size ? size : 1), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
        return pml_fail_memory(err);
    mlock(bytes, size); /* best effort: RLIMIT_MEMLOCK may be small, and the pages are excluded from dumps anyway */
    madvise(bytes, pages_for(size ? size : 1), MADV_DONTDUMP);
    secret->bytes = bytes;
    secret->size = size;
    return true;
}

bool pml_secret_copy(struct pml_secret *secret, const void *bytes, size_t size, struct pml_error *err)
{
    if (!pml_secret_new(secret, size, err))
        return false;
    memcpy(secret->bytes, bytes, size);
    return true;
}

bool pml_secret_random(struct pml_secret *secret, size_t size, struct pml_error *err)
{
    if (!pml_secret_new(secret, size, err))
        return false;
    if (!pml_random(secret->bytes, size, err)) {
        pml_secret_wipe(secret);
        return false;
    }
    return true;
}

void pml_secret_wipe(struct pml_secret *secret)
{
    if (!secret->bytes)
        return;
    pml_wipe(secret->bytes, secret->size);
    munmap(secret->bytes, pages_for(secret->size ? secret->size : 1));
    *secret = (struct pml_secret){ 0 };
}

void pml_secret_auto(struct pml_secret *secret)
{
    pml_secret_wipe(secret);
}

void pml_wipe(void *bytes, size_t size)
{
    OPENSSL_cleanse(bytes, size);
}

bool pml_ct_equal(const void *a, const void *b, size_t size)
{
    return CRYPTO_memcmp(a, b, size) == 0;
}

bool pml_random(void *bytes, size_t size, struct pml_error *err)
{
    uint8_t *at = bytes;
    while (size) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return pml_fail_io(err, "random bytes");
        at += got;
        size -= (size_t)got;
    }
    return true;
}

void pml_process_harden(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
