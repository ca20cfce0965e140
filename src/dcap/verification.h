/* SPDX-License-Identifier: MIT */
/* State of one run of the algorithm, shared by the files that carry out its steps. Private to dcap/. */
#ifndef PML_DCAP_VERIFICATION_H
#define PML_DCAP_VERIFICATION_H

#include "dcap/check.h"
#include "dcap/qe_identity.h"
#include "dcap/tcb_info.h"
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
    struct pml_crl root_crl, pck_crl;
    struct pml_pck_chain platform;
    struct pml_chain tcb_chain, qe_chain; /* their DER */
    struct pml_cert tcb_signer, qe_signer;
    struct pml_tcb_info tcb_info;
    struct pml_qe_identity qe_identity;
    const struct pml_isv_level *qe_level;
    struct pml_evaluation launch, current; /* by tee_tcb_svn and tee_tcb_svn2 */
};

/* S18: the supplemental data of spec dcap §2.7 and the advisory ids. memory. */
PML_CHECKED
bool pml_verification_report(struct pml_verification *v, struct pml_error *err);

#endif
