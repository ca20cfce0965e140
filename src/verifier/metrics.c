/* SPDX-License-Identifier: MIT */
/* Metrics. */
#include "verifier/metrics.h"

#include <inttypes.h>

static const double bounds[PML_METRICS_BUCKETS] = { 0.0005, 0.001, 0.0025, 0.005, 0.025, 0.1, 1, 10 };
static const char *const bound_names[PML_METRICS_BUCKETS] = { "0.0005", "0.001", "0.0025", "0.005",
                                                              "0.025",  "0.1",   "1",      "10" };
static const char *const routes[PML_ROUTE_COUNT] = { "/verify", "/v1/quote" };
static const char *const outcomes[PML_OUTCOME_COUNT] = {
    [PML_OUTCOME_ACCEPTED] = "accepted",       [PML_OUTCOME_NOT_ACCEPTED] = "not_accepted",
    [PML_OUTCOME_NOT_GENUINE] = "not_genuine", [PML_OUTCOME_UNKNOWN] = "unknown",
    [PML_OUTCOME_BAD_REQUEST] = "bad_request",
};

void pml_metrics_answered(struct pml_metrics *m, enum pml_metrics_route route, enum pml_outcome_of_request outcome,
                          double seconds)
{
    m->outcomes[route][outcome]++;
    m->seconds_count++;
    m->seconds_sum += seconds;
    for (size_t i = 0; i < PML_METRICS_BUCKETS; i++) {
        if (seconds <= bounds[i]) {
            m->buckets[i]++;
            return;
        }
    }
}

static void put_head(struct pml_buf *out, const char *name, const char *type, const char *help)
{
    pml_put_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_seconds(const struct pml_metrics *m, struct pml_buf *out)
{
    uint64_t below = 0;
    put_head(out, "pml_verifier_answer_seconds", "histogram", "Time from a whole request to its answer.");
    for (size_t i = 0; i < PML_METRICS_BUCKETS; i++) {
        below += m->buckets[i];
        pml_put_format(out, "pml_verifier_answer_seconds_bucket{le=\"%s\"} %" PRIu64 "\n", bound_names[i], below);
    }
    pml_put_format(out,
                   "pml_verifier_answer_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n"
                   "pml_verifier_answer_seconds_sum %.6f\n"
                   "pml_verifier_answer_seconds_count %" PRIu64 "\n",
                   m->seconds_count, m->seconds_sum, m->seconds_count);
}

void pml_metrics_put(const struct pml_metrics *m, struct pml_buf *out)
{
    put_head(out, "pml_verifier_answers_total", "counter", "Verification requests by what came of them.");
    for (size_t r = 0; r < PML_ROUTE_COUNT; r++) {
        for (size_t o = 0; o < PML_OUTCOME_COUNT; o++)
            pml_put_format(out, "pml_verifier_answers_total{path=\"%s\",outcome=\"%s\"} %" PRIu64 "\n", routes[r],
                           outcomes[o], m->outcomes[r][o]);
    }
    put_head(out, "pml_verifier_turned_away_total", "counter", "Requests answered with 503, too many waiting.");
    pml_put_format(out, "pml_verifier_turned_away_total %" PRIu64 "\n", m->turned_away);
    put_head(out, "pml_verifier_waiting", "gauge", "Requests at work or waiting for it.");
    pml_put_format(out, "pml_verifier_waiting %zu\n", m->waiting);
    put_seconds(m, out);
}
