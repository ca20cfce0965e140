/* SPDX-License-Identifier: MIT */
/* Expansion of templates. */
#include "grammar.h"

#include <assert.h>
#include <string.h>

#include "engine/math.h"

uint64_t rng_next(struct rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)(((rng_next(r) >> 32) * n) >> 32);
}

uint32_t grammar_choose(struct grammar *g, uint32_t n)
{
    g->bits += pml_log2(n);
    return rng_below(&g->rng, n);
}

bool grammar_chance(struct grammar *g, uint32_t percent)
{
    bool yes = rng_below(&g->rng, 100) < percent;
    uint32_t likely = yes ? percent : 100 - percent;
    g->bits += pml_log2(100.0 / likely);
    return yes;
}

static const char *rule_text(const struct grammar *g, const char *name, size_t size)
{
    for (size_t i = 0; i < g->rules_count; i++)
        if (strlen(g->rules[i].name) == size && memcmp(g->rules[i].name, name, size) == 0)
            return g->rules[i].text;
    assert(!"unknown rule");
    return "";
}

static void expand(struct grammar *g, struct pml_buf *out, const char *at, const char *end);

/* AT is behind '['. Returns what follows the matching ']'. */
static const char *expand_choice(struct grammar *g, struct pml_buf *out, const char *at, const char *end)
{
    uint32_t alternatives = 1, wanted;
    const char *close = at, *begin;
    int depth = 0;

    for (; close < end && !(*close == ']' && depth == 0); close++) {
        depth += (*close == '[') - (*close == ']');
        alternatives += *close == '|' && depth == 0;
    }
    assert(close < end);

    wanted = grammar_choose(g, alternatives);
    for (begin = at; wanted > 0; begin++) {
        depth += (*begin == '[') - (*begin == ']');
        wanted -= *begin == '|' && depth == 0;
    }
    const char *stop = begin;
    for (; stop < close && !(*stop == '|' && depth == 0); stop++)
        depth += (*stop == '[') - (*stop == ']');
    expand(g, out, begin, stop);
    return close + 1;
}

/* AT is behind '{'. Returns what follows '}'. */
static const char *expand_rule(struct grammar *g, struct pml_buf *out, const char *at, const char *end)
{
    const char *close = memchr(at, '}', (size_t)(end - at));
    assert(close);
    if (close - at == 1 && *at >= 'A' && *at <= 'Z') {
        pml_put_text(out, g->value[*at - 'A']);
        return close + 1;
    }
    bool bind = close - at > 2 && at[1] == '=';
    const char *name = bind ? at + 2 : at, *text = rule_text(g, name, (size_t)(close - name));
    size_t before = out->size;
    expand(g, out, text, text + strlen(text));
    if (bind && !out->failed) {
        char *value = g->value[*at - 'A'];
        size_t size = out->size - before;
        assert(size < GRAMMAR_VALUE_SIZE);
        memcpy(value, out->bytes + before, size);
        value[size] = '\0';
    }
    return close + 1;
}

static void expand(struct grammar *g, struct pml_buf *out, const char *at, const char *end)
{
    while (at < end) {
        if (*at == '[') {
            at = expand_choice(g, out, at + 1, end);
        } else if (*at == '{') {
            at = expand_rule(g, out, at + 1, end);
        } else {
            const char *plain = at;
            while (at < end && *at != '[' && *at != '{')
                at++;
            pml_put_bytes(out, plain, (size_t)(at - plain));
        }
    }
}

/* Removes blanks that come from empty alternatives. */
static void tidy(struct pml_buf *b, size_t from)
{
    size_t to = from;
    if (b->failed)
        return;
    for (size_t i = from; i < b->size; i++) {
        uint8_t c = b->bytes[i];
        bool after_blank = to > from && b->bytes[to - 1] == ' ';
        if (c == ' ' && (to == from || after_blank))
            continue;
        bool closes = i + 1 == b->size || b->bytes[i + 1] == ' ';
        if (after_blank && closes && memchr(",.?!", c, 4))
            to--;
        b->bytes[to++] = c;
    }
    if (to > from && b->bytes[to - 1] == ' ')
        to--;
    b->size = to;
}

void grammar_expand(struct grammar *g, struct pml_buf *out, const char *template)
{
    size_t from = out->size;
    expand(g, out, template, template + strlen(template));
    tidy(out, from);
}
