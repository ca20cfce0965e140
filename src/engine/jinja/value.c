/* SPDX-License-Identifier: MIT */
/* Values of the template interpreter: making them, and the limits that hold while it runs. */
#include "engine/jinja/value.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/jinja/jinja.h"
#include "engine/utf8.h"

/* --- the run --- */

struct jinja_value jinja_fail(struct jinja_run *run, const char *fmt, ...)
{
    char what[256];
    if (run->failed)
        return jinja_undefined();
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    pml_fail(run->err, PML_NO, "chat_template", "line %u: %s", run->line, what);
    run->failed = true;
    return jinja_undefined();
}

void *jinja_new(struct jinja_run *run, size_t size)
{
    void *taken = run->failed ? NULL : jinja_arena_new(&run->arena, size ? size : 1);
    if (taken || run->failed)
        return taken;
    if (run->arena.over_limit) {
        jinja_fail(run, "the template needs too much memory");
    } else {
        pml_fail_memory(run->err);
        run->failed = true;
    }
    return NULL;
}

bool jinja_work(struct jinja_run *run, size_t size)
{
    size_t units = 1 + size / 16;
    if (!run->failed && units > run->work)
        jinja_fail(run, "the template takes too many steps");
    if (run->failed)
        return false;
    run->work -= units;
    return true;
}

bool jinja_enter(struct jinja_run *run)
{
    if (++run->depth > PML_JINJA_DEPTH)
        jinja_fail(run, "the template goes too deep");
    return jinja_work(run, 0);
}

void jinja_leave(struct jinja_run *run)
{
    run->depth--;
}

/* --- scalars --- */

struct jinja_value jinja_undefined(void)
{
    return (struct jinja_value){ .kind = JINJA_UNDEFINED, .given = true };
}

struct jinja_value jinja_none(void)
{
    return (struct jinja_value){ .kind = JINJA_NONE, .given = true };
}

struct jinja_value jinja_bool(bool truth)
{
    return (struct jinja_value){ .kind = JINJA_BOOL, .given = true, .truth = truth };
}

struct jinja_value jinja_int(int64_t integer)
{
    return (struct jinja_value){ .kind = JINJA_INT, .given = true, .integer = integer };
}

struct jinja_value jinja_float(double real)
{
    return (struct jinja_value){ .kind = JINJA_FLOAT, .given = true, .real = real };
}

/* --- texts --- */

struct jinja_value jinja_text(struct jinja_run *run, struct jinja_span span)
{
    struct jinja_text *text = jinja_new(run, sizeof *text);
    if (!text)
        return jinja_undefined();
    *text = (struct jinja_text){ .flat = span, .size = span.size };
    return (struct jinja_value){ .kind = JINJA_TEXT, .given = true, .text = text };
}

struct jinja_value jinja_words(struct jinja_run *run, const char *literal)
{
    return jinja_text(run, (struct jinja_span){ literal, strlen(literal), NULL, 1 });
}

struct jinja_value jinja_add(struct jinja_run *run, struct jinja_value left, struct jinja_value right)
{
    if (run->failed)
        return jinja_undefined();
    if (!right.text->size)
        return left;
    if (!left.text->size)
        return right;
    struct jinja_text *text = jinja_new(run, sizeof *text);
    if (!text)
        return jinja_undefined();
    *text = (struct jinja_text){ .left = left.text, .right = right.text, .size = left.text->size + right.text->size };
    if (text->size > PML_JINJA_OUTPUT_MAX)
        return jinja_fail(run, "the template makes a text that is too long");
    return (struct jinja_value){ .kind = JINJA_TEXT, .given = true, .text = text };
}

static void copy_marks(uint8_t *to, struct jinja_span span)
{
    if (span.marks)
        memcpy(to, span.marks, span.size);
    else
        memset(to, span.mark, span.size);
}

/* Lays the parts of a sum out from right to left; sums grow on the right, so few parts wait at a time. */
static bool lay_out(struct jinja_run *run, const struct jinja_text *sum, char *bytes, uint8_t *marks)
{
    size_t waiting = 1, room = 16, end = sum->size;
    const struct jinja_text **parts = malloc(room * sizeof *parts);
    if (!parts) {
        pml_fail_memory(run->err);
        run->failed = true;
        return false;
    }
    parts[0] = sum;
    while (waiting && jinja_work(run, 0)) {
        const struct jinja_text *part = parts[--waiting];
        if (!part->left) {
            end -= part->flat.size;
            if (part->flat.size) {
                memcpy(bytes + end, part->flat.bytes, part->flat.size);
                copy_marks(marks + end, part->flat);
            }
            continue;
        }
        if (waiting + 2 > room) {
            const struct jinja_text **more = realloc(parts, 2 * room * sizeof *parts);
            if (!more) {
                pml_fail_memory(run->err);
                run->failed = true;
                break;
            }
            parts = more;
            room *= 2;
        }
        parts[waiting++] = part->left;
        parts[waiting++] = part->right;
    }
    free(parts);
    return !run->failed;
}

struct jinja_span jinja_flat(struct jinja_run *run, struct jinja_value value)
{
    static const struct jinja_span empty = { "", 0, NULL, 1 };
    if (run->failed || value.kind != JINJA_TEXT)
        return empty;
    struct jinja_text *text = value.text;
    if (!text->left)
        return text->flat;
    char *bytes = jinja_work(run, text->size) ? jinja_new(run, text->size) : NULL;
    uint8_t *marks = jinja_new(run, text->size);
    if (!bytes || !marks || !lay_out(run, text, bytes, marks))
        return empty;
    text->flat = (struct jinja_span){ bytes, text->size, marks, 0 };
    text->left = text->right = NULL;
    return text->flat;
}

struct jinja_span jinja_cut(struct jinja_span span, size_t from, size_t size)
{
    span.bytes += from;
    span.size = size;
    if (span.marks)
        span.marks += from;
    return span;
}

bool jinja_span_is(struct jinja_span span, const char *literal)
{
    return span.size == strlen(literal) && !memcmp(span.bytes, literal, span.size);
}

int jinja_span_order(struct jinja_span a, struct jinja_span b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.bytes, b.bytes, common) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* --- sinks --- */

void jinja_put(struct jinja_run *run, struct jinja_sink *sink, struct jinja_span span)
{
    if (!span.size || !jinja_work(run, span.size))
        return;
    if (sink->text.size + span.size > PML_JINJA_OUTPUT_MAX) {
        jinja_fail(run, "the template makes a text that is too long");
        return;
    }
    if (!jinja_arena_charge(&run->arena, 2 * span.size)) {
        jinja_fail(run, "the template needs too much memory");
        return;
    }
    uint8_t *marks = pml_buf_room(&sink->marks, span.size);
    pml_put_bytes(&sink->text, span.bytes, span.size);
    if (!marks || sink->text.failed) {
        pml_fail_memory(run->err);
        run->failed = true;
        return;
    }
    copy_marks(marks, span);
    pml_buf_grow(&sink->marks, span.size);
}

void jinja_put_plain(struct jinja_run *run, struct jinja_sink *sink, const char *text)
{
    jinja_put(run, sink, (struct jinja_span){ text, strlen(text), NULL, 0 });
}

struct jinja_value jinja_sink_take(struct jinja_run *run, struct jinja_sink *sink)
{
    size_t size = sink->text.size;
    char *bytes = jinja_new(run, size);
    uint8_t *marks = jinja_new(run, size);
    if (size && bytes && marks) {
        memcpy(bytes, sink->text.bytes, size);
        memcpy(marks, sink->marks.bytes, size);
    }
    pml_buf_free(&sink->text);
    pml_buf_free(&sink->marks);
    return jinja_text(run, (struct jinja_span){ bytes, bytes && marks ? size : 0, marks, 0 });
}

/* --- lists and dicts --- */

struct jinja_value jinja_list(struct jinja_run *run, size_t room)
{
    struct jinja_list *list = jinja_new(run, sizeof *list);
    struct jinja_value *items = room ? jinja_new(run, room * sizeof *items) : NULL;
    if (!list || run->failed)
        return jinja_undefined();
    *list = (struct jinja_list){ .items = items, .room = room };
    return (struct jinja_value){ .kind = JINJA_LIST, .given = true, .list = list };
}

struct jinja_value jinja_dict(struct jinja_run *run, enum jinja_kind kind, size_t room)
{
    struct jinja_dict *dict = jinja_new(run, sizeof *dict);
    struct jinja_pair *pairs = room ? jinja_new(run, room * sizeof *pairs) : NULL;
    if (!dict || run->failed)
        return jinja_undefined();
    *dict = (struct jinja_dict){ .pairs = pairs, .room = room };
    return (struct jinja_value){ .kind = kind, .given = true, .dict = dict };
}

/* Twice the room, in new memory: the old one is the run's until it ends. */
static void *grown(struct jinja_run *run, const void *old, size_t count, size_t *room, size_t size)
{
    size_t more = *room ? 2 * *room : 4;
    void *memory = jinja_work(run, count) ? jinja_new(run, more * size) : NULL;
    if (!memory)
        return NULL;
    if (count)
        memcpy(memory, old, count * size);
    *room = more;
    return memory;
}

void jinja_append(struct jinja_run *run, struct jinja_list *list, struct jinja_value item)
{
    if (run->failed)
        return;
    if (list->count == list->room) {
        struct jinja_value *items = grown(run, list->items, list->count, &list->room, sizeof *items);
        if (!items)
            return;
        list->items = items;
    }
    list->items[list->count++] = item;
}

static void add_pair(struct jinja_run *run, struct jinja_dict *dict, struct jinja_value key, struct jinja_value value)
{
    if (run->failed)
        return;
    if (dict->count == dict->room) {
        struct jinja_pair *pairs = grown(run, dict->pairs, dict->count, &dict->room, sizeof *pairs);
        if (!pairs)
            return;
        dict->pairs = pairs;
    }
    dict->pairs[dict->count++] = (struct jinja_pair){ key, value };
}

const struct jinja_value *jinja_get(struct jinja_run *run, const struct jinja_dict *dict, struct jinja_value key)
{
    if (key.kind == JINJA_TEXT)
        return jinja_get_name(run, dict, jinja_flat(run, key));
    for (size_t i = 0; i < dict->count && jinja_work(run, 0); i++) {
        if (dict->pairs[i].key.kind != JINJA_TEXT && jinja_equal(run, dict->pairs[i].key, key))
            return &dict->pairs[i].value;
    }
    return NULL;
}

const struct jinja_value *jinja_get_name(struct jinja_run *run, const struct jinja_dict *dict, struct jinja_span name)
{
    if (!jinja_work(run, dict->count))
        return NULL;
    for (size_t i = 0; i < dict->count; i++) {
        struct jinja_value key = dict->pairs[i].key; /* keys are flat: jinja_set sees to it */
        if (key.kind == JINJA_TEXT && key.text->size == name.size &&
            (!name.size || !memcmp(key.text->flat.bytes, name.bytes, name.size)))
            return &dict->pairs[i].value;
    }
    return NULL;
}

void jinja_set(struct jinja_run *run, struct jinja_dict *dict, struct jinja_value key, struct jinja_value value)
{
    if (key.kind != JINJA_TEXT && !jinja_is_number(key) && key.kind != JINJA_NONE) {
        jinja_fail(run, "a key cannot be %s", jinja_kind_name(key.kind));
        return;
    }
    struct jinja_value *found = (struct jinja_value *)jinja_get(run, dict, key); /* which makes the key flat */
    if (found)
        *found = value;
    else
        add_pair(run, dict, key, value);
}

/* --- from JSON --- */

static struct jinja_value plain_text(struct jinja_run *run, const char *bytes, size_t size)
{
    return jinja_text(run, (struct jinja_span){ bytes, size, NULL, 0 });
}

static struct jinja_value from_object(struct jinja_run *run, const json_t *json, unsigned depth)
{
    struct jinja_value value = jinja_dict(run, JINJA_DICT, json_object_size(json));
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)json, name, member) {
        struct jinja_value key = plain_text(run, name, strlen(name));
        struct jinja_value item = jinja_from_json(run, member, depth + 1);
        if (run->failed)
            break;
        add_pair(run, value.dict, key, item);
    }
    return value;
}

struct jinja_value jinja_from_json(struct jinja_run *run, const json_t *json, unsigned depth)
{
    if (depth > PML_JINJA_NESTING)
        return jinja_fail(run, "the input is nested too deeply");
    if (!jinja_work(run, 0))
        return jinja_undefined();
    switch (json_typeof(json)) {
    case JSON_OBJECT: return from_object(run, json, depth);
    case JSON_ARRAY: {
        struct jinja_value list = jinja_list(run, json_array_size(json));
        for (size_t i = 0; i < json_array_size(json) && !run->failed; i++)
            jinja_append(run, list.list, jinja_from_json(run, json_array_get(json, i), depth + 1));
        return list;
    }
    case JSON_STRING: return plain_text(run, json_string_value(json), json_string_length(json));
    case JSON_INTEGER: return jinja_int(json_integer_value(json));
    case JSON_REAL: return jinja_float(json_real_value(json));
    case JSON_TRUE: return jinja_bool(true);
    case JSON_FALSE: return jinja_bool(false);
    case JSON_NULL: break;
    }
    return jinja_none();
}
