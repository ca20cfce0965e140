/* SPDX-License-Identifier: MIT */
/* CCEL tables: what is accepted has no more events than its bytes have room for, and prints. */
#include <stdlib.h>

#include "tdx/ccel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pml_error err;
    PML_AUTO(event_log) struct pml_event_log log = { 0 };
    if (!pml_ccel_read(&log, data, size, &err))
        return 0;
    enum { HEADER = 32, SMALLEST_ENTRY = 4 + 4 + 4 + 2 + 48 + 4 };
    if (log.count > (size - HEADER) / SMALLEST_ENTRY)
        abort();
    PML_AUTO(mem) char *text = pml_event_log_text(&log, true, &err);
    if (!text)
        abort();
    return 0;
}
