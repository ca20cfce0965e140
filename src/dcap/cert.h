/* SPDX-License-Identifier: MIT */
/*
 * The X.509 certificates of Intel's attestation PKI, read directly from DER: P-256 keys, ECDSA with SHA-256, the few
 * extensions that matter. Anything else, an unknown critical extension included, is refused. Source: RFC 5280; spec
 * dcap §1.7.
 */
#ifndef PML_DCAP_CERT_H
#define PML_DCAP_CERT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "dcap/der.h"

#define PML_POINT_SIZE 65 /* 04 || X || Y */

enum { /* of key_usage */
       PML_KU_DIGITAL_SIGNATURE = 0x80,
       PML_KU_CERT_SIGN = 0x04,
       PML_KU_CRL_SIGN = 0x02,
};

/* A certificate that is a name, a key and a time; all borrowed from its DER. */
struct pml_cert {
    struct pml_bytes der, tbs;
    struct pml_bytes serial;                /* unsigned, no leading zeros */
    struct pml_bytes issuer, subject;       /* Name elements, whole */
    struct pml_bytes subject_cn, subject_o; /* empty if absent */
    int64_t not_before, not_after;
    struct pml_bytes point;
    bool is_ca;
    bool has_key_usage;
    uint8_t key_usage;              /* first byte of the bit string */
    struct pml_bytes sgx_extension; /* content of its extnValue; empty if absent */
    struct pml_bytes signature;     /* DER of (r, s) */
};

/* Intel's SGX extension of a PCK certificate (spec dcap §1.7). */
struct pml_pck {
    uint8_t ppid[16];
    uint8_t cpu_svn[16]; /* equal to the sixteen components */
    uint16_t pce_svn;
    uint8_t pce_id[2];
    uint8_t fmspc[6];
    uint8_t sgx_type;
    bool has_platform_instance_id;
    uint8_t platform_instance_id[16];
    uint8_t dynamic_platform, cached_keys, smt_enabled; /* 0, 1, 2 undefined */
};

/* An AlgorithmIdentifier that must be ecdsa-with-SHA256 without parameters. */
void pml_der_ecdsa_sha256(struct pml_cursor *in);

/* CODE: the caller's word for a bad certificate. */
PML_CHECKED
bool pml_cert_parse(struct pml_cert *out, struct pml_bytes der, const char *code, struct pml_error *err);
/* pck_chain. */
PML_CHECKED
bool pml_pck_parse(struct pml_pck *out, struct pml_bytes sgx_extension, struct pml_error *err);

bool pml_cert_cn_is(const struct pml_cert *cert, const char *name);
/* The subject's organisation is the mark of a simulated root. */
bool pml_cert_is_simulated(const struct pml_cert *cert);
/* ECDSA-SHA256 over TBS with the key of ISSUER. */
bool pml_cert_signed_by(const struct pml_cert *cert, const struct pml_cert *issuer);

#endif
