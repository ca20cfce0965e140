/* SPDX-License-Identifier: MIT */
/* Certificates and CRLs: exactly the extensions asked for, and chains that OpenSSL's own verifier takes. */
#include "test.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/encode.h"
#include "crypto/p256.h"
#include "crypto/x509_build.h"

static struct pml_error err;

enum { START = 1700000000, YEAR = 365 * 86400 };

static const struct pml_x509_ext ca_exts[] = { { "authorityKeyIdentifier", "keyid:always" },
                                               { "subjectKeyIdentifier", "hash" },
                                               { "keyUsage", "critical,keyCertSign,cRLSign" },
                                               { "basicConstraints", "critical,CA:TRUE,pathlen:1" } };
static const struct pml_cert_spec ca_spec = { .common_name = "Test CA",
                                              .organization = "Testers",
                                              .not_before = START,
                                              .not_after = START + (int64_t)40 * YEAR,
                                              .exts = ca_exts,
                                              .ext_count = 4 };
static const struct pml_x509_ext leaf_exts[] = { { "1.2.840.113741.1.13.1", "DER:3000" } };
static const struct pml_cert_spec leaf_spec = {
    .common_name = "Test Leaf", .not_before = START, .not_after = START + YEAR, .exts = leaf_exts, .ext_count = 1
};

struct pki {
    EVP_PKEY *ca_key, *leaf_key;
    X509 *ca, *leaf;
};

static int make_pki(void **state)
{
    static struct pki pki;
    pki.ca_key = pml_p256_new(&err);
    pki.leaf_key = pml_p256_new(&err);
    pki.ca = pml_cert_build(&ca_spec, pki.ca_key, NULL, pki.ca_key, &err);
    pki.leaf = pml_cert_build(&leaf_spec, pki.leaf_key, pki.ca, pki.ca_key, &err);
    *state = &pki;
    return pki.ca && pki.leaf ? 0 : -1;
}

static int free_pki(void **state)
{
    struct pki *pki = *state;
    X509_free(pki->ca);
    X509_free(pki->leaf);
    EVP_PKEY_free(pki->ca_key);
    EVP_PKEY_free(pki->leaf_key);
    return 0;
}

/* OpenSSL's path validation with CRL checking, at START + 1 day. Returns its result code. */
static int verify(const struct pki *pki, X509_CRL *crl)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_STORE_add_cert(store, pki->ca);
    if (crl) {
        X509_STORE_add_crl(store, crl);
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
    }
    X509_STORE_CTX_init(ctx, store, pki->leaf, NULL);
    X509_STORE_CTX_set_time(ctx, 0, START + 86400);
    int result = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    ERR_clear_error();
    return result;
}

static void extensions_are_those_asked_for(void **state)
{
    struct pki *pki = *state;
    static const int want[] = { NID_authority_key_identifier, NID_subject_key_identifier, NID_key_usage,
                                NID_basic_constraints };
    assert_int_equal(X509_get_ext_count(pki->ca), 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(OBJ_obj2nid(X509_EXTENSION_get_object(X509_get_ext(pki->ca, i))), want[i]);
    assert_memory_equal(X509_get0_authority_key_id(pki->ca)->data, X509_get0_subject_key_id(pki->ca)->data, 20);
    assert_int_equal(X509_get_pathlen(pki->ca), 1);

    assert_int_equal(X509_get_ext_count(pki->leaf), 1);
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(pki->leaf, 0));
    assert_int_equal(value->length, 2);
    assert_memory_equal(value->data, "\x30\x00", 2);
    assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(pki->leaf)), 1);
}

static void a_chain_and_its_crl_verify(void **state)
{
    struct pki *pki = *state;
    struct pml_crl_spec spec = { .this_update = START, .next_update = START + YEAR, .number = START };
    assert_int_equal(verify(pki, NULL), X509_V_OK);
    PML_AUTO(x509_crl) X509_CRL *empty = pml_crl_build(&spec, pki->ca, pki->ca_key, &err);
    assert_non_null(empty);
    assert_int_equal(verify(pki, empty), X509_V_OK);
    spec.revoked = &pki->leaf;
    spec.revoked_count = 1;
    PML_AUTO(x509_crl) X509_CRL *revoking = pml_crl_build(&spec, pki->ca, pki->ca_key, &err);
    assert_int_equal(verify(pki, revoking), X509_V_ERR_CERT_REVOKED);
    PML_AUTO(x509_crl) X509_CRL *forged = pml_crl_build(&spec, pki->ca, pki->leaf_key, &err);
    assert_int_equal(verify(pki, forged), X509_V_ERR_CRL_SIGNATURE_FAILURE);
}

static void serials_are_random_sixteen_bytes(void **state)
{
    struct pki *pki = *state;
    const ASN1_INTEGER *a = X509_get0_serialNumber(pki->ca), *b = X509_get0_serialNumber(pki->leaf);
    assert_int_equal(a->length, 16);
    assert_int_equal(b->length, 16);
    assert_true(a->data[0] != 0 && a->data[0] < 0x80);
    assert_memory_not_equal(a->data, b->data, 16);
}

static void self_signed_names_are_addresses_or_hosts(void **state)
{
    struct pki *pki = *state;
    const char *names[] = { "localhost", "127.0.0.1", "::1", "*.example.org" };
    PML_AUTO(x509)
    X509 *cert = pml_cert_self_signed(pki->leaf_key, "pml-serve", names, 4, START, START + YEAR, &err);
    assert_non_null(cert);
    assert_int_equal(X509_check_host(cert, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(cert, "a.example.org", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(cert, "pml-serve", 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL), 0);
    assert_int_equal(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(cert, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(cert, "127.0.0.2", 0), 0);
    static const char *const hostile[] = { "", "a,DNS:b", "a b", "dirName:x", "-\n", "..", "a*" };
    for (size_t i = 0; i < PML_COUNT(hostile); i++) {
        assert_null(pml_cert_self_signed(pki->leaf_key, "x", &hostile[i], 1, START, START + YEAR, &err));
        assert_int_equal(err.kind, PML_USAGE);
    }
}

static void spki_is_the_same_from_key_and_certificate(void **state)
{
    struct pki *pki = *state;
    uint8_t from_key[32], from_cert[32];
    assert_true(pml_key_spki_sha256(from_key, pki->leaf_key, &err));
    assert_true(pml_key_spki_sha256(from_cert, X509_get0_pubkey(pki->leaf), &err));
    assert_memory_equal(from_key, from_cert, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extensions_are_those_asked_for),
        cmocka_unit_test(a_chain_and_its_crl_verify),
        cmocka_unit_test(serials_are_random_sixteen_bytes),
        cmocka_unit_test(self_signed_names_are_addresses_or_hosts),
        cmocka_unit_test(spki_is_the_same_from_key_and_certificate),
    };
    return cmocka_run_group_tests(tests, make_pki, free_pki);
}
