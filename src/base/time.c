/* SPDX-License-Identifier: MIT */
/* Times. */
#include "base/time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t pml_now(void)
{
    return time(NULL);
}

int64_t pml_monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_shape(const char *text)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
    if (strlen(text) != sizeof shape - 1)
        return false;
    for (size_t i = 0; shape[i]; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (shape[i] == 'd' ? !digit : text[i] != shape[i])
            return false;
    }
    return true;
}

bool pml_time_parse(int64_t *out, const char *text)
{
    struct tm tm = { 0 };
    char again[PML_TIME_TEXT];
    if (!is_shape(text))
        return false;
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
               &tm.tm_sec) != 6 ||
        tm.tm_year < 1970)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *out = timegm(&tm);
    return strcmp(pml_time_text(again, *out), text) == 0; /* 31 February normalises to another day */
}

char *pml_time_text(char out[PML_TIME_TEXT], int64_t seconds)
{
    time_t when = seconds;
    struct tm tm;
    if (!gmtime_r(&when, &tm) || strftime(out, PML_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) != 20)
        snprintf(out, PML_TIME_TEXT, "-");
    return out;
}
