/* SPDX-License-Identifier: MIT */
/* Writing down what was measured as a policy that pins it (pml chat --print-policy). */

#include "aci/checks.h"
#include "aci/members.h"
#include "base/json.h"
#include "base/memory.h"

/* Sets POLICY's member to an array of one value. */
static bool pin(json_t *policy, enum pml_pin_name name, json_t *value)
{
    return json_object_set_new(policy, pml_pin_member(name), json_pack("[o]", value)) == 0;
}

/* The payload of a boot event, where the log has exactly one such event of the right size. */
static bool pin_event(json_t *policy, enum pml_pin_name name, const struct pml_event_log *log, const char *event_name)
{
    struct pml_error none;
    const struct pml_event *event = pml_event_log_boot(log, event_name, &none);
    if (!event || event->payload_size != pml_pin_size(name))
        return true;
    return pin(policy, name, pml_json_hex_text(event->payload, event->payload_size));
}

static bool pin_models(json_t *policy, const json_t *models)
{
    json_t *digests = json_array();
    for (size_t i = 0; i < json_array_size(models); i++)
        json_array_append(digests, json_object_get(json_array_get(models, i), "file_digest"));
    return json_object_set_new(policy, pml_pin_member(PML_PIN_MODELS), digests) == 0;
}

char *pml_checks_policy(const struct pml_checks *checks, struct pml_error *err)
{
    const struct pml_td_report *td = &checks->verdict.td;
    PML_AUTO(json) json_t *policy = json_pack("{s:[s]}", "accept_status", pml_tcb_status_name(checks->verdict.status));
    if (!policy || !pin(policy, PML_PIN_MR_TD, pml_json_hex_text(td->mr_td, sizeof td->mr_td)) ||
        !pin(policy, PML_PIN_RT_MR0, pml_json_hex_text(td->rtmr[0], sizeof td->rtmr[0])) ||
        !pin(policy, PML_PIN_RT_MR1, pml_json_hex_text(td->rtmr[1], sizeof td->rtmr[1])) ||
        !pin(policy, PML_PIN_RT_MR2, pml_json_hex_text(td->rtmr[2], sizeof td->rtmr[2])) ||
        !pin_event(policy, PML_PIN_COMPOSE_HASH, &checks->log, "compose-hash") ||
        !pin_event(policy, PML_PIN_OS_IMAGE_HASH, &checks->log, "os-image-hash") ||
        !pin_models(policy, checks->report.models) ||
        !pin(policy, PML_PIN_ENGINE_BUILDS, json_incref(json_object_get(checks->report.engine, "build_digest"))))
        return pml_fail_memory(err);
    char *text = json_dumps(policy, JSON_INDENT(2));
    return text ? text : pml_fail_memory(err);
}
