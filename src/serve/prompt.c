/* SPDX-License-Identifier: MIT */
/* Requests to tokens. */
#include "serve/prompt.h"

#include <string.h>

static bool check_model(const struct pml_prompt *p, const struct pml_workload *w, struct pml_api_error *err)
{
    if (!p->request.model[0] || !strcmp(p->request.model, w->model_id))
        return true;
    return pml_api_fail(err, 404, "invalid_request_error", "model_not_found", "model",
                        "the model does not exist; GET /v1/models names the one that does");
}

static bool overflow(const struct pml_workload *w, size_t tokens, struct pml_api_error *err)
{
    return pml_api_fail(err, 400, "invalid_request_error", "context_length_exceeded", "messages",
                        "This model's maximum context length is %u tokens. However, you requested %zu tokens "
                        "(%zu in the messages, 1 in the completion).",
                        w->info->context_length, tokens + 1, tokens);
}

/* Texts so long that no tokens can be few enough are not worth tokenising. */
static bool check_size(const struct pml_prompt *p, const struct pml_workload *w, struct pml_api_error *err)
{
    size_t size = 0;
    for (size_t i = 0; i < p->request.message_count; i++)
        size += p->request.messages[i].size;
    size_t least = size / w->longest_piece;
    return least < w->info->context_length || overflow(w, least, err);
}

static bool check_bias(const struct pml_prompt *p, const struct pml_workload *w, struct pml_api_error *err)
{
    const struct pml_sampling *s = &p->request.sampling;
    if (s->logit_bias_count && s->logit_bias[s->logit_bias_count - 1].token >= w->info->vocabulary)
        return pml_api_invalid(err, "logit_bias", "logit_bias names a token that the model does not have");
    return true;
}

bool pml_prompt_prepare(struct pml_prompt *p, const struct pml_workload *w, const char *body, size_t size,
                        int64_t served_at, struct pml_api_error *err)
{
    struct pml_error why;
    *p = (struct pml_prompt){ 0 };
    if (!pml_chat_request_parse(&p->request, body, size, err) || !check_model(p, w, err))
        return false;
    if (p->request.wants_sessions)
        return pml_api_fail(err, 412, "session_not_accepted", "session_not_accepted", "provider.aci_session_ids",
                            "this service answers directly and accepts no sessions");
    if (!check_bias(p, w, err))
        return false;
    p->forwarded = true;
    if (!check_size(p, w, err))
        return false;
    if (!pml_chat_template_tokens(w->chat, p->request.messages, p->request.message_count, served_at, p->template_date,
                                  &p->tokens, &why)) {
        if (why.kind == PML_NO)
            return pml_api_invalid(err, "messages", "the messages cannot be made into a prompt");
        return pml_api_fail(err, 500, "server_error", NULL, NULL, "out of memory");
    }
    return p->tokens.count < w->info->context_length || overflow(w, p->tokens.count, err);
}

void pml_prompt_free(struct pml_prompt *p)
{
    pml_chat_request_free(&p->request);
    pml_tokens_free(&p->tokens);
}
