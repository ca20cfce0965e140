/* SPDX-License-Identifier: MIT */
/* The examination: a chat of one question each, decoded with the network that was trained. */
#include "exam.h"

#include <string.h>
#include <strings.h>

#include "base/memory.h"

enum { MAX_ANSWER = 120, MAX_QUESTION = 512 };

static void put_prompt(struct pml_buf *ids, const struct bpe *bpe, const char *question, size_t size)
{
    pml_put_u32le(ids, BPE_IM_START);
    bpe_encode(bpe, ids, "user\n", 5);
    bpe_encode(bpe, ids, question, size);
    pml_put_u32le(ids, BPE_IM_END);
    bpe_encode(bpe, ids, "\n", 1);
    pml_put_u32le(ids, BPE_IM_START);
    bpe_encode(bpe, ids, "assistant\n", 10);
}

/* Of equal logits the one with the lowest id (spec engine §9). */
static int32_t greatest(const float *logits, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (logits[i] > logits[best])
            best = i;
    return (int32_t)best;
}

static void answer(struct pml_buf *out, struct net *net, const struct net_shape *shape, const float *params,
                   const struct bpe *bpe, struct pml_buf *ids)
{
    float logits[BPE_VOCAB];
    for (size_t n = 0; n < MAX_ANSWER && !ids->failed && ids->size / sizeof(int32_t) < shape->context; n++) {
        net_logits(net, params, (const int32_t *)(const void *)ids->bytes, ids->size / sizeof(int32_t), logits);
        int32_t id = greatest(logits, shape->vocab);
        if (id >= BPE_END)
            return;
        bpe_decode(bpe, out, id);
        pml_put_u32le(ids, (uint32_t)id);
    }
}

bool exam_run(struct exam *result, struct net *net, const struct net_shape *shape, const float *params,
              const struct bpe *bpe, const char *text, struct pml_buf *report, struct pml_error *err)
{
    *result = (struct exam){ 0 };
    for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
        PML_AUTO(buf) struct pml_buf ids = { 0 }, said = { 0 };
        char word[64];
        end = line + strcspn(line, "\n");
        const char *tab = memchr(line, '\t', (size_t)(end - line));
        size_t size = tab ? (size_t)(end - tab - 1) : 0;
        if (!tab || tab - line > MAX_QUESTION || size == 0 || size >= sizeof word)
            return pml_fail(err, PML_USAGE, "questions", "questions: line %zu is not \"question<TAB>word\"",
                            result->total + 1);
        memcpy(word, tab + 1, size);
        word[size] = '\0';

        put_prompt(&ids, bpe, line, (size_t)(tab - line));
        answer(&said, net, shape, params, bpe, &ids);
        pml_put_u8(&said, 0);
        if (!pml_buf_check(&said, err) || !pml_buf_check(&ids, err))
            return false;
        bool right = strcasestr((const char *)said.bytes, word) != NULL;
        result->total++;
        result->right += right;
        if (report)
            pml_put_format(report, "%s %.*s\n     %s\n", right ? "yes " : "NO  ", (int)(end - line), line,
                           (const char *)said.bytes);
    }
    return true;
}
