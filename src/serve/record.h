/* SPDX-License-Identifier: MIT */
/* The receipt of one request, from what happened to it (spec inference-api §2.5, §5.4). */
#ifndef PML_SERVE_RECORD_H
#define PML_SERVE_RECORD_H

#include "aci/events.h"
#include "aci/receipt.h"
#include "serve/identity.h"
#include "serve/workload.h"

struct pml_record { /* borrowed */
    const struct pml_identity *identity;
    const struct pml_workload *workload;
    const char *receipt_id;
    const char *chat_id; /* NULL: a refusal */
    const char *model;   /* as requested; NULL: not given, or the request could not be read */
    const char *endpoint, *method;
    int64_t served_at;
    uint8_t request_sha256[PML_SHA256_SIZE];
    bool forwarded;                        /* the engine got it: the very bytes received */
    const struct pml_inference *inference; /* NULL: not executed, or not to be recorded */
    uint8_t response_sha256[PML_SHA256_SIZE];
};

/* The signed document. The caller frees. jcs, memory, crypto. */
PML_CHECKED
char *pml_record_sign(const struct pml_record *record, size_t *size, struct pml_error *err);

#endif
