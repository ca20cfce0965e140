/* SPDX-License-Identifier: MIT */
/* The simulated platform: its files, its certificates, its registers, and what it refuses. */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/digest.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/time.h"
#include "crypto/p256.h"
#include "tdx/event_log.h"
#include "tdx/platform.h"
#include "tdx/platform/sim_collateral.h"
#include "tdx/platform/sim_state.h"
#include "tdx/quote.h"
#include "tdx/sim_mark.h"

enum { DAY = 86400 };

static struct pml_error err;
static char root_dir[64], dir[128];

static int make_dir(void **state)
{
    (void)state;
    strcpy(root_dir, "/tmp/pml-sim-XXXXXX");
    if (!mkdtemp(root_dir))
        return -1;
    snprintf(dir, sizeof dir, "%s/state", root_dir);
    return 0;
}

static void remove_tree(const char *path)
{
    char child[4096];
    DIR *entries = opendir(path);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlink(pml_path(child, path, entry->d_name)) != 0)
            remove_tree(child);
    }
    if (entries)
        closedir(entries);
    rmdir(path);
}

static int drop_dir(void **state)
{
    (void)state;
    remove_tree(root_dir);
    return 0;
}

static const struct pml_platform_model models[] = {
    { "demo", "sha256:0000000000000000000000000000000000000000000000000000000000000001" },
    { "b", "sha256:0000000000000000000000000000000000000000000000000000000000000002" },
};

static struct pml_platform *open_platform(void)
{
    const struct pml_platform_options options = {
        .state_dir = dir, .simulated = true, .models = models, .model_count = PML_COUNT(models)
    };
    struct pml_platform *p = pml_platform_open(&options, &err);
    if (!p)
        fail_msg("%s", err.text);
    return p;
}

static void open_state(struct pml_sim_state *state)
{
    if (!pml_sim_state_open(state, dir, &err))
        fail_msg("%s", err.text);
}

static const char *const file_names[] = {
    "attestation.key", "collateral.json", "lock",     "pck.key",  "pck.pem",         "platform-ca.key",
    "platform-ca.pem", "platform.json",   "root.key", "root.pem", "tcb-signing.key", "tcb-signing.pem",
};

static void a_platform_is_made_once_and_kept(void **unused)
{
    (void)unused;
    PML_AUTO(sim_state) struct pml_sim_state first = { 0 }, second = { 0 };
    struct stat st;
    char path[4096];
    open_state(&first);
    open_state(&second);
    assert_int_equal(X509_cmp(first.pki.cert[PML_SIM_ROOT], second.pki.cert[PML_SIM_ROOT]), 0);
    assert_int_equal(EVP_PKEY_eq(first.pki.attestation_key, second.pki.attestation_key), 1);
    assert_memory_equal(&first.platform, &second.platform, sizeof first.platform);
    assert_true(first.made <= pml_now() && first.made > pml_now() - 60);

    assert_int_equal(stat(first.dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    for (size_t i = 0; i < PML_COUNT(file_names); i++) {
        assert_int_equal(stat(pml_path(path, first.dir, file_names[i]), &st), 0);
        if (strstr(file_names[i], ".key"))
            assert_int_equal(st.st_mode & 0777, 0600);
    }
    size_t entries = 0;
    DIR *open_dir = opendir(first.dir);
    while (readdir(open_dir))
        entries++;
    closedir(open_dir);
    assert_int_equal(entries, 2 + PML_COUNT(file_names));
}

static void check_extensions(X509 *cert, const int *nids, int count)
{
    assert_int_equal(X509_get_ext_count(cert), count);
    for (int i = 0; i < count; i++) {
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(X509_get_ext(cert, i)));
        assert_int_equal(nid, nids[i]);
        int critical = nid == NID_key_usage || nid == NID_basic_constraints;
        assert_int_equal(X509_EXTENSION_get_critical(X509_get_ext(cert, i)), critical);
    }
}

/* The table of spec simulator §3. */
static void certificates_have_the_specified_shape(void **unused)
{
    (void)unused;
    static const struct {
        const char *cn;
        enum pml_sim_role issuer;
        int years, path_length;
        uint32_t key_usage;
        const char *crl;
    } want[PML_SIM_ROLES] = {
        [PML_SIM_ROOT] = { "Intel SGX Root CA", PML_SIM_ROOT, 30, 1, KU_KEY_CERT_SIGN | KU_CRL_SIGN, "root.der" },
        [PML_SIM_PLATFORM_CA] = { "Intel SGX PCK Platform CA", PML_SIM_ROOT, 20, 0, KU_KEY_CERT_SIGN | KU_CRL_SIGN,
                                  "root.der" },
        [PML_SIM_TCB_SIGNING] = { "Intel SGX TCB Signing", PML_SIM_ROOT, 10, -1,
                                  KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION, "root.der" },
        [PML_SIM_PCK] = { "Intel SGX PCK Certificate", PML_SIM_PLATFORM_CA, 10, -1,
                          KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION, "platform.der" },
    };
    static const int nids[] = { NID_authority_key_identifier, NID_subject_key_identifier,
                                NID_crl_distribution_points,  NID_key_usage,
                                NID_basic_constraints,        NID_undef };
    PML_AUTO(sim_state) struct pml_sim_state state = { 0 };
    open_state(&state);
    for (size_t i = 0; i < PML_SIM_ROLES; i++) {
        X509 *cert = state.pki.cert[i];
        char text[256];
        int days, seconds;
        snprintf(text, sizeof text, "/CN=%s/O=" PML_SIM_ORGANIZATION, want[i].cn);
        char *subject = X509_NAME_oneline(X509_get_subject_name(cert), NULL, 0);
        assert_string_equal(subject, text);
        OPENSSL_free(subject);
        assert_true(pml_sim_is_marked(cert));
        check_extensions(cert, nids, i == PML_SIM_PCK ? 6 : 5);
        assert_int_equal(X509_get_pathlen(cert), want[i].path_length);
        assert_int_equal(X509_get_key_usage(cert), want[i].key_usage);
        assert_int_equal(X509_check_ca(cert) == 1, want[i].path_length >= 0);
        assert_int_equal(X509_verify(cert, state.pki.key[want[i].issuer]), 1);
        ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(cert), X509_get0_notAfter(cert));
        assert_int_equal(days, want[i].years * 365);
        ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(cert), NULL);
        assert_int_equal(days, 1);
        ASN1_OCTET_STRING *crl = X509_EXTENSION_get_data(X509_get_ext(cert, 2));
        snprintf(text, sizeof text, "https://simulated.invalid/%s", want[i].crl);
        assert_non_null(memmem(crl->data, (size_t)crl->length, text, strlen(text)));
    }
    assert_int_equal(X509_get_version(state.pki.cert[PML_SIM_ROOT]), X509_VERSION_3);
}

static void every_value_of_the_pki_can_be_changed(void **unused)
{
    (void)unused;
    struct pml_sim_platform platform;
    struct pml_sim_pki_spec spec;
    PML_AUTO(sim_pki) struct pml_sim_pki pki = { 0 };
    assert_true(pml_sim_platform_new(&platform, &err) && pml_sim_pki_keys(&pki, &err));
    pml_sim_pki_spec(&spec, &platform, pml_now());
    spec.cert[PML_SIM_ROOT].organization = "Somebody";
    spec.cert[PML_SIM_PLATFORM_CA].exts[4].value = "critical,CA:FALSE";
    spec.cert[PML_SIM_TCB_SIGNING].ext_count = 1;
    spec.sgx.pce_svn = 0x8001;
    assert_true(pml_sim_pki_issue(&pki, &spec, &err));
    assert_false(pml_sim_is_marked(pki.cert[PML_SIM_ROOT]));
    assert_int_equal(X509_check_ca(pki.cert[PML_SIM_PLATFORM_CA]), 0);
    assert_int_equal(X509_get_ext_count(pki.cert[PML_SIM_TCB_SIGNING]), 1);
    size_t size;
    PML_AUTO(mem) uint8_t *der = pml_cert_der(pki.cert[PML_SIM_PCK], &size, &err);
    /* SEQUENCE { OID 1.2.840.113741.1.13.1.2.17, INTEGER 0x8001 } with the sign byte */
    static const uint8_t pce_svn[] = { 0x30, 0x12, 0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d,
                                       0x01, 0x0d, 0x01, 0x02, 0x11, 0x02, 0x03, 0x00, 0x80, 0x01 };
    assert_non_null(memmem(der, size, pce_svn, sizeof pce_svn));
}

static void parse_quote(struct pml_quote *quote, const uint8_t *bytes, size_t size)
{
    if (!pml_quote_parse(quote, bytes, size, &err))
        fail_msg("%s", err.text);
    assert_int_equal(quote->size, size);
}

/* Fields of spec simulator §4, from the bytes of the quote. */
static void the_quote_is_that_of_the_specification(void **unused)
{
    (void)unused;
    PML_AUTO(platform) struct pml_platform *p = open_platform();
    const struct pml_platform_facts *facts = pml_platform_describe(p);
    static const char compose[] =
        "{\"bash_script\":\"exec pml-serve\",\"key_provider\":\"none\",\"manifest_version\":2,\"name\":\"pml-serve\","
        "\"pml\":{\"models\":["
        "{\"file_digest\":\"sha256:0000000000000000000000000000000000000000000000000000000000000001\","
        "\"model_id\":\"demo\"},"
        "{\"file_digest\":\"sha256:0000000000000000000000000000000000000000000000000000000000000002\","
        "\"model_id\":\"b\"}]},\"runner\":\"bash\"}";
    assert_string_equal(facts->app_compose, compose);
    assert_string_equal(facts->platform, "simulated");
    assert_true(facts->simulated);
    assert_null(facts->app_id);

    uint8_t report_data[64], digest[48], zero[48] = { 0 };
    size_t size;
    struct pml_quote q;
    memset(report_data, 0xa5, sizeof report_data);
    PML_AUTO(mem) uint8_t *bytes = pml_platform_quote(p, report_data, &size, &err);
    parse_quote(&q, bytes, size);
    assert_int_equal(q.version, 4);
    assert_int_equal(q.tee_type, PML_TEE_TDX);
    assert_memory_equal(q.qe_vendor_id, pml_intel_qe_vendor_id, 16);
    assert_memory_equal(q.user_data + 16, zero, 4);
    assert_memory_equal(q.td.report_data, report_data, 64);
    assert_memory_equal(q.td.mr_td, "SIMULATED TD - NOT CONFIDENTIAL - PML SDK sim v1", 48);
    assert_memory_equal(q.td.tee_tcb_svn, "\5\1\2\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    pml_sha384(digest, "pmlsdk.sim/1 seam", 17);
    assert_memory_equal(q.td.mr_seam, digest, 48);
    assert_memory_equal(bytes + 168, "\0\0\0\x10\0\0\0\0\xe7\x02\x06\0\0\0\0\0", 16); /* td_attributes, xfam */
    assert_memory_equal(q.td.mr_owner, zero, 48);
    pml_sha256(digest, compose, strlen(compose));
    assert_int_equal(q.td.mr_config_id[0], 1);
    assert_memory_equal(q.td.mr_config_id + 1, digest, 32);
    assert_memory_equal(q.td.mr_config_id + 33, zero, 15);

    assert_int_equal(q.qe_auth_size, 32);
    for (uint8_t i = 0; i < 32; i++)
        assert_int_equal(q.qe_auth_data[i], i);
    pml_sha256(digest, "pmlsdk.sim/1 qe", 15);
    assert_memory_equal(q.qe_report.mr_enclave, digest, 32);
    pml_sha256(digest, "pmlsdk.sim/1 qe signer", 22);
    assert_memory_equal(q.qe_report.mr_signer, digest, 32);
    assert_memory_equal(q.qe_report.attributes, "\x15\0\0\0\0\0\0\0\xe7\0\0\0\0\0\0\0", 16);
    assert_int_equal(q.qe_report.isv_prod_id, 2);
    assert_int_equal(q.qe_report.isv_svn, 4);
    assert_int_equal(q.cert_type, PML_CERT_PCK_CHAIN);
    assert_int_equal(q.cert_data[q.cert_size - 1], 0);
    assert_int_equal(strlen((const char *)q.cert_data), q.cert_size - 1);
    assert_true(pml_p256_verify_point(q.attestation_key, q.signature, q.signed_bytes, q.signed_size));
    PML_AUTO(sim_state) struct pml_sim_state state = { 0 };
    open_state(&state);
    assert_true(pml_p256_verify(state.pki.key[PML_SIM_PCK], q.qe_report_signature, q.qe_report_bytes, 384));
    assert_memory_equal(q.user_data, state.platform.qe_id, 16);
}

static void the_boot_log_is_that_of_the_specification(void **unused)
{
    (void)unused;
    static const char *const names[] = { "",
                                         "",
                                         "",
                                         "system-preparing",
                                         "app-id",
                                         "compose-hash",
                                         "instance-id",
                                         "boot-mr-done",
                                         "key-provider",
                                         "system-ready",
                                         "model-measured" };
    PML_AUTO(platform) struct pml_platform *p = open_platform();
    uint8_t rtmr[4][48], compose_hash[32], separator[48];
    assert_true(pml_platform_extend(p, "model-measured", "payload", 7, &err));
    PML_AUTO(mem) char *text = pml_platform_event_log(p, &err);
    PML_AUTO(event_log) struct pml_event_log log = { 0 };
    assert_true(pml_event_log_parse(&log, text, strlen(text), &err));
    assert_int_equal(log.count, PML_COUNT(names));
    pml_sha384(separator, "\0\0\0\0", 4);
    for (size_t i = 0; i < log.count; i++) {
        assert_string_equal(log.events[i].event, names[i]);
        assert_int_equal(log.events[i].imr, i < 3 ? i : 3);
        assert_int_equal(log.events[i].event_type, i < 3 ? 4 : 134217729);
        if (i < 3)
            assert_memory_equal(log.events[i].digest, separator, 48);
    }
    assert_true(pml_platform_rtmrs(p, rtmr, &err));
    assert_true(pml_event_log_check(&log, rtmr, &err));

    const char *compose = pml_platform_describe(p)->app_compose;
    pml_sha256(compose_hash, compose, strlen(compose));
    const struct pml_event *hash = pml_event_log_boot(&log, "compose-hash", &err);
    assert_int_equal(hash->payload_size, 32);
    assert_memory_equal(hash->payload, compose_hash, 32);
    const struct pml_event *app_id = pml_event_log_boot(&log, "app-id", &err);
    assert_int_equal(app_id->payload_size, 20);
    assert_memory_equal(app_id->payload, compose_hash, 20);
    const struct pml_event *provider = pml_event_log_boot(&log, "key-provider", &err);
    assert_int_equal(provider->payload_size, 23);
    assert_memory_equal(provider->payload, "{\"name\":\"none\",\"id\":\"\"}", 23);
    assert_int_equal(pml_event_log_matches(&log, "model-measured", "payload", 7), 1);
}

static void events_that_cannot_be_logged_are_not_extended(void **unused)
{
    (void)unused;
    PML_AUTO(platform) struct pml_platform *p = open_platform();
    uint8_t before[4][48], after[4][48];
    static uint8_t large[PML_EVENT_PAYLOAD_MAX + 1];
    assert_true(pml_platform_rtmrs(p, before, &err));
    assert_false(pml_platform_extend(p, "", "x", 1, &err));
    assert_false(pml_platform_extend(p, "\xff", "x", 1, &err));
    assert_string_equal(err.text, "an event name has 1 to 256 bytes of utf-8");
    assert_false(pml_platform_extend(p, "a", large, sizeof large, &err));
    assert_true(pml_platform_rtmrs(p, after, &err));
    assert_memory_equal(before, after, sizeof before);
}

static void *extend_and_quote(void *platform)
{
    struct pml_error mine;
    uint8_t report_data[64] = { 0 };
    for (int i = 0; i < 20; i++) {
        size_t size;
        report_data[0] = (uint8_t)i;
        PML_AUTO(mem) uint8_t *quote = pml_platform_quote(platform, report_data, &size, &mine);
        if (!quote || !pml_platform_extend(platform, "engine-measured", &i, sizeof i, &mine))
            return platform;
    }
    return NULL;
}

static void threads_share_one_platform(void **unused)
{
    (void)unused;
    PML_AUTO(platform) struct pml_platform *p = open_platform();
    pthread_t threads[4];
    for (size_t i = 0; i < PML_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, extend_and_quote, p), 0);
    for (size_t i = 0; i < PML_COUNT(threads); i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    uint8_t rtmr[4][48];
    PML_AUTO(mem) char *text = pml_platform_event_log(p, &err);
    PML_AUTO(event_log) struct pml_event_log log = { 0 };
    assert_true(pml_event_log_parse(&log, text, strlen(text), &err) && pml_platform_rtmrs(p, rtmr, &err));
    assert_int_equal(pml_event_log_named(&log, "engine-measured"), 80);
    assert_true(pml_event_log_check(&log, rtmr, &err));
}

/* Four processes at once on an empty directory: one platform comes of it, and all have it. */
static void processes_that_start_together_make_one_platform(void **unused)
{
    (void)unused;
    enum { PROCESSES = 4 };
    int results[2], status;
    uint8_t got[PROCESSES][PML_SHA256_SIZE];
    assert_int_equal(pipe(results), 0);
    for (int i = 0; i < PROCESSES; i++) {
        if (fork() == 0) {
            PML_AUTO(sim_state) struct pml_sim_state state = { 0 };
            uint8_t spki[PML_SHA256_SIZE];
            bool opened = pml_sim_state_open(&state, dir, &err) &&
                          pml_key_spki_sha256(spki, state.pki.key[PML_SIM_ROOT], &err) &&
                          write(results[1], spki, sizeof spki) == sizeof spki;
            _exit(opened ? 0 : 1);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        wait(&status);
        assert_int_equal(status, 0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        assert_int_equal(read(results[0], got[i], sizeof got[i]), sizeof got[i]);
        assert_memory_equal(got[i], got[0], sizeof got[0]);
    }
    close(results[0]);
    close(results[1]);
    size_t entries = 0;
    DIR *open_dir = opendir(dir);
    while (readdir(open_dir))
        entries++;
    closedir(open_dir);
    assert_int_equal(entries, 3); /* nothing but sim */
}

static void platforms_share_a_sim_directory(void **unused)
{
    (void)unused;
    char other[160];
    snprintf(other, sizeof other, "%s/other", root_dir);
    PML_AUTO(platform) struct pml_platform *p = open_platform();
    const struct pml_platform_options options = { .state_dir = other, .sim_dir = dir, .simulated = true };
    PML_AUTO(platform) struct pml_platform *q = pml_platform_open(&options, &err);
    uint8_t report_data[64] = { 0 };
    size_t p_size, q_size;
    struct pml_quote a, b;
    PML_AUTO(mem) uint8_t *p_bytes = pml_platform_quote(p, report_data, &p_size, &err);
    PML_AUTO(mem) uint8_t *q_bytes = pml_platform_quote(q, report_data, &q_size, &err);
    parse_quote(&a, p_bytes, p_size);
    parse_quote(&b, q_bytes, q_size);
    assert_memory_equal(a.user_data, b.user_data, 20);
    assert_memory_equal(a.attestation_key, b.attestation_key, 64);
    assert_memory_not_equal(a.td.mr_config_id, b.td.mr_config_id, 48);
}

/* Every file: missing, cut, and of another platform. Each is named, and nothing is written. */
static void damaged_files_are_named_and_not_replaced(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < PML_COUNT(file_names); i++) {
        char path[4096], kept[4200];
        if (strcmp(file_names[i], "lock") == 0)
            continue;
        pml_platform_free(open_platform());
        struct pml_platform_options options = { .state_dir = dir, .simulated = true };
        snprintf(path, sizeof path, "%s/sim/%s", dir, file_names[i]);
        snprintf(kept, sizeof kept, "%s/kept", root_dir);
        assert_int_equal(rename(path, kept), 0);
        assert_null(pml_platform_open(&options, &err));
        assert_int_equal(err.kind, PML_UNKNOWN);
        assert_non_null(strstr(err.text, file_names[i]));
        assert_non_null(strstr(err.text, "No such file"));
        assert_int_equal(access(path, F_OK), -1);

        size_t size;
        PML_AUTO(mem) char *bytes = pml_read_file(kept, 1 << 20, &size, &err);
        assert_true(pml_write_file(path, bytes, size / 2, 0600, &err));
        assert_null(pml_platform_open(&options, &err));
        assert_int_equal(err.kind, PML_UNKNOWN);
        if (!strstr(err.text, file_names[i]) || !strstr(err.text, "damaged"))
            fail_msg("%s cut: %s", file_names[i], err.text);
        size_t size_after;
        PML_AUTO(mem) char *after = pml_read_file(path, 1 << 20, &size_after, &err);
        assert_int_equal(size_after, size / 2);
        assert_memory_equal(after, bytes, size_after);
        assert_int_equal(rename(kept, path), 0);
    }
}

static void a_file_of_another_platform_is_refused(void **unused)
{
    (void)unused;
    char first[160];
    snprintf(first, sizeof first, "%s/first", root_dir);
    pml_platform_free(open_platform());
    const struct pml_platform_options options = { .state_dir = first, .simulated = true };
    for (size_t i = 0; i < PML_COUNT(file_names); i++) {
        /* These two hold nothing that the others contradict. */
        if (strcmp(file_names[i], "lock") == 0 || strcmp(file_names[i], "attestation.key") == 0)
            continue;
        char from[4096], to[4096];
        size_t size;
        assert_true(pml_sim_state_reset(first, &err));
        snprintf(from, sizeof from, "%s/sim/%s", dir, file_names[i]);
        snprintf(to, sizeof to, "%s/sim/%s", first, file_names[i]);
        PML_AUTO(mem) char *bytes = pml_read_file(from, 1 << 20, &size, &err);
        assert_true(pml_write_file(to, bytes, size, 0600, &err));
        assert_null(pml_platform_open(&options, &err));
        const char *stem_end = strchr(file_names[i], '.');
        char stem[32];
        snprintf(stem, sizeof stem, "%.*s", (int)(stem_end - file_names[i]), file_names[i]);
        if (!strstr(err.text, stem))
            fail_msg("%s: %s", file_names[i], err.text);
    }
}

static void a_directory_that_is_not_private_is_refused(void **unused)
{
    (void)unused;
    PML_AUTO(sim_state) struct pml_sim_state state = { 0 };
    open_state(&state);
    assert_int_equal(chmod(state.dir, 0755), 0);
    PML_AUTO(sim_state) struct pml_sim_state again = { 0 };
    assert_false(pml_sim_state_open(&again, dir, &err));
    assert_string_equal(err.code, "state_dir");
    assert_non_null(strstr(err.text, "/state/sim is accessible to others (mode 755)"));
    assert_int_equal(chmod(state.dir, 0700), 0);
    assert_int_equal(chmod(dir, 0710), 0);
    assert_int_equal(pml_state_open(dir, &err), -1);
    assert_string_equal(err.code, "state_dir");
    assert_int_equal(err.kind, PML_UNKNOWN);
}

static void a_state_directory_has_one_holder(void **unused)
{
    (void)unused;
    char holder[64];
    PML_AUTO(fd) int held = pml_state_open(dir, &err);
    assert_true(held >= 0);
    assert_int_equal(pml_state_open(dir, &err), -1);
    assert_string_equal(err.code, "in_use");
    assert_int_equal(err.kind, PML_UNKNOWN);
    snprintf(holder, sizeof holder, "held by process %ld", (long)getpid());
    assert_non_null(strstr(err.text, holder));
}

/* A file size limit stands for a full disk: the failing write is the same call. */
static void a_full_disk_leaves_nothing_behind(void **unused)
{
    (void)unused;
    assert_true(pml_private_dir(dir, &err));
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit limit = { 1000, 1000 };
        PML_AUTO(sim_state) struct pml_sim_state state = { 0 };
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        bool refused = !pml_sim_state_open(&state, dir, &err) && strcmp(err.code, "io") == 0;
        _exit(refused ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    size_t entries = 0;
    DIR *open_dir = opendir(dir);
    while (readdir(open_dir))
        entries++;
    closedir(open_dir);
    assert_int_equal(entries, 2);
}

static void read_dates(const char *bundle, char issue[PML_TIME_TEXT], char next[PML_TIME_TEXT])
{
    PML_AUTO(json) json_t *object = pml_json_load(bundle, strlen(bundle), &err);
    const char *text = pml_json_text(object, "tcb_info", &err);
    PML_AUTO(json) json_t *tcb_info = pml_json_load(text, strlen(text), &err);
    snprintf(issue, PML_TIME_TEXT, "%s", pml_json_text(tcb_info, "issueDate", &err));
    snprintf(next, PML_TIME_TEXT, "%s", pml_json_text(tcb_info, "nextUpdate", &err));
}

static void collateral_is_renewed_at_half_its_life(void **unused)
{
    (void)unused;
    PML_AUTO(sim_state) struct pml_sim_state state = { 0 };
    char issue[PML_TIME_TEXT], next[PML_TIME_TEXT], want[PML_TIME_TEXT];
    open_state(&state);
    int64_t made = state.made;
    PML_AUTO(mem) char *first = pml_sim_state_collateral(&state, made, &err);
    read_dates(first, issue, next);
    assert_string_equal(issue, pml_time_text(want, made - 3600));
    assert_string_equal(next, pml_time_text(want, made + 30 * DAY));
    PML_AUTO(mem) char *kept = pml_sim_state_collateral(&state, made + 15 * DAY, &err);
    assert_string_equal(first, kept);

    int64_t later = made + 15 * DAY + 1;
    PML_AUTO(mem) char *renewed = pml_sim_state_collateral(&state, later, &err);
    read_dates(renewed, issue, next);
    assert_string_equal(issue, pml_time_text(want, later - 3600));
    assert_string_equal(next, pml_time_text(want, later + 30 * DAY));
    PML_AUTO(sim_state) struct pml_sim_state other = { 0 };
    open_state(&other);
    PML_AUTO(mem) char *seen = pml_sim_state_collateral(&other, later, &err);
    assert_string_equal(seen, renewed);

    /* A clock that was set back makes it again: its issue date must not lie in the future. */
    PML_AUTO(mem) char *earlier = pml_sim_state_collateral(&state, made, &err);
    read_dates(earlier, issue, next);
    assert_string_equal(issue, pml_time_text(want, made - 3600));
}

static void reset_makes_another_platform_of_anything(void **unused)
{
    (void)unused;
    char path[4096];
    PML_AUTO(sim_state) struct pml_sim_state old = { 0 }, new = { 0 };
    open_state(&old);
    pml_path(path, old.dir, "root.key");
    assert_int_equal(unlink(path), 0);
    assert_true(pml_sim_state_reset(dir, &err));
    open_state(&new);
    assert_int_not_equal(X509_cmp(old.pki.cert[PML_SIM_ROOT], new.pki.cert[PML_SIM_ROOT]), 0);
    assert_memory_not_equal(&old.platform, &new.platform, sizeof old.platform);
    size_t entries = 0;
    DIR *open_dir = opendir(dir);
    while (readdir(open_dir))
        entries++;
    closedir(open_dir);
    assert_int_equal(entries, 3); /* nothing but sim */
}

static void the_mark_is_the_whole_organisation(void **unused)
{
    (void)unused;
    static const struct {
        const char *organization;
        bool marked;
    } cases[] = { { PML_SIM_ORGANIZATION, true },
                  { "Intel Corporation", false },
                  { PML_SIM_ORGANIZATION " ", false },
                  { "Private ML SDK SIMULATED", false },
                  { NULL, false } };
    PML_AUTO(pkey) EVP_PKEY *key = pml_p256_new(&err);
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        const struct pml_cert_spec spec = { .common_name = PML_SIM_ORGANIZATION,
                                            .organization = cases[i].organization,
                                            .not_before = pml_now(),
                                            .not_after = pml_now() + DAY };
        PML_AUTO(x509) X509 *cert = pml_cert_build(&spec, key, NULL, key, &err);
        assert_int_equal(pml_sim_is_marked(cert), cases[i].marked);
    }
}

#define test_in_dir(name) cmocka_unit_test_setup_teardown(name, make_dir, drop_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_dir(a_platform_is_made_once_and_kept),
        test_in_dir(certificates_have_the_specified_shape),
        test_in_dir(every_value_of_the_pki_can_be_changed),
        test_in_dir(the_quote_is_that_of_the_specification),
        test_in_dir(the_boot_log_is_that_of_the_specification),
        test_in_dir(events_that_cannot_be_logged_are_not_extended),
        test_in_dir(threads_share_one_platform),
        test_in_dir(processes_that_start_together_make_one_platform),
        test_in_dir(platforms_share_a_sim_directory),
        test_in_dir(damaged_files_are_named_and_not_replaced),
        test_in_dir(a_file_of_another_platform_is_refused),
        test_in_dir(a_directory_that_is_not_private_is_refused),
        test_in_dir(a_state_directory_has_one_holder),
        test_in_dir(a_full_disk_leaves_nothing_behind),
        test_in_dir(collateral_is_renewed_at_half_its_life),
        test_in_dir(reset_makes_another_platform_of_anything),
        test_in_dir(the_mark_is_the_whole_organisation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
