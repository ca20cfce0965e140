/* SPDX-License-Identifier: MIT */
/* Inside of a tokenizer: what vocabulary.c reads from the file, and the steps of encoding that use it. */
#ifndef PML_ENGINE_VOCABULARY_H
#define PML_ENGINE_VOCABULARY_H

#include "engine/byte_map.h"
#include "engine/merge.h"
#include "engine/pretokenize.h"
#include "engine/tokenizer.h"

#define PML_SPECIAL_SIZE_MAX 256 /* bytes of the text of a token that is cut out */

struct pml_token {
    struct pml_gguf_text text, piece; /* in the arena */
    uint32_t rank;                    /* SPM: order of scores, the highest first */
    uint8_t type;                     /* enum pml_token_type */
    bool ends;
};

struct pml_tokenizer {
    bool bpe;
    bool add_bos, add_eos, add_space_prefix;
    bool strips_right; /* phi3: ASCII blanks after most special tokens are dropped */
    uint32_t bos, eos, unknown;
    const struct pml_pre *rule; /* BPE */
    char pre[64];

    uint32_t count;
    struct pml_token *tokens;
    uint8_t *arena;
    struct pml_byte_map by_text; /* every token's text */

    /* What ordinary text may become: texts (SPM) or the bytes they stand for (BPE) of all tokens that are not control
     * or unknown ones, so that no merge of a user's text ever arrives at one of those. */
    struct pml_byte_map words;
    size_t longest_word;
    bool words_end_at_blanks;  /* SPM: a blank stands in no word but at its beginning or after a blank */
    uint32_t byte_tokens[256]; /* or PML_NO_TOKEN */

    struct pml_byte_map merges; /* BPE: rank of a pair */
    uint8_t *merge_arena;

    uint32_t *specials; /* ids of control, unknown and user-defined tokens, sorted by text */
    size_t special_count;
    bool special_first[256]; /* bytes that a special text begins with */
};

/* Bytes that a BPE text in the GPT-2 alphabet stands for (spec engine §7.3 step 2). OUT has room for SIZE; it may be
 * TEXT. Returns their count, or SIZE_MAX if a character is not in the alphabet. */
size_t pml_bpe_bytes(uint8_t *out, const char *text, size_t size);

struct pml_scratch { /* of one call of encode; wiped, because it holds text */
    struct pml_merge merge;
    struct pml_pieces pieces;
    struct pml_buf text;
};

/* A text cut at its special tokens: ID is such a token, or PML_NO_TOKEN for the plain text between them. */
struct pml_fragment {
    uint32_t id;
    uint32_t start, size; /* bytes of the text */
};
/* Returns the fragments in order; the caller frees. memory. */
PML_CHECKED
struct pml_fragment *pml_special_cut(const struct pml_tokenizer *t, const char *text, size_t size,
                                     struct pml_encode how, size_t *count, struct pml_error *err);

/* Plain text to ids. PREFIX: a blank is put before it. */
PML_CHECKED
bool pml_spm_encode(const struct pml_tokenizer *t, const char *text, size_t size, bool prefix,
                    struct pml_scratch *scratch, struct pml_tokens *out, struct pml_error *err);
PML_CHECKED
bool pml_bpe_encode(const struct pml_tokenizer *t, const char *text, size_t size, struct pml_scratch *scratch,
                    struct pml_tokens *out, struct pml_error *err);

#endif
