/* SPDX-License-Identifier: MIT */
/*
 * How the parameters move: the gradient is clipped to norm 1, the weight matrices go by Muon, embedding and norms by
 * AdamW, and the learning rate rises linearly, stays a while and falls linearly to zero.
 */
#ifndef TRAIN_OPTIMIZER_H
#define TRAIN_OPTIMIZER_H

#include "adamw.h"
#include "base/error.h"
#include "muon.h"
#include "net.h"

struct optimizer {
    struct net_shape shape;
    struct net_layout layout;
    struct pool *pool;
    struct adamw adamw;
    struct muon muon;
    double *partial; /* sums of squares of parts of the gradient */
};

/* Borrows POOL, whose scratch is at least muon_scratch_count. memory. */
bool optimizer_open(struct optimizer *o, const struct net_shape *shape, struct pool *pool,
                    const struct gemm_kernel *kernel, struct pml_error *err) PML_CHECKED;
void optimizer_close(struct optimizer *o);

/* Step STEP (from 0) of STEPS. Returns the norm of the gradient before clipping. */
double optimizer_step(struct optimizer *o, float *params, const float *grads, size_t step, size_t steps);

#endif
