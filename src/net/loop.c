/* SPDX-License-Identifier: MIT */
/* The event loop, over libevent. Other threads reach it through a queue and an eventfd, so libevent itself needs no
 * locks. */
#include "net/loop.h"

#include <event2/event.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/queue.h"

struct posted {
    void (*fn)(void *arg);
    void *arg;
};

struct signal_watch {
    struct signal_watch *next;
    struct event *event;
    void (*fn)(void *arg, int signal_number);
    void *arg;
};

struct pml_loop {
    struct event_base *base;
    struct event *wake;
    int wake_fd;
    atomic_bool stop;
    struct pml_queue *posts;
    struct signal_watch *signals;
};

struct pml_timer {
    struct event *event;
    void (*fn)(void *arg);
    void *arg;
};

static void wake_up(struct pml_loop *loop)
{
    ssize_t ignored = write(loop->wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t)); /* fails only when it is awake anyway */
    (void)ignored;
}

/* Runs at most LIMIT posted functions; true if none is left. */
static bool run_posts(struct pml_loop *loop, size_t limit)
{
    for (size_t i = 0; i < limit; i++) {
        struct posted *post = pml_queue_try_get(loop->posts);
        if (!post)
            return true;
        post->fn(post->arg);
        free(post);
    }
    return false;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct pml_loop *loop = arg;
    (void)what;
    uint64_t count;
    ssize_t ignored = read(fd, &count, sizeof count);
    (void)ignored;
    if (!run_posts(loop, 256)) /* connections get their turn between */
        wake_up(loop);
    if (atomic_load(&loop->stop))
        event_base_loopbreak(loop->base);
}

struct pml_loop *pml_loop_new(struct pml_error *err)
{
    signal(SIGPIPE, SIG_IGN);
    struct pml_loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return pml_fail_memory(err);
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->wake_fd < 0) {
        free(loop);
        return pml_fail_io(err, "eventfd");
    }
    loop->base = event_base_new();
    loop->posts = pml_queue_new(0, err);
    if (loop->base)
        loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
    if (!loop->wake || !loop->posts || event_add(loop->wake, NULL) != 0) {
        pml_loop_free(loop);
        return pml_fail_memory(err);
    }
    return loop;
}

void pml_loop_free(struct pml_loop *loop)
{
    if (!loop)
        return;
    while (loop->posts && !run_posts(loop, SIZE_MAX))
        ;
    for (struct signal_watch *watch = loop->signals; watch;) {
        struct signal_watch *next = watch->next;
        event_free(watch->event);
        free(watch);
        watch = next;
    }
    if (loop->wake)
        event_free(loop->wake);
    if (loop->base)
        event_base_free(loop->base);
    pml_queue_free(loop->posts);
    close(loop->wake_fd);
    free(loop);
}

bool pml_loop_run(struct pml_loop *loop, struct pml_error *err)
{
    while (!atomic_load(&loop->stop)) {
        if (event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0)
            return pml_fail_io(err, "event loop");
    }
    return true;
}

void pml_loop_stop(struct pml_loop *loop)
{
    atomic_store(&loop->stop, true);
    wake_up(loop);
}

bool pml_loop_post(struct pml_loop *loop, void (*fn)(void *arg), void *arg)
{
    struct posted *post = malloc(sizeof *post);
    if (!post)
        return false;
    *post = (struct posted){ fn, arg };
    if (!pml_queue_put(loop->posts, post)) {
        free(post);
        return false;
    }
    wake_up(loop);
    return true;
}

static void on_signal(evutil_socket_t signal_number, short what, void *arg)
{
    struct signal_watch *watch = arg;
    (void)what;
    watch->fn(watch->arg, (int)signal_number);
}

bool pml_loop_on_signal(struct pml_loop *loop, int signal_number, void (*fn)(void *arg, int signal_number), void *arg,
                        struct pml_error *err)
{
    PML_AUTO(mem) struct signal_watch *watch = malloc(sizeof *watch);
    if (!watch)
        return pml_fail_memory(err);
    *watch = (struct signal_watch){ .next = loop->signals, .fn = fn, .arg = arg };
    watch->event = evsignal_new(loop->base, signal_number, on_signal, watch);
    if (!watch->event)
        return pml_fail_memory(err);
    if (event_add(watch->event, NULL) != 0) {
        event_free(watch->event);
        return pml_fail_io(err, "watch signal %d", signal_number);
    }
    loop->signals = pml_take(&watch);
    return true;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct pml_timer *timer = arg;
    (void)fd, (void)what;
    timer->fn(timer->arg);
}

struct pml_timer *pml_timer_new(struct pml_loop *loop, void (*fn)(void *arg), void *arg, struct pml_error *err)
{
    PML_AUTO(mem) struct pml_timer *timer = malloc(sizeof *timer);
    if (!timer)
        return pml_fail_memory(err);
    *timer = (struct pml_timer){ evtimer_new(loop->base, on_timer, timer), fn, arg };
    if (!timer->event)
        return pml_fail_memory(err);
    return pml_take(&timer);
}

void pml_timer_start(struct pml_timer *timer, unsigned timeout_ms)
{
    struct timeval wait = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
    evtimer_add(timer->event, &wait);
}

void pml_timer_stop(struct pml_timer *timer)
{
    evtimer_del(timer->event);
}

void pml_timer_free(struct pml_timer *timer)
{
    if (!timer)
        return;
    event_free(timer->event);
    free(timer);
}

struct event_base *pml_loop_base(struct pml_loop *loop)
{
    return loop->base;
}
