/* SPDX-License-Identifier: MIT */
/* The policy file, and judging a verdict by it. */
#include "dcap/policy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/time.h"

#define GRACE_MAX INT64_C(3155760000) /* a hundred years */

static const struct {
    const char *member, *mismatch_code;
    size_t size;
    bool digest; /* spelt "sha256:..." */
} pins[PML_PIN_COUNT] = {
    [PML_PIN_MR_SEAM] = { "mr_seam", .mismatch_code = "policy_mr_seam", 48, false },
    [PML_PIN_MR_TD] = { "mr_td", .mismatch_code = "policy_mr_td", 48, false },
    [PML_PIN_MR_CONFIG_ID] = { "mr_config_id", .mismatch_code = "policy_mr_config_id", 48, false },
    [PML_PIN_MR_OWNER] = { "mr_owner", .mismatch_code = "policy_mr_owner", 48, false },
    [PML_PIN_MR_OWNER_CONFIG] = { "mr_owner_config", .mismatch_code = "policy_mr_owner_config", 48, false },
    [PML_PIN_RT_MR0] = { "rt_mr0", .mismatch_code = "policy_rt_mr0", 48, false },
    [PML_PIN_RT_MR1] = { "rt_mr1", .mismatch_code = "policy_rt_mr1", 48, false },
    [PML_PIN_RT_MR2] = { "rt_mr2", .mismatch_code = "policy_rt_mr2", 48, false },
    [PML_PIN_RT_MR3] = { "rt_mr3", .mismatch_code = "policy_rt_mr3", 48, false },
    [PML_PIN_MR_ENCLAVE] = { "mr_enclave", .mismatch_code = "policy_mr_enclave", 32, false },
    [PML_PIN_MR_SIGNER] = { "mr_signer", .mismatch_code = "policy_mr_signer", 32, false },
    [PML_PIN_REPORT_DATA] = { "report_data", .mismatch_code = "policy_report_data", 64, false },
    [PML_PIN_COMPOSE_HASH] = { "compose_hash", .mismatch_code = "policy_compose_hash", 32, false },
    [PML_PIN_OS_IMAGE_HASH] = { "os_image_hash", .mismatch_code = "policy_os_image_hash", 32, false },
    [PML_PIN_APP_ID] = { "app_id", .mismatch_code = "policy_app_id", 20, false },
    [PML_PIN_MODELS] = { "models", .mismatch_code = "policy_models", 32, true },
    [PML_PIN_ENGINE_BUILDS] = { "engine_builds", .mismatch_code = "policy_engine_builds", 32, true },
};

const char *pml_pin_member(enum pml_pin_name pin)
{
    return pins[pin].member;
}

size_t pml_pin_size(enum pml_pin_name pin)
{
    return pins[pin].size;
}

void pml_policy_init(struct pml_policy *policy)
{
    *policy = (struct pml_policy){
        .accept = PML_ACCEPT(PML_TCB_UP_TO_DATE),
        .require_sept_ve_disable = true,
        .td_attributes_allowed = PML_TD_ATTRIBUTES_ALLOWED,
        .min_tcb_eval_num = -1,
        .max_collateral_age_s = -1,
        .collateral_grace_period_s = -1,
    };
}

void pml_policy_free(struct pml_policy *policy)
{
    json_decref(policy->allowed_advisory_ids);
    json_decref(policy->rejected_advisory_ids);
    free(policy->simulated_roots);
    for (size_t i = 0; i < PML_PIN_COUNT; i++)
        free(policy->pins[i].values);
    pml_policy_init(policy);
}

void pml_policy_auto(struct pml_policy *policy)
{
    pml_policy_free(policy);
}

/* Reading. Every reader takes the member's value, which is neither absent nor null. */

static void *bad(struct pml_error *err, const char *what)
{
    return pml_fail(err, PML_USAGE, "policy_format", "%s", what);
}

static bool accept_name(unsigned *set, const char *name, struct pml_error *err)
{
    enum pml_tcb_status status = pml_tcb_status_parse(name, strlen(name));
    if (strcmp(name, "any") == 0) {
        *set |= PML_ACCEPT_ANY;
        return true;
    }
    if (status == PML_TCB_REVOKED)
        return pml_fail(err, PML_USAGE, "policy_format", "Revoked is never acceptable");
    if (status == PML_TCB_NONE)
        return pml_fail(err, PML_USAGE, "policy_format", "no such status: \"%.60s\"", name);
    *set |= PML_ACCEPT(status);
    return true;
}

/* The text of an array's item, NULL if it is not a string without U+0000. */
static const char *item_text(const json_t *array, size_t i)
{
    const json_t *item = json_array_get(array, i);
    const char *text = json_string_value(item);
    return text && strlen(text) == json_string_length(item) ? text : NULL;
}

static bool read_accept(struct pml_policy *p, const json_t *value, struct pml_error *err)
{
    unsigned set = 0;
    if (!json_is_array(value))
        return bad(err, "not an array");
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *name = item_text(value, i);
        if (!name)
            return bad(err, "not an array of strings");
        if (!accept_name(&set, name, err))
            return false;
    }
    p->accept = set;
    return true;
}

static bool read_flag(bool *out, const json_t *value, struct pml_error *err)
{
    if (!json_is_boolean(value))
        return bad(err, "not true or false");
    *out = json_is_true(value);
    return true;
}

static bool read_count(int64_t *out, const json_t *value, struct pml_error *err)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > GRACE_MAX)
        return bad(err, "not an integer from 0 to 3155760000");
    *out = json_integer_value(value);
    return true;
}

static bool read_td_attributes(struct pml_policy *p, const json_t *value, struct pml_error *err)
{
    const char *text = json_string_value(value);
    if (!text || strlen(text) != json_string_length(value))
        return bad(err, "not a string");
    return pml_policy_td_attributes(p, text, err);
}

static bool read_advisories(json_t **out, json_t *value, struct pml_error *err)
{
    if (!json_is_array(value))
        return bad(err, "not an array");
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!item_text(value, i))
            return bad(err, "not an array of strings");
    }
    json_decref(*out);
    *out = json_incref(value);
    return true;
}

static bool read_root(struct pml_policy *p, const json_t *value, struct pml_error *err)
{
    if (!json_is_string(value))
        return bad(err, "not a string");
    if (!pml_root_parse(&p->root, json_string_value(value), json_string_length(value), false, err)) {
        err->code = "policy_format";
        return false;
    }
    p->has_root = true;
    return true;
}

static bool add_simulated_root(struct pml_policy *p, const struct pml_root *root, struct pml_error *err)
{
    if (p->simulated_root_count == PML_POLICY_ROOTS)
        return pml_fail(err, PML_USAGE, "policy_format", "more than %d simulated roots", PML_POLICY_ROOTS);
    struct pml_root *grown = realloc(p->simulated_roots, (p->simulated_root_count + 1) * sizeof *grown);
    if (!grown)
        return pml_fail_memory(err);
    p->simulated_roots = grown;
    grown[p->simulated_root_count++] = *root;
    return true;
}

static bool read_simulated_roots(struct pml_policy *p, const json_t *value, struct pml_error *err)
{
    if (!json_is_array(value))
        return bad(err, "not an array");
    for (size_t i = 0; i < json_array_size(value); i++) {
        struct pml_root root;
        const json_t *item = json_array_get(value, i);
        if (!json_is_string(item))
            return bad(err, "not an array of strings");
        if (!pml_root_parse(&root, json_string_value(item), json_string_length(item), true, err)) {
            err->code = "policy_format";
            return false;
        }
        if (!add_simulated_root(p, &root, err))
            return false;
    }
    return true;
}

static bool read_compat(struct pml_policy *p, const json_t *value, struct pml_error *err)
{
    if (!json_is_string(value) || strcmp(json_string_value(value), "dcap-qvl") != 0)
        return bad(err, "not \"dcap-qvl\"");
    p->compat = PML_COMPAT_DCAP_QVL;
    return true;
}

static bool decode_pin(uint8_t *out, enum pml_pin_name pin, const char *text)
{
    if (pins[pin].digest)
        return pml_digest_parse(out, text);
    return pml_unhex(out, pins[pin].size, text, strlen(text));
}

static bool read_pin(struct pml_policy *p, enum pml_pin_name pin, const json_t *value, struct pml_error *err)
{
    size_t size = pins[pin].size, count = json_array_size(value);
    if (!json_is_array(value))
        return bad(err, "not an array");
    PML_AUTO(mem) uint8_t *values = calloc(count + 1, size);
    if (!values)
        return pml_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        const char *text = item_text(value, i);
        if (!text || !decode_pin(values + i * size, pin, text))
            return pml_fail(err, PML_USAGE, "policy_format", "item %zu is not %s%zu hex digits", i,
                            pins[pin].digest ? "sha256: and " : "", 2 * size);
    }
    free(p->pins[pin].values);
    p->pins[pin] = (struct pml_pin){ .set = true, .count = count, .values = pml_take(&values) };
    return true;
}

static bool find_pin(enum pml_pin_name *out, const char *name)
{
    for (size_t i = 0; i < PML_PIN_COUNT; i++) {
        if (strcmp(pins[i].member, name) == 0) {
            *out = (enum pml_pin_name)i;
            return true;
        }
    }
    return false;
}

static bool read_unpinned(struct pml_policy *p, const json_t *value, struct pml_error *err)
{
    if (!json_is_array(value))
        return bad(err, "not an array");
    for (size_t i = 0; i < json_array_size(value); i++) {
        enum pml_pin_name pin;
        const char *name = item_text(value, i);
        if (!name || !find_pin(&pin, name))
            return bad(err, "names something that is not a measurement");
        p->unpinned |= 1u << pin;
    }
    return true;
}

static bool read_member(struct pml_policy *p, const char *name, json_t *value, struct pml_error *err)
{
    enum pml_pin_name pin;
#define IS(member) (strcmp(name, member) == 0)
    if (IS("accept_status"))
        return read_accept(p, value, err);
    if (IS("allow_debug"))
        return read_flag(&p->allow_debug, value, err);
    if (IS("allow_service_td"))
        return read_flag(&p->allow_service_td, value, err);
    if (IS("require_sept_ve_disable"))
        return read_flag(&p->require_sept_ve_disable, value, err);
    if (IS("td_attributes_allowed"))
        return read_td_attributes(p, value, err);
    if (IS("min_tcb_eval_num"))
        return read_count(&p->min_tcb_eval_num, value, err);
    if (IS("max_collateral_age_s"))
        return read_count(&p->max_collateral_age_s, value, err);
    if (IS("collateral_grace_period_s"))
        return read_count(&p->collateral_grace_period_s, value, err);
    if (IS("allowed_advisory_ids"))
        return read_advisories(&p->allowed_advisory_ids, value, err);
    if (IS("rejected_advisory_ids"))
        return read_advisories(&p->rejected_advisory_ids, value, err);
    if (IS("trusted_root"))
        return read_root(p, value, err);
    if (IS("simulated_roots"))
        return read_simulated_roots(p, value, err);
    if (IS("compat"))
        return read_compat(p, value, err);
    if (IS("unpinned"))
        return read_unpinned(p, value, err);
    if (find_pin(&pin, name))
        return read_pin(p, pin, value, err);
#undef IS
    return bad(err, "no such member");
}

/* null stands for the default where the default is null. */
static bool may_be_null(const char *name)
{
    static const char *const names[] = { "min_tcb_eval_num",     "max_collateral_age_s", "collateral_grace_period_s",
                                         "allowed_advisory_ids", "trusted_root",         "compat" };
    enum pml_pin_name pin;
    for (size_t i = 0; i < PML_COUNT(names); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return find_pin(&pin, name);
}

bool pml_policy_read(struct pml_policy *policy, json_t *object, struct pml_error *err)
{
    const char *name;
    json_t *value;
    if (!json_is_object(object))
        return pml_fail(err, PML_USAGE, "policy_format", "policy: not a JSON object");
    json_object_foreach(object, name, value) {
        if (json_is_null(value) && may_be_null(name))
            continue;
        if (!read_member(policy, name, value, err))
            return pml_wrap(err, "policy: %.60s", name);
    }
    return true;
}

bool pml_policy_parse(struct pml_policy *policy, const char *text, size_t size, struct pml_error *err)
{
    PML_AUTO(policy) struct pml_policy p;
    pml_policy_init(&p);
    if (size > PML_POLICY_MAX)
        return pml_fail(err, PML_USAGE, "policy_format", "policy: more than %d bytes", PML_POLICY_MAX);
    PML_AUTO(json) json_t *object = pml_json_load(text, size, err);
    if (!object) {
        if (err->kind == PML_NO) {
            err->kind = PML_USAGE;
            err->code = "policy_format";
        }
        return pml_wrap(err, "policy");
    }
    if (!pml_policy_read(&p, object, err))
        return false;
    *policy = p;
    pml_policy_init(&p); /* what it owned has moved */
    return true;
}

bool pml_policy_load(struct pml_policy *policy, const char *path, struct pml_error *err)
{
    size_t size;
    PML_AUTO(mem) char *text = pml_read_file(path, PML_POLICY_MAX, &size, err);
    if (!text && strcmp(err->code, "too_large") == 0)
        return pml_fail(err, PML_USAGE, "policy_format", "%s: not a policy", path);
    if (!text)
        return false;
    if (!pml_policy_parse(policy, text, size, err))
        return pml_wrap(err, "%s", path);
    return true;
}

/* Command-line forms. */

bool pml_policy_accept(struct pml_policy *policy, const char *comma_separated, struct pml_error *err)
{
    unsigned set = 0;
    for (const char *at = comma_separated; at; at = *at ? at + 1 : NULL) {
        char name[64];
        size_t size = strcspn(at, ",");
        if (size >= sizeof name)
            return pml_fail(err, PML_USAGE, "usage", "no such status: \"%.60s\"", at);
        memcpy(name, at, size);
        name[size] = 0;
        if (!accept_name(&set, name, err)) {
            err->code = "usage";
            return false;
        }
        at += size;
    }
    policy->accept = set;
    return true;
}

bool pml_policy_td_attributes(struct pml_policy *policy, const char *hex16, struct pml_error *err)
{
    uint8_t bytes[8];
    uint64_t mask = 0;
    if (!pml_unhex(bytes, sizeof bytes, hex16, strlen(hex16)))
        return pml_fail(err, PML_USAGE, "policy_format", "not 16 hex digits");
    for (size_t i = sizeof bytes; i-- > 0;)
        mask = mask << 8 | bytes[i];
    policy->td_attributes_allowed = mask;
    return true;
}

bool pml_policy_pin(struct pml_policy *policy, enum pml_pin_name pin, const char *hex, struct pml_error *err)
{
    PML_AUTO(json) json_t *list = json_pack("[s]", hex);
    if (!list)
        return pml_fail(err, PML_USAGE, "usage", "not hex");
    return read_pin(policy, pin, list, err);
}

bool pml_policy_trust_simulated(struct pml_policy *policy, const char *path, struct pml_error *err)
{
    struct pml_root root;
    return pml_root_load(&root, path, true, err) && add_simulated_root(policy, &root, err);
}

/* Judging. */

bool pml_pin_check(const struct pml_policy *policy, enum pml_pin_name pin, const uint8_t *value, struct pml_error *err)
{
    const struct pml_pin *p = &policy->pins[pin];
    if (!p->set)
        return true;
    for (size_t i = 0; value && i < p->count; i++) {
        if (memcmp(p->values + i * pins[pin].size, value, pins[pin].size) == 0)
            return true;
    }
    return pml_fail(err, PML_NO, pins[pin].mismatch_code, "%s is not one that the policy accepts", pins[pin].member);
}

/* The body's value for a pin, NULL if this kind of body has none. */
static const uint8_t *body_value(const struct pml_verdict *v, enum pml_pin_name pin)
{
    bool td = v->body_type >= PML_BODY_TD10, sgx = v->body_type == PML_BODY_SGX;
    switch (pin) {
    case PML_PIN_MR_SEAM: return td ? v->td.mr_seam : NULL;
    case PML_PIN_MR_TD: return td ? v->td.mr_td : NULL;
    case PML_PIN_MR_CONFIG_ID: return td ? v->td.mr_config_id : NULL;
    case PML_PIN_MR_OWNER: return td ? v->td.mr_owner : NULL;
    case PML_PIN_MR_OWNER_CONFIG: return td ? v->td.mr_owner_config : NULL;
    case PML_PIN_RT_MR0: return td ? v->td.rtmr[0] : NULL;
    case PML_PIN_RT_MR1: return td ? v->td.rtmr[1] : NULL;
    case PML_PIN_RT_MR2: return td ? v->td.rtmr[2] : NULL;
    case PML_PIN_RT_MR3: return td ? v->td.rtmr[3] : NULL;
    case PML_PIN_MR_ENCLAVE: return sgx ? v->sgx.mr_enclave : NULL;
    case PML_PIN_MR_SIGNER: return sgx ? v->sgx.mr_signer : NULL;
    case PML_PIN_REPORT_DATA: return td ? v->td.report_data : sgx ? v->sgx.report_data : NULL;
    default: return NULL;
    }
}

static bool check_pins(const struct pml_verdict *v, const struct pml_policy *p, unsigned flags, struct pml_error *err)
{
    for (size_t i = 0; i < PML_PIN_COUNT; i++) {
        if (i == PML_PIN_REPORT_DATA && flags & PML_POLICY_IGNORE_REPORT_DATA)
            continue;
        if (i >= PML_PIN_COMPOSE_HASH && flags & PML_POLICY_LOG_CHECKED_LATER)
            continue;
        if (!pml_pin_check(p, (enum pml_pin_name)i, body_value(v, (enum pml_pin_name)i), err))
            return false;
    }
    return true;
}

static bool check_status(const struct pml_verdict *v, const struct pml_policy *p, struct pml_error *err)
{
    unsigned relaunch = v->relaunch ? PML_ACCEPT(v->relaunch) : 0;
    if (p->accept & (PML_ACCEPT(v->status) | relaunch))
        return true;
    return pml_fail(err, PML_NO, "status_not_accepted", "status %s%s%s is not one that the policy accepts",
                    pml_tcb_status_name(v->status), v->relaunch ? ", " : "",
                    v->relaunch ? pml_tcb_status_name(v->relaunch) : "");
}

static bool lists(const json_t *array, const char *id)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (strcmp(json_string_value(json_array_get(array, i)), id) == 0)
            return true;
    }
    return false;
}

static bool check_advisories(const struct pml_verdict *v, const struct pml_policy *p, struct pml_error *err)
{
    for (size_t i = 0; i < json_array_size(v->advisory_ids); i++) {
        const char *id = json_string_value(json_array_get(v->advisory_ids, i));
        if (p->allowed_advisory_ids && !lists(p->allowed_advisory_ids, id))
            return pml_fail(err, PML_NO, "policy_allowed_advisory_ids", "advisory %.60s is not one that is allowed",
                            id);
        if (lists(p->rejected_advisory_ids, id))
            return pml_fail(err, PML_NO, "policy_rejected_advisory_ids", "advisory %.60s is rejected", id);
    }
    return true;
}

static bool check_collateral(const struct pml_verdict *v, const struct pml_policy *p, struct pml_error *err)
{
    const struct pml_supplemental *s = &v->supplemental;
    if (v->on_chain && p->min_tcb_eval_num >= 0)
        return pml_fail(err, PML_NO, "policy_min_tcb_eval_num", "the contract does not tell its TCB evaluation number");
    if (v->on_chain && p->max_collateral_age_s >= 0)
        return pml_fail(err, PML_NO, "policy_max_collateral_age_s", "the contract does not tell its collateral's age");
    if (p->min_tcb_eval_num >= 0 && s->tcb_eval_num < p->min_tcb_eval_num)
        return pml_fail(err, PML_NO, "policy_min_tcb_eval_num",
                        "collateral has TCB evaluation number %" PRId64 ", at least %" PRId64 " is wanted",
                        s->tcb_eval_num, p->min_tcb_eval_num);
    if (p->max_collateral_age_s >= 0 && v->verified_at - s->oldest_collateral > p->max_collateral_age_s)
        return pml_fail(err, PML_NO, "policy_max_collateral_age_s", "collateral is %" PRId64 " s old",
                        v->verified_at - s->oldest_collateral);
    return true;
}

bool pml_policy_apply(struct pml_verdict *verdict, const struct pml_policy *policy, unsigned flags,
                      struct pml_error *err)
{
    verdict->accepted = false;
    if (!verdict->ok) {
        *err = verdict->error;
        return false;
    }
    if (!check_status(verdict, policy, err) || !check_advisories(verdict, policy, err) ||
        !check_collateral(verdict, policy, err) || !check_pins(verdict, policy, flags, err)) {
        verdict->error = *err;
        return false;
    }
    verdict->error = (struct pml_error){ 0 };
    verdict->accepted = true;
    return true;
}

struct pml_trust pml_policy_trust(const struct pml_policy *policy)
{
    return (struct pml_trust){ policy->has_root ? &policy->root : NULL, policy->simulated_roots,
                               policy->simulated_root_count };
}

int64_t pml_policy_grace(const struct pml_policy *policy)
{
    return policy->collateral_grace_period_s > 0 ? policy->collateral_grace_period_s : 0;
}

void pml_policy_input(struct pml_verify_input *in, const struct pml_policy *policy)
{
    in->trust = pml_policy_trust(policy);
    in->allow_debug = policy->allow_debug;
    in->allow_service_td = policy->allow_service_td;
    in->allow_sept_ve = !policy->require_sept_ve_disable;
    in->td_attributes_allowed = &policy->td_attributes_allowed;
    in->grace_s = pml_policy_grace(policy);
    in->compat = policy->compat;
}

bool pml_policy_verify(struct pml_verdict *verdict, const void *quote, size_t quote_size,
                       const struct pml_collateral *collateral, int64_t now, const struct pml_policy *policy,
                       unsigned flags, struct pml_error *err)
{
    struct pml_verify_input in = { .quote = quote, .quote_size = quote_size, .collateral = collateral, .now = now };
    pml_policy_input(&in, policy);
    return pml_quote_verify(verdict, &in, err) && pml_policy_apply(verdict, policy, flags, err);
}
