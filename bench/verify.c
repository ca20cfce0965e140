/* SPDX-License-Identifier: MIT */
/*
 * Quote verification against the limit of its signatures. Work: parse the bundle, then S1 to S18 over one quote,
 * nothing kept between rounds, one thread; a quote needs nine P-256 verifications. Limit: the same machine's rate of
 * raw P-256 verifications by the faster of OpenSSL's two interfaces, with a ready key, divided by nine. Protocol: RUNS
 * alternating rounds of limit and work of about SECONDS each in this process; medians. usage: verify QUOTE COLLATERAL
 * UNIX_TIME. Prints one JSON object.
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

#define RUNS       5
#define SECONDS    1.0
#define SIGNATURES 9

struct work {
    char *quote, *bundle;
    size_t quote_size, bundle_size;
    int64_t now;
    struct pml_policy policy;
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

static void verify_quote(struct work *w)
{
    struct pml_error err;
    PML_AUTO(collateral) struct pml_collateral collateral = { 0 };
    PML_AUTO(verdict) struct pml_verdict verdict = { 0 };
    if (!pml_collateral_parse(&collateral, w->bundle, w->bundle_size, &err) ||
        !pml_policy_verify(&verdict, w->quote, w->quote_size, &collateral, w->now, &w->policy, 0, &err))
        die(err.text);
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

int main(int argc, char **argv)
{
    struct work w = { 0 };
    double cold[RUNS], ec_key[RUNS], evp[RUNS];
    if (argc != 4) {
        fputs("usage: verify QUOTE COLLATERAL UNIX_TIME\n", stderr);
        return 2;
    }
    load(&w, argv);
    for (int i = 0; i < RUNS; i++) {
        ec_key[i] = rate(&w, verify_ec_key);
        evp[i] = rate(&w, verify_evp);
        cold[i] = rate(&w, verify_quote);
    }
    double raw = median(ec_key) > median(evp) ? median(ec_key) : median(evp);
    json_t *out =
        json_pack("{s:f, s:f, s:f, s:f, s:f}", "cold_verifications_per_second", median(cold), "p256_per_second_ec_key",
                  median(ec_key), "p256_per_second_evp", median(evp), "cold_limit_per_second", raw / SIGNATURES,
                  "cold_share_of_limit", median(cold) * SIGNATURES / raw);
    json_dumpf(out, stdout, JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(out);
    free(w.quote);
    free(w.bundle);
    pml_policy_free(&w.policy);
    ECDSA_SIG_free(w.signature);
    EC_KEY_free(w.key);
    EVP_PKEY_free(w.pkey);
    return 0;
}
