/* SPDX-License-Identifier: MIT */
/*
 * Renders a chat template for tests: render_template TEMPLATE, with a JSON object on standard input whose members are
 * the variables. bos_token, eos_token, add_generation_prompt and date ("YYYY-MM-DD") are not variables but what the
 * engine gives. Prints {"text":S,"mask":S}, the mask one digit a byte, and exits 0; or {"error":S} and 1.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "engine/jinja/jinja.h"

static bool read_input(struct pml_buf *b, struct pml_error *err)
{
    char bytes[4096];
    size_t size;
    while ((size = fread(bytes, 1, sizeof bytes, stdin)))
        pml_put_bytes(b, bytes, size);
    return pml_buf_check(b, err);
}

static bool render(const char *path, struct pml_buf *text, struct pml_buf *mask, struct pml_error *err)
{
    size_t size;
    PML_AUTO(buf) struct pml_buf body = { 0 };
    PML_AUTO(mem) char *source = pml_read_file(path, PML_JINJA_SOURCE_MAX, &size, err);
    if (!source || !read_input(&body, err))
        return false;
    PML_AUTO(json) json_t *variables = pml_json_load_depth((const char *)body.bytes, body.size, 64, err);
    if (!variables)
        return false;
    PML_AUTO(jinja) struct pml_jinja *template = pml_jinja_new(source, size, err);
    if (!template)
        return false;
    struct pml_jinja_input input = {
        .variables = variables,
        .bos_token = json_string_value(json_object_get(variables, "bos_token")),
        .eos_token = json_string_value(json_object_get(variables, "eos_token")),
        .add_generation_prompt = json_is_true(json_object_get(variables, "add_generation_prompt")),
        .date = json_string_value(json_object_get(variables, "date")),
    };
    return pml_jinja_render(template, &input, text, mask, NULL, err);
}

static void print_and_free(json_t *result)
{
    char *line = json_dumps(result, JSON_COMPACT);
    puts(line ? line : "{}");
    free(line);
    json_decref(result);
}

int main(int argc, char **argv)
{
    struct pml_error err = { 0 };
    PML_AUTO(buf) struct pml_buf text = { 0 };
    PML_AUTO(buf) struct pml_buf mask = { 0 };
    if (argc != 2) {
        fprintf(stderr, "usage: render_template TEMPLATE <VARIABLES\n");
        return 2;
    }
    if (!render(argv[1], &text, &mask, &err)) {
        print_and_free(json_pack("{s:s}", "error", err.text));
        return 1;
    }
    for (size_t i = 0; i < mask.size; i++)
        mask.bytes[i] += '0';
    print_and_free(json_pack("{s:s%,s:s%}", "text", text.bytes ? (char *)text.bytes : "", text.size, "mask",
                             mask.bytes ? (char *)mask.bytes : "", mask.size));
    return 0;
}
