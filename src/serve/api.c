/* SPDX-License-Identifier: MIT */
/* Routes. */
#include "serve/api.h"

#include <stdlib.h>
#include <string.h>

#include "aci/report.h"
#include "aci/statement.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/time.h"
#include "serve/completion.h"
#include "serve/exchange.h"

#define STORED_ID_MAX 127

/* --- errors that several routes share --- */

static void fail_not_found(struct pml_exchange *x, const char *message)
{
    struct pml_api_error error;
    pml_api_fail(&error, 404, "not_found", "not_found", NULL, "%s", message);
    pml_exchange_error(x, &error);
}

static void fail_server(struct pml_exchange *x, const char *message)
{
    struct pml_api_error error;
    pml_api_fail(&error, 500, "server_error", NULL, NULL, "%s", message);
    pml_exchange_error(x, &error);
}

static void fail_busy(struct pml_exchange *x, const char *message)
{
    struct pml_api_error error;
    pml_api_fail(&error, 503, "unavailable_error", NULL, NULL, "%s", message);
    error.retry_after = 1;
    pml_exchange_error(x, &error);
}

/* --- what another thread answers: a handle travels, the exchange stays --- */

struct errand {
    struct pml_service *service;
    struct pml_http_handle handle;
    bool failed, found, limited;
    uint8_t credential[PML_SHA256_SIZE];
    char *document;
    size_t size;
    const char *missing; /* what a 404 says */
};

static struct errand *errand_new(const struct pml_exchange *x, const char *missing)
{
    struct errand *e = calloc(1, sizeof *e);
    if (e)
        *e = (struct errand){ .service = x->service, .handle = x->handle, .missing = missing };
    return e;
}

/* An anonymous receipt is public; another is shown to the tenant it belongs to, and to others it does not exist. */
static bool may_see(struct pml_exchange *x, const struct errand *e)
{
    struct pml_api_error error;
    if (!e->limited || (x->has_tenant && pml_ct_equal(x->tenant, e->credential, sizeof x->tenant)))
        return true;
    if (x->has_tenant) {
        fail_not_found(x, e->missing);
        return false;
    }
    pml_api_fail(&error, 401, "unauthorized", "invalid_api_key", NULL, "this receipt belongs to a bearer token");
    pml_exchange_error(x, &error);
    return false;
}

static void errand_done(void *arg)
{
    struct errand *e = arg;
    struct pml_exchange *x = pml_exchange_find(e->service, e->handle);
    if (x && e->failed)
        fail_server(x, "the document could not be had");
    else if (x && !e->found)
        fail_not_found(x, e->missing);
    else if (x && may_see(x, e))
        pml_exchange_text(x, 200, e->document, e->size);
    free(e->document);
    free(e);
}

/* On the store's thread. */
static void store_answered(void *arg, struct pml_store_answer *answer)
{
    struct errand *e = arg;
    e->failed = answer->error;
    e->found = answer->found;
    e->limited = answer->has_credential;
    memcpy(e->credential, answer->credential, sizeof e->credential);
    e->size = answer->size;
    e->document = pml_take(&answer->document);
    if (answer->error)
        pml_log_error(PML_LOG_ERROR, "serve.store", answer->error);
    pml_service_post(e->service, errand_done, e);
}

/* On the attestation's worker. */
static void report_made(void *arg, char **report, size_t size, const struct pml_error *err)
{
    struct errand *e = arg;
    e->failed = err;
    e->found = !err;
    e->size = size;
    e->document = pml_take(report);
    if (err)
        pml_log_error(PML_LOG_ERROR, "serve.quote", err);
    pml_service_post(e->service, errand_done, e);
}

/* --- GET --- */

static void get_root(struct pml_exchange *x, const struct pml_http_request *request, const char *rest)
{
    (void)request, (void)rest;
    pml_exchange_json(
        x, 200, json_pack("{s:s, s:s}", "api_version", PML_ACI_VERSION, "workload_keyset_digest", x->identity->digest));
}

static void get_health(struct pml_exchange *x, const struct pml_http_request *request, const char *rest)
{
    (void)request, (void)rest;
    struct pml_scheduler_stats stats;
    size_t slots = x->service->options.scheduler.slots;
    if (pml_identity_is_expired(x->identity, pml_now())) {
        fail_busy(x, "the keyset has expired");
        return;
    }
    pml_scheduler_stats(x->service->scheduler, &stats);
    pml_exchange_json(x, 200,
                      json_pack("{s:s, s:I, s:I}", "status", "ok", "slots_idle",
                                (json_int_t)(stats.active < slots ? slots - stats.active : 0), "slots_processing",
                                (json_int_t)stats.active));
}

static void get_version(struct pml_exchange *x, const struct pml_http_request *request, const char *rest)
{
    (void)request, (void)rest;
    pml_exchange_json(
        x, 200,
        json_pack("{s:s, s:s}", "version", PML_REPO_COMMIT[0] ? PML_REPO_COMMIT : PML_VERSION, "type", "proxy"));
}

static json_t *model_json(const struct pml_workload *w)
{
    char file_digest[PML_DIGEST_TEXT], oms_root[2 * PML_SHA256_SIZE + 1];
    bool spm = !strcmp(pml_tokenizer_model(w->tokenizer), "llama");
    return json_pack("{s:s, s:s, s:I, s:s, s:{s:i, s:I, s:I, s:I, s:I, s:I, s:{s:s, s:n, s:s}}}", "id", w->model_id,
                     "object", "model", "created", (json_int_t)w->opened_at, "owned_by", "local", "meta", "vocab_type",
                     spm ? 1 : 2, /* as llama-server numbers them */
                     "n_vocab", (json_int_t)w->info->vocabulary, "n_ctx_train", (json_int_t)w->info->trained_context,
                     "n_embd", (json_int_t)w->info->embedding, "n_params", (json_int_t)w->info->parameters, "size",
                     (json_int_t)w->info->file_size, "pml", "file_digest",
                     pml_digest_text(file_digest, w->info->file_digest), "verity_root_sha256", "oms_root_sha256",
                     pml_hex(oms_root, w->oms_root, sizeof w->oms_root));
}

static void get_models(struct pml_exchange *x, const struct pml_http_request *request, const char *rest)
{
    (void)request, (void)rest;
    pml_exchange_json(x, 200,
                      json_pack("{s:s, s:[o]}", "object", "list", "data", model_json(x->service->options.workload)));
}

/* Does the path segment TEXT, percent-decoded, spell WANTED? */
static bool spells(const char *text, const char *wanted)
{
    for (; *text; text++, wanted++) {
        uint8_t byte = (uint8_t)*text;
        if (*text == '%') {
            if (!text[1] || !pml_unhex(&byte, 1, text + 1, 2))
                return false;
            text += 2;
        }
        if (byte != (uint8_t)*wanted || !byte)
            return false;
    }
    return !*wanted;
}

static void get_model(struct pml_exchange *x, const struct pml_http_request *request, const char *rest)
{
    (void)request;
    struct pml_api_error error;
    if (spells(rest, x->service->options.workload->model_id)) {
        pml_exchange_json(x, 200, model_json(x->service->options.workload));
        return;
    }
    pml_api_fail(&error, 404, "invalid_request_error", "model_not_found", "model", "the model does not exist");
    pml_exchange_error(x, &error);
}

static void get_sessions(struct pml_exchange *x, const struct pml_http_request *request, const char *rest)
{
    (void)request, (void)rest;
    pml_exchange_json(x, 200, json_pack("{s:s, s:[]}", "api_version", PML_ACI_VERSION, "sessions"));
}

static void get_session(struct pml_exchange *x, const struct pml_http_request *request, const char *rest)
{
    (void)request, (void)rest;
    fail_not_found(x, "no such session");
}

static void get_receipt(struct pml_exchange *x, const struct pml_http_request *request, const char *rest)
{
    (void)request;
    static const char missing[] = "no such receipt, or it has expired";
    struct errand *e = errand_new(x, missing);
    if (strlen(rest) > STORED_ID_MAX)
        fail_not_found(x, missing);
    else if (e && pml_store_get_receipt(x->service->store, rest, store_answered, e))
        return;
    else
        fail_busy(x, "too many requests are waiting");
    free(e);
}

static void get_keyset(struct pml_exchange *x, const struct pml_http_request *request, const char *rest)
{
    (void)request;
    static const char missing[] = "no such keyset";
    uint8_t digest[PML_SHA256_SIZE];
    struct errand *e = errand_new(x, missing);
    if (!pml_unhex_lower(digest, sizeof digest, rest, strlen(rest)))
        fail_not_found(x, missing);
    else if (e && pml_store_get_keyset(x->service->store, digest, store_answered, e))
        return;
    else
        fail_busy(x, "too many requests are waiting");
    free(e);
}

/* --- the report --- */

/* The nonce of a query. False: there is one that is not 64 lower-case hex digits, or more than one. */
static bool query_nonce(const char *query, bool *given, uint8_t nonce[PML_NONCE_SIZE])
{
    char text[2 * PML_NONCE_SIZE + 1];
    *given = false;
    while (query && *query) {
        size_t size = strcspn(query, "&");
        if (!strncmp(query, "nonce", 5) && (size == 5 || query[5] == '=')) {
            const char *value = query + (size == 5 ? 5 : 6);
            size_t value_size = size == 5 ? 0 : size - 6;
            if (*given || value_size != sizeof text - 1)
                return false;
            memcpy(text, value, value_size);
            text[value_size] = 0;
            if (!pml_nonce_parse(nonce, text))
                return false;
            *given = true;
        }
        query += size + (query[size] == '&');
    }
    return true;
}

/* HOST without its port. */
static bool serves_host(const struct pml_exchange *x, const char *host)
{
    char name[256];
    size_t size = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    if (size >= sizeof name)
        return false;
    memcpy(name, host, size);
    name[size] = 0;
    return pml_keyset_serves_host(&x->identity->keyset, name);
}

static void get_attestation(struct pml_exchange *x, const struct pml_http_request *request, const char *rest)
{
    (void)rest;
    struct pml_api_error error;
    bool given;
    unsigned wait;
    uint8_t nonce[PML_NONCE_SIZE];
    if (!query_nonce(request->query, &given, nonce)) {
        pml_api_invalid(&error, "nonce", "nonce must be 64 lower-case hex digits");
        pml_exchange_error(x, &error);
        return;
    }
    if (!serves_host(x, request->host)) {
        fail_not_found(x, "this host has no attested TLS key here");
        return;
    }
    if (pml_identity_is_expired(x->identity, pml_now())) {
        fail_busy(x, "the keyset has expired");
        return;
    }
    if (given && !pml_rate_take(x->service->rate, request->peer, pml_monotonic_ms(), &wait)) {
        pml_api_fail(&error, 429, "rate_limit_exceeded", "rate_limit_exceeded", NULL, "too many fresh reports");
        error.retry_after = wait;
        pml_exchange_error(x, &error);
        return;
    }
    struct errand *e = errand_new(x, "");
    if (e && pml_attestation_report(x->service->attestation, x->identity, given ? nonce : NULL, report_made, e))
        return;
    free(e);
    fail_busy(x, "too many reports are waiting");
}

/* --- the table --- */

struct route {
    const char *path; /* one that ends in '/' takes what follows, which must not be empty */
    const char *method;
    void (*get)(struct pml_exchange *x, const struct pml_http_request *request, const char *rest);
    void (*post)(struct pml_exchange *x, struct pml_http_request *request);
    bool needs_bearer;
};

static const struct route routes[] = {
    { "/v1/chat/completions", "POST", NULL, pml_completion_begin, true },
    { "/v1/models", "GET", get_models },
    { "/v1/models/", "GET", get_model },
    { "/v1/aci/attestation", "GET", get_attestation },
    { "/v1/aci/receipts/", "GET", get_receipt },
    { "/v1/aci/sessions", "GET", get_sessions },
    { "/v1/aci/sessions/", "GET", get_session },
    { "/v1/pml/keysets/", "GET", get_keyset },
    { "/health", "GET", get_health },
    { "/version", "GET", get_version },
    { "/", "GET", get_root },
};

static const struct route *find_route(const char *path, const char **rest)
{
    for (size_t i = 0; i < PML_COUNT(routes); i++) {
        size_t size = strlen(routes[i].path);
        bool prefix = size > 1 && routes[i].path[size - 1] == '/';
        if (strncmp(path, routes[i].path, size) != 0 || (prefix ? !path[size] : path[size]))
            continue;
        *rest = path + size;
        return &routes[i];
    }
    return NULL;
}

static bool method_fits(const struct route *route, const char *method)
{
    return !strcmp(method, route->method) || (!strcmp(method, "HEAD") && route->get);
}

static void answer_preflight(struct pml_exchange *x, const struct pml_http_request *request)
{
    const char *asked = pml_http_request_header(request, "Access-Control-Request-Headers");
    struct pml_http_header headers[] = {
        { "Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS" },
        { "Access-Control-Allow-Headers", asked && asked[0] ? asked : "*" },
        { "Access-Control-Max-Age", "86400" },
    };
    pml_exchange_respond(
        x, &(struct pml_http_response){ .status = 204, .headers = headers, .header_count = PML_COUNT(headers) });
}

static void fail_method(struct pml_exchange *x, const struct route *route)
{
    PML_AUTO(buf) struct pml_buf body = { 0 };
    struct pml_api_error error;
    struct pml_http_header allow = { "Allow", route->get ? "GET, HEAD, OPTIONS" : "POST, OPTIONS" };
    pml_api_fail(&error, 405, "invalid_request_error", "method_not_allowed", NULL, "this path takes %s", route->method);
    pml_api_put_error(&body, &error);
    pml_exchange_respond(x, &(struct pml_http_response){ .status = 405,
                                                         .content_type = "application/json",
                                                         .headers = &allow,
                                                         .header_count = 1,
                                                         .body = body.bytes,
                                                         .body_size = body.size });
}

/* Who asks; a stranger is turned away where a bearer token is needed. */
static bool admit_tenant(struct pml_exchange *x, const struct route *route, const struct pml_http_request *request)
{
    struct pml_api_error error;
    const char *authorization = pml_http_request_header(request, "Authorization");
    x->has_tenant = pml_bearer_digest(x->tenant, authorization);
    if (!route->needs_bearer || pml_tenants_admit(x->service->tenants, x->has_tenant ? x->tenant : NULL))
        return true;
    pml_api_fail(&error, 401, "unauthorized", "invalid_api_key", NULL, "a valid bearer token is needed");
    pml_exchange_error(x, &error);
    return false;
}

/* Finds the route and what it needs. NULL: the request has been answered. */
static const struct route *admit(struct pml_exchange *x, const struct pml_http_request *request, const char **rest)
{
    const struct route *route = find_route(request->path, rest);
    if (!strcmp(request->method, "OPTIONS"))
        answer_preflight(x, request);
    else if (!route)
        fail_not_found(x, "no such path");
    else if (!method_fits(route, request->method))
        fail_method(x, route);
    else if (admit_tenant(x, route, request))
        return route;
    return NULL;
}

/* The head alone decides whether a body is worth receiving. */
static void on_head(void *arg, const struct pml_http_request *request)
{
    const char *rest;
    struct pml_exchange *x = pml_exchange_begin(arg, request);
    if (x)
        (void)admit(x, request, &rest);
}

static void on_request(void *arg, struct pml_http_request *request)
{
    const char *rest;
    struct pml_exchange *x = pml_exchange_find(arg, request->handle);
    const struct route *route = x ? find_route(request->path, &rest) : NULL;
    if (!route)
        return;
    if (route->post)
        route->post(x, request);
    else
        route->get(x, request, rest);
}

static void on_gone(void *arg, struct pml_http_handle handle, void *user)
{
    struct pml_exchange *x = user;
    (void)arg, (void)handle;
    if (x->completion)
        pml_completion_gone(x->completion);
    pml_exchange_free(x);
}

static void on_drained(void *arg, struct pml_http_handle handle, void *user)
{
    struct pml_exchange *x = user;
    (void)arg, (void)handle;
    if (x->completion)
        pml_completion_drained(x->completion);
}

struct pml_http_handler pml_api_handler(struct pml_service *service)
{
    return (struct pml_http_handler){
        .admit = on_head,
        .request = on_request,
        .gone = on_gone,
        .drained = on_drained,
        .decorate = pml_exchange_decorate,
        .error_body = pml_exchange_error_body,
        .arg = service,
    };
}
