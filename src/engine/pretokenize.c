/* SPDX-License-Identifier: MIT */
/* The pre-tokenizers of spec engine §7.3. */
#include "engine/pretokenize.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/unicode_classes.h"
#include "engine/utf8.h"

/* What a scanner sees: characters and their kinds. Nothing beyond END exists for it. */
struct scan {
    const uint32_t *points;
    const uint8_t *kinds;
    size_t end;
};

enum kind { OTHER, LETTER, NUMBER, BLANK, PUNCTUATION }; /* OTHER with PUNCTUATION is [^\s\p{L}\p{N}] */

/* Characters that match at AT, 0 if none do. AT is below END. */
typedef size_t scanner(const struct scan *s, size_t at);

static enum kind kind_of(uint32_t point)
{
    if (pml_unicode_blank(point))
        return BLANK;
    switch (pml_unicode_class(point)) {
    case PML_CLASS_LETTER: return LETTER;
    case PML_CLASS_NUMBER: return NUMBER;
    case PML_CLASS_PUNCTUATION: return PUNCTUATION;
    default: return OTHER;
    }
}

static bool is_mark(const struct scan *s, size_t at) /* [^\s\p{L}\p{N}] */
{
    return at < s->end && (s->kinds[at] == OTHER || s->kinds[at] == PUNCTUATION);
}

static bool is_kind(const struct scan *s, size_t at, enum kind kind)
{
    return at < s->end && s->kinds[at] == kind;
}

static bool is_newline(const struct scan *s, size_t at)
{
    return at < s->end && (s->points[at] == '\r' || s->points[at] == '\n');
}

static size_t skip_kind(const struct scan *s, size_t at, enum kind kind)
{
    while (is_kind(s, at, kind))
        at++;
    return at;
}

static size_t skip_marks(const struct scan *s, size_t at)
{
    while (is_mark(s, at))
        at++;
    return at;
}

/* 's|'t|'re|'ve|'m|'ll|'d, with upper case too if FOLD; ASCII only. */
static size_t contraction(const struct scan *s, size_t at, bool fold)
{
    static const char endings[][3] = { "s", "t", "re", "ve", "m", "ll", "d" };
    if (s->points[at] != '\'')
        return 0;
    for (size_t i = 0; i < PML_COUNT(endings); i++) {
        size_t size = strlen(endings[i]), same = 0;
        while (same < size && at + 1 + same < s->end) {
            uint32_t point = s->points[at + 1 + same];
            if (fold && point >= 'A' && point <= 'Z')
                point += 'a' - 'A';
            if (point != (uint32_t)endings[i][same])
                break;
            same++;
        }
        if (same == size)
            return 1 + size;
    }
    return 0;
}

/* \s+(?!\S): a run of blanks, without its last one if something follows. */
static size_t blanks(const struct scan *s, size_t at)
{
    size_t end = skip_kind(s, at, BLANK);
    return end == s->end ? end - at : end - at > 1 ? end - at - 1 : 0;
}

/* A|T: contractions,  ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S) */
static size_t scan_gpt2(const struct scan *s, size_t at)
{
    size_t size = contraction(s, at, false);
    if (size)
        return size;
    size_t word = at + (s->points[at] == ' ');
    if (is_kind(s, word, LETTER) || is_kind(s, word, NUMBER))
        return skip_kind(s, word, (enum kind)s->kinds[word]) - at;
    if (is_mark(s, word))
        return skip_marks(s, word) - at;
    return blanks(s, at);
}

/* Ai|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,DIGITS}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+ */
static size_t scan_l3(const struct scan *s, size_t at, size_t digits)
{
    size_t size = contraction(s, at, true);
    if (size)
        return size;
    if (is_kind(s, at, LETTER) || (is_kind(s, at + 1, LETTER) && !is_newline(s, at) && !is_kind(s, at, NUMBER)))
        return skip_kind(s, at + 1, LETTER) - at;
    if (is_kind(s, at, NUMBER)) {
        size_t run = skip_kind(s, at, NUMBER) - at;
        return run < digits ? run : digits;
    }
    size_t word = at + (s->points[at] == ' ');
    if (is_mark(s, word)) {
        size_t end = skip_marks(s, word);
        while (is_newline(s, end))
            end++;
        return end - at;
    }
    size_t end = skip_kind(s, at, BLANK), newline = end;
    while (newline > at && !is_newline(s, newline - 1))
        newline--;
    if (newline > at)
        return newline - at;
    size = blanks(s, at);
    return size ? size : end - at;
}

static size_t scan_l3_three(const struct scan *s, size_t at)
{
    return scan_l3(s, at, 3);
}

static size_t scan_l3_one(const struct scan *s, size_t at)
{
    return scan_l3(s, at, 1);
}

/* [\p{P}\$\+<=>\^~\|]+ */
static size_t scan_punctuation(const struct scan *s, size_t at)
{
    size_t end = at;
    while (is_kind(s, end, PUNCTUATION) ||
           (end < s->end && s->points[end] && s->points[end] < 0x80 && strchr("$+<=>^~|", (int)s->points[end])))
        end++;
    return end - at;
}

/* \p{N}+ */
static size_t scan_numbers(const struct scan *s, size_t at)
{
    return skip_kind(s, at, NUMBER) - at;
}

/* [0-9][0-9][0-9] */
static size_t scan_three_digits(const struct scan *s, size_t at)
{
    for (size_t i = at; i < at + 3; i++) {
        if (i >= s->end || s->points[i] < '0' || s->points[i] > '9')
            return 0;
    }
    return 3;
}

struct pml_pre {
    const char *names[8]; /* "" stands for a file without the key */
    scanner *steps[4];
    bool ignores_merges, adds_bos;
};

static const struct pml_pre rows[] = {
    { { "gpt-2", "phi-2", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de", "jina-v2-code" }, { scan_gpt2 } },
    { { "roberta-bpe", "gigachat", "mpt", "olmo", "jais" }, { scan_gpt2 } },
    { { "default", "" }, { scan_punctuation, scan_gpt2, scan_numbers, scan_three_digits } },
    { { "llama-bpe", "llama3", "llama-v3", "falcon3" }, { scan_l3_three }, true, true },
    { { "dbrx", "smaug-bpe", "chatglm-bpe" }, { scan_l3_three } },
    { { "qwen2", "deepseek-r1-qwen", "megrez", "stablelm2" }, { scan_l3_one } },
};

const struct pml_pre *pml_pre_find(const char *name, size_t size)
{
    for (size_t i = 0; i < PML_COUNT(rows); i++) {
        for (size_t k = 0; k < PML_COUNT(rows[i].names) && rows[i].names[k]; k++) {
            if (strlen(rows[i].names[k]) == size && !memcmp(rows[i].names[k], name, size))
                return &rows[i];
        }
    }
    return NULL;
}

bool pml_pre_ignores_merges(const struct pml_pre *pre)
{
    return pre->ignores_merges;
}

bool pml_pre_adds_bos(const struct pml_pre *pre)
{
    return pre->adds_bos;
}

static bool make_room(struct pml_pieces *p, size_t size, struct pml_error *err)
{
    if (size <= p->room)
        return true;
    pml_pieces_free(p);
    p->sizes = malloc(size * sizeof *p->sizes);
    p->spare = malloc(size * sizeof *p->spare);
    p->points = malloc(size * sizeof *p->points);
    p->kinds = malloc(size);
    p->room = size;
    if (p->sizes && p->spare && p->points && p->kinds)
        return true;
    pml_pieces_free(p);
    return pml_fail_memory(err);
}

/* Cuts every piece with one scanner. */
static void cut(struct pml_pieces *p, scanner *step)
{
    size_t made = 0, start = 0;
    for (size_t i = 0; i < p->count; i++) {
        struct scan s = { p->points, p->kinds, start + p->sizes[i] };
        size_t gap = start;
        for (size_t at = start; at < s.end;) {
            size_t match = step(&s, at);
            if (!match) {
                at++;
                continue;
            }
            if (at > gap)
                p->spare[made++] = (uint32_t)(at - gap);
            p->spare[made++] = (uint32_t)match;
            at += match;
            gap = at;
        }
        if (s.end > gap)
            p->spare[made++] = (uint32_t)(s.end - gap);
        start = s.end;
    }
    uint32_t *sizes = p->sizes;
    p->sizes = p->spare;
    p->spare = sizes;
    p->count = made;
}

static void characters_to_bytes(struct pml_pieces *p)
{
    const uint32_t *point = p->points;
    for (size_t i = 0; i < p->count; i++) {
        uint8_t bytes[PML_UTF8_MAX];
        uint32_t size = 0;
        for (uint32_t k = 0; k < p->sizes[i]; k++)
            size += (uint32_t)pml_utf8_put(bytes, *point++);
        p->sizes[i] = size;
    }
}

bool pml_pre_split(const struct pml_pre *pre, const uint8_t *text, size_t size, struct pml_pieces *out,
                   struct pml_error *err)
{
    uint32_t count = 0;
    out->count = 0;
    if (!size)
        return true;
    if (!make_room(out, size, err))
        return false;
    for (size_t at = 0, used; at < size; at += used, count++) {
        (void)pml_utf8_next(text + at, size - at, &used, &out->points[count]);
        out->kinds[count] = kind_of(out->points[count]);
    }
    out->sizes[0] = count;
    out->count = 1;
    for (size_t i = 0; i < PML_COUNT(pre->steps) && pre->steps[i]; i++)
        cut(out, pre->steps[i]);
    characters_to_bytes(out);
    return true;
}

void pml_pieces_free(struct pml_pieces *p)
{
    if (p->points)
        pml_wipe(p->points, p->room * sizeof *p->points);
    free(p->sizes);
    free(p->spare);
    free(p->points);
    free(p->kinds);
    *p = (struct pml_pieces){ 0 };
}

void pml_pieces_auto(struct pml_pieces *p)
{
    pml_pieces_free(p);
}
