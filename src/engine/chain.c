/* SPDX-License-Identifier: MIT */
/* Token digests and the logits chain. */
#include "engine/chain.h"

#include "base/memory.h"
#include "engine/math.h"

static void put_u32le(uint8_t out[4], uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

static void add_u32le(struct pml_hash *hash, uint32_t value)
{
    uint8_t bytes[4];
    put_u32le(bytes, value);
    pml_hash_add(hash, bytes, sizeof bytes);
}

void pml_tokens_digest(uint8_t out[PML_SHA256_SIZE], const uint32_t *tokens, size_t count)
{
    static const char domain[] = "pmlsdk.tokens/1"; /* its NUL is part of the message */
    PML_AUTO(hash) struct pml_hash hash = { 0 };
    pml_hash_sha256(&hash);
    pml_hash_add(&hash, domain, sizeof domain);
    add_u32le(&hash, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        add_u32le(&hash, tokens[i]);
    pml_hash_final(&hash, out);
}

size_t pml_top_logits(struct pml_top_logit *top, size_t count, const float *logits, size_t vocabulary)
{
    size_t found = 0;
    if (count == 0)
        return 0;
    for (size_t i = 0; i < vocabulary; i++) { /* ids ascend, so a later equal logit ranks below an earlier one */
        if (found == count && !(logits[i] > top[count - 1].logit))
            continue;
        size_t at = found < count ? found++ : count - 1;
        for (; at > 0 && logits[i] > top[at - 1].logit; at--)
            top[at] = top[at - 1];
        top[at] = (struct pml_top_logit){ (uint32_t)i, logits[i] };
    }
    return found;
}

void pml_logits_chain_begin(struct pml_logits_chain *chain, const uint8_t file_digest[PML_SHA256_SIZE],
                            const uint8_t prompt_digest[PML_SHA256_SIZE])
{
    static const char domain[] = "pmlsdk.logits/1"; /* its NUL is part of the message */
    uint8_t message[sizeof domain + 2 * PML_SHA256_SIZE];
    memcpy(message, domain, sizeof domain);
    memcpy(message + sizeof domain, file_digest, PML_SHA256_SIZE);
    memcpy(message + sizeof domain + PML_SHA256_SIZE, prompt_digest, PML_SHA256_SIZE);
    pml_sha256(chain->value, message, sizeof message);
}

void pml_logits_chain_add(struct pml_logits_chain *chain, uint32_t token, const struct pml_top_logit *top, size_t count)
{
    uint8_t message[PML_SHA256_SIZE + 8 + 8 * PML_LOGITS_TOP_MAX];
    memcpy(message, chain->value, PML_SHA256_SIZE);
    put_u32le(message + PML_SHA256_SIZE, token);
    put_u32le(message + PML_SHA256_SIZE + 4, (uint32_t)count);
    uint8_t *at = message + PML_SHA256_SIZE + 8;
    for (size_t i = 0; i < count; i++, at += 8) {
        put_u32le(at, top[i].token);
        put_u32le(at + 4, pml_f32_bits(top[i].logit));
    }
    pml_sha256(chain->value, message, (size_t)(at - message));
}
