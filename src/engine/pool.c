/* SPDX-License-Identifier: MIT */
/*
 * A run is published by its ticket: run number in the upper half, tasks left to take in the lower. A thread takes a
 * task by counting down the ticket it read, which fails if anything has changed meanwhile; so what it read of the run
 * was current, and a late thread can neither disturb a later run nor hold up its own.
 */
#include "engine/pool.h"

#include <fenv.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

#define SPIN_NS 50000

struct pml_pool {
    _Alignas(64) _Atomic uint64_t ticket;
    _Atomic(pml_pool_task *) task; /* of the run in the ticket */
    _Atomic(void *) arg;
    _Alignas(64) _Atomic uint32_t unfinished; /* tasks of this run; what the caller sleeps on */
    _Alignas(64) _Atomic uint32_t signal;     /* changes with every run; what threads sleep on */
    _Atomic uint32_t sleepers, caller_sleeps;
    _Atomic bool stop;
    size_t threads;
    struct worker {
        struct pml_pool *pool;
        size_t index;
        pthread_t thread;
    } workers[PML_THREADS_MAX];
    size_t started; /* of workers 1 to threads - 1 */
};

static void relax(void)
{
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
}

static void sleep_while(_Atomic uint32_t *word, uint32_t value)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Spins until *WORD is (or, with OTHER, is no longer) VALUE. False: not within the time worth spinning. */
static bool spin(const _Atomic uint32_t *word, uint32_t value, bool other)
{
    int64_t end = now_ns() + SPIN_NS;
    do {
        for (int i = 0; i < 64; i++) {
            if ((atomic_load_explicit(word, memory_order_acquire) != value) == other)
                return true;
            relax();
        }
    } while (now_ns() < end);
    return false;
}

/* Does tasks of the current run until none is left to take. */
static void work(struct pml_pool *pool, size_t worker)
{
    uint64_t ticket = atomic_load(&pool->ticket);
    for (;;) {
        pml_pool_task *task = atomic_load_explicit(&pool->task, memory_order_relaxed);
        void *arg = atomic_load_explicit(&pool->arg, memory_order_relaxed);
        uint32_t left = (uint32_t)ticket;
        if (left == 0)
            return;
        if (!atomic_compare_exchange_weak(&pool->ticket, &ticket, ticket - 1))
            continue;
        task(arg, left - 1, worker);
        if (atomic_fetch_sub(&pool->unfinished, 1) == 1 && atomic_load(&pool->caller_sleeps))
            wake(&pool->unfinished);
        ticket = atomic_load(&pool->ticket);
    }
}

static void *worker_main(void *arg)
{
    struct worker *self = arg;
    struct pml_pool *pool = self->pool;
    fesetenv(FE_DFL_ENV); /* round to nearest, subnormals kept (spec engine §5.1) */
    uint32_t seen = 0;
    while (!atomic_load(&pool->stop)) {
        if (!spin(&pool->signal, seen, true)) {
            atomic_fetch_add(&pool->sleepers, 1);
            if (atomic_load(&pool->signal) == seen)
                sleep_while(&pool->signal, seen);
            atomic_fetch_sub(&pool->sleepers, 1);
        }
        seen = atomic_load(&pool->signal);
        work(pool, self->index);
    }
    return NULL;
}

static size_t cpus(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > PML_THREADS_MAX ? PML_THREADS_MAX : (size_t)count;
}

struct pml_pool *pml_pool_new(size_t threads, struct pml_error *err)
{
    if (threads > PML_THREADS_MAX)
        return pml_fail(err, PML_USAGE, "threads", "at most %d threads", PML_THREADS_MAX);
    PML_AUTO(pool) struct pml_pool *pool = aligned_alloc(64, (sizeof *pool + 63) / 64 * 64);
    if (!pool)
        return pml_fail_memory(err);
    memset(pool, 0, sizeof *pool);
    pool->threads = threads > 0 ? threads : cpus();
    for (size_t i = 1; i < pool->threads; i++) {
        pool->workers[i] = (struct worker){ .pool = pool, .index = i };
        if (pthread_create(&pool->workers[i].thread, NULL, worker_main, &pool->workers[i]) != 0)
            return pml_fail(err, PML_UNKNOWN, "memory", "cannot start %zu threads", pool->threads);
        pool->started++;
    }
    return pml_take(&pool);
}

void pml_pool_free(struct pml_pool *pool)
{
    if (!pool)
        return;
    atomic_store(&pool->stop, true);
    atomic_fetch_add(&pool->signal, 1);
    wake(&pool->signal);
    for (size_t i = 1; i <= pool->started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    free(pool);
}

void pml_pool_auto(struct pml_pool **pool)
{
    pml_pool_free(*pool);
}

size_t pml_pool_threads(const struct pml_pool *pool)
{
    return pool->threads;
}

/* The caller's part of waiting: all tasks are taken, some may still be in hand. */
static void wait_until_done(struct pml_pool *pool)
{
    if (spin(&pool->unfinished, 0, false))
        return;
    atomic_store(&pool->caller_sleeps, 1);
    for (uint32_t left; (left = atomic_load(&pool->unfinished)) != 0;)
        sleep_while(&pool->unfinished, left);
    atomic_store(&pool->caller_sleeps, 0);
}

void pml_pool_run(struct pml_pool *pool, pml_pool_task *task, void *arg, size_t count)
{
    if (pool->threads == 1 || count == 1) {
        for (size_t i = 0; i < count; i++)
            task(arg, i, 0);
        return;
    }
    if (count == 0)
        return;
    atomic_store_explicit(&pool->task, task, memory_order_relaxed);
    atomic_store_explicit(&pool->arg, arg, memory_order_relaxed);
    atomic_store(&pool->unfinished, (uint32_t)count);
    uint64_t run = (atomic_load(&pool->ticket) >> 32) + 1;
    atomic_store(&pool->ticket, run << 32 | count);
    atomic_fetch_add(&pool->signal, 1);
    if (atomic_load(&pool->sleepers) > 0)
        wake(&pool->signal);
    work(pool, 0);
    wait_until_done(pool);
}
