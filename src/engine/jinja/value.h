/* SPDX-License-Identifier: MIT */
/*
 * The values of the template interpreter, and the state of a rendering, which owns them all. Failure is sticky: the
 * first one is kept, later operations do nothing and yield undefined, and whoever loops checks run->failed.
 */
#ifndef PML_ENGINE_JINJA_VALUE_H
#define PML_ENGINE_JINJA_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "engine/jinja/arena.h"

/* Bytes and their marks (engine/jinja/jinja.h). Immutable; parts share the bytes of the whole. */
struct jinja_span {
    const char *bytes;
    size_t size;
    const uint8_t *marks; /* one a byte; NULL: all are MARK */
    uint8_t mark;
};

/* A text: flat, or the sum of two that nobody has looked at yet, so that adding to a text takes constant time. */
struct jinja_text {
    struct jinja_span flat;
    struct jinja_text *left, *right; /* both, or NULL */
    size_t size;
};

enum jinja_kind {
    JINJA_UNDEFINED,
    JINJA_NONE,
    JINJA_BOOL,
    JINJA_INT,
    JINJA_FLOAT,
    JINJA_TEXT,
    JINJA_LIST,
    JINJA_DICT,
    JINJA_NAMESPACE,
    JINJA_LOOP,
    JINJA_MACRO,
    JINJA_FUNCTION,
    JINJA_METHOD,
};

struct jinja_value {
    enum jinja_kind kind;
    bool given; /* an argument that the caller left out is undefined and not given */
    union {
        bool truth;
        int64_t integer;
        double real;
        struct jinja_text *text;
        struct jinja_list *list;
        struct jinja_dict *dict; /* of NAMESPACE too */
        struct jinja_loop *loop;
        struct jinja_macro *macro;
        const struct jinja_builtin *function;
        struct jinja_method *method;
    };
};

struct jinja_list {
    struct jinja_value *items;
    size_t count, room;
    bool tuple;
};
struct jinja_pair {
    struct jinja_value key, value;
};
struct jinja_dict { /* in the order of insertion */
    struct jinja_pair *pairs;
    size_t count, room;
};
struct jinja_loop {
    const struct jinja_list *items;
    size_t at, depth;
};
struct jinja_method {
    struct jinja_value self;
    const struct jinja_builtin *function;
};

struct jinja_scope;
struct jinja_run {
    struct jinja_arena arena;
    struct pml_error *err;
    bool failed;
    unsigned line, depth;
    size_t work; /* left to do */
    const char *date;
    bool read_clock;
    struct jinja_sink *out;      /* where the text being rendered goes */
    struct jinja_scope *scope;   /* the innermost */
    struct jinja_value captured; /* the operand of a filter block's filters */
    size_t loops;                /* that are running */
};

#define JINJA_PARAMETERS 5

/* A filter, test, method or function. IN is what it is applied to; ARG has JINJA_PARAMETERS values. */
struct jinja_builtin {
    const char *name;
    struct jinja_value (*apply)(struct jinja_run *run, struct jinja_value in, const struct jinja_value *arg);
    const char *parameters[JINJA_PARAMETERS]; /* names in order; "": by position only */
};

/* A function with this first parameter gets all named arguments as a dict there, and those by position after it. */
#define JINJA_ALL_NAMED "**"

/* --- the run --- */

struct jinja_value jinja_fail(struct jinja_run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void *jinja_new(struct jinja_run *run, size_t size); /* zeroed, owned by the run; NULL after failing */
bool jinja_work(struct jinja_run *run, size_t size); /* accounts for SIZE bytes or elements gone over */
bool jinja_enter(struct jinja_run *run);             /* one evaluation deeper; jinja_leave in any case */
void jinja_leave(struct jinja_run *run);

/* --- making values --- */

struct jinja_value jinja_undefined(void);
struct jinja_value jinja_none(void);
struct jinja_value jinja_bool(bool truth);
struct jinja_value jinja_int(int64_t integer);
struct jinja_value jinja_float(double real);
struct jinja_value jinja_text(struct jinja_run *run, struct jinja_span span); /* shares the bytes */
struct jinja_value jinja_words(struct jinja_run *run, const char *literal);   /* shares the bytes; marked 1 */
struct jinja_value jinja_add(struct jinja_run *run, struct jinja_value left, struct jinja_value right); /* two texts */
struct jinja_value jinja_list(struct jinja_run *run, size_t room);
struct jinja_value jinja_dict(struct jinja_run *run, enum jinja_kind kind, size_t room);
struct jinja_value jinja_from_json(struct jinja_run *run, const json_t *json, unsigned depth);

void jinja_append(struct jinja_run *run, struct jinja_list *list, struct jinja_value item);
void jinja_set(struct jinja_run *run, struct jinja_dict *dict, struct jinja_value key, struct jinja_value value);
const struct jinja_value *jinja_get(struct jinja_run *run, const struct jinja_dict *dict, struct jinja_value key);
const struct jinja_value *jinja_get_name(struct jinja_run *run, const struct jinja_dict *dict, struct jinja_span name);

/* --- reading values --- */

struct jinja_span jinja_flat(struct jinja_run *run, struct jinja_value text); /* empty unless it is a text */
struct jinja_span jinja_cut(struct jinja_span span, size_t from, size_t size);
bool jinja_span_is(struct jinja_span span, const char *literal);
int jinja_span_order(struct jinja_span a, struct jinja_span b);
bool jinja_truth(struct jinja_value value);
bool jinja_equal(struct jinja_run *run, struct jinja_value a, struct jinja_value b);
bool jinja_is_number(struct jinja_value value); /* booleans are, as in Python */
double jinja_real(struct jinja_value number);
int64_t jinja_whole(struct jinja_value number); /* of an int or bool */
int jinja_order(struct jinja_run *run, struct jinja_value a, struct jinja_value b,
                bool case_sensitive); /* fails for
                            values without an order */
/* What a loop over the value sees, as a list: elements, keys, characters; fails for what cannot be gone over. */
const struct jinja_list *jinja_elements(struct jinja_run *run, struct jinja_value value);
struct jinja_value jinja_string(struct jinja_run *run, struct jinja_value value); /* str() */
const char *jinja_kind_name(enum jinja_kind kind);

/* --- text that is being written --- */

struct jinja_sink {
    struct pml_buf text, marks;
};
void jinja_put(struct jinja_run *run, struct jinja_sink *sink, struct jinja_span span);
void jinja_put_plain(struct jinja_run *run, struct jinja_sink *sink, const char *text); /* marked 0 */
struct jinja_value jinja_sink_take(struct jinja_run *run, struct jinja_sink *sink);     /* the text; frees the sink */

/* Appends str() of a value, or repr(), or its JSON. */
void jinja_put_string(struct jinja_run *run, struct jinja_sink *sink, struct jinja_value value);
struct jinja_json_style {
    const struct jinja_span *item, *key; /* separators */
    size_t indent;                       /* blanks a level; PRETTY only */
    bool pretty, ascii, sorted;
};
void jinja_put_json(struct jinja_run *run, struct jinja_sink *sink, struct jinja_value value,
                    const struct jinja_json_style *style);

/* --- tables --- */

const struct jinja_builtin *jinja_find_filter(const char *name, size_t size);
const struct jinja_builtin *jinja_find_test(const char *name, size_t size);
const struct jinja_builtin *jinja_find_method(enum jinja_kind kind, struct jinja_span name);
const struct jinja_builtin *jinja_find_function(const char *name, size_t size);

/* Operands of a filter that names another one, or a test. COUNT values of ARG are given to it. */
struct jinja_value jinja_apply(struct jinja_run *run, const struct jinja_builtin *builtin, struct jinja_value in,
                               const struct jinja_value *arg, size_t count);

/* obj.name as templates that name an attribute in a string see it: "a.b" goes down two levels. */
struct jinja_value jinja_attribute(struct jinja_run *run, struct jinja_value value, struct jinja_span path);

#endif
