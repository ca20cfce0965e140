/* SPDX-License-Identifier: MIT */
/* pml bench: how fast a model loads, reads prompts and writes tokens on this machine. */
#include <getopt.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/memory.h"
#include "cmd.h"
#include "engine/scheduler.h"

extern const struct verb verb_bench;

enum { OPT_SIMD = 256, OPT_KV, OPT_REFERENCE };

static const struct option options[] = { { "model", required_argument, NULL, 'm' },
                                         { "prompt", required_argument, NULL, 'p' },
                                         { "predict", required_argument, NULL, 'n' },
                                         { "threads", required_argument, NULL, 't' },
                                         { "streams", required_argument, NULL, 'b' },
                                         { "simd", required_argument, NULL, OPT_SIMD },
                                         { "kv", required_argument, NULL, OPT_KV },
                                         { "reference", no_argument, NULL, OPT_REFERENCE },
                                         { "json", no_argument, NULL, 'j' },
                                         { "help", no_argument, NULL, 'h' },
                                         { 0 } };

struct settings {
    const char *model;
    struct pml_model_options load;
    long long prompt, predict, threads, streams;
    bool json;
};

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Requests of one measurement. */
struct load {
    sem_t done;
    struct pml_error error;
    bool failed;
};

static void on_done(void *arg, const struct pml_generation_result *result)
{
    struct load *l = arg;
    if (result->finish == PML_FINISH_ERROR) {
        l->error = *result->error;
        l->failed = true;
    }
    sem_post(&l->done);
}

/* Runs COUNT requests at once, each of PROMPT and PREDICT tokens. *RATE: of all tokens of the kind that is measured. */
static bool measure(struct pml_scheduler *s, uint32_t vocabulary, long long count, long long prompt, long long predict,
                    double *rate, struct pml_error *err)
{
    struct load load = { 0 };
    long long submitted = 0;
    PML_AUTO(mem) uint32_t *tokens = malloc((size_t)prompt * sizeof *tokens);
    if (!tokens)
        return pml_fail_memory(err);
    sem_init(&load.done, 0, 0);
    double start = seconds();
    for (bool ok = true; ok && submitted < count; submitted += ok) {
        for (long long i = 0; i < prompt; i++)
            tokens[i] = (uint32_t)((unsigned long long)(i * 7919 + submitted * 104729 + 1) % vocabulary);
        struct pml_generation g = { .prompt = tokens,
                                    .prompt_count = (size_t)prompt,
                                    .max_tokens = (size_t)predict,
                                    .sampling = pml_sampling_default(),
                                    .ignore_end = true,
                                    .on_done = on_done,
                                    .arg = &load };
        uint64_t id;
        g.sampling.temperature = 0.0f;
        ok = pml_scheduler_submit(s, &g, &id, err);
        load.failed = load.failed || !ok;
    }
    for (long long i = 0; i < submitted; i++)
        while (sem_wait(&load.done) != 0)
            ;
    *rate = (double)(count * (prompt > predict ? prompt : predict)) / (seconds() - start);
    sem_destroy(&load.done);
    if (load.failed && submitted == count)
        *err = load.error;
    return !load.failed;
}

static int run_settings(const struct settings *set)
{
    struct pml_error err;
    double start = seconds(), warm, prefill, decode;
    PML_AUTO(model) struct pml_model *model = pml_model_open(set->model, &set->load, &err);
    if (!model)
        return pml_cmd_fail(&verb_bench, &err);
    double load_seconds = seconds() - start;
    const struct pml_model_info *info = pml_model_info(model);
    const struct pml_scheduler_options with = { .slots = (size_t)set->streams,
                                                .queue = 1,
                                                .threads = (size_t)set->threads };
    PML_AUTO(scheduler) struct pml_scheduler *s = pml_scheduler_new(model, &with, &err);
    if (!s || !measure(s, info->vocabulary, set->streams, 1, 4, &warm, &err) ||
        !measure(s, info->vocabulary, set->streams, set->prompt, 1, &prefill, &err) ||
        !measure(s, info->vocabulary, set->streams, 1, set->predict, &decode, &err))
        return pml_cmd_fail(&verb_bench, &err);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    if (set->json)
        return pml_cmd_json(json_pack("{s:f, s:f, s:f, s:I, s:s, s:I, s:I}", "load_seconds", load_seconds,
                                      "prefill_tokens_per_second", prefill, "decode_tokens_per_second", decode,
                                      "peak_rss_bytes", (json_int_t)usage.ru_maxrss * 1024, "simd", info->simd,
                                      "file_bytes", (json_int_t)info->file_size, "packed_bytes",
                                      (json_int_t)info->packed_size),
                            0);
    printf("kernels  %s\nload     %.2f s\nprefill  %.1f tokens/s\ndecode   %.1f tokens/s\nmemory   %ld MiB\n",
           info->simd, load_seconds, prefill, decode, usage.ru_maxrss / 1024);
    return pml_cmd_end(0);
}

static bool parse_option(struct settings *s, int opt, struct pml_error *err)
{
    switch (opt) {
    case 'm': s->model = optarg; return true;
    case 'j': s->json = true; return true;
    case 'p': return pml_cmd_int(&s->prompt, "-p", optarg, 1, 1 << 20, err);
    case 'n': return pml_cmd_int(&s->predict, "-n", optarg, 1, 1 << 20, err);
    case 't': return pml_cmd_int(&s->threads, "-t", optarg, 1, 256, err);
    case 'b': return pml_cmd_int(&s->streams, "-b", optarg, 1, 256, err);
    case OPT_REFERENCE: s->load.reference = true; return true;
    case OPT_SIMD:
        if (!pml_simd_parse(&s->load.simd, optarg))
            return pml_fail(err, PML_USAGE, "usage", "--simd: no kernels for %s", optarg);
        return true;
    default:
        if (!pml_kv_parse(&s->load.kv, optarg))
            return pml_fail(err, PML_USAGE, "usage", "--kv: f16 or f32 is wanted");
        return true;
    }
}

static int run(int argc, char **argv)
{
    struct settings s = { .prompt = 512, .predict = 128, .streams = 1 };
    struct pml_error err;
    for (int opt; (opt = getopt_long(argc, argv, "m:p:n:t:b:h", options, NULL)) != -1;) {
        if (opt == 'h' || opt == '?')
            return pml_cmd_usage(&verb_bench, opt == 'h' ? stdout : stderr);
        if (!parse_option(&s, opt, &err))
            return pml_cmd_fail(&verb_bench, &err);
    }
    if (!s.model || optind != argc)
        return pml_cmd_usage(&verb_bench, stderr);
    return run_settings(&s);
}

const struct verb verb_bench = {
    "bench", "how fast a model runs on this machine",
    "usage: pml bench -m GGUF [OPTIONS]\n\n"
    "Loads a model, reads prompts, then generates tokens from prompts of one token, with all streams at once.\n\n"
    "  -m, --model GGUF        the model file\n"
    "  -p, --prompt N          tokens of a prompt, default 512\n"
    "  -n, --predict N         tokens to generate, default 128\n"
    "  -t, --threads N         threads that compute, default one a CPU\n"
    "  -b, --streams STREAMS   sequences at once, default 1; rates are of all together\n"
    "  --simd LEVEL            scalar, avx2, avx512 or auto, default auto: the best this CPU has\n"
    "  --kv TYPE               cache type, f16 or f32, default f16\n"
    "  --reference             multiply with weights as f32 numbers\n"
    "  --json                  print one JSON object\n\n"
    "Exit status: 0 done, 1 the model is refused, 2 usage, 3 could not run.\n",
    run
};
