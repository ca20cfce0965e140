/* SPDX-License-Identifier: MIT */
/* Filters over lists and mappings. */
#include <string.h>

#include "base/memory.h"
#include "engine/jinja/eval.h"
#include "engine/jinja/filters.h"
#include "engine/jinja/text.h"

typedef struct jinja_value value;

static value made_list(struct jinja_run *run, const struct jinja_list *items)
{
    value list = jinja_work(run, items->count) ? jinja_list(run, items->count) : jinja_undefined();
    for (size_t i = 0; i < items->count && !run->failed; i++)
        jinja_append(run, list.list, items->items[i]);
    return list;
}

static value list(struct jinja_run *run, value in, const value *arg)
{
    (void)arg;
    return made_list(run, jinja_elements(run, in));
}

static value first(struct jinja_run *run, value in, const value *arg)
{
    const struct jinja_list *items = jinja_elements(run, in);
    (void)arg;
    return items->count ? items->items[0] : jinja_undefined();
}

static value last(struct jinja_run *run, value in, const value *arg)
{
    const struct jinja_list *items = jinja_elements(run, in);
    (void)arg;
    return items->count ? items->items[items->count - 1] : jinja_undefined();
}

static value length(struct jinja_run *run, value in, const value *arg)
{
    (void)arg;
    return jinja_int((int64_t)(in.kind == JINJA_LIST   ? in.list->count
                               : in.kind == JINJA_DICT ? in.dict->count
                                                       : jinja_elements(run, in)->count));
}

static value reverse(struct jinja_run *run, value in, const value *arg)
{
    const value backwards[3] = { jinja_none(), jinja_none(), jinja_int(-1) };
    (void)arg;
    return jinja_slice(run, in, backwards);
}

static value items(struct jinja_run *run, value in, const value *arg)
{
    static const struct jinja_span name = { "items", 5, NULL, 1 };
    if (in.kind == JINJA_UNDEFINED)
        return jinja_list(run, 0);
    if (in.kind != JINJA_DICT)
        return jinja_fail(run, "a mapping was expected, not %s", jinja_kind_name(in.kind));
    return jinja_find_method(JINJA_DICT, name)->apply(run, in, arg);
}

static value part(struct jinja_run *run, value item, value attribute)
{
    if (!attribute.given || attribute.kind == JINJA_NONE)
        return item;
    if (attribute.kind == JINJA_INT)
        return jinja_get_item(run, item, attribute);
    return jinja_is_text(run, attribute) ? jinja_attribute(run, item, jinja_flat(run, attribute)) : jinja_undefined();
}

static value join(struct jinja_run *run, value in, const value *arg)
{
    value parts = made_list(run, jinja_elements(run, in));
    for (size_t i = 0; !run->failed && i < parts.list->count; i++)
        parts.list->items[i] = part(run, parts.list->items[i], arg[1]);
    if (run->failed)
        return jinja_undefined();
    return jinja_join(run, parts.list, arg[0].given ? arg[0] : jinja_words(run, ""));
}

/* --- sorting --- */

struct order {
    struct jinja_run *run;
    value attribute;
    bool reverse, case_sensitive;
};

static bool in_order(struct order *o, value a, value b)
{
    int order = jinja_order(o->run, part(o->run, a, o->attribute), part(o->run, b, o->attribute), o->case_sensitive);
    return o->reverse ? order >= 0 : order <= 0;
}

/* Merges neighbours of WIDTH elements from FROM to TO. */
static void merge_runs(struct order *o, const value *from, value *to, size_t count, size_t width)
{
    for (size_t start = 0; start < count; start += 2 * width) {
        size_t middle = start + width < count ? start + width : count;
        size_t end = middle + width < count ? middle + width : count;
        size_t left = start, right = middle;
        for (size_t at = start; at < end; at++) {
            bool takes_left = left < middle && (right == end || in_order(o, from[left], from[right]));
            to[at] = from[takes_left ? left++ : right++];
        }
    }
}

/* Stable, in place. */
static void sort_list(struct order *o, struct jinja_list *items)
{
    value *from = items->items, *to = jinja_new(o->run, items->count * sizeof *to);
    for (size_t width = 1; width < items->count && !o->run->failed; width *= 2) {
        value *swap = from;
        merge_runs(o, from, to, items->count, width);
        from = to;
        to = swap;
    }
    items->items = from;
}

static value sort(struct jinja_run *run, value in, const value *arg)
{
    struct order order = { run, arg[2], jinja_truth(arg[0]), jinja_truth(arg[1]) };
    value sorted = made_list(run, jinja_elements(run, in));
    if (!run->failed)
        sort_list(&order, sorted.list);
    return sorted;
}

static value dictsort(struct jinja_run *run, value in, const value *arg)
{
    bool by_value = arg[1].kind == JINJA_TEXT && jinja_span_is(jinja_flat(run, arg[1]), "value");
    struct order order = { run, jinja_int(by_value), jinja_truth(arg[2]), jinja_truth(arg[0]) };
    value pairs = items(run, in, arg);
    if (!run->failed)
        sort_list(&order, pairs.list);
    return pairs;
}

static value unique(struct jinja_run *run, value in, const value *arg)
{
    const struct jinja_list *all = jinja_elements(run, in);
    value seen = jinja_list(run, 0), kept = jinja_list(run, 0);
    for (size_t i = 0; i < all->count && !run->failed; i++) {
        value key = part(run, all->items[i], arg[1]);
        if (key.kind == JINJA_TEXT && !jinja_truth(arg[0]))
            key = jinja_change_case(run, key, JINJA_LOWER);
        if (run->failed || jinja_compare(run, JINJA_OP_IN, key, seen))
            continue;
        jinja_append(run, seen.list, key);
        jinja_append(run, kept.list, all->items[i]);
    }
    return kept;
}

/* --- selecting --- */

/* Does an element pass the test that ARG names, with its arguments behind it? Without one: is it true? */
static bool passes(struct jinja_run *run, value item, const value *arg)
{
    if (!arg[0].given)
        return jinja_truth(item);
    if (!jinja_is_text(run, arg[0]))
        return false;
    struct jinja_span name = jinja_flat(run, arg[0]);
    const struct jinja_builtin *test = jinja_find_test(name.bytes, name.size);
    if (!test) {
        jinja_fail(run, "there is no such test");
        return false;
    }
    return jinja_truth(jinja_apply(run, test, item, arg + 1, 2));
}

static value selected(struct jinja_run *run, value in, const value *test, value attribute, bool wanted)
{
    const struct jinja_list *all = jinja_elements(run, in);
    value kept = jinja_list(run, 0);
    for (size_t i = 0; i < all->count && jinja_work(run, 0); i++) {
        bool passed = passes(run, part(run, all->items[i], attribute), test);
        if (passed == wanted)
            jinja_append(run, kept.list, all->items[i]);
    }
    return kept;
}

static value select_items(struct jinja_run *run, value in, const value *arg)
{
    return selected(run, in, arg, (value){ 0 }, true);
}

static value reject(struct jinja_run *run, value in, const value *arg)
{
    return selected(run, in, arg, (value){ 0 }, false);
}

static value selectattr(struct jinja_run *run, value in, const value *arg)
{
    return selected(run, in, arg + 1, arg[0], true);
}

static value rejectattr(struct jinja_run *run, value in, const value *arg)
{
    return selected(run, in, arg + 1, arg[0], false);
}

static value map_attribute(struct jinja_run *run, value item, const value *arg)
{
    value found = part(run, item, arg[3]);
    return found.kind == JINJA_UNDEFINED && arg[4].given ? arg[4] : found;
}

static value map(struct jinja_run *run, value in, const value *arg)
{
    const struct jinja_list *all = jinja_elements(run, in);
    const struct jinja_builtin *filter = NULL;
    value mapped = jinja_list(run, all->count);
    if (!arg[3].given) {
        struct jinja_span name = jinja_flat(run, arg[0]);
        if (arg[0].kind != JINJA_TEXT || !(filter = jinja_find_filter(name.bytes, name.size)))
            return jinja_fail(run, "there is no such filter");
    }
    for (size_t i = 0; i < all->count && jinja_work(run, 0); i++)
        jinja_append(run, mapped.list,
                     filter ? jinja_apply(run, filter, all->items[i], arg + 1, 2)
                            : map_attribute(run, all->items[i], arg));
    return mapped;
}

static const struct jinja_builtin filters[] = {
    { "list", list, { NULL } },
    { "first", first, { NULL } },
    { "last", last, { NULL } },
    { "length", length, { NULL } },
    { "count", length, { NULL } },
    { "reverse", reverse, { NULL } },
    { "items", items, { NULL } },
    { "join", join, { "d", "attribute" } },
    { "sort", sort, { "reverse", "case_sensitive", "attribute" } },
    { "dictsort", dictsort, { "case_sensitive", "by", "reverse" } },
    { "unique", unique, { "case_sensitive", "attribute" } },
    { "select", select_items, { "", "", "" } },
    { "reject", reject, { "", "", "" } },
    { "selectattr", selectattr, { "", "", "", "" } },
    { "rejectattr", rejectattr, { "", "", "", "" } },
    { "map", map, { "", "", "", "attribute", "default" } },
};

const struct jinja_builtin *jinja_find_list_filter(const char *name, size_t size)
{
    for (size_t i = 0; i < PML_COUNT(filters); i++) {
        if (strlen(filters[i].name) == size && !memcmp(filters[i].name, name, size))
            return &filters[i];
    }
    return NULL;
}
