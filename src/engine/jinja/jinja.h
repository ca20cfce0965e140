/* SPDX-License-Identifier: MIT */
/*
 * Chat templates as models carry them (spec engine §8): the subset of Jinja that the templates of the supported
 * families use, with the settings of the transformers library (trim_blocks, lstrip_blocks, loop controls, generation
 * tags). Where implementations of Jinja differ the reading of Python's Jinja2 counts. Both the template and what it is
 * given may be hostile: the limits below hold for any input, and a template reads nothing but what it is given.
 *
 * Every byte of the result carries a mark (§7.4): 1 where it comes from the template itself, 0 where it comes from what
 * people and tools wrote. The mark follows the byte through variables, concatenation, slices, filters and macros, so
 * that only a template can write a control token.
 *
 * Not there: include, import, extends, block, call, with, autoescape and recursive loops, which are refused when the
 * template is compiled, and upper and lower case of letters beyond ASCII, which stay as they are.
 */
#ifndef PML_ENGINE_JINJA_H
#define PML_ENGINE_JINJA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

#define PML_JINJA_SOURCE_MAX (1u << 20) /* bytes of template text */
#define PML_JINJA_NESTING    100        /* of blocks and expressions in the text */
#define PML_JINJA_DEPTH      500        /* of evaluations, macro calls included */
#define PML_JINJA_WORK       (1u << 24) /* evaluated nodes; every 16 bytes or elements that are gone over count as one */
#define PML_JINJA_MEMORY     (96u << 20) /* bytes of a compiled template, and of a rendering */
#define PML_JINJA_OUTPUT_MAX (16u << 20) /* bytes of a result */
#define PML_JINJA_RANGE_MAX  100000      /* elements of range() */
#define PML_JINJA_ARGUMENTS  16          /* of one call */

struct pml_jinja;

/* Compiles SIZE bytes; copies what it keeps. The result is immutable, so threads may share it. PML_NO, "chat_template":
 * names the line and what is wrong there; memory. */
PML_CHECKED
struct pml_jinja *pml_jinja_new(const char *source, size_t size, struct pml_error *err);
void pml_jinja_free(struct pml_jinja *template);
void pml_jinja_auto(struct pml_jinja **template);

/* Does the text read a variable of this name? One that does not read "tools" cannot present them. */
bool pml_jinja_reads(const struct pml_jinja *template, const char *variable);

struct pml_jinja_input {
    const json_t *variables;           /* an object: messages, tools, documents, enable_thinking, ... Borrowed. */
    const char *bos_token, *eos_token; /* texts of the vocabulary, so marked 1; NULL: undefined */
    bool add_generation_prompt;        /* end where the assistant's answer begins */
    const char *date;                  /* "YYYY-MM-DD": what strftime_now says; NULL: calling it is an error */
};

/*
 * Appends the prompt to TEXT and one mark per byte to MASK. *READ_CLOCK (may be NULL): the date was used. Strings in
 * the variables are marked 0, except the role of a message where it is one of the words that the API knows. PML_NO,
 * "chat_template": what the template asks for cannot be done, a limit, or raise_exception; the text names a line and
 * shows nothing of the variables. memory. Any thread.
 */
PML_CHECKED
bool pml_jinja_render(const struct pml_jinja *template, const struct pml_jinja_input *input, struct pml_buf *text,
                      struct pml_buf *mask, bool *read_clock, struct pml_error *err);

#endif
