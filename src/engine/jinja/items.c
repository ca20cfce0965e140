/* SPDX-License-Identifier: MIT */
/* Parts of values: attributes, elements and slices. */
#include <string.h>

#include "base/memory.h"
#include "engine/jinja/eval.h"
#include "engine/utf8.h"

/* --- loops --- */

static struct jinja_value loop_attribute(struct jinja_run *run, struct jinja_value value, struct jinja_span name)
{
    const struct jinja_loop *loop = value.loop;
    size_t count = loop->items->count;
    const struct {
        const char *name;
        int64_t number;
    } numbers[] = {
        { "index", (int64_t)loop->at + 1 },
        { "index0", (int64_t)loop->at },
        { "revindex", (int64_t)(count - loop->at) },
        { "revindex0", (int64_t)(count - loop->at) - 1 },
        { "length", (int64_t)count },
        { "depth", (int64_t)loop->depth },
        { "depth0", (int64_t)loop->depth - 1 },
    };
    for (size_t i = 0; i < PML_COUNT(numbers); i++) {
        if (jinja_span_is(name, numbers[i].name))
            return jinja_int(numbers[i].number);
    }
    if (jinja_span_is(name, "first"))
        return jinja_bool(loop->at == 0);
    if (jinja_span_is(name, "last"))
        return jinja_bool(loop->at + 1 == count);
    if (jinja_span_is(name, "previtem"))
        return loop->at ? loop->items->items[loop->at - 1] : jinja_undefined();
    if (jinja_span_is(name, "nextitem"))
        return loop->at + 1 < count ? loop->items->items[loop->at + 1] : jinja_undefined();
    (void)run;
    return jinja_undefined();
}

/* --- attributes and elements --- */

static struct jinja_value method(struct jinja_run *run, struct jinja_value self, const struct jinja_builtin *function)
{
    struct jinja_method *bound = jinja_new(run, sizeof *bound);
    if (!bound)
        return jinja_undefined();
    *bound = (struct jinja_method){ self, function };
    return (struct jinja_value){ .kind = JINJA_METHOD, .given = true, .method = bound };
}

static struct jinja_value member(struct jinja_run *run, const struct jinja_dict *dict, struct jinja_span name)
{
    const struct jinja_value *found = jinja_get_name(run, dict, name);
    return found ? *found : jinja_undefined();
}

struct jinja_value jinja_get_attribute(struct jinja_run *run, struct jinja_value value, struct jinja_span name)
{
    if (run->failed)
        return jinja_undefined();
    if (value.kind == JINJA_UNDEFINED)
        return jinja_fail(run, "an attribute of something undefined");
    const struct jinja_builtin *function = jinja_find_method(value.kind, name);
    if (function)
        return method(run, value, function);
    if (value.kind == JINJA_LOOP)
        return loop_attribute(run, value, name);
    if (value.kind == JINJA_DICT || value.kind == JINJA_NAMESPACE)
        return member(run, value.dict, name);
    return jinja_undefined();
}

/* The byte at which character INDEX begins; the size of the text if it has fewer. */
static size_t character_offset(struct jinja_run *run, struct jinja_span text, size_t index)
{
    size_t at = 0, used;
    uint32_t point;
    if (!jinja_work(run, text.size))
        return 0;
    for (; index && at < text.size; index--, at += used)
        pml_utf8_next((const uint8_t *)text.bytes + at, text.size - at, &used, &point);
    return at;
}

static size_t character_count(struct jinja_run *run, struct jinja_span text)
{
    size_t count = 0, used;
    uint32_t point;
    if (!jinja_work(run, text.size))
        return 0;
    for (size_t at = 0; at < text.size; at += used, count++)
        pml_utf8_next((const uint8_t *)text.bytes + at, text.size - at, &used, &point);
    return count;
}

static struct jinja_value text_item(struct jinja_run *run, struct jinja_span text, int64_t index)
{
    size_t used;
    uint32_t point;
    int64_t count = (int64_t)character_count(run, text);
    index += index < 0 ? count : 0;
    if (run->failed || index < 0 || index >= count)
        return jinja_undefined();
    size_t at = character_offset(run, text, (size_t)index);
    pml_utf8_next((const uint8_t *)text.bytes + at, text.size - at, &used, &point);
    return jinja_text(run, jinja_cut(text, at, used));
}

struct jinja_value jinja_get_item(struct jinja_run *run, struct jinja_value value, struct jinja_value key)
{
    if (run->failed)
        return jinja_undefined();
    if (value.kind == JINJA_UNDEFINED)
        return jinja_fail(run, "an element of something undefined");
    bool whole = key.kind == JINJA_INT || key.kind == JINJA_BOOL;
    if (value.kind == JINJA_LIST && whole) {
        int64_t count = (int64_t)value.list->count, index = jinja_whole(key);
        index += index < 0 ? count : 0;
        return index >= 0 && index < count ? value.list->items[index] : jinja_undefined();
    }
    if (value.kind == JINJA_TEXT && whole)
        return text_item(run, jinja_flat(run, value), jinja_whole(key));
    if (value.kind == JINJA_DICT || value.kind == JINJA_NAMESPACE) {
        const struct jinja_value *found = jinja_get(run, value.dict, key);
        if (found)
            return *found;
    }
    return key.kind == JINJA_TEXT ? jinja_get_attribute(run, value, jinja_flat(run, key)) : jinja_undefined();
}

struct jinja_value jinja_attribute(struct jinja_run *run, struct jinja_value value, struct jinja_span path)
{
    while (!run->failed) {
        const char *dot = path.size ? memchr(path.bytes, '.', path.size) : NULL;
        size_t size = dot ? (size_t)(dot - path.bytes) : path.size;
        struct jinja_span name = jinja_cut(path, 0, size);
        bool digit = name.size == 1 && name.bytes[0] >= '0' && name.bytes[0] <= '9';
        if (value.kind == JINJA_UNDEFINED)
            break;
        value = jinja_get_item(run, value, digit ? jinja_int(name.bytes[0] - '0') : jinja_text(run, name));
        if (!dot)
            return value;
        path = jinja_cut(path, size + 1, path.size - size - 1);
    }
    return jinja_undefined();
}

/* --- slices --- */

struct range {
    int64_t from, to, step;
    size_t count;
};

static bool read_bound(struct jinja_run *run, struct jinja_value bound, int64_t *out)
{
    if (bound.kind == JINJA_UNDEFINED || bound.kind == JINJA_NONE)
        return false;
    if (bound.kind != JINJA_INT && bound.kind != JINJA_BOOL) {
        jinja_fail(run, "a slice cannot begin or end at %s", jinja_kind_name(bound.kind));
        return false;
    }
    *out = jinja_whole(bound);
    return true;
}

static int64_t clamp(int64_t at, int64_t low, int64_t high)
{
    return at < low ? low : at > high ? high : at;
}

/* Python's rule for the indices of a slice of COUNT elements. */
static struct range slice_range(struct jinja_run *run, const struct jinja_value bounds[3], int64_t count)
{
    struct range r = { .step = 1 };
    read_bound(run, bounds[2], &r.step);
    if (r.step == 0 || r.step == INT64_MIN)
        jinja_fail(run, "a slice has no such step");
    int64_t low = r.step < 0 ? -1 : 0, high = r.step < 0 ? count - 1 : count;
    r.from = r.step < 0 ? high : low;
    r.to = r.step < 0 ? low : high;
    for (int i = 0; i < 2; i++) {
        int64_t at;
        if (read_bound(run, bounds[i], &at))
            *(i ? &r.to : &r.from) = clamp(at < 0 ? at + count : at, low, high);
    }
    int64_t distance = r.step < 0 ? r.from - r.to : r.to - r.from, stride = r.step < 0 ? -r.step : r.step;
    if (!run->failed && distance > 0)
        r.count = (size_t)((distance - 1) / stride) + 1;
    return r;
}

static struct jinja_value slice_list(struct jinja_run *run, const struct jinja_list *list, struct range r)
{
    struct jinja_value part = jinja_work(run, r.count) ? jinja_list(run, r.count) : jinja_undefined();
    for (size_t i = 0; i < r.count && !run->failed; i++)
        jinja_append(run, part.list, list->items[r.from + (int64_t)i * r.step]);
    if (!run->failed)
        part.list->tuple = list->tuple;
    return part;
}

static struct jinja_value slice_text(struct jinja_run *run, struct jinja_value text, const struct jinja_value bounds[3])
{
    struct jinja_span span = jinja_flat(run, text);
    struct range r = slice_range(run, bounds, (int64_t)character_count(run, span));
    if (run->failed)
        return jinja_undefined();
    if (r.step == 1) {
        size_t from = character_offset(run, span, (size_t)r.from);
        size_t size = r.count ? character_offset(run, jinja_cut(span, from, span.size - from), r.count) : 0;
        return jinja_text(run, jinja_cut(span, from, size));
    }
    struct jinja_sink sink = { 0 };
    const struct jinja_list *all = jinja_elements(run, text);
    for (size_t i = 0; i < r.count && !run->failed; i++)
        jinja_put(run, &sink, jinja_flat(run, all->items[r.from + (int64_t)i * r.step]));
    return jinja_sink_take(run, &sink);
}

struct jinja_value jinja_slice(struct jinja_run *run, struct jinja_value value, const struct jinja_value bounds[3])
{
    if (run->failed)
        return jinja_undefined();
    if (value.kind == JINJA_LIST) {
        struct range r = slice_range(run, bounds, (int64_t)value.list->count);
        return run->failed ? jinja_undefined() : slice_list(run, value.list, r);
    }
    if (value.kind == JINJA_TEXT)
        return slice_text(run, value, bounds);
    return jinja_fail(run, "%s cannot be sliced", jinja_kind_name(value.kind));
}
