/* SPDX-License-Identifier: MIT */
/*
 * Byte-level byte pair encoding, spec engine §7.3. The file spells bytes in the GPT-2 alphabet, one character a byte;
 * the vocabulary was turned into bytes when it was loaded, so words are merged as they are.
 */
#include <string.h>

#include "engine/utf8.h"
#include "engine/vocabulary.h"

/* Bytes 33-126, 161-172 and 174-255 are spelt by the characters of their own numbers, the others, ascending, by U+0100
 * and so on. */
static bool spells_itself(uint32_t byte)
{
    return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
}

static bool byte_of(uint32_t point, uint8_t *out)
{
    if (point < 0x100) {
        *out = (uint8_t)point;
        return spells_itself(point);
    }
    uint32_t place = point - 0x100;
    for (uint32_t byte = 0; byte < 256; byte++) {
        if (!spells_itself(byte) && place-- == 0) {
            *out = (uint8_t)byte;
            return true;
        }
    }
    return false;
}

size_t pml_bpe_bytes(uint8_t *out, const char *text, size_t size)
{
    size_t made = 0;
    for (size_t at = 0, used; at < size; at += used) {
        uint32_t point;
        if (pml_utf8_next((const uint8_t *)text + at, size - at, &used, &point) != PML_UTF8_GOOD ||
            !byte_of(point, &out[made++]))
            return SIZE_MAX;
    }
    return made;
}

static uint32_t rank_of(const void *arg, const uint8_t *pair, size_t left, size_t size)
{
    const struct pml_tokenizer *t = arg;
    return pml_byte_map_get(&t->merges, pair, size, left);
}

static bool encode_word(const struct pml_tokenizer *t, const uint8_t *word, size_t size, struct pml_merge *merge,
                        struct pml_tokens *out, struct pml_error *err)
{
    uint32_t id;
    if (pml_pre_ignores_merges(t->rule) && (id = pml_byte_map_get(&t->words, word, size, 0)) != PML_MAP_NONE)
        return pml_tokens_add(out, id, err);

    pml_merge_clear(merge);
    for (size_t i = 0; i < size; i++) {
        if (!pml_merge_add(merge, 1, err))
            return false;
    }
    if (!pml_merge_run(merge, word, rank_of, t, err))
        return false;
    for (uint32_t i = 0; i != UINT32_MAX; i = merge->symbols[i].next) {
        const struct pml_symbol *symbol = &merge->symbols[i];
        id = pml_byte_map_get(&t->words, word + symbol->start, symbol->size, 0);
        if (id != PML_MAP_NONE) {
            if (!pml_tokens_add(out, id, err))
                return false;
            continue;
        }
        for (size_t k = 0; k < symbol->size; k++) {
            id = t->byte_tokens[word[symbol->start + k]];
            if (id != PML_NO_TOKEN && !pml_tokens_add(out, id, err))
                return false;
        }
    }
    return true;
}

/* The text with U+FFFD in the place of every byte that is not part of a character. */
static void put_valid(struct pml_buf *out, const uint8_t *text, size_t size)
{
    for (size_t at = 0, used; at < size; at += used) {
        uint32_t point;
        if (pml_utf8_next(text + at, size - at, &used, &point) == PML_UTF8_GOOD) {
            pml_put_bytes(out, text + at, used);
            continue;
        }
        for (size_t i = 0; i < used; i++)
            pml_put_text(out, "\xef\xbf\xbd");
    }
}

bool pml_bpe_encode(const struct pml_tokenizer *t, const char *text, size_t size, struct pml_scratch *scratch,
                    struct pml_tokens *out, struct pml_error *err)
{
    const uint8_t *word = (const uint8_t *)text;
    if (!pml_utf8_valid(text, size)) {
        pml_buf_clear(&scratch->text);
        put_valid(&scratch->text, word, size);
        if (!pml_buf_check(&scratch->text, err))
            return false;
        word = scratch->text.bytes;
        size = scratch->text.size;
    }
    if (!pml_pre_split(t->rule, word, size, &scratch->pieces, err))
        return false;
    for (size_t i = 0; i < scratch->pieces.count; i++) {
        if (!encode_word(t, word, scratch->pieces.sizes[i], &scratch->merge, out, err))
            return false;
        word += scratch->pieces.sizes[i];
    }
    return true;
}
