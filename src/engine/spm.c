/* SPDX-License-Identifier: MIT */
/* SentencePiece-style encoding, spec engine §7.2. */
#include <string.h>

#include "engine/vocabulary.h"

static const char blank[] = "\xe2\x96\x81"; /* U+2581 stands for ' ' in the vocabulary */

static uint32_t rank_of(const void *arg, const uint8_t *pair, size_t left, size_t size)
{
    const struct pml_tokenizer *t = arg;
    (void)left;
    if (size > t->longest_word)
        return PML_NO_RANK;
    uint32_t id = pml_byte_map_get(&t->words, pair, size, 0);
    return id == PML_MAP_NONE ? PML_NO_RANK : t->tokens[id].rank;
}

static bool emit(const struct pml_tokenizer *t, const uint8_t *bytes, size_t size, struct pml_tokens *out,
                 struct pml_error *err)
{
    uint32_t id = pml_byte_map_get(&t->words, bytes, size, 0);
    if (id != PML_MAP_NONE)
        return pml_tokens_add(out, id, err);
    for (size_t i = 0; i < size; i++) {
        id = t->byte_tokens[bytes[i]] != PML_NO_TOKEN ? t->byte_tokens[bytes[i]] : t->unknown;
        if (id != PML_NO_TOKEN && !pml_tokens_add(out, id, err))
            return false;
    }
    return true;
}

static const uint8_t sizes[16] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4
}; /* of a character, by its lead byte */

/* Merges the symbols collected so far, which make up WORD, and appends their tokens. */
static bool encode_word(const struct pml_tokenizer *t, const uint8_t *word, struct pml_merge *merge,
                        struct pml_tokens *out, struct pml_error *err)
{
    if (!pml_merge_run(merge, word, rank_of, t, err))
        return false;
    for (uint32_t i = merge->count ? 0 : UINT32_MAX; i != UINT32_MAX; i = merge->symbols[i].next) {
        if (!emit(t, word + merge->symbols[i].start, merge->symbols[i].size, out, err))
            return false;
    }
    pml_merge_clear(merge);
    return true;
}

bool pml_spm_encode(const struct pml_tokenizer *t, const char *text, size_t size, bool prefix,
                    struct pml_scratch *scratch, struct pml_tokens *out, struct pml_error *err)
{
    struct pml_buf *plain = &scratch->text;

    pml_buf_clear(plain);
    if (prefix)
        pml_put_bytes(plain, blank, 3);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == ' ')
            pml_put_bytes(plain, blank, 3);
        else
            pml_put_u8(plain, (uint8_t)text[i]);
    }
    if (!pml_buf_check(plain, err))
        return false;

    const uint8_t *word = plain->bytes, *end = plain->bytes + plain->size;
    bool after_blank = true;
    pml_merge_clear(&scratch->merge);
    for (const uint8_t *at = word; at < end;) {
        size_t wanted = sizes[*at >> 4], left = (size_t)(end - at);
        if (wanted > left)
            wanted = left;
        bool is_blank = wanted == 3 && !memcmp(at, blank, 3);
        /* Where no token goes on over a blank, words are merged one by one, with the same result. */
        if (is_blank && !after_blank && t->words_end_at_blanks) {
            if (!encode_word(t, word, &scratch->merge, out, err))
                return false;
            word = at;
        }
        if (!pml_merge_add(&scratch->merge, wanted, err))
            return false;
        after_blank = is_blank;
        at += wanted;
    }
    return encode_word(t, word, &scratch->merge, out, err);
}
