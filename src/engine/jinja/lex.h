/* SPDX-License-Identifier: MIT */
/*
 * Template text to tokens. White space around tags is settled here: trim_blocks drops the newline behind a block tag
 * or comment, lstrip_blocks the blanks before one that begins a line, and the signs in tags overrule both.
 */
#ifndef PML_ENGINE_JINJA_LEX_H
#define PML_ENGINE_JINJA_LEX_H

#include "base/error.h"
#include "engine/jinja/arena.h"

#include <stdint.h>

enum jinja_token_kind {
    JINJA_TOKEN_END,
    JINJA_TOKEN_DATA,  /* text between tags */
    JINJA_TOKEN_BLOCK, /* {% */
    JINJA_TOKEN_BLOCK_END,
    JINJA_TOKEN_PRINT, /* {{ */
    JINJA_TOKEN_PRINT_END,
    JINJA_TOKEN_NAME,
    JINJA_TOKEN_INTEGER,
    JINJA_TOKEN_REAL,
    JINJA_TOKEN_STRING,
    JINJA_TOKEN_SIGN, /* one of + - * / // ** % ~ < > <= >= == != = ( ) [ ] { } , . : | */
};

struct jinja_token {
    enum jinja_token_kind kind;
    unsigned line;
    const char *bytes; /* of data, names and signs as written, of strings as meant */
    size_t size;
    int64_t integer;
    double real;
};

struct jinja_lexer {
    struct jinja_arena *arena; /* keeps the text and the strings */
    const char *at, *end;
    unsigned line, opened;         /* brackets that are open in the tag */
    bool in_tag, in_print;         /* in_print: the tag is {{ */
    bool line_begins;              /* what was read last ended with a newline, or nothing was read */
    enum jinja_token_kind pending; /* tag that follows the data returned last; END: none */
};

PML_CHECKED
bool jinja_lex_begin(struct jinja_lexer *lexer, struct jinja_arena *arena, const char *source, size_t size,
                     struct pml_error *err);
PML_CHECKED
bool jinja_lex_next(struct jinja_lexer *lexer, struct jinja_token *out, struct pml_error *err);

#endif
