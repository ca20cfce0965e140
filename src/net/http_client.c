/* SPDX-License-Identifier: MIT */
/* The HTTP client: one libcurl handle, whose connections are reused. */
#include "net/http_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/memory.h"

#define DEFAULT_LIMIT    (4 << 20)
#define MAX_HEADERS      256
#define MAX_HEADERS_SIZE (256 << 10)

struct pml_http_client {
    CURL *curl;
    char *url;
    char *authorization; /* the whole header line, NULL: none */
    struct pml_tls_judge judge;
    bool by_key, have_key, wrong_key;
    uint8_t spki[PML_SPKI_SIZE];    /* demanded, once have_key */
    uint8_t offered[PML_SPKI_SIZE]; /* in the handshake at hand */
    unsigned connect_ms, stall_ms;
};

/* One call under way. */
struct exchange {
    const struct pml_http_call *call;
    struct pml_http_reply *reply;
    struct pml_error *err;
    struct pml_buf body;
    size_t received, headers_size, headers_room;
    bool in_body, failed; /* ERR is filled */
    char reason[CURL_ERROR_SIZE];
};

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool accept_key(void *arg, const uint8_t spki[PML_SPKI_SIZE])
{
    struct pml_http_client *client = arg;
    client->wrong_key = client->have_key && memcmp(client->spki, spki, PML_SPKI_SIZE) != 0;
    memcpy(client->offered, spki, PML_SPKI_SIZE);
    return !client->wrong_key;
}

static CURLcode set_context(CURL *curl, void *context, void *arg)
{
    struct pml_http_client *client = arg;
    (void)curl;
    pml_tls_client_judge(context, &client->judge);
    return CURLE_OK;
}

/* The handshake is complete, so the server has proven that it holds the offered key; the request has not been sent. */
static int on_connected(void *arg, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
    struct pml_http_client *client = arg;
    (void)remote_ip, (void)local_ip, (void)remote_port, (void)local_port;
    if (client->by_key && !client->have_key) {
        memcpy(client->spki, client->offered, PML_SPKI_SIZE);
        client->have_key = true;
    }
    return CURL_PREREQFUNC_OK;
}

static bool is_loopback_url(const char *url)
{
    static const char *const hosts[] = { "127.", "localhost", "[::1]" };
    const char *host = strstr(url, "://") + 3;
    for (size_t i = 0; i < PML_COUNT(hosts); i++) {
        if (strncasecmp(host, hosts[i], strlen(hosts[i])) == 0)
            return true;
    }
    return false;
}

static bool set_options(struct pml_http_client *client, const struct pml_http_client_options *options,
                        struct pml_error *err)
{
    CURL *curl = client->curl;
    bool good = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_SSL_SESSIONID_CACHE, 0L) == CURLE_OK;
    if (options->unix_socket)
        good &= curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, options->unix_socket) == CURLE_OK;
    if (options->unix_socket || is_loopback_url(options->url))
        good &= curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK; /* whatever the environment says */
    if (options->ca_file)
        good &= curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca_file) == CURLE_OK;
    if (client->by_key)
        good &= curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, set_context) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, client) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, on_connected) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PREREQDATA, client) == CURLE_OK;
    return good || pml_fail(err, PML_UNKNOWN, "network", "libcurl lacks a feature that is needed");
}

static bool copy_strings(struct pml_http_client *client, const struct pml_http_client_options *options,
                         struct pml_error *err)
{
    if (strncmp(options->url, "https://", 8) != 0 && strncmp(options->url, "http://", 7) != 0)
        return pml_fail(err, PML_USAGE, "url", "%.200s is no http or https URL", options->url);
    client->url = strdup(options->url);
    if (!client->url)
        return pml_fail_memory(err);
    size_t size = strlen(client->url);
    while (size && client->url[size - 1] == '/') /* paths begin with one */
        client->url[--size] = 0;
    if (options->bearer_token &&
        asprintf(&client->authorization, "Authorization: Bearer %s", options->bearer_token) < 0) {
        client->authorization = NULL;
        return pml_fail_memory(err);
    }
    return true;
}

struct pml_http_client *pml_http_client_new(const struct pml_http_client_options *options, struct pml_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_curl);
    PML_AUTO(http_client) struct pml_http_client *client = calloc(1, sizeof *client);
    if (!client)
        return pml_fail_memory(err);
    client->by_key = options->trust == PML_TRUST_KEY;
    client->judge = (struct pml_tls_judge){ accept_key, client };
    client->connect_ms = options->connect_ms ? options->connect_ms : 10000;
    client->stall_ms = options->stall_ms ? options->stall_ms : 60000;
    if (options->spki) {
        memcpy(client->spki, options->spki, PML_SPKI_SIZE);
        client->have_key = true;
    }
    if (!copy_strings(client, options, err))
        return NULL;
    client->curl = curl_easy_init();
    if (!client->curl)
        return pml_fail_memory(err);
    if (!set_options(client, options, err))
        return NULL;
    return pml_take(&client);
}

void pml_http_client_free(struct pml_http_client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->curl);
    if (client->authorization)
        pml_wipe(client->authorization, strlen(client->authorization));
    free(client->authorization);
    free(client->url);
    free(client);
}

void pml_http_client_auto(struct pml_http_client **client)
{
    pml_http_client_free(*client);
}

const uint8_t *pml_http_client_spki(const struct pml_http_client *client)
{
    return client->have_key ? client->spki : NULL;
}

static size_t stop(struct exchange *x)
{
    x->failed = true;
    return 0;
}

static void forget_headers(struct pml_http_reply *reply)
{
    for (size_t i = 0; i < reply->header_count; i++) {
        free((char *)reply->headers[i].name); /* its value is in the same memory */
    }
    reply->header_count = 0;
}

static bool add_header(struct exchange *x, const char *line, size_t size)
{
    struct pml_http_reply *reply = x->reply;
    const char *colon = memchr(line, ':', size);
    if (!colon)
        return true;
    if (reply->header_count >= MAX_HEADERS || (x->headers_size += size) > MAX_HEADERS_SIZE)
        return pml_fail(x->err, PML_UNKNOWN, "too_large", "the response has too many headers");
    if (!reply->headers)
        reply->headers = calloc(MAX_HEADERS, sizeof reply->headers[0]);
    char *copy = reply->headers ? strndup(line, size) : NULL;
    if (!copy)
        return pml_fail_memory(x->err);
    char *value = copy + (colon - line);
    *value++ = 0;
    value += strspn(value, " \t");
    value[strcspn(value, "\r\n")] = 0;
    reply->headers[reply->header_count++] = (struct pml_http_header){ copy, value };
    return true;
}

/* The three digits behind the version. */
static unsigned read_status(const char *line, size_t size)
{
    const char *space = memchr(line, ' ', size);
    unsigned status = 0;
    for (const char *at = space ? space + 1 : line + size; at < line + size && *at >= '0' && *at <= '9'; at++)
        status = 10 * status + (unsigned)(*at - '0');
    return status;
}

static size_t on_header(char *bytes, size_t one, size_t size, void *arg)
{
    struct exchange *x = arg;
    (void)one;
    if (x->in_body) /* trailers say nothing that counts */
        return size;
    if (size > 5 && memcmp(bytes, "HTTP/", 5) == 0) { /* again after an interim response */
        forget_headers(x->reply);
        x->reply->status = read_status(bytes, size);
        return size;
    }
    return add_header(x, bytes, size) ? size : stop(x);
}

static size_t on_body(char *bytes, size_t one, size_t size, void *arg)
{
    struct exchange *x = arg;
    const struct pml_http_call *call = x->call;
    size_t limit = call->limit ? call->limit : DEFAULT_LIMIT;
    (void)one;
    x->in_body = true;
    if (size > limit - x->received) {
        pml_fail(x->err, PML_UNKNOWN, "too_large", "the response has more than %zu bytes", limit);
        return stop(x);
    }
    x->received += size;
    if (!call->on_body) {
        pml_put_bytes(&x->body, bytes, size);
        return size;
    }
    return call->on_body(call->arg, x->reply, bytes, size, x->err) ? size : stop(x);
}

static bool fail_call(const struct pml_http_client *client, struct exchange *x, CURLcode code)
{
    const char *why = x->reason[0] ? x->reason : curl_easy_strerror(code);
    if (x->failed)
        return false;
    if (client->wrong_key)
        return pml_fail(x->err, PML_NO, "tls_key", "the server shows another TLS key than before; nothing was sent");
    switch (code) {
    case CURLE_OUT_OF_MEMORY: return pml_fail_memory(x->err);
    case CURLE_OPERATION_TIMEDOUT: return pml_fail(x->err, PML_UNKNOWN, "timeout", "%s", why);
    case CURLE_URL_MALFORMAT: return pml_fail(x->err, PML_USAGE, "url", "%s", why);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_PEER_FAILED_VERIFICATION: return pml_fail(x->err, PML_UNKNOWN, "tls", "%s", why);
    default: return pml_fail(x->err, PML_UNKNOWN, "network", "%s", why);
    }
}

static bool add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (!longer)
        return false;
    *list = longer;
    return true;
}

static struct curl_slist *request_headers(const struct pml_http_client *client, const struct pml_http_call *call)
{
    /* libcurl's own ideas are switched off: a second round trip for large bodies, a form's content type */
    struct curl_slist *list = NULL;
    bool good = add_line(&list, "Expect:") && add_line(&list, "Content-Type:");
    if (good && client->authorization)
        good = add_line(&list, client->authorization);
    for (size_t i = 0; good && i < call->header_count; i++) {
        char *line;
        const struct pml_http_header *h = &call->headers[i];
        /* "Name;" is how libcurl spells a header without a value */
        if (asprintf(&line, *h->value ? "%s: %s" : "%s;", h->name, h->value) < 0)
            good = false;
        else
            good = add_line(&list, line);
        if (good)
            free(line);
    }
    if (good)
        return list;
    curl_slist_free_all(list);
    return NULL;
}

static CURLcode perform(struct pml_http_client *client, struct exchange *x, const char *url, struct curl_slist *headers)
{
    CURL *curl = client->curl;
    const struct pml_http_call *call = x->call;
    bool head = strcmp(call->method, "HEAD") == 0;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L); /* forgets what an earlier call set */
    if (call->body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_size);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body);
    }
    curl_easy_setopt(curl, CURLOPT_NOBODY, head ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, head ? NULL : call->method);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, x->reason);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)client->connect_ms);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)(client->stall_ms + 999) / 1000);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)call->total_ms);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
    return code;
}

static bool exchange(struct pml_http_client *client, struct exchange *x)
{
    PML_AUTO(mem) char *url = NULL;
    if (asprintf(&url, "%s%s", client->url, x->call->path) < 0) {
        url = NULL;
        return pml_fail_memory(x->err);
    }
    struct curl_slist *headers = request_headers(client, x->call);
    if (!headers)
        return pml_fail_memory(x->err);
    client->wrong_key = false;
    CURLcode code = perform(client, x, url, headers);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        return fail_call(client, x, code);
    if (x->call->on_body)
        return true;
    x->reply->body = pml_buf_take(&x->body, &x->reply->body_size, x->err);
    return x->reply->body != NULL;
}

bool pml_http_client_call(struct pml_http_client *client, const struct pml_http_call *call,
                          struct pml_http_reply *reply, struct pml_error *err)
{
    struct exchange x = { .call = call, .reply = reply, .err = err };
    *reply = (struct pml_http_reply){ 0 };
    bool good = exchange(client, &x);
    pml_buf_free(&x.body);
    if (!good)
        pml_http_reply_free(reply);
    return good;
}

const char *pml_http_reply_header(const struct pml_http_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->header_count; i++) {
        if (strcasecmp(reply->headers[i].name, name) == 0)
            return reply->headers[i].value;
    }
    return NULL;
}

void pml_http_reply_free(struct pml_http_reply *reply)
{
    forget_headers(reply);
    free(reply->headers);
    free(reply->body);
    *reply = (struct pml_http_reply){ 0 };
}

void pml_http_reply_auto(struct pml_http_reply *reply)
{
    pml_http_reply_free(reply);
}
