/* SPDX-License-Identifier: MIT */
/* Reads the hyper-parameters of spec engine §3.1 that people ask about. */
#include "engine/model_summary.h"

#include <string.h>

#include "base/memory.h"

static const char *rope_of(const char *architecture)
{
    static const char *const neox[] = { "qwen2", "qwen3", "qwen3moe", "gemma2", "gemma3", "phi3" }; /* §3.4 */
    if (!strcmp(architecture, "llama"))
        return "norm";
    for (size_t i = 0; i < PML_COUNT(neox); i++) {
        if (!strcmp(architecture, neox[i]))
            return "neox";
    }
    return NULL;
}

static bool read_numbers(struct pml_model_summary *s, const struct pml_gguf *g, struct pml_error *err)
{
    struct pml_gguf_array tokens;
    if (!pml_gguf_string(g, "general.name", PML_OPTIONAL, &s->name, err) ||
        !pml_gguf_u32(g, ".context_length", PML_OPTIONAL, &s->context_length, err) ||
        !pml_gguf_u32(g, ".embedding_length", PML_OPTIONAL, &s->embedding_length, err) ||
        !pml_gguf_u32(g, ".block_count", PML_OPTIONAL, &s->layer_count, err) ||
        !pml_gguf_u32_layers(g, ".attention.head_count", PML_OPTIONAL, &s->head_count, err))
        return false;
    s->kv_head_count = s->head_count;
    s->head_size = s->head_count ? s->embedding_length / s->head_count : 0;
    if (!pml_gguf_u32_layers(g, ".attention.head_count_kv", PML_OPTIONAL, &s->kv_head_count, err) ||
        !pml_gguf_u32(g, ".attention.key_length", PML_OPTIONAL, &s->head_size, err) ||
        !pml_gguf_array(g, "tokenizer.ggml.tokens", PML_OPTIONAL, PML_GGUF_STRING, &tokens, err))
        return false;
    s->vocabulary_size = tokens.count;
    return true;
}

bool pml_model_summarize(struct pml_model_summary *out, const struct pml_gguf *g, struct pml_error *err)
{
    struct pml_model_summary s = { .architecture = g->architecture, .name = { "", 0 } };
    s.rope = rope_of(g->architecture);
    if (!read_numbers(&s, g, err))
        return false;
    for (size_t i = 0; i < g->tensor_count; i++) {
        const struct pml_gguf_tensor *t = &g->tensors[i];
        s.tensor_size += t->size;
        s.parameters += t->dims[0] * t->dims[1] * t->dims[2] * t->dims[3];
        s.type_counts[t->type]++;
    }
    /* Keys and values in two bytes each; a product of hostile numbers saturates. */
    uint64_t row, cache;
    if (__builtin_mul_overflow((uint64_t)s.kv_head_count * s.head_size, (uint64_t)s.layer_count * 4, &row) ||
        __builtin_mul_overflow(row, (uint64_t)s.context_length, &cache) ||
        __builtin_add_overflow(cache, s.tensor_size, &s.memory_size))
        row = s.memory_size = UINT64_MAX;
    s.kv_token_size = row;
    *out = s;
    return true;
}
