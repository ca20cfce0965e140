/* SPDX-License-Identifier: MIT */
/*
 * Logits against another engine's (vectors/engine, spec engine §13.2). Weights as numbers (reference mode) must agree
 * closely with its runs over f32 weights, and the integer path must not be further from them than that engine's own.
 */
#include "test.h"

#include <math.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/memory.h"
#include "engine/evaluate.h"
#include "synthetic.h"

enum mode { REFERENCE, NORMAL };

/*
 * The noise in a vector is the other engine's, between its own two runs, over the positions before they part: there
 * ours must be within twice of it. Later positions are more draws of the same kind, of which one logit of the 60 in
 * tiny-q8_0 stands out (0.35 for a noise of 0.14; rounding block scales to binary16, as that engine does and the
 * profile does not, brings it back): 2.5 times.
 */
#define NOISE_RATIO       2.0
#define NOISE_RATIO_LATER 2.5

struct comparison {
    const json_t *positions; /* of the vector */
    const uint32_t *tokens;  /* prompt, then greedy */
    size_t prompt, count, vocabulary;
    float bar, bar_later; /* up to and from the position `parted` */
    size_t parted;
    bool greedy; /* the ids must be the largest logits */
    size_t compared;
    float worst;
};

static void compare_value(struct comparison *c, size_t position, const char *what, double got, double wanted)
{
    float difference = (float)fabs(got - wanted);
    c->worst = fmaxf(c->worst, difference);
    float bar = position < c->parted ? c->bar : c->bar_later;
    if (!(difference <= bar))
        fail_msg("position %zu: %s is %.7g, wanted %.7g within %g", position, what, got, wanted, (double)bar);
}

static void compare_position(struct comparison *c, const json_t *p, size_t position, const float *logits)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < c->vocabulary; i++) {
        sum += (double)logits[i];
        squares += (double)logits[i] * (double)logits[i];
    }
    compare_value(c, position, "mean", sum / (double)c->vocabulary, json_number_value(json_object_get(p, "mean")));
    compare_value(c, position, "rms", sqrt(squares / (double)c->vocabulary),
                  json_number_value(json_object_get(p, "rms")));
    size_t i;
    json_t *pair;
    json_array_foreach(json_object_get(p, "top"), i, pair) {
        size_t id = (size_t)json_integer_value(json_array_get(pair, 0));
        compare_value(c, position, "a logit", (double)logits[id], json_number_value(json_array_get(pair, 1)));
    }
    c->compared++;
}

static bool on_logits(void *arg, size_t position, const float *logits)
{
    struct comparison *c = arg;
    size_t i, best = 0;
    json_t *p;
    json_array_foreach(c->positions, i, p) {
        if ((size_t)json_integer_value(json_object_get(p, "pos")) == position)
            compare_position(c, p, position, logits);
    }
    for (i = 1; i < c->vocabulary; i++)
        best = logits[i] > logits[best] ? i : best;
    if (c->greedy && position + 1 >= c->prompt && position + 1 < c->count && best != c->tokens[position + 1])
        fail_msg("position %zu: chose %zu, wanted %u", position, best, c->tokens[position + 1]);
    return true;
}

/* Feeds the prompt of VECTOR and the ids of RUN (the vector itself or its f32_expanded), and compares with RUN by BARS.
 */
static float compare_run(const json_t *vector, const json_t *run, const struct pml_model *model, struct comparison bars)
{
    uint32_t tokens[512];
    const json_t *prompt = json_object_get(vector, "prompt"), *ids = json_object_get(run, "greedy");
    struct comparison c = bars;
    c.positions = json_object_get(run, "positions");
    c.tokens = tokens;
    c.prompt = json_array_size(prompt);
    c.vocabulary = pml_model_info(model)->vocabulary;
    c.count = c.prompt + json_array_size(ids);
    assert_true(c.count <= PML_COUNT(tokens));
    for (size_t i = 0; i < c.count; i++)
        tokens[i] =
            (uint32_t)json_integer_value(i < c.prompt ? json_array_get(prompt, i) : json_array_get(ids, i - c.prompt));
    struct pml_error err;
    const struct pml_evaluation e = {
        .tokens = tokens, .count = c.count, .threads = 2, .on_logits = on_logits, .arg = &c
    };
    if (!pml_evaluate(model, &e, &err))
        fail_msg("%s", err.text);
    assert_int_equal(c.compared, json_array_size(c.positions));
    return c.worst;
}

static struct pml_model *open_case(const json_t *vector, enum mode mode)
{
    const struct pml_model_options options = { .kv = PML_KV_F32, .reference = mode == REFERENCE };
    struct pml_model *model = synthetic_model(json_string_value(json_object_get(vector, "mkgguf")), &options);
    char digest[2 * PML_SHA256_SIZE + 1];
    assert_string_equal(pml_hex(digest, pml_model_info(model)->file_digest, PML_SHA256_SIZE),
                        json_string_value(json_object_get(vector, "gguf_sha256")));
    return model;
}

/* One case of the vectors: NAME, and the bar for f32 weights. */
static void run_case(const char *name, float bar)
{
    need_mkgguf();
    char path[128];
    size_t size;
    struct pml_error err;
    snprintf(path, sizeof path, "engine/%s.json", name);
    PML_AUTO(mem) char *text = vector_file(path, &size);
    PML_AUTO(json) json_t *vector = pml_json_load(text, size, &err);
    assert_non_null(vector);
    const json_t *expanded = json_object_get(vector, "f32_expanded");

    PML_AUTO(model) struct pml_model *model = open_case(vector, REFERENCE);
    float worst = compare_run(vector, expanded ? expanded : vector, model,
                              (struct comparison){ .bar_later = bar, .greedy = bar < 3e-2f });
    printf("%s: reference mode within %.2g of %.2g\n", name, (double)worst, (double)bar);
    if (!expanded)
        return;
    const json_t *measured = json_object_get(vector, "noise_activation_quant");
    double noise = json_number_value(json_array_get(measured, 0));
    struct comparison bars = {
        .bar = (float)fmin(fmax(NOISE_RATIO * noise, 0.15), 1.0),
        .bar_later = (float)fmin(fmax(NOISE_RATIO_LATER * noise, 0.15), 1.0),
        .parted = json_array_size(json_object_get(vector, "prompt")) +
                  (size_t)json_integer_value(json_array_get(measured, 1)),
    };
    PML_AUTO(model) struct pml_model *normal = open_case(vector, NORMAL);
    worst = compare_run(vector, expanded, normal, bars);
    printf("%s: normal mode within %.2g of %.2g\n", name, (double)worst, (double)bars.bar_later);
}

/* The other engine rounds activations to the type of the weights; we do not. Eight bits of bfloat16 are coarser than
 * the eleven of binary16 that the bar of 3e-2 is made for: with that rounding put in, our logits at position 0 are
 * equal to its. */
#define BF16_BAR 1e-1f

#define CASE(function, name, bar)      \
    static void function(void **state) \
    {                                  \
        (void)state;                   \
        run_case(name, bar);           \
    }
CASE(tiny_f32, "tiny-f32", 1e-3f)
CASE(tiny_f32_long, "tiny-f32-long", 2e-2f)
CASE(tiny_f16, "tiny-f16", 3e-2f)
CASE(tiny_bf16, "tiny-bf16", BF16_BAR)
CASE(tiny_q8_0, "tiny-q8_0", 1e-3f)
CASE(tiny_tied_q8_0, "tiny-tied-q8_0", 1e-3f)
CASE(tiny_ropefreq_f32, "tiny-ropefreq-f32", 2e-2f)
CASE(shape_16m_f32, "16m-f32", 1e-3f)
CASE(shape_16m_f16, "16m-f16", 3e-2f)
CASE(shape_16m_q8_0, "16m-q8_0", 1e-3f)
CASE(tiny_q4_0, "tiny-q4_0", 1e-3f)
CASE(tiny_q4_1, "tiny-q4_1", 1e-3f)
CASE(tiny_q5_0, "tiny-q5_0", 1e-3f)
CASE(tiny_q5_1, "tiny-q5_1", 1e-3f)
CASE(tiny_iq4_nl, "tiny-iq4_nl", 1e-3f)
CASE(tiny_q2_k, "tiny-q2_K", 1e-3f)
CASE(tiny_q3_k, "tiny-q3_K", 1e-3f)
CASE(tiny_q4_k, "tiny-q4_K", 1e-3f)
CASE(tiny_q4_k_long, "tiny-q4_K-long", 2e-2f)
CASE(tiny_q4_k_m, "tiny-q4_K_M", 1e-3f)
CASE(tiny_q5_k, "tiny-q5_K", 1e-3f)
CASE(tiny_q6_k, "tiny-q6_K", 1e-3f)
CASE(tiny_iq4_xs, "tiny-iq4_xs", 1e-3f)
CASE(shape_16m_q4_k, "16m-q4_K", 1e-3f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiny_f32),          cmocka_unit_test(tiny_f32_long), cmocka_unit_test(tiny_f16),
        cmocka_unit_test(tiny_bf16),         cmocka_unit_test(tiny_q8_0),     cmocka_unit_test(tiny_tied_q8_0),
        cmocka_unit_test(tiny_ropefreq_f32), cmocka_unit_test(shape_16m_f32), cmocka_unit_test(shape_16m_f16),
        cmocka_unit_test(shape_16m_q8_0),    cmocka_unit_test(tiny_q4_0),     cmocka_unit_test(tiny_q4_1),
        cmocka_unit_test(tiny_q5_0),         cmocka_unit_test(tiny_q5_1),     cmocka_unit_test(tiny_iq4_nl),
        cmocka_unit_test(tiny_q2_k),         cmocka_unit_test(tiny_q3_k),     cmocka_unit_test(tiny_q4_k),
        cmocka_unit_test(tiny_q4_k_long),    cmocka_unit_test(tiny_q4_k_m),   cmocka_unit_test(tiny_q5_k),
        cmocka_unit_test(tiny_q6_k),         cmocka_unit_test(tiny_iq4_xs),   cmocka_unit_test(shape_16m_q4_k),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
