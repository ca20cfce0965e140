/* SPDX-License-Identifier: MIT */
/* Bundles, part by part. */
#include "dcap/inspect.h"

#include "base/memory.h"
#include "dcap/qe_identity.h"
#include "dcap/tcb_info.h"

static const char *const names[] = { "root_ca_crl", "pck_crl", "tcb_info", "qe_identity" };

static bool read_list(struct pml_inspected *out, const uint8_t *der, size_t size, struct pml_error *err)
{
    struct pml_crl crl;
    if (!pml_crl_parse(&crl, (struct pml_bytes){ der, size }, err))
        return false;
    out->issued = crl.this_update;
    out->next_update = crl.next_update - 1; /* the last second that it is current */
    out->number = (int64_t)crl.number;
    return true;
}

static bool read_tcb_info(struct pml_inspected *out, struct pml_text text, struct pml_error *err)
{
    struct pml_tcb_info info = { 0 };
    bool good = pml_tcb_info_parse(&info, text.bytes, text.size, err);
    out->issued = info.issue_date;
    out->next_update = info.next_update;
    out->number = info.eval_num;
    pml_tcb_info_free(&info);
    return good;
}

static bool read_qe_identity(struct pml_inspected *out, struct pml_text text, struct pml_error *err)
{
    struct pml_qe_identity identity = { 0 };
    bool good = pml_qe_identity_parse(&identity, text.bytes, text.size, err);
    out->issued = identity.issue_date;
    out->next_update = identity.next_update;
    out->number = identity.eval_num;
    pml_qe_identity_free(&identity);
    return good;
}

static bool read_part(struct pml_inspected *out, const struct pml_collateral *c, enum pml_item_kind kind,
                      struct pml_error *err)
{
    switch (kind) {
    case PML_ITEM_ROOT_CRL: return read_list(out, c->root_crl, c->root_crl_size, err);
    case PML_ITEM_PCK_CRL: return read_list(out, c->pck_crl, c->pck_crl_size, err);
    case PML_ITEM_TCB_INFO: return read_tcb_info(out, c->tcb_info, err);
    case PML_ITEM_QE_IDENTITY: return read_qe_identity(out, c->qe_identity, err);
    }
    return false;
}

bool pml_inspect(struct pml_inspected parts[PML_ITEM_KINDS], bool *simulated, const struct pml_collateral *c,
                 const struct pml_trust *trust, struct pml_when when, struct pml_error *err)
{
    struct pml_chain chain;
    struct pml_cert root;
    struct pml_error untrusted = { 0 };
    /* The TCB info's root is the bundle's: all parts must end in the same. */
    if (!pml_chain_decode(&chain, c->tcb_info_chain.bytes, c->tcb_info_chain.size, 2, "tcb_info_chain", err) ||
        !pml_cert_parse(&root, chain.cert[1], "tcb_info_chain", err))
        return pml_wrap(err, "tcb_info_issuer_chain");
    *simulated = pml_cert_is_simulated(&root);
    bool trusted = pml_check_root(&root, trust, &untrusted);
    for (int kind = 0; kind < PML_ITEM_KINDS; kind++) {
        struct pml_inspected *part = &parts[kind];
        PML_AUTO(item) struct pml_item item = { 0 };
        *part = (struct pml_inspected){ .member = names[kind] };
        if (!pml_item_of_bundle(&item, &part->key, c, (enum pml_item_kind)kind, err) ||
            !read_part(part, c, (enum pml_item_kind)kind, err))
            return pml_wrap(err, "%s", names[kind]);
        part->verified = trusted && pml_item_check(&item, &part->key, root.der, when, &part->error);
        if (!trusted)
            part->error = untrusted;
    }
    return true;
}
