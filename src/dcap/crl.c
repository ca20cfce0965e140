/* SPDX-License-Identifier: MIT */
/* Certificate revocation lists. */
#include "dcap/crl.h"

#include "dcap/ecdsa.h"

static const uint8_t oid_crl_number[] = { 0x55, 0x1d, 0x14 };

/* Extensions of the list or of an entry: none may be critical but the CRL number, which sets *NUMBER. */
static void get_extensions(struct pml_cursor *in, uint64_t *number)
{
    struct pml_cursor list = pml_der_get(in, PML_DER_SEQUENCE);
    while (pml_cursor_left(&list)) {
        struct pml_cursor extension = pml_der_get(&list, PML_DER_SEQUENCE);
        struct pml_bytes oid = pml_der_bytes(&extension, PML_DER_OID);
        bool critical = pml_der_next_is(&extension, PML_DER_BOOLEAN) && pml_der_boolean(&extension);
        struct pml_cursor value = pml_der_get(&extension, PML_DER_OCTET_STRING);
        if (number && pml_bytes_equal(oid, oid_crl_number, sizeof oid_crl_number)) {
            *number = pml_der_small(&value, PML_DER_INTEGER, UINT64_MAX);
            pml_der_end(&extension, &value);
        } else if (critical) {
            pml_der_fail(&extension);
        }
        pml_der_end(&list, &extension);
    }
    pml_der_end(in, &list);
}

static void get_entry(struct pml_cursor *in)
{
    struct pml_cursor entry = pml_der_get(in, PML_DER_SEQUENCE);
    pml_der_unsigned(&entry);
    pml_der_time(&entry);
    if (pml_cursor_left(&entry))
        get_extensions(&entry, NULL);
    pml_der_end(in, &entry);
}

static void get_tbs(struct pml_crl *crl, struct pml_cursor *tbs)
{
    if (pml_der_small(tbs, PML_DER_INTEGER, 1) != 1)
        pml_der_fail(tbs); /* not v2 */
    pml_der_ecdsa_sha256(tbs);
    pml_der_get_raw(tbs, PML_DER_SEQUENCE, &crl->issuer);
    crl->this_update = pml_der_time(tbs);
    crl->next_update = pml_der_time(tbs);
    if (pml_der_next_is(tbs, PML_DER_SEQUENCE)) {
        struct pml_cursor revoked = pml_der_get(tbs, PML_DER_SEQUENCE);
        crl->revoked = (struct pml_bytes){ revoked.at, pml_cursor_left(&revoked) };
        for (; pml_cursor_left(&revoked); crl->revoked_count++)
            get_entry(&revoked);
        pml_der_end(tbs, &revoked);
    }
    if (pml_cursor_left(tbs)) {
        struct pml_cursor outer = pml_der_get(tbs, PML_DER_CONTEXT_CONSTRUCTED + 0);
        get_extensions(&outer, &crl->number);
        pml_der_end(tbs, &outer);
    }
}

bool pml_crl_parse(struct pml_crl *out, struct pml_bytes der, struct pml_error *err)
{
    struct pml_crl crl = { 0 };
    struct pml_cursor in = pml_cursor(der.bytes, der.size);
    struct pml_cursor outer = pml_der_get(&in, PML_DER_SEQUENCE);
    struct pml_cursor tbs = pml_der_get_raw(&outer, PML_DER_SEQUENCE, &crl.tbs);

    get_tbs(&crl, &tbs);
    if (tbs.failed || pml_cursor_left(&tbs))
        return pml_fail(err, PML_NO, "crl_format", "malformed near byte %zu of its body", pml_cursor_offset(&tbs));
    pml_der_ecdsa_sha256(&outer);
    crl.signature = pml_der_bit_string(&outer);
    pml_der_end(&in, &outer);
    if (in.failed || pml_cursor_left(&in))
        return pml_fail(err, PML_NO, "crl_format", "not strict DER, or not signed with ECDSA-SHA256");
    *out = crl;
    return true;
}

bool pml_crl_lists(const struct pml_crl *crl, struct pml_bytes serial)
{
    struct pml_cursor revoked = pml_cursor(crl->revoked.bytes, crl->revoked.size);
    while (pml_cursor_left(&revoked)) {
        struct pml_cursor entry = pml_der_get(&revoked, PML_DER_SEQUENCE);
        if (pml_bytes_same(pml_der_unsigned(&entry), serial))
            return true;
    }
    return false;
}

bool pml_crl_signed_by(const struct pml_crl *crl, const struct pml_cert *issuer)
{
    return pml_ecdsa_verify_der(issuer->point.bytes + 1, crl->tbs, crl->signature);
}
