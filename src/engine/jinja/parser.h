/* SPDX-License-Identifier: MIT */
/* What the parsers of statements and of expressions share. Failure is sticky: nodes then are the dummy. */
#ifndef PML_ENGINE_JINJA_PARSER_H
#define PML_ENGINE_JINJA_PARSER_H

#include "engine/jinja/lex.h"
#include "engine/jinja/parse.h"

struct jinja_parser {
    struct jinja_lexer lexer;
    struct jinja_token token; /* the current one */
    struct pml_error *err;
    bool failed;
    unsigned depth;
    size_t loops;             /* that are open in this macro */
    struct jinja_node *dummy; /* of failures, so that nobody meets NULL */
};

void jinja_parse_fail(struct jinja_parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void jinja_parse_next(struct jinja_parser *p);
bool jinja_parse_enter(struct jinja_parser *p); /* one construct deeper; leave in any case */
void jinja_parse_leave(struct jinja_parser *p);
bool jinja_parse_is_name(const struct jinja_parser *p, const char *name);
bool jinja_parse_is_sign(const struct jinja_parser *p, const char *sign);
bool jinja_parse_take(struct jinja_parser *p, const char *sign); /* the sign, if it is the current token */
void jinja_parse_expect(struct jinja_parser *p, const char *sign);
struct jinja_span jinja_parse_span(const struct jinja_parser *p); /* of the current token */
struct jinja_node *jinja_parse_node(struct jinja_parser *p, enum jinja_node_kind kind);

struct jinja_node *jinja_parse_expression(struct jinja_parser *p);
struct jinja_node *jinja_parse_tuple(struct jinja_parser *p, bool conditional);             /* a, or a, b, ... */
struct jinja_node *jinja_parse_filter(struct jinja_parser *p, struct jinja_node *operand);  /* at its name */
struct jinja_node *jinja_parse_filters(struct jinja_parser *p, struct jinja_node *operand); /* |f|g, maybe none */

#endif
