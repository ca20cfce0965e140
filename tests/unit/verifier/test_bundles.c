/* SPDX-License-Identifier: MIT */
/* Which bundle a quote is judged by. */
#include "judged.h"

#include <sys/stat.h>

#define SOLANA "dcap/public/quotes/automata-solana-tdx.bin"

static void add(struct pml_bundles *bundles, const char *name)
{
    struct pml_error err;
    char path[4096];
    if (!pml_bundles_load(bundles, pml_path(path, vectors_dir(), name), &err))
        fail_msg("%s", err.text);
}

/* Three bundles of one FMSPC, issued one after another: which of them is told by the TCB info's text. */
static void the_last_one_issued_by_then_counts(void **state)
{
    (void)state;
    static const struct {
        int64_t now;
        const char *issued; /* of the one that is found */
        bool current;
    } cases[] = {
        { 1735689600, "2025-06-04", false }, { 1749095100, "2025-06-04", true }, { 1752537600, "2025-07-", true },
        { 1761091200, "2025-10-", true },    { 1893456000, "2025-10-", false },
    };
    struct pml_error err;
    size_t size;
    PML_AUTO(mem) char *quote = vector_file(SOLANA, &size);
    struct pml_bundles *bundles = pml_bundles_new(&err);
    add(bundles, "dcap/public/collateral/00806f05-0725-trustee-az-tdx.json");
    add(bundles, "dcap/public/collateral/00806f05-1025-trustee-az-tdx.json");
    add(bundles, "dcap/public/collateral/00806f05-0625-trustee-az-tdx.json");
    add(bundles, "dcap/public/collateral/90c06f-0226-dcapqvl-tdx5-outdated.json");
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        char issued[64];
        bool current;
        const struct pml_collateral *c = pml_bundles_find(bundles, quote, size, cases[i].now, &current, &err);
        if (!c)
            fail_msg("%s", err.text);
        assert_int_equal(current, cases[i].current);
        snprintf(issued, sizeof issued, "\"issueDate\":\"%s", cases[i].issued);
        if (!memmem(c->tcb_info.bytes, c->tcb_info.size, issued, strlen(issued)))
            fail_msg("at %lld: %.200s", (long long)cases[i].now, c->tcb_info.bytes);
    }
    pml_bundles_free(bundles);
}

static void directories_are_read_and_other_files_refused(void **state)
{
    (void)state;
    struct pml_error err;
    char dir[] = "/tmp/pml-bundles-XXXXXX", path[4096];
    struct pml_bundles *bundles = pml_bundles_new(&err);
    assert_non_null(mkdtemp(dir));
    assert_true(pml_bundles_load(bundles, dir, &err));
    assert_int_equal(pml_bundles_count(bundles), 0);
    assert_true(pml_write_file(pml_path(path, dir, "README"), "x", 1, 0600, &err));
    assert_true(pml_bundles_load(bundles, dir, &err));
    assert_true(pml_write_file(pml_path(path, dir, "bad.json"), "{}", 2, 0600, &err));
    assert_false(pml_bundles_load(bundles, dir, &err));
    assert_string_equal(err.code, "collateral_field_missing");
    assert_non_null(strstr(err.text, "bad.json"));
    assert_false(pml_bundles_load(bundles, pml_path(path, dir, "none"), &err));
    assert_string_equal(err.code, "io");
    assert_true(pml_remove_dir(dir, &err));
    pml_bundles_free(bundles);
}

/* A PCK chain in a bundle is one platform's; another platform of the family must not be judged by it. */
static void a_chain_in_a_bundle_is_left_aside(void **state)
{
    (void)state;
    struct pml_error err;
    size_t size;
    char path[] = "/tmp/pml-bundle-XXXXXX";
    PML_AUTO(mem) char *text = vector_file(REAL_BUNDLE, &size);
    PML_AUTO(json) json_t *bundle = pml_json_load(text, size, &err);
    json_object_set_new(bundle, "pck_certificate_chain", json_string("another platform's"));
    PML_AUTO(mem) char *changed = pml_json_dump(bundle, &size, &err);
    PML_AUTO(fd) int fd = mkstemp(path);
    assert_true(pml_write_all(fd, changed, size, &err));
    struct pml_bundles *bundles = pml_bundles_new(&err);
    assert_true(pml_bundles_load(bundles, path, &err));
    PML_AUTO(mem) char *quote = vector_file(REAL_QUOTE, &size);
    const struct pml_collateral *c = pml_bundles_find(bundles, quote, size, REAL_NOW, NULL, &err);
    assert_non_null(c);
    assert_int_equal(c->pck_chain.size, 0);
    unlink(path);
    pml_bundles_free(bundles);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_one_issued_by_then_counts),
        cmocka_unit_test(directories_are_read_and_other_files_refused),
        cmocka_unit_test(a_chain_in_a_bundle_is_left_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
