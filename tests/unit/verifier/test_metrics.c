/* SPDX-License-Identifier: MIT */
/* The text that Prometheus reads. */
#include "test.h"

#include "verifier/metrics.h"

static void counters_and_histogram_add_up(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "# TYPE pml_verifier_answers_total counter\n",
        "\npml_verifier_answers_total{path=\"/verify\",outcome=\"not_accepted\"} 2\n",
        "\npml_verifier_answers_total{path=\"/v1/quote\",outcome=\"bad_request\"} 1\n",
        "\npml_verifier_answers_total{path=\"/v1/quote\",outcome=\"accepted\"} 0\n",
        "\npml_verifier_turned_away_total 7\n",
        "\npml_verifier_waiting 3\n",
        "\npml_verifier_answer_seconds_bucket{le=\"0.0005\"} 0\n",
        "\npml_verifier_answer_seconds_bucket{le=\"0.001\"} 2\n",
        "\npml_verifier_answer_seconds_bucket{le=\"10\"} 2\n",
        "\npml_verifier_answer_seconds_bucket{le=\"+Inf\"} 3\n",
        "\npml_verifier_answer_seconds_sum 20.002000\n",
        "\npml_verifier_answer_seconds_count 3\n",
    };
    struct pml_error err;
    PML_AUTO(buf) struct pml_buf out = { 0 };
    struct pml_metrics m = { .turned_away = 7, .waiting = 3 };
    pml_metrics_answered(&m, PML_ROUTE_VERIFY, PML_OUTCOME_NOT_ACCEPTED, 0.001);
    pml_metrics_answered(&m, PML_ROUTE_VERIFY, PML_OUTCOME_NOT_ACCEPTED, 0.001);
    pml_metrics_answered(&m, PML_ROUTE_QUOTE, PML_OUTCOME_BAD_REQUEST, 20);
    pml_metrics_put(&m, &out);
    PML_AUTO(mem) char *text = pml_buf_take(&out, NULL, &err);
    for (size_t i = 0; i < PML_COUNT(lines); i++) {
        if (!strstr(text, lines[i]))
            fail_msg("no %s in\n%s", lines[i], text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(counters_and_histogram_add_up) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
