/* SPDX-License-Identifier: MIT */
/* State of one run of the algorithm, shared by the files that carry out its steps. Private to dcap/. */
#ifndef PML_DCAP_VERIFICATION_H
#define PML_DCAP_VERIFICATION_H

#include "dcap/known.h"
#include "dcap/verify.h"

/* The TCB levels that a set of TDX versions leads to, and the status that they make. */
struct pml_evaluation {
    const struct pml_level *platform, *module; /* module NULL: none */
    enum pml_tcb_status status;
};

struct pml_verification {
    const struct pml_verify_input *in;
    struct pml_verdict *verdict;
    struct pml_when when;
    const char *step;

    struct pml_quote quote;
    struct pml_known_bundle *bundle; /* own, or of the cache */
    struct pml_known_platform *platform;
    const struct pml_isv_level *qe_level;
    struct pml_evaluation launch, current; /* by tee_tcb_svn and tee_tcb_svn2 */
    struct pml_known_bundle own_bundle;    /* without a cache */
    struct pml_known_platform own_platform;
};

/* S18: the supplemental data of spec dcap §2.7 and the advisory ids. memory. */
PML_CHECKED
bool pml_verification_report(struct pml_verification *v, struct pml_error *err);

#endif
