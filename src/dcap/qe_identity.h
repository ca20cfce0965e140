/* SPDX-License-Identifier: MIT */
/* QE identity: which quoting enclave may sign, and how current its versions are (spec dcap §2.10, steps S12 and S13).
 */
#ifndef PML_DCAP_QE_IDENTITY_H
#define PML_DCAP_QE_IDENTITY_H

#include "dcap/document.h"
#include "tdx/report.h"

struct pml_qe_identity {
    struct pml_tape document; /* owned */
    struct pml_text id;       /* "QE", "TD_QE", ...; borrowed from the document */
    int64_t version;
    int64_t issue_date, next_update, eval_num;
    uint8_t miscselect[4], miscselect_mask[4]; /* memory order */
    uint8_t attributes[16], attributes_mask[16];
    uint8_t mrsigner[32];
    uint16_t isvprodid;
    struct pml_isv_levels levels;
};

/* qe_identity_format, bad_date, tcb_unknown_status, memory. Free with pml_qe_identity_free, also after a failure. */
PML_CHECKED
bool pml_qe_identity_parse(struct pml_qe_identity *out, const char *text, size_t size, struct pml_error *err);
/* S12. qe_debug, qe_identity_mismatch. */
PML_CHECKED
bool pml_qe_identity_check(const struct pml_qe_identity *identity, const struct pml_sgx_report *qe,
                           struct pml_error *err);
void pml_qe_identity_free(struct pml_qe_identity *identity);

#endif
