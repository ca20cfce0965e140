/* SPDX-License-Identifier: MIT */
/*
 * Encoding of any bytes with two small vocabularies. What is decoded is what was encoded (bytes that are no UTF-8
 * apart), no control token arises from plain text, and text that is streamed with a stop string equals the decoded text
 * up to that string. Input: one byte of options, one byte: size of the stop string, stop string, text.
 */
#include <stdlib.h>
#include <string.h>

#include "../unit/engine/tiny_vocabulary.h"
#include "engine/text_stream.h"

#define REQUIRE(condition) \
    do {                   \
        if (!(condition))  \
            abort();       \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const pres[] = { "gpt-2", "default", "llama-bpe", "qwen2" };

static const struct pml_tokenizer *vocabulary(unsigned kind)
{
    static struct pml_tokenizer *made[PML_COUNT(pres) + 1];
    if (!made[kind]) {
        struct pml_error err;
        PML_AUTO(buf) struct pml_buf b = { 0 };
        if (kind < PML_COUNT(pres))
            build_tiny_bpe(&b, pres[kind]);
        else
            build_tiny_spm(&b, false);
        made[kind] = tokenizer_of(&b, &err);
        REQUIRE(made[kind]);
    }
    return made[kind];
}

/* What encoding may change: for BPE every byte that is no part of a character becomes U+FFFD, in SPM U+2581 is a blank.
 */
static void put_expected(struct pml_buf *out, const uint8_t *text, size_t size, bool spm)
{
    for (size_t at = 0, used; at < size; at += used) {
        uint32_t point;
        bool good = pml_utf8_next(text + at, size - at, &used, &point) == PML_UTF8_GOOD;
        if (spm) {
            used = size - at >= 3 && !memcmp(text + at, "\xe2\x96\x81", 3) ? 3 : 1;
            pml_put_bytes(out, used == 3 ? (const uint8_t *)" " : text + at, 1);
        } else if (good) {
            pml_put_bytes(out, text + at, used);
        } else {
            for (size_t i = 0; i < used; i++)
                pml_put_text(out, "\xef\xbf\xbd");
        }
    }
}

static void check_round_trip(const struct pml_tokenizer *t, const struct pml_tokens *tokens, const uint8_t *text,
                             size_t size, bool spm)
{
    PML_AUTO(buf) struct pml_buf decoded = { 0 };
    PML_AUTO(buf) struct pml_buf expected = { 0 };
    pml_tokenizer_decode(t, tokens->ids, tokens->count, &decoded);
    put_expected(&expected, text, size, spm);
    REQUIRE(decoded.size == expected.size);
    REQUIRE(!decoded.size || !memcmp(decoded.bytes, expected.bytes, decoded.size));
    for (size_t i = 0; i < tokens->count; i++)
        REQUIRE(pml_tokenizer_type(t, tokens->ids[i]) != PML_TOKEN_CONTROL);
}

static void check_stream(const struct pml_tokenizer *t, const struct pml_tokens *tokens, const char *stop)
{
    struct pml_error err;
    PML_AUTO(buf) struct pml_buf whole = { 0 };
    PML_AUTO(buf) struct pml_buf streamed = { 0 };
    PML_AUTO(text_stream) struct pml_text_stream *all = pml_text_stream_new(t, NULL, 0, &err);
    PML_AUTO(text_stream) struct pml_text_stream *s = pml_text_stream_new(t, &stop, 1, &err);
    REQUIRE(all);
    if (!s)
        return;
    bool on = true;
    for (size_t i = 0; i < tokens->count; i++) {
        REQUIRE(pml_text_stream_put(all, tokens->ids[i], &whole));
        on = pml_text_stream_put(s, tokens->ids[i], &streamed);
        REQUIRE(pml_utf8_valid(streamed.bytes, streamed.size));
    }
    REQUIRE(pml_text_stream_end(all, &whole));
    on = pml_text_stream_end(s, &streamed);
    const uint8_t *found = whole.size ? memmem(whole.bytes, whole.size, stop, strlen(stop)) : NULL;
    size_t wanted = found ? (size_t)(found - whole.bytes) : whole.size;
    REQUIRE(on == !found && streamed.size == wanted);
    REQUIRE(!wanted || !memcmp(streamed.bytes, whole.bytes, wanted));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct pml_error err;
    char stop[256] = { 0 };
    unsigned kind = data[0] % (PML_COUNT(pres) + 1);
    size_t stop_size = data[1] < size - 2 ? data[1] : size - 2;
    memcpy(stop, data + 2, stop_size);
    const uint8_t *text = data + 2 + stop_size;
    size -= 2 + stop_size;

    const struct pml_tokenizer *t = vocabulary(kind);
    PML_AUTO(tokens) struct pml_tokens plain = { 0 };
    PML_AUTO(tokens) struct pml_tokens parsed = { 0 };
    REQUIRE(pml_tokenizer_encode(t, (const char *)text, size, (struct pml_encode){ 0 }, &plain, &err));
    bool spm = kind == PML_COUNT(pres);
    if (!spm || pml_utf8_valid(text, size)) /* SPM cuts by lead bytes, so a broken character may swallow a blank */
        check_round_trip(t, &plain, text, size, spm);
    check_stream(t, &plain, stop);
    REQUIRE(pml_tokenizer_encode(t, (const char *)text, size, (struct pml_encode){ true, true, NULL }, &parsed, &err));
    check_stream(t, &parsed, stop);
    return 0;
}
