/* SPDX-License-Identifier: MIT */
/* Operators of the template interpreter, with Python's meanings. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "engine/jinja/jinja.h"
#include "engine/jinja/eval.h"

static struct jinja_value fail_operands(struct jinja_run *run, struct jinja_value a, struct jinja_value b)
{
    return jinja_fail(run, "this cannot be done with %s and %s", jinja_kind_name(a.kind), jinja_kind_name(b.kind));
}

static struct jinja_value float_result(struct jinja_run *run, double result)
{
    return isfinite(result) ? jinja_float(result) : jinja_fail(run, "a number is out of range");
}

static struct jinja_value float_arithmetic(struct jinja_run *run, enum jinja_operator op, double a, double b)
{
    switch (op) {
    case JINJA_OP_ADD: return float_result(run, a + b);
    case JINJA_OP_SUBTRACT: return float_result(run, a - b);
    case JINJA_OP_MULTIPLY: return float_result(run, a * b);
    case JINJA_OP_DIVIDE: return float_result(run, a / b);
    case JINJA_OP_FLOOR_DIVIDE: return float_result(run, floor(a / b));
    default: return float_result(run, a - floor(a / b) * b);
    }
}

/* By squaring; PML_JINJA_WORK is no issue: 64 rounds at most. */
static bool integer_power(int64_t base, int64_t exponent, int64_t *out)
{
    *out = 1;
    while (exponent > 0) {
        if (exponent & 1 && __builtin_mul_overflow(*out, base, out))
            return false;
        exponent >>= 1;
        if (exponent && __builtin_mul_overflow(base, base, &base))
            return false;
    }
    return true;
}

static struct jinja_value integer_arithmetic(struct jinja_run *run, enum jinja_operator op, int64_t a, int64_t b)
{
    int64_t result = 0;
    bool overflows = false;
    switch (op) {
    case JINJA_OP_ADD: overflows = __builtin_add_overflow(a, b, &result); break;
    case JINJA_OP_SUBTRACT: overflows = __builtin_sub_overflow(a, b, &result); break;
    case JINJA_OP_MULTIPLY: overflows = __builtin_mul_overflow(a, b, &result); break;
    case JINJA_OP_DIVIDE: return float_result(run, (double)a / (double)b);
    case JINJA_OP_POWER: overflows = b < 0 || !integer_power(a, b, &result); break;
    case JINJA_OP_FLOOR_DIVIDE:
        overflows = a == INT64_MIN && b == -1;
        result = overflows ? 0 : a / b - (a % b != 0 && (a < 0) != (b < 0));
        break;
    default:
        result = b == -1 ? 0 : a % b;
        result += result && (result < 0) != (b < 0) ? b : 0;
        break;
    }
    return overflows ? jinja_fail(run, "a number is out of range") : jinja_int(result);
}

static struct jinja_value arithmetic(struct jinja_run *run, enum jinja_operator op, struct jinja_value a,
                                     struct jinja_value b)
{
    bool divides = op == JINJA_OP_DIVIDE || op == JINJA_OP_FLOOR_DIVIDE || op == JINJA_OP_MODULO;
    bool floats = a.kind == JINJA_FLOAT || b.kind == JINJA_FLOAT;
    if (divides && jinja_real(b) == 0)
        return jinja_fail(run, "division by zero");
    if (op == JINJA_OP_POWER && floats)
        return jinja_fail(run, "powers of floats are not supported");
    if (floats)
        return float_arithmetic(run, op, jinja_real(a), jinja_real(b));
    return integer_arithmetic(run, op, jinja_whole(a), jinja_whole(b));
}

static struct jinja_value joined_lists(struct jinja_run *run, const struct jinja_list *a, const struct jinja_list *b)
{
    size_t count = a->count + b->count;
    struct jinja_value sum = jinja_work(run, count) ? jinja_list(run, count) : jinja_undefined();
    for (size_t i = 0; i < count && !run->failed; i++)
        jinja_append(run, sum.list, i < a->count ? a->items[i] : b->items[i - a->count]);
    if (!run->failed)
        sum.list->tuple = a->tuple && b->tuple;
    return sum;
}

static struct jinja_value repeated(struct jinja_run *run, struct jinja_value text, int64_t count)
{
    struct jinja_sink sink = { 0 };
    struct jinja_span span = jinja_flat(run, text);
    if (count > 0 && span.size > PML_JINJA_OUTPUT_MAX / (uint64_t)count)
        return jinja_fail(run, "the template makes a text that is too long");
    for (int64_t i = 0; i < count && span.size && !run->failed; i++)
        jinja_put(run, &sink, span);
    return jinja_sink_take(run, &sink);
}

struct jinja_value jinja_binary(struct jinja_run *run, enum jinja_operator op, struct jinja_value a,
                                struct jinja_value b)
{
    if (run->failed)
        return jinja_undefined();
    if (op == JINJA_OP_CONCATENATE) {
        struct jinja_value left = jinja_string(run, a), right = jinja_string(run, b);
        return jinja_add(run, left, right);
    }
    if (jinja_is_number(a) && jinja_is_number(b))
        return arithmetic(run, op, a, b);
    if (op == JINJA_OP_ADD && a.kind == JINJA_TEXT && b.kind == JINJA_TEXT)
        return jinja_add(run, a, b);
    if (op == JINJA_OP_ADD && a.kind == JINJA_LIST && b.kind == JINJA_LIST)
        return joined_lists(run, a.list, b.list);
    if (op == JINJA_OP_MULTIPLY && a.kind == JINJA_TEXT && b.kind == JINJA_INT)
        return repeated(run, a, b.integer);
    return fail_operands(run, a, b);
}

static bool is_in(struct jinja_run *run, struct jinja_value item, struct jinja_value in)
{
    bool found = false;
    if (in.kind == JINJA_TEXT && item.kind == JINJA_TEXT) {
        struct jinja_span hay = jinja_flat(run, in), needle = jinja_flat(run, item);
        return jinja_work(run, hay.size) &&
               (!needle.size || (hay.size && memmem(hay.bytes, hay.size, needle.bytes, needle.size)));
    }
    if (in.kind == JINJA_DICT)
        return jinja_get(run, in.dict, item);
    if (in.kind == JINJA_TEXT) {
        fail_operands(run, item, in);
        return false;
    }
    const struct jinja_list *list = jinja_elements(run, in);
    for (size_t i = 0; i < list->count && !found && jinja_work(run, 0); i++)
        found = jinja_equal(run, list->items[i], item);
    return found;
}

bool jinja_compare(struct jinja_run *run, enum jinja_operator op, struct jinja_value a, struct jinja_value b)
{
    if (run->failed)
        return false;
    switch (op) {
    case JINJA_OP_EQUAL: return jinja_equal(run, a, b);
    case JINJA_OP_UNEQUAL: return !jinja_equal(run, a, b);
    case JINJA_OP_IN: return is_in(run, a, b);
    case JINJA_OP_NOT_IN: return !is_in(run, a, b);
    case JINJA_OP_LESS: return jinja_order(run, a, b, true) < 0;
    case JINJA_OP_LESS_EQUAL: return jinja_order(run, a, b, true) <= 0;
    case JINJA_OP_GREATER: return jinja_order(run, a, b, true) > 0;
    default: return jinja_order(run, a, b, true) >= 0;
    }
}
