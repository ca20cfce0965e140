/* SPDX-License-Identifier: MIT */
/* pml: finds the verb and runs it; `pml NAME` runs the program pml-NAME when there is no verb of that name, as git
 * does. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cmd.h"

extern const struct verb verb_bench;
extern const struct verb verb_chat;
extern const struct verb verb_collateral;
extern const struct verb verb_generate;
extern const struct verb verb_model;
extern const struct verb verb_onchain;
extern const struct verb verb_quote;
extern const struct verb verb_receipt;
extern const struct verb verb_replay;
extern const struct verb verb_tokenize;
extern const struct verb verb_verify;
extern const struct verb verb_version;

static const struct verb program_serve = { .name = "serve",
                                           .summary = "attested OpenAI-compatible endpoint over a local model" };
static const struct verb program_verifier = { .name = "verifier", .summary = "HTTP service that judges quotes" };
static const struct verb program_tdxsim = { .name = "tdxsim", .summary = "care of a simulated TDX platform" };

/* In the order of help; NULL ends a group. */
static const struct {
    const char *heading;
    const struct verb *verbs[8];
} groups[] = {
    { "Serve and ask", { &program_serve, &verb_chat } },
    { "Check", { &verb_verify, &verb_collateral, &verb_onchain, &verb_receipt, &verb_replay, &program_verifier } },
    { "Models", { &verb_model, &verb_tokenize, &verb_generate, &verb_bench } },
    { "Platforms and this program", { &verb_quote, &verb_version, PML_SIMULATOR ? &program_tdxsim : NULL } },
};

static int usage(FILE *to)
{
    fputs("usage: pml VERB [OPTIONS]\n\n"
          "Runs a language model inside an Intel TDX confidential VM, and checks that it is one.\n",
          to);
    for (size_t i = 0; i < PML_COUNT(groups); i++) {
        fprintf(to, "\n%s:\n", groups[i].heading);
        for (const struct verb *const *verb = groups[i].verbs; *verb; verb++)
            fprintf(to, "  %-10s %s\n", (*verb)->name, (*verb)->summary);
    }
    fputs("\npml VERB --help says more. Other programs named pml-NAME are run as pml NAME.\n", to);
    return to == stdout ? pml_cmd_end(0) : PML_USAGE;
}

static const struct verb *find(const char *name)
{
    for (size_t i = 0; i < PML_COUNT(groups); i++) {
        for (const struct verb *const *verb = groups[i].verbs; *verb; verb++) {
            if (!strcmp((*verb)->name, name))
                return *verb;
        }
    }
    return NULL;
}

/* Runs pml-NAME from the directory of this executable, else from PATH. Returns only on failure. */
static int run_program(char **argv)
{
    char self[4096];
    char program[4200];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    if (size > 0) {
        self[size] = 0;
        snprintf(program, sizeof program, "%.*s/pml-%s", (int)(strrchr(self, '/') - self), self, argv[0]);
        execv(program, argv);
    }
    snprintf(program, sizeof program, "pml-%s", argv[0]);
    execvp(program, argv);
    if (errno == ENOENT)
        fprintf(stderr, "pml: no verb %s; see pml --help\n", argv[0]);
    else
        fprintf(stderr, "pml: %s: %s\n", program, strerror(errno));
    return PML_USAGE;
}

int main(int argc, char **argv)
{
    pml_process_harden(); /* prompts and tokens pass through */
    if (argc < 2)
        return usage(stderr);
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
        return usage(stdout);
    const char *name = !strcmp(argv[1], "--version") ? "version" : argv[1];
    const struct verb *verb = find(name);
    if (verb && verb->run)
        return verb->run(argc - 1, argv + 1);
    if (strchr(name, '/') || name[0] == '-')
        return usage(stderr);
    return run_program(argv + 1);
}
