/* SPDX-License-Identifier: MIT */
/* From a quote to its bundle. */
#include "dcap/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/memory.h"
#include "dcap/pcs_response.h"

struct pml_source {
    struct pml_fetch *fetch; /* NULL: offline */
    struct pml_cache *cache;
    bool early;
    bool intel; /* the default services */
};

struct pml_source *pml_source_new(const struct pml_source_options *options, struct pml_error *err)
{
    struct pml_cache_options cache = { .dir = options->cache_dir, .notice = options->notice, .arg = options->arg };
    PML_AUTO(source) struct pml_source *s = calloc(1, sizeof *s);
    if (!s)
        return pml_fail_memory(err);
    s->early = options->early;
    s->intel = !options->services.url_count;
    if (!options->offline && !(s->fetch = pml_fetch_new(&options->services, err)))
        return NULL;
    s->cache = pml_cache_new(&cache, err);
    return s->cache ? pml_take(&s) : NULL;
}

void pml_source_free(struct pml_source *s)
{
    if (!s)
        return;
    pml_fetch_free(s->fetch);
    pml_cache_free(s->cache);
    free(s);
}

void pml_source_auto(struct pml_source **s)
{
    pml_source_free(*s);
}

void pml_need_free(struct pml_need *need)
{
    free(need->pck_chain);
    need->pck_chain = NULL;
}

void pml_need_auto(struct pml_need *need)
{
    pml_need_free(need);
}

static bool fetch_pck_chain(struct pml_need *need, const struct pml_source *s, const struct pml_quote *quote,
                            struct pml_error *err)
{
    if (quote->cert_type < PML_CERT_PPID || quote->cert_type > PML_CERT_PPID_RSA3072)
        return pml_fail(err, PML_NO, "cert_data_type",
                        "certification data of type %u neither holds the PCK chain nor says how to find it",
                        quote->cert_type);
    if (!s->fetch)
        return pml_fail(err, PML_UNKNOWN, "collateral_unavailable",
                        "the quote does not carry its PCK chain, which cannot be fetched offline");
    return (need->pck_chain = pml_fetch_pck_chain(s->fetch, quote, err));
}

bool pml_source_need(struct pml_need *need, const struct pml_source *s, const void *bytes, size_t size,
                     const struct pml_trust *trust, struct pml_when when, struct pml_error *err)
{
    struct pml_quote quote;
    struct pml_pck_chain chain;
    *need = (struct pml_need){ 0 };
    if (!pml_quote_parse(&quote, bytes, size, err))
        return pml_wrap(err, "quote");
    if (quote.cert_type != PML_CERT_PCK_CHAIN && !fetch_pck_chain(need, s, &quote, err))
        return false;
    struct pml_text pem = need->pck_chain ? (struct pml_text){ need->pck_chain, strlen(need->pck_chain) }
                                          : (struct pml_text){ (const char *)quote.cert_data, quote.cert_size };
    bool good = pml_pck_chain_decode(&chain, pem, err) && pml_check_root(&chain.root, trust, err) &&
                pml_pck_chain_check(&chain, when, err);
    if (!good) {
        pml_need_free(need);
        return false;
    }
    need->tdx = pml_quote_is_td(&quote);
    need->by_platform_ca = chain.by_platform_ca;
    need->simulated = pml_cert_is_simulated(&chain.root);
    memcpy(need->fmspc, chain.pck.fmspc, sizeof need->fmspc);
    memcpy(need->root.der, chain.root.der.bytes, chain.root.der.size);
    need->root.size = chain.root.der.size;
    return true;
}

/* --- the bundle --- */

static bool put(json_t *bundle, const char *name, const char *text, size_t size, struct pml_error *err)
{
    json_t *value = json_stringn(text, size);
    if (!value)
        return pml_fail(err, PML_UNKNOWN, "collateral_unavailable", "%s: not UTF-8", name);
    return json_object_set_new(bundle, name, value) == 0 || pml_fail_memory(err);
}

static bool put_hex(json_t *bundle, const char *name, const void *bytes, size_t size, struct pml_error *err)
{
    PML_AUTO(mem) char *hex = malloc(2 * size + 1);
    if (!hex)
        return pml_fail_memory(err);
    return put(bundle, name, pml_hex(hex, bytes, size), 2 * size, err);
}

/* Names of the members that one item fills. */
static const struct {
    const char *chain, *body, *signature;
} members[] = {
    [PML_ITEM_ROOT_CRL] = { NULL, "root_ca_crl", NULL },
    [PML_ITEM_PCK_CRL] = { "pck_crl_issuer_chain", "pck_crl", NULL },
    [PML_ITEM_TCB_INFO] = { "tcb_info_issuer_chain", "tcb_info", "tcb_info_signature" },
    [PML_ITEM_QE_IDENTITY] = { "qe_identity_issuer_chain", "qe_identity", "qe_identity_signature" },
};

static bool put_item(json_t *bundle, const struct pml_item *item, const struct pml_item_key *key, struct pml_error *err)
{
    struct pml_text text;
    uint8_t signature[64];
    if (item->chain && !put(bundle, members[key->kind].chain, item->chain, strlen(item->chain), err))
        return false;
    if (!members[key->kind].signature)
        return put_hex(bundle, members[key->kind].body, item->body, item->size, err);
    return pml_pcs_document(&text, signature, item->body, item->size, pml_item_member(key), err) &&
           put(bundle, members[key->kind].body, text.bytes, text.size, err) &&
           put_hex(bundle, members[key->kind].signature, signature, sizeof signature, err);
}

char *pml_source_bundle(struct pml_source *s, const struct pml_need *need, struct pml_when when, bool fresh,
                        size_t *size, struct pml_error *err)
{
    struct pml_item_key keys[] = {
        { .kind = PML_ITEM_PCK_CRL, .by_platform_ca = need->by_platform_ca },
        { .kind = PML_ITEM_ROOT_CRL },
        { .kind = PML_ITEM_TCB_INFO, .tdx = need->tdx, .early = s->early },
        { .kind = PML_ITEM_QE_IDENTITY, .tdx = need->tdx, .early = s->early },
    };
    struct pml_bytes root = { need->root.der, need->root.size };
    if (need->simulated && s->fetch && s->intel)
        return pml_fail(
            err, PML_UNKNOWN, "collateral_unavailable",
            "Intel knows nothing of a simulated platform: its collateral comes as a file, or by --pccs from "
            "pml tdxsim pccs");
    PML_AUTO(json) json_t *bundle = json_object();
    if (!bundle)
        return pml_fail_memory(err);
    memcpy(keys[2].fmspc, need->fmspc, sizeof need->fmspc);
    for (size_t i = 0; i < PML_COUNT(keys); i++) {
        PML_AUTO(item) struct pml_item item = { 0 };
        if (!pml_cache_get(s->cache, &item, &keys[i], root, when, s->fetch, fresh, err) ||
            !put_item(bundle, &item, &keys[i], err))
            return NULL;
    }
    if (need->pck_chain && !put(bundle, "pck_certificate_chain", need->pck_chain, strlen(need->pck_chain), err))
        return NULL;
    return pml_json_dump(bundle, size, err);
}

char *pml_source_for_quote(struct pml_source *s, const void *quote, size_t quote_size, const struct pml_trust *trust,
                           struct pml_when when, bool fresh, size_t *size, struct pml_error *err)
{
    PML_AUTO(need) struct pml_need need = { 0 };
    if (!pml_source_need(&need, s, quote, quote_size, trust, when, err))
        return NULL;
    return pml_source_bundle(s, &need, when, fresh, size, err);
}
