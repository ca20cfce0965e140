/* SPDX-License-Identifier: MIT */
/*
 * The attestation statement: the exact bytes whose SHA-256 a quote carries in its report data. It binds a keyset digest
 * and, for a fresh report, the caller's nonce. Source: ACI v1, spec inference-api §2.2.
 */
#ifndef PML_ACI_STATEMENT_H
#define PML_ACI_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

#define PML_NONCE_SIZE       32
#define PML_REPORT_DATA_SLOT 64 /* of a quote: report data and 32 zero bytes */
#define PML_STATEMENT_TEXT   256

/* The statement. NONCE NULL: the form without one. Returns OUT. */
char *pml_statement_text(char out[PML_STATEMENT_TEXT], const uint8_t keyset_digest[PML_SHA256_SIZE],
                         const uint8_t *nonce);
void pml_statement_report_data(uint8_t report_data[PML_SHA256_SIZE], const uint8_t keyset_digest[PML_SHA256_SIZE],
                               const uint8_t *nonce);
void pml_statement_slot(uint8_t slot[PML_REPORT_DATA_SLOT], const uint8_t report_data[PML_SHA256_SIZE]);

/* A nonce on the wire: exactly 64 lower-case hex digits. */
PML_CHECKED
bool pml_nonce_parse(uint8_t nonce[PML_NONCE_SIZE], const char *text);

#endif
