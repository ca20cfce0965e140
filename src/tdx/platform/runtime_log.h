/* SPDX-License-Identifier: MIT */
/*
 * The runtime event log of a real TD that this process measures itself: DIR/runtime_events.log, one JSON object a line,
 * shared with the guest's boot tools (spec guest §3.3). All functions want the lock.
 */
#ifndef PML_TDX_PLATFORM_RUNTIME_LOG_H
#define PML_TDX_PLATFORM_RUNTIME_LOG_H

#include "tdx/event_log.h"

#define PML_RUNTIME_LOG_DIR "/run/log/dstack"

/* Takes the lock of the log, making DIR if missing; waits. Returns the descriptor to close, -1 on failure. io. */
PML_CHECKED
int pml_runtime_log_lock(const char *dir, struct pml_error *err);

/* Appends the events of the log, if there is one, to LOG. PML_NO "event_log", json; io. */
PML_CHECKED
bool pml_runtime_log_read(struct pml_event_log *log, const char *dir, struct pml_error *err);

/*
 * Appends the event and extends RTMR3 with EXTEND: both or neither. The line is written first, because it can be taken
 * back, and an extension cannot.
 */
PML_CHECKED
bool pml_runtime_log_extend(const char *dir, const char *event, const void *payload, size_t size,
                            bool (*extend)(const uint8_t digest[48], struct pml_error *err), struct pml_error *err);

#endif
