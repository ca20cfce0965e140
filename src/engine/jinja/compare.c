/* SPDX-License-Identifier: MIT */
/* What values of the template interpreter are worth: truth, equality, order, elements. */
#include <string.h>

#include "base/memory.h"
#include "engine/jinja/value.h"
#include "engine/utf8.h"

const char *jinja_kind_name(enum jinja_kind kind)
{
    static const char *const names[] = { "undefined", "none",       "a boolean", "an integer",  "a float",
                                         "a string",  "a list",     "a mapping", "a namespace", "a loop",
                                         "a macro",   "a function", "a method" };
    return names[kind];
}

bool jinja_truth(struct jinja_value value)
{
    switch (value.kind) {
    case JINJA_UNDEFINED:
    case JINJA_NONE: return false;
    case JINJA_BOOL: return value.truth;
    case JINJA_INT: return value.integer != 0;
    case JINJA_FLOAT: return value.real != 0;
    case JINJA_TEXT: return value.text->size != 0;
    case JINJA_LIST: return value.list->count != 0;
    case JINJA_DICT: return value.dict->count != 0;
    default: return true;
    }
}

bool jinja_is_number(struct jinja_value value)
{
    return value.kind == JINJA_BOOL || value.kind == JINJA_INT || value.kind == JINJA_FLOAT;
}

int64_t jinja_whole(struct jinja_value number)
{
    return number.kind == JINJA_BOOL ? number.truth : number.integer;
}

double jinja_real(struct jinja_value number)
{
    return number.kind == JINJA_FLOAT ? number.real : (double)jinja_whole(number);
}

static int number_order(struct jinja_value a, struct jinja_value b)
{
    if (a.kind != JINJA_FLOAT && b.kind != JINJA_FLOAT)
        return (jinja_whole(a) > jinja_whole(b)) - (jinja_whole(a) < jinja_whole(b));
    return (jinja_real(a) > jinja_real(b)) - (jinja_real(a) < jinja_real(b));
}

static bool equal_lists(struct jinja_run *run, const struct jinja_list *a, const struct jinja_list *b)
{
    if (a == b)
        return true;
    bool same = a->count == b->count && a->tuple == b->tuple;
    for (size_t i = 0; i < a->count && same && !run->failed; i++)
        same = jinja_equal(run, a->items[i], b->items[i]);
    return same;
}

static bool equal_dicts(struct jinja_run *run, const struct jinja_dict *a, const struct jinja_dict *b)
{
    if (a == b)
        return true;
    bool same = a->count == b->count;
    for (size_t i = 0; i < a->count && same && !run->failed; i++) {
        const struct jinja_value *other = jinja_get(run, b, a->pairs[i].key);
        same = other && jinja_equal(run, a->pairs[i].value, *other);
    }
    return same;
}

static bool equal_texts(struct jinja_run *run, struct jinja_value a, struct jinja_value b)
{
    if (a.text->size != b.text->size)
        return false;
    return jinja_work(run, a.text->size) && !jinja_span_order(jinja_flat(run, a), jinja_flat(run, b));
}

bool jinja_equal(struct jinja_run *run, struct jinja_value a, struct jinja_value b)
{
    bool same = false;
    if (run->failed)
        return false;
    if (jinja_is_number(a) && jinja_is_number(b))
        return number_order(a, b) == 0;
    if (a.kind != b.kind)
        return false;
    if (jinja_enter(run)) {
        switch (a.kind) {
        case JINJA_UNDEFINED:
        case JINJA_NONE: same = true; break;
        case JINJA_TEXT: same = equal_texts(run, a, b); break;
        case JINJA_LIST: same = equal_lists(run, a.list, b.list); break;
        case JINJA_DICT: same = equal_dicts(run, a.dict, b.dict); break;
        default: same = a.method == b.method; break; /* by identity; all pointers of the union */
        }
    }
    jinja_leave(run);
    return same;
}

static uint8_t folded(char c)
{
    return (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static int folded_order(struct jinja_span a, struct jinja_span b)
{
    for (size_t i = 0; i < a.size && i < b.size; i++) {
        if (folded(a.bytes[i]) != folded(b.bytes[i]))
            return folded(a.bytes[i]) - folded(b.bytes[i]);
    }
    return (a.size > b.size) - (a.size < b.size);
}

int jinja_order(struct jinja_run *run, struct jinja_value a, struct jinja_value b, bool case_sensitive)
{
    if (!jinja_work(run, 0))
        return 0;
    if (jinja_is_number(a) && jinja_is_number(b))
        return number_order(a, b);
    if (a.kind == JINJA_TEXT && b.kind == JINJA_TEXT) {
        struct jinja_span left = jinja_flat(run, a), right = jinja_flat(run, b);
        if (!jinja_work(run, left.size < right.size ? left.size : right.size))
            return 0;
        return case_sensitive ? jinja_span_order(left, right) : folded_order(left, right);
    }
    jinja_fail(run, "%s and %s have no order", jinja_kind_name(a.kind), jinja_kind_name(b.kind));
    return 0;
}

static struct jinja_value characters(struct jinja_run *run, struct jinja_span text)
{
    struct jinja_value list = jinja_list(run, 0);
    for (size_t at = 0, used; at < text.size && jinja_work(run, 0); at += used) {
        uint32_t point;
        pml_utf8_next((const uint8_t *)text.bytes + at, text.size - at, &used, &point);
        jinja_append(run, list.list, jinja_text(run, jinja_cut(text, at, used)));
    }
    return list;
}

const struct jinja_list *jinja_elements(struct jinja_run *run, struct jinja_value value)
{
    static const struct jinja_list nothing;
    struct jinja_value list;
    if (run->failed)
        return &nothing;
    switch (value.kind) {
    case JINJA_LIST: return value.list;
    case JINJA_UNDEFINED: return &nothing;
    case JINJA_TEXT: list = characters(run, jinja_flat(run, value)); break;
    case JINJA_DICT:
        list = jinja_list(run, value.dict->count);
        for (size_t i = 0; i < value.dict->count && jinja_work(run, 0); i++)
            jinja_append(run, list.list, value.dict->pairs[i].key);
        break;
    default: jinja_fail(run, "%s cannot be gone over", jinja_kind_name(value.kind)); return &nothing;
    }
    return run->failed ? &nothing : list.list;
}
