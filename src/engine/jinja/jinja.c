/* SPDX-License-Identifier: MIT */
/* Templates from outside: compiled once, rendered with what a request gives. */
#include "engine/jinja/jinja.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/jinja/eval.h"
#include "engine/jinja/lex.h"

struct pml_jinja {
    struct jinja_arena arena;
    struct jinja_node *statements;
    const char *source;
    size_t size;
};

struct pml_jinja *pml_jinja_new(const char *source, size_t size, struct pml_error *err)
{
    bool ok = false;
    if (size > PML_JINJA_SOURCE_MAX)
        return pml_fail(err, PML_NO, "chat_template", "a chat template of more than %u bytes", PML_JINJA_SOURCE_MAX);
    PML_AUTO(jinja) struct pml_jinja *t = calloc(1, sizeof *t);
    if (!t)
        return pml_fail_memory(err);
    t->arena.left = PML_JINJA_MEMORY;
    char *copy = jinja_arena_new(&t->arena, size + 1);
    if (!copy)
        return pml_fail_memory(err);
    if (size)
        memcpy(copy, source, size);
    t->source = copy;
    t->size = size;
    t->statements = jinja_parse(&t->arena, copy, size, &ok, err);
    if (!ok)
        return pml_wrap(err, "chat template");
    return pml_take(&t);
}

void pml_jinja_free(struct pml_jinja *t)
{
    if (!t)
        return;
    jinja_arena_free(&t->arena);
    free(t);
}

void pml_jinja_auto(struct pml_jinja **t)
{
    pml_jinja_free(*t);
}

/* The text was compiled before, so it is read here without errors. */
bool pml_jinja_reads(const struct pml_jinja *t, const char *variable)
{
    struct jinja_arena arena = { .left = PML_JINJA_MEMORY };
    struct jinja_lexer lexer;
    struct jinja_token token = { .kind = JINJA_TOKEN_DATA };
    struct pml_error none;
    bool found = false, behind_dot = false;
    bool ok = jinja_lex_begin(&lexer, &arena, t->source, t->size, &none);
    while (ok && !found && token.kind != JINJA_TOKEN_END && jinja_lex_next(&lexer, &token, &none)) {
        found = token.kind == JINJA_TOKEN_NAME && !behind_dot && token.size == strlen(variable) &&
                !memcmp(token.bytes, variable, token.size);
        behind_dot = token.kind == JINJA_TOKEN_SIGN && *token.bytes == '.';
    }
    jinja_arena_free(&arena);
    return found;
}

/* --- what a rendering is given --- */

static void give(struct jinja_run *run, const char *name, struct jinja_value value)
{
    if (!run->failed)
        jinja_assign(run, run->scope, (struct jinja_span){ name, strlen(name), NULL, 1 }, value);
}

/* A role is a word of the API, not content: templates write control tokens around it, or with it. */
static void mark_role(struct jinja_run *run, struct jinja_value message)
{
    static const char *const words[] = { "system", "developer", "user", "assistant", "tool" };
    static const struct jinja_span name = { "role", 4, NULL, 1 };
    const struct jinja_value *role = message.kind == JINJA_DICT ? jinja_get_name(run, message.dict, name) : NULL;
    if (!role || role->kind != JINJA_TEXT)
        return;
    for (size_t i = 0; i < PML_COUNT(words); i++) {
        if (jinja_span_is(jinja_flat(run, *role), words[i]))
            role->text->flat.mark = 1;
    }
}

static void give_variables(struct jinja_run *run, const json_t *variables)
{
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)variables, name, member) {
        struct jinja_value value = jinja_from_json(run, member, 0);
        for (size_t i = 0;
             !run->failed && !strcmp(name, "messages") && value.kind == JINJA_LIST && i < value.list->count; i++)
            mark_role(run, value.list->items[i]);
        give(run, name, value);
    }
}

static void give_token(struct jinja_run *run, const char *name, const char *text)
{
    if (text)
        give(run, name, jinja_words(run, text));
}

/* --- rendering --- */

static bool finish(struct jinja_run *run, const struct jinja_sink *sink, struct pml_buf *text, struct pml_buf *mask,
                   struct pml_error *err)
{
    if (run->failed)
        return pml_wrap(err, "chat template");
    pml_put_bytes(text, sink->text.bytes, sink->text.size);
    pml_put_bytes(mask, sink->marks.bytes, sink->marks.size);
    return pml_buf_check(text, err) && pml_buf_check(mask, err);
}

static void free_sink(struct jinja_sink *sink)
{
    if (sink->text.bytes)
        pml_wipe(sink->text.bytes, sink->text.room);
    pml_buf_free(&sink->text);
    pml_buf_free(&sink->marks);
}

bool pml_jinja_render(const struct pml_jinja *t, const struct pml_jinja_input *input, struct pml_buf *text,
                      struct pml_buf *mask, bool *read_clock, struct pml_error *err)
{
    struct jinja_sink sink = { 0 };
    struct jinja_scope global = { 0 };
    struct jinja_run run = { .arena = { .left = PML_JINJA_MEMORY },
                             .err = err,
                             .work = PML_JINJA_WORK,
                             .date = input->date,
                             .out = &sink,
                             .scope = &global,
                             .captured = jinja_undefined() };
    give_variables(&run, input->variables);
    give(&run, "add_generation_prompt", jinja_bool(input->add_generation_prompt));
    give_token(&run, "bos_token", input->bos_token);
    give_token(&run, "eos_token", input->eos_token);
    if (!run.failed)
        jinja_execute(&run, t->statements);
    bool done = finish(&run, &sink, text, mask, err);
    if (read_clock)
        *read_clock = run.read_clock;
    free_sink(&sink);
    jinja_arena_free(&run.arena);
    return done;
}
