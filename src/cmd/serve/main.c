/* SPDX-License-Identifier: MIT */
/* pml-serve: an attested OpenAI-compatible endpoint over the built-in engine. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "dcap/source.h"
#include "serve/service.h"
#include "tdx/platform.h"

#define DOMAINS_MAX 60
#define PCCS_MAX    8

static const char help[] =
    "usage: pml serve -m GGUF [OPTIONS]\n\n"
    "Serves a model over an OpenAI-compatible API whose TLS key, keyset, model and engine are bound to a TDX quote,\n"
    "and signs a receipt for every answer.\n\n"
    "  -m, --model GGUF        the model file\n"
    "  --model-id ID           its name in the API, default general.name of the file, else the file's name\n"
    "  --model-digest DIGEST   refuse a file whose SHA-256 is another (sha256:HEX)\n"
    "  --listen ADDR:PORT      https address, default 127.0.0.1:8443\n"
    "  --domain NAME           further name in the TLS certificate; may be repeated\n"
    "  --state DIR             state directory, default $XDG_STATE_HOME/pml or ~/.local/state/pml;\n"
    "                          /var/lib/pml for root inside a TD\n"
    "  --simulated             serve on a simulated TDX platform, labelled as such\n"
    "  --sim DIR               share the simulated platform of another state directory\n"
    "  --pccs URL              in a real TD: fetch collateral from this service, default Intel's; may be repeated\n"
    "  --pccs-ca FILE          certificates (PEM) of who vouches for its TLS key, default the system's\n"
    "  --api-token-file FILE   accept these bearer tokens only, one a line\n"
    "  --allow-anonymous       serve others than this machine without tokens\n"
    "  --ctx N                 context length in tokens, default what the model was trained for\n"
    "  --slots N               sequences at once, default 8\n"
    "  -t, --threads N         threads that compute, default one a CPU\n"
    "  --simd LEVEL            scalar, avx2, avx512 or auto, default auto: the best this CPU has\n"
    "  --kv TYPE               cache type, f16 or f32, default f16\n"
    "  --receipt-retention T   keep receipts so long (90m, 12h, 30d), at least 1h, default 30d\n"
    "  --receipt-store-max N   keep at most so many bytes of receipts (512M, 1G), default 1G\n"
    "  --receipt-sync MODE     normal (default) or full: flush the disk for each receipt\n"
    "  --report-cache SECONDS  reuse a report without nonce so long, default 600, 0: never\n"
    "  --report-rate N         fresh reports a second for each client, default 2; simulated 200\n"
    "  --ready-fd N            write \"READY URL\" to this descriptor when ready\n"
    "  --log-level LEVEL       debug, info (default), warn or error\n\n"
    "SIGINT and SIGTERM end the server, SIGHUP renews its keys.\n\n"
    "Exit status: 0 ended by a signal, 1 the model is refused, 2 usage, 3 could not run.\n";

enum option_id {
    MODEL_ID = 256,
    MODEL_DIGEST,
    LISTEN,
    DOMAIN,
    STATE,
    SIMULATED,
    SIM,
    PCCS,
    PCCS_CA,
    TOKEN_FILE,
    ANONYMOUS,
    CTX,
    SLOTS,
    SIMD,
    KV,
    RETENTION,
    STORE_MAX,
    SYNC,
    REPORT_CACHE,
    REPORT_RATE,
    READY_FD,
    LOG_LEVEL
};

static const struct option options[] = {
    { "model", required_argument, NULL, 'm' },
    { "model-id", required_argument, NULL, MODEL_ID },
    { "model-digest", required_argument, NULL, MODEL_DIGEST },
    { "listen", required_argument, NULL, LISTEN },
    { "domain", required_argument, NULL, DOMAIN },
    { "state", required_argument, NULL, STATE },
    { "simulated", no_argument, NULL, SIMULATED },
    { "sim", required_argument, NULL, SIM },
    { "pccs", required_argument, NULL, PCCS },
    { "pccs-ca", required_argument, NULL, PCCS_CA },
    { "api-token-file", required_argument, NULL, TOKEN_FILE },
    { "allow-anonymous", no_argument, NULL, ANONYMOUS },
    { "ctx", required_argument, NULL, CTX },
    { "slots", required_argument, NULL, SLOTS },
    { "threads", required_argument, NULL, 't' },
    { "simd", required_argument, NULL, SIMD },
    { "kv", required_argument, NULL, KV },
    { "receipt-retention", required_argument, NULL, RETENTION },
    { "receipt-store-max", required_argument, NULL, STORE_MAX },
    { "receipt-sync", required_argument, NULL, SYNC },
    { "report-cache", required_argument, NULL, REPORT_CACHE },
    { "report-rate", required_argument, NULL, REPORT_RATE },
    { "ready-fd", required_argument, NULL, READY_FD },
    { "log-level", required_argument, NULL, LOG_LEVEL },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};

struct command {
    const char *model_path, *model_id, *listen, *state_dir, *sim_dir;
    const char *domains[DOMAINS_MAX];
    const char *pccs[PCCS_MAX];
    struct pml_source_options source;
    bool simulated, has_digest;
    uint8_t digest[PML_SHA256_SIZE];
    int ready_fd; /* -1: none */
    struct pml_model_options model;
    struct pml_service_options service;
};

/* --- options --- */

/* A number with an optional unit of the list "s=1,m=60,...". */
struct unit {
    char letter;
    uint64_t factor;
};
static const struct unit seconds[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 0 } };
static const struct unit bytes[] = { { 'K', 1u << 10 }, { 'M', 1u << 20 }, { 'G', 1u << 30 }, { 0 } };
static const struct unit none[] = { { 0 } };

static bool read_number(uint64_t *out, const char *option, const char *text, const struct unit *units, uint64_t low,
                        uint64_t high, struct pml_error *err)
{
    char *end;
    uint64_t factor = 1;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    bool good = text[0] >= '0' && text[0] <= '9' && !errno;
    for (; good && *end && units->letter; units++) {
        if (*end == units->letter) {
            factor = units->factor;
            end++;
            break;
        }
    }
    if (!good || *end || __builtin_mul_overflow(number, factor, out) || *out < low || *out > high)
        return pml_fail(err, PML_USAGE, "usage", "--%s: a number from %llu to %llu is wanted", option,
                        (unsigned long long)low, (unsigned long long)high);
    return true;
}

static bool read_count(size_t *out, const char *option, const char *text, size_t high, struct pml_error *err)
{
    uint64_t number;
    if (!read_number(&number, option, text, none, 1, high, err))
        return false;
    *out = number;
    return true;
}

static bool read_rate(double *out, const char *text, struct pml_error *err)
{
    char *end;
    *out = strtod(text, &end);
    if (end == text || *end || !isfinite(*out) || *out <= 0 || *out > 1e6)
        return pml_fail(err, PML_USAGE, "usage", "--report-rate: a number above 0 is wanted");
    return true;
}

/* Which word of a NULL-terminated list; -1 fails. */
static int read_word(const char *option, const char *text, const char *const *words, struct pml_error *err)
{
    for (int i = 0; words[i]; i++) {
        if (!strcmp(text, words[i]))
            return i;
    }
    pml_fail(err, PML_USAGE, "usage", "--%s: no such choice", option);
    return -1;
}

static bool read_engine_option(struct command *c, int opt, const char *text, struct pml_error *err)
{
    size_t count = 0;
    switch (opt) {
    case CTX:
        if (!read_count(&count, "ctx", text, 1u << 30, err))
            return false;
        c->model.context_length = (uint32_t)count;
        return true;
    case SLOTS: return read_count(&c->service.scheduler.slots, "slots", text, 1024, err);
    case 't': return read_count(&c->service.scheduler.threads, "threads", text, 1024, err);
    case SIMD:
        return pml_simd_parse(&c->model.simd, text) || pml_fail(err, PML_USAGE, "usage", "--simd: no such level");
    case KV: return pml_kv_parse(&c->model.kv, text) || pml_fail(err, PML_USAGE, "usage", "--kv: f16 or f32 is wanted");
    default: return false;
    }
}

static bool read_service_option(struct command *c, int opt, const char *text, struct pml_error *err)
{
    static const char *const sync_modes[] = { "normal", "full", NULL };
    static const char *const levels[] = { "debug", "info", "warn", "error", NULL };
    uint64_t number = 0;
    int word = 0;
    switch (opt) {
    case RETENTION:
        if (!read_number(&number, "receipt-retention", text, seconds, PML_STORE_RETENTION_MIN, UINT64_C(86400) * 36500,
                         err))
            return false;
        c->service.receipt_retention = (int64_t)number;
        return true;
    case STORE_MAX:
        return read_number(&c->service.receipt_store_max, "receipt-store-max", text, bytes, 1u << 20, UINT64_C(1) << 46,
                           err);
    case SYNC:
        word = read_word("receipt-sync", text, sync_modes, err);
        c->service.receipt_sync_full = word == 1;
        return word >= 0;
    case REPORT_CACHE:
        if (!read_number(&number, "report-cache", text, none, 0, 86400, err))
            return false;
        c->service.report_cache = (int)number;
        return true;
    case REPORT_RATE: return read_rate(&c->service.report_rate, text, err);
    case READY_FD:
        if (!read_number(&number, "ready-fd", text, none, 0, 1u << 20, err))
            return false;
        c->ready_fd = (int)number;
        return true;
    case LOG_LEVEL:
        word = read_word("log-level", text, levels, err);
        if (word >= 0)
            pml_log_set_level((enum pml_log_level)word);
        return word >= 0;
    default: return read_engine_option(c, opt, text, err);
    }
}

static bool read_option(struct command *c, int opt, const char *text, struct pml_error *err)
{
    switch (opt) {
    case 'm': c->model_path = text; return true;
    case MODEL_ID: c->model_id = text; return true;
    case LISTEN: c->listen = text; return true;
    case STATE: c->state_dir = text; return true;
    case SIM: c->sim_dir = text; return true;
    case SIMULATED: c->simulated = true; return true;
    case TOKEN_FILE: c->service.token_file = text; return true;
    case ANONYMOUS: c->service.allow_anonymous = true; return true;
    case MODEL_DIGEST:
        c->has_digest = pml_digest_parse(c->digest, text);
        return c->has_digest ||
               pml_fail(err, PML_USAGE, "usage", "--model-digest: sha256: and 64 hex digits are wanted");
    case PCCS_CA: c->source.services.ca_file = text; return true;
    case PCCS:
        if (c->source.services.url_count == PCCS_MAX)
            return pml_fail(err, PML_USAGE, "usage", "--pccs: at most %d services", PCCS_MAX);
        c->pccs[c->source.services.url_count++] = text;
        return true;
    case DOMAIN:
        if (c->service.domain_count == DOMAINS_MAX)
            return pml_fail(err, PML_USAGE, "usage", "--domain: at most %d names", DOMAINS_MAX);
        c->domains[c->service.domain_count++] = text;
        return true;
    default: return read_service_option(c, opt, text, err);
    }
}

/* --- the model --- */

static void show_progress(void *arg, uint64_t done, uint64_t total)
{
    int *shown = arg;
    int percent = total ? (int)(done * 100 / total) : 100;
    if (percent == *shown)
        return;
    *shown = percent;
    fprintf(stderr, "\rloading the model: %3d %%%s", percent, percent == 100 ? "\n" : "");
}

static bool open_workload(struct pml_workload *w, const struct command *c, struct pml_error *err)
{
    int shown = -1;
    struct pml_model_options model = c->model;
    model.expected_digest = c->has_digest ? c->digest : NULL;
    if (isatty(STDERR_FILENO)) {
        model.progress = show_progress;
        model.progress_arg = &shown;
    }
    bool opened = pml_workload_open(w, c->model_path, c->model_id, &model, err);
    if (shown >= 0 && shown < 100)
        fputc('\n', stderr);
    return opened;
}

static struct pml_platform *open_platform(const struct command *c, const struct pml_workload *w, struct pml_error *err)
{
    char digest[PML_DIGEST_TEXT];
    struct pml_platform_model model = { w->model_id, pml_digest_text(digest, w->info->file_digest) };
    struct pml_platform_options platform = {
        .state_dir = c->state_dir,
        .sim_dir = c->sim_dir,
        .simulated = c->simulated,
        .models = &model,
        .model_count = 1,
    };
    return pml_platform_open(&platform, err);
}

/* --- running --- */

static void notice(void *arg, const struct pml_error *what)
{
    (void)arg;
    pml_log_error(PML_LOG_WARN, "serve.collateral", what);
}

/* Where a real platform's collateral comes from; the simulated one brings its own. */
static bool open_source(struct command *c, struct pml_error *err)
{
    char dir[4096];
    if (c->simulated)
        return true;
    c->source.services.urls = c->pccs;
    c->source.cache_dir = pml_path(dir, c->state_dir, "collateral");
    c->source.notice = notice;
    return (c->service.source = pml_source_new(&c->source, err));
}

static bool announce(const struct command *c, const struct pml_service *s, struct pml_error *err)
{
    char address[PML_ADDRESS_TEXT], line[PML_ADDRESS_TEXT + 32];
    const struct pml_platform_facts *facts = pml_platform_describe(c->service.platform);
    pml_address_text(address, &s->bound);
    printf("pml serve: https://%s serves %s, platform: %s\n", address, c->service.workload->model_id,
           facts->description);
    fflush(stdout);
    if (c->ready_fd < 0)
        return true;
    snprintf(line, sizeof line, "READY https://%s\n", address);
    bool written = pml_write_all(c->ready_fd, line, strlen(line), err);
    if (c->ready_fd > STDERR_FILENO)
        close(c->ready_fd);
    return written || pml_wrap(err, "--ready-fd");
}

static bool serve(struct command *c, struct pml_error *err)
{
    struct pml_service *s = pml_service_new(&c->service, err);
    if (!s)
        return false;
    bool served = announce(c, s, err) && pml_service_run(s, err);
    pml_service_free(s);
    return served;
}

/* Order of start: state, model, platform, measurement, keys and listening (spec inference-api §5.2). */
static bool run(struct command *c, struct pml_error *err)
{
    if (!pml_platform_check(c->simulated, err))
        return false;
    PML_AUTO(fd) int state = pml_state_open(c->state_dir, err);
    struct pml_workload workload;
    if (state < 0 || !open_workload(&workload, c, err))
        return false;
    PML_AUTO(platform) struct pml_platform *platform = open_platform(c, &workload, err);
    c->service.state_dir = c->state_dir;
    c->service.platform = platform;
    c->service.workload = &workload;
    bool served = platform && open_source(c, err) &&
                  pml_workload_check_pins(&workload, pml_platform_describe(platform)->app_compose, err) &&
                  pml_workload_measure(&workload, platform, err) && serve(c, err);
    pml_source_free(c->service.source);
    pml_workload_close(&workload);
    return served;
}

static int fail(const struct pml_error *err)
{
    fprintf(stderr, "pml serve: %s\n", err->text);
    return (int)err->kind;
}

int main(int argc, char **argv)
{
    char default_dir[4096];
    struct pml_error err;
    struct command c = { .listen = "127.0.0.1:8443", .ready_fd = -1, .service.report_cache = -1 };
    pml_process_harden();
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like a full disk */
    for (int opt; (opt = getopt_long(argc, argv, "m:t:h", options, NULL)) != -1;) {
        if (opt == 'h')
            return fputs(help, stdout) == EOF ? PML_UNKNOWN : 0;
        if (opt == '?')
            return PML_USAGE; /* getopt has said why */
        if (!read_option(&c, opt, optarg, &err))
            return fail(&err);
    }
    if (!c.model_path || optind != argc) {
        fputs("usage: pml serve -m GGUF [OPTIONS]\npml serve --help says more\n", stderr);
        return PML_USAGE;
    }
    c.service.domains = c.domains;
    if (!pml_address_parse(&c.service.listen, c.listen, &err))
        return fail(&err);
    if (!c.state_dir && !pml_default_state_dir(default_dir, pml_platform_in_td(), &err))
        return fail(&err);
    c.state_dir = c.state_dir ? c.state_dir : default_dir;
    return run(&c, &err) ? 0 : fail(&err);
}
