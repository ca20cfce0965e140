/* SPDX-License-Identifier: MIT */
/*
 * The two ways threads meet here: a queue of pointers, and a pool of workers that take jobs from one. Nothing else in
 * the tree holds a mutex, but for the engine's own pool, the one lock of a TDX platform, and the caches of dcap.
 */
#ifndef PML_BASE_QUEUE_H
#define PML_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct pml_queue; /* first in, first out; any thread may put and get */

PML_CHECKED
struct pml_queue *pml_queue_new(size_t limit, struct pml_error *err); /* LIMIT items at most, 0: no limit */
void pml_queue_free(struct pml_queue *q); /* items still inside are the caller's to drain first */
bool pml_queue_put(struct pml_queue *q,
                   void *item);               /* false: full, closed or out of memory; ITEM is still the caller's */
void *pml_queue_get(struct pml_queue *q);     /* waits; NULL once closed and empty */
void *pml_queue_try_get(struct pml_queue *q); /* NULL: empty */
void pml_queue_close(struct pml_queue *q);    /* no more puts; waiters wake */

/* Worker threads. RUN is called on a worker with the job; a job owns its inputs and reports back by itself. */
struct pml_workers;
PML_CHECKED
struct pml_workers *pml_workers_new(size_t threads, size_t limit, void (*run)(void *job), struct pml_error *err);
bool pml_workers_put(struct pml_workers *w, void *job); /* false: full; JOB is still the caller's */
void pml_workers_free(struct pml_workers *w);           /* finishes the queued jobs, then joins */

#endif
