/* SPDX-License-Identifier: MIT */
/* The template interpreter proper: expressions, calls and statements. */
#include "engine/jinja/eval.h"

#include <string.h>

#include "base/memory.h"
#include "engine/jinja/jinja.h"

_Static_assert(PML_JINJA_ARGUMENTS == PML_COUNT(((struct jinja_arguments *)0)->values), "arguments of a call");

/* --- scopes --- */

static struct jinja_value *find_here(struct jinja_run *run, const struct jinja_scope *scope, struct jinja_span name)
{
    if (!jinja_work(run, scope->count))
        return NULL;
    for (size_t i = 0; i < scope->count; i++) {
        if (scope->names[i].name.size == name.size && !memcmp(scope->names[i].name.bytes, name.bytes, name.size))
            return &scope->names[i].value;
    }
    return NULL;
}

void jinja_assign(struct jinja_run *run, struct jinja_scope *scope, struct jinja_span name, struct jinja_value value)
{
    struct jinja_value *found = find_here(run, scope, name);
    if (run->failed)
        return;
    if (found) {
        *found = value;
        return;
    }
    if (scope->count == scope->room) {
        size_t room = scope->room ? 2 * scope->room : 8;
        struct jinja_pair_of_name *names = jinja_new(run, room * sizeof *names);
        if (!names)
            return;
        if (scope->count)
            memcpy(names, scope->names, scope->count * sizeof *names);
        scope->names = names;
        scope->room = room;
    }
    scope->names[scope->count++] = (struct jinja_pair_of_name){ name, value };
}

static struct jinja_value look_up(struct jinja_run *run, struct jinja_span name)
{
    for (struct jinja_scope *scope = run->scope; scope && !run->failed; scope = scope->outer) {
        struct jinja_value *found = find_here(run, scope, name);
        if (found)
            return *found;
    }
    const struct jinja_builtin *function = jinja_find_function(name.bytes, name.size);
    if (function)
        return (struct jinja_value){ .kind = JINJA_FUNCTION, .given = true, .function = function };
    return jinja_undefined();
}

static struct jinja_scope *open_scope(struct jinja_run *run, struct jinja_scope *outer)
{
    struct jinja_scope *scope = jinja_new(run, sizeof *scope);
    if (scope) {
        scope->outer = outer;
        run->scope = scope;
    }
    return scope;
}

/* --- calls --- */

static struct jinja_value named_as_dict(struct jinja_run *run, const struct jinja_arguments *a)
{
    struct jinja_value dict = jinja_dict(run, JINJA_DICT, a->named);
    for (size_t i = a->count - a->named; i < a->count && !run->failed; i++)
        jinja_set(run, dict.dict, jinja_text(run, a->names[i]), a->values[i]);
    return dict;
}

/* Where argument I of a call goes among the parameters of a builtin; JINJA_PARAMETERS: nowhere. */
static size_t parameter_of(const struct jinja_builtin *builtin, const struct jinja_arguments *a, size_t i)
{
    size_t slot = 0;
    if (i < a->count - a->named)
        return i < JINJA_PARAMETERS && builtin->parameters[i] ? i : JINJA_PARAMETERS;
    while (slot < JINJA_PARAMETERS && builtin->parameters[slot] &&
           (!builtin->parameters[slot][0] || !jinja_span_is(a->names[i], builtin->parameters[slot])))
        slot++;
    return slot < JINJA_PARAMETERS && builtin->parameters[slot] ? slot : JINJA_PARAMETERS;
}

struct jinja_value jinja_call_builtin(struct jinja_run *run, const struct jinja_builtin *builtin, struct jinja_value in,
                                      const struct jinja_arguments *a)
{
    struct jinja_value arg[JINJA_PARAMETERS] = { 0 };
    bool all_named = builtin->parameters[0] && !strcmp(builtin->parameters[0], JINJA_ALL_NAMED);
    if (all_named)
        arg[0] = named_as_dict(run, a);
    for (size_t i = 0; i < a->count - (all_named ? a->named : 0) && !run->failed; i++) {
        size_t slot = all_named ? i + 1 : parameter_of(builtin, a, i);
        if (slot >= JINJA_PARAMETERS || !builtin->parameters[slot] || arg[slot].given)
            return jinja_fail(run, "\"%s\" was given an argument that it does not have", builtin->name);
        arg[slot] = a->values[i];
        arg[slot].given = true;
    }
    return run->failed ? jinja_undefined() : builtin->apply(run, in, arg);
}

struct jinja_value jinja_apply(struct jinja_run *run, const struct jinja_builtin *builtin, struct jinja_value in,
                               const struct jinja_value *arg, size_t count)
{
    struct jinja_arguments arguments = { .count = 0 };
    struct jinja_value result = jinja_undefined();
    while (arguments.count < count && arg[arguments.count].given) {
        arguments.values[arguments.count] = arg[arguments.count];
        arguments.count++;
    }
    if (jinja_enter(run)) /* a filter may name a filter that names a filter */
        result = jinja_call_builtin(run, builtin, in, &arguments);
    jinja_leave(run);
    return result;
}

/* The argument for a parameter by its place or its name; NULL: none. */
static const struct jinja_value *argument_for(const struct jinja_arguments *a, size_t place, struct jinja_span name)
{
    size_t placed = a->count - a->named;
    if (place < placed)
        return &a->values[place];
    for (size_t i = placed; i < a->count; i++) {
        if (!jinja_span_order(a->names[i], name))
            return &a->values[i];
    }
    return NULL;
}

static void bind_parameters(struct jinja_run *run, const struct jinja_macro *macro, const struct jinja_arguments *a)
{
    size_t place = 0, used = 0;
    for (const struct jinja_node *p = macro->node->a; p; p = p->next) {
        const struct jinja_value *given = argument_for(a, place++, p->name);
        used += given != NULL;
        jinja_assign(run, run->scope, p->name, given ? *given : p->a ? jinja_evaluate(run, p->a) : jinja_undefined());
    }
    if (used < a->count)
        jinja_fail(run, "a macro was given an argument that it does not have");
}

/* Runs statements in a scope of their own and returns the text they make. */
static struct jinja_value capture(struct jinja_run *run, const struct jinja_node *statements)
{
    struct jinja_sink sink = { 0 }, *out = run->out;
    run->out = &sink;
    jinja_execute(run, statements);
    run->out = out;
    return jinja_sink_take(run, &sink);
}

static struct jinja_value call_macro(struct jinja_run *run, const struct jinja_macro *macro,
                                     const struct jinja_arguments *a)
{
    struct jinja_scope *caller = run->scope;
    struct jinja_value result = jinja_undefined();
    size_t loops = run->loops;
    run->loops = 0;
    if (open_scope(run, macro->scope)) {
        bind_parameters(run, macro, a);
        result = capture(run, macro->node->list);
    }
    run->loops = loops;
    run->scope = caller;
    return result;
}

struct jinja_value jinja_call(struct jinja_run *run, struct jinja_value callee, const struct jinja_arguments *a)
{
    if (run->failed)
        return jinja_undefined();
    switch (callee.kind) {
    case JINJA_MACRO: return call_macro(run, callee.macro, a);
    case JINJA_FUNCTION: return jinja_call_builtin(run, callee.function, jinja_undefined(), a);
    case JINJA_METHOD: return jinja_call_builtin(run, callee.method->function, callee.method->self, a);
    default: return jinja_fail(run, "%s cannot be called", jinja_kind_name(callee.kind));
    }
}

static void evaluate_arguments(struct jinja_run *run, const struct jinja_node *list, struct jinja_arguments *out)
{
    out->count = out->named = 0;
    for (const struct jinja_node *node = list; node && !run->failed; node = node->next) {
        bool named = node->kind == JINJA_NAMED;
        out->names[out->count] = node->name;
        out->named += named;
        out->values[out->count++] = jinja_evaluate(run, named ? node->a : node);
    }
}

/* --- expressions --- */

static struct jinja_value evaluate_list(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_value list = jinja_list(run, 0);
    for (const struct jinja_node *item = node->list; item && !run->failed; item = item->next)
        jinja_append(run, list.list, jinja_evaluate(run, item));
    if (!run->failed)
        list.list->tuple = node->kind == JINJA_TUPLE_OF;
    return list;
}

static struct jinja_value evaluate_dict(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_value dict = jinja_dict(run, JINJA_DICT, 0);
    for (const struct jinja_node *pair = node->list; pair && !run->failed; pair = pair->next) {
        struct jinja_value key = jinja_evaluate(run, pair->a), value = jinja_evaluate(run, pair->b);
        if (!run->failed)
            jinja_set(run, dict.dict, key, value);
    }
    return dict;
}

static struct jinja_value evaluate_slice(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_value of = jinja_evaluate(run, node->a);
    struct jinja_value bounds[3] = {
        node->b ? jinja_evaluate(run, node->b) : jinja_none(),
        node->c ? jinja_evaluate(run, node->c) : jinja_none(),
        node->d ? jinja_evaluate(run, node->d) : jinja_none(),
    };
    return jinja_slice(run, of, bounds);
}

/* Apart from the rest, whose frames need no room for arguments. */
static __attribute__((noinline)) struct jinja_value evaluate_call(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_arguments arguments;
    struct jinja_value callee = jinja_evaluate(run, node->a);
    evaluate_arguments(run, node->list, &arguments);
    run->line = node->line;
    return node->builtin ? jinja_call_builtin(run, node->builtin, callee, &arguments)
                         : jinja_call(run, callee, &arguments);
}

static struct jinja_value evaluate_comparison(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_value left = jinja_evaluate(run, node->a);
    bool holds = true;
    for (const struct jinja_node *with = node->list; with && holds && !run->failed; with = with->next) {
        struct jinja_value right = jinja_evaluate(run, with->a);
        run->line = with->line;
        holds = jinja_compare(run, with->op, left, right);
        left = right;
    }
    return jinja_bool(holds);
}

static struct jinja_value evaluate_sign(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_value value = jinja_evaluate(run, node->a);
    if (run->failed)
        return value;
    if (!jinja_is_number(value))
        return jinja_fail(run, "%s has no sign", jinja_kind_name(value.kind));
    if (node->kind == JINJA_PLUS)
        return value;
    return value.kind == JINJA_FLOAT ? jinja_float(-value.real)
                                     : jinja_binary(run, JINJA_OP_SUBTRACT, jinja_int(0), value);
}

static struct jinja_value evaluate_binary(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_value a = jinja_evaluate(run, node->a);
    if (node->kind == JINJA_BINARY) {
        struct jinja_value b = jinja_evaluate(run, node->b);
        run->line = node->line;
        return jinja_binary(run, node->op, a, b);
    }
    if (run->failed || jinja_truth(a) == (node->kind == JINJA_OR))
        return a;
    return jinja_evaluate(run, node->b);
}

static struct jinja_value evaluate_conditional(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_value condition = jinja_evaluate(run, node->a);
    if (!run->failed && jinja_truth(condition))
        return jinja_evaluate(run, node->b);
    return node->c ? jinja_evaluate(run, node->c) : jinja_undefined();
}

static struct jinja_value evaluate_test(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_value result = evaluate_call(run, node);
    return jinja_bool(!run->failed && jinja_truth(result) != node->negated);
}

static struct jinja_value evaluate_item(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_value of = jinja_evaluate(run, node->a), key = jinja_evaluate(run, node->b);
    return jinja_get_item(run, of, key);
}

static struct jinja_value evaluate_node(struct jinja_run *run, const struct jinja_node *node)
{
    switch (node->kind) {
    case JINJA_CONSTANT: return node->value;
    case JINJA_STRING: return jinja_text(run, node->name);
    case JINJA_NAME: return look_up(run, node->name);
    case JINJA_LIST_OF:
    case JINJA_TUPLE_OF: return evaluate_list(run, node);
    case JINJA_DICT_OF: return evaluate_dict(run, node);
    case JINJA_ATTRIBUTE: return jinja_get_attribute(run, jinja_evaluate(run, node->a), node->name);
    case JINJA_ITEM: return evaluate_item(run, node);
    case JINJA_SLICE: return evaluate_slice(run, node);
    case JINJA_CALL:
    case JINJA_FILTER: return evaluate_call(run, node);
    case JINJA_TEST: return evaluate_test(run, node);
    case JINJA_CAPTURED: return run->captured;
    case JINJA_NEGATE:
    case JINJA_PLUS: return evaluate_sign(run, node);
    case JINJA_NOT: return jinja_bool(!jinja_truth(jinja_evaluate(run, node->a)));
    case JINJA_AND:
    case JINJA_OR:
    case JINJA_BINARY: return evaluate_binary(run, node);
    case JINJA_CONDITIONAL: return evaluate_conditional(run, node);
    case JINJA_COMPARE: return evaluate_comparison(run, node);
    default: return jinja_fail(run, "this is no expression");
    }
}

struct jinja_value jinja_evaluate(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_value value = jinja_undefined();
    if (jinja_enter(run)) {
        run->line = node->line;
        value = evaluate_node(run, node);
        value.given = true;
    }
    jinja_leave(run);
    return run->failed ? jinja_undefined() : value;
}

/* --- statements --- */

enum flow { GO_ON, BREAK, CONTINUE };

static enum flow execute(struct jinja_run *run, const struct jinja_node *statements);

static void assign_target(struct jinja_run *run, const struct jinja_node *target, struct jinja_value value)
{
    if (target->kind == JINJA_NAME) {
        jinja_assign(run, run->scope, target->name, value);
        return;
    }
    if (target->kind == JINJA_ATTRIBUTE) {
        struct jinja_value of = jinja_evaluate(run, target->a);
        if (!run->failed && of.kind != JINJA_NAMESPACE)
            jinja_fail(run, "only attributes of a namespace can be set");
        if (!run->failed)
            jinja_set(run, of.dict, jinja_text(run, target->name), value);
        return;
    }
    const struct jinja_list *items = jinja_elements(run, value);
    size_t i = 0;
    for (const struct jinja_node *name = target->list; name && !run->failed; name = name->next, i++) {
        if (i == items->count || (!name->next && i + 1 < items->count))
            jinja_fail(run, "a value has another number of elements than there are names for it");
        else
            jinja_assign(run, run->scope, name->name, items->items[i]);
    }
}

/* A scope for the next round: the last one, emptied, unless a macro refers to it. */
static void next_round(struct jinja_run *run, struct jinja_scope *outer)
{
    if (run->scope != outer && !run->scope->kept)
        run->scope->count = 0;
    else
        open_scope(run, outer);
}

static struct jinja_value filtered_items(struct jinja_run *run, const struct jinja_node *node,
                                         const struct jinja_list *all)
{
    struct jinja_scope *outer = run->scope;
    struct jinja_value kept = jinja_list(run, node->c ? 0 : all->count);
    size_t count = all->count; /* the list may grow meanwhile */
    for (size_t i = 0; i < count && jinja_work(run, 0); i++) {
        if (node->c) {
            next_round(run, outer);
            assign_target(run, node->a, all->items[i]);
            if (!jinja_truth(jinja_evaluate(run, node->c)))
                continue;
        }
        if (!run->failed)
            jinja_append(run, kept.list, all->items[i]);
    }
    run->scope = outer;
    return kept;
}

static void execute_rounds(struct jinja_run *run, const struct jinja_node *node, struct jinja_loop *loop)
{
    static const struct jinja_span name = { "loop", 4, NULL, 1 };
    struct jinja_value value = { .kind = JINJA_LOOP, .given = true, .loop = loop };
    struct jinja_scope *outer = run->scope;
    enum flow flow = GO_ON;
    loop->depth = ++run->loops;
    for (; loop->at < loop->items->count && flow != BREAK && jinja_work(run, 0); loop->at++) {
        next_round(run, outer);
        if (run->failed)
            break;
        jinja_assign(run, run->scope, name, value);
        assign_target(run, node->a, loop->items->items[loop->at]);
        flow = execute(run, node->list);
    }
    run->loops--;
    run->scope = outer;
}

static enum flow execute_for(struct jinja_run *run, const struct jinja_node *node)
{
    const struct jinja_list *all = jinja_elements(run, jinja_evaluate(run, node->b));
    struct jinja_value items = filtered_items(run, node, all);
    struct jinja_loop *loop = jinja_new(run, sizeof *loop);
    if (!loop)
        return GO_ON;
    loop->items = items.list;
    execute_rounds(run, node, loop);
    return loop->items->count ? GO_ON : execute(run, node->d);
}

static enum flow execute_if(struct jinja_run *run, const struct jinja_node *node)
{
    while (node && !run->failed) {
        if (jinja_truth(jinja_evaluate(run, node->a)))
            return execute(run, node->list);
        if (!node->b)
            return execute(run, node->c);
        node = node->b;
    }
    return GO_ON;
}

static void execute_macro(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_macro *macro = jinja_new(run, sizeof *macro);
    if (!macro)
        return;
    *macro = (struct jinja_macro){ node, run->scope };
    for (struct jinja_scope *scope = run->scope; scope && !scope->kept; scope = scope->outer)
        scope->kept = true;
    jinja_assign(run, run->scope, node->name,
                 (struct jinja_value){ .kind = JINJA_MACRO, .given = true, .macro = macro });
}

/* What a block's text becomes after its filters. */
static struct jinja_value filtered_block(struct jinja_run *run, const struct jinja_node *node)
{
    struct jinja_scope *outer = run->scope;
    struct jinja_value before = run->captured, text = jinja_undefined();
    if (open_scope(run, outer))
        text = capture(run, node->list);
    run->scope = outer;
    run->captured = text;
    struct jinja_value result = jinja_evaluate(run, node->b);
    run->captured = before;
    return result;
}

static enum flow execute_statement(struct jinja_run *run, const struct jinja_node *node)
{
    run->line = node->line;
    switch (node->kind) {
    case JINJA_DATA: jinja_put(run, run->out, node->name); break;
    case JINJA_PRINT: jinja_put_string(run, run->out, jinja_evaluate(run, node->a)); break;
    case JINJA_IF: return execute_if(run, node);
    case JINJA_FOR: return execute_for(run, node);
    case JINJA_SET: assign_target(run, node->a, jinja_evaluate(run, node->b)); break;
    case JINJA_SET_BLOCK: assign_target(run, node->a, filtered_block(run, node)); break;
    case JINJA_FILTER_BLOCK: jinja_put_string(run, run->out, filtered_block(run, node)); break;
    case JINJA_MACRO_OF: execute_macro(run, node); break;
    case JINJA_BLOCK: return execute(run, node->list);
    case JINJA_BREAK: return BREAK;
    case JINJA_CONTINUE: return CONTINUE;
    default: jinja_fail(run, "this is no statement"); break;
    }
    return GO_ON;
}

static enum flow execute(struct jinja_run *run, const struct jinja_node *statements)
{
    enum flow flow = GO_ON;
    if (jinja_enter(run)) {
        for (const struct jinja_node *node = statements; node && flow == GO_ON && jinja_work(run, 0); node = node->next)
            flow = execute_statement(run, node);
    }
    jinja_leave(run);
    return flow;
}

void jinja_execute(struct jinja_run *run, const struct jinja_node *statements)
{
    (void)execute(run, statements);
}
