/* SPDX-License-Identifier: MIT */
/* Target: pml_tcb_info_parse. Accepted levels are in strictly descending order, and the best platform reaches the
 * first. */
#include <assert.h>
#include <string.h>

#include "dcap/tcb_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pml_error err;
    struct pml_tcb_info info;
    uint8_t best[16];
    memset(best, 255, sizeof best);
    if (pml_tcb_info_parse(&info, (const char *)data, size, &err)) {
        for (size_t i = 1; i < info.level_count; i++)
            assert(memcmp(info.levels[i - 1].key, info.levels[i].key, PML_LEVEL_KEY_SIZE) > 0);
        const struct pml_tcb_level *found = pml_tcb_level_find(&info, best, 65535, best, false, &err);
        assert(found == (info.level_count ? info.levels : NULL));
    }
    pml_tcb_info_free(&info);
    return 0;
}
