/* SPDX-License-Identifier: MIT */
/* Verdicts as JSON (spec dcap §2.11), and their end. */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/memory.h"
#include "base/time.h"
#include "dcap/verify.h"

static json_t *hex(const void *bytes, size_t size)
{
    char text[2 * 64 + 1];
    return json_string(pml_hex(text, bytes, size));
}

#define HEX(array) hex((array), sizeof(array))

static json_t *hex_u64(uint64_t value)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
    return HEX(bytes);
}

static json_t *hex_u32(uint32_t value)
{
    uint8_t bytes[4];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
    return HEX(bytes);
}

static json_t *sgx_json(const struct pml_sgx_report *r)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:o}", "cpu_svn", HEX(r->cpu_svn), "misc_select",
                     hex_u32(r->misc_select), "attributes", HEX(r->attributes), "mr_enclave", HEX(r->mr_enclave),
                     "mr_signer", HEX(r->mr_signer), "isv_prod_id", (int)r->isv_prod_id, "isv_svn", (int)r->isv_svn,
                     "report_data", HEX(r->report_data));
}

static json_t *td_json(enum pml_body_type type, const struct pml_td_report *r)
{
    json_t *out = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                            "tee_tcb_svn", HEX(r->tee_tcb_svn), "mr_seam", HEX(r->mr_seam), "mr_signer_seam",
                            HEX(r->mr_signer_seam), "seam_attributes", hex_u64(r->seam_attributes), "td_attributes",
                            hex_u64(r->td_attributes), "xfam", hex_u64(r->xfam), "mr_td", HEX(r->mr_td), "mr_config_id",
                            HEX(r->mr_config_id), "mr_owner", HEX(r->mr_owner), "mr_owner_config",
                            HEX(r->mr_owner_config), "rt_mr0", HEX(r->rtmr[0]), "rt_mr1", HEX(r->rtmr[1]), "rt_mr2",
                            HEX(r->rtmr[2]), "rt_mr3", HEX(r->rtmr[3]), "report_data", HEX(r->report_data));
    json_t *td15 = NULL, *td15ex = NULL;
    if (out && type >= PML_BODY_TD15) {
        td15 = json_pack("{s:o, s:o}", "tee_tcb_svn2", HEX(r->tee_tcb_svn2), "mr_service_td", HEX(r->mr_service_td));
        if (!td15 || json_object_update(out, td15) != 0)
            json_decref(pml_take(&out));
    }
    if (out && type == PML_BODY_TD15EX) {
        td15ex = json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "vmid", (int)r->vmid, "td_id",
                           HEX(r->td_id), "devinfo_hash", HEX(r->devinfo_hash), "init_servtd_hash",
                           HEX(r->init_servtd_hash), "init_servtd_attributes", hex_u64(r->init_servtd_attributes),
                           "init_cpu_svn", HEX(r->init_cpu_svn), "init_tee_tcb_svn", HEX(r->init_tee_tcb_svn),
                           "init_tee_fmspc", HEX(r->init_tee_fmspc), "cur_servtd_hash", HEX(r->cur_servtd_hash),
                           "cur_servtd_attributes", hex_u64(r->cur_servtd_attributes));
        if (!td15ex || json_object_update(out, td15ex) != 0)
            json_decref(pml_take(&out));
    }
    json_decref(td15);
    json_decref(td15ex);
    return out;
}

json_t *pml_report_json(enum pml_body_type type, const struct pml_td_report *td, const struct pml_sgx_report *sgx)
{
    switch (type) {
    case PML_BODY_NONE: return json_null();
    case PML_BODY_SGX: return sgx_json(sgx);
    default: return td_json(type, td);
    }
}

static json_t *time_or_null(bool known, int64_t seconds)
{
    char text[PML_TIME_TEXT];
    return known ? json_string(pml_time_text(text, seconds)) : json_null();
}

/* Foreign text inside a message may have been cut in the middle of a character. */
static json_t *message_json(const char *text)
{
    char ascii[sizeof((struct pml_error *)0)->text];
    json_t *whole = json_string(text);
    if (whole)
        return whole;
    size_t size = strnlen(text, sizeof ascii - 1);
    for (size_t i = 0; i < size; i++)
        ascii[i] = (signed char)text[i] < 0 ? '?' : text[i];
    ascii[size] = 0;
    return json_string(ascii);
}

static json_t *error_json(const struct pml_error *error)
{
    if (!error->code)
        return json_null();
    return json_pack("{s:s, s:o}", "code", error->code, "message", message_json(error->text));
}

json_t *pml_verdict_json(const struct pml_verdict *v, struct pml_error *err)
{
    const struct pml_supplemental *s = &v->supplemental;
    bool dated = v->ok && !v->on_chain;
    const char *tee = v->body_type == PML_BODY_NONE ? NULL : v->body_type == PML_BODY_SGX ? "sgx" : "tdx";
    json_t *out = json_pack(
        "{s:b, s:b, s:b, s:s?, s:o, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "ok",
        v->ok, "accepted", v->accepted, "simulated", v->simulated, "tee", tee, "quote_version",
        v->quote_version ? json_integer(v->quote_version) : json_null(), "status", pml_tcb_status_name(v->status),
        "platform_status", pml_tcb_status_name(v->platform_status), "qe_status", pml_tcb_status_name(v->qe_status),
        "tdx_module_status", pml_tcb_status_name(v->tdx_module_status), "relaunch", pml_tcb_status_name(v->relaunch),
        "current_status", pml_tcb_status_name(v->current_status), "advisory_ids",
        v->ok ? json_incref(v->advisory_ids) : json_array(), "fmspc", v->ok ? HEX(s->fmspc) : json_null(),
        "tcb_eval_num", dated ? json_integer(s->tcb_eval_num) : json_null(), "tcb_date",
        time_or_null(dated, s->tcb_date), "verified_at", time_or_null(true, v->verified_at), "earliest_expiration",
        time_or_null(dated, s->earliest_expiration_date), "report", pml_report_json(v->body_type, &v->td, &v->sgx),
        "error", error_json(&v->error));
    return out ? out : pml_fail_memory(err);
}

void pml_verdict_free(struct pml_verdict *verdict)
{
    json_decref(verdict->advisory_ids);
    json_decref(verdict->supplemental.advisory_ids_current);
    *verdict = (struct pml_verdict){ 0 };
}

void pml_verdict_auto(struct pml_verdict *verdict)
{
    pml_verdict_free(verdict);
}
