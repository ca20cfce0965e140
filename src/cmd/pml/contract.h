/* SPDX-License-Identifier: MIT */
/* Verification by a contract, as verbs are asked for it: --onchain, --contract, --contract-file. */
#ifndef PML_CMD_CONTRACT_H
#define PML_CMD_CONTRACT_H

#include "dcap/policy.h"

struct contract {         /* arguments of the options; NULL: not given */
    const char *node_url; /* --onchain */
    const char *address, *file;
};

/* True if the options and the policy agree: all of what a contract needs, nothing of what it decides by itself. usage.
 */
PML_CHECKED
bool contract_check(const struct contract *contract, const struct pml_policy *policy, struct pml_error *err);
/* Asks the contract about the quote of IN, always leaves a verdict. Codes of pml_onchain_verify; io, usage. */
PML_CHECKED
bool contract_judge(struct pml_verdict *verdict, const struct contract *contract, const struct pml_verify_input *in,
                    struct pml_error *err);

#endif
