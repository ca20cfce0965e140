/* SPDX-License-Identifier: MIT */
/* Models with seeded random weights, made by the program that the vectors were made with. */
#ifndef PML_TEST_SYNTHETIC_H
#define PML_TEST_SYNTHETIC_H

#include "engine/model.h"

/* Skips the running test, saying so, when there is no mkgguf. To be called before anything is allocated. */
static inline const char *need_mkgguf(void)
{
    const char *program = getenv("PML_MKGGUF");
    if (!program) {
        printf("skipped: no mkgguf\n");
        skip();
    }
    return program;
}

/*
 * Runs mkgguf with ARGS, in which VOCAB/ stands for the directory of vocabularies, and opens what it wrote. The file is
 * gone afterwards. Skips the running test when there is no mkgguf (environment PML_MKGGUF).
 */
static inline struct pml_model *synthetic_model(const char *args, const struct pml_model_options *options)
{
    const char *program = need_mkgguf(), *vocab = strstr(args, "VOCAB/");
    char path[] = "/tmp/pml-model-XXXXXX", command[8192];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    if (vocab)
        snprintf(command, sizeof command, "'%s' -o %s %.*s'%s/tokenizer/'%s 2>/dev/null", program, path,
                 (int)(vocab - args), args, vectors_dir(), vocab + strlen("VOCAB/"));
    else
        snprintf(command, sizeof command, "'%s' -o %s %s 2>/dev/null", program, path, args);
    assert_int_equal(system(command), 0);
    struct pml_error err;
    struct pml_model *model = pml_model_open(path, options, &err);
    unlink(path);
    if (!model)
        fail_msg("%s", err.text);
    return model;
}

#endif
