/* SPDX-License-Identifier: MIT */
/* From the bytes of a chat completion request to what the engine is given. Runs on a worker: it may take a while. */
#ifndef PML_SERVE_PROMPT_H
#define PML_SERVE_PROMPT_H

#include "openai/request.h"
#include "serve/workload.h"

struct pml_prompt {
    struct pml_chat_request request;
    struct pml_tokens tokens;
    char template_date[PML_DATE_TEXT]; /* the day that the chat template was told; "": it did not ask */
    bool forwarded; /* the request was understood and reached the engine's front end, even if it is refused there */
};

/* Reads, checks and tokenises; SERVED_AT (unix seconds) is what the template may be told. False: ERR is the refusal,
 * and request.model still says what was asked for when the request could be read. Free with pml_prompt_free in either
 * case. */
PML_CHECKED
bool pml_prompt_prepare(struct pml_prompt *out, const struct pml_workload *workload, const char *body, size_t size,
                        int64_t served_at, struct pml_api_error *err);
void pml_prompt_free(struct pml_prompt *prompt);

#endif
