/* SPDX-License-Identifier: MIT */
/* eth_call. */
#include "dcap/eth_call.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "base/json.h"
#include "net/http_client.h"

#define GAS        "0x1c9c380" /* 30,000,000: a verification takes 3 to 5 million, and nodes cap what is asked for */
#define CALL_MS    30000u
#define CONNECT_MS 10000u
#define REVERT     3 /* the code that nodes give a revert with data */

bool pml_eth_address_parse(uint8_t out[PML_ETH_ADDRESS_SIZE], const char *text, struct pml_error *err)
{
    if (text[0] == '0' && (text[1] | 0x20) == 'x' && pml_unhex(out, PML_ETH_ADDRESS_SIZE, text + 2, strlen(text + 2)))
        return true;
    return pml_fail(err, PML_USAGE, "usage", "a contract's address is 0x and 40 hex digits");
}

void pml_eth_answer_free(struct pml_eth_answer *answer)
{
    free(answer->data);
    *answer = (struct pml_eth_answer){ 0 };
}

void pml_eth_answer_auto(struct pml_eth_answer *answer)
{
    pml_eth_answer_free(answer);
}

void pml_put_eth_call(struct pml_buf *out, const uint8_t to[PML_ETH_ADDRESS_SIZE], const void *data, size_t size)
{
    pml_put_text(out, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_call\",\"params\":[{\"to\":\"0x");
    pml_put_hex(out, to, PML_ETH_ADDRESS_SIZE);
    pml_put_text(out, "\",\"data\":\"0x");
    pml_put_hex(out, data, size);
    pml_put_text(out, "\",\"gas\":\"" GAS "\"},\"latest\"]}");
}

/* --- the answer --- */

static void *unavailable(struct pml_error *err, const char *what)
{
    return pml_fail(err, PML_UNKNOWN, "onchain_unavailable", "%s", what);
}

/* Decodes "0x..." into ANSWER. */
static bool take_data(struct pml_eth_answer *answer, const char *hex, struct pml_error *err)
{
    size_t digits = strlen(hex);
    if (digits < 2 || hex[0] != '0' || hex[1] != 'x')
        return unavailable(err, "the node's answer is not hex data");
    digits -= 2;
    answer->size = digits / 2;
    answer->data = malloc(answer->size + 1);
    if (!answer->data)
        return pml_fail_memory(err);
    if (!pml_unhex(answer->data, answer->size, hex + 2, digits)) {
        pml_eth_answer_free(answer);
        return unavailable(err, "the node's answer is not hex data");
    }
    return true;
}

/* The data of an error in one of the ways that nodes have: "0x...", "Reverted 0x...", {"data":"0x..."}. NULL: none. */
static const char *revert_data(const json_t *error)
{
    static const char prefix[] = "Reverted ";
    const json_t *data = json_object_get(error, "data");
    const char *text = json_string_value(json_is_object(data) ? json_object_get(data, "data") : data);
    if (!text)
        return NULL;
    if (strncmp(text, prefix, sizeof prefix - 1) == 0)
        text += sizeof prefix - 1;
    return strncmp(text, "0x", 2) == 0 ? text : NULL;
}

/* Nodes that give no data with an empty revert still say that it was one. */
static bool take_error(struct pml_eth_answer *answer, const json_t *error, struct pml_error *err)
{
    const char *data = revert_data(error), *message = json_string_value(json_object_get(error, "message"));
    const json_t *code = json_object_get(error, "code");
    bool reverted = data || (json_is_integer(code) && json_integer_value(code) == REVERT) ||
                    (message && strcasestr(message, "revert"));
    if (!reverted)
        return pml_fail(err, PML_UNKNOWN, "onchain_unavailable", "the node answers with an error: %.200s",
                        message ? message : "it says nothing more");
    answer->reverted = true;
    return take_data(answer, data ? data : "0x", err);
}

bool pml_eth_answer_parse(struct pml_eth_answer *out, const char *text, size_t size, struct pml_error *err)
{
    struct pml_error ignored;
    struct pml_eth_answer answer = { 0 };
    PML_AUTO(json) json_t *object = pml_json_load(text, size, &ignored);
    const json_t *error = json_object_get(object, "error"), *result = json_object_get(object, "result");
    if (!json_is_object(object))
        return unavailable(err, "the node's answer is not a JSON object");
    if (json_is_object(error)) {
        if (!take_error(&answer, error, err))
            return false;
    } else if (!json_is_string(result) || strlen(json_string_value(result)) != json_string_length(result)) {
        return unavailable(err, "the node's answer has no result");
    } else if (!take_data(&answer, json_string_value(result), err)) {
        return false;
    }
    *out = answer;
    return true;
}

/* --- the call --- */

/* The authority of an http URL names this machine. */
static bool is_local(const char *authority, size_t size)
{
    static const char *const names[] = { "127.0.0.1", "localhost", "[::1]" };
    for (size_t i = 0; i < PML_COUNT(names); i++) {
        size_t name_size = strlen(names[i]);
        if (size >= name_size && strncasecmp(authority, names[i], name_size) == 0 &&
            (size == name_size || authority[name_size] == ':'))
            return true;
    }
    return false;
}

/* Splits URL before its path; returns the first part, owned. */
static char *split_url(const char *url, const char **path, struct pml_error *err)
{
    bool tls = strncasecmp(url, "https://", 8) == 0, plain = strncasecmp(url, "http://", 7) == 0;
    const char *authority = url + (tls ? 8 : 7);
    if (!tls && !plain)
        return pml_fail(err, PML_USAGE, "usage", "the node's URL does not begin with https:// or http://");
    size_t size = strcspn(authority, "/?#");
    if (size == 0 || memchr(authority, '@', size) || (authority[size] && authority[size] != '/') ||
        strchr(authority, '#'))
        return pml_fail(err, PML_USAGE, "usage", "the node's URL is not scheme://host:port/path");
    if (plain && !is_local(authority, size))
        return pml_fail(err, PML_USAGE, "usage", "a node on another machine has to be asked by https");
    *path = authority[size] ? authority + size : "/";
    char *base = strndup(url, (size_t)(authority - url) + size);
    return base ? base : pml_fail_memory(err);
}

static bool post(struct pml_http_reply *reply, const char *base, const char *path, const struct pml_buf *body,
                 struct pml_error *err)
{
    static const struct pml_http_header json = { "Content-Type", "application/json" };
    struct pml_http_client_options options = { .url = base, .connect_ms = CONNECT_MS, .stall_ms = CALL_MS };
    struct pml_http_call call = { .method = "POST",
                                  .path = path,
                                  .headers = &json,
                                  .header_count = 1,
                                  .body = body->bytes,
                                  .body_size = body->size,
                                  .limit = PML_ETH_ANSWER_MAX,
                                  .total_ms = CALL_MS };
    PML_AUTO(http_client) struct pml_http_client *client = pml_http_client_new(&options, err);
    if (!client)
        return false;
    if (!pml_http_client_call(client, &call, reply, err)) {
        err->kind = PML_UNKNOWN;
        err->code = "onchain_unavailable";
        return pml_wrap(err, "node");
    }
    return true;
}

bool pml_eth_call(struct pml_eth_answer *out, const char *url, const uint8_t to[PML_ETH_ADDRESS_SIZE], const void *data,
                  size_t size, struct pml_error *err)
{
    const char *path;
    PML_AUTO(buf) struct pml_buf body = { 0 };
    PML_AUTO(http_reply) struct pml_http_reply reply = { 0 };
    PML_AUTO(mem) char *base = split_url(url, &path, err);
    if (!base)
        return false;
    pml_put_eth_call(&body, to, data, size);
    if (!pml_buf_check(&body, err) || !post(&reply, base, path, &body, err))
        return false;
    if (reply.status == 200)
        return pml_eth_answer_parse(out, reply.body, reply.body_size, err);
    /* errors of the call itself may come with another status */
    struct pml_error ignored;
    if (pml_eth_answer_parse(out, reply.body, reply.body_size, &ignored))
        return true;
    return pml_fail(err, PML_UNKNOWN, "onchain_unavailable", "the node answers with HTTP status %u", reply.status);
}
