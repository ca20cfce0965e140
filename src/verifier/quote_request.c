/* SPDX-License-Identifier: MIT */
/* POST /v1/quote. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/time.h"
#include "verifier/judge.h"

struct quote_request {
    json_t *body;
    uint8_t *quote;
    size_t quote_size;
    json_t *collateral; /* borrowed from the body; NULL: not given */
    int64_t now;
    struct pml_policy policy; /* the judge's, made stricter */
};

/* A member that may be missing or null, which gives NULL. */
static json_t *optional(const struct quote_request *r, const char *name)
{
    json_t *value = json_object_get(r->body, name);
    return json_is_null(value) ? NULL : value;
}

static bool read_time(struct quote_request *r, const struct pml_judge *judge, struct pml_error *err)
{
    const json_t *at = optional(r, "at");
    if (!at)
        return true;
    if (!judge->allow_time_override)
        return pml_fail(err, PML_USAGE, "usage", "at: this service judges as of now only");
    const char *text = json_string_value(at);
    if (!text || strlen(text) != json_string_length(at) || !pml_time_parse(&r->now, text))
        return pml_fail(err, PML_USAGE, "usage", "at: YYYY-MM-DDThh:mm:ssZ is wanted");
    return true;
}

static bool read_quote(struct quote_request *r, struct pml_error *err)
{
    const char *hex = pml_json_text(r->body, "quote", err);
    r->quote = hex ? pml_judge_quote_bytes(hex, &r->quote_size, err) : NULL;
    return r->quote;
}

static bool read_request(struct quote_request *r, const struct pml_judge *judge, const char *body, size_t size,
                         struct pml_error *err)
{
    static const char *const members[] = { "quote", "collateral", "at", "policy", NULL };
    r->body = pml_json_load(body, size, err);
    if (!r->body)
        return false;
    if (!json_is_object(r->body))
        return pml_fail(err, PML_NO, "json", "not an object");
    if (!pml_json_only(r->body, members, err) || !read_quote(r, err) || !read_time(r, judge, err))
        return false;
    r->collateral = optional(r, "collateral");
    if (r->collateral && !json_is_object(r->collateral))
        return pml_fail(err, PML_NO, "json", "collateral: not an object");
    json_t *policy = optional(r, "policy");
    return pml_policy_copy(&r->policy, &judge->policy, err) && (!policy || pml_policy_tighten(&r->policy, policy, err));
}

static bool verify(struct pml_verdict *verdict, const struct quote_request *r, const struct pml_judge *judge,
                   struct pml_error *err)
{
    PML_AUTO(collateral) struct pml_collateral own = { 0 };
    const struct pml_collateral *collateral = NULL;
    if (!r->collateral)
        collateral = pml_judge_collateral(judge, &own, r->quote, r->quote_size, r->now, err);
    else if (pml_collateral_from_json(&own, r->collateral, err))
        collateral = &own;
    if (!collateral) {
        pml_verdict_unknown(verdict, r->quote, r->quote_size, r->now, err);
        return false;
    }
    return pml_policy_verify(verdict, r->quote, r->quote_size, collateral, r->now, &r->policy, 0, err);
}

static enum pml_outcome_of_request outcome_of(const struct pml_verdict *v)
{
    if (v->accepted)
        return PML_OUTCOME_ACCEPTED;
    if (v->ok)
        return PML_OUTCOME_NOT_ACCEPTED;
    return v->error.kind == PML_UNKNOWN ? PML_OUTCOME_UNKNOWN : PML_OUTCOME_NOT_GENUINE;
}

static void answer_request(const struct quote_request *r, const struct pml_judge *judge, struct pml_answer *answer)
{
    struct pml_error err;
    PML_AUTO(verdict) struct pml_verdict verdict = { 0 };
    (void)!verify(&verdict, r, judge, &err); /* the verdict has it all */
    pml_answer_json(answer, 200, outcome_of(&verdict), pml_verdict_json(&verdict, &err));
}

void pml_judge_quote(const struct pml_judge *judge, const char *body, size_t size, int64_t now,
                     struct pml_answer *answer)
{
    struct pml_error err;
    struct quote_request r = { .now = now };
    pml_policy_init(&r.policy);
    if (read_request(&r, judge, body, size, &err))
        answer_request(&r, judge, answer);
    else
        pml_answer_error(answer, err.kind == PML_UNKNOWN ? 500 : 400, err.code, err.text);
    pml_policy_free(&r.policy);
    free(r.quote);
    json_decref(r.body);
}
