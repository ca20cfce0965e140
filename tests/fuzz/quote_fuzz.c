/* SPDX-License-Identifier: MIT */
/* Target: pml_quote_parse. What it accepts, pml_put_quote writes again byte for byte. */
#include <assert.h>
#include <string.h>

#include "tdx/quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pml_error err;
    struct pml_quote q;
    struct pml_buf again = { 0 };
    if (!pml_quote_parse(&q, data, size, &err))
        return 0;
    assert(q.size <= size && q.signed_size < q.size);
    pml_put_quote(&again, &q);
    assert(!again.failed && again.size == q.size && memcmp(again.bytes, data, q.size) == 0);
    pml_buf_free(&again);
    return 0;
}
