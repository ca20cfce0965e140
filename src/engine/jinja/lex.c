/* SPDX-License-Identifier: MIT */
/* The lexer of the template interpreter. */
#include "engine/jinja/lex.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/utf8.h"

static bool is_blank(char c)
{
    return c == ' ' || (c >= 9 && c <= 13);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
    return is_digit(c) || c == '_' || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static bool fail(const struct jinja_lexer *l, const char *what, struct pml_error *err)
{
    return pml_fail(err, PML_NO, "chat_template", "line %u: %s", l->line, what);
}

static bool starts(const struct jinja_lexer *l, const char *text)
{
    size_t size = strlen(text);
    return (size_t)(l->end - l->at) >= size && !memcmp(l->at, text, size);
}

static void advance(struct jinja_lexer *l, const char *to)
{
    for (; l->at < to; l->at++)
        l->line += *l->at == '\n';
}

static void skip_blanks(struct jinja_lexer *l)
{
    const char *to = l->at;
    while (to < l->end && is_blank(*to))
        to++;
    advance(l, to);
}

/* Newlines of any kind become \n, and one at the end of the text is dropped. */
bool jinja_lex_begin(struct jinja_lexer *l, struct jinja_arena *arena, const char *source, size_t size,
                     struct pml_error *err)
{
    char *copy = jinja_arena_new(arena, size + 1);
    size_t kept = 0;
    if (!copy)
        return pml_fail_memory(err);
    for (size_t i = 0; i < size; i++) {
        bool is_return = source[i] == '\r';
        copy[kept++] = is_return ? '\n' : source[i];
        if (is_return && i + 1 < size && source[i + 1] == '\n')
            i++;
    }
    if (kept && copy[kept - 1] == '\n')
        kept--;
    *l = (struct jinja_lexer){ .arena = arena, .at = copy, .end = copy + kept, .line = 1, .line_begins = true };
    return true;
}

/* Behind the sign or signs that end a tag. */
static void end_tag(struct jinja_lexer *l, char sign, bool trims_newline)
{
    if (sign == '-')
        skip_blanks(l);
    else if (sign != '+' && trims_newline && l->at < l->end && *l->at == '\n')
        advance(l, l->at + 1);
    l->line_begins = l->at[-1] == '\n';
}

/* The text before a tag without what the tag strips. */
static const char *strip_before(const struct jinja_lexer *l, const char *tag, bool is_block)
{
    char sign = tag + 2 < l->end ? tag[2] : 0;
    const char *to = tag;
    while (to > l->at && is_blank(to[-1]) && (sign == '-' || to[-1] != '\n'))
        to--;
    if (sign == '-')
        return to;
    bool first_of_line = to > l->at ? to[-1] == '\n' : l->line_begins;
    return is_block && sign != '+' && first_of_line ? to : tag;
}

static const char *find_tag(const struct jinja_lexer *l)
{
    const char *at = l->at;
    while ((at = memchr(at, '{', (size_t)(l->end - at)))) {
        if (at + 1 < l->end && (at[1] == '{' || at[1] == '%' || at[1] == '#'))
            return at;
        at++;
    }
    return NULL;
}

static bool skip_comment(struct jinja_lexer *l, struct pml_error *err)
{
    l->at += 2;
    const char *end = memmem(l->at, (size_t)(l->end - l->at), "#}", 2);
    if (!end)
        return fail(l, "a comment has no end", err);
    char sign = end > l->at ? end[-1] : 0;
    advance(l, end + 2);
    end_tag(l, sign, true);
    return true;
}

/* Is there a tag {% NAME %} here? Moves behind it if so. */
static bool skip_word_tag(struct jinja_lexer *l, const char *name)
{
    const char *at = l->at + 2;
    size_t size = strlen(name);
    char sign = 0;
    if (at < l->end && (*at == '-' || *at == '+'))
        at++;
    while (at < l->end && is_blank(*at))
        at++;
    if ((size_t)(l->end - at) < size || memcmp(at, name, size) != 0)
        return false;
    at += size;
    while (at < l->end && is_blank(*at))
        at++;
    if (at < l->end && (*at == '-' || *at == '+'))
        sign = *at++;
    if (l->end - at < 2 || at[0] != '%' || at[1] != '}')
        return false;
    advance(l, at + 2);
    end_tag(l, sign, true);
    return true;
}

/* Behind {% raw %}: everything up to {% endraw %}. */
static bool read_raw(struct jinja_lexer *l, struct jinja_token *out, struct pml_error *err)
{
    const char *start = l->at;
    struct jinja_lexer probe = *l;
    while ((probe.at = memmem(probe.at, (size_t)(l->end - probe.at), "{%", 2))) {
        const char *tag = probe.at;
        if (skip_word_tag(&probe, "endraw")) {
            const char *to = strip_before(l, tag, true);
            advance(l, probe.at);
            l->line_begins = probe.line_begins;
            *out = (struct jinja_token){ JINJA_TOKEN_DATA, l->line, start, (size_t)(to - start), 0, 0 };
            return true;
        }
        probe.at = tag + 2;
    }
    return fail(l, "raw has no endraw", err);
}

static void open_tag(struct jinja_lexer *l, enum jinja_token_kind kind)
{
    l->at += 2;
    if (l->at < l->end && (*l->at == '-' || (*l->at == '+' && kind == JINJA_TOKEN_BLOCK)))
        l->at++;
    l->in_tag = true;
    l->in_print = kind == JINJA_TOKEN_PRINT;
    l->opened = 0;
}

/* Outside of tags: data, and the beginning of the tag behind it. False with *AGAIN: nothing came of it, go on. */
static bool read_data(struct jinja_lexer *l, struct jinja_token *out, bool *again, struct pml_error *err)
{
    const char *start = l->at, *tag = find_tag(l);
    const char *to = tag ? strip_before(l, tag, tag[1] != '{') : l->end;
    *out = (struct jinja_token){ JINJA_TOKEN_DATA, l->line, start, (size_t)(to - start), 0, 0 };
    advance(l, tag ? tag : l->end);
    *again = false;
    if (!tag) {
        if (!out->size)
            out->kind = JINJA_TOKEN_END;
        return true;
    }
    if (tag[1] == '#') {
        *again = !out->size;
        return skip_comment(l, err);
    }
    if (tag[1] == '%' && skip_word_tag(l, "raw")) {
        if (!out->size)
            return read_raw(l, out, err);
        l->pending = JINJA_TOKEN_DATA;
        return true;
    }
    enum jinja_token_kind kind = tag[1] == '{' ? JINJA_TOKEN_PRINT : JINJA_TOKEN_BLOCK;
    open_tag(l, kind);
    if (out->size)
        l->pending = kind;
    else
        out->kind = kind;
    return true;
}

/* e, a sign and up to three digits, or none of it. DIGITS has room. */
static bool read_exponent(const char **at, const char *end, char *digits, size_t *size)
{
    const char *from = *at;
    if (from == end || (*from | 32) != 'e')
        return true;
    from++;
    if (from < end && (*from == '+' || *from == '-'))
        from++;
    const char *to = from;
    while (to < end && is_digit(*to) && to - from < 4)
        to++;
    if (to == from || to - from > 3)
        return false;
    memcpy(digits + *size, *at, (size_t)(to - *at));
    *size += (size_t)(to - *at);
    *at = to;
    return true;
}

static bool read_number(struct jinja_lexer *l, struct jinja_token *out, struct pml_error *err)
{
    char digits[64];
    size_t size = 0;
    const char *at = l->at;
    out->kind = JINJA_TOKEN_INTEGER;
    for (bool fraction = false; at < l->end; at++) {
        bool dot = *at == '.' && !fraction && l->at[-1] != '.' && at + 1 < l->end && is_digit(at[1]);
        if (*at == '_')
            continue;
        if (!is_digit(*at) && !dot)
            break;
        if (dot) {
            fraction = true;
            out->kind = JINJA_TOKEN_REAL;
        }
        if (size + 8 >= sizeof digits || (out->kind == JINJA_TOKEN_INTEGER && size >= 18))
            return fail(l, "a number is too long", err);
        digits[size++] = *at;
    }
    if (out->kind == JINJA_TOKEN_REAL && !read_exponent(&at, l->end, digits, &size))
        return fail(l, "a malformed number", err);
    digits[size] = 0;
    l->at = at;
    if (out->kind == JINJA_TOKEN_INTEGER)
        out->integer = strtoll(digits, NULL, 10);
    else
        out->real = strtod(digits, NULL);
    return true;
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    return (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* \xHH or \uHHHH, AT behind the backslash. Returns the bytes read, 0: malformed. */
static size_t read_code(const char *at, const char *end, char **out)
{
    size_t digits = *at == 'x' ? 2 : 4;
    uint32_t point = 0;
    if ((size_t)(end - at) < digits + 1)
        return 0;
    for (size_t i = 1; i <= digits; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return 0;
        point = point << 4 | (uint32_t)digit;
    }
    if (point >= 0xd800 && point < 0xe000)
        return 0;
    *out += pml_utf8_put((uint8_t *)*out, point);
    return digits + 1;
}

/* Unknown escapes stay as they are written, as in Python. OUT has room: nothing grows. */
static bool unescape(const struct jinja_lexer *l, const char *at, const char *end, char **out, struct pml_error *err)
{
    static const char letters[] = "ntrabfv\\'\"", meanings[] = "\n\t\r\a\b\f\v\\'\"";
    while (at < end) {
        if (*at != '\\') {
            *(*out)++ = *at++;
            continue;
        }
        at++; /* the closing quote is not escaped, so something follows */
        const char *found = memchr(letters, *at, sizeof letters - 1);
        if (found) {
            *(*out)++ = meanings[found - letters];
            at++;
        } else if (*at == 'x' || *at == 'u') {
            size_t used = read_code(at, end, out);
            if (!used)
                return fail(l, "a malformed escape in a string", err);
            at += used;
        } else {
            *(*out)++ = '\\';
        }
    }
    return true;
}

static bool read_string(struct jinja_lexer *l, struct jinja_token *out, struct pml_error *err)
{
    const char *start = l->at + 1, *end = start;
    bool escaped = false;
    for (; end < l->end && *end != *l->at; end++) {
        if (*end == '\\') {
            escaped = true;
            end++;
        }
    }
    if (end >= l->end)
        return fail(l, "a string has no end", err);
    out->kind = JINJA_TOKEN_STRING;
    out->bytes = start;
    out->size = (size_t)(end - start);
    if (escaped) {
        char *text = jinja_arena_new(l->arena, out->size), *to = text;
        if (!text)
            return pml_fail_memory(err);
        if (!unescape(l, start, end, &to, err))
            return false;
        out->bytes = text;
        out->size = (size_t)(to - text);
    }
    advance(l, end + 1);
    return true;
}

static bool read_tag_end(struct jinja_lexer *l, struct jinja_token *out)
{
    const char *mark = l->in_print ? "}}" : "%}";
    char sign = *l->at == '-' || (*l->at == '+' && !l->in_print) ? *l->at : 0;
    const char *at = l->at + (sign != 0);
    if (l->opened || l->end - at < 2 || at[0] != mark[0] || at[1] != mark[1])
        return false;
    advance(l, at + 2);
    out->kind = l->in_print ? JINJA_TOKEN_PRINT_END : JINJA_TOKEN_BLOCK_END;
    end_tag(l, sign, !l->in_print);
    l->in_tag = false;
    return true;
}

static bool read_sign(struct jinja_lexer *l, struct jinja_token *out, struct pml_error *err)
{
    static const char *const doubles[] = { "//", "**", "<=", ">=", "==", "!=" };
    out->kind = JINJA_TOKEN_SIGN;
    out->bytes = l->at;
    for (size_t i = 0; i < PML_COUNT(doubles); i++) {
        if (starts(l, doubles[i]))
            out->size = 2;
    }
    if (!out->size && !memchr("+-*/%~<>=()[]{},.:|", *l->at, 19))
        return fail(l, "a character that no expression has", err);
    if (!out->size)
        out->size = 1;
    if (*l->at == '(' || *l->at == '[' || *l->at == '{')
        l->opened++;
    else if ((*l->at == ')' || *l->at == ']' || *l->at == '}') && l->opened)
        l->opened--;
    l->at += out->size;
    return true;
}

static bool read_in_tag(struct jinja_lexer *l, struct jinja_token *out, struct pml_error *err)
{
    skip_blanks(l);
    *out = (struct jinja_token){ .line = l->line };
    if (l->at == l->end)
        return fail(l, "a tag has no end", err);
    if (read_tag_end(l, out))
        return true;
    if (is_digit(*l->at))
        return read_number(l, out, err);
    if (*l->at == '"' || *l->at == '\'')
        return read_string(l, out, err);
    if (!is_name(*l->at))
        return read_sign(l, out, err);
    out->kind = JINJA_TOKEN_NAME;
    out->bytes = l->at;
    while (l->at < l->end && is_name(*l->at))
        l->at++;
    out->size = (size_t)(l->at - out->bytes);
    return true;
}

bool jinja_lex_next(struct jinja_lexer *l, struct jinja_token *out, struct pml_error *err)
{
    enum jinja_token_kind pending = l->pending;
    bool again = true;
    l->pending = JINJA_TOKEN_END;
    if (pending == JINJA_TOKEN_DATA)
        return read_raw(l, out, err);
    if (pending != JINJA_TOKEN_END) {
        *out = (struct jinja_token){ .kind = pending, .line = l->line };
        return true;
    }
    if (l->in_tag)
        return read_in_tag(l, out, err);
    while (again) {
        if (!read_data(l, out, &again, err))
            return false;
    }
    return true;
}
