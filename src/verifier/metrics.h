/* SPDX-License-Identifier: MIT */
/* Counters of a verification service in the text format of Prometheus, 0.0.4. Belongs to the loop's thread. */
#ifndef PML_VERIFIER_METRICS_H
#define PML_VERIFIER_METRICS_H

#include "base/buf.h"
#include "verifier/judge.h"

#define PML_METRICS_TYPE "text/plain; version=0.0.4"

enum pml_metrics_route { PML_ROUTE_VERIFY, PML_ROUTE_QUOTE, PML_ROUTE_COUNT };

#define PML_METRICS_BUCKETS 8

struct pml_metrics {
    uint64_t outcomes[PML_ROUTE_COUNT][PML_OUTCOME_COUNT];
    uint64_t turned_away;                  /* 503, the queue being full */
    uint64_t buckets[PML_METRICS_BUCKETS]; /* answers by the time from the whole request on, not summed up */
    uint64_t seconds_count;
    double seconds_sum;
    size_t waiting; /* requests on the workers or before them */
};

void pml_metrics_answered(struct pml_metrics *m, enum pml_metrics_route route, enum pml_outcome_of_request outcome,
                          double seconds);
void pml_metrics_put(const struct pml_metrics *m, struct pml_buf *out);

#endif
