/* SPDX-License-Identifier: MIT */
/* Keys and keysets of a service: kept where they may be, replaced as a whole, refused when they do not fit. */
#include "test.h"

#include <sys/stat.h>

#include <openssl/x509v3.h>

#include "crypto/ed25519.h"
#include "crypto/x509_build.h"
#include "serve/identity.h"

#define NOW INT64_C(1800000000)

struct fixture {
    char dir[64];
    const char *names[2];
    struct pml_identity_options options;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->dir, "/tmp/pml-identity-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->names[0] = "chat.example";
    f->names[1] = "192.0.2.7";
    f->options = (struct pml_identity_options){ .state_dir = f->dir, .keep = true, .names = f->names, .name_count = 2 };
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", f->dir);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static struct pml_identity *open_at(struct fixture *f, int64_t now)
{
    struct pml_error err;
    struct pml_identity *identity = pml_identity_open(&f->options, now, &err);
    if (!identity)
        fail_msg("%s", err.text);
    return identity;
}

static char *in(char path[4096], const struct fixture *f, const char *name)
{
    return pml_path(path, f->dir, name);
}

static void the_keyset_names_the_keys(void **state)
{
    struct fixture *f = *state;
    struct pml_error err;
    uint8_t public_key[32], listed[32], spki[32];
    PML_AUTO(identity) struct pml_identity *identity = open_at(f, NOW);
    assert_true(pml_ed25519_public(public_key, &identity->receipt_seed, &err));
    assert_true(pml_keyset_receipt_key(listed, &identity->keyset, identity->receipt_key_id));
    assert_memory_equal(public_key, listed, 32);
    assert_true(pml_key_spki_sha256(spki, X509_get0_pubkey(identity->certificate), &err));
    assert_true(pml_keyset_lists_tls(&identity->keyset, "anything.example", spki));
    assert_int_equal(identity->keyset.not_after, NOW + PML_KEYSET_LIFE);
    assert_int_equal(X509_check_private_key(identity->certificate, identity->tls_key), 1);
    static const char *const hosts[] = { "localhost", "chat.example" };
    static const char *const addresses[] = { "127.0.0.1", "::1", "192.0.2.7" };
    for (size_t i = 0; i < PML_COUNT(hosts); i++)
        assert_int_equal(X509_check_host(identity->certificate, hosts[i], 0, 0, NULL), 1);
    for (size_t i = 0; i < PML_COUNT(addresses); i++)
        assert_int_equal(X509_check_ip_asc(identity->certificate, addresses[i], 0), 1);
}

static void kept_keys_survive_a_restart(void **state)
{
    struct fixture *f = *state;
    struct pml_error err;
    PML_AUTO(identity) struct pml_identity *first = open_at(f, NOW);
    assert_true(pml_identity_publish(first, f->dir, &err));
    PML_AUTO(identity) struct pml_identity *second = open_at(f, NOW + 1000);
    assert_string_equal(first->digest, second->digest);
    assert_int_equal(X509_cmp(first->certificate, second->certificate), 0);
    f->names[0] = "other.example";
    PML_AUTO(identity) struct pml_identity *renamed = open_at(f, NOW + 1000);
    assert_string_equal(first->digest, renamed->digest);
    assert_int_equal(X509_check_host(renamed->certificate, "other.example", 0, 0, NULL), 1);
}

static void unkept_keys_touch_no_disk(void **state)
{
    struct fixture *f = *state;
    char path[4096];
    f->options.keep = false;
    PML_AUTO(identity) struct pml_identity *first = open_at(f, NOW);
    PML_AUTO(identity) struct pml_identity *second = open_at(f, NOW);
    assert_string_not_equal(first->digest, second->digest);
    assert_int_equal(access(in(path, f, "keys"), F_OK), -1);
}

static void key_files_are_private(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = { "keys/receipt.key", "keys/tls.key", "keys/keyset.json" };
    PML_AUTO(identity) struct pml_identity *identity = open_at(f, NOW);
    assert_non_null(identity);
    for (size_t i = 0; i < PML_COUNT(names); i++) {
        char path[4096];
        struct stat st;
        assert_int_equal(stat(in(path, f, names[i]), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

static void renewal_replaces_every_key(void **state)
{
    struct fixture *f = *state;
    struct pml_error err;
    char path[4096];
    PML_AUTO(identity) struct pml_identity *old = open_at(f, NOW);
    assert_false(pml_identity_is_due(old, NOW + PML_KEYSET_LIFE * 2 / 3 - 1));
    assert_true(pml_identity_is_due(old, NOW + PML_KEYSET_LIFE * 2 / 3));
    PML_AUTO(identity) struct pml_identity *new = pml_identity_renew(&f->options, NOW + 5, &err);
    assert_non_null(new);
    assert_string_not_equal(old->digest, new->digest);
    assert_string_not_equal(old->receipt_key_id, new->receipt_key_id);
    assert_int_equal(EVP_PKEY_eq(old->tls_key, new->tls_key), 0);
    assert_int_equal(access(in(path, f, "keys.old"), F_OK), -1);
    assert_int_equal(access(in(path, f, "keys.new"), F_OK), -1);
    PML_AUTO(identity) struct pml_identity *again = open_at(f, NOW + 6);
    assert_string_equal(new->digest, again->digest);
}

static void an_expired_keyset_is_renewed_at_start(void **state)
{
    struct fixture *f = *state;
    PML_AUTO(identity) struct pml_identity *old = open_at(f, NOW);
    assert_false(pml_identity_is_expired(old, NOW + PML_KEYSET_LIFE - 1));
    assert_true(pml_identity_is_expired(old, NOW + PML_KEYSET_LIFE));
    PML_AUTO(identity) struct pml_identity *new = open_at(f, NOW + PML_KEYSET_LIFE);
    assert_string_not_equal(old->digest, new->digest);
    assert_int_equal(new->keyset.not_after, NOW + 2 * PML_KEYSET_LIFE);
}

/* What a crash between the two renames, or before them, leaves behind. */
static void an_interrupted_renewal_leaves_the_old_or_the_new(void **state)
{
    struct fixture *f = *state;
    struct pml_error err;
    char a[4096], b[4096], command[9000];
    PML_AUTO(identity) struct pml_identity *old = open_at(f, NOW);
    assert_non_null(old);
    snprintf(command, sizeof command, "cp -r %s %s", in(a, f, "keys"), in(b, f, "saved"));
    assert_int_equal(system(command), 0);
    PML_AUTO(identity) struct pml_identity *new = pml_identity_renew(&f->options, NOW, &err);
    assert_non_null(new);

    assert_int_equal(rename(in(a, f, "keys"), in(b, f, "keys.new")), 0);
    assert_int_equal(rename(in(a, f, "saved"), in(b, f, "keys.old")), 0);
    PML_AUTO(identity) struct pml_identity *finished = open_at(f, NOW);
    assert_string_equal(finished->digest, new->digest);

    assert_int_equal(mkdir(in(a, f, "keys.new"), 0700), 0);
    snprintf(command, sizeof command, "cp %s %s", in(a, f, "keys/tls.key"), in(b, f, "keys.new"));
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "cp %s %s", in(a, f, "keys/tls.key"), in(b, f, "keys.new/receipt.key.Hx3k1A"));
    assert_int_equal(system(command), 0);
    PML_AUTO(identity) struct pml_identity *undone = open_at(f, NOW);
    assert_string_equal(undone->digest, new->digest);
    assert_int_equal(access(in(a, f, "keys.new"), F_OK), -1);
}

static void damage_is_named(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *command, *code, *text;
    } cases[] = {
        { "echo x > keys/receipt.key", "key_file", "receipt.key is damaged" },
        { "rm keys/tls.key", "io", "tls.key" },
        { "echo '{' > keys/keyset.json", "json", "keyset.json is damaged" },
        { "chmod 644 keys/receipt.key", "key_file", "accessible to others" },
        { "openssl genpkey -algorithm ed25519 -out keys/receipt.key 2>/dev/null", "keys", "does not name the keys" },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        char command[256], path[4096];
        struct pml_error err;
        snprintf(command, sizeof command, "rm -rf %s", in(path, f, "keys"));
        assert_int_equal(system(command), 0);
        pml_identity_unref(open_at(f, NOW));
        snprintf(command, sizeof command, "cd %s && %s", f->dir, cases[i].command);
        assert_int_equal(system(command), 0);
        assert_null(pml_identity_open(&f->options, NOW, &err));
        assert_string_equal(err.code, cases[i].code);
        if (!strstr(err.text, cases[i].text))
            fail_msg("%s", err.text);
        assert_int_equal(err.kind, PML_UNKNOWN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_keyset_names_the_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(kept_keys_survive_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(unkept_keys_touch_no_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(key_files_are_private, setup, teardown),
        cmocka_unit_test_setup_teardown(renewal_replaces_every_key, setup, teardown),
        cmocka_unit_test_setup_teardown(an_expired_keyset_is_renewed_at_start, setup, teardown),
        cmocka_unit_test_setup_teardown(an_interrupted_renewal_leaves_the_old_or_the_new, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_is_named, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
