/* SPDX-License-Identifier: MIT */
/*
 * A loaded model: hyper-parameters, tokenizer and packed weights. The file is read once; what is hashed is what is
 * used, so a digest that matches speaks for the weights in memory whatever the storage does (spec engine §6). After
 * loading a model never changes, and any number of threads, schedulers and evaluations share it.
 */
#ifndef PML_ENGINE_MODEL_H
#define PML_ENGINE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

struct pml_gguf;
struct pml_tokenizer;
struct pml_model;

enum pml_simd { PML_SIMD_AUTO, PML_SIMD_SCALAR, PML_SIMD_AVX2, PML_SIMD_AVX512, PML_SIMD_COUNT };
enum pml_kv_type { PML_KV_F16, PML_KV_F32 };

/* The names that command lines and descriptors use: "auto", "scalar", "avx2", "avx512"; "f16", "f32". Parsing is false
 * for another word. */
const char *pml_simd_name(enum pml_simd simd);
PML_CHECKED
bool pml_simd_parse(enum pml_simd *out, const char *name);
bool pml_simd_available(enum pml_simd simd); /* on this CPU, in this build */
const char *pml_kv_name(enum pml_kv_type kv);
PML_CHECKED
bool pml_kv_parse(enum pml_kv_type *out, const char *name);

struct pml_model_options {          /* all zero is a good choice */
    const uint8_t *expected_digest; /* 32 bytes: refuse a file with another SHA-256; NULL: any file */
    enum pml_simd simd;             /* AUTO: the best this CPU has */
    enum pml_kv_type kv;
    uint32_t context_length; /* token positions a sequence; 0: what the model was trained for */
    bool reference; /* expand weights to f32 and multiply by spec engine §5.4: the slow yardstick, never served */
    void (*progress)(void *arg, uint64_t done, uint64_t total); /* in bytes of the file; NULL: none */
    void *progress_arg;
};

struct pml_model_info {
    const char *architecture; /* "llama" */
    const char *name;         /* general.name, or "" */
    const char *simd;         /* of the kernels in use */
    enum pml_kv_type kv;
    uint64_t file_size;
    uint8_t file_digest[PML_SHA256_SIZE];
    uint64_t parameters;      /* weights in the file's tensors */
    uint64_t packed_size;     /* bytes of weights in memory */
    uint32_t context_length;  /* configured */
    uint32_t trained_context; /* the file's */
    uint32_t vocabulary, layers, embedding, heads, kv_heads, head_size, feed_forward;
    uint64_t kv_size; /* bytes of cache a token position */
};

/*
 * Loads a GGUF file. PML_NO: "gguf" malformed, "model" unsupported or vocabulary only (naming key, tensor or type),
 * "digest_mismatch". PML_USAGE: "simd" not available, "context_length" beyond what the model can do. PML_UNKNOWN: io,
 * memory.
 */
PML_CHECKED
struct pml_model *pml_model_open(const char *path, const struct pml_model_options *options, struct pml_error *err);
void pml_model_free(struct pml_model *model); /* nothing may use it any more */
void pml_model_auto(struct pml_model **model);

/* Borrowed, as long as the model lives. */
const struct pml_model_info *pml_model_info(const struct pml_model *model);
const struct pml_tokenizer *pml_model_tokenizer(const struct pml_model *model);
const struct pml_gguf *pml_model_gguf(const struct pml_model *model); /* the metadata */

#endif
