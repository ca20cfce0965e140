/* SPDX-License-Identifier: MIT */
/* From the tokenizer.* keys of a GGUF file to a tokenizer, spec engine §7.1. */
#include "engine/vocabulary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define KEY "tokenizer.ggml."

static const char *const end_texts[] = { "<|eot_id|>", "<|im_end|>",    "<|end|>", "<end_of_turn>",
                                         "<|eom_id|>", "<|endoftext|>", "<EOT>" };

static bool read_kind(struct pml_tokenizer *t, const struct pml_gguf *g, struct pml_error *err)
{
    struct pml_gguf_text model, pre = { "", 0 };
    if (!pml_gguf_string(g, KEY "model", PML_REQUIRED, &model, err))
        return false;
    t->bpe = pml_gguf_text_is(model, "gpt2");
    if (!t->bpe && !pml_gguf_text_is(model, "llama"))
        return pml_fail(err, PML_NO, "model", "tokenizer %.*s is not supported", (int)model.size, model.bytes);
    if (!t->bpe)
        return true;
    if (!pml_gguf_string(g, KEY "pre", PML_OPTIONAL, &pre, err))
        return false;
    t->rule = pml_pre_find(pre.bytes, pre.size);
    if (!t->rule)
        return pml_fail(err, PML_NO, "model", "pre-tokenizer %.*s is not supported", (int)pre.size, pre.bytes);
    snprintf(t->pre, sizeof t->pre, "%.*s", (int)pre.size, pre.size ? pre.bytes : "");
    return true;
}

/* Texts into the arena, with as much room behind each for the bytes that it stands for. */
static bool read_texts(struct pml_tokenizer *t, const struct pml_gguf *g, struct pml_error *err)
{
    struct pml_gguf_array texts, again;
    if (!pml_gguf_array(g, KEY "tokens", PML_REQUIRED, PML_GGUF_STRING, &texts, err))
        return false;
    if (!texts.count || texts.count > PML_VOCABULARY_MAX)
        return pml_fail(err, PML_NO, "gguf", "a vocabulary of %u tokens", texts.count);
    t->count = texts.count;
    t->tokens = calloc(t->count, sizeof *t->tokens);
    again = texts;
    size_t size = 0;
    while (again.count)
        size += 2 * pml_gguf_next_string(&again).size + 2 * sizeof "[EMPTY_1048576]";
    t->arena = malloc(size);
    if (!t->tokens || !t->arena)
        return pml_fail_memory(err);
    char *at = (char *)t->arena;
    for (uint32_t id = 0; id < t->count; id++) {
        struct pml_gguf_text text = pml_gguf_next_string(&texts);
        size_t used = text.size;
        if (used)
            memcpy(at, text.bytes, used);
        else
            used = (size_t)sprintf(at, "[EMPTY_%u]", id);
        t->tokens[id].text = (struct pml_gguf_text){ at, used };
        t->tokens[id].piece = (struct pml_gguf_text){ at + used, 0 };
        t->tokens[id].type = PML_TOKEN_NORMAL;
        at += 2 * used;
    }
    return true;
}

static bool read_types(struct pml_tokenizer *t, const struct pml_gguf *g, struct pml_error *err)
{
    struct pml_gguf_array types;
    if (!pml_gguf_array(g, KEY "token_type", PML_OPTIONAL, PML_GGUF_I32, &types, err))
        return false;
    if (types.count && types.count != t->count)
        return pml_fail(err, PML_NO, "gguf", "%u tokens but %u token types", t->count, types.count);
    for (uint32_t id = 0; types.count; id++) {
        int32_t type = pml_gguf_next_i32(&types);
        if (type < PML_TOKEN_NORMAL || type > PML_TOKEN_BYTE)
            return pml_fail(err, PML_NO, "gguf", "token %u is of type %d", id, type);
        t->tokens[id].type = (uint8_t)type;
    }
    return true;
}

static bool read_scores(struct pml_tokenizer *t, const struct pml_gguf *g, struct pml_error *err)
{
    struct pml_gguf_array scores;
    if (!pml_gguf_array(g, KEY "scores", PML_OPTIONAL, PML_GGUF_F32, &scores, err))
        return false;
    if (scores.count && scores.count != t->count)
        return pml_fail(err, PML_NO, "gguf", "%u tokens but %u scores", t->count, scores.count);
    for (uint32_t id = 0; id < t->count; id++) {
        float score = scores.count ? pml_gguf_next_f32(&scores) : 0;
        uint32_t bits;
        if (isnan(score))
            return pml_fail(err, PML_NO, "gguf", "the score of token %u is no number", id);
        score += 0.0f; /* of the two zeros the positive one */
        memcpy(&bits, &score, sizeof bits);
        t->tokens[id].rank = bits >> 31 ? bits : ~(bits | 0x80000000u);
    }
    return true;
}

static bool index_texts(struct pml_tokenizer *t, struct pml_error *err)
{
    if (!pml_byte_map_init(&t->by_text, t->count, err))
        return false;
    for (uint32_t id = 0; id < t->count; id++) {
        struct pml_gguf_text text = t->tokens[id].text;
        if (!pml_byte_map_add(&t->by_text, text.bytes, text.size, 0, id))
            return pml_fail(err, PML_NO, "gguf", "token %u has the text of token %u", id,
                            pml_byte_map_get(&t->by_text, text.bytes, text.size, 0));
    }
    return true;
}

/* An id beyond the vocabulary counts as not given, as in the reference. */
static bool read_id(const struct pml_tokenizer *t, const struct pml_gguf *g, const char *key, uint32_t *id,
                    struct pml_error *err)
{
    uint32_t value = *id;
    if (!pml_gguf_u32(g, key, PML_OPTIONAL, &value, err))
        return false;
    if (value < t->count)
        *id = value;
    return true;
}

static bool read_specials(struct pml_tokenizer *t, const struct pml_gguf *g, struct pml_error *err)
{
    t->add_bos = t->bpe ? pml_pre_adds_bos(t->rule) : true;
    t->add_space_prefix = !t->bpe;
    t->bos = t->bpe ? 11 : 1;
    t->eos = t->bpe ? 11 : 2;
    t->unknown = t->bpe ? PML_NO_TOKEN : 0;
    if (!read_id(t, g, KEY "bos_token_id", &t->bos, err) || !read_id(t, g, KEY "eos_token_id", &t->eos, err) ||
        !read_id(t, g, KEY "unknown_token_id", &t->unknown, err) ||
        !pml_gguf_bool(g, KEY "add_bos_token", PML_OPTIONAL, &t->add_bos, err) ||
        !pml_gguf_bool(g, KEY "add_eos_token", PML_OPTIONAL, &t->add_eos, err) ||
        !pml_gguf_bool(g, KEY "add_space_prefix", PML_OPTIONAL, &t->add_space_prefix, err))
        return false;
    t->bos = t->bos < t->count ? t->bos : PML_NO_TOKEN;
    t->eos = t->eos < t->count ? t->eos : PML_NO_TOKEN;
    return true;
}

/* The end-of-generation set of spec engine §7.4. A token that is known by its text ends the turn and must not arise
 * from ordinary text, whatever type the file gives it. */
static bool read_ends(struct pml_tokenizer *t, const struct pml_gguf *g, struct pml_error *err)
{
    static const char *const keys[] = { KEY "eot_token_id", KEY "eom_token_id", KEY "fim_pad_token_id",
                                        KEY "fim_rep_token_id", KEY "fim_sep_token_id" };
    bool eot = pml_gguf_key(g, keys[0]);
    for (size_t i = 0; i < PML_COUNT(keys); i++) {
        uint32_t id = PML_NO_TOKEN;
        if (!read_id(t, g, keys[i], &id, err))
            return false;
        if (id != PML_NO_TOKEN)
            t->tokens[id].ends = true;
    }
    if (t->eos != PML_NO_TOKEN)
        t->tokens[t->eos].ends = true;
    for (size_t i = 0; i < PML_COUNT(end_texts); i++) {
        uint32_t id = pml_tokenizer_find(t, end_texts[i]);
        if (id == PML_NO_TOKEN)
            continue;
        t->tokens[id].ends = true;
        t->tokens[id].type = PML_TOKEN_CONTROL;
        eot = eot || strcmp(end_texts[i], "<|eom_id|>") != 0;
    }
    uint32_t deepseek = pml_tokenizer_find(t, "<｜end▁of▁sentence｜>");
    if (!eot && deepseek != PML_NO_TOKEN)
        t->tokens[deepseek].ends = true;
    return true;
}

/* "<0x0A>" */
static bool read_byte_text(struct pml_gguf_text text, uint8_t *byte)
{
    char digits[3] = { 0 };
    if (text.size != 6 || memcmp(text.bytes, "<0x", 3) != 0 || text.bytes[5] != '>')
        return false;
    memcpy(digits, text.bytes + 3, 2);
    char *end;
    *byte = (uint8_t)strtoul(digits, &end, 16);
    return *end == 0 && digits[0] != '-' && digits[0] != '+' && digits[0] != ' ';
}

static size_t spm_bytes(uint8_t *out, struct pml_gguf_text text)
{
    size_t made = 0;
    for (size_t at = 0; at < text.size; made++) {
        bool blank = text.size - at >= 3 && !memcmp(text.bytes + at, "\xe2\x96\x81", 3);
        out[made] = blank ? ' ' : (uint8_t)text.bytes[at];
        at += blank ? 3 : 1;
    }
    return made;
}

/* What a token stands for in a text that is generated. */
static void make_piece(const struct pml_tokenizer *t, struct pml_token *token)
{
    uint8_t *out = (uint8_t *)token->piece.bytes;
    size_t size = token->text.size;
    switch (token->type) {
    case PML_TOKEN_NORMAL:
        size = t->bpe ? pml_bpe_bytes(out, token->text.bytes, token->text.size) : spm_bytes(out, token->text);
        if (size != SIZE_MAX)
            break;
        size = token->text.size;
        memcpy(out, token->text.bytes, size);
        break;
    case PML_TOKEN_USER_DEFINED: memcpy(out, token->text.bytes, size); break;
    case PML_TOKEN_BYTE: size = read_byte_text(token->text, out); break;
    default: size = 0;
    }
    token->piece.size = size;
}

/* The bytes of ordinary text that may become this token; false if none may. For BPE they are written where the piece
 * will be. */
static bool word_of(const struct pml_tokenizer *t, const struct pml_token *token, struct pml_gguf_text *word)
{
    if (token->type == PML_TOKEN_CONTROL || token->type == PML_TOKEN_UNKNOWN)
        return false;
    *word = token->text;
    if (!t->bpe)
        return true;
    if (token->type == PML_TOKEN_USER_DEFINED) /* cut out before words are made */
        return false;
    word->bytes = token->piece.bytes;
    word->size = pml_bpe_bytes((uint8_t *)token->piece.bytes, token->text.bytes, token->text.size);
    return word->size != SIZE_MAX;
}

/* Whether a blank follows something else inside an SPM token. */
static bool crosses_blank(struct pml_gguf_text word)
{
    for (size_t at = 1; at + 3 <= word.size; at++) {
        if (!memcmp(word.bytes + at, "\xe2\x96\x81", 3) &&
            (at < 3 || memcmp(word.bytes + at - 3, "\xe2\x96\x81", 3) != 0))
            return true;
    }
    return false;
}

static bool index_words(struct pml_tokenizer *t, struct pml_error *err)
{
    if (!pml_byte_map_init(&t->words, t->count, err))
        return false;
    t->words_end_at_blanks = true;
    for (size_t i = 0; i < 256; i++)
        t->byte_tokens[i] = PML_NO_TOKEN;
    for (uint32_t id = 0; id < t->count; id++) {
        struct pml_token *token = &t->tokens[id];
        struct pml_gguf_text word;
        uint8_t byte;
        if (word_of(t, token, &word)) {
            (void)pml_byte_map_add(&t->words, word.bytes, word.size, 0, id);
            if (word.size > t->longest_word)
                t->longest_word = word.size;
            if (!t->bpe && crosses_blank(word))
                t->words_end_at_blanks = false;
            if (t->bpe && word.size == 1)
                t->byte_tokens[(uint8_t)word.bytes[0]] = id;
        }
        if (!t->bpe && token->type == PML_TOKEN_BYTE && read_byte_text(token->text, &byte))
            t->byte_tokens[byte] = id;
        make_piece(t, token);
    }
    return true;
}

/* "left right", cut at the first blank after the first character. Pairs that no text can be spelt with are left out. */
static bool read_merges(struct pml_tokenizer *t, const struct pml_gguf *g, struct pml_error *err)
{
    struct pml_gguf_array merges, again;
    if (!pml_gguf_array(g, KEY "merges", PML_REQUIRED, PML_GGUF_STRING, &merges, err))
        return false;
    size_t size = 1;
    again = merges;
    while (again.count)
        size += pml_gguf_next_string(&again).size;
    t->merge_arena = malloc(size);
    if (!t->merge_arena)
        return pml_fail_memory(err);
    if (!pml_byte_map_init(&t->merges, merges.count, err))
        return false;
    uint8_t *at = t->merge_arena;
    for (uint32_t rank = 0; merges.count; rank++) {
        struct pml_gguf_text pair = pml_gguf_next_string(&merges);
        const char *blank = pair.size > 1 ? memchr(pair.bytes + 1, ' ', pair.size - 1) : NULL;
        if (!blank)
            return pml_fail(err, PML_NO, "gguf", "merge %u is no pair", rank);
        size_t left_size = (size_t)(blank - pair.bytes);
        size_t left = pml_bpe_bytes(at, pair.bytes, left_size);
        if (left == SIZE_MAX)
            continue;
        size_t right = pml_bpe_bytes(at + left, blank + 1, pair.size - left_size - 1);
        if (right == SIZE_MAX || !right)
            continue;
        (void)pml_byte_map_add(&t->merges, at, left + right, left, rank);
        at += left + right;
    }
    return true;
}

static int compare_texts(const void *a, const void *b, void *tokens)
{
    const struct pml_token *t = tokens;
    return pml_gguf_text_compare(t[*(const uint32_t *)a].text, t[*(const uint32_t *)b].text);
}

static bool sort_specials(struct pml_tokenizer *t, struct pml_error *err)
{
    t->specials = malloc(t->count * sizeof *t->specials);
    if (!t->specials)
        return pml_fail_memory(err);
    for (uint32_t id = 0; id < t->count; id++) {
        const struct pml_token *token = &t->tokens[id];
        if (token->type != PML_TOKEN_CONTROL && token->type != PML_TOKEN_UNKNOWN &&
            token->type != PML_TOKEN_USER_DEFINED)
            continue;
        if (token->text.size > PML_SPECIAL_SIZE_MAX)
            return pml_fail(err, PML_NO, "gguf", "the text of special token %u has more than %d bytes", id,
                            PML_SPECIAL_SIZE_MAX);
        t->specials[t->special_count++] = id;
        t->special_first[(uint8_t)token->text.bytes[0]] = true;
    }
    qsort_r(t->specials, t->special_count, sizeof *t->specials, compare_texts, t->tokens);
    return true;
}

static bool is_phi3(const struct pml_gguf *g)
{
    struct pml_error ignored;
    struct pml_gguf_text name = { "", 0 };
    return pml_gguf_string(g, "general.name", PML_OPTIONAL, &name, &ignored) &&
           (memmem(name.bytes, name.size, "phi-3", 5) || memmem(name.bytes, name.size, "phi3", 4));
}

struct pml_tokenizer *pml_tokenizer_new(const struct pml_gguf *g, struct pml_error *err)
{
    PML_AUTO(tokenizer) struct pml_tokenizer *t = calloc(1, sizeof *t);
    if (!t)
        return pml_fail_memory(err);
    if (!read_kind(t, g, err) || !read_texts(t, g, err) || !read_types(t, g, err) || !read_scores(t, g, err) ||
        !index_texts(t, err) || !read_specials(t, g, err) || !read_ends(t, g, err) || !index_words(t, err) ||
        !sort_specials(t, err))
        return pml_wrap(err, "tokenizer");
    if (t->bpe && !read_merges(t, g, err))
        return pml_wrap(err, "tokenizer");
    t->strips_right = is_phi3(g);
    return pml_take(&t);
}

void pml_tokenizer_free(struct pml_tokenizer *t)
{
    if (!t)
        return;
    pml_byte_map_free(&t->by_text);
    pml_byte_map_free(&t->words);
    pml_byte_map_free(&t->merges);
    free(t->tokens);
    free(t->arena);
    free(t->merge_arena);
    free(t->specials);
    free(t);
}

void pml_tokenizer_auto(struct pml_tokenizer **t)
{
    pml_tokenizer_free(*t);
}
