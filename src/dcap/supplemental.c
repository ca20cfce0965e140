/* SPDX-License-Identifier: MIT */
/* S18: what a verified quote and its collateral say beside the status. Source: spec dcap §2.7. */
#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/memory.h"
#include "dcap/verification.h"

struct window {
    int64_t earliest_issue, latest_issue, earliest_expiration;
};

static void narrow(struct window *w, int64_t issue, int64_t expiration)
{
    if (issue < w->earliest_issue)
        w->earliest_issue = issue;
    if (issue > w->latest_issue)
        w->latest_issue = issue;
    if (expiration < w->earliest_expiration)
        w->earliest_expiration = expiration;
}

static void narrow_cert(struct window *w, const struct pml_cert *cert)
{
    narrow(w, cert->not_before, cert->not_after);
}

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void fill_dates(struct pml_supplemental *s, const struct pml_verification *v)
{
    struct window qe = { INT64_MAX, INT64_MIN, INT64_MAX };
    narrow_cert(&qe, &v->bundle->qe_signer);
    narrow_cert(&qe, &v->platform->chain.root);
    narrow(&qe, v->bundle->root_crl.this_update, v->bundle->root_crl.next_update);
    narrow(&qe, v->bundle->qe_identity.issue_date, v->bundle->qe_identity.next_update);
    s->qe_iden_earliest_issue_date = qe.earliest_issue;
    s->qe_iden_latest_issue_date = qe.latest_issue;
    s->qe_iden_earliest_expiration_date = qe.earliest_expiration;

    struct window all = qe;
    narrow_cert(&all, &v->platform->chain.leaf);
    narrow_cert(&all, &v->platform->chain.intermediate);
    narrow_cert(&all, &v->bundle->tcb_signer);
    narrow(&all, v->bundle->pck_crl.this_update, v->bundle->pck_crl.next_update);
    narrow(&all, v->bundle->tcb_info.issue_date, v->bundle->tcb_info.next_update);
    s->earliest_issue_date = all.earliest_issue;
    s->latest_issue_date = all.latest_issue;
    s->earliest_expiration_date = all.earliest_expiration;
    s->oldest_collateral =
        min(v->bundle->tcb_info.issue_date, min(v->bundle->qe_identity.issue_date, v->bundle->pck_crl.this_update));
}

/* The oldest of the levels' dates. */
static int64_t tcb_date(const struct pml_evaluation *e, const struct pml_isv_level *qe)
{
    int64_t date = min(e->platform->date, qe->level.date);
    return e->module ? min(date, e->module->date) : date;
}

static bool has(const json_t *list, const json_t *id)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), id))
            return true;
    }
    return false;
}

static bool add_advisories(json_t *list, const struct pml_level *level)
{
    if (!level || !level->advisory_ids)
        return true;
    const struct pml_node *id = pml_node_first(level->advisory_ids);
    for (uint32_t i = 0; i < level->advisory_ids->count; i++, id = pml_node_next(id)) {
        PML_AUTO(json) json_t *text = json_stringn(id->text.bytes, id->text.size);
        if (!text || (!has(list, text) && json_array_append(list, text) != 0))
            return false;
    }
    return true;
}

/* Platform, QE, module; each id once. */
static json_t *advisories(const struct pml_evaluation *e, const struct pml_isv_level *qe, struct pml_error *err)
{
    json_t *list = json_array();
    if (!list || !add_advisories(list, e->platform) || !add_advisories(list, &qe->level) ||
        !add_advisories(list, e->module)) {
        json_decref(list);
        return pml_fail_memory(err);
    }
    return list;
}

static void fill_platform(struct pml_supplemental *s, const struct pml_verification *v)
{
    const struct pml_pck *pck = &v->platform->chain.pck;
    memcpy(s->ppid, pck->ppid, sizeof s->ppid);
    memcpy(s->cpu_svn, pck->cpu_svn, sizeof s->cpu_svn);
    memcpy(s->fmspc, pck->fmspc, sizeof s->fmspc);
    memcpy(s->pce_id, pck->pce_id, sizeof s->pce_id);
    memcpy(s->platform_instance_id, pck->platform_instance_id, sizeof s->platform_instance_id);
    s->has_platform_instance_id = pck->has_platform_instance_id;
    s->pce_svn = pck->pce_svn;
    s->sgx_type = pck->sgx_type;
    s->dynamic_platform = pck->dynamic_platform;
    s->cached_keys = pck->cached_keys;
    s->smt_enabled = pck->smt_enabled;
    pml_sha384(s->root_key_id, v->platform->chain.root.point.bytes, v->platform->chain.root.point.size);
}

bool pml_verification_report(struct pml_verification *v, struct pml_error *err)
{
    struct pml_verdict *verdict = v->verdict;
    struct pml_supplemental *s = &verdict->supplemental;

    fill_dates(s, v);
    fill_platform(s, v);
    s->platform_tcb_date = v->launch.platform->date;
    s->qe_tcb_date = v->qe_level->level.date;
    s->tdx_module_tcb_date = v->launch.module ? v->launch.module->date : 0;
    s->tcb_date = tcb_date(&v->launch, v->qe_level);
    s->tcb_info_eval_num = v->bundle->tcb_info.eval_num;
    s->qe_identity_eval_num = v->bundle->qe_identity.eval_num;
    s->tcb_eval_num = min(s->tcb_info_eval_num, s->qe_identity_eval_num);
    s->pck_crl_num = v->bundle->pck_crl.number;
    s->root_ca_crl_num = v->bundle->root_crl.number;
    s->qe_status = v->qe_level->level.status;

    verdict->status = v->launch.status;
    verdict->platform_status = v->launch.platform->status;
    verdict->qe_status = v->qe_level->level.status;
    verdict->tdx_module_status = v->launch.module ? v->launch.module->status : PML_TCB_NONE;
    verdict->advisory_ids = advisories(&v->launch, v->qe_level, err);
    if (!verdict->advisory_ids)
        return false;
    if (!v->current.platform)
        return true;
    verdict->current_status = v->current.status;
    verdict->relaunch = pml_tcb_relaunch(v->launch.status, v->current.status);
    s->tcb_date_current = tcb_date(&v->current, v->qe_level);
    s->advisory_ids_current = advisories(&v->current, v->qe_level, err);
    return s->advisory_ids_current;
}
