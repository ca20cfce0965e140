/* SPDX-License-Identifier: MIT */
/*
 * Token buckets by client address, in a table of fixed size: a stranger with many addresses cannot make it grow, he
 * only shares buckets with others. An IPv6 client is its /64. Loop thread only.
 */
#ifndef PML_SERVE_RATE_H
#define PML_SERVE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct pml_rate;

/* PER_SECOND requests on average, BURST at once. memory. */
PML_CHECKED
struct pml_rate *pml_rate_new(double per_second, double burst, struct pml_error *err);
void pml_rate_free(struct pml_rate *rate);

/* Takes a token of PEER at NOW_MS (monotonic). False: there is none, *WAIT_SECONDS until there is. */
bool pml_rate_take(struct pml_rate *rate, const char *peer, int64_t now_ms, unsigned *wait_seconds);

#endif
