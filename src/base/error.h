/* SPDX-License-Identifier: MIT */
/*
 * The one way a function fails: it fills the caller's struct pml_error and returns what pml_fail returned, which is
 * NULL and converts to false. A caller adds context with pml_wrap on the way out, so the text reads from the outside
 * in: "verify quote: qe identity: signature does not match".
 */
#ifndef PML_BASE_ERROR_H
#define PML_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#define PML_CHECKED __attribute__((warn_unused_result))

/* The answer is no; asked wrongly; could not tell. Also the exit status of a command-line program. */
enum pml_kind { PML_NO = 1, PML_USAGE = 2, PML_UNKNOWN = 3 };

struct pml_error { /* on the caller's stack, untouched on success, never NULL */
    enum pml_kind kind;
    const char *code; /* a literal, stable, for programs: "pck_revoked" */
    char text[496];   /* for people: lower case, no full stop, no secret, foreign bytes escaped */
};

/* Each returns NULL, always. CODE must have static storage. Control characters in the formatted text are replaced by
 * '?'. */
void *pml_fail(struct pml_error *err, enum pml_kind kind, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void *pml_fail_io(struct pml_error *err, const char *fmt, ...) /* PML_UNKNOWN, "io", appends strerror(errno) */
    __attribute__((format(printf, 2, 3)));
void *pml_fail_memory(struct pml_error *err);               /* PML_UNKNOWN, "memory" */
void *pml_wrap(struct pml_error *err, const char *fmt, ...) /* puts "context: " in front of the text */
    __attribute__((format(printf, 2, 3)));

/* The same calls, with a value that the compiler can see: it then knows which results a failure leaves unset. */
#define pml_fail(...)          \
    ({                         \
        pml_fail(__VA_ARGS__); \
        (void *)NULL;          \
    })
#define pml_fail_io(...)          \
    ({                            \
        pml_fail_io(__VA_ARGS__); \
        (void *)NULL;             \
    })
#define pml_fail_memory(err)  \
    ({                        \
        pml_fail_memory(err); \
        (void *)NULL;         \
    })
#define pml_wrap(...)          \
    ({                         \
        pml_wrap(__VA_ARGS__); \
        (void *)NULL;          \
    })

#endif
