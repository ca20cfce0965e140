/* SPDX-License-Identifier: MIT */
/* The checks, in the order of spec inference-api §2.11; the table at the end is the contents. */
#include "aci/checks.h"

#include <stdlib.h>
#include <string.h>

#include "aci/events.h"
#include "base/json.h"
#include "base/memory.h"

/* The measurements that tell one TD from anyone's TD. */
static const enum pml_pin_name identity_pins[] = { PML_PIN_MR_TD, PML_PIN_RT_MR0, PML_PIN_RT_MR1, PML_PIN_RT_MR2,
                                                   PML_PIN_COMPOSE_HASH };

static bool check_report(struct pml_checks *c, enum pml_outcome *outcome, struct pml_error *err)
{
    if (!c->spki_sha256)
        *outcome = PML_SKIPPED; /* offline nobody observed where it came from; its form counts all the same */
    return pml_report_parse(&c->report, c->report_text, c->report_size, err);
}

/* Fetched now, if the caller wants any to be fetched. */
static bool fetch_collateral(const struct pml_checks *c, struct pml_collateral *out, const char *why,
                             struct pml_error *err)
{
    size_t size;
    struct pml_trust trust = pml_policy_trust(c->policy);
    struct pml_when when = { c->now, pml_policy_grace(c->policy) };
    if (!c->source)
        return pml_fail(err, PML_UNKNOWN, "collateral_unavailable",
                        "no collateral: %s, and none was given with --collateral", why);
    PML_AUTO(mem)
    char *text =
        pml_source_for_quote(c->source, c->report.quote, c->report.quote_size, &trust, when, false, &size, err);
    return text && pml_collateral_parse(out, text, size, err);
}

static bool choose_collateral(const struct pml_checks *c, struct pml_collateral *out, struct pml_error *err)
{
    if (c->collateral)
        return pml_collateral_parse(out, c->collateral, c->collateral_size, err);
    if (c->report.collateral && !c->fresh_collateral)
        return pml_collateral_from_json(out, (json_t *)c->report.collateral, err);
    return fetch_collateral(c, out, c->fresh_collateral ? "the report's is not wanted" : "the report carries none",
                            err);
}

/* The report's collateral may be old without anybody lying; then the answer is another bundle, which for a simulation
 * there cannot be. */
static bool is_outdated_collateral(const struct pml_checks *c, const struct pml_error *err)
{
    static const char *const codes[] = { "tcb_info_expired", "qe_identity_expired", "crl_expired",
                                         "tcb_info_chain_expired", "qe_identity_chain_expired" };
    for (size_t i = 0; i < PML_COUNT(codes) && !c->collateral && !c->fresh_collateral && !c->verdict.simulated; i++) {
        if (!strcmp(err->code, codes[i]))
            return true;
    }
    return false;
}

static bool judge_quote(struct pml_checks *c, const struct pml_collateral *collateral, struct pml_error *err)
{
    pml_verdict_free(&c->verdict);
    return pml_policy_verify(&c->verdict, c->report.quote, c->report.quote_size, collateral, c->now, c->policy,
                             PML_POLICY_IGNORE_REPORT_DATA | PML_POLICY_LOG_CHECKED_LATER, err);
}

static bool check_quote(struct pml_checks *c, enum pml_outcome *outcome, struct pml_error *err)
{
    (void)outcome;
    PML_AUTO(collateral) struct pml_collateral collateral = { 0 };
    PML_AUTO(collateral) struct pml_collateral fetched = { 0 };
    if (!c->report.quote)
        return pml_fail(err, PML_NO, "quote_format", "the report carries no quote");
    if (!choose_collateral(c, &collateral, err)) {
        pml_verdict_unknown(&c->verdict, c->report.quote, c->report.quote_size, c->now, err);
        return false;
    }
    bool accepted = judge_quote(c, &collateral, err);
    if (!accepted && is_outdated_collateral(c, err))
        accepted = fetch_collateral(c, &fetched, "the report's is out of date", err) && judge_quote(c, &fetched, err);
    if (!accepted)
        return false;
    if (c->verdict.body_type < PML_BODY_TD10)
        return pml_fail(err, PML_NO, "tee_type", "the quote is not of a TD");
    return true;
}

static bool check_report_data(struct pml_checks *c, enum pml_outcome *outcome, struct pml_error *err)
{
    (void)outcome;
    return pml_report_check_binding(&c->report, c->nonce, c->verdict.td.report_data, err);
}

static bool check_tls_key(struct pml_checks *c, enum pml_outcome *outcome, struct pml_error *err)
{
    if (!c->spki_sha256) {
        *outcome = PML_SKIPPED;
        return true;
    }
    if (!pml_keyset_lists_tls(&c->report.keyset, c->host, c->spki_sha256))
        return pml_fail(err, PML_NO, "tls_key", "the server's TLS key is not in its keyset");
    return pml_keyset_check_time(&c->report.keyset, c->now, err);
}

static bool check_event_log(struct pml_checks *c, enum pml_outcome *outcome, struct pml_error *err)
{
    (void)outcome;
    uint8_t digest[PML_SHA256_SIZE];
    if (!c->report.event_log || !c->report.app_compose)
        return pml_fail(err, PML_NO, "event_log", "the report carries no event log or no app_compose");
    if (!pml_event_log_parse(&c->log, c->report.event_log, strlen(c->report.event_log), err) ||
        !pml_event_log_check(&c->log, (const uint8_t(*)[48])c->verdict.td.rtmr, err))
        return false;
    const struct pml_event *compose = pml_event_log_boot(&c->log, "compose-hash", err);
    if (!compose)
        return false;
    pml_sha256(digest, c->report.app_compose, strlen(c->report.app_compose));
    if (compose->payload_size != sizeof digest || memcmp(compose->payload, digest, sizeof digest) != 0)
        return pml_fail(err, PML_NO, "event_log", "app_compose is not what compose-hash measured");
    return true;
}

/* The log measured exactly this descriptor exactly once under that name. */
static bool measured_once(const struct pml_checks *c, const json_t *descriptor, const char *name, struct pml_error *err)
{
    uint8_t payload[PML_SHA256_SIZE];
    if (!pml_descriptor_payload(payload, descriptor, err))
        return false;
    size_t count = pml_event_log_matches(&c->log, name, payload, sizeof payload);
    if (count != 1)
        return pml_fail(err, PML_NO, "event_log", "measured %zu times, not once", count);
    return true;
}

static bool check_model(struct pml_checks *c, enum pml_outcome *outcome, struct pml_error *err)
{
    (void)outcome;
    struct pml_model_descriptor model;
    size_t count = json_array_size(c->report.models);
    if (count == 0)
        return pml_fail(err, PML_NO, "model", "the report names no model");
    for (size_t i = 0; i < count; i++) {
        const json_t *descriptor = json_array_get(c->report.models, i);
        if (!pml_model_descriptor_parse(&model, descriptor, err) ||
            !measured_once(c, descriptor, PML_RTMR_EVENT_MODEL, err))
            return pml_wrap(err, "models[%zu]", i);
    }
    if (pml_event_log_named(&c->log, PML_RTMR_EVENT_MODEL) != count)
        return pml_fail(err, PML_NO, "model", "a model was measured that the report does not name");
    return true;
}

static bool check_engine(struct pml_checks *c, enum pml_outcome *outcome, struct pml_error *err)
{
    (void)outcome;
    struct pml_engine_descriptor engine;
    if (!c->report.engine)
        return pml_fail(err, PML_NO, "engine", "the report names no engine");
    if (!pml_engine_descriptor_parse(&engine, c->report.engine, err) ||
        !measured_once(c, c->report.engine, PML_RTMR_EVENT_ENGINE, err))
        return false;
    if (pml_event_log_named(&c->log, PML_RTMR_EVENT_ENGINE) != 1)
        return pml_fail(err, PML_NO, "engine", "an engine was measured that the report does not name");
    return true;
}

/* A pin of a value that an event before system-ready carries. */
static bool check_event_pin(const struct pml_checks *c, enum pml_pin_name pin, const char *event_name,
                            struct pml_error *err)
{
    if (!c->policy->pins[pin].set)
        return true;
    const struct pml_event *event = pml_event_log_boot(&c->log, event_name, err);
    if (!event)
        return false;
    if (event->payload_size != pml_pin_size(pin))
        return pml_fail(err, PML_NO, "identity", "%s has another size than its pin", event_name);
    return pml_pin_check(c->policy, pin, event->payload, err);
}

static bool check_digest_pins(const struct pml_checks *c, struct pml_error *err)
{
    struct pml_model_descriptor model;
    struct pml_engine_descriptor engine;
    for (size_t i = 0; i < json_array_size(c->report.models); i++) {
        if (!pml_model_descriptor_parse(&model, json_array_get(c->report.models, i), err) ||
            !pml_pin_check(c->policy, PML_PIN_MODELS, model.file_digest, err))
            return pml_wrap(err, "models[%zu]", i);
    }
    return pml_engine_descriptor_parse(&engine, c->report.engine, err) &&
           pml_pin_check(c->policy, PML_PIN_ENGINE_BUILDS, engine.build_digest, err);
}

static bool check_identity(struct pml_checks *c, enum pml_outcome *outcome, struct pml_error *err)
{
    if (c->verdict.simulated && !c->policy_given) {
        *outcome = PML_SKIPPED;
        return true;
    }
    for (size_t i = 0; i < PML_COUNT(identity_pins) && !c->verdict.simulated; i++) {
        enum pml_pin_name pin = identity_pins[i];
        if (!c->policy->pins[pin].set && !(c->policy->unpinned & (1u << pin)))
            return pml_fail(err, PML_NO, "identity", "no policy pins %s, so any TD would do; see --print-policy",
                            pml_pin_member(pin));
    }
    /* pins of the quote itself were judged with the quote */
    return check_event_pin(c, PML_PIN_COMPOSE_HASH, "compose-hash", err) &&
           check_event_pin(c, PML_PIN_OS_IMAGE_HASH, "os-image-hash", err) &&
           check_event_pin(c, PML_PIN_APP_ID, "app-id", err) && check_digest_pins(c, err);
}

/* The receipt is about the model that the request asked for; a request that names none leaves it to the service. */
static bool check_asked_model(const struct pml_checks *c, struct pml_error *err)
{
    struct pml_error ignored;
    PML_AUTO(json) json_t *request = c->request ? pml_json_load_depth(c->request, c->request_size, 64, &ignored) : NULL;
    const char *asked = json_string_value(json_object_get(request, "model"));
    if (asked && (!c->receipt.model || strcmp(asked, c->receipt.model) != 0))
        return pml_fail(err, PML_NO, "receipt", "receipt is about another model than the one asked for");
    return true;
}

static bool check_receipt(struct pml_checks *c, enum pml_outcome *outcome, struct pml_error *err)
{
    (void)outcome;
    if (!pml_receipt_parse(&c->receipt, c->receipt_text, c->receipt_size, err) ||
        !pml_receipt_verify(&c->receipt, &c->report.keyset, err))
        return false;
    if (c->receipt.served_at >= c->report.keyset.not_after)
        return pml_fail(err, PML_NO, "receipt", "receipt was issued after its keyset had expired");
    if (c->receipt_id && strcmp(c->receipt_id, c->receipt.receipt_id) != 0)
        return pml_fail(err, PML_NO, "receipt", "receipt is another one than the response named");
    if (strcmp(c->receipt.method, "POST") != 0 || (c->path && strcmp(c->path, c->receipt.endpoint) != 0))
        return pml_fail(err, PML_NO, "receipt", "receipt is about another method or path");
    return check_asked_model(c, err);
}

static bool check_hash(const struct pml_checks *c, const char *event, const char *body, size_t size,
                       enum pml_outcome *outcome, struct pml_error *err)
{
    uint8_t claimed[PML_SHA256_SIZE];
    uint8_t seen[PML_SHA256_SIZE];
    if (!body) {
        *outcome = PML_SKIPPED;
        return true;
    }
    if (!pml_receipt_body_hash(claimed, &c->receipt, event, err))
        return false;
    pml_sha256(seen, body, size);
    if (memcmp(claimed, seen, sizeof seen) != 0)
        return pml_fail(err, PML_NO, "body_hash", "the receipt is about other bytes");
    return true;
}

static bool check_request_hash(struct pml_checks *c, enum pml_outcome *outcome, struct pml_error *err)
{
    return check_hash(c, PML_EVENT_RECEIVED, c->request, c->request_size, outcome, err);
}

static bool check_response_hash(struct pml_checks *c, enum pml_outcome *outcome, struct pml_error *err)
{
    return check_hash(c, PML_EVENT_RETURNED, c->response, c->response_size, outcome, err);
}

/* The receipt's one event of TYPE, as the descriptor it was made from. */
static json_t *receipt_descriptor(const struct pml_checks *c, const char *type, struct pml_error *err)
{
    size_t count = pml_receipt_count(&c->receipt, type);
    if (count != 1)
        return pml_fail(err, PML_NO, "receipt", "receipt has %zu events %s, not one", count, type);
    return pml_event_descriptor(pml_receipt_event(&c->receipt, type, 0), err);
}

static bool check_receipt_model(struct pml_checks *c, enum pml_outcome *outcome, struct pml_error *err)
{
    (void)outcome;
    PML_AUTO(json) json_t *descriptor = receipt_descriptor(c, PML_EVENT_MODEL, err);
    if (!descriptor)
        return false;
    for (size_t i = 0; i < json_array_size(c->report.models); i++) {
        if (json_equal(descriptor, json_array_get(c->report.models, i)))
            return true;
    }
    return pml_fail(err, PML_NO, "receipt_model", "receipt names a model that the report does not");
}

static bool check_receipt_engine(struct pml_checks *c, enum pml_outcome *outcome, struct pml_error *err)
{
    (void)outcome;
    PML_AUTO(json) json_t *descriptor = receipt_descriptor(c, PML_EVENT_ENGINE, err);
    if (!descriptor)
        return false;
    if (!json_equal(descriptor, c->report.engine))
        return pml_fail(err, PML_NO, "receipt_engine", "receipt names another engine than the report");
    return true;
}

static bool check_replay(struct pml_checks *c, enum pml_outcome *outcome, struct pml_error *err)
{
    if (c->replay)
        return c->replay(c->replay_arg, c, err);
    *outcome = PML_SKIPPED;
    return true;
}

/* Offline nobody saw a connection or needs the bodies; both ways identity is skipped only where the rule says so. */
enum need { ALWAYS, ONLINE, NEVER };

static const struct {
    const char *name;
    bool (*run)(struct pml_checks *c, enum pml_outcome *outcome, struct pml_error *err);
    enum need need;
} table[PML_CHECK_COUNT] = {
    [PML_CHECK_REPORT] = { "report", check_report, ONLINE },
    [PML_CHECK_QUOTE] = { "quote", check_quote, ALWAYS },
    [PML_CHECK_REPORT_DATA] = { "report_data", check_report_data, ALWAYS },
    [PML_CHECK_TLS_KEY] = { "tls_key", check_tls_key, ONLINE },
    [PML_CHECK_EVENT_LOG] = { "event_log", check_event_log, ALWAYS },
    [PML_CHECK_MODEL] = { "model", check_model, ALWAYS },
    [PML_CHECK_ENGINE] = { "engine", check_engine, ALWAYS },
    [PML_CHECK_IDENTITY] = { "identity", check_identity, NEVER },
    [PML_CHECK_RECEIPT] = { "receipt", check_receipt, ALWAYS },
    [PML_CHECK_REQUEST_HASH] = { "request_hash", check_request_hash, ONLINE },
    [PML_CHECK_RESPONSE_HASH] = { "response_hash", check_response_hash, ONLINE },
    [PML_CHECK_RECEIPT_MODEL] = { "receipt_model", check_receipt_model, ALWAYS },
    [PML_CHECK_RECEIPT_ENGINE] = { "receipt_engine", check_receipt_engine, ALWAYS },
    [PML_CHECK_REPLAY] = { "replay", check_replay, NEVER },
};

const char *pml_check_name(enum pml_check check)
{
    return table[check].name;
}

bool pml_checks_end(struct pml_checks *checks, enum pml_check check, const struct pml_error *err)
{
    if (checks->error.code)
        return false;
    checks->error = *err;
    checks->ended_at = check;
    if (check < PML_CHECK_COUNT)
        checks->outcome[check] = err->kind == PML_NO ? PML_FAILED : PML_SKIPPED;
    return false;
}

bool pml_checks_run(struct pml_checks *checks, enum pml_check from, enum pml_check to)
{
    for (enum pml_check check = from; check <= to && !checks->error.code; check++) {
        struct pml_error err = { 0 };
        enum pml_outcome outcome = PML_PASSED;
        if (table[check].run(checks, &outcome, &err))
            checks->outcome[check] = outcome;
        else
            pml_checks_end(checks, check, &err);
    }
    checks->next = to + 1;
    return !checks->error.code;
}

bool pml_checks_ok(const struct pml_checks *checks)
{
    if (checks->error.code)
        return false;
    for (size_t i = 0; i < PML_CHECK_COUNT; i++) {
        bool needed = table[i].need == ALWAYS || (table[i].need == ONLINE && checks->spki_sha256);
        if (needed && checks->outcome[i] != PML_PASSED)
            return false;
    }
    return true;
}

int pml_checks_status(const struct pml_checks *checks)
{
    return checks->error.code ? (int)checks->error.kind : pml_checks_ok(checks) ? 0 : PML_NO;
}

static json_t *error_json(const struct pml_checks *checks)
{
    const struct pml_error *error = &checks->error;
    if (!error->code)
        return json_null();
    bool own_code = checks->ended_at == PML_CHECK_QUOTE || checks->ended_at == PML_CHECK_COUNT || error->kind != PML_NO;
    return json_pack("{s:s, s:s}", "code", own_code ? error->code : table[checks->ended_at].name, "message",
                     error->text);
}

json_t *pml_checks_json(const struct pml_checks *checks, struct pml_error *err)
{
    static const char *const words[] = { "skip", "pass", "fail" };
    PML_AUTO(json) json_t *outcomes = json_object();
    for (size_t i = 0; outcomes && i < PML_CHECK_COUNT; i++) {
        if (json_object_set_new(outcomes, table[i].name, json_string(words[checks->outcome[i]])) != 0)
            return pml_fail_memory(err);
    }
    json_t *object = json_pack("{s:b, s:b, s:O, s:s?, s:s?, s:o}", "ok", pml_checks_ok(checks), "simulated",
                               checks->verdict.simulated, "checks", outcomes, "receipt_id", checks->receipt.receipt_id,
                               "model", checks->receipt.model, "error", error_json(checks));
    return object ? object : pml_fail_memory(err);
}

void pml_checks_wipe(struct pml_checks *checks)
{
    pml_report_wipe(&checks->report);
    pml_verdict_free(&checks->verdict);
    pml_event_log_free(&checks->log);
    pml_receipt_wipe(&checks->receipt);
    checks->verdict = (struct pml_verdict){ 0 };
    checks->log = (struct pml_event_log){ 0 };
}

void pml_checks_auto(struct pml_checks *checks)
{
    pml_checks_wipe(checks);
}
