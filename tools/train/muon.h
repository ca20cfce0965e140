/* SPDX-License-Identifier: MIT */
/*
 * Muon (Jordan et al., 2024: momentum made orthogonal by a Newton-Schulz iteration) for the weight matrices inside the
 * layers; embedding and norms go by AdamW (adamw.h). Why: docs/demo-model.md.
 */
#ifndef TRAIN_MUON_H
#define TRAIN_MUON_H

#include "gemm.h"
#include "net.h"
#include "pool.h"

struct muon {
    const struct gemm_kernel *kernel;
    struct net_shape shape;
    float *momentum; /* as long as the parameters; only the part of the matrices is used */
};

/* Floats of scratch that a thread of the pool needs. */
size_t muon_scratch_count(const struct net_shape *shape);

/* Moves the matrices in PARAMS against GRADS times SCALE; RATE is a share of the peak learning rate. */
void muon_move(const struct muon *m, struct pool *pool, float *params, const float *grads, float scale, float rate);

#endif
