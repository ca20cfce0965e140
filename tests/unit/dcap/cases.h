/* SPDX-License-Identifier: MIT */
/* The public verification cases of vectors/dcap/public/index.json, loaded. */
#ifndef PML_TEST_CASES_H
#define PML_TEST_CASES_H

#include "test.h"

#include "base/json.h"
#include "base/memory.h"
#include "dcap/policy.h"

#define CASES_DIR "dcap/public/"

struct vector_case {
    const char *id;
    const json_t *expect, *reference;
    char *quote;
    size_t quote_size;
    char *bundle;
    size_t bundle_size;
    struct pml_collateral collateral;
    struct pml_policy policy; /* default, with the case's root */
    bool has_root;
    int64_t now;
};

static inline json_t *load_cases(void)
{
    struct pml_error err;
    size_t size;
    PML_AUTO(mem) char *text = vector_file(CASES_DIR "index.json", &size);
    json_t *index = pml_json_load(text, size, &err);
    if (!index)
        fail_msg("%s", err.text);
    return index;
}

static inline char *case_file(const json_t *entry, const char *member, size_t *size)
{
    char name[512];
    snprintf(name, sizeof name, CASES_DIR "%s", json_string_value(json_object_get(entry, member)));
    return vector_file(name, size);
}

static inline void load_case(struct vector_case *c, const json_t *entry)
{
    struct pml_error err;
    *c = (struct vector_case){ .id = json_string_value(json_object_get(entry, "id")),
                               .expect = json_object_get(entry, "expect"),
                               .reference = json_object_get(entry, "reference"),
                               .now = json_integer_value(json_object_get(entry, "now")) };
    c->quote = case_file(entry, "quote", &c->quote_size);
    c->bundle = case_file(entry, "collateral", &c->bundle_size);
    if (!pml_collateral_parse(&c->collateral, c->bundle, c->bundle_size, &err))
        fail_msg("%s: %s", c->id, err.text);
    pml_policy_init(&c->policy);
    c->has_root = json_is_string(json_object_get(entry, "root"));
    if (c->has_root) {
        size_t size;
        PML_AUTO(mem) char *root = case_file(entry, "root", &size);
        if (!pml_root_parse(&c->policy.root, root, size, false, &err))
            fail_msg("%s: %s", c->id, err.text);
        c->policy.has_root = true;
    }
}

static inline void free_case(struct vector_case *c)
{
    free(c->quote);
    free(c->bundle);
    pml_collateral_free(&c->collateral);
    pml_policy_free(&c->policy);
}

static inline bool expects_ok(const struct vector_case *c)
{
    return json_is_true(json_object_get(c->expect, "accept"));
}

#endif
