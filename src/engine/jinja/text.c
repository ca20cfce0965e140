/* SPDX-License-Identifier: MIT */
/* Text operations of the template interpreter. */
#include "engine/jinja/text.h"

#include <string.h>

#include "base/memory.h"
#include "engine/utf8.h"

bool jinja_is_text(struct jinja_run *run, struct jinja_value value)
{
    if (value.kind != JINJA_TEXT)
        jinja_fail(run, "a string was expected, not %s", jinja_kind_name(value.kind));
    return !run->failed;
}

/* --- strip --- */

/* str.isspace() */
static bool is_space(uint32_t c)
{
    return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool is_stripped(struct jinja_span text, size_t at, size_t used, uint32_t point, const struct jinja_span *chars)
{
    return chars ? chars->size && memmem(chars->bytes, chars->size, text.bytes + at, used) : is_space(point);
}

/* Where the last character of SIZE bytes begins. */
static size_t last_character(struct jinja_span text, size_t size)
{
    size_t at = size - 1;
    while (at && size - at < PML_UTF8_MAX && (text.bytes[at] & 0xc0) == 0x80)
        at--;
    return at;
}

struct jinja_value jinja_strip(struct jinja_run *run, struct jinja_value value, struct jinja_value chars,
                               enum jinja_ends ends)
{
    size_t from = 0, used;
    uint32_t point;
    bool own = chars.kind == JINJA_TEXT;
    if (!jinja_is_text(run, value))
        return jinja_undefined();
    struct jinja_span text = jinja_flat(run, value), set = jinja_flat(run, chars);
    size_t to = text.size;
    while (ends & JINJA_LEFT && from < to && jinja_work(run, own ? set.size : 0)) {
        pml_utf8_next((const uint8_t *)text.bytes + from, to - from, &used, &point);
        if (!is_stripped(text, from, used, point, own ? &set : NULL))
            break;
        from += used;
    }
    while (ends & JINJA_RIGHT && to > from && jinja_work(run, own ? set.size : 0)) {
        size_t last = last_character(text, to);
        pml_utf8_next((const uint8_t *)text.bytes + last, to - last, &used, &point);
        if (last + used != to || !is_stripped(text, last, used, point, own ? &set : NULL))
            break;
        to = last;
    }
    return jinja_text(run, jinja_cut(text, from, to - from));
}

/* --- case --- */

static bool is_letter(char c)
{
    return ((c | 32) >= 'a' && (c | 32) <= 'z') || (unsigned char)c >= 0x80;
}

static bool begins_word(struct jinja_span text, size_t i, enum jinja_case to)
{
    if (!i)
        return true;
    if (to == JINJA_TITLE_WORDS)
        return !is_letter(text.bytes[i - 1]);
    return to == JINJA_TITLE_BLANKS && memchr("-({[< \t\n\r\f\v", text.bytes[i - 1], 11);
}

struct jinja_value jinja_change_case(struct jinja_run *run, struct jinja_value value, enum jinja_case to)
{
    if (!jinja_is_text(run, value))
        return jinja_undefined();
    struct jinja_span text = jinja_flat(run, value);
    char *bytes = jinja_work(run, text.size) ? jinja_new(run, text.size) : NULL;
    if (!bytes)
        return jinja_undefined();
    for (size_t i = 0; i < text.size; i++) {
        char c = text.bytes[i];
        bool upper = to == JINJA_UPPER || (to != JINJA_LOWER && begins_word(text, i, to));
        if (upper && c >= 'a' && c <= 'z')
            c = (char)(c - 32);
        else if (!upper && c >= 'A' && c <= 'Z')
            c = (char)(c + 32);
        bytes[i] = c;
    }
    text.bytes = bytes;
    return jinja_text(run, text);
}

/* --- parts --- */

/* The next place of WHAT at or behind FROM; the size of the text if there is none. */
static size_t find(struct jinja_span text, size_t from, struct jinja_span what)
{
    const char *found = text.size > from ? memmem(text.bytes + from, text.size - from, what.bytes, what.size) : NULL;
    return found ? (size_t)(found - text.bytes) : text.size;
}

static bool read_limit(struct jinja_run *run, struct jinja_value limit, int64_t *out)
{
    *out = -1;
    if (!limit.given || limit.kind == JINJA_NONE)
        return true;
    if (limit.kind != JINJA_INT)
        jinja_fail(run, "a number was expected, not %s", jinja_kind_name(limit.kind));
    else
        *out = limit.integer;
    return !run->failed;
}

struct jinja_value jinja_replace(struct jinja_run *run, struct jinja_value value, struct jinja_value old,
                                 struct jinja_value new, struct jinja_value count)
{
    struct jinja_sink sink = { 0 };
    int64_t limit;
    if (!jinja_is_text(run, value) || !jinja_is_text(run, old) || !jinja_is_text(run, new) ||
        !read_limit(run, count, &limit))
        return jinja_undefined();
    struct jinja_span text = jinja_flat(run, value), what = jinja_flat(run, old), by = jinja_flat(run, new);
    size_t from = 0;
    if (!what.size)
        return jinja_fail(run, "replacing the empty string is not supported");
    while (limit-- != 0 && jinja_work(run, 0)) {
        size_t at = find(text, from, what);
        if (at == text.size)
            break;
        jinja_put(run, &sink, jinja_cut(text, from, at - from));
        jinja_put(run, &sink, by);
        from = at + what.size;
    }
    if (!from && !run->failed)
        return value;
    jinja_put(run, &sink, jinja_cut(text, from, text.size - from));
    return jinja_sink_take(run, &sink);
}

/* At runs of white space, none of which begins or ends a part. */
static struct jinja_value split_blanks(struct jinja_run *run, struct jinja_span text, int64_t limit)
{
    struct jinja_value list = jinja_list(run, 0);
    size_t start = 0, at = 0, used;
    bool in_word = false;
    uint32_t point;
    if (!jinja_work(run, 4 * text.size))
        return list;
    for (; at < text.size && !run->failed; at += used) {
        pml_utf8_next((const uint8_t *)text.bytes + at, text.size - at, &used, &point);
        if (is_space(point) == !in_word)
            continue;
        if (in_word) {
            jinja_append(run, list.list, jinja_text(run, jinja_cut(text, start, at - start)));
        } else {
            start = at;
            if (limit >= 0 && (int64_t)list.list->count >= limit) {
                at = text.size;
                in_word = true;
                break;
            }
        }
        in_word = !in_word;
    }
    if (in_word && !run->failed)
        jinja_append(run, list.list, jinja_text(run, jinja_cut(text, start, text.size - start)));
    return list;
}

struct jinja_value jinja_split(struct jinja_run *run, struct jinja_value value, struct jinja_value separator,
                               struct jinja_value count)
{
    int64_t limit;
    size_t from = 0;
    if (!jinja_is_text(run, value) || !read_limit(run, count, &limit))
        return jinja_undefined();
    struct jinja_span text = jinja_flat(run, value);
    if (!separator.given || separator.kind == JINJA_NONE)
        return split_blanks(run, text, limit);
    if (!jinja_is_text(run, separator))
        return jinja_undefined();
    struct jinja_span what = jinja_flat(run, separator);
    struct jinja_value list = jinja_list(run, 0);
    if (!what.size)
        return jinja_fail(run, "a text cannot be split at the empty string");
    while (limit-- != 0 && jinja_work(run, 0)) {
        size_t at = find(text, from, what);
        if (at == text.size)
            break;
        jinja_append(run, list.list, jinja_text(run, jinja_cut(text, from, at - from)));
        from = at + what.size;
    }
    if (!run->failed && jinja_work(run, text.size))
        jinja_append(run, list.list, jinja_text(run, jinja_cut(text, from, text.size - from)));
    return list;
}

struct jinja_value jinja_join(struct jinja_run *run, const struct jinja_list *items, struct jinja_value separator)
{
    struct jinja_sink sink = { 0 };
    struct jinja_span between = jinja_flat(run, jinja_string(run, separator));
    for (size_t i = 0; i < items->count && !run->failed; i++) {
        if (i)
            jinja_put(run, &sink, between);
        jinja_put_string(run, &sink, items->items[i]);
    }
    return jinja_sink_take(run, &sink);
}
