/* SPDX-License-Identifier: MIT */
/* Chat completion requests. */
#include "openai/request.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/memory.h"
#include "openai/span.h"

#define DEPTH_MAX  64         /* spec inference-api §4.1 */
#define BIASES_MAX 1024       /* engine/sampling.h */
#define SHARE_MIN  1e-20f     /* engine/sampling.c: of top_p, typical_p, and temperature unless it is 0 */
#define VALUES_MAX (1u << 18) /* of the body: what they take in memory is many times what they take in the text */

/* A member of the request: how it is read, and what it may be. Numbers are judged by SPELT, the bytes in the body. */
struct member {
    const char *name;
    bool (*read)(struct pml_chat_request *r, const struct member *m, const json_t *value, struct pml_span spelt,
                 struct pml_api_error *err);
    size_t offset;
    double low, high;
};

/* --- numbers and flags --- */

static void *slot(struct pml_chat_request *r, const struct member *m)
{
    return (char *)r + m->offset;
}

static bool is_integer(struct pml_span spelt)
{
    for (size_t i = 0; i < spelt.size; i++) {
        if (!(spelt.text[i] >= '0' && spelt.text[i] <= '9') && !(i == 0 && spelt.text[i] == '-'))
            return false;
    }
    return true;
}

static bool read_bool(struct pml_chat_request *r, const struct member *m, const json_t *value, struct pml_span spelt,
                      struct pml_api_error *err)
{
    (void)spelt;
    if (!json_is_boolean(value))
        return pml_api_invalid(err, m->name, "%s must be true or false", m->name);
    *(bool *)slot(r, m) = json_is_true(value);
    return true;
}

static bool read_float(struct pml_chat_request *r, const struct member *m, const json_t *value, struct pml_span spelt,
                       struct pml_api_error *err)
{
    if (!json_is_real(value))
        return pml_api_invalid(err, m->name, "%s must be a number", m->name);
    double number = json_real_value(value);
    if (!(number >= m->low && number <= m->high))
        return pml_api_invalid(err, m->name, "%s must be between %g and %g", m->name, m->low, m->high);
    *(float *)slot(r, m) = strtof(spelt.text, NULL); /* rounded once (§5.4); a delimiter follows in the body */
    return true;
}

static bool check_integer(const struct member *m, const json_t *value, struct pml_span spelt, struct pml_api_error *err)
{
    if (!json_is_real(value) || !is_integer(spelt))
        return pml_api_invalid(err, m->name, "%s must be an integer", m->name);
    double number = json_real_value(value);
    if (!(number >= m->low && number <= m->high))
        return pml_api_invalid(err, m->name, "%s must be between %.0f and %.0f", m->name, m->low, m->high);
    return true;
}

static bool read_int32(struct pml_chat_request *r, const struct member *m, const json_t *value, struct pml_span spelt,
                       struct pml_api_error *err)
{
    if (!check_integer(m, value, spelt, err))
        return false;
    *(int32_t *)slot(r, m) = (int32_t)json_real_value(value);
    return true;
}

/* Token limits: one too big for any context is as good as none. */
static bool read_limit(struct pml_chat_request *r, const struct member *m, const json_t *value, struct pml_span spelt,
                       struct pml_api_error *err)
{
    if (!json_is_real(value) || !is_integer(spelt))
        return pml_api_invalid(err, m->name, "%s must be an integer", m->name);
    double number = json_real_value(value);
    bool unlimited = number == -1 && m->low == -1;
    if (number < 1 && !unlimited)
        return pml_api_invalid(err, m->name, "%s must be at least 1", m->name);
    *(int64_t *)slot(r, m) = unlimited ? -1 : number < 1e15 ? (int64_t)number : (int64_t)1e15;
    return true;
}

static bool read_seed(struct pml_chat_request *r, const struct member *m, const json_t *value, struct pml_span spelt,
                      struct pml_api_error *err)
{
    if (!json_is_real(value) || !is_integer(spelt))
        return pml_api_invalid(err, m->name, "seed must be an integer");
    bool negative = spelt.text[0] == '-';
    errno = 0;
    unsigned long long magnitude = strtoull(spelt.text + negative, NULL, 10);
    if (errno == ERANGE || (negative && magnitude > UINT64_C(1) << 63))
        return pml_api_invalid(err, m->name, "seed must be between -2^63 and 2^64-1");
    r->seed = negative ? -(uint64_t)magnitude : magnitude;
    r->has_seed = true;
    return true;
}

/* --- members that are refused unless they say nothing --- */

static bool unsupported(const struct member *m, struct pml_api_error *err)
{
    return pml_api_fail(err, 400, "invalid_request_error", "unsupported_parameter", m->name,
                        "%s is not supported by this server", m->name);
}

/* Neutral: false, an empty string or container, or a number in [low, high]. */
static bool refuse(struct pml_chat_request *r, const struct member *m, const json_t *value, struct pml_span spelt,
                   struct pml_api_error *err)
{
    (void)r, (void)spelt;
    bool neutral = json_is_false(value) || (json_is_string(value) && !json_string_length(value)) ||
                   (json_is_array(value) && !json_array_size(value)) ||
                   (json_is_object(value) && !json_object_size(value)) ||
                   (json_is_real(value) && json_real_value(value) >= m->low && json_real_value(value) <= m->high);
    return neutral || unsupported(m, err);
}

static bool refuse_choices(struct pml_chat_request *r, const struct member *m, const json_t *value,
                           struct pml_span spelt, struct pml_api_error *err)
{
    (void)r;
    if (!check_integer(m, value, spelt, err))
        return false;
    return json_real_value(value) == 1 || unsupported(m, err);
}

static bool refuse_top_logprobs(struct pml_chat_request *r, const struct member *m, const json_t *value,
                                struct pml_span spelt, struct pml_api_error *err)
{
    if (!check_integer(m, value, spelt, err))
        return false;
    if (!json_is_true(json_object_get(r->document, "logprobs")))
        return pml_api_invalid(err, m->name, "top_logprobs needs logprobs");
    return unsupported(m, err);
}

static bool refuse_logprobs(struct pml_chat_request *r, const struct member *m, const json_t *value,
                            struct pml_span spelt, struct pml_api_error *err)
{
    (void)r, (void)spelt;
    if (!json_is_boolean(value))
        return pml_api_invalid(err, m->name, "logprobs must be true or false");
    return json_is_false(value) || unsupported(m, err);
}

/* tool_choice and function_call: with no tools, `none` and `auto` say the same. */
static bool refuse_tool_choice(struct pml_chat_request *r, const struct member *m, const json_t *value,
                               struct pml_span spelt, struct pml_api_error *err)
{
    (void)r, (void)spelt;
    const char *choice = json_string_value(value);
    return (choice && (!strcmp(choice, "none") || !strcmp(choice, "auto"))) || unsupported(m, err);
}

static bool refuse_format(struct pml_chat_request *r, const struct member *m, const json_t *value,
                          struct pml_span spelt, struct pml_api_error *err)
{
    (void)r, (void)spelt;
    const char *type = json_string_value(json_object_get(value, "type"));
    if (!type)
        return pml_api_invalid(err, "response_format.type", "response_format must be an object with a type");
    return !strcmp(type, "text") || unsupported(m, err);
}

static bool refuse_samplers(struct pml_chat_request *r, const struct member *m, const json_t *value,
                            struct pml_span spelt, struct pml_api_error *err)
{
    /* The fixed order of spec engine §9; llama-server spells typical_p "typ_p". */
    static const char *const order[] = { "penalties", "top_k", "typical_p", "top_p", "min_p", "temperature" };
    (void)r, (void)spelt;
    bool same = json_array_size(value) == PML_COUNT(order);
    for (size_t i = 0; same && i < PML_COUNT(order); i++) {
        const char *name = json_string_value(json_array_get(value, i));
        same = name && (!strcmp(name, order[i]) || (i == 2 && !strcmp(name, "typ_p")));
    }
    return same || unsupported(m, err);
}

/* --- structured members --- */

static bool is_text(const json_t *value)
{
    return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

static bool read_model(struct pml_chat_request *r, const struct member *m, const json_t *value, struct pml_span spelt,
                       struct pml_api_error *err)
{
    (void)spelt;
    if (!is_text(value))
        return pml_api_invalid(err, m->name, "model must be a string");
    if (json_string_length(value) > 256)
        return pml_api_invalid(err, m->name, "model must be at most 256 bytes");
    r->model = json_string_value(value);
    return true;
}

static bool read_stop(struct pml_chat_request *r, const struct member *m, const json_t *value, struct pml_span spelt,
                      struct pml_api_error *err)
{
    (void)spelt;
    size_t count = json_is_array(value) ? json_array_size(value) : 1, total = 0;
    if (count > PML_STOPS_MAX)
        return pml_api_invalid(err, m->name, "stop may hold at most %d strings", PML_STOPS_MAX);
    for (size_t i = 0; i < count; i++) {
        const json_t *text = json_is_array(value) ? json_array_get(value, i) : value;
        if (!is_text(text) || !json_string_length(text))
            return pml_api_invalid(err, m->name, "stop must be a string or strings that are not empty");
        r->stops[i] = json_string_value(text);
        total += json_string_length(text);
    }
    if (total > PML_STOP_SIZE_MAX)
        return pml_api_invalid(err, m->name, "stop may hold at most %d bytes", PML_STOP_SIZE_MAX);
    r->stop_count = count;
    return true;
}

static bool read_stream_options(struct pml_chat_request *r, const struct member *m, const json_t *value,
                                struct pml_span spelt, struct pml_api_error *err)
{
    (void)spelt;
    if (!json_is_object(value))
        return pml_api_invalid(err, m->name, "stream_options must be an object");
    if (!json_is_true(json_object_get(r->document, "stream")))
        return pml_api_invalid(err, m->name, "stream_options needs stream");
    const json_t *usage = json_object_get(value, "include_usage");
    if (usage && !json_is_null(usage) && !json_is_boolean(usage))
        return pml_api_invalid(err, "stream_options.include_usage", "include_usage must be true or false");
    r->include_usage = json_is_true(usage);
    return true;
}

static int by_token(const void *a, const void *b)
{
    const struct pml_logit_bias *x = a, *y = b;
    return (x->token > y->token) - (x->token < y->token);
}

static bool bias_entry(struct pml_logit_bias *out, struct pml_span token, struct pml_span bias,
                       struct pml_api_error *err)
{
    if (token.size > 2 && token.text[0] == '"')
        token = pml_span(token.text + 1, token.size - 2);
    if (!token.size || token.size > 9 || token.text[0] == '-' || !is_integer(token))
        return pml_api_invalid(err, "logit_bias", "logit_bias must name tokens by their ids");
    if (!strchr("-0123456789", bias.text[0]))
        return pml_api_invalid(err, "logit_bias", "logit_bias must give numbers");
    double number = strtod(bias.text, NULL);
    if (!(number >= -100 && number <= 100))
        return pml_api_invalid(err, "logit_bias", "logit_bias must be between -100 and 100");
    *out = (struct pml_logit_bias){ (uint32_t)strtoul(token.text, NULL, 10), strtof(bias.text, NULL) };
    return true;
}

/* {"id": bias, ...} or [[id, bias], ...]. */
static bool read_logit_bias(struct pml_chat_request *r, const struct member *m, const json_t *value,
                            struct pml_span spelt, struct pml_api_error *err)
{
    size_t count = json_is_object(value) ? json_object_size(value) : json_array_size(value);
    if (!json_is_object(value) && !json_is_array(value))
        return pml_api_invalid(err, m->name, "logit_bias must be an object");
    if (count > BIASES_MAX)
        return pml_api_invalid(err, m->name, "logit_bias may hold at most %d entries", BIASES_MAX);
    struct pml_logit_bias *biases = calloc(count + 1, sizeof *biases);
    r->sampling.logit_bias = biases;
    if (!biases)
        return pml_api_fail(err, 500, "server_error", NULL, NULL, "out of memory");
    struct pml_span_walk walk = pml_span_walk(spelt);
    for (size_t i = 0; i < count; i++) {
        struct pml_span token = { 0 }, bias = { 0 };
        if (json_is_object(value)) {
            if (!pml_span_member(&walk, &token, &bias))
                return pml_api_invalid(err, m->name, "logit_bias is malformed");
        } else {
            struct pml_span pair;
            if (json_array_size(json_array_get(value, i)) != 2 || !pml_span_element(&walk, &pair))
                return pml_api_invalid(err, m->name, "logit_bias must be an array of pairs");
            struct pml_span_walk inner = pml_span_walk(pair);
            if (!pml_span_element(&inner, &token) || !pml_span_element(&inner, &bias))
                return pml_api_invalid(err, m->name, "logit_bias must be an array of pairs");
        }
        if (!bias_entry(&biases[i], token, bias, err))
            return false;
    }
    qsort(biases, count, sizeof *biases, by_token);
    for (size_t i = 1; i < count; i++) {
        if (biases[i].token == biases[i - 1].token)
            return pml_api_invalid(err, m->name, "logit_bias names a token twice");
    }
    r->sampling.logit_bias_count = count;
    return true;
}

static bool is_session_id(const json_t *value)
{
    uint8_t id[32];
    return json_is_string(value) && pml_unhex_lower(id, sizeof id, json_string_value(value), json_string_length(value));
}

/* Serving constraints (§2.4). A direct service is verified by construction and holds no sessions. */
static bool read_provider(struct pml_chat_request *r, const struct member *m, const json_t *value,
                          struct pml_span spelt, struct pml_api_error *err)
{
    (void)spelt;
    if (!json_is_object(value))
        return pml_api_invalid(err, m->name, "provider must be an object");
    const json_t *verified = NULL, *sessions = NULL, *entry;
    const char *name;
    json_object_foreach((json_t *)value, name, entry) {
        if (!strcmp(name, "aci_verified"))
            verified = entry;
        else if (!strcmp(name, "aci_session_ids"))
            sessions = entry;
        else if (!strncmp(name, "aci_", 4))
            return pml_api_invalid(err, m->name, "provider has an unknown aci_ member");
    }
    if (verified && !json_is_boolean(verified))
        return pml_api_invalid(err, "provider.aci_verified", "aci_verified must be true or false");
    if (!sessions)
        return true;
    if (!json_array_size(sessions))
        return pml_api_invalid(err, "provider.aci_session_ids", "aci_session_ids must be an array that is not empty");
    for (size_t i = 0; i < json_array_size(sessions); i++) {
        if (!is_session_id(json_array_get(sessions, i)))
            return pml_api_invalid(err, "provider.aci_session_ids", "aci_session_ids must be 64 lower-case hex digits");
    }
    if (json_is_false(verified))
        return pml_api_invalid(err, "provider.aci_session_ids", "aci_session_ids contradicts aci_verified false");
    r->wants_sessions = true;
    return true;
}

/* --- messages --- */

static bool message_fail(struct pml_api_error *err, size_t index, const char *member, const char *message)
{
    char path[64];
    snprintf(path, sizeof path, "messages[%zu]%s", index, member);
    return pml_api_invalid(err, path, "%s", message);
}

static bool read_role(enum pml_role *out, const json_t *message, size_t index, struct pml_api_error *err)
{
    const char *name = json_string_value(json_object_get(message, "role"));
    if (name && pml_role_parse(out, name))
        return true;
    if (name && (!strcmp(name, "tool") || !strcmp(name, "function"))) {
        char path[64];
        snprintf(path, sizeof path, "messages[%zu].role", index);
        return pml_api_fail(err, 400, "invalid_request_error", "unsupported_parameter", path,
                            "tool messages are not supported by this server");
    }
    return message_fail(err, index, ".role", "role must be system, developer, user or assistant");
}

static bool is_plain_word(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz_0123456789");
    return size && size <= 32 && !text[size];
}

/* Content in parts: the texts, a newline between them. */
static bool join_parts(struct pml_chat_message *out, char **joined, const json_t *parts, size_t index,
                       struct pml_api_error *err)
{
    PML_AUTO(buf) struct pml_buf text = { 0 };
    for (size_t i = 0; i < json_array_size(parts); i++) {
        char path[64];
        const json_t *part = json_array_get(parts, i);
        const char *type = json_string_value(json_object_get(part, "type"));
        snprintf(path, sizeof path, "messages[%zu].content[%zu].type", index, i);
        if (!type)
            return pml_api_invalid(err, path, "a content part must be an object with a type");
        if (strcmp(type, "text") != 0)
            return pml_api_invalid(err, path, "content parts of type %s are not supported",
                                   is_plain_word(type) ? type : "other than text");
        const json_t *value = json_object_get(part, "text");
        snprintf(path, sizeof path, "messages[%zu].content[%zu].text", index, i);
        if (!json_is_string(value))
            return pml_api_invalid(err, path, "text must be a string");
        if (i > 0)
            pml_put_u8(&text, '\n');
        pml_put_bytes(&text, json_string_value(value), json_string_length(value));
    }
    struct pml_error ignored;
    *joined = pml_buf_take(&text, &out->size, &ignored);
    if (!*joined)
        return pml_api_fail(err, 500, "server_error", NULL, NULL, "out of memory");
    out->content = *joined;
    return true;
}

static bool read_message(struct pml_chat_message *out, char **joined, const json_t *message, size_t index,
                         struct pml_api_error *err)
{
    if (!json_is_object(message))
        return message_fail(err, index, "", "a message must be an object");
    if (!read_role(&out->role, message, index, err))
        return false;
    const json_t *calls = json_object_get(message, "tool_calls"), *call = json_object_get(message, "function_call");
    if ((calls && !json_is_null(calls) && (!json_is_array(calls) || json_array_size(calls))) ||
        (call && !json_is_null(call))) {
        char path[64];
        snprintf(path, sizeof path, "messages[%zu].tool_calls", index);
        return pml_api_fail(err, 400, "invalid_request_error", "unsupported_parameter", path,
                            "tool calls are not supported by this server");
    }
    const json_t *content = json_object_get(message, "content");
    if (json_is_string(content)) {
        out->content = json_string_value(content);
        out->size = json_string_length(content);
        return true;
    }
    if (!json_array_size(content))
        return message_fail(err, index, ".content", "content must be a string or an array of parts");
    return join_parts(out, joined, content, index, err);
}

static bool read_messages(struct pml_chat_request *r, const struct member *m, const json_t *value,
                          struct pml_span spelt, struct pml_api_error *err)
{
    (void)spelt;
    size_t count = json_array_size(value);
    if (!count)
        return pml_api_invalid(err, m->name, "messages must be an array that is not empty");
    if (count > PML_CHAT_MESSAGES_MAX)
        return pml_api_invalid(err, m->name, "messages may hold at most %d entries", PML_CHAT_MESSAGES_MAX);
    r->messages = calloc(count, sizeof *r->messages);
    r->joined = calloc(count, sizeof *r->joined);
    if (!r->messages || !r->joined)
        return pml_api_fail(err, 500, "server_error", NULL, NULL, "out of memory");
    r->message_count = count;
    for (size_t i = 0; i < count; i++) {
        if (!read_message(&r->messages[i], &r->joined[i], json_array_get(value, i), i, err))
            return false;
    }
    return true;
}

/* --- the whole --- */

#define AT(field) offsetof(struct pml_chat_request, field)

/* n_predict, max_tokens and max_completion_tokens are read into one slot in this order, so the strongest is last. */
static const struct member members[] = {
    { "model", read_model },
    { "messages", read_messages },
    { "provider", read_provider },
    { "stream", read_bool, AT(stream) },
    { "stream_options", read_stream_options },
    { "n_predict", read_limit, AT(max_tokens), -1 },
    { "max_tokens", read_limit, AT(max_tokens), 1 },
    { "max_completion_tokens", read_limit, AT(max_tokens), 1 },
    { "stop", read_stop },
    { "seed", read_seed },
    { "temperature", read_float, AT(sampling.temperature), 0, 2 },
    { "top_p", read_float, AT(sampling.top_p), 0, 1 },
    { "min_p", read_float, AT(sampling.min_p), 0, 1 },
    { "typical_p", read_float, AT(sampling.typical_p), 0, 1 },
    { "top_k", read_int32, AT(sampling.top_k), 0, 1e9 },
    { "repeat_penalty", read_float, AT(sampling.repeat_penalty), 0.01, 100 },
    { "repeat_last_n", read_int32, AT(sampling.repeat_last_n), -1, 1e9 },
    { "presence_penalty", read_float, AT(sampling.presence_penalty), -2, 2 },
    { "frequency_penalty", read_float, AT(sampling.frequency_penalty), -2, 2 },
    { "logit_bias", read_logit_bias },
    { "n", refuse_choices, 0, 1, PML_CHAT_CHOICES_MAX },
    { "logprobs", refuse_logprobs },
    { "top_logprobs", refuse_top_logprobs, 0, 0, 20 },
    { "response_format", refuse_format },
    { "tool_choice", refuse_tool_choice },
    { "function_call", refuse_tool_choice },
    { "samplers", refuse_samplers },
    { "tools", refuse },
    { "functions", refuse },
    { "grammar", refuse },
    { "json_schema", refuse },
    { "ignore_eos", refuse },
    { "return_tokens", refuse },
    { "dry_multiplier", refuse },
    { "xtc_probability", refuse },
    { "mirostat", refuse },
    { "n_probs", refuse },
    { "min_keep", refuse, 0, 0, 1 },
};

struct spelling {
    struct pml_span of[PML_COUNT(members)];
};

/* Where each known member's value stands in the body. */
static void find_spellings(struct spelling *spelt, const char *body, size_t size)
{
    struct pml_span key, value;
    struct pml_span_walk walk = pml_span_walk(pml_span(body, size));
    while (pml_span_member(&walk, &key, &value)) {
        for (size_t i = 0; i < PML_COUNT(members); i++) {
            if (pml_span_key_is(key, members[i].name))
                spelt->of[i] = value;
        }
    }
}

/* Whatever lies below the engine's range does what its end does: the likeliest candidate alone is left. */
static void into_range(struct pml_sampling *s)
{
    s->top_p = fmaxf(s->top_p, SHARE_MIN);
    s->typical_p = fmaxf(s->typical_p, SHARE_MIN);
    if (s->temperature > 0)
        s->temperature = fmaxf(s->temperature, SHARE_MIN);
}

static bool parse(struct pml_chat_request *r, const char *body, size_t size, struct pml_api_error *err)
{
    struct pml_error why;
    if (pml_span_count(pml_span(body, size)) > VALUES_MAX)
        return pml_api_invalid(err, NULL, "the body holds more than %u values", VALUES_MAX);
    r->document = pml_json_load_reals(body, size, DEPTH_MAX, &why);
    if (!r->document && why.kind != PML_NO)
        return pml_api_fail(err, 500, "server_error", NULL, NULL, "out of memory");
    if (!r->document)
        return pml_api_invalid(err, NULL, "the body cannot be read: %s", why.text);
    if (!json_is_object(r->document))
        return pml_api_invalid(err, NULL, "the body must be a JSON object");
    struct spelling spelt = { 0 };
    find_spellings(&spelt, body, size);
    for (size_t i = 0; i < PML_COUNT(members); i++) {
        const json_t *value = json_object_get(r->document, members[i].name);
        if (value && !json_is_null(value) && !members[i].read(r, &members[i], value, spelt.of[i], err))
            return false;
    }
    into_range(&r->sampling);
    if (!r->message_count)
        return pml_api_invalid(err, "messages", "messages is missing");
    return true;
}

bool pml_chat_request_parse(struct pml_chat_request *out, const char *body, size_t size, struct pml_api_error *err)
{
    *out = (struct pml_chat_request){
        .model = "",
        .max_tokens = -1,
        .sampling = pml_sampling_default(),
    };
    if (parse(out, body, size, err))
        return true;
    pml_chat_request_free(out);
    return false;
}

void pml_chat_request_free(struct pml_chat_request *r)
{
    for (size_t i = 0; r->joined && i < r->message_count; i++)
        free(r->joined[i]);
    free(r->joined);
    free(r->messages);
    free((void *)r->sampling.logit_bias);
    json_decref(r->document);
    *r = (struct pml_chat_request){ .model = "" };
}

void pml_chat_request_auto(struct pml_chat_request *r)
{
    pml_chat_request_free(r);
}
