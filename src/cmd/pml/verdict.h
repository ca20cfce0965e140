/* SPDX-License-Identifier: MIT */
/* What `pml chat` and `pml receipt verify` share: whom the user trusts, and how a verdict is told to a person. */
#ifndef PML_CMD_VERDICT_H
#define PML_CMD_VERDICT_H

#include <stdio.h>

#include "aci/checks.h"

struct trust_options { /* arguments of the options, NULL: not given */
    const char *policy, *trust_simulated, *collateral;
};

struct trust {
    struct pml_policy policy;
    bool policy_given;
    char *collateral; /* NULL: the report's */
    size_t collateral_size;
};

/* Reads the files that the options name. policy_format, usage, io. */
PML_CHECKED
bool trust_load(struct trust *trust, const struct trust_options *options, struct pml_error *err);
void trust_free(struct trust *trust);

/* The line that labels everything simulated; it cannot be switched off. Prints nothing for a real platform. */
void verdict_simulated(const struct pml_checks *checks);
/* A line a check, then what they add up to, on stdout, SIMULATED last where it applies. */
void verdict_print(const struct pml_checks *checks);
/* Text from outside: control characters become '?' when stdout is a terminal, which they could make say anything. */
void verdict_text(const char *text, size_t size);

#endif
