/* SPDX-License-Identifier: MIT */
/* Two small vocabularies: byte-level BPE and SPM, each with every byte, a few merges and special tokens. */
#ifndef PML_TEST_TINY_VOCABULARY_H
#define PML_TEST_TINY_VOCABULARY_H

#include "base/memory.h"
#include "engine/tokenizer.h"
#include "engine/utf8.h"
#include "gguf_builder.h"

struct tiny_token {
    const char *text;
    int type;
    float score; /* SPM */
};

/* Ids from 256 on, after the bytes. */
static const struct tiny_token tiny_bpe[] = {
    { "he", 1, 0 },         { "ll", 1, 0 },     { "hell", 1, 0 },          { "hello", 1, 0 },
    { "\xc4\xa0w", 1, 0 },  { "aa", 1, 0 },     { "aaaa", 1, 0 },          { "<|im_start|>", 3, 0 },
    { "<|im_end|>", 3, 0 }, { "<tool>", 4, 0 }, { "<|im_start|>x", 4, 0 }, { "<|endoftext|>", 1, 0 },
    { "[EXTRA]", 5, 0 },    { "<|im_", 4, 0 },
};
#define TINY_HE        256
#define TINY_HELLO     259
#define TINY_AAAA      262
#define TINY_IM_START  263
#define TINY_IM_END    264
#define TINY_TOOL      265
#define TINY_START_X   266
#define TINY_ENDOFTEXT 267
#define TINY_IM        269

static const char *const tiny_merges[] = { "h e", "l l", "he ll", "hell o", "\xc4\xa0 w", "a a", "aa aa" };

/* Ids 0..2 are <unk> <s> </s>, then the bytes, then these. */
static const struct tiny_token tiny_spm[] = {
    { "\xe2\x96\x81", 1, -1 },
    { "h", 1, -2 },
    { "e", 1, -3 },
    { "l", 1, -4 },
    { "o", 1, -5 },
    { "he", 1, -0.5f },
    { "ll", 1, -0.75f },
    { "hell", 1, 1 },
    { "hello", 1, 2 },
    { "\xe2\x96\x81hello", 1, 3 },
    { "<", 1, -9 },
    { "/", 1, -9 },
    { "s", 1, -9 },
    { ">", 1, -9 },
    { "</", 1, -8 },
    { "s>", 1, -8 },
};
#define TINY_SPM_BYTE(byte)  (3 + (byte))
#define TINY_SPM_HELLO       267
#define TINY_SPM_BLANK       259
#define TINY_SPM_BLANK_HELLO 268

static inline void put_token_types(struct pml_buf *b, const struct tiny_token *more, size_t count, bool spm)
{
    put_key_array(b, "tokenizer.ggml.token_type", PML_GGUF_I32, (spm ? 259 : 256) + count);
    for (int i = 0; spm && i < 3; i++)
        pml_put_u32le(b, i ? PML_TOKEN_CONTROL : PML_TOKEN_UNKNOWN);
    for (int i = 0; i < 256; i++)
        pml_put_u32le(b, spm ? PML_TOKEN_BYTE : PML_TOKEN_NORMAL);
    for (size_t i = 0; i < count; i++)
        pml_put_u32le(b, (uint32_t)more[i].type);
}

/* The character that spells a byte in the GPT-2 alphabet. */
static inline void put_alphabet(struct pml_buf *b, int byte)
{
    uint8_t text[PML_UTF8_MAX];
    uint32_t point = 0x100;
    for (int i = 0; i < byte; i++)
        point += !((i >= 33 && i <= 126) || (i >= 161 && i <= 172) || i >= 174);
    if ((byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174)
        point = (uint32_t)byte;
    size_t size = pml_utf8_put(text, point);
    pml_put_u64le(b, size);
    pml_put_bytes(b, text, size);
}

static inline void build_tiny_bpe(struct pml_buf *b, const char *pre)
{
    put_header(b, 3, 0, 7);
    put_key_string(b, "general.architecture", "llama");
    put_key_string(b, "tokenizer.ggml.model", "gpt2");
    put_key_string(b, "tokenizer.ggml.pre", pre);
    put_key_array(b, "tokenizer.ggml.tokens", PML_GGUF_STRING, 256 + PML_COUNT(tiny_bpe));
    for (int i = 0; i < 256; i++)
        put_alphabet(b, i);
    for (size_t i = 0; i < PML_COUNT(tiny_bpe); i++)
        put_string(b, tiny_bpe[i].text);
    put_token_types(b, tiny_bpe, PML_COUNT(tiny_bpe), false);
    put_key_strings(b, "tokenizer.ggml.merges", tiny_merges, PML_COUNT(tiny_merges));
    put_key_u32(b, "tokenizer.ggml.bos_token_id", TINY_ENDOFTEXT);
}

static inline void put_f32(struct pml_buf *b, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    pml_put_u32le(b, bits);
}

static inline void build_tiny_spm(struct pml_buf *b, bool prefix)
{
    static const char *const first[] = { "<unk>", "<s>", "</s>" };
    put_header(b, 3, 0, 6);
    put_key_string(b, "general.architecture", "llama");
    put_key_string(b, "tokenizer.ggml.model", "llama");
    put_key_array(b, "tokenizer.ggml.tokens", PML_GGUF_STRING, 259 + PML_COUNT(tiny_spm));
    for (size_t i = 0; i < 3; i++)
        put_string(b, first[i]);
    for (int i = 0; i < 256; i++) {
        char text[8];
        snprintf(text, sizeof text, "<0x%02X>", (unsigned)i & 255);
        put_string(b, text);
    }
    for (size_t i = 0; i < PML_COUNT(tiny_spm); i++)
        put_string(b, tiny_spm[i].text);
    put_token_types(b, tiny_spm, PML_COUNT(tiny_spm), true);
    put_key_array(b, "tokenizer.ggml.scores", PML_GGUF_F32, 259 + PML_COUNT(tiny_spm));
    for (int i = 0; i < 259; i++)
        put_f32(b, 0);
    for (size_t i = 0; i < PML_COUNT(tiny_spm); i++)
        put_f32(b, tiny_spm[i].score);
    put_key_bool(b, "tokenizer.ggml.add_space_prefix", prefix);
}

/* A tokenizer from the bytes of a file, which may be freed afterwards. NULL with ERR set. */
static inline struct pml_tokenizer *tokenizer_of(const struct pml_buf *b, struct pml_error *err)
{
    PML_AUTO(gguf) struct pml_gguf g = { 0 };
    bool more;
    if (!pml_gguf_parse(&g, b->bytes, b->size, b->size, &more, err))
        return NULL;
    return pml_tokenizer_new(&g, err);
}

#endif
