/* SPDX-License-Identifier: MIT */
/* The parser of the template interpreter: expressions, loosest first from the bottom of the file. */
#include <stdarg.h>
#include <string.h>

#include "base/memory.h"
#include "engine/jinja/jinja.h"
#include "engine/jinja/parser.h"

void jinja_parse_fail(struct jinja_parser *p, const char *fmt, ...)
{
    char what[256];
    if (p->failed)
        return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    pml_fail(p->err, PML_NO, "chat_template", "line %u: %s", p->token.line, what);
    p->failed = true;
}

void jinja_parse_next(struct jinja_parser *p)
{
    if (!p->failed && !jinja_lex_next(&p->lexer, &p->token, p->err))
        p->failed = true;
}

bool jinja_parse_enter(struct jinja_parser *p)
{
    if (++p->depth > PML_JINJA_NESTING)
        jinja_parse_fail(p, "nested too deeply");
    return !p->failed;
}

void jinja_parse_leave(struct jinja_parser *p)
{
    p->depth--;
}

static bool is_token(const struct jinja_parser *p, enum jinja_token_kind kind, const char *text)
{
    return !p->failed && p->token.kind == kind && p->token.size == strlen(text) &&
           !memcmp(p->token.bytes, text, p->token.size);
}

bool jinja_parse_is_name(const struct jinja_parser *p, const char *name)
{
    return is_token(p, JINJA_TOKEN_NAME, name);
}

bool jinja_parse_is_sign(const struct jinja_parser *p, const char *sign)
{
    return is_token(p, JINJA_TOKEN_SIGN, sign);
}

bool jinja_parse_take(struct jinja_parser *p, const char *sign)
{
    bool is = jinja_parse_is_sign(p, sign);
    if (is)
        jinja_parse_next(p);
    return is;
}

void jinja_parse_expect(struct jinja_parser *p, const char *sign)
{
    if (!jinja_parse_take(p, sign))
        jinja_parse_fail(p, "\"%s\" was expected", sign);
}

struct jinja_span jinja_parse_span(const struct jinja_parser *p)
{
    return (struct jinja_span){ p->token.bytes, p->token.size, NULL, 1 };
}

struct jinja_node *jinja_parse_node(struct jinja_parser *p, enum jinja_node_kind kind)
{
    struct jinja_node *node = p->failed ? p->dummy : jinja_arena_new(p->lexer.arena, sizeof *node);
    if (!node) {
        if (p->lexer.arena->over_limit)
            jinja_parse_fail(p, "the template needs too much memory");
        else
            pml_fail_memory(p->err);
        p->failed = true;
        node = p->dummy;
    }
    if (!p->failed) {
        node->kind = kind;
        node->line = p->token.line;
    }
    return node;
}

static struct jinja_node *pair(struct jinja_parser *p, enum jinja_node_kind kind, struct jinja_node *a,
                               struct jinja_node *b)
{
    struct jinja_node *node = jinja_parse_node(p, kind);
    node->a = a;
    node->b = b;
    return node;
}

/* The operator of the current sign, if it is among COUNT; takes it. */
static const enum jinja_operator *take_operator(struct jinja_parser *p, const char *const *signs,
                                                const enum jinja_operator *ops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (jinja_parse_take(p, signs[i]))
            return &ops[i];
    }
    return NULL;
}

/* Operators of one level, from left to right. */
static struct jinja_node *left_to_right(struct jinja_parser *p, struct jinja_node *(*operand)(struct jinja_parser *),
                                        const char *const *signs, const enum jinja_operator *ops, size_t count)
{
    struct jinja_node *left = operand(p);
    const enum jinja_operator *op;
    while ((op = take_operator(p, signs, ops, count))) {
        left = pair(p, JINJA_BINARY, left, NULL);
        left->op = *op;
        left->b = operand(p);
    }
    return left;
}

/* --- atoms --- */

/* Elements up to the sign CLOSE, which is taken. */
static struct jinja_node *parse_elements(struct jinja_parser *p, const char *close)
{
    struct jinja_node *first = NULL, **slot = &first;
    while (!p->failed && !jinja_parse_take(p, close)) {
        *slot = jinja_parse_expression(p);
        if (p->failed)
            break;
        slot = &(*slot)->next;
        if (!jinja_parse_is_sign(p, close))
            jinja_parse_expect(p, ",");
    }
    return first;
}

static struct jinja_node *parse_dict(struct jinja_parser *p)
{
    struct jinja_node *node = jinja_parse_node(p, JINJA_DICT_OF), **slot = &node->list;
    while (!p->failed && !jinja_parse_take(p, "}")) {
        struct jinja_node *key = jinja_parse_expression(p);
        jinja_parse_expect(p, ":");
        struct jinja_node *entry = pair(p, JINJA_PAIR, key, NULL);
        entry->b = jinja_parse_expression(p);
        if (p->failed)
            break;
        *slot = entry;
        slot = &entry->next;
        if (!jinja_parse_is_sign(p, "}"))
            jinja_parse_expect(p, ",");
    }
    return node;
}

static struct jinja_node *parse_parenthesis(struct jinja_parser *p)
{
    if (jinja_parse_take(p, ")"))
        return jinja_parse_node(p, JINJA_TUPLE_OF);
    struct jinja_node *inner = jinja_parse_tuple(p, true);
    jinja_parse_expect(p, ")");
    return inner;
}

/* Strings that stand side by side are one. */
static struct jinja_node *parse_string(struct jinja_parser *p)
{
    struct jinja_node *node = jinja_parse_node(p, JINJA_STRING);
    node->name = jinja_parse_span(p);
    jinja_parse_next(p);
    while (!p->failed && p->token.kind == JINJA_TOKEN_STRING) {
        struct jinja_node *more = jinja_parse_node(p, JINJA_STRING);
        more->name = jinja_parse_span(p);
        node = pair(p, JINJA_BINARY, node, more);
        node->op = JINJA_OP_CONCATENATE;
        jinja_parse_next(p);
    }
    return node;
}

static bool constant_of_name(const struct jinja_parser *p, struct jinja_value *out)
{
    if (jinja_parse_is_name(p, "true") || jinja_parse_is_name(p, "True"))
        *out = jinja_bool(true);
    else if (jinja_parse_is_name(p, "false") || jinja_parse_is_name(p, "False"))
        *out = jinja_bool(false);
    else if (jinja_parse_is_name(p, "none") || jinja_parse_is_name(p, "None"))
        *out = jinja_none();
    else
        return false;
    return true;
}

static struct jinja_node *parse_word(struct jinja_parser *p)
{
    struct jinja_node *node = jinja_parse_node(p, JINJA_NAME);
    if (p->token.kind == JINJA_TOKEN_INTEGER || p->token.kind == JINJA_TOKEN_REAL) {
        node->kind = JINJA_CONSTANT;
        node->value = p->token.kind == JINJA_TOKEN_INTEGER ? jinja_int(p->token.integer) : jinja_float(p->token.real);
    } else if (p->token.kind != JINJA_TOKEN_NAME) {
        jinja_parse_fail(p, "an expression was expected");
    } else if (constant_of_name(p, &node->value)) {
        node->kind = JINJA_CONSTANT;
    } else {
        node->name = jinja_parse_span(p);
    }
    jinja_parse_next(p);
    return node;
}

static struct jinja_node *parse_atom(struct jinja_parser *p)
{
    if (p->token.kind == JINJA_TOKEN_STRING)
        return parse_string(p);
    if (jinja_parse_take(p, "("))
        return parse_parenthesis(p);
    if (jinja_parse_take(p, "[")) {
        struct jinja_node *node = jinja_parse_node(p, JINJA_LIST_OF);
        node->list = parse_elements(p, "]");
        return node;
    }
    if (jinja_parse_take(p, "{"))
        return parse_dict(p);
    return parse_word(p);
}

/* --- what follows an atom --- */

/* Behind "(": up to ")", which is taken. By position first, then by name. */
static struct jinja_node *parse_arguments(struct jinja_parser *p)
{
    struct jinja_node *first = NULL, **slot = &first;
    size_t count = 0;
    bool named = false;
    while (!p->failed && !jinja_parse_take(p, ")")) {
        struct jinja_node *argument = jinja_parse_expression(p);
        if (argument->kind == JINJA_NAME && jinja_parse_take(p, "=")) {
            struct jinja_span name = argument->name;
            argument = pair(p, JINJA_NAMED, jinja_parse_expression(p), NULL);
            argument->name = name;
            named = true;
        } else if (named) {
            jinja_parse_fail(p, "an argument by position follows one by name");
        }
        if (++count > PML_JINJA_ARGUMENTS)
            jinja_parse_fail(p, "too many arguments");
        if (p->failed)
            break;
        *slot = argument;
        slot = &argument->next;
        if (!jinja_parse_is_sign(p, ")"))
            jinja_parse_expect(p, ",");
    }
    return first;
}

static struct jinja_node *parse_attribute(struct jinja_parser *p, struct jinja_node *of)
{
    struct jinja_node *node = pair(p, JINJA_ATTRIBUTE, of, NULL);
    if (p->token.kind == JINJA_TOKEN_INTEGER) {
        node->kind = JINJA_ITEM;
        node->b = parse_word(p);
        return node;
    }
    if (p->token.kind != JINJA_TOKEN_NAME)
        jinja_parse_fail(p, "the name of an attribute was expected");
    node->name = jinja_parse_span(p);
    jinja_parse_next(p);
    return node;
}

static bool ends_bound(const struct jinja_parser *p)
{
    return jinja_parse_is_sign(p, ":") || jinja_parse_is_sign(p, "]");
}

static struct jinja_node *parse_subscript(struct jinja_parser *p, struct jinja_node *of)
{
    struct jinja_node *node = pair(p, JINJA_ITEM, of, NULL);
    if (!jinja_parse_is_sign(p, ":"))
        node->b = jinja_parse_expression(p);
    if (jinja_parse_take(p, ":")) {
        node->kind = JINJA_SLICE;
        if (!ends_bound(p))
            node->c = jinja_parse_expression(p);
        if (jinja_parse_take(p, ":") && !ends_bound(p))
            node->d = jinja_parse_expression(p);
    }
    jinja_parse_expect(p, "]");
    return node;
}

static struct jinja_node *parse_call(struct jinja_parser *p, struct jinja_node *of)
{
    struct jinja_node *node = pair(p, JINJA_CALL, of, NULL);
    node->list = parse_arguments(p);
    return node;
}

static struct jinja_node *parse_postfix(struct jinja_parser *p)
{
    struct jinja_node *node = parse_atom(p);
    while (!p->failed) {
        if (jinja_parse_take(p, "."))
            node = parse_attribute(p, node);
        else if (jinja_parse_take(p, "["))
            node = parse_subscript(p, node);
        else if (jinja_parse_take(p, "("))
            node = parse_call(p, node);
        else
            break;
    }
    return node;
}

/* --- filters and tests --- */

static void fail_unknown(struct jinja_parser *p, const char *what)
{
    jinja_parse_fail(p, "there is no %s \"%.*s\"", what, p->token.size > 40 ? 40 : (int)p->token.size, p->token.bytes);
}

struct jinja_node *jinja_parse_filter(struct jinja_parser *p, struct jinja_node *operand)
{
    struct jinja_node *node = pair(p, JINJA_FILTER, operand, NULL);
    if (p->token.kind != JINJA_TOKEN_NAME)
        jinja_parse_fail(p, "the name of a filter was expected");
    else if (!(node->builtin = jinja_find_filter(p->token.bytes, p->token.size)))
        fail_unknown(p, "filter");
    jinja_parse_next(p);
    if (jinja_parse_take(p, "("))
        node->list = parse_arguments(p);
    return node;
}

struct jinja_node *jinja_parse_filters(struct jinja_parser *p, struct jinja_node *operand)
{
    while (jinja_parse_take(p, "|"))
        operand = jinja_parse_filter(p, operand);
    return operand;
}

/* Behind "is". A test that takes an argument may have it without parentheses. */
static struct jinja_node *parse_test(struct jinja_parser *p, struct jinja_node *operand)
{
    struct jinja_node *node = pair(p, JINJA_TEST, operand, NULL);
    if (jinja_parse_is_name(p, "not")) {
        node->negated = true;
        jinja_parse_next(p);
    }
    if (p->token.kind != JINJA_TOKEN_NAME)
        jinja_parse_fail(p, "the name of a test was expected");
    else if (!(node->builtin = jinja_find_test(p->token.bytes, p->token.size)))
        fail_unknown(p, "test");
    jinja_parse_next(p);
    if (jinja_parse_take(p, "("))
        node->list = parse_arguments(p);
    else if (!p->failed && node->builtin->parameters[0])
        node->list = parse_postfix(p);
    return node;
}

static struct jinja_node *parse_signed(struct jinja_parser *p)
{
    enum jinja_node_kind kind = jinja_parse_is_sign(p, "-") ? JINJA_NEGATE : JINJA_PLUS;
    if (!jinja_parse_is_sign(p, "-") && !jinja_parse_is_sign(p, "+"))
        return parse_postfix(p);
    struct jinja_node *node = pair(p, kind, NULL, NULL);
    jinja_parse_next(p);
    if (jinja_parse_enter(p))
        node->a = parse_signed(p);
    jinja_parse_leave(p);
    return node;
}

static struct jinja_node *parse_filtered(struct jinja_parser *p)
{
    struct jinja_node *node = parse_signed(p);
    while (!p->failed) {
        if (jinja_parse_take(p, "|")) {
            node = jinja_parse_filter(p, node);
        } else if (jinja_parse_is_name(p, "is")) {
            jinja_parse_next(p);
            node = parse_test(p, node);
        } else {
            break;
        }
    }
    return node;
}

/* --- operators --- */

static struct jinja_node *parse_power(struct jinja_parser *p)
{
    static const char *const signs[] = { "**" };
    static const enum jinja_operator ops[] = { JINJA_OP_POWER };
    return left_to_right(p, parse_filtered, signs, ops, PML_COUNT(ops));
}

static struct jinja_node *parse_product(struct jinja_parser *p)
{
    static const char *const signs[] = { "*", "/", "//", "%" };
    static const enum jinja_operator ops[] = { JINJA_OP_MULTIPLY, JINJA_OP_DIVIDE, JINJA_OP_FLOOR_DIVIDE,
                                               JINJA_OP_MODULO };
    return left_to_right(p, parse_power, signs, ops, PML_COUNT(ops));
}

static struct jinja_node *parse_concatenation(struct jinja_parser *p)
{
    static const char *const signs[] = { "~" };
    static const enum jinja_operator ops[] = { JINJA_OP_CONCATENATE };
    return left_to_right(p, parse_product, signs, ops, PML_COUNT(ops));
}

static struct jinja_node *parse_sum(struct jinja_parser *p)
{
    static const char *const signs[] = { "+", "-" };
    static const enum jinja_operator ops[] = { JINJA_OP_ADD, JINJA_OP_SUBTRACT };
    return left_to_right(p, parse_concatenation, signs, ops, PML_COUNT(ops));
}

static bool take_comparison(struct jinja_parser *p, enum jinja_operator *out)
{
    static const char *const signs[] = { "==", "!=", "<", "<=", ">", ">=" };
    static const enum jinja_operator ops[] = { JINJA_OP_EQUAL,      JINJA_OP_UNEQUAL, JINJA_OP_LESS,
                                               JINJA_OP_LESS_EQUAL, JINJA_OP_GREATER, JINJA_OP_GREATER_EQUAL };
    const enum jinja_operator *op = take_operator(p, signs, ops, PML_COUNT(ops));
    if (op) {
        *out = *op;
        return true;
    }
    bool negated = jinja_parse_is_name(p, "not"); /* behind an operand only "not in" can follow */
    if (!negated && !jinja_parse_is_name(p, "in"))
        return false;
    if (negated)
        jinja_parse_next(p);
    if (!jinja_parse_is_name(p, "in"))
        jinja_parse_fail(p, "\"in\" was expected");
    jinja_parse_next(p);
    *out = negated ? JINJA_OP_NOT_IN : JINJA_OP_IN;
    return true;
}

static struct jinja_node *parse_comparison(struct jinja_parser *p)
{
    struct jinja_node *first = parse_sum(p), *node = NULL, **slot = NULL;
    enum jinja_operator op;
    while (take_comparison(p, &op)) {
        if (!node) {
            node = pair(p, JINJA_COMPARE, first, NULL);
            slot = &node->list;
        }
        struct jinja_node *with = pair(p, JINJA_COMPARE_WITH, parse_sum(p), NULL);
        with->op = op;
        if (p->failed)
            break;
        *slot = with;
        slot = &with->next;
    }
    return node ? node : first;
}

static struct jinja_node *parse_not(struct jinja_parser *p)
{
    if (!jinja_parse_is_name(p, "not"))
        return parse_comparison(p);
    struct jinja_node *node = pair(p, JINJA_NOT, NULL, NULL);
    jinja_parse_next(p);
    if (jinja_parse_enter(p))
        node->a = parse_not(p);
    jinja_parse_leave(p);
    return node;
}

static struct jinja_node *parse_and(struct jinja_parser *p)
{
    struct jinja_node *left = parse_not(p);
    while (jinja_parse_is_name(p, "and")) {
        jinja_parse_next(p);
        left = pair(p, JINJA_AND, left, parse_not(p));
    }
    return left;
}

static struct jinja_node *parse_or(struct jinja_parser *p)
{
    struct jinja_node *left = parse_and(p);
    while (jinja_parse_is_name(p, "or")) {
        jinja_parse_next(p);
        left = pair(p, JINJA_OR, left, parse_and(p));
    }
    return left;
}

static struct jinja_node *parse_conditional(struct jinja_parser *p, bool conditional)
{
    struct jinja_node *node = p->dummy;
    if (jinja_parse_enter(p)) {
        node = parse_or(p);
        if (conditional && jinja_parse_is_name(p, "if")) {
            jinja_parse_next(p);
            struct jinja_node *condition = parse_or(p);
            node = pair(p, JINJA_CONDITIONAL, condition, node);
            if (jinja_parse_is_name(p, "else")) {
                jinja_parse_next(p);
                node->c = jinja_parse_expression(p);
            }
        }
    }
    jinja_parse_leave(p);
    return node;
}

struct jinja_node *jinja_parse_expression(struct jinja_parser *p)
{
    return parse_conditional(p, true);
}

static bool ends_tuple(const struct jinja_parser *p)
{
    return p->token.kind == JINJA_TOKEN_BLOCK_END || p->token.kind == JINJA_TOKEN_PRINT_END ||
           jinja_parse_is_sign(p, ")") || jinja_parse_is_name(p, "if");
}

struct jinja_node *jinja_parse_tuple(struct jinja_parser *p, bool conditional)
{
    struct jinja_node *first = parse_conditional(p, conditional), **slot = &first->next;
    if (!jinja_parse_is_sign(p, ","))
        return first;
    while (!p->failed && jinja_parse_take(p, ",") && !ends_tuple(p)) {
        struct jinja_node *more = parse_conditional(p, conditional);
        if (p->failed)
            break;
        *slot = more;
        slot = &more->next;
    }
    struct jinja_node *node = jinja_parse_node(p, JINJA_TUPLE_OF);
    node->list = first;
    return node;
}
