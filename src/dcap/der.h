/* SPDX-License-Identifier: MIT */
/*
 * Strict DER (X.690 §10) over the bounded cursor: definite, minimal lengths below 16 MiB, single-byte tags, minimal
 * integers. Whatever is not that fails the cursor, so a parser is a list of its fields and one check, as with fixed
 * layouts.
 */
#ifndef PML_DCAP_DER_H
#define PML_DCAP_DER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"

enum {
    PML_DER_BOOLEAN = 0x01,
    PML_DER_INTEGER = 0x02,
    PML_DER_BIT_STRING = 0x03,
    PML_DER_OCTET_STRING = 0x04,
    PML_DER_OID = 0x06,
    PML_DER_ENUMERATED = 0x0a,
    PML_DER_UTF8_STRING = 0x0c,
    PML_DER_PRINTABLE_STRING = 0x13,
    PML_DER_UTC_TIME = 0x17,
    PML_DER_GENERALIZED_TIME = 0x18,
    PML_DER_SEQUENCE = 0x30,
    PML_DER_SET = 0x31,
    PML_DER_CONTEXT = 0x80,             /* [n] primitive: CONTEXT + n */
    PML_DER_CONTEXT_CONSTRUCTED = 0xa0, /* [n] constructed */
};

struct pml_bytes { /* borrowed */
    const uint8_t *bytes;
    size_t size;
};

void pml_der_fail(struct pml_cursor *in); /* fails the cursor where it stands */
bool pml_der_next_is(const struct pml_cursor *in, uint8_t tag);

/* A cursor over the content of the next element, which must have this tag. */
struct pml_cursor pml_der_get(struct pml_cursor *in, uint8_t tag);
/* The next element whole, tag and length included; also returns its content. */
struct pml_cursor pml_der_get_raw(struct pml_cursor *in, uint8_t tag, struct pml_bytes *raw);
/* Fails IN unless PART has been used up without failure. */
void pml_der_end(struct pml_cursor *in, const struct pml_cursor *part);

struct pml_bytes pml_der_bytes(struct pml_cursor *in, uint8_t tag);       /* content of a primitive */
struct pml_bytes pml_der_unsigned(struct pml_cursor *in);                 /* INTEGER >= 0, without leading zeros */
uint64_t pml_der_small(struct pml_cursor *in, uint8_t tag, uint64_t max); /* INTEGER or ENUMERATED in 0..MAX */
bool pml_der_boolean(struct pml_cursor *in);
struct pml_bytes pml_der_bit_string(struct pml_cursor *in);         /* without unused bits */
void pml_der_octets(struct pml_cursor *in, void *out, size_t size); /* OCTET STRING of exactly SIZE bytes */
/* UTCTime or GeneralizedTime in the one form of RFC 5280 §4.1.2.5, as seconds since 1970 UTC. */
int64_t pml_der_time(struct pml_cursor *in);
/* Skips one element of any tag. */
void pml_der_skip(struct pml_cursor *in);

bool pml_bytes_equal(struct pml_bytes a, const void *bytes, size_t size);
bool pml_bytes_same(struct pml_bytes a, struct pml_bytes b);

#endif
