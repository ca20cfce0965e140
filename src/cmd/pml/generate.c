/* SPDX-License-Identifier: MIT */
/* pml generate: a prompt through a local model, with everything that decides the result shown on request. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/time.h"
#include "cmd.h"
#include "engine/evaluate.h"
#include "engine/sampler.h"
#include "engine/scheduler.h"
#include "engine/text_stream.h"
#include "engine/tokenizer.h"

extern const struct verb verb_generate;

enum {
    OPT_TOKENS = 256,
    OPT_FORCE,
    OPT_TEMP,
    OPT_TOP_K,
    OPT_TOP_P,
    OPT_MIN_P,
    OPT_SEED,
    OPT_SIMD,
    OPT_KV,
    OPT_REFERENCE,
    OPT_CTX,
    OPT_CHUNK,
    OPT_IGNORE_EOS,
    OPT_LOGITS,
    OPT_LOGITS_ALL
};

static const struct option options[] = { { "model", required_argument, NULL, 'm' },
                                         { "prompt", required_argument, NULL, 'p' },
                                         { "tokens", required_argument, NULL, OPT_TOKENS },
                                         { "predict", required_argument, NULL, 'n' },
                                         { "force", required_argument, NULL, OPT_FORCE },
                                         { "temp", required_argument, NULL, OPT_TEMP },
                                         { "top-k", required_argument, NULL, OPT_TOP_K },
                                         { "top-p", required_argument, NULL, OPT_TOP_P },
                                         { "min-p", required_argument, NULL, OPT_MIN_P },
                                         { "seed", required_argument, NULL, OPT_SEED },
                                         { "threads", required_argument, NULL, 't' },
                                         { "simd", required_argument, NULL, OPT_SIMD },
                                         { "kv", required_argument, NULL, OPT_KV },
                                         { "reference", no_argument, NULL, OPT_REFERENCE },
                                         { "ctx", required_argument, NULL, OPT_CTX },
                                         { "chunk", required_argument, NULL, OPT_CHUNK },
                                         { "ignore-eos", no_argument, NULL, OPT_IGNORE_EOS },
                                         { "logits", required_argument, NULL, OPT_LOGITS },
                                         { "logits-all", no_argument, NULL, OPT_LOGITS_ALL },
                                         { "json", no_argument, NULL, 'j' },
                                         { "help", no_argument, NULL, 'h' },
                                         { 0 } };

struct settings {
    const char *model, *prompt, *tokens, *force;
    struct pml_model_options load;
    struct pml_sampling sampling;
    uint64_t seed;
    size_t predict, threads, chunk, logits;
    bool ignore_eos, logits_all, json;
};

/* What a run has made so far. */
struct run {
    const struct settings *settings;
    const struct pml_model *model;
    struct pml_tokens prompt, forced, output;
    json_t *logits;                 /* of --logits */
    struct pml_text_stream *stream; /* without --json */
    enum pml_finish finish;
    struct pml_logits_chain chain;
    struct pml_error error; /* of a callback */
    bool failed;
    double load_seconds, prefill_seconds, decode_seconds;

    struct pml_sampler *sampler; /* of a forced run */
    sem_t done;
};

/* Comma-separated ids. PML_USAGE: "usage". */
static bool parse_ids(struct pml_tokens *out, const char *option, const char *text, struct pml_error *err)
{
    for (const char *at = text; *at;) {
        char *end;
        unsigned long id = strtoul(at, &end, 10);
        if (end == at || (*end && *end != ',') || id > UINT32_MAX || *at == '-' || (*end && !end[1]))
            return pml_fail(err, PML_USAGE, "usage", "%s: token ids separated by commas are wanted", option);
        if (!pml_tokens_add(out, (uint32_t)id, err))
            return false;
        at = *end ? end + 1 : end;
    }
    return true;
}

static void note_logits(struct run *r, size_t position, const float *logits)
{
    size_t vocabulary = pml_model_info(r->model)->vocabulary;
    struct pml_top_logit top[PML_LOGITS_TOP_MAX];
    size_t count = pml_top_logits(top, r->settings->logits, logits, vocabulary);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < vocabulary; i++) {
        sum += (double)logits[i];
        squares += (double)logits[i] * (double)logits[i];
    }
    json_t *pairs = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(pairs, json_pack("[I, f]", (json_int_t)top[i].token, (double)top[i].logit));
    json_array_append_new(r->logits,
                          json_pack("{s:I, s:f, s:f, s:o}", "position", (json_int_t)position, "mean",
                                    sum / (double)vocabulary, "rms", sqrt(squares / (double)vocabulary), "top", pairs));
}

static void chain(struct run *r, uint32_t token, const float *logits)
{
    struct pml_top_logit top[PML_LOGITS_TOP];
    pml_logits_chain_add(&r->chain, token, top,
                         pml_top_logits(top, PML_LOGITS_TOP, logits, pml_model_info(r->model)->vocabulary));
}

/* Prints what of the text has become certain. */
static void print_text(struct run *r, uint32_t token, bool last)
{
    PML_AUTO(buf) struct pml_buf text = { 0 };
    if (!r->stream)
        return;
    if (last)
        (void)pml_text_stream_end(r->stream, &text);
    else
        (void)pml_text_stream_put(r->stream, token, &text);
    if (text.size)
        fwrite(text.bytes, 1, text.size, stdout);
    fflush(stdout);
}

/* Generation by the scheduler. */

static bool on_token(void *arg, const struct pml_token_event *event)
{
    struct run *r = arg;
    if (!pml_tokens_add(&r->output, event->token, &r->error)) {
        r->failed = true;
        return false;
    }
    if (r->settings->force)
        chain(r, event->token, event->logits);
    print_text(r, event->token, false);
    return true;
}

static void on_logits(void *arg, uint32_t position, const float *logits)
{
    struct run *r = arg;
    if (r->settings->logits > 0)
        note_logits(r, position, logits);
}

static void on_done(void *arg, const struct pml_generation_result *result)
{
    struct run *r = arg;
    r->finish = result->finish;
    if (!r->settings->force)
        memcpy(r->chain.value, result->logits_chain, sizeof r->chain.value);
    r->prefill_seconds += (double)result->prefill_us * 1e-6;
    r->decode_seconds = (double)result->decode_us * 1e-6;
    if (result->finish == PML_FINISH_ERROR) {
        r->error = *result->error;
        r->failed = true;
    }
    sem_post(&r->done);
}

static bool generate(struct run *r, const struct pml_tokens *prompt, size_t predict, struct pml_error *err)
{
    const struct settings *s = r->settings;
    const struct pml_scheduler_options with = {
        .slots = 1, .threads = s->threads, .chunk = s->chunk, .step = s->chunk
    };
    PML_AUTO(scheduler) struct pml_scheduler *scheduler = pml_scheduler_new(r->model, &with, err);
    if (!scheduler)
        return false;
    const struct pml_generation ask = { .prompt = prompt->ids,
                                        .prompt_count = prompt->count,
                                        .max_tokens = predict,
                                        .sampling = s->sampling,
                                        .seed = s->seed,
                                        .ignore_end = s->ignore_eos,
                                        .logits_top = PML_LOGITS_TOP,
                                        .prompt_logits = s->logits_all && !s->force,
                                        .on_token = on_token,
                                        .on_logits = on_logits,
                                        .on_done = on_done,
                                        .arg = r };
    uint64_t id;
    if (!pml_scheduler_submit(scheduler, &ask, &id, err))
        return false;
    while (sem_wait(&r->done) != 0)
        ;
    return true;
}

/* The forced path: prompt and given ids at once, and what would have been chosen at each. */

static bool on_forced(void *arg, size_t position, const float *logits)
{
    struct run *r = arg;
    if (r->settings->logits > 0 && (r->settings->logits_all || position + 1 >= r->prompt.count))
        note_logits(r, position, logits);
    if (position + 1 < r->prompt.count)
        return true;
    uint32_t token;
    size_t index = position + 1 - r->prompt.count;
    r->failed = !pml_sampler_choose(r->sampler, &token, logits, &r->error) ||
                !pml_tokens_add(&r->output, token, &r->error) ||
                !pml_sampler_accept(r->sampler, index < r->forced.count ? r->forced.ids[index] : token, &r->error);
    if (!r->failed) {
        chain(r, token, logits);
        print_text(r, token, false);
    }
    return !r->failed;
}

static bool force(struct run *r, struct pml_error *err)
{
    const struct settings *s = r->settings;
    const struct pml_model_info *info = pml_model_info(r->model);
    PML_AUTO(sampler)
    struct pml_sampler *sampler =
        pml_sampler_new(&s->sampling, s->seed, info->vocabulary, r->prompt.ids, r->prompt.count, err);
    if (!sampler)
        return false;
    uint8_t digest[PML_SHA256_SIZE];
    pml_tokens_digest(digest, r->prompt.ids, r->prompt.count);
    pml_logits_chain_begin(&r->chain, info->file_digest, digest);

    PML_AUTO(tokens) struct pml_tokens fed = { 0 }; /* the last token of all has no successor and is not fed */
    size_t count = r->prompt.count + (r->forced.count < s->predict ? r->forced.count : s->predict - 1);
    for (size_t i = 0; i < count; i++) {
        if (!pml_tokens_add(&fed, i < r->prompt.count ? r->prompt.ids[i] : r->forced.ids[i - r->prompt.count], err))
            return false;
    }
    r->sampler = sampler;
    r->finish = PML_FINISH_LENGTH;
    const struct pml_evaluation e = { .tokens = fed.ids,
                                      .count = fed.count,
                                      .from = s->logits_all ? 0 : r->prompt.count - 1,
                                      .threads = s->threads,
                                      .chunk = s->chunk,
                                      .on_logits = on_forced,
                                      .arg = r };
    int64_t start = pml_monotonic_ms();
    if (!pml_evaluate(r->model, &e, err))
        return false;
    r->prefill_seconds = (double)(pml_monotonic_ms() - start) * 1e-3;
    if (r->failed || r->output.count == s->predict)
        return true;
    uint32_t next = r->output.ids[r->output.count - 1]; /* the first that is not forced */
    if (pml_tokenizer_ends(pml_model_tokenizer(r->model), next) && !s->ignore_eos) {
        r->finish = PML_FINISH_END;
        return true;
    }
    return pml_tokens_add(&fed, next, err) && generate(r, &fed, s->predict - r->output.count, err);
}

static json_t *ids_json(const struct pml_tokens *tokens)
{
    json_t *ids = json_array();
    for (size_t i = 0; i < tokens->count; i++)
        json_array_append_new(ids, json_integer(tokens->ids[i]));
    return ids;
}

static int print_json(const struct run *r)
{
    struct pml_error err;
    PML_AUTO(buf) struct pml_buf text = { 0 };
    PML_AUTO(text_stream)
    struct pml_text_stream *stream = pml_text_stream_new(pml_model_tokenizer(r->model), NULL, 0, &err);
    if (!stream)
        return pml_cmd_fail(&verb_generate, &err);
    for (size_t i = 0; i < r->output.count; i++)
        (void)pml_text_stream_put(stream, r->output.ids[i], &text);
    (void)pml_text_stream_end(stream, &text);
    if (!pml_buf_check(&text, &err))
        return pml_cmd_fail(&verb_generate, &err);
    char seed[24], digest[PML_DIGEST_TEXT];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)r->settings->seed);
    json_t *timing = json_pack("{s:f, s:f, s:f}", "load_seconds", r->load_seconds, "prefill_seconds",
                               r->prefill_seconds, "decode_seconds", r->decode_seconds);
    return pml_cmd_json(json_pack("{s:o, s:o, s:s%, s:s, s:s, s:s, s:O, s:o}", "prompt_tokens", ids_json(&r->prompt),
                                  "output_tokens", ids_json(&r->output), "text",
                                  text.size ? (const char *)text.bytes : "", text.size, "finish_reason",
                                  pml_finish_name(r->finish), "seed", seed, "logits_chain_digest",
                                  pml_digest_text(digest, r->chain.value), "logits",
                                  r->settings->logits ? r->logits : json_null(), "timing", timing),
                        0);
}

/* Prompt and forced ids, now that there is a tokenizer. */
static bool read_tokens(struct run *r, struct pml_error *err)
{
    const struct settings *s = r->settings;
    const struct pml_encode how = { .add_special = true, .parse_special = true };
    if (s->tokens
            ? !parse_ids(&r->prompt, "--tokens", s->tokens, err)
            : !pml_tokenizer_encode(pml_model_tokenizer(r->model), s->prompt, strlen(s->prompt), how, &r->prompt, err))
        return false;
    if (s->force && !parse_ids(&r->forced, "--force", s->force, err))
        return false;
    if (r->prompt.count == 0 || (s->force && r->forced.count == 0))
        return pml_fail(err, PML_USAGE, "usage", "no tokens: the prompt or --force is empty");
    return true;
}

static bool run_model(struct run *r, struct pml_error *err)
{
    const struct settings *s = r->settings;
    if (!read_tokens(r, err))
        return false;
    if (!s->json) {
        r->stream = pml_text_stream_new(pml_model_tokenizer(r->model), NULL, 0, err);
        if (!r->stream)
            return false;
    }
    if (s->force ? !force(r, err) : !generate(r, &r->prompt, s->predict, err))
        return false;
    if (r->failed)
        *err = r->error;
    return !r->failed;
}

static int run_settings(const struct settings *s)
{
    struct pml_error err;
    int64_t start = pml_monotonic_ms();
    PML_AUTO(model) struct pml_model *model = pml_model_open(s->model, &s->load, &err);
    if (!model)
        return pml_cmd_fail(&verb_generate, &err);
    struct run r = { .settings = s, .model = model, .logits = json_array() };
    r.load_seconds = (double)(pml_monotonic_ms() - start) * 1e-3;
    sem_init(&r.done, 0, 0);
    int status;
    if (!run_model(&r, &err)) {
        status = pml_cmd_fail(&verb_generate, &err);
    } else if (s->json) {
        status = print_json(&r);
    } else {
        print_text(&r, 0, true);
        putchar('\n');
        status = pml_cmd_end(0);
    }
    sem_destroy(&r.done);
    json_decref(r.logits);
    pml_text_stream_free(r.stream);
    pml_tokens_free(&r.prompt);
    pml_tokens_free(&r.forced);
    pml_tokens_free(&r.output);
    return status;
}

static bool parse_seed(uint64_t *out, const char *text, struct pml_error *err)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (end == text || *end || errno || *text == '-')
        return pml_fail(err, PML_USAGE, "usage", "--seed: an integer from 0 to 2^64 - 1 is wanted");
    return true;
}

/* The options that are a number in a range. */
static bool parse_number(struct settings *s, int opt, const char *text, struct pml_error *err)
{
    long long n = 0;
    double f = 0;
    bool ok;
    switch (opt) {
    case 'n': ok = pml_cmd_int(&n, "-n", text, 1, 1 << 20, err), s->predict = (size_t)n; break;
    case 't': ok = pml_cmd_int(&n, "-t", text, 1, 256, err), s->threads = (size_t)n; break;
    case OPT_CTX: ok = pml_cmd_int(&n, "--ctx", text, 1, 1 << 20, err), s->load.context_length = (uint32_t)n; break;
    case OPT_CHUNK: ok = pml_cmd_int(&n, "--chunk", text, 1, 4096, err), s->chunk = (size_t)n; break;
    case OPT_LOGITS: ok = pml_cmd_int(&n, "--logits", text, 1, 64, err), s->logits = (size_t)n; break;
    case OPT_TOP_K: ok = pml_cmd_int(&n, "--top-k", text, 0, 1 << 20, err), s->sampling.top_k = (uint32_t)n; break;
    case OPT_TEMP: ok = pml_cmd_float(&f, "--temp", text, 0, 1e6, err), s->sampling.temperature = (float)f; break;
    case OPT_TOP_P: ok = pml_cmd_float(&f, "--top-p", text, 0, 1, err), s->sampling.top_p = (float)f; break;
    default: ok = pml_cmd_float(&f, "--min-p", text, 0, 1, err), s->sampling.min_p = (float)f; break;
    }
    return ok;
}

static bool parse_option(struct settings *s, int opt, struct pml_error *err)
{
    switch (opt) {
    case 'm': s->model = optarg; return true;
    case 'p': s->prompt = optarg; return true;
    case 'j': s->json = true; return true;
    case OPT_TOKENS: s->tokens = optarg; return true;
    case OPT_FORCE: s->force = optarg; return true;
    case OPT_REFERENCE: s->load.reference = true; return true;
    case OPT_IGNORE_EOS: s->ignore_eos = true; return true;
    case OPT_LOGITS_ALL: s->logits_all = true; return true;
    case OPT_SEED: return parse_seed(&s->seed, optarg, err);
    case OPT_SIMD:
        if (!pml_simd_parse(&s->load.simd, optarg))
            return pml_fail(err, PML_USAGE, "usage", "--simd: no kernels for %s", optarg);
        return true;
    case OPT_KV:
        if (!pml_kv_parse(&s->load.kv, optarg))
            return pml_fail(err, PML_USAGE, "usage", "--kv: f16 or f32 is wanted");
        return true;
    default: return parse_number(s, opt, optarg, err);
    }
}

static int run(int argc, char **argv)
{
    struct settings s = { .sampling = pml_sampling_default(), .predict = 128 };
    struct pml_error err;
    s.sampling.temperature = 0.0f;
    for (int opt; (opt = getopt_long(argc, argv, "m:p:n:t:h", options, NULL)) != -1;) {
        if (opt == 'h' || opt == '?')
            return pml_cmd_usage(&verb_generate, opt == 'h' ? stdout : stderr);
        if (!parse_option(&s, opt, &err))
            return pml_cmd_fail(&verb_generate, &err);
    }
    if (!s.model || !s.prompt == !s.tokens || optind != argc || (s.logits_all && !s.logits))
        return pml_cmd_usage(&verb_generate, stderr);
    return run_settings(&s);
}

const struct verb verb_generate = {
    "generate", "continue a prompt with a local model",
    "usage: pml generate -m GGUF (-p TEXT | --tokens IDS) [OPTIONS]\n\n"
    "Continues a prompt with a model in this process and prints the text. The same options give the same result on\n"
    "every machine, whatever the threads, the instruction set and the chunks.\n\n"
    "  -m, --model GGUF   the model file\n"
    "  -p, --prompt TEXT  the prompt; texts of control tokens stand for them, BOS is put before it if the model asks\n"
    "  --tokens IDS       the prompt as token ids, separated by commas and taken as they are\n"
    "  -n, --predict N    tokens to generate at most, default 128\n"
    "  --force IDS        feed these ids in place of the chosen ones, which are still shown, as many as -n at most\n"
    "  --temp F           temperature, default 0: the likeliest token\n"
    "  --top-k N          sample from the N likeliest tokens, default 0: all\n"
    "  --top-p F          sample from the likeliest tokens that have probability F together, default 1: all\n"
    "  --min-p F          sample from tokens at least F times as likely as the likeliest, default 0: all\n"
    "  --seed N           seed of the random numbers, default 0\n"
    "  -t, --threads N    threads that compute, default one a CPU\n"
    "  --simd LEVEL       scalar, avx2, avx512 or auto, default auto: the best this CPU has\n"
    "  --kv TYPE          cache type, f16 or f32, default f16\n"
    "  --reference        multiply with weights as f32 numbers: slow, a yardstick for the integer path\n"
    "  --ctx N            context length in tokens, default what the model was trained for\n"
    "  --chunk N          prompt tokens a step, default 256\n"
    "  --ignore-eos       go on after an end token\n"
    "  --logits K         with --json: the K largest logits at each generated token, at most 64\n"
    "  --logits-all       and at each token of the prompt\n"
    "  --json             print one JSON object\n\n"
    "Exit status: 0 done, 1 the model is refused, 2 usage, 3 could not run.\n",
    run
};
