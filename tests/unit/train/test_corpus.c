/* SPDX-License-Identifier: MIT */
/* The corpus and the grammar: what is written, how probable it was, and what must not be in it. */
#include "test.h"

#include <ctype.h>
#include <math.h>

#include "batch.h"
#include "corpus.h"
#include "grammar.h"
#include "topics.h"
#include "train.h"

static void the_probability_of_every_choice_is_counted(void **state)
{
    static const struct {
        const char *template;
        double bits;
    } cases[] = {
        { "plain", 0 },   { "[a|b]", 1 },         { "[a|b|c|d] [e|f]", 3 },
        { "[|a|b|]", 2 }, { "[[a|b]|[c|d]]", 2 }, { "{word} {W=word} {W}", 4 },
    };
    static const struct grammar_rule rules[] = { { "word", "[k|l|m|n]" } };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct grammar g = { .rng = { 3 }, .rules = rules, .rules_count = 1 };
        struct pml_buf out = { 0 };
        grammar_expand(&g, &out, cases[i].template);
        assert_true(fabs(g.bits - cases[i].bits) < 1e-12);
        pml_buf_free(&out);
    }
}

static void blanks_of_empty_alternatives_vanish(void **state)
{
    struct grammar g = { .rng = { 3 } };
    struct pml_buf out = { 0 };
    (void)state;
    grammar_expand(&g, &out, " [|] one [|] two [|], three [|]. run ./four [|]");
    pml_put_u8(&out, 0);
    assert_string_equal((char *)out.bytes, "one two, three. run ./four");
    pml_buf_free(&out);
}

/* A stray bar or bracket would be asked as it stands. */
static void check_template(const char *text)
{
    int depth = 0;
    for (const char *at = text; *at; at++) {
        depth += (*at == '[') - (*at == ']');
        if (depth < 0 || (*at == '|' && depth == 0))
            fail_msg("stray %c: %s", *at, text);
    }
    if (depth != 0)
        fail_msg("open bracket: %s", text);
}

static void topics_are_well_formed(void **state)
{
    const struct topics *all[] = { &topics_self, &topics_trust, &topics_engine, &topics_use, &topics_other };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (const struct topic *t = all[i]->list; t < all[i]->list + all[i]->count; t++) {
            assert_true(t->ask[0] && t->answer[0]);
            if (t->noun)
                check_template(t->noun);
            for (size_t k = 0; k < sizeof t->ask / sizeof *t->ask && t->ask[k]; k++)
                check_template(t->ask[k]);
            for (size_t k = 0; k < sizeof t->answer / sizeof *t->answer && t->answer[k]; k++)
                check_template(t->answer[k]);
        }
}

static void a_document_follows_from_seed_and_number(void **state)
{
    struct corpus_doc a = { 0 }, b = { 0 };
    size_t different = 0;
    (void)state;
    corpus_document(&a, 1, 999);
    for (uint64_t i = 0; i < 500; i++) {
        corpus_document(&a, 1, i);
        corpus_document(&b, 2, i); /* the buffer had other contents */
        different += a.text.size != b.text.size || memcmp(a.text.bytes, b.text.bytes, a.text.size) != 0;
        corpus_document(&b, 1, i);
        assert_int_equal(a.text.size, b.text.size);
        assert_memory_equal(a.text.bytes, b.text.bytes, a.text.size);
        assert_int_equal(a.pieces, b.pieces);
    }
    assert_true(different > 490);
    corpus_doc_free(&a);
    corpus_doc_free(&b);
}

static void lower(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        text[i] = (char)tolower((unsigned char)text[i]);
}

/* Everything that the run of the committed model reads, without regard to letter case. */
static void no_demo_question_occurs_in_the_corpus(void **state)
{
    struct pml_error err;
    struct pml_buf text = { 0 };
    struct batcher batcher;
    char path[4096], *question[64];
    size_t size, questions = 0;
    (void)state;

    pml_path(path, getenv("PML_SOURCE"), "tests/e2e/demo-questions.txt");
    char *file = pml_read_file(path, 1 << 16, &size, &err);
    assert_non_null(file);
    lower(file, size);
    for (char *line = strtok(file, "\n"); line; line = strtok(NULL, "\n")) {
        assert_true(questions < 64);
        line[strcspn(line, "\t?")] = '\0';
        question[questions++] = line;
    }
    assert_int_equal(questions, 20);

    struct bpe *bpe = bpe_learn(TRAIN_SEED, TRAIN_BPE_DOCUMENTS, &err);
    assert_non_null(bpe);
    assert_true(batcher_open(&batcher, bpe, TRAIN_SEED, TRAIN_BATCH_TOKENS, train_shape.context, &err));
    for (size_t step = 0; step < TRAIN_STEPS; step++) {
        pml_buf_clear(&text);
        assert_non_null(batcher_next(&batcher, &text, &err));
        lower((char *)text.bytes, text.size);
        for (size_t i = 0; i < questions; i++)
            if (memmem(text.bytes, text.size, question[i], strlen(question[i])))
                fail_msg("in the training text: %s", question[i]);
    }
    batcher_close(&batcher);
    pml_buf_free(&text);
    free(bpe);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_probability_of_every_choice_is_counted),
        cmocka_unit_test(blanks_of_empty_alternatives_vanish),
        cmocka_unit_test(topics_are_well_formed),
        cmocka_unit_test(a_document_follows_from_seed_and_number),
        cmocka_unit_test(no_demo_question_occurs_in_the_corpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
