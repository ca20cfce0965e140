/* SPDX-License-Identifier: MIT */
/*
 * Conversations as prompts (spec engine §8): the template families that are recognised by the marks in a model's
 * template text. What a person wrote never becomes a control token (§7.4): only the literals of the template may.
 */
#ifndef PML_ENGINE_CHAT_H
#define PML_ENGINE_CHAT_H

#include "engine/tokenizer.h"

enum pml_chat_family {
    PML_CHAT_NONE, /* no family is recognised: completions only */
    PML_CHAT_CHATML,
    PML_CHAT_PHI4,
    PML_CHAT_MISTRAL_V7,
    PML_CHAT_MISTRAL_V1,
    PML_CHAT_MISTRAL_V3,
    PML_CHAT_MISTRAL_V3_TEKKEN,
    PML_CHAT_LLAMA2,
    PML_CHAT_LLAMA2_SYS,
    PML_CHAT_LLAMA2_SYS_BOS,
    PML_CHAT_LLAMA2_SYS_STRIP,
    PML_CHAT_PHI3,
    PML_CHAT_FALCON3,
    PML_CHAT_GLM_EDGE,
    PML_CHAT_ZEPHYR,
    PML_CHAT_GEMMA,
    PML_CHAT_VICUNA,
    PML_CHAT_DEEPSEEK_CODER,
    PML_CHAT_COMMAND_R,
    PML_CHAT_LLAMA3,
    PML_CHAT_CHATGLM4,
    PML_CHAT_DEEPSEEK3,
    PML_CHAT_GRANITE,
    PML_CHAT_COUNT,
};

enum pml_role { PML_ROLE_SYSTEM, PML_ROLE_USER, PML_ROLE_ASSISTANT };

struct pml_chat_message {
    enum pml_role role;
    const char *content; /* UTF-8, borrowed */
    size_t size;         /* bytes of content */
};

/* "chatml", "llama3", ...; "none". A receipt's chat_template is "builtin:" and this, or "none". */
const char *pml_chat_family_name(enum pml_chat_family family);
PML_CHECKED
bool pml_chat_family_parse(enum pml_chat_family *out, const char *name); /* false: no such family */

/* The family of a file's tokenizer.chat_template; NONE if it has none or its marks are unknown. gguf. */
PML_CHECKED
bool pml_chat_family_detect(enum pml_chat_family *out, const struct pml_gguf *g, struct pml_error *err);

/* "system", "developer" (the same), "user", "assistant". False: another word. */
PML_CHECKED
bool pml_role_parse(enum pml_role *out, const char *name);

/*
 * The prompt as text, ending where the assistant's answer begins, and its mask for pml_encode: 1 for the template's
 * literals, 0 for contents. BOS is not in it. PML_NO: "chat_template" for NONE; too_large (over PML_TEXT_MAX), memory.
 */
PML_CHECKED
bool pml_chat_render(enum pml_chat_family family, const struct pml_chat_message *messages, size_t count,
                     struct pml_buf *text, struct pml_buf *mask, struct pml_error *err);

/* The prompt as token ids, BOS included where the vocabulary asks for it; appended to OUT. As above. */
PML_CHECKED
bool pml_chat_tokens(enum pml_chat_family family, const struct pml_tokenizer *t,
                     const struct pml_chat_message *messages, size_t count, struct pml_tokens *out,
                     struct pml_error *err);

#endif
