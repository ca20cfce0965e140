/* SPDX-License-Identifier: MIT */
/* Queue and workers. */
#include "base/queue.h"

#include <pthread.h>
#include <stdlib.h>

struct item {
    struct item *next;
    void *value;
};

struct pml_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct item *first, **last;
    size_t count, limit;
    bool closed;
};

struct pml_queue *pml_queue_new(size_t limit, struct pml_error *err)
{
    struct pml_queue *q = calloc(1, sizeof *q);
    if (!q)
        return pml_fail_memory(err);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->changed, NULL);
    q->last = &q->first;
    q->limit = limit;
    return q;
}

void pml_queue_free(struct pml_queue *q)
{
    if (!q)
        return;
    while (pml_queue_try_get(q))
        ;
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

bool pml_queue_put(struct pml_queue *q, void *value)
{
    struct item *item = malloc(sizeof *item);
    if (!item)
        return false;
    *item = (struct item){ .value = value };
    pthread_mutex_lock(&q->lock);
    bool room = !q->closed && (!q->limit || q->count < q->limit);
    if (room) {
        *q->last = item;
        q->last = &item->next;
        q->count++;
        pthread_cond_signal(&q->changed);
    }
    pthread_mutex_unlock(&q->lock);
    if (!room)
        free(item);
    return room;
}

static void *get(struct pml_queue *q, bool wait)
{
    pthread_mutex_lock(&q->lock);
    while (wait && !q->first && !q->closed)
        pthread_cond_wait(&q->changed, &q->lock);
    struct item *item = q->first;
    if (item) {
        q->first = item->next;
        q->count--;
        if (!q->first)
            q->last = &q->first;
    }
    pthread_mutex_unlock(&q->lock);
    void *value = item ? item->value : NULL;
    free(item);
    return value;
}

void *pml_queue_get(struct pml_queue *q)
{
    return get(q, true);
}

void *pml_queue_try_get(struct pml_queue *q)
{
    return get(q, false);
}

void pml_queue_close(struct pml_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

struct pml_workers {
    struct pml_queue *jobs;
    void (*run)(void *job);
    size_t count;
    pthread_t threads[];
};

static void *work(void *arg)
{
    struct pml_workers *w = arg;
    for (void *job; (job = pml_queue_get(w->jobs));)
        w->run(job);
    return NULL;
}

struct pml_workers *pml_workers_new(size_t threads, size_t limit, void (*run)(void *job), struct pml_error *err)
{
    struct pml_workers *w = calloc(1, sizeof *w + threads * sizeof w->threads[0]);
    if (!w)
        return pml_fail_memory(err);
    w->run = run;
    w->jobs = pml_queue_new(limit, err);
    if (!w->jobs) {
        free(w);
        return NULL;
    }
    for (; w->count < threads; w->count++) {
        if (pthread_create(&w->threads[w->count], NULL, work, w) != 0) {
            pml_workers_free(w);
            return pml_fail(err, PML_UNKNOWN, "threads", "cannot start a worker thread");
        }
    }
    return w;
}

bool pml_workers_put(struct pml_workers *w, void *job)
{
    return pml_queue_put(w->jobs, job);
}

void pml_workers_free(struct pml_workers *w)
{
    if (!w)
        return;
    pml_queue_close(w->jobs);
    for (size_t i = 0; i < w->count; i++)
        pthread_join(w->threads[i], NULL);
    pml_queue_free(w->jobs);
    free(w);
}
