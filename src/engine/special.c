/* SPDX-License-Identifier: MIT */
/*
 * Cutting special tokens out of a text (spec engine §7.4): the longest text first, the leftmost occurrence first. Each
 * place in the text offers the longest special text that begins there; offers are taken from a heap in that order, and
 * one that has been overlapped meanwhile offers the next shorter text.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/vocabulary.h"

struct cutting {
    const struct pml_tokenizer *t;
    const uint8_t *text;
    size_t size;
    struct pml_encode how;
    struct pml_heap offers;
    uint8_t *taken; /* per byte of the text: it belongs to a special token that has been cut out */
    uint32_t *ids;  /* per byte: of the special token that begins here */
};

static void pml_cutting_auto(struct cutting *c)
{
    pml_heap_free(&c->offers);
    free(c->taken);
    free(c->ids);
}

static const struct pml_token *special(const struct cutting *c, size_t place)
{
    return &c->t->tokens[c->t->specials[place]];
}

/* First of the specials LOW..HIGH, which agree in their first DEPTH bytes, whose next byte is at least BYTE. */
static size_t lower_bound(const struct cutting *c, size_t low, size_t high, size_t depth, unsigned byte)
{
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((uint8_t)special(c, middle)->text.bytes[depth] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The longest special text of at most LIMIT bytes at AT that may be one there. Returns its size, 0 if there is none. */
static size_t longest_at(const struct cutting *c, size_t at, size_t limit, uint32_t *id)
{
    size_t low = 0, high = c->t->special_count, found = 0;
    bool allowed = true; /* all bytes so far may be part of a control token's text */
    for (size_t depth = 0; low < high; depth++) {
        const struct pml_token *token = special(c, low);
        if (depth && token->text.size == depth) {
            if (allowed || token->type == PML_TOKEN_USER_DEFINED) {
                found = depth;
                *id = c->t->specials[low];
            }
            low++;
        }
        if (depth == limit)
            break;
        allowed = allowed && (c->how.parse_special || (c->how.mask && c->how.mask[at + depth]));
        low = lower_bound(c, low, high, depth, c->text[at + depth]);
        high = lower_bound(c, low, high, depth, c->text[at + depth] + 1u);
    }
    return found;
}

static bool offer(struct cutting *c, size_t at, size_t limit, struct pml_error *err)
{
    uint32_t id;
    size_t size = longest_at(c, at, limit, &id);
    return !size ||
           pml_heap_push(&c->offers, (struct pml_candidate){ UINT32_MAX - (uint32_t)size, (uint32_t)at, id }, err);
}

static bool take_offers(struct cutting *c, struct pml_error *err)
{
    while (c->offers.count) {
        struct pml_candidate best = pml_heap_pop(&c->offers);
        size_t at = best.place, size = UINT32_MAX - best.rank;
        if (c->taken[at])
            continue;
        /* Whatever was taken before is no shorter, so it cannot lie strictly inside. */
        if (!c->taken[at + size - 1]) {
            memset(c->taken + at, 1, size);
            c->ids[at] = best.size;
            continue;
        }
        while (c->taken[at + size - 1])
            size--;
        if (!offer(c, at, size, err))
            return false;
    }
    return true;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || (byte >= 9 && byte <= 13);
}

/* phi3: blanks after a special token go, but not after these (spec engine §7.4). */
static bool strips(const struct pml_tokenizer *t, uint32_t id)
{
    static const char *const keep[] = { "<unk>", "<s>", "<|endoftext|>" };
    for (size_t i = 0; i < PML_COUNT(keep); i++) {
        if (pml_gguf_text_is(t->tokens[id].text, keep[i]))
            return false;
    }
    return t->strips_right;
}

/* The fragments that TAKEN and IDS describe. OUT has room for all. */
static size_t collect(const struct cutting *c, struct pml_fragment *out)
{
    size_t count = 0;
    for (size_t at = 0; at < c->size;) {
        size_t start = at;
        while (at < c->size && !c->taken[at])
            at++;
        if (at > start)
            out[count++] = (struct pml_fragment){ PML_NO_TOKEN, (uint32_t)start, (uint32_t)(at - start) };
        if (at == c->size)
            break;
        uint32_t id = c->ids[at], size = (uint32_t)c->t->tokens[id].text.size;
        out[count++] = (struct pml_fragment){ id, (uint32_t)at, size };
        at += size;
        while (strips(c->t, id) && at < c->size && !c->taken[at] && is_blank(c->text[at]))
            at++;
    }
    return count;
}

struct pml_fragment *pml_special_cut(const struct pml_tokenizer *t, const char *text, size_t size,
                                     struct pml_encode how, size_t *count, struct pml_error *err)
{
    PML_AUTO(cutting) struct cutting c = { t, (const uint8_t *)text, size, how, { 0 }, NULL, NULL };
    for (size_t at = 0; at < size; at++) {
        if (t->special_first[c.text[at]] && !offer(&c, at, size - at, err))
            return NULL;
    }
    size_t offers = c.offers.count;
    if (offers) {
        c.taken = calloc(size, 1);
        c.ids = malloc(size * sizeof *c.ids);
        if (!c.taken || !c.ids)
            return pml_fail_memory(err);
        if (!take_offers(&c, err))
            return NULL;
    }
    struct pml_fragment *out = malloc((2 * offers + 1) * sizeof *out);
    if (!out)
        return pml_fail_memory(err);
    *count = 0;
    if (offers)
        *count = collect(&c, out);
    else if (size)
        out[(*count)++] = (struct pml_fragment){ PML_NO_TOKEN, 0, (uint32_t)size };
    return out;
}
