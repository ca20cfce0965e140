/* SPDX-License-Identifier: MIT */
/* The parser of the template interpreter: statements. Expressions are in jinja_expression.c. */
#include "engine/jinja/parse.h"

#include <string.h>

#include "base/memory.h"
#include "engine/jinja/jinja.h"
#include "engine/jinja/parser.h"

static const char *const no_ends[] = { NULL };

static struct jinja_node *parse_body(struct jinja_parser *p, const char *const *ends);

/* Takes the end of the tag that is open. */
static void end_tag(struct jinja_parser *p)
{
    if (p->token.kind != JINJA_TOKEN_BLOCK_END)
        jinja_parse_fail(p, "the end of the tag was expected");
    jinja_parse_next(p);
}

/* The body of a block up to its end tag {% NAME %}, which is taken. */
static struct jinja_node *parse_block(struct jinja_parser *p, const char *name)
{
    const char *const ends[] = { name, NULL };
    end_tag(p);
    struct jinja_node *body = parse_body(p, ends);
    jinja_parse_next(p);
    end_tag(p);
    return body;
}

/* The same where loops around it cannot be left: its text goes somewhere else. */
static struct jinja_node *parse_captured_block(struct jinja_parser *p, const char *name)
{
    size_t loops = p->loops;
    p->loops = 0;
    struct jinja_node *body = parse_block(p, name);
    p->loops = loops;
    return body;
}

static struct jinja_node *parse_if(struct jinja_parser *p)
{
    static const char *const ends[] = { "elif", "else", "endif", NULL };
    struct jinja_node *first = NULL, **slot = &first;
    while (!p->failed) { /* an elif chain is as flat as it looks */
        struct jinja_node *node = *slot = jinja_parse_node(p, JINJA_IF);
        jinja_parse_next(p);
        node->a = jinja_parse_expression(p);
        end_tag(p);
        node->list = parse_body(p, ends);
        if (jinja_parse_is_name(p, "elif")) {
            slot = &node->b;
            continue;
        }
        if (jinja_parse_is_name(p, "else")) {
            jinja_parse_next(p);
            node->c = parse_block(p, "endif");
        } else {
            jinja_parse_next(p);
            end_tag(p);
        }
        break;
    }
    return first;
}

static struct jinja_node *parse_target_name(struct jinja_parser *p)
{
    struct jinja_node *node = jinja_parse_node(p, JINJA_NAME);
    if (p->token.kind != JINJA_TOKEN_NAME)
        jinja_parse_fail(p, "a name was expected");
    node->name = jinja_parse_span(p);
    jinja_parse_next(p);
    return node;
}

/* a, or a, b, or (a, b) */
static struct jinja_node *parse_targets(struct jinja_parser *p)
{
    bool parenthesis = jinja_parse_take(p, "(");
    struct jinja_node *first = parse_target_name(p), **slot = &first->next;
    bool tuple = false;
    while (jinja_parse_take(p, ",")) {
        tuple = true;
        if (p->token.kind != JINJA_TOKEN_NAME || jinja_parse_is_name(p, "in"))
            break;
        *slot = parse_target_name(p);
        slot = &(*slot)->next;
    }
    if (parenthesis)
        jinja_parse_expect(p, ")");
    if (!tuple)
        return first;
    struct jinja_node *node = jinja_parse_node(p, JINJA_TUPLE_OF);
    node->list = first;
    return node;
}

static struct jinja_node *parse_for(struct jinja_parser *p)
{
    static const char *const ends[] = { "else", "endfor", NULL };
    struct jinja_node *node = jinja_parse_node(p, JINJA_FOR);
    jinja_parse_next(p);
    node->a = parse_targets(p);
    if (!jinja_parse_is_name(p, "in"))
        jinja_parse_fail(p, "\"in\" was expected");
    jinja_parse_next(p);
    node->b = jinja_parse_tuple(p, false);
    if (jinja_parse_is_name(p, "if")) {
        jinja_parse_next(p);
        node->c = jinja_parse_expression(p);
    }
    if (jinja_parse_is_name(p, "recursive"))
        jinja_parse_fail(p, "recursive loops are not supported");
    end_tag(p);
    p->loops++;
    node->list = parse_body(p, ends);
    p->loops--;
    if (jinja_parse_is_name(p, "else")) {
        jinja_parse_next(p);
        node->d = parse_block(p, "endfor");
    } else {
        jinja_parse_next(p);
        end_tag(p);
    }
    return node;
}

static struct jinja_node *captured(struct jinja_parser *p)
{
    return jinja_parse_node(p, JINJA_CAPTURED);
}

static struct jinja_node *parse_set(struct jinja_parser *p)
{
    struct jinja_node *node = jinja_parse_node(p, JINJA_SET);
    jinja_parse_next(p);
    node->a = parse_targets(p);
    if (node->a->kind == JINJA_NAME && jinja_parse_take(p, ".")) {
        struct jinja_node *attribute = jinja_parse_node(p, JINJA_ATTRIBUTE);
        attribute->a = node->a;
        attribute->name = parse_target_name(p)->name;
        node->a = attribute;
    }
    if (jinja_parse_take(p, "=")) {
        node->b = jinja_parse_tuple(p, true);
        end_tag(p);
        return node;
    }
    node->kind = JINJA_SET_BLOCK;
    node->b = jinja_parse_filters(p, captured(p));
    if (node->a->kind == JINJA_TUPLE_OF)
        jinja_parse_fail(p, "a block cannot be unpacked");
    node->list = parse_captured_block(p, "endset");
    return node;
}

static struct jinja_node *parse_filter_block(struct jinja_parser *p)
{
    struct jinja_node *node = jinja_parse_node(p, JINJA_FILTER_BLOCK);
    jinja_parse_next(p);
    node->b = jinja_parse_filters(p, jinja_parse_filter(p, captured(p)));
    node->list = parse_captured_block(p, "endfilter");
    return node;
}

static struct jinja_node *parse_parameters(struct jinja_parser *p)
{
    struct jinja_node *first = NULL, **slot = &first;
    size_t count = 0;
    jinja_parse_expect(p, "(");
    while (!p->failed && !jinja_parse_take(p, ")")) {
        *slot = jinja_parse_node(p, JINJA_NAMED);
        (*slot)->name = parse_target_name(p)->name;
        if (jinja_parse_take(p, "="))
            (*slot)->a = jinja_parse_expression(p);
        slot = &(*slot)->next;
        if (++count > PML_JINJA_ARGUMENTS)
            jinja_parse_fail(p, "too many parameters");
        if (!jinja_parse_is_sign(p, ")"))
            jinja_parse_expect(p, ",");
    }
    return first;
}

static struct jinja_node *parse_macro(struct jinja_parser *p)
{
    struct jinja_node *node = jinja_parse_node(p, JINJA_MACRO_OF);
    jinja_parse_next(p);
    node->name = parse_target_name(p)->name;
    node->a = parse_parameters(p);
    node->list = parse_captured_block(p, "endmacro");
    return node;
}

/* Marks what an assistant said, for training; renders as if it were not there. */
static struct jinja_node *parse_generation(struct jinja_parser *p)
{
    struct jinja_node *node = jinja_parse_node(p, JINJA_BLOCK);
    jinja_parse_next(p);
    node->list = parse_block(p, "endgeneration");
    return node;
}

static struct jinja_node *parse_jump(struct jinja_parser *p)
{
    bool is_break = jinja_parse_is_name(p, "break");
    struct jinja_node *node = jinja_parse_node(p, is_break ? JINJA_BREAK : JINJA_CONTINUE);
    if (!p->loops)
        jinja_parse_fail(p, "there is no loop here");
    jinja_parse_next(p);
    end_tag(p);
    return node;
}

static const struct {
    const char *name;
    struct jinja_node *(*parse)(struct jinja_parser *);
} statements[] = {
    { "if", parse_if },
    { "for", parse_for },
    { "set", parse_set },
    { "macro", parse_macro },
    { "filter", parse_filter_block },
    { "generation", parse_generation },
    { "break", parse_jump },
    { "continue", parse_jump },
};

/* At the name of a statement. */
static struct jinja_node *parse_statement(struct jinja_parser *p)
{
    struct jinja_node *node = p->dummy;
    if (!jinja_parse_enter(p))
        return node;
    size_t i = 0;
    while (i < PML_COUNT(statements) && !jinja_parse_is_name(p, statements[i].name))
        i++;
    if (i < PML_COUNT(statements))
        node = statements[i].parse(p);
    else if (p->token.kind == JINJA_TOKEN_NAME)
        jinja_parse_fail(p, "\"%.*s\" is not supported here", p->token.size > 40 ? 40 : (int)p->token.size,
                         p->token.bytes);
    else
        jinja_parse_fail(p, "a statement was expected");
    jinja_parse_leave(p);
    return node;
}

static struct jinja_node *parse_print(struct jinja_parser *p)
{
    struct jinja_node *node = jinja_parse_node(p, JINJA_PRINT);
    jinja_parse_next(p);
    node->a = jinja_parse_tuple(p, true);
    if (p->token.kind != JINJA_TOKEN_PRINT_END)
        jinja_parse_fail(p, "\"}}\" was expected");
    jinja_parse_next(p);
    return node;
}

static bool is_end(const struct jinja_parser *p, const char *const *ends)
{
    for (; *ends; ends++) {
        if (jinja_parse_is_name(p, *ends))
            return true;
    }
    return false;
}

/* Statements up to a tag that begins with one of the names, which becomes the current token; or to the end of the text
 * if there are no names. */
static struct jinja_node *parse_body(struct jinja_parser *p, const char *const *ends)
{
    struct jinja_node *first = NULL, **slot = &first;
    while (!p->failed) {
        struct jinja_node *node = NULL;
        if (p->token.kind == JINJA_TOKEN_END) {
            if (*ends)
                jinja_parse_fail(p, "the text ends inside a block");
            break;
        }
        if (p->token.kind == JINJA_TOKEN_DATA) {
            node = jinja_parse_node(p, JINJA_DATA);
            node->name = jinja_parse_span(p);
            jinja_parse_next(p);
        } else if (p->token.kind == JINJA_TOKEN_PRINT) {
            node = parse_print(p);
        } else {
            jinja_parse_next(p);
            if (is_end(p, ends))
                break;
            node = parse_statement(p);
        }
        if (!p->failed) {
            *slot = node;
            slot = &node->next;
        }
    }
    return first;
}

struct jinja_node *jinja_parse(struct jinja_arena *arena, const char *source, size_t size, bool *ok,
                               struct pml_error *err)
{
    struct jinja_node *body = NULL;
    struct jinja_parser p = { .err = err, .failed = true };
    if (jinja_lex_begin(&p.lexer, arena, source, size, err) && (p.dummy = jinja_arena_new(arena, sizeof *p.dummy))) {
        p.failed = false;
        jinja_parse_next(&p);
        body = parse_body(&p, no_ends);
    }
    *ok = !p.failed;
    return p.failed ? NULL : body;
}
