/* SPDX-License-Identifier: MIT */
/* pml: finds the verb and runs it; `pml NAME` runs the program pml-NAME when there is no verb of that name, as git
 * does. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"

extern const struct verb verb_bench;
extern const struct verb verb_chat;
extern const struct verb verb_generate;
extern const struct verb verb_model;
extern const struct verb verb_quote;
extern const struct verb verb_receipt;
extern const struct verb verb_replay;
extern const struct verb verb_tokenize;
extern const struct verb verb_verify;
extern const struct verb verb_version;

/* clang-format off */
const struct verb *const pml_verbs[] = {
    &verb_bench,
    &verb_chat,
    &verb_generate,
    &verb_model,
    &verb_quote,
    &verb_receipt,
    &verb_replay,
    &verb_tokenize,
    &verb_verify,
    &verb_version,
    NULL,
};
/* clang-format on */

static int usage(FILE *to)
{
    fputs("usage: pml VERB [OPTIONS]\n\n"
          "Private ML: run a language model inside an Intel TDX confidential VM, and check that it is one.\n\n",
          to);
    for (size_t i = 0; pml_verbs[i]; i++)
        fprintf(to, "  %-10s %s\n", pml_verbs[i]->name, pml_verbs[i]->summary);
    fputs("\n`pml VERB --help` says more. Other programs named pml-NAME are run as `pml NAME`.\n", to);
    return to == stdout ? 0 : PML_USAGE;
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
    if (argc < 2)
        return usage(stderr);
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
        return usage(stdout);
    const char *name = !strcmp(argv[1], "--version") ? "version" : argv[1];
    for (size_t i = 0; pml_verbs[i]; i++) {
        if (!strcmp(pml_verbs[i]->name, name))
            return pml_verbs[i]->run(argc - 1, argv + 1);
    }
    if (strchr(name, '/') || name[0] == '-')
        return usage(stderr);
    return run_program(argv + 1);
}
