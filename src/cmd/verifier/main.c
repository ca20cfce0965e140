/* SPDX-License-Identifier: MIT */
/* pml-verifier: judges quotes over HTTP. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "verifier/server.h"

#define PATHS_MAX   64
#define PCCS_MAX    8
#define WORKERS_MIN 8 /* by default: some wait for collateral while others judge */

static const char help[] =
    "usage: pml verifier [OPTIONS]\n\n"
    "Judges TDX and SGX quotes over HTTP: POST /verify as dstack-verifier does, POST /v1/quote as pml verify does.\n\n"
    "  --listen ADDR:PORT         http address, default 127.0.0.1:8080\n"
    "  --collateral FILE|DIR      bundles to judge by while they are current; may be repeated\n"
    "  --pccs URL                 fetch collateral from this service, default Intel's; may be repeated\n"
    "  --pccs-ca FILE             certificates (PEM) of who vouches for its TLS key, default the system's\n"
    "  --offline                  fetch nothing: bundles and the cache must do\n"
    "  --cache DIR                keep what was fetched there too, default in memory only\n"
    "  --policy FILE              rules as JSON; a request can only ask for more\n"
    "  --root FILE                trust this root certificate instead of Intel's\n"
    "  --trust-simulated PEM|DIR  trust the simulated platform with this root certificate or state directory\n"
    "  --allow-time-override      let requests say as of when to judge\n"
    "  --workers N                threads that judge and fetch, default one a CPU but at least 8\n"
    "  --queue N                  requests that may wait for them, default 64\n"
    "  --ready-fd N               write \"READY URL\" to this descriptor when ready\n"
    "  --log-level LEVEL          debug, info (default), warn or error\n\n"
    "SIGINT and SIGTERM end the service.\n\n"
    "Exit status: 0 ended by a signal, 1 a bundle is not one, 2 usage, 3 could not run.\n";

enum option_id {
    LISTEN = 256,
    COLLATERAL,
    PCCS,
    PCCS_CA,
    OFFLINE,
    CACHE,
    POLICY,
    ROOT,
    TRUST_SIMULATED,
    ALLOW_TIME_OVERRIDE,
    WORKERS,
    QUEUE,
    READY_FD,
    LOG_LEVEL,
};

static const struct option options[] = {
    { "listen", required_argument, NULL, LISTEN },
    { "collateral", required_argument, NULL, COLLATERAL },
    { "pccs", required_argument, NULL, PCCS },
    { "pccs-ca", required_argument, NULL, PCCS_CA },
    { "offline", no_argument, NULL, OFFLINE },
    { "cache", required_argument, NULL, CACHE },
    { "policy", required_argument, NULL, POLICY },
    { "root", required_argument, NULL, ROOT },
    { "trust-simulated", required_argument, NULL, TRUST_SIMULATED },
    { "allow-time-override", no_argument, NULL, ALLOW_TIME_OVERRIDE },
    { "workers", required_argument, NULL, WORKERS },
    { "queue", required_argument, NULL, QUEUE },
    { "ready-fd", required_argument, NULL, READY_FD },
    { "log-level", required_argument, NULL, LOG_LEVEL },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};

struct command {
    const char *listen, *policy, *root;
    const char *collateral[PATHS_MAX], *simulated[PML_POLICY_ROOTS];
    size_t collateral_count, simulated_count;
    const char *pccs[PCCS_MAX];
    struct pml_source_options source;
    int ready_fd; /* -1: none */
    struct pml_judge judge;
    struct pml_verifier_options verifier;
};

/* --- options --- */

static bool read_number(size_t *out, const char *option, const char *text, size_t low, size_t high,
                        struct pml_error *err)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || errno || *end || number < low || number > high)
        return pml_fail(err, PML_USAGE, "usage", "--%s: a number from %zu to %zu is wanted", option, low, high);
    *out = number;
    return true;
}

static bool add_path(const char **paths, size_t *count, size_t max, const char *option, const char *path,
                     struct pml_error *err)
{
    if (*count == max)
        return pml_fail(err, PML_USAGE, "usage", "--%s: at most %zu times", option, max);
    paths[(*count)++] = path;
    return true;
}

static bool read_level(const char *text, struct pml_error *err)
{
    static const char *const levels[] = { "debug", "info", "warn", "error" };
    for (size_t i = 0; i < PML_COUNT(levels); i++) {
        if (strcmp(text, levels[i]) == 0) {
            pml_log_set_level((enum pml_log_level)i);
            return true;
        }
    }
    return pml_fail(err, PML_USAGE, "usage", "--log-level: no such level");
}

static bool read_option(struct command *c, int opt, const char *text, struct pml_error *err)
{
    size_t number;
    switch (opt) {
    case LISTEN: c->listen = text; return true;
    case POLICY: c->policy = text; return true;
    case ROOT: c->root = text; return true;
    case ALLOW_TIME_OVERRIDE: c->judge.allow_time_override = true; return true;
    case COLLATERAL: return add_path(c->collateral, &c->collateral_count, PATHS_MAX, "collateral", text, err);
    case PCCS: return add_path(c->pccs, &c->source.services.url_count, PCCS_MAX, "pccs", text, err);
    case PCCS_CA: c->source.services.ca_file = text; return true;
    case OFFLINE: c->source.offline = true; return true;
    case CACHE: c->source.cache_dir = text; return true;
    case TRUST_SIMULATED:
        return add_path(c->simulated, &c->simulated_count, PML_POLICY_ROOTS, "trust-simulated", text, err);
    case WORKERS: return read_number(&c->verifier.workers, "workers", text, 1, 1024, err);
    case QUEUE: return read_number(&c->verifier.queue, "queue", text, 1, 65536, err);
    case LOG_LEVEL: return read_level(text, err);
    case READY_FD:
        if (!read_number(&number, "ready-fd", text, 0, 1u << 20, err))
            return false;
        c->ready_fd = (int)number;
        return true;
    default: return false;
    }
}

/* --- what requests are judged by --- */

static bool load_policy(struct command *c, struct pml_error *err)
{
    struct pml_policy *policy = &c->judge.policy;
    if (c->policy && !pml_policy_load(policy, c->policy, err))
        return false;
    if (c->root) {
        policy->has_root = true;
        if (!pml_root_load(&policy->root, c->root, false, err))
            return pml_wrap(err, "--root");
    }
    for (size_t i = 0; i < c->simulated_count; i++) {
        if (!pml_policy_trust_simulated(policy, c->simulated[i], err))
            return pml_wrap(err, "--trust-simulated");
    }
    return true;
}

static struct pml_bundles *load_bundles(const struct command *c, struct pml_error *err)
{
    struct pml_bundles *bundles = pml_bundles_new(err);
    for (size_t i = 0; bundles && i < c->collateral_count; i++) {
        if (!pml_bundles_load(bundles, c->collateral[i], err)) {
            pml_bundles_free(bundles);
            return pml_wrap(err, "--collateral");
        }
    }
    return bundles;
}

static void notice(void *arg, const struct pml_error *what)
{
    (void)arg;
    pml_log_limited(PML_LOG_WARN, "verifier.collateral", "code=%s error=\"%s\"", what->code, what->text);
}

static struct pml_source *open_source(struct command *c, struct pml_error *err)
{
    c->source.services.urls = c->pccs;
    c->source.notice = notice;
    return pml_source_new(&c->source, err);
}

/* --- running --- */

static bool announce(const struct command *c, const struct pml_verifier *v, size_t bundles, struct pml_error *err)
{
    char address[PML_ADDRESS_TEXT], line[PML_ADDRESS_TEXT + 32];
    pml_address_text(address, pml_verifier_bound(v));
    printf("pml verifier: http://%s, %zu bundles\n", address, bundles);
    if (c->judge.policy.simulated_root_count > 0)
        puts("pml verifier: trusts a SIMULATED platform");
    fflush(stdout);
    if (c->ready_fd < 0)
        return true;
    snprintf(line, sizeof line, "READY http://%s\n", address);
    bool written = pml_write_all(c->ready_fd, line, strlen(line), err);
    if (c->ready_fd > STDERR_FILENO)
        close(c->ready_fd);
    return written || pml_wrap(err, "--ready-fd");
}

static bool serve(struct command *c, struct pml_error *err)
{
    struct pml_bundles *bundles = load_bundles(c, err);
    PML_AUTO(source) struct pml_source *source = bundles ? open_source(c, err) : NULL;
    c->judge.bundles = bundles;
    c->judge.source = source;
    c->verifier.judge = &c->judge;
    struct pml_verifier *v = source ? pml_verifier_new(&c->verifier, err) : NULL;
    bool served = v && announce(c, v, pml_bundles_count(bundles), err) && pml_verifier_run(v, err);
    pml_verifier_free(v);
    pml_bundles_free(bundles);
    return served;
}

static size_t default_workers(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > WORKERS_MIN ? (size_t)count : WORKERS_MIN;
}

static int fail(const struct pml_error *err)
{
    fprintf(stderr, "pml verifier: %s\n", err->text);
    return (int)err->kind;
}

int main(int argc, char **argv)
{
    struct pml_error err;
    struct command c = { .listen = "127.0.0.1:8080", .ready_fd = -1 };
    pml_process_harden();
    pml_policy_init(&c.judge.policy);
    for (int opt; (opt = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (opt == 'h')
            return fputs(help, stdout) == EOF ? PML_UNKNOWN : 0;
        if (opt == '?')
            return PML_USAGE; /* getopt has said why */
        if (!read_option(&c, opt, optarg, &err))
            return fail(&err);
    }
    if (optind != argc) {
        fputs("usage: pml verifier [OPTIONS]\npml verifier --help says more\n", stderr);
        return PML_USAGE;
    }
    if (!c.verifier.workers)
        c.verifier.workers = default_workers();
    bool served = pml_address_parse(&c.verifier.listen, c.listen, &err) && load_policy(&c, &err) && serve(&c, &err);
    pml_policy_free(&c.judge.policy);
    return served ? 0 : fail(&err);
}
