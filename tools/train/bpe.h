/* SPDX-License-Identifier: MIT */
/*
 * Byte-level byte pair encoding: learning the merges, and encoding with them as the engine does (spec engine §7.3,
 * pre-tokenizer gpt-2). The corpus is ASCII; bytes beyond it are taken for letters.
 *
 * Ids: 0..255 the bytes themselves, then the merges in the order they were learned, then the control tokens.
 */
#ifndef TRAIN_BPE_H
#define TRAIN_BPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "corpus.h"

enum { BPE_VOCAB = 1024, BPE_CONTROLS = 3, BPE_MERGES = BPE_VOCAB - 256 - BPE_CONTROLS };
enum { BPE_END = BPE_VOCAB - 3, BPE_IM_START = BPE_VOCAB - 2, BPE_IM_END = BPE_VOCAB - 1 };

struct bpe {
    int16_t left[BPE_VOCAB], right[BPE_VOCAB]; /* of merges */
    int16_t merged[BPE_VOCAB][BPE_VOCAB];      /* id that the pair becomes, or -1; a lower id merges first */
};

/* Learns the merges from the first DOCUMENTS documents of the corpus of SEED: always the most frequent pair, of equals
 * the one with the lowest ids. The caller frees with free(). memory. */
struct bpe *bpe_learn(uint64_t seed, uint64_t documents, struct pml_error *err) PML_CHECKED;

/* Encodes TEXT without control tokens; appends int32_t ids to OUT. */
void bpe_encode(const struct bpe *bpe, struct pml_buf *out, const void *text, size_t size);

/* Appends the bytes of token ID; nothing for control tokens. */
void bpe_decode(const struct bpe *bpe, struct pml_buf *out, int32_t id);

/* The id of a control token. */
int32_t bpe_control(enum corpus_kind kind);

#endif
