/* SPDX-License-Identifier: MIT */
/* The attestation statement. */
#include "aci/statement.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"

char *pml_statement_text(char out[PML_STATEMENT_TEXT], const uint8_t keyset_digest[PML_SHA256_SIZE],
                         const uint8_t *nonce)
{
    char digest[PML_DIGEST_TEXT];
    char quoted[2 * PML_NONCE_SIZE + 3] = "null";
    if (nonce) {
        quoted[0] = '"';
        pml_hex(quoted + 1, nonce, PML_NONCE_SIZE);
        memcpy(quoted + 1 + 2 * PML_NONCE_SIZE, "\"", 2);
    }
    snprintf(out, PML_STATEMENT_TEXT, "{\"keyset_digest\":\"%s\",\"nonce\":%s,\"purpose\":\"aci.report_data.v1\"}",
             pml_digest_text(digest, keyset_digest), quoted);
    return out;
}

void pml_statement_report_data(uint8_t report_data[PML_SHA256_SIZE], const uint8_t keyset_digest[PML_SHA256_SIZE],
                               const uint8_t *nonce)
{
    char text[PML_STATEMENT_TEXT];
    pml_statement_text(text, keyset_digest, nonce);
    pml_sha256(report_data, text, strlen(text));
}

void pml_statement_slot(uint8_t slot[PML_REPORT_DATA_SLOT], const uint8_t report_data[PML_SHA256_SIZE])
{
    memcpy(slot, report_data, PML_SHA256_SIZE);
    memset(slot + PML_SHA256_SIZE, 0, PML_REPORT_DATA_SLOT - PML_SHA256_SIZE);
}

bool pml_nonce_parse(uint8_t nonce[PML_NONCE_SIZE], const char *text)
{
    return pml_unhex_lower(nonce, PML_NONCE_SIZE, text, strlen(text));
}
