/* SPDX-License-Identifier: MIT */
/* Quotes: exact lengths, the types that exist, and that what is parsed is what is written. */
#include "test.h"

#include "base/encode.h"
#include "base/json.h"
#include "base/memory.h"
#include "tdx/quote.h"

/* A quote of any version and body with recognisable bytes. The caller frees. */
static uint8_t *make(uint16_t version, enum pml_body_type type, size_t *size)
{
    static const uint8_t auth[7] = { 1, 2, 3, 4, 5, 6, 7 };
    static const char pem[300] = "-----BEGIN CERTIFICATE-----";
    struct pml_error err;
    struct pml_buf out = { 0 };
    struct pml_quote q = { .version = version,
                           .att_key_type = PML_ATT_KEY_ECDSA_P256,
                           .tee_type = type == PML_BODY_SGX ? PML_TEE_SGX : PML_TEE_TDX,
                           .body_type = type,
                           .qe_auth_data = auth,
                           .qe_auth_size = sizeof auth,
                           .cert_type = PML_CERT_PCK_CHAIN,
                           .cert_data = (const uint8_t *)pem,
                           .cert_size = sizeof pem };
    memset(&q.td, 0x5a, sizeof q.td);
    memset(&q.sgx, 0x5b, sizeof q.sgx);
    memset(&q.qe_report, 0x5c, sizeof q.qe_report);
    memset(q.signature, 0x5d, sizeof q.signature);
    pml_put_quote(&out, &q);
    uint8_t *bytes = (uint8_t *)pml_buf_take(&out, size, &err);
    assert_non_null(bytes);
    return bytes;
}

static const struct {
    uint16_t version;
    enum pml_body_type type;
    size_t signed_size; /* spec dcap §1.1 */
} forms[] = {
    { 3, PML_BODY_SGX, 432 },  { 4, PML_BODY_SGX, 432 },  { 4, PML_BODY_TD10, 632 },   { 5, PML_BODY_SGX, 438 },
    { 5, PML_BODY_TD10, 638 }, { 5, PML_BODY_TD15, 702 }, { 5, PML_BODY_TD15EX, 939 },
};

static void every_form_round_trips_and_ignores_padding(void **state)
{
    (void)state;
    for (size_t i = 0; i < PML_COUNT(forms); i++) {
        size_t size;
        struct pml_error err;
        struct pml_quote q;
        struct pml_buf again = { 0 };
        PML_AUTO(mem) uint8_t *bytes = make(forms[i].version, forms[i].type, &size);
        PML_AUTO(mem) uint8_t *padded = calloc(1, size + 70);
        memcpy(padded, bytes, size);
        if (!pml_quote_parse(&q, padded, size + 70, &err))
            fail_msg("version %u type %d: %s", forms[i].version, forms[i].type, err.text);
        assert_int_equal(q.body_type, forms[i].type);
        assert_int_equal(q.signed_size, forms[i].signed_size);
        assert_int_equal(q.size, size);
        assert_int_equal(q.cert_size, 300);
        pml_put_quote(&again, &q);
        assert_int_equal(again.size, size);
        assert_memory_equal(again.bytes, bytes, size);
        pml_buf_free(&again);
    }
}

static void no_prefix_is_a_quote(void **state)
{
    (void)state;
    for (size_t i = 0; i < PML_COUNT(forms); i++) {
        size_t size;
        PML_AUTO(mem) uint8_t *bytes = make(forms[i].version, forms[i].type, &size);
        for (size_t shorter = 0; shorter < size; shorter++) {
            struct pml_error err;
            struct pml_quote q;
            PML_AUTO(mem) uint8_t *exact = malloc(shorter + 1); /* so that a sanitizer sees an overrun */
            memcpy(exact, bytes, shorter);
            assert_false(pml_quote_parse(&q, exact, shorter, &err));
            assert_string_equal(err.code, "quote_format");
        }
    }
}

static void put_u32(uint8_t *at, uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static void lengths_must_agree_exactly(void **state)
{
    (void)state;
    static const size_t offsets[] = { 632, 636 + 130, 636 + 584 + 7 + 2 }; /* sig_len, container, cert_data */
    static const uint32_t changes[] = { 1, (uint32_t)-1, 0x7fffffff, 0xfffff000 };
    size_t size;
    struct pml_error err;
    struct pml_quote q;
    PML_AUTO(mem) uint8_t *bytes = make(4, PML_BODY_TD10, &size);
    PML_AUTO(mem) uint8_t *padded = calloc(1, size + 70);
    memcpy(padded, bytes, size);
    for (size_t i = 0; i < PML_COUNT(offsets); i++) {
        uint32_t length = 0;
        for (size_t j = 4; j-- > 0;)
            length = length << 8 | padded[offsets[i] + j];
        for (size_t j = 0; j < PML_COUNT(changes); j++) {
            put_u32(padded + offsets[i], length + changes[j]);
            assert_false(pml_quote_parse(&q, padded, size + 70, &err));
            assert_string_equal(err.code, "quote_format");
        }
        put_u32(padded + offsets[i], length);
    }
    padded[636 + 582] = 0xff; /* qe_auth_len */
    padded[636 + 583] = 0xff;
    assert_false(pml_quote_parse(&q, padded, size + 70, &err));
    assert_int_equal(q.body_type, PML_BODY_TD10); /* the body can still be shown */
}

static void types_that_do_not_exist_are_named(void **state)
{
    (void)state;
    static const struct {
        uint16_t version;
        enum pml_body_type type;
        size_t offset;
        uint8_t value;
        const char *code;
    } cases[] = {
        { 4, PML_BODY_TD10, 0, 2, "quote_version" },     { 4, PML_BODY_TD10, 0, 6, "quote_version" },
        { 4, PML_BODY_TD10, 1, 1, "quote_version" },     { 4, PML_BODY_TD10, 2, 3, "att_key_type" },
        { 4, PML_BODY_TD10, 4, 0x80, "tee_type" },       { 3, PML_BODY_SGX, 4, 0x81, "tee_type" },
        { 4, PML_BODY_TD10, 7, 1, "tee_type" },          { 5, PML_BODY_TD15, 48, 0, "quote_body_type" },
        { 5, PML_BODY_TD15, 48, 2, "quote_body_type" },  { 5, PML_BODY_TD15, 48, 5, "quote_body_type" },
        { 5, PML_BODY_TD15, 49, 1, "quote_body_type" },  { 5, PML_BODY_TD15, 50, 0x89, "quote_body_type" },
        { 5, PML_BODY_TD15, 53, 1, "quote_body_type" },  { 5, PML_BODY_TD15, 4, 0, "quote_body_type" },
        { 5, PML_BODY_SGX, 4, 0x81, "quote_body_type" }, { 4, PML_BODY_TD10, 636 + 128, 5, "cert_data_type" },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        size_t size;
        struct pml_error err;
        struct pml_quote q;
        PML_AUTO(mem) uint8_t *bytes = make(cases[i].version, cases[i].type, &size);
        bytes[cases[i].offset] = cases[i].value;
        assert_false(pml_quote_parse(&q, bytes, size, &err));
        if (strcmp(err.code, cases[i].code) != 0)
            fail_msg("case %zu: %s: %s", i, err.code, err.text);
    }
}

static void report_errors_say_where(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum pml_body_type type;
        size_t size;
        const char *error; /* NULL: accepted */
    } cases[] = {
        { "TD 1.0 exact", PML_BODY_TD10, 584, NULL },
        { "one byte short", PML_BODY_TD10, 583, "td report: 64 bytes wanted at offset 520, 63 left" },
        { "one byte long", PML_BODY_TD10, 585, "td report: 1 bytes left over at offset 584" },
        { "TD 1.5 with 1.0 bytes", PML_BODY_TD15, 584, "td report: 16 bytes wanted at offset 584, 0 left" },
        { "TD 1.5ex exact", PML_BODY_TD15EX, 885, NULL },
    };
    static const uint8_t bytes[900];
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        struct pml_error err;
        struct pml_td_report report;
        bool good = pml_td_report_parse(&report, cases[i].type, pml_cursor(bytes, cases[i].size), &err);
        if (good != !cases[i].error || (!good && strcmp(err.text, cases[i].error) != 0))
            fail_msg("%s: %s", cases[i].name, good ? "accepted" : err.text);
    }
}

static void assert_hex_field(const json_t *fields, const char *name, const void *bytes, size_t size)
{
    char text[129];
    const char *wanted = json_string_value(json_object_get(fields, name));
    if (wanted)
        assert_string_equal(pml_hex(text, bytes, size), wanted);
}

static void real_quotes_have_the_recorded_fields(void **state)
{
    (void)state;
    size_t size, i, compared = 0;
    json_t *entry;
    struct pml_error err;
    PML_AUTO(mem) char *text = vector_file("dcap/public/index.json", &size);
    PML_AUTO(json) json_t *index = pml_json_load(text, size, &err);
    json_array_foreach(json_object_get(index, "cases"), i, entry) {
        char name[256];
        struct pml_quote q;
        const json_t *fields = json_object_get(entry, "quote_fields");
        snprintf(name, sizeof name, "dcap/public/%s", json_string_value(json_object_get(entry, "quote")));
        PML_AUTO(mem) char *bytes = vector_file(name, &size);
        if (!fields || !pml_quote_parse(&q, bytes, size, &err))
            continue;
        assert_int_equal(q.version, json_integer_value(json_object_get(fields, "version")));
        assert_int_equal(q.tee_type, json_integer_value(json_object_get(fields, "tee_type")));
        assert_int_equal(q.cert_type, json_integer_value(json_object_get(fields, "cert_type")));
        assert_int_equal(q.qe_report.isv_svn, json_integer_value(json_object_get(fields, "qe_isvsvn")));
        assert_int_equal(size, json_integer_value(json_object_get(fields, "total")));
        assert_int_equal(size - q.size, json_integer_value(json_object_get(fields, "trailing")));
        assert_hex_field(fields, "mr_enclave", q.sgx.mr_enclave, 32);
        assert_hex_field(fields, "tee_tcb_svn", q.td.tee_tcb_svn, 16);
        assert_hex_field(fields, "mr_seam", q.td.mr_seam, 48);
        assert_hex_field(fields, "mrtd", q.td.mr_td, 48);
        assert_hex_field(fields, "mr_owner_config", q.td.mr_owner_config, 48);
        assert_hex_field(fields, "rtmr0", q.td.rtmr[0], 48);
        assert_hex_field(fields, "rtmr3", q.td.rtmr[3], 48);
        assert_hex_field(fields, "report_data", pml_quote_is_td(&q) ? q.td.report_data : q.sgx.report_data, 64);
        compared++;
    }
    assert_true(compared >= 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_round_trips_and_ignores_padding),
        cmocka_unit_test(no_prefix_is_a_quote),
        cmocka_unit_test(lengths_must_agree_exactly),
        cmocka_unit_test(types_that_do_not_exist_are_named),
        cmocka_unit_test(report_errors_say_where),
        cmocka_unit_test(real_quotes_have_the_recorded_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
