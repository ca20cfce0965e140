/* SPDX-License-Identifier: MIT */
/*
 * Tokens to a tree. Precedence, from loosest: if-else, or, and, not, comparison, + -, ~, * / // %, **, sign, then
 * filters and tests, then calls, attributes and subscripts: Jinja2's. Names of filters and tests are settled here.
 */
#ifndef PML_ENGINE_JINJA_PARSE_H
#define PML_ENGINE_JINJA_PARSE_H

#include "engine/jinja/arena.h"
#include "engine/jinja/value.h"

enum jinja_node_kind { /* with what a, b, c, d and list are */
                       /* expressions */
                       JINJA_CONSTANT,     /* value */
                       JINJA_STRING,       /* name: the text */
                       JINJA_NAME,         /* name */
                       JINJA_LIST_OF,      /* list: elements */
                       JINJA_TUPLE_OF,     /* list: elements */
                       JINJA_DICT_OF,      /* list: NAMED or PAIR nodes */
                       JINJA_PAIR,         /* a: key, b: value */
                       JINJA_ATTRIBUTE,    /* a.name */
                       JINJA_ITEM,         /* a[b] */
                       JINJA_SLICE,        /* a[b:c:d], each may be NULL */
                       JINJA_CALL,         /* a(list) */
                       JINJA_NAMED,        /* argument name=a; parameter of a macro, whose default a may be NULL */
                       JINJA_FILTER,       /* a|builtin(list) */
                       JINJA_TEST,         /* a is builtin(list); negated */
                       JINJA_CAPTURED,     /* the text that a filter block caught */
                       JINJA_NEGATE,       /* -a */
                       JINJA_PLUS,         /* +a */
                       JINJA_NOT,          /* not a */
                       JINJA_AND,          /* a and b */
                       JINJA_OR,           /* a or b */
                       JINJA_CONDITIONAL,  /* b if a else c, which may be NULL */
                       JINJA_BINARY,       /* a op b */
                       JINJA_COMPARE,      /* a, then a list of COMPARE_WITH */
                       JINJA_COMPARE_WITH, /* op a */
                       /* statements, which follow one another by next */
                       JINJA_DATA,         /* name: the text */
                       JINJA_PRINT,        /* a */
                       JINJA_IF,           /* a: condition, list: then, b: the IF of an elif, c: else */
                       JINJA_FOR,          /* a: target, b: over, c: only if, list: body, d: else */
                       JINJA_SET,          /* a: target, b: value */
                       JINJA_SET_BLOCK,    /* a: target, b: filters over CAPTURED, list: body */
                       JINJA_FILTER_BLOCK, /* b: filters over CAPTURED, list: body */
                       JINJA_MACRO_OF,     /* name, a: parameters by next, list: body */
                       JINJA_BLOCK,        /* list */
                       JINJA_BREAK,
                       JINJA_CONTINUE,
};

enum jinja_operator {
    JINJA_OP_ADD,
    JINJA_OP_SUBTRACT,
    JINJA_OP_MULTIPLY,
    JINJA_OP_DIVIDE,
    JINJA_OP_FLOOR_DIVIDE,
    JINJA_OP_MODULO,
    JINJA_OP_POWER,
    JINJA_OP_CONCATENATE,
    JINJA_OP_EQUAL,
    JINJA_OP_UNEQUAL,
    JINJA_OP_LESS,
    JINJA_OP_LESS_EQUAL,
    JINJA_OP_GREATER,
    JINJA_OP_GREATER_EQUAL,
    JINJA_OP_IN,
    JINJA_OP_NOT_IN,
};

struct jinja_node {
    enum jinja_node_kind kind;
    enum jinja_operator op;
    unsigned line;
    bool negated;
    struct jinja_node *a, *b, *c, *d, *list, *next;
    struct jinja_span name;
    struct jinja_value value;
    const struct jinja_builtin *builtin;
};

/* The statements of a template's text, in ARENA. NULL after an error, or for an empty text: *OK tells. */
struct jinja_node *jinja_parse(struct jinja_arena *arena, const char *source, size_t size, bool *ok,
                               struct pml_error *err);

#endif
