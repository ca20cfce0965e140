/* SPDX-License-Identifier: MIT */
/*
 * AdamW (Loshchilov, Hutter: Decoupled Weight Decay Regularization, 2019) with clipping of the gradient's norm and a
 * learning rate that rises linearly, stays a while, and falls linearly to zero.
 */
#ifndef TRAIN_ADAMW_H
#define TRAIN_ADAMW_H

#include <stddef.h>

#include "base/error.h"
#include "net.h"
#include "pool.h"

struct adamw {
    size_t count;
    float *mean, *square; /* running averages of gradient and squared gradient */
    float *decay;         /* 1 for weights that decay, 0 for norms */
    double *partial;      /* sums of squares of parts of the gradient */
    double beta1_power, beta2_power;
};

bool adamw_open(struct adamw *a, const struct net_shape *shape, struct pml_error *err) PML_CHECKED;
void adamw_close(struct adamw *a);

/* Moves PARAMS against GRADS. Returns the norm of the gradient before clipping. */
double adamw_step(struct adamw *a, struct pool *pool, float *params, const float *grads, float rate);

/* Learning rate of STEP (from 0) of STEPS. */
float adamw_rate(size_t step, size_t steps);

#endif
