/* SPDX-License-Identifier: MIT */
/*
 * What a relying party asks of a quote beyond its being genuine: the policy file of spec dcap §2.11. A misspelt rule
 * must not vanish, so unknown and duplicate members are errors.
 */
#ifndef PML_DCAP_POLICY_H
#define PML_DCAP_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dcap/verify.h"

#define PML_POLICY_MAX     (1 << 20) /* bytes of JSON text */
#define PML_POLICY_ROOTS   16
#define PML_ACCEPT(status) (1u << (status))
#define PML_ACCEPT_ANY     0x37eu /* every status but PML_TCB_NONE and Revoked, and both relaunch advices */

/* Pinned values, in the order of the table of §2.11. */
enum pml_pin_name {
    /* of the report body */
    PML_PIN_MR_SEAM,
    PML_PIN_MR_TD,
    PML_PIN_MR_CONFIG_ID,
    PML_PIN_MR_OWNER,
    PML_PIN_MR_OWNER_CONFIG,
    PML_PIN_RT_MR0,
    PML_PIN_RT_MR1,
    PML_PIN_RT_MR2,
    PML_PIN_RT_MR3,
    PML_PIN_MR_ENCLAVE,
    PML_PIN_MR_SIGNER,
    PML_PIN_REPORT_DATA,
    /* of the event log, once it has replayed: the caller compares them */
    PML_PIN_COMPOSE_HASH,
    PML_PIN_OS_IMAGE_HASH,
    PML_PIN_APP_ID,
    PML_PIN_MODELS,
    PML_PIN_ENGINE_BUILDS,
    PML_PIN_COUNT,
};

struct pml_pin {
    bool set;        /* the policy has the member, even as an empty array, which nothing matches */
    size_t count;    /* of values */
    uint8_t *values; /* [count][pml_pin_size()], owned */
};

struct pml_policy {
    unsigned accept; /* set of PML_ACCEPT(status), relaunch advices included */
    bool allow_debug, allow_service_td, require_sept_ve_disable;
    uint64_t td_attributes_allowed;
    enum pml_compat compat;
    int64_t min_tcb_eval_num, max_collateral_age_s, collateral_grace_period_s; /* -1: not asked for */
    json_t *allowed_advisory_ids;                                              /* NULL: any */
    json_t *rejected_advisory_ids;                                             /* NULL: none */
    bool has_root;
    struct pml_root root;
    struct pml_root *simulated_roots; /* owned */
    size_t simulated_root_count;
    struct pml_pin pins[PML_PIN_COUNT];
    unsigned unpinned; /* set of 1 << pin: deliberately left open */
};

/* The default policy: UpToDate only, no pins. Free with pml_policy_free. */
void pml_policy_init(struct pml_policy *policy);
/* Reads a policy file. POLICY is overwritten. PML_USAGE "policy_format"; memory. */
PML_CHECKED
bool pml_policy_parse(struct pml_policy *policy, const char *text, size_t size, struct pml_error *err);
/* Reads the members that OBJECT has over those of POLICY, which may have changed in part on failure. policy_format,
 * memory. */
PML_CHECKED
bool pml_policy_read(struct pml_policy *policy, json_t *object, struct pml_error *err);
/*
 * Tightens POLICY by the policy object of somebody who may only ask for more: what POLICY accepts afterwards, it
 * accepted before. Members that OBJECT lacks change nothing. Statuses, allowed advisories and pinned values are
 * intersected, even to nothing; flags and bits of td_attributes stay allowed where both allow them; of numbers the
 * stricter counts; rejected advisories unite. Roots, and a `compat` other than POLICY's, are refused, for neither is
 * stricter than another. POLICY is unchanged on failure. policy_format, memory.
 */
PML_CHECKED
bool pml_policy_tighten(struct pml_policy *policy, json_t *object, struct pml_error *err);
/* A copy that is freed on its own. memory. */
PML_CHECKED
bool pml_policy_copy(struct pml_policy *out, const struct pml_policy *policy, struct pml_error *err);
/* As above from a file. io. */
PML_CHECKED
bool pml_policy_load(struct pml_policy *policy, const char *path, struct pml_error *err);

/* Command-line forms; each replaces the member. usage. */
PML_CHECKED
bool pml_policy_accept(struct pml_policy *policy, const char *comma_separated, struct pml_error *err);
PML_CHECKED
bool pml_policy_td_attributes(struct pml_policy *policy, const char *hex16, struct pml_error *err);
PML_CHECKED
bool pml_policy_pin(struct pml_policy *policy, enum pml_pin_name pin, const char *hex, struct pml_error *err);
/* --trust-simulated: adds the root at PATH (PEM file or state directory). usage, io. */
PML_CHECKED
bool pml_policy_trust_simulated(struct pml_policy *policy, const char *path, struct pml_error *err);

const char *pml_pin_member(enum pml_pin_name pin); /* "mr_td" */
size_t pml_pin_size(enum pml_pin_name pin);        /* bytes of one value */
/* True if the pin is not set or VALUE (pml_pin_size bytes) is one of its values; else fails with "policy_<member>". */
PML_CHECKED
bool pml_pin_check(const struct pml_policy *policy, enum pml_pin_name pin, const uint8_t *value, struct pml_error *err);

enum {
    PML_POLICY_IGNORE_REPORT_DATA = 1, /* the caller compares report_data with what it asked for */
    PML_POLICY_LOG_CHECKED_LATER = 2,  /* the caller compares the pins of the event log; without it they fail if set */
};

/* Judges a verdict that is ok: sets accepted, or error. Returns accepted. status_not_accepted, policy_<member>. */
PML_CHECKED
bool pml_policy_apply(struct pml_verdict *verdict, const struct pml_policy *policy, unsigned flags,
                      struct pml_error *err);
/* The roots that the policy trusts; borrows them. */
struct pml_trust pml_policy_trust(const struct pml_policy *policy);
int64_t pml_policy_grace(const struct pml_policy *policy); /* seconds, 0: none */
/* Fills roots, attribute flags, grace and compatibility of IN from the policy. */
void pml_policy_input(struct pml_verify_input *in, const struct pml_policy *policy);
/* Verifies and judges: true if accepted. The verdict is filled either way and must be freed. */
PML_CHECKED
bool pml_policy_verify(struct pml_verdict *verdict, const void *quote, size_t quote_size,
                       const struct pml_collateral *collateral, int64_t now, const struct pml_policy *policy,
                       unsigned flags, struct pml_error *err);

void pml_policy_free(struct pml_policy *policy);
void pml_policy_auto(struct pml_policy *policy);

#endif
