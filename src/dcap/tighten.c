/* SPDX-License-Identifier: MIT */
/* One policy made stricter by another. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "dcap/policy.h"

/* --- copies --- */

static bool copy_pin(struct pml_pin *out, const struct pml_pin *pin, size_t size, struct pml_error *err)
{
    *out = (struct pml_pin){ .set = pin->set, .count = pin->count };
    if (!pin->values)
        return true;
    out->values = malloc((pin->count + 1) * size);
    if (!out->values)
        return pml_fail_memory(err);
    memcpy(out->values, pin->values, pin->count * size);
    return true;
}

bool pml_policy_copy(struct pml_policy *out, const struct pml_policy *policy, struct pml_error *err)
{
    PML_AUTO(policy) struct pml_policy p = *policy;
    p.allowed_advisory_ids = json_incref(policy->allowed_advisory_ids);
    p.rejected_advisory_ids = json_incref(policy->rejected_advisory_ids);
    p.simulated_roots = NULL;
    memset(p.pins, 0, sizeof p.pins);
    if (policy->simulated_root_count > 0) {
        size_t size = policy->simulated_root_count * sizeof *p.simulated_roots;
        p.simulated_roots = malloc(size);
        if (!p.simulated_roots)
            return pml_fail_memory(err);
        memcpy(p.simulated_roots, policy->simulated_roots, size);
    }
    for (size_t i = 0; i < PML_PIN_COUNT; i++) {
        if (!copy_pin(&p.pins[i], &policy->pins[i], pml_pin_size((enum pml_pin_name)i), err))
            return false;
    }
    *out = p;
    pml_policy_init(&p); /* what it owned has moved */
    return true;
}

/* --- the stricter of two --- */

static bool lists(const json_t *array, const char *id)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (strcmp(json_string_value(json_array_get(array, i)), id) == 0)
            return true;
    }
    return false;
}

/* The items of A that are in B, or are not. */
static json_t *select_items(const json_t *a, const json_t *b, bool in, struct pml_error *err)
{
    json_t *out = json_array();
    for (size_t i = 0; out && i < json_array_size(a); i++) {
        json_t *item = json_array_get(a, i);
        if (lists(b, json_string_value(item)) == in && json_array_append(out, item) != 0)
            json_decref(pml_take(&out));
    }
    return out ? out : pml_fail_memory(err);
}

static bool tighten_advisories(struct pml_policy *p, const struct pml_policy *asked, struct pml_error *err)
{
    if (asked->allowed_advisory_ids) {
        json_t *allowed = p->allowed_advisory_ids
                              ? select_items(p->allowed_advisory_ids, asked->allowed_advisory_ids, true, err)
                              : json_incref(asked->allowed_advisory_ids);
        if (!allowed)
            return false;
        json_decref(p->allowed_advisory_ids);
        p->allowed_advisory_ids = allowed;
    }
    if (asked->rejected_advisory_ids) {
        json_t *rejected = select_items(asked->rejected_advisory_ids, p->rejected_advisory_ids, false, err);
        if (!rejected)
            return false;
        bool united = !p->rejected_advisory_ids || json_array_extend(rejected, p->rejected_advisory_ids) == 0;
        json_decref(p->rejected_advisory_ids);
        p->rejected_advisory_ids = rejected;
        if (!united)
            return pml_fail_memory(err);
    }
    return true;
}

static bool holds(const struct pml_pin *pin, const uint8_t *value, size_t size)
{
    for (size_t i = 0; i < pin->count; i++) {
        if (memcmp(pin->values + i * size, value, size) == 0)
            return true;
    }
    return false;
}

static bool tighten_pin(struct pml_pin *pin, const struct pml_pin *asked, size_t size, struct pml_error *err)
{
    size_t kept = 0;
    if (!asked->set)
        return true;
    if (!pin->set)
        return copy_pin(pin, asked, size, err);
    for (size_t i = 0; i < pin->count; i++) {
        if (holds(asked, pin->values + i * size, size))
            memmove(pin->values + kept++ * size, pin->values + i * size, size);
    }
    pin->count = kept;
    return true;
}

/* A rule that bounds from above; -1 is none. */
static int64_t lower(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

static void tighten_numbers(struct pml_policy *p, const struct pml_policy *asked)
{
    if (asked->min_tcb_eval_num > p->min_tcb_eval_num)
        p->min_tcb_eval_num = asked->min_tcb_eval_num;
    p->max_collateral_age_s = lower(p->max_collateral_age_s, asked->max_collateral_age_s);
    /* a grace that POLICY does not give cannot be asked for */
    if (p->collateral_grace_period_s >= 0)
        p->collateral_grace_period_s = lower(p->collateral_grace_period_s, asked->collateral_grace_period_s);
}

static bool check_no_looser(const struct pml_policy *p, const struct pml_policy *asked, struct pml_error *err)
{
    if (asked->has_root || asked->simulated_root_count > 0)
        return pml_fail(err, PML_USAGE, "policy_format", "policy: roots cannot be asked for");
    if (asked->compat != PML_COMPAT_INTEL && asked->compat != p->compat)
        return pml_fail(err, PML_USAGE, "policy_format", "policy: compat: not the one in use here");
    return true;
}

bool pml_policy_tighten(struct pml_policy *policy, json_t *object, struct pml_error *err)
{
    PML_AUTO(policy) struct pml_policy asked, p;
    pml_policy_init(&p);
    pml_policy_init(&asked);
    /* what every member allows at most, so that those that are missing take nothing away */
    asked.accept = PML_ACCEPT_ANY;
    asked.allow_debug = asked.allow_service_td = true;
    asked.require_sept_ve_disable = false;
    asked.td_attributes_allowed = UINT64_MAX;
    if (!pml_policy_read(&asked, object, err) || !check_no_looser(policy, &asked, err) ||
        !pml_policy_copy(&p, policy, err) || !tighten_advisories(&p, &asked, err))
        return false;
    p.accept &= asked.accept;
    p.allow_debug &= asked.allow_debug;
    p.allow_service_td &= asked.allow_service_td;
    p.require_sept_ve_disable |= asked.require_sept_ve_disable;
    p.td_attributes_allowed &= asked.td_attributes_allowed;
    tighten_numbers(&p, &asked);
    for (size_t i = 0; i < PML_PIN_COUNT; i++) {
        if (!tighten_pin(&p.pins[i], &asked.pins[i], pml_pin_size((enum pml_pin_name)i), err))
            return false;
    }
    pml_policy_free(policy);
    *policy = p;
    pml_policy_init(&p); /* what it owned has moved */
    return true;
}
