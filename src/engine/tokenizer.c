/* SPDX-License-Identifier: MIT */
/* Encoding and decoding over the two kinds of vocabulary. */
#include "engine/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "engine/vocabulary.h"

bool pml_tokens_add(struct pml_tokens *tokens, uint32_t id, struct pml_error *err)
{
    if (tokens->count == tokens->room) {
        size_t room = tokens->room ? 2 * tokens->room : 64;
        uint32_t *ids = realloc(tokens->ids, room * sizeof *ids);
        if (!ids)
            return pml_fail_memory(err);
        tokens->ids = ids;
        tokens->room = room;
    }
    tokens->ids[tokens->count++] = id;
    return true;
}

void pml_tokens_free(struct pml_tokens *tokens)
{
    free(tokens->ids);
    *tokens = (struct pml_tokens){ 0 };
}

void pml_tokens_auto(struct pml_tokens *tokens)
{
    pml_tokens_free(tokens);
}

static void pml_scratch_auto(struct pml_scratch *s)
{
    pml_merge_free(&s->merge);
    pml_pieces_free(&s->pieces);
    if (s->text.bytes)
        pml_wipe(s->text.bytes, s->text.room);
    pml_buf_free(&s->text);
}

static bool encode_fragments(const struct pml_tokenizer *t, const char *text, const struct pml_fragment *fragments,
                             size_t count, struct pml_tokens *out, struct pml_error *err)
{
    PML_AUTO(scratch) struct pml_scratch scratch = { 0 };
    bool after_special = true;
    for (size_t i = 0; i < count; i++) {
        const struct pml_fragment *f = &fragments[i];
        bool done;
        if (f->id != PML_NO_TOKEN)
            done = pml_tokens_add(out, f->id, err);
        else if (t->bpe)
            done = pml_bpe_encode(t, text + f->start, f->size, &scratch, out, err);
        else
            done =
                pml_spm_encode(t, text + f->start, f->size, t->add_space_prefix && after_special, &scratch, out, err);
        if (!done)
            return false;
        after_special = f->id != PML_NO_TOKEN;
    }
    return true;
}

bool pml_tokenizer_encode(const struct pml_tokenizer *t, const char *text, size_t size, struct pml_encode how,
                          struct pml_tokens *out, struct pml_error *err)
{
    if (size > PML_TEXT_MAX)
        return pml_fail(err, PML_NO, "too_large", "a text of %zu bytes, %u are allowed", size, PML_TEXT_MAX);
    size_t count;
    PML_AUTO(mem) struct pml_fragment *fragments = pml_special_cut(t, text, size, how, &count, err);
    if (!fragments)
        return false;
    if (how.add_special && t->add_bos && t->bos != PML_NO_TOKEN && !pml_tokens_add(out, t->bos, err))
        return false;
    if (!encode_fragments(t, text, fragments, count, out, err))
        return false;
    return !how.add_special || !t->add_eos || t->eos == PML_NO_TOKEN || pml_tokens_add(out, t->eos, err);
}

void pml_tokenizer_decode(const struct pml_tokenizer *t, const uint32_t *ids, size_t count, struct pml_buf *out)
{
    for (size_t i = 0; i < count; i++) {
        struct pml_gguf_text piece = pml_tokenizer_piece(t, ids[i]);
        pml_put_bytes(out, piece.bytes, piece.size);
    }
}

uint32_t pml_tokenizer_count(const struct pml_tokenizer *t)
{
    return t->count;
}

const char *pml_tokenizer_model(const struct pml_tokenizer *t)
{
    return t->bpe ? "gpt2" : "llama";
}

const char *pml_tokenizer_pre(const struct pml_tokenizer *t)
{
    return t->pre;
}

uint32_t pml_tokenizer_bos(const struct pml_tokenizer *t)
{
    return t->bos;
}

uint32_t pml_tokenizer_eos(const struct pml_tokenizer *t)
{
    return t->eos;
}

struct pml_gguf_text pml_tokenizer_text(const struct pml_tokenizer *t, uint32_t id)
{
    return t->tokens[id].text;
}

struct pml_gguf_text pml_tokenizer_piece(const struct pml_tokenizer *t, uint32_t id)
{
    return t->tokens[id].piece;
}

enum pml_token_type pml_tokenizer_type(const struct pml_tokenizer *t, uint32_t id)
{
    return (enum pml_token_type)t->tokens[id].type;
}

bool pml_tokenizer_ends(const struct pml_tokenizer *t, uint32_t id)
{
    return t->tokens[id].ends;
}

uint32_t pml_tokenizer_find(const struct pml_tokenizer *t, const char *text)
{
    uint32_t id = pml_byte_map_get(&t->by_text, text, strlen(text), 0);
    return id == PML_MAP_NONE ? PML_NO_TOKEN : id;
}
