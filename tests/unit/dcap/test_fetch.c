/* SPDX-License-Identifier: MIT */
/* Fetching, caching and bundling against a service that fails in every way: recorded answers of Intel's over TLS. */
#include "cases.h"
#include "pcs.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/encode.h"
#include "base/time.h"
#include "dcap/source.h"

#define ROOT                                    \
    (struct pml_bytes)                          \
    {                                           \
        pml_intel_root.der, pml_intel_root.size \
    }

static struct pcs *pcs;
static const struct pml_when now = { .now = PCS_NOW };

static int start(void **state)
{
    (void)state;
    pcs = pcs_start();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    pcs_stop(pcs);
    return 0;
}

static struct pml_fetch *client(const char *const *urls, size_t count)
{
    struct pml_error err;
    struct pml_fetch_options options = {
        .urls = urls, .url_count = count, .ca_file = pcs_ca_file(pcs), .retry_ms = 1, .answer_ms = 2000
    };
    struct pml_fetch *fetch = pml_fetch_new(&options, &err);
    if (!fetch)
        fail_msg("%s", err.text);
    return fetch;
}

static struct pml_fetch *one_service(void)
{
    const char *url = pcs_url(pcs);
    return client(&url, 1);
}

static const struct pml_item_key root_crl = { .kind = PML_ITEM_ROOT_CRL };
static const struct pml_item_key pck_crl = { .kind = PML_ITEM_PCK_CRL, .by_platform_ca = true };
static const struct pml_item_key tcb_info = { .kind = PML_ITEM_TCB_INFO,
                                              .tdx = true,
                                              .fmspc = { 0x50, 0x80, 0x6f, 0, 0, 0 } };
static const struct pml_item_key qe_identity = { .kind = PML_ITEM_QE_IDENTITY, .tdx = true };

static const struct {
    const char *name;
    enum fault fault;
    const struct pml_item_key *key;
    size_t faulty;     /* answers that have the fault */
    size_t requests;   /* that it takes */
    const char *error; /* NULL: an item */
} faults[] = {
    { "root CRL", NO_FAULT, &root_crl, 0, 1, NULL },
    { "PCK CRL", NO_FAULT, &pck_crl, 0, 1, NULL },
    { "TCB info", NO_FAULT, &tcb_info, 0, 1, NULL },
    { "QE identity", NO_FAULT, &qe_identity, 0, 1, NULL },
    { "unknown platform is asked for once", STATUS_404, &tcb_info, 9, 1, "status 404: it has no such collateral" },
    { "too many requests, once", STATUS_429, &tcb_info, 1, 2, NULL },
    { "too many requests, always", STATUS_429, &tcb_info, 9, 3, "status 429" },
    { "server error, twice", STATUS_503, &qe_identity, 2, 3, NULL },
    { "server error, always", STATUS_503, &qe_identity, 9, 3, "status 503: try again later" },
    { "redirects are not followed", REDIRECT, &pck_crl, 9, 1, "status 302" },
    { "cut body, once", CUT, &tcb_info, 1, 2, NULL },
    { "cut body, always", CUT, &pck_crl, 9, 3, "transfer closed" },
    { "body too large", OVERSIZED, &tcb_info, 9, 1, "more than 1048576 bytes" },
    { "no answer, once", SILENCE, &root_crl, 1, 2, NULL },
    { "connection dropped, once", HANG_UP, &root_crl, 1, 2, NULL },
    { "connection dropped, always", HANG_UP, &root_crl, 9, 3, "crl/root.der: https://127.0.0.1" },
    { "no issuer chain", NO_CHAIN, &tcb_info, 9, 1, "no issuer chain in the answer" },
    { "form-encoded issuer chain", FORM_CHAIN, &tcb_info, 9, 1, "issuer chain" },
    { "issuer chain that is not encoded", BAD_CHAIN, &tcb_info, 9, 1, "not percent-encoded" },
    { "raw + / = in the issuer chain", RAW_CHAIN, &tcb_info, 9, 1, NULL },
    { "raw + / = in the issuer chain of a list", RAW_CHAIN, &pck_crl, 9, 1, NULL },
    { "header of version 3", OLD_HEADER, &tcb_info, 9, 1, NULL },
    { "PCK CRL in PEM", PEM_CRL, &pck_crl, 9, 1, NULL },
    { "PCK CRL in hex", HEX_CRL, &pck_crl, 9, 1, NULL },
    { "root CRL in PEM", PEM_CRL, &root_crl, 9, 1, NULL },
    { "root CRL in hex", HEX_CRL, &root_crl, 9, 1, NULL },
    { "empty list", EMPTY, &root_crl, 9, 1, "neither DER, nor hex, nor PEM" },
    { "empty document", EMPTY, &tcb_info, 9, 1, "not a JSON object" },
    { "page of a proxy instead of a document", NOT_JSON, &qe_identity, 9, 1, "not a JSON object" },
    { "page of a proxy instead of a list", NOT_JSON, &pck_crl, 9, 1, "neither DER, nor hex, nor PEM" },
    { "reformatted document", SPACED, &tcb_info, 9, 1, "signature does not match" },
    { "altered document", ALTERED, &tcb_info, 9, 1, "signature does not match" },
    { "altered identity", ALTERED, &qe_identity, 9, 1, "signature does not match" },
    { "altered signature", SIGNATURE, &tcb_info, 9, 1, "signature does not match" },
    { "identity instead of TCB info", OTHER_ITEM, &tcb_info, 9, 1, "not an object of tcbInfo and signature" },
    { "document instead of a list", OTHER_ITEM, &pck_crl, 9, 1, "neither DER, nor hex, nor PEM" },
};

static void every_fault_has_its_outcome(void **state)
{
    (void)state;
    struct pml_fetch *fetch = one_service();
    for (size_t i = 0; i < PML_COUNT(faults); i++) {
        struct pml_error err = { 0 };
        struct pml_item item = { 0 };
        pcs_fail(pcs, faults[i].fault, "/", faults[i].faulty);
        bool got = pml_fetch_item(fetch, &item, faults[i].key, ROOT, now, &err);
        if (got != !faults[i].error)
            fail_msg("%s: %s", faults[i].name, got ? "an item" : err.text);
        if (!got && (!strstr(err.text, faults[i].error) || strcmp(err.code, "collateral_unavailable") != 0 ||
                     err.kind != PML_UNKNOWN))
            fail_msg("%s: \"%s\" (%s), not \"%s\"", faults[i].name, err.text, err.code, faults[i].error);
        if (pcs_requests(pcs) != faults[i].requests)
            fail_msg("%s: %zu requests", faults[i].name, pcs_requests(pcs));
        if (got)
            assert_true(item.issued <= PCS_NOW && item.next_update >= PCS_NOW);
        pml_item_free(&item);
    }
    pml_fetch_free(fetch);
}

static void a_service_that_never_answers_is_given_up(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_item item;
    const char *url = pcs_url(pcs);
    struct pml_fetch_options options = {
        .urls = &url, .url_count = 1, .ca_file = pcs_ca_file(pcs), .retry_ms = 1, .answer_ms = 100
    };
    struct pml_fetch *fetch = pml_fetch_new(&options, &err);
    pcs_fail(pcs, SILENCE, "/", 9);
    assert_false(pml_fetch_item(fetch, &item, &root_crl, ROOT, now, &err));
    assert_non_null(strstr(err.text, "timed out"));
    pml_fetch_free(fetch);
}

static void what_has_expired_or_is_not_trusted_is_not_taken(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_item item;
    struct pml_root other = pml_intel_root;
    struct pml_fetch *fetch = one_service();
    pcs_fail(pcs, NO_FAULT, "/", 0);
    assert_false(pml_fetch_item(fetch, &item, &tcb_info, ROOT, (struct pml_when){ .now = PCS_EXPIRED }, &err));
    assert_non_null(strstr(err.text, "expired on 2023-07"));
    assert_false(pml_fetch_item(fetch, &item, &pck_crl, ROOT, (struct pml_when){ .now = PCS_EXPIRED }, &err));
    assert_non_null(strstr(err.text, "fetch fresh collateral"));
    assert_false(
        pml_fetch_item(fetch, &item, &qe_identity, ROOT, (struct pml_when){ .now = PCS_NOW - 86400 * 60 }, &err));
    assert_non_null(strstr(err.text, "issued on 2023-06"));
    other.der[100] ^= 1;
    assert_false(pml_fetch_item(fetch, &item, &tcb_info, (struct pml_bytes){ other.der, other.size }, now, &err));
    assert_non_null(strstr(err.text, "ends in another root"));
    pml_fetch_free(fetch);
}

static void services_are_asked_in_turn(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_item item = { 0 };
    char with_path[128];
    snprintf(with_path, sizeof with_path, "%s/sgx/certification/v4/", pcs_url(pcs));
    const char *const urls[] = { "https://127.0.0.1:1", with_path };
    struct pml_fetch *fetch = client(urls, 2);
    pcs_fail(pcs, NO_FAULT, "/", 0);
    assert_true(pml_fetch_item(fetch, &item, &root_crl, ROOT, now, &err));
    assert_string_equal(pcs_last_path(pcs), "/sgx/certification/v4/rootcacrl");
    pml_item_free(&item);
    pcs_fail(pcs, STATUS_404, "/", 9);
    assert_false(pml_fetch_item(fetch, &item, &root_crl, ROOT, now, &err));
    assert_non_null(strstr(err.text, "https://127.0.0.1:1: "));
    assert_non_null(strstr(err.text, "; https://127.0.0.1:"));
    pml_fetch_free(fetch);
}

static void a_tls_key_that_nobody_vouches_for_is_refused(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_item item;
    const char *url = pcs_url(pcs);
    struct pml_fetch *fetch = pml_fetch_new(&(struct pml_fetch_options){ .urls = &url, .url_count = 1 }, &err);
    pcs_fail(pcs, NO_FAULT, "/", 0);
    assert_false(pml_fetch_item(fetch, &item, &root_crl, ROOT, now, &err));
    assert_non_null(strstr(err.text, "certificate"));
    assert_int_equal(pcs_requests(pcs), 0);
    pml_fetch_free(fetch);
}

static void urls_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "pccs.example",
                                       "ftp://pccs.example",
                                       "http://pccs.example",
                                       "http://127.evil.example",
                                       "http://localhost.evil.example",
                                       "http://127.0.0.1@pccs.example",
                                       "https://a?b",
                                       "https://a#b",
                                       "https://a b",
                                       "http://[::1].example" };
    static const char *const good[] = { "https://pccs.example:8081", "http://127.0.0.1:8081", "http://localhost",
                                        "http://[::1]:8081/", "http://127.8.8.8/base/tdx/certification/v4" };
    struct pml_error err;
    for (size_t i = 0; i < PML_COUNT(bad); i++) {
        if (pml_fetch_new(&(struct pml_fetch_options){ .urls = &bad[i], .url_count = 1 }, &err))
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(err.kind, PML_USAGE);
    }
    for (size_t i = 0; i < PML_COUNT(good); i++) {
        struct pml_fetch *fetch = pml_fetch_new(&(struct pml_fetch_options){ .urls = &good[i], .url_count = 1 }, &err);
        if (!fetch)
            fail_msg("%s", err.text);
        pml_fetch_free(fetch);
    }
}

/* --- the cache --- */

static char cache_dir[64];

static int make_cache_dir(void **state)
{
    (void)state;
    strcpy(cache_dir, "/tmp/pml-cache-XXXXXX");
    return mkdtemp(cache_dir) ? 0 : -1;
}

static int remove_cache_dir(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", cache_dir);
    return system(command);
}

static size_t notices;

static void on_notice(void *arg, const struct pml_error *what)
{
    (void)arg, (void)what;
    notices++;
}

static struct pml_cache *open_cache(void)
{
    struct pml_error err;
    struct pml_cache *cache = pml_cache_new(&(struct pml_cache_options){ .dir = cache_dir, .notice = on_notice }, &err);
    if (!cache)
        fail_msg("%s", err.text);
    notices = 0;
    return cache;
}

static bool get(struct pml_cache *cache, const struct pml_item_key *key, struct pml_when when, struct pml_fetch *fetch,
                bool fresh, struct pml_error *err)
{
    struct pml_item item = { 0 };
    bool got = pml_cache_get(cache, &item, key, ROOT, when, fetch, fresh, err);
    pml_item_free(&item);
    return got;
}

/* The file of the TCB info. */
static void item_path(char path[4096])
{
    uint8_t digest[32];
    char hex[17];
    pml_sha256(digest, pml_intel_root.der, pml_intel_root.size);
    snprintf(path, 4096, "%s/%s/tdx/tcb/50806f000000.json", cache_dir, pml_hex(hex, digest, 8));
}

static void what_is_kept_serves_without_a_network_until_it_expires(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_fetch *fetch = one_service();
    struct pml_cache *cache = open_cache();
    pcs_fail(pcs, NO_FAULT, "/", 0);
    assert_false(get(cache, &tcb_info, now, NULL, false, &err)); /* nothing yet, and no failure to remember */
    assert_true(get(cache, &tcb_info, now, fetch, false, &err));
    assert_true(get(cache, &tcb_info, now, fetch, false, &err));
    assert_int_equal(pcs_requests(pcs), 1);
    assert_true(get(cache, &tcb_info, now, fetch, true, &err));
    assert_int_equal(pcs_requests(pcs), 2);
    pml_cache_free(cache);

    cache = open_cache(); /* another process */
    assert_true(get(cache, &tcb_info, now, fetch, false, &err));
    assert_true(get(cache, &tcb_info, now, NULL, false, &err));
    assert_int_equal(pcs_requests(pcs), 2);
    struct pml_when late = { .now = PCS_EXPIRED };
    assert_false(get(cache, &tcb_info, late, NULL, false, &err));
    assert_string_equal(err.code, "collateral_unavailable");
    assert_false(get(cache, &tcb_info, late, fetch, false, &err)); /* the service has nothing newer */
    assert_int_equal(pcs_requests(pcs), 3);
    late.grace_s = PCS_EXPIRED - PCS_NOW;
    assert_true(get(cache, &tcb_info, late, NULL, false, &err)); /* the grace was asked for */
    pml_cache_free(cache);
    pml_fetch_free(fetch);
}

static void files_of_the_cache_are_private_and_verified(void **state)
{
    (void)state;
    struct pml_error err;
    struct stat st;
    char path[4096];
    size_t size;
    struct pml_cache *cache = open_cache();
    item_path(path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(cache_dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    PML_AUTO(mem) char *text = pml_read_file(path, 1 << 20, &size, &err);
    text[size / 2] ^= 1;
    assert_true(pml_write_file(path, text, size, 0600, &err));
    assert_false(get(cache, &tcb_info, now, NULL, false, &err));
    text[size / 2] ^= 1;
    assert_true(pml_write_file(path, text, size, 0600, &err));
    assert_true(get(cache, &tcb_info, now, NULL, false, &err));
    pml_cache_free(cache);
    assert_int_equal(chmod(cache_dir, 0755), 0);
    assert_null(pml_cache_new(&(struct pml_cache_options){ .dir = cache_dir }, &err));
    assert_string_equal(err.code, "state_dir");
    assert_int_equal(chmod(cache_dir, 0700), 0);
}

/* A day and more passes for the file, not for the test. */
static void what_is_old_is_fetched_again_and_kept_if_that_fails(void **state)
{
    (void)state;
    struct pml_error err;
    char path[4096];
    struct timespec old[2] = { { pml_now() - 90000, 0 }, { pml_now() - 90000, 0 } };
    struct pml_fetch *fetch = one_service();
    struct pml_cache *cache = open_cache();
    item_path(path);
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    pcs_fail(pcs, STATUS_404, "/", 9);
    assert_true(get(cache, &tcb_info, now, fetch, false, &err));
    assert_int_equal(pcs_requests(pcs), 1);
    assert_int_equal(notices, 1);
    assert_true(get(cache, &tcb_info, now, fetch, false, &err)); /* the failure is remembered */
    assert_int_equal(pcs_requests(pcs), 1);
    assert_false(get(cache, &tcb_info, now, fetch, true, &err)); /* and told to who wants it fresh */
    assert_int_equal(pcs_requests(pcs), 1);
    pml_cache_free(cache);
    cache = open_cache();
    pcs_fail(pcs, NO_FAULT, "/", 0);
    assert_true(get(cache, &tcb_info, now, fetch, false, &err));
    assert_int_equal(pcs_requests(pcs), 1);
    pml_cache_free(cache);
    pml_fetch_free(fetch);
}

static void failures_are_remembered(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_fetch *fetch = one_service();
    struct pml_cache *cache = pml_cache_new(&(struct pml_cache_options){ 0 }, &err);
    struct pml_item_key unknown = tcb_info;
    unknown.fmspc[0] = 0xff;
    pcs_fail(pcs, NO_FAULT, "/", 0);
    for (int i = 0; i < 3; i++) {
        assert_false(get(cache, &unknown, now, fetch, false, &err));
        assert_non_null(strstr(err.text, "status 404"));
    }
    assert_int_equal(pcs_requests(pcs), 1);
    for (int i = 0; i < 100; i++) { /* more keys than there is room for */
        unknown.fmspc[1] = (uint8_t)i;
        assert_false(get(cache, &unknown, now, fetch, false, &err));
    }
    assert_true(get(cache, &tcb_info, now, fetch, false, &err));
    pml_cache_free(cache);
    pml_fetch_free(fetch);
}

struct caller {
    struct pml_cache *cache;
    struct pml_fetch *fetch;
    bool got;
};

static void *call(void *arg)
{
    struct pml_error err;
    struct caller *c = arg;
    c->got = get(c->cache, &tcb_info, now, c->fetch, false, &err);
    return NULL;
}

static void callers_at_once_cause_one_request(void **state)
{
    (void)state;
    struct pml_error err;
    pthread_t threads[8];
    struct caller callers[8];
    struct pml_fetch *fetch = one_service();
    struct pml_cache *cache = pml_cache_new(&(struct pml_cache_options){ 0 }, &err);
    pcs_fail(pcs, HOLD, "/", 1);
    for (size_t i = 0; i < PML_COUNT(threads); i++) {
        callers[i] = (struct caller){ cache, fetch, false };
        assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    sem_post(pcs_go(pcs));
    for (size_t i = 0; i < PML_COUNT(threads); i++) {
        pthread_join(threads[i], NULL);
        assert_true(callers[i].got);
    }
    assert_int_equal(pcs_requests(pcs), 1);
    pml_cache_free(cache);
    pml_fetch_free(fetch);
}

/* --- bundles --- */

static void load_named(struct vector_case *c, json_t *index, const char *id)
{
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(index, "cases"), i, entry) {
        if (strcmp(json_string_value(json_object_get(entry, "id")), id) == 0) {
            load_case(c, entry);
            return;
        }
    }
    fail_msg("no case %s", id);
}

static struct pml_source *open_source(void)
{
    struct pml_error err;
    static const char *url;
    url = pcs_url(pcs);
    struct pml_source_options options = {
        .services = { .urls = &url, .url_count = 1, .ca_file = pcs_ca_file(pcs), .retry_ms = 1, .answer_ms = 2000 }
    };
    struct pml_source *source = pml_source_new(&options, &err);
    if (!source)
        fail_msg("%s", err.text);
    return source;
}

static void a_quote_is_verified_with_what_was_fetched(void **state)
{
    (void)state;
    struct pml_error err;
    struct vector_case c;
    struct pml_trust intel = { 0 };
    size_t size;
    PML_AUTO(json) json_t *index = load_cases();
    load_named(&c, index, "real-trustee-tdx4-debug--50806f-0623");
    struct pml_source *source = open_source();
    pcs_fail(pcs, NO_FAULT, "/", 0);
    PML_AUTO(mem)
    char *text = pml_source_for_quote(source, c.quote, c.quote_size, &intel, now, false, &size, &err);
    if (!text)
        fail_msg("%s", err.text);
    assert_int_equal(pcs_requests(pcs), 4);
    PML_AUTO(collateral) struct pml_collateral bundle = { 0 };
    PML_AUTO(verdict) struct pml_verdict verdict = { 0 }, recorded = { 0 };
    assert_true(pml_collateral_parse(&bundle, text, size, &err));
    c.policy.allow_debug = true;
    (void)!pml_policy_verify(&verdict, c.quote, c.quote_size, &bundle, PCS_NOW, &c.policy, 0, &err);
    (void)!pml_policy_verify(&recorded, c.quote, c.quote_size, &c.collateral, PCS_NOW, &c.policy, 0, &err);
    assert_true(verdict.ok && recorded.ok);
    assert_int_equal(verdict.status, recorded.status);
    pml_source_free(source);
    free_case(&c);
}

static void quotes_without_a_genuine_chain_cause_no_traffic(void **state)
{
    (void)state;
    struct pml_error err;
    struct vector_case c;
    struct pml_trust intel = { 0 };
    size_t size;
    PML_AUTO(json) json_t *index = load_cases();
    struct pml_source *source = open_source();
    pcs_fail(pcs, NO_FAULT, "/", 0);
    load_named(&c, index, "synth-relaunch");
    assert_null(pml_source_for_quote(source, c.quote, c.quote_size, &intel, now, false, &size, &err));
    assert_string_equal(err.code, "pck_chain_root");
    free_case(&c);
    load_named(&c, index, "real-trustee-tdx4-debug--50806f-0623");
    char *leaf = memmem(c.quote, c.quote_size, "-----BEGIN", 10);
    leaf[400] = leaf[400] == 'A' ? 'B' : 'A';
    assert_null(pml_source_for_quote(source, c.quote, c.quote_size, &intel, now, false, &size, &err));
    assert_int_equal(err.kind, PML_NO);
    assert_null(pml_source_for_quote(source, "no quote", 8, &intel, now, false, &size, &err));
    assert_string_equal(err.code, "quote_format");
    assert_int_equal(pcs_requests(pcs), 0);
    free_case(&c);
    pml_source_free(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_has_its_outcome),
        cmocka_unit_test(a_service_that_never_answers_is_given_up),
        cmocka_unit_test(what_has_expired_or_is_not_trusted_is_not_taken),
        cmocka_unit_test(services_are_asked_in_turn),
        cmocka_unit_test(a_tls_key_that_nobody_vouches_for_is_refused),
        cmocka_unit_test(urls_that_are_none_are_refused),
        cmocka_unit_test(failures_are_remembered),
        cmocka_unit_test(callers_at_once_cause_one_request),
        cmocka_unit_test(a_quote_is_verified_with_what_was_fetched),
        cmocka_unit_test(quotes_without_a_genuine_chain_cause_no_traffic),
    };
    const struct CMUnitTest cache_tests[] = {
        /* in this order, on one directory */
        cmocka_unit_test(what_is_kept_serves_without_a_network_until_it_expires),
        cmocka_unit_test(files_of_the_cache_are_private_and_verified),
        cmocka_unit_test(what_is_old_is_fetched_again_and_kept_if_that_fails),
    };
    char path[4096];
    if (access(pml_path(path, vectors_dir(), CASES_DIR "index.json"), R_OK) != 0) {
        printf("skipped: no vectors in %s\n", vectors_dir());
        return 77;
    }
    int failed = cmocka_run_group_tests(tests, start, stop);
    start(NULL);
    failed += cmocka_run_group_tests(cache_tests, make_cache_dir, remove_cache_dir);
    stop(NULL);
    return failed;
}
