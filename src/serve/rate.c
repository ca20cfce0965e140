/* SPDX-License-Identifier: MIT */
/* Rate limits. */
#include "serve/rate.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/memory.h"

#define BUCKETS 4096

struct bucket {
    int64_t at_ms; /* 0: never used */
    double tokens;
};

struct pml_rate {
    double per_ms, burst;
    uint8_t key[16]; /* random, so that nobody can choose whose bucket he shares */
    struct bucket buckets[BUCKETS];
};

struct pml_rate *pml_rate_new(double per_second, double burst, struct pml_error *err)
{
    struct pml_rate *rate = calloc(1, sizeof *rate);
    if (!rate)
        return pml_fail_memory(err);
    rate->per_ms = per_second / 1000;
    rate->burst = burst;
    if (!pml_random(rate->key, sizeof rate->key, err)) {
        free(rate);
        return NULL;
    }
    return rate;
}

void pml_rate_free(struct pml_rate *rate)
{
    free(rate);
}

static struct bucket *bucket_of(struct pml_rate *rate, const char *peer)
{
    uint8_t text[16 + 64] = { 0 }, digest[PML_SHA256_SIZE];
    memcpy(text, rate->key, 16);
    if (inet_pton(AF_INET6, peer, text + 16) == 1)
        memset(text + 16 + 8, 0, 8);
    else
        memcpy(text + 16, peer, strnlen(peer, 64));
    pml_sha256(digest, text, sizeof text);
    return &rate->buckets[(digest[0] | digest[1] << 8) % BUCKETS];
}

bool pml_rate_take(struct pml_rate *rate, const char *peer, int64_t now_ms, unsigned *wait_seconds)
{
    struct bucket *b = bucket_of(rate, peer);
    double tokens = b->at_ms ? b->tokens + (double)(now_ms - b->at_ms) * rate->per_ms : rate->burst;
    b->tokens = tokens < rate->burst ? tokens : rate->burst;
    b->at_ms = now_ms ? now_ms : 1;
    if (b->tokens >= 1) {
        b->tokens -= 1;
        return true;
    }
    *wait_seconds = (unsigned)ceil((1 - b->tokens) / rate->per_ms / 1000);
    return false;
}
