/* SPDX-License-Identifier: MIT */
/* What a model file says about itself, for people who choose one: nothing here is attested (spec engine §12). */
#ifndef PML_ENGINE_MODEL_SUMMARY_H
#define PML_ENGINE_MODEL_SUMMARY_H

#include "engine/gguf.h"

struct pml_model_summary { /* borrows the strings of the metadata; numbers that the file does not give are 0 */
    const char *architecture;
    struct pml_gguf_text name;
    const char *rope; /* "norm" or "neox"; NULL: an architecture that is not known */
    uint32_t context_length, embedding_length, layer_count, head_count, kv_head_count, head_size, vocabulary_size;
    uint64_t parameters;                     /* elements of all tensors */
    uint64_t tensor_size;                    /* bytes of all tensors */
    uint64_t kv_token_size;                  /* bytes of an f16 cache a token position */
    uint64_t memory_size;                    /* expected: tensors, and one sequence of the whole context */
    uint32_t type_counts[PML_TYPE_BF16 + 1]; /* tensors by enum pml_tensor_type */
};

/* gguf: a key of the wrong type. */
PML_CHECKED
bool pml_model_summarize(struct pml_model_summary *out, const struct pml_gguf *g, struct pml_error *err);

#endif
