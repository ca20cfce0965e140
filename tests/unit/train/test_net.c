/* SPDX-License-Identifier: MIT */
/* The network: its gradient is the slope of its loss, and its numbers do not depend on threads or neighbours. */
#include "test.h"

#include <math.h>

#include "engine/math.h"
#include "net.h"
#include "numeric.h"
#include "grammar.h"

static const struct net_shape shape = { .vocab = 40,
                                        .dim = 32,
                                        .layers = 2,
                                        .ffn = 48,
                                        .heads = 4,
                                        .kv_heads = 2,
                                        .head_dim = 8,
                                        .context = 32,
                                        .rope_base = 10000.0f,
                                        .rms_eps = 1e-5f };

enum { TOKENS = 30 };
static int32_t tokens[TOKENS], targets[TOKENS];
static size_t start[] = { 0, 7, 8, TOKENS };
static const struct net_batch batch = {
    .tokens_count = TOKENS, .docs_count = 3, .tokens = tokens, .targets = targets, .start = start
};

struct fixture {
    struct pool *pool;
    struct net *net;
    float *params, *grads;
    size_t count;
};

static struct fixture open_fixture(size_t threads)
{
    struct pml_error err;
    struct rng rng = { 5 };
    struct fixture f = { .count = net_layout(&shape).count };
    f.pool = pool_new(threads, net_scratch_count(&shape), &err);
    assert_non_null(f.pool);
    f.net = net_new(&shape, 64, f.pool, gemm_pick(NULL), &err);
    f.params = malloc(f.count * sizeof(float));
    f.grads = malloc(f.count * sizeof(float));
    assert_true(f.net && f.params && f.grads);
    for (size_t i = 0; i < f.count; i++)
        f.params[i] = (float)(int32_t)rng_next(&rng) * 0x1p-32f;
    for (size_t i = 0; i < TOKENS; i++) {
        tokens[i] = (int32_t)rng_below(&rng, 40);
        targets[i] = i % 3 ? (int32_t)rng_below(&rng, 40) : -1;
    }
    return f;
}

static void close_fixture(struct fixture *f)
{
    net_free(f->net);
    pool_free(f->pool);
    free(f->params);
    free(f->grads);
}

static double mean_loss(struct fixture *f)
{
    size_t m;
    double loss = net_forward(f->net, f->params, &batch, &m);
    assert_int_equal(m, 20);
    return loss / (double)m;
}

static void the_gradient_is_the_slope_of_the_loss(void **state)
{
    const float step = 5e-3f;
    struct fixture f = open_fixture(1);
    (void)state;

    mean_loss(&f);
    net_backward(f.net, f.params, &batch, f.grads);
    for (size_t i = 0; i < f.count; i += 37) { /* coprime to every width: all tensors and columns come up */
        float kept = f.params[i];
        f.params[i] = kept + step;
        double above = mean_loss(&f);
        f.params[i] = kept - step;
        double below = mean_loss(&f);
        f.params[i] = kept;
        double slope = (above - below) / (2.0 * (double)step);
        if (fabs(slope - (double)f.grads[i]) > 1e-4 + 4e-3 * fabs(slope))
            fail_msg("parameter %zu: slope %g, gradient %g", i, slope, (double)f.grads[i]);
    }
    close_fixture(&f);
}

static void threads_do_not_show_in_the_gradient(void **state)
{
    struct fixture one = open_fixture(1), three = open_fixture(3);
    (void)state;
    mean_loss(&one);
    mean_loss(&three);
    net_backward(one.net, one.params, &batch, one.grads);
    net_backward(three.net, three.params, &batch, three.grads);
    assert_memory_equal(one.grads, three.grads, one.count * sizeof(float));
    close_fixture(&one);
    close_fixture(&three);
}

static void a_document_does_not_see_its_neighbours(void **state)
{
    struct fixture f = open_fixture(1);
    size_t alone_start[] = { 0, TOKENS - 8 }, m;
    int32_t kept[TOKENS];
    struct net_batch alone = { TOKENS - 8, 1, tokens + 8, targets + 8, alone_start };
    (void)state;

    double lonely = net_forward(f.net, f.params, &alone, &m);
    memcpy(kept, targets, sizeof kept);
    for (size_t i = 0; i < 8; i++)
        targets[i] = -1;
    double together = net_forward(f.net, f.params, &batch, &m);
    assert_memory_equal(&lonely, &together, sizeof lonely);
    close_fixture(&f);
}

static void exp_is_that_of_the_engine(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        float y = (float)(i - 100000) * 8e-4f;
        float wanted = pml_expf(y), got = numeric_exp(y);
        assert_memory_equal(&got, &wanted, sizeof got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_is_the_slope_of_the_loss),
        cmocka_unit_test(threads_do_not_show_in_the_gradient),
        cmocka_unit_test(a_document_does_not_see_its_neighbours),
        cmocka_unit_test(exp_is_that_of_the_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
