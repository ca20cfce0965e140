/* SPDX-License-Identifier: MIT */
/*
 * The training text: an endless row of documents, each a function of the seed and its number. Nothing in it was written
 * by anyone but this grammar. A document is a story, or a conversation in chatml form of which only the assistant's
 * part is learned.
 */
#ifndef TRAIN_CORPUS_H
#define TRAIN_CORPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum corpus_kind { CORPUS_TEXT, CORPUS_IM_START, CORPUS_IM_END, CORPUS_END };

/* A stretch of text, or a control token. */
struct corpus_piece {
    enum corpus_kind kind;
    bool learned;
    size_t begin, end; /* of the text, CORPUS_TEXT only */
};

enum { CORPUS_MAX_PIECES = 128 };

struct corpus_doc {
    struct pml_buf text;
    struct corpus_piece piece[CORPUS_MAX_PIECES];
    size_t pieces;
    double bits; /* information in the learned pieces, by the choices made: an upper bound of their entropy given the
                    rest */
};

/* Writes document NUMBER of SEED into DOC, whose buffer is reused. */
void corpus_document(struct corpus_doc *doc, uint64_t seed, uint64_t number);
void corpus_doc_free(struct corpus_doc *doc);

/* Appends DOC as the text it stands for, control tokens in their written form. */
void corpus_render(struct pml_buf *out, const struct corpus_doc *doc);

/* "<|im_start|>" and so on; NULL for CORPUS_TEXT. */
const char *corpus_control_text(enum corpus_kind kind);

#endif
