/* SPDX-License-Identifier: MIT */
/*
 * The determinism contract (spec engine §13.3): the same requests give the same tokens and the same logits for every
 * instruction set, number of threads, chunking and company. And the scheduler's manners: stop, cancel, queue, limits.
 */
#include "test.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/digest.h"
#include "base/encode.h"
#include "base/memory.h"
#include "engine/evaluate.h"
#include "engine/kv.h"
#include "engine/scheduler.h"
#include "synthetic.h"

#define ODD_SHAPE "-a llama -d 96,2,4,2,24,168 -V builtin:505 -s 5 -t "

enum { REQUESTS = 20, PROMPT_MAX = 300, OUTPUT_MAX = 24 };

static pthread_mutex_t done_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done_changed = PTHREAD_COND_INITIALIZER;

struct outcome {
    bool done;
    enum pml_finish finish;
    char code[32];
    size_t output_count, tokens_seen;
    uint32_t output[OUTPUT_MAX];
    uint8_t output_digest[PML_SHA256_SIZE], logits_chain[PML_SHA256_SIZE];
    size_t stop_after; /* tokens; 0: never */
};

static bool on_token(void *arg, const struct pml_token_event *event)
{
    struct outcome *o = arg;
    assert_int_equal(event->index, o->tokens_seen);
    o->tokens_seen++;
    return o->tokens_seen != o->stop_after;
}

static void on_done(void *arg, const struct pml_generation_result *result)
{
    struct outcome *o = arg;
    pthread_mutex_lock(&done_mutex);
    assert_false(o->done);
    o->finish = result->finish;
    if (result->error)
        snprintf(o->code, sizeof o->code, "%s", result->error->code);
    o->output_count = result->output_count;
    for (size_t i = 0; i < result->output_count && i < OUTPUT_MAX; i++)
        o->output[i] = result->output[i];
    memcpy(o->output_digest, result->output_digest, sizeof o->output_digest);
    memcpy(o->logits_chain, result->logits_chain, sizeof o->logits_chain);
    o->done = true;
    pthread_cond_broadcast(&done_changed);
    pthread_mutex_unlock(&done_mutex);
}

static void wait_for(struct outcome *o)
{
    pthread_mutex_lock(&done_mutex);
    while (!o->done)
        pthread_cond_wait(&done_changed, &done_mutex);
    pthread_mutex_unlock(&done_mutex);
}

static uint32_t prompts[REQUESTS][PROMPT_MAX];

/* Request K: prompts of 1 to 300 tokens, every kind of sampling. */
static struct pml_generation request(size_t k, struct outcome *outcome, uint32_t vocabulary)
{
    static const size_t sizes[] = { 1, 5, 16, 17, 33, 300, 64, 2, 100, 255 };
    size_t size = sizes[k % PML_COUNT(sizes)];
    for (size_t i = 0; i < size; i++)
        prompts[k][i] = (uint32_t)((k * 131 + i * 17 + i * i) % vocabulary);
    struct pml_generation g = { .prompt = prompts[k],
                                .prompt_count = size,
                                .max_tokens = 4 + k % (OUTPUT_MAX - 4),
                                .sampling = pml_sampling_default(),
                                .seed = 1000 + k,
                                .ignore_end = k % 2 == 0,
                                .logits_top = PML_LOGITS_TOP,
                                .on_token = on_token,
                                .on_done = on_done,
                                .arg = outcome };
    static const float temperatures[] = { 0.0f, 0.7f, 1.0f, 1.5f };
    g.sampling.temperature = temperatures[k % 4];
    g.sampling.top_p = k % 3 ? 1.0f : 0.9f;
    g.sampling.top_k = k % 5 ? 0 : 40;
    g.sampling.frequency_penalty = k % 7 ? 0.0f : 0.5f;
    return g;
}

static struct pml_scheduler *scheduler_of(const struct pml_model *model, struct pml_scheduler_options options)
{
    struct pml_error err;
    struct pml_scheduler *s = pml_scheduler_new(model, &options, &err);
    if (!s)
        fail_msg("%s", err.text);
    return s;
}

static void submit(struct pml_scheduler *s, const struct pml_generation *g, uint64_t *id)
{
    struct pml_error err;
    if (!pml_scheduler_submit(s, g, id, &err))
        fail_msg("%s", err.text);
}

/* Runs all requests; OUT must be zero. */
static void run_all(const struct pml_model *model, struct pml_scheduler_options options, struct outcome *out)
{
    PML_AUTO(scheduler) struct pml_scheduler *s = scheduler_of(model, options);
    uint64_t id;
    for (size_t k = 0; k < REQUESTS; k++) {
        struct pml_generation g = request(k, &out[k], pml_model_info(model)->vocabulary);
        submit(s, &g, &id);
    }
    for (size_t k = 0; k < REQUESTS; k++)
        wait_for(&out[k]);
}

static void digest_of(uint8_t digest[PML_SHA256_SIZE], const struct outcome *out)
{
    PML_AUTO(hash) struct pml_hash hash = { 0 };
    pml_hash_sha256(&hash);
    for (size_t k = 0; k < REQUESTS; k++) {
        assert_true(out[k].finish == PML_FINISH_END || out[k].finish == PML_FINISH_LENGTH);
        assert_int_equal(out[k].tokens_seen, out[k].output_count);
        pml_hash_add(&hash, out[k].output_digest, PML_SHA256_SIZE);
        pml_hash_add(&hash, out[k].logits_chain, PML_SHA256_SIZE);
    }
    pml_hash_final(&hash, digest);
}

/* Every logit of a request's outputs, prefilled at once, gives the chain that generation gave. */
struct replay {
    struct pml_logits_chain chain;
    const uint32_t *tokens;
    size_t vocabulary;
};

static bool replay_logits(void *arg, size_t position, const float *logits)
{
    struct replay *r = arg;
    struct pml_top_logit top[PML_LOGITS_TOP];
    pml_logits_chain_add(&r->chain, r->tokens[position + 1], top,
                         pml_top_logits(top, PML_LOGITS_TOP, logits, r->vocabulary));
    return true;
}

static void check_prefill(const struct pml_model *model, size_t k, const struct outcome *o)
{
    const struct pml_model_info *info = pml_model_info(model);
    struct pml_generation g = request(k, NULL, info->vocabulary);
    uint32_t tokens[PROMPT_MAX + OUTPUT_MAX];
    uint8_t prompt_digest[PML_SHA256_SIZE];
    memcpy(tokens, g.prompt, g.prompt_count * sizeof *tokens);
    memcpy(tokens + g.prompt_count, o->output, o->output_count * sizeof *tokens);
    struct replay r = { .tokens = tokens, .vocabulary = info->vocabulary };
    pml_tokens_digest(prompt_digest, g.prompt, g.prompt_count);
    pml_logits_chain_begin(&r.chain, info->file_digest, prompt_digest);
    struct pml_error err;
    const struct pml_evaluation e = { .tokens = tokens,
                                      .count = g.prompt_count + o->output_count - 1,
                                      .from = g.prompt_count - 1,
                                      .threads = 2,
                                      .on_logits = replay_logits,
                                      .arg = &r };
    assert_true(pml_evaluate(model, &e, &err));
    assert_memory_equal(r.chain.value, o->logits_chain, PML_SHA256_SIZE);
}

/* TYPE's golden digest is part of the profile: to change it is to need a new profile name. */
static void run_matrix(const char *type, const char *golden)
{
    static const struct pml_scheduler_options ways[] = {
        { .slots = 1, .queue = REQUESTS, .threads = 1 },
        { .slots = 8, .queue = REQUESTS, .threads = 2 },
        { .slots = 20, .queue = REQUESTS, .threads = 3, .chunk = 7 },
        { .slots = 3, .queue = REQUESTS, .threads = 2, .chunk = 1, .step = 5 },
        { .slots = 20, .queue = REQUESTS, .threads = 2, .chunk = 32, .step = 40 },
    };
    char args[128], hex[2 * PML_SHA256_SIZE + 1];
    snprintf(args, sizeof args, ODD_SHAPE "%s", type);
    for (enum pml_simd simd = PML_SIMD_SCALAR; simd < PML_SIMD_COUNT; simd++) {
        if (!pml_simd_available(simd))
            continue;
        PML_AUTO(model) struct pml_model *model = synthetic_model(args, &(struct pml_model_options){ .simd = simd });
        size_t count = simd == PML_SIMD_SCALAR ? 1 : PML_COUNT(ways); /* the definition is slow */
        for (size_t w = 0; w < count; w++) {
            struct outcome out[REQUESTS] = { 0 };
            uint8_t digest[PML_SHA256_SIZE];
            run_all(model, ways[w], out);
            digest_of(digest, out);
            pml_hex(hex, digest, sizeof digest);
            if (strcmp(hex, golden) != 0)
                fail_msg("%s, %s, way %zu: %s", type, pml_simd_name(simd), w, hex);
            for (size_t k = 0; k < REQUESTS && w == 0; k++)
                check_prefill(model, k, &out[k]);
        }
    }
}

static void q8_0_is_deterministic(void **state)
{
    (void)state;
    run_matrix("q8_0", "bfdd879c2cbc041b8908cf06acaa7969ccfb33efa96686ae07b3f91e2f4203bc");
}

static void f32_is_deterministic(void **state)
{
    (void)state;
    run_matrix("f32", "c6257bfcbb8cf1ff7e1ae43b3ff2b9290bedbee7fbb6705d998d41a3f3e733eb");
}

static void f16_is_deterministic(void **state)
{
    (void)state;
    run_matrix("f16", "2e8336cde9170c99f8f5235a8d04e91488b0bca163a9b3465813fc0d7338be7d");
}

static void bf16_is_deterministic(void **state)
{
    (void)state;
    run_matrix("bf16", "ad5b329e988c5b5fbbcf75d1c7dfb15bd1ea07d0ae856bfc53afe6e5923090f0");
}

static struct pml_model *small_model(uint32_t context)
{
    return synthetic_model(ODD_SHAPE "q8_0", &(struct pml_model_options){ .context_length = context });
}

static void a_sequence_stops_at_exactly_the_token_it_is_told_to(void **state)
{
    (void)state;
    PML_AUTO(model) struct pml_model *model = small_model(0);
    PML_AUTO(scheduler) struct pml_scheduler *s = scheduler_of(model, (struct pml_scheduler_options){ .threads = 2 });
    struct outcome o = { .stop_after = 3 };
    struct pml_generation g = request(18, &o, pml_model_info(model)->vocabulary);
    uint64_t id;
    submit(s, &g, &id);
    wait_for(&o);
    assert_int_equal(o.finish, PML_FINISH_STOPPED);
    assert_int_equal(o.output_count, 3);
    assert_string_equal(pml_finish_name(o.finish), "stop");
}

static void a_full_context_ends_with_length(void **state)
{
    (void)state;
    PML_AUTO(model) struct pml_model *model = small_model(24);
    PML_AUTO(scheduler) struct pml_scheduler *s = scheduler_of(model, (struct pml_scheduler_options){ .threads = 2 });
    struct outcome o = { 0 };
    struct pml_generation g = request(2, &o, pml_model_info(model)->vocabulary); /* 16 tokens */
    g.max_tokens = 100;
    uint64_t id;
    submit(s, &g, &id);
    wait_for(&o);
    assert_int_equal(o.finish, PML_FINISH_LENGTH);
    assert_int_equal(o.output_count, 8);
}

static void what_cannot_be_done_is_refused(void **state)
{
    (void)state;
    PML_AUTO(model) struct pml_model *model = small_model(24);
    PML_AUTO(scheduler) struct pml_scheduler *s = scheduler_of(model, (struct pml_scheduler_options){ .threads = 1 });
    struct outcome o = { 0 };
    struct pml_error err;
    uint64_t id;
    struct pml_generation good = request(2, &o, pml_model_info(model)->vocabulary), g[5];
    for (size_t i = 0; i < PML_COUNT(g); i++)
        g[i] = good;
    static const char *const codes[] = { "context_length", "prompt", "max_tokens", "sampling", "token" };
    g[0].prompt_count = 24;
    g[1].prompt_count = 0;
    g[2].max_tokens = 0;
    g[3].sampling.top_p = 2.0f;
    g[4].prompt = (uint32_t[]){ 505 };
    g[4].prompt_count = 1;
    for (size_t i = 0; i < PML_COUNT(g); i++) {
        assert_false(pml_scheduler_submit(s, &g[i], &id, &err));
        assert_string_equal(err.code, codes[i]);
        assert_int_equal(err.kind, PML_NO);
    }
    assert_null(pml_scheduler_new(model, &(struct pml_scheduler_options){ .slots = 100000 }, &err));
    assert_string_equal(err.code, "slots");
    assert_null(pml_scheduler_new(model, &(struct pml_scheduler_options){ .threads = 100000 }, &err));
    assert_string_equal(err.code, "threads");
}

/* Holds the engine thread inside on_token until released. */
struct gate {
    struct outcome outcome;
    atomic_bool inside, open;
};

static bool wait_at_gate(void *arg, const struct pml_token_event *event)
{
    struct gate *gate = arg;
    (void)event;
    atomic_store(&gate->inside, true);
    while (!atomic_load(&gate->open))
        usleep(100);
    return true;
}

static void gate_done(void *arg, const struct pml_generation_result *result)
{
    on_done(&((struct gate *)arg)->outcome, result);
}

static void a_full_queue_is_busy_and_cancelled_requests_end(void **state)
{
    (void)state;
    PML_AUTO(model) struct pml_model *model = small_model(0);
    PML_AUTO(scheduler)
    struct pml_scheduler *s =
        scheduler_of(model, (struct pml_scheduler_options){ .slots = 1, .queue = 2, .threads = 2 });
    struct gate gate = { 0 };
    struct outcome waiting[3] = { 0 };
    struct pml_error err;
    uint64_t running, id[3];
    struct pml_generation g = request(4, NULL, pml_model_info(model)->vocabulary);
    g.on_token = wait_at_gate;
    g.on_done = gate_done;
    g.arg = &gate;
    g.max_tokens = 1000;
    g.ignore_end = true;
    submit(s, &g, &running);
    while (!atomic_load(&gate.inside))
        usleep(100);
    for (size_t i = 0; i < 3; i++) {
        struct pml_generation more = request(i, &waiting[i], pml_model_info(model)->vocabulary);
        if (i < 2) {
            submit(s, &more, &id[i]);
            continue;
        }
        assert_false(pml_scheduler_submit(s, &more, &id[i], &err));
        assert_string_equal(err.code, "busy");
        assert_int_equal(err.kind, PML_UNKNOWN);
    }
    struct pml_scheduler_stats stats;
    pml_scheduler_stats(s, &stats);
    assert_true(stats.active == 1 && stats.waiting == 2);
    pml_scheduler_cancel(s, id[0]);
    pml_scheduler_cancel(s, running);
    pml_scheduler_cancel(s, 999999);
    atomic_store(&gate.open, true);
    wait_for(&gate.outcome);
    wait_for(&waiting[0]);
    wait_for(&waiting[1]);
    assert_int_equal(gate.outcome.finish, PML_FINISH_CANCELLED);
    assert_int_equal(gate.outcome.output_count, 1);
    assert_int_equal(waiting[0].finish, PML_FINISH_CANCELLED);
    assert_int_equal(waiting[0].output_count, 0);
    assert_true(waiting[1].finish == PML_FINISH_END || waiting[1].finish == PML_FINISH_LENGTH);
}

static void closing_cancels_what_is_left(void **state)
{
    (void)state;
    PML_AUTO(model) struct pml_model *model = small_model(0);
    struct pml_scheduler *s = scheduler_of(model, (struct pml_scheduler_options){ .slots = 2, .threads = 2 });
    struct outcome out[6] = { 0 };
    uint64_t id;
    for (size_t k = 0; k < 6; k++) {
        struct pml_generation g = request(k, &out[k], pml_model_info(model)->vocabulary);
        g.max_tokens = 1500;
        g.ignore_end = true;
        submit(s, &g, &id);
    }
    pml_scheduler_free(s);
    for (size_t k = 0; k < 6; k++)
        assert_true(out[k].done && out[k].finish == PML_FINISH_CANCELLED);
}

/* 16 sessions, some cancelled at random by another thread: the others get what they get alone. */
static void random_cancels_disturb_nobody(void **state)
{
    (void)state;
    PML_AUTO(model) struct pml_model *model = small_model(0);
    struct outcome alone[REQUESTS] = { 0 };
    run_all(model, (struct pml_scheduler_options){ .slots = 1, .queue = REQUESTS, .threads = 1 }, alone);
    PML_AUTO(scheduler)
    struct pml_scheduler *s =
        scheduler_of(model, (struct pml_scheduler_options){ .slots = 16, .queue = 64, .threads = 3, .chunk = 16 });
    for (unsigned round = 0; round < 5; round++) {
        struct outcome out[REQUESTS] = { 0 };
        uint64_t id[REQUESTS];
        for (size_t k = 0; k < REQUESTS; k++) {
            struct pml_generation g = request(k, &out[k], pml_model_info(model)->vocabulary);
            submit(s, &g, &id[k]);
        }
        for (size_t k = round % 3; k < REQUESTS; k += 3) {
            usleep(200 * ((k * 7 + round) % 5));
            pml_scheduler_cancel(s, id[k]);
        }
        for (size_t k = 0; k < REQUESTS; k++) {
            wait_for(&out[k]);
            if (out[k].finish != PML_FINISH_CANCELLED)
                assert_memory_equal(out[k].logits_chain, alone[k].logits_chain, PML_SHA256_SIZE);
            else
                assert_int_equal(k % 3, round % 3);
        }
    }
}

static void cache_blocks_are_zero_before_they_serve_another(void **state)
{
    (void)state;
    struct pml_error err;
    for (enum pml_kv_type type = PML_KV_F16; type <= PML_KV_F32; type++) {
        const struct pml_kv_shape shape = { .layers = 2, .heads = 2, .size = 24, .type = type };
        PML_AUTO(kv) struct pml_kv *kv = pml_kv_new(shape, &err);
        struct pml_kv_sequence sequence = { 0 };
        float ones[48], scratch[2 * PML_CHUNK * 32];
        for (size_t i = 0; i < 48; i++)
            ones[i] = 1.0f;
        assert_int_equal(pml_kv_scratch(kv), PML_COUNT(scratch));
        for (int round = 0; round < 2; round++) {
            assert_true(pml_kv_reserve(kv, &sequence, 600, &err));
            assert_int_equal(sequence.chunks, 3);
            for (size_t layer = 0; layer < 2; layer++) {
                struct pml_attend_chunk chunk;
                for (size_t c = 0; c < 3; c++) {
                    pml_kv_widen(kv, &sequence, layer, c, 1, 256, pml_kernels(PML_SIMD_SCALAR), scratch, &chunk);
                    for (size_t i = 0; i < PML_CHUNK * 32; i++)
                        assert_true(chunk.keys[i] == 0 && chunk.values[i] == 0);
                }
                for (size_t position = 0; position < 600; position++)
                    pml_kv_store(kv, &sequence, layer, position, ones, ones);
                pml_kv_widen(kv, &sequence, layer, 2, 1, 88, pml_kernels(PML_SIMD_SCALAR), scratch, &chunk);
                assert_true(chunk.keys[3] == 1 && chunk.values[87 * 32 + 23] == 1 && chunk.values[87 * 32 + 24] == 0);
            }
            pml_kv_release(kv, &sequence);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(q8_0_is_deterministic),
        cmocka_unit_test(f32_is_deterministic),
        cmocka_unit_test(f16_is_deterministic),
        cmocka_unit_test(bf16_is_deterministic),
        cmocka_unit_test(a_sequence_stops_at_exactly_the_token_it_is_told_to),
        cmocka_unit_test(a_full_context_ends_with_length),
        cmocka_unit_test(what_cannot_be_done_is_refused),
        cmocka_unit_test(a_full_queue_is_busy_and_cancelled_requests_end),
        cmocka_unit_test(closing_cancels_what_is_left),
        cmocka_unit_test(random_cancels_disturb_nobody),
        cmocka_unit_test(cache_blocks_are_zero_before_they_serve_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
