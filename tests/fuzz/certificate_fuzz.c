/* SPDX-License-Identifier: MIT */
/* Target: certificates and the SGX extension inside. What is accepted lies within the input and uses all of it. */
#include <assert.h>

#include "dcap/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pml_error err;
    struct pml_cert cert;
    struct pml_pck pck;
    if (!pml_cert_parse(&cert, (struct pml_bytes){ data, size }, "pck_chain", &err))
        return 0;
    assert(cert.tbs.bytes > data && cert.signature.bytes + cert.signature.size == data + size);
    assert(cert.point.size == PML_POINT_SIZE && cert.not_after >= 0 - (INT64_C(1) << 40));
    if (cert.sgx_extension.bytes && pml_pck_parse(&pck, cert.sgx_extension, &err))
        assert(pck.sgx_type <= 2 && pck.smt_enabled <= 2);
    (void)pml_cert_is_simulated(&cert);
    return 0;
}
