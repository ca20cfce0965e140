/* SPDX-License-Identifier: MIT */
/* Help, errors, numbers and JSON output of the verbs. */
#include "cmd.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"

int pml_cmd_usage(const struct verb *verb, FILE *to)
{
    if (to == stdout) {
        fputs(verb->help, to);
        return pml_cmd_end(0);
    }
    const char *end = strstr(verb->help, "\n\n");
    fprintf(to, "%.*s\npml %s --help says more\n", (int)(end - verb->help), verb->help, verb->name);
    return PML_USAGE;
}

int pml_cmd_fail(const struct verb *verb, const struct pml_error *err)
{
    fprintf(stderr, "pml %s: %s\n", verb->name, err->text);
    return (int)err->kind;
}

int pml_cmd_end(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "pml: standard output: %s\n", strerror(errno));
    return PML_UNKNOWN;
}

int pml_cmd_json(json_t *object, int status)
{
    if (!object) {
        fprintf(stderr, "pml: out of memory\n");
        return PML_UNKNOWN;
    }
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(object);
    return pml_cmd_end(status);
}

bool pml_cmd_colour(FILE *to)
{
    return isatty(fileno(to)) && !getenv("NO_COLOR");
}

bool pml_cmd_int(long long *out, const char *option, const char *text, long long low, long long high,
                 struct pml_error *err)
{
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    if (end == text || *end || errno || *out < low || *out > high)
        return pml_fail(err, PML_USAGE, "usage", "%s: an integer from %lld to %lld is wanted", option, low, high);
    return true;
}

bool pml_cmd_float(double *out, const char *option, const char *text, double low, double high, struct pml_error *err)
{
    char *end;
    *out = strtod(text, &end);
    if (end == text || *end || !isfinite(*out) || *out < low || *out > high)
        return pml_fail(err, PML_USAGE, "usage", "%s: a number from %g to %g is wanted", option, low, high);
    return true;
}
bool pml_cmd_time(int64_t *out, const char *text, struct pml_error *err)
{
    long long seconds;
    if (text[0] != '@') {
        if (!pml_time_parse(out, text))
            return pml_fail(err, PML_USAGE, "usage", "--at: YYYY-MM-DDThh:mm:ssZ or @SECONDS is wanted");
        return true;
    }
    if (!pml_cmd_int(&seconds, "--at", text + 1, 0, 253402300799, err)) /* the year 9999 */
        return false;
    *out = seconds;
    return true;
}
