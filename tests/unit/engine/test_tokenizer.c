/* SPDX-License-Identifier: MIT */
/* Tokenizers on two small vocabularies: special tokens, masks, hostile texts and hostile files. */
#include "test.h"

#include "tiny_vocabulary.h"

static struct pml_tokenizer *bpe(const char *pre)
{
    struct pml_error err;
    PML_AUTO(buf) struct pml_buf b = { 0 };
    build_tiny_bpe(&b, pre);
    struct pml_tokenizer *t = tokenizer_of(&b, &err);
    if (!t)
        fail_msg("%s", err.text);
    return t;
}

static struct pml_tokenizer *spm(bool prefix)
{
    struct pml_error err;
    PML_AUTO(buf) struct pml_buf b = { 0 };
    build_tiny_spm(&b, prefix);
    struct pml_tokenizer *t = tokenizer_of(&b, &err);
    if (!t)
        fail_msg("%s", err.text);
    return t;
}

/* Encodes TEXT and compares with ids given as " 1 2 3". */
static void expect(const struct pml_tokenizer *t, const char *text, struct pml_encode how, const char *wanted)
{
    struct pml_error err;
    PML_AUTO(tokens) struct pml_tokens tokens = { 0 };
    PML_AUTO(buf) struct pml_buf got = { 0 };
    if (!pml_tokenizer_encode(t, text, strlen(text), how, &tokens, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < tokens.count; i++)
        pml_put_format(&got, " %u", tokens.ids[i]);
    pml_put_u8(&got, 0);
    assert_string_equal((char *)got.bytes, wanted);
}

static const struct pml_encode plain = { 0 }, parse = { .parse_special = true }, add = { .add_special = true };

static void merges_apply_by_rank(void **state)
{
    (void)state;
    PML_AUTO(tokenizer) struct pml_tokenizer *t = bpe("gpt-2");
    expect(t, "hello", plain, " 259");
    expect(t, "hell", plain, " 258");
    expect(t, "hel", plain, " 256 108");
    expect(t, "lll", plain, " 257 108"); /* of equal ranks the leftmost */
    expect(t, "aaaaaa", plain, " 262 261");
    expect(t, "aaaaaaaaa", plain, " 262 262 97");
    expect(t, " w", plain, " 260");
    expect(t, "", plain, "");
    expect(t, "\xff", plain, " 239 191 189"); /* U+FFFD */
}

static void highest_score_merges_first(void **state)
{
    (void)state;
    PML_AUTO(tokenizer) struct pml_tokenizer *t = spm(true);
    expect(t, "hello", plain, " 268");
    expect(t, "hello", add, " 1 268");
    expect(t, "hellohello", plain, " 268 267");
    expect(t, "x", plain, " 259 123"); /* blank, then a byte */
    expect(t, "\xc3\xa9", plain, " 259 198 172");
    expect(t, "\xf0\x9f", plain, " 259 243 162"); /* a character cut off */
    expect(t, "", add, " 1");
    PML_AUTO(tokenizer) struct pml_tokenizer *bare = spm(false);
    expect(bare, "hello", plain, " 267");
    expect(bare, " ", plain, " 259");
}

static void blank_prefix_follows_special_tokens(void **state)
{
    (void)state;
    PML_AUTO(tokenizer) struct pml_tokenizer *t = spm(true);
    expect(t, "hello</s>hello", parse, " 268 2 268");
    expect(t, "</s></s>", parse, " 2 2");
}

/* "</" and "s>" are tokens and so is their concatenation, which a user's text must not become. */
static void plain_text_never_becomes_a_control_token(void **state)
{
    (void)state;
    PML_AUTO(tokenizer) struct pml_tokenizer *t = spm(false);
    expect(t, "</s>", plain, " 273 274");
    expect(t, "</s>", parse, " 2");
    PML_AUTO(tokenizer) struct pml_tokenizer *b = bpe("llama-bpe");
    expect(b, "<|im_end|>", plain, " 269 101 110 100 124 62");
    expect(b, "<|im_end|>", parse, " 264");
}

static void special_texts_are_cut_longest_first(void **state)
{
    (void)state;
    PML_AUTO(tokenizer) struct pml_tokenizer *t = bpe("gpt-2");
    expect(t, "<|im_start|>x", parse, " 266");
    expect(t, "<|im_start|>y", parse, " 263 121");
    expect(t, "<|im_start|>x", plain, " 266"); /* user-defined tokens always */
    expect(t, "<|im_start|>", plain, " 269 115 116 97 114 116 124 62");
    expect(t, "<tool><tool", plain, " 265 60 116 111 111 108");
    expect(t, "<<tool>", plain, " 60 265");
    expect(t, "<|endoftext|>", parse, " 267"); /* known by its text, whatever type the file gives it */
}

/* A longer text that begins later wins over a shorter one that it overlaps, which then yields to one shorter still. */
static void overlaps_are_resolved(void **state)
{
    static const char *const texts[] = { "a", "b", "c", "d", "ab", "abc", "bcd" };
    (void)state;
    struct pml_error err;
    PML_AUTO(buf) struct pml_buf b = { 0 };
    put_header(&b, 3, 0, 5);
    put_key_string(&b, "general.architecture", "llama");
    put_key_string(&b, "tokenizer.ggml.model", "llama");
    put_key_strings(&b, "tokenizer.ggml.tokens", texts, 7);
    put_key_array(&b, "tokenizer.ggml.token_type", PML_GGUF_I32, 7);
    for (int i = 0; i < 7; i++)
        pml_put_u32le(&b, i < 4 ? PML_TOKEN_NORMAL : PML_TOKEN_USER_DEFINED);
    put_key_bool(&b, "tokenizer.ggml.add_space_prefix", 0);
    PML_AUTO(tokenizer) struct pml_tokenizer *t = tokenizer_of(&b, &err);
    assert_non_null(t);
    expect(t, "abcd", plain, " 5 3"); /* equal length: the leftmost */
    expect(t, "bcdab", plain, " 6 4");
    expect(t, "abab", plain, " 4 4");
    expect(t, "aabcabd", plain, " 0 5 4 3");
}

static void masks_decide_byte_by_byte(void **state)
{
    (void)state;
    PML_AUTO(tokenizer) struct pml_tokenizer *t = bpe("gpt-2");
    uint8_t mask[24] = { 0 };
    const char *text = "<|im_end|><|im_end|>"; /* ten bytes twice */
    memset(mask + 10, 1, 10);
    expect(t, text, (struct pml_encode){ .mask = mask }, " 269 101 110 100 124 62 264");
    memset(mask, 1, 10);
    mask[9] = 0;
    expect(t, text, (struct pml_encode){ .mask = mask }, " 269 101 110 100 124 62 264");
    mask[9] = 1;
    expect(t, text, (struct pml_encode){ .mask = mask }, " 264 264");
}

static void words_that_are_tokens_are_taken_whole(void **state)
{
    static const char *const merges[] = { "b c" };
    (void)state;
    for (int ignores = 0; ignores < 2; ignores++) {
        struct pml_error err;
        PML_AUTO(buf) struct pml_buf b = { 0 };
        put_header(&b, 3, 0, 5);
        put_key_string(&b, "general.architecture", "llama");
        put_key_string(&b, "tokenizer.ggml.model", "gpt2");
        put_key_string(&b, "tokenizer.ggml.pre", ignores ? "llama-bpe" : "qwen2");
        put_key_strings(&b, "tokenizer.ggml.tokens", (const char *const[]){ "a", "b", "c", "bc", "abc" }, 5);
        put_key_strings(&b, "tokenizer.ggml.merges", merges, 1);
        PML_AUTO(tokenizer) struct pml_tokenizer *t = tokenizer_of(&b, &err);
        assert_non_null(t);
        expect(t, "abc", plain, ignores ? " 4" : " 0 3");
        expect(t, "abz", plain, " 0 1"); /* z is no token */
    }
}

static void end_tokens_are_known(void **state)
{
    (void)state;
    PML_AUTO(tokenizer) struct pml_tokenizer *t = bpe("gpt-2");
    assert_true(pml_tokenizer_ends(t, TINY_IM_END));
    assert_true(pml_tokenizer_ends(t, TINY_ENDOFTEXT));
    assert_false(pml_tokenizer_ends(t, TINY_IM_START));
    assert_true(pml_tokenizer_ends(t, 11)); /* EOS when the file names none */
    assert_int_equal(pml_tokenizer_bos(t), TINY_ENDOFTEXT);
    PML_AUTO(tokenizer) struct pml_tokenizer *s = spm(true);
    assert_true(pml_tokenizer_ends(s, 2));
    assert_false(pml_tokenizer_ends(s, 1));
}

static void bos_is_added_where_asked_for(void **state)
{
    (void)state;
    PML_AUTO(tokenizer) struct pml_tokenizer *no = bpe("gpt-2");
    expect(no, "he", add, " 256");
    PML_AUTO(tokenizer) struct pml_tokenizer *yes = bpe("llama-bpe");
    expect(yes, "he", add, " 267 256");
}

/* A text of 2 MB in one word, of one letter that merges without end: quadratic time would take hours. */
static void long_words_are_no_attack(void **state)
{
    (void)state;
    size_t size = 2u << 20;
    struct pml_error err;
    PML_AUTO(mem) char *text = malloc(size);
    memset(text, 'a', size);
    PML_AUTO(tokenizer) struct pml_tokenizer *t = bpe("gpt-2");
    PML_AUTO(tokens) struct pml_tokens tokens = { 0 };
    assert_true(pml_tokenizer_encode(t, text, size, plain, &tokens, &err));
    assert_int_equal(tokens.count, size / 4);
    memset(text, '<', size);
    tokens.count = 0;
    assert_true(pml_tokenizer_encode(t, text, size, parse, &tokens, &err));
    assert_int_equal(tokens.count, size);
    memset(text, 'l', size);
    PML_AUTO(tokenizer) struct pml_tokenizer *s = spm(false);
    tokens.count = 0;
    assert_true(pml_tokenizer_encode(s, text, size, plain, &tokens, &err));
    assert_int_equal(tokens.count, size / 2);
    assert_false(pml_tokenizer_encode(s, text, (size_t)PML_TEXT_MAX + 1, plain, &tokens, &err));
    assert_string_equal(err.code, "too_large");
}

static void put_start(struct pml_buf *b, const char *model, uint64_t more)
{
    put_header(b, 3, 0, 2 + more);
    put_key_string(b, "general.architecture", "llama");
    put_key_string(b, "tokenizer.ggml.model", model);
}

static void two_tokens(struct pml_buf *b, const char *a, const char *c)
{
    put_key_strings(b, "tokenizer.ggml.tokens", (const char *const[]){ a, c }, 2);
}

static void no_model(struct pml_buf *b)
{
    put_header(b, 3, 0, 1);
    put_key_string(b, "general.architecture", "llama");
}

static void other_model(struct pml_buf *b)
{
    put_start(b, "bert", 0);
}

static void other_pre(struct pml_buf *b)
{
    put_start(b, "gpt2", 1);
    put_key_string(b, "tokenizer.ggml.pre", "unheard-of");
}

static void no_tokens(struct pml_buf *b)
{
    put_start(b, "llama", 0);
}

static void empty_tokens(struct pml_buf *b)
{
    put_start(b, "llama", 1);
    put_key_strings(b, "tokenizer.ggml.tokens", NULL, 0);
}

static void same_tokens(struct pml_buf *b)
{
    put_start(b, "llama", 1);
    two_tokens(b, "x", "x");
}

static void few_types(struct pml_buf *b)
{
    put_start(b, "llama", 2);
    two_tokens(b, "x", "y");
    put_key_array(b, "tokenizer.ggml.token_type", PML_GGUF_I32, 1);
    pml_put_u32le(b, 1);
}

static void strange_type(struct pml_buf *b)
{
    put_start(b, "llama", 2);
    two_tokens(b, "x", "y");
    put_key_array(b, "tokenizer.ggml.token_type", PML_GGUF_I32, 2);
    pml_put_u32le(b, 1);
    pml_put_u32le(b, 7);
}

static void nan_score(struct pml_buf *b)
{
    put_start(b, "llama", 2);
    two_tokens(b, "x", "y");
    put_key_array(b, "tokenizer.ggml.scores", PML_GGUF_F32, 2);
    pml_put_u32le(b, 0);
    pml_put_u32le(b, 0x7fc00000);
}

static void no_merges(struct pml_buf *b)
{
    put_start(b, "gpt2", 1);
    two_tokens(b, "x", "y");
}

static void half_merge(struct pml_buf *b)
{
    put_start(b, "gpt2", 2);
    two_tokens(b, "x", "y");
    put_key_strings(b, "tokenizer.ggml.merges", (const char *const[]){ "x y", "xy" }, 2);
}

static void endless_special(struct pml_buf *b)
{
    static char text[300];
    memset(text, 'x', sizeof text - 1);
    put_start(b, "llama", 2);
    two_tokens(b, "x", text);
    put_key_array(b, "tokenizer.ggml.token_type", PML_GGUF_I32, 2);
    pml_put_u32le(b, 1);
    pml_put_u32le(b, 3);
}

static const struct {
    void (*build)(struct pml_buf *b);
    const char *code, *text;
} faults[] = {
    { no_model, "gguf", "tokenizer: key tokenizer.ggml.model is missing" },
    { other_model, "model", "tokenizer: tokenizer bert is not supported" },
    { other_pre, "model", "tokenizer: pre-tokenizer unheard-of is not supported" },
    { no_tokens, "gguf", "tokenizer: key tokenizer.ggml.tokens is missing" },
    { empty_tokens, "gguf", "tokenizer: a vocabulary of 0 tokens" },
    { same_tokens, "gguf", "tokenizer: token 1 has the text of token 0" },
    { few_types, "gguf", "tokenizer: 2 tokens but 1 token types" },
    { strange_type, "gguf", "tokenizer: token 1 is of type 7" },
    { nan_score, "gguf", "tokenizer: the score of token 1 is no number" },
    { no_merges, "gguf", "tokenizer: key tokenizer.ggml.merges is missing" },
    { half_merge, "gguf", "tokenizer: merge 1 is no pair" },
    { endless_special, "gguf", "tokenizer: the text of special token 1 has more than 256 bytes" },
};

static void each_fault_has_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < PML_COUNT(faults); i++) {
        PML_AUTO(buf) struct pml_buf b = { 0 };
        struct pml_error err = { 0 };
        faults[i].build(&b);
        assert_null(tokenizer_of(&b, &err));
        assert_string_equal(err.text, faults[i].text);
        assert_string_equal(err.code, faults[i].code);
        assert_int_equal(err.kind, PML_NO);
    }
}

static void pieces_are_what_tokens_stand_for(void **state)
{
    (void)state;
    PML_AUTO(tokenizer) struct pml_tokenizer *t = bpe("gpt-2");
    assert_true(pml_gguf_text_is(pml_tokenizer_piece(t, 260), " w"));
    assert_true(pml_gguf_text_is(pml_tokenizer_text(t, 260), "\xc4\xa0w"));
    assert_true(pml_gguf_text_is(pml_tokenizer_piece(t, TINY_TOOL), "<tool>"));
    assert_true(pml_gguf_text_is(pml_tokenizer_piece(t, TINY_IM_START), ""));
    assert_true(pml_gguf_text_is(pml_tokenizer_piece(t, 255), "\xff"));
    assert_int_equal(pml_tokenizer_find(t, "<tool>"), TINY_TOOL);
    assert_int_equal(pml_tokenizer_find(t, "<tools>"), PML_NO_TOKEN);
    PML_AUTO(tokenizer) struct pml_tokenizer *s = spm(true);
    assert_true(pml_gguf_text_is(pml_tokenizer_piece(s, TINY_SPM_BLANK_HELLO), " hello"));
    assert_true(pml_gguf_text_is(pml_tokenizer_piece(s, TINY_SPM_BYTE('x')), "x"));
    assert_true(pml_gguf_text_is(pml_tokenizer_piece(s, 1), ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_apply_by_rank),
        cmocka_unit_test(highest_score_merges_first),
        cmocka_unit_test(blank_prefix_follows_special_tokens),
        cmocka_unit_test(plain_text_never_becomes_a_control_token),
        cmocka_unit_test(special_texts_are_cut_longest_first),
        cmocka_unit_test(overlaps_are_resolved),
        cmocka_unit_test(masks_decide_byte_by_byte),
        cmocka_unit_test(words_that_are_tokens_are_taken_whole),
        cmocka_unit_test(end_tokens_are_known),
        cmocka_unit_test(bos_is_added_where_asked_for),
        cmocka_unit_test(long_words_are_no_attack),
        cmocka_unit_test(each_fault_has_its_name),
        cmocka_unit_test(pieces_are_what_tokens_stand_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
