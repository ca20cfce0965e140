/* SPDX-License-Identifier: MIT */
/* Parsing of the CCEL event log. */
#include "tdx/ccel.h"

#include <string.h>

#include "base/cursor.h"

enum {
    ALG_SHA1 = 0x04,
    ALG_SHA256 = 0x0b,
    ALG_SHA384 = 0x0c,
    ALG_SHA512 = 0x0d,
    END_OF_LOG = -1, /* index 0xffffffff: the unused rest of the table */
    SHA1_SIZE = 20,
};

static size_t digest_size(uint16_t alg)
{
    switch (alg) {
    case ALG_SHA1: return SHA1_SIZE;
    case ALG_SHA256: return 32;
    case ALG_SHA384: return 48;
    case ALG_SHA512: return 64;
    default: return 0;
    }
}

/* TCG_PCR_EVENT2: index, type, digests, size, data. False with *DONE at the end of the log. */
static bool read_entry(struct pml_event_log *log, struct pml_cursor *in, bool *done, struct pml_error *err)
{
    struct pml_event event = { .event = (char *)"", .version = 1 };
    uint32_t index = pml_get_u32le(in);
    if (index == (uint32_t)END_OF_LOG) {
        *done = true;
        return true;
    }
    event.event_type = pml_get_u32le(in);
    uint32_t count = pml_get_u32le(in);
    uint16_t alg = pml_get_u16le(in);
    if (!pml_cursor_check(in, "ccel", err))
        return false;
    if (count != 1 || digest_size(alg) == 0)
        return pml_fail(err, PML_NO, "ccel", "%u digests, the first of algorithm %u", (unsigned)count, (unsigned)alg);
    const uint8_t *digest = pml_get_view(in, digest_size(alg));
    event.payload_size = pml_get_u32le(in);
    event.payload = (uint8_t *)pml_get_view(in, event.payload_size);
    if (!pml_cursor_check(in, "ccel", err))
        return false;
    if (index == 0)
        return true;
    if (alg != ALG_SHA384)
        return pml_fail(err, PML_NO, "ccel", "register %u: not a sha-384 digest", (unsigned)index);
    event.imr = index - 1;
    memcpy(event.digest, digest, sizeof event.digest);
    return pml_event_log_add(log, &event, err);
}

bool pml_ccel_read(struct pml_event_log *log, const void *bytes, size_t size, struct pml_error *err)
{
    struct pml_cursor in = pml_cursor(bytes, size);
    pml_get_skip(&in, 4 + 4 + SHA1_SIZE);  /* TCG_PCR_EVENT: index, type, digest, */
    pml_get_skip(&in, pml_get_u32le(&in)); /* Spec ID Event03 data */
    if (!pml_cursor_check(&in, "ccel", err))
        return pml_wrap(err, "header");
    bool done = false;
    for (size_t i = 0; !done && pml_cursor_left(&in) > 0; i++) {
        if (!read_entry(log, &in, &done, err))
            return pml_wrap(err, "entry %zu", i);
    }
    return true;
}
