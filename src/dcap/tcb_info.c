/* SPDX-License-Identifier: MIT */
/* TCB info. */
#include "dcap/tcb_info.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { KEY_PCESVN = 16, KEY_TDX = 18 };

static bool read_svn(uint8_t *out, const struct pml_node *object, const char *name, struct pml_error *err)
{
    int64_t svn;
    if (!pml_node_int(&svn, object, name, UINT8_MAX, err))
        return false;
    *out = (uint8_t)svn;
    return true;
}

static bool read_components(uint8_t out[16], const struct pml_node *tcb, const char *name, struct pml_error *err)
{
    const struct pml_node *list = pml_node_array(tcb, name, err);
    if (!list)
        return false;
    if (list->count != 16)
        return pml_fail(err, PML_NO, "json", "%s: %u components instead of 16", name, list->count);
    const struct pml_node *component = pml_node_first(list);
    for (size_t i = 0; i < 16; i++, component = pml_node_next(component)) {
        if (!read_svn(&out[i], component, "svn", err))
            return pml_wrap(err, "%s %zu", name, i);
    }
    return true;
}

static bool read_components_v2(uint8_t out[16], const struct pml_node *tcb, struct pml_error *err)
{
    char name[sizeof "sgxtcbcomp01svn"];
    for (unsigned i = 0; i < 16; i++) {
        snprintf(name, sizeof name, "sgxtcbcomp%02usvn", i + 1);
        if (!read_svn(&out[i], tcb, name, err))
            return false;
    }
    return true;
}

static bool read_level(struct pml_tcb_level *out, const struct pml_tcb_info *info, const struct pml_node *level,
                       struct pml_error *err)
{
    int64_t pcesvn;
    const struct pml_node *tcb = pml_node_object(level, "tcb", err);
    if (!tcb || !pml_node_int(&pcesvn, tcb, "pcesvn", UINT16_MAX, err))
        return false;
    out->key[KEY_PCESVN] = (uint8_t)(pcesvn >> 8);
    out->key[KEY_PCESVN + 1] = (uint8_t)pcesvn;
    if (info->version == 2 ? !read_components_v2(out->key, tcb, err)
                           : !read_components(out->key, tcb, "sgxtcbcomponents", err))
        return false;
    if (info->is_tdx && !read_components(out->key + KEY_TDX, tcb, "tdxtcbcomponents", err))
        return false;
    return pml_level_read(&out->level, level, err);
}

static int descending(const void *a, const void *b)
{
    const struct pml_tcb_level *x = a, *y = b;
    return memcmp(y->key, x->key, sizeof x->key);
}

static bool read_levels(struct pml_tcb_info *info, const struct pml_node *doc, struct pml_error *err)
{
    const struct pml_node *list = pml_node_array(doc, "tcbLevels", err);
    if (!list)
        return false;
    size_t count = list->count;
    if (count > PML_LEVELS_MAX)
        return pml_fail(err, PML_NO, "json", "tcbLevels: more than %d", PML_LEVELS_MAX);
    info->levels = calloc(count + 1, sizeof *info->levels);
    if (!info->levels)
        return pml_fail_memory(err);
    const struct pml_node *level = pml_node_first(list);
    for (size_t i = 0; i < count; i++, level = pml_node_next(level)) {
        if (!read_level(&info->levels[i], info, level, err))
            return pml_wrap(err, "tcbLevels %zu", i);
    }
    info->level_count = count;
    qsort(info->levels, count, sizeof *info->levels, descending);
    for (size_t i = 1; i < count; i++) {
        if (descending(&info->levels[i - 1], &info->levels[i]) == 0)
            return pml_fail(err, PML_NO, "json", "tcbLevels: the same level twice");
    }
    return true;
}

static bool read_module(struct pml_tdx_module *out, const struct pml_node *object, struct pml_error *err)
{
    return pml_node_hex(out->mrsigner, sizeof out->mrsigner, object, "mrsigner", err) &&
           pml_node_hex(out->attributes, sizeof out->attributes, object, "attributes", err) &&
           pml_node_hex(out->attributes_mask, sizeof out->attributes_mask, object, "attributesMask", err);
}

static bool read_identity(struct pml_tdx_module_identity *out, const struct pml_node *object, struct pml_error *err)
{
    return pml_node_text(&out->id, object, "id", err) && read_module(&out->module, object, err) &&
           pml_isv_levels_read(&out->levels, object, err);
}

/* Members of TDX documents. The list of identities appeared with modules of major version 1 and may be absent. */
static bool read_modules(struct pml_tcb_info *info, const struct pml_node *doc, struct pml_error *err)
{
    const struct pml_node *module = pml_node_object(doc, "tdxModule", err);
    if (!module || !read_module(&info->module, module, err))
        return pml_wrap(err, "tdxModule");
    if (!pml_node_member(doc, "tdxModuleIdentities"))
        return true;
    const struct pml_node *list = pml_node_array(doc, "tdxModuleIdentities", err);
    if (!list)
        return false;
    size_t count = list->count;
    if (count > PML_LEVELS_MAX)
        return pml_fail(err, PML_NO, "json", "tdxModuleIdentities: more than %d", PML_LEVELS_MAX);
    info->identities = calloc(count + 1, sizeof *info->identities);
    if (!info->identities)
        return pml_fail_memory(err);
    info->identity_count = count;
    const struct pml_node *identity = pml_node_first(list);
    for (size_t i = 0; i < count; i++, identity = pml_node_next(identity)) {
        if (!read_identity(&info->identities[i], identity, err))
            return pml_wrap(err, "tdxModuleIdentities %zu", i);
    }
    return true;
}

/* Version 3 says "SGX" or "TDX"; version 2 knew only SGX and had no id. */
static bool read_kind(struct pml_tcb_info *info, const struct pml_node *doc, struct pml_error *err)
{
    if (!pml_node_int(&info->version, doc, "version", INT32_MAX, err))
        return false;
    if (info->version == 2 && !pml_node_member(doc, "id"))
        return true;
    if (info->version != 3)
        return pml_fail(err, PML_NO, "json", "version %lld is not known in this form", (long long)info->version);
    struct pml_text id;
    if (!pml_node_text(&id, doc, "id", err))
        return false;
    info->is_tdx = pml_text_is(id, "TDX");
    if (!info->is_tdx && !pml_text_is(id, "SGX"))
        return pml_fail(err, PML_NO, "json", "id: neither SGX nor TDX");
    return true;
}

static bool read_members(struct pml_tcb_info *info, const struct pml_node *doc, struct pml_error *err)
{
    return read_kind(info, doc, err) && pml_document_date(&info->issue_date, doc, "issueDate", err) &&
           pml_document_date(&info->next_update, doc, "nextUpdate", err) &&
           pml_node_hex(info->fmspc, sizeof info->fmspc, doc, "fmspc", err) &&
           pml_node_hex(info->pce_id, sizeof info->pce_id, doc, "pceId", err) &&
           pml_node_int(&info->tcb_type, doc, "tcbType", INT32_MAX, err) &&
           pml_node_int(&info->eval_num, doc, "tcbEvaluationDataNumber", INT32_MAX, err) &&
           (!info->is_tdx || read_modules(info, doc, err)) && read_levels(info, doc, err);
}

bool pml_tcb_info_parse(struct pml_tcb_info *out, const char *text, size_t size, struct pml_error *err)
{
    *out = (struct pml_tcb_info){ 0 };
    if (pml_tape_parse(&out->document, text, size, err) && read_members(out, out->document.nodes, err))
        return true;
    if (strcmp(err->code, "json") == 0)
        err->code = "tcb_info_format";
    return pml_wrap(err, "tcb info");
}

void pml_tcb_info_free(struct pml_tcb_info *info)
{
    for (size_t i = 0; i < info->identity_count; i++)
        free(info->identities[i].levels.at);
    free(info->identities);
    free(info->levels);
    pml_tape_free(&info->document);
    *info = (struct pml_tcb_info){ 0 };
}

static bool reaches(const uint8_t *svn, const uint8_t *level, size_t first)
{
    for (size_t i = first; i < 16; i++) {
        if (svn[i] < level[i])
            return false;
    }
    return true;
}

const struct pml_tcb_level *pml_tcb_level_find(const struct pml_tcb_info *info, const uint8_t cpu_svn[16],
                                               uint16_t pce_svn, const uint8_t *tee_tcb_svn, bool compare_all,
                                               struct pml_error *err)
{
    /* [0] and [1] were matched as the module's identity (§2.2 rule 3) */
    size_t first = tee_tcb_svn && tee_tcb_svn[1] > 0 && !compare_all ? 2 : 0;
    for (size_t i = 0; i < info->level_count; i++) {
        const uint8_t *key = info->levels[i].key;
        unsigned level_pcesvn = (unsigned)key[KEY_PCESVN] << 8 | key[KEY_PCESVN + 1];
        if (reaches(cpu_svn, key, 0) && pce_svn >= level_pcesvn &&
            (!tee_tcb_svn || reaches(tee_tcb_svn, key + KEY_TDX, first)))
            return &info->levels[i];
    }
    return pml_fail(err, PML_NO, "tcb_not_supported",
                    "the platform is older than every TCB level that is listed: update its microcode and TDX module, "
                    "or register it again");
}

static const struct pml_tdx_module_identity *find_identity(const struct pml_tcb_info *info, uint8_t major)
{
    char id[sizeof "TDX_01"];
    snprintf(id, sizeof id, "TDX_%02X", major);
    for (size_t i = 0; i < info->identity_count; i++) {
        const struct pml_text *other = &info->identities[i].id;
        if (other->size == strlen(id) && strncasecmp(other->bytes, id, strlen(id)) == 0)
            return &info->identities[i];
    }
    return NULL;
}

static bool check_signer(const struct pml_tdx_module *module, const struct pml_td_report *td, struct pml_error *err)
{
    static const uint8_t zero[48];
    if (memcmp(td->mr_signer_seam, module->mrsigner, sizeof module->mrsigner) != 0 ||
        memcmp(td->mr_signer_seam, zero, sizeof zero) != 0)
        return pml_fail(err, PML_NO, "tdx_module_mismatch", "mr_signer_seam is not that of Intel's TDX module");
    for (size_t i = 0; i < 8; i++) {
        uint8_t got = (uint8_t)(td->seam_attributes >> 8 * i);
        uint8_t mask = module->attributes_mask[i];
        if ((got & mask) != (module->attributes[i] & mask) || (got & ~mask))
            return pml_fail(err, PML_NO, "tdx_module_mismatch", "seam_attributes are not those of Intel's TDX module");
    }
    return true;
}

bool pml_tdx_module_check(const struct pml_isv_level **level, const struct pml_tcb_info *info,
                          const struct pml_td_report *td, const uint8_t tee_tcb_svn[16], struct pml_error *err)
{
    uint8_t svn = tee_tcb_svn[0], major = tee_tcb_svn[1];
    *level = NULL;
    if (major == 0)
        return check_signer(&info->module, td, err);
    const struct pml_tdx_module_identity *identity = find_identity(info, major);
    if (!identity)
        return pml_fail(err, PML_NO, "tdx_module_mismatch", "no TDX module of major version %u is known", major);
    if (!check_signer(&identity->module, td, err))
        return false;
    *level = pml_isv_level_find(&identity->levels, svn);
    if (!*level)
        return pml_fail(err, PML_NO, "tcb_not_supported",
                        "TDX module %u.%u is older than every level that is listed: update the TDX module", major, svn);
    return true;
}
