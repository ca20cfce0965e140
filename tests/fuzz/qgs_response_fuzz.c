/* SPDX-License-Identifier: MIT */
/* Answers of the host's quote service: an accepted quote is a part of the answer that ends where it ends. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tdx/platform/tdx_guest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pml_error err;
    size_t quote_size;
    PML_AUTO(mem) uint8_t *quote = pml_qgs_parse(data, size, &quote_size, &err);
    if (quote && (quote_size > size - 24 || memcmp(quote, data + size - quote_size, quote_size) != 0))
        abort();
    return 0;
}
