/* SPDX-License-Identifier: MIT */
/* Values of the template interpreter as text: str() and repr() as Python prints them, and JSON. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/jinja/value.h"
#include "engine/utf8.h"

/* The shortest decimal that reads back as the same number, in Python's form. */
static void put_float(struct jinja_run *run, struct jinja_sink *sink, double real)
{
    char text[64];
    if (!isfinite(real)) {
        jinja_put_plain(run, sink, isnan(real) ? "nan" : real < 0 ? "-inf" : "inf");
        return;
    }
    int digits = 1;
    do
        snprintf(text, sizeof text, "%.*e", digits - 1, real);
    while (strtod(text, NULL) != real && ++digits <= 17);
    int exponent = atoi(strchr(text, 'e') + 1);
    if (exponent >= -4 && exponent < 16) {
        int decimals = digits - 1 - exponent;
        snprintf(text, sizeof text, "%.*f", decimals > 0 ? decimals : 1, real);
    }
    jinja_put_plain(run, sink, text);
}

static void put_integer(struct jinja_run *run, struct jinja_sink *sink, int64_t integer)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)integer);
    jinja_put_plain(run, sink, text);
}

/* Puts the bytes of TEXT, and for each that ESCAPE knows what it says instead. */
static void put_escaped(struct jinja_run *run, struct jinja_sink *sink, struct jinja_span text,
                        const char *(*escape)(char room[8], unsigned char c, char quote), char quote)
{
    char room[8], quotes[2] = { quote, 0 };
    size_t from = 0;
    jinja_put_plain(run, sink, quotes);
    for (size_t i = 0; i < text.size && !run->failed; i++) {
        const char *escaped = escape(room, (unsigned char)text.bytes[i], quote);
        if (!escaped)
            continue;
        jinja_put(run, sink, jinja_cut(text, from, i - from));
        jinja_put_plain(run, sink, escaped);
        from = i + 1;
    }
    jinja_put(run, sink, jinja_cut(text, from, text.size - from));
    jinja_put_plain(run, sink, quotes);
}

static const char *python_escape(char room[8], unsigned char c, char quote)
{
    static const char letters[] = "\n\r\t\\", meanings[] = "nrt\\";
    const char *found = c ? strchr(letters, c) : NULL;
    if (found || c == (unsigned char)quote)
        snprintf(room, 8, "\\%c", found ? meanings[found - letters] : quote);
    else if (c < 32 || c == 127)
        snprintf(room, 8, "\\x%02x", c);
    else
        return NULL;
    return room;
}

static const char *json_escape(char room[8], unsigned char c, char quote)
{
    static const char letters[] = "\n\r\t\b\f\\", meanings[] = "nrtbf\\";
    const char *found = c ? strchr(letters, c) : NULL;
    if (found || c == (unsigned char)quote)
        snprintf(room, 8, "\\%c", found ? meanings[found - letters] : quote);
    else if (c < 32)
        snprintf(room, 8, "\\u%04x", c);
    else
        return NULL;
    return room;
}

/* --- str() and repr() --- */

static void put_repr(struct jinja_run *run, struct jinja_sink *sink, struct jinja_value value);

static void put_list_repr(struct jinja_run *run, struct jinja_sink *sink, const struct jinja_list *list)
{
    jinja_put_plain(run, sink, list->tuple ? "(" : "[");
    for (size_t i = 0; i < list->count && !run->failed; i++) {
        jinja_put_plain(run, sink, i ? ", " : "");
        put_repr(run, sink, list->items[i]);
    }
    jinja_put_plain(run, sink, !list->tuple ? "]" : list->count == 1 ? ",)" : ")");
}

static void put_dict_repr(struct jinja_run *run, struct jinja_sink *sink, const struct jinja_dict *dict)
{
    jinja_put_plain(run, sink, "{");
    for (size_t i = 0; i < dict->count && !run->failed; i++) {
        jinja_put_plain(run, sink, i ? ", " : "");
        put_repr(run, sink, dict->pairs[i].key);
        jinja_put_plain(run, sink, ": ");
        put_repr(run, sink, dict->pairs[i].value);
    }
    jinja_put_plain(run, sink, "}");
}

static void put_repr(struct jinja_run *run, struct jinja_sink *sink, struct jinja_value value)
{
    if (value.kind != JINJA_TEXT) {
        jinja_put_string(run, sink, value);
        return;
    }
    struct jinja_span text = jinja_flat(run, value);
    bool double_quoted = text.size && memchr(text.bytes, '\'', text.size) && !memchr(text.bytes, '"', text.size);
    put_escaped(run, sink, text, python_escape, double_quoted ? '"' : '\'');
}

void jinja_put_string(struct jinja_run *run, struct jinja_sink *sink, struct jinja_value value)
{
    if (jinja_enter(run)) {
        switch (value.kind) {
        case JINJA_UNDEFINED: break;
        case JINJA_NONE: jinja_put_plain(run, sink, "None"); break;
        case JINJA_BOOL: jinja_put_plain(run, sink, value.truth ? "True" : "False"); break;
        case JINJA_INT: put_integer(run, sink, value.integer); break;
        case JINJA_FLOAT: put_float(run, sink, value.real); break;
        case JINJA_TEXT: jinja_put(run, sink, jinja_flat(run, value)); break;
        case JINJA_LIST: put_list_repr(run, sink, value.list); break;
        case JINJA_DICT: put_dict_repr(run, sink, value.dict); break;
        default: jinja_fail(run, "%s has no text", jinja_kind_name(value.kind)); break;
        }
    }
    jinja_leave(run);
}

struct jinja_value jinja_string(struct jinja_run *run, struct jinja_value value)
{
    struct jinja_sink sink = { 0 };
    if (value.kind == JINJA_TEXT)
        return value;
    jinja_put_string(run, &sink, value);
    return jinja_sink_take(run, &sink);
}

/* --- JSON --- */

struct json_writer {
    struct jinja_run *run;
    struct jinja_sink *sink;
    const struct jinja_json_style *style;
    size_t level;
};

static void put_json(struct json_writer *w, struct jinja_value value);

/* What is beyond ASCII as \uHHHH, in UTF-16. */
static void put_ascii(struct json_writer *w, struct jinja_span text)
{
    struct jinja_sink escaped = { 0 };
    for (size_t at = 0, used; at < text.size && !w->run->failed; at += used) {
        uint32_t point;
        char room[16];
        enum pml_utf8 found = pml_utf8_next((const uint8_t *)text.bytes + at, text.size - at, &used, &point);
        if (found == PML_UTF8_GOOD && point < 0x80) {
            const char *code = json_escape(room, (unsigned char)point, '"');
            if (code)
                jinja_put_plain(w->run, &escaped, code);
            else
                jinja_put(w->run, &escaped, jinja_cut(text, at, 1));
            continue;
        }
        if (found != PML_UTF8_GOOD)
            point = 0xfffd;
        if (point < 0x10000)
            snprintf(room, sizeof room, "\\u%04x", (unsigned)point);
        else
            snprintf(room, sizeof room, "\\u%04x\\u%04x", (unsigned)(0xd7c0 + (point >> 10)),
                     (unsigned)(0xdc00 + (point & 0x3ff)));
        jinja_put_plain(w->run, &escaped, room);
    }
    jinja_put_plain(w->run, w->sink, "\"");
    jinja_put(w->run, w->sink, jinja_flat(w->run, jinja_sink_take(w->run, &escaped)));
    jinja_put_plain(w->run, w->sink, "\"");
}

static void put_json_text(struct json_writer *w, struct jinja_span text)
{
    if (w->style->ascii)
        put_ascii(w, text);
    else
        put_escaped(w->run, w->sink, text, json_escape, '"');
}

static void put_separator(struct json_writer *w, const struct jinja_span *own, const char *usual)
{
    if (own)
        jinja_put(w->run, w->sink, *own);
    else
        jinja_put_plain(w->run, w->sink, usual);
}

static void put_line(struct json_writer *w)
{
    if (!w->style->pretty)
        return;
    jinja_put_plain(w->run, w->sink, "\n");
    for (size_t i = 0; i < w->level * w->style->indent && !w->run->failed; i++)
        jinja_put_plain(w->run, w->sink, " ");
}

static void put_item_separator(struct json_writer *w)
{
    put_separator(w, w->style->item, w->style->pretty ? "," : ", ");
}

static void put_array(struct json_writer *w, const struct jinja_list *list)
{
    jinja_put_plain(w->run, w->sink, "[");
    w->level++;
    for (size_t i = 0; i < list->count && !w->run->failed; i++) {
        if (i)
            put_item_separator(w);
        put_line(w);
        put_json(w, list->items[i]);
    }
    w->level--;
    if (list->count)
        put_line(w);
    jinja_put_plain(w->run, w->sink, "]");
}

static int by_key(const void *a, const void *b)
{
    const struct jinja_pair *left = a, *right = b;
    return jinja_span_order(left->key.text->flat, right->key.text->flat);
}

/* The pairs by key; NULL: failed. */
static const struct jinja_pair *sorted_pairs(struct json_writer *w, const struct jinja_dict *dict)
{
    struct jinja_pair *pairs = jinja_new(w->run, dict->count * sizeof *pairs);
    for (size_t i = 0; i < dict->count && pairs; i++) {
        if (dict->pairs[i].key.kind != JINJA_TEXT)
            jinja_fail(w->run, "keys that are no strings cannot be sorted");
        pairs[i] = dict->pairs[i];
    }
    if (!pairs || w->run->failed || !jinja_work(w->run, 64 * dict->count))
        return NULL;
    if (dict->count)
        qsort(pairs, dict->count, sizeof *pairs, by_key);
    return pairs;
}

static void put_json_key(struct json_writer *w, struct jinja_value key)
{
    if (key.kind == JINJA_TEXT) {
        put_json_text(w, jinja_flat(w->run, key));
        return;
    }
    jinja_put_plain(w->run, w->sink, "\"");
    put_json(w, key);
    jinja_put_plain(w->run, w->sink, "\"");
}

static void put_object(struct json_writer *w, const struct jinja_dict *dict)
{
    const struct jinja_pair *pairs = w->style->sorted ? sorted_pairs(w, dict) : dict->pairs;
    jinja_put_plain(w->run, w->sink, "{");
    w->level++;
    for (size_t i = 0; i < dict->count && !w->run->failed; i++) {
        if (i)
            put_item_separator(w);
        put_line(w);
        put_json_key(w, pairs[i].key);
        put_separator(w, w->style->key, ": ");
        put_json(w, pairs[i].value);
    }
    w->level--;
    if (dict->count)
        put_line(w);
    jinja_put_plain(w->run, w->sink, "}");
}

static void put_json(struct json_writer *w, struct jinja_value value)
{
    if (jinja_enter(w->run)) {
        switch (value.kind) {
        case JINJA_NONE: jinja_put_plain(w->run, w->sink, "null"); break;
        case JINJA_BOOL: jinja_put_plain(w->run, w->sink, value.truth ? "true" : "false"); break;
        case JINJA_TEXT: put_json_text(w, jinja_flat(w->run, value)); break;
        case JINJA_INT:
        case JINJA_FLOAT: jinja_put_string(w->run, w->sink, value); break;
        case JINJA_LIST: put_array(w, value.list); break;
        case JINJA_DICT: put_object(w, value.dict); break;
        default: jinja_fail(w->run, "%s is no JSON", jinja_kind_name(value.kind)); break;
        }
    }
    jinja_leave(w->run);
}

void jinja_put_json(struct jinja_run *run, struct jinja_sink *sink, struct jinja_value value,
                    const struct jinja_json_style *style)
{
    put_json(&(struct json_writer){ run, sink, style, 0 }, value);
}
