/* SPDX-License-Identifier: MIT */
/* Target: pml_crl_parse. An accepted list finds its own first entry, and nothing when it has none. */
#include <assert.h>

#include "dcap/crl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pml_error err;
    struct pml_crl crl;
    if (!pml_crl_parse(&crl, (struct pml_bytes){ data, size }, &err))
        return 0;
    assert((crl.revoked_count == 0) == (crl.revoked.size == 0));
    struct pml_cursor revoked = pml_cursor(crl.revoked.bytes, crl.revoked.size);
    struct pml_cursor entry = pml_der_get(&revoked, PML_DER_SEQUENCE);
    struct pml_bytes serial = pml_der_unsigned(&entry);
    assert(pml_crl_lists(&crl, serial) == (crl.revoked_count > 0));
    return 0;
}
