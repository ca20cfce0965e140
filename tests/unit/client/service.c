/* SPDX-License-Identifier: MIT */
/* The lying service. */
#include "service.h"

#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include "aci/events.h"
#include "aci/receipt.h"
#include "aci/report.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/time.h"
#include "crypto/ed25519.h"
#include "crypto/p256.h"
#include "crypto/x509_build.h"
#include "tdx/platform.h"

#define DAY INT64_C(86400)

static const char answer_stream[] =
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"demo\",\"choices\":"
    "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n"
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"demo\",\"choices\":"
    "[{\"index\":0,\"delta\":{\"content\":\"Plums are\"},\"finish_reason\":null}]}\n\n"
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"demo\",\"choices\":"
    "[{\"index\":0,\"delta\":{\"content\":\" purple.\"},\"finish_reason\":null}]}\n\n"
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"demo\",\"choices\":"
    "[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    "data: [DONE]\n\n";
static const char error_stream[] = "data: {\"error\":{\"message\":\"out of plums\",\"type\":\"server_error\",\"code\":"
                                   "500,\"param\":null}}\n\ndata: [DONE]\n\n";

struct service {
    enum lie lie;
    char state_dir[64], url[64];
    struct pml_platform *platform;
    struct pml_secret receipt_seed;
    EVP_PKEY *tls_keys[2]; /* the second is not attested */
    SSL_CTX *contexts[2];
    struct pml_keyset keyset;
    json_t *models, *engine;
    char *receipt; /* of the last answer */
    size_t receipt_size;
    int listener;
    pthread_t thread;
    pthread_mutex_t lock;
    struct pml_buf seen; /* under lock, as is connections */
    size_t connections;
};

static void must(bool ok, const struct pml_error *err)
{
    if (!ok)
        fail_msg("service: %s", err->text);
}

/* --- the documents --- */

static void make_keyset(struct service *s)
{
    struct pml_error err;
    int64_t life = s->lie == KEYSET_EXPIRED ? -1 : s->lie == KEYSET_FOR_EVER ? 500 * DAY : 30 * DAY;
    struct pml_tls_key tls = { .domain = s->lie == TLS_KEY_OF_OTHER_HOST ? "elsewhere.example" : NULL };
    struct pml_keyset_parts parts = {
        .not_after = pml_now() + life, .receipt_key_id = "receipt-1", .tls = &tls, .tls_count = 1
    };
    must(pml_secret_random(&s->receipt_seed, PML_ED25519_SEED_SIZE, &err), &err);
    must(pml_ed25519_public(parts.receipt_public_key, &s->receipt_seed, &err), &err);
    must(pml_key_spki_sha256(tls.spki_sha256, s->tls_keys[0], &err), &err);
    must(pml_keyset_build(&s->keyset, &parts, &err), &err);
}

static void extend(struct service *s, const char *event, const json_t *descriptor)
{
    struct pml_error err;
    uint8_t payload[PML_SHA256_SIZE];
    must(pml_descriptor_payload(payload, descriptor, &err), &err);
    must(pml_platform_extend(s->platform, event, payload, sizeof payload, &err), &err);
}

static void measure(struct service *s)
{
    struct pml_error err;
    struct pml_model_descriptor model = { .model_id = "demo", .file_size = 4711, .file_digest = { 1, 2, 3 } };
    struct pml_engine_descriptor engine = {
        .engine_version = "0", .context_length = 64, .kv_dtype = "f16", .chat_template = "builtin:chatml"
    };
    json_t *descriptor = pml_model_descriptor_build(&model, &err);
    s->engine = pml_engine_descriptor_build(&engine, &err);
    s->models = json_pack("[o]", descriptor);
    extend(s, PML_RTMR_EVENT_MODEL, descriptor);
    if (s->lie == MODEL_EXTRA)
        extend(s, PML_RTMR_EVENT_MODEL, s->engine);
    extend(s, PML_RTMR_EVENT_ENGINE, s->engine);
    if (s->lie == ENGINE_TWICE)
        extend(s, PML_RTMR_EVENT_ENGINE, s->engine);
    if (s->lie == MODEL_DESCRIPTOR)
        json_object_set_new(descriptor, "file_size", json_integer(4712));
    if (s->lie == ENGINE_DESCRIPTOR)
        json_object_set_new(s->engine, "context_length", json_integer(65));
    if (s->lie == NO_MODEL)
        json_array_clear(s->models);
}

static char *event_log(struct service *s)
{
    struct pml_error err;
    char *text = pml_platform_event_log(s->platform, &err);
    must(text, &err);
    if (s->lie == EVENT_DIGEST) {
        char *last = NULL;
        for (char *at = text; (at = strstr(at, "\"digest\":\"")); at++)
            last = at + strlen("\"digest\":\"");
        *last = *last == '0' ? '1' : '0';
    } else if (s->lie == EVENT_DROPPED) {
        json_t *log = json_loads(text, 0, NULL);
        json_array_remove(log, json_array_size(log) - 1);
        free(text);
        text = json_dumps(log, JSON_COMPACT);
        json_decref(log);
    }
    return text;
}

static json_t *collateral(struct service *s)
{
    struct pml_error err;
    char *text = NULL;
    must(pml_platform_collateral(s->platform, &text, &err), &err);
    json_t *bundle = json_loads(text, 0, NULL);
    free(text);
    if (s->lie == COLLATERAL_BYTE) {
        char *info = strdup(json_string_value(json_object_get(bundle, "tcb_info")));
        char *date = strstr(info, "issueDate");
        date[strlen("issueDate\":\"20")] ^= 1;
        json_object_set_new(bundle, "tcb_info", json_string(info));
        free(info);
    }
    return bundle;
}

static void lie_about(struct service *s, json_t *report)
{
    json_t *attestation = json_object_get(report, "attestation");
    json_t *keyset = json_object_get(attestation, "workload_keyset");
    json_t *evidence = json_object_get(attestation, "evidence");
    static const char zero[] = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
    switch (s->lie) {
    case KEYSET_DIGEST: json_object_set_new(report, "workload_keyset_digest", json_string(zero)); break;
    case KEYSET_OTHER: json_object_set_new(keyset, "subject", json_string("somebody else")); break;
    case REPORT_OTHER_VERSION: json_object_set_new(report, "api_version", json_string("aci/2")); break;
    case NO_QUOTE: json_object_del(evidence, "quote"); break;
    case NO_EVENT_LOG: json_object_set_new(evidence, "event_log", json_null()); break;
    case APP_COMPOSE: json_object_set_new(evidence, "app_compose", json_string("{}")); break;
    default: break;
    }
}

static char *make_report(struct service *s, const char *nonce_text, size_t *size)
{
    struct pml_error err;
    uint8_t nonce[PML_NONCE_SIZE], report_data[PML_SHA256_SIZE], slot[PML_REPORT_DATA_SLOT];
    must(pml_nonce_parse(nonce, nonce_text), &err);
    if (s->lie == OLD_NONCE)
        nonce[0] ^= 1;
    pml_statement_report_data(report_data, s->keyset.digest, nonce);
    pml_statement_slot(slot, report_data);
    size_t quote_size;
    uint8_t *quote = pml_platform_quote(s->platform, slot, &quote_size, &err);
    must(quote, &err);
    if (s->lie == QUOTE_BIT)
        quote[200] ^= 1;
    char *log = event_log(s);
    json_t *bundle = s->lie == NO_COLLATERAL ? NULL : collateral(s);
    struct pml_report_parts parts = {
        .keyset = &s->keyset,
        .report_data = report_data,
        .quote = quote,
        .quote_size = quote_size,
        .event_log = log,
        .app_compose = pml_platform_describe(s->platform)->app_compose,
        .vm_config = "{}",
        .platform = "simulated",
        .models = s->models,
        .engine = s->engine,
        .collateral = bundle,
    };
    char *text = pml_report_build(&parts, size, &err);
    must(text, &err);
    json_t *report = json_loads(text, 0, NULL);
    lie_about(s, report);
    free(text);
    text = json_dumps(report, JSON_COMPACT);
    *size = strlen(text);
    json_decref(report);
    json_decref(bundle);
    free(log);
    free(quote);
    return text;
}

static json_t *event_of(const json_t *descriptor, const char *type, const char *member, int64_t value)
{
    struct pml_error err;
    json_t *event = pml_descriptor_event(descriptor, type, &err);
    if (member)
        json_object_set_new(event, member, json_integer(value));
    return event;
}

static void make_receipt(struct service *s, const char *body, size_t body_size)
{
    struct pml_error err;
    uint8_t request[PML_SHA256_SIZE], response[PML_SHA256_SIZE];
    const char *stream = s->lie == ERROR_EVENT ? error_stream : answer_stream;
    pml_sha256(request, body, body_size);
    pml_sha256(response, stream, strlen(stream));
    if (s->lie == NOT_AN_ANSWER)
        pml_sha256(response, "plums", 5);
    if (s->lie == RECEIPT_OTHER_REQUEST)
        request[0] ^= 1;
    json_t *events = pml_receipt_events(&err);
    must(pml_receipt_add_body(events, PML_EVENT_RECEIVED, request, &err) &&
             pml_receipt_add_body(events, PML_EVENT_FORWARDED, request, &err),
         &err);
    if (s->lie != RECEIPT_NO_MODEL)
        json_array_append_new(events, event_of(json_array_get(s->models, 0), PML_EVENT_MODEL,
                                               s->lie == RECEIPT_OTHER_MODEL ? "file_size" : NULL, 1));
    json_array_append_new(
        events, event_of(s->engine, PML_EVENT_ENGINE, s->lie == RECEIPT_OTHER_ENGINE ? "context_length" : NULL, 1));
    must(pml_receipt_add_body(events, PML_EVENT_RETURNED, response, &err), &err);
    struct pml_receipt_head head = {
        .receipt_id = s->lie == RECEIPT_OTHER_ID ? "rcpt-2" : "rcpt-1",
        .chat_id = "chatcmpl-1",
        .model = s->lie == RECEIPT_OTHER_ASKED_MODEL ? "other" : "demo",
        .endpoint = s->lie == RECEIPT_OTHER_PATH ? "/v1/completions" : "/v1/chat/completions",
        .method = "POST",
        .served_at = pml_now(),
    };
    memcpy(head.keyset_digest, s->keyset.digest, PML_SHA256_SIZE);
    if (s->lie == RECEIPT_OTHER_KEYSET)
        head.keyset_digest[0] ^= 1;
    free(s->receipt);
    s->receipt = pml_receipt_sign(&head, events, "receipt-1", &s->receipt_seed, &s->receipt_size, &err);
    must(s->receipt, &err);
    json_decref(events);
    if (s->lie == RECEIPT_SIGNATURE) {
        char *at = strstr(s->receipt, "\"signature\":\"") + strlen("\"signature\":\"");
        *at = *at == '0' ? '1' : '0';
    }
}

/* --- HTTP --- */

static void respond(struct pml_buf *out, const char *status, const char *headers, const void *body, size_t size,
                    size_t claimed_size)
{
    pml_put_format(out, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n", status, claimed_size,
                   headers);
    pml_put_bytes(out, body, size);
}

static void respond_error(struct pml_buf *out, const char *status)
{
    static const char body[] = "{\"error\":{\"message\":\"not today\",\"type\":\"x\",\"code\":null,\"param\":null}}";
    respond(out, status, "", body, sizeof body - 1, sizeof body - 1);
}

static void respond_endless(struct pml_buf *out)
{
    size_t size = 5 << 20;
    char *body = malloc(size);
    memset(body, ' ', size);
    respond(out, "200 OK", "", body, size, size);
    free(body);
}

static void answer_report(struct service *s, struct pml_buf *out, const char *nonce)
{
    size_t size;
    switch (s->lie) {
    case REPORT_404: respond_error(out, "404 Not Found"); return;
    case REPORT_503: respond_error(out, "503 Service Unavailable"); return;
    case REPORT_NOT_JSON: respond(out, "200 OK", "", "plums", 5, 5); return;
    case REPORT_ENDLESS: respond_endless(out); return;
    default: break;
    }
    char *report = make_report(s, nonce, &size);
    respond(out, "200 OK", "", report, size, size);
    free(report);
}

static void answer_chat(struct service *s, struct pml_buf *out, const char *body, size_t size)
{
    char bytes[sizeof answer_stream];
    const char *stream = s->lie == ERROR_EVENT ? error_stream : answer_stream;
    size_t stream_size = strlen(stream);
    memcpy(bytes, stream, stream_size);
    if (s->lie == REFUSAL) {
        respond_error(out, "400 Bad Request");
        return;
    }
    make_receipt(s, body, size);
    if (s->lie == NOT_AN_ANSWER) {
        respond(out, "200 OK", "X-Receipt-Id: rcpt-1\r\n", "plums", 5, 5);
        return;
    }
    if (s->lie == ANSWER_BYTE)
        memcpy(memmem(bytes, stream_size, "purple", 6), "orange", 6);
    respond(out, "200 OK",
            s->lie == NO_RECEIPT_ID        ? ""
            : s->lie == STRANGE_RECEIPT_ID ? "X-Receipt-Id: ../../x\r\n"
                                           : "X-Receipt-Id: rcpt-1\r\n",
            bytes, s->lie == CUT_STREAM ? stream_size / 2 : stream_size, stream_size);
}

static void answer(struct service *s, struct pml_buf *out, const char *request, const char *body, size_t body_size)
{
    static const char report[] = "GET /v1/aci/attestation?nonce=";
    char nonce[2 * PML_NONCE_SIZE + 1];
    if (!strncmp(request, report, sizeof report - 1)) {
        snprintf(nonce, sizeof nonce, "%s", request + sizeof report - 1);
        answer_report(s, out, nonce);
    } else if (!strncmp(request, "POST /v1/chat/completions ", 26)) {
        answer_chat(s, out, body, body_size);
    } else if (!strncmp(request, "GET /v1/aci/receipts/rcpt-1 ", 28) && s->receipt && s->lie != RECEIPT_404) {
        if (s->lie == RECEIPT_ENDLESS)
            respond_endless(out);
        else
            respond(out, "200 OK", "", s->receipt, s->receipt_size, s->receipt_size);
    } else {
        respond_error(out, "404 Not Found");
    }
}

/* Reads one request of at most 1 MiB and keeps it. Returns where its body begins, NULL when it ends early. */
static const char *read_request(struct service *s, SSL *ssl, struct pml_buf *in, size_t *body_size)
{
    for (;;) {
        char bytes[4096];
        int got = SSL_read(ssl, bytes, sizeof bytes);
        if (got <= 0 || in->size > 1 << 20)
            return NULL;
        pthread_mutex_lock(&s->lock);
        pml_put_bytes(&s->seen, bytes, (size_t)got);
        pthread_mutex_unlock(&s->lock);
        pml_put_bytes(in, bytes, (size_t)got);
        pml_put_u8(in, 0);
        in->size--;
        const char *end = strstr((const char *)in->bytes, "\r\n\r\n");
        if (!end)
            continue;
        const char *length = strcasestr((const char *)in->bytes, "\r\ncontent-length:");
        size_t wanted = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
        size_t head = (size_t)(end + 4 - (const char *)in->bytes);
        if (in->size < head + wanted)
            continue;
        *body_size = wanted;
        return end + 4;
    }
}

static void serve_connection(struct service *s, int fd, SSL_CTX *context)
{
    struct pml_buf in = { 0 }, out = { 0 };
    size_t body_size;
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        const char *body = read_request(s, ssl, &in, &body_size);
        if (body) {
            answer(s, &out, (const char *)in.bytes, body, body_size);
            SSL_write(ssl, out.bytes, (int)out.size);
            SSL_shutdown(ssl);
        }
    }
    SSL_free(ssl);
    close(fd);
    pml_buf_free(&in);
    pml_buf_free(&out);
}

static void *serve(void *arg)
{
    struct service *s = arg;
    for (;;) {
        int fd = accept(s->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        pthread_mutex_lock(&s->lock);
        size_t count = ++s->connections;
        pthread_mutex_unlock(&s->lock);
        bool swapped = (s->lie == TLS_KEY_SWAPPED_BEFORE_PROMPT && count >= 2) ||
                       (s->lie == TLS_KEY_SWAPPED_BEFORE_RECEIPT && count >= 3) || s->lie == TLS_KEY_UNLISTED;
        serve_connection(s, fd, s->contexts[swapped]);
    }
}

/* --- starting and stopping --- */

static void make_tls(struct service *s)
{
    struct pml_error err;
    static const char *const names[] = { "127.0.0.1" };
    for (size_t i = 0; i < 2; i++) {
        s->tls_keys[i] = pml_p256_new(&err);
        must(s->tls_keys[i], &err);
        X509 *certificate =
            pml_cert_self_signed(s->tls_keys[i], "test", names, 1, pml_now() - DAY, pml_now() + DAY, &err);
        must(certificate, &err);
        s->contexts[i] = SSL_CTX_new(TLS_server_method());
        assert_int_equal(SSL_CTX_use_certificate(s->contexts[i], certificate), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(s->contexts[i], s->tls_keys[i]), 1);
        X509_free(certificate);
    }
}

static void listen_somewhere(struct service *s)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(s->listener, 8), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &size), 0);
    snprintf(s->url, sizeof s->url, "https://127.0.0.1:%d", ntohs(at.sin_port));
}

struct service *service_start(enum lie lie)
{
    struct pml_error err;
    struct service *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->lie = lie;
    pthread_mutex_init(&s->lock, NULL);
    snprintf(s->state_dir, sizeof s->state_dir, "/tmp/pml-service-XXXXXX");
    assert_non_null(mkdtemp(s->state_dir));
    struct pml_platform_model model = { "demo",
                                        "sha256:0102030000000000000000000000000000000000000000000000000000000000" };
    struct pml_platform_options options = {
        .state_dir = s->state_dir, .simulated = true, .models = &model, .model_count = 1
    };
    s->platform = pml_platform_open(&options, &err);
    must(s->platform, &err);
    make_tls(s);
    make_keyset(s);
    measure(s);
    listen_somewhere(s);
    signal(SIGPIPE, SIG_IGN); /* clients that find a lie hang up */
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
    return s;
}

void service_stop(struct service *s)
{
    char command[128];
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->listener);
    for (size_t i = 0; i < 2; i++) {
        SSL_CTX_free(s->contexts[i]);
        EVP_PKEY_free(s->tls_keys[i]);
    }
    pml_platform_free(s->platform);
    pml_keyset_wipe(&s->keyset);
    pml_secret_wipe(&s->receipt_seed);
    json_decref(s->models);
    json_decref(s->engine);
    free(s->receipt);
    pml_buf_free(&s->seen);
    snprintf(command, sizeof command, "rm -rf %s", s->state_dir);
    if (system(command) != 0)
        fail_msg("cannot remove %s", s->state_dir);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const char *service_url(const struct service *s)
{
    return s->url;
}

const char *service_state_dir(const struct service *s)
{
    return s->state_dir;
}

bool service_saw(struct service *s, const char *needle)
{
    pthread_mutex_lock(&s->lock);
    bool seen = s->seen.size && memmem(s->seen.bytes, s->seen.size, needle, strlen(needle));
    pthread_mutex_unlock(&s->lock);
    return seen;
}

size_t service_connections(struct service *s)
{
    pthread_mutex_lock(&s->lock);
    size_t count = s->connections;
    pthread_mutex_unlock(&s->lock);
    return count;
}
