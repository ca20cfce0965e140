/* SPDX-License-Identifier: MIT */
/*
 * The HTTP service: POST /verify, POST /v1/quote, GET /health, GET /metrics. The loop's thread owns connections and
 * metrics; bodies are read and judged on workers. Memory is bounded by workers and queue: a request beyond them is
 * answered with 503 and Retry-After, as a rule before its body has been received.
 */
#ifndef PML_VERIFIER_SERVER_H
#define PML_VERIFIER_SERVER_H

#include "net/address.h"
#include "verifier/judge.h"

#define PML_VERIFIER_BODY_MAX (1u << 20) /* bytes of a request's body */

struct pml_verifier;

struct pml_verifier_options {
    struct pml_address listen;
    const struct pml_judge *judge; /* borrowed */
    size_t workers;                /* threads that judge; at least 1 */
    size_t queue;                  /* requests that may wait for them; 0: 64 */
};

/* Binds the address; serves once pml_verifier_run is called. in_use, io, memory. */
PML_CHECKED
struct pml_verifier *pml_verifier_new(const struct pml_verifier_options *options, struct pml_error *err);
/* The address in use. */
const struct pml_address *pml_verifier_bound(const struct pml_verifier *verifier);
/* Until SIGINT or SIGTERM; requests at hand are answered first. */
PML_CHECKED
bool pml_verifier_run(struct pml_verifier *verifier, struct pml_error *err);
void pml_verifier_free(struct pml_verifier *verifier); /* NULL is allowed */

#endif
