/* SPDX-License-Identifier: MIT */
/*
 * What Intel's provisioning certification service and its caches (PCS, PCCS) send, taken apart: signed documents,
 * issuer chains in headers, revocation lists in three spellings (spec dcap §3.1 to §3.3). Nothing here is verified.
 * Every failure is PML_UNKNOWN "pcs_response": the service failed, which says nothing about a platform.
 */
#ifndef PML_DCAP_PCS_RESPONSE_H
#define PML_DCAP_PCS_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "dcap/tape.h"

/*
 * Finds the signed document in a body `{"MEMBER":{...},"signature":"128 hex digits"}`. *DOCUMENT is the exact bytes
 * that are signed, from the brace to the matching one, and borrows from BODY: reading and writing it again would change
 * what was signed.
 */
PML_CHECKED
bool pml_pcs_document(struct pml_text *document, uint8_t signature[64], const char *body, size_t size,
                      const char *member, struct pml_error *err);

/* Undoes the percent-encoding of a header's PEM. '+' stays '+': some services leave it raw. The caller frees. */
PML_CHECKED
char *pml_pcs_chain(const char *value, struct pml_error *err);

/* A revocation list that is DER, hex text of DER, or one PEM block: its DER; the caller frees. */
PML_CHECKED
uint8_t *pml_pcs_crl(const void *body, size_t size, size_t *der_size, struct pml_error *err);

#endif
