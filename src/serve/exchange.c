/* SPDX-License-Identifier: MIT */
/* Requests and responses. */
#include "serve/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aci/report.h"
#include "base/encode.h"

#define JSON_TYPE "application/json"
#define EXPOSED                                                                                       \
    "X-Receipt-Id, X-ACI-Version, X-ACI-Keyset-Digest, X-E2EE-Applied, X-E2EE-Version, X-E2EE-Algo, " \
    "Ehbp-Response-Nonce, X-Request-Id"

/* The client's id if it is at most 128 visible characters, else a new one. */
static void choose_request_id(char out[PML_REQUEST_ID_MAX + 1], const char *given)
{
    size_t size = given ? strlen(given) : 0;
    bool visible = size > 0 && size <= PML_REQUEST_ID_MAX;
    for (size_t i = 0; visible && i < size; i++)
        visible = given[i] > 0x20 && given[i] < 0x7f;
    if (visible) {
        memcpy(out, given, size + 1);
        return;
    }
    uint8_t random[16] = { 0 };
    struct pml_error ignored;
    (void)!pml_random(random, sizeof random, &ignored);
    memcpy(out, "req_", 4);
    pml_hex(out + 4, random, sizeof random);
}

struct pml_exchange *pml_exchange_begin(struct pml_service *service, const struct pml_http_request *request)
{
    struct pml_exchange *x = calloc(1, sizeof *x);
    if (!x || !pml_http_attach(service->http, request->handle, x)) {
        free(x);
        pml_http_abort(service->http, request->handle);
        return NULL;
    }
    x->service = service;
    x->handle = request->handle;
    x->identity = pml_identity_ref(service->identity);
    choose_request_id(x->request_id, pml_http_request_header(request, "X-Request-Id"));
    return x;
}

struct pml_exchange *pml_exchange_find(struct pml_service *service, struct pml_http_handle handle)
{
    return service->http ? pml_http_user(service->http, handle) : NULL;
}

void pml_exchange_free(struct pml_exchange *x)
{
    pml_identity_unref(x->identity);
    free(x);
}

void pml_exchange_respond(struct pml_exchange *x, const struct pml_http_response *response)
{
    (void)!pml_http_respond(x->service->http, x->handle, response); /* false: the connection is closed */
    pml_exchange_free(x);
}

void pml_exchange_text(struct pml_exchange *x, unsigned status, const void *json, size_t size)
{
    pml_exchange_respond(
        x, &(struct pml_http_response){ .status = status, .content_type = JSON_TYPE, .body = json, .body_size = size });
}

void pml_exchange_json(struct pml_exchange *x, unsigned status, json_t *body)
{
    PML_AUTO(mem) char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    if (text) {
        pml_exchange_text(x, status, text, strlen(text));
        return;
    }
    pml_http_abort(x->service->http, x->handle);
    pml_exchange_free(x);
}

void pml_exchange_error(struct pml_exchange *x, const struct pml_api_error *error)
{
    char seconds[16];
    struct pml_http_header headers[2];
    size_t count = 0;
    PML_AUTO(buf) struct pml_buf body = { 0 };
    pml_api_put_error(&body, error);
    if (error->retry_after) {
        snprintf(seconds, sizeof seconds, "%u", error->retry_after);
        headers[count++] = (struct pml_http_header){ "Retry-After", seconds };
    }
    if (error->status == 401)
        headers[count++] = (struct pml_http_header){ "WWW-Authenticate", "Bearer" };
    pml_exchange_respond(x, &(struct pml_http_response){ .status = (unsigned)error->status,
                                                         .content_type = JSON_TYPE,
                                                         .headers = headers,
                                                         .header_count = count,
                                                         .body = body.bytes,
                                                         .body_size = body.size });
}

void pml_exchange_decorate(void *arg, void *user, struct pml_http_head *head)
{
    struct pml_service *service = arg;
    struct pml_exchange *x = user;
    char request_id[PML_REQUEST_ID_MAX + 1];
    if (!x)
        choose_request_id(request_id, NULL);
    pml_http_put_header(head, "X-ACI-Version", PML_ACI_VERSION);
    pml_http_put_header(head, "X-ACI-Keyset-Digest", (x ? x->identity : service->identity)->digest);
    pml_http_put_header(head, "X-Request-Id", x ? x->request_id : request_id);
    pml_http_put_header(head, "Access-Control-Allow-Origin", "*");
    pml_http_put_header(head, "Access-Control-Expose-Headers", EXPOSED);
}

/* Errors that the HTTP server makes by itself. */
const char *pml_exchange_error_body(void *arg, unsigned status, const char *text, struct pml_buf *body)
{
    (void)arg;
    struct pml_api_error error;
    if (status == 413)
        pml_api_fail(&error, 413, "invalid_request_error", "payload_too_large", NULL, "%s", text);
    else if (status == 503)
        pml_api_fail(&error, 503, "unavailable_error", NULL, NULL, "%s", text);
    else if (status >= 500)
        pml_api_fail(&error, (int)status, "server_error", NULL, NULL, "%s", text);
    else
        pml_api_fail(&error, (int)status, "invalid_request_error", NULL, NULL, "%s", text);
    pml_api_put_error(body, &error);
    return JSON_TYPE;
}
