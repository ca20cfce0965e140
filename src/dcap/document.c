/* SPDX-License-Identifier: MIT */
/* Common members of the signed documents. */
#include "dcap/document.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"

bool pml_document_int(int64_t *out, const json_t *object, const char *name, int64_t max, struct pml_error *err)
{
    if (!pml_json_int(out, object, name, err))
        return false;
    if (*out < 0 || *out > max)
        return pml_fail(err, PML_NO, "json", "%s: not in 0..%lld", name, (long long)max);
    return true;
}

bool pml_document_date(int64_t *out, const json_t *object, const char *name, struct pml_error *err)
{
    const char *text = pml_json_text(object, name, err);
    if (!text)
        return false;
    if (!pml_time_parse(out, text))
        return pml_fail(err, PML_NO, "bad_date", "%s: not of the form YYYY-MM-DDThh:mm:ssZ", name);
    return true;
}

static bool read_advisories(const json_t **out, const json_t *level, struct pml_error *err)
{
    const json_t *list = json_object_get(level, "advisoryIDs");
    size_t i;
    json_t *id;
    if (list && !json_is_array(list))
        return pml_fail(err, PML_NO, "json", "advisoryIDs: not an array");
    json_array_foreach(list, i, id) {
        if (!json_is_string(id))
            return pml_fail(err, PML_NO, "json", "advisoryIDs: not strings");
    }
    *out = list;
    return true;
}

bool pml_level_read(struct pml_level *out, const json_t *level, struct pml_error *err)
{
    if (!pml_document_date(&out->date, level, "tcbDate", err))
        return false;
    const char *status = pml_json_text(level, "tcbStatus", err);
    if (!status)
        return false;
    out->status = pml_tcb_status_parse(status);
    if (out->status == PML_TCB_NONE || out->status > PML_TCB_REVOKED)
        return pml_fail(err, PML_NO, "tcb_unknown_status", "tcbStatus: \"%.60s\" is not known", status);
    return read_advisories(&out->advisory_ids, level, err);
}

static bool read_isv_level(struct pml_isv_level *out, const json_t *level, struct pml_error *err)
{
    int64_t isvsvn;
    const json_t *tcb = pml_json_object(level, "tcb", err);
    if (!tcb || !pml_document_int(&isvsvn, tcb, "isvsvn", UINT16_MAX, err) || !pml_level_read(&out->level, level, err))
        return false;
    out->isvsvn = (uint16_t)isvsvn;
    enum pml_tcb_status status = out->level.status;
    if (status != PML_TCB_UP_TO_DATE && status != PML_TCB_OUT_OF_DATE && status != PML_TCB_REVOKED)
        return pml_fail(err, PML_NO, "tcb_unknown_status", "tcbStatus: %s is not a status of a component",
                        pml_tcb_status_name(status));
    return true;
}

bool pml_isv_levels_read(struct pml_isv_levels *out, const json_t *object, struct pml_error *err)
{
    const json_t *list = pml_json_array(object, "tcbLevels", err);
    size_t count = json_array_size(list);
    if (!list)
        return false;
    if (count > PML_LEVELS_MAX)
        return pml_fail(err, PML_NO, "json", "tcbLevels: more than %d", PML_LEVELS_MAX);
    out->at = calloc(count + 1, sizeof *out->at);
    if (!out->at)
        return pml_fail_memory(err);
    for (; out->count < count; out->count++) {
        if (!read_isv_level(&out->at[out->count], json_array_get(list, out->count), err))
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
