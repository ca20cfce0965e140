/* SPDX-License-Identifier: MIT */
/* Reading the content of chat completions. */
#include "client/answer.h"

#include <string.h>

#include "base/json.h"

enum { PENDING_MAX = 32 << 20 };

void pml_answer_init(struct pml_answer *answer)
{
    *answer = (struct pml_answer){ .pending = { .limit = PENDING_MAX }, .text = { .limit = PENDING_MAX } };
}

static const char *error_message(const json_t *document)
{
    const json_t *error = json_object_get(document, "error");
    const char *message = json_string_value(json_object_get(error, "message"));
    return message ? message : "no message";
}

/* One document: PART of its choice is "delta" in an event, "message" in a body. An empty choices is a usage chunk. */
static bool read_document(struct pml_answer *answer, const char *text, size_t size, const char *part,
                          struct pml_error *err)
{
    PML_AUTO(json) json_t *document = pml_json_load(text, size, err);
    if (!document)
        return false;
    if (json_object_get(document, "error"))
        return pml_fail(err, PML_NO, "response", "the server broke off: %.200s", error_message(document));
    const json_t *choices = pml_json_array(document, "choices", err);
    if (!choices)
        return false;
    if (json_array_size(choices) > 1)
        return pml_fail(err, PML_NO, "response", "more than one choice");
    const json_t *choice = json_array_get(choices, 0);
    const json_t *content = json_object_get(json_object_get(choice, part), "content");
    const char *finish = json_string_value(json_object_get(choice, "finish_reason"));
    if (content)
        pml_put_bytes(&answer->text, json_string_value(content), json_string_length(content));
    if (finish && strlen(finish) < sizeof answer->finish_reason)
        memcpy(answer->finish_reason, finish, strlen(finish) + 1);
    return pml_buf_check(&answer->text, err);
}

static bool read_event(struct pml_answer *answer, const char *event, size_t size, struct pml_error *err)
{
    if (size < 6 || memcmp(event, "data: ", 6) != 0 || answer->done)
        return pml_fail(err, PML_NO, "response", "not a stream of chat completion events");
    if (size == 12 && memcmp(event + 6, "[DONE]", 6) == 0) {
        answer->done = true;
        return true;
    }
    return read_document(answer, event + 6, size - 6, "delta", err);
}

bool pml_answer_feed(struct pml_answer *answer, const void *bytes, size_t size, struct pml_error *err)
{
    if (!size)
        return true;
    if (!answer->begun)
        answer->is_body = *(const char *)bytes == '{';
    answer->begun = true;
    size_t old = answer->pending.size;
    pml_put_bytes(&answer->pending, bytes, size);
    if (!pml_buf_check(&answer->pending, err))
        return false;
    if (answer->is_body)
        return true;
    /* only what is new, and the byte before it, can complete an event */
    char *start = (char *)answer->pending.bytes;
    char *end = start + answer->pending.size;
    char *from = old ? start + old - 1 : start;
    for (char *stop; (stop = memmem(from, (size_t)(end - from), "\n\n", 2)); from = start) {
        if (stop > start && !read_event(answer, start, (size_t)(stop - start), err))
            return false;
        start = stop + 2;
    }
    if (start > (char *)answer->pending.bytes) {
        answer->pending.size = (size_t)(end - start);
        memmove(answer->pending.bytes, start, answer->pending.size);
    }
    return true;
}

bool pml_answer_end(struct pml_answer *answer, struct pml_error *err)
{
    if (answer->is_body) {
        answer->done = true;
        return read_document(answer, (const char *)answer->pending.bytes, answer->pending.size, "message", err);
    }
    if (!answer->done || answer->pending.size)
        return pml_fail(err, PML_NO, "response", "the stream did not end with [DONE]");
    return true;
}

void *pml_answer_refused(unsigned status, const char *body, size_t size, struct pml_error *err)
{
    struct pml_error none;
    bool refusal = status < 500 && status != 429;
    PML_AUTO(json) json_t *document = pml_json_load(body, size, &none);
    return pml_fail(err, refusal ? PML_NO : PML_UNKNOWN, refusal ? "refused" : "server",
                    "the server answered %u: %.200s", status, error_message(document));
}

void pml_answer_free(struct pml_answer *answer)
{
    pml_buf_free(&answer->pending);
    pml_buf_free(&answer->text);
}

void pml_answer_auto(struct pml_answer *answer)
{
    pml_answer_free(answer);
}
