/* SPDX-License-Identifier: MIT */
/* Logging. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static enum pml_log_level lowest_level = PML_LOG_INFO;

void pml_log_set_level(enum pml_log_level lowest)
{
    lowest_level = lowest;
}

/* One write a line, so that lines of several threads do not mix. */
__attribute__((format(printf, 3, 0))) static void put_line(enum pml_log_level level, const char *event, const char *fmt,
                                                           va_list args)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    char line[1024];
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t used = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &utc);
    used +=
        (size_t)snprintf(line + used, sizeof line - used, ".%03ldZ %s %s", now.tv_nsec / 1000000, names[level], event);
    if (*fmt) {
        line[used++] = ' ';
        int more = vsnprintf(line + used, sizeof line - used - 1, fmt, args);
        used += more < 0 ? 0 : (size_t)more < sizeof line - used - 1 ? (size_t)more : sizeof line - used - 2;
    }
    for (size_t i = 0; i < used; i++) {
        if ((unsigned char)line[i] < 0x20)
            line[i] = '?';
    }
    line[used++] = '\n';
    ssize_t ignored = write(STDERR_FILENO, line, used);
    (void)ignored;
}

void pml_log(enum pml_log_level level, const char *event, const char *fmt, ...)
{
    if (level < lowest_level)
        return;
    va_list args;
    va_start(args, fmt);
    put_line(level, event, fmt, args);
    va_end(args);
}

struct budget {
    const char *event;
    time_t minute;
    unsigned used, left_out;
};

/* True if one more line of this event fits in the current minute; *LEFT_OUT counts those dropped in the minute that
 * ended. */
static bool within_budget(const char *event, unsigned *left_out)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct budget budgets[64];
    time_t minute = time(NULL) / 60;
    *left_out = 0;
    pthread_mutex_lock(&lock);
    size_t i = 0;
    while (i < 63 && budgets[i].event && strcmp(budgets[i].event, event) != 0)
        i++;
    struct budget *b = &budgets[i];
    if (!b->event || b->minute != minute) {
        *left_out = b->event ? b->left_out : 0;
        *b = (struct budget){ .event = event, .minute = minute };
    }
    bool fits = b->used < 10;
    if (fits)
        b->used++;
    else
        b->left_out++;
    pthread_mutex_unlock(&lock);
    return fits;
}

void pml_log_limited(enum pml_log_level level, const char *event, const char *fmt, ...)
{
    unsigned left_out;
    if (level < lowest_level || !within_budget(event, &left_out))
        return;
    if (left_out)
        pml_log(level, event, "left_out=%u", left_out);
    va_list args;
    va_start(args, fmt);
    put_line(level, event, fmt, args);
    va_end(args);
}

void pml_log_error(enum pml_log_level level, const char *event, const struct pml_error *err)
{
    pml_log(level, event, "code=%s error=\"%s\"", err->code, err->text);
}
