/* SPDX-License-Identifier: MIT */
/* A model file from the first byte to logits. Accepted means: it can be evaluated, or says why not. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "engine/evaluate.h"

#define CACHE_MAX (1u << 20) /* bytes a position: a file may ask for more memory than a fuzzer has */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool on_logits(void *arg, size_t position, const float *logits)
{
    volatile float sum = 0;
    for (uint32_t i = 0; i < *(const uint32_t *)arg; i++)
        sum = sum + logits[i];
    return position < 100;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pml_error err;
    char path[32];
    PML_AUTO(fd) int fd = memfd_create("model", MFD_CLOEXEC);
    if (fd < 0 || !pml_write_all(fd, data, size, &err))
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    for (int reference = 0; reference < 2; reference++) {
        const struct pml_model_options options = { .reference = reference };
        PML_AUTO(model) struct pml_model *model = pml_model_open(path, &options, &err);
        if (!model || pml_model_info(model)->kv_size > CACHE_MAX)
            continue;
        uint32_t vocabulary = pml_model_info(model)->vocabulary, tokens[] = { 0, vocabulary - 1, vocabulary / 2 };
        const struct pml_evaluation e = { tokens, 3, 1, 1, 2, on_logits, &vocabulary };
        if (!pml_evaluate(model, &e, &err) && !err.code)
            abort();
    }
    return 0;
}
