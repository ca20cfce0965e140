/* SPDX-License-Identifier: MIT */
/* Files and directories. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/memory.h"

char *pml_read_file(const char *path, size_t limit, size_t *size, struct pml_error *err)
{
    bool from_stdin = strcmp(path, "-") == 0;
    PML_AUTO(fd) int own = from_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (!from_stdin && own < 0)
        return pml_fail_io(err, "open %s", path);
    PML_AUTO(buf) struct pml_buf out = { 0 };
    for (;;) {
        uint8_t *room = pml_buf_room(&out, 65536);
        if (!room)
            return pml_fail_memory(err);
        ssize_t got = read(from_stdin ? STDIN_FILENO : own, room, 65536);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return pml_fail_io(err, "read %s", path);
        if (got == 0)
            return pml_buf_take(&out, size, err);
        pml_buf_grow(&out, (size_t)got);
        if (out.size > limit)
            return pml_fail(err, PML_UNKNOWN, "too_large", "%s: larger than %zu bytes", path, limit);
    }
}

bool pml_write_all(int fd, const void *bytes, size_t size, struct pml_error *err)
{
    const char *at = bytes;
    while (size) {
        ssize_t put = write(fd, at, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return pml_fail_io(err, "write");
        at += put;
        size -= (size_t)put;
    }
    return true;
}

static bool sync_parent(const char *path, struct pml_error *err)
{
    char dir[4096];
    snprintf(dir, sizeof dir, "%s", path);
    char *slash = strrchr(dir, '/');
    if (slash == dir)
        slash++;
    if (slash)
        *slash = 0;
    PML_AUTO(fd) int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return pml_fail_io(err, "sync directory of %s", path);
    return true;
}

bool pml_write_file(const char *path, const void *bytes, size_t size, mode_t mode, struct pml_error *err)
{
    char temporary[4096];
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
        return pml_fail(err, PML_UNKNOWN, "io", "path too long: %.200s", path);
    PML_AUTO(fd) int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return pml_fail_io(err, "create %s", temporary);
    if (!pml_write_all(fd, bytes, size, err)) {
        unlink(temporary);
        return pml_wrap(err, "%s", path);
    }
    if (fchmod(fd, mode) != 0 || fsync(fd) != 0 || rename(temporary, path) != 0) {
        pml_fail_io(err, "write %s", path);
        unlink(temporary);
        return false;
    }
    return sync_parent(path, err);
}

bool pml_remove_dir(const char *dir, struct pml_error *err)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? true : (bool)pml_fail_io(err, "open %s", dir);
    DIR *entries = fdopendir(fd);
    if (!entries) {
        close(fd);
        return pml_fail_io(err, "open %s", dir);
    }
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(fd, entry->d_name, 0); /* what stays is told by rmdir */
    }
    closedir(entries);
    return rmdir(dir) == 0 ? true : (bool)pml_fail_io(err, "remove %s", dir);
}

static bool make_parents(const char *dir, struct pml_error *err)
{
    char part[4096];
    snprintf(part, sizeof part, "%s", dir);
    for (char *at = part + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = 0;
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return pml_fail_io(err, "create %s", part);
        *at = '/';
    }
    return true;
}

bool pml_private_dir(const char *dir, struct pml_error *err)
{
    struct stat st;
    if (mkdir(dir, 0700) != 0 && errno == ENOENT) {
        if (!make_parents(dir, err))
            return false;
        if (mkdir(dir, 0700) != 0 && errno != EEXIST)
            return pml_fail_io(err, "create %s", dir);
    }
    if (stat(dir, &st) != 0)
        return pml_fail_io(err, "open %s", dir);
    if (!S_ISDIR(st.st_mode))
        return pml_fail(err, PML_UNKNOWN, "state_dir", "%s is not a directory", dir);
    if (st.st_uid != geteuid())
        return pml_fail(err, PML_UNKNOWN, "state_dir", "%s belongs to another user", dir);
    if (st.st_mode & 077)
        return pml_fail(err, PML_UNKNOWN, "state_dir", "%s is accessible to others (mode %03o): chmod 700 it", dir,
                        (unsigned)(st.st_mode & 0777));
    return true;
}

int pml_lock_file(const char *path, struct pml_error *err)
{
    PML_AUTO(fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        pml_fail_io(err, "open %s", path);
        return -1;
    }
    char text[32] = { 0 };
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            pml_fail_io(err, "lock %s", path);
        else if (pread(fd, text, sizeof text - 1, 0) > 0)
            pml_fail(err, PML_UNKNOWN, "in_use", "%s is held by process %ld", path, strtol(text, NULL, 10));
        else
            pml_fail(err, PML_UNKNOWN, "in_use", "%s is held by another process", path);
        return -1;
    }
    int size = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)size, 0) != size) {
        pml_fail_io(err, "write %s", path);
        return -1;
    }
    return pml_fd_take(&fd);
}

char *pml_path(char out[4096], const char *dir, const char *name)
{
    snprintf(out, 4096, "%s/%s", dir, name);
    return out;
}

bool pml_default_state_dir(char out[4096], bool inside_td, struct pml_error *err)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (inside_td && geteuid() == 0)
        snprintf(out, 4096, "/var/lib/pml");
    else if (state && *state == '/')
        snprintf(out, 4096, "%s/pml", state);
    else if (home && *home == '/')
        snprintf(out, 4096, "%s/.local/state/pml", home);
    else
        return pml_fail(err, PML_USAGE, "state_dir", "no home directory: name one with --state");
    return true;
}
