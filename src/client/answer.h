/* SPDX-License-Identifier: MIT */
/*
 * The text of a chat completion as it arrives: server-sent events or one JSON body, cut anywhere by the network. Each
 * event is parsed once and memory is bounded by the largest event. What the bytes are worth is not decided here: they
 * are shown while the receipt is still to come.
 */
#ifndef PML_CLIENT_ANSWER_H
#define PML_CLIENT_ANSWER_H

#include "base/buf.h"
#include "base/error.h"

struct pml_answer {
    struct pml_buf pending; /* of the event, or of the body */
    struct pml_buf text;    /* all content so far */
    char finish_reason[32]; /* "" until one was given */
    bool begun, is_body, done;
};

void pml_answer_init(struct pml_answer *answer);

/*
 * Takes the next SIZE bytes and appends the new content to answer->text. PML_NO, "response": not a chat completion,
 * more than one choice, or an error event (its message is quoted); memory.
 */
PML_CHECKED
bool pml_answer_feed(struct pml_answer *answer, const void *bytes, size_t size, struct pml_error *err);

/* The bytes have ended: reads a body, and refuses a stream that did not end in [DONE]. PML_NO, "response"; memory. */
PML_CHECKED
bool pml_answer_end(struct pml_answer *answer, struct pml_error *err);

/* Fails with what an error response says: PML_NO "refused" for a status below 500 but 429, else PML_UNKNOWN "server".
 */
void *pml_answer_refused(unsigned status, const char *body, size_t size, struct pml_error *err);

void pml_answer_free(struct pml_answer *answer);
void pml_answer_auto(struct pml_answer *answer);

#endif
