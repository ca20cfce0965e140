/* SPDX-License-Identifier: MIT */
/* The runtime event log file. */
#include "tdx/platform/runtime_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/json.h"

static const char log_name[] = "runtime_events.log";

int pml_runtime_log_lock(const char *dir, struct pml_error *err)
{
    char path[4096], parent[4096];
    snprintf(parent, sizeof parent, "%s", dir);
    char *slash = strrchr(parent, '/');
    if (slash && slash != parent) {
        *slash = 0;
        mkdir(parent, 0755); /* that the directory is there shows when the lock is opened */
    }
    mkdir(dir, 0755);
    PML_AUTO(fd) int fd = open(pml_path(path, dir, "runtime_event.lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) != 0) {
        pml_fail_io(err, "lock %s", path);
        return -1;
    }
    return pml_fd_take(&fd);
}

static bool read_line(struct pml_event_log *log, const char *line, size_t size, struct pml_error *err)
{
    PML_AUTO(json) json_t *object = pml_json_load(line, size, err);
    const char *event = object ? pml_json_text(object, "event", err) : NULL;
    const char *base64 = event ? pml_json_text(object, "payload", err) : NULL;
    int64_t version = 1;
    if (!base64 || (json_object_get(object, "version") && !pml_json_int(&version, object, "version", err)))
        return false;
    if (version != 1 && version != 2)
        return pml_fail(err, PML_NO, "event_log", "version out of range");
    size_t payload_size, text_size = strlen(base64);
    PML_AUTO(mem) uint8_t *payload = malloc(text_size / 4 * 3 + 1);
    if (!payload)
        return pml_fail_memory(err);
    if (!pml_unbase64(payload, &payload_size, base64, text_size))
        return pml_fail(err, PML_NO, "event_log", "payload is not base64");
    return pml_event_log_add_runtime(log, (unsigned)version, event, payload, payload_size, err);
}

bool pml_runtime_log_read(struct pml_event_log *log, const char *dir, struct pml_error *err)
{
    char path[4096];
    size_t size, number = 1;
    pml_path(path, dir, log_name);
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return true;
    PML_AUTO(mem) char *text = pml_read_file(path, PML_EVENT_LOG_TEXT_MAX, &size, err);
    if (!text)
        return false;
    for (const char *line = text, *end; line < text + size; line = end + 1, number++) {
        end = memchr(line, '\n', (size_t)(text + size - line));
        if (!end)
            pml_fail(err, PML_NO, "event_log", "cut off");
        if (!end || !read_line(log, line, (size_t)(end - line), err))
            return pml_wrap(err, "%s line %zu", path, number);
    }
    return true;
}

static char *make_line(const char *event, const void *payload, size_t size, size_t *line_size, struct pml_error *err)
{
    PML_AUTO(mem) char *base64 = malloc(pml_base64_size(size) + 1);
    if (!base64)
        return pml_fail_memory(err);
    PML_AUTO(json)
    json_t *object = json_pack("{s:s, s:s}", "event", event, "payload", pml_base64(base64, payload, size));
    PML_AUTO(mem) char *text = object ? pml_json_dump(object, line_size, err) : pml_fail_memory(err);
    if (text)
        text[(*line_size)++] = '\n'; /* in the place of the NUL */
    return pml_take(&text);
}

bool pml_runtime_log_extend(const char *dir, const char *event, const void *payload, size_t size,
                            bool (*extend)(const uint8_t digest[48], struct pml_error *err), struct pml_error *err)
{
    char path[4096];
    uint8_t digest[PML_EVENT_DIGEST_SIZE];
    size_t line_size;
    PML_AUTO(mem) char *line = make_line(event, payload, size, &line_size, err);
    if (!line || !pml_event_digest(digest, 1, event, payload, size, err))
        return false;
    PML_AUTO(fd) int fd = open(pml_path(path, dir, log_name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return pml_fail_io(err, "open %s", path);
    bool written = pml_write_all(fd, line, line_size, err);
    if (written && fsync(fd) != 0)
        written = pml_fail_io(err, "sync");
    if (!written)
        pml_wrap(err, "%s", path);
    if (written && extend(digest, err))
        return true;
    if (ftruncate(fd, st.st_size) != 0)
        return pml_wrap(err, "%s keeps an event that was not extended", path);
    return false;
}
