/* SPDX-License-Identifier: MIT */
/* pml replay: re-executes the inference that a receipt is about. */
#include "replay/replay.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "aci/events.h"
#include "aci/report.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "cmd.h"

extern const struct verb verb_replay;

enum { BODY_MAX = 64 << 20 };

static const struct option options[] = {
    { "request", required_argument, NULL, 'q' }, { "response", required_argument, NULL, 'a' },
    { "model", required_argument, NULL, 'm' },   { "report", required_argument, NULL, 'r' },
    { "threads", required_argument, NULL, 't' }, { "json", no_argument, NULL, 'j' },
    { "help", no_argument, NULL, 'h' },          { 0 }
};

struct replay_options {
    const char *receipt, *request, *response, *model, *report;
    size_t threads;
    bool json;
};

/* The receipt is signed by a key of this report's keyset, and names a model of this report. */
static bool check_report(const struct pml_receipt *receipt, const char *path, struct pml_error *err)
{
    size_t size;
    PML_AUTO(mem) char *text = pml_read_file(path, PML_REPORT_MAX + 1, &size, err);
    PML_AUTO(report) struct pml_report report = { 0 };
    if (!text || !pml_report_parse(&report, text, size, err) || !pml_receipt_verify(receipt, &report.keyset, err))
        return false;
    const json_t *event = pml_receipt_event(receipt, PML_EVENT_MODEL, 0);
    PML_AUTO(json) json_t *descriptor = pml_event_descriptor(event, err);
    for (size_t i = 0; descriptor && i < json_array_size(report.models); i++) {
        if (json_equal(descriptor, json_array_get(report.models, i)))
            return true;
    }
    return pml_fail(err, PML_NO, "receipt_model", "receipt names a model that the report does not");
}

static bool load(struct pml_receipt *receipt, struct pml_replay_input *in, char **bodies,
                 const struct replay_options *o, struct pml_error *err)
{
    size_t size;
    PML_AUTO(mem) char *text = pml_read_file(o->receipt, PML_RECEIPT_MAX + 1, &size, err);
    if (!text || !(bodies[0] = pml_read_file(o->request, BODY_MAX, &in->request_size, err)) ||
        !(bodies[1] = pml_read_file(o->response, BODY_MAX, &in->response_size, err)))
        return false;
    if (!pml_receipt_parse(receipt, text, size, err))
        return pml_wrap(err, "receipt");
    in->receipt = receipt;
    in->request = bodies[0];
    in->response = bodies[1];
    in->model_path = o->model;
    in->threads = o->threads;
    return !o->report || check_report(receipt, o->report, err);
}

static void print_verdict(const struct pml_replay_verdict *v)
{
    static const char *const words[] = { "COULD NOT TELL", "MATCH", "MISMATCH" };
    printf("%s", words[v->result]);
    if (v->result == PML_REPLAY_MATCH)
        printf(": this model, given this request, generates exactly this answer");
    else
        printf(": %s", v->reason);
    if (v->step != PML_REPLAY_NULL)
        printf(" (generated token %lld: the receipt has %lld, the model %lld)", (long long)v->step,
               (long long)v->expected, (long long)v->actual);
    printf("%s\n", v->same_build ? "; same engine build" : "; another engine build");
}

static int replay(const struct replay_options *o)
{
    struct pml_error err = { 0 };
    char *bodies[2] = { 0 };
    struct pml_replay_input in = { 0 };
    struct pml_replay_verdict verdict = {
        .choice = PML_REPLAY_NULL, .step = PML_REPLAY_NULL, .expected = PML_REPLAY_NULL, .actual = PML_REPLAY_NULL
    };
    PML_AUTO(receipt) struct pml_receipt receipt = { 0 };
    if (load(&receipt, &in, bodies, o, &err)) {
        pml_replay(&verdict, &in);
    } else {
        verdict.result = err.kind == PML_NO ? PML_REPLAY_MISMATCH : PML_REPLAY_INDETERMINATE;
        snprintf(verdict.reason, sizeof verdict.reason, "%.250s", err.text);
    }
    free(bodies[0]);
    free(bodies[1]);
    if (o->json)
        return pml_cmd_json(pml_replay_json(&verdict), pml_replay_status(&verdict));
    print_verdict(&verdict);
    return pml_cmd_end(pml_replay_status(&verdict));
}

static int run(int argc, char **argv)
{
    struct replay_options o = { 0 };
    struct pml_error err;
    long long threads = 0;
    for (int opt; (opt = getopt_long(argc, argv, "m:t:h", options, NULL)) != -1;) {
        switch (opt) {
        case 'q': o.request = optarg; break;
        case 'a': o.response = optarg; break;
        case 'm': o.model = optarg; break;
        case 'r': o.report = optarg; break;
        case 't':
            if (!pml_cmd_int(&threads, "--threads", optarg, 1, 1024, &err))
                return pml_cmd_fail(&verb_replay, &err);
            break;
        case 'j': o.json = true; break;
        case 'h': return pml_cmd_usage(&verb_replay, stdout);
        default: return pml_cmd_usage(&verb_replay, stderr);
        }
    }
    if (argc - optind != 1 || !o.request || !o.response || !o.model)
        return pml_cmd_usage(&verb_replay, stderr);
    o.receipt = argv[optind];
    o.threads = (size_t)threads;
    return replay(&o);
}

const struct verb verb_replay = {
    "replay", "re-execute the inference of a receipt",
    "usage: pml replay RECEIPT --request FILE --response FILE -m GGUF [OPTIONS]\n\n"
    "Runs the model on the request and compares tokens, logits and text with what the receipt and the response say.\n\n"
    "  --request FILE     body that was sent\n"
    "  --response FILE    body that was received\n"
    "  -m, --model GGUF   the model file that the receipt names\n"
    "  --report FILE      also check the receipt's signature and model against this attestation report;\n"
    "                     whether the report is to be trusted is for pml receipt verify to say\n"
    "  -t, --threads N    threads that compute, default one a CPU\n"
    "  --json             print one JSON object\n\n"
    "Exit status: 0 match, 1 mismatch, 2 usage, 3 could not tell.\n",
    run
};
