/* SPDX-License-Identifier: MIT */
/* Target: pml_policy_parse. No policy accepts Revoked, or a verdict that is not ok. */
#include <assert.h>

#include "dcap/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pml_error err = { 0 };
    struct pml_policy policy;
    PML_AUTO(verdict) struct pml_verdict verdict = { .status = PML_TCB_UP_TO_DATE };
    if (!pml_policy_parse(&policy, (const char *)data, size, &err)) {
        assert(err.kind == PML_USAGE);
        return 0;
    }
    assert(!(policy.accept & (PML_ACCEPT(PML_TCB_REVOKED) | PML_ACCEPT(PML_TCB_NONE))));
    assert(!pml_policy_apply(&verdict, &policy, 0, &err) && !verdict.accepted);
    pml_policy_free(&policy);
    return 0;
}
