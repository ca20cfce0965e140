/* SPDX-License-Identifier: MIT */
/*
 * A simulated platform on disk (spec simulator §2): DIR/sim with its identity, keys, certificates and collateral.
 * It is made once, as a whole; afterwards a missing, damaged or foreign file is an error that names it.
 */
#ifndef PML_TDX_PLATFORM_SIM_STATE_H
#define PML_TDX_PLATFORM_SIM_STATE_H

#include "tdx/platform/sim_pki.h"

struct pml_sim_state {
    char dir[4096]; /* DIR/sim */
    struct pml_sim_platform platform;
    struct pml_sim_pki pki;
    struct pml_sim_sgx sgx;
    int64_t made; /* seconds since 1970 */
};

/* Loads DIR/sim, making it first if it does not exist. The caller frees, also on failure. PML_UNKNOWN: sim_state,
 * state_dir, key_file, cert_file, io. */
PML_CHECKED
bool pml_sim_state_open(struct pml_sim_state *state, const char *dir, struct pml_error *err);
void pml_sim_state_free(struct pml_sim_state *state);
void pml_sim_state_auto(struct pml_sim_state *state);

/* Replaces DIR/sim by a new platform in one step, whatever is in it. */
PML_CHECKED
bool pml_sim_state_reset(const char *dir, struct pml_error *err);

/* The bundle of sim/collateral.json, renewed at NOW first when it is not yet valid or less than 15 days remain. One
 * process renews at a time. The caller frees. */
PML_CHECKED
char *pml_sim_state_collateral(const struct pml_sim_state *state, int64_t now, struct pml_error *err);

#endif
