/* SPDX-License-Identifier: MIT */
/*
 * The many ways in which people put the same question: frames around a noun, politeness, letter case, missing marks,
 * and words that carry no meaning left out or replaced, so that the model learns to hear the words that matter.
 */
#ifndef TRAIN_STYLE_H
#define TRAIN_STYLE_H

#include "base/buf.h"
#include "grammar.h"

enum { STYLE_TEMPLATE_SIZE = 2048 };

/* Puts a template that asks for an explanation of NOUN into QUESTION. */
void style_frame(struct grammar *g, char question[STYLE_TEMPLATE_SIZE], const char *noun);

/* Appends an expansion of the template QUESTION, dressed up. */
void style_question(struct grammar *g, struct pml_buf *out, const char *question);

#endif
