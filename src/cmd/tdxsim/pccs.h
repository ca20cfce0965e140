/* SPDX-License-Identifier: MIT */
/*
 * A PCCS of a simulated platform (spec simulator §6): answers the paths of spec dcap §3.2 from its collateral, for
 * verifiers that know nothing but the URL of a PCCS. What it serves is signed by a simulated root.
 */
#ifndef PML_CMD_TDXSIM_PCCS_H
#define PML_CMD_TDXSIM_PCCS_H

#include "base/error.h"

struct pccs_options {
    const char *state_dir;
    const char *listen; /* "127.0.0.1:8081" */
    bool tls;           /* self-signed; the certificate is written to STATE/pccs.crt */
};

/* Serves until SIGINT or SIGTERM. */
PML_CHECKED
bool pccs_run(const struct pccs_options *options, struct pml_error *err);

#endif
