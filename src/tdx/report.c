/* SPDX-License-Identifier: MIT */
/* SGX and TD report bodies, both directions. */
#include "tdx/report.h"

size_t pml_body_size(enum pml_body_type type)
{
    switch (type) {
    case PML_BODY_SGX: return PML_SGX_REPORT_SIZE;
    case PML_BODY_TD10: return PML_TD10_SIZE;
    case PML_BODY_TD15: return PML_TD15_SIZE;
    case PML_BODY_TD15EX: return PML_TD15EX_SIZE;
    default: return 0;
    }
}

bool pml_sgx_report_parse(struct pml_sgx_report *out, struct pml_cursor in, struct pml_error *err)
{
    struct pml_sgx_report r;

    PML_GET(&in, r.cpu_svn);
    r.misc_select = pml_get_u32le(&in);
    PML_GET(&in, r.reserved1);
    PML_GET(&in, r.attributes);
    PML_GET(&in, r.mr_enclave);
    PML_GET(&in, r.reserved2);
    PML_GET(&in, r.mr_signer);
    PML_GET(&in, r.reserved3);
    r.isv_prod_id = pml_get_u16le(&in);
    r.isv_svn = pml_get_u16le(&in);
    PML_GET(&in, r.reserved4);
    PML_GET(&in, r.report_data);

    if (!pml_cursor_end(&in, "quote_format", err))
        return pml_wrap(err, "sgx report");
    *out = r;
    return true;
}

bool pml_td_report_parse(struct pml_td_report *out, enum pml_body_type type, struct pml_cursor in,
                         struct pml_error *err)
{
    struct pml_td_report r = { 0 };

    PML_GET(&in, r.tee_tcb_svn);
    PML_GET(&in, r.mr_seam);
    PML_GET(&in, r.mr_signer_seam);
    r.seam_attributes = pml_get_u64le(&in);
    r.td_attributes = pml_get_u64le(&in);
    r.xfam = pml_get_u64le(&in);
    PML_GET(&in, r.mr_td);
    PML_GET(&in, r.mr_config_id);
    PML_GET(&in, r.mr_owner);
    PML_GET(&in, r.mr_owner_config);
    PML_GET(&in, r.rtmr);
    PML_GET(&in, r.report_data);

    if (type == PML_BODY_TD15 || type == PML_BODY_TD15EX) {
        PML_GET(&in, r.tee_tcb_svn2);
        PML_GET(&in, r.mr_service_td);
    }
    if (type == PML_BODY_TD15EX) {
        r.vmid = pml_get_u8(&in);
        PML_GET(&in, r.td_id);
        PML_GET(&in, r.devinfo_hash);
        PML_GET(&in, r.init_servtd_hash);
        r.init_servtd_attributes = pml_get_u64le(&in);
        PML_GET(&in, r.init_cpu_svn);
        PML_GET(&in, r.init_tee_tcb_svn);
        PML_GET(&in, r.init_tee_fmspc);
        PML_GET(&in, r.cur_servtd_hash);
        r.cur_servtd_attributes = pml_get_u64le(&in);
    }

    if (!pml_cursor_end(&in, "quote_format", err))
        return pml_wrap(err, "td report");
    *out = r;
    return true;
}

#define PUT(out, array) pml_put_bytes((out), (array), sizeof(array))

void pml_put_sgx_report(struct pml_buf *out, const struct pml_sgx_report *r)
{
    PUT(out, r->cpu_svn);
    pml_put_u32le(out, r->misc_select);
    PUT(out, r->reserved1);
    PUT(out, r->attributes);
    PUT(out, r->mr_enclave);
    PUT(out, r->reserved2);
    PUT(out, r->mr_signer);
    PUT(out, r->reserved3);
    pml_put_u16le(out, r->isv_prod_id);
    pml_put_u16le(out, r->isv_svn);
    PUT(out, r->reserved4);
    PUT(out, r->report_data);
}

void pml_put_td_report(struct pml_buf *out, const struct pml_td_report *r, enum pml_body_type type)
{
    PUT(out, r->tee_tcb_svn);
    PUT(out, r->mr_seam);
    PUT(out, r->mr_signer_seam);
    pml_put_u64le(out, r->seam_attributes);
    pml_put_u64le(out, r->td_attributes);
    pml_put_u64le(out, r->xfam);
    PUT(out, r->mr_td);
    PUT(out, r->mr_config_id);
    PUT(out, r->mr_owner);
    PUT(out, r->mr_owner_config);
    PUT(out, r->rtmr);
    PUT(out, r->report_data);

    if (type == PML_BODY_TD15 || type == PML_BODY_TD15EX) {
        PUT(out, r->tee_tcb_svn2);
        PUT(out, r->mr_service_td);
    }
    if (type == PML_BODY_TD15EX) {
        pml_put_u8(out, r->vmid);
        PUT(out, r->td_id);
        PUT(out, r->devinfo_hash);
        PUT(out, r->init_servtd_hash);
        pml_put_u64le(out, r->init_servtd_attributes);
        PUT(out, r->init_cpu_svn);
        PUT(out, r->init_tee_tcb_svn);
        PUT(out, r->init_tee_fmspc);
        PUT(out, r->cur_servtd_hash);
        pml_put_u64le(out, r->cur_servtd_attributes);
    }
}
