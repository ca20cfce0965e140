/* SPDX-License-Identifier: MIT */
/* What methods and filters do to texts. Marks stay with their bytes. */
#ifndef PML_ENGINE_JINJA_TEXT_H
#define PML_ENGINE_JINJA_TEXT_H

#include "engine/jinja/value.h"

enum jinja_ends { JINJA_LEFT = 1, JINJA_RIGHT = 2, JINJA_BOTH = 3 };
enum jinja_case {
    JINJA_UPPER,
    JINJA_LOWER,
    JINJA_CAPITALIZE,
    JINJA_TITLE_WORDS,  /* str.title(): a letter behind anything that is none begins a word */
    JINJA_TITLE_BLANKS, /* the filter: words begin behind blanks, hyphens and opening brackets */
};

bool jinja_is_text(struct jinja_run *run, struct jinja_value value); /* fails otherwise */
/* Without the characters of CHARS, or white space if CHARS was not given or is none, at these ends. */
struct jinja_value jinja_strip(struct jinja_run *run, struct jinja_value text, struct jinja_value chars,
                               enum jinja_ends ends);
struct jinja_value jinja_change_case(struct jinja_run *run, struct jinja_value text, enum jinja_case to);
/* COUNT: at most so many, from the left; not given: all. */
struct jinja_value jinja_replace(struct jinja_run *run, struct jinja_value text, struct jinja_value old,
                                 struct jinja_value new, struct jinja_value count);
struct jinja_value jinja_split(struct jinja_run *run, struct jinja_value text, struct jinja_value separator,
                               struct jinja_value limit);
struct jinja_value jinja_join(struct jinja_run *run, const struct jinja_list *items, struct jinja_value separator);

#endif
