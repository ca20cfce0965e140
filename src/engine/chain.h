/* SPDX-License-Identifier: MIT */
/* Digests that receipts carry about tokens and logits (spec inference-api §5.4). */
#ifndef PML_ENGINE_CHAIN_H
#define PML_ENGINE_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

#define PML_LOGITS_TOP     8 /* k of the chain in receipts */
#define PML_LOGITS_TOP_MAX 64

struct pml_top_logit {
    uint32_t token;
    float logit;
};

/* SHA-256("pmlsdk.tokens/1" 00 || u32le count || u32le id ...). */
void pml_tokens_digest(uint8_t out[PML_SHA256_SIZE], const uint32_t *tokens, size_t count);

/* The COUNT largest of logits [vocabulary], higher first, then lower id. Returns how many there are: COUNT, or
 * VOCABULARY if that is less. */
size_t pml_top_logits(struct pml_top_logit *top, size_t count, const float *logits, size_t vocabulary);

/* The running chain: c0 = SHA-256("pmlsdk.logits/1" 00 || file digest || prompt digest), and for each generated token
 * c = SHA-256(c || u32le token || u32le k || k times (u32le id || f32le logit)) over the raw logits it was chosen from.
 */
struct pml_logits_chain {
    uint8_t value[PML_SHA256_SIZE];
};
void pml_logits_chain_begin(struct pml_logits_chain *chain, const uint8_t file_digest[PML_SHA256_SIZE],
                            const uint8_t prompt_digest[PML_SHA256_SIZE]);
void pml_logits_chain_add(struct pml_logits_chain *chain, uint32_t token, const struct pml_top_logit *top,
                          size_t count);

#endif
