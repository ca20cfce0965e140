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

bool pml_spm_encode(const struct pml_tokenizer *t, const char *text, size_t size, bool prefix,
                    struct pml_scratch *scratch, struct pml_tokens *out, struct pml_error *err)
{
    static const uint8_t sizes[16] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4 }; /* by the lead byte */
    struct pml_buf *plain = &scratch->text;
    struct pml_merge *merge = &scratch->merge;

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

    pml_merge_clear(merge);
    for (size_t at = 0, left; (left = plain->size - at) != 0;) {
        size_t wanted = sizes[plain->bytes[at] >> 4];
        if (!pml_merge_add(merge, wanted < left ? wanted : left, err))
            return false;
        at += wanted < left ? wanted : left;
    }
    if (!pml_merge_run(merge, plain->bytes, rank_of, t, err))
        return false;
    for (uint32_t i = merge->count ? 0 : UINT32_MAX; i != UINT32_MAX; i = merge->symbols[i].next) {
        if (!emit(t, plain->bytes + merge->symbols[i].start, merge->symbols[i].size, out, err))
            return false;
    }
    return true;
}
