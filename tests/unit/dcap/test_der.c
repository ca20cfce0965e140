/* SPDX-License-Identifier: MIT */
/* Strict DER, PEM chains, certificates and CRLs: what is read, and above all what is refused. */
#include "test.h"

#include "base/memory.h"
#include "dcap/cert.h"
#include "dcap/crl.h"
#include "dcap/ecdsa.h"
#include "dcap/pem.h"
#include "dcap/root.h"

#define BYTES(literal) literal, sizeof(literal) - 1

static void lengths_are_definite_and_minimal(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        size_t size;
        bool good;
    } cases[] = {
        { "short form", BYTES("\x04\x02\x61\x62"), true },
        { "empty", BYTES("\x04\x00"), true },
        { "long form for a short length", BYTES("\x04\x81\x02\x61\x62"), false },
        { "leading zero in a long length", BYTES("\x04\x82\x00\x02\x61\x62"), false },
        { "indefinite", BYTES("\x04\x80\x61\x62\x00\x00"), false },
        { "longer than the input", BYTES("\x04\x03\x61\x62"), false },
        { "four-byte length", BYTES("\x04\x84\xff\xff\xff\xff"), false },
        { "another tag", BYTES("\x05\x02\x61\x62"), false },
        { "nothing", BYTES(""), false },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        struct pml_cursor in = pml_cursor(cases[i].bytes, cases[i].size);
        pml_der_get(&in, PML_DER_OCTET_STRING);
        if (pml_cursor_ok(&in) != cases[i].good)
            fail_msg("%s", cases[i].name);
    }
}

static void integers_are_minimal_and_in_range(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        size_t size;
        uint64_t max, value;
        bool good;
    } cases[] = {
        { "zero", BYTES("\x02\x01\x00"), 255, 0, true },
        { "128 needs a leading zero", BYTES("\x02\x02\x00\x80"), 255, 128, true },
        { "65535", BYTES("\x02\x03\x00\xff\xff"), 65535, 65535, true },
        { "leading zero without need", BYTES("\x02\x02\x00\x7f"), 255, 0, false },
        { "negative", BYTES("\x02\x01\x80"), 255, 0, false },
        { "empty", BYTES("\x02\x00"), 255, 0, false },
        { "above the maximum", BYTES("\x02\x02\x01\x00"), 255, 0, false },
        { "nine bytes", BYTES("\x02\x09\x01\0\0\0\0\0\0\0\0"), UINT64_MAX, 0, false },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        struct pml_cursor in = pml_cursor(cases[i].bytes, cases[i].size);
        uint64_t value = pml_der_small(&in, PML_DER_INTEGER, cases[i].max);
        if (pml_cursor_ok(&in) != cases[i].good || value != cases[i].value)
            fail_msg("%s", cases[i].name);
    }
}

static void booleans_and_bit_strings_have_one_form(void **state)
{
    (void)state;
    struct pml_cursor in = pml_cursor(BYTES("\x01\x01\xff\x01\x01\x01"));
    assert_true(pml_der_boolean(&in));
    pml_der_boolean(&in);
    assert_false(pml_cursor_ok(&in));
    in = pml_cursor(BYTES("\x03\x02\x00\x61\x03\x02\x01\x60"));
    assert_int_equal(pml_der_bit_string(&in).size, 1);
    pml_der_bit_string(&in); /* an unused bit */
    assert_false(pml_cursor_ok(&in));
}

static void times_are_utc_to_the_second(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        int64_t seconds; /* -1: refused */
    } cases[] = {
        { BYTES("\x17\x0d"
                "180521104510Z"),
          1526899510 },
        { BYTES("\x17\x0d"
                "491231235959Z"),
          2524607999 },
        { BYTES("\x17\x0d"
                "700101000000Z"),
          0 },
        { BYTES("\x18\x0f"
                "20491231235959Z"),
          2524607999 },
        { BYTES("\x17\x0b"
                "1805211045Z"),
          -1 },
        { BYTES("\x17\x11"
                "180521104510+0000"),
          -1 },
        { BYTES("\x17\x0d"
                "180231104510Z"),
          -1 },
        { BYTES("\x17\x0d"
                "1805211045 0Z"),
          -1 },
        { BYTES("\x18\x13"
                "20491231235959.000Z"),
          -1 },
        { BYTES("\x18\x0f"
                "2049-12-3123595"),
          -1 },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        struct pml_cursor in = pml_cursor(cases[i].bytes, cases[i].size);
        int64_t seconds = pml_der_time(&in);
        if (pml_cursor_ok(&in) ? seconds != cases[i].seconds : cases[i].seconds != -1)
            fail_msg("%.*s", (int)cases[i].size, cases[i].bytes);
    }
}

static bool decodes(const char *text, size_t size, size_t count)
{
    struct pml_error err;
    struct pml_chain chain;
    return pml_chain_decode(&chain, text, size, count, "pck_chain", &err);
}

static void pem_tolerates_what_has_no_meaning(void **state)
{
    (void)state;
#define PEM(body) "-----BEGIN CERTIFICATE-----" body "-----END CERTIFICATE-----"
    assert_true(decodes(BYTES(PEM("\nYWJj\n")), 1));
    assert_true(decodes(BYTES(PEM("\r\nYW\r\nJj\r\n") "\r\n"), 1));
    assert_true(decodes(BYTES(PEM("YWI=")), 1));
    assert_true(decodes(BYTES("subject: x\n" PEM("\nYWJj\n") "\0\0junk"), 1));
    assert_true(decodes(BYTES("\0" PEM("\nYWJj\n") "\0" PEM("\nYWJj\n")), 2));
    assert_false(decodes(BYTES(PEM("\nYWJj\n")), 2));
    assert_false(decodes(BYTES(PEM("\nYWJj\n") PEM("\nYWJj\n")), 1));
    assert_false(decodes(BYTES(PEM("\nYWJ\n")), 1));
    assert_false(decodes(BYTES(PEM("\nYWJ=j\n")), 1));
    assert_false(decodes(BYTES(PEM("\nY===\n")), 1));
    assert_false(decodes(BYTES(PEM("\nYW Jj\n")), 1));
    assert_false(decodes(BYTES(PEM("")), 1));
    assert_false(decodes(BYTES("-----BEGIN CERTIFICATE-----\nYWJj\n"), 1));
    assert_false(decodes(BYTES(""), 1));
#undef PEM
}

static struct pml_cert intel_root(void)
{
    struct pml_error err;
    struct pml_cert cert;
    if (!pml_cert_parse(&cert, (struct pml_bytes){ pml_intel_root.der, pml_intel_root.size }, "pck_chain", &err))
        fail_msg("%s", err.text);
    return cert;
}

static void the_built_in_root_is_intels(void **state)
{
    (void)state;
    struct pml_cert root = intel_root();
    size_t size;
    PML_AUTO(mem) char *der = vector_file("dcap/public/roots/intel-sgx-root-ca.der", &size);
    assert_int_equal(size, pml_intel_root.size);
    assert_memory_equal(der, pml_intel_root.der, size);
    assert_true(pml_cert_cn_is(&root, "Intel SGX Root CA"));
    assert_true(root.is_ca && root.key_usage & PML_KU_CERT_SIGN);
    assert_false(pml_cert_is_simulated(&root));
    assert_int_equal(root.not_before, 1526899510);
    assert_int_equal(root.not_after, 2524607999);
    assert_true(pml_cert_signed_by(&root, &root));
}

static void no_shorter_or_longer_certificate_parses(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_cert cert;
    uint8_t longer[PML_ROOT_MAX] = { 0 };
    for (size_t size = 0; size < pml_intel_root.size; size++)
        assert_false(pml_cert_parse(&cert, (struct pml_bytes){ pml_intel_root.der, size }, "pck_chain", &err));
    memcpy(longer, pml_intel_root.der, pml_intel_root.size);
    assert_false(pml_cert_parse(&cert, (struct pml_bytes){ longer, pml_intel_root.size + 1 }, "pck_chain", &err));
    assert_string_equal(err.code, "pck_chain");
}

static void roots_are_refused_with_the_wrong_mark_or_trailing_bytes(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_root root;
    uint8_t longer[PML_ROOT_MAX] = { 0 };
    assert_true(pml_root_parse(&root, pml_intel_root.der, pml_intel_root.size, false, &err));
    assert_false(pml_root_parse(&root, pml_intel_root.der, pml_intel_root.size, true, &err));
    assert_int_equal(err.kind, PML_USAGE);
    assert_string_equal(err.text, "root certificate: not of a simulated platform");
    memcpy(longer, pml_intel_root.der, pml_intel_root.size);
    assert_false(pml_root_parse(&root, longer, pml_intel_root.size + 1, false, &err));
    assert_false(pml_root_parse(&root, "", 0, false, &err));
}

static void signatures_have_one_der_form_and_points_are_on_the_curve(void **state)
{
    (void)state;
    struct pml_cert root = intel_root();
    uint8_t point[64], changed[80];
    struct pml_bytes longer = { changed, root.signature.size + 1 };
    memcpy(changed, root.signature.bytes, root.signature.size);
    changed[root.signature.size] = 0;
    assert_true(pml_ecdsa_verify_der(root.point.bytes + 1, root.tbs, root.signature));
    assert_false(pml_ecdsa_verify_der(root.point.bytes + 1, root.tbs, longer));
    assert_false(pml_ecdsa_verify_der(root.point.bytes + 1, root.signature, root.signature));

    memcpy(point, root.point.bytes + 1, sizeof point);
    assert_true(pml_ecdsa_point_valid(point));
    point[63] ^= 1;
    assert_false(pml_ecdsa_point_valid(point));
    memset(point, 0, sizeof point);
    assert_false(pml_ecdsa_point_valid(point));
    static const uint8_t zero[64];
    assert_false(pml_ecdsa_verify(root.point.bytes + 1, root.tbs, zero));
}

/* A CRL by hand: v2, this PKI's algorithm, empty name. */
#define ALGORITHM "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define DATES       \
    "\x17\x0d"      \
    "250101000000Z" \
    "\x17\x0d"      \
    "260101000000Z"
#define ENTRY(s)                    \
    "\x30\x12\x02\x01" s "\x17\x0d" \
    "250101000000Z"
#define SIGNATURE "\x03\x01\x00"

static void a_crl_lists_exactly_its_serial_numbers(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_crl crl;
    static const char der[] = "\x30\x7a\x30\x69\x02\x01\x01" ALGORITHM "\x30\x00" DATES "\x30\x28" ENTRY("\x05")
        ENTRY("\x07") "\xa0\x0e\x30\x0c\x30\x0a\x06\x03\x55\x1d\x14"
                      "\x04\x03\x02\x01\x09" ALGORITHM SIGNATURE;
    if (!pml_crl_parse(&crl, (struct pml_bytes){ (const uint8_t *)der, sizeof der - 1 }, &err))
        fail_msg("%s", err.text);
    assert_int_equal(crl.revoked_count, 2);
    assert_int_equal(crl.number, 9);
    assert_true(pml_crl_lists(&crl, (struct pml_bytes){ (const uint8_t *)"\x05", 1 }));
    assert_true(pml_crl_lists(&crl, (struct pml_bytes){ (const uint8_t *)"\x07", 1 }));
    assert_false(pml_crl_lists(&crl, (struct pml_bytes){ (const uint8_t *)"\x06", 1 }));
    assert_false(pml_crl_lists(&crl, (struct pml_bytes){ (const uint8_t *)"\x05\x07", 2 }));
    for (size_t size = 0; size < sizeof der - 1; size++)
        assert_false(pml_crl_parse(&crl, (struct pml_bytes){ (const uint8_t *)der, size }, &err));
    assert_string_equal(err.code, "crl_format");
}

static void a_delta_crl_is_refused(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_crl crl;
    /* critical deltaCRLIndicator, 2.5.29.27 */
    char der[] = "\x30\x53\x30\x42\x02\x01\x01" ALGORITHM "\x30\x00" DATES
                 "\xa0\x11\x30\x0f\x30\x0d\x06\x03\x55\x1d\x1b\x01\x01\xff\x04\x03\x02\x01\x09" ALGORITHM SIGNATURE;
    struct pml_bytes bytes = { (const uint8_t *)der, sizeof der - 1 };
    assert_false(pml_crl_parse(&crl, bytes, &err));
    assert_string_equal(err.code, "crl_format");
    *(char *)memchr(der, 0x1b, sizeof der) = '\x14'; /* the same with a CRL number */
    assert_true(pml_crl_parse(&crl, bytes, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_are_definite_and_minimal),
        cmocka_unit_test(integers_are_minimal_and_in_range),
        cmocka_unit_test(booleans_and_bit_strings_have_one_form),
        cmocka_unit_test(times_are_utc_to_the_second),
        cmocka_unit_test(pem_tolerates_what_has_no_meaning),
        cmocka_unit_test(the_built_in_root_is_intels),
        cmocka_unit_test(no_shorter_or_longer_certificate_parses),
        cmocka_unit_test(roots_are_refused_with_the_wrong_mark_or_trailing_bytes),
        cmocka_unit_test(signatures_have_one_der_form_and_points_are_on_the_curve),
        cmocka_unit_test(a_crl_lists_exactly_its_serial_numbers),
        cmocka_unit_test(a_delta_crl_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
