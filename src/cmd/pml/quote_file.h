/* SPDX-License-Identifier: MIT */
/* Quotes and bundles as verbs are given them. */
#ifndef PML_CMD_QUOTE_FILE_H
#define PML_CMD_QUOTE_FILE_H

#include <stddef.h>

#include "base/error.h"

/* A quote from a file or "-": as it is, or in hex with an optional 0x and white space. The caller frees. io;
 * quote_format. */
PML_CHECKED
char *quote_file_read(const char *path, size_t *size, struct pml_error *err);
/* A whole file; one that is larger than anything of its kind fails with CODE. The caller frees. io. */
PML_CHECKED
char *input_file_read(const char *path, size_t limit, size_t *size, const char *code, struct pml_error *err);

#endif
