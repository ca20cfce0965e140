/* SPDX-License-Identifier: MIT */
/* AdamW (Loshchilov, Hutter: Decoupled Weight Decay Regularization, 2019) for one stretch of parameters. */
#ifndef TRAIN_ADAMW_H
#define TRAIN_ADAMW_H

#include <stddef.h>

#include "pool.h"

struct adamw {
    float *mean, *square;     /* running averages of gradient and squared gradient, as long as the parameters */
    float rate, decay;        /* of this step; decay is a share of the rate */
    float correct1, correct2; /* 1 / (1 - beta^step) for both averages */
};

/* Sets the corrections for STEP (from 0). */
void adamw_set_step(struct adamw *a, size_t step);

/* Moves params[AT .. AT + COUNT) against grads times SCALE. */
void adamw_move(const struct adamw *a, struct pool *pool, float *params, const float *grads, size_t at, size_t count,
                float scale);

#endif
