/* SPDX-License-Identifier: MIT */
/* Chat completion responses. */
#include "openai/response.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/memory.h"

bool pml_chat_new_id(char out[PML_CHAT_ID_TEXT], struct pml_error *err)
{
    uint8_t random[12];
    if (!pml_random(random, sizeof random, err))
        return false;
    memcpy(out, "chatcmpl-", 9);
    pml_hex(out + 9, random, sizeof random);
    return true;
}

char *pml_system_fingerprint(char out[20], const uint8_t build_digest[32], const uint8_t file_digest[32])
{
    uint8_t both[64], digest[32];
    memcpy(both, build_digest, 32);
    memcpy(both + 32, file_digest, 32);
    pml_sha256(digest, both, sizeof both);
    memcpy(out, "fp_", 3);
    pml_hex(out + 3, digest, 8);
    return out;
}

/* Takes the reference; a NULL object fails the buffer. */
static void put_json(struct pml_buf *out, json_t *object)
{
    PML_AUTO(mem) char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (text)
        pml_put_text(out, text);
    else
        out->failed = true;
}

static void put_event(struct pml_buf *out, json_t *object)
{
    pml_put_text(out, "data: ");
    put_json(out, object);
    pml_put_text(out, "\n\n");
}

static json_t *usage_json(const struct pml_chat_usage *usage)
{
    return json_pack("{s:I, s:I, s:I, s:{s:I}}", "prompt_tokens", (json_int_t)usage->prompt_tokens, "completion_tokens",
                     (json_int_t)usage->completion_tokens, "total_tokens",
                     (json_int_t)(usage->prompt_tokens + usage->completion_tokens), "prompt_tokens_details",
                     "cached_tokens", (json_int_t)usage->cached_tokens);
}

static json_t *envelope(const struct pml_chat_head *head, const char *object)
{
    return json_pack("{s:s, s:s, s:I, s:s, s:s}", "id", head->id, "object", object, "created",
                     (json_int_t)head->created, "model", head->model, "system_fingerprint", head->system_fingerprint);
}

void pml_chat_put_body(struct pml_buf *out, const struct pml_chat_head *head, const char *content, size_t size,
                       const char *finish_reason, const struct pml_chat_usage *usage)
{
    json_t *body = envelope(head, "chat.completion");
    json_object_set_new(body, "choices",
                        json_pack("[{s:i, s:{s:s, s:s%, s:n}, s:n, s:s}]", "index", 0, "message", "role", "assistant",
                                  "content", content, size, "refusal", "logprobs", "finish_reason", finish_reason));
    if (json_object_set_new(body, "usage", usage_json(usage)) != 0 || !json_object_get(body, "choices"))
        out->failed = true;
    put_json(out, body);
}

/* Takes DELTA. */
static void put_chunk(struct pml_buf *out, const struct pml_chat_head *head, json_t *delta, const char *finish_reason)
{
    json_t *chunk = envelope(head, "chat.completion.chunk");
    json_t *choices =
        json_pack("[{s:i, s:o, s:n, s:s?}]", "index", 0, "delta", delta, "logprobs", "finish_reason", finish_reason);
    if (json_object_set_new(chunk, "choices", choices) != 0)
        out->failed = true;
    if (head->include_usage && json_object_set_new(chunk, "usage", json_null()) != 0)
        out->failed = true;
    put_event(out, chunk);
}

void pml_chat_put_role_chunk(struct pml_buf *out, const struct pml_chat_head *head)
{
    put_chunk(out, head, json_pack("{s:s, s:s}", "role", "assistant", "content", ""), NULL);
}

void pml_chat_put_content_chunk(struct pml_buf *out, const struct pml_chat_head *head, const char *content, size_t size)
{
    put_chunk(out, head, json_pack("{s:s%}", "content", content, size), NULL);
}

void pml_chat_put_finish_chunk(struct pml_buf *out, const struct pml_chat_head *head, const char *finish_reason)
{
    put_chunk(out, head, json_object(), finish_reason);
}

void pml_chat_put_usage_chunk(struct pml_buf *out, const struct pml_chat_head *head, const struct pml_chat_usage *usage)
{
    json_t *chunk = envelope(head, "chat.completion.chunk");
    if (json_object_set_new(chunk, "choices", json_array()) != 0 ||
        json_object_set_new(chunk, "usage", usage_json(usage)) != 0)
        out->failed = true;
    put_event(out, chunk);
}

void pml_chat_put_error_event(struct pml_buf *out, const char *message)
{
    put_event(out, json_pack("{s:{s:s, s:s, s:i, s:n}}", "error", "message", message, "type", "server_error", "code",
                             500, "param"));
}

/* --- reading --- */

static void copy_text(char *out, size_t room, const json_t *value)
{
    if (json_is_string(value) && json_string_length(value) < room && !out[0])
        memcpy(out, json_string_value(value), json_string_length(value) + 1);
}

/* The one choice of a document: its message or delta goes to CONTENT. An empty list of choices is a usage chunk. */
static bool read_choice(struct pml_chat_answer *answer, struct pml_buf *content, const json_t *document,
                        const char *part, struct pml_error *err)
{
    const json_t *choices = pml_json_array(document, "choices", err);
    if (!choices)
        return false;
    copy_text(answer->id, sizeof answer->id, json_object_get(document, "id"));
    copy_text(answer->model, sizeof answer->model, json_object_get(document, "model"));
    if (!json_array_size(choices))
        return true;
    const json_t *choice = json_array_get(choices, 0);
    if (json_array_size(choices) > 1 || json_integer_value(json_object_get(choice, "index")) != 0)
        return pml_fail(err, PML_NO, "response", "more than one choice");
    const json_t *message = pml_json_object(choice, part, err);
    if (!message)
        return false;
    const json_t *text = json_object_get(message, "content");
    pml_put_bytes(content, json_string_value(text), json_string_length(text));
    copy_text(answer->finish_reason, sizeof answer->finish_reason, json_object_get(choice, "finish_reason"));
    return true;
}

static bool read_body(struct pml_chat_answer *answer, struct pml_buf *content, const char *bytes, size_t size,
                      struct pml_error *err)
{
    PML_AUTO(json) json_t *document = pml_json_load(bytes, size, err);
    if (!document)
        return false;
    if (json_object_get(document, "error"))
        return pml_fail(err, PML_NO, "response", "the response is an error");
    answer->complete = true;
    return read_choice(answer, content, document, "message", err);
}

static bool read_event(struct pml_chat_answer *answer, struct pml_buf *content, const char *data, size_t size,
                       bool *error_seen, struct pml_error *err)
{
    if (size == 6 && !memcmp(data, "[DONE]", 6)) {
        answer->complete = !*error_seen;
        return true;
    }
    if (answer->complete)
        return pml_fail(err, PML_NO, "response", "an event after the end of the stream");
    PML_AUTO(json) json_t *document = pml_json_load(data, size, err);
    if (!document)
        return false;
    if (json_object_get(document, "error")) {
        *error_seen = true;
        return true;
    }
    return read_choice(answer, content, document, "delta", err);
}

static bool read_stream(struct pml_chat_answer *answer, struct pml_buf *content, const char *bytes, size_t size,
                        struct pml_error *err)
{
    bool error_seen = false;
    const char *at = bytes, *end = bytes + size;
    answer->stream = true;
    while (at < end) {
        const char *stop = memmem(at, (size_t)(end - at), "\n\n", 2);
        if (at < end && *at == '\n') { /* the blank lines in front of a synthesised error tail (§2.5) */
            at++;
            continue;
        }
        if (!stop)
            return true;
        if (stop - at < 6 || memcmp(at, "data: ", 6) != 0)
            return pml_fail(err, PML_NO, "response", "not an event stream at byte %zu", (size_t)(at - bytes));
        if (!read_event(answer, content, at + 6, (size_t)(stop - at) - 6, &error_seen, err))
            return pml_wrap(err, "event at byte %zu", (size_t)(at - bytes));
        at = stop + 2;
    }
    return true;
}

bool pml_chat_answer_read(struct pml_chat_answer *out, const char *bytes, size_t size, struct pml_error *err)
{
    PML_AUTO(chat_answer) struct pml_chat_answer answer = { 0 };
    PML_AUTO(buf) struct pml_buf content = { 0 };
    bool is_body = size && bytes[0] == '{';
    if (!(is_body ? read_body : read_stream)(&answer, &content, bytes, size, err)) {
        err->code = err->kind == PML_NO ? "response" : err->code;
        return pml_wrap(err, "response");
    }
    answer.content = pml_buf_take(&content, &answer.size, err);
    if (!answer.content)
        return false;
    *out = answer;
    answer.content = NULL;
    return true;
}

void pml_chat_answer_free(struct pml_chat_answer *answer)
{
    free(answer->content);
    *answer = (struct pml_chat_answer){ 0 };
}

void pml_chat_answer_auto(struct pml_chat_answer *answer)
{
    pml_chat_answer_free(answer);
}
