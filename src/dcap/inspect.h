/* SPDX-License-Identifier: MIT */
/* What is in a bundle and how long it lasts, part by part, for people who keep bundles. */
#ifndef PML_DCAP_INSPECT_H
#define PML_DCAP_INSPECT_H

#include "dcap/collateral.h"
#include "dcap/item.h"

#define PML_ITEM_KINDS 4

struct pml_inspected {
    const char *member; /* of the bundle: "tcb_info" */
    struct pml_item_key key;
    int64_t issued, next_update; /* the part's own, without its certificates */
    int64_t number;              /* TCB evaluation data number, or number of the list */
    bool verified;               /* chain, signature and dates by the time that was asked for */
    struct pml_error error;      /* why not */
};

/* Reads all parts, in the order of enum pml_item_kind, and verifies each; all chains must end in the
 * same trusted root. *SIMULATED: that root carries the mark of a simulation.
 * False: a part cannot be read. Codes of the parsers. */
PML_CHECKED
bool pml_inspect(struct pml_inspected parts[PML_ITEM_KINDS], bool *simulated, const struct pml_collateral *bundle,
                 const struct pml_trust *trust, struct pml_when when, struct pml_error *err);

#endif
