/* SPDX-License-Identifier: MIT */
/* Bodies of POST /verify and POST /v1/quote: whatever comes in, what goes out is one JSON object with a status that
 * fits, and nothing is accepted or valid, because no such root is trusted. */
#include <assert.h>
#include <stdlib.h>

#include "base/json.h"
#include "verifier/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(struct pml_answer *answer, const char *never_true)
{
    struct pml_error err;
    assert(answer->status == 200 || answer->status == 400 || answer->status == 422);
    assert(answer->body && answer->outcome != PML_OUTCOME_ACCEPTED);
    json_t *object = pml_json_load(answer->body, answer->size, &err);
    assert(json_is_object(object));
    assert(!json_is_true(json_object_get(object, never_true)));
    assert((answer->status == 200) == (json_object_get(object, never_true) != NULL));
    json_decref(object);
    free(answer->body);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct pml_error err;
    struct pml_answer answer;
    struct pml_bundles *bundles = pml_bundles_new(&err);
    struct pml_judge judge = { .bundles = bundles, .allow_time_override = true };
    pml_policy_init(&judge.policy);
    pml_judge_dstack(&judge, (const char *)bytes, size, 1771977600, &answer);
    check(&answer, "is_valid");
    pml_judge_quote(&judge, (const char *)bytes, size, 1771977600, &answer);
    check(&answer, "accepted");
    pml_policy_free(&judge.policy);
    pml_bundles_free(bundles);
    return 0;
}
