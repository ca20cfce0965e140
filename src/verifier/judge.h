/* SPDX-License-Identifier: MIT */
/*
 * What judges the requests of a verification service: its own policy, roots included, and where it has collateral from.
 * A request's body goes in, the answer's status and body come out; nothing here knows of connections. A judge is
 * filled once, then read by any thread.
 */
#ifndef PML_VERIFIER_JUDGE_H
#define PML_VERIFIER_JUDGE_H

#include "dcap/policy.h"
#include "dcap/source.h"
#include "verifier/bundles.h"

struct pml_judge {
    struct pml_policy policy; /* owned by whoever fills it, as is what follows */
    const struct pml_bundles *bundles;
    struct pml_source *source; /* asked when no bundle is current; NULL: the bundles must do */
    bool allow_time_override;  /* a request may say as of when */
};

enum pml_outcome_of_request {
    PML_OUTCOME_ACCEPTED,
    PML_OUTCOME_NOT_ACCEPTED, /* genuine, or at least not shown to be otherwise */
    PML_OUTCOME_NOT_GENUINE,
    PML_OUTCOME_UNKNOWN,     /* no collateral, no memory */
    PML_OUTCOME_BAD_REQUEST, /* the body is not a request */
    PML_OUTCOME_COUNT,
};

struct pml_answer {
    unsigned status; /* of HTTP */
    enum pml_outcome_of_request outcome;
    char *body; /* JSON, owned by the caller; NULL: memory ran out */
    size_t size;
};

/*
 * POST /v1/quote: {"quote":hex,"collateral":bundle|null,"at":time|null,"policy":{...}|null}, quote alone required,
 * unknown members refused. Answers 200 with the object of spec dcap §2.11, whatever the verdict, or 400 for a body that
 * is no such thing. The policy of a request tightens the judge's (pml_policy_tighten).
 */
void pml_judge_quote(const struct pml_judge *judge, const char *body, size_t size, int64_t now,
                     struct pml_answer *answer);

/*
 * POST /verify of dstack-verifier (spec dcap §4.1): {"quote","event_log","vm_config","debug"}, unknown members ignored.
 * Answers 200 with is_valid, details and reason; 400 for a body that is not JSON, 422 for a member of another type.
 */
void pml_judge_dstack(const struct pml_judge *judge, const char *body, size_t size, int64_t now,
                      struct pml_answer *answer);

/*
 * Collateral for a quote by the time NOW: a bundle that is current; else what the source has at present, which may take
 * as long as its services do; else a bundle that is not current, whose dates say what is wrong. Borrowed, or parsed
 * into FETCHED, which the caller frees either way. Codes of pml_bundles_find and pml_source_for_quote.
 */
PML_CHECKED
const struct pml_collateral *pml_judge_collateral(const struct pml_judge *judge, struct pml_collateral *fetched,
                                                  const void *quote, size_t quote_size, int64_t now,
                                                  struct pml_error *err);
/* The bytes of a quote in hex, either case, an initial 0x allowed. The caller frees. PML_NO "quote_format", memory. */
PML_CHECKED
uint8_t *pml_judge_quote_bytes(const char *hex, size_t *size, struct pml_error *err);
/* Fills ANSWER with OBJECT, which is taken; NULL stands for memory that ran out. */
void pml_answer_json(struct pml_answer *answer, unsigned status, enum pml_outcome_of_request outcome, json_t *object);
/* {"error":{"code","message"}} */
void pml_answer_error(struct pml_answer *answer, unsigned status, const char *code, const char *message);

#endif
