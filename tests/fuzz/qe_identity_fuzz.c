/* SPDX-License-Identifier: MIT */
/* Target: pml_qe_identity_parse. The newest enclave reaches the first level, whose status a component can have. */
#include <assert.h>

#include "dcap/qe_identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pml_error err;
    struct pml_qe_identity id;
    if (pml_qe_identity_parse(&id, (const char *)data, size, &err)) {
        const struct pml_isv_level *found = pml_isv_level_find(&id.levels, 65535);
        assert(found == (id.levels.count ? id.levels.at : NULL));
        assert(!found || found->level.status == PML_TCB_UP_TO_DATE || found->level.status == PML_TCB_OUT_OF_DATE ||
               found->level.status == PML_TCB_REVOKED);
    }
    pml_qe_identity_free(&id);
    return 0;
}
