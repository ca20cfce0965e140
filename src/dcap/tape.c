/* SPDX-License-Identifier: MIT */
/* Strict JSON on a tape: one pass, no recursion. */
#include "dcap/tape.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/memory.h"

enum { DEPTH_MAX = 32, MEMBERS_MAX = 64 };

struct reader {
    char *at, *end, *start;
    struct pml_node *nodes; /* owned */
    size_t count, room;
    bool out_of_memory;
    const char *why; /* of the first failure */
};

static bool refuse(struct reader *r, const char *why)
{
    r->why = why;
    return false;
}

static struct pml_node *add(struct reader *r, enum pml_node_type type)
{
    if (r->count == r->room) {
        size_t room = r->room ? 2 * r->room : 256;
        struct pml_node *grown = realloc(r->nodes, room * sizeof *grown);
        if (!grown) {
            r->out_of_memory = true;
            return NULL;
        }
        r->nodes = grown;
        r->room = room;
    }
    struct pml_node *node = &r->nodes[r->count++];
    *node = (struct pml_node){ .type = type, .span = 1 };
    return node;
}

static void skip_space(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

static bool take(struct reader *r, char c)
{
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

/* Bytes of the well-formed UTF-8 sequence at AT (Unicode table 3-7), 0 if there is none. */
static size_t utf8_size(const uint8_t *at, const uint8_t *end)
{
    uint8_t first = at[0];
    size_t size = first >= 0xc2 && first <= 0xdf   ? 2
                  : (first & 0xf0) == 0xe0         ? 3
                  : first >= 0xf0 && first <= 0xf4 ? 4
                                                   : 0;
    if (size == 0 || (size_t)(end - at) < size)
        return 0;
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    return size;
}

static bool get_hex4(struct reader *r, uint32_t *out)
{
    uint8_t bytes[2];
    if (r->end - r->at < 4 || !pml_unhex(bytes, sizeof bytes, r->at, 4))
        return false;
    *out = (uint32_t)bytes[0] << 8 | bytes[1];
    r->at += 4;
    return true;
}

/* \uXXXX, or two of them that are a surrogate pair, as UTF-8 to *TO. Six bytes make three at most, twelve make four. */
static bool get_unicode(struct reader *r, char **to)
{
    uint32_t code, low;
    if (!get_hex4(r, &code) || (code >= 0xdc00 && code <= 0xdfff))
        return false;
    if (code >= 0xd800 && code <= 0xdbff) {
        if (!take(r, '\\') || !take(r, 'u') || !get_hex4(r, &low) || low < 0xdc00 || low > 0xdfff)
            return false;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if (code < 0x80) {
        *(*to)++ = (char)code;
        return true;
    }
    size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    *(*to)++ = (char)((0xf0u << (3 - more) & 0xff) | code >> 6 * more);
    while (more-- > 0)
        *(*to)++ = (char)(0x80 | (code >> 6 * more & 0x3f));
    return true;
}

static bool get_escape(struct reader *r, char **to)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (r->at == r->end)
        return false;
    char c = *r->at++;
    const char *found = c ? strchr(letters, c) : NULL;
    if (found)
        *(*to)++ = meanings[found - letters];
    return found || (c == 'u' && get_unicode(r, to));
}

/* The rest of a string behind its quotation mark, decoded onto itself. */
static bool get_string(struct reader *r)
{
    char *start = r->at, *to = r->at;
    while (r->at < r->end && *r->at != '"') {
        uint8_t c = (uint8_t)*r->at;
        if (c >= 0x20 && c < 0x80 && c != '\\') {
            *to++ = *r->at++;
        } else if (c == '\\') {
            r->at++;
            if (!get_escape(r, &to))
                return refuse(r, "bad escape in a string");
        } else {
            size_t size = utf8_size((const uint8_t *)r->at, (const uint8_t *)r->end);
            if (size == 0)
                return refuse(r, "control character or invalid UTF-8 in a string");
            memmove(to, r->at, size);
            to += size;
            r->at += size;
        }
    }
    if (!take(r, '"'))
        return refuse(r, "string without end");
    struct pml_node *node = add(r, PML_NODE_STRING);
    if (node)
        node->text = (struct pml_text){ start, (size_t)(to - start) };
    return node;
}

static bool get_digits(struct reader *r)
{
    char *start = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > start;
}

static bool get_number(struct reader *r)
{
    bool negative = take(r, '-'), integer = true;
    char *digits = r->at;
    int64_t value = 0;
    if (!get_digits(r) || (*digits == '0' && r->at - digits > 1))
        return refuse(r, "not a value");
    for (char *c = digits; c < r->at; c++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, *c - '0', &value)) /* negative numbers reach further */
            integer = false;
    }
    if (!negative && __builtin_sub_overflow(0, value, &value))
        integer = false;
    if (take(r, '.')) {
        integer = false;
        if (!get_digits(r))
            return refuse(r, "not a value");
    }
    if (take(r, 'e') || take(r, 'E')) {
        integer = false;
        if (!take(r, '-'))
            (void)take(r, '+');
        if (!get_digits(r))
            return refuse(r, "not a value");
    }
    struct pml_node *node = add(r, integer ? PML_NODE_INTEGER : PML_NODE_NUMBER);
    if (node)
        node->integer = integer ? value : 0;
    return node;
}

static bool get_word(struct reader *r, const char *word, enum pml_node_type type)
{
    size_t size = strlen(word);
    if ((size_t)(r->end - r->at) < size || memcmp(r->at, word, size) != 0)
        return refuse(r, "not a value");
    r->at += size;
    return add(r, type);
}

static bool get_scalar(struct reader *r)
{
    if (r->at == r->end)
        return refuse(r, "ends early");
    switch (*r->at) {
    case '"': r->at++; return get_string(r);
    case 'n': return get_word(r, "null", PML_NODE_NULL);
    case 't': return get_word(r, "true", PML_NODE_TRUE);
    case 'f': return get_word(r, "false", PML_NODE_FALSE);
    default: return get_number(r);
    }
}

static bool same_text(struct pml_text a, struct pml_text b)
{
    return a.size == b.size && memcmp(a.bytes, b.bytes, a.size) == 0;
}

/* True if the last member of an object has a name of its own. */
static bool is_new_name(const struct pml_node *object, const struct pml_node *name)
{
    const struct pml_node *other = object + 1;
    for (uint32_t i = 0; i < object->count; i++) {
        if (same_text(other->text, name->text))
            return false;
        other = pml_node_next(other + 1);
    }
    return true;
}

/* The name and colon of a member of the object at OWNER. */
static bool get_name(struct reader *r, size_t owner)
{
    if (!take(r, '"'))
        return refuse(r, "member without a name");
    if (!get_string(r))
        return false;
    struct pml_node *object = &r->nodes[owner];
    if (object->count == MEMBERS_MAX)
        return refuse(r, "more than 64 members");
    if (!is_new_name(object, &r->nodes[r->count - 1]))
        return refuse(r, "duplicate member");
    skip_space(r);
    if (!take(r, ':'))
        return refuse(r, "member without a value");
    skip_space(r);
    return true;
}

/* Reads values until the outermost object is closed. OPEN holds the containers around the place of reading. */
static bool get_values(struct reader *r)
{
    size_t open[DEPTH_MAX];
    size_t depth = 0;
    bool first = true; /* nothing has been read in the innermost container */
    do {
        skip_space(r);
        if (depth > 0) {
            struct pml_node *inner = &r->nodes[open[depth - 1]];
            bool object = inner->type == PML_NODE_OBJECT;
            if (take(r, object ? '}' : ']')) {
                inner->span = (uint32_t)(r->count - open[--depth]);
                first = false;
                continue;
            }
            if (!first && !take(r, ','))
                return refuse(r, "values without a comma between them");
            skip_space(r);
            if (object && !get_name(r, open[depth - 1]))
                return false;
            r->nodes[open[depth - 1]].count++;
        }
        first = r->at < r->end && (*r->at == '{' || *r->at == '[');
        if (!first) {
            if (!get_scalar(r))
                return false;
            continue;
        }
        if (depth == DEPTH_MAX)
            return refuse(r, "more than 32 levels");
        open[depth++] = r->count;
        if (!add(r, *r->at++ == '{' ? PML_NODE_OBJECT : PML_NODE_ARRAY))
            return false;
    } while (depth > 0);
    return true;
}

bool pml_tape_parse(struct pml_tape *out, const char *text, size_t size, struct pml_error *err)
{
    struct reader r = { .start = malloc(size + 1) };
    *out = (struct pml_tape){ 0 };
    if (!r.start || size > UINT32_MAX / 2)
        return free(r.start), pml_fail_memory(err);
    memcpy(r.start, text, size);
    r.at = r.start;
    r.end = r.start + size;
    bool good = get_values(&r);
    if (good)
        skip_space(&r);
    if (good && r.at != r.end)
        good = refuse(&r, "text behind the end");
    if (good && r.nodes[0].type != PML_NODE_OBJECT)
        good = refuse(&r, "not an object");
    if (good) {
        *out = (struct pml_tape){ r.start, r.nodes };
        return true;
    }
    if (r.why)
        pml_fail(err, PML_NO, "json", "byte %zu: %s", (size_t)(r.at - r.start), r.why);
    else
        pml_fail_memory(err);
    free(r.start);
    free(r.nodes);
    return false;
}

void pml_tape_free(struct pml_tape *tape)
{
    free(tape->text);
    free(tape->nodes);
    *tape = (struct pml_tape){ 0 };
}

bool pml_text_is(struct pml_text text, const char *wanted)
{
    return text.size == strlen(wanted) && memcmp(text.bytes, wanted, text.size) == 0;
}

const struct pml_node *pml_node_member(const struct pml_node *object, const char *name)
{
    if (!object || object->type != PML_NODE_OBJECT)
        return NULL;
    const struct pml_node *at = object + 1;
    for (uint32_t i = 0; i < object->count; i++) {
        if (pml_text_is(at->text, name))
            return at + 1;
        at = pml_node_next(at + 1);
    }
    return NULL;
}

static const struct pml_node *get_typed(const struct pml_node *object, const char *name, enum pml_node_type type,
                                        const char *what, struct pml_error *err)
{
    const struct pml_node *value = pml_node_member(object, name);
    if (!value)
        return pml_fail(err, PML_NO, "json", "%s: missing", name);
    if (value->type != type)
        return pml_fail(err, PML_NO, "json", "%s: not %s", name, what);
    return value;
}

const struct pml_node *pml_node_object(const struct pml_node *object, const char *name, struct pml_error *err)
{
    return get_typed(object, name, PML_NODE_OBJECT, "an object", err);
}

const struct pml_node *pml_node_array(const struct pml_node *object, const char *name, struct pml_error *err)
{
    return get_typed(object, name, PML_NODE_ARRAY, "an array", err);
}

bool pml_node_text(struct pml_text *out, const struct pml_node *object, const char *name, struct pml_error *err)
{
    const struct pml_node *value = get_typed(object, name, PML_NODE_STRING, "a string", err);
    if (value)
        *out = value->text;
    return value;
}

bool pml_node_int(int64_t *out, const struct pml_node *object, const char *name, int64_t max, struct pml_error *err)
{
    const struct pml_node *value = get_typed(object, name, PML_NODE_INTEGER, "an integer", err);
    if (!value)
        return false;
    if (value->integer < 0 || value->integer > max)
        return pml_fail(err, PML_NO, "json", "%s: not in 0..%lld", name, (long long)max);
    *out = value->integer;
    return true;
}

bool pml_node_hex(void *out, size_t size, const struct pml_node *object, const char *name, struct pml_error *err)
{
    struct pml_text text;
    if (!pml_node_text(&text, object, name, err))
        return false;
    if (!pml_unhex(out, size, text.bytes, text.size))
        return pml_fail(err, PML_NO, "json", "%s: not %zu hex digits", name, 2 * size);
    return true;
}
