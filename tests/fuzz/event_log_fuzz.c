/* SPDX-License-Identifier: MIT */
/* JSON event logs: what is accepted prints to a log that reads back equal and replays to the same registers. */
#include <stdlib.h>
#include <string.h>

#include "tdx/event_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pml_error err;
    PML_AUTO(event_log) struct pml_event_log log = { 0 }, again = { 0 };
    if (!pml_event_log_parse(&log, (const char *)data, size, &err))
        return 0;
    PML_AUTO(mem) char *text = pml_event_log_text(&log, false, &err);
    if (!text || !pml_event_log_parse(&again, text, strlen(text), &err) || again.count != log.count)
        abort();
    uint8_t a[4][48], b[4][48];
    bool seen_a[4], seen_b[4];
    pml_event_log_replay(&log, a, seen_a);
    pml_event_log_replay(&again, b, seen_b);
    if (memcmp(a, b, sizeof a) != 0 || memcmp(seen_a, seen_b, sizeof seen_a) != 0 ||
        !pml_event_log_check(&log, b, &err))
        abort();
    return 0;
}
