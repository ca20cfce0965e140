/* SPDX-License-Identifier: MIT */
/* The attribute policy. */
#include "dcap/attributes.h"

#include <inttypes.h>
#include <string.h>

static bool check_td(const struct pml_verify_input *in, const struct pml_td_report *td, struct pml_error *err)
{
    static const uint8_t none[48];
    uint64_t allowed = in->td_attributes_allowed ? *in->td_attributes_allowed : PML_TD_ATTRIBUTES_ALLOWED;
    uint64_t reserved = td->td_attributes & ~(allowed | PML_TD_DEBUG);
    if (td->td_attributes & PML_TD_DEBUG && !in->allow_debug)
        return pml_fail(err, PML_NO, "td_debug", "the TD runs in debug mode: its host can read it");
    if (reserved)
        return pml_fail(err, PML_NO, "td_attributes_reserved",
                        "td_attributes has bits that are not allowed: 0x%016" PRIx64, reserved);
    if (!(td->td_attributes & PML_TD_SEPT_VE_DISABLE) && !in->allow_sept_ve)
        return pml_fail(err, PML_NO, "sept_ve_disable",
                        "the TD lets its host inject page faults (SEPT_VE_DISABLE is clear)");
    if (memcmp(td->mr_service_td, none, sizeof none) != 0 && !in->allow_service_td)
        return pml_fail(err, PML_NO, "mr_service_td", "a service TD is bound to the TD");
    return true;
}

bool pml_attributes_check(const struct pml_verify_input *in, const struct pml_quote *quote, struct pml_error *err)
{
    if (pml_quote_is_td(quote))
        return check_td(in, &quote->td, err);
    if (quote->sgx.attributes[0] & PML_SGX_DEBUG && !in->allow_debug)
        return pml_fail(err, PML_NO, "sgx_debug", "the enclave runs in debug mode: its host can read it");
    return true;
}
