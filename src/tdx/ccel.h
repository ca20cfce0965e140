/* SPDX-License-Identifier: MIT */
/*
 * The firmware's event log of a TD (CCEL, ACPI table data): TCG2 format, SHA-384 digests, register index 1 to 4 for
 * RTMR0 to RTMR3. Source: UEFI 2.10 §38 and TCG PC Client Platform Firmware Profile §10; spec guest §3.5.
 */
#ifndef PML_TDX_CCEL_H
#define PML_TDX_CCEL_H

#include "tdx/event_log.h"

#define PML_CCEL_MAX (1u << 20)

/* Appends the log's boot events to LOG, names empty; entries with index 0 are left out. PML_NO "ccel"; memory. */
PML_CHECKED
bool pml_ccel_read(struct pml_event_log *log, const void *bytes, size_t size, struct pml_error *err);

#endif
