/* SPDX-License-Identifier: MIT */
/*
 * The template families of spec engine §8. Every family is a row of literals; what differs in kind (turns that hold
 * several messages, a system text that joins the next message) is a flag of the row.
 */
#include "engine/chat.h"

#include <string.h>

#include "base/memory.h"

enum { TRIM_SYSTEM = 1 << PML_ROLE_SYSTEM, TRIM_USER = 1 << PML_ROLE_USER, TRIM_ASSISTANT = 1 << PML_ROLE_ASSISTANT };
#define TRIM_ALL (TRIM_SYSTEM | TRIM_USER | TRIM_ASSISTANT)

struct family {
    const char *name;
    const char *start;                  /* before everything */
    const char *open[3], *close[3];     /* around a content, by role */
    const char *prompt;                 /* where the answer begins */
    const char *first_turn, *next_turn; /* open a turn, which ends with the assistant's message; NULL: no turns */
    unsigned trims;                     /* roles whose contents lose ASCII blanks at both ends */
    bool system_joins;                  /* the system text is put before the next content that is not the assistant's */
};

static const struct family families[PML_CHAT_COUNT] = {
    [PML_CHAT_NONE] = { .name = "none" },
    [PML_CHAT_CHATML] = { "chatml",
                          "",
                          { "<|im_start|>system\n", "<|im_start|>user\n", "<|im_start|>assistant\n" },
                          { "<|im_end|>\n", "<|im_end|>\n", "<|im_end|>\n" },
                          "<|im_start|>assistant\n" },
    [PML_CHAT_PHI4] = { "phi4",
                        "",
                        { "<|im_start|>system<|im_sep|>", "<|im_start|>user<|im_sep|>",
                          "<|im_start|>assistant<|im_sep|>" },
                        { "<|im_end|>", "<|im_end|>", "<|im_end|>" },
                        "<|im_start|>assistant<|im_sep|>" },
    [PML_CHAT_MISTRAL_V7] = { "mistral-v7",
                              "",
                              { "[SYSTEM_PROMPT] ", "[INST] ", " " },
                              { "[/SYSTEM_PROMPT]", "[/INST]", "</s>" },
                              "" },
    [PML_CHAT_MISTRAL_V1] = { "mistral-v1",
                              "",
                              { "", "", " " },
                              { "\n\n", " [/INST]", "</s>" },
                              "",
                              " [INST] ",
                              " [INST] " },
    [PML_CHAT_MISTRAL_V3] = { "mistral-v3",
                              "",
                              { "", "", " " },
                              { "\n\n", "[/INST]", "</s>" },
                              "",
                              "[INST] ",
                              "[INST] ",
                              TRIM_ASSISTANT },
    [PML_CHAT_MISTRAL_V3_TEKKEN] = { "mistral-v3-tekken",
                                     "",
                                     { "", "", "" },
                                     { "\n\n", "[/INST]", "</s>" },
                                     "",
                                     "[INST]",
                                     "[INST]" },
    [PML_CHAT_LLAMA2] = { "llama2", "", { "", "", "" }, { "\n", " [/INST]", "</s>" }, "", "[INST] ", "[INST] " },
    [PML_CHAT_LLAMA2_SYS] = { "llama2-sys",
                              "",
                              { "<<SYS>>\n", "", "" },
                              { "\n<</SYS>>\n\n", " [/INST]", "</s>" },
                              "",
                              "[INST] ",
                              "[INST] " },
    [PML_CHAT_LLAMA2_SYS_BOS] = { "llama2-sys-bos",
                                  "",
                                  { "<<SYS>>\n", "", "" },
                                  { "\n<</SYS>>\n\n", " [/INST]", "</s>" },
                                  "",
                                  "[INST] ",
                                  "<s>[INST] " },
    [PML_CHAT_LLAMA2_SYS_STRIP] = { "llama2-sys-strip",
                                    "",
                                    { "<<SYS>>\n", "", "" },
                                    { "\n<</SYS>>\n\n", " [/INST]", "</s>" },
                                    "",
                                    "[INST] ",
                                    "[INST] ",
                                    TRIM_ALL },
    [PML_CHAT_PHI3] = { "phi3",
                        "",
                        { "<|system|>\n", "<|user|>\n", "<|assistant|>\n" },
                        { "<|end|>\n", "<|end|>\n", "<|end|>\n" },
                        "<|assistant|>\n" },
    [PML_CHAT_FALCON3] = { "falcon3",
                           "",
                           { "<|system|>\n", "<|user|>\n", "<|assistant|>\n" },
                           { "\n", "\n", "\n" },
                           "<|assistant|>\n" },
    [PML_CHAT_GLM_EDGE] = { "glm-edge",
                            "",
                            { "<|system|>\n", "<|user|>\n", "<|assistant|>\n" },
                            { "", "", "" },
                            "<|assistant|>" },
    [PML_CHAT_ZEPHYR] = { "zephyr",
                          "",
                          { "<|system|>\n", "<|user|>\n", "<|assistant|>\n" },
                          { "<|endoftext|>\n", "<|endoftext|>\n", "<|endoftext|>\n" },
                          "<|assistant|>\n" },
    [PML_CHAT_GEMMA] = { "gemma",
                         "",
                         { "", "<start_of_turn>user\n", "<start_of_turn>model\n" },
                         { "\n\n", "<end_of_turn>\n", "<end_of_turn>\n" },
                         "<start_of_turn>model\n",
                         NULL,
                         NULL,
                         TRIM_ALL,
                         true },
    [PML_CHAT_VICUNA] = { "vicuna", "", { "", "USER: ", "ASSISTANT: " }, { "\n\n", "\n", "</s>\n" }, "ASSISTANT:" },
    [PML_CHAT_DEEPSEEK_CODER] = { "deepseek-coder",
                                  "",
                                  { "", "### Instruction:\n", "### Response:\n" },
                                  { "", "\n", "\n<|EOT|>\n" },
                                  "### Response:\n" },
    [PML_CHAT_COMMAND_R] = { "command-r",
                             "",
                             { "<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>", "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>",
                               "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>" },
                             { "<|END_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>" },
                             "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
                             NULL,
                             NULL,
                             TRIM_ALL },
    [PML_CHAT_LLAMA3] = { "llama3",
                          "",
                          { "<|start_header_id|>system<|end_header_id|>\n\n",
                            "<|start_header_id|>user<|end_header_id|>\n\n",
                            "<|start_header_id|>assistant<|end_header_id|>\n\n" },
                          { "<|eot_id|>", "<|eot_id|>", "<|eot_id|>" },
                          "<|start_header_id|>assistant<|end_header_id|>\n\n",
                          NULL,
                          NULL,
                          TRIM_ALL },
    [PML_CHAT_CHATGLM4] = { "chatglm4",
                            "[gMASK]<sop>",
                            { "<|system|>\n", "<|user|>\n", "<|assistant|>\n" },
                            { "", "", "" },
                            "<|assistant|>" },
    [PML_CHAT_DEEPSEEK3] = { "deepseek3",
                             "",
                             { "", "<｜User｜>", "<｜Assistant｜>" },
                             { "\n\n", "", "<｜end▁of▁sentence｜>" },
                             "<｜Assistant｜>" },
    [PML_CHAT_GRANITE] = { "granite",
                           "",
                           { "<|start_of_role|>system<|end_of_role|>", "<|start_of_role|>user<|end_of_role|>",
                             "<|start_of_role|>assistant<|end_of_role|>" },
                           { "<|end_of_text|>\n", "<|end_of_text|>\n", "<|end_of_text|>\n" },
                           "<|start_of_role|>assistant<|end_of_role|>\n" },
};

const char *pml_chat_family_name(enum pml_chat_family family)
{
    return families[family].name;
}

bool pml_chat_family_parse(enum pml_chat_family *out, const char *name)
{
    for (size_t i = 0; i < PML_COUNT(families); i++) {
        if (!strcmp(families[i].name, name)) {
            *out = (enum pml_chat_family)i;
            return true;
        }
    }
    return false;
}

static bool has(struct pml_gguf_text text, const char *mark)
{
    return memmem(text.bytes, text.size, mark, strlen(mark));
}

static enum pml_chat_family detect_inst(struct pml_gguf_text text)
{
    if (has(text, "[SYSTEM_PROMPT]"))
        return PML_CHAT_MISTRAL_V7;
    if (has(text, "' [INST] ' + system_message") || has(text, "[AVAILABLE_TOOLS]"))
        return has(text, " [INST]")      ? PML_CHAT_MISTRAL_V1
               : has(text, "\"[INST]\"") ? PML_CHAT_MISTRAL_V3_TEKKEN
                                         : PML_CHAT_MISTRAL_V3;
    if (has(text, "content.strip()"))
        return PML_CHAT_LLAMA2_SYS_STRIP;
    if (has(text, "bos_token + '[INST]"))
        return PML_CHAT_LLAMA2_SYS_BOS;
    return has(text, "<<SYS>>") ? PML_CHAT_LLAMA2_SYS : PML_CHAT_LLAMA2;
}

/* Both marks, or one and NULL; the first row that matches wins. */
static const struct {
    const char *first, *second;
    enum pml_chat_family family;
} marks[] = {
    { "<|user|>", "<|endoftext|>", PML_CHAT_ZEPHYR },
    { "<start_of_turn>", NULL, PML_CHAT_GEMMA },
    { "USER: ", "ASSISTANT: ", PML_CHAT_VICUNA },
    { "### Instruction:", "<|EOT|>", PML_CHAT_DEEPSEEK_CODER },
    { "<|START_OF_TURN_TOKEN|>", "<|USER_TOKEN|>", PML_CHAT_COMMAND_R },
    { "<|start_header_id|>", "<|end_header_id|>", PML_CHAT_LLAMA3 },
    { "[gMASK]<sop>", NULL, PML_CHAT_CHATGLM4 },
};

/* The order of spec engine §8. */
static enum pml_chat_family detect(struct pml_gguf_text text)
{
    if (has(text, "<|im_start|>"))
        return has(text, "<|im_sep|>") ? PML_CHAT_PHI4 : PML_CHAT_CHATML;
    if ((text.size >= 7 && !memcmp(text.bytes, "mistral", 7)) || has(text, "[INST]"))
        return detect_inst(text);
    if (has(text, "<|assistant|>") && has(text, "<|end|>"))
        return PML_CHAT_PHI3;
    if (has(text, "<|assistant|>") && has(text, "<|user|>"))
        return has(text, "</s>") ? PML_CHAT_FALCON3 : PML_CHAT_GLM_EDGE;
    for (size_t i = 0; i < PML_COUNT(marks); i++) {
        if (has(text, marks[i].first) && (!marks[i].second || has(text, marks[i].second)))
            return marks[i].family;
    }
    if (has(text, "<｜Assistant｜>") && has(text, "<｜User｜>") && has(text, "<｜end▁of▁sentence｜>"))
        return PML_CHAT_DEEPSEEK3;
    return has(text, "<|start_of_role|>") ? PML_CHAT_GRANITE : PML_CHAT_NONE;
}

bool pml_chat_family_detect(enum pml_chat_family *out, const struct pml_gguf *g, struct pml_error *err)
{
    struct pml_gguf_text text = { "", 0 };
    if (!pml_gguf_string(g, "tokenizer.chat_template", PML_OPTIONAL, &text, err))
        return false;
    *out = detect(text);
    return true;
}

bool pml_role_parse(enum pml_role *out, const char *name)
{
    static const struct {
        const char *name;
        enum pml_role role;
    } roles[] = { { "system", PML_ROLE_SYSTEM },
                  { "developer", PML_ROLE_SYSTEM },
                  { "user", PML_ROLE_USER },
                  { "assistant", PML_ROLE_ASSISTANT } };
    for (size_t i = 0; i < PML_COUNT(roles); i++) {
        if (!strcmp(roles[i].name, name)) {
            *out = roles[i].role;
            return true;
        }
    }
    return false;
}

struct rendering {
    const struct family *family;
    struct pml_buf *text, *mask;
    struct pml_gguf_text system; /* that joins the next message */
};

static void put(struct rendering *r, const char *bytes, size_t size, uint8_t literal)
{
    uint8_t *room = pml_buf_room(r->mask, size);
    pml_put_bytes(r->text, bytes, size);
    if (room) {
        memset(room, literal, size);
        pml_buf_grow(r->mask, size);
    }
}

static void put_literal(struct rendering *r, const char *literal)
{
    if (*literal)
        put(r, literal, strlen(literal), 1);
}

static void put_content(struct rendering *r, struct pml_gguf_text content)
{
    if (content.size)
        put(r, content.bytes, content.size, 0);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= 9 && c <= 13);
}

static struct pml_gguf_text trim(struct pml_gguf_text text)
{
    while (text.size && is_blank(text.bytes[0])) {
        text.bytes++;
        text.size--;
    }
    while (text.size && is_blank(text.bytes[text.size - 1]))
        text.size--;
    return text;
}

static void put_message(struct rendering *r, const struct pml_chat_message *m)
{
    const struct family *f = r->family;
    struct pml_gguf_text content = { m->content, m->size };
    if (f->trims & 1u << m->role)
        content = trim(content);
    if (f->system_joins && m->role == PML_ROLE_SYSTEM) {
        r->system = content;
        return;
    }
    put_literal(r, f->open[m->role]);
    if (r->system.size && m->role != PML_ROLE_ASSISTANT) {
        put_content(r, r->system);
        put_literal(r, f->close[PML_ROLE_SYSTEM]);
        r->system.size = 0;
    }
    put_content(r, content);
    put_literal(r, f->close[m->role]);
}

bool pml_chat_render(enum pml_chat_family family, const struct pml_chat_message *messages, size_t count,
                     struct pml_buf *text, struct pml_buf *mask, struct pml_error *err)
{
    struct rendering r = { &families[family], text, mask, { NULL, 0 } };
    bool in_turn = false;
    if (family == PML_CHAT_NONE)
        return pml_fail(err, PML_NO, "chat_template", "the model has no chat template that is known");
    text->limit = mask->limit = PML_TEXT_MAX;
    put_literal(&r, r.family->start);
    for (size_t i = 0; i < count; i++) {
        if (r.family->first_turn && !in_turn)
            put_literal(&r, i ? r.family->next_turn : r.family->first_turn);
        in_turn = messages[i].role != PML_ROLE_ASSISTANT;
        put_message(&r, &messages[i]);
    }
    put_literal(&r, r.family->prompt);
    if (!pml_buf_check(text, err) || !pml_buf_check(mask, err))
        return pml_wrap(err, "prompt");
    return true;
}

bool pml_chat_tokens(enum pml_chat_family family, const struct pml_tokenizer *t,
                     const struct pml_chat_message *messages, size_t count, struct pml_tokens *out,
                     struct pml_error *err)
{
    PML_AUTO(buf) struct pml_buf text = { 0 };
    PML_AUTO(buf) struct pml_buf mask = { 0 };
    bool done = pml_chat_render(family, messages, count, &text, &mask, err) &&
                pml_tokenizer_encode(t, (const char *)text.bytes, text.size,
                                     (struct pml_encode){ .add_special = true, .mask = mask.bytes }, out, err);
    if (text.bytes)
        pml_wipe(text.bytes, text.room);
    return done;
}
