/* SPDX-License-Identifier: MIT */
/* The PKI of a simulated platform. */
#include "tdx/platform/sim_pki.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"
#include "crypto/p256.h"
#include "tdx/sim_mark.h"

enum { DAY = 86400, TAG_BOOLEAN = 0x01, TAG_INTEGER = 0x02, TAG_OCTETS = 0x04, TAG_OID = 0x06, TAG_ENUM = 0x0a };
enum { TAG_SEQUENCE = 0x30 };

static const char sgx_oid[] = "1.2.840.113741.1.13.1";
static const uint8_t sgx_oid_bytes[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 };

bool pml_sim_platform_new(struct pml_sim_platform *platform, struct pml_error *err)
{
    return pml_random(platform, sizeof *platform, err);
}

static struct pml_sim_cert_spec ca_spec(const char *common_name, enum pml_sim_role issuer, int64_t start, int years,
                                        const char *constraints)
{
    return (struct pml_sim_cert_spec){
        .common_name = common_name,
        .organization = PML_SIM_ORGANIZATION,
        .not_before = start - DAY,
        .not_after = start - DAY + (int64_t)years * 365 * DAY,
        .issuer = issuer,
        .exts = { { "authorityKeyIdentifier", "keyid:always" },
                  { "subjectKeyIdentifier", "hash" },
                  { "crlDistributionPoints", "URI:https://simulated.invalid/root.der" },
                  { "keyUsage", "critical,keyCertSign,cRLSign" },
                  { "basicConstraints", constraints } },
        .ext_count = 5,
    };
}

static struct pml_sim_cert_spec leaf_spec(const char *common_name, enum pml_sim_role issuer, int64_t start,
                                          const char *crl_url)
{
    struct pml_sim_cert_spec spec = ca_spec(common_name, issuer, start, 10, "critical,CA:FALSE");
    spec.exts[2].value = crl_url;
    spec.exts[3].value = "critical,digitalSignature,nonRepudiation";
    return spec;
}

void pml_sim_pki_spec(struct pml_sim_pki_spec *spec, const struct pml_sim_platform *platform, int64_t start)
{
    *spec =
        (struct pml_sim_pki_spec){ .sgx = { .pce_svn = 13, .fmspc = "SIM\0\0\1", .sgx_type = 1, .smt_enabled = true } };
    memcpy(spec->sgx.ppid, platform->ppid, sizeof spec->sgx.ppid);
    memset(spec->sgx.svn, 2, sizeof spec->sgx.svn);
    memset(spec->sgx.cpu_svn, 2, sizeof spec->sgx.cpu_svn);
    memcpy(spec->sgx.platform_instance_id, platform->platform_instance_id, sizeof spec->sgx.platform_instance_id);
    spec->cert[PML_SIM_ROOT] = ca_spec("Intel SGX Root CA", PML_SIM_ROOT, start, 30, "critical,CA:TRUE,pathlen:1");
    spec->cert[PML_SIM_PLATFORM_CA] =
        ca_spec("Intel SGX PCK Platform CA", PML_SIM_ROOT, start, 20, "critical,CA:TRUE,pathlen:0");
    spec->cert[PML_SIM_TCB_SIGNING] =
        leaf_spec("Intel SGX TCB Signing", PML_SIM_ROOT, start, "URI:https://simulated.invalid/root.der");
    spec->cert[PML_SIM_PCK] = leaf_spec("Intel SGX PCK Certificate", PML_SIM_PLATFORM_CA, start,
                                        "URI:https://simulated.invalid/platform.der");
    spec->cert[PML_SIM_PCK].sgx_extension = true;
}

bool pml_sim_pki_keys(struct pml_sim_pki *pki, struct pml_error *err)
{
    for (size_t i = 0; i < PML_SIM_ROLES; i++) {
        if (!(pki->key[i] = pml_p256_new(err)))
            return false;
    }
    return (pki->attestation_key = pml_p256_new(err)) != NULL;
}

/* DER, definite lengths below 65536. */
static void put_tlv(struct pml_buf *out, uint8_t tag, const void *value, size_t size)
{
    pml_put_u8(out, tag);
    if (size >= 0x100) {
        pml_put_u8(out, 0x82);
        pml_put_u8(out, (uint8_t)(size >> 8));
    } else if (size >= 0x80) {
        pml_put_u8(out, 0x81);
    }
    pml_put_u8(out, (uint8_t)size);
    pml_put_bytes(out, value, size);
}

/* SEQUENCE { OID sgx_oid.ARC[.SUB], value }; SUB 0: none. */
static void put_field(struct pml_buf *out, uint8_t arc, uint8_t sub, uint8_t tag, const void *value, size_t size)
{
    PML_AUTO(buf) struct pml_buf pair = { 0 };
    uint8_t oid[sizeof sgx_oid_bytes + 2];
    memcpy(oid, sgx_oid_bytes, sizeof sgx_oid_bytes);
    oid[sizeof sgx_oid_bytes] = arc;
    oid[sizeof sgx_oid_bytes + 1] = sub;
    put_tlv(&pair, TAG_OID, oid, sizeof oid - (sub == 0));
    put_tlv(&pair, tag, value, size);
    put_tlv(out, TAG_SEQUENCE, pair.bytes, pair.size);
    out->failed |= pair.failed;
}

static void put_field_integer(struct pml_buf *out, uint8_t arc, uint8_t sub, uint16_t value)
{
    const uint8_t bytes[3] = { 0, (uint8_t)(value >> 8), (uint8_t)value };
    size_t skip = value < 0x80 ? 2 : value < 0x8000 ? 1 : 0;
    put_field(out, arc, sub, TAG_INTEGER, bytes + skip, sizeof bytes - skip);
}

static void put_field_bool(struct pml_buf *out, uint8_t arc, uint8_t sub, bool value)
{
    put_field(out, arc, sub, TAG_BOOLEAN, value ? "\xff" : "\0", 1);
}

/* "DER:<hex>" of the extension's value. The caller frees. */
static char *sgx_extension(const struct pml_sim_sgx *sgx, struct pml_error *err)
{
    PML_AUTO(buf) struct pml_buf tcb = { 0 }, configuration = { 0 }, fields = { 0 }, whole = { 0 }, text = { 0 };
    for (uint8_t i = 0; i < sizeof sgx->svn; i++)
        put_field_integer(&tcb, 2, (uint8_t)(i + 1), sgx->svn[i]);
    put_field_integer(&tcb, 2, 17, sgx->pce_svn);
    put_field(&tcb, 2, 18, TAG_OCTETS, sgx->cpu_svn, sizeof sgx->cpu_svn);
    put_field_bool(&configuration, 7, 1, sgx->dynamic_platform);
    put_field_bool(&configuration, 7, 2, sgx->cached_keys);
    put_field_bool(&configuration, 7, 3, sgx->smt_enabled);

    put_field(&fields, 1, 0, TAG_OCTETS, sgx->ppid, sizeof sgx->ppid);
    put_field(&fields, 2, 0, TAG_SEQUENCE, tcb.bytes, tcb.size);
    put_field(&fields, 3, 0, TAG_OCTETS, sgx->pce_id, sizeof sgx->pce_id);
    put_field(&fields, 4, 0, TAG_OCTETS, sgx->fmspc, sizeof sgx->fmspc);
    put_field(&fields, 5, 0, TAG_ENUM, &sgx->sgx_type, 1);
    put_field(&fields, 6, 0, TAG_OCTETS, sgx->platform_instance_id, sizeof sgx->platform_instance_id);
    put_field(&fields, 7, 0, TAG_SEQUENCE, configuration.bytes, configuration.size);
    put_tlv(&whole, TAG_SEQUENCE, fields.bytes, fields.size);
    if (!pml_buf_check(&tcb, err) || !pml_buf_check(&configuration, err) || !pml_buf_check(&fields, err) ||
        !pml_buf_check(&whole, err))
        return NULL;
    pml_put_text(&text, "DER:");
    pml_put_hex(&text, whole.bytes, whole.size);
    return pml_buf_take(&text, NULL, err);
}

static X509 *issue(const struct pml_sim_pki *pki, enum pml_sim_role role, const struct pml_sim_pki_spec *spec,
                   struct pml_error *err)
{
    const struct pml_sim_cert_spec *c = &spec->cert[role];
    struct pml_x509_ext exts[PML_COUNT(c->exts) + 1];
    size_t count = c->ext_count;
    memcpy(exts, c->exts, sizeof c->exts);
    PML_AUTO(mem) char *sgx = sgx_extension(&spec->sgx, err);
    if (!sgx)
        return NULL;
    if (c->sgx_extension)
        exts[count++] = (struct pml_x509_ext){ sgx_oid, sgx };
    const struct pml_cert_spec cert = { .common_name = c->common_name,
                                        .organization = c->organization,
                                        .not_before = c->not_before,
                                        .not_after = c->not_after,
                                        .exts = exts,
                                        .ext_count = count };
    return pml_cert_build(&cert, pki->key[role], c->issuer == role ? NULL : pki->cert[c->issuer], pki->key[c->issuer],
                          err);
}

bool pml_sim_pki_issue(struct pml_sim_pki *pki, const struct pml_sim_pki_spec *spec, struct pml_error *err)
{
    for (enum pml_sim_role role = PML_SIM_ROOT; role < PML_SIM_ROLES; role++) {
        X509 *cert = issue(pki, role, spec, err);
        if (!cert)
            return pml_wrap(err, "%s", spec->cert[role].common_name);
        X509_free(pki->cert[role]);
        pki->cert[role] = cert;
    }
    return true;
}

bool pml_sim_pki_is_for(const struct pml_sim_pki *pki, const struct pml_sim_sgx *sgx, bool *is_for,
                        struct pml_error *err)
{
    PML_AUTO(mem) char *wanted = sgx_extension(sgx, err);
    PML_AUTO(buf) struct pml_buf found = { 0 };
    ASN1_OBJECT *oid = OBJ_txt2obj(sgx_oid, 1);
    if (!wanted || !oid) {
        ASN1_OBJECT_free(oid);
        return wanted ? pml_fail_memory(err) : false;
    }
    int at = X509_get_ext_by_OBJ(pki->cert[PML_SIM_PCK], oid, -1);
    ASN1_OBJECT_free(oid);
    const ASN1_OCTET_STRING *value = at < 0 ? NULL : X509_EXTENSION_get_data(X509_get_ext(pki->cert[PML_SIM_PCK], at));
    pml_put_text(&found, "DER:");
    if (value)
        pml_put_hex(&found, ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    *is_for = found.size == strlen(wanted) && !memcmp(found.bytes, wanted, found.size);
    return pml_buf_check(&found, err);
}

void pml_sim_pki_free(struct pml_sim_pki *pki)
{
    for (size_t i = 0; i < PML_SIM_ROLES; i++) {
        EVP_PKEY_free(pki->key[i]);
        X509_free(pki->cert[i]);
    }
    EVP_PKEY_free(pki->attestation_key);
    *pki = (struct pml_sim_pki){ 0 };
}

void pml_sim_pki_auto(struct pml_sim_pki *pki)
{
    pml_sim_pki_free(pki);
}

char *pml_sim_chain(const struct pml_sim_pki *pki, const enum pml_sim_role *roles, size_t count, struct pml_error *err)
{
    PML_AUTO(buf) struct pml_buf out = { 0 };
    for (size_t i = 0; i < count; i++) {
        PML_AUTO(mem) char *pem = pml_cert_pem(pki->cert[roles[i]], NULL, err);
        if (!pem)
            return NULL;
        pml_put_text(&out, pem);
    }
    return pml_buf_take(&out, NULL, err);
}
