/* SPDX-License-Identifier: MIT */
/* What receipts say about a model file (spec inference-api §5.2, §5.4). */
#ifndef PML_ENGINE_MODEL_DIGEST_H
#define PML_ENGINE_MODEL_DIGEST_H

#include "base/digest.h"
#include "engine/gguf.h"

/* Over all tokenizer.* keys, the chat template included, sorted by the bytes of their names. */
void pml_tokenizer_digest(uint8_t digest[PML_SHA256_SIZE], const struct pml_gguf *g);

/* Of the text of tokenizer.chat_template; of the empty text if there is none. gguf. */
PML_CHECKED
bool pml_chat_template_digest(uint8_t digest[PML_SHA256_SIZE], const struct pml_gguf *g, struct pml_error *err);

/* The subject digest of OpenSSF Model Signing v1.0 for a model of one file. */
void pml_oms_root(uint8_t digest[PML_SHA256_SIZE], const uint8_t file_digest[PML_SHA256_SIZE]);

#endif
