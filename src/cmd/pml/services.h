/* SPDX-License-Identifier: MIT */
/* What the verbs share that fetch collateral: --pccs, --pccs-ca, --offline, and the cache in the state directory. */
#ifndef PML_CMD_SERVICES_H
#define PML_CMD_SERVICES_H

#include "dcap/source.h"

#define PCCS_MAX 8

struct services { /* arguments of the options */
    const char *pccs[PCCS_MAX];
    size_t pccs_count;
    const char *ca_file;
    bool offline, early;
};

/* --pccs, once more. usage. */
PML_CHECKED
bool services_add(struct services *services, const char *url, struct pml_error *err);
/* Where collateral is fetched from. What cannot be cached is fetched all the same; what is worth a notice is printed on
 * stderr. usage. */
PML_CHECKED
struct pml_source *services_open(const struct services *services, struct pml_error *err);

#endif
