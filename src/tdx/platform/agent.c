/* SPDX-License-Identifier: MIT */
/* A TD with a guest agent: everything goes through its socket (spec guest §1.3: GetQuote, EmitEvent, Info). */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "tdx/platform/provider.h"
#include "tdx/platform/unix_http.h"
#include "tdx/quote.h"

enum { TIMEOUT_MS = 30000 };

struct agent {
    char socket_path[128];
    char *app_compose, *vm_config;
    char app_id[41], os_image_hash[65]; /* empty: not named */
    char description[192];
};

static void agent_free(void *self)
{
    struct agent *a = self;
    free(a->app_compose);
    free(a->vm_config);
    free(a);
}

/* Calls METHOD and loads the object that it answers. */
static json_t *call(const struct agent *a, const char *method, const char *request, struct pml_error *err)
{
    size_t size;
    PML_AUTO(mem) char *answer = pml_unix_http_post(a->socket_path, method, request, TIMEOUT_MS, &size, err);
    json_t *object = answer ? pml_json_load(answer, size, err) : NULL;
    if (answer && !object)
        pml_wrap(err, "%s%s", a->socket_path, method);
    return object;
}

static json_t *get_quote(const struct agent *a, const uint8_t report_data[PML_REPORT_DATA_SIZE], struct pml_error *err)
{
    char hex[2 * PML_REPORT_DATA_SIZE + 1], request[sizeof hex + 32];
    snprintf(request, sizeof request, "{\"report_data\":\"%s\"}", pml_hex(hex, report_data, PML_REPORT_DATA_SIZE));
    return call(a, "/GetQuote", request, err);
}

static uint8_t *agent_quote(void *self, const uint8_t report_data[PML_REPORT_DATA_SIZE], size_t *size,
                            struct pml_error *err)
{
    PML_AUTO(json) json_t *answer = get_quote(self, report_data, err);
    const char *hex = answer ? pml_json_text(answer, "quote", err) : NULL;
    if (!hex)
        return NULL;
    size_t digits = strlen(hex);
    if (digits > 2 * (size_t)PML_QUOTE_MAX)
        return pml_fail(err, PML_UNKNOWN, "quote", "a quote of %zu bytes", digits / 2);
    PML_AUTO(mem) uint8_t *quote = malloc(digits / 2 + 1);
    if (!quote)
        return pml_fail_memory(err);
    if (!pml_unhex(quote, digits / 2, hex, digits))
        return pml_fail(err, PML_UNKNOWN, "quote", "the quote is not hex");
    *size = digits / 2;
    return pml_take(&quote);
}

static bool agent_extend(void *self, const char *event, const void *payload, size_t size, struct pml_error *err)
{
    struct agent *a = self;
    size_t answer_size;
    PML_AUTO(mem) char *hex = malloc(2 * size + 1);
    if (!hex)
        return pml_fail_memory(err);
    PML_AUTO(json) json_t *object = json_pack("{s:s, s:s}", "event", event, "payload", pml_hex(hex, payload, size));
    PML_AUTO(mem) char *request = object ? pml_json_dump(object, NULL, err) : pml_fail_memory(err);
    if (!request)
        return false;
    PML_AUTO(mem)
    char *answer = pml_unix_http_post(a->socket_path, "/EmitEvent", request, TIMEOUT_MS, &answer_size, err);
    if (answer)
        return true; /* the result is Empty: null, {} or nothing */
    if (strcmp(err->code, "agent") == 0)
        err->code = "cannot_extend";
    return pml_wrap(err, "the guest agent does not extend rtmr3");
}

/* Read and printed again, which fills the digests that newer agents leave out. */
static char *agent_event_log(void *self, struct pml_error *err)
{
    static const uint8_t zero[PML_REPORT_DATA_SIZE];
    PML_AUTO(json) json_t *answer = get_quote(self, zero, err);
    const char *text = answer ? pml_json_text(answer, "event_log", err) : NULL;
    PML_AUTO(event_log) struct pml_event_log log = { 0 };
    if (!text)
        return NULL;
    if (!pml_event_log_parse(&log, text, strlen(text), err))
        return pml_wrap(err, "event log");
    return pml_event_log_text(&log, false, err);
}

static const struct pml_provider_ops agent_ops = { agent_quote, agent_extend, agent_event_log, NULL, agent_free };

/* Copies an optional member of SIZE bytes in hex, lower-case; empty if it is absent, empty or something else. */
static void copy_hex(char *out, size_t size, const json_t *object, const char *name)
{
    struct pml_error ignored;
    uint8_t bytes[32];
    out[0] = 0;
    if (pml_json_hex(bytes, size, object, name, &ignored))
        pml_hex(out, bytes, size);
}

/* tcb_info is JSON text in a string; some proxies unpack it. */
static json_t *load_tcb_info(const json_t *info, struct pml_error *err)
{
    json_t *member = json_object_get(info, "tcb_info");
    if (json_is_object(member))
        return json_incref(member);
    const char *text = pml_json_text(info, "tcb_info", err);
    return text ? pml_json_load(text, strlen(text), err) : NULL;
}

static bool read_info(struct agent *a, struct pml_error *err)
{
    PML_AUTO(json) json_t *info = call(a, "/Info", "{}", err);
    if (!info)
        return false;
    PML_AUTO(json) json_t *tcb_info = load_tcb_info(info, err);
    const char *compose = tcb_info ? pml_json_text(tcb_info, "app_compose", err) : NULL;
    if (!compose)
        return pml_wrap(err, "%s/Info", a->socket_path);
    const char *vm_config = json_string_value(json_object_get(info, "vm_config"));
    copy_hex(a->app_id, 20, info, "app_id");
    copy_hex(a->os_image_hash, 32, info, "os_image_hash");
    a->app_compose = strdup(compose);
    a->vm_config = strdup(vm_config ? vm_config : "{}");
    return a->app_compose && a->vm_config ? true : (bool)pml_fail_memory(err);
}

struct pml_platform *pml_agent_open(const char *socket_path, struct pml_error *err)
{
    struct agent *a = calloc(1, sizeof *a);
    if (!a)
        return pml_fail_memory(err);
    snprintf(a->socket_path, sizeof a->socket_path, "%s", socket_path);
    snprintf(a->description, sizeof a->description, "TDX platform, through the guest agent at %s", a->socket_path);
    if (!read_info(a, err)) {
        err->kind = PML_UNKNOWN;
        agent_free(a);
        return NULL;
    }
    const struct pml_platform_facts facts = { .platform = "tdx",
                                              .provider = "agent",
                                              .description = a->description,
                                              .app_compose = a->app_compose,
                                              .vm_config = a->vm_config,
                                              .app_id = a->app_id[0] ? a->app_id : NULL,
                                              .os_image_hash = a->os_image_hash[0] ? a->os_image_hash : NULL };
    return pml_platform_wrap(&agent_ops, a, &facts, err);
}
