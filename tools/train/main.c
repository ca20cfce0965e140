/* SPDX-License-Identifier: MIT */
/* pml-train: makes the demo model. Options and output are described in docs/demo-model.md. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"
#include "train.h"

static const char help[] =
    "usage: pml-train [--out FILE] [--steps N] [--batch-tokens N] [--seed N] [--threads N] [--kernel "
    "scalar|avx2|avx512]\n"
    "                 [--questions FILE] [--checkpoint-digest] [--dump-corpus FILE]\n"
    "Trains the demo model from its grammar. --threads and --kernel never change the result.\n"
    "  --out FILE            write the model as GGUF\n"
    "  --steps N             optimizer steps (default 3600)\n"
    "  --batch-tokens N      tokens a step at most (default 2048)\n"
    "  --seed N              of weights and corpus (default 1)\n"
    "  --threads N           threads (default: the processors online)\n"
    "  --kernel NAME         instruction set of the matrix products (default: the best this processor has)\n"
    "  --questions FILE      examine the model with lines \"question<TAB>expected word\"\n"
    "  --checkpoint-digest   print only the digest of the unquantized weights\n"
    "  --dump-corpus FILE    write the training text of such a run instead of training\n";

struct arguments {
    struct train_options train;
    const char *out, *questions, *dump_corpus;
    bool checkpoint_digest;
};

static bool number(size_t *out, const char *text, size_t most, struct pml_error *err)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *end || text[0] < '0' || text[0] > '9' || value > most)
        return pml_fail(err, PML_USAGE, "usage", "%s is not a number up to %zu", text, most);
    *out = (size_t)value;
    return true;
}

static bool parse(struct arguments *a, int argc, char **argv, struct pml_error *err)
{
    static const struct option options[] = {
        { "out", required_argument, NULL, 'o' },
        { "steps", required_argument, NULL, 'n' },
        { "batch-tokens", required_argument, NULL, 'b' },
        { "seed", required_argument, NULL, 's' },
        { "threads", required_argument, NULL, 't' },
        { "kernel", required_argument, NULL, 'k' },
        { "questions", required_argument, NULL, 'q' },
        { "checkpoint-digest", no_argument, NULL, 'd' },
        { "dump-corpus", required_argument, NULL, 'c' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    bool ok = true;
    size_t value = 0;

    for (int opt; ok && (opt = getopt_long(argc, argv, "o:h", options, NULL)) != -1;) {
        switch (opt) {
        case 'o': a->out = optarg; break;
        case 'n': ok = number(&a->train.steps, optarg, 1000000, err); break;
        case 'b': ok = number(&a->train.batch_tokens, optarg, 65536, err); break;
        case 's':
            ok = number(&value, optarg, SIZE_MAX, err);
            a->train.seed = value;
            break;
        case 't': ok = number(&a->train.threads, optarg, 1024, err); break;
        case 'k': a->train.kernel = gemm_pick(optarg); break;
        case 'q': a->questions = optarg; break;
        case 'd': a->checkpoint_digest = true; break;
        case 'c': a->dump_corpus = optarg; break;
        case 'h': fputs(help, stdout); exit(0);
        default: return pml_fail(err, PML_USAGE, "usage", "try --help");
        }
    }
    if (!ok)
        return false;
    if (optind < argc)
        return pml_fail(err, PML_USAGE, "usage", "unexpected argument %s", argv[optind]);
    if (!a->train.kernel)
        return pml_fail(err, PML_USAGE, "usage", "this processor has no such kernel");
    if (a->train.steps == 0 || a->train.threads == 0 || a->train.batch_tokens < 128)
        return pml_fail(err, PML_USAGE, "usage", "at least 1 step, 1 thread and 128 tokens a batch");
    return true;
}

static void print_hex(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
    printf("\n");
}

static void print_result(const struct arguments *a, const struct train_result *r)
{
    uint8_t digest[PML_SHA256_SIZE];
    pml_sha256(digest, r->file.bytes, r->file.size);

    printf("%.*s", (int)r->answers.size, r->answers.size ? (const char *)r->answers.bytes : "");
    printf("parameters          %zu\n", net_layout(&train_shape).count);
    printf("steps               %zu of at most %zu tokens, seed %llu\n", a->train.steps, a->train.batch_tokens,
           (unsigned long long)a->train.seed);
    printf("tokens              %llu read, %llu of them predicted\n", (unsigned long long)r->tokens,
           (unsigned long long)r->learned);
    printf("loss                %.4f bits/token over the last tenth\n", r->loss);
    printf("grammar's entropy   %.4f bits/token at most, gap %.4f\n", r->entropy, r->loss - r->entropy);
    printf("time                %.0f s, %.1f GFLOP/s, %zu threads, %s\n", r->seconds, r->work / r->seconds * 1e-9,
           a->train.threads, a->train.kernel->name);
    if (r->questions)
        printf("questions           %zu of %zu answered with the expected word\n", r->right, r->questions);
    printf("checkpoint          ");
    print_hex(r->checkpoint, sizeof r->checkpoint);
    printf("file                %zu bytes, sha256 ", r->file.size);
    print_hex(digest, sizeof digest);
}

static bool dump(const struct arguments *a, struct pml_error *err)
{
    PML_AUTO(file) FILE *file = fopen(a->dump_corpus, "w");
    if (!file)
        return pml_fail_io(err, "open %s", a->dump_corpus);
    if (!train_dump_corpus(file, &a->train, err))
        return false;
    if (fflush(file) != 0)
        return pml_fail_io(err, "write %s", a->dump_corpus);
    return true;
}

static bool run(struct arguments *a, struct pml_error *err)
{
    PML_AUTO(mem) char *questions = NULL;
    struct train_result result = { 0 };
    size_t size;

    if (a->dump_corpus)
        return dump(a, err);
    if (a->questions && !(questions = pml_read_file(a->questions, 1 << 20, &size, err)))
        return false;
    a->train.questions = questions;
    a->train.progress = a->checkpoint_digest ? NULL : stderr;
    bool ok = train_run(&result, &a->train, err);
    if (ok && a->checkpoint_digest)
        print_hex(result.checkpoint, sizeof result.checkpoint);
    else if (ok)
        print_result(a, &result);
    if (ok && a->out)
        ok = pml_write_file(a->out, result.file.bytes, result.file.size, 0644, err);
    pml_buf_free(&result.file);
    pml_buf_free(&result.answers);
    return ok;
}

int main(int argc, char **argv)
{
    struct pml_error err;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct arguments a = { .train = { .steps = TRAIN_STEPS,
                                      .batch_tokens = TRAIN_BATCH_TOKENS,
                                      .seed = TRAIN_SEED,
                                      .threads = processors > 0 ? (size_t)processors : 1,
                                      .kernel = gemm_pick(NULL) } };

    if (parse(&a, argc, argv, &err) && run(&a, &err))
        return 0;
    fprintf(stderr, "pml-train: %s\n", err.text);
    return (int)err.kind;
}
