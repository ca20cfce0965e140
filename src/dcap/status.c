/* SPDX-License-Identifier: MIT */
/* TCB statuses. */
#include "dcap/status.h"

#include <string.h>

#include "base/memory.h"

static const char *const names[] = {
    [PML_TCB_UP_TO_DATE] = "UpToDate",
    [PML_TCB_SW_HARDENING_NEEDED] = "SWHardeningNeeded",
    [PML_TCB_CONFIGURATION_NEEDED] = "ConfigurationNeeded",
    [PML_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED] = "ConfigurationAndSWHardeningNeeded",
    [PML_TCB_OUT_OF_DATE] = "OutOfDate",
    [PML_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED] = "OutOfDateConfigurationNeeded",
    [PML_TCB_REVOKED] = "Revoked",
    [PML_TCB_RELAUNCH_ADVISED] = "TDRelaunchAdvised",
    [PML_TCB_RELAUNCH_ADVISED_CONFIGURATION_NEEDED] = "TDRelaunchAdvisedConfigurationNeeded",
};

const char *pml_tcb_status_name(enum pml_tcb_status status)
{
    return names[status];
}

enum pml_tcb_status pml_tcb_status_parse(const char *name, size_t size)
{
    for (size_t i = 1; i < PML_COUNT(names); i++) {
        if (strlen(names[i]) == size && memcmp(names[i], name, size) == 0)
            return (enum pml_tcb_status)i;
    }
    return PML_TCB_NONE;
}

static enum pml_tcb_status worse(enum pml_tcb_status a, enum pml_tcb_status b)
{
    return a > b ? a : b;
}

enum pml_tcb_status pml_tcb_converge(enum pml_tcb_status platform, enum pml_tcb_status qe, enum pml_tcb_status module,
                                     enum pml_compat compat)
{
    if (compat == PML_COMPAT_DCAP_QVL)
        return worse(platform, worse(qe, module));
    if (platform == PML_TCB_REVOKED || qe == PML_TCB_REVOKED || module == PML_TCB_REVOKED)
        return PML_TCB_REVOKED;
    if (qe != PML_TCB_OUT_OF_DATE && module != PML_TCB_OUT_OF_DATE)
        return platform;
    switch (platform) {
    case PML_TCB_UP_TO_DATE:
    case PML_TCB_SW_HARDENING_NEEDED: return PML_TCB_OUT_OF_DATE;
    case PML_TCB_CONFIGURATION_NEEDED:
    case PML_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED: return PML_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
    default: return platform;
    }
}

static bool asks_for_configuration(enum pml_tcb_status status)
{
    return status == PML_TCB_CONFIGURATION_NEEDED || status == PML_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED ||
           status == PML_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
}

enum pml_tcb_status pml_tcb_relaunch(enum pml_tcb_status launch, enum pml_tcb_status current)
{
    bool launched_out_of_date = launch == PML_TCB_OUT_OF_DATE || launch == PML_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
    bool in_date_now = current >= PML_TCB_UP_TO_DATE && current <= PML_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED;
    if (!launched_out_of_date || !in_date_now)
        return PML_TCB_NONE;
    return asks_for_configuration(launch) || asks_for_configuration(current)
               ? PML_TCB_RELAUNCH_ADVISED_CONFIGURATION_NEEDED
               : PML_TCB_RELAUNCH_ADVISED;
}
