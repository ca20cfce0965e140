/* SPDX-License-Identifier: MIT */
/*
 * The engine's threads. A run hands out task numbers until there are none left and returns when all are done; who does
 * which task never matters to a result. Threads spin for a moment between runs, because the next one usually follows
 * within microseconds, and then sleep; a run never waits for a thread that has no task in hand.
 */
#ifndef PML_ENGINE_POOL_H
#define PML_ENGINE_POOL_H

#include <stddef.h>

#include "base/error.h"

#define PML_THREADS_MAX 256

struct pml_pool;

/* THREADS in all, the caller of pml_pool_run included; 0: one a CPU this process may use. PML_USAGE: "threads"; memory.
 */
PML_CHECKED
struct pml_pool *pml_pool_new(size_t threads, struct pml_error *err);
void pml_pool_free(struct pml_pool *pool); /* no run may be under way */
void pml_pool_auto(struct pml_pool **pool);
size_t pml_pool_threads(const struct pml_pool *pool);

/* WORKER is below the number of threads and unique among tasks that run at the same time. */
typedef void pml_pool_task(void *arg, size_t index, size_t worker);

/* Runs TASK for every index below COUNT (less than 2^32). One run at a time. */
void pml_pool_run(struct pml_pool *pool, pml_pool_task *task, void *arg, size_t count);

#endif
