/* SPDX-License-Identifier: MIT */
/* What both kinds of request share. */
#include "verifier/judge.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/time.h"

uint8_t *pml_judge_quote_bytes(const char *hex, size_t *size, struct pml_error *err)
{
    if (hex[0] == '0' && (hex[1] == 'x' || hex[1] == 'X'))
        hex += 2;
    size_t digits = strlen(hex);
    PML_AUTO(mem) uint8_t *bytes = malloc(digits / 2 + 1);
    if (!bytes)
        return pml_fail_memory(err);
    if (!pml_unhex(bytes, digits / 2, hex, digits))
        return pml_fail(err, PML_NO, "quote_format", "quote: not hex");
    *size = digits / 2;
    return pml_take(&bytes);
}

const struct pml_collateral *pml_judge_collateral(const struct pml_judge *judge, struct pml_collateral *fetched,
                                                  const void *quote, size_t quote_size, int64_t now,
                                                  struct pml_error *err)
{
    size_t size;
    bool current = false;
    const struct pml_collateral *bundle = pml_bundles_find(judge->bundles, quote, quote_size, now, &current, err);
    if (!judge->source || (bundle && current))
        return bundle;
    struct pml_trust trust = pml_policy_trust(&judge->policy);
    struct pml_when present = { .now = pml_now(), .grace_s = pml_policy_grace(&judge->policy) };
    PML_AUTO(mem)
    char *text = pml_source_for_quote(judge->source, quote, quote_size, &trust, present, false, &size, err);
    if (text && pml_collateral_parse(fetched, text, size, err))
        return fetched;
    return bundle;
}

void pml_answer_json(struct pml_answer *answer, unsigned status, enum pml_outcome_of_request outcome, json_t *object)
{
    struct pml_error ignored;
    *answer = (struct pml_answer){ .status = status, .outcome = outcome };
    if (object)
        answer->body = pml_json_dump(object, &answer->size, &ignored);
    if (!answer->body)
        *answer = (struct pml_answer){ .status = 500, .outcome = PML_OUTCOME_UNKNOWN };
    json_decref(object);
}

void pml_answer_error(struct pml_answer *answer, unsigned status, const char *code, const char *message)
{
    enum pml_outcome_of_request outcome = status < 500 ? PML_OUTCOME_BAD_REQUEST : PML_OUTCOME_UNKNOWN;
    pml_answer_json(answer, status, outcome, json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", message));
}
