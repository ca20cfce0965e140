/* SPDX-License-Identifier: MIT */
/* Attestation reports as the client reads them: what is accepted has one keyset digest, and states one nonce at most.
 */
#include <stdlib.h>
#include <string.h>

#include "aci/report.h"
#include "base/jcs.h"
#include "base/json.h"
#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pml_error err;
    struct pml_report report;
    if (!pml_report_parse(&report, (const char *)data, size, &err))
        return 0;
    size_t text_size;
    uint8_t slot[PML_REPORT_DATA_SLOT];
    uint8_t nonce[PML_NONCE_SIZE] = { 1 };
    struct pml_keyset again;
    PML_AUTO(mem) char *text = pml_jcs(report.keyset.document, &text_size, &err);
    PML_AUTO(json) json_t *document = text ? pml_jcs_load(text, text_size, &err) : NULL;
    if (!document || !pml_keyset_parse(&again, document, &err) ||
        memcmp(again.digest, report.keyset.digest, PML_SHA256_SIZE) != 0)
        abort();
    pml_keyset_wipe(&again);
    pml_statement_slot(slot, report.report_data);
    if (pml_report_check_binding(&report, NULL, slot, &err) && pml_report_check_binding(&report, nonce, slot, &err))
        abort();
    pml_report_wipe(&report);
    return 0;
}
