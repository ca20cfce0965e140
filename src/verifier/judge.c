/* SPDX-License-Identifier: MIT */
/* What both kinds of request share. */
#include "verifier/judge.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"

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
