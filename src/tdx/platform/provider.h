/* SPDX-License-Identifier: MIT */
/*
 * What stands behind the platform interface: one table of functions a provider. The platform holds its lock around each
 * call, so a provider knows no threads.
 */
#ifndef PML_TDX_PLATFORM_PROVIDER_H
#define PML_TDX_PLATFORM_PROVIDER_H

#include "tdx/event_log.h"
#include "tdx/platform.h"

struct pml_provider_ops {
    uint8_t *(*quote)(void *self, const uint8_t report_data[PML_REPORT_DATA_SIZE], size_t *size, struct pml_error *err);
    bool (*extend)(void *self, const char *event, const void *payload, size_t size, struct pml_error *err);
    char *(*event_log)(void *self, struct pml_error *err);
    char *(*collateral)(void *self, struct pml_error *err); /* NULL in the table: a real platform */
    void (*free)(void *self);
};

/* Wraps a provider; takes SELF, also on failure. FACTS point into SELF. */
PML_CHECKED
struct pml_platform *pml_platform_wrap(const struct pml_provider_ops *ops, void *self,
                                       const struct pml_platform_facts *facts, struct pml_error *err);

/* The providers. Each fails with the codes of pml_platform_open. */
PML_CHECKED
struct pml_platform *pml_sim_open(const struct pml_platform_options *options, struct pml_error *err);
PML_CHECKED
struct pml_platform *pml_agent_open(const char *socket_path, struct pml_error *err);
PML_CHECKED
struct pml_platform *pml_direct_open(const struct pml_platform_options *options, const char *run_dir,
                                     struct pml_error *err);

/* The application manifest that a process makes for itself when nothing else has (spec simulator §4): JCS text. The
 * caller frees. */
PML_CHECKED
char *pml_app_compose(const struct pml_platform_model *models, size_t count, struct pml_error *err);

/* What the boot events of that manifest say: its SHA-256, whose first bytes are the application id, and the instance.
 */
struct pml_boot {
    uint8_t compose_hash[32], app_id[20], instance_id[20];
};
void pml_boot_ids(struct pml_boot *boot, const char *app_compose, const uint8_t instance_id_seed[20]);
/* Calls ADD for each boot event, in the order of spec simulator §4. */
PML_CHECKED
bool pml_boot_events(const struct pml_boot *boot,
                     bool (*add)(void *self, const char *event, const void *payload, size_t size,
                                 struct pml_error *err),
                     void *self, struct pml_error *err);

#endif
