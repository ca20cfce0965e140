/* SPDX-License-Identifier: MIT */
/* Requests put to a judge that has all public bundles. */
#ifndef PML_TEST_JUDGED_H
#define PML_TEST_JUDGED_H

#include "test.h"

#include "base/encode.h"
#include "base/json.h"
#include "verifier/judge.h"

/* A real TD of February 2026 whose event log is at hand, and the time when its bundle was current. */
#define REAL_QUOTE  "measurement/quotes/qemu9.2.1-16c-64g-1gpu/quote.bin"
#define REAL_LOG    "measurement/quotes/qemu9.2.1-16c-64g-1gpu/event_log.json"
#define REAL_CONFIG "measurement/quotes/qemu9.2.1-16c-64g-1gpu/vm_config.json"
#define REAL_BUNDLE "dcap/public/collateral/90c06f-0226-dcapqvl-tdx5-outdated.json"
#define REAL_NOW    1771977600
#define REAL_AT     "2026-02-25T00:00:00Z"

struct judged {
    struct pml_judge judge;
    struct pml_bundles *bundles;
};

static inline void judged_open(struct judged *j, const char *bundles, const char *policy)
{
    struct pml_error err;
    char path[4096];
    *j = (struct judged){ .bundles = pml_bundles_new(&err) };
    pml_path(path, vectors_dir(), bundles);
    if (access(path, R_OK) != 0) {
        printf("skipped: no vector %s\n", path);
        skip();
    }
    if (!j->bundles || !pml_bundles_load(j->bundles, path, &err) ||
        !pml_policy_parse(&j->judge.policy, policy, strlen(policy), &err))
        fail_msg("%s", err.text);
    j->judge.bundles = j->bundles;
}

static inline void judged_close(struct judged *j)
{
    pml_policy_free(&j->judge.policy);
    pml_bundles_free(j->bundles);
}

static inline json_t *vector_hex(const char *name)
{
    size_t size;
    PML_AUTO(mem) char *bytes = vector_file(name, &size);
    PML_AUTO(mem) char *text = malloc(2 * size + 1);
    assert_non_null(text);
    return json_string(pml_hex(text, bytes, size));
}

static inline json_t *vector_text(const char *name)
{
    size_t size;
    PML_AUTO(mem) char *text = vector_file(name, &size);
    return json_stringn(text, size);
}

typedef void judge_fn(const struct pml_judge *, const char *, size_t, int64_t, struct pml_answer *);

/* The answer to BODY, parsed; its status must be STATUS. */
static inline json_t *ask_text(judge_fn *ask, const struct judged *j, const char *body, size_t size, int64_t now,
                               unsigned status)
{
    struct pml_error err;
    struct pml_answer answer;
    ask(&j->judge, body, size, now, &answer);
    PML_AUTO(mem) char *text = answer.body;
    assert_non_null(text);
    if (answer.status != status)
        fail_msg("status %u, not %u: %s", answer.status, status, text);
    json_t *out = pml_json_load(text, answer.size, &err);
    if (!out)
        fail_msg("%s", err.text);
    return out;
}

static inline json_t *ask_json(judge_fn *ask, const struct judged *j, json_t *body, int64_t now, unsigned status)
{
    struct pml_error err;
    size_t size;
    PML_AUTO(mem) char *text = pml_json_dump(body, &size, &err);
    assert_non_null(text);
    return ask_text(ask, j, text, size, now, status);
}

#endif
