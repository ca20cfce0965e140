/* SPDX-License-Identifier: MIT */
/* Target: pml_collateral_parse. An accepted bundle has all its parts, and reads the same twice. */
#include <assert.h>
#include <string.h>

#include "dcap/collateral.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pml_error err;
    struct pml_collateral c, again;
    if (!pml_collateral_parse(&c, (const char *)data, size, &err))
        return 0;
    assert(c.root_crl && c.pck_crl && c.tcb_info_chain.bytes && c.qe_identity_chain.bytes);
    assert(c.tcb_info.size <= size && c.qe_identity.size <= size && c.pck_crl_size <= size / 2);
    assert(pml_collateral_parse(&again, (const char *)data, size, &err));
    assert(again.tcb_info.size == c.tcb_info.size && again.pck_crl_size == c.pck_crl_size);
    assert(memcmp(again.pck_crl, c.pck_crl, c.pck_crl_size) == 0);
    pml_collateral_free(&again);
    pml_collateral_free(&c);
    return 0;
}
