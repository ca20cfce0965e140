/* SPDX-License-Identifier: MIT */
/* pml chat: ask an attested service, and say what was checked. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aci/events.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "client/session.h"
#include "cmd.h"
#include "replay/replay.h"
#include "services.h"
#include "verdict.h"

extern const struct verb verb_chat;

enum { PROMPT_MAX = 4 << 20 };

enum option_id { FRESH_COLLATERAL = 256, PCCS, PCCS_CA, TOKEN_FILE, PRINT_POLICY };

static const struct option options[] = { { "trust-simulated", required_argument, NULL, 's' },
                                         { "policy", required_argument, NULL, 'p' },
                                         { "collateral", required_argument, NULL, 'c' },
                                         { "fresh-collateral", no_argument, NULL, FRESH_COLLATERAL },
                                         { "pccs", required_argument, NULL, PCCS },
                                         { "pccs-ca", required_argument, NULL, PCCS_CA },
                                         { "model", required_argument, NULL, 'm' },
                                         { "max-tokens", required_argument, NULL, 'n' },
                                         { "temp", required_argument, NULL, 't' },
                                         { "seed", required_argument, NULL, 'S' },
                                         { "replay", required_argument, NULL, 'r' },
                                         { "save", required_argument, NULL, 'o' },
                                         { "api-token-file", required_argument, NULL, TOKEN_FILE },
                                         { "print-policy", no_argument, NULL, PRINT_POLICY },
                                         { "json", no_argument, NULL, 'j' },
                                         { "help", no_argument, NULL, 'h' },
                                         { 0 } };

struct chat_options {
    const char *url, *prompt; /* prompt NULL: from stdin */
    struct trust_options trust;
    struct services services;
    bool fresh_collateral, print_policy, json;
    const char *model, *replay, *save, *token_file;
    long long max_tokens; /* 0: not said */
    bool has_temperature, has_seed;
    double temperature;
    uint64_t seed;
};

struct chat {
    const struct chat_options *o;
    struct trust trust;
    struct pml_source *source;
    char *token;
    struct pml_session session;
    json_t *messages;
};

/* --- the request --- */

static const char *model_id(const struct chat *chat)
{
    const json_t *first = json_array_get(chat->session.checks.report.models, 0);
    return chat->o->model ? chat->o->model : json_string_value(json_object_get(first, "model_id"));
}

/* The body for the messages so far. Nine digits print a decimal that rounds to the binary32 it was read as. */
static char *build_request(const struct chat *chat, struct pml_error *err)
{
    const struct chat_options *o = chat->o;
    PML_AUTO(json)
    json_t *request =
        json_pack("{s:s?, s:O, s:b}", "model", model_id(chat), "messages", chat->messages, "stream", true);
    if (!request || (o->max_tokens && json_object_set_new(request, "max_tokens", json_integer(o->max_tokens))) ||
        (o->has_temperature && json_object_set_new(request, "temperature", json_real(o->temperature))) ||
        (o->has_seed && json_object_set_new(request, "seed", json_integer((json_int_t)o->seed))))
        return pml_fail_memory(err);
    char *text = json_dumps(request, JSON_COMPACT | JSON_REAL_PRECISION(9));
    return text ? text : pml_fail_memory(err);
}

static bool add_message(struct chat *chat, const char *role, const char *content, size_t size, struct pml_error *err)
{
    json_t *text = json_stringn(content, size);
    if (!text)
        return pml_fail(err, PML_USAGE, "usage", "the prompt is not UTF-8");
    if (json_array_append_new(chat->messages, json_pack("{s:s, s:o}", "role", role, "content", text)) != 0)
        return pml_fail_memory(err);
    return true;
}

/* --- a turn --- */

static void on_text(void *arg, const char *text, size_t size)
{
    const struct chat *chat = arg;
    if (chat->o->json)
        return;
    verdict_text(text, size);
    fflush(stdout);
}

static bool replay(void *arg, const struct pml_checks *checks, struct pml_error *err)
{
    const struct chat *chat = arg;
    struct pml_replay_verdict verdict;
    struct pml_replay_input in = { .receipt = &checks->receipt,
                                   .request = checks->request,
                                   .request_size = checks->request_size,
                                   .response = checks->response,
                                   .response_size = checks->response_size,
                                   .model_path = chat->o->replay };
    pml_replay(&verdict, &in);
    if (verdict.result == PML_REPLAY_MATCH)
        return true;
    return pml_fail(err, verdict.result == PML_REPLAY_MISMATCH ? PML_NO : PML_UNKNOWN, "replay", "%s", verdict.reason);
}

/* Asks one question. False: the checks say why, or ERR if they do not. */
static bool turn(struct chat *chat, const char *prompt, size_t size, struct pml_error *err)
{
    if (!add_message(chat, "user", prompt, size, err))
        return false;
    char *request = build_request(chat, err);
    if (!request)
        return false;
    bool ok = pml_session_ask(&chat->session, request, strlen(request), on_text, chat);
    const struct pml_buf *answer = &chat->session.answer.text;
    if (!chat->o->json && answer->size)
        putchar('\n');
    return ok && add_message(chat, "assistant", (const char *)answer->bytes, answer->size, err);
}

/* --- where prompts come from --- */

static bool read_prompt(struct chat *chat, struct pml_error *err)
{
    size_t size;
    if (chat->o->prompt)
        return turn(chat, chat->o->prompt, strlen(chat->o->prompt), err);
    PML_AUTO(mem) char *text = pml_read_file("-", PROMPT_MAX, &size, err);
    if (!text)
        return false;
    while (size && text[size - 1] == '\n')
        size--;
    if (!size)
        return pml_fail(err, PML_USAGE, "usage", "standard input holds no prompt");
    return turn(chat, text, size, err);
}

/* Question and answer on a terminal until end of input; every answer is checked before the next question. */
static bool converse(struct chat *chat, struct pml_error *err)
{
    PML_AUTO(mem) char *line = NULL;
    size_t room = 0;
    for (;;) {
        fputs("> ", stdout);
        fflush(stdout);
        ssize_t size = getline(&line, &room, stdin);
        if (size < 0)
            break;
        while (size && (line[size - 1] == '\n' || line[size - 1] == '\r'))
            size--;
        if (!size)
            continue;
        if (!turn(chat, line, (size_t)size, err))
            return false;
        printf("[receipt %s: signature, hashes, model and engine ok%s]\n", chat->session.checks.receipt.receipt_id,
               chat->o->replay ? ", replay matches" : "");
    }
    putchar('\n');
    return true;
}

/* --- the program --- */

static int print_policy(const struct chat *chat)
{
    struct pml_error err = { 0 };
    const struct pml_checks *checks = &chat->session.checks;
    if (checks->error.code)
        return pml_cmd_fail(&verb_chat, &checks->error);
    PML_AUTO(mem) char *policy = pml_checks_policy(checks, &err);
    if (!policy)
        return pml_cmd_fail(&verb_chat, &err);
    fprintf(stderr, "%sreview what this policy pins before you trust it\n",
            checks->verdict.simulated ? "SIMULATED: " : "");
    puts(policy);
    return pml_cmd_end(0);
}

static int tell(const struct chat *chat)
{
    struct pml_error err = { 0 };
    const struct pml_checks *checks = &chat->session.checks;
    const struct pml_buf *text = &chat->session.answer.text;
    if (!chat->o->json && checks->error.code && checks->next == 0)
        return pml_cmd_fail(&verb_chat, &checks->error);
    if (!chat->o->json) {
        verdict_print(checks);
        return pml_cmd_end(pml_checks_status(checks));
    }
    json_t *object = pml_checks_json(checks, &err);
    bool answered = chat->session.response && chat->session.answer.done;
    json_t *answer = answered ? json_stringn(text->size ? (const char *)text->bytes : "", text->size) : json_null();
    if (json_object_set_new(object, "answer", answer) != 0)
        return PML_UNKNOWN;
    return pml_cmd_json(object, pml_checks_status(checks));
}

/* Attests, asks, saves. False: the checks say why, or ERR if they do not. */
static bool talk(struct chat *chat, struct pml_error *err)
{
    bool terminal = !chat->o->prompt && !chat->o->json && isatty(STDIN_FILENO);
    bool attested = pml_session_attest(&chat->session, chat->o->print_policy ? PML_CHECK_ENGINE : PML_CHECK_IDENTITY);
    if (chat->o->print_policy)
        return attested;
    if (!chat->o->json)
        verdict_simulated(&chat->session.checks);
    return attested && (terminal ? converse(chat, err) : read_prompt(chat, err));
}

static bool prepare(struct chat *chat, struct pml_error *err)
{
    const struct chat_options *o = chat->o;
    if (!trust_load(&chat->trust, &o->trust, err))
        return false;
    if (o->token_file) {
        size_t size;
        chat->token = pml_read_file(o->token_file, 4096, &size, err);
        if (!chat->token)
            return false;
        chat->token[strcspn(chat->token, "\r\n")] = 0;
    }
    chat->source = services_open(&o->services, err);
    if (!chat->source)
        return false;
    chat->messages = json_array();
    struct pml_session_options session = { .url = o->url,
                                           .token = chat->token,
                                           .policy = &chat->trust.policy,
                                           .policy_given = chat->trust.policy_given,
                                           .collateral = chat->trust.collateral,
                                           .collateral_size = chat->trust.collateral_size,
                                           .fresh_collateral = o->fresh_collateral,
                                           .source = chat->source };
    if (!pml_session_open(&chat->session, &session, err))
        return false;
    if (o->replay) {
        chat->session.checks.replay = replay;
        chat->session.checks.replay_arg = chat;
    }
    return true;
}

static int finish(struct chat *chat, bool ok, struct pml_error *err)
{
    struct pml_error save = { 0 };
    if (!ok && err->code && err->kind == PML_USAGE)
        return pml_cmd_fail(&verb_chat, err);
    if (!ok && err->code)
        pml_checks_end(&chat->session.checks, PML_CHECK_COUNT, err);
    bool saved = !chat->o->save || !chat->session.report || pml_session_save(&chat->session, chat->o->save, &save);
    int status = chat->o->print_policy ? print_policy(chat) : tell(chat);
    if (saved)
        return status;
    int failed = pml_cmd_fail(&verb_chat, &save);
    return status ? status : failed;
}

static int chat(const struct chat_options *o)
{
    struct pml_error err = { 0 };
    struct chat chat = { .o = o };
    bool ok = prepare(&chat, &err) && talk(&chat, &err);
    int status = finish(&chat, ok, &err);
    pml_session_free(&chat.session);
    if (chat.token)
        pml_wipe(chat.token, strlen(chat.token));
    free(chat.token);
    json_decref(chat.messages);
    pml_source_free(chat.source);
    trust_free(&chat.trust);
    return status;
}

static bool read_seed(struct chat_options *o, const char *text, struct pml_error *err)
{
    char *end;
    errno = 0;
    o->seed = strtoull(text, &end, 10);
    o->has_seed = true;
    if (*text < '0' || *text > '9' || *end || errno)
        return pml_fail(err, PML_USAGE, "usage", "--seed: an integer from 0 to 18446744073709551615 is wanted");
    return true;
}

/* One option; false: a usage error in ERR, or with no code that the help is wanted. */
static bool read_option(struct chat_options *o, int opt, struct pml_error *err)
{
    switch (opt) {
    case 's': o->trust.trust_simulated = optarg; return true;
    case 'p': o->trust.policy = optarg; return true;
    case 'c': o->trust.collateral = optarg; return true;
    case FRESH_COLLATERAL: o->fresh_collateral = true; return true;
    case PCCS: return services_add(&o->services, optarg, err);
    case PCCS_CA: o->services.ca_file = optarg; return true;
    case 'm': o->model = optarg; return true;
    case 'n': return pml_cmd_int(&o->max_tokens, "--max-tokens", optarg, 1, INT32_MAX, err);
    case 't': o->has_temperature = true; return pml_cmd_float(&o->temperature, "--temp", optarg, 0, 2, err);
    case 'S': return read_seed(o, optarg, err);
    case 'r': o->replay = optarg; return true;
    case 'o': o->save = optarg; return true;
    case TOKEN_FILE: o->token_file = optarg; return true;
    case PRINT_POLICY: o->print_policy = true; return true;
    case 'j': o->json = true; return true;
    default: return false;
    }
}

static int run(int argc, char **argv)
{
    struct chat_options o = { 0 };
    struct pml_error err = { 0 };
    for (int opt; (opt = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (opt == 'h')
            return pml_cmd_usage(&verb_chat, stdout);
        if (!read_option(&o, opt, &err))
            return err.code ? pml_cmd_fail(&verb_chat, &err) : pml_cmd_usage(&verb_chat, stderr);
    }
    if (argc - optind < 1 || argc - optind > 2 || (o.trust.collateral && o.fresh_collateral))
        return pml_cmd_usage(&verb_chat, stderr);
    o.url = argv[optind];
    o.prompt = argv[optind + 1]; /* NULL at the end of argv */
    return chat(&o);
}

const struct verb verb_chat = {
    "chat", "ask an attested service, and check what it is and what it did",
    "usage: pml chat URL [PROMPT] [OPTIONS]\n\n"
    "Checks the attestation of the service at URL (https) before a byte of the prompt is sent, shows the answer as it\n"
    "comes, then checks its receipt. Without PROMPT the prompt is read from standard input; on a terminal that is a\n"
    "conversation until end of input.\n\n"
    "  --trust-simulated PEM|DIR  trust the simulated platform with this root certificate or state directory\n"
    "  --policy FILE              what to accept, and which measurements to pin; a service in a real TD needs one\n"
    "  --print-policy             print such a policy for what the service is now, for review, and send nothing\n"
    "  --collateral FILE          bundle to judge the quote by instead of the report's\n"
    "  --fresh-collateral         fetch it instead of using the bundle in the report\n"
    "  --pccs URL                 fetch collateral from this service, default Intel's; may be repeated\n"
    "  --pccs-ca FILE             certificates (PEM) of who vouches for its TLS key, default the system's\n"
    "  --model ID                 model to ask, default the first that the service attests\n"
    "  --max-tokens N             length of the answer at most, default up to the service\n"
    "  --temp F                   temperature from 0 (greedy) to 2, default up to the service\n"
    "  --seed N                   seed of the sampling, default drawn by the service\n"
    "  --replay GGUF              re-execute the answer with this model file and compare\n"
    "  --save DIR                 write report.json, nonce, request.json, response.bin and receipt.json\n"
    "  --api-token-file FILE      bearer token, the first line of the file\n"
    "  --json                     print one JSON object\n\n"
    "Exit status: 0 every check passed, 1 a check failed or the request was refused, 2 usage, 3 could not tell.\n",
    run
};
