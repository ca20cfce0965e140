/* SPDX-License-Identifier: MIT */
/* The collateral bundle. */
#include "dcap/collateral.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/memory.h"

static bool get_text(struct pml_text *out, const struct pml_node *bundle, const char *name, struct pml_error *err)
{
    const struct pml_node *value = pml_node_member(bundle, name);
    if (!value || value->type == PML_NODE_NULL)
        return pml_fail(err, PML_NO, "collateral_field_missing", "%s is missing", name);
    if (value->type != PML_NODE_STRING)
        return pml_fail(err, PML_NO, "collateral_format", "%s is not a string", name);
    *out = value->text;
    return true;
}

static bool get_signature(uint8_t out[64], const struct pml_node *bundle, const char *name, struct pml_error *err)
{
    struct pml_text text = { 0 };
    if (!get_text(&text, bundle, name, err))
        return false;
    if (!pml_unhex(out, 64, text.bytes, text.size))
        return pml_fail(err, PML_NO, "collateral_format", "%s is not 128 hex digits", name);
    return true;
}

static bool get_crl(uint8_t **out, size_t *size, const struct pml_node *bundle, const char *name, struct pml_error *err)
{
    struct pml_text text = { 0 };
    if (!get_text(&text, bundle, name, err))
        return false;
    *size = text.size / 2;
    *out = malloc(*size + 1);
    if (!*out)
        return pml_fail_memory(err);
    if (text.size == 0 || !pml_unhex(*out, *size, text.bytes, text.size))
        return pml_fail(err, PML_NO, "crl_format", "%s is not DER in hex", name);
    return true;
}

static bool get_members(struct pml_collateral *c, const struct pml_node *bundle, struct pml_error *err)
{
    const struct pml_node *own_chain = pml_node_member(bundle, "pck_certificate_chain");
    if (own_chain && own_chain->type != PML_NODE_NULL && !get_text(&c->pck_chain, bundle, "pck_certificate_chain", err))
        return false;
    return get_text(&c->pck_crl_chain, bundle, "pck_crl_issuer_chain", err) &&
           get_crl(&c->root_crl, &c->root_crl_size, bundle, "root_ca_crl", err) &&
           get_crl(&c->pck_crl, &c->pck_crl_size, bundle, "pck_crl", err) &&
           get_text(&c->tcb_info_chain, bundle, "tcb_info_issuer_chain", err) &&
           get_text(&c->tcb_info, bundle, "tcb_info", err) &&
           get_signature(c->tcb_info_signature, bundle, "tcb_info_signature", err) &&
           get_text(&c->qe_identity_chain, bundle, "qe_identity_issuer_chain", err) &&
           get_text(&c->qe_identity, bundle, "qe_identity", err) &&
           get_signature(c->qe_identity_signature, bundle, "qe_identity_signature", err);
}

bool pml_collateral_parse(struct pml_collateral *out, const char *text, size_t size, struct pml_error *err)
{
    *out = (struct pml_collateral){ 0 };
    if (size > PML_COLLATERAL_MAX)
        return pml_fail(err, PML_NO, "collateral_json", "collateral: more than %d bytes", PML_COLLATERAL_MAX);
    if (!pml_tape_parse(&out->bundle, text, size, err)) {
        if (err->kind == PML_NO)
            err->code = "collateral_json";
        return pml_wrap(err, "collateral");
    }
    if (!get_members(out, out->bundle.nodes, err)) {
        pml_collateral_free(out);
        return pml_wrap(err, "collateral");
    }
    return true;
}

bool pml_collateral_from_json(struct pml_collateral *out, const json_t *bundle, struct pml_error *err)
{
    size_t size;
    PML_AUTO(mem) char *text = pml_json_dump(bundle, &size, err);
    *out = (struct pml_collateral){ 0 };
    return text && pml_collateral_parse(out, text, size, err);
}

static void add_part(struct pml_hash *hash, const void *bytes, size_t size)
{
    uint64_t length = size;
    pml_hash_add(hash, &length, sizeof length);
    pml_hash_add(hash, bytes, size);
}

struct pml_collateral_digest pml_collateral_digest(const struct pml_collateral *c)
{
    struct pml_collateral_digest digest;
    const struct pml_text texts[] = { c->tcb_info_chain, c->tcb_info, c->qe_identity_chain, c->qe_identity };
    if (c->sealed)
        return c->digest;
    PML_AUTO(hash) struct pml_hash lists, all;
    pml_hash_sha256(&lists);
    add_part(&lists, c->root_crl, c->root_crl_size);
    add_part(&lists, c->pck_crl, c->pck_crl_size);
    pml_hash_final(&lists, digest.lists);
    pml_hash_sha256(&all);
    pml_hash_add(&all, digest.lists, sizeof digest.lists);
    for (size_t i = 0; i < PML_COUNT(texts); i++)
        add_part(&all, texts[i].bytes, texts[i].size);
    pml_hash_add(&all, c->tcb_info_signature, sizeof c->tcb_info_signature);
    pml_hash_add(&all, c->qe_identity_signature, sizeof c->qe_identity_signature);
    pml_hash_final(&all, digest.all);
    return digest;
}

void pml_collateral_seal(struct pml_collateral *c)
{
    c->digest = pml_collateral_digest(c);
    c->sealed = true;
}

void pml_collateral_free(struct pml_collateral *c)
{
    pml_tape_free(&c->bundle);
    free(c->root_crl);
    free(c->pck_crl);
    *c = (struct pml_collateral){ 0 };
}

void pml_collateral_auto(struct pml_collateral *c)
{
    pml_collateral_free(c);
}
