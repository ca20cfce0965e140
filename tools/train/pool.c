/* SPDX-License-Identifier: MIT */
/* Thread pool: workers sleep on a condition between jobs and draw task numbers from one counter. */
#include "pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

struct worker {
    struct pool *pool;
    pthread_t thread;
    float *scratch;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t wake, idle;
    unsigned long job_number; /* guarded by lock, as are running and quit */
    size_t running;
    bool quit;
    pool_task *task; /* the current job: written before it is announced */
    void *job;
    size_t count;
    atomic_size_t next;
    size_t threads; /* workers[0] is the caller and has no thread */
    struct worker workers[];
};

static void draw_tasks(struct worker *w)
{
    struct pool *pool = w->pool;
    for (size_t i; (i = atomic_fetch_add(&pool->next, 1)) < pool->count;)
        pool->task(pool->job, i, w->scratch);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct pool *pool = w->pool;
    unsigned long seen = 0;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->job_number == seen && !pool->quit)
            pthread_cond_wait(&pool->wake, &pool->lock);
        if (pool->quit)
            break;
        seen = pool->job_number;
        pthread_mutex_unlock(&pool->lock);
        draw_tasks(w);
        pthread_mutex_lock(&pool->lock);
        if (--pool->running == 0)
            pthread_cond_signal(&pool->idle);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

void pool_run(struct pool *pool, pool_task *task, void *job, size_t count)
{
    pthread_mutex_lock(&pool->lock);
    pool->task = task;
    pool->job = job;
    pool->count = count;
    atomic_store(&pool->next, 0);
    pool->running = pool->threads - 1;
    pool->job_number++;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);

    draw_tasks(&pool->workers[0]);

    pthread_mutex_lock(&pool->lock);
    while (pool->running > 0)
        pthread_cond_wait(&pool->idle, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->quit = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 1; i < pool->threads; i++)
        pthread_join(pool->workers[i].thread, NULL);
    for (size_t i = 0; i < pool->threads; i++)
        free(pool->workers[i].scratch);
    pthread_cond_destroy(&pool->wake);
    pthread_cond_destroy(&pool->idle);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

struct pool *pool_new(size_t threads, size_t scratch_count, struct pml_error *err)
{
    struct pool *pool = calloc(1, sizeof *pool + threads * sizeof pool->workers[0]);
    if (!pool)
        return pml_fail(err, PML_UNKNOWN, "memory", "out of memory");
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->idle, NULL);

    for (size_t i = 0; i < threads; i++) {
        struct worker *w = &pool->workers[i];
        w->pool = pool;
        if (posix_memalign((void **)&w->scratch, 64, scratch_count * sizeof(float)) != 0 ||
            (i > 0 && pthread_create(&w->thread, NULL, work, w) != 0)) {
            free(w->scratch);
            pool_free(pool);
            return pml_fail(err, PML_UNKNOWN, "memory", "cannot start thread %zu", i);
        }
        pool->threads = i + 1;
    }
    return pool;
}
