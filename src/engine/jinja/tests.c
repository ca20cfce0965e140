/* SPDX-License-Identifier: MIT */
/* Tests: what can stand behind "is". */
#include <string.h>

#include "base/memory.h"
#include "engine/jinja/eval.h"

typedef struct jinja_value value;

#define TEST(name, condition)                                            \
    static value name(struct jinja_run *run, value in, const value *arg) \
    {                                                                    \
        (void)run;                                                       \
        (void)arg;                                                       \
        (void)in;                                                        \
        return jinja_bool(condition);                                    \
    }

static bool is_whole(struct jinja_run *run, value in)
{
    if (in.kind != JINJA_INT && in.kind != JINJA_BOOL)
        jinja_fail(run, "an integer was expected, not %s", jinja_kind_name(in.kind));
    return !run->failed;
}

static bool is_multiple(struct jinja_run *run, value in, value of)
{
    if (!is_whole(run, in) || !is_whole(run, of))
        return false;
    value rest = jinja_binary(run, JINJA_OP_MODULO, in, of);
    return !run->failed && !jinja_truth(rest);
}

/* Is there a letter, and none from FIRST to FIRST + 25? */
static bool is_case(struct jinja_run *run, value in, char first)
{
    struct jinja_span text = jinja_flat(run, jinja_string(run, in));
    bool letters = false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] >= first && text.bytes[i] < first + 26)
            return false;
        letters |= (text.bytes[i] | 32) >= 'a' && (text.bytes[i] | 32) <= 'z';
    }
    return letters;
}

static bool is_callable(value in)
{
    return in.kind == JINJA_MACRO || in.kind == JINJA_FUNCTION || in.kind == JINJA_METHOD;
}

static bool is_sequence(value in)
{
    return in.kind == JINJA_LIST || in.kind == JINJA_DICT || in.kind == JINJA_TEXT || in.kind == JINJA_UNDEFINED;
}

TEST(defined, in.kind != JINJA_UNDEFINED)
TEST(undefined, in.kind == JINJA_UNDEFINED)
TEST(none, in.kind == JINJA_NONE)
TEST(boolean, in.kind == JINJA_BOOL)
TEST(is_true, in.kind == JINJA_BOOL && in.truth)
TEST(is_false, in.kind == JINJA_BOOL && !in.truth)
TEST(string, in.kind == JINJA_TEXT)
TEST(number, jinja_is_number(in))
TEST(integer, in.kind == JINJA_INT)
TEST(is_float, in.kind == JINJA_FLOAT)
TEST(mapping, in.kind == JINJA_DICT)
TEST(sequence, is_sequence(in))
TEST(iterable, is_sequence(in))
TEST(callable, is_callable(in))
TEST(lower, is_case(run, in, 'A'))
TEST(upper, is_case(run, in, 'a'))
TEST(even, is_multiple(run, in, jinja_int(2)))
TEST(odd, !is_multiple(run, in, jinja_int(2)))
TEST(divisibleby, is_multiple(run, in, arg[0]))
TEST(sameas, in.kind == arg[0].kind && jinja_equal(run, in, arg[0]))
TEST(equal, jinja_compare(run, JINJA_OP_EQUAL, in, arg[0]))
TEST(unequal, jinja_compare(run, JINJA_OP_UNEQUAL, in, arg[0]))
TEST(less, jinja_compare(run, JINJA_OP_LESS, in, arg[0]))
TEST(less_equal, jinja_compare(run, JINJA_OP_LESS_EQUAL, in, arg[0]))
TEST(greater, jinja_compare(run, JINJA_OP_GREATER, in, arg[0]))
TEST(greater_equal, jinja_compare(run, JINJA_OP_GREATER_EQUAL, in, arg[0]))
TEST(is_in, jinja_compare(run, JINJA_OP_IN, in, arg[0]))

static const struct jinja_builtin tests[] = {
    { "defined", defined, { NULL } },
    { "undefined", undefined, { NULL } },
    { "none", none, { NULL } },
    { "boolean", boolean, { NULL } },
    { "true", is_true, { NULL } },
    { "false", is_false, { NULL } },
    { "string", string, { NULL } },
    { "number", number, { NULL } },
    { "integer", integer, { NULL } },
    { "float", is_float, { NULL } },
    { "mapping", mapping, { NULL } },
    { "sequence", sequence, { NULL } },
    { "iterable", iterable, { NULL } },
    { "callable", callable, { NULL } },
    { "lower", lower, { NULL } },
    { "upper", upper, { NULL } },
    { "even", even, { NULL } },
    { "odd", odd, { NULL } },
    { "divisibleby", divisibleby, { "" } },
    { "sameas", sameas, { "" } },
    { "eq", equal, { "" } },
    { "equalto", equal, { "" } },
    { "==", equal, { "" } },
    { "ne", unequal, { "" } },
    { "!=", unequal, { "" } },
    { "lt", less, { "" } },
    { "lessthan", less, { "" } },
    { "<", less, { "" } },
    { "le", less_equal, { "" } },
    { "<=", less_equal, { "" } },
    { "gt", greater, { "" } },
    { "greaterthan", greater, { "" } },
    { ">", greater, { "" } },
    { "ge", greater_equal, { "" } },
    { ">=", greater_equal, { "" } },
    { "in", is_in, { "" } },
};

const struct jinja_builtin *jinja_find_test(const char *name, size_t size)
{
    for (size_t i = 0; i < PML_COUNT(tests); i++) {
        if (strlen(tests[i].name) == size && !memcmp(tests[i].name, name, size))
            return &tests[i];
    }
    return NULL;
}
