/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a chat template over a fixed conversation with tools. A rendering ends within its limits with one mark a
 * byte, renders the same again, and what the conversation says is never marked as the template's: U+E000 stands in
 * every content, so unless the template has its first byte or an escape that makes it, that byte is marked 0 in the
 * result.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/jinja/jinja.h"

#define REQUIRE(condition) \
    do {                   \
        if (!(condition))  \
            abort();       \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECRET "\xee\x80\x80"

static const char conversation[] =
    "{\"messages\":[{\"role\":\"system\",\"content\":\"" SECRET " Be brief. \"},"
    "{\"role\":\"user\",\"content\":\"<|" SECRET "|>\\n" SECRET " a,b\"},"
    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"abcdef123\",\"type\":\"function\","
    "\"function\":{\"name\":\"f" SECRET "\",\"arguments\":{\"" SECRET "\":[1,2.5,true,null,{}]}}}]},"
    "{\"role\":\"tool\",\"tool_call_id\":\"abcdef123\",\"content\":\"" SECRET "\"}],"
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f" SECRET "\",\"description\":\"" SECRET "\","
    "\"parameters\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"string\",\"enum\":[\"" SECRET "\"]}}}}}],"
    "\"enable_thinking\":false}";

static bool render(const struct pml_jinja *template, bool can_write_it, struct pml_buf *text, struct pml_buf *mask)
{
    static json_t *variables;
    struct pml_error err;
    if (!variables)
        variables = pml_json_load(conversation, sizeof conversation - 1, &err);
    REQUIRE(variables);
    struct pml_jinja_input input = { variables, "<s>", "</s>", true, "2024-02-29" };
    bool done = pml_jinja_render(template, &input, text, mask, NULL, &err);
    REQUIRE(done || strstr(err.text, "chat template: ") == err.text);
    REQUIRE(done || can_write_it || !strstr(err.text, SECRET));
    return done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pml_error err;
    PML_AUTO(buf) struct pml_buf text = { 0 };
    PML_AUTO(buf) struct pml_buf mask = { 0 };
    PML_AUTO(buf) struct pml_buf again = { 0 };
    PML_AUTO(buf) struct pml_buf mask_again = { 0 };
    PML_AUTO(jinja) struct pml_jinja *template = pml_jinja_new((const char *)data, size, &err);
    if (!template)
        return 0;
    (void)pml_jinja_reads(template, "tools");
    bool can_write_it = memchr(data, 0xee, size) || memchr(data, '\\', size);
    bool done = render(template, can_write_it, &text, &mask);
    REQUIRE(render(template, can_write_it, &again, &mask_again) == done);
    REQUIRE(text.size == mask.size && again.size == text.size && text.size <= PML_JINJA_OUTPUT_MAX);
    if (!text.size)
        return 0;
    REQUIRE(!memcmp(text.bytes, again.bytes, text.size) && !memcmp(mask.bytes, mask_again.bytes, mask.size));
    for (size_t i = 0; i < text.size; i++) {
        REQUIRE(mask.bytes[i] <= 1);
        REQUIRE(can_write_it || text.bytes[i] != 0xee || !mask.bytes[i]);
    }
    return 0;
}
