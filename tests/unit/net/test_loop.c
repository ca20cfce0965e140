/* SPDX-License-Identifier: MIT */
/* The loop: posts from other threads, timers, signals; and listen addresses. */
#include "test.h"

#include <pthread.h>
#include <signal.h>

#include "base/memory.h"
#include "net/address.h"
#include "net/loop.h"

#define THREADS 4
#define POSTS   5000

struct count {
    struct pml_loop *loop;
    size_t posts, timers, freed;
    int signal_number;
};

static void count_post(void *arg)
{
    struct count *count = arg;
    if (++count->posts == THREADS * POSTS)
        pml_loop_stop(count->loop);
}

static void *post_many(void *arg)
{
    struct count *count = arg;
    for (int i = 0; i < POSTS; i++)
        assert_true(pml_loop_post(count->loop, count_post, count));
    return NULL;
}

static void posts_of_all_threads_arrive(void **state)
{
    (void)state;
    struct pml_error err;
    pthread_t threads[THREADS];
    struct count count = { pml_loop_new(&err) };
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, post_many, &count);
    assert_true(pml_loop_run(count.loop, &err));
    assert_int_equal(count.posts, THREADS * POSTS);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pml_loop_free(count.loop);
}

static void count_freed(void *arg)
{
    struct count *count = arg;
    count->freed++;
}

static void what_was_posted_too_late_is_still_released(void **state)
{
    (void)state;
    struct pml_error err;
    struct count count = { pml_loop_new(&err) };
    pml_loop_stop(count.loop);
    assert_true(pml_loop_run(count.loop, &err));
    assert_true(pml_loop_post(count.loop, count_freed, &count));
    pml_loop_free(count.loop);
    assert_int_equal(count.freed, 1);
}

static void on_timer(void *arg)
{
    struct count *count = arg;
    count->timers++;
    raise(SIGTERM);
}

static void on_signal(void *arg, int signal_number)
{
    struct count *count = arg;
    count->signal_number = signal_number;
    pml_loop_stop(count->loop);
}

static void timers_and_signals_are_events(void **state)
{
    (void)state;
    struct pml_error err;
    struct count count = { pml_loop_new(&err) };
    struct pml_timer *stopped = pml_timer_new(count.loop, count_freed, &count, &err);
    struct pml_timer *timer = pml_timer_new(count.loop, on_timer, &count, &err);
    assert_true(pml_loop_on_signal(count.loop, SIGTERM, on_signal, &count, &err));
    pml_timer_start(stopped, 0);
    pml_timer_stop(stopped);
    pml_timer_start(timer, 1);
    assert_true(pml_loop_run(count.loop, &err));
    assert_int_equal(count.timers, 1);
    assert_int_equal(count.freed, 0);
    assert_int_equal(count.signal_number, SIGTERM);
    pml_timer_free(timer);
    pml_timer_free(stopped);
    pml_loop_free(count.loop);
}

static const struct {
    const char *text, *again; /* NULL: refused */
    bool loopback;
} addresses[] = {
    { "127.0.0.1:8443", "127.0.0.1:8443", true },
    { "127.9.9.9:1", "127.9.9.9:1", true },
    { "0.0.0.0:0", "0.0.0.0:0", false },
    { "localhost:80", "127.0.0.1:80", true },
    { "[::1]:65535", "[::1]:65535", true },
    { "[::]:1", "[::]:1", false },
    { "[2001:DB8::1]:1", "[2001:db8::1]:1", false },
    { "unix:/run/x", "unix:/run/x", true },
    { "127.0.0.1", NULL, false },
    { "127.0.0.1:65536", NULL, false },
    { "127.0.0.1:", NULL, false },
    { "127.0.0.1:-1", NULL, false },
    { "127.0.0.1:1x", NULL, false },
    { "127.1:80", NULL, false },
    { "::1:80", NULL, false },
    { "[]:80", NULL, false },
    { "[::1:80", NULL, false },
    { "example.org:80", NULL, false },
    { ":80", NULL, false },
    { "unix:", NULL, false },
    { "", NULL, false },
};

static void addresses_are_literal(void **state)
{
    (void)state;
    for (size_t i = 0; i < PML_COUNT(addresses); i++) {
        struct pml_error err = { 0 };
        struct pml_address address;
        char text[PML_ADDRESS_TEXT];
        bool good = pml_address_parse(&address, addresses[i].text, &err);
        if (good != (addresses[i].again != NULL))
            fail_msg("%s: %s", addresses[i].text, good ? "taken" : err.text);
        if (!good) {
            assert_int_equal(err.kind, PML_USAGE);
            continue;
        }
        assert_string_equal(pml_address_text(text, &address), addresses[i].again);
        assert_int_equal(pml_address_is_loopback(&address), addresses[i].loopback);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_of_all_threads_arrive),
        cmocka_unit_test(what_was_posted_too_late_is_still_released),
        cmocka_unit_test(timers_and_signals_are_events),
        cmocka_unit_test(addresses_are_literal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
