/* SPDX-License-Identifier: MIT */
/* Whole training runs: the checkpoint does not depend on threads or instruction set. */
#include "test.h"

#include "train.h"

static void run(struct train_result *result, size_t steps, size_t threads, const char *kernel)
{
    struct pml_error err;
    struct train_options options = {
        .steps = steps, .batch_tokens = 256, .seed = TRAIN_SEED, .threads = threads, .kernel = gemm_pick(kernel)
    };
    assert_non_null(options.kernel);
    if (!train_run(result, &options, &err))
        fail_msg("%s", err.text);
}

static void two_hundred_steps_with_one_and_two_threads_agree(void **state)
{
    struct train_result one, two;
    (void)state;
    run(&one, 200, 1, NULL);
    run(&two, 200, 2, NULL);
    assert_memory_equal(one.checkpoint, two.checkpoint, sizeof one.checkpoint);
    assert_int_equal(one.file.size, two.file.size);
    assert_memory_equal(one.file.bytes, two.file.bytes, one.file.size);
    assert_true(one.loss < 8.0); /* 10 bits a token before the first step */
    pml_buf_free(&one.file);
    pml_buf_free(&two.file);
}

static void the_plain_c_kernel_agrees(void **state)
{
    struct train_result fast, plain;
    (void)state;
    run(&fast, 3, 1, NULL);
    run(&plain, 3, 2, "scalar");
    assert_memory_equal(fast.checkpoint, plain.checkpoint, sizeof fast.checkpoint);
    pml_buf_free(&fast.file);
    pml_buf_free(&plain.file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hundred_steps_with_one_and_two_threads_agree),
        cmocka_unit_test(the_plain_c_kernel_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
