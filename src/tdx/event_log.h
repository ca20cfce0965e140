/* SPDX-License-Identifier: MIT */
/*
 * The event log of a TD: what was extended into which RTMR, in order (spec guest §3.3, §3.4). Boot events carry the
 * digest of what the firmware measured; runtime events (RTMR3) carry name and payload, from which the digest follows.
 */
#ifndef PML_TDX_EVENT_LOG_H
#define PML_TDX_EVENT_LOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

#define PML_EVENT_TYPE_RUNTIME 0x08000001u /* 134217729 */
#define PML_EVENT_DIGEST_SIZE  48
#define PML_EVENT_NAME_MAX     256         /* bytes */
#define PML_EVENT_PAYLOAD_MAX  (64u << 10) /* bytes */
#define PML_EVENT_COUNT_MAX    4096
#define PML_EVENT_LOG_TEXT_MAX (8u << 20) /* bytes of JSON */

struct pml_event {
    uint32_t imr; /* 0..3, the RTMR */
    uint32_t event_type;
    uint8_t digest[PML_EVENT_DIGEST_SIZE];
    char *event; /* name; empty for boot events */
    uint8_t *payload;
    size_t payload_size;
    uint32_t version; /* of the runtime digest, 1 or 2 */
};

struct pml_event_log {
    struct pml_event *events;
    size_t count;
};

void pml_event_log_free(struct pml_event_log *log);
void pml_event_log_auto(struct pml_event_log *log);

/*
 * Digest of a runtime event:
 *   version 1  SHA384(LE32(type) || ":" || event || ":" || payload)
 *   version 2  SHA384(JCS({"name":event,"payload":hex,"type":type}))
 * EVENT is UTF-8. memory.
 */
PML_CHECKED
bool pml_event_digest(uint8_t digest[PML_EVENT_DIGEST_SIZE], unsigned version, const char *event, const void *payload,
                      size_t size, struct pml_error *err);

/* RTMR = SHA384(RTMR || digest). */
void pml_rtmr_extend(uint8_t rtmr[48], const uint8_t digest[PML_EVENT_DIGEST_SIZE]);

/*
 * Appends a copy of an event; its digest is taken as it is. Appending a runtime event computes it. PML_UNKNOWN
 * "memory"; PML_NO "event_log" beyond a limit above.
 */
PML_CHECKED
bool pml_event_log_add(struct pml_event_log *log, const struct pml_event *event, struct pml_error *err);
PML_CHECKED
bool pml_event_log_add_runtime(struct pml_event_log *log, unsigned version, const char *event, const void *payload,
                               size_t size, struct pml_error *err);

/*
 * Reads a JSON event log: an array of {"imr","event_type","digest","event","event_payload"[,"version"][,"preimage"]};
 * other members are ignored. The digest of a runtime event is computed, and one that is given (not "") must equal it;
 * a preimage must be that of version 2. Runtime events belong to imr 3. LOG is untouched on failure; the caller frees.
 * PML_NO "event_log" (the text names the event's index), "json".
 */
PML_CHECKED
bool pml_event_log_parse(struct pml_event_log *log, const char *text, size_t size, struct pml_error *err);
/* The same from a value already loaded. */
PML_CHECKED
bool pml_event_log_read(struct pml_event_log *log, const json_t *array, struct pml_error *err);

/* The log in that form, digests always filled; the caller frees. STRIP empties the payloads of boot events, except the
 * marker "ACPI DATA" (spec guest §3.4). memory, json. */
PML_CHECKED
json_t *pml_event_log_json(const struct pml_event_log *log, bool strip, struct pml_error *err);
PML_CHECKED
char *pml_event_log_text(const struct pml_event_log *log, bool strip, struct pml_error *err);

/* Replays the log from zero registers. SEEN[i] tells whether RTMR i has an event. */
void pml_event_log_replay(const struct pml_event_log *log, uint8_t rtmr[4][48], bool seen[4]);
/* True if every RTMR for which the log has an event, and RTMR3 always, replays to RTMR. Else PML_NO "event_log". */
PML_CHECKED
bool pml_event_log_check(const struct pml_event_log *log, const uint8_t rtmr[4][48], struct pml_error *err);

/* The runtime event of that name before `system-ready`, of which there must be exactly one: what follows is under
 * the application's control. NULL: PML_NO "event_log". Borrowed. */
PML_CHECKED
const struct pml_event *pml_event_log_boot(const struct pml_event_log *log, const char *name, struct pml_error *err);
/* Number of runtime events of that name with exactly that payload, anywhere in the log. */
size_t pml_event_log_matches(const struct pml_event_log *log, const char *name, const void *payload, size_t size);
/* Number of runtime events of that name. */
size_t pml_event_log_named(const struct pml_event_log *log, const char *name);

#endif
