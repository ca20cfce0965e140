/* SPDX-License-Identifier: MIT */
/* Pieces of collateral. */
#include "dcap/item.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/memory.h"
#include "dcap/pcs_response.h"
#include "dcap/qe_identity.h"
#include "dcap/tcb_info.h"

bool pml_item_key_same(const struct pml_item_key *a, const struct pml_item_key *b)
{
    return a->kind == b->kind && a->tdx == b->tdx && a->early == b->early && a->by_platform_ca == b->by_platform_ca &&
           memcmp(a->fmspc, b->fmspc, sizeof a->fmspc) == 0;
}

char *pml_item_name(char out[PML_ITEM_NAME], const struct pml_item_key *key)
{
    char fmspc[13];
    const char *tee = key->tdx ? "tdx" : "sgx", *early = key->early ? "-early" : "";
    switch (key->kind) {
    case PML_ITEM_ROOT_CRL: return strcpy(out, "crl/root.der");
    case PML_ITEM_PCK_CRL: return strcpy(out, key->by_platform_ca ? "crl/platform.der" : "crl/processor.der");
    case PML_ITEM_TCB_INFO:
        snprintf(out, PML_ITEM_NAME, "%s/tcb/%s%s.json", tee, pml_hex(fmspc, key->fmspc, sizeof key->fmspc), early);
        return out;
    case PML_ITEM_QE_IDENTITY: snprintf(out, PML_ITEM_NAME, "%s/qe/identity%s.json", tee, early); return out;
    }
    abort();
}

const char *pml_item_member(const struct pml_item_key *key)
{
    return key->kind == PML_ITEM_TCB_INFO ? "tcbInfo" : "enclaveIdentity";
}

/* What an item is current by. */
struct window {
    int64_t from, until;
};

static void narrow(struct window *w, int64_t from, int64_t until)
{
    w->from = from > w->from ? from : w->from;
    w->until = until < w->until ? until : w->until;
}

/* Decodes ISSUER and ROOT of the chain and checks that the root is the one. CODE. */
static bool read_chain(struct pml_chain *chain, struct pml_cert *issuer, struct pml_cert *root, const char *pem,
                       struct pml_bytes wanted, const char *code, struct pml_error *err)
{
    if (!pem)
        return pml_fail(err, PML_NO, code, "no issuer chain");
    if (!pml_chain_decode(chain, pem, strlen(pem), 2, code, err))
        return pml_wrap(err, "issuer chain");
    if (!pml_bytes_same(chain->cert[1], wanted))
        return pml_fail(err, PML_NO, code, "issuer chain: ends in another root than the trusted one");
    return pml_cert_parse(root, chain->cert[1], code, err) && pml_cert_parse(issuer, chain->cert[0], code, err);
}

static bool check_pck_issuer(const struct pml_cert *issuer, const struct pml_cert *root, bool by_platform_ca,
                             struct pml_when when, struct pml_error *err)
{
    if (!pml_cert_cn_is(issuer, by_platform_ca ? "Intel SGX PCK Platform CA" : "Intel SGX PCK Processor CA"))
        return pml_fail(err, PML_NO, "crl_issuer", "not of the CA that was asked for");
    return pml_check_cert(issuer, root, true, when, "pck_chain", "pck_chain_expired", err);
}

static bool check_list(struct window *w, const struct pml_item *item, const struct pml_item_key *key,
                       struct pml_bytes root_der, struct pml_when when, struct pml_error *err)
{
    struct pml_chain chain;
    struct pml_cert root, issuer;
    struct pml_crl crl;
    bool is_root = key->kind == PML_ITEM_ROOT_CRL;
    if (is_root && !pml_cert_parse(&root, root_der, "pck_chain", err))
        return false;
    if (!is_root && (!read_chain(&chain, &issuer, &root, item->chain, root_der, "pck_chain", err) ||
                     !check_pck_issuer(&issuer, &root, key->by_platform_ca, when, err)))
        return false;
    if (!pml_crl_parse(&crl, (struct pml_bytes){ (const uint8_t *)item->body, item->size }, err) ||
        !pml_check_crl(&crl, is_root ? &root : &issuer, when, err))
        return false;
    narrow(w, crl.this_update, crl.next_update - 1);
    if (!is_root)
        narrow(w, issuer.not_before, issuer.not_after);
    return true;
}

static bool check_tcb_info(struct window *w, struct pml_text text, const struct pml_item_key *key, struct pml_when when,
                           struct pml_error *err)
{
    struct pml_tcb_info info = { 0 };
    bool good = pml_tcb_info_parse(&info, text.bytes, text.size, err) &&
                pml_check_window(info.issue_date, info.next_update, when, &pml_tcb_info_codes, err);
    if (good && (info.is_tdx != key->tdx || memcmp(info.fmspc, key->fmspc, sizeof key->fmspc) != 0))
        good = pml_fail(err, PML_NO, "tcb_info_mismatch", "of another platform than was asked for");
    narrow(w, info.issue_date, info.next_update);
    pml_tcb_info_free(&info);
    return good;
}

static bool check_qe_identity(struct window *w, struct pml_text text, const struct pml_item_key *key,
                              struct pml_when when, struct pml_error *err)
{
    struct pml_qe_identity identity = { 0 };
    bool good = pml_qe_identity_parse(&identity, text.bytes, text.size, err) &&
                pml_check_window(identity.issue_date, identity.next_update, when, &pml_qe_identity_codes, err);
    if (good && !pml_text_is(identity.id, key->tdx ? "TD_QE" : "QE"))
        good = pml_fail(err, PML_NO, "qe_identity_id", "of another enclave than was asked for");
    narrow(w, identity.issue_date, identity.next_update);
    pml_qe_identity_free(&identity);
    return good;
}

static bool check_document(struct window *w, const struct pml_item *item, const struct pml_item_key *key,
                           struct pml_bytes root_der, struct pml_when when, struct pml_error *err)
{
    bool is_tcb_info = key->kind == PML_ITEM_TCB_INFO;
    const struct pml_document_codes *codes = is_tcb_info ? &pml_tcb_info_codes : &pml_qe_identity_codes;
    struct pml_chain chain;
    struct pml_cert root, signer;
    struct pml_text text;
    uint8_t signature[64];
    if (!pml_pcs_document(&text, signature, item->body, item->size, pml_item_member(key), err) ||
        !read_chain(&chain, &signer, &root, item->chain, root_der, codes->chain_code, err) ||
        !pml_check_signer(&signer, &root, false, when, codes, err) ||
        !pml_check_document(&signer, text, signature, codes, err))
        return false;
    narrow(w, signer.not_before, signer.not_after);
    return (is_tcb_info ? check_tcb_info : check_qe_identity)(w, text, key, when, err);
}

bool pml_item_check(struct pml_item *item, const struct pml_item_key *key, struct pml_bytes root, struct pml_when when,
                    struct pml_error *err)
{
    char name[PML_ITEM_NAME];
    struct window w = { INT64_MIN, INT64_MAX };
    bool is_list = key->kind == PML_ITEM_ROOT_CRL || key->kind == PML_ITEM_PCK_CRL;
    if (!(is_list ? check_list : check_document)(&w, item, key, root, when, err))
        return pml_wrap(err, "%s", pml_item_name(name, key));
    item->issued = w.from;
    item->next_update = w.until;
    return true;
}

/* --- out of a bundle --- */

/* {"MEMBER":TEXT,"signature":"..."} */
static bool document_body(struct pml_item *item, const char *member, struct pml_text text, const uint8_t signature[64],
                          struct pml_error *err)
{
    PML_AUTO(buf) struct pml_buf body = { 0 };
    pml_put_format(&body, "{\"%s\":", member);
    pml_put_bytes(&body, text.bytes, text.size);
    pml_put_text(&body, ",\"signature\":\"");
    pml_put_hex(&body, signature, 64);
    pml_put_text(&body, "\"}");
    return (item->body = pml_buf_take(&body, &item->size, err));
}

static bool list_body(struct pml_item *item, const uint8_t *der, size_t size, struct pml_error *err)
{
    item->body = malloc(size + 1);
    if (!item->body)
        return pml_fail_memory(err);
    memcpy(item->body, der, size);
    item->size = size;
    return true;
}

/* Whether the list is the Platform CA's, by the name of its issuer. */
static bool name_pck_ca(struct pml_item_key *key, const struct pml_item *item, struct pml_error *err)
{
    struct pml_chain chain;
    struct pml_cert issuer;
    if (!pml_chain_decode(&chain, item->chain, strlen(item->chain), 2, "pck_chain", err) ||
        !pml_cert_parse(&issuer, chain.cert[0], "pck_chain", err))
        return pml_wrap(err, "pck_crl_issuer_chain");
    key->by_platform_ca = pml_cert_cn_is(&issuer, "Intel SGX PCK Platform CA");
    return true;
}

static bool name_documents(struct pml_item_key *key, struct pml_text tcb_info, struct pml_error *err)
{
    struct pml_tcb_info info = { 0 };
    bool good = pml_tcb_info_parse(&info, tcb_info.bytes, tcb_info.size, err);
    key->tdx = info.is_tdx;
    if (key->kind == PML_ITEM_TCB_INFO)
        memcpy(key->fmspc, info.fmspc, sizeof key->fmspc);
    pml_tcb_info_free(&info);
    return good;
}

bool pml_item_of_bundle(struct pml_item *item, struct pml_item_key *key, const struct pml_collateral *c,
                        enum pml_item_kind kind, struct pml_error *err)
{
    const struct pml_text chains[] = { { 0 }, c->pck_crl_chain, c->tcb_info_chain, c->qe_identity_chain };
    bool good = false;
    *item = (struct pml_item){ 0 };
    *key = (struct pml_item_key){ .kind = kind };
    if (chains[kind].bytes && !(item->chain = strndup(chains[kind].bytes, chains[kind].size)))
        return pml_fail_memory(err);
    switch (kind) {
    case PML_ITEM_ROOT_CRL: good = list_body(item, c->root_crl, c->root_crl_size, err); break;
    case PML_ITEM_PCK_CRL:
        good = list_body(item, c->pck_crl, c->pck_crl_size, err) && name_pck_ca(key, item, err);
        break;
    case PML_ITEM_TCB_INFO:
        good = document_body(item, pml_item_member(key), c->tcb_info, c->tcb_info_signature, err) &&
               name_documents(key, c->tcb_info, err);
        break;
    case PML_ITEM_QE_IDENTITY:
        good = document_body(item, pml_item_member(key), c->qe_identity, c->qe_identity_signature, err) &&
               name_documents(key, c->tcb_info, err);
        break;
    }
    if (!good)
        pml_item_free(item);
    return good;
}

bool pml_item_copy(struct pml_item *to, const struct pml_item *from, struct pml_error *err)
{
    *to = *from;
    to->body = malloc(from->size + 1);
    to->chain = from->chain ? strdup(from->chain) : NULL;
    if (!to->body || (from->chain && !to->chain)) {
        pml_item_free(to);
        return pml_fail_memory(err);
    }
    memcpy(to->body, from->body, from->size);
    to->body[from->size] = 0;
    return true;
}

void pml_item_free(struct pml_item *item)
{
    free(item->body);
    free(item->chain);
    *item = (struct pml_item){ 0 };
}

void pml_item_auto(struct pml_item *item)
{
    pml_item_free(item);
}
