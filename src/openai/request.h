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

#include "openai/error.h"

#define PML_CHAT_MESSAGES_MAX 4096
#define PML_CHAT_STOPS_MAX    16
#define PML_CHAT_CHOICES_MAX  8

struct pml_chat_text { /* UTF-8, may hold U+0000 */
    const char *bytes;
    size_t size;
};

enum pml_chat_role { PML_CHAT_SYSTEM, PML_CHAT_USER, PML_CHAT_ASSISTANT };

struct pml_chat_turn {
    enum pml_chat_role role; /* developer is system */
    struct pml_chat_text content;
    char *joined; /* owns content when it came in parts, else NULL */
};

struct pml_chat_bias {
    int32_t token;
    float bias;
};

struct pml_chat_request {
    json_t *document;  /* owns the strings below */
    const char *model; /* "" when absent */
    struct pml_chat_turn *turns;
    size_t turn_count;
    bool stream, include_usage;

    int64_t max_tokens; /* -1: until the context is full */
    struct pml_chat_text stops[PML_CHAT_STOPS_MAX];
    size_t stop_count;
    bool has_seed;
    uint64_t seed;

    float temperature, top_p, min_p, typical_p, repeat_penalty, presence_penalty, frequency_penalty;
    int32_t top_k;                /* 0: off */
    int32_t repeat_last_n;        /* -1: all */
    struct pml_chat_bias *biases; /* by ascending token, no token twice */
    size_t bias_count;

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

/* "system", "user", "assistant". */
const char *pml_chat_role_name(enum pml_chat_role role);

#endif
