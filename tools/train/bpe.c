/* SPDX-License-Identifier: MIT */
/* Byte pair encoding. Words are learned with their counts: a merge is counted once for each different word, not for
 * each occurrence. */
#include "bpe.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { MAX_WORD = 64, MAX_WORDS = 1 << 15 };

struct word {
    uint64_t count;
    size_t length;
    int16_t symbol[MAX_WORD];
};

/* The different words seen so far, and a hash table of their numbers + 1. */
struct words {
    struct word word[MAX_WORDS];
    size_t count;
    uint32_t slot[2 * MAX_WORDS];
};

static bool is_letter(uint8_t c)
{
    return isalpha(c) || c >= 0x80;
}

static bool is_mark(uint8_t c)
{
    return !isspace(c) && !isdigit(c) && !is_letter(c);
}

static size_t contraction(const uint8_t *text, size_t size)
{
    static const char *const list[] = { "'s", "'t", "'re", "'ve", "'m", "'ll", "'d" };
    for (size_t i = 0; i < PML_COUNT(list); i++)
        if (strlen(list[i]) <= size && memcmp(list[i], text, strlen(list[i])) == 0)
            return strlen(list[i]);
    return 0;
}

/* Size of the first piece of TEXT: 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S), or blanks
 * that remain. */
static size_t first_piece(const uint8_t *text, size_t size)
{
    size_t n = contraction(text, size);
    if (n > 0)
        return n;
    size_t begin = text[0] == ' ' && size > 1 && !isspace(text[1]) ? 1 : 0;
    uint8_t c = text[begin];
    if (!isspace(c)) {
        for (n = begin; n < size; n++)
            if (is_letter(text[n]) != is_letter(c) || !isdigit(text[n]) != !isdigit(c) ||
                is_mark(text[n]) != is_mark(c))
                break;
        return n;
    }
    for (n = 0; n < size && isspace(text[n]); n++)
        ;
    return n < size && n > 1 ? n - 1 : n;
}

static void add_word(struct words *w, const uint8_t *text, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ text[i]) * 0x100000001b3u;
    size_t at = (hash >> 20) % PML_COUNT(w->slot);
    for (; w->slot[at]; at = (at + 1) % PML_COUNT(w->slot)) {
        struct word *known = &w->word[w->slot[at] - 1];
        bool same = known->length == length;
        for (size_t i = 0; same && i < length; i++)
            same = known->symbol[i] == text[i];
        if (same) {
            known->count++;
            return;
        }
    }
    if (w->count == MAX_WORDS)
        return;
    struct word *fresh = &w->word[w->count++];
    w->slot[at] = (uint32_t)w->count;
    fresh->count = 1;
    fresh->length = length;
    for (size_t i = 0; i < length; i++)
        fresh->symbol[i] = text[i];
}

static void add_text(struct words *w, const uint8_t *text, size_t size)
{
    for (size_t n; size > 0; text += n, size -= n) {
        n = first_piece(text, size);
        add_word(w, text, n < MAX_WORD ? n : MAX_WORD);
    }
}

/* Replaces each LEFT, RIGHT by ID. Returns the new length. */
static size_t merge(int16_t *symbol, size_t length, int16_t left, int16_t right, int16_t id)
{
    size_t to = 0;
    for (size_t i = 0; i < length; i++, to++) {
        bool pair = i + 1 < length && symbol[i] == left && symbol[i + 1] == right;
        symbol[to] = pair ? id : symbol[i];
        i += pair;
    }
    return to;
}

/* The most frequent pair, as left * BPE_VOCAB + right. COUNTS is all zero before and after. */
static uint32_t best_pair(const struct words *w, uint64_t *counts)
{
    uint32_t best = 0;
    for (size_t i = 0; i < w->count; i++)
        for (size_t k = 0; k + 1 < w->word[i].length; k++) {
            uint32_t pair = (uint32_t)w->word[i].symbol[k] * BPE_VOCAB + (uint32_t)w->word[i].symbol[k + 1];
            counts[pair] += w->word[i].count;
        }
    for (size_t i = 0; i < w->count; i++)
        for (size_t k = 0; k + 1 < w->word[i].length; k++) {
            uint32_t pair = (uint32_t)w->word[i].symbol[k] * BPE_VOCAB + (uint32_t)w->word[i].symbol[k + 1];
            if (counts[pair] > counts[best] || (counts[pair] == counts[best] && pair < best))
                best = pair;
        }
    for (size_t i = 0; i < w->count; i++)
        for (size_t k = 0; k + 1 < w->word[i].length; k++)
            counts[(uint32_t)w->word[i].symbol[k] * BPE_VOCAB + (uint32_t)w->word[i].symbol[k + 1]] = 0;
    return best;
}

static void count_words(struct words *w, uint64_t seed, uint64_t documents)
{
    struct corpus_doc doc = { 0 };
    for (uint64_t n = 0; n < documents; n++) {
        corpus_document(&doc, seed, n);
        for (size_t i = 0; i < doc.pieces; i++)
            if (doc.piece[i].kind == CORPUS_TEXT)
                add_text(w, doc.text.bytes + doc.piece[i].begin, doc.piece[i].end - doc.piece[i].begin);
    }
    corpus_doc_free(&doc);
}

struct bpe *bpe_learn(uint64_t seed, uint64_t documents, struct pml_error *err)
{
    PML_AUTO(mem) struct bpe *bpe = malloc(sizeof *bpe);
    PML_AUTO(mem) struct words *words = calloc(1, sizeof *words);
    PML_AUTO(mem) uint64_t *counts = calloc((size_t)BPE_VOCAB * BPE_VOCAB, sizeof *counts);
    if (!bpe || !words || !counts)
        return pml_fail_memory(err);

    count_words(words, seed, documents);
    memset(bpe->merged, 0xff, sizeof bpe->merged);
    for (int16_t id = 256; id < 256 + BPE_MERGES; id++) {
        uint32_t pair = best_pair(words, counts);
        bpe->left[id] = (int16_t)(pair / BPE_VOCAB);
        bpe->right[id] = (int16_t)(pair % BPE_VOCAB);
        bpe->merged[bpe->left[id]][bpe->right[id]] = id;
        for (size_t i = 0; i < words->count; i++) {
            struct word *w = &words->word[i];
            w->length = merge(w->symbol, w->length, bpe->left[id], bpe->right[id], id);
        }
    }
    return pml_take(&bpe);
}

static void encode_word(const struct bpe *bpe, struct pml_buf *out, const uint8_t *text, size_t length)
{
    int16_t symbol[MAX_WORD];
    for (size_t i = 0; i < length; i++)
        symbol[i] = text[i];
    for (;;) {
        int16_t lowest = BPE_VOCAB;
        for (size_t i = 0; i + 1 < length; i++) {
            int16_t id = bpe->merged[symbol[i]][symbol[i + 1]];
            if (id >= 0 && id < lowest)
                lowest = id;
        }
        if (lowest == BPE_VOCAB)
            break;
        length = merge(symbol, length, bpe->left[lowest], bpe->right[lowest], lowest);
    }
    for (size_t i = 0; i < length; i++)
        pml_put_u32le(out, (uint32_t)symbol[i]);
}

void bpe_encode(const struct bpe *bpe, struct pml_buf *out, const void *text, size_t size)
{
    const uint8_t *at = text;
    for (size_t n; size > 0; at += n, size -= n) {
        n = first_piece(at, size);
        n = n < MAX_WORD ? n : MAX_WORD;
        encode_word(bpe, out, at, n);
    }
}

void bpe_decode(const struct bpe *bpe, struct pml_buf *out, int32_t id)
{
    if (id >= BPE_VOCAB - BPE_CONTROLS)
        return;
    if (id < 256) {
        pml_put_u8(out, (uint8_t)id);
        return;
    }
    bpe_decode(bpe, out, bpe->left[id]);
    bpe_decode(bpe, out, bpe->right[id]);
}

int32_t bpe_control(enum corpus_kind kind)
{
    return kind == CORPUS_IM_START ? BPE_IM_START : kind == CORPUS_IM_END ? BPE_IM_END : BPE_END;
}
