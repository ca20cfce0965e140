/* SPDX-License-Identifier: MIT */
/*
 * The error an API client sees: {"error":{"message","type","code","param"}} and an HTTP status (spec inference-api
 * §0.2, §4.8). Messages never quote the request; param is the path of a member, such as messages[2].content.
 */
#ifndef PML_OPENAI_ERROR_H
#define PML_OPENAI_ERROR_H

#include "base/buf.h"
#include "base/error.h"

struct pml_api_error { /* on the caller's stack, untouched on success, never NULL */
    int status;        /* HTTP */
    const char *type;  /* literal: "invalid_request_error" */
    const char *code;  /* literal or NULL */
    char param[96];    /* "" is null */
    char message[256];
    unsigned retry_after; /* seconds for the Retry-After header, 0: none */
};

/* Both return NULL, always, as pml_fail does. PARAM may be NULL. pml_api_invalid is 400 invalid_request_error without
 * a code. */
void *pml_api_fail(struct pml_api_error *err, int status, const char *type, const char *code, const char *param,
                   const char *fmt, ...) __attribute__((format(printf, 6, 7)));
void *pml_api_invalid(struct pml_api_error *err, const char *param, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends the JSON body of the error. */
void pml_api_put_error(struct pml_buf *out, const struct pml_api_error *err);

#endif
