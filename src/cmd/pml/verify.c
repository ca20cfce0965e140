/* SPDX-License-Identifier: MIT */
/* pml verify: judges a quote by its collateral and a policy (spec dcap §2.11). */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/time.h"
#include "cmd.h"
#include "contract.h"
#include "dcap/policy.h"
#include "quote_file.h"
#include "services.h"

extern const struct verb verb_verify;

enum {
    COLLATERAL = 256,
    PCCS,
    PCCS_CA,
    OFFLINE,
    AT,
    ROOT,
    TRUST_SIMULATED,
    POLICY,
    ACCEPT_STATUS,
    ALLOW_DEBUG,
    ALLOW_SERVICE_TD,
    NO_REQUIRE_SEPT_VE_DISABLE,
    ALLOW_TD_ATTRIBUTES,
    MIN_TCB_EVAL_NUM,
    REPORT_DATA,
    COMPAT,
    ONCHAIN,
    CONTRACT,
    CONTRACT_FILE,
    JSON,
    VERBOSE,
};

static const struct option options[] = {
    { "collateral", required_argument, NULL, COLLATERAL },
    { "pccs", required_argument, NULL, PCCS },
    { "pccs-ca", required_argument, NULL, PCCS_CA },
    { "offline", no_argument, NULL, OFFLINE },
    { "at", required_argument, NULL, AT },
    { "root", required_argument, NULL, ROOT },
    { "trust-simulated", required_argument, NULL, TRUST_SIMULATED },
    { "policy", required_argument, NULL, POLICY },
    { "accept-status", required_argument, NULL, ACCEPT_STATUS },
    { "allow-debug", no_argument, NULL, ALLOW_DEBUG },
    { "allow-service-td", no_argument, NULL, ALLOW_SERVICE_TD },
    { "no-require-sept-ve-disable", no_argument, NULL, NO_REQUIRE_SEPT_VE_DISABLE },
    { "allow-td-attributes", required_argument, NULL, ALLOW_TD_ATTRIBUTES },
    { "min-tcb-eval-num", required_argument, NULL, MIN_TCB_EVAL_NUM },
    { "report-data", required_argument, NULL, REPORT_DATA },
    { "compat", required_argument, NULL, COMPAT },
    { "onchain", required_argument, NULL, ONCHAIN },
    { "contract", required_argument, NULL, CONTRACT },
    { "contract-file", required_argument, NULL, CONTRACT_FILE },
    { "json", no_argument, NULL, JSON },
    { "verbose", no_argument, NULL, VERBOSE },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};

struct request {
    const char *quote, *collateral;
    struct services services;
    struct contract contract;
    bool json, verbose, help;
    int64_t now;
    struct pml_policy policy;
};

/* One option that is a rule; those on the command line replace those of the policy file, so they are taken after it. */
static bool take_rule(struct pml_policy *p, int opt, const char *arg, struct pml_error *err)
{
    long long number;
    switch (opt) {
    case ROOT: p->has_root = true; return pml_root_load(&p->root, arg, false, err);
    case TRUST_SIMULATED: return pml_policy_trust_simulated(p, arg, err);
    case ACCEPT_STATUS: return pml_policy_accept(p, arg, err);
    case ALLOW_DEBUG: p->allow_debug = true; return true;
    case ALLOW_SERVICE_TD: p->allow_service_td = true; return true;
    case NO_REQUIRE_SEPT_VE_DISABLE: p->require_sept_ve_disable = false; return true;
    case ALLOW_TD_ATTRIBUTES: return pml_policy_td_attributes(p, arg, err);
    case MIN_TCB_EVAL_NUM:
        if (!pml_cmd_int(&number, "--min-tcb-eval-num", arg, 0, INT32_MAX, err))
            return false;
        p->min_tcb_eval_num = number;
        return true;
    case REPORT_DATA: return pml_policy_pin(p, PML_PIN_REPORT_DATA, arg, err);
    case COMPAT:
        if (strcmp(arg, "dcap-qvl") != 0)
            return pml_fail(err, PML_USAGE, "usage", "--compat: dcap-qvl is the only one");
        p->compat = PML_COMPAT_DCAP_QVL;
        return true;
    default: return true;
    }
}

static const char *option_name(int opt)
{
    for (size_t i = 0; options[i].name; i++) {
        if (options[i].val == opt)
            return options[i].name;
    }
    return "";
}

/* A contract has its own collateral. */
static bool check_contract(const struct request *r, struct pml_error *err)
{
    const struct services *s = &r->services;
    if (r->contract.node_url && (r->collateral || s->pccs_count > 0 || s->ca_file || s->offline))
        return pml_fail(err, PML_USAGE, "usage", "--onchain does without --collateral, --pccs, --pccs-ca, --offline");
    return contract_check(&r->contract, &r->policy, err);
}

/* Two passes: everything but the rules, which tells the policy file, then the rules on top of it. */
static bool parse_options(struct request *r, int argc, char **argv, struct pml_error *err)
{
    const char *policy = NULL, *at = NULL;
    bool known = true;
    r->now = pml_now();
    for (int opt; (opt = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (opt) {
        case '?': known = false; break;
        case 'h': r->help = true; return true;
        case COLLATERAL: r->collateral = optarg; break;
        case PCCS:
            if (!services_add(&r->services, optarg, err))
                return pml_wrap(err, "--pccs");
            break;
        case PCCS_CA: r->services.ca_file = optarg; break;
        case OFFLINE: r->services.offline = true; break;
        case ONCHAIN: r->contract.node_url = optarg; break;
        case CONTRACT: r->contract.address = optarg; break;
        case CONTRACT_FILE: r->contract.file = optarg; break;
        case POLICY: policy = optarg; break;
        case JSON: r->json = true; break;
        case VERBOSE: r->verbose = true; break;
        case AT: at = optarg; break;
        default: break;
        }
    }
    if (!known)
        return pml_fail(err, PML_USAGE, "usage", "bad option; see pml verify --help");
    if (at && !pml_cmd_time(&r->now, at, err))
        return false;
    if (optind + 1 != argc)
        return pml_fail(err, PML_USAGE, "usage", "one QUOTE is wanted; see pml verify --help");
    r->quote = argv[optind];
    if (policy && !pml_policy_load(&r->policy, policy, err))
        return false;
    optind = 0; /* start again (getopt(3), GNU extension) */
    for (int opt; (opt = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (!take_rule(&r->policy, opt, optarg, err)) {
            if (err->kind == PML_USAGE)
                err->code = "usage";
            return pml_wrap(err, "--%s", option_name(opt));
        }
    }
    return check_contract(r, err);
}

/* From the file that was named, else from the services, or with --offline from what was fetched before. */
static bool get_collateral(struct pml_collateral *out, const struct request *r, const char *quote, size_t quote_size,
                           struct pml_error *err)
{
    size_t size;
    struct pml_trust trust = pml_policy_trust(&r->policy);
    struct pml_when when = { .now = r->now, .grace_s = pml_policy_grace(&r->policy) };
    PML_AUTO(mem) char *text = NULL;
    if (r->collateral) {
        text = input_file_read(r->collateral, PML_COLLATERAL_MAX, &size, "collateral_json", err);
    } else {
        PML_AUTO(source) struct pml_source *source = services_open(&r->services, err);
        if (source)
            text = pml_source_for_quote(source, quote, quote_size, &trust, when, false, &size, err);
    }
    return text && pml_collateral_parse(out, text, size, err);
}

static void print_step(void *context, const char *step, const char *what)
{
    (void)context;
    fprintf(stderr, "%-24s %s\n", step, what);
}

/* Always leaves a verdict; false when it is not one of acceptance. */
static bool judge(struct pml_verdict *verdict, const struct request *r, struct pml_error *err)
{
    size_t size = 0;
    PML_AUTO(collateral) struct pml_collateral collateral = { 0 };
    PML_AUTO(mem) char *quote = quote_file_read(r->quote, &size, err);
    if (!quote || (!r->contract.node_url && !get_collateral(&collateral, r, quote, size, err))) {
        pml_verdict_unknown(verdict, quote, quote ? size : 0, r->now, err);
        return false;
    }
    struct pml_verify_input in = { .quote = quote,
                                   .quote_size = size,
                                   .collateral = &collateral,
                                   .now = r->now,
                                   .trace = r->verbose ? print_step : NULL };
    pml_policy_input(&in, &r->policy);
    bool ok =
        r->contract.node_url ? contract_judge(verdict, &r->contract, &in, err) : pml_quote_verify(verdict, &in, err);
    return ok && pml_policy_apply(verdict, &r->policy, 0, err);
}

static void print_simulated(void)
{
    puts(pml_cmd_colour(stdout) ? "\033[1;97;41m SIMULATED \033[0m" : "SIMULATED");
}

static void print_text(const struct pml_verdict *v)
{
    char until[PML_TIME_TEXT];
    if (v->simulated)
        print_simulated();
    if (v->ok) {
        printf("%s: genuine %s quote, status %s", v->accepted ? "accepted" : "not accepted",
               v->body_type == PML_BODY_SGX ? "SGX" : "TDX", pml_tcb_status_name(v->status));
        if (v->relaunch)
            printf(", %s", pml_tcb_status_name(v->relaunch));
        for (size_t i = 0; i < json_array_size(v->advisory_ids); i++)
            printf("%s%s", i ? " " : ", advisories ", json_string_value(json_array_get(v->advisory_ids, i)));
        if (!v->on_chain && v->supplemental.earliest_expiration_date < v->verified_at)
            printf(", collateral expired on %s, within the grace period",
                   pml_time_text(until, v->supplemental.earliest_expiration_date));
        if (!v->accepted)
            printf(": %s (%s)", v->error.text, v->error.code);
        putchar('\n');
    } else {
        printf("%s: %s (%s)\n", v->error.kind == PML_NO ? "not verified" : "could not tell", v->error.text,
               v->error.code);
    }
    if (v->simulated)
        print_simulated();
}

static int print_verdict(const struct pml_verdict *v, bool json)
{
    struct pml_error err;
    int status = v->accepted ? 0 : (int)v->error.kind;
    if (!json) {
        print_text(v);
        return pml_cmd_end(status);
    }
    json_t *object = pml_verdict_json(v, &err);
    return object ? pml_cmd_json(object, status) : pml_cmd_fail(&verb_verify, &err);
}

static int run(int argc, char **argv)
{
    struct request request = { 0 };
    struct pml_error err;
    PML_AUTO(verdict) struct pml_verdict verdict = { 0 };
    pml_policy_init(&request.policy);
    if (!parse_options(&request, argc, argv, &err)) {
        pml_policy_free(&request.policy);
        pml_verdict_unknown(&verdict, "", 0, request.now, &err);
        if (request.json)
            print_verdict(&verdict, true);
        return pml_cmd_fail(&verb_verify, &err);
    }
    if (request.help) {
        pml_policy_free(&request.policy);
        return pml_cmd_usage(&verb_verify, stdout);
    }
    if (!judge(&verdict, &request, &err) && err.kind == PML_UNKNOWN && !request.json)
        pml_cmd_fail(&verb_verify, &err);
    pml_policy_free(&request.policy);
    return print_verdict(&verdict, request.json);
}

const struct verb verb_verify = {
    "verify", "judge a TDX or SGX quote",
    "usage: pml verify QUOTE [OPTIONS]\n\n"
    "Verifies an Intel DCAP quote (a file or -, binary or hex) and judges it by a policy.\n\n"
    "  --collateral FILE             bundle of what Intel signed about the platform (JSON), instead of fetching it\n"
    "  --pccs URL                    fetch collateral from this service, default Intel's; may be repeated\n"
    "  --pccs-ca FILE                certificates (PEM) of who vouches for its TLS key, default the system's\n"
    "  --offline                     no network: without --collateral, what was fetched before\n"
    "  --at TIME                     judge as of YYYY-MM-DDThh:mm:ssZ or @SECONDS instead of now\n"
    "  --root FILE                   trust this root certificate instead of Intel's\n"
    "  --trust-simulated PEM|DIR     trust the simulated platform with this root certificate or state directory\n"
    "  --policy FILE                 rules as JSON; the options below override them\n"
    "  --accept-status S[,S...]      accept these statuses, or any; default UpToDate\n"
    "  --allow-debug                 accept a TD or enclave in debug mode\n"
    "  --allow-service-td            accept a TD with a service TD bound to it\n"
    "  --no-require-sept-ve-disable  accept a TD without SEPT_VE_DISABLE\n"
    "  --allow-td-attributes HEX16   bits of td_attributes that may be set, 8 bytes as in the quote\n"
    "  --min-tcb-eval-num N          refuse collateral of a lower TCB evaluation number\n"
    "  --report-data HEX             the 64 bytes that the quote must carry\n"
    "  --compat dcap-qvl             match and combine TCB levels as dcap-qvl does, not as Intel does\n"
    "  --onchain URL                 have a contract verify it: ask this node of an EVM chain (JSON-RPC)\n"
    "  --contract ADDR               the contract, 0x and 40 hex digits\n"
    "  --contract-file FILE          a file that holds its address\n"
    "  --json                        print one JSON object\n"
    "  --verbose                     say on stderr what each step compared\n\n"
    "Exit status: 0 accepted, 1 not accepted, 2 usage, 3 could not tell.\n",
    run
};
