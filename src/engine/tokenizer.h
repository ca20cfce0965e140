/* SPDX-License-Identifier: MIT */
/*
 * Text to token ids and back (spec engine §7): SPM and byte-level BPE vocabularies as GGUF files carry them. A
 * tokenizer is immutable once made, so any number of threads may share it. Encoding takes n log n time in the size of
 * the text whatever the text and the vocabulary are.
 */
#ifndef PML_ENGINE_TOKENIZER_H
#define PML_ENGINE_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "engine/gguf.h"

#define PML_VOCABULARY_MAX (1u << 20)  /* tokens */
#define PML_TEXT_MAX       (16u << 20) /* bytes that can be encoded at once */
#define PML_NO_TOKEN       UINT32_MAX

struct pml_tokenizer;

enum pml_token_type { /* as in tokenizer.ggml.token_type */
                      PML_TOKEN_NORMAL = 1,
                      PML_TOKEN_UNKNOWN,
                      PML_TOKEN_CONTROL,
                      PML_TOKEN_USER_DEFINED,
                      PML_TOKEN_UNUSED,
                      PML_TOKEN_BYTE,
};

struct pml_tokens { /* grows as it is appended to */
    uint32_t *ids;
    size_t count, room;
};
PML_CHECKED
bool pml_tokens_add(struct pml_tokens *tokens, uint32_t id, struct pml_error *err);
void pml_tokens_free(struct pml_tokens *tokens);
void pml_tokens_auto(struct pml_tokens *tokens);

/* Reads the tokenizer.* keys; copies what it keeps. PML_NO: "gguf" malformed, "model" a kind of tokenizer or
 * pre-tokenizer that is not supported, by name; memory. */
PML_CHECKED
struct pml_tokenizer *pml_tokenizer_new(const struct pml_gguf *g, struct pml_error *err);
void pml_tokenizer_free(struct pml_tokenizer *t);
void pml_tokenizer_auto(struct pml_tokenizer **t);

/*
 * Which bytes of a text may form the text of a control token. Contents that come from users must not, or they could end
 * their turn and open another; so a chat marks only the literals of its template.
 */
struct pml_encode {
    bool add_special;    /* begin with BOS and end with EOS where the vocabulary asks for it */
    bool parse_special;  /* every byte may */
    const uint8_t *mask; /* unless parse_special: one byte per byte of text, 1: may; NULL: none may */
};

/* Appends the ids of SIZE bytes of text. On failure OUT may have grown. PML_NO: "too_large"; memory. */
PML_CHECKED
bool pml_tokenizer_encode(const struct pml_tokenizer *t, const char *text, size_t size, struct pml_encode how,
                          struct pml_tokens *out, struct pml_error *err);

uint32_t pml_tokenizer_count(const struct pml_tokenizer *t);
const char *pml_tokenizer_model(const struct pml_tokenizer *t); /* "llama" or "gpt2" */
const char *pml_tokenizer_pre(const struct pml_tokenizer *t);   /* "llama-bpe"; "" for SPM */
uint32_t pml_tokenizer_bos(const struct pml_tokenizer *t);      /* PML_NO_TOKEN: there is none */
uint32_t pml_tokenizer_eos(const struct pml_tokenizer *t);

/* Of an id below pml_tokenizer_count; borrowed for the life of the tokenizer. */
struct pml_gguf_text pml_tokenizer_text(const struct pml_tokenizer *t, uint32_t id);  /* as the vocabulary spells it */
struct pml_gguf_text pml_tokenizer_piece(const struct pml_tokenizer *t, uint32_t id); /* the bytes it stands for in a
                                                                                          text; control tokens: none */
enum pml_token_type pml_tokenizer_type(const struct pml_tokenizer *t, uint32_t id);
bool pml_tokenizer_ends(const struct pml_tokenizer *t, uint32_t id);          /* generation ends with this token */
uint32_t pml_tokenizer_find(const struct pml_tokenizer *t, const char *text); /* by exact text, or PML_NO_TOKEN */

/* Appends the pieces of COUNT ids: raw bytes, which need not be UTF-8 (text_stream.h makes text of them). */
void pml_tokenizer_decode(const struct pml_tokenizer *t, const uint32_t *ids, size_t count, struct pml_buf *out);

#endif
