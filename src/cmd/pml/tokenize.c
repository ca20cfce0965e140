/* SPDX-License-Identifier: MIT */
/* pml tokenize: text to token ids. */
#include <ctype.h>
#include <getopt.h>

#include "base/file.h"
#include "base/memory.h"
#include "cmd.h"
#include "engine/gguf_reader.h"
#include "engine/text_stream.h"
#include "engine/tokenizer.h"

extern const struct verb verb_tokenize;

static const struct option options[] = { { "model", required_argument, NULL, 'm' },
                                         { "add-special", no_argument, NULL, 'a' },
                                         { "parse-special", no_argument, NULL, 'p' },
                                         { "ids", no_argument, NULL, 'i' },
                                         { "json", no_argument, NULL, 'j' },
                                         { "help", no_argument, NULL, 'h' },
                                         { 0 } };

static struct pml_tokenizer *load(const char *path, struct pml_error *err)
{
    PML_AUTO(gguf_reader) struct pml_gguf_reader *reader = pml_gguf_open(path, err);
    if (!reader)
        return NULL;
    struct pml_tokenizer *t = pml_tokenizer_new(pml_gguf_meta(reader), err);
    return t ? t : pml_wrap(err, "%s", path);
}

static int print_json(const struct pml_tokenizer *t, const struct pml_tokens *tokens)
{
    struct pml_error err;
    PML_AUTO(buf) struct pml_buf text = { 0 };
    PML_AUTO(text_stream) struct pml_text_stream *stream = pml_text_stream_new(t, NULL, 0, &err);
    if (!stream)
        return pml_cmd_fail(&verb_tokenize, &err);
    json_t *ids = json_array();
    for (size_t i = 0; i < tokens->count; i++) {
        json_array_append_new(ids, json_integer(tokens->ids[i]));
        (void)pml_text_stream_put(stream, tokens->ids[i], &text);
    }
    (void)pml_text_stream_end(stream, &text);
    if (!pml_buf_check(&text, &err)) {
        json_decref(ids);
        return pml_cmd_fail(&verb_tokenize, &err);
    }
    return pml_cmd_json(json_pack("{s:o, s:s%}", "tokens", ids, "text", text.size ? (char *)text.bytes : "", text.size),
                        0);
}

static void print_lines(const struct pml_tokenizer *t, const struct pml_tokens *tokens)
{
    for (size_t i = 0; i < tokens->count; i++) {
        struct pml_gguf_text text = pml_tokenizer_text(t, tokens->ids[i]);
        printf("%u\t", tokens->ids[i]);
        for (size_t k = 0; k < text.size; k++) {
            uint8_t byte = (uint8_t)text.bytes[k];
            if (byte < 0x20 || byte == 0x7f || byte == '\\')
                printf("\\x%02x", byte);
            else
                putchar(byte);
        }
        putchar('\n');
    }
}

static void print_ids(const struct pml_tokens *tokens)
{
    for (size_t i = 0; i < tokens->count; i++)
        printf("%s%u", i ? " " : "", tokens->ids[i]);
    putchar('\n');
}

static int run(int argc, char **argv)
{
    const char *model = NULL;
    bool json = false, ids = false;
    struct pml_encode how = { 0 };
    struct pml_error err;
    for (int opt; (opt = getopt_long(argc, argv, "m:h", options, NULL)) != -1;) {
        switch (opt) {
        case 'm': model = optarg; break;
        case 'a': how.add_special = true; break;
        case 'p': how.parse_special = true; break;
        case 'i': ids = true; break;
        case 'j': json = true; break;
        case 'h': return pml_cmd_usage(&verb_tokenize, stdout);
        default: return pml_cmd_usage(&verb_tokenize, stderr);
        }
    }
    if (!model || optind != argc)
        return pml_cmd_usage(&verb_tokenize, stderr);
    PML_AUTO(tokenizer) struct pml_tokenizer *t = load(model, &err);
    if (!t)
        return pml_cmd_fail(&verb_tokenize, &err);
    size_t size;
    PML_AUTO(mem) char *text = pml_read_file("-", PML_TEXT_MAX, &size, &err);
    PML_AUTO(tokens) struct pml_tokens tokens = { 0 };
    if (!text || !pml_tokenizer_encode(t, text, size, how, &tokens, &err))
        return pml_cmd_fail(&verb_tokenize, &err);
    if (json)
        return print_json(t, &tokens);
    if (ids)
        print_ids(&tokens);
    else
        print_lines(t, &tokens);
    return pml_cmd_end(0);
}

const struct verb verb_tokenize = {
    "tokenize", "text to token ids",
    "usage: pml tokenize -m GGUF [OPTIONS] < TEXT\n\n"
    "Encodes standard input as it is, the last newline included, with the tokenizer of a model. The file may hold a\n"
    "vocabulary only. Prints one token a line: id, tab, text.\n\n"
    "  -m, --model GGUF  the model file\n"
    "  --add-special     begin and end with the tokens that the vocabulary asks for (BOS, EOS)\n"
    "  --parse-special   take the texts of control tokens for the tokens\n"
    "  --ids             print the ids on one line\n"
    "  --json            print one JSON object\n\n"
    "Exit status: 0 done, 1 the model is refused, 2 usage, 3 could not run.\n",
    run
};
