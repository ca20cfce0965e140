/* SPDX-License-Identifier: MIT */
/*
 * Intel ECDSA (DCAP) quotes, versions 3 to 5: the frame around a report body and the signature data behind it. Parsing
 * checks lengths and types exactly and judges nothing else; dcap/verify.h does. Source: Intel TDX DCAP Quoting Library
 * API, appendix A.3; spec dcap §1.1, §1.2, §1.5, §1.6.
 *
 *   header 48 | [v5: body_type u16, body_size u32] | body | sig_len u32 | signature data | padding, ignored
 */
#ifndef PML_TDX_QUOTE_H
#define PML_TDX_QUOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "tdx/report.h"

#define PML_QUOTE_MAX         (1 << 20)
#define PML_QUOTE_MIN         1020
#define PML_QUOTE_HEADER_SIZE 48

#define PML_TEE_SGX 0x00u
#define PML_TEE_TDX 0x81u

#define PML_ATT_KEY_ECDSA_P256 2 /* the only accepted att_key_type */

/* Certification data types (spec dcap §1.6). */
enum {
    PML_CERT_PPID = 1,
    PML_CERT_PPID_RSA2048 = 2,
    PML_CERT_PPID_RSA3072 = 3,
    PML_CERT_PCK_LEAF = 4,
    PML_CERT_PCK_CHAIN = 5, /* PEM leaf, intermediate, root */
    PML_CERT_QE_REPORT = 6, /* the outer type in v4 and v5 */
    PML_CERT_PLATFORM_MANIFEST = 7,
};

extern const uint8_t pml_intel_qe_vendor_id[16];

/* A parsed quote. Pointers borrow from the bytes that were parsed. */
struct pml_quote {
    /* header */
    uint16_t version;
    uint16_t att_key_type;
    uint32_t tee_type;
    uint16_t qe_svn, pce_svn; /* meaningful in v3 only, informative there; reserved bytes later */
    uint8_t qe_vendor_id[16];
    uint8_t user_data[20]; /* first 16 bytes: QE id */

    enum pml_body_type body_type; /* PML_BODY_NONE as long as the body has not been read */
    struct pml_td_report td;      /* when body_type is a TD type */
    struct pml_sgx_report sgx;    /* when it is PML_BODY_SGX */

    const uint8_t *signed_bytes; /* what the attestation key signs: everything before sig_len */
    size_t signed_size;

    /* signature data */
    uint8_t signature[64];       /* r || s by the attestation key */
    uint8_t attestation_key[64]; /* X || Y */
    const uint8_t *qe_report_bytes;
    struct pml_sgx_report qe_report;
    uint8_t qe_report_signature[64]; /* r || s by the PCK leaf */
    const uint8_t *qe_auth_data;
    size_t qe_auth_size;
    uint16_t cert_type; /* of the inner certification data in v4 and v5 */
    const uint8_t *cert_data;
    size_t cert_size;
    size_t size; /* of the quote without its padding */
};

static inline bool pml_quote_is_td(const struct pml_quote *q)
{
    return q->body_type >= PML_BODY_TD10;
}

/*
 * Parses a quote; bytes after the signature data are ignored. On failure OUT holds the header, and the body if
 * body_type says so: it proves nothing, but can be shown. quote_format, quote_version, att_key_type, tee_type,
 * quote_body_type, cert_data_type.
 */
PML_CHECKED
bool pml_quote_parse(struct pml_quote *out, const void *bytes, size_t size, struct pml_error *err);

/* Writes header, descriptor and body of Q: the bytes that the attestation key signs. */
void pml_put_quote_signed(struct pml_buf *out, const struct pml_quote *q);
/* Writes all of Q, without padding. qe_report is taken from the structure, not from qe_report_bytes. */
void pml_put_quote(struct pml_buf *out, const struct pml_quote *q);

#endif
