/* SPDX-License-Identifier: MIT */
/* Examines a network with a file of questions, "question<TAB>expected word" a line, answered greedily. */
#ifndef TRAIN_EXAM_H
#define TRAIN_EXAM_H

#include "bpe.h"
#include "net.h"

struct exam {
    size_t right, total;
};

/* Asks every question of TEXT (NUL-terminated) and, unless REPORT is NULL, appends each with its answer to it. memory,
 * "questions". */
bool exam_run(struct exam *result, struct net *net, const struct net_shape *shape, const float *params,
              const struct bpe *bpe, const char *text, struct pml_buf *report, struct pml_error *err) PML_CHECKED;

#endif
