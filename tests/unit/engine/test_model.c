/* SPDX-License-Identifier: MIT */
/* Loading the demo model, whole and damaged: what a file may not say, and that one bad weight fails a request cleanly.
 */
#include "test.h"

#include <semaphore.h>
#include <sys/mman.h>

#include "base/digest.h"
#include "base/memory.h"
#include "engine/gguf.h"
#include "engine/model.h"
#include "engine/scheduler.h"

static char *demo;
static size_t demo_size;

static int read_demo(void **state)
{
    (void)state;
    char path[4096];
    struct pml_error err;
    pml_path(path, getenv("PML_SOURCE") ? getenv("PML_SOURCE") : ".", "models/demo.gguf");
    demo = pml_read_file(path, 16 << 20, &demo_size, &err);
    if (!demo)
        fprintf(stderr, "%s\n", err.text);
    return demo ? 0 : -1;
}

static int free_demo(void **state)
{
    (void)state;
    free(demo);
    return 0;
}

/* Opens SIZE bytes as a file. */
static struct pml_model *open_bytes(const char *bytes, size_t size, const struct pml_model_options *options,
                                    struct pml_error *err)
{
    char path[32];
    PML_AUTO(fd) int fd = memfd_create("model", MFD_CLOEXEC);
    assert_true(fd >= 0 && pml_write_all(fd, bytes, size, err));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return pml_model_open(path, options, err);
}

static char *find(char *bytes, const char *text)
{
    char *at = memmem(bytes, demo_size, text, strlen(text));
    assert_non_null(at);
    return at;
}

static void damaged_models_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *at, *put; /* PUT in place of the first AT, or VALUE of 4 bytes behind the key AT and its type */
        uint32_t value;
        const char *message;
    } cases[] = {
        { "llama", "lama2", 0, "architecture lama2 is not supported" },
        { "blk.0.ffn_up.weight", "blk.0.ffn_xx.weight", 0, "tensor blk.0.ffn_up.weight is missing" },
        { "output_norm.weight", "output_nrom.weight", 0, "tensor output_norm.weight is missing" },
        { "llama.attention.head_count_kv", NULL, 0, "attention.head_count_kv: 0 is not between" },
        { "llama.block_count", NULL, 2000, "block_count: 2000 is not between 1 and 1024" },
        { "llama.block_count", NULL, 1000, ".attn_q.weight is missing" },
        { "llama.feed_forward_length", NULL, 64, "tensor blk.0.ffn_gate.weight: shape is not 256 x 64" },
        { "llama.feed_forward_length", NULL, 0x80000000u, "feed_forward_length: 2147483648 is not between" },
        { "llama.context_length", NULL, 0, "context_length: 0 is not between" },
        { "llama.attention.layer_norm_rms_epsilon", NULL, 0x7fc00000u, "layer_norm_rms_epsilon" },
        { "llama.rope.freq_base", NULL, 0, "rope.freq_base is out of range" },
        { "llama.rope.dimension_count", NULL, 5, "rope.dimension_count" },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        struct pml_error err = { 0 };
        PML_AUTO(mem) char *bytes = malloc(demo_size);
        memcpy(bytes, demo, demo_size);
        char *at = find(bytes, cases[i].at);
        if (cases[i].put)
            memcpy(at, cases[i].put, strlen(cases[i].put));
        else
            memcpy(at + strlen(cases[i].at) + 4, &cases[i].value, 4);
        assert_null(open_bytes(bytes, demo_size, &(struct pml_model_options){ 0 }, &err));
        if (!strstr(err.text, cases[i].message) || err.kind != PML_NO)
            fail_msg("\"%s\" is not in \"%s\"", cases[i].message, err.text);
    }
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    struct pml_error err;
    for (size_t size = 0; size < demo_size; size += size < 200 ? 7 : 40009) {
        assert_null(open_bytes(demo, size, &(struct pml_model_options){ 0 }, &err));
        assert_string_equal(err.code, "gguf");
    }
}

static void only_the_expected_file_is_accepted(void **state)
{
    (void)state;
    struct pml_error err;
    uint8_t digest[PML_SHA256_SIZE];
    pml_sha256(digest, demo, demo_size);
    PML_AUTO(model)
    struct pml_model *model =
        open_bytes(demo, demo_size, &(struct pml_model_options){ .expected_digest = digest }, &err);
    assert_non_null(model);
    assert_memory_equal(pml_model_info(model)->file_digest, digest, sizeof digest);
    assert_int_equal(pml_model_info(model)->file_size, demo_size);
    digest[31] ^= 1;
    assert_null(open_bytes(demo, demo_size, &(struct pml_model_options){ .expected_digest = digest }, &err));
    assert_string_equal(err.code, "digest_mismatch");
    assert_int_equal(err.kind, PML_NO);
}

static void options_that_cannot_be_had_are_refused(void **state)
{
    (void)state;
    struct pml_error err;
    assert_null(open_bytes(demo, demo_size, &(struct pml_model_options){ .context_length = 1 << 20 }, &err));
    assert_string_equal(err.code, "context_length");
    assert_int_equal(err.kind, PML_USAGE);
    for (enum pml_simd simd = PML_SIMD_SCALAR; simd < PML_SIMD_COUNT; simd++) {
        PML_AUTO(model)
        struct pml_model *model = open_bytes(demo, demo_size, &(struct pml_model_options){ .simd = simd }, &err);
        assert_int_equal(model != NULL, pml_simd_available(simd));
        if (model)
            assert_string_equal(pml_model_info(model)->simd, pml_simd_name(simd));
        else
            assert_string_equal(err.code, "simd");
    }
}

struct outcome {
    sem_t done;
    enum pml_finish finish;
    char code[32];
    uint8_t chain[PML_SHA256_SIZE];
};

static void on_done(void *arg, const struct pml_generation_result *result)
{
    struct outcome *o = arg;
    o->finish = result->finish;
    if (result->error)
        snprintf(o->code, sizeof o->code, "%s", result->error->code);
    memcpy(o->chain, result->logits_chain, sizeof o->chain);
    sem_post(&o->done);
}

static void generate(const struct pml_model *model, struct pml_scheduler_options how, struct outcome *o)
{
    struct pml_error err;
    static const uint32_t prompt[] = { 3, 300, 44, 101, 500, 7 };
    PML_AUTO(scheduler) struct pml_scheduler *s = pml_scheduler_new(model, &how, &err);
    assert_non_null(s);
    const struct pml_generation g = { .prompt = prompt,
                                      .prompt_count = PML_COUNT(prompt),
                                      .max_tokens = 40,
                                      .sampling = pml_sampling_default(),
                                      .seed = 11,
                                      .ignore_end = true,
                                      .logits_top = PML_LOGITS_TOP,
                                      .on_done = on_done,
                                      .arg = o };
    uint64_t id;
    sem_init(&o->done, 0, 0);
    assert_true(pml_scheduler_submit(s, &g, &id, &err));
    sem_wait(&o->done);
    sem_destroy(&o->done);
}

static void every_way_of_running_gives_the_same_logits(void **state)
{
    (void)state;
    struct pml_error err;
    struct outcome first = { 0 }, other;
    for (enum pml_simd simd = PML_SIMD_SCALAR; simd < PML_SIMD_COUNT; simd++) {
        if (!pml_simd_available(simd))
            continue;
        PML_AUTO(model)
        struct pml_model *model = open_bytes(demo, demo_size, &(struct pml_model_options){ .simd = simd }, &err);
        for (size_t threads = 1; threads <= 3; threads++) {
            struct outcome *o = simd == PML_SIMD_SCALAR && threads == 1 ? &first : &other;
            generate(model, (struct pml_scheduler_options){ .threads = threads, .chunk = threads }, o);
            assert_int_equal(o->finish, PML_FINISH_LENGTH);
            assert_memory_equal(o->chain, first.chain, sizeof first.chain);
        }
    }
}

static void a_weight_that_is_no_number_fails_the_request(void **state)
{
    (void)state;
    struct pml_error err;
    static const uint16_t nan = 0x7e00;
    PML_AUTO(mem) char *bytes = malloc(demo_size);
    memcpy(bytes, demo, demo_size);
    PML_AUTO(model) struct pml_model *whole = open_bytes(demo, demo_size, &(struct pml_model_options){ 0 }, &err);
    assert_non_null(whole);
    const struct pml_gguf_tensor *up = pml_gguf_tensor(pml_model_gguf(whole), "blk.0.ffn_up.weight");
    memcpy(bytes + up->offset, &nan, sizeof nan); /* the scale of its first block */
    PML_AUTO(model) struct pml_model *model = open_bytes(bytes, demo_size, &(struct pml_model_options){ 0 }, &err);
    assert_non_null(model);
    struct outcome o = { 0 };
    generate(model, (struct pml_scheduler_options){ .threads = 2 }, &o);
    assert_int_equal(o.finish, PML_FINISH_ERROR);
    assert_string_equal(o.code, "logits");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_models_are_refused_by_name),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(only_the_expected_file_is_accepted),
        cmocka_unit_test(options_that_cannot_be_had_are_refused),
        cmocka_unit_test(every_way_of_running_gives_the_same_logits),
        cmocka_unit_test(a_weight_that_is_no_number_fails_the_request),
    };
    return cmocka_run_group_tests(tests, read_demo, free_demo);
}
