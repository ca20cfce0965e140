/* SPDX-License-Identifier: MIT */
/* Receipt digests against outside vectors, and the sampler against straightforward rules written a second time. */
#include "test.h"

#include <math.h>

#include "base/encode.h"
#include "base/json.h"
#include "engine/chain.h"
#include "engine/math.h"
#include "engine/sampler.h"

static json_t *digests(void)
{
    size_t size;
    struct pml_error err;
    char *text = vector_file("receipt-ext/digests.json", &size);
    json_t *root = pml_json_load(text, size, &err);
    free(text);
    assert_non_null(root);
    return root;
}

static size_t tokens_of(uint32_t *out, size_t room, const json_t *array)
{
    size_t count = json_array_size(array);
    assert_true(count <= room);
    for (size_t i = 0; i < count; i++)
        out[i] = (uint32_t)json_integer_value(json_array_get(array, i));
    return count;
}

static void assert_digest(const uint8_t digest[PML_SHA256_SIZE], const char *wanted)
{
    char text[PML_DIGEST_TEXT];
    assert_string_equal(pml_digest_text(text, digest), wanted);
}

static void token_digests_match_the_vectors(void **state)
{
    (void)state;
    PML_AUTO(json) json_t *root = digests();
    uint32_t tokens[64];
    uint8_t digest[PML_SHA256_SIZE];
    size_t count = tokens_of(tokens, 64, json_object_get(root, "prompt_token_ids"));
    pml_tokens_digest(digest, tokens, count);
    assert_digest(digest, json_string_value(json_object_get(root, "prompt_tokens_digest")));
    count = tokens_of(tokens, 64, json_object_get(root, "output_token_ids"));
    pml_tokens_digest(digest, tokens, count);
    assert_digest(digest, json_string_value(json_object_get(root, "output_tokens_digest")));
    pml_tokens_digest(digest, tokens, 0);
    assert_digest(digest, json_string_value(json_object_get(root, "empty_tokens_digest")));
}

static void logits_chain_matches_the_vectors(void **state)
{
    (void)state;
    PML_AUTO(json) json_t *root = digests();
    const json_t *chain = json_object_get(root, "logits_chain");
    uint8_t file[PML_SHA256_SIZE], prompt[PML_SHA256_SIZE];
    char text[2 * PML_SHA256_SIZE + 1];
    assert_true(pml_digest_parse(file, json_string_value(json_object_get(root, "file_digest"))));
    assert_true(pml_digest_parse(prompt, json_string_value(json_object_get(root, "prompt_tokens_digest"))));
    struct pml_logits_chain c;
    pml_logits_chain_begin(&c, file, prompt);
    assert_string_equal(pml_hex(text, c.value, sizeof c.value), json_string_value(json_object_get(chain, "init")));
    size_t i;
    json_t *step;
    json_array_foreach(json_object_get(chain, "steps"), i, step) {
        struct pml_top_logit top[PML_LOGITS_TOP_MAX];
        const json_t *tops = json_object_get(step, "top");
        size_t count = json_array_size(tops);
        for (size_t k = 0; k < count; k++) {
            const json_t *pair = json_array_get(tops, k);
            top[k].token = (uint32_t)json_integer_value(json_array_get(pair, 0));
            top[k].logit = strtof(json_string_value(json_array_get(pair, 1)), NULL);
        }
        pml_logits_chain_add(&c, (uint32_t)json_integer_value(json_object_get(step, "token")), top, count);
    }
    assert_string_equal(pml_hex(text, c.value, sizeof c.value), json_string_value(json_object_get(chain, "final")));
}

static void sampling_text_matches_the_vectors(void **state)
{
    (void)state;
    PML_AUTO(json) json_t *root = digests();
    const char *wanted = json_string_value(json_object_get(root, "sampling"));
    struct pml_error err;
    struct pml_sampling sampling = pml_sampling_default();
    sampling.temperature = 0.7f;
    sampling.top_k = 40;
    sampling.top_p = 0.95f;
    sampling.min_p = 0.05f;
    PML_AUTO(mem) char *text = pml_sampling_text(&sampling, &err);
    assert_string_equal(text, wanted);
    struct pml_sampling again;
    assert_true(pml_sampling_parse(&again, wanted, &err));
    assert_true(again.temperature == 0.7f && again.top_k == 40 && again.top_p == 0.95f && again.min_p == 0.05f &&
                again.repeat_last_n == 64);
    pml_sampling_free(&again);
}

static void sampling_texts_are_read_back_or_refused(void **state)
{
    (void)state;
    static const struct pml_logit_bias biases[] = { { 3, -1.5f }, { 17, 100.0f } };
    struct pml_error err;
    struct pml_sampling sampling = pml_sampling_default(), again;
    sampling.temperature = 0.0f;
    sampling.top_k = 5;
    sampling.repeat_last_n = -1;
    sampling.logit_bias = biases;
    sampling.logit_bias_count = 2;
    PML_AUTO(mem) char *text = pml_sampling_text(&sampling, &err);
    assert_non_null(strstr(text, ";logit_bias=3:bfc00000,17:42c80000;samplers=logit_bias,penalties,greedy"));
    assert_true(pml_sampling_parse(&again, text, &err));
    assert_int_equal(again.logit_bias_count, 2);
    assert_true(again.logit_bias[1].token == 17 && again.logit_bias[1].bias == 100.0f && again.repeat_last_n == -1);
    pml_sampling_free(&again);

    for (size_t cut = 0; cut < strlen(text); cut++) {
        PML_AUTO(mem) char *shorter = strndup(text, cut);
        assert_false(pml_sampling_parse(&again, shorter, &err));
        assert_string_equal(err.code, "sampling");
    }
    for (size_t i = 0; i < strlen(text); i++) {
        PML_AUTO(mem) char *other = strdup(text);
        other[i] = other[i] == 'z' ? 'y' : 'z';
        assert_false(pml_sampling_parse(&again, other, &err));
    }
}

static void values_out_of_range_are_refused(void **state)
{
    (void)state;
    static const struct pml_logit_bias twice[] = { { 3, 1.0f }, { 3, 1.0f } }, beyond[] = { { 100, 1.0f } };
    struct pml_sampling s[12];
    for (size_t i = 0; i < PML_COUNT(s); i++)
        s[i] = pml_sampling_default();
    s[0].temperature = -1.0f;
    s[1].temperature = NAN;
    s[2].top_p = 0.0f;
    s[3].top_p = 1.5f;
    s[4].min_p = -0.1f;
    s[5].typical_p = 0.0f;
    s[6].repeat_penalty = 0.0f;
    s[7].repeat_last_n = -2;
    s[8].presence_penalty = INFINITY;
    s[9].frequency_penalty = NAN;
    s[10].logit_bias = twice;
    s[10].logit_bias_count = 2;
    s[11].logit_bias = beyond;
    s[11].logit_bias_count = 1;
    for (size_t i = 0; i < PML_COUNT(s); i++) {
        struct pml_error err;
        assert_false(pml_sampling_check(&s[i], 100, &err));
        assert_string_equal(err.code, "sampling");
    }
}

static void top_logits_rank_by_value_then_id(void **state)
{
    (void)state;
    static const float logits[] = { 1.0f, 3.0f, 2.0f, 3.0f, -1.0f, 2.0f };
    struct pml_top_logit top[8];
    assert_int_equal(pml_top_logits(top, 4, logits, 6), 4);
    static const uint32_t wanted[] = { 1, 3, 2, 5 };
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(top[i].token, wanted[i]);
    assert_int_equal(pml_top_logits(top, 8, logits, 6), 6);
    assert_int_equal(top[5].token, 4);
}

/* The rules once more, by sorting everything. */
enum { V = 301 };
static const float *sorted_by;

static int rank(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return sorted_by[x] != sorted_by[y] ? (sorted_by[x] > sorted_by[y] ? -1 : 1) : (x > y) - (x < y);
}

/* p[token] of the tokens with in[token]; returns the total of exp(logit - max). */
static float plain_softmax(float p[V], const float logits[V], const bool in[V])
{
    float max = -INFINITY, lanes[16] = { 0 };
    for (int i = 0; i < V; i++)
        max = in[i] && logits[i] > max ? logits[i] : max;
    for (int i = 0; i < V; i++) {
        p[i] = in[i] ? pml_expf(logits[i] - max) : 0.0f;
        lanes[i % 16] += p[i];
    }
    for (int half = 8; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    return lanes[0];
}

static uint32_t plain_choice(const struct pml_sampling *s, const float given[V], float u)
{
    float logits[V], p[V];
    uint32_t order[V];
    bool in[V];
    for (int i = 0; i < V; i++) {
        logits[i] = given[i];
        order[i] = (uint32_t)i;
        in[i] = true;
    }
    sorted_by = logits;
    qsort(order, V, sizeof *order, rank);
    for (size_t i = s->top_k > 0 ? s->top_k : V; i < V; i++)
        in[order[i]] = false;
    if (s->top_p < 1.0f) {
        float total = plain_softmax(p, logits, in), sum = 0.0f;
        for (int i = 0; i < V; i++) {
            if (in[order[i]] && sum >= s->top_p)
                in[order[i]] = false;
            else if (in[order[i]])
                sum += p[order[i]] / total;
        }
    }
    if (s->min_p > 0.0f)
        for (int i = 0; i < V; i++)
            in[i] = in[i] && logits[i] >= logits[order[0]] + pml_logf(s->min_p);
    for (int i = 0; i < V; i++)
        logits[i] /= s->temperature;
    bool sorted = s->top_k > 0 || s->top_p < 1.0f || s->min_p > 0.0f;
    float total = plain_softmax(p, logits, in), sum = 0.0f;
    uint32_t last = 0;
    for (uint32_t i = 0; i < V; i++) {
        uint32_t token = sorted ? order[i] : i;
        if (!in[token])
            continue;
        sum += p[token];
        last = token;
        if (sum > u * total)
            break;
    }
    return last;
}

static void choices_follow_the_rules(void **state)
{
    (void)state;
    static const struct {
        float temperature, top_p, min_p;
        uint32_t top_k;
    } cases[] = {
        { 1.0f, 1.0f, 0.0f, 0 },    { 0.7f, 1.0f, 0.0f, 0 },     { 1.3f, 1.0f, 0.0f, 1 },     { 1.0f, 1.0f, 0.0f, 40 },
        { 2.0f, 0.9f, 0.0f, 0 },    { 0.5f, 0.1f, 0.0f, 0 },     { 1.0f, 1.0f, 0.05f, 0 },    { 1.0f, 1.0f, 1.0f, 0 },
        { 0.8f, 0.95f, 0.05f, 40 }, { 3.0f, 0.99f, 0.01f, 500 }, { 1.0f, 1e-10f, 0.0f, 300 },
    };
    struct pml_error err;
    size_t varied = 0;
    for (size_t k = 0; k < PML_COUNT(cases); k++) {
        struct pml_sampling s = pml_sampling_default();
        s.temperature = cases[k].temperature;
        s.top_p = cases[k].top_p;
        s.min_p = cases[k].min_p;
        s.top_k = cases[k].top_k;
        PML_AUTO(sampler) struct pml_sampler *sampler = pml_sampler_new(&s, 7, V, (uint32_t[]){ 1, 2 }, 2, &err);
        assert_non_null(sampler);
        uint32_t before = 0;
        for (uint32_t position = 2; position < 200; position++) {
            float logits[V];
            for (int i = 0; i < V; i++) /* coarse, so that there are ties */
                logits[i] = (float)((position * 7919 + (uint32_t)i * 104729) % 61) / 8.0f;
            uint32_t token, wanted = plain_choice(&s, logits, pml_sampler_random(7, position));
            assert_true(pml_sampler_choose(sampler, &token, logits, &err));
            assert_int_equal(token, wanted);
            assert_true(pml_sampler_accept(sampler, token, &err));
            varied += token != before;
            before = token;
        }
    }
    assert_true(varied > 1000);
}

static void typical_p_prefers_the_expected_surprise(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_sampling s = pml_sampling_default();
    s.typical_p = 0.2f;
    /* One likely token and eight equal ones: entropy lies between, and the likely token is nearer to it. */
    float logits[9] = { 3.0f };
    PML_AUTO(sampler) struct pml_sampler *sampler = pml_sampler_new(&s, 1, 9, NULL, 0, &err);
    for (int i = 0; i < 50; i++) {
        uint32_t token;
        assert_true(pml_sampler_choose(sampler, &token, logits, &err));
        assert_int_equal(token, 0);
        assert_true(pml_sampler_accept(sampler, token, &err));
    }
}

static void penalties_and_biases_change_the_greedy_choice(void **state)
{
    (void)state;
    static const struct pml_logit_bias bias[] = { { 2, 0.75f } };
    static const float logits[] = { 1.0f, 1.5f, 0.5f, -0.1f };
    static const uint32_t prompt[] = { 1 };
    struct pml_error err;
    struct pml_sampling s[4];
    for (size_t i = 0; i < PML_COUNT(s); i++) {
        s[i] = pml_sampling_default();
        s[i].temperature = 0.0f;
    }
    s[1].repeat_penalty = 2.0f; /* halves the prompt's token 1 */
    s[2].logit_bias = bias;
    s[2].logit_bias_count = 1;
    s[2].repeat_penalty = 3.0f;
    s[3].frequency_penalty = 0.25f; /* counts generated tokens only */
    s[3].presence_penalty = 0.125f;
    static const uint32_t wanted[4][4] = { { 1, 1, 1, 1 }, { 0, 1, 1, 1 }, { 2, 0, 1, 1 }, { 1, 1, 0, 1 } };
    for (size_t i = 0; i < PML_COUNT(s); i++) {
        PML_AUTO(sampler) struct pml_sampler *sampler = pml_sampler_new(&s[i], 0, 4, prompt, 1, &err);
        for (size_t step = 0; step < 4; step++) {
            uint32_t token;
            assert_true(pml_sampler_choose(sampler, &token, logits, &err));
            assert_int_equal(token, wanted[i][step]);
            assert_true(pml_sampler_accept(sampler, token, &err));
        }
    }
}

static void logits_that_are_no_numbers_are_an_error(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_sampling s = pml_sampling_default();
    PML_AUTO(sampler) struct pml_sampler *sampler = pml_sampler_new(&s, 0, 3, NULL, 0, &err);
    uint32_t token;
    assert_false(pml_sampler_choose(sampler, &token, (float[]){ 0, NAN, 0 }, &err));
    assert_string_equal(err.code, "logits");
    assert_false(pml_sampler_choose(sampler, &token, (float[]){ 0, 1, INFINITY }, &err));
}

static void random_numbers_are_counted_not_stateful(void **state)
{
    (void)state;
    float mean = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        float u = pml_sampler_random(42, i);
        assert_true(u >= 0 && u < 1 && u * 0x1p24f == rintf(u * 0x1p24f) && u == pml_sampler_random(42, i));
        mean += u / 1000;
    }
    assert_true(mean > 0.45f && mean < 0.55f);
    assert_true(pml_sampler_random(1, 0) != pml_sampler_random(0, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_digests_match_the_vectors),
        cmocka_unit_test(logits_chain_matches_the_vectors),
        cmocka_unit_test(sampling_text_matches_the_vectors),
        cmocka_unit_test(sampling_texts_are_read_back_or_refused),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(top_logits_rank_by_value_then_id),
        cmocka_unit_test(choices_follow_the_rules),
        cmocka_unit_test(typical_p_prefers_the_expected_surprise),
        cmocka_unit_test(penalties_and_biases_change_the_greedy_choice),
        cmocka_unit_test(logits_that_are_no_numbers_are_an_error),
        cmocka_unit_test(random_numbers_are_counted_not_stateful),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
