/* SPDX-License-Identifier: MIT */
/* Tokenizers against the reference's own results (spec engine §13.1). */
#include "test.h"

#include "base/buf.h"
#include "base/memory.h"
#include "engine/chat.h"
#include "engine/pretokenize.h"
#include "engine/tokenizer.h"
#include "engine/unicode_classes.h"

#define SEPARATOR "\n__ggml_vocab_test__\n"

static struct pml_tokenizer *load(const char *name)
{
    struct pml_error err;
    char path[256];
    size_t size;
    bool more;
    snprintf(path, sizeof path, "tokenizer/ggml-vocab-%s.gguf", name);
    PML_AUTO(mem) char *bytes = vector_file(path, &size);
    PML_AUTO(gguf) struct pml_gguf g = { 0 };
    if (!pml_gguf_parse(&g, bytes, size, size, &more, &err))
        fail_msg("%s", err.text);
    struct pml_tokenizer *t = pml_tokenizer_new(&g, &err);
    if (!t)
        fail_msg("%s", err.text);
    return t;
}

/* Texts of an .inp file one by one. */
static bool next_text(const char **at, const char *end, const char **text, size_t *size)
{
    if (!*at)
        return false;
    const char *stop = strstr(*at, SEPARATOR);
    *text = *at;
    *size = (size_t)((stop ? stop : end) - *at);
    *at = stop ? stop + strlen(SEPARATOR) : NULL;
    return true;
}

/* Takes the next line of an .out file and compares it with numbers, a blank before each. */
static void compare_line(const char **lines, const uint32_t *numbers, size_t count, const char *name, size_t index)
{
    PML_AUTO(buf) struct pml_buf line = { 0 };
    for (size_t i = 0; i < count; i++)
        pml_put_format(&line, " %u", numbers[i]);
    pml_put_u8(&line, 0);
    size_t size = strcspn(*lines, "\n");
    if (line.size - 1 != size || memcmp(line.bytes, *lines, size) != 0)
        fail_msg("%s, text %zu:\nwanted%.*s\n   got%s", name, index, (int)size, *lines, (char *)line.bytes);
    *lines += size + (size_t)((*lines)[size] == '\n');
}

static void compare_ids(const struct pml_tokenizer *t, const char *inp, const char *out, struct pml_encode how)
{
    struct pml_error err;
    size_t inp_size, size, index = 0;
    PML_AUTO(mem) char *texts = vector_file(inp, &inp_size);
    PML_AUTO(mem) char *wanted = vector_file(out, &size);
    const char *at = texts, *lines = wanted, *text;
    for (; next_text(&at, texts + inp_size, &text, &size); index++) {
        PML_AUTO(tokens) struct pml_tokens got = { 0 };
        if (!pml_tokenizer_encode(t, text, size, how, &got, &err))
            fail_msg("%s", err.text);
        compare_line(&lines, got.ids, got.count, out, index);
    }
    assert_int_equal(*lines, 0);
    assert_true(index > 40);
}

static void compare_vocabulary(const char *name)
{
    char inp[256], out[256];
    PML_AUTO(tokenizer) struct pml_tokenizer *t = load(name);
    snprintf(inp, sizeof inp, "tokenizer/ggml-vocab-%s.gguf.inp", name);
    snprintf(out, sizeof out, "tokenizer/ggml-vocab-%s.gguf.out", name);
    compare_ids(t, inp, out, (struct pml_encode){ 0 });
    for (int how = 0; how < 4; how++) {
        snprintf(out, sizeof out, "tokenizer/extra.%s.a%dp%d.out", name, how >> 1, how & 1);
        compare_ids(t, "tokenizer/extra.inp", out, (struct pml_encode){ how >> 1, how & 1, NULL });
    }
}

static void gpt_2_equals_the_reference(void **state)
{
    (void)state;
    compare_vocabulary("gpt-2");
}

static void llama_spm_equals_the_reference(void **state)
{
    (void)state;
    compare_vocabulary("llama-spm");
}

static void phi_3_equals_the_reference(void **state)
{
    (void)state;
    compare_vocabulary("phi-3");
}

static void compare_splits(const char *pre, const char *inp, const char *prefix)
{
    struct pml_error err;
    char out[256];
    size_t inp_size, size, index = 0;
    snprintf(out, sizeof out, "tokenizer/%s.%s.out", prefix, pre);
    PML_AUTO(mem) char *texts = vector_file(inp, &inp_size);
    PML_AUTO(mem) char *wanted = vector_file(out, &size);
    PML_AUTO(pieces) struct pml_pieces pieces = { 0 };
    const struct pml_pre *rule = pml_pre_find(pre, strlen(pre));
    assert_non_null(rule);
    const char *at = texts, *lines = wanted, *text;
    for (; next_text(&at, texts + inp_size, &text, &size); index++) {
        if (!pml_pre_split(rule, (const uint8_t *)text, size, &pieces, &err))
            fail_msg("%s", err.text);
        compare_line(&lines, pieces.sizes, pieces.count, out, index);
    }
    assert_int_equal(*lines, 0);
}

static void splits_equal_the_reference(void **state)
{
    static const char *const names[] = { "gpt-2", "default", "llama-bpe", "chatglm-bpe", "qwen2" };
    (void)state;
    for (size_t i = 0; i < PML_COUNT(names); i++) {
        compare_splits(names[i], "tokenizer/extra.inp", "split");
        compare_splits(names[i], "tokenizer/ggml-vocab-gpt-2.gguf.inp", "split-std");
    }
}

static void classes_equal_the_list(void **state)
{
    static const char letters[] = "-LNPSMZC";
    size_t size;
    uint32_t next = 0;
    (void)state;
    PML_AUTO(mem) char *list = vector_file("tokenizer/unicode-classes.txt", &size);
    for (char *line = strtok(list, "\n"); line; line = strtok(NULL, "\n")) {
        unsigned first, last;
        char letter;
        if (sscanf(line, "%X-%X %c", &first, &last, &letter) != 3)
            continue;
        for (; next < first; next++)
            assert_int_equal(pml_unicode_class(next), PML_CLASS_NONE);
        for (; next <= last; next++)
            assert_int_equal(letters[pml_unicode_class(next)], letter);
    }
    assert_true(next > 0x100000);
    for (; next <= 0x10ffff; next++)
        assert_int_equal(pml_unicode_class(next), PML_CLASS_NONE);
}

/* Where contents hold no special text, masking them changes nothing (spec engine §7.4). */
static void masked_prompts_equal_parsed_ones(void **state)
{
    static const struct {
        const char *vocabulary;
        enum pml_chat_family family;
    } cases[] = { { "phi-3", PML_CHAT_PHI3 }, { "llama-spm", PML_CHAT_LLAMA2_SYS_BOS }, { "gpt-2", PML_CHAT_ZEPHYR } };
    static const struct pml_chat_message messages[] = { { PML_ROLE_SYSTEM, "Be kind.", 8 },
                                                        { PML_ROLE_USER, " Hi  there\n", 11 },
                                                        { PML_ROLE_ASSISTANT, "Hello!", 6 },
                                                        { PML_ROLE_USER, "Was gibt\xe2\x80\x99s?", 13 } };
    (void)state;
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        struct pml_error err;
        PML_AUTO(tokenizer) struct pml_tokenizer *t = load(cases[i].vocabulary);
        PML_AUTO(buf) struct pml_buf text = { 0 };
        PML_AUTO(buf) struct pml_buf mask = { 0 };
        PML_AUTO(tokens) struct pml_tokens masked = { 0 };
        PML_AUTO(tokens) struct pml_tokens parsed = { 0 };
        size_t specials = 0;
        assert_true(pml_chat_render(cases[i].family, messages, 4, &text, &mask, &err));
        assert_true(pml_tokenizer_encode(t, (char *)text.bytes, text.size, (struct pml_encode){ true, true, NULL },
                                         &parsed, &err));
        assert_true(pml_chat_tokens(cases[i].family, t, messages, 4, &masked, &err));
        assert_int_equal(masked.count, parsed.count);
        for (size_t k = 0; k < parsed.count; k++) {
            assert_int_equal(masked.ids[k], parsed.ids[k]);
            specials += pml_tokenizer_type(t, parsed.ids[k]) == PML_TOKEN_CONTROL;
        }
        assert_true(specials > 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_equal_the_list),     cmocka_unit_test(splits_equal_the_reference),
        cmocka_unit_test(gpt_2_equals_the_reference), cmocka_unit_test(llama_spm_equals_the_reference),
        cmocka_unit_test(phi_3_equals_the_reference), cmocka_unit_test(masked_prompts_equal_parsed_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
