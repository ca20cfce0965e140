/* SPDX-License-Identifier: MIT */
/*
 * What dstack calls the app info of a TD: its application and image by the event log, and its measurements by the
 * quote (spec guest §4.2). It is worth as much as the two it was taken from: verify the quote and replay the log first.
 */
#ifndef PML_VERIFIER_APP_INFO_H
#define PML_VERIFIER_APP_INFO_H

#include <jansson.h>

#include "base/digest.h"
#include "tdx/event_log.h"
#include "tdx/report.h"

struct pml_app_info {
    const struct pml_td_report *td;
    const struct pml_event *app_id, *compose_hash;                 /* borrowed from the log */
    const struct pml_event *instance_id, *os_image, *key_provider; /* NULL: no such event */
    const char *os_image_hash;          /* hex, of vm_config, which nobody vouches for; NULL: by the event */
    uint8_t device_id[PML_SHA256_SIZE]; /* SHA-256 of the platform's PPID */
    uint8_t mr_system[PML_SHA256_SIZE];
    uint8_t mr_aggregated[PML_SHA256_SIZE];
};

/* Takes the events from LOG. Events must be of the boot, and there once. The rest is borrowed. PML_NO "event_log". */
PML_CHECKED
bool pml_app_info_read(struct pml_app_info *out, const struct pml_event_log *log, const struct pml_td_report *td,
                       const uint8_t ppid[16], const char *os_image_hash, struct pml_error *err);

/* Members `app_info`, `boot_info` and `key_provider` of dstack-verifier's details; NULL: memory. Without a key provider
 * event, or with one that does not hold {"name","id"}, the last is null. */
PML_CHECKED
json_t *pml_app_info_json(const struct pml_app_info *info, struct pml_error *err);
PML_CHECKED
json_t *pml_boot_info_json(const struct pml_app_info *info, const char *tcb_status, json_t *advisory_ids,
                           struct pml_error *err);
PML_CHECKED
json_t *pml_key_provider_json(const struct pml_app_info *info, struct pml_error *err);

#endif
