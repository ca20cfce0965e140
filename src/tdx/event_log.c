/* SPDX-License-Identifier: MIT */
/* Event logs: digests, JSON form, replay. */
#include "tdx/event_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/encode.h"
#include "base/jcs.h"
#include "base/json.h"

enum { RUNTIME_IMR = 3 };

static const char acpi_data[] = "ACPI DATA";

static bool is_runtime(const struct pml_event *e)
{
    return e->imr == RUNTIME_IMR && e->event_type == PML_EVENT_TYPE_RUNTIME;
}

static void free_event(struct pml_event *e)
{
    free(e->event);
    free(e->payload);
}

void pml_event_log_free(struct pml_event_log *log)
{
    for (size_t i = 0; i < log->count; i++)
        free_event(&log->events[i]);
    free(log->events);
    *log = (struct pml_event_log){ 0 };
}

void pml_event_log_auto(struct pml_event_log *log)
{
    pml_event_log_free(log);
}

/* What the version 2 digest covers. The caller frees. */
static char *preimage_v2(const char *event, const void *payload, size_t size, size_t *text_size, struct pml_error *err)
{
    PML_AUTO(mem) char *hex = malloc(2 * size + 1);
    if (!hex)
        return pml_fail_memory(err);
    pml_hex(hex, payload, size);
    PML_AUTO(json)
    json_t *value =
        json_pack("{s:s, s:s, s:I}", "name", event, "payload", hex, "type", (json_int_t)PML_EVENT_TYPE_RUNTIME);
    if (!value)
        return pml_fail(err, PML_NO, "event_log", "event name is not utf-8");
    return pml_jcs(value, text_size, err);
}

bool pml_event_digest(uint8_t digest[PML_EVENT_DIGEST_SIZE], unsigned version, const char *event, const void *payload,
                      size_t size, struct pml_error *err)
{
    PML_AUTO(buf) struct pml_buf preimage = { 0 };
    if (version == 2) {
        size_t text_size;
        PML_AUTO(mem) char *text = preimage_v2(event, payload, size, &text_size, err);
        if (!text)
            return false;
        pml_sha384(digest, text, text_size);
        return true;
    }
    pml_put_u32le(&preimage, PML_EVENT_TYPE_RUNTIME);
    pml_put_text(&preimage, ":");
    pml_put_text(&preimage, event);
    pml_put_text(&preimage, ":");
    pml_put_bytes(&preimage, payload, size);
    if (!pml_buf_check(&preimage, err))
        return false;
    pml_sha384(digest, preimage.bytes, preimage.size);
    return true;
}

void pml_rtmr_extend(uint8_t rtmr[48], const uint8_t digest[PML_EVENT_DIGEST_SIZE])
{
    uint8_t both[2 * PML_SHA384_SIZE];
    memcpy(both, rtmr, PML_SHA384_SIZE);
    memcpy(both + PML_SHA384_SIZE, digest, PML_SHA384_SIZE);
    pml_sha384(rtmr, both, sizeof both);
}

/* Takes the strings of EVENT, also on failure. */
static bool append(struct pml_event_log *log, struct pml_event event, struct pml_error *err)
{
    struct pml_event *grown = NULL;
    if (!event.event || !event.payload)
        pml_fail_memory(err);
    else if (log->count == PML_EVENT_COUNT_MAX)
        pml_fail(err, PML_NO, "event_log", "more than %d events", PML_EVENT_COUNT_MAX);
    else if (!(grown = reallocarray(log->events, log->count + 1, sizeof *grown)))
        pml_fail_memory(err);
    if (!grown) {
        free_event(&event);
        return false;
    }
    log->events = grown;
    log->events[log->count++] = event;
    return true;
}

bool pml_event_log_add(struct pml_event_log *log, const struct pml_event *event, struct pml_error *err)
{
    if (event->imr > 3)
        return pml_fail(err, PML_NO, "event_log", "imr %u does not exist", (unsigned)event->imr);
    if (strlen(event->event) > PML_EVENT_NAME_MAX || event->payload_size > PML_EVENT_PAYLOAD_MAX)
        return pml_fail(err, PML_NO, "event_log", "name or payload too long");
    struct pml_event copy = *event;
    copy.event = strdup(event->event);
    copy.payload = malloc(event->payload_size + 1);
    if (copy.payload && event->payload_size)
        memcpy(copy.payload, event->payload, event->payload_size);
    return append(log, copy, err);
}

bool pml_event_log_add_runtime(struct pml_event_log *log, unsigned version, const char *event, const void *payload,
                               size_t size, struct pml_error *err)
{
    struct pml_event made = { .imr = RUNTIME_IMR,
                              .event_type = PML_EVENT_TYPE_RUNTIME,
                              .event = (char *)event,
                              .payload = (uint8_t *)payload,
                              .payload_size = size,
                              .version = version };
    return pml_event_digest(made.digest, version, event, payload, size, err) && pml_event_log_add(log, &made, err);
}

/* A member of hex digits of any even length up to 2*LIMIT. The caller frees. */
static uint8_t *read_hex(const json_t *object, const char *name, size_t limit, size_t *size, struct pml_error *err)
{
    const char *text = pml_json_text(object, name, err);
    if (!text)
        return NULL;
    size_t digits = strlen(text);
    if (digits > 2 * limit)
        return pml_fail(err, PML_NO, "event_log", "%s: more than %zu bytes", name, limit);
    PML_AUTO(mem) uint8_t *bytes = malloc(digits / 2 + 1);
    if (!bytes)
        return pml_fail_memory(err);
    if (!pml_unhex(bytes, digits / 2, text, digits))
        return pml_fail(err, PML_NO, "event_log", "%s: not hex", name);
    *size = digits / 2;
    return pml_take(&bytes);
}

static bool read_u32(uint32_t *out, const json_t *object, const char *name, uint32_t limit, struct pml_error *err)
{
    int64_t value;
    if (!pml_json_int(&value, object, name, err))
        return false;
    if (value < 0 || value > limit)
        return pml_fail(err, PML_NO, "event_log", "%s: out of range", name);
    *out = (uint32_t)value;
    return true;
}

/* The digest of a runtime event follows from its name and payload; one that is given must be that. */
static bool check_runtime(struct pml_event *e, const json_t *object, size_t given, struct pml_error *err)
{
    uint8_t digest[PML_EVENT_DIGEST_SIZE];
    if (e->imr != RUNTIME_IMR)
        return pml_fail(err, PML_NO, "event_log", "a runtime event in imr %u", (unsigned)e->imr);
    if (!pml_event_digest(digest, e->version, e->event, e->payload, e->payload_size, err))
        return false;
    if (given && memcmp(digest, e->digest, sizeof digest) != 0)
        return pml_fail(err, PML_NO, "event_log", "digest is not that of name and payload");
    memcpy(e->digest, digest, sizeof digest);
    if (!json_object_get(object, "preimage"))
        return true;
    size_t size = 0, want_size = 0;
    PML_AUTO(mem) uint8_t *preimage = read_hex(object, "preimage", 4 * PML_EVENT_PAYLOAD_MAX, &size, err);
    PML_AUTO(mem) char *want = preimage ? preimage_v2(e->event, e->payload, e->payload_size, &want_size, err) : NULL;
    if (!want)
        return false;
    if (e->version != 2 || size != want_size || memcmp(preimage, want, size) != 0)
        return pml_fail(err, PML_NO, "event_log", "preimage is not that of name and payload");
    return true;
}

static bool read_event(struct pml_event *out, const json_t *object, struct pml_error *err)
{
    struct pml_event e = { .version = 1 };
    size_t digest_size = 0;
    if (!json_is_object(object))
        return pml_fail(err, PML_NO, "event_log", "not an object");
    if (!read_u32(&e.imr, object, "imr", 3, err) || !read_u32(&e.event_type, object, "event_type", UINT32_MAX, err))
        return false;
    if (json_object_get(object, "version") && !read_u32(&e.version, object, "version", 2, err))
        return false;
    if (e.version == 0)
        return pml_fail(err, PML_NO, "event_log", "version: out of range");
    e.event = (char *)pml_json_text(object, "event", err);
    if (!e.event)
        return false;
    if (strlen(e.event) > PML_EVENT_NAME_MAX)
        return pml_fail(err, PML_NO, "event_log", "event: longer than %d bytes", PML_EVENT_NAME_MAX);
    PML_AUTO(mem) uint8_t *digest = read_hex(object, "digest", PML_EVENT_DIGEST_SIZE, &digest_size, err);
    if (!digest)
        return false;
    PML_AUTO(mem)
    uint8_t *payload = read_hex(object, "event_payload", PML_EVENT_PAYLOAD_MAX, &e.payload_size, err);
    if (!payload)
        return false;
    e.payload = payload;
    bool runtime = e.event_type == PML_EVENT_TYPE_RUNTIME;
    if (digest_size != PML_EVENT_DIGEST_SIZE && !(runtime && digest_size == 0))
        return pml_fail(err, PML_NO, "event_log", "digest: 48 bytes wanted");
    memcpy(e.digest, digest, digest_size);
    if (runtime && !check_runtime(&e, object, digest_size, err))
        return false;
    e.event = strdup(e.event);
    if (!e.event)
        return pml_fail_memory(err);
    pml_take(&payload);
    *out = e;
    return true;
}

bool pml_event_log_read(struct pml_event_log *log, const json_t *array, struct pml_error *err)
{
    PML_AUTO(event_log) struct pml_event_log read = { 0 };
    if (!json_is_array(array))
        return pml_fail(err, PML_NO, "event_log", "not an array");
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct pml_event event;
        if (!read_event(&event, json_array_get(array, i), err))
            return pml_wrap(err, "event %zu", i);
        if (!append(&read, event, err))
            return false;
    }
    *log = read;
    read = (struct pml_event_log){ 0 };
    return true;
}

bool pml_event_log_parse(struct pml_event_log *log, const char *text, size_t size, struct pml_error *err)
{
    if (size > PML_EVENT_LOG_TEXT_MAX)
        return pml_fail(err, PML_NO, "event_log", "larger than %u bytes", PML_EVENT_LOG_TEXT_MAX);
    PML_AUTO(json) json_t *array = pml_json_load(text, size, err);
    return array && pml_event_log_read(log, array, err);
}

static bool keeps_payload(const struct pml_event *e, bool strip)
{
    return !strip || e->imr == RUNTIME_IMR ||
           (e->payload_size == strlen(acpi_data) && memcmp(e->payload, acpi_data, e->payload_size) == 0);
}

static json_t *event_json(const struct pml_event *e, bool strip, struct pml_error *err)
{
    char digest[2 * PML_EVENT_DIGEST_SIZE + 1];
    size_t size = keeps_payload(e, strip) ? e->payload_size : 0;
    PML_AUTO(mem) char *payload = malloc(2 * size + 1);
    if (!payload)
        return pml_fail_memory(err);
    PML_AUTO(json)
    json_t *object = json_pack("{s:i, s:I, s:s, s:s, s:s}", "imr", (int)e->imr, "event_type", (json_int_t)e->event_type,
                               "digest", pml_hex(digest, e->digest, sizeof e->digest), "event", e->event,
                               "event_payload", pml_hex(payload, e->payload, size));
    if (!object)
        return pml_fail(err, PML_NO, "event_log", "event name is not utf-8");
    if (!is_runtime(e) || e->version != 2)
        return pml_take(&object);
    size_t text_size;
    PML_AUTO(mem) char *text = preimage_v2(e->event, e->payload, e->payload_size, &text_size, err);
    PML_AUTO(mem) char *hex = text ? malloc(2 * text_size + 1) : NULL;
    if (!text)
        return NULL;
    if (!hex || json_object_set_new(object, "version", json_integer(2)) != 0 ||
        json_object_set_new(object, "preimage", json_string(pml_hex(hex, text, text_size))) != 0)
        return pml_fail_memory(err);
    return pml_take(&object);
}

json_t *pml_event_log_json(const struct pml_event_log *log, bool strip, struct pml_error *err)
{
    PML_AUTO(json) json_t *array = json_array();
    if (!array)
        return pml_fail_memory(err);
    for (size_t i = 0; i < log->count; i++) {
        json_t *event = event_json(&log->events[i], strip, err);
        if (!event)
            return pml_wrap(err, "event %zu", i);
        if (json_array_append_new(array, event) != 0)
            return pml_fail_memory(err);
    }
    return pml_take(&array);
}

char *pml_event_log_text(const struct pml_event_log *log, bool strip, struct pml_error *err)
{
    PML_AUTO(json) json_t *array = pml_event_log_json(log, strip, err);
    return array ? pml_json_dump(array, NULL, err) : NULL;
}

void pml_event_log_replay(const struct pml_event_log *log, uint8_t rtmr[4][48], bool seen[4])
{
    memset(rtmr, 0, 4 * PML_EVENT_DIGEST_SIZE);
    memset(seen, 0, 4 * sizeof *seen);
    for (size_t i = 0; i < log->count; i++) {
        const struct pml_event *e = &log->events[i];
        pml_rtmr_extend(rtmr[e->imr], e->digest);
        seen[e->imr] = true;
    }
}

bool pml_event_log_check(const struct pml_event_log *log, const uint8_t rtmr[4][48], struct pml_error *err)
{
    uint8_t replayed[4][48];
    bool seen[4];
    pml_event_log_replay(log, replayed, seen);
    for (size_t i = 0; i < 4; i++) {
        if ((seen[i] || i == RUNTIME_IMR) && memcmp(replayed[i], rtmr[i], sizeof replayed[i]) != 0)
            return pml_fail(err, PML_NO, "event_log", "rtmr%zu does not follow from the event log", i);
    }
    return true;
}

static bool is_named(const struct pml_event *e, const char *name)
{
    return is_runtime(e) && strcmp(e->event, name) == 0;
}

const struct pml_event *pml_event_log_boot(const struct pml_event_log *log, const char *name, struct pml_error *err)
{
    const struct pml_event *found = NULL;
    for (size_t i = 0; i < log->count && !is_named(&log->events[i], "system-ready"); i++) {
        if (!is_named(&log->events[i], name))
            continue;
        if (found)
            return pml_fail(err, PML_NO, "event_log", "more than one event %s before system-ready", name);
        found = &log->events[i];
    }
    return found ? found : pml_fail(err, PML_NO, "event_log", "no event %s before system-ready", name);
}

size_t pml_event_log_matches(const struct pml_event_log *log, const char *name, const void *payload, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < log->count; i++) {
        const struct pml_event *e = &log->events[i];
        count += is_named(e, name) && e->payload_size == size && memcmp(e->payload, payload, size) == 0;
    }
    return count;
}

size_t pml_event_log_named(const struct pml_event_log *log, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < log->count; i++)
        count += is_named(&log->events[i], name);
    return count;
}
