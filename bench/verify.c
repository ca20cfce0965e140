/* SPDX-License-Identifier: MIT */
/*
 * Quote verification against the limit of its signatures, one thread. Work, cold: parse the bundle, then S1 to S18 over
 * one quote, nothing kept between rounds; a quote needs nine P-256 verifications. Work, warm: S1 to S18 with a bundle
 * that is parsed already and, like the PCK chain, has been verified before; two P-256 verifications are left. Limit:
 * the same machine's rate of raw P-256 verifications by the faster of OpenSSL's two interfaces, with a ready key,
 * divided by nine and by two. Peer, if PEER_COMMAND is given: a shell command that prints its own rate of the cold
 * work. Protocol: RUNS alternating rounds of limit, works and peer of about SECONDS each, all by CPU time; medians.
 * Memory is the most that the heap held during one verification beyond what it held before. usage: verify QUOTE
 * COLLATERAL UNIX_TIME [PEER_COMMAND]. Prints one JSON object.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <jansson.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/memory.h"
#include "dcap/policy.h"
#include "heap.h"

#define RUNS            5
#define SECONDS         1.0
#define SIGNATURES_COLD 9
#define SIGNATURES_WARM 2

struct work {
    char *quote, *bundle;
    size_t quote_size, bundle_size;
    int64_t now;
    struct pml_policy policy;
    struct pml_collateral collateral; /* parsed and sealed, for the warm work */
    struct pml_verify_cache *cache;
    EC_KEY *key;
    ECDSA_SIG *signature;
    EVP_PKEY *pkey;
    uint8_t der[80];
    unsigned der_size;
    uint8_t digest[32];
};

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void die(const char *what)
{
    fprintf(stderr, "verify: %s\n", what);
    exit(3);
}

static void verify_cold(struct work *w)
{
    struct pml_error err;
    PML_AUTO(collateral) struct pml_collateral collateral = { 0 };
    PML_AUTO(verdict) struct pml_verdict verdict = { 0 };
    if (!pml_collateral_parse(&collateral, w->bundle, w->bundle_size, &err) ||
        !pml_policy_verify(&verdict, w->quote, w->quote_size, &collateral, w->now, &w->policy, 0, &err))
        die(err.text);
}

static void verify_warm(struct work *w)
{
    struct pml_error err;
    PML_AUTO(verdict) struct pml_verdict verdict = { 0 };
    struct pml_verify_input in = {
        .quote = w->quote, .quote_size = w->quote_size, .collateral = &w->collateral, .now = w->now, .cache = w->cache
    };
    pml_policy_input(&in, &w->policy);
    if (!pml_quote_verify(&verdict, &in, &err) || !pml_policy_apply(&verdict, &w->policy, 0, &err))
        die(err.text);
}

/* Bytes of heap that one round needs at most. */
static size_t memory(struct work *w, void (*round)(struct work *))
{
    heap_begin();
    round(w);
    return heap_peak();
}

static void verify_ec_key(struct work *w)
{
    if (ECDSA_do_verify(w->digest, sizeof w->digest, w->signature, w->key) != 1)
        die("EC_KEY");
}

static void verify_evp(struct work *w)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(w->pkey, NULL);
    if (EVP_PKEY_verify_init(context) != 1 ||
        EVP_PKEY_verify(context, w->der, w->der_size, w->digest, sizeof w->digest) != 1)
        die("EVP");
    EVP_PKEY_CTX_free(context);
}

static double rate(struct work *w, void (*round)(struct work *))
{
    size_t count = 0;
    double start = cpu_seconds(), spent;
    do {
        for (int i = 0; i < 50; i++)
            round(w);
        count += 50;
        spent = cpu_seconds() - start;
    } while (spent < SECONDS);
    return (double)count / spent;
}

/* What the peer says. */
static double ask_peer(const char *command)
{
    double said = 0;
    FILE *pipe = popen(command, "r");
    bool good = pipe && fscanf(pipe, "%lf", &said) == 1;
    if (!pipe || pclose(pipe) != 0 || !good)
        die("the peer failed");
    return said;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double runs[RUNS])
{
    qsort(runs, RUNS, sizeof runs[0], ascending);
    return runs[RUNS / 2];
}

static void load(struct work *w, char **argv)
{
    struct pml_error err;
    w->quote = pml_read_file(argv[1], PML_QUOTE_MAX, &w->quote_size, &err);
    if (!w->quote)
        die(err.text);
    w->bundle = pml_read_file(argv[2], PML_COLLATERAL_MAX, &w->bundle_size, &err);
    if (!w->bundle)
        die(err.text);
    w->now = strtoll(argv[3], NULL, 10);
    pml_policy_init(&w->policy);
    w->policy.accept = PML_ACCEPT_ANY;
    if (!pml_collateral_parse(&w->collateral, w->bundle, w->bundle_size, &err))
        die(err.text);
    pml_collateral_seal(&w->collateral);
    w->cache = pml_verify_cache_new(4, 4, &err);
    if (!w->cache)
        die(err.text);
    w->key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    if (!w->key || EC_KEY_generate_key(w->key) != 1)
        die("key");
    w->signature = ECDSA_do_sign(w->digest, sizeof w->digest, w->key);
    w->pkey = EVP_PKEY_new();
    EC_KEY *copy = EC_KEY_dup(w->key);
    if (!w->signature || !w->pkey || EVP_PKEY_assign_EC_KEY(w->pkey, copy) != 1)
        die("signature");
    uint8_t *at = w->der;
    w->der_size = (unsigned)i2d_ECDSA_SIG(w->signature, &at);
}

static void release(struct work *w)
{
    free(w->quote);
    free(w->bundle);
    pml_collateral_free(&w->collateral);
    pml_verify_cache_free(w->cache);
    pml_policy_free(&w->policy);
    ECDSA_SIG_free(w->signature);
    EC_KEY_free(w->key);
    EVP_PKEY_free(w->pkey);
}

int main(int argc, char **argv)
{
    struct work w = { 0 };
    double cold[RUNS], warm[RUNS], ec_key[RUNS], evp[RUNS], peer[RUNS] = { 0 };
    if (argc != 4 && argc != 5) {
        fputs("usage: verify QUOTE COLLATERAL UNIX_TIME [PEER_COMMAND]\n", stderr);
        return 2;
    }
    load(&w, argv);
    verify_cold(&w); /* what OpenSSL allocates once */
    size_t cold_heap = memory(&w, verify_cold);
    verify_warm(&w);
    size_t warm_heap = memory(&w, verify_warm);
    for (int i = 0; i < RUNS; i++) {
        ec_key[i] = rate(&w, verify_ec_key);
        evp[i] = rate(&w, verify_evp);
        cold[i] = rate(&w, verify_cold);
        warm[i] = rate(&w, verify_warm);
        peer[i] = argc == 5 ? ask_peer(argv[4]) : 0;
    }
    double raw = median(ec_key) > median(evp) ? median(ec_key) : median(evp);
    json_t *out = json_pack(
        "{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:o}", "cold_verifications_per_second", median(cold),
        "warm_verifications_per_second", median(warm), "p256_per_second_ec_key", median(ec_key), "p256_per_second_evp",
        median(evp), "cold_limit_per_second", raw / SIGNATURES_COLD, "warm_limit_per_second", raw / SIGNATURES_WARM,
        "cold_share_of_limit", median(cold) * SIGNATURES_COLD / raw, "warm_share_of_limit",
        median(warm) * SIGNATURES_WARM / raw, "cold_heap_bytes", (json_int_t)cold_heap, "warm_heap_bytes",
        (json_int_t)warm_heap, "peer_verifications_per_second", argc == 5 ? json_real(median(peer)) : json_null());
    json_dumpf(out, stdout, JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(out);
    release(&w);
    return 0;
}
