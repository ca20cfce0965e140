/* SPDX-License-Identifier: MIT */
/*
 * A seeded text grammar that knows how probable everything is that it writes.
 *
 * Notation of a template: [a|b|c] one of these, equally likely, nested as needed, an alternative may be empty; {name}
 * the rule of that name; {X=name} the same, remembered as X (one capital letter); {X} what was remembered. Runs of
 * blanks become one, and blanks before , . ? ! and at both ends vanish.
 */
#ifndef TRAIN_GRAMMAR_H
#define TRAIN_GRAMMAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014). */
struct rng {
    uint64_t state;
};

uint64_t rng_next(struct rng *r);
/* Uniform in [0, n), n at least 1 and below 2^32 (bias under 2^-32). */
uint32_t rng_below(struct rng *r, uint32_t n);

struct grammar_rule {
    const char *name, *text;
};

enum { GRAMMAR_VALUE_SIZE = 64 };

struct grammar {
    struct rng rng;
    double bits; /* -log2 of the probability of all choices since the caller last set it to 0 */
    const struct grammar_rule *rules;
    size_t rules_count;
    char value[26][GRAMMAR_VALUE_SIZE];
};

/* A choice among N, counted. */
uint32_t grammar_choose(struct grammar *g, uint32_t n);

/* True with probability PERCENT / 100, counted. */
bool grammar_chance(struct grammar *g, uint32_t percent);

/* Appends an expansion of TEMPLATE to OUT. An unknown rule or an unbalanced bracket is our bug: it aborts. */
void grammar_expand(struct grammar *g, struct pml_buf *out, const char *template);

#endif
