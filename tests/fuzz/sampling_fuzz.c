/* SPDX-License-Identifier: MIT */
/* pml_sampling_parse, which reads receipts of others. Accepted means: in range, and written again it is the same text.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/sampling.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pml_error err;
    struct pml_sampling sampling;
    PML_AUTO(mem) char *text = strndup((const char *)data, size);
    if (!text || !pml_sampling_parse(&sampling, text, &err))
        return 0;
    PML_AUTO(mem) char *again = pml_sampling_text(&sampling, &err);
    if (!again || strcmp(text, again) != 0 || !pml_sampling_check(&sampling, SIZE_MAX, &err))
        abort();
    pml_sampling_free(&sampling);
    return 0;
}
