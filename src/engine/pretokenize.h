/* SPDX-License-Identifier: MIT */
/*
 * Splitting text into words before byte-level BPE (spec engine §7.3). Each kind of pre-tokenizer is a row of scanners
 * that are applied one after the other, each cutting the pieces left by the one before into its matches and the gaps
 * between them. The scanners are the specification's regular expressions written out, so time is linear.
 */
#ifndef PML_ENGINE_PRETOKENIZE_H
#define PML_ENGINE_PRETOKENIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct pml_pre;

/* By the value of tokenizer.ggml.pre. NULL: not known, and never guessed. */
const struct pml_pre *pml_pre_find(const char *name, size_t size);
bool pml_pre_ignores_merges(const struct pml_pre *pre); /* a word that is a token is taken whole */
bool pml_pre_adds_bos(const struct pml_pre *pre);       /* when the file does not say */

struct pml_pieces {  /* what the text was cut into, and room to cut it in */
    uint32_t *sizes; /* of each piece; in characters while cutting, in bytes at the end */
    size_t count;
    uint32_t *points;
    uint8_t *kinds;
    uint32_t *spare;
    size_t room;
};
void pml_pieces_free(struct pml_pieces *p);
void pml_pieces_auto(struct pml_pieces *p);

/* Cuts SIZE bytes of valid UTF-8. OUT may be used again; its memory grows with the largest text. memory. */
PML_CHECKED
bool pml_pre_split(const struct pml_pre *pre, const uint8_t *text, size_t size, struct pml_pieces *out,
                   struct pml_error *err);

#endif
