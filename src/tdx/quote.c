/* SPDX-License-Identifier: MIT */
/* Quote frames, both directions. */
#include "tdx/quote.h"

#include <string.h>

const uint8_t pml_intel_qe_vendor_id[16] = { 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                             0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };

static bool get_header(struct pml_quote *q, struct pml_cursor *in, struct pml_error *err)
{
    q->version = pml_get_u16le(in);
    q->att_key_type = pml_get_u16le(in);
    q->tee_type = pml_get_u32le(in);
    q->qe_svn = pml_get_u16le(in);
    q->pce_svn = pml_get_u16le(in);
    PML_GET(in, q->qe_vendor_id);
    PML_GET(in, q->user_data);

    if (!pml_cursor_check(in, "quote_format", err))
        return false;
    if (q->version < 3 || q->version > 5)
        return pml_fail(err, PML_NO, "quote_version", "version %u, known are 3, 4 and 5", q->version);
    if (q->att_key_type != PML_ATT_KEY_ECDSA_P256)
        return pml_fail(err, PML_NO, "att_key_type", "attestation key type %u, known is 2 (ECDSA P-256)",
                        q->att_key_type);
    if (q->tee_type != PML_TEE_SGX && (q->tee_type != PML_TEE_TDX || q->version == 3))
        return pml_fail(err, PML_NO, "tee_type", "tee type 0x%x in a version %u quote", q->tee_type, q->version);
    return true;
}

/* The body's type: implied by tee_type up to version 4, told by a descriptor since version 5. */
static bool get_body_type(enum pml_body_type *type, const struct pml_quote *q, struct pml_cursor *in,
                          struct pml_error *err)
{
    if (q->version < 5) {
        *type = q->tee_type == PML_TEE_TDX ? PML_BODY_TD10 : PML_BODY_SGX;
        return true;
    }
    uint16_t number = pml_get_u16le(in);
    uint32_t size = pml_get_u32le(in);
    if (!pml_cursor_check(in, "quote_format", err))
        return false;
    if (number < PML_BODY_SGX || number > PML_BODY_TD15EX || size != pml_body_size((enum pml_body_type)number))
        return pml_fail(err, PML_NO, "quote_body_type", "no body of type %u has %u bytes", number, size);
    if ((number == PML_BODY_SGX) != (q->tee_type == PML_TEE_SGX))
        return pml_fail(err, PML_NO, "quote_body_type", "body type %u does not go with tee type 0x%x", number,
                        q->tee_type);
    *type = (enum pml_body_type)number;
    return true;
}

static bool get_body(struct pml_quote *q, struct pml_cursor *in, struct pml_error *err)
{
    enum pml_body_type type = PML_BODY_NONE;
    if (!get_body_type(&type, q, in, err))
        return false;
    struct pml_cursor body = pml_get_sub(in, pml_body_size(type));
    if (!pml_cursor_check(&body, "quote_format", err))
        return pml_wrap(err, "body");
    if (type == PML_BODY_SGX ? !pml_sgx_report_parse(&q->sgx, body, err)
                             : !pml_td_report_parse(&q->td, type, body, err))
        return false;
    q->body_type = type;
    return true;
}

/* The part that both layouts share: QE report to certification data, using up IN. */
static bool get_qe_part(struct pml_quote *q, struct pml_cursor in, struct pml_error *err)
{
    q->qe_report_bytes = pml_get_view(&in, PML_SGX_REPORT_SIZE);
    PML_GET(&in, q->qe_report_signature);
    q->qe_auth_size = pml_get_u16le(&in);
    q->qe_auth_data = pml_get_view(&in, q->qe_auth_size);
    q->cert_type = pml_get_u16le(&in);
    q->cert_size = pml_get_u32le(&in);
    q->cert_data = pml_get_view(&in, q->cert_size);
    if (!pml_cursor_end(&in, "quote_format", err))
        return pml_wrap(err, "certification data");
    return pml_sgx_report_parse(&q->qe_report, pml_cursor(q->qe_report_bytes, PML_SGX_REPORT_SIZE), err);
}

static bool get_signature_data(struct pml_quote *q, struct pml_cursor in, struct pml_error *err)
{
    PML_GET(&in, q->signature);
    PML_GET(&in, q->attestation_key);
    if (q->version == 3) {
        struct pml_cursor rest = pml_get_sub(&in, pml_cursor_left(&in));
        return get_qe_part(q, rest, err);
    }
    uint16_t outer_type = pml_get_u16le(&in);
    uint32_t size = pml_get_u32le(&in);
    struct pml_cursor container = pml_get_sub(&in, size);
    if (!pml_cursor_end(&in, "quote_format", err))
        return pml_wrap(err, "signature data");
    if (outer_type != PML_CERT_QE_REPORT)
        return pml_fail(err, PML_NO, "cert_data_type", "outer certification data of type %u, must be 6", outer_type);
    return get_qe_part(q, container, err);
}

bool pml_quote_parse(struct pml_quote *out, const void *bytes, size_t size, struct pml_error *err)
{
    struct pml_cursor in = pml_cursor(bytes, size);
    struct pml_quote *q = out;

    memset(q, 0, sizeof *q);
    if (size > PML_QUOTE_MAX)
        return pml_fail(err, PML_NO, "quote_format", "%zu bytes, at most %d are taken", size, PML_QUOTE_MAX);
    if (!get_header(q, &in, err))
        return pml_wrap(err, "header");
    if (!get_body(q, &in, err))
        return false;
    q->signed_bytes = bytes;
    q->signed_size = pml_cursor_offset(&in);
    if (size < PML_QUOTE_MIN)
        return pml_fail(err, PML_NO, "quote_format", "%zu bytes, the smallest quote has %d", size, PML_QUOTE_MIN);
    struct pml_cursor signature_data = pml_get_sub(&in, pml_get_u32le(&in));
    if (!pml_cursor_check(&in, "quote_format", err))
        return pml_wrap(err, "signature data");
    q->size = pml_cursor_offset(&in);
    return get_signature_data(q, signature_data, err);
}

void pml_put_quote_signed(struct pml_buf *out, const struct pml_quote *q)
{
    pml_put_u16le(out, q->version);
    pml_put_u16le(out, q->att_key_type);
    pml_put_u32le(out, q->tee_type);
    pml_put_u16le(out, q->qe_svn);
    pml_put_u16le(out, q->pce_svn);
    pml_put_bytes(out, q->qe_vendor_id, sizeof q->qe_vendor_id);
    pml_put_bytes(out, q->user_data, sizeof q->user_data);
    if (q->version >= 5) {
        pml_put_u16le(out, (uint16_t)q->body_type);
        pml_put_u32le(out, (uint32_t)pml_body_size(q->body_type));
    }
    if (q->body_type == PML_BODY_SGX)
        pml_put_sgx_report(out, &q->sgx);
    else
        pml_put_td_report(out, &q->td, q->body_type);
}

void pml_put_quote(struct pml_buf *out, const struct pml_quote *q)
{
    pml_put_quote_signed(out, q);
    size_t signature_data = pml_put_len32le(out);
    pml_put_bytes(out, q->signature, sizeof q->signature);
    pml_put_bytes(out, q->attestation_key, sizeof q->attestation_key);
    size_t container = 0;
    if (q->version >= 4) {
        pml_put_u16le(out, PML_CERT_QE_REPORT);
        container = pml_put_len32le(out);
    }
    pml_put_sgx_report(out, &q->qe_report);
    pml_put_bytes(out, q->qe_report_signature, sizeof q->qe_report_signature);
    pml_put_u16le(out, (uint16_t)q->qe_auth_size);
    pml_put_bytes(out, q->qe_auth_data, q->qe_auth_size);
    pml_put_u16le(out, q->cert_type);
    size_t cert = pml_put_len32le(out);
    pml_put_bytes(out, q->cert_data, q->cert_size);
    pml_put_len_end(out, cert);
    if (q->version >= 4)
        pml_put_len_end(out, container);
    pml_put_len_end(out, signature_data);
}
