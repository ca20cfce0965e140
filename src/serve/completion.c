/* SPDX-License-Identifier: MIT */
/* Chat completions. */
#include "serve/completion.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/time.h"
#include "engine/text_stream.h"
#include "openai/response.h"
#include "serve/prompt.h"
#include "serve/record.h"

#define ENDPOINT           "/v1/chat/completions"
#define PREPARING_MAX      256
#define PREPARING_SIZE_MAX (256u << 20) /* bytes of bodies */
#define PENDING_MAX        (16u << 20)  /* bytes of a stream that its client does not take */

enum state { PREPARING, RUNNING, STORING };

/* What the engine says at the end, copied. */
struct outcome {
    enum pml_finish finish;
    bool stopped; /* by a stop string */
    size_t output_count, prompt_count, logits_top;
    uint64_t seed;
    uint8_t prompt_digest[PML_SHA256_SIZE], output_digest[PML_SHA256_SIZE], logits_chain[PML_SHA256_SIZE];
};

struct pml_completion {
    struct pml_task task; /* of the preparation; first */
    struct pml_completion *next, **link;
    struct pml_service *service;
    struct pml_http_handle handle;
    struct pml_identity *identity;
    enum state state;
    bool gone, shutdown; /* the client has left; the service ends */
    bool replayable;     /* the receipt gets inference.executed */
    bool unreceipted;    /* PML_BENCH_SWITCH only: answered without a receipt */
    bool has_tenant;
    uint8_t tenant[PML_SHA256_SIZE];
    char receipt_id[PML_RECEIPT_ID_TEXT], chat_id[PML_CHAT_ID_TEXT];
    int64_t served_at;

    /* of the request */
    uint8_t *body;
    size_t body_size;
    uint8_t request_sha256[PML_SHA256_SIZE];
    struct pml_prompt prompt;
    bool has_model, forwarded, stream, include_usage;
    char model[257];
    char *sampling; /* as receipts spell it */
    char template_date[PML_DATE_TEXT];
    size_t max_new_tokens;

    bool refused;
    struct pml_api_error error; /* of a refusal, or of a generation that failed */

    /* the engine thread's while RUNNING */
    struct pml_text_stream *text;
    struct pml_buf content; /* text that has not been handed on: all of it when buffered */
    bool broken;            /* memory ran out on that thread */
    struct outcome outcome;

    uint64_t generation;
    struct pml_hash sent;   /* of a stream's bytes that were written */
    struct pml_buf pending; /* of a stream: could not be written yet */
    struct pml_buf last;    /* held back until the receipt is committed: the body, or the end of the stream */
    bool stored, store_full;
};

/* --- beginning and end --- */

static void completion_free(struct pml_completion *c)
{
    struct pml_service *service = c->service;
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    pml_identity_unref(c->identity);
    pml_prompt_free(&c->prompt);
    pml_text_stream_free(c->text);
    pml_hash_auto(&c->sent);
    pml_buf_free(&c->content);
    pml_buf_free(&c->pending);
    pml_buf_free(&c->last);
    free(c->sampling);
    free(c->body);
    free(c);
    pml_service_check_stop(service);
}

static bool is_inside(const struct pml_completion *c)
{
    return !c->gone && pml_exchange_find(c->service, c->handle);
}

/* Headers of every inference response. Returns how many. */
static size_t fill_headers(const struct pml_completion *c, struct pml_http_header headers[5], char seconds[16])
{
    size_t count = 0;
    headers[count++] = (struct pml_http_header){ "X-E2EE-Applied", "false" };
    if ((c->stored || c->state == RUNNING) && !c->unreceipted)
        headers[count++] = (struct pml_http_header){ "X-Receipt-Id", c->receipt_id };
    if (c->stream && !c->refused) {
        headers[count++] = (struct pml_http_header){ "Cache-Control", "no-cache" };
        headers[count++] = (struct pml_http_header){ "X-Accel-Buffering", "no" };
    } else if (c->error.retry_after) {
        snprintf(seconds, 16, "%u", c->error.retry_after);
        headers[count++] = (struct pml_http_header){ "Retry-After", seconds };
    }
    return count;
}

static void respond(struct pml_completion *c, int status, const void *body, size_t size)
{
    struct pml_http_header headers[5];
    char seconds[16];
    struct pml_exchange *x = pml_exchange_find(c->service, c->handle);
    size_t count = fill_headers(c, headers, seconds);
    if (x)
        pml_exchange_respond(x, &(struct pml_http_response){ .status = (unsigned)status,
                                                             .content_type = "application/json",
                                                             .headers = headers,
                                                             .header_count = count,
                                                             .body = body,
                                                             .body_size = size });
}

static void end_stream(struct pml_completion *c)
{
    struct pml_exchange *x = pml_exchange_find(c->service, c->handle);
    pml_put_bytes(&c->pending, c->last.bytes, c->last.size);
    if (!x)
        return;
    if (c->pending.failed)
        pml_http_abort(c->service->http, c->handle);
    else
        (void)!pml_http_end(c->service->http, c->handle, c->pending.bytes, c->pending.size);
    pml_exchange_free(x);
}

/* --- STORING --- */

/* Never a complete response without a receipt (§2.5). */
static void answer_without_receipt(struct pml_completion *c)
{
    if (c->stream && !c->refused) {
        struct pml_exchange *x = pml_exchange_find(c->service, c->handle);
        PML_AUTO(buf) struct pml_buf event = { 0 };
        pml_chat_put_error_event(&event, "the receipt could not be stored");
        if (!c->pending.size && !event.failed)
            (void)!pml_http_write(c->service->http, c->handle, event.bytes, event.size);
        pml_http_abort(c->service->http, c->handle);
        if (x)
            pml_exchange_free(x);
        return;
    }
    PML_AUTO(buf) struct pml_buf body = { 0 };
    c->refused = true;
    if (c->store_full)
        pml_api_fail(&c->error, 503, "unavailable_error", NULL, NULL, "the receipt store is full");
    else
        pml_api_fail(&c->error, 500, "server_error", NULL, NULL, "the receipt could not be stored");
    c->error.retry_after = c->store_full ? 60 : 0;
    pml_api_put_error(&body, &c->error);
    respond(c, c->error.status, body.bytes, body.size);
}

static void on_stored(void *arg)
{
    struct pml_completion *c = arg;
    if (is_inside(c)) {
        if (!c->stored)
            answer_without_receipt(c);
        else if (c->stream && !c->refused)
            end_stream(c);
        else
            respond(c, c->error.status ? c->error.status : 200, c->last.bytes, c->last.size);
    }
    completion_free(c);
}

/* On the store's thread. */
static void store_answered(void *arg, struct pml_store_answer *answer)
{
    struct pml_completion *c = arg;
    c->stored = !answer->error;
    c->store_full = answer->error && !strcmp(answer->error->code, "store_full");
    if (answer->error)
        pml_log_error(PML_LOG_ERROR, "serve.receipt", answer->error);
    pml_service_post(c->service, on_stored, c);
}

/* What was executed, as the receipt says it. Empty: nothing to say. */
static bool describe_execution(const struct pml_completion *c, struct pml_inference *out)
{
    const struct outcome *o = &c->outcome;
    if (c->refused || !c->replayable || o->finish == PML_FINISH_ERROR)
        return false;
    *out = (struct pml_inference){
        .seed = o->seed,
        .sampling = c->sampling,
        .max_new_tokens = (int64_t)c->max_new_tokens,
        .prompt_tokens = (int64_t)o->prompt_count,
        .output_tokens = (int64_t)o->output_count,
        .finish_reason = o->stopped ? "stop" : pml_finish_name(o->finish),
        .logits_top = (int64_t)o->logits_top,
        .has_logits_chain = o->logits_top,
        .template_date = c->template_date[0] ? c->template_date : NULL,
    };
    memcpy(out->prompt_tokens_digest, o->prompt_digest, PML_SHA256_SIZE);
    memcpy(out->output_tokens_digest, o->output_digest, PML_SHA256_SIZE);
    memcpy(out->logits_chain_digest, o->logits_chain, PML_SHA256_SIZE);
    return true;
}

/* Over what was written and, if the client is still there, what is about to be. */
static void hash_response(struct pml_completion *c, uint8_t digest[PML_SHA256_SIZE])
{
    struct pml_hash hash = { 0 };
    pml_hash_copy(&hash, &c->sent);
    if (!c->gone) {
        pml_hash_add(&hash, c->pending.bytes, c->pending.size);
        pml_hash_add(&hash, c->last.bytes, c->last.size);
    }
    pml_hash_final(&hash, digest);
}

/* Signs and commits the receipt; on_stored follows. */
static void sign_and_commit(struct pml_completion *c)
{
    struct pml_error err;
    struct pml_inference inference;
    size_t size = 0;
    struct pml_record record = {
        .identity = c->identity,
        .workload = c->service->options.workload,
        .receipt_id = c->receipt_id,
        .chat_id = c->refused ? NULL : c->chat_id,
        .model = c->has_model ? c->model : NULL,
        .endpoint = ENDPOINT,
        .method = "POST",
        .served_at = c->served_at,
        .forwarded = c->forwarded,
        .inference = describe_execution(c, &inference) ? &inference : NULL,
    };
    memcpy(record.request_sha256, c->request_sha256, PML_SHA256_SIZE);
    hash_response(c, record.response_sha256);
    PML_AUTO(mem) char *document = c->last.failed ? NULL : pml_record_sign(&record, &size, &err);
    struct pml_store_receipt receipt = {
        .receipt_id = c->receipt_id,
        .chat_id = record.chat_id,
        .served_at = c->served_at,
        .keyset_digest = c->identity->keyset.digest,
        .credential = c->has_tenant ? c->tenant : NULL,
        .document = document,
        .size = size,
    };
    if (!document || !pml_store_put_receipt(c->service->store, &receipt, store_answered, c)) {
        pml_log_limited(PML_LOG_ERROR, "serve.receipt", "lost=true cause=%s", document ? "store_busy" : "memory");
        on_stored(c);
    }
}

static void store(struct pml_completion *c)
{
    c->state = STORING;
    c->stored = c->unreceipted;
    if (c->unreceipted)
        on_stored(c);
    else
        sign_and_commit(c);
}

static void refuse(struct pml_completion *c)
{
    c->refused = true;
    pml_api_put_error(&c->last, &c->error);
    store(c);
}

/* --- RUNNING: the loop's side --- */

static struct pml_chat_head head_of(const struct pml_completion *c)
{
    return (struct pml_chat_head){
        .id = c->chat_id,
        .created = c->served_at,
        .model = c->has_model ? c->model : c->service->options.workload->model_id,
        .system_fingerprint = c->service->options.workload->fingerprint,
        .include_usage = c->include_usage,
    };
}

static void cancel(struct pml_completion *c)
{
    if (c->state == RUNNING)
        pml_scheduler_cancel(c->service->scheduler, c->generation);
}

/* Writes as much of PENDING as the client takes. */
static void flush(struct pml_completion *c)
{
    if (!c->pending.size || !is_inside(c))
        return;
    if (pml_http_write(c->service->http, c->handle, c->pending.bytes, c->pending.size) == PML_HTTP_SENT) {
        pml_hash_add(&c->sent, c->pending.bytes, c->pending.size);
        pml_buf_clear(&c->pending);
    }
}

/* The client does not take what it asked for, or memory is out: it is as if it had gone. */
static void abandon(struct pml_completion *c)
{
    struct pml_exchange *x = pml_exchange_find(c->service, c->handle);
    pml_http_abort(c->service->http, c->handle);
    if (x)
        pml_exchange_free(x);
    pml_completion_gone(c);
}

struct chunk {
    struct pml_completion *c;
    size_t size;
    char text[];
};

static void on_chunk(void *arg)
{
    struct chunk *chunk = arg;
    struct pml_completion *c = chunk->c;
    struct pml_chat_head head = head_of(c);
    if (is_inside(c)) {
        bool waiting = c->pending.size;
        pml_chat_put_content_chunk(&c->pending, &head, chunk->text, chunk->size);
        if (c->pending.failed || c->pending.size > PENDING_MAX)
            abandon(c);
        else if (!waiting)
            flush(c);
    }
    free(chunk);
}

/* The rest of a stream, or a whole body. */
static void put_answer(struct pml_completion *c)
{
    struct pml_chat_head head = head_of(c);
    struct pml_chat_usage usage = { (int64_t)c->outcome.prompt_count, (int64_t)c->outcome.output_count, 0 };
    const char *reason = c->outcome.stopped ? "stop" : pml_finish_name(c->outcome.finish);
    const char *content = c->content.size ? (const char *)c->content.bytes : "";
    if (!c->stream) {
        pml_chat_put_body(&c->last, &head, content, c->content.size, reason, &usage);
        return;
    }
    if (c->content.size)
        pml_chat_put_content_chunk(&c->last, &head, content, c->content.size);
    pml_chat_put_finish_chunk(&c->last, &head, reason);
    if (c->include_usage)
        pml_chat_put_usage_chunk(&c->last, &head, &usage);
    pml_put_text(&c->last, PML_SSE_DONE);
}

/* A generation that did not come to its end while the client waits for it. */
static void put_failure(struct pml_completion *c)
{
    const char *message = c->shutdown ? "the server is shutting down" : "the generation failed";
    if (c->stream) {
        pml_chat_put_error_event(&c->last, message);
        pml_put_text(&c->last, PML_SSE_DONE);
        return;
    }
    if (c->shutdown)
        pml_api_fail(&c->error, 503, "unavailable_error", NULL, NULL, "%s", message);
    else
        pml_api_fail(&c->error, 500, "server_error", NULL, NULL, "%s", message);
    pml_api_put_error(&c->last, &c->error);
}

static void on_finished(void *arg)
{
    struct pml_completion *c = arg;
    bool whole = !c->broken && c->outcome.finish != PML_FINISH_CANCELLED && c->outcome.finish != PML_FINISH_ERROR;
    if (whole)
        put_answer(c);
    else if (!c->gone)
        put_failure(c);
    pml_log(PML_LOG_DEBUG, "serve.completion", "receipt=%s finish=%s tokens=%zu", c->receipt_id,
            pml_finish_name(c->outcome.finish), c->outcome.output_count);
    store(c);
}

/* --- RUNNING: the engine's side --- */

/* Hands the text that is certain to the loop. Buffered answers keep it. */
static bool hand_over(struct pml_completion *c)
{
    if (!c->stream || !c->content.size)
        return !c->content.failed;
    struct chunk *chunk = malloc(sizeof *chunk + c->content.size);
    if (!chunk)
        return false;
    *chunk = (struct chunk){ c, c->content.size };
    memcpy(chunk->text, c->content.bytes, c->content.size);
    pml_buf_clear(&c->content);
    pml_service_post(c->service, on_chunk, chunk);
    return true;
}

static bool on_token(void *arg, const struct pml_token_event *event)
{
    struct pml_completion *c = arg;
    bool go_on = pml_text_stream_put(c->text, event->token, &c->content);
    c->outcome.stopped = !go_on;
    c->broken = c->content.failed || !hand_over(c);
    return go_on && !c->broken;
}

static void on_done(void *arg, const struct pml_generation_result *result)
{
    struct pml_completion *c = arg;
    struct outcome *o = &c->outcome;
    if (!pml_text_stream_end(c->text, &c->content))
        o->stopped = true;
    c->broken |= c->content.failed;
    o->finish = result->finish;
    o->output_count = result->output_count;
    o->prompt_count = result->prompt_count;
    o->logits_top = result->logits_top;
    o->seed = result->seed;
    memcpy(o->prompt_digest, result->prompt_digest, PML_SHA256_SIZE);
    memcpy(o->output_digest, result->output_digest, PML_SHA256_SIZE);
    memcpy(o->logits_chain, result->logits_chain, PML_SHA256_SIZE);
    if (result->error)
        pml_log_error(PML_LOG_ERROR, "serve.generation", result->error);
    pml_service_post(c->service, on_finished, c);
}

/* --- from PREPARING to RUNNING --- */

static void start_stream(struct pml_completion *c)
{
    struct pml_http_header headers[5];
    char seconds[16];
    struct pml_chat_head head = head_of(c);
    PML_AUTO(buf) struct pml_buf first = { 0 };
    pml_chat_put_role_chunk(&first, &head);
    struct pml_http_response response = {
        .status = 200,
        .content_type = "text/event-stream",
        .headers = headers,
        .header_count = fill_headers(c, headers, seconds),
        .body = first.bytes,
        .body_size = first.size,
    };
    if (first.failed || !pml_http_start(c->service->http, c->handle, &response))
        cancel(c);
    else
        pml_hash_add(&c->sent, first.bytes, first.size);
}

static void *refusal_of(struct pml_completion *c, const struct pml_error *err)
{
    if (!strcmp(err->code, "busy")) {
        pml_api_fail(&c->error, 429, "rate_limit_exceeded", "rate_limit_exceeded", NULL,
                     "too many requests are waiting; try again shortly");
        c->error.retry_after = 1;
        c->forwarded = false;
    } else if (err->kind == PML_NO) {
        pml_api_invalid(&c->error, NULL, "the request cannot be executed: %s", err->text);
    } else {
        pml_api_fail(&c->error, 500, "server_error", NULL, NULL, "the request could not be started");
        pml_log_error(PML_LOG_ERROR, "serve.submit", err);
    }
    return NULL;
}

static bool submit(struct pml_completion *c)
{
    struct pml_error err;
    const struct pml_workload *w = c->service->options.workload;
    const struct pml_chat_request *r = &c->prompt.request;
    size_t room = w->info->context_length - c->prompt.tokens.count;
    c->max_new_tokens = r->max_tokens < 0 || (uint64_t)r->max_tokens > room ? room : (size_t)r->max_tokens;
    uint64_t seed = r->seed;
    if (!pml_chat_new_id(c->chat_id, &err) || (!r->has_seed && !pml_random(&seed, sizeof seed, &err)) ||
        !(c->sampling = pml_sampling_text(&r->sampling, &err)) ||
        !(c->text = pml_text_stream_new(w->tokenizer, r->stops, r->stop_count, &err)))
        return refusal_of(c, &err);
    struct pml_generation generation = {
        .prompt = c->prompt.tokens.ids,
        .prompt_count = c->prompt.tokens.count,
        .max_tokens = c->max_new_tokens,
        .sampling = r->sampling,
        .seed = seed,
        .logits_top = c->replayable ? PML_LOGITS_TOP : 0,
        .on_token = on_token,
        .on_done = on_done,
        .arg = c,
    };
    return pml_scheduler_submit(c->service->scheduler, &generation, &c->generation, &err) || refusal_of(c, &err);
}

static void on_prepared(struct pml_task *task)
{
    struct pml_completion *c = (struct pml_completion *)task;
    struct pml_service *service = c->service;
    const struct pml_chat_request *r = &c->prompt.request;
    service->preparing--;
    service->preparing_size -= c->body_size;
    if (c->gone) { /* nothing was executed and nothing written: there is nothing to attest */
        completion_free(c);
        return;
    }
    c->has_model = r->model && r->model[0];
    if (c->has_model)
        strcpy(c->model, r->model);
    c->stream = r->stream;
    c->include_usage = r->include_usage;
    c->forwarded = c->prompt.forwarded;
    memcpy(c->template_date, c->prompt.template_date, sizeof c->template_date);
    if (c->shutdown && !c->refused) {
        c->refused = true;
        pml_api_fail(&c->error, 503, "unavailable_error", NULL, NULL, "the server is shutting down");
    }
    c->state = RUNNING;
    bool running = !c->refused && submit(c);
    pml_prompt_free(&c->prompt);
    if (!running)
        refuse(c);
    else if (c->stream)
        start_stream(c);
}

/* On a worker. */
static void prepare(struct pml_task *task)
{
    struct pml_completion *c = (struct pml_completion *)task;
    if (!c->unreceipted)
        pml_sha256(c->request_sha256, c->body, c->body_size);
    if (!c->refused)
        c->refused = !pml_prompt_prepare(&c->prompt, c->service->options.workload, (const char *)c->body, c->body_size,
                                         c->served_at, &c->error);
    free(pml_take(&c->body));
}

/* --- the door --- */

/* What cannot be served whatever the body says, with a receipt. */
static bool check_headers(const struct pml_http_request *request, struct pml_api_error *err)
{
    static const char *const e2ee[] = { "X-E2EE-Version",  "X-E2EE-Nonce",   "X-E2EE-Timestamp",    "X-Client-Pub-Key",
                                        "X-Model-Pub-Key", "X-Signing-Algo", "X-Encryption-Version" };
    for (size_t i = 0; i < PML_COUNT(e2ee); i++) {
        if (pml_http_request_header(request, e2ee[i]))
            return pml_api_fail(err, 400, "invalid_request_error", "e2ee_invalid_version", NULL,
                                "field encryption is not offered by this service");
    }
    if (pml_http_request_header(request, "X-Upstream-Verification"))
        return pml_api_invalid(err, NULL, "X-Upstream-Verification is not accepted");
    return true;
}

/* What cannot be served at all for now, without a receipt. */
static bool check_readiness(struct pml_service *s, size_t body_size, struct pml_api_error *err)
{
    if (s->stopping)
        pml_api_fail(err, 503, "unavailable_error", NULL, NULL, "the server is shutting down");
    else if (pml_identity_is_expired(s->identity, pml_now()))
        pml_api_fail(err, 503, "unavailable_error", NULL, NULL, "the keyset has expired");
    else if (pml_store_is_full(s->store))
        pml_api_fail(err, 503, "unavailable_error", NULL, NULL, "the receipt store is full");
    else if (s->preparing >= PREPARING_MAX || s->preparing_size + body_size > PREPARING_SIZE_MAX)
        pml_api_fail(err, 429, "rate_limit_exceeded", "rate_limit_exceeded", NULL, "too many requests are waiting");
    else
        return true;
    err->retry_after = err->status == 429 ? 1 : 60;
    return false;
}

static void enter(struct pml_service *service, struct pml_completion *c)
{
    c->next = service->completions;
    c->link = &service->completions;
    if (c->next)
        c->next->link = &c->next;
    service->completions = c;
}

static bool is_off(const struct pml_http_request *request, const char *name)
{
    const char *value = pml_http_request_header(request, name);
    return value && !strcasecmp(value, "off");
}

static struct pml_completion *completion_new(struct pml_exchange *x, struct pml_http_request *request)
{
    struct pml_error err;
    struct pml_completion *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    if (!pml_receipt_new_id(c->receipt_id, &err)) {
        free(c);
        return NULL;
    }
    c->service = x->service;
    c->handle = x->handle;
    c->identity = pml_identity_ref(x->identity);
    c->served_at = pml_now();
    c->has_tenant = x->has_tenant;
    memcpy(c->tenant, x->tenant, sizeof c->tenant);
    c->unreceipted = PML_BENCH_SWITCH && is_off(request, "X-PML-Receipt");
    c->replayable = !c->unreceipted && !is_off(request, "X-PML-Replay");
    c->refused = !check_headers(request, &c->error);
    c->body_size = request->body_size;
    c->body = pml_http_take_body(x->service->http, request);
    pml_hash_sha256(&c->sent);
    c->task = (struct pml_task){ .work = prepare, .done = on_prepared };
    enter(x->service, c);
    return c;
}

void pml_completion_begin(struct pml_exchange *x, struct pml_http_request *request)
{
    struct pml_api_error error;
    struct pml_service *service = x->service;
    if (!check_readiness(service, request->body_size, &error)) {
        pml_exchange_error(x, &error);
        return;
    }
    struct pml_completion *c = completion_new(x, request);
    if (!c || !pml_service_task(service, &c->task)) {
        pml_api_fail(&error, 503, "unavailable_error", NULL, NULL, "the server is out of memory");
        error.retry_after = 1;
        pml_exchange_error(x, &error);
        if (c)
            completion_free(c);
        return;
    }
    x->completion = c;
    service->preparing++;
    service->preparing_size += c->body_size;
}

void pml_completion_gone(struct pml_completion *c)
{
    c->gone = true;
    cancel(c);
}

void pml_completion_drained(struct pml_completion *c)
{
    flush(c);
}

void pml_completion_cancel_all(struct pml_service *service)
{
    for (struct pml_completion *c = service->completions; c; c = c->next) {
        c->shutdown = true;
        cancel(c);
    }
}
