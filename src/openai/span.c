/* SPDX-License-Identifier: MIT */
/* Walking JSON text. */
#include "openai/span.h"

#include <jansson.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

struct pml_span pml_span(const char *text, size_t size)
{
    return (struct pml_span){ text, size };
}

bool pml_span_is(struct pml_span s, const char *text)
{
    return s.size == strlen(text) && !memcmp(s.text, text, s.size);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_blanks(struct pml_span_walk *walk)
{
    while (walk->at < walk->end && is_blank(*walk->at))
        walk->at++;
}

static void skip_string(struct pml_span_walk *walk)
{
    walk->at++;
    while (walk->at < walk->end && *walk->at != '"')
        walk->at += *walk->at == '\\' && walk->end - walk->at > 1 ? 2 : 1;
    if (walk->at < walk->end)
        walk->at++;
}

static void skip_container(struct pml_span_walk *walk)
{
    size_t depth = 0;
    while (walk->at < walk->end) {
        char c = *walk->at;
        if (c == '"') {
            skip_string(walk);
            continue;
        }
        walk->at++;
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return;
    }
}

static struct pml_span take_value(struct pml_span_walk *walk)
{
    const char *start = walk->at;
    if (walk->at == walk->end)
        return pml_span(start, 0);
    if (*walk->at == '"')
        skip_string(walk);
    else if (*walk->at == '{' || *walk->at == '[')
        skip_container(walk);
    else
        while (walk->at < walk->end && !is_blank(*walk->at) && !strchr(",]}", *walk->at))
            walk->at++;
    return pml_span(start, (size_t)(walk->at - start));
}

struct pml_span_walk pml_span_walk(struct pml_span container)
{
    struct pml_span_walk walk = { container.text, container.text + container.size };
    skip_blanks(&walk);
    if (walk.at < walk.end)
        walk.at++;
    return walk;
}

bool pml_span_element(struct pml_span_walk *walk, struct pml_span *value)
{
    skip_blanks(walk);
    if (walk->at < walk->end && *walk->at == ',') {
        walk->at++;
        skip_blanks(walk);
    }
    *value = take_value(walk);
    return value->size > 0;
}

bool pml_span_member(struct pml_span_walk *walk, struct pml_span *key, struct pml_span *value)
{
    if (!pml_span_element(walk, key) || key->text[0] != '"')
        return false;
    skip_blanks(walk);
    if (walk->at == walk->end || *walk->at != ':')
        return false;
    walk->at++;
    skip_blanks(walk);
    *value = take_value(walk);
    return value->size > 0;
}

bool pml_span_key_is(struct pml_span key, const char *name)
{
    if (!memchr(key.text, '\\', key.size))
        return key.size == strlen(name) + 2 && !memcmp(key.text + 1, name, key.size - 2);
    PML_AUTO(json) json_t *text = json_loadb(key.text, key.size, JSON_DECODE_ANY, NULL);
    return text && !strcmp(json_string_value(text), name);
}

size_t pml_span_count(struct pml_span text)
{
    size_t count = 1;
    struct pml_span_walk walk = { text.text, text.text + text.size };
    while (walk.at < walk.end) {
        char c = *walk.at;
        if (c == '"') {
            skip_string(&walk);
            continue;
        }
        count += c == ',' || c == '[' || c == '{';
        walk.at++;
    }
    return count;
}
