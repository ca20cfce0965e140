/* SPDX-License-Identifier: MIT */
/* Who may ask, and how often. */
#include "test.h"

#include "base/memory.h"
#include "serve/rate.h"
#include "serve/tenants.h"

static struct pml_tenants *load(const char *text, struct pml_error *err)
{
    char path[] = "/tmp/pml-tokens-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct pml_tenants *tenants = pml_tenants_load(path, err);
    unlink(path);
    return tenants;
}

static void listed_tokens_are_admitted(void **state)
{
    (void)state;
    struct pml_error err;
    static const struct {
        const char *authorization;
        bool presented, admitted;
    } cases[] = {
        { "Bearer alpha", true, true },  { "bearer beta", true, true },    { "Bearer  alpha ", true, true },
        { "Bearer gamma", true, false }, { "Bearer ", false, false },      { "Bearer alph", true, false },
        { "Basic alpha", false, false }, { "Bearer # x", true, false },    { "", false, false },
        { NULL, false, false },          { "Bearer alphaa", true, false },
    };
    struct pml_tenants *tenants = load("# first\nalpha\n\n  beta\r\n", &err);
    assert_non_null(tenants);
    assert_true(pml_tenants_are_listed(tenants));
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        uint8_t digest[32], want[32];
        assert_int_equal(pml_bearer_digest(digest, cases[i].authorization), cases[i].presented);
        assert_int_equal(pml_tenants_admit(tenants, cases[i].presented ? digest : NULL), cases[i].admitted);
        pml_sha256(want, "alpha", 5);
        if (i == 0 || i == 2)
            assert_memory_equal(digest, want, 32);
    }
    pml_tenants_free(tenants);
}

static void without_a_list_everybody_may_ask(void **state)
{
    (void)state;
    struct pml_error err;
    uint8_t digest[32];
    struct pml_tenants *tenants = pml_tenants_load(NULL, &err);
    assert_false(pml_tenants_are_listed(tenants));
    assert_true(pml_tenants_admit(tenants, NULL));
    assert_true(pml_bearer_digest(digest, "Bearer x"));
    assert_true(pml_tenants_admit(tenants, digest));
    pml_tenants_free(tenants);
}

static void bad_token_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } cases[] = {
        { "", "holds no token" },
        { "# none\n\n", "holds no token" },
        { "good\nsEcReT word\n", "line 2 is no token" },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        struct pml_error err;
        assert_null(load(cases[i].text, &err));
        assert_string_equal(err.code, "token_file");
        assert_non_null(strstr(err.text, cases[i].error));
        assert_null(strstr(err.text, "sEcReT"));
    }
    struct pml_error err;
    assert_null(pml_tenants_load("/nonexistent", &err));
    assert_string_equal(err.code, "io");
}

static void buckets_fill_by_time_and_by_client(void **state)
{
    (void)state;
    struct pml_error err;
    unsigned wait = 0;
    int64_t now = 1000000;
    struct pml_rate *rate = pml_rate_new(2, 10, &err);
    for (int i = 0; i < 10; i++)
        assert_true(pml_rate_take(rate, "192.0.2.1", now, &wait));
    assert_false(pml_rate_take(rate, "192.0.2.1", now, &wait));
    assert_int_equal(wait, 1);
    assert_true(pml_rate_take(rate, "192.0.2.99", now, &wait));
    assert_false(pml_rate_take(rate, "192.0.2.1", now + 499, &wait));
    assert_true(pml_rate_take(rate, "192.0.2.1", now + 500, &wait));
    assert_false(pml_rate_take(rate, "192.0.2.1", now + 500, &wait));
    for (int i = 0; i < 10; i++) /* an hour later no more than the burst */
        assert_true(pml_rate_take(rate, "192.0.2.1", now + 3600000, &wait));
    assert_false(pml_rate_take(rate, "192.0.2.1", now + 3600000, &wait));
    pml_rate_free(rate);
}

static void an_ipv6_client_is_its_network(void **state)
{
    (void)state;
    struct pml_error err;
    unsigned wait;
    struct pml_rate *rate = pml_rate_new(1, 1, &err);
    assert_true(pml_rate_take(rate, "2001:db8:0:1::1", 1, &wait));
    assert_false(pml_rate_take(rate, "2001:db8:0:1:ffff::2", 1, &wait));
    pml_rate_free(rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listed_tokens_are_admitted),    cmocka_unit_test(without_a_list_everybody_may_ask),
        cmocka_unit_test(bad_token_files_are_refused),   cmocka_unit_test(buckets_fill_by_time_and_by_client),
        cmocka_unit_test(an_ipv6_client_is_its_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
