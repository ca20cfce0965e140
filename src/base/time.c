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

static int two_digits(const char *text)
{
    return (text[0] - '0') * 10 + text[1] - '0';
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Leap years from year 1 to before YEAR. */
static int leap_years_before(int year)
{
    return (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
}

/* By hand, because verifying a quote reads some sixty times and sscanf with timegm costs as much as a signature. */
bool pml_time_parse(int64_t *out, const char *text)
{
    static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };
    if (!is_shape(text))
        return false;
    int year = two_digits(text) * 100 + two_digits(text + 2);
    int month = two_digits(text + 5), day = two_digits(text + 8);
    int hour = two_digits(text + 11), minute = two_digits(text + 14), second = two_digits(text + 17);
    if (year < 1970 || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59)
        return false;
    int leap_day = is_leap(year);
    if (day < 1 || day > before[month] - before[month - 1] + (month == 2 ? leap_day : 0))
        return false;
    int64_t days = (int64_t)(year - 1970) * 365 + leap_years_before(year) - leap_years_before(1970) +
                   before[month - 1] + (month > 2 ? leap_day : 0) + day - 1;
    *out = ((days * 24 + hour) * 60 + minute) * 60 + second;
    return true;
}

char *pml_time_text(char out[PML_TIME_TEXT], int64_t seconds)
{
    time_t when = seconds;
    struct tm tm;
    if (!gmtime_r(&when, &tm) || strftime(out, PML_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) != 20)
        snprintf(out, PML_TIME_TEXT, "-");
    return out;
}
