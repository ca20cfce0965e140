/* SPDX-License-Identifier: MIT */
/* TCB statuses, their names, and how those of the parts make the one of the whole (spec dcap §2.4, §2.5, §2.8). */
#ifndef PML_DCAP_STATUS_H
#define PML_DCAP_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* In the order of severity that dcap-qvl uses. */
enum pml_tcb_status {
    PML_TCB_NONE = 0, /* unknown, or there is no such part */
    PML_TCB_UP_TO_DATE,
    PML_TCB_SW_HARDENING_NEEDED,
    PML_TCB_CONFIGURATION_NEEDED,
    PML_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
    PML_TCB_OUT_OF_DATE,
    PML_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
    PML_TCB_REVOKED,
    /* Intel's advice for TDs that outlived an update of the module; a status of the report, never of a level. */
    PML_TCB_RELAUNCH_ADVISED,
    PML_TCB_RELAUNCH_ADVISED_CONFIGURATION_NEEDED,
};

/* "UpToDate"; NULL for PML_TCB_NONE. */
const char *pml_tcb_status_name(enum pml_tcb_status status);
/* PML_TCB_NONE for another name. */
enum pml_tcb_status pml_tcb_status_parse(const char *name, size_t size);

/* The two rules: Intel's table, and dcap-qvl's maximum of severity. */
enum pml_compat { PML_COMPAT_INTEL = 0, PML_COMPAT_DCAP_QVL };

/* Status of a platform whose TCB level has status PLATFORM and whose components have QE and MODULE (or NONE). */
enum pml_tcb_status pml_tcb_converge(enum pml_tcb_status platform, enum pml_tcb_status qe, enum pml_tcb_status module,
                                     enum pml_compat compat);
/* The relaunch advice for a TD launched under LAUNCH and now under CURRENT, or PML_TCB_NONE. */
enum pml_tcb_status pml_tcb_relaunch(enum pml_tcb_status launch, enum pml_tcb_status current);

#endif
