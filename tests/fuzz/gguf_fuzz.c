/* SPDX-License-Identifier: MIT */
/*
 * pml_gguf_parse and everything that reads metadata. Accepted means: each tensor lies inside the file, in file order
 * and apart from the others, every name is found again, and a prefix of the file is either enough or asks for more.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/chat_template.h"
#include "engine/model_digest.h"
#include "engine/model_summary.h"
#include "engine/tokenizer.h"

#define REQUIRE(condition) \
    do {                   \
        if (!(condition))  \
            abort();       \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tensors(const struct pml_gguf *g)
{
    uint64_t free_from = g->data_offset;
    for (size_t i = 0; i < g->tensor_count; i++) {
        const struct pml_gguf_tensor *t = &g->tensors[i];
        REQUIRE(t->offset >= free_from && t->size && t->size <= g->file_size - t->offset);
        REQUIRE(t->size / t->dims[1] / t->dims[2] / t->dims[3] == t->row_size);
        REQUIRE(pml_gguf_tensor(g, t->name) == t);
        free_from = t->offset + t->size;
    }
    REQUIRE(free_from <= g->file_size);
}

/* Every typed look-up of every key: one of them may succeed, none may crash. */
static void read_key(const struct pml_gguf *g, const struct pml_gguf_key *key)
{
    char name[200];
    struct pml_error err;
    uint32_t number;
    float real;
    bool flag;
    struct pml_gguf_text text;
    struct pml_gguf_array array;
    if (key->name.size >= sizeof name || memchr(key->name.bytes, 0, key->name.size) || key->name.bytes[0] == '.')
        return;
    memcpy(name, key->name.bytes, key->name.size);
    name[key->name.size] = 0;
    REQUIRE(pml_gguf_key(g, name) == key);
    int read = pml_gguf_u32_layers(g, name, PML_REQUIRED, &number, &err);
    read += pml_gguf_f32(g, name, PML_REQUIRED, &real, &err);
    read += pml_gguf_bool(g, name, PML_REQUIRED, &flag, &err);
    read += pml_gguf_string(g, name, PML_REQUIRED, &text, &err);
    REQUIRE(read <= 1);
    if (pml_gguf_array(g, name, PML_REQUIRED, PML_GGUF_STRING, &array, &err)) {
        while (array.count)
            REQUIRE(pml_gguf_next_string(&array).bytes);
        REQUIRE(pml_cursor_ok(&array.at) && !pml_cursor_left(&array.at));
    }
}

static void read_all(const struct pml_gguf *g)
{
    struct pml_error err;
    struct pml_model_summary summary;
    uint8_t digest[PML_SHA256_SIZE];
    for (size_t i = 0; i < g->key_count; i++)
        read_key(g, &g->keys[i]);
    pml_tokenizer_digest(digest, g);
    (void)!pml_chat_template_digest(digest, g, &err);
    (void)!pml_model_summarize(&summary, g, &err);
    PML_AUTO(tokenizer) struct pml_tokenizer *t = pml_tokenizer_new(g, &err);
    PML_AUTO(chat_template) struct pml_chat_template *chat = t ? pml_chat_template_new(g, t, &err) : NULL;
    REQUIRE(!chat || pml_chat_template_name(chat)[0]);
    PML_AUTO(tokens) struct pml_tokens tokens = { 0 };
    if (t && pml_tokenizer_encode(t, "Hello <|im_start|>\xff\n", 20, (struct pml_encode){ true, true, NULL }, &tokens,
                                  &err)) {
        for (size_t i = 0; i < tokens.count; i++)
            REQUIRE(tokens.ids[i] < pml_tokenizer_count(t));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PML_AUTO(gguf) struct pml_gguf g = { 0 };
    PML_AUTO(gguf) struct pml_gguf part = { 0 };
    struct pml_error err;
    bool more;
    if (!pml_gguf_parse(&g, data, size, size, &more, &err)) {
        REQUIRE(!more);
        return 0;
    }
    check_tensors(&g);
    read_all(&g);
    PML_AUTO(mem) uint8_t *half = malloc(size / 2 + 1);
    REQUIRE(half);
    memcpy(half, data, size / 2);
    REQUIRE(pml_gguf_parse(&part, half, size / 2, size, &more, &err) || more);
    return 0;
}
