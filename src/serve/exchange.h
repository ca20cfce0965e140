/* SPDX-License-Identifier: MIT */
/*
 * One HTTP request and its response: the headers every response carries (spec inference-api §0), errors in the OpenAI
 * shape, and what is attached to the request while its answer is made elsewhere. Loop thread only.
 */
#ifndef PML_SERVE_EXCHANGE_H
#define PML_SERVE_EXCHANGE_H

#include "openai/error.h"
#include "serve/service.h"

#define PML_REQUEST_ID_MAX 128

struct pml_exchange { /* lives until the response has ended or the client is gone */
    struct pml_service *service;
    struct pml_http_handle handle;
    struct pml_identity *identity; /* the keyset this request began under */
    char request_id[PML_REQUEST_ID_MAX + 1];
    struct pml_completion *completion; /* told when the client goes; NULL: none */
    bool has_tenant;
    uint8_t tenant[PML_SHA256_SIZE];
};

/* Attaches a new exchange to a request. NULL: no memory, and the request has been answered. */
struct pml_exchange *pml_exchange_begin(struct pml_service *service, const struct pml_http_request *request);
/* That of a handle; NULL: it has ended. */
struct pml_exchange *pml_exchange_find(struct pml_service *service, struct pml_http_handle handle);
void pml_exchange_free(struct pml_exchange *x);

/* Each answers and ends the exchange. */
void pml_exchange_respond(struct pml_exchange *x, const struct pml_http_response *response);
void pml_exchange_error(struct pml_exchange *x, const struct pml_api_error *error);
void pml_exchange_text(struct pml_exchange *x, unsigned status, const void *json, size_t size);
void pml_exchange_json(struct pml_exchange *x, unsigned status, json_t *body); /* takes BODY; NULL: out of memory */

/* Hooks of the HTTP server; ARG is the service. */
void pml_exchange_decorate(void *arg, void *user, struct pml_http_head *head);
const char *pml_exchange_error_body(void *arg, unsigned status, const char *text, struct pml_buf *body);

#endif
