/* SPDX-License-Identifier: MIT */
/* QE identity. */
#include "dcap/qe_identity.h"

#include <stdlib.h>
#include <string.h>

static bool read_members(struct pml_qe_identity *q, const struct pml_node *doc, struct pml_error *err)
{
    int64_t isvprodid;
    if (!pml_node_text(&q->id, doc, "id", err) || !pml_node_int(&q->version, doc, "version", INT32_MAX, err) ||
        !pml_document_date(&q->issue_date, doc, "issueDate", err) ||
        !pml_document_date(&q->next_update, doc, "nextUpdate", err) ||
        !pml_node_int(&q->eval_num, doc, "tcbEvaluationDataNumber", INT32_MAX, err) ||
        !pml_node_hex(q->miscselect, sizeof q->miscselect, doc, "miscselect", err) ||
        !pml_node_hex(q->miscselect_mask, sizeof q->miscselect_mask, doc, "miscselectMask", err) ||
        !pml_node_hex(q->attributes, sizeof q->attributes, doc, "attributes", err) ||
        !pml_node_hex(q->attributes_mask, sizeof q->attributes_mask, doc, "attributesMask", err) ||
        !pml_node_hex(q->mrsigner, sizeof q->mrsigner, doc, "mrsigner", err) ||
        !pml_node_int(&isvprodid, doc, "isvprodid", UINT16_MAX, err))
        return false;
    q->isvprodid = (uint16_t)isvprodid;
    return pml_isv_levels_read(&q->levels, doc, err);
}

bool pml_qe_identity_parse(struct pml_qe_identity *out, const char *text, size_t size, struct pml_error *err)
{
    *out = (struct pml_qe_identity){ 0 };
    if (pml_tape_parse(&out->document, text, size, err) && read_members(out, out->document.nodes, err))
        return true;
    if (strcmp(err->code, "json") == 0)
        err->code = "qe_identity_format";
    return pml_wrap(err, "qe identity");
}

static bool masked_equal(const uint8_t *value, const uint8_t *mask, const uint8_t *wanted, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((value[i] & mask[i]) != wanted[i])
            return false;
    }
    return true;
}

bool pml_qe_identity_check(const struct pml_qe_identity *id, const struct pml_sgx_report *qe, struct pml_error *err)
{
    uint8_t misc_select[4];
    for (size_t i = 0; i < sizeof misc_select; i++)
        misc_select[i] = (uint8_t)(qe->misc_select >> 8 * i);
    if (qe->attributes[0] & PML_SGX_DEBUG)
        return pml_fail(err, PML_NO, "qe_debug", "the quoting enclave runs in debug mode");
    if (!masked_equal(misc_select, id->miscselect_mask, id->miscselect, sizeof misc_select))
        return pml_fail(err, PML_NO, "qe_identity_mismatch", "misc_select of the quoting enclave differs");
    if (!masked_equal(qe->attributes, id->attributes_mask, id->attributes, sizeof qe->attributes))
        return pml_fail(err, PML_NO, "qe_identity_mismatch", "attributes of the quoting enclave differ");
    if (memcmp(qe->mr_signer, id->mrsigner, sizeof qe->mr_signer) != 0)
        return pml_fail(err, PML_NO, "qe_identity_mismatch", "the quoting enclave has another signer");
    if (qe->isv_prod_id != id->isvprodid)
        return pml_fail(err, PML_NO, "qe_identity_mismatch", "isv_prod_id of the quoting enclave is %u, not %u",
                        qe->isv_prod_id, id->isvprodid);
    return true;
}

void pml_qe_identity_free(struct pml_qe_identity *identity)
{
    free(identity->levels.at);
    pml_tape_free(&identity->document);
    *identity = (struct pml_qe_identity){ 0 };
}
