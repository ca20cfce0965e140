/* SPDX-License-Identifier: MIT */
/*
 * How the conversations of one model become prompts: by a family that the engine has (chat.h), else by the template
 * that the file carries (jinja.h). Immutable once made; any thread may use it.
 */
#ifndef PML_ENGINE_CHAT_TEMPLATE_H
#define PML_ENGINE_CHAT_TEMPLATE_H

#include "engine/chat.h"

#define PML_DATE_TEXT 11 /* "YYYY-MM-DD" */

struct pml_chat_template;

/* Of a file and its tokenizer, which must outlive it. PML_NO: "chat_template", the file has none or one that cannot be
 * compiled; gguf, memory. */
PML_CHECKED
struct pml_chat_template *pml_chat_template_new(const struct pml_gguf *g, const struct pml_tokenizer *tokenizer,
                                                struct pml_error *err);
void pml_chat_template_free(struct pml_chat_template *t);
void pml_chat_template_auto(struct pml_chat_template **t);

/* As receipts name it: "builtin:" and the family, or "jinja". */
const char *pml_chat_template_name(const struct pml_chat_template *t);

/*
 * The prompt as token ids, with BOS once where the vocabulary asks for it; appended to OUT. A template that reads the
 * clock gets the beginning of the UTC day of SERVED_AT, unix seconds; DATE then is that day, else "" (spec
 * inference-api §5.3). PML_NO: "chat_template" the template refuses the conversation, too_large; memory.
 */
PML_CHECKED
bool pml_chat_template_tokens(const struct pml_chat_template *t, const struct pml_chat_message *messages, size_t count,
                              int64_t served_at, char date[PML_DATE_TEXT], struct pml_tokens *out,
                              struct pml_error *err);

#endif
