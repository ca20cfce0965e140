/* SPDX-License-Identifier: MIT */
/* Byte pair encoding: lossless, the same vocabulary every time, and written into a file that the engine's parser reads.
 */
#include "test.h"

#include "bpe.h"
#include "corpus.h"
#include "engine/gguf.h"
#include "engine/tokenizer.h"
#include "gguf.h"
#include "train.h"

enum { DOCUMENTS = 2000 };

static struct bpe *learn(void)
{
    struct pml_error err;
    struct bpe *bpe = bpe_learn(TRAIN_SEED, DOCUMENTS, &err);
    assert_non_null(bpe);
    return bpe;
}

static void round_trip(const struct bpe *bpe, const void *text, size_t size, size_t *tokens)
{
    struct pml_buf ids = { 0 }, back = { 0 };
    bpe_encode(bpe, &ids, text, size);
    *tokens = ids.size / sizeof(int32_t);
    for (size_t i = 0; i < *tokens; i++) {
        int32_t id = ((int32_t *)(void *)ids.bytes)[i];
        assert_true(id >= 0 && id < BPE_END);
        bpe_decode(bpe, &back, id);
    }
    assert_int_equal(back.size, size);
    assert_memory_equal(back.bytes, text, size);
    pml_buf_free(&ids);
    pml_buf_free(&back);
}

static void decoding_gives_back_every_text(void **state)
{
    struct bpe *bpe = learn();
    struct corpus_doc doc = { 0 };
    size_t tokens, all_tokens = 0, all_bytes = 0;
    uint8_t bytes[256];
    (void)state;

    for (uint64_t i = 0; i < 500; i++) {
        corpus_document(&doc, TRAIN_SEED + 1, i);
        round_trip(bpe, doc.text.bytes, doc.text.size, &tokens);
        all_tokens += tokens;
        all_bytes += doc.text.size;
    }
    assert_true(all_bytes > 3 * all_tokens); /* more than three bytes a token: merges are used */
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    round_trip(bpe, bytes, sizeof bytes, &tokens);
    round_trip(bpe, "  two  blanks\n\n's can't  ", 25, &tokens);
    corpus_doc_free(&doc);
    free(bpe);
}

static void learning_again_gives_the_same_vocabulary(void **state)
{
    struct bpe *a = learn(), *b = learn();
    (void)state;
    assert_memory_equal(a->merged, b->merged, sizeof a->merged);
    free(a);
    free(b);
}

static void merges_only_use_what_was_learned_before(void **state)
{
    struct bpe *bpe = learn();
    (void)state;
    for (int16_t id = 256; id < BPE_END; id++) {
        assert_true(bpe->left[id] < id && bpe->right[id] < id);
        assert_int_equal(bpe->merged[bpe->left[id]][bpe->right[id]], id);
    }
    free(bpe);
}

/* Both tokenizers on whole conversations, control tokens included. */
static void the_engine_gives_the_same_ids(void **state)
{
    struct pml_error err;
    struct bpe *bpe = learn();
    float *params = calloc(net_layout(&train_shape).count, sizeof *params);
    struct pml_buf file = { 0 }, text = { 0 }, ids = { 0 };
    struct corpus_doc doc = { 0 };
    struct pml_gguf gguf;
    bool more;
    (void)state;

    assert_non_null(params);
    gguf_write(&file, &train_shape, params, bpe);
    assert_true(pml_gguf_parse(&gguf, file.bytes, file.size, file.size, &more, &err));
    struct pml_tokenizer *engine = pml_tokenizer_new(&gguf, &err);
    if (!engine)
        fail_msg("%s", err.text);
    for (uint64_t n = 0; n < 500; n++) {
        struct pml_tokens tokens = { 0 };
        pml_buf_clear(&text);
        pml_buf_clear(&ids);
        corpus_document(&doc, TRAIN_SEED + 2, n);
        corpus_render(&text, &doc);
        for (size_t i = 0; i < doc.pieces; i++)
            if (doc.piece[i].kind == CORPUS_TEXT)
                bpe_encode(bpe, &ids, doc.text.bytes + doc.piece[i].begin, doc.piece[i].end - doc.piece[i].begin);
            else
                pml_put_u32le(&ids, (uint32_t)bpe_control(doc.piece[i].kind));
        assert_true(pml_tokenizer_encode(engine, (char *)text.bytes, text.size,
                                         (struct pml_encode){ .parse_special = true }, &tokens, &err));
        assert_int_equal(tokens.count * sizeof(uint32_t), ids.size);
        assert_memory_equal(tokens.ids, ids.bytes, ids.size);
        pml_tokens_free(&tokens);
    }
    assert_true(pml_tokenizer_ends(engine, BPE_IM_END) && pml_tokenizer_ends(engine, BPE_END));
    pml_tokenizer_free(engine);
    pml_gguf_free(&gguf);
    corpus_doc_free(&doc);
    pml_buf_free(&file);
    pml_buf_free(&text);
    pml_buf_free(&ids);
    free(params);
    free(bpe);
}

static void the_file_is_read_by_the_engine(void **state)
{
    struct pml_error err;
    struct bpe *bpe = learn();
    size_t count = net_layout(&train_shape).count;
    float *params = calloc(count, sizeof *params);
    struct pml_buf file = { 0 };
    struct pml_gguf gguf;
    bool more;
    (void)state;

    assert_non_null(params);
    for (size_t i = 0; i < count; i++)
        params[i] = (float)(i % 1001) - 500.0f;
    gguf_write(&file, &train_shape, params, bpe);
    assert_true(pml_buf_check(&file, &err));
    assert_true(file.size < 4 << 20);
    if (!pml_gguf_parse(&gguf, file.bytes, file.size, file.size, &more, &err))
        fail_msg("%s", err.text);
    assert_string_equal(gguf.architecture, "llama");
    assert_int_equal(gguf.tensor_count, 2 + 9 * train_shape.layers);
    const struct pml_gguf_tensor *up = pml_gguf_tensor(&gguf, "blk.1.ffn_up.weight");
    assert_non_null(up);
    assert_int_equal(up->dims[0], train_shape.dim);
    assert_int_equal(up->dims[1], train_shape.ffn);

    /* reading a block back gives what gguf_round foresees */
    size_t at = net_layout(&train_shape).layer[1].gate_up + train_shape.ffn * train_shape.dim;
    gguf_round(&train_shape, params);
    const uint8_t *block = file.bytes + up->offset;
    uint16_t half = (uint16_t)(block[0] | block[1] << 8);
    assert_true(half >> 10 > 0 && half >> 10 < 31);
    float scale = (float)((half & 0x3ff) | 0x400) * (float)(1 << (half >> 10)) / (float)(1 << 25);
    for (size_t i = 0; i < 32; i++)
        assert_true(params[at + i] == scale * (float)(int8_t)block[2 + i]);
    pml_gguf_free(&gguf);
    pml_buf_free(&file);
    free(params);
    free(bpe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding_gives_back_every_text),
        cmocka_unit_test(learning_again_gives_the_same_vocabulary),
        cmocka_unit_test(merges_only_use_what_was_learned_before),
        cmocka_unit_test(the_engine_gives_the_same_ids),
        cmocka_unit_test(the_file_is_read_by_the_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
