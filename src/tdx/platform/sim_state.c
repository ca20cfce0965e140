/* SPDX-License-Identifier: MIT */
/* Making, loading, renewing and replacing the files of a simulated platform. */
#include "tdx/platform/sim_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/json.h"
#include "base/time.h"
#include "crypto/p256.h"
#include "tdx/platform/sim_collateral.h"
#include "tdx/sim_mark.h"

enum { DAY = 86400, RENEW_BEFORE = 15 * DAY, FILE_LIMIT = 1 << 20 };

static const char profile[] = "pmlsdk.sim/1";

static const struct {
    const char *key, *cert;
    enum pml_sim_role issuer;
} role_files[PML_SIM_ROLES] = {
    [PML_SIM_ROOT] = { "root.key", "root.pem", PML_SIM_ROOT },
    [PML_SIM_PLATFORM_CA] = { "platform-ca.key", "platform-ca.pem", PML_SIM_ROOT },
    [PML_SIM_TCB_SIGNING] = { "tcb-signing.key", "tcb-signing.pem", PML_SIM_ROOT },
    [PML_SIM_PCK] = { "pck.key", "pck.pem", PML_SIM_PLATFORM_CA },
};

void pml_sim_state_free(struct pml_sim_state *state)
{
    pml_sim_pki_free(&state->pki);
}

void pml_sim_state_auto(struct pml_sim_state *state)
{
    pml_sim_state_free(state);
}

static bool write_text(const char *dir, const char *name, const char *text, mode_t mode, struct pml_error *err)
{
    char path[4096];
    return pml_write_file(pml_path(path, dir, name), text, strlen(text), mode, err);
}

static bool write_platform(const char *dir, const struct pml_sim_platform *platform, struct pml_error *err)
{
    char ppid[33], instance[33], qe_id[33], seed[41];
    PML_AUTO(json)
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:s, s:s}", "profile", profile, "ppid", pml_hex(ppid, platform->ppid, 16),
        "platform_instance_id", pml_hex(instance, platform->platform_instance_id, 16), "qe_id",
        pml_hex(qe_id, platform->qe_id, 16), "instance_id_seed", pml_hex(seed, platform->instance_id_seed, 20));
    if (!object)
        return pml_fail_memory(err);
    PML_AUTO(mem) char *text = pml_json_dump(object, NULL, err);
    return text && write_text(dir, "platform.json", text, 0600, err);
}

static bool write_collateral(const char *dir, const struct pml_sim_pki *pki, const struct pml_sim_sgx *sgx,
                             int64_t made, int64_t now, struct pml_error *err)
{
    PML_AUTO(sim_collateral) struct pml_sim_collateral collateral = { 0 };
    if (!pml_sim_collateral(&collateral, sgx, made, now, err))
        return false;
    PML_AUTO(mem) char *bundle = pml_sim_bundle(&collateral, pki, err);
    return bundle && write_text(dir, "collateral.json", bundle, 0644, err);
}

/* Fills an empty directory with a new platform. */
static bool fill(const char *dir, int64_t now, struct pml_error *err)
{
    char path[4096];
    struct pml_sim_platform platform;
    struct pml_sim_pki_spec spec;
    PML_AUTO(sim_pki) struct pml_sim_pki pki = { 0 };
    if (!pml_sim_platform_new(&platform, err) || !pml_sim_pki_keys(&pki, err))
        return false;
    pml_sim_pki_spec(&spec, &platform, now);
    if (!pml_sim_pki_issue(&pki, &spec, err))
        return false;
    for (size_t i = 0; i < PML_SIM_ROLES; i++) {
        PML_AUTO(mem) char *pem = pml_cert_pem(pki.cert[i], NULL, err);
        if (!pem || !write_text(dir, role_files[i].cert, pem, 0644, err) ||
            !pml_p256_save(pki.key[i], pml_path(path, dir, role_files[i].key), err))
            return false;
    }
    return pml_p256_save(pki.attestation_key, pml_path(path, dir, "attestation.key"), err) &&
           write_platform(dir, &platform, err) && write_text(dir, "lock", "", 0600, err) &&
           write_collateral(dir, &pki, &spec.sgx, now, now, err);
}

/* A complete new platform in a directory beside DIR/sim, whose name it writes to PATH. */
static bool prepare(char path[4096], const char *dir, struct pml_error *err)
{
    struct pml_error ignored;
    pml_path(path, dir, "sim.new-XXXXXX");
    if (!mkdtemp(path))
        return pml_fail_io(err, "create %s", path);
    if (fill(path, pml_now(), err))
        return true;
    if (!pml_remove_dir(path, &ignored))
        return pml_wrap(err, "make simulated platform (left-over %s)", path);
    return pml_wrap(err, "make simulated platform");
}

static bool sync_dir(const char *dir, struct pml_error *err)
{
    PML_AUTO(fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0 ? true : (bool)pml_fail_io(err, "sync %s", dir);
}

static bool make(const char *dir, const char *sim, struct pml_error *err)
{
    char made[4096];
    if (!prepare(made, dir, err))
        return false;
    if (rename(made, sim) == 0)
        return sync_dir(dir, err);
    int reason = errno;
    if (!pml_remove_dir(made, err))
        return false;
    if (reason == ENOTEMPTY || reason == EEXIST) /* another process made it meanwhile */
        return true;
    errno = reason;
    return pml_fail_io(err, "create %s", sim);
}

static bool read_platform(struct pml_sim_platform *out, const char *dir, struct pml_error *err)
{
    static const char *const members[] = {
        "profile", "ppid", "platform_instance_id", "qe_id", "instance_id_seed", NULL
    };
    char path[4096];
    size_t size;
    PML_AUTO(mem) char *text = pml_read_file(pml_path(path, dir, "platform.json"), FILE_LIMIT, &size, err);
    if (!text)
        return false;
    PML_AUTO(json) json_t *object = pml_json_load(text, size, err);
    const char *name = object ? pml_json_text(object, "profile", err) : NULL;
    if (name && strcmp(name, profile) != 0)
        pml_fail(err, PML_UNKNOWN, "sim_state", "another profile than %s", profile);
    else if (name && pml_json_only(object, members, err) &&
             pml_json_hex(out->ppid, sizeof out->ppid, object, "ppid", err) &&
             pml_json_hex(out->platform_instance_id, 16, object, "platform_instance_id", err) &&
             pml_json_hex(out->qe_id, sizeof out->qe_id, object, "qe_id", err) &&
             pml_json_hex(out->instance_id_seed, sizeof out->instance_id_seed, object, "instance_id_seed", err))
        return true;
    err->kind = PML_UNKNOWN;
    err->code = "sim_state";
    return pml_wrap(err, "%s is damaged", path);
}

static bool load_role(struct pml_sim_pki *pki, enum pml_sim_role role, const char *dir, struct pml_error *err)
{
    char key[4096], cert[4096];
    pml_path(key, dir, role_files[role].key);
    pml_path(cert, dir, role_files[role].cert);
    if (!(pki->key[role] = pml_p256_load(key, err)) || !(pki->cert[role] = pml_cert_load(cert, err)))
        return false;
    if (X509_check_private_key(pki->cert[role], pki->key[role]) != 1)
        return pml_fail(err, PML_UNKNOWN, "sim_state", "%s is not the key of %s", key, cert);
    if (X509_verify(pki->cert[role], pki->key[role_files[role].issuer]) != 1)
        return pml_fail(err, PML_UNKNOWN, "sim_state", "%s was not issued by this platform", cert);
    if (role == PML_SIM_ROOT && !pml_sim_is_marked(pki->cert[role]))
        return pml_fail(err, PML_UNKNOWN, "sim_state", "%s does not carry the mark of a simulation", cert);
    return true;
}

static bool load(struct pml_sim_state *state, struct pml_error *err)
{
    char path[4096];
    if (!pml_private_dir(state->dir, err) || !read_platform(&state->platform, state->dir, err))
        return false;
    for (enum pml_sim_role role = PML_SIM_ROOT; role < PML_SIM_ROLES; role++) {
        if (!load_role(&state->pki, role, state->dir, err))
            return false;
    }
    state->pki.attestation_key = pml_p256_load(pml_path(path, state->dir, "attestation.key"), err);
    if (!state->pki.attestation_key)
        return false;
    struct tm begin;
    if (ASN1_TIME_to_tm(X509_get0_notBefore(state->pki.cert[PML_SIM_ROOT]), &begin) != 1)
        return pml_fail(err, PML_UNKNOWN, "sim_state", "%s/root.pem has no date", state->dir);
    state->made = (int64_t)timegm(&begin) + DAY;
    struct pml_sim_pki_spec spec;
    pml_sim_pki_spec(&spec, &state->platform, state->made);
    state->sgx = spec.sgx;
    bool is_own;
    if (!pml_sim_pki_is_for(&state->pki, &state->sgx, &is_own, err))
        return false;
    return is_own || pml_fail(err, PML_UNKNOWN, "sim_state", "%s/platform.json is not that of %s/pck.pem", state->dir,
                              state->dir);
}

/* True if there is nothing at PATH, or an empty directory. */
static bool is_absent(const char *path)
{
    DIR *entries = opendir(path);
    if (!entries)
        return errno == ENOENT;
    size_t count = 0;
    while (readdir(entries))
        count++;
    closedir(entries);
    return count <= 2;
}

bool pml_sim_state_open(struct pml_sim_state *state, const char *dir, struct pml_error *err)
{
    *state = (struct pml_sim_state){ 0 };
    pml_path(state->dir, dir, "sim");
    if (!pml_private_dir(dir, err))
        return false;
    if (is_absent(state->dir) && !make(dir, state->dir, err))
        return false;
    if (!load(state, err))
        return pml_wrap(err, "simulated platform (\"pml tdxsim reset\" makes a new one)");
    return true;
}

bool pml_sim_state_reset(const char *dir, struct pml_error *err)
{
    char sim[4096], made[4096];
    pml_path(sim, dir, "sim");
    if (!pml_private_dir(dir, err))
        return false;
    if (is_absent(sim))
        return make(dir, sim, err);
    if (!prepare(made, dir, err))
        return false;
    if (renameat2(AT_FDCWD, made, AT_FDCWD, sim, RENAME_EXCHANGE) != 0)
        return pml_fail_io(err, "replace %s", sim);
    return sync_dir(dir, err) && pml_remove_dir(made, err);
}

/* Reads the bundle; *DUE tells whether it has to be renewed at NOW. */
static char *read_collateral(const struct pml_sim_state *state, int64_t now, bool *due, struct pml_error *err)
{
    char path[4096];
    size_t size;
    int64_t issued, next_update;
    PML_AUTO(mem) char *text = pml_read_file(pml_path(path, state->dir, "collateral.json"), FILE_LIMIT, &size, err);
    if (!text)
        return NULL;
    if (!pml_sim_bundle_dates(&issued, &next_update, text, size, &state->pki, err))
        return pml_wrap(err, "%s", path);
    *due = now < issued || next_update - now < RENEW_BEFORE;
    return pml_take(&text);
}

static char *renew_collateral(const struct pml_sim_state *state, int64_t now, struct pml_error *err)
{
    char path[4096];
    bool due;
    PML_AUTO(fd) int lock = open(pml_path(path, state->dir, "lock"), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (lock < 0 || flock(lock, LOCK_EX) != 0)
        return pml_fail_io(err, "lock %s", path);
    PML_AUTO(mem) char *text = read_collateral(state, now, &due, err);
    if (!text)
        return NULL;
    if (!due) /* another process renewed it while this one waited */
        return pml_take(&text);
    if (!write_collateral(state->dir, &state->pki, &state->sgx, state->made, now, err))
        return pml_wrap(err, "renew");
    free(text);
    text = read_collateral(state, now, &due, err);
    return pml_take(&text);
}

char *pml_sim_state_collateral(const struct pml_sim_state *state, int64_t now, struct pml_error *err)
{
    bool due;
    PML_AUTO(mem) char *text = read_collateral(state, now, &due, err);
    char *current = text && due ? renew_collateral(state, now, err) : pml_take(&text);
    return current ? current : pml_wrap(err, "simulated platform (\"pml tdxsim reset\" makes a new one)");
}
