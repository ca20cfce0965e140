/* SPDX-License-Identifier: MIT */
/* Keys and keysets of a service. */
#include "serve/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/jcs.h"
#include "base/json.h"
#include "crypto/ed25519.h"
#include "crypto/p256.h"
#include "crypto/x509_build.h"

#define KEYSET_LIMIT (1u << 20)
#define CLOCK_SLACK  INT64_C(86400) /* certificates begin a day early, for clients whose clock is behind */

struct pml_identity *pml_identity_ref(struct pml_identity *identity)
{
    atomic_fetch_add(&identity->references, 1);
    return identity;
}

void pml_identity_unref(struct pml_identity *identity)
{
    if (!identity || atomic_fetch_sub(&identity->references, 1) > 1)
        return;
    pml_keyset_wipe(&identity->keyset);
    pml_secret_wipe(&identity->receipt_seed);
    EVP_PKEY_free(identity->tls_key);
    X509_free(identity->certificate);
    free(identity);
}

void pml_identity_auto(struct pml_identity **identity)
{
    pml_identity_unref(*identity);
}

bool pml_identity_is_due(const struct pml_identity *identity, int64_t now)
{
    return now >= identity->keyset.not_after - PML_KEYSET_LIFE / 3;
}

bool pml_identity_is_expired(const struct pml_identity *identity, int64_t now)
{
    return now >= identity->keyset.not_after;
}

static struct pml_identity *identity_new(struct pml_error *err)
{
    struct pml_identity *identity = calloc(1, sizeof *identity);
    if (!identity)
        return pml_fail_memory(err);
    atomic_init(&identity->references, 1);
    return identity;
}

/* --- certificate --- */

static bool has_name(X509 *certificate, const char *name)
{
    return X509_check_ip_asc(certificate, name, 0) == 1 || X509_check_host(certificate, name, 0, 0, NULL) == 1;
}

/* The certificate in the state directory serves again if it says what a new one would. */
static bool serves_again(X509 *certificate, const struct pml_identity *identity, const char *const *names, size_t count)
{
    time_t not_after = identity->keyset.not_after;
    bool same = certificate && X509_check_private_key(certificate, identity->tls_key) == 1 &&
                X509_cmp_time(X509_get0_notAfter(certificate), &not_after) < 0; /* < 0: not later */
    for (size_t i = 0; same && i < count; i++)
        same = has_name(certificate, names[i]);
    return same;
}

static bool make_certificate(struct pml_identity *identity, const struct pml_identity_options *options, int64_t now,
                             struct pml_error *err)
{
    const char *names[64] = { "localhost", "127.0.0.1", "::1" };
    size_t count = 3;
    for (size_t i = 0; i < options->name_count && count < PML_COUNT(names); i++) {
        bool known = false;
        for (size_t k = 0; k < count; k++)
            known |= !strcmp(names[k], options->names[i]);
        if (!known)
            names[count++] = options->names[i];
    }
    char path[4096];
    struct pml_error none;
    PML_AUTO(x509) X509 *old = pml_cert_load(pml_path(path, options->state_dir, "tls.crt"), &none);
    if (options->keep && serves_again(old, identity, names, count))
        identity->certificate = pml_take(&old);
    else
        identity->certificate = pml_cert_self_signed(identity->tls_key, "pml-serve", names, count, now - CLOCK_SLACK,
                                                     identity->keyset.not_after, err);
    ERR_clear_error();
    return identity->certificate;
}

/* --- keyset --- */

/* The id of a receipt key says which key it is, so that ids of successive keysets differ. */
static bool name_receipt_key(struct pml_identity *identity, uint8_t public_key[PML_ED25519_PUBLIC_SIZE],
                             struct pml_error *err)
{
    if (!pml_ed25519_public(public_key, &identity->receipt_seed, err))
        return false;
    strcpy(identity->receipt_key_id, "pml-receipt-ed25519-");
    pml_hex(identity->receipt_key_id + strlen(identity->receipt_key_id), public_key, 8);
    return true;
}

static bool make_keyset(struct pml_identity *identity, const char *subject, int64_t not_after, struct pml_error *err)
{
    struct pml_tls_key tls = { .domain = NULL };
    struct pml_keyset_parts parts = {
        .subject = subject,
        .not_after = not_after,
        .receipt_key_id = identity->receipt_key_id,
        .tls = &tls,
        .tls_count = 1,
    };
    return name_receipt_key(identity, parts.receipt_public_key, err) &&
           pml_key_spki_sha256(tls.spki_sha256, identity->tls_key, err) &&
           pml_keyset_build(&identity->keyset, &parts, err);
}

static bool new_keys(struct pml_identity *identity, struct pml_error *err)
{
    identity->tls_key = pml_p256_new(err);
    return identity->tls_key && pml_secret_random(&identity->receipt_seed, PML_ED25519_SEED_SIZE, err);
}

/* --- kept keys: STATE/keys/{receipt.key,tls.key,keyset.json} --- */

struct key_paths {
    char dir[4096], receipt[4096 + 16], tls[4096 + 16], keyset[4096 + 16];
};

static void paths_of(struct key_paths *paths, const char *state_dir, const char *name)
{
    pml_path(paths->dir, state_dir, name);
    snprintf(paths->receipt, sizeof paths->receipt, "%s/receipt.key", paths->dir);
    snprintf(paths->tls, sizeof paths->tls, "%s/tls.key", paths->dir);
    snprintf(paths->keyset, sizeof paths->keyset, "%s/keyset.json", paths->dir);
}

static bool load_keyset(struct pml_identity *identity, const struct key_paths *paths, struct pml_error *err)
{
    size_t size;
    uint8_t own[PML_ED25519_PUBLIC_SIZE], listed[PML_ED25519_PUBLIC_SIZE], spki[PML_SHA256_SIZE];
    PML_AUTO(mem) char *text = pml_read_file(paths->keyset, KEYSET_LIMIT, &size, err);
    if (!text)
        return false;
    PML_AUTO(json) json_t *document = pml_jcs_load(text, size, err);
    if (!document || !pml_keyset_parse(&identity->keyset, document, err)) {
        err->kind = PML_UNKNOWN;
        return pml_wrap(err, "%s is damaged", paths->keyset);
    }
    if (!name_receipt_key(identity, own, err) || !pml_key_spki_sha256(spki, identity->tls_key, err))
        return false;
    if (!pml_keyset_receipt_key(listed, &identity->keyset, identity->receipt_key_id) ||
        memcmp(own, listed, sizeof own) != 0 || !pml_keyset_lists_tls(&identity->keyset, "localhost", spki))
        return pml_fail(err, PML_UNKNOWN, "keys", "%s does not name the keys beside it", paths->keyset);
    return true;
}

static struct pml_identity *load_kept(const struct pml_identity_options *options, struct pml_error *err)
{
    struct key_paths paths;
    PML_AUTO(identity) struct pml_identity *identity = identity_new(err);
    paths_of(&paths, options->state_dir, "keys");
    if (!identity || !pml_ed25519_load(&identity->receipt_seed, paths.receipt, err))
        return NULL;
    identity->tls_key = pml_p256_load(paths.tls, err);
    if (!identity->tls_key || !load_keyset(identity, &paths, err))
        return NULL;
    return pml_take(&identity);
}

/* Also what a crash has left of files that were being written. */
static bool remove_keys(const char *state_dir, const char *name, struct pml_error *err)
{
    char path[4096];
    return pml_remove_dir(pml_path(path, state_dir, name), err);
}

static bool move_keys(const char *state_dir, const char *from, const char *to, struct pml_error *err)
{
    char old[4096], new[4096];
    if (rename(pml_path(old, state_dir, from), pml_path(new, state_dir, to)) != 0)
        return pml_fail_io(err, "rename %s", old);
    PML_AUTO(fd) int dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || fsync(dir) != 0)
        return pml_fail_io(err, "sync %s", state_dir);
    return true;
}

static bool exists(const char *state_dir, const char *name)
{
    char path[4096];
    struct stat st;
    return lstat(pml_path(path, state_dir, name), &st) == 0;
}

/* Ends what a crash interrupted: `keys` missing means that `keys.new` is complete. */
static bool finish_replacement(const char *state_dir, struct pml_error *err)
{
    if (!exists(state_dir, "keys") && exists(state_dir, "keys.old") && exists(state_dir, "keys.new") &&
        !move_keys(state_dir, "keys.new", "keys", err))
        return false;
    return remove_keys(state_dir, "keys.new", err) && remove_keys(state_dir, "keys.old", err);
}

static bool save_kept(const struct pml_identity *identity, const char *state_dir, struct pml_error *err)
{
    struct key_paths paths;
    size_t size;
    paths_of(&paths, state_dir, "keys.new");
    PML_AUTO(mem) char *text = pml_jcs(identity->keyset.document, &size, err);
    if (!text || !finish_replacement(state_dir, err))
        return false;
    if (mkdir(paths.dir, 0700) != 0)
        return pml_fail_io(err, "create %s", paths.dir);
    if (!pml_ed25519_save(&identity->receipt_seed, paths.receipt, err) ||
        !pml_p256_save(identity->tls_key, paths.tls, err) || !pml_write_file(paths.keyset, text, size, 0600, err))
        return false;
    if (exists(state_dir, "keys") && !move_keys(state_dir, "keys", "keys.old", err))
        return false;
    return move_keys(state_dir, "keys.new", "keys", err) && remove_keys(state_dir, "keys.old", err);
}

/* --- the whole --- */

struct pml_identity *pml_identity_renew(const struct pml_identity_options *options, int64_t now, struct pml_error *err)
{
    PML_AUTO(identity) struct pml_identity *identity = identity_new(err);
    if (!identity || !new_keys(identity, err) || !make_keyset(identity, options->subject, now + PML_KEYSET_LIFE, err) ||
        !make_certificate(identity, options, now, err))
        return NULL;
    if (options->keep && !save_kept(identity, options->state_dir, err))
        return pml_wrap(err, "keep keys");
    pml_digest_text(identity->digest, identity->keyset.digest);
    return pml_take(&identity);
}

struct pml_identity *pml_identity_open(const struct pml_identity_options *options, int64_t now, struct pml_error *err)
{
    if (!options->keep)
        return pml_identity_renew(options, now, err);
    if (!finish_replacement(options->state_dir, err))
        return pml_wrap(err, "keys");
    if (!exists(options->state_dir, "keys"))
        return pml_identity_renew(options, now, err);
    PML_AUTO(identity) struct pml_identity *identity = load_kept(options, err);
    if (!identity)
        return pml_wrap(err, "kept keys");
    struct pml_error why;
    if (!pml_keyset_check_time(&identity->keyset, now, &why))
        return pml_identity_renew(options, now, err);
    if (!make_certificate(identity, options, now, err))
        return NULL;
    pml_digest_text(identity->digest, identity->keyset.digest);
    return pml_take(&identity);
}

bool pml_identity_publish(const struct pml_identity *identity, const char *state_dir, struct pml_error *err)
{
    char path[4096];
    size_t size;
    PML_AUTO(mem) char *pem = pml_cert_pem(identity->certificate, &size, err);
    return pem && pml_write_file(pml_path(path, state_dir, "tls.crt"), pem, size, 0644, err);
}
