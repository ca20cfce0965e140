/* SPDX-License-Identifier: MIT */
/* pml model: digests of a model file, and what it says about itself. */
#include <getopt.h>
#include <string.h>

#include "base/encode.h"
#include "base/memory.h"
#include "cmd.h"
#include "engine/chat_template.h"
#include "engine/gguf_reader.h"
#include "engine/model_digest.h"
#include "engine/model_summary.h"
#include "engine/tokenizer.h"

extern const struct verb verb_model;

static const struct option options[] = { { "json", no_argument, NULL, 'j' },
                                         { "help", no_argument, NULL, 'h' },
                                         { 0 } };

static int print_digests(const char *path, bool json)
{
    struct pml_error err;
    uint8_t file[PML_SHA256_SIZE], digest[PML_SHA256_SIZE];
    char file_text[PML_DIGEST_TEXT], tokenizer[PML_DIGEST_TEXT], template[PML_DIGEST_TEXT];
    char oms[2 * PML_SHA256_SIZE + 1];
    PML_AUTO(gguf_reader) struct pml_gguf_reader *reader = pml_gguf_open(path, &err);
    if (!reader)
        return pml_cmd_fail(&verb_model, &err);
    const struct pml_gguf *g = pml_gguf_meta(reader);
    if (!pml_chat_template_digest(digest, g, &err) || !pml_gguf_finish(reader, file, &err)) {
        pml_wrap(&err, "%s", path);
        return pml_cmd_fail(&verb_model, &err);
    }
    pml_digest_text(template, digest);
    pml_digest_text(file_text, file);
    pml_oms_root(digest, file);
    pml_hex(oms, digest, sizeof digest);
    pml_tokenizer_digest(digest, g);
    pml_digest_text(tokenizer, digest);
    if (json)
        return pml_cmd_json(json_pack("{s:s, s:I, s:n, s:s, s:s, s:s}", "file_digest", file_text, "file_size",
                                      (json_int_t)g->file_size, "file_digests", "oms_root_sha256", oms,
                                      "tokenizer_digest", tokenizer, "chat_template_digest", template),
                            0);
    printf("file_digest           %s\nfile_size             %llu\noms_root_sha256       %s\n"
           "tokenizer_digest      %s\nchat_template_digest  %s\n",
           file_text, (unsigned long long)g->file_size, oms, tokenizer, template);
    return pml_cmd_end(0);
}

/* JSON null for what the file does not say. */
static json_t *number(uint64_t value)
{
    return value && value <= INT64_MAX ? json_integer((json_int_t)value) : json_null();
}

static json_t *text(const char *value)
{
    return value && *value ? json_string(value) : json_null();
}

static json_t *tensor_types(const struct pml_model_summary *s)
{
    json_t *types = json_object();
    for (uint32_t i = 0; i < PML_COUNT(s->type_counts); i++) {
        if (s->type_counts[i])
            json_object_set_new(types, pml_tensor_type(i)->name, json_integer(s->type_counts[i]));
    }
    return types;
}

/* How a receipt names the template. */
static void template_name(char out[64], const struct pml_gguf *g, const struct pml_tokenizer *t)
{
    struct pml_error none;
    PML_AUTO(chat_template) struct pml_chat_template *chat = pml_chat_template_new(g, t, &none);
    snprintf(out, 64, "%s", chat ? pml_chat_template_name(chat) : "none");
}

static int show_json(const struct pml_model_summary *s, const struct pml_gguf *g, const struct pml_tokenizer *t)
{
    char template[64];
    template_name(template, g, t);
    json_t *name = s->name.size ? json_stringn(s->name.bytes, s->name.size) : json_null();
    return pml_cmd_json(
        json_pack("{s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:i, s:s, s:o, s:o}",
                  "architecture", text(s->architecture), "name", name ? name : json_null(), "file_size",
                  (json_int_t)g->file_size, "parameters", number(s->parameters), "tensor_types", tensor_types(s),
                  "context_length", number(s->context_length), "embedding_length", number(s->embedding_length),
                  "layer_count", number(s->layer_count), "head_count", number(s->head_count), "kv_head_count",
                  number(s->kv_head_count), "head_size", number(s->head_size), "rope", text(s->rope), "tokenizer_model",
                  pml_tokenizer_model(t), "tokenizer_pre", text(pml_tokenizer_pre(t)), "vocabulary_size",
                  (int)s->vocabulary_size, "chat_template", template, "kv_bytes_per_token", number(s->kv_token_size),
                  "expected_memory_bytes", number(s->parameters ? s->memory_size : 0)),
        0);
}

static void show_text(const struct pml_model_summary *s, const struct pml_gguf *g, const struct pml_tokenizer *t)
{
    char template[64];
    template_name(template, g, t);
    printf("architecture   %s%s%s%s\n", s->architecture, s->rope ? " (rope " : "", s->rope ? s->rope : "",
           s->rope ? ")" : "");
    printf("file           %.1f MB\n", (double)g->file_size / 1e6);
    if (s->parameters) {
        printf("parameters     %.2f M in", (double)s->parameters / 1e6);
        for (uint32_t i = 0; i < PML_COUNT(s->type_counts); i++) {
            if (s->type_counts[i])
                printf(" %s (%u)", pml_tensor_type(i)->name, s->type_counts[i]);
        }
        printf("\nshape          %u layers of %u, %u heads of %u, %u for keys and values\n", s->layer_count,
               s->embedding_length, s->head_count, s->head_size, s->kv_head_count);
        printf("memory         %.1f MB with one sequence of the whole context, %llu bytes a token\n",
               (double)s->memory_size / 1e6, (unsigned long long)s->kv_token_size);
    } else {
        printf("parameters     none: a vocabulary only\n");
    }
    printf("context        %u tokens\n", s->context_length);
    printf("tokenizer      %s%s%s, %u tokens\n", pml_tokenizer_model(t), *pml_tokenizer_pre(t) ? " " : "",
           pml_tokenizer_pre(t), s->vocabulary_size);
    printf("chat template  %s\n", template);
}

static int show(const char *path, bool json)
{
    struct pml_error err;
    struct pml_model_summary summary;
    PML_AUTO(gguf_reader) struct pml_gguf_reader *reader = pml_gguf_open(path, &err);
    if (!reader)
        return pml_cmd_fail(&verb_model, &err);
    const struct pml_gguf *g = pml_gguf_meta(reader);
    PML_AUTO(tokenizer) struct pml_tokenizer *t = pml_tokenizer_new(g, &err);
    if (!t || !pml_model_summarize(&summary, g, &err))
        return pml_cmd_fail(&verb_model, &err);
    if (json)
        return show_json(&summary, g, t);
    show_text(&summary, g, t);
    return pml_cmd_end(0);
}

static int run(int argc, char **argv)
{
    bool json = false;
    for (int opt; (opt = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (opt) {
        case 'j': json = true; break;
        case 'h': return pml_cmd_usage(&verb_model, stdout);
        default: return pml_cmd_usage(&verb_model, stderr);
        }
    }
    if (argc - optind != 2)
        return pml_cmd_usage(&verb_model, stderr);
    if (!strcmp(argv[optind], "digest"))
        return print_digests(argv[optind + 1], json);
    if (!strcmp(argv[optind], "show"))
        return show(argv[optind + 1], json);
    return pml_cmd_usage(&verb_model, stderr);
}

const struct verb verb_model = {
    "model", "digests of a model file, and what it says about itself",
    "usage: pml model digest GGUF [--json]\n"
    "       pml model show GGUF [--json]\n\n"
    "digest prints what receipts say about a model: the SHA-256 of the file, the subject digest of an OpenSSF Model\n"
    "Signing signature, and the digests of the tokenizer and of the chat template in it.\n"
    "show prints architecture, size, tokenizer, chat template family and the memory that the model needs.\n\n"
    "  --json  print one JSON object\n\n"
    "Exit status: 0 done, 1 the model is refused, 2 usage, 3 could not run.\n",
    run
};
