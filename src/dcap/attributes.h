/* SPDX-License-Identifier: MIT */
/* The attribute policy of spec dcap §2.6: what a genuine TD or enclave must be beside genuine. */
#ifndef PML_DCAP_ATTRIBUTES_H
#define PML_DCAP_ATTRIBUTES_H

#include "dcap/verify.h"

/* Judges the body of QUOTE by the attribute flags of IN. sgx_debug, td_debug, td_attributes_reserved, sept_ve_disable,
 * mr_service_td. */
PML_CHECKED
bool pml_attributes_check(const struct pml_verify_input *in, const struct pml_quote *quote, struct pml_error *err);

#endif
