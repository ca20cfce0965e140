/* SPDX-License-Identifier: MIT */
/* pml receipt verify: the checks of a receipt on saved files. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/time.h"
#include "cmd.h"
#include "verdict.h"

extern const struct verb verb_receipt;

enum { BODY_MAX = 64 << 20 };

struct receipt_options {
    const char *report, *nonce, *request, *response, *at;
    struct trust_options trust;
    bool json;
};

static const struct option options[] = { { "report", required_argument, NULL, 'r' },
                                         { "nonce", required_argument, NULL, 'n' },
                                         { "request", required_argument, NULL, 'q' },
                                         { "response", required_argument, NULL, 'a' },
                                         { "at", required_argument, NULL, 't' },
                                         { "policy", required_argument, NULL, 'p' },
                                         { "trust-simulated", required_argument, NULL, 's' },
                                         { "collateral", required_argument, NULL, 'c' },
                                         { "json", no_argument, NULL, 'j' },
                                         { "help", no_argument, NULL, 'h' },
                                         { 0 } };

/* "@UNIX" or "YYYY-MM-DDThh:mm:ssZ". */
static bool read_time(int64_t *out, const char *text, struct pml_error *err)
{
    long long seconds;
    if (text[0] == '@') {
        if (!pml_cmd_int(&seconds, "--at", text + 1, 0, 253402300799, err))
            return false;
        *out = seconds;
        return true;
    }
    if (!pml_time_parse(out, text))
        return pml_fail(err, PML_USAGE, "usage", "--at: YYYY-MM-DDThh:mm:ssZ or @UNIX is wanted");
    return true;
}

/* The moment of judgement: that of --at, else when the receipt says it was issued, else now. */
static bool choose_time(struct pml_checks *checks, const char *at, struct pml_error *err)
{
    struct pml_error none;
    PML_AUTO(receipt) struct pml_receipt receipt = { 0 };
    if (at)
        return read_time(&checks->now, at, err);
    bool readable = pml_receipt_parse(&receipt, checks->receipt_text, checks->receipt_size, &none);
    checks->now = readable ? receipt.served_at : pml_now();
    return true;
}

/* The files that the options name, for as long as the checks borrow them. */
struct files {
    char *receipt, *report, *request, *response;
    uint8_t nonce[PML_NONCE_SIZE];
    struct trust trust;
};

static bool load(struct files *files, struct pml_checks *c, const char *receipt, const struct receipt_options *o,
                 struct pml_error *err)
{
    if (!trust_load(&files->trust, &o->trust, err) ||
        !(files->receipt = pml_read_file(receipt, PML_RECEIPT_MAX + 1, &c->receipt_size, err)) ||
        !(files->report = pml_read_file(o->report, PML_REPORT_MAX + 1, &c->report_size, err)))
        return false;
    if (o->request && !(files->request = pml_read_file(o->request, BODY_MAX, &c->request_size, err)))
        return false;
    if (o->response && !(files->response = pml_read_file(o->response, BODY_MAX, &c->response_size, err)))
        return false;
    if (o->nonce && !pml_nonce_parse(files->nonce, o->nonce))
        return pml_fail(err, PML_USAGE, "usage", "--nonce: 64 lower-case hex digits are wanted");
    c->receipt_text = files->receipt;
    c->report_text = files->report;
    c->request = files->request;
    c->response = files->response;
    c->nonce = o->nonce ? files->nonce : NULL;
    c->policy = &files->trust.policy;
    c->policy_given = files->trust.policy_given;
    c->collateral = files->trust.collateral;
    c->collateral_size = files->trust.collateral_size;
    return choose_time(c, o->at, err);
}

static void unload(struct files *files)
{
    free(files->receipt);
    free(files->report);
    free(files->request);
    free(files->response);
    trust_free(&files->trust);
}

static int tell(const struct pml_checks *checks, bool json)
{
    struct pml_error err;
    if (!json) {
        verdict_simulated(checks);
        verdict_print(checks);
        return pml_cmd_end(pml_checks_status(checks));
    }
    return pml_cmd_json(pml_checks_json(checks, &err), pml_checks_status(checks));
}

static int verify(const char *receipt, const struct receipt_options *o)
{
    struct pml_error err = { 0 };
    struct files files = { 0 };
    PML_AUTO(checks) struct pml_checks checks = { 0 };
    int status;
    if (load(&files, &checks, receipt, o, &err)) {
        bool ok = pml_checks_run(&checks, PML_CHECK_REPORT, PML_CHECK_COUNT - 1);
        status = tell(&checks, o->json);
        (void)ok; /* told by the status */
    } else {
        status = pml_cmd_fail(&verb_receipt, &err);
        if (o->json && err.kind != PML_USAGE) {
            pml_checks_end(&checks, PML_CHECK_COUNT, &err);
            status = tell(&checks, true);
        }
    }
    unload(&files);
    return status;
}

static int run(int argc, char **argv)
{
    struct receipt_options o = { 0 };
    for (int opt; (opt = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (opt) {
        case 'r': o.report = optarg; break;
        case 'n': o.nonce = optarg; break;
        case 'q': o.request = optarg; break;
        case 'a': o.response = optarg; break;
        case 't': o.at = optarg; break;
        case 'p': o.trust.policy = optarg; break;
        case 's': o.trust.trust_simulated = optarg; break;
        case 'c': o.trust.collateral = optarg; break;
        case 'j': o.json = true; break;
        case 'h': return pml_cmd_usage(&verb_receipt, stdout);
        default: return pml_cmd_usage(&verb_receipt, stderr);
        }
    }
    if (argc - optind != 2 || strcmp(argv[optind], "verify") != 0 || !o.report)
        return pml_cmd_usage(&verb_receipt, stderr);
    return verify(argv[optind + 1], &o);
}

const struct verb verb_receipt = {
    "receipt", "check a saved receipt",
    "usage: pml receipt verify RECEIPT --report FILE [OPTIONS]\n\n"
    "Checks that RECEIPT was signed by the service of the report, and what it says, without any network.\n\n"
    "  --report FILE              attestation report of the service\n"
    "  --nonce HEX                that the report was asked for with (the file nonce of pml chat --save)\n"
    "  --request FILE             body that was sent; else its hash is not checked\n"
    "  --response FILE            body that was received; else its hash is not checked\n"
    "  --at TIME                  judge as of YYYY-MM-DDThh:mm:ssZ or @SECONDS, default when the receipt was issued\n"
    "  --policy FILE              what to accept, and which measurements to pin\n"
    "  --trust-simulated PEM|DIR  trust the simulated platform with this root certificate or state directory\n"
    "  --collateral FILE          bundle to judge the quote by instead of the report's\n"
    "  --json                     print one JSON object\n\n"
    "Exit status: 0 verified, 1 a check failed, 2 usage, 3 could not tell.\n",
    run
};
