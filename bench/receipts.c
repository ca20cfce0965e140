/* SPDX-License-Identifier: MIT */
/*
 * What receipts cost. Work: the same short chat completion again and again over one TLS connection to one running
 * pml-serve, alternately with a receipt and without. Limit: 1 ms, and 1 % of throughput. Protocol: 20 warm-up pairs,
 * then PAIRS pairs whose order alternates; each pair gives a difference, and the median of these is the result.
 * The server must be built with -Dbench_switch=true: another ignores the switch, which is noticed.
 *
 *   receipts URL CA_FILE [PAIRS [MAX_TOKENS]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "net/http_client.h"

#define WARM_UP 20

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, ascending);
    return values[count / 2];
}

/* Microseconds of one request; negative: it failed, or the switch did nothing. */
static double ask(struct pml_http_client *client, const char *body, bool receipt)
{
    struct pml_error err;
    struct pml_http_header headers[] = { { "Content-Type", "application/json" }, { "X-PML-Receipt", "off" } };
    struct pml_http_call call = {
        .method = "POST",
        .path = "/v1/chat/completions",
        .headers = headers,
        .header_count = receipt ? 1 : 2,
        .body = body,
        .body_size = strlen(body),
    };
    PML_AUTO(http_reply) struct pml_http_reply reply = { 0 };
    double start = now_us();
    if (!pml_http_client_call(client, &call, &reply, &err)) {
        fprintf(stderr, "receipts: %s\n", err.text);
        return -1;
    }
    double took = now_us() - start;
    bool has_receipt = pml_http_reply_header(&reply, "X-Receipt-Id");
    if (reply.status != 200 || has_receipt != receipt) {
        fprintf(stderr, "receipts: status %u; is the server built with -Dbench_switch=true?\n", reply.status);
        return -1;
    }
    return took;
}

static bool measure(struct pml_http_client *client, const char *body, size_t pairs, double *with, double *without)
{
    for (size_t i = 0; i < WARM_UP + pairs; i++) {
        bool receipt_first = i % 2;
        double first = ask(client, body, receipt_first), second = ask(client, body, !receipt_first);
        if (first < 0 || second < 0)
            return false;
        if (i < WARM_UP)
            continue;
        with[i - WARM_UP] = receipt_first ? first : second;
        without[i - WARM_UP] = receipt_first ? second : first;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct pml_error err;
    char body[256];
    size_t pairs = argc > 3 ? strtoul(argv[3], NULL, 10) : 500;
    unsigned long tokens = argc > 4 ? strtoul(argv[4], NULL, 10) : 16;
    if (argc < 3 || !pairs || !tokens) {
        fprintf(stderr, "usage: receipts URL CA_FILE [PAIRS [MAX_TOKENS]]\n");
        return 2;
    }
    struct pml_http_client_options options = { .url = argv[1], .trust = PML_TRUST_AUTHORITY, .ca_file = argv[2] };
    PML_AUTO(http_client) struct pml_http_client *client = pml_http_client_new(&options, &err);
    PML_AUTO(mem) double *with = calloc(pairs, sizeof *with);
    PML_AUTO(mem) double *without = calloc(pairs, sizeof *without);
    PML_AUTO(mem) double *differences = calloc(pairs, sizeof *differences);
    if (!client || !with || !without || !differences)
        return 3;
    snprintf(body, sizeof body,
             "{\"messages\":[{\"role\":\"user\",\"content\":\"Please tell me a "
             "story.\"}],\"temperature\":0,\"max_tokens\":%lu}",
             tokens);
    if (!measure(client, body, pairs, with, without))
        return 3;
    for (size_t i = 0; i < pairs; i++)
        differences[i] = with[i] - without[i];
    double added = median(differences, pairs), base = median(without, pairs);
    printf("{\"requests\":%zu,\"max_tokens\":%lu,\"median_without_us\":%.1f,\"median_with_us\":%.1f,"
           "\"median_added_us\":%.1f,\"limit_us\":1000,\"added_share\":%.5f,\"limit_share\":0.01}\n",
           2 * pairs, tokens, base, median(with, pairs), added, added / base);
    return 0;
}
