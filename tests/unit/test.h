/* SPDX-License-Identifier: MIT */
/* What every unit test includes: cmocka, and outside vectors by path. */
#ifndef PML_TEST_H
#define PML_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/file.h"

/* Directory of the outside vectors, from PML_VECTORS. */
static inline const char *vectors_dir(void)
{
    const char *dir = getenv("PML_VECTORS");
    return dir ? dir : "../shared/vectors";
}

/* Reads a vector file; skips the running test, saying so, when the vectors are not there. The caller frees. */
static inline char *vector_file(const char *name, size_t *size)
{
    struct pml_error err;
    char path[4096];
    pml_path(path, vectors_dir(), name);
    if (access(path, R_OK) != 0) {
        printf("skipped: no vector %s\n", path);
        skip();
    }
    char *data = pml_read_file(path, 64 << 20, size, &err);
    if (!data)
        fail_msg("%s", err.text);
    return data;
}

#endif
