/* SPDX-License-Identifier: MIT */
/* What the verbs of the program `pml` share: one file a verb, each of which exports one struct verb. */
#ifndef PML_CMD_H
#define PML_CMD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

struct verb {
    const char *name;
    const char *summary;               /* one line for `pml --help` */
    const char *help;                  /* "usage: pml NAME ...\n\n..." */
    int (*run)(int argc, char **argv); /* argv[0] is the verb; returns the exit status. NULL: a program, pml-NAME */
};

/* Prints the verb's help on stdout, or on stderr only how it is called. Returns the exit status, so that a run function
 * can return it. */
int pml_cmd_usage(const struct verb *verb, FILE *to);
/* Prints "pml VERB: TEXT" on one line of stderr. Returns the exit status of the error. */
int pml_cmd_fail(const struct verb *verb, const struct pml_error *err);
/* Prints one JSON object and a newline on stdout, takes the reference. Ends as pml_cmd_end. */
int pml_cmd_json(json_t *object, int status);
/* Flushes standard output. Returns STATUS, or 3 after one line on stderr if what was printed could not be written. */
int pml_cmd_end(int status);
bool pml_cmd_colour(FILE *to); /* a terminal, and NO_COLOR is not set */
/* A decimal integer in [LOW, HIGH] from an option's argument. usage. */
PML_CHECKED
bool pml_cmd_int(long long *out, const char *option, const char *text, long long low, long long high,
                 struct pml_error *err);
/* A finite decimal number in [LOW, HIGH]. usage. */
PML_CHECKED
bool pml_cmd_float(double *out, const char *option, const char *text, double low, double high, struct pml_error *err);
/* The argument of --at: YYYY-MM-DDThh:mm:ssZ, or @ and seconds since 1970. usage. */
PML_CHECKED
bool pml_cmd_time(int64_t *out, const char *text, struct pml_error *err);

#endif
