/* SPDX-License-Identifier: MIT */
/* Errors: formatting, context, and keeping foreign bytes harmless on a terminal. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef pml_fail
#undef pml_fail_io
#undef pml_fail_memory
#undef pml_wrap

static void make_printable(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
    }
}

__attribute__((format(printf, 4, 0))) static void set(struct pml_error *err, enum pml_kind kind, const char *code,
                                                      const char *fmt, va_list args)
{
    err->kind = kind;
    err->code = code;
    vsnprintf(err->text, sizeof err->text, fmt, args);
    make_printable(err->text);
}

void *pml_fail(struct pml_error *err, enum pml_kind kind, const char *code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set(err, kind, code, fmt, args);
    va_end(args);
    return NULL;
}

void *pml_fail_io(struct pml_error *err, const char *fmt, ...)
{
    int saved = errno;
    va_list args;
    va_start(args, fmt);
    set(err, PML_UNKNOWN, "io", fmt, args);
    va_end(args);
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", strerror(saved));
    return NULL;
}

void *pml_fail_memory(struct pml_error *err)
{
    return pml_fail(err, PML_UNKNOWN, "memory", "out of memory");
}

void *pml_wrap(struct pml_error *err, const char *fmt, ...)
{
    char context[sizeof err->text];
    char inner[sizeof err->text];
    va_list args;
    va_start(args, fmt);
    vsnprintf(context, sizeof context, fmt, args);
    va_end(args);
    make_printable(context);
    memcpy(inner, err->text, sizeof inner);
    int used = snprintf(err->text, sizeof err->text, "%.200s: ", context);
    snprintf(err->text + used, sizeof err->text - (size_t)used, "%s", inner);
    return NULL;
}
