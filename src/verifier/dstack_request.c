/* SPDX-License-Identifier: MIT */
/* POST /verify: the examination of dstack-verifier, step by step. */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "verifier/app_info.h"
#include "verifier/judge.h"

struct examination {
    const struct pml_judge *judge;
    int64_t now;
    const char *quote_hex, *event_log, *vm_config; /* of the body; NULL: missing */
    const char *attestation;
    struct pml_verdict verdict;
    struct pml_event_log log;
    json_t *vm_config_json;
    struct pml_app_info app_info;
    /* what has been shown so far */
    bool quote_verified, event_log_verified, has_report_data, has_app_info;
};

/* --- steps, in the order of spec dcap §4.1; a step that fails ends the examination --- */

static bool verify_quote(struct examination *x, struct pml_error *err)
{
    size_t size;
    if (!x->quote_hex && x->attestation)
        return pml_fail(err, PML_NO, "quote_format", "attestation is not read here; send quote, event_log, vm_config");
    if (!x->quote_hex)
        return pml_fail(err, PML_NO, "quote_format", "quote is missing");
    PML_AUTO(mem) uint8_t *quote = pml_judge_quote_bytes(x->quote_hex, &size, err);
    if (!quote)
        return false;
    PML_AUTO(collateral) struct pml_collateral fetched = { 0 };
    const struct pml_collateral *collateral = pml_judge_collateral(x->judge, &fetched, quote, size, x->now, err);
    if (!collateral) {
        pml_verdict_unknown(&x->verdict, quote, size, x->now, err);
        return false;
    }
    struct pml_verify_input in = { .quote = quote, .quote_size = size, .collateral = collateral, .now = x->now };
    pml_policy_input(&in, &x->judge->policy);
    x->quote_verified = pml_quote_verify(&x->verdict, &in, err);
    return x->quote_verified;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i])
            return false;
    }
    return true;
}

/* What dstack never accepts, whatever the policy of this service lets pass. */
static bool check_attributes(struct examination *x, struct pml_error *err)
{
    const struct pml_td_report *td = &x->verdict.td;
    if (x->verdict.body_type < PML_BODY_TD10)
        return pml_fail(err, PML_NO, "tee_type", "not a TDX quote");
    if (td->td_attributes & PML_TD_DEBUG)
        return pml_fail(err, PML_NO, "td_debug", "the TD runs in debug mode");
    if (!is_zero(td->mr_signer_seam, sizeof td->mr_signer_seam))
        return pml_fail(err, PML_NO, "tdx_module_mismatch", "the TDX module is not Intel's");
    if (x->verdict.body_type >= PML_BODY_TD15 && !is_zero(td->mr_service_td, sizeof td->mr_service_td))
        return pml_fail(err, PML_NO, "mr_service_td", "a service TD is bound to the TD");
    return true;
}

static bool apply_policy(struct examination *x, struct pml_error *err)
{
    return pml_policy_apply(&x->verdict, &x->judge->policy, PML_POLICY_LOG_CHECKED_LATER, err);
}

/* With the quote verified its report data is the TD's own; what it has to be only the client knows. */
static bool show_report_data(struct examination *x, struct pml_error *err)
{
    (void)err;
    x->has_report_data = true;
    return true;
}

static bool replay_log(struct examination *x, struct pml_error *err)
{
    if (!x->event_log)
        return pml_fail(err, PML_NO, "event_log", "event_log is missing");
    x->event_log_verified = pml_event_log_parse(&x->log, x->event_log, strlen(x->event_log), err) &&
                            pml_event_log_check(&x->log, (const uint8_t(*)[48])x->verdict.td.rtmr, err);
    return x->event_log_verified;
}

/* The image that vm_config names, NULL if it does not. */
static const char *named_image(const struct examination *x)
{
    uint8_t hash[64];
    const char *hex = json_string_value(json_object_get(x->vm_config_json, "os_image_hash"));
    size_t size = hex ? strlen(hex) : 0;
    return size > 0 && size / 2 <= sizeof hash && pml_unhex_lower(hash, size / 2, hex, size) ? hex : NULL;
}

static bool read_app_info(struct examination *x, struct pml_error *err)
{
    if (x->vm_config) {
        x->vm_config_json = pml_json_load(x->vm_config, strlen(x->vm_config), err);
        if (!x->vm_config_json)
            return pml_wrap(err, "vm_config");
    }
    x->has_app_info =
        pml_app_info_read(&x->app_info, &x->log, &x->verdict.td, x->verdict.supplemental.ppid, named_image(x), err);
    return x->has_app_info;
}

static bool check_event_pin(const struct examination *x, enum pml_pin_name pin, const struct pml_event *event,
                            struct pml_error *err)
{
    bool fits = event && event->payload_size == pml_pin_size(pin);
    return pml_pin_check(&x->judge->policy, pin, fits ? event->payload : NULL, err);
}

/* Pins of the event log. Models and engines are measured by descriptors, which a request does not carry. */
static bool apply_log_policy(struct examination *x, struct pml_error *err)
{
    bool holds = check_event_pin(x, PML_PIN_COMPOSE_HASH, x->app_info.compose_hash, err) &&
                 check_event_pin(x, PML_PIN_OS_IMAGE_HASH, x->app_info.os_image, err) &&
                 check_event_pin(x, PML_PIN_APP_ID, x->app_info.app_id, err) &&
                 check_event_pin(x, PML_PIN_MODELS, NULL, err) && check_event_pin(x, PML_PIN_ENGINE_BUILDS, NULL, err);
    if (!holds)
        x->verdict.accepted = false;
    return holds;
}

static bool verify_os_image(struct examination *x, struct pml_error *err)
{
    (void)x;
    return pml_fail(err, PML_NO, "os_image",
                    "mrtd and rtmr0 to rtmr2 were not compared with an image: this build cannot calculate them");
}

static const struct {
    const char *failed;
    bool (*run)(struct examination *x, struct pml_error *err);
} steps[] = {
    { "Quote verification failed", verify_quote },      { "TD attributes verification failed", check_attributes },
    { "Policy verification failed", apply_policy },     { "Report data verification failed", show_report_data },
    { "Event log verification failed", replay_log },    { "App info verification failed", read_app_info },
    { "Policy verification failed", apply_log_policy }, { "OS image hash verification failed", verify_os_image },
};

/* --- request and answer --- */

static bool read_text(const char **out, const json_t *body, const char *name, struct pml_error *err)
{
    const json_t *value = json_object_get(body, name);
    if (!value || json_is_null(value))
        return true;
    *out = pml_json_text(body, name, err);
    return *out;
}

static bool read_members(struct examination *x, const json_t *body, struct pml_error *err)
{
    const json_t *debug = json_object_get(body, "debug");
    if (!json_is_object(body))
        return pml_fail(err, PML_NO, "json", "not an object");
    if (debug && !json_is_null(debug) && !json_is_boolean(debug))
        return pml_fail(err, PML_NO, "json", "debug is not true or false");
    return read_text(&x->quote_hex, body, "quote", err) && read_text(&x->event_log, body, "event_log", err) &&
           read_text(&x->vm_config, body, "vm_config", err) && read_text(&x->attestation, body, "attestation", err);
}

static json_t *report_data_json(const struct examination *x)
{
    char text[2 * 64 + 1];
    return x->has_report_data ? json_string(pml_hex(text, x->verdict.td.report_data, 64)) : json_null();
}

static json_t *details_json(const struct examination *x, struct pml_error *err)
{
    const char *status = x->quote_verified ? pml_tcb_status_name(x->verdict.status) : NULL;
    json_t *advisories = x->quote_verified ? json_incref(x->verdict.advisory_ids) : json_array();
    json_t *app = x->has_app_info ? pml_app_info_json(&x->app_info, err) : json_null();
    json_t *provider = x->has_app_info ? pml_key_provider_json(&x->app_info, err) : json_null();
    json_t *boot = x->has_app_info ? pml_boot_info_json(&x->app_info, status, advisories, err) : json_null();
    json_t *out =
        json_pack("{s:b, s:b, s:b, s:b, s:n, s:n, s:s?, s:o, s:s?, s:O, s:o, s:o, s:o}", "quote_verified",
                  x->quote_verified, "event_log_verified", x->event_log_verified, "os_image_hash_verified", 0,
                  "acpi_tables_verified", 0, "os_image_is_dev", "os_image_version", "tee_variant",
                  x->quote_verified ? "dstack-tdx" : NULL, "report_data", report_data_json(x), "tcb_status", status,
                  "advisory_ids", advisories, "key_provider", provider, "app_info", app, "boot_info", boot);
    json_decref(advisories);
    if (out && !x->has_app_info)
        json_object_del(out, "boot_info"); /* left out when unknown, unlike the others */
    return out ? out : pml_fail_memory(err);
}

static enum pml_outcome_of_request outcome_of(const struct examination *x, bool valid, const struct pml_error *err)
{
    if (valid)
        return PML_OUTCOME_ACCEPTED;
    if (x->quote_verified)
        return PML_OUTCOME_NOT_ACCEPTED;
    return err->kind == PML_UNKNOWN ? PML_OUTCOME_UNKNOWN : PML_OUTCOME_NOT_GENUINE;
}

static void answer_examined(struct examination *x, struct pml_answer *answer)
{
    struct pml_error err = { 0 }, memory;
    size_t done = 0;
    while (done < PML_COUNT(steps) && steps[done].run(x, &err))
        done++;
    bool valid = done == PML_COUNT(steps);
    if (!valid)
        pml_wrap(&err, "%s", steps[done].failed);
    json_t *details = details_json(x, &memory);
    json_t *out =
        json_pack("{s:b, s:o, s:s?}", "is_valid", valid, "details", details, "reason", valid ? NULL : err.text);
    pml_answer_json(answer, 200, outcome_of(x, valid, &err), out);
}

void pml_judge_dstack(const struct pml_judge *judge, const char *body, size_t size, int64_t now,
                      struct pml_answer *answer)
{
    struct pml_error err;
    struct examination x = { .judge = judge, .now = now };
    PML_AUTO(json) json_t *request = pml_json_load(body, size, &err);
    if (!request)
        pml_answer_error(answer, err.kind == PML_UNKNOWN ? 500 : 400, err.code, err.text);
    else if (!read_members(&x, request, &err))
        pml_answer_error(answer, 422, err.code, err.text);
    else
        answer_examined(&x, answer);
    pml_verdict_free(&x.verdict);
    pml_event_log_free(&x.log);
    json_decref(x.vm_config_json);
}
