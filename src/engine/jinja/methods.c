/* SPDX-License-Identifier: MIT */
/* Methods of strings, mappings, lists and loops. */
#include <string.h>

#include "base/memory.h"
#include "engine/jinja/text.h"

typedef struct jinja_value value; /* for the tables of this file, which are about nothing else */

/* --- strings --- */

static value strip(struct jinja_run *run, value self, const value *arg)
{
    return jinja_strip(run, self, arg[0], JINJA_BOTH);
}

static value lstrip(struct jinja_run *run, value self, const value *arg)
{
    return jinja_strip(run, self, arg[0], JINJA_LEFT);
}

static value rstrip(struct jinja_run *run, value self, const value *arg)
{
    return jinja_strip(run, self, arg[0], JINJA_RIGHT);
}

static value upper(struct jinja_run *run, value self, const value *arg)
{
    (void)arg;
    return jinja_change_case(run, self, JINJA_UPPER);
}

static value lower(struct jinja_run *run, value self, const value *arg)
{
    (void)arg;
    return jinja_change_case(run, self, JINJA_LOWER);
}

static value capitalize(struct jinja_run *run, value self, const value *arg)
{
    (void)arg;
    return jinja_change_case(run, self, JINJA_CAPITALIZE);
}

static value title(struct jinja_run *run, value self, const value *arg)
{
    (void)arg;
    return jinja_change_case(run, self, JINJA_TITLE_WORDS);
}

static value split(struct jinja_run *run, value self, const value *arg)
{
    return jinja_split(run, self, arg[0], arg[1]);
}

static value replace(struct jinja_run *run, value self, const value *arg)
{
    return jinja_replace(run, self, arg[0], arg[1], arg[2]);
}

static value join(struct jinja_run *run, value self, const value *arg)
{
    const struct jinja_list *items = jinja_elements(run, arg[0]);
    for (size_t i = 0; i < items->count && jinja_work(run, 0); i++) {
        if (!jinja_is_text(run, items->items[i]))
            return jinja_undefined();
    }
    return jinja_join(run, items, self);
}

static bool has_end(struct jinja_run *run, value self, value end, bool at_start)
{
    if (!jinja_is_text(run, end))
        return false;
    struct jinja_span text = jinja_flat(run, self), part = jinja_flat(run, end);
    if (part.size > text.size || !jinja_work(run, part.size))
        return false;
    return !jinja_span_order(jinja_cut(text, at_start ? 0 : text.size - part.size, part.size), part);
}

/* One string, or any of a tuple of them. */
static value has_ends(struct jinja_run *run, value self, value ends, bool at_start)
{
    bool has = false;
    if (ends.kind != JINJA_LIST)
        return jinja_bool(has_end(run, self, ends, at_start));
    for (size_t i = 0; i < ends.list->count && !has && !run->failed; i++)
        has = has_end(run, self, ends.list->items[i], at_start);
    return jinja_bool(has);
}

static value startswith(struct jinja_run *run, value self, const value *arg)
{
    return has_ends(run, self, arg[0], true);
}

static value endswith(struct jinja_run *run, value self, const value *arg)
{
    return has_ends(run, self, arg[0], false);
}

static const struct jinja_builtin of_strings[] = {
    { "strip", strip, { "" } },
    { "lstrip", lstrip, { "" } },
    { "rstrip", rstrip, { "" } },
    { "upper", upper, { NULL } },
    { "lower", lower, { NULL } },
    { "capitalize", capitalize, { NULL } },
    { "title", title, { NULL } },
    { "split", split, { "sep", "maxsplit" } },
    { "replace", replace, { "", "", "count" } },
    { "join", join, { "" } },
    { "startswith", startswith, { "" } },
    { "endswith", endswith, { "" } },
};

/* --- mappings --- */

static value keys(struct jinja_run *run, value self, const value *arg)
{
    value list = jinja_list(run, self.dict->count);
    (void)arg;
    for (size_t i = 0; i < self.dict->count && jinja_work(run, 0); i++)
        jinja_append(run, list.list, self.dict->pairs[i].key);
    return list;
}

static value values(struct jinja_run *run, value self, const value *arg)
{
    value list = jinja_list(run, self.dict->count);
    (void)arg;
    for (size_t i = 0; i < self.dict->count && jinja_work(run, 0); i++)
        jinja_append(run, list.list, self.dict->pairs[i].value);
    return list;
}

static value items(struct jinja_run *run, value self, const value *arg)
{
    value list = jinja_list(run, self.dict->count);
    (void)arg;
    for (size_t i = 0; i < self.dict->count && jinja_work(run, 0); i++) {
        value pair = jinja_list(run, 2);
        if (run->failed)
            break;
        pair.list->tuple = true;
        jinja_append(run, pair.list, self.dict->pairs[i].key);
        jinja_append(run, pair.list, self.dict->pairs[i].value);
        jinja_append(run, list.list, pair);
    }
    return list;
}

static value get(struct jinja_run *run, value self, const value *arg)
{
    const value *found = jinja_get(run, self.dict, arg[0]);
    return found ? *found : arg[1].given ? arg[1] : jinja_none();
}

static const struct jinja_builtin of_dicts[] = {
    { "keys", keys, { NULL } },
    { "values", values, { NULL } },
    { "items", items, { NULL } },
    { "get", get, { "", "" } },
};

/* --- lists and loops --- */

static value append(struct jinja_run *run, value self, const value *arg)
{
    if (self.list->tuple)
        return jinja_fail(run, "a tuple cannot grow");
    jinja_append(run, self.list, arg[0]);
    return jinja_none();
}

static const struct jinja_builtin of_lists[] = { { "append", append, { "" } } };

static value cycle(struct jinja_run *run, value self, const value *arg)
{
    size_t count = 0;
    while (count < JINJA_PARAMETERS && arg[count].given)
        count++;
    return count ? arg[self.loop->at % count] : jinja_fail(run, "nothing to cycle through");
}

static const struct jinja_builtin of_loops[] = { { "cycle", cycle, { "", "", "", "", "" } } };

const struct jinja_builtin *jinja_find_method(enum jinja_kind kind, struct jinja_span name)
{
    const struct jinja_builtin *table = NULL;
    size_t count = 0;
    switch (kind) {
    case JINJA_TEXT:
        table = of_strings;
        count = PML_COUNT(of_strings);
        break;
    case JINJA_DICT:
        table = of_dicts;
        count = PML_COUNT(of_dicts);
        break;
    case JINJA_LIST:
        table = of_lists;
        count = PML_COUNT(of_lists);
        break;
    case JINJA_LOOP:
        table = of_loops;
        count = PML_COUNT(of_loops);
        break;
    default: break;
    }
    for (size_t i = 0; i < count; i++) {
        if (jinja_span_is(name, table[i].name))
            return &table[i];
    }
    return NULL;
}
