/* SPDX-License-Identifier: MIT */
/* Verification with a memory gives the verdicts of verification without one. */
#include "cases.h"

#include <pthread.h>

#include "base/json.h"
#include "dcap/verify_cache.h"

static json_t *verdict_of(const struct vector_case *c, struct pml_verify_cache *cache, int64_t now,
                          const struct pml_root *root)
{
    struct pml_error err = { 0 };
    PML_AUTO(verdict) struct pml_verdict verdict = { 0 };
    struct pml_verify_input in = {
        .quote = c->quote, .quote_size = c->quote_size, .collateral = &c->collateral, .now = now, .cache = cache
    };
    pml_policy_input(&in, &c->policy);
    if (root)
        in.trust.root = root;
    (void)!pml_quote_verify(&verdict, &in, &err);
    json_t *json = pml_verdict_json(&verdict, &err);
    assert_non_null(json);
    return json;
}

static void assert_same(const struct vector_case *c, struct pml_verify_cache *cache, int64_t now,
                        const struct pml_root *root)
{
    PML_AUTO(json) json_t *cold = verdict_of(c, NULL, now, root);
    for (int i = 0; i < 3; i++) {
        PML_AUTO(json) json_t *warm = verdict_of(c, cache, now, root);
        if (!json_equal(cold, warm))
            fail_msg("%s at %lld, time %d: %s", c->id, (long long)now, i, json_dumps(warm, JSON_INDENT(1)));
    }
}

/* Every case, at its time and at others, with its root and with another; then all again when everything is known. */
static void try_all(size_t bundles, size_t platforms)
{
    struct pml_error err;
    PML_AUTO(json) json_t *index = load_cases();
    struct pml_verify_cache *cache = pml_verify_cache_new(bundles, platforms, &err);
    struct pml_root other = pml_intel_root;
    other.der[200] ^= 1;
    for (int round = 0; round < 2; round++) {
        size_t i;
        json_t *entry;
        json_array_foreach(json_object_get(index, "cases"), i, entry) {
            struct vector_case c;
            if (!json_is_string(json_object_get(entry, "collateral")))
                continue;
            load_case(&c, entry);
            if (round)
                pml_collateral_seal(&c.collateral);
            assert_same(&c, cache, c.now, NULL);
            assert_same(&c, cache, c.now, &other);
            assert_same(&c, cache, c.now + 400 * 86400, NULL);
            assert_same(&c, cache, c.now - 400 * 86400, NULL);
            c.policy.collateral_grace_period_s = 400 * 86400;
            assert_same(&c, cache, c.now + 300 * 86400, NULL);
            free_case(&c);
        }
    }
    pml_verify_cache_free(cache);
}

static void verdicts_are_the_same_with_a_cache(void **state)
{
    (void)state;
    try_all(64, 64);
}

static void verdicts_are_the_same_when_the_cache_is_too_small(void **state)
{
    (void)state;
    try_all(0, 0);
}

/* One case that passes, and copies of it with one change each. */
static void load_good(struct vector_case *c)
{
    size_t i;
    json_t *entry;
    PML_AUTO(json) json_t *index = load_cases();
    json_array_foreach(json_object_get(index, "cases"), i, entry) {
        if (strncmp(json_string_value(json_object_get(entry, "id")), "real-dcapqvl-tdx4", 17) == 0) {
            load_case(c, entry);
            c->id = "real-dcapqvl-tdx4";
            return;
        }
    }
    fail_msg("no case");
}

static void every_part_of_a_known_bundle_still_counts(void **state)
{
    (void)state;
    struct vector_case c;
    struct pml_error err;
    load_good(&c);
    struct pml_verify_cache *cache = pml_verify_cache_new(4, 4, &err);
    assert_same(&c, cache, c.now, NULL);
    struct {
        uint8_t *bytes;
        size_t size;
    } parts[] = {
        { c.collateral.root_crl, c.collateral.root_crl_size },
        { c.collateral.pck_crl, c.collateral.pck_crl_size },
        { c.collateral.tcb_info_signature, 64 },
        { c.collateral.qe_identity_signature, 64 },
        { (uint8_t *)(uintptr_t)c.collateral.tcb_info.bytes, c.collateral.tcb_info.size },
        { (uint8_t *)(uintptr_t)c.collateral.qe_identity.bytes, c.collateral.qe_identity.size },
        { (uint8_t *)c.quote, c.quote_size / 8 },
    };
    for (size_t i = 0; i < PML_COUNT(parts); i++) {
        for (size_t offset = 0; offset < parts[i].size; offset += parts[i].size / 8) {
            parts[i].bytes[offset] ^= 1;
            PML_AUTO(json) json_t *changed = verdict_of(&c, cache, c.now, NULL);
            if (json_is_true(json_object_get(changed, "ok")))
                fail_msg("part %zu, byte %zu", i, offset);
            parts[i].bytes[offset] ^= 1;
        }
        PML_AUTO(json) json_t *whole = verdict_of(&c, cache, c.now, NULL);
        assert_true(json_is_true(json_object_get(whole, "ok")));
    }
    pml_verify_cache_free(cache);
    free_case(&c);
}

struct worker {
    struct pml_verify_cache *cache;
    const struct vector_case *cases;
    size_t count, wrong;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    for (size_t i = 0; i < 60; i++) {
        const struct vector_case *c = &w->cases[i % w->count];
        PML_AUTO(json) json_t *verdict = verdict_of(c, w->cache, c->now, NULL);
        w->wrong += json_is_true(json_object_get(verdict, "ok")) != expects_ok(c);
    }
    return NULL;
}

static void threads_share_a_cache(void **state)
{
    (void)state;
    struct pml_error err;
    struct vector_case cases[6];
    struct worker workers[4];
    pthread_t threads[4];
    size_t count = 0, i;
    json_t *entry;
    PML_AUTO(json) json_t *index = load_cases();
    json_array_foreach(json_object_get(index, "cases"), i, entry) {
        if (count < PML_COUNT(cases) && json_is_string(json_object_get(entry, "collateral")) &&
            json_is_true(json_object_get(json_object_get(entry, "expect"), "accept")) &&
            json_object_size(json_object_get(entry, "policy")) == 0)
            load_case(&cases[count++], entry);
    }
    assert_int_equal(count, PML_COUNT(cases));
    struct pml_verify_cache *cache = pml_verify_cache_new(2, 2, &err);
    for (i = 0; i < PML_COUNT(threads); i++) {
        workers[i] = (struct worker){ cache, cases, count, 0 };
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (i = 0; i < PML_COUNT(threads); i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].wrong, 0);
    }
    pml_verify_cache_free(cache);
    for (i = 0; i < count; i++)
        free_case(&cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_are_the_same_with_a_cache),
        cmocka_unit_test(verdicts_are_the_same_when_the_cache_is_too_small),
        cmocka_unit_test(every_part_of_a_known_bundle_still_counts),
        cmocka_unit_test(threads_share_a_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
