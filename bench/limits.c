/* SPDX-License-Identifier: MIT */
/*
 * The limits of this machine, so that a benchmark can state a ratio instead of a number:
 *
 * - int8_macs_per_second: multiply-accumulates of bytes into 32-bit sums with the widest instructions the CPU has
 * (VNNI, else maddubs + madd), on registers only, all threads together
 * - f32_fmas_per_second: fused multiply-adds, likewise
 * - read_bytes_per_second: reading of 512 MiB that no cache holds, all threads together
 * - sha256_bytes_per_second: one thread, 1 MiB messages
 * - p256_verifies_per_second: one thread, ECDSA P-256 through OpenSSL
 *
 * Protocol: each figure is the median of 5 runs of about 0.2 s. usage: limits [THREADS]. Prints one JSON object.
 */
#include <immintrin.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RUNS    5
#define SECONDS 0.2
#define BUFFER  ((size_t)512 << 20)

static uint8_t *buffer;
static size_t thread_count = 1;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/*
 * One loop of twelve independent accumulators, enough to hide the latency. Naming all of them in one asm statement
 * keeps them in registers and keeps the compiler from folding the loop.
 */
#define TWELVE(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11)
#define KEEP(reg)                                                                                                \
    __asm__ volatile(""                                                                                          \
                     : reg(a0), reg(a1), reg(a2), reg(a3), reg(a4), reg(a5), reg(a6), reg(a7), reg(a8), reg(a9), \
                       reg(a10), reg(a11), reg(w), reg(x))

__attribute__((target("avx2"))) static double int8_avx2(size_t rounds)
{
    __m256i w = _mm256_set1_epi8(3), x = _mm256_set1_epi8(5), ones = _mm256_set1_epi16(1);
#define DECLARE(i) __m256i a##i = _mm256_setzero_si256();
#define STEP(i)                                                                 \
    __asm__("" : "+x"(w)); /* a new w, so that the product is computed again */ \
    a##i = _mm256_add_epi32(a##i, _mm256_madd_epi16(_mm256_maddubs_epi16(w, x), ones));
    TWELVE(DECLARE)
    for (size_t i = 0; i < rounds; i++) {
        TWELVE(STEP)
        KEEP("+x");
    }
#undef DECLARE
#undef STEP
    return (double)rounds * 12 * 32;
}

__attribute__((target("avx512f,avx512vnni"))) static double int8_avx512(size_t rounds)
{
    __m512i w = _mm512_set1_epi8(3), x = _mm512_set1_epi8(5);
#define DECLARE(i) __m512i a##i = _mm512_setzero_si512();
#define STEP(i)    a##i = _mm512_dpbusd_epi32(a##i, w, x);
    TWELVE(DECLARE)
    for (size_t i = 0; i < rounds; i++) {
        TWELVE(STEP)
        KEEP("+v");
    }
#undef DECLARE
#undef STEP
    return (double)rounds * 12 * 64;
}

__attribute__((target("avx2,fma"))) static double fma_avx2(size_t rounds)
{
    __m256 w = _mm256_set1_ps(1.0f), x = _mm256_set1_ps(0.5f);
#define DECLARE(i) __m256 a##i = _mm256_setzero_ps();
#define STEP(i)    a##i = _mm256_fmadd_ps(w, x, a##i);
    TWELVE(DECLARE)
    for (size_t i = 0; i < rounds; i++) {
        TWELVE(STEP)
        KEEP("+x");
    }
#undef DECLARE
#undef STEP
    return (double)rounds * 12 * 8;
}

__attribute__((target("avx512f"))) static double fma_avx512(size_t rounds)
{
    __m512 w = _mm512_set1_ps(1.0f), x = _mm512_set1_ps(0.5f);
#define DECLARE(i) __m512 a##i = _mm512_setzero_ps();
#define STEP(i)    a##i = _mm512_fmadd_ps(w, x, a##i);
    TWELVE(DECLARE)
    for (size_t i = 0; i < rounds; i++) {
        TWELVE(STEP)
        KEEP("+v");
    }
#undef DECLARE
#undef STEP
    return (double)rounds * 12 * 16;
}

struct share {
    double (*work)(size_t rounds);
    size_t rounds, index;
    double done;
};

static void *run_compute(void *arg)
{
    struct share *s = arg;
    s->done = s->work(s->rounds);
    return NULL;
}

__attribute__((target("avx2"))) static void *run_read(void *arg)
{
    struct share *s = arg;
    size_t size = BUFFER / thread_count / 4096 * 4096;
    const __m256i *at = (const __m256i *)(buffer + s->index * size);
    __m256i sum[4] = { 0 };
    for (size_t i = 0; i < size / 32; i += 4) {
        for (size_t j = 0; j < 4; j++)
            sum[j] = _mm256_xor_si256(sum[j], _mm256_load_si256(at + i + j));
    }
    __asm__ volatile("" : : "x"(sum[0]), "x"(sum[1]), "x"(sum[2]), "x"(sum[3]));
    s->done = (double)size;
    return NULL;
}

/* Units per second of one run on all threads. */
static double run_threads(void *(*run)(void *), double (*work)(size_t), size_t rounds)
{
    pthread_t threads[256];
    struct share shares[256];
    double total = 0, start = now();
    for (size_t i = 0; i < thread_count; i++) {
        shares[i] = (struct share){ .work = work, .rounds = rounds, .index = i };
        if (pthread_create(&threads[i], NULL, run, &shares[i]) != 0)
            exit(3);
    }
    for (size_t i = 0; i < thread_count; i++) {
        pthread_join(threads[i], NULL);
        total += shares[i].done;
    }
    return total / (now() - start);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, RUNS, sizeof *values, ascending);
    return values[RUNS / 2];
}

static double compute_limit(double (*work)(size_t))
{
    double values[RUNS], start = now();
    work(1000000);
    size_t rounds = (size_t)(1000000 * SECONDS / (now() - start)) + 1;
    for (int i = 0; i < RUNS; i++)
        values[i] = run_threads(run_compute, work, rounds);
    return median(values);
}

static double read_limit(void)
{
    double values[RUNS];
    for (int i = 0; i < RUNS; i++)
        values[i] = run_threads(run_read, NULL, 0);
    return median(values);
}

static double sha256_limit(void)
{
    double values[RUNS];
    uint8_t digest[32];
    for (int i = 0; i < RUNS; i++) {
        double start = now(), bytes = 0;
        do {
            SHA256(buffer, 1 << 20, digest);
            bytes += 1 << 20;
        } while (now() - start < SECONDS);
        values[i] = bytes / (now() - start);
    }
    return median(values);
}

static double p256_limit(void)
{
    double values[RUNS];
    uint8_t digest[32] = { 1 };
    EC_KEY *key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    if (!key || EC_KEY_generate_key(key) != 1)
        exit(3);
    ECDSA_SIG *sig = ECDSA_do_sign(digest, 32, key);
    for (int i = 0; i < RUNS; i++) {
        double start = now(), count = 0;
        do {
            if (ECDSA_do_verify(digest, 32, sig, key) != 1)
                exit(3);
            count++;
        } while (now() - start < SECONDS);
        values[i] = count / (now() - start);
    }
    ECDSA_SIG_free(sig);
    EC_KEY_free(key);
    return median(values);
}

int main(int argc, char **argv)
{
    thread_count = argc > 1 ? strtoul(argv[1], NULL, 10) : (size_t)sysconf(_SC_NPROCESSORS_ONLN);
    if (thread_count < 1 || thread_count > 256) {
        fprintf(stderr, "usage: limits [THREADS]\n");
        return 2;
    }
    buffer = aligned_alloc(4096, BUFFER);
    if (!buffer)
        return 3;
    memset(buffer, 1, BUFFER);
    bool wide = __builtin_cpu_supports("avx512f");
    bool vnni = wide && __builtin_cpu_supports("avx512vnni");
    double int8 = compute_limit(vnni ? int8_avx512 : int8_avx2);
    double fma = compute_limit(wide ? fma_avx512 : fma_avx2);
    printf("{\"threads\":%zu,\"simd\":\"%s\",\"int8_macs_per_second\":%.4g,\"f32_fmas_per_second\":%.4g,"
           "\"read_bytes_per_second\":%.4g,\"sha256_bytes_per_second\":%.4g,\"p256_verifies_per_second\":%.4g}\n",
           thread_count, vnni ? "avx512-vnni" : "avx2", int8, fma, read_limit(), sha256_limit(), p256_limit());
    free(buffer);
    return 0;
}
