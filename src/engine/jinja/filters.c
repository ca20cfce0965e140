/* SPDX-License-Identifier: MIT */
/* Filters over strings, numbers and anything. */
#include "engine/jinja/filters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/jinja/text.h"

typedef struct jinja_value value;

/* --- anything --- */

static value safe(struct jinja_run *run, value in, const value *arg)
{
    (void)run;
    (void)arg;
    return in;
}

static value string(struct jinja_run *run, value in, const value *arg)
{
    (void)arg;
    return jinja_string(run, in);
}

static value use_default(struct jinja_run *run, value in, const value *arg)
{
    bool missing = in.kind == JINJA_UNDEFINED || (jinja_truth(arg[1]) && !jinja_truth(in));
    return !missing ? in : arg[0].given ? arg[0] : jinja_words(run, "");
}

static bool read_separators(struct jinja_run *run, value from, struct jinja_span out[2])
{
    if (!from.given || from.kind == JINJA_NONE)
        return false;
    if (from.kind != JINJA_LIST || from.list->count != 2)
        jinja_fail(run, "two separators were expected");
    for (int i = 0; i < 2 && !run->failed; i++) {
        if (jinja_is_text(run, from.list->items[i]))
            out[i] = jinja_flat(run, from.list->items[i]);
    }
    return !run->failed;
}

static value tojson(struct jinja_run *run, value in, const value *arg)
{
    struct jinja_sink sink = { 0 };
    struct jinja_span separators[2];
    struct jinja_json_style style = { .ascii = jinja_truth(arg[1]), .sorted = jinja_truth(arg[3]) };
    if (read_separators(run, arg[2], separators)) {
        style.item = &separators[0];
        style.key = &separators[1];
    }
    if (arg[0].given && arg[0].kind != JINJA_NONE) {
        if (arg[0].kind != JINJA_INT || arg[0].integer < 0 || arg[0].integer > 16)
            return jinja_fail(run, "there is no such indentation");
        style.pretty = true;
        style.indent = (size_t)arg[0].integer;
    }
    if (!run->failed)
        jinja_put_json(run, &sink, in, &style);
    return jinja_sink_take(run, &sink);
}

/* --- strings --- */

static value trim(struct jinja_run *run, value in, const value *arg)
{
    return jinja_strip(run, jinja_string(run, in), arg[0], JINJA_BOTH);
}

static value upper(struct jinja_run *run, value in, const value *arg)
{
    (void)arg;
    return jinja_change_case(run, jinja_string(run, in), JINJA_UPPER);
}

static value lower(struct jinja_run *run, value in, const value *arg)
{
    (void)arg;
    return jinja_change_case(run, jinja_string(run, in), JINJA_LOWER);
}

static value capitalize(struct jinja_run *run, value in, const value *arg)
{
    (void)arg;
    return jinja_change_case(run, jinja_string(run, in), JINJA_CAPITALIZE);
}

static value title(struct jinja_run *run, value in, const value *arg)
{
    (void)arg;
    return jinja_change_case(run, jinja_string(run, in), JINJA_TITLE_BLANKS);
}

static value replace(struct jinja_run *run, value in, const value *arg)
{
    return jinja_replace(run, jinja_string(run, in), arg[0], arg[1], arg[2]);
}

static value indentation(struct jinja_run *run, value width)
{
    struct jinja_sink sink = { 0 };
    if (width.kind == JINJA_TEXT)
        return width;
    int64_t count = !width.given ? 4 : width.kind == JINJA_INT ? width.integer : -1;
    if (count < 0 || count > 1024)
        return jinja_fail(run, "there is no such indentation");
    while (count-- > 0 && !run->failed)
        jinja_put(run, &sink, (struct jinja_span){ " ", 1, NULL, 1 });
    return jinja_sink_take(run, &sink);
}

/* All lines but the first (unless FIRST) and the empty ones (unless BLANK). */
static value indent(struct jinja_run *run, value in, const value *arg)
{
    struct jinja_sink sink = { 0 };
    struct jinja_span text = jinja_flat(run, jinja_string(run, in));
    struct jinja_span by = jinja_flat(run, indentation(run, arg[0]));
    bool with_first = jinja_truth(arg[1]), with_blank = jinja_truth(arg[2]);
    for (size_t at = 0, end; at <= text.size && !run->failed; at = end + 1) {
        const char *newline = at < text.size ? memchr(text.bytes + at, '\n', text.size - at) : NULL;
        end = newline ? (size_t)(newline - text.bytes) : text.size;
        if (at ? end > at || with_blank : with_first)
            jinja_put(run, &sink, by);
        jinja_put(run, &sink, jinja_cut(text, at, end - at + (newline != NULL)));
    }
    return jinja_sink_take(run, &sink);
}

/* --- numbers --- */

/* A text that is a number as a whole, blanks around it aside. */
static bool read_number(struct jinja_run *run, value text, bool whole, value *out)
{
    char digits[64], *end;
    struct jinja_span span = jinja_flat(run, jinja_strip(run, text, (value){ 0 }, JINJA_BOTH));
    if (!span.size || span.size >= sizeof digits)
        return false;
    memcpy(digits, span.bytes, span.size);
    digits[span.size] = 0;
    if (strspn(digits, "+-.0123456789eE") != span.size)
        return false;
    long long integer = strtoll(digits, &end, 10);
    if (whole && !*end && span.size < 19) {
        *out = jinja_int(integer);
        return true;
    }
    double real = strtod(digits, &end);
    if (*end || end == digits || !isfinite(real) || (whole && fabs(real) > 9e18))
        return false;
    *out = whole ? jinja_int((int64_t)real) : jinja_float(real);
    return true;
}

static value to_int(struct jinja_run *run, value in, const value *arg)
{
    value out = arg[0].given ? arg[0] : jinja_int(0);
    if (in.kind == JINJA_INT || in.kind == JINJA_BOOL)
        return jinja_int(jinja_whole(in));
    if (in.kind == JINJA_FLOAT && fabs(in.real) < 9e18)
        return jinja_int((int64_t)in.real);
    if (in.kind == JINJA_TEXT)
        (void)read_number(run, in, true, &out);
    return out;
}

static value to_float(struct jinja_run *run, value in, const value *arg)
{
    value out = arg[0].given ? arg[0] : jinja_float(0);
    if (jinja_is_number(in))
        return jinja_float(jinja_real(in));
    if (in.kind == JINJA_TEXT)
        (void)read_number(run, in, false, &out);
    return out;
}

static value absolute(struct jinja_run *run, value in, const value *arg)
{
    (void)arg;
    if (in.kind == JINJA_FLOAT)
        return jinja_float(fabs(in.real));
    if (!jinja_is_number(in) || jinja_whole(in) == INT64_MIN)
        return jinja_fail(run, "%s has no magnitude", jinja_kind_name(in.kind));
    return jinja_int(llabs(jinja_whole(in)));
}

static value round_number(struct jinja_run *run, value in, const value *arg)
{
    struct jinja_span method = jinja_flat(run, arg[1]);
    int64_t places = arg[0].kind == JINJA_INT ? arg[0].integer : 0;
    if (!jinja_is_number(in) || places < 0 || places > 15)
        return jinja_fail(run, "this cannot be rounded");
    double scale = 1, real = jinja_real(in);
    for (int64_t i = 0; i < places; i++)
        scale *= 10;
    if (!isfinite(real * scale))
        return jinja_float(real);
    if (jinja_span_is(method, "ceil"))
        return jinja_float(ceil(real * scale) / scale);
    if (jinja_span_is(method, "floor"))
        return jinja_float(floor(real * scale) / scale);
    char text[352]; /* decimal digits decide, as in Python */
    snprintf(text, sizeof text, "%.*f", (int)places, real);
    return jinja_float(strtod(text, NULL));
}

static const struct jinja_builtin filters[] = {
    { "safe", safe, { NULL } },
    { "string", string, { NULL } },
    { "default", use_default, { "default_value", "boolean" } },
    { "d", use_default, { "default_value", "boolean" } },
    { "tojson", tojson, { "indent", "ensure_ascii", "separators", "sort_keys" } },
    { "trim", trim, { "chars" } },
    { "upper", upper, { NULL } },
    { "lower", lower, { NULL } },
    { "capitalize", capitalize, { NULL } },
    { "title", title, { NULL } },
    { "replace", replace, { "old", "new", "count" } },
    { "indent", indent, { "width", "first", "blank" } },
    { "int", to_int, { "default" } },
    { "float", to_float, { "default" } },
    { "abs", absolute, { NULL } },
    { "round", round_number, { "precision", "method" } },
};

const struct jinja_builtin *jinja_find_filter(const char *name, size_t size)
{
    for (size_t i = 0; i < PML_COUNT(filters); i++) {
        if (strlen(filters[i].name) == size && !memcmp(filters[i].name, name, size))
            return &filters[i];
    }
    return jinja_find_list_filter(name, size);
}
