/* SPDX-License-Identifier: MIT */
/* Writes the trained network as a GGUF v3 file (spec engine §1): weights Q8_0, norms F32, the tokenizer and the chat
 * template. */
#ifndef TRAIN_GGUF_H
#define TRAIN_GGUF_H

#include "bpe.h"
#include "net.h"

/* Appends the whole file to OUT. Embedding, feed-forward and attention widths are multiples of 32. */
void gguf_write(struct pml_buf *out, const struct net_shape *shape, const float *params, const struct bpe *bpe);

/* Replaces every weight that the file stores as Q8_0 by the value it will have when it is read back. */
void gguf_round(const struct net_shape *shape, float *params);

#endif
