/* SPDX-License-Identifier: MIT */
/* One pass over a GGUF file: what is handed out is what was hashed. */
#include "engine/gguf_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define PREFIX_FIRST (1u << 20) /* bytes read before the first attempt to parse; doubled until enough */
#define SKIP_ROOM    (256u << 10)

struct pml_gguf_reader {
    int fd;
    uint64_t file_size;
    struct pml_gguf meta; /* borrows PREFIX */
    uint8_t *prefix;      /* the first bytes of the file; some may belong to tensors */
    size_t prefix_size;
    uint64_t position; /* in the file, of the byte to hand out next; all before it were hashed */
    struct pml_hash hash;
};

/* Reads exactly SIZE bytes from the descriptor. */
static bool read_exact(struct pml_gguf_reader *r, void *out, size_t size, struct pml_error *err)
{
    for (uint8_t *at = out; size;) {
        ssize_t got = read(r->fd, at, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return pml_fail_io(err, "read");
        if (!got)
            return pml_fail(err, PML_NO, "gguf", "has become shorter while it was read");
        at += got;
        size -= (size_t)got;
    }
    return true;
}

static bool read_prefix(struct pml_gguf_reader *r, struct pml_error *err)
{
    bool more = true;
    for (size_t size = PREFIX_FIRST; more; size *= 2) {
        if (size > r->file_size)
            size = r->file_size;
        uint8_t *grown = realloc(r->prefix, size + 1);
        if (!grown)
            return pml_fail_memory(err);
        r->prefix = grown;
        if (!read_exact(r, r->prefix + r->prefix_size, size - r->prefix_size, err))
            return false;
        r->prefix_size = size;
        if (pml_gguf_parse(&r->meta, r->prefix, size, r->file_size, &more, err))
            return true;
    }
    return false;
}

struct pml_gguf_reader *pml_gguf_open(const char *path, struct pml_error *err)
{
    PML_AUTO(gguf_reader) struct pml_gguf_reader *r = calloc(1, sizeof *r);
    if (!r)
        return pml_fail_memory(err);
    r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is refused, not waited for */
    if (r->fd < 0)
        return pml_fail_io(err, "open %s", path);
    struct stat st;
    if (fstat(r->fd, &st) != 0)
        return pml_fail_io(err, "stat %s", path);
    if (!S_ISREG(st.st_mode))
        return pml_fail(err, PML_UNKNOWN, "io", "%s: not a regular file", path);
    r->file_size = (uint64_t)st.st_size;
    pml_hash_sha256(&r->hash);
    uint32_t parts = 1;
    if (!read_prefix(r, err) || !pml_gguf_u32(&r->meta, "split.count", PML_OPTIONAL, &parts, err))
        return pml_wrap(err, "%s", path);
    if (parts > 1)
        return pml_fail(err, PML_NO, "model", "%s: one of %u parts of a split model, which is not supported", path,
                        parts);
    return pml_take(&r);
}

const struct pml_gguf *pml_gguf_meta(const struct pml_gguf_reader *r)
{
    return &r->meta;
}

/* The next SIZE bytes, from the prefix as long as it lasts. */
static bool take(struct pml_gguf_reader *r, void *out, size_t size, struct pml_error *err)
{
    size_t held = r->position < r->prefix_size ? r->prefix_size - (size_t)r->position : 0;
    if (held > size)
        held = size;
    if (held)
        memcpy(out, r->prefix + r->position, held);
    if (!read_exact(r, (uint8_t *)out + held, size - held, err))
        return false;
    pml_hash_add(&r->hash, out, size);
    r->position += size;
    return true;
}

static bool skip_to(struct pml_gguf_reader *r, uint64_t offset, struct pml_error *err)
{
    PML_AUTO(mem) uint8_t *room = NULL;
    if (offset > r->position && !(room = malloc(SKIP_ROOM)))
        return pml_fail_memory(err);
    while (offset > r->position) {
        uint64_t left = offset - r->position;
        if (!take(r, room, left < SKIP_ROOM ? (size_t)left : SKIP_ROOM, err))
            return false;
    }
    return true;
}

bool pml_gguf_read(struct pml_gguf_reader *r, uint64_t offset, void *out, size_t size, struct pml_error *err)
{
    uint64_t end;
    if (offset < r->position || __builtin_add_overflow(offset, (uint64_t)size, &end) || end > r->file_size)
        return pml_fail(err, PML_UNKNOWN, "internal", "read out of order");
    return skip_to(r, offset, err) && take(r, out, size, err);
}

bool pml_gguf_finish(struct pml_gguf_reader *r, uint8_t digest[PML_SHA256_SIZE], struct pml_error *err)
{
    struct stat st;
    if (!skip_to(r, r->file_size, err))
        return false;
    if (fstat(r->fd, &st) != 0)
        return pml_fail_io(err, "stat");
    if ((uint64_t)st.st_size != r->file_size)
        return pml_fail(err, PML_NO, "gguf", "has grown while it was read");
    pml_hash_final(&r->hash, digest);
    return true;
}

void pml_gguf_close(struct pml_gguf_reader *r)
{
    if (!r)
        return;
    if (r->fd >= 0)
        close(r->fd);
    pml_hash_auto(&r->hash);
    pml_gguf_free(&r->meta);
    free(r->prefix);
    free(r);
}

void pml_gguf_reader_auto(struct pml_gguf_reader **r)
{
    pml_gguf_close(*r);
}
