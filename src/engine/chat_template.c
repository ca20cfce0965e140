/* SPDX-License-Identifier: MIT */
/* A model's chat template. */
#include "engine/chat_template.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/time.h"
#include "engine/jinja/jinja.h"

struct pml_chat_template {
    const struct pml_tokenizer *tokenizer;
    enum pml_chat_family family;
    struct pml_jinja *jinja; /* NULL unless the family is NONE */
    char *bos, *eos;         /* texts of the tokens; NULL: there are none */
    char name[64];
};

/* An empty token's text is left out like one that is not there: it says nothing. */
static bool copy_text(char **out, const struct pml_tokenizer *t, uint32_t id, struct pml_error *err)
{
    struct pml_gguf_text text = { NULL, 0 };
    if (id != PML_NO_TOKEN)
        text = pml_tokenizer_text(t, id);
    if (!text.size)
        return true;
    *out = strndup(text.bytes, text.size);
    return *out || pml_fail_memory(err);
}

static bool compile(struct pml_chat_template *t, const struct pml_gguf *g, struct pml_error *err)
{
    struct pml_gguf_text source = { "", 0 };
    if (!pml_gguf_string(g, "tokenizer.chat_template", PML_OPTIONAL, &source, err))
        return false;
    if (!source.size)
        return pml_fail(err, PML_NO, "chat_template", "the model has no chat template");
    t->jinja = pml_jinja_new(source.bytes, source.size, err);
    return t->jinja && copy_text(&t->bos, t->tokenizer, pml_tokenizer_bos(t->tokenizer), err) &&
           copy_text(&t->eos, t->tokenizer, pml_tokenizer_eos(t->tokenizer), err);
}

struct pml_chat_template *pml_chat_template_new(const struct pml_gguf *g, const struct pml_tokenizer *tokenizer,
                                                struct pml_error *err)
{
    PML_AUTO(chat_template) struct pml_chat_template *t = calloc(1, sizeof *t);
    if (!t)
        return pml_fail_memory(err);
    t->tokenizer = tokenizer;
    if (!pml_chat_family_detect(&t->family, g, err))
        return NULL;
    if (t->family == PML_CHAT_NONE && !compile(t, g, err))
        return NULL;
    snprintf(t->name, sizeof t->name, "%s%s",
             t->jinja ? "jinja" : "builtin:", t->jinja ? "" : pml_chat_family_name(t->family));
    return pml_take(&t);
}

void pml_chat_template_free(struct pml_chat_template *t)
{
    if (!t)
        return;
    pml_jinja_free(t->jinja);
    free(t->bos);
    free(t->eos);
    free(t);
}

void pml_chat_template_auto(struct pml_chat_template **t)
{
    pml_chat_template_free(*t);
}

const char *pml_chat_template_name(const struct pml_chat_template *t)
{
    return t->name;
}

static const char *role_name(enum pml_role role)
{
    static const char *const names[] = { "system", "user", "assistant" };
    return names[role];
}

/* {"messages":[{"role","content"},...]} */
static json_t *build_variables(const struct pml_chat_message *messages, size_t count, struct pml_error *err)
{
    PML_AUTO(json) json_t *list = json_array();
    for (size_t i = 0; i < count && list; i++) {
        json_t *message = json_pack("{s:s, s:o}", "role", role_name(messages[i].role), "content",
                                    json_stringn(messages[i].content, messages[i].size));
        if (!message || json_array_append_new(list, message) != 0)
            return pml_fail_memory(err);
    }
    json_t *variables = list ? json_pack("{s:O}", "messages", list) : NULL;
    return variables ? variables : pml_fail_memory(err);
}

/* Where the template writes the BOS that encoding adds too, its own is left out. */
static size_t doubled_bos(const struct pml_chat_template *t, const struct pml_buf *text, struct pml_error *err)
{
    PML_AUTO(tokens) struct pml_tokens none = { 0 };
    size_t size = t->bos ? strlen(t->bos) : 0;
    if (!size || text->size < size || memcmp(text->bytes, t->bos, size) != 0)
        return 0;
    bool encoded = pml_tokenizer_encode(t->tokenizer, "", 0, (struct pml_encode){ .add_special = true }, &none, err);
    return encoded && none.count && none.ids[0] == pml_tokenizer_bos(t->tokenizer) ? size : 0;
}

static bool render(const struct pml_chat_template *t, const struct pml_chat_message *messages, size_t count,
                   const char *today, bool *read_clock, struct pml_tokens *out, struct pml_error *err)
{
    PML_AUTO(buf) struct pml_buf text = { 0 };
    PML_AUTO(buf) struct pml_buf mask = { 0 };
    PML_AUTO(json) json_t *variables = build_variables(messages, count, err);
    if (!variables)
        return false;
    struct pml_jinja_input input = { variables, t->bos, t->eos, true, today };
    bool done = pml_jinja_render(t->jinja, &input, &text, &mask, read_clock, err);
    if (done && text.size) {
        size_t cut = doubled_bos(t, &text, err);
        done = pml_tokenizer_encode(t->tokenizer, (const char *)text.bytes + cut, text.size - cut,
                                    (struct pml_encode){ .add_special = true, .mask = mask.bytes + cut }, out, err);
    }
    if (text.bytes)
        pml_wipe(text.bytes, text.room);
    return done;
}

bool pml_chat_template_tokens(const struct pml_chat_template *t, const struct pml_chat_message *messages, size_t count,
                              int64_t served_at, char date[PML_DATE_TEXT], struct pml_tokens *out,
                              struct pml_error *err)
{
    char now[PML_TIME_TEXT];
    bool read_clock = false;
    date[0] = 0;
    if (!t->jinja)
        return pml_chat_tokens(t->family, t->tokenizer, messages, count, out, err);
    snprintf(date, PML_DATE_TEXT, "%.10s", pml_time_text(now, served_at));
    if (!render(t, messages, count, date, &read_clock, out, err))
        return false;
    if (!read_clock)
        date[0] = 0;
    return true;
}
