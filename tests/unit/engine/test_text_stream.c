/* SPDX-License-Identifier: MIT */
/* Streaming of text: whole characters, replacement of what is none, and stop strings across token boundaries. */
#include "test.h"

#include "engine/text_stream.h"
#include "tiny_vocabulary.h"

static struct pml_tokenizer *t; /* in it id and byte are the same below 256 */

static int make_tokenizer(void **state)
{
    struct pml_error err;
    PML_AUTO(buf) struct pml_buf b = { 0 };
    (void)state;
    build_tiny_bpe(&b, "gpt-2");
    t = tokenizer_of(&b, &err);
    return !t;
}

static int free_tokenizer(void **state)
{
    (void)state;
    pml_tokenizer_free(t);
    return 0;
}

static struct pml_text_stream *stream(const char *const *stops, size_t count)
{
    struct pml_error err;
    struct pml_text_stream *s = pml_text_stream_new(t, stops, count, &err);
    if (!s)
        fail_msg("%s", err.text);
    return s;
}

/* Puts bytes as byte tokens. OUT afterwards holds exactly WANTED, then it is cleared. */
static bool put_bytes(struct pml_text_stream *s, const char *bytes, size_t size, const char *wanted)
{
    PML_AUTO(buf) struct pml_buf out = { 0 };
    bool on = true;
    for (size_t i = 0; i < size; i++)
        on = pml_text_stream_put(s, (uint8_t)bytes[i], &out);
    pml_put_u8(&out, 0);
    assert_string_equal((char *)out.bytes, wanted);
    return on;
}

static bool end(struct pml_text_stream *s, const char *wanted)
{
    PML_AUTO(buf) struct pml_buf out = { 0 };
    bool on = pml_text_stream_end(s, &out);
    pml_put_u8(&out, 0);
    assert_string_equal((char *)out.bytes, wanted);
    return on;
}

static void characters_come_whole(void **state)
{
    (void)state;
    PML_AUTO(text_stream) struct pml_text_stream *s = stream(NULL, 0);
    assert_true(put_bytes(s, "a\xf0\x9f\x98", 4, "a"));
    assert_true(put_bytes(s, "\x80", 1, "\xf0\x9f\x98\x80"));
    assert_true(put_bytes(s, "\xe2\x82", 2, ""));
    assert_true(end(s, "\xef\xbf\xbd"));
}

/* Unicode §3.9: one replacement for each maximal subpart of a character. */
static void what_is_no_character_is_replaced(void **state)
{
    (void)state;
    PML_AUTO(text_stream) struct pml_text_stream *s = stream(NULL, 0);
    assert_true(put_bytes(s, "\x80x", 2, "\xef\xbf\xbdx"));
    assert_true(put_bytes(s, "\xe2\x82z", 3, "\xef\xbf\xbdz"));
    assert_true(put_bytes(s, "\xc0\x80", 2, "\xef\xbf\xbd\xef\xbf\xbd"));
    assert_true(put_bytes(s, "\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"));
    assert_true(put_bytes(s, "\xf0\x9f\xc3\xa9", 4, "\xef\xbf\xbd\xc3\xa9"));
    assert_true(put_bytes(s, "\xf4\x90\x80\x80", 4, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"));
    assert_true(end(s, ""));
}

static void a_possible_stop_is_held_back(void **state)
{
    (void)state;
    PML_AUTO(text_stream) struct pml_text_stream *s = stream((const char *const[]){ "\n\nUser:" }, 1);
    assert_true(put_bytes(s, "one\n", 4, "one"));
    assert_true(put_bytes(s, "\n", 1, ""));
    assert_true(put_bytes(s, "\n", 1, "\n"));
    assert_true(put_bytes(s, "Use", 3, ""));
    assert_true(put_bytes(s, "d", 1, "\n\nUsed"));
    assert_false(put_bytes(s, "\n\nUser: more", 12, ""));
    assert_false(put_bytes(s, "more", 4, ""));
    assert_false(end(s, ""));
}

static void what_was_held_comes_at_the_end(void **state)
{
    (void)state;
    PML_AUTO(text_stream) struct pml_text_stream *s = stream((const char *const[]){ "stop" }, 1);
    assert_true(put_bytes(s, "it is sto\xe2", 10, "it is "));
    assert_true(end(s, "sto\xef\xbf\xbd"));
    PML_AUTO(text_stream) struct pml_text_stream *replaced = stream((const char *const[]){ "a\xef\xbf\xbd" }, 1);
    assert_true(put_bytes(replaced, "ba\xe2", 3, "b"));
    assert_false(end(replaced, ""));
}

static void the_stop_completed_first_counts(void **state)
{
    (void)state;
    PML_AUTO(text_stream) struct pml_text_stream *s = stream((const char *const[]){ "abcd", "bc", "c" }, 3);
    assert_false(put_bytes(s, "xabcd", 5, "xa")); /* "bc" and "c" end together: the longer */
    PML_AUTO(text_stream) struct pml_text_stream *overlap = stream((const char *const[]){ "aab" }, 1);
    assert_false(put_bytes(overlap, "aaab", 4, "a"));
}

static void a_stop_inside_a_token_cuts_it(void **state)
{
    (void)state;
    PML_AUTO(buf) struct pml_buf out = { 0 };
    PML_AUTO(text_stream) struct pml_text_stream *s = stream((const char *const[]){ "l" }, 1);
    assert_false(pml_text_stream_put(s, TINY_HELLO, &out));
    assert_int_equal(out.size, 2);
    assert_memory_equal(out.bytes, "he", 2);
}

static void control_and_end_tokens_have_no_text(void **state)
{
    (void)state;
    PML_AUTO(buf) struct pml_buf out = { 0 };
    PML_AUTO(text_stream) struct pml_text_stream *s = stream(NULL, 0);
    assert_true(pml_text_stream_put(s, TINY_IM_START, &out));
    assert_true(pml_text_stream_put(s, TINY_ENDOFTEXT, &out));
    assert_true(pml_text_stream_put(s, 11, &out)); /* EOS of the file, though a normal token */
    assert_int_equal(out.size, 0);
    assert_true(pml_text_stream_put(s, TINY_TOOL, &out));
    assert_int_equal(out.size, 6);
}

static void stops_are_checked(void **state)
{
    (void)state;
    struct pml_error err;
    static char text[PML_STOP_SIZE_MAX + 2];
    const char *many[PML_STOPS_MAX + 1];
    memset(text, 'x', PML_STOP_SIZE_MAX + 1);
    for (size_t i = 0; i < PML_COUNT(many); i++)
        many[i] = "x";
    assert_null(pml_text_stream_new(t, many, PML_COUNT(many), &err));
    assert_string_equal(err.code, "stop");
    assert_null(pml_text_stream_new(t, (const char *const[]){ "" }, 1, &err));
    assert_null(pml_text_stream_new(t, (const char *const[]){ "\x80" }, 1, &err));
    assert_null(pml_text_stream_new(t, (const char *const[]){ text }, 1, &err));
    text[PML_STOP_SIZE_MAX] = 0;
    PML_AUTO(text_stream) struct pml_text_stream *s = pml_text_stream_new(t, (const char *const[]){ text }, 1, &err);
    assert_non_null(s);
    assert_false(put_bytes(s, text, PML_STOP_SIZE_MAX, ""));
}

/* The end of the text before the stop string that is completed first, by looking at every place. */
static size_t stop_by_hand(const char *text, size_t size, const char *const *stops, size_t count, bool *stopped)
{
    for (size_t at = 1; at <= size; at++) {
        size_t longest = 0;
        for (size_t i = 0; i < count; i++) {
            size_t stop = strlen(stops[i]);
            if (stop <= at && stop > longest && !memcmp(text + at - stop, stops[i], stop))
                longest = stop;
        }
        *stopped = longest != 0;
        if (longest)
            return at - longest;
    }
    return size;
}

/* All texts over {a, b} up to 12 letters against a search by hand, with the held text counted exactly. */
static void search_equals_search_by_hand(void **state)
{
    static const char *const sets[][3] = { { "aab", "abab", "bbb" },
                                           { "aaaa", "ba", "abba" },
                                           { "abaab", "bab", "bb" } };
    (void)state;
    for (size_t set = 0; set < PML_COUNT(sets); set++) {
        for (unsigned code = 0; code < 1u << 12; code++) {
            char text[13] = { 0 };
            bool stopped = false;
            for (int i = 0; i < 12; i++)
                text[i] = code >> i & 1 ? 'b' : 'a';
            size_t wanted = stop_by_hand(text, 12, sets[set], 3, &stopped);
            PML_AUTO(buf) struct pml_buf out = { 0 };
            PML_AUTO(text_stream) struct pml_text_stream *s = stream(sets[set], 3);
            bool on = true;
            for (int i = 0; i < 12; i++)
                on = pml_text_stream_put(s, (uint8_t)text[i], &out);
            assert_int_equal(on, !stopped);
            assert_int_equal(pml_text_stream_end(s, &out), !stopped);
            assert_int_equal(out.size, wanted);
            if (wanted)
                assert_memory_equal(out.bytes, text, wanted);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_come_whole),
        cmocka_unit_test(what_is_no_character_is_replaced),
        cmocka_unit_test(a_possible_stop_is_held_back),
        cmocka_unit_test(what_was_held_comes_at_the_end),
        cmocka_unit_test(the_stop_completed_first_counts),
        cmocka_unit_test(a_stop_inside_a_token_cuts_it),
        cmocka_unit_test(control_and_end_tokens_have_no_text),
        cmocka_unit_test(stops_are_checked),
        cmocka_unit_test(search_equals_search_by_hand),
    };
    return cmocka_run_group_tests(tests, make_tokenizer, free_tokenizer);
}
