/* SPDX-License-Identifier: MIT */
/* Functions that every template has. None reads a clock or draws at random: the date is given. */
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/time.h"
#include "engine/jinja/jinja.h"
#include "engine/jinja/text.h"

typedef struct jinja_value value;

/* The message is shown where all of it is the template's own. */
static value raise_exception(struct jinja_run *run, value in, const value *arg)
{
    (void)in;
    struct jinja_span message = jinja_flat(run, arg[0]);
    bool own = message.marks ? !memchr(message.marks, 0, message.size) : message.mark;
    return jinja_fail(run, "the template refuses this: %.*s",
                      !own                 ? 15
                      : message.size > 200 ? 200
                                           : (int)message.size,
                      own ? message.bytes : "raise_exception");
}

static value namespace(struct jinja_run *run, value in, const value *arg)
{
    (void)in;
    value made = jinja_dict(run, JINJA_NAMESPACE, arg[0].dict->count);
    if (arg[1].given && arg[1].kind != JINJA_DICT)
        return jinja_fail(run, "a namespace cannot begin as %s", jinja_kind_name(arg[1].kind));
    for (size_t i = 0; arg[1].given && i < arg[1].dict->count && !run->failed; i++)
        jinja_set(run, made.dict, arg[1].dict->pairs[i].key, arg[1].dict->pairs[i].value);
    for (size_t i = 0; i < arg[0].dict->count && !run->failed; i++)
        jinja_set(run, made.dict, arg[0].dict->pairs[i].key, arg[0].dict->pairs[i].value);
    return made;
}

static value dict(struct jinja_run *run, value in, const value *arg)
{
    value made = namespace(run, in, arg);
    made.kind = run->failed ? JINJA_UNDEFINED : JINJA_DICT;
    return made;
}

static value range(struct jinja_run *run, value in, const value *arg)
{
    int64_t bound[3] = { 0, 0, 1 };
    (void)in;
    for (int i = 0; i < 3 && arg[i].given; i++) {
        if (arg[i].kind != JINJA_INT)
            return jinja_fail(run, "a range of %s", jinja_kind_name(arg[i].kind));
        bound[i] = arg[i].integer;
    }
    int64_t from = arg[1].given ? bound[0] : 0, to = arg[1].given ? bound[1] : bound[0], step = bound[2];
    int64_t most = INT64_MAX / 4; /* so that the sums below hold */
    if (!step || from > most || from < -most || to > most || to < -most || step > most || step < -most)
        return jinja_fail(run, "there is no such range");
    value list = jinja_list(run, 0);
    for (int64_t i = from; (step > 0 ? i < to : i > to) && jinja_work(run, 0); i += step) {
        if (list.list->count == PML_JINJA_RANGE_MAX)
            return jinja_fail(run, "a range of more than %d elements", PML_JINJA_RANGE_MAX);
        jinja_append(run, list.list, jinja_int(i));
    }
    return list;
}

/* --- the date --- */

static bool read_date(struct jinja_run *run, struct tm *out)
{
    char text[PML_TIME_TEXT];
    int64_t seconds;
    run->read_clock = true;
    if (run->date) {
        int size = snprintf(text, sizeof text, "%sT00:00:00Z", run->date);
        if (size < (int)sizeof text && pml_time_parse(&seconds, text) && gmtime_r(&(time_t){ seconds }, out))
            return true;
    }
    jinja_fail(run, "the template asks for the date, and there is none");
    return false;
}

/* One conversion of strftime, in English whatever the locale. False: not supported. */
static bool format_date(char out[32], const struct tm *t, char conversion)
{
    static const char *const months[] = { "January", "February", "March",     "April",   "May",      "June",
                                          "July",    "August",   "September", "October", "November", "December" };
    static const char *const days[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
    switch (conversion) {
    case 'Y': snprintf(out, 32, "%04d", t->tm_year + 1900); break;
    case 'y': snprintf(out, 32, "%02d", t->tm_year % 100); break;
    case 'm': snprintf(out, 32, "%02d", t->tm_mon + 1); break;
    case 'd': snprintf(out, 32, "%02d", t->tm_mday); break;
    case 'e': snprintf(out, 32, "%2d", t->tm_mday); break;
    case 'j': snprintf(out, 32, "%03d", t->tm_yday + 1); break;
    case 'H': snprintf(out, 32, "%02d", t->tm_hour); break;
    case 'I': snprintf(out, 32, "%02d", t->tm_hour % 12 ? t->tm_hour % 12 : 12); break;
    case 'p': snprintf(out, 32, "%s", t->tm_hour < 12 ? "AM" : "PM"); break;
    case 'M': snprintf(out, 32, "%02d", t->tm_min); break;
    case 'S': snprintf(out, 32, "%02d", t->tm_sec); break;
    case 'B': snprintf(out, 32, "%s", months[t->tm_mon]); break;
    case 'b': snprintf(out, 32, "%.3s", months[t->tm_mon]); break;
    case 'A': snprintf(out, 32, "%s", days[t->tm_wday]); break;
    case 'a': snprintf(out, 32, "%.3s", days[t->tm_wday]); break;
    case '%': snprintf(out, 32, "%%"); break;
    default: return false;
    }
    return true;
}

static value strftime_now(struct jinja_run *run, value in, const value *arg)
{
    struct jinja_sink sink = { 0 };
    struct tm when;
    char part[32];
    (void)in;
    if (!jinja_is_text(run, arg[0]) || !read_date(run, &when))
        return jinja_undefined();
    struct jinja_span format = jinja_flat(run, arg[0]);
    for (size_t i = 0; i < format.size && !run->failed; i++) {
        if (format.bytes[i] != '%')
            jinja_put(run, &sink, jinja_cut(format, i, 1));
        else if (++i < format.size && format_date(part, &when, format.bytes[i]))
            jinja_put_plain(run, &sink, part);
        else
            jinja_fail(run, "the template asks for a form of the date that is not supported");
    }
    return jinja_sink_take(run, &sink);
}

static const struct jinja_builtin functions[] = {
    { "raise_exception", raise_exception, { "message" } },
    { "namespace", namespace, { JINJA_ALL_NAMED, "" } },
    { "dict", dict, { JINJA_ALL_NAMED, "" } },
    { "range", range, { "", "", "" } },
    { "strftime_now", strftime_now, { "format" } },
};

const struct jinja_builtin *jinja_find_function(const char *name, size_t size)
{
    for (size_t i = 0; i < PML_COUNT(functions); i++) {
        if (strlen(functions[i].name) == size && !memcmp(functions[i].name, name, size))
            return &functions[i];
    }
    return NULL;
}
