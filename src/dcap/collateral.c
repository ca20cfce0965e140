/* SPDX-License-Identifier: MIT */
/* The collateral bundle. */
#include "dcap/collateral.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"

static bool get_text(struct pml_text *out, const json_t *bundle, const char *name, struct pml_error *err)
{
    const json_t *value = json_object_get(bundle, name);
    if (!value || json_is_null(value))
        return pml_fail(err, PML_NO, "collateral_field_missing", "%s is missing", name);
    if (!json_is_string(value))
        return pml_fail(err, PML_NO, "collateral_format", "%s is not a string", name);
    *out = (struct pml_text){ json_string_value(value), json_string_length(value) };
    return true;
}

static bool get_signature(uint8_t out[64], const json_t *bundle, const char *name, struct pml_error *err)
{
    struct pml_text text = { 0 };
    if (!get_text(&text, bundle, name, err))
        return false;
    if (!pml_unhex(out, 64, text.bytes, text.size))
        return pml_fail(err, PML_NO, "collateral_format", "%s is not 128 hex digits", name);
    return true;
}

static bool get_crl(uint8_t **out, size_t *size, const json_t *bundle, const char *name, struct pml_error *err)
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

static bool get_members(struct pml_collateral *c, const json_t *bundle, struct pml_error *err)
{
    struct pml_text unused = { 0 }; /* the CRL is checked with the PCK chain's own intermediate */
    const json_t *own_chain = json_object_get(bundle, "pck_certificate_chain");
    if (!json_is_object(bundle))
        return pml_fail(err, PML_NO, "collateral_json", "not a JSON object");
    if (own_chain && !json_is_null(own_chain) && !get_text(&c->pck_chain, bundle, "pck_certificate_chain", err))
        return false;
    return get_text(&unused, bundle, "pck_crl_issuer_chain", err) &&
           get_crl(&c->root_crl, &c->root_crl_size, bundle, "root_ca_crl", err) &&
           get_crl(&c->pck_crl, &c->pck_crl_size, bundle, "pck_crl", err) &&
           get_text(&c->tcb_info_chain, bundle, "tcb_info_issuer_chain", err) &&
           get_text(&c->tcb_info, bundle, "tcb_info", err) &&
           get_signature(c->tcb_info_signature, bundle, "tcb_info_signature", err) &&
           get_text(&c->qe_identity_chain, bundle, "qe_identity_issuer_chain", err) &&
           get_text(&c->qe_identity, bundle, "qe_identity", err) &&
           get_signature(c->qe_identity_signature, bundle, "qe_identity_signature", err);
}

bool pml_collateral_from_json(struct pml_collateral *out, json_t *bundle, struct pml_error *err)
{
    struct pml_collateral c = { 0 };
    if (!get_members(&c, bundle, err)) {
        pml_collateral_free(&c);
        return pml_wrap(err, "collateral");
    }
    *out = c;
    out->bundle = json_incref(bundle);
    return true;
}

bool pml_collateral_parse(struct pml_collateral *out, const char *text, size_t size, struct pml_error *err)
{
    if (size > PML_COLLATERAL_MAX)
        return pml_fail(err, PML_NO, "collateral_json", "collateral: more than %d bytes", PML_COLLATERAL_MAX);
    PML_AUTO(json) json_t *bundle = pml_json_load(text, size, err);
    if (!bundle) {
        if (err->kind == PML_NO)
            err->code = "collateral_json";
        return pml_wrap(err, "collateral");
    }
    return pml_collateral_from_json(out, bundle, err);
}

void pml_collateral_free(struct pml_collateral *c)
{
    json_decref(c->bundle);
    free(c->root_crl);
    free(c->pck_crl);
    *c = (struct pml_collateral){ 0 };
}

void pml_collateral_auto(struct pml_collateral *c)
{
    pml_collateral_free(c);
}
