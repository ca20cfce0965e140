/* SPDX-License-Identifier: MIT */
/*
 * A chat completion request (spec inference-api §4.1) as checked values. What would change the answer and is not
 * supported is refused, never ignored; members nobody knows are ignored. Decimals are rounded to binary32 once, from
 * their spelling, and seeds keep 64 bits, so that a receipt's sampling can be computed again from the request's bytes.
 */
#ifndef PML_OPENAI_REQUEST_H
#define PML_OPENAI_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/chat.h"
#include "engine/sampling.h"
#include "engine/text_stream.h"
#include "openai/error.h"

#define PML_CHAT_MESSAGES_MAX 4096
#define PML_CHAT_CHOICES_MAX  8

struct pml_chat_request {
    json_t *document;                  /* owns the strings below */
    const char *model;                 /* "" when absent */
    struct pml_chat_message *messages; /* at least one; contents may hold U+0000 */
    char **joined;                     /* owns the contents that came in parts, else NULL */
    size_t message_count;
    bool stream, include_usage;

    int64_t max_tokens; /* -1: until the context is full */
    const char *stops[PML_STOPS_MAX];
    size_t stop_count;
    bool has_seed;
    uint64_t seed;

    struct pml_sampling sampling; /* its logit_bias belongs to the request */

    bool wants_sessions; /* provider.aci_session_ids was given, which a direct service cannot honour (§2.4) */
};

/*
 * Reads SIZE bytes of a body. On failure ERR is 400 with param set to the member's path and never quotes the body; OUT
 * is then empty. Free with pml_chat_request_free in either case.
 */
PML_CHECKED
bool pml_chat_request_parse(struct pml_chat_request *out, const char *body, size_t size, struct pml_api_error *err);
void pml_chat_request_free(struct pml_chat_request *r);
void pml_chat_request_auto(struct pml_chat_request *r);

#endif
