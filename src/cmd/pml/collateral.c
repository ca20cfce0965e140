/* SPDX-License-Identifier: MIT */
/* pml collateral: fetches bundles, shows what is in them, checks how long they last (spec dcap §3.5). */
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

#include "base/encode.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/time.h"
#include "cmd.h"
#include "dcap/inspect.h"
#include "dcap/policy.h"
#include "quote_file.h"
#include "services.h"

extern const struct verb verb_collateral;

enum { DAY = 86400 };

enum option_id {
    QUOTE = 256,
    FMSPC,
    CA,
    SGX,
    PCCS,
    PCCS_CA,
    OFFLINE,
    FRESH,
    EARLY,
    AT,
    DAYS,
    ROOT,
    TRUST_SIMULATED,
    JSON
};

static const struct option options[] = { { "quote", required_argument, NULL, QUOTE },
                                         { "fmspc", required_argument, NULL, FMSPC },
                                         { "ca", required_argument, NULL, CA },
                                         { "sgx", no_argument, NULL, SGX },
                                         { "out", required_argument, NULL, 'o' },
                                         { "pccs", required_argument, NULL, PCCS },
                                         { "pccs-ca", required_argument, NULL, PCCS_CA },
                                         { "offline", no_argument, NULL, OFFLINE },
                                         { "fresh", no_argument, NULL, FRESH },
                                         { "early", no_argument, NULL, EARLY },
                                         { "at", required_argument, NULL, AT },
                                         { "days", required_argument, NULL, DAYS },
                                         { "root", required_argument, NULL, ROOT },
                                         { "trust-simulated", required_argument, NULL, TRUST_SIMULATED },
                                         { "json", no_argument, NULL, JSON },
                                         { "help", no_argument, NULL, 'h' },
                                         { 0 } };

enum task { FETCH, SHOW, CHECK };
static const char *const tasks[] = { "fetch", "show", "check" };

struct request {
    enum task task;
    const char *bundle, *quote, *fmspc, *ca, *out;
    struct services services;
    bool sgx, fresh, json, help;
    struct pml_when when;
    long long days;
    struct pml_policy policy; /* whose roots are trusted */
};

struct answer {
    bool read, ok; /* PARTS are filled; and all of them are verified and last long enough */
    bool simulated;
    struct pml_inspected parts[PML_ITEM_KINDS];
    struct pml_error error; /* code NULL: none */
};

/* --- options --- */

static bool take_option(struct request *r, int opt, const char *arg, struct pml_error *err)
{
    switch (opt) {
    case QUOTE: r->quote = arg; return true;
    case FMSPC: r->fmspc = arg; return true;
    case CA: r->ca = arg; return true;
    case SGX: r->sgx = true; return true;
    case 'o': r->out = arg; return true;
    case PCCS: return services_add(&r->services, arg, err);
    case PCCS_CA: r->services.ca_file = arg; return true;
    case OFFLINE: r->services.offline = true; return true;
    case FRESH: r->fresh = true; return true;
    case EARLY: r->services.early = true; return true;
    case AT: return pml_cmd_time(&r->when.now, arg, err);
    case DAYS: return pml_cmd_int(&r->days, "--days", arg, 0, 36500, err);
    case ROOT: r->policy.has_root = true; return pml_root_load(&r->policy.root, arg, false, err);
    case TRUST_SIMULATED: return pml_policy_trust_simulated(&r->policy, arg, err);
    case JSON: r->json = true; return true;
    case 'h': r->help = true; return true;
    default: return pml_fail(err, PML_USAGE, "usage", "bad option; see pml collateral --help");
    }
}

static bool check_request(struct request *r, int argc, char **argv, struct pml_error *err)
{
    size_t task = 0;
    while (task < PML_COUNT(tasks) && (argc < 1 || strcmp(argv[0], tasks[task]) != 0))
        task++;
    if (task == PML_COUNT(tasks))
        return pml_fail(err, PML_USAGE, "usage", "fetch, show or check is wanted; see pml collateral --help");
    r->task = (enum task)task;
    if (argc != (r->task == FETCH ? 1 : 2))
        return pml_fail(err, PML_USAGE, "usage", "%s; see pml collateral --help",
                        r->task == FETCH ? "fetch takes no file but --quote" : "one BUNDLE is wanted");
    r->bundle = argv[1]; /* NULL at the end of argv */
    if (r->task == FETCH && !r->quote == !r->fmspc)
        return pml_fail(err, PML_USAGE, "usage", "either --quote or --fmspc is wanted");
    if (r->fmspc && !r->ca)
        return pml_fail(err, PML_USAGE, "usage", "--fmspc needs --ca platform or --ca processor");
    if (r->services.offline && r->fresh)
        return pml_fail(err, PML_USAGE, "usage", "--fresh cannot be --offline");
    if (r->json && r->task == FETCH && !r->out)
        return pml_fail(err, PML_USAGE, "usage", "--json needs --out: standard output is one or the other");
    return true;
}

static bool parse_options(struct request *r, int argc, char **argv, struct pml_error *err)
{
    r->when.now = pml_now();
    for (int opt; (opt = getopt_long(argc, argv, "o:h", options, NULL)) != -1;) {
        if (!take_option(r, opt, optarg, err))
            return false;
    }
    return r->help || check_request(r, argc - optind, argv + optind, err);
}

/* --- fetch --- */

/* From --fmspc and --ca, all of whose chains must end in the simulated root that was named, else in the one root. */
static bool need_of_options(struct pml_need *need, const struct request *r, struct pml_error *err)
{
    const struct pml_policy *p = &r->policy;
    need->tdx = !r->sgx;
    need->by_platform_ca = strcmp(r->ca, "platform") == 0;
    need->root = p->simulated_root_count ? p->simulated_roots[0] : p->has_root ? p->root : pml_intel_root;
    if (!need->by_platform_ca && strcmp(r->ca, "processor") != 0)
        return pml_fail(err, PML_USAGE, "usage", "--ca: platform or processor is wanted");
    if (!pml_unhex(need->fmspc, sizeof need->fmspc, r->fmspc, strlen(r->fmspc)))
        return pml_fail(err, PML_USAGE, "usage", "--fmspc: 12 hex digits are wanted");
    return true;
}

static bool find_need(struct pml_need *need, const struct request *r, const struct pml_source *source,
                      struct pml_error *err)
{
    size_t size;
    struct pml_trust trust = pml_policy_trust(&r->policy);
    if (r->fmspc)
        return need_of_options(need, r, err);
    PML_AUTO(mem) char *quote = quote_file_read(r->quote, &size, err);
    return quote && pml_source_need(need, source, quote, size, &trust, r->when, err);
}

static char *fetch(const struct request *r, size_t *size, struct pml_error *err)
{
    PML_AUTO(need) struct pml_need need = { 0 };
    PML_AUTO(source) struct pml_source *source = services_open(&r->services, err);
    if (!source || !find_need(&need, r, source, err))
        return NULL;
    return pml_source_bundle(source, &need, r->when, r->fresh, size, err);
}

static bool write_bundle(const struct request *r, const char *text, size_t size, struct pml_error *err)
{
    if (r->out)
        return pml_write_file(r->out, text, size, 0644, err);
    if (fwrite(text, 1, size, stdout) == size && fflush(stdout) == 0)
        return true;
    return pml_fail_io(err, "standard output");
}

/* --- show and check --- */

static int64_t days_left(const struct pml_inspected *part, int64_t now)
{
    int64_t left = part->next_update - now;
    return left >= 0 ? left / DAY : -((-left + DAY - 1) / DAY);
}

static bool inspect(struct answer *a, const struct request *r, const char *text, size_t size, struct pml_error *err)
{
    PML_AUTO(collateral) struct pml_collateral bundle = { 0 };
    struct pml_trust trust = pml_policy_trust(&r->policy);
    a->read = pml_collateral_parse(&bundle, text, size, err) &&
              pml_inspect(a->parts, &a->simulated, &bundle, &trust, r->when, err);
    if (!a->read)
        return false;
    for (size_t i = 0; i < PML_ITEM_KINDS; i++) {
        const struct pml_inspected *part = &a->parts[i];
        if (!part->verified) {
            *err = part->error;
            return false;
        }
        if (days_left(part, r->when.now) < r->days)
            return pml_fail(err, PML_NO, "collateral_expiring", "%s lasts for %" PRId64 " more days, not %lld",
                            part->member, days_left(part, r->when.now), r->days);
    }
    return true;
}

static bool perform(struct answer *a, const struct request *r, struct pml_error *err)
{
    size_t size;
    PML_AUTO(mem)
    char *text = r->task == FETCH ? fetch(r, &size, err)
                                  : input_file_read(r->bundle, PML_COLLATERAL_MAX, &size, "collateral_json", err);
    if (!text || (r->task == FETCH && !write_bundle(r, text, size, err)))
        return false;
    a->ok = inspect(a, r, text, size, err);
    return a->ok;
}

/* --- telling --- */

static void print_part(const struct pml_inspected *part, int64_t now)
{
    char from[PML_TIME_TEXT], until[PML_TIME_TEXT], name[PML_ITEM_NAME];
    printf("%-12s %-32s number %-10" PRId64 " %s to %s, %" PRId64 " days left, %s", part->member,
           pml_item_name(name, &part->key), part->number, pml_time_text(from, part->issued),
           pml_time_text(until, part->next_update), days_left(part, now), part->verified ? "verified" : "not verified");
    if (part->verified)
        putchar('\n');
    else
        printf(": %s (%s)\n", part->error.text, part->error.code);
}

static json_t *error_json(const struct pml_error *err)
{
    return err->code ? json_pack("{s:s, s:s}", "code", err->code, "message", err->text) : json_null();
}

static json_t *part_json(const struct pml_inspected *part, int64_t now)
{
    char from[PML_TIME_TEXT], until[PML_TIME_TEXT], name[PML_ITEM_NAME];
    return json_pack("{s:s, s:s, s:I, s:s, s:s, s:I, s:b, s:o}", "name", part->member, "source",
                     pml_item_name(name, &part->key), "number", (json_int_t)part->number, "issued",
                     pml_time_text(from, part->issued), "next_update", pml_time_text(until, part->next_update),
                     "days_left", (json_int_t)days_left(part, now), "verified", part->verified, "error",
                     error_json(&part->error));
}

static json_t *answer_json(const struct answer *a, const struct request *r)
{
    char at[PML_TIME_TEXT];
    json_t *parts = json_array();
    for (size_t i = 0; a->read && i < PML_ITEM_KINDS; i++)
        json_array_append_new(parts, part_json(&a->parts[i], r->when.now));
    return json_pack("{s:b, s:b, s:s, s:o, s:o}", "ok", a->ok, "simulated", a->simulated, "checked_at",
                     pml_time_text(at, r->when.now), "parts", parts, "error", error_json(&a->error));
}

static int tell(const struct answer *a, const struct request *r)
{
    bool judged = r->task == CHECK || !a->read;
    int status = a->ok || !judged ? 0 : (int)a->error.kind;
    if (r->json)
        return pml_cmd_json(answer_json(a, r), status);
    if (a->simulated && r->task != FETCH)
        puts("SIMULATED");
    for (size_t i = 0; r->task != FETCH && a->read && i < PML_ITEM_KINDS; i++)
        print_part(&a->parts[i], r->when.now);
    if (status)
        pml_cmd_fail(&verb_collateral, &a->error);
    return pml_cmd_end(status);
}

static int run(int argc, char **argv)
{
    struct request r = { 0 };
    struct answer a = { 0 };
    int status;
    pml_policy_init(&r.policy);
    bool understood = parse_options(&r, argc, argv, &a.error);
    if (understood && r.help)
        status = pml_cmd_usage(&verb_collateral, stdout);
    else {
        if (understood)
            (void)!perform(&a, &r, &a.error);
        status = tell(&a, &r);
    }
    pml_policy_free(&r.policy);
    return status;
}

const struct verb verb_collateral = {
    "collateral", "fetch, show and check what Intel signed about platforms",
    "usage: pml collateral fetch (--quote FILE | --fmspc HEX --ca platform|processor) [OPTIONS]\n"
    "       pml collateral show BUNDLE [OPTIONS]\n"
    "       pml collateral check BUNDLE [--days N] [OPTIONS]\n\n"
    "fetch gets the bundle that quotes of one platform are verified with, for use without a network. show says what "
    "is\n"
    "in a bundle and how long it lasts; check says whether it is genuine, current and lasts for N more days.\n\n"
    "  --quote FILE               for the platform of this quote\n"
    "  --fmspc HEX                for this family of platforms\n"
    "  --ca platform|processor    and the CA of their certificates\n"
    "  --sgx                      with --fmspc: for SGX quotes, default TDX\n"
    "  -o, --out FILE             write the bundle there, default standard output\n"
    "  --pccs URL                 fetch from this service, default Intel's; may be repeated\n"
    "  --pccs-ca FILE             certificates (PEM) of who vouches for its TLS key, default the system's\n"
    "  --offline                  no network: what was fetched before\n"
    "  --fresh                    ask again, even if what was fetched before is current\n"
    "  --early                    TCB info and QE identity as soon as Intel publishes them\n"
    "  --at TIME                  judge as of YYYY-MM-DDThh:mm:ssZ or @SECONDS instead of now\n"
    "  --days N                   with check: how many days all parts must last, default 0\n"
    "  --root FILE                trust this root certificate instead of Intel's\n"
    "  --trust-simulated PEM|DIR  trust the simulated platform with this root certificate or state directory\n"
    "  --json                     print one JSON object\n\n"
    "Exit status: 0 done, or the bundle passes; 1 it does not; 2 usage; 3 could not tell.\n",
    run
};
