/* SPDX-License-Identifier: MIT */
/*
 * PEM certificate chains (RFC 7468) as quotes and bundles carry them. Text around the blocks, line ends, NULs and
 * trailing bytes carry no meaning (spec dcap §1.6); inside a block only base64 and line ends are allowed.
 */
#ifndef PML_DCAP_PEM_H
#define PML_DCAP_PEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "dcap/der.h"

#define PML_CHAIN_MAX      4096 /* bytes of DER of one certificate */
#define PML_CHAIN_DER_ROOM (3 * PML_CHAIN_MAX)

struct pml_chain {
    size_t count;
    struct pml_bytes cert[3]; /* within der, in the order of the text */
    uint8_t der[PML_CHAIN_DER_ROOM];
};

/* Decodes exactly COUNT (1 to 3) certificates. CODE. */
PML_CHECKED
bool pml_chain_decode(struct pml_chain *out, const char *text, size_t size, size_t count, const char *code,
                      struct pml_error *err);

#endif
