/* SPDX-License-Identifier: MIT */
/* Certificates and the SGX extension. */
#include "dcap/cert.h"

#include <string.h>

#include "dcap/ecdsa.h"
#include "tdx/sim_mark.h"

static const uint8_t oid_ecdsa_sha256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const uint8_t oid_ec_public_key[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
static const uint8_t oid_p256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t oid_common_name[] = { 0x55, 0x04, 0x03 };
static const uint8_t oid_organisation[] = { 0x55, 0x04, 0x0a };
static const uint8_t oid_key_usage[] = { 0x55, 0x1d, 0x0f };
static const uint8_t oid_basic_constraints[] = { 0x55, 0x1d, 0x13 };
static const uint8_t oid_sgx[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 };

#define IS(bytes, oid) pml_bytes_equal((bytes), (oid), sizeof(oid))

void pml_der_ecdsa_sha256(struct pml_cursor *in)
{
    struct pml_cursor algorithm = pml_der_get(in, PML_DER_SEQUENCE);
    struct pml_bytes oid = pml_der_bytes(&algorithm, PML_DER_OID);
    if (!IS(oid, oid_ecdsa_sha256))
        pml_der_fail(in);
    pml_der_end(in, &algorithm);
}

/* One attribute of a name. A second CN or O fails: which of two would be meant? */
static void get_attribute(struct pml_cursor *in, struct pml_bytes *cn, struct pml_bytes *o)
{
    struct pml_cursor set = pml_der_get(in, PML_DER_SET);
    struct pml_cursor pair = pml_der_get(&set, PML_DER_SEQUENCE);
    struct pml_bytes oid = pml_der_bytes(&pair, PML_DER_OID);
    struct pml_bytes *slot = IS(oid, oid_common_name) ? cn : IS(oid, oid_organisation) ? o : NULL;
    if (slot && !slot->bytes) {
        bool utf8 = pml_der_next_is(&pair, PML_DER_UTF8_STRING);
        *slot = pml_der_bytes(&pair, utf8 ? PML_DER_UTF8_STRING : PML_DER_PRINTABLE_STRING);
    } else if (slot) {
        pml_der_fail(in);
    } else {
        pml_der_skip(&pair);
    }
    pml_der_end(&set, &pair);
    pml_der_end(in, &set);
}

static struct pml_bytes get_name(struct pml_cursor *in, struct pml_bytes *cn, struct pml_bytes *o)
{
    struct pml_bytes raw;
    struct pml_cursor name = pml_der_get_raw(in, PML_DER_SEQUENCE, &raw);
    *cn = *o = (struct pml_bytes){ 0 };
    while (pml_cursor_left(&name))
        get_attribute(&name, cn, o);
    pml_der_end(in, &name);
    return raw;
}

static struct pml_bytes get_public_key(struct pml_cursor *in)
{
    struct pml_cursor info = pml_der_get(in, PML_DER_SEQUENCE);
    struct pml_cursor algorithm = pml_der_get(&info, PML_DER_SEQUENCE);
    struct pml_bytes type = pml_der_bytes(&algorithm, PML_DER_OID);
    struct pml_bytes curve = pml_der_bytes(&algorithm, PML_DER_OID);
    pml_der_end(&info, &algorithm);
    struct pml_bytes point = pml_der_bit_string(&info);
    pml_der_end(in, &info);
    if (!IS(type, oid_ec_public_key) || !IS(curve, oid_p256) || point.size != PML_POINT_SIZE || point.bytes[0] != 4)
        pml_der_fail(in);
    return point;
}

static void get_basic_constraints(struct pml_cert *cert, struct pml_cursor *value)
{
    struct pml_cursor constraints = pml_der_get(value, PML_DER_SEQUENCE);
    if (pml_der_next_is(&constraints, PML_DER_BOOLEAN))
        cert->is_ca = pml_der_boolean(&constraints);
    if (pml_der_next_is(&constraints, PML_DER_INTEGER))
        pml_der_small(&constraints, PML_DER_INTEGER, 255);
    pml_der_end(value, &constraints);
}

static void get_key_usage(struct pml_cert *cert, struct pml_cursor *value)
{
    struct pml_bytes bits = pml_der_bytes(value, PML_DER_BIT_STRING);
    if (bits.size < 2 || bits.size > 3 || bits.bytes[0] > 7) {
        pml_der_fail(value);
        return;
    }
    cert->has_key_usage = true;
    cert->key_usage = bits.bytes[1];
}

enum { SEEN_BASIC_CONSTRAINTS = 1, SEEN_KEY_USAGE = 2, SEEN_SGX = 4 };

static void get_extension(struct pml_cert *cert, struct pml_cursor *in, unsigned *seen)
{
    struct pml_cursor extension = pml_der_get(in, PML_DER_SEQUENCE);
    struct pml_bytes oid = pml_der_bytes(&extension, PML_DER_OID);
    bool critical = pml_der_next_is(&extension, PML_DER_BOOLEAN) && pml_der_boolean(&extension);
    struct pml_cursor value = pml_der_get(&extension, PML_DER_OCTET_STRING);
    unsigned kind = 0;
    if (IS(oid, oid_basic_constraints)) {
        kind = SEEN_BASIC_CONSTRAINTS;
        get_basic_constraints(cert, &value);
    } else if (IS(oid, oid_key_usage)) {
        kind = SEEN_KEY_USAGE;
        get_key_usage(cert, &value);
    } else if (IS(oid, oid_sgx)) {
        kind = SEEN_SGX;
        cert->sgx_extension = (struct pml_bytes){ value.at, pml_cursor_left(&value) };
        pml_get_skip(&value, pml_cursor_left(&value));
    } else {
        pml_get_skip(&value, pml_cursor_left(&value));
    }
    pml_der_end(&extension, &value);
    pml_der_end(in, &extension);
    if ((critical && !kind) || (*seen & kind))
        pml_der_fail(in);
    *seen |= kind;
}

static void get_extensions(struct pml_cert *cert, struct pml_cursor *in)
{
    struct pml_cursor outer = pml_der_get(in, PML_DER_CONTEXT_CONSTRUCTED + 3);
    struct pml_cursor list = pml_der_get(&outer, PML_DER_SEQUENCE);
    unsigned seen = 0;
    while (pml_cursor_left(&list))
        get_extension(cert, &list, &seen);
    pml_der_end(&outer, &list);
    pml_der_end(in, &outer);
}

static void get_tbs(struct pml_cert *cert, struct pml_cursor *tbs)
{
    struct pml_bytes ignored_cn, ignored_o;
    struct pml_cursor version = pml_der_get(tbs, PML_DER_CONTEXT_CONSTRUCTED + 0);
    if (pml_der_small(&version, PML_DER_INTEGER, 2) != 2)
        pml_der_fail(tbs); /* not v3 */
    pml_der_end(tbs, &version);
    cert->serial = pml_der_unsigned(tbs);
    pml_der_ecdsa_sha256(tbs);
    cert->issuer = get_name(tbs, &ignored_cn, &ignored_o);
    struct pml_cursor validity = pml_der_get(tbs, PML_DER_SEQUENCE);
    cert->not_before = pml_der_time(&validity);
    cert->not_after = pml_der_time(&validity);
    pml_der_end(tbs, &validity);
    cert->subject = get_name(tbs, &cert->subject_cn, &cert->subject_o);
    cert->point = get_public_key(tbs);
    get_extensions(cert, tbs);
}

bool pml_cert_parse(struct pml_cert *out, struct pml_bytes der, const char *code, struct pml_error *err)
{
    struct pml_cert cert = { .der = der };
    struct pml_cursor in = pml_cursor(der.bytes, der.size);
    struct pml_cursor outer = pml_der_get(&in, PML_DER_SEQUENCE);
    struct pml_cursor tbs = pml_der_get_raw(&outer, PML_DER_SEQUENCE, &cert.tbs);

    get_tbs(&cert, &tbs);
    if (tbs.failed || pml_cursor_left(&tbs))
        return pml_fail(err, PML_NO, code, "not a certificate of this PKI near byte %zu of its body",
                        pml_cursor_offset(&tbs));
    pml_der_ecdsa_sha256(&outer);
    cert.signature = pml_der_bit_string(&outer);
    pml_der_end(&in, &outer);
    if (in.failed || pml_cursor_left(&in))
        return pml_fail(err, PML_NO, code, "certificate is not strict DER, or not signed with ECDSA-SHA256");
    *out = cert;
    return true;
}

/* TCB: components .2.1 to .2.16, PCESVN .2.17, CPUSVN .2.18; each once. */
static void get_tcb(struct pml_pck *pck, struct pml_cursor *in)
{
    uint8_t components[16] = { 0 };
    uint32_t seen = 0;
    struct pml_cursor list = pml_der_get(in, PML_DER_SEQUENCE);
    while (pml_cursor_left(&list)) {
        struct pml_cursor pair = pml_der_get(&list, PML_DER_SEQUENCE);
        struct pml_bytes oid = pml_der_bytes(&pair, PML_DER_OID);
        bool ours = oid.size == sizeof oid_sgx + 2 && memcmp(oid.bytes, oid_sgx, sizeof oid_sgx) == 0 &&
                    oid.bytes[sizeof oid_sgx] == 2;
        uint8_t number = ours ? oid.bytes[sizeof oid_sgx + 1] : 0;
        if (number >= 1 && number <= 16)
            components[number - 1] = (uint8_t)pml_der_small(&pair, PML_DER_INTEGER, 255);
        else if (number == 17)
            pck->pce_svn = (uint16_t)pml_der_small(&pair, PML_DER_INTEGER, 65535);
        else if (number == 18)
            pml_der_octets(&pair, pck->cpu_svn, sizeof pck->cpu_svn);
        else
            pml_der_skip(&pair);
        pml_der_end(&list, &pair);
        uint32_t bit = number >= 1 && number <= 18 ? 1u << number : 0;
        if (seen & bit)
            pml_der_fail(&list);
        seen |= bit;
    }
    pml_der_end(in, &list);
    if (seen != 0x7fffe || memcmp(components, pck->cpu_svn, sizeof components) != 0)
        pml_der_fail(in);
}

static void get_configuration(struct pml_pck *pck, struct pml_cursor *in)
{
    struct pml_cursor list = pml_der_get(in, PML_DER_SEQUENCE);
    while (pml_cursor_left(&list)) {
        struct pml_cursor pair = pml_der_get(&list, PML_DER_SEQUENCE);
        struct pml_bytes oid = pml_der_bytes(&pair, PML_DER_OID);
        bool ours = oid.size == sizeof oid_sgx + 2 && memcmp(oid.bytes, oid_sgx, sizeof oid_sgx) == 0 &&
                    oid.bytes[sizeof oid_sgx] == 7;
        uint8_t number = ours ? oid.bytes[sizeof oid_sgx + 1] : 0;
        uint8_t *slot = number == 1   ? &pck->dynamic_platform
                        : number == 2 ? &pck->cached_keys
                        : number == 3 ? &pck->smt_enabled
                                      : NULL;
        if (slot && *slot != 2)
            pml_der_fail(&list);
        else if (slot)
            *slot = pml_der_boolean(&pair);
        else
            pml_der_skip(&pair);
        pml_der_end(&list, &pair);
    }
    pml_der_end(in, &list);
}

static void get_sgx_member(struct pml_pck *pck, struct pml_cursor *in, uint32_t *seen)
{
    struct pml_cursor pair = pml_der_get(in, PML_DER_SEQUENCE);
    struct pml_bytes oid = pml_der_bytes(&pair, PML_DER_OID);
    bool ours = oid.size == sizeof oid_sgx + 1 && memcmp(oid.bytes, oid_sgx, sizeof oid_sgx) == 0;
    uint8_t number = ours ? oid.bytes[sizeof oid_sgx] : 0;
    switch (number) {
    case 1: pml_der_octets(&pair, pck->ppid, sizeof pck->ppid); break;
    case 2: get_tcb(pck, &pair); break;
    case 3: pml_der_octets(&pair, pck->pce_id, sizeof pck->pce_id); break;
    case 4: pml_der_octets(&pair, pck->fmspc, sizeof pck->fmspc); break;
    case 5: pck->sgx_type = (uint8_t)pml_der_small(&pair, PML_DER_ENUMERATED, 2); break;
    case 6:
        pml_der_octets(&pair, pck->platform_instance_id, sizeof pck->platform_instance_id);
        pck->has_platform_instance_id = true;
        break;
    case 7: get_configuration(pck, &pair); break;
    default: number = 0; pml_der_skip(&pair);
    }
    pml_der_end(in, &pair);
    if (number && *seen & 1u << number)
        pml_der_fail(in);
    *seen |= 1u << number;
}

bool pml_pck_parse(struct pml_pck *out, struct pml_bytes sgx_extension, struct pml_error *err)
{
    struct pml_pck pck = { .dynamic_platform = 2, .cached_keys = 2, .smt_enabled = 2 };
    struct pml_cursor in = pml_cursor(sgx_extension.bytes, sgx_extension.size);
    struct pml_cursor list = pml_der_get(&in, PML_DER_SEQUENCE);
    uint32_t seen = 1;
    const uint32_t needed = 0x3f; /* .1 to .5 */

    while (pml_cursor_left(&list))
        get_sgx_member(&pck, &list, &seen);
    if (list.failed || in.failed || pml_cursor_left(&in))
        return pml_fail(err, PML_NO, "pck_chain", "sgx extension is malformed near byte %zu", pml_cursor_offset(&list));
    if ((seen & needed) != needed)
        return pml_fail(err, PML_NO, "pck_chain", "sgx extension lacks one of its members 1 to 5");
    *out = pck;
    return true;
}

bool pml_cert_cn_is(const struct pml_cert *cert, const char *name)
{
    return pml_bytes_equal(cert->subject_cn, name, strlen(name));
}

bool pml_cert_is_simulated(const struct pml_cert *cert)
{
    return pml_bytes_equal(cert->subject_o, PML_SIM_ORGANIZATION, strlen(PML_SIM_ORGANIZATION));
}

bool pml_cert_signed_by(const struct pml_cert *cert, const struct pml_cert *issuer)
{
    return pml_ecdsa_verify_der(issuer->point.bytes + 1, cert->tbs, cert->signature);
}
