/* SPDX-License-Identifier: MIT */
/* API errors. */
#include "openai/error.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

__attribute__((format(printf, 6, 0))) static void fill(struct pml_api_error *err, int status, const char *type,
                                                       const char *code, const char *param, const char *fmt,
                                                       va_list args)
{
    *err = (struct pml_api_error){ .status = status, .type = type, .code = code };
    snprintf(err->param, sizeof err->param, "%s", param ? param : "");
    vsnprintf(err->message, sizeof err->message, fmt, args);
}

void *pml_api_fail(struct pml_api_error *err, int status, const char *type, const char *code, const char *param,
                   const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fill(err, status, type, code, param, fmt, args);
    va_end(args);
    return NULL;
}

void *pml_api_invalid(struct pml_api_error *err, const char *param, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fill(err, 400, "invalid_request_error", NULL, param, fmt, args);
    va_end(args);
    return NULL;
}

void pml_api_put_error(struct pml_buf *out, const struct pml_api_error *err)
{
    PML_AUTO(json)
    json_t *body = json_pack("{s:{s:s, s:s, s:s?, s:s?}}", "error", "message", err->message, "type", err->type, "code",
                             err->code, "param", err->param[0] ? err->param : NULL);
    PML_AUTO(mem) char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    if (text)
        pml_put_text(out, text);
    else
        out->failed = true;
}
