/* SPDX-License-Identifier: MIT */
/* A session with one attested service. */
#include "client/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/time.h"

enum { DOCUMENT_MS = 120000, RESPONSE_MAX = 32 << 20 };

/* The host of an https URL: a name or address, without port and brackets. */
static bool read_host(char out[256], const char *url, struct pml_error *err)
{
    static const char scheme[] = "https://";
    if (strncmp(url, scheme, sizeof scheme - 1) != 0)
        return pml_fail(err, PML_USAGE, "url", "an https:// URL is wanted");
    const char *host = url + sizeof scheme - 1;
    size_t size = strcspn(host, "/?#");
    if (memchr(host, '@', size))
        return pml_fail(err, PML_USAGE, "url", "the URL names a user");
    if (*host == '[') {
        host++;
        size = strcspn(host, "]/");
        if (host[size] != ']')
            return pml_fail(err, PML_USAGE, "url", "the URL has no ]");
    } else {
        const char *colon = memchr(host, ':', size);
        size = colon ? (size_t)(colon - host) : size;
    }
    if (!size || size > 255)
        return pml_fail(err, PML_USAGE, "url", "the URL names no host");
    memcpy(out, host, size);
    out[size] = 0;
    return true;
}

bool pml_session_open(struct pml_session *session, const struct pml_session_options *options, struct pml_error *err)
{
    PML_AUTO(session) struct pml_session s = { 0 };
    pml_answer_init(&s.answer);
    if (!read_host(s.host, options->url, err) || !pml_random(s.nonce, sizeof s.nonce, err))
        return false;
    struct pml_http_client_options http = { .url = options->url,
                                            .trust = PML_TRUST_KEY,
                                            .bearer_token = options->token };
    s.http = pml_http_client_new(&http, err);
    if (!s.http)
        return false;
    s.checks.policy = options->policy;
    s.checks.policy_given = options->policy_given;
    s.checks.collateral = options->collateral;
    s.checks.collateral_size = options->collateral_size;
    s.checks.fresh_collateral = options->fresh_collateral;
    s.checks.source = options->source;
    *session = s;
    s = (struct pml_session){ 0 };
    return true;
}

/* Ends the run for a call that failed: by CHECK if the answer is no, by tls_key if the server showed another key. */
static bool end_call(struct pml_session *s, enum pml_check check, struct pml_error *err)
{
    if (!strcmp(err->code, "tls_key"))
        check = PML_CHECK_TLS_KEY;
    return pml_checks_end(&s->checks, err->kind == PML_NO ? check : PML_CHECK_COUNT, err);
}

/* GETs a document of at most LIMIT bytes; one that is larger is no answer that could be right. */
static bool get(struct pml_session *s, const char *path, size_t limit, char **body, size_t *size, struct pml_error *err)
{
    PML_AUTO(http_reply) struct pml_http_reply reply = { 0 };
    struct pml_http_call call = { .method = "GET", .path = path, .limit = limit, .total_ms = DOCUMENT_MS };
    if (!pml_http_client_call(s->http, &call, &reply, err)) {
        if (!strcmp(err->code, "too_large"))
            err->kind = PML_NO;
        return false;
    }
    if (reply.status != 200)
        return pml_answer_refused(reply.status, reply.body, reply.body_size, err);
    free(*body);
    *body = pml_take(&reply.body);
    *size = reply.body_size;
    return true;
}

static bool fetch_report(struct pml_session *s, struct pml_error *err)
{
    char nonce[2 * PML_NONCE_SIZE + 1];
    char path[128];
    snprintf(path, sizeof path, "/v1/aci/attestation?nonce=%s", pml_hex(nonce, s->nonce, sizeof s->nonce));
    return get(s, path, PML_REPORT_MAX, &s->report, &s->report_size, err);
}

bool pml_session_attest(struct pml_session *s, enum pml_check until)
{
    struct pml_error err = { 0 };
    if (!fetch_report(s, &err)) {
        pml_wrap(&err, "report");
        return end_call(s, PML_CHECK_REPORT, &err);
    }
    s->checks.report_text = s->report;
    s->checks.report_size = s->report_size;
    s->checks.nonce = s->nonce;
    s->checks.host = s->host;
    s->checks.spki_sha256 = pml_http_client_spki(s->http);
    s->checks.now = pml_now();
    return pml_checks_run(&s->checks, PML_CHECK_REPORT, until);
}

/* What a call for an answer collects as the bytes come. */
struct asking {
    struct pml_session *session;
    struct pml_buf bytes;
    void (*on_text)(void *arg, const char *text, size_t size);
    void *arg;
    bool readable; /* the bytes have been a chat completion so far */
    struct pml_error unreadable;
};

/* Bytes that cannot be read as an answer are collected all the same: the receipt speaks about them. */
static bool on_body(void *arg, const struct pml_http_reply *reply, const void *bytes, size_t size,
                    struct pml_error *err)
{
    struct asking *a = arg;
    struct pml_answer *answer = &a->session->answer;
    pml_put_bytes(&a->bytes, bytes, size);
    if (!pml_buf_check(&a->bytes, err))
        return false;
    if (reply->status != 200 || !a->readable)
        return true;
    size_t old = answer->text.size;
    a->readable = pml_answer_feed(answer, bytes, size, &a->unreadable);
    if (answer->text.size > old && a->on_text)
        a->on_text(a->arg, (const char *)answer->text.bytes + old, answer->text.size - old);
    return true;
}

static bool fetch_receipt(struct pml_session *s, const char *id, struct pml_error *err)
{
    char path[128];
    size_t safe = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");
    if (!*id || id[safe] || safe > 64)
        return pml_fail(err, PML_NO, "receipt", "X-Receipt-Id is not an id");
    snprintf(path, sizeof path, "/v1/aci/receipts/%s", id);
    return get(s, path, PML_RECEIPT_MAX, &s->receipt, &s->receipt_size, err);
}

/* The checks from the receipt on, over the bytes of this turn. */
static bool check_receipt(struct pml_session *s, const char *id)
{
    struct pml_error err = { 0 };
    if (!id) {
        pml_fail(&err, PML_NO, "receipt", "the response has no X-Receipt-Id");
        return pml_checks_end(&s->checks, PML_CHECK_RECEIPT, &err);
    }
    if (!fetch_receipt(s, id, &err)) {
        pml_wrap(&err, "receipt");
        return end_call(s, PML_CHECK_RECEIPT, &err);
    }
    s->checks.receipt_text = s->receipt;
    s->checks.receipt_size = s->receipt_size;
    s->checks.receipt_id = id;
    s->checks.path = PML_CHAT_PATH;
    s->checks.request = s->request;
    s->checks.request_size = s->request_size;
    s->checks.response = s->response;
    s->checks.response_size = s->response_size;
    bool ok = pml_checks_run(&s->checks, PML_CHECK_RECEIPT, PML_CHECK_COUNT - 1);
    s->checks.receipt_id = NULL;
    return ok;
}

static bool send_request(struct pml_session *s, struct asking *asking, struct pml_http_reply *reply,
                         struct pml_error *err)
{
    static const struct pml_http_header headers[] = { { "Content-Type", "application/json" } };
    struct pml_http_call call = {
        .method = "POST",
        .path = PML_CHAT_PATH,
        .headers = headers,
        .header_count = 1,
        .body = s->request,
        .body_size = s->request_size,
        .limit = RESPONSE_MAX,
        .on_body = on_body,
        .arg = asking,
    };
    bool sent = pml_http_client_call(s->http, &call, reply, err);
    if (!sent)
        return false;
    if (reply->status != 200)
        return pml_answer_refused(reply->status, (const char *)asking->bytes.bytes, asking->bytes.size, err);
    s->response = pml_buf_take(&asking->bytes, &s->response_size, err);
    return s->response;
}

/* Forgets the turn before, so that nothing of it can pass for this one. */
static void begin_turn(struct pml_session *s, char *body, size_t size)
{
    free(s->request);
    free(s->response);
    free(s->receipt);
    s->request = body;
    s->request_size = size;
    s->response = s->receipt = NULL;
    pml_receipt_wipe(&s->checks.receipt);
    for (enum pml_check check = PML_CHECK_RECEIPT; check < PML_CHECK_COUNT; check++)
        s->checks.outcome[check] = PML_SKIPPED;
    pml_answer_free(&s->answer);
    pml_answer_init(&s->answer);
}

bool pml_session_ask(struct pml_session *s, char *body, size_t size,
                     void (*on_text)(void *arg, const char *text, size_t size), void *arg)
{
    struct pml_error err = { 0 };
    PML_AUTO(http_reply) struct pml_http_reply reply = { 0 };
    begin_turn(s, body, size);
    if (s->checks.error.code)
        return false;
    if (s->checks.next <= PML_CHECK_IDENTITY) {
        pml_fail(&err, PML_UNKNOWN, "internal", "asked before the checks up to identity");
        return pml_checks_end(&s->checks, PML_CHECK_COUNT, &err);
    }
    struct asking asking = { .session = s, .on_text = on_text, .arg = arg, .readable = true };
    bool answered = send_request(s, &asking, &reply, &err);
    pml_buf_free(&asking.bytes);
    if (!answered)
        return end_call(s, PML_CHECK_COUNT, &err);
    if (!check_receipt(s, pml_http_reply_header(&reply, "X-Receipt-Id")))
        return false;
    if (!asking.readable || !pml_answer_end(&s->answer, &asking.unreadable))
        return pml_checks_end(&s->checks, PML_CHECK_COUNT, &asking.unreadable);
    return true;
}

bool pml_session_save(const struct pml_session *s, const char *dir, struct pml_error *err)
{
    char path[4096];
    char nonce[2 * PML_NONCE_SIZE + 1];
    pml_hex(nonce, s->nonce, sizeof s->nonce);
    const struct {
        const char *name, *bytes;
        size_t size;
    } files[] = {
        { "report.json", s->report, s->report_size },    { "nonce", nonce, sizeof nonce - 1 },
        { "request.json", s->request, s->request_size }, { "response.bin", s->response, s->response_size },
        { "receipt.json", s->receipt, s->receipt_size },
    };
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return pml_fail_io(err, "make %s", dir);
    for (size_t i = 0; i < PML_COUNT(files); i++) {
        if (files[i].bytes &&
            !pml_write_file(pml_path(path, dir, files[i].name), files[i].bytes, files[i].size, 0600, err))
            return false;
    }
    return true;
}

void pml_session_free(struct pml_session *s)
{
    pml_http_client_free(s->http);
    pml_checks_wipe(&s->checks);
    free(s->report);
    free(s->request);
    free(s->response);
    free(s->receipt);
    pml_answer_free(&s->answer);
    *s = (struct pml_session){ 0 };
}

void pml_session_auto(struct pml_session *s)
{
    pml_session_free(s);
}
