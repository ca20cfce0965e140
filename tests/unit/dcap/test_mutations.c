/* SPDX-License-Identifier: MIT */
/*
 * Every accepted public case must be refused after any single-bit change of what spec dcap §2.11 lists. All bits of
 * regions of up to 64 bytes are tried for one case of each quote form, an even sample of the rest.
 */
#include "cases.h"

#include "base/encode.h"
#include "dcap/pem.h"

struct suite {
    const struct vector_case *c;
    bool thorough;
    size_t tried;
};

/* How many bits of a larger region are tried. */
static size_t sample(const struct suite *s)
{
    return s->thorough ? 96 : 12;
}

static void assert_refused(struct suite *s, const char *region, size_t bit, const void *quote, size_t quote_size,
                           const struct pml_collateral *collateral)
{
    struct pml_error err = { 0 };
    PML_AUTO(verdict) struct pml_verdict v = { 0 };
    if (pml_policy_verify(&v, quote, quote_size, collateral, s->c->now, &s->c->policy, 0, &err) || v.ok)
        fail_msg("%s: accepted with bit %zu of %s flipped", s->c->id, bit, region);
    assert_non_null(err.code);
    assert_int_equal(err.kind, PML_NO);
    s->tried++;
}

/* Flips bits of SIZE bytes that lie within the quote or a copy of the collateral, in place. */
static void flip(struct suite *s, const char *region, uint8_t *bytes, size_t size, const void *quote, size_t quote_size,
                 const struct pml_collateral *collateral)
{
    size_t bits = 8 * size, step = s->thorough && size <= 64 ? 1 : bits / sample(s) + 1;
    for (size_t bit = 0; bit < bits; bit += step) {
        size_t at = step == 1 ? bit : bit + (bit / step) % step; /* walks over the eight bits of a byte */
        if (at >= bits)
            break;
        bytes[at / 8] ^= (uint8_t)(1u << at % 8);
        assert_refused(s, region, at, quote, quote_size, collateral);
        bytes[at / 8] ^= (uint8_t)(1u << at % 8);
    }
}

static char *encode_chain(const struct pml_chain *chain, size_t *size)
{
    struct pml_error err;
    struct pml_buf out = { 0 };
    char base64[8192];
    for (size_t i = 0; i < chain->count; i++) {
        assert_true(pml_base64_size(chain->cert[i].size) < sizeof base64);
        pml_put_format(&out, "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n",
                       pml_base64(base64, chain->cert[i].bytes, chain->cert[i].size));
    }
    char *text = pml_buf_take(&out, size, &err);
    assert_non_null(text);
    return text;
}

/* Flips bits of the DER of each certificate of a chain; judge() gets the chain spelt again as PEM. */
static void flip_chain(struct suite *s, const char *region, const char *pem, size_t pem_size, size_t count,
                       void (*judge)(struct suite *s, const char *region, size_t bit, struct pml_text chain))
{
    struct pml_error err;
    struct pml_chain chain;
    assert_true(pml_chain_decode(&chain, pem, pem_size, count, "pck_chain", &err));
    for (size_t i = 0; i < count; i++) {
        uint8_t *der = (uint8_t *)chain.cert[i].bytes;
        size_t bits = 8 * chain.cert[i].size, step = bits / sample(s) + 1;
        for (size_t bit = i; bit < bits; bit += step) {
            size_t size;
            der[bit / 8] ^= (uint8_t)(1u << bit % 8);
            PML_AUTO(mem) char *text = encode_chain(&chain, &size);
            judge(s, region, bit, (struct pml_text){ text, size });
            der[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

static void judge_quote_chain(struct suite *s, const char *region, size_t bit, struct pml_text chain)
{
    struct pml_error err;
    struct pml_quote q;
    struct pml_buf out = { 0 };
    assert_true(pml_quote_parse(&q, s->c->quote, s->c->quote_size, &err));
    q.cert_data = (const uint8_t *)chain.bytes;
    q.cert_size = chain.size;
    pml_put_quote(&out, &q);
    assert_refused(s, region, bit, out.bytes, out.size, &s->c->collateral);
    pml_buf_free(&out);
}

static void judge_tcb_chain(struct suite *s, const char *region, size_t bit, struct pml_text chain)
{
    struct pml_collateral copy = s->c->collateral;
    copy.tcb_info_chain = chain;
    assert_refused(s, region, bit, s->c->quote, s->c->quote_size, &copy);
}

static void judge_qe_chain(struct suite *s, const char *region, size_t bit, struct pml_text chain)
{
    struct pml_collateral copy = s->c->collateral;
    copy.qe_identity_chain = chain;
    assert_refused(s, region, bit, s->c->quote, s->c->quote_size, &copy);
}

static void flip_quote(struct suite *s)
{
    const struct vector_case *c = s->c;
    struct pml_error err;
    struct pml_quote q;
    uint8_t *bytes = (uint8_t *)c->quote;
    assert_true(pml_quote_parse(&q, c->quote, c->quote_size, &err));
#define FLIP(name, at, size) flip(s, name, (at), (size), c->quote, c->quote_size, &c->collateral)
    FLIP("header", bytes, 48);
    FLIP("body", bytes + 48, q.signed_size - 48);
    FLIP("quote signature", bytes + q.signed_size + 4, 64);
    FLIP("attestation key", bytes + q.signed_size + 68, 64);
    FLIP("qe report", bytes + (q.qe_report_bytes - bytes), 384);
    FLIP("qe report signature", bytes + (q.qe_report_bytes - bytes) + 384, 64);
    FLIP("qe auth data", bytes + (q.qe_auth_data - bytes), q.qe_auth_size);
#undef FLIP
    flip_chain(s, "pck chain", (const char *)q.cert_data, q.cert_size, 3, judge_quote_chain);
}

static void flip_text(struct suite *s, const char *region, struct pml_collateral *copy, struct pml_text *text)
{
    struct pml_text original = *text;
    PML_AUTO(mem) char *bytes = malloc(original.size);
    assert_non_null(bytes);
    memcpy(bytes, original.bytes, original.size);
    text->bytes = bytes;
    flip(s, region, (uint8_t *)bytes, original.size, s->c->quote, s->c->quote_size, copy);
    *text = original;
}

static void flip_collateral(struct suite *s)
{
    const struct vector_case *c = s->c;
    struct pml_collateral copy = c->collateral;
#define FLIP(name, at, size) flip(s, name, (at), (size), c->quote, c->quote_size, &copy)
    FLIP("root crl", copy.root_crl, copy.root_crl_size);
    FLIP("pck crl", copy.pck_crl, copy.pck_crl_size);
    FLIP("tcb info signature", copy.tcb_info_signature, 64);
    FLIP("qe identity signature", copy.qe_identity_signature, 64);
#undef FLIP
    flip_text(s, "tcb info", &copy, &copy.tcb_info);
    flip_text(s, "qe identity", &copy, &copy.qe_identity);
    flip_chain(s, "tcb info chain", copy.tcb_info_chain.bytes, copy.tcb_info_chain.size, 2, judge_tcb_chain);
    flip_chain(s, "qe identity chain", copy.qe_identity_chain.bytes, copy.qe_identity_chain.size, 2, judge_qe_chain);
}

static bool is_thorough(const char *id)
{
    static const char *const forms[] = { "real-dcapqvl-sgx--bundle-sgx", "real-dcapqvl-tdx4--bundle-b0c06f",
                                         "synth-relaunch" }; /* versions 3, 4 and 5 */
    for (size_t i = 0; i < PML_COUNT(forms); i++) {
        if (strcmp(id, forms[i]) == 0)
            return true;
    }
    return false;
}

static void one_flipped_bit_is_refused(void **state)
{
    (void)state;
    size_t i, tried = 0, thorough = 0;
    json_t *entry;
    PML_AUTO(json) json_t *index = load_cases();
    json_array_foreach(json_object_get(index, "cases"), i, entry) {
        struct vector_case c;
        load_case(&c, entry);
        if (expects_ok(&c)) {
            struct suite s = { .c = &c, .thorough = is_thorough(c.id) };
            thorough += s.thorough;
            flip_quote(&s);
            flip_collateral(&s);
            tried += s.tried;
        }
        free_case(&c);
    }
    printf("%zu mutations\n", tried);
    assert_true(thorough == 3 && tried >= 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(one_flipped_bit_is_refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
