/* SPDX-License-Identifier: MIT */
/*
 * What the demo model can talk about: one table row a topic, in the notation of grammar.h.
 *
 * Every phrase of .answer holds the topic's key word, whatever is chosen inside it, and says nothing that the project's
 * own documentation does not. A .noun can be put into any frame that asks for an explanation ("what is ...").
 */
#ifndef TRAIN_TOPICS_H
#define TRAIN_TOPICS_H

#include <stddef.h>
#include <stdint.h>

struct topic {
    const char *noun;    /* NULL: only the questions below are asked */
    uint32_t weight;     /* how often compared with others; 0 stands for 1 */
    const char *ask[24]; /* questions without the mark at the end */
    const char *answer[4];
};

struct topics {
    const struct topic *list;
    size_t count;
};

/* topics_self.c: the demo model itself; topics_trust.c: attestation and receipts; topics_engine.c: the engine and its
 * files; topics_use.c: the project and its programs; topics_other.c: small talk, and what the model does not know */
extern const struct topics topics_self, topics_trust, topics_engine, topics_use, topics_other;

#endif
