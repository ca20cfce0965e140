/* SPDX-License-Identifier: MIT */
/* Running a tree: operators, parts of values, calls, and the statements over them. */
#ifndef PML_ENGINE_JINJA_EVAL_H
#define PML_ENGINE_JINJA_EVAL_H

#include "engine/jinja/parse.h"
#include "engine/jinja/value.h"

/* Variables of a block. A name that is not here is looked for further out, then among the functions. */
struct jinja_scope {
    struct jinja_scope *outer;
    struct jinja_pair_of_name {
        struct jinja_span name;
        struct jinja_value value;
    } * names;
    size_t count, room;
    bool kept; /* a macro refers to it */
};

struct jinja_macro {
    const struct jinja_node *node;
    struct jinja_scope *scope; /* where it was made */
};

struct jinja_arguments {
    struct jinja_value values[16];
    struct jinja_span names[16]; /* of the last NAMED values */
    size_t count, named;
};

void jinja_assign(struct jinja_run *run, struct jinja_scope *scope, struct jinja_span name, struct jinja_value value);

struct jinja_value jinja_evaluate(struct jinja_run *run, const struct jinja_node *node);
void jinja_execute(struct jinja_run *run, const struct jinja_node *statements); /* into run->out */

/* A macro's, function's or method's result; the statements of a macro are run. */
struct jinja_value jinja_call(struct jinja_run *run, struct jinja_value callee,
                              const struct jinja_arguments *arguments);
struct jinja_value jinja_call_builtin(struct jinja_run *run, const struct jinja_builtin *builtin, struct jinja_value in,
                                      const struct jinja_arguments *arguments);

struct jinja_value jinja_binary(struct jinja_run *run, enum jinja_operator op, struct jinja_value a,
                                struct jinja_value b);
bool jinja_compare(struct jinja_run *run, enum jinja_operator op, struct jinja_value a, struct jinja_value b);

/* value.name, which prefers methods, value[key], which prefers elements, and value[from:to:step] with bounds that are
 * none or undefined where they were left out. */
struct jinja_value jinja_get_attribute(struct jinja_run *run, struct jinja_value value, struct jinja_span name);
struct jinja_value jinja_get_item(struct jinja_run *run, struct jinja_value value, struct jinja_value key);
struct jinja_value jinja_slice(struct jinja_run *run, struct jinja_value value, const struct jinja_value bounds[3]);

#endif
