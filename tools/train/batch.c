/* SPDX-License-Identifier: MIT */
/* Batches: documents one after the other until the next one does not fit. */
#include "batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/*
 * Encodes the document in b->doc: b->ids are its tokens, b->targets the token that follows each, or -1 where that is
 * not learned. What comes after the last learned token is of no use and is left out.
 */
static void encode(struct batcher *b)
{
    int32_t previous_end = 0;
    pml_buf_clear(&b->ids);
    pml_buf_clear(&b->targets);
    for (size_t i = 0; i < b->doc.pieces; i++) {
        const struct corpus_piece *p = &b->doc.piece[i];
        if (p->kind == CORPUS_TEXT)
            bpe_encode(b->bpe, &b->ids, b->doc.text.bytes + p->begin, p->end - p->begin);
        else
            pml_put_u32le(&b->ids, (uint32_t)bpe_control(p->kind));
        int32_t end = (int32_t)(b->ids.size / sizeof(int32_t));
        for (int32_t t = previous_end; t < end; t++)
            if (t > 0)
                pml_put_u32le(&b->targets,
                              p->learned ? ((const uint32_t *)(const void *)b->ids.bytes)[t] : (uint32_t)-1);
        previous_end = end;
    }
    size_t used = b->targets.size / sizeof(int32_t);
    while (used > 0 && ((const int32_t *)(const void *)b->targets.bytes)[used - 1] < 0)
        used--;
    b->ids.size = b->targets.size = used * sizeof(int32_t);
}

bool batcher_open(struct batcher *b, const struct bpe *bpe, uint64_t seed, size_t batch_tokens, size_t context,
                  struct pml_error *err)
{
    *b = (struct batcher){ .bpe = bpe, .seed = seed, .batch_tokens = batch_tokens, .context = context };
    b->batch.tokens = calloc(batch_tokens, sizeof(int32_t));
    b->batch.targets = calloc(batch_tokens, sizeof(int32_t));
    b->batch.start = calloc(batch_tokens + 1, sizeof(size_t));
    if (!b->batch.tokens || !b->batch.targets || !b->batch.start) {
        batcher_close(b);
        return pml_fail_memory(err);
    }
    return true;
}

void batcher_close(struct batcher *b)
{
    corpus_doc_free(&b->doc);
    pml_buf_free(&b->ids);
    pml_buf_free(&b->targets);
    free(b->batch.tokens);
    free(b->batch.targets);
    free(b->batch.start);
}

const struct net_batch *batcher_next(struct batcher *b, struct pml_buf *sink, struct pml_error *err)
{
    struct net_batch *batch = &b->batch;
    batch->tokens_count = batch->docs_count = 0;
    b->bits = 0;
    for (;;) {
        if (!b->waiting) {
            corpus_document(&b->doc, b->seed, b->next++);
            encode(b);
            if (!pml_buf_check(&b->doc.text, err) || !pml_buf_check(&b->ids, err) || !pml_buf_check(&b->targets, err))
                return NULL;
        }
        size_t count = b->ids.size / sizeof(int32_t);
        b->waiting = false;
        if (count > b->batch_tokens || count > b->context)
            continue;
        if (count > b->batch_tokens - batch->tokens_count) {
            b->waiting = true;
            return batch;
        }
        memcpy(batch->tokens + batch->tokens_count, b->ids.bytes, b->ids.size);
        memcpy(batch->targets + batch->tokens_count, b->targets.bytes, b->targets.size);
        batch->tokens_count += count;
        batch->start[++batch->docs_count] = batch->tokens_count;
        b->bits += b->doc.bits;
        if (sink) {
            corpus_render(sink, &b->doc);
            pml_put_u8(sink, '\n');
        }
    }
}
