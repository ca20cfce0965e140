/* SPDX-License-Identifier: MIT */
/*
 * The checks that verification is made of, for those who need one of them by itself: a quote's steps S3 to S7 and the
 * client that fetches collateral judge certificates, revocation lists and signed documents by the same code.
 */
#ifndef PML_DCAP_CHECK_H
#define PML_DCAP_CHECK_H

#include "dcap/cert.h"
#include "dcap/crl.h"
#include "dcap/pem.h"
#include "dcap/root.h"
#include "dcap/tape.h"

struct pml_when { /* that everything is judged by */
    int64_t now;
    int64_t grace_s; /* what is past its end by no more than this still counts */
};

struct pml_trust {                          /* the roots that are trusted; borrowed */
    const struct pml_root *root;            /* NULL: Intel's */
    const struct pml_root *simulated_roots; /* beside it */
    size_t simulated_root_count;
};

/* The root is trusted. pck_chain_root, and what would accept it if it is one of a simulation. */
PML_CHECKED
bool pml_check_root(const struct pml_cert *root, const struct pml_trust *trust, struct pml_error *err);

/* Name, validity and signature of one certificate; CA or not, with the usage that goes with it. ISSUER may be CERT: a
 * root, whose own signature proves nothing that its pinned bytes do not. CODE, EXPIRED_CODE. */
PML_CHECKED
bool pml_check_cert(const struct pml_cert *cert, const struct pml_cert *issuer, bool ca, struct pml_when when,
                    const char *code, const char *expired_code, struct pml_error *err);
/* Issuer, dates and signature. crl_issuer, crl_expired, crl_signature. */
PML_CHECKED
bool pml_check_crl(const struct pml_crl *crl, const struct pml_cert *issuer, struct pml_when when,
                   struct pml_error *err);

/* The certificates that a quote's platform is known by: leaf, PCK CA and root. */
struct pml_pck_chain {
    struct pml_chain chain; /* their DER, which the rest borrows from: not to be moved */
    struct pml_cert leaf, intermediate, root;
    bool by_platform_ca; /* else by the Processor CA */
    struct pml_pck pck;
};

/* Reads three certificates; only the root is parsed yet. pck_chain. */
PML_CHECKED
bool pml_pck_chain_decode(struct pml_pck_chain *out, struct pml_text pem, struct pml_error *err);
/* S4: leaf, intermediate, root in that order, by their names; dates and signatures. Whether the root is trusted is
 * another question. pck_chain, pck_chain_expired. */
PML_CHECKED
bool pml_pck_chain_check(struct pml_pck_chain *chain, struct pml_when when, struct pml_error *err);

/* How a document that Intel signs fails. */
struct pml_document_codes {
    const char *name, *chain_code, *chain_expired_code, *signature_code, *expired_code, *not_yet_code;
};
extern const struct pml_document_codes pml_tcb_info_codes, pml_qe_identity_codes;

/* Role, validity and signature of a signing certificate. VERIFIED: one of the same bytes has passed already. */
PML_CHECKED
bool pml_check_signer(const struct pml_cert *signer, const struct pml_cert *root, bool verified, struct pml_when when,
                      const struct pml_document_codes *codes, struct pml_error *err);
PML_CHECKED
bool pml_check_document(const struct pml_cert *signer, struct pml_text text, const uint8_t signature[64],
                        const struct pml_document_codes *codes, struct pml_error *err);
PML_CHECKED
bool pml_check_window(int64_t issue_date, int64_t next_update, struct pml_when when,
                      const struct pml_document_codes *codes, struct pml_error *err);

#endif
