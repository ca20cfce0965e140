/* SPDX-License-Identifier: MIT */
/* Common members of the signed documents. */
#include "dcap/document.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"

bool pml_document_date(int64_t *out, const struct pml_node *object, const char *name, struct pml_error *err)
{
    char when[PML_TIME_TEXT] = { 0 };
    struct pml_text text;
    if (!pml_node_text(&text, object, name, err))
        return false;
    if (text.size < sizeof when)
        memcpy(when, text.bytes, text.size);
    if (!pml_time_parse(out, when))
        return pml_fail(err, PML_NO, "bad_date", "%s: not of the form YYYY-MM-DDThh:mm:ssZ", name);
    return true;
}

static bool read_advisories(const struct pml_node **out, const struct pml_node *level, struct pml_error *err)
{
    const struct pml_node *list = pml_node_member(level, "advisoryIDs");
    *out = list;
    if (!list)
        return true;
    if (list->type != PML_NODE_ARRAY)
        return pml_fail(err, PML_NO, "json", "advisoryIDs: not an array");
    const struct pml_node *id = pml_node_first(list);
    for (uint32_t i = 0; i < list->count; i++, id = pml_node_next(id)) {
        if (id->type != PML_NODE_STRING)
            return pml_fail(err, PML_NO, "json", "advisoryIDs: not strings");
    }
    return true;
}

bool pml_level_read(struct pml_level *out, const struct pml_node *level, struct pml_error *err)
{
    if (!pml_document_date(&out->date, level, "tcbDate", err))
        return false;
    struct pml_text name;
    if (!pml_node_text(&name, level, "tcbStatus", err))
        return false;
    out->status = pml_tcb_status_parse(name.bytes, name.size);
    if (out->status == PML_TCB_NONE || out->status > PML_TCB_REVOKED)
        return pml_fail(err, PML_NO, "tcb_unknown_status", "tcbStatus: \"%.*s\" is not known",
                        name.size < 60 ? (int)name.size : 60, name.bytes);
    return read_advisories(&out->advisory_ids, level, err);
}

static bool read_isv_level(struct pml_isv_level *out, const struct pml_node *level, struct pml_error *err)
{
    int64_t isvsvn;
    const struct pml_node *tcb = pml_node_object(level, "tcb", err);
    if (!tcb || !pml_node_int(&isvsvn, tcb, "isvsvn", UINT16_MAX, err) || !pml_level_read(&out->level, level, err))
        return false;
    out->isvsvn = (uint16_t)isvsvn;
    enum pml_tcb_status status = out->level.status;
    if (status != PML_TCB_UP_TO_DATE && status != PML_TCB_OUT_OF_DATE && status != PML_TCB_REVOKED)
        return pml_fail(err, PML_NO, "tcb_unknown_status", "tcbStatus: %s is not a status of a component",
                        pml_tcb_status_name(status));
    return true;
}

bool pml_isv_levels_read(struct pml_isv_levels *out, const struct pml_node *object, struct pml_error *err)
{
    const struct pml_node *list = pml_node_array(object, "tcbLevels", err);
    if (!list)
        return false;
    if (list->count > PML_LEVELS_MAX)
        return pml_fail(err, PML_NO, "json", "tcbLevels: more than %d", PML_LEVELS_MAX);
    out->at = calloc(list->count + 1, sizeof *out->at);
    if (!out->at)
        return pml_fail_memory(err);
    const struct pml_node *level = pml_node_first(list);
    for (; out->count < list->count; out->count++, level = pml_node_next(level)) {
        if (!read_isv_level(&out->at[out->count], level, err))
            return pml_wrap(err, "tcbLevels %zu", out->count);
    }
    return true;
}

const struct pml_isv_level *pml_isv_level_find(const struct pml_isv_levels *levels, uint16_t svn)
{
    for (size_t i = 0; i < levels->count; i++) {
        if (svn >= levels->at[i].isvsvn)
            return &levels->at[i];
    }
    return NULL;
}
