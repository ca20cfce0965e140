/* SPDX-License-Identifier: MIT */
/*
 * A provisioning certification service on a TLS socket of this machine, which answers with what Intel's did in June
 * 2023 (vectors/dcap/public/pcs-responses), and fails in every way that a service can.
 */
#ifndef PML_TEST_PCS_H
#define PML_TEST_PCS_H

#include "test.h"

#include <semaphore.h>

/* A time at which all that is served is current, and one at which nothing is any more. */
#define PCS_NOW     1687350000 /* 2023-06-21T12:20:00Z */
#define PCS_EXPIRED 1730000000

enum fault {
    NO_FAULT,
    STATUS_404,
    STATUS_429,
    STATUS_503,
    REDIRECT,
    CUT,        /* half of the body it promised */
    OVERSIZED,  /* more than any item has */
    SILENCE,    /* no answer before the client hangs up */
    HANG_UP,    /* no answer at all */
    HOLD,       /* no answer before the test posts `go` */
    NO_CHAIN,   /* no header with the issuers */
    FORM_CHAIN, /* issuers with '+' for spaces */
    BAD_CHAIN,  /* "%zz" */
    RAW_CHAIN,  /* '+', '/' and '=' of base64 not escaped */
    OLD_HEADER, /* the name that version 3 gave it */
    PEM_CRL,
    HEX_CRL,
    EMPTY,
    NOT_JSON,
    SPACED,     /* signed text reformatted */
    ALTERED,    /* one byte of what is signed */
    SIGNATURE,  /* one bit of the signature */
    OTHER_ITEM, /* genuine, of another kind */
};

struct pcs;

struct pcs *pcs_start(void);
void pcs_stop(struct pcs *pcs);

const char *pcs_url(const struct pcs *pcs);
const char *pcs_ca_file(const struct pcs *pcs); /* who vouches for its TLS key */
sem_t *pcs_go(struct pcs *pcs);

/* From now on the first COUNT answers to paths that hold PART have FAULT; and requests are counted anew. */
void pcs_fail(struct pcs *pcs, enum fault fault, const char *part, size_t count);
size_t pcs_requests(struct pcs *pcs);

/* Answers paths that hold "/pckcert" with PEM, under headers of these values. All borrowed; NULL: 404. */
void pcs_pck(struct pcs *pcs, const char *pem, const char *issuers, const char *tcbm);
const char *pcs_last_path(struct pcs *pcs);

#endif
