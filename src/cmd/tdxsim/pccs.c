/* SPDX-License-Identifier: MIT */
/* The simulated PCCS. */
#include "pccs.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/time.h"
#include "crypto/pkey.h"
#include "crypto/x509_build.h"
#include "dcap/item.h"
#include "net/http_server.h"
#include "tdx/platform/sim_state.h"

enum { YEAR = 365 * 86400 };

struct pccs {
    struct pml_sim_state state;
    struct pml_loop *loop;
    struct pml_http_server *http;
    struct pml_tls_server *tls; /* NULL: plain */
};

/* --- requests --- */

/* The value of a query's parameter; size 0: none. Nothing that is asked for here is ever escaped. */
static struct pml_text parameter(const char *query, const char *name)
{
    size_t name_size = strlen(name);
    while (query && *query) {
        size_t size = strcspn(query, "&");
        if (size > name_size && strncmp(query, name, name_size) == 0 && query[name_size] == '=')
            return (struct pml_text){ query + name_size + 1, size - name_size - 1 };
        query += size + (query[size] == '&');
    }
    return (struct pml_text){ "", 0 };
}

/* In hex, either case. */
static bool is_hex_of(struct pml_text text, const void *bytes, size_t size)
{
    char hex[65];
    pml_hex(hex, bytes, size);
    return text.size == 2 * size && strncasecmp(text.bytes, hex, text.size) == 0;
}

static void respond(struct pccs *p, const struct pml_http_request *r, const struct pml_http_response *response)
{
    pml_http_respond(p->http, r->handle, response);
}

static void refuse(struct pccs *p, const struct pml_http_request *r, unsigned status, const char *text)
{
    respond(p, r, &(struct pml_http_response){ status, "text/plain", NULL, 0, text, strlen(text) });
}

/* PEM as Intel sends it in a header: everything but letters, digits and "-._~" escaped. */
static char *encode_chain(const char *pem, struct pml_error *err)
{
    PML_AUTO(buf) struct pml_buf out = { 0 };
    for (; *pem; pem++) {
        if (strchr("-._~", *pem) || (*pem >= '0' && *pem <= '9') || ((*pem | 0x20) >= 'a' && (*pem | 0x20) <= 'z'))
            pml_put_u8(&out, (uint8_t)*pem);
        else
            pml_put_format(&out, "%%%02X", (unsigned char)*pem);
    }
    return pml_buf_take(&out, NULL, err);
}

/* What a path asks for. False: nothing that there is. */
static bool find_item(struct pml_item_key *key, const struct pccs *p, const struct pml_http_request *r)
{
    struct pml_text ca = parameter(r->query, "ca");
    *key = (struct pml_item_key){ .tdx = true };
    if (strcmp(r->path, "/sgx/certification/v4/rootcacrl") == 0) {
        key->kind = PML_ITEM_ROOT_CRL;
        return true;
    }
    if (strcmp(r->path, "/sgx/certification/v4/pckcrl") == 0) {
        key->kind = PML_ITEM_PCK_CRL;
        return pml_text_is(ca, "platform");
    }
    if (strcmp(r->path, "/tdx/certification/v4/qe/identity") == 0) {
        key->kind = PML_ITEM_QE_IDENTITY;
        return true;
    }
    key->kind = PML_ITEM_TCB_INFO;
    return strcmp(r->path, "/tdx/certification/v4/tcb") == 0 &&
           is_hex_of(parameter(r->query, "fmspc"), p->state.sgx.fmspc, sizeof p->state.sgx.fmspc);
}

static bool load_item(struct pml_item *item, const struct pccs *p, enum pml_item_kind kind, struct pml_error *err)
{
    struct pml_item_key found;
    PML_AUTO(collateral) struct pml_collateral bundle = { 0 };
    PML_AUTO(mem) char *text = pml_sim_state_collateral(&p->state, pml_now(), err);
    return text && pml_collateral_parse(&bundle, text, strlen(text), err) &&
           pml_item_of_bundle(item, &found, &bundle, kind, err);
}

/* Lists go out as hex unless DER is asked for, the root's always as hex: so do PCCS. */
static bool send_item(struct pccs *p, const struct pml_http_request *r, const struct pml_item *item,
                      enum pml_item_kind kind, struct pml_error *err)
{
    static const char *const names[] = { NULL, "SGX-PCK-CRL-Issuer-Chain", "TCB-Info-Issuer-Chain",
                                         "SGX-Enclave-Identity-Issuer-Chain" };
    bool is_list = kind == PML_ITEM_ROOT_CRL || kind == PML_ITEM_PCK_CRL;
    bool as_hex = is_list && !(kind == PML_ITEM_PCK_CRL && pml_text_is(parameter(r->query, "encoding"), "der"));
    PML_AUTO(mem) char *chain = item->chain ? encode_chain(item->chain, err) : NULL;
    PML_AUTO(mem) char *hex = as_hex ? malloc(2 * item->size + 1) : NULL;
    if ((item->chain && !chain) || (as_hex && !hex))
        return pml_fail_memory(err);
    struct pml_http_header header = { names[kind], chain };
    respond(p, r,
            &(struct pml_http_response){
                .status = 200,
                .content_type = is_list ? "application/pkix-crl" : "application/json",
                .headers = &header,
                .header_count = chain ? 1 : 0,
                .body = as_hex ? pml_hex(hex, item->body, item->size) : item->body,
                .body_size = as_hex ? 2 * item->size : item->size,
            });
    return true;
}

/* The platform's PCK certificate, for quotes that only name the platform. */
static bool send_pck(struct pccs *p, const struct pml_http_request *r, struct pml_error *err)
{
    const struct pml_sim_sgx *sgx = &p->state.sgx;
    static const enum pml_sim_role issuers[] = { PML_SIM_PLATFORM_CA, PML_SIM_ROOT };
    uint8_t tcb[18];
    char tcbm[37], fmspc[13];
    memcpy(tcb, sgx->cpu_svn, 16);
    tcb[16] = (uint8_t)sgx->pce_svn;
    tcb[17] = (uint8_t)(sgx->pce_svn >> 8);
    PML_AUTO(mem) char *leaf = pml_cert_pem(p->state.pki.cert[PML_SIM_PCK], NULL, err);
    PML_AUTO(mem) char *pem = leaf ? pml_sim_chain(&p->state.pki, issuers, PML_COUNT(issuers), err) : NULL;
    PML_AUTO(mem) char *chain = pem ? encode_chain(pem, err) : NULL;
    if (!chain)
        return false;
    struct pml_http_header headers[] = {
        { "SGX-PCK-Certificate-Issuer-Chain", chain },
        { "SGX-TCBm", pml_hex(tcbm, tcb, sizeof tcb) },
        { "SGX-FMSPC", pml_hex(fmspc, sgx->fmspc, sizeof sgx->fmspc) },
        { "SGX-PCK-Certificate-CA-Type", "platform" },
    };
    respond(
        p, r,
        &(struct pml_http_response){ 200, "application/x-pem-file", headers, PML_COUNT(headers), leaf, strlen(leaf) });
    return true;
}

static bool asks_for_pck(const struct pml_http_request *r)
{
    return strcmp(r->path, "/sgx/certification/v4/pckcert") == 0;
}

static void on_request(void *arg, struct pml_http_request *r)
{
    struct pccs *p = arg;
    struct pml_error err;
    struct pml_item_key key;
    PML_AUTO(item) struct pml_item item = { 0 };
    if (strcmp(r->method, "GET") != 0)
        refuse(p, r, 405, "only GET is answered\n");
    else if (asks_for_pck(r) && !is_hex_of(parameter(r->query, "qeid"), p->state.platform.qe_id, 16))
        refuse(p, r, 461, "the platform is not known\n");
    else if (!asks_for_pck(r) && !find_item(&key, p, r))
        refuse(p, r, 404, "no such collateral\n");
    else if (!(asks_for_pck(r) ? send_pck(p, r, &err)
                               : load_item(&item, p, key.kind, &err) && send_item(p, r, &item, key.kind, &err)))
        refuse(p, r, 500, "the simulated platform cannot be read\n");
}

static const char *error_body(void *arg, unsigned status, const char *text, struct pml_buf *body)
{
    (void)arg, (void)status;
    pml_put_format(body, "%s\n", text);
    return "text/plain";
}

/* --- the server --- */

static void on_signal(void *arg, int signal_number)
{
    (void)signal_number;
    pml_loop_stop(arg);
}

/* A key for as long as this process lives, and a certificate that clients can be told to trust. */
static bool open_tls(struct pccs *p, const struct pccs_options *o, const struct pml_address *address,
                     struct pml_error *err)
{
    char host[PML_ADDRESS_TEXT], path[4096];
    size_t size;
    const char *names[] = { "localhost", "127.0.0.1", pml_address_host(host, address) };
    PML_AUTO(pkey) EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!key)
        return pml_fail_openssl(err, "new key");
    PML_AUTO(x509)
    X509 *cert =
        pml_cert_self_signed(key, "simulated PCCS", names, PML_COUNT(names), pml_now() - 60, pml_now() + YEAR, err);
    PML_AUTO(mem) char *pem = cert ? pml_cert_pem(cert, &size, err) : NULL;
    if (!pem || !pml_write_file(pml_path(path, o->state_dir, "pccs.crt"), pem, size, 0644, err))
        return false;
    return (p->tls = pml_tls_server_new(key, cert, err));
}

static bool serve(struct pccs *p, const struct pccs_options *o, struct pml_error *err)
{
    char text[PML_ADDRESS_TEXT];
    struct pml_address address, bound;
    struct pml_http_handler handler = { .request = on_request, .error_body = error_body, .arg = p };
    struct pml_http_limits limits = { .body_size = 4096, .connections = 64 };
    if (!pml_address_parse(&address, o->listen, err) || !pml_sim_state_open(&p->state, o->state_dir, err) ||
        (o->tls && !open_tls(p, o, &address, err)) || !(p->loop = pml_loop_new(err)) ||
        !(p->http = pml_http_server_new(p->loop, &handler, &limits, err)) ||
        !pml_loop_on_signal(p->loop, SIGINT, on_signal, p->loop, err) ||
        !pml_loop_on_signal(p->loop, SIGTERM, on_signal, p->loop, err) ||
        !pml_http_server_listen(p->http, &address, p->tls, 0600, &bound, err))
        return false;
    printf("SIMULATED PCCS: %s://%s serves the collateral of %s\n", o->tls ? "https" : "http",
           pml_address_text(text, &bound), p->state.dir);
    fflush(stdout);
    return pml_loop_run(p->loop, err);
}

bool pccs_run(const struct pccs_options *options, struct pml_error *err)
{
    struct pccs p = { 0 };
    bool served = serve(&p, options, err);
    pml_http_server_free(p.http);
    pml_tls_server_free(p.tls);
    pml_loop_free(p.loop);
    pml_sim_state_free(&p.state);
    return served;
}
