/* SPDX-License-Identifier: MIT */
/* Turns the row of documents into batches of token ids for the network. */
#ifndef TRAIN_BATCH_H
#define TRAIN_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "bpe.h"
#include "corpus.h"
#include "net.h"

struct batcher {
    const struct bpe *bpe;
    uint64_t seed, next; /* number of the next document to read */
    size_t batch_tokens, context;
    struct corpus_doc doc; /* read but not yet used when WAITING */
    struct pml_buf ids, targets;
    bool waiting;
    struct net_batch batch;
    double bits; /* information in the learned parts of the documents of the last batch */
};

/* Batches hold at most BATCH_TOKENS tokens; a document longer than that or than CONTEXT is left out. Borrows BPE.
 * memory. */
bool batcher_open(struct batcher *b, const struct bpe *bpe, uint64_t seed, size_t batch_tokens, size_t context,
                  struct pml_error *err) PML_CHECKED;
void batcher_close(struct batcher *b);

/* The next batch, good until the next call. When SINK is not NULL the documents are appended to it, one a line. memory.
 */
const struct net_batch *batcher_next(struct batcher *b, struct pml_buf *sink, struct pml_error *err) PML_CHECKED;

#endif
