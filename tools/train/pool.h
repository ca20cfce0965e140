/* SPDX-License-Identifier: MIT */
/*
 * A pool of threads that runs numbered tasks. Tasks own disjoint results, so which thread runs which does not matter.
 */
#ifndef TRAIN_POOL_H
#define TRAIN_POOL_H

#include <stddef.h>

#include "base/error.h"

struct pool;

/* One task of a job. SCRATCH is the running thread's own memory, of the size given to pool_new, 64-byte aligned. */
typedef void pool_task(void *job, size_t index, float *scratch);

/* Starts a pool of THREADS threads in all, the caller's included, each with SCRATCH_COUNT floats. The caller frees. */
struct pool *pool_new(size_t threads, size_t scratch_count, struct pml_error *err) PML_CHECKED;
void pool_free(struct pool *pool);

/* Runs task(job, 0..count-1) and returns when all have returned. Called from one thread at a time. */
void pool_run(struct pool *pool, pool_task *task, void *job, size_t count);

#endif
