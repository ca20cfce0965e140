/* SPDX-License-Identifier: MIT */
/* Digests over parts of a model file. */
#include "engine/model_digest.h"

#include <string.h>

#include "base/buf.h"
#include "base/memory.h"

static void add_u32(struct pml_hash *h, uint32_t value)
{
    uint8_t bytes[4];
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
    pml_hash_add(h, bytes, sizeof bytes);
}

void pml_tokenizer_digest(uint8_t digest[PML_SHA256_SIZE], const struct pml_gguf *g)
{
    static const char prefix[] = "tokenizer.";
    PML_AUTO(hash) struct pml_hash h;
    pml_hash_sha256(&h);
    for (size_t i = 0; i < g->key_count; i++) { /* sorted by the parser */
        const struct pml_gguf_key *key = &g->keys[i];
        if (key->name.size < sizeof prefix - 1 || memcmp(key->name.bytes, prefix, sizeof prefix - 1) != 0)
            continue;
        add_u32(&h, (uint32_t)key->name.size);
        pml_hash_add(&h, key->name.bytes, key->name.size);
        add_u32(&h, key->type);
        add_u32(&h, (uint32_t)key->payload_size);
        add_u32(&h, (uint32_t)((uint64_t)key->payload_size >> 32));
        pml_hash_add(&h, key->payload, key->payload_size);
    }
    pml_hash_final(&h, digest);
}

bool pml_chat_template_digest(uint8_t digest[PML_SHA256_SIZE], const struct pml_gguf *g, struct pml_error *err)
{
    struct pml_gguf_text text = { "", 0 };
    if (!pml_gguf_string(g, "tokenizer.chat_template", PML_OPTIONAL, &text, err))
        return false;
    pml_sha256(digest, text.bytes, text.size);
    return true;
}

void pml_oms_root(uint8_t digest[PML_SHA256_SIZE], const uint8_t file_digest[PML_SHA256_SIZE])
{
    pml_sha256(digest, file_digest, PML_SHA256_SIZE);
}
