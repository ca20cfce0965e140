/* SPDX-License-Identifier: MIT */
/*
 * Chat completion responses (spec inference-api §4.2, §4.3): writing them whole or as server-sent events, and reading
 * the answer back from the exact bytes of either. Events are `data: JSON` and a blank line, lines end in \n only, and
 * nothing else is in the stream, so that its hash can be computed from split lines as well.
 */
#ifndef PML_OPENAI_RESPONSE_H
#define PML_OPENAI_RESPONSE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "openai/error.h"

#define PML_CHAT_ID_TEXT 40 /* "chatcmpl-" + 24 hex digits + NUL, rounded up */
#define PML_SSE_DONE     "data: [DONE]\n\n"

struct pml_chat_head { /* what every chunk repeats; borrowed */
    const char *id;
    int64_t created;   /* unix seconds */
    const char *model; /* the requested name */
    const char *system_fingerprint;
    bool include_usage;
};

struct pml_chat_usage {
    int64_t prompt_tokens, completion_tokens, cached_tokens;
};

/* A new random id. io. */
PML_CHECKED
bool pml_chat_new_id(char out[PML_CHAT_ID_TEXT], struct pml_error *err);
/* "fp_" + 16 hex digits of SHA-256(build digest || file digest), §5.3. Returns OUT. */
char *pml_system_fingerprint(char out[20], const uint8_t build_digest[32], const uint8_t file_digest[32]);

/* Each appends to OUT; CONTENT is valid UTF-8 of SIZE bytes. */
void pml_chat_put_body(struct pml_buf *out, const struct pml_chat_head *head, const char *content, size_t size,
                       const char *finish_reason, const struct pml_chat_usage *usage);
void pml_chat_put_role_chunk(struct pml_buf *out, const struct pml_chat_head *head);
void pml_chat_put_content_chunk(struct pml_buf *out, const struct pml_chat_head *head, const char *content,
                                size_t size);
void pml_chat_put_finish_chunk(struct pml_buf *out, const struct pml_chat_head *head, const char *finish_reason);
void pml_chat_put_usage_chunk(struct pml_buf *out, const struct pml_chat_head *head,
                              const struct pml_chat_usage *usage);
/* An error in mid-stream (§4.3); PML_SSE_DONE follows unless the receipt could not be kept. */
void pml_chat_put_error_event(struct pml_buf *out, const char *message);

/* The answer in a response, as its bytes say it. */
struct pml_chat_answer {
    char *content; /* owned, NUL-terminated beyond SIZE */
    size_t size;
    char finish_reason[32]; /* "": none was given */
    char id[128], model[257];
    bool stream;   /* it was a stream */
    bool complete; /* a body, or a stream that ended in [DONE] without an error event */
};

/*
 * Reads a body or a stream that was cut anywhere. A first byte of '{' is a body, else a stream; a partial last event
 * is left out. PML_NO: "response" for bytes that are neither, an error body, or more than one choice.
 */
PML_CHECKED
bool pml_chat_answer_read(struct pml_chat_answer *out, const char *bytes, size_t size, struct pml_error *err);
void pml_chat_answer_free(struct pml_chat_answer *answer);
void pml_chat_answer_auto(struct pml_chat_answer *answer);

#endif
