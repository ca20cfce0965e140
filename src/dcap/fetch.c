/* SPDX-License-Identifier: MIT */
/* Fetching collateral from PCS and PCCS. */
#include "dcap/fetch.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/encode.h"
#include "base/memory.h"
#include "dcap/pcs_response.h"
#include "net/http_client.h"

#define CERTIFICATES_URL "https://certificates.trustedservices.intel.com" /* of Intel's root CRL */
#define ANSWER_MS        30000
#define TRIES            3
#define RETRY_MS         500
#define RETRY_AFTER_MAX  10 /* seconds that a service may ask us to wait */
#define CHAIN_MAX        (64 << 10)

struct pml_fetch {
    char **urls; /* owned, normalised */
    size_t url_count;
    char *ca_file;
    unsigned retry_ms, answer_ms;
};

/* --- services --- */

/* The host of an http URL is this machine. */
static bool is_local(const char *url)
{
    char host[64] = { 0 };
    struct in_addr v4;
    const char *at = strstr(url, "://") + 3;
    size_t size = *at == '[' ? strcspn(at, "]") + 1 : strcspn(at, ":/");
    if (size >= sizeof host)
        return false;
    if (at[size] && at[size] != ':' && at[size] != '/')
        return false;
    memcpy(host, at, size);
    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

static void strip(char *url, const char *suffix)
{
    size_t size = strlen(url), suffix_size = strlen(suffix);
    if (size > suffix_size && strcmp(url + size - suffix_size, suffix) == 0)
        url[size - suffix_size] = 0;
}

static void strip_slashes(char *url)
{
    size_t size = strlen(url);
    while (size && url[size - 1] == '/')
        url[--size] = 0;
}

/* A copy of URL without what all paths begin with. */
static char *normalise(const char *url, struct pml_error *err)
{
    bool https = strncmp(url, "https://", 8) == 0;
    if ((!https && strncmp(url, "http://", 7) != 0) || strpbrk(url, "@?# \t\r\n"))
        return pml_fail(err, PML_USAGE, "usage", "%.200s: not the URL of a PCCS", url);
    if (!https && !is_local(url))
        return pml_fail(err, PML_USAGE, "usage", "%.200s: http is for this machine only, elsewhere https is wanted",
                        url);
    char *copy = strdup(url);
    if (!copy)
        return pml_fail_memory(err);
    strip_slashes(copy);
    strip(copy, "/sgx/certification/v4");
    strip(copy, "/tdx/certification/v4");
    strip_slashes(copy);
    return copy;
}

struct pml_fetch *pml_fetch_new(const struct pml_fetch_options *options, struct pml_error *err)
{
    static const char *const intel[] = { PML_PCS_URL };
    const char *const *urls = options->url_count ? options->urls : intel;
    size_t count = options->url_count ? options->url_count : 1;
    struct pml_fetch *f = calloc(1, sizeof *f);
    if (!f)
        return pml_fail_memory(err);
    f->retry_ms = options->retry_ms ? options->retry_ms : RETRY_MS;
    f->answer_ms = options->answer_ms ? options->answer_ms : ANSWER_MS;
    f->urls = calloc(count, sizeof *f->urls);
    f->ca_file = options->ca_file ? strdup(options->ca_file) : NULL;
    bool good = f->urls && (f->ca_file || !options->ca_file);
    if (!good)
        pml_fail_memory(err);
    for (; good && f->url_count < count; f->url_count++)
        good = (f->urls[f->url_count] = normalise(urls[f->url_count], err));
    if (good)
        return f;
    pml_fetch_free(f);
    return NULL;
}

void pml_fetch_free(struct pml_fetch *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->url_count; i++)
        free(f->urls[i]);
    free(f->urls);
    free(f->ca_file);
    free(f);
}

/* --- one request --- */

static void wait_ms(unsigned ms)
{
    struct timespec left = { ms / 1000, (long)(ms % 1000) * 1000000 };
    while (nanosleep(&left, &left) != 0)
        ;
}

static bool is_passing(unsigned status)
{
    return status == 429 || status >= 500;
}

/* How long the service wants to be left alone, in ms; -1: it does not say. */
static long retry_after(const struct pml_http_reply *reply)
{
    const char *value = pml_http_reply_header(reply, "Retry-After");
    if (!value || *value < '0' || *value > '9')
        return -1;
    long seconds = strtol(value, NULL, 10);
    return (seconds < RETRY_AFTER_MAX ? seconds : RETRY_AFTER_MAX) * 1000;
}

static bool refuse_status(const struct pml_http_reply *reply, struct pml_error *err)
{
    const char *message = pml_http_reply_header(reply, "Error-Message");
    const char *meaning = message                     ? message
                          : reply->status == 404      ? "it has no such collateral"
                          : reply->status == 401      ? "it wants a key or token"
                          : reply->status == 461      ? "it does not know the platform"
                          : reply->status == 462      ? "it has no certificate for the platform"
                          : is_passing(reply->status) ? "try again later"
                                                      : "refused";
    return pml_fail(err, PML_UNKNOWN, "network", "status %u: %.100s", reply->status, meaning);
}

/* GETs a path until it is answered with 200, or TRIES times as long as trying again may help. */
static bool get(const struct pml_fetch *f, const char *base, const char *path, struct pml_http_reply *reply,
                struct pml_error *err)
{
    struct pml_http_client_options options = { .url = base, .ca_file = f->ca_file, .stall_ms = f->answer_ms };
    struct pml_http_call call = { .method = "GET", .path = path, .limit = PML_ITEM_MAX, .total_ms = f->answer_ms };
    PML_AUTO(http_client) struct pml_http_client *client = pml_http_client_new(&options, err);
    if (!client)
        return false;
    unsigned pause = f->retry_ms;
    for (int i = 1;; i++, pause *= 4) {
        long asked = -1;
        bool again;
        if (pml_http_client_call(client, &call, reply, err)) {
            if (reply->status == 200)
                return true;
            again = is_passing(reply->status);
            asked = retry_after(reply);
            refuse_status(reply, err);
            pml_http_reply_free(reply);
        } else {
            again = strcmp(err->code, "network") == 0 || strcmp(err->code, "timeout") == 0;
        }
        if (!again || i == TRIES)
            return false;
        wait_ms(asked >= 0 ? (unsigned)asked : pause);
    }
}

/* --- items --- */

static bool is_intel(const char *base)
{
    return strcmp(base, PML_PCS_URL) == 0;
}

/* Where a service has it: *BASE may be changed, PATH becomes the path. */
static void locate(const char **base, char path[160], const struct pml_item_key *key)
{
    char fmspc[13];
    const char *tee = key->tdx ? "tdx" : "sgx", *update = key->early ? "early" : "standard";
    pml_hex(fmspc, key->fmspc, sizeof key->fmspc);
    for (char *c = fmspc; *c; c++)
        *c = *c >= 'a' ? *c - 'a' + 'A' : *c;
    switch (key->kind) {
    case PML_ITEM_ROOT_CRL:
        snprintf(path, 160, is_intel(*base) ? "/IntelSGXRootCA.der" : "/sgx/certification/v4/rootcacrl");
        *base = is_intel(*base) ? CERTIFICATES_URL : *base;
        return;
    case PML_ITEM_PCK_CRL:
        snprintf(path, 160, "/sgx/certification/v4/pckcrl?ca=%s&encoding=der",
                 key->by_platform_ca ? "platform" : "processor");
        return;
    case PML_ITEM_TCB_INFO:
        snprintf(path, 160, "/%s/certification/v4/tcb?fmspc=%s&update=%s", tee, fmspc, update);
        return;
    case PML_ITEM_QE_IDENTITY: snprintf(path, 160, "/%s/certification/v4/qe/identity?update=%s", tee, update); return;
    }
}

static char *read_chain(const struct pml_http_reply *reply, enum pml_item_kind kind, struct pml_error *err)
{
    const char *value = NULL;
    if (kind == PML_ITEM_PCK_CRL)
        value = pml_http_reply_header(reply, "SGX-PCK-CRL-Issuer-Chain");
    else if (kind == PML_ITEM_QE_IDENTITY)
        value = pml_http_reply_header(reply, "SGX-Enclave-Identity-Issuer-Chain");
    else if (!(value = pml_http_reply_header(reply, "TCB-Info-Issuer-Chain")))
        value = pml_http_reply_header(reply, "SGX-TCB-Info-Issuer-Chain");
    if (!value || strlen(value) > CHAIN_MAX)
        return pml_fail(err, PML_UNKNOWN, "pcs_response", "no issuer chain in the answer");
    return pml_pcs_chain(value, err);
}

static bool read_item(struct pml_item *item, const struct pml_item_key *key, struct pml_http_reply *reply,
                      struct pml_error *err)
{
    bool is_list = key->kind == PML_ITEM_ROOT_CRL || key->kind == PML_ITEM_PCK_CRL;
    if (key->kind != PML_ITEM_ROOT_CRL && !(item->chain = read_chain(reply, key->kind, err)))
        return false;
    if (is_list)
        return (item->body = (char *)pml_pcs_crl(reply->body, reply->body_size, &item->size, err));
    item->size = reply->body_size;
    item->body = pml_take(&reply->body);
    return true;
}

static bool fetch_from(const struct pml_fetch *f, const char *base, struct pml_item *item,
                       const struct pml_item_key *key, struct pml_bytes root, struct pml_when when,
                       struct pml_error *err)
{
    char path[160];
    PML_AUTO(http_reply) struct pml_http_reply reply = { 0 };
    *item = (struct pml_item){ 0 };
    locate(&base, path, key);
    if (get(f, base, path, &reply, err) && read_item(item, key, &reply, err) &&
        pml_item_check(item, key, root, when, err))
        return true;
    pml_item_free(item);
    return false;
}

/* Adds what one service failed with to what those before it did. */
static void add_failure(char *all, size_t room, const char *base, const struct pml_error *err)
{
    size_t used = strlen(all);
    snprintf(all + used, room - used, "%s%.100s: %.300s", used ? "; " : "", base, err->text);
}

bool pml_fetch_item(const struct pml_fetch *f, struct pml_item *item, const struct pml_item_key *key,
                    struct pml_bytes root, struct pml_when when, struct pml_error *err)
{
    char all[sizeof err->text] = "", name[PML_ITEM_NAME];
    for (size_t i = 0; i < f->url_count; i++) {
        if (fetch_from(f, f->urls[i], item, key, root, when, err))
            return true;
        if (strcmp(err->code, "memory") == 0)
            return false;
        add_failure(all, sizeof all, f->urls[i], err);
    }
    return pml_fail(err, PML_UNKNOWN, "collateral_unavailable", "%s: %s", pml_item_name(name, key), all);
}

/* --- PCK certificates --- */

/* What a quote tells of its platform instead of the certificate. */
struct platform_id {
    char encrypted_ppid[2 * 384 + 1]; /* "": only in clear, which no service takes */
    uint8_t tcb[18];                  /* CPUSVN, PCESVN as in the quote */
    uint8_t pce_id[2];
};

static bool read_platform_id(struct platform_id *out, const struct pml_quote *q, struct pml_error *err)
{
    size_t ppid_size = q->cert_type == PML_CERT_PPID ? 16 : q->cert_type == PML_CERT_PPID_RSA2048 ? 256 : 384;
    struct pml_cursor in = pml_cursor(q->cert_data, q->cert_size);
    const uint8_t *ppid = pml_get_view(&in, ppid_size);
    PML_GET(&in, out->tcb);
    PML_GET(&in, out->pce_id);
    if (!pml_cursor_end(&in, "cert_data_type", err))
        return pml_wrap(err, "certification data of type %u", q->cert_type);
    out->encrypted_ppid[0] = 0;
    if (q->cert_type != PML_CERT_PPID)
        pml_hex(out->encrypted_ppid, ppid, ppid_size);
    return true;
}

static void upper(char *text)
{
    for (; *text; text++)
        *text = *text >= 'a' && *text <= 'f' ? *text - 'a' + 'A' : *text;
}

static void pck_path(char path[1024], const struct platform_id *id, const uint8_t qe_id[16])
{
    char qe[33], cpu_svn[33], pce_svn[5], pce_id[5], ppid[sizeof id->encrypted_ppid];
    pml_hex(qe, qe_id, 16);
    pml_hex(cpu_svn, id->tcb, 16);
    pml_hex(pce_svn, id->tcb + 16, 2);
    pml_hex(pce_id, id->pce_id, 2);
    strcpy(ppid, id->encrypted_ppid);
    char *const all[] = { qe, cpu_svn, pce_svn, pce_id, ppid };
    for (size_t i = 0; i < PML_COUNT(all); i++)
        upper(all[i]);
    snprintf(path, 1024, "/sgx/certification/v4/pckcert?qeid=%s&cpusvn=%s&pcesvn=%s&pceid=%s%s%s", qe, cpu_svn, pce_svn,
             pce_id, *ppid ? "&encrypted_ppid=" : "", ppid);
}

/* Leaf from the body, its issuers from the header. */
static char *read_pck(const struct pml_http_reply *reply, const struct platform_id *id, struct pml_error *err)
{
    char wanted[2 * sizeof id->tcb + 1];
    const char *tcb = pml_http_reply_header(reply, "SGX-TCBm");
    const char *header = pml_http_reply_header(reply, "SGX-PCK-Certificate-Issuer-Chain");
    if (!tcb || !header || strlen(header) > CHAIN_MAX)
        return pml_fail(err, PML_UNKNOWN, "pcs_response", "no SGX-TCBm or no issuer chain in the answer");
    if (strcasecmp(tcb, pml_hex(wanted, id->tcb, sizeof id->tcb)) != 0)
        return pml_fail(err, PML_NO, "pck_chain",
                        "the platform is registered with TCB %.36s, the quote is of %s: register it again", tcb,
                        wanted);
    PML_AUTO(mem) char *issuers = pml_pcs_chain(header, err);
    PML_AUTO(buf) struct pml_buf chain = { 0 };
    if (!issuers)
        return NULL;
    pml_put_bytes(&chain, reply->body, reply->body_size);
    pml_put_text(&chain, "\n");
    pml_put_text(&chain, issuers);
    return pml_buf_take(&chain, NULL, err);
}

char *pml_fetch_pck_chain(const struct pml_fetch *f, const struct pml_quote *q, struct pml_error *err)
{
    struct platform_id id;
    char path[1024], all[sizeof err->text] = "";
    if (!read_platform_id(&id, q, err))
        return NULL;
    pck_path(path, &id, q->user_data);
    for (size_t i = 0; i < f->url_count; i++) {
        PML_AUTO(http_reply) struct pml_http_reply reply = { 0 };
        char *chain = get(f, f->urls[i], path, &reply, err) ? read_pck(&reply, &id, err) : NULL;
        if (chain || err->kind == PML_NO || strcmp(err->code, "memory") == 0)
            return chain;
        add_failure(all, sizeof all, f->urls[i], err);
    }
    return pml_fail(err, PML_UNKNOWN, "collateral_unavailable", "pck certificate: %s", all);
}
