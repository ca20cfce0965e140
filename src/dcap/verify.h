/* SPDX-License-Identifier: MIT */
/*
 * Verification of Intel DCAP quotes, SGX and TDX: steps S1 to S18 of spec dcap §2.1, in that order, all of them or
 * none.
 *
 * Two answers, never mixed. `ok`: the algorithm passed, with any status except Revoked. `accepted`: ok, and the policy
 * holds (dcap/policy.h). A quote proves nothing about freshness: compare report_data with what you asked for.
 *
 *     PML_AUTO(collateral) struct pml_collateral collateral = { 0 };
 *     PML_AUTO(verdict) struct pml_verdict verdict = { 0 };
 *     if (!pml_collateral_parse(&collateral, text, text_size, err) ||
 *         !pml_policy_verify(&verdict, quote, quote_size, &collateral, pml_now(), policy, 0, err))
 *         return pml_wrap(err, "quote");
 */
#ifndef PML_DCAP_VERIFY_H
#define PML_DCAP_VERIFY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "dcap/check.h"
#include "dcap/collateral.h"
#include "dcap/root.h"
#include "dcap/status.h"
#include "dcap/verify_cache.h"
#include "tdx/quote.h"

/* Bits 28, 30, 31 and 63 of td_attributes. */
#define PML_TD_ATTRIBUTES_ALLOWED (PML_TD_SEPT_VE_DISABLE | PML_TD_PKS | PML_TD_KL | PML_TD_PERFMON)

/* What a run of the algorithm depends on, besides the code. Everything is borrowed. */
struct pml_verify_input {
    const void *quote;
    size_t quote_size;
    const struct pml_collateral *collateral;
    int64_t now; /* seconds since 1970 UTC */
    struct pml_trust trust;
    /* attribute policy, spec dcap §2.6; all zero is the strict default */
    bool allow_debug;
    bool allow_service_td;
    bool allow_sept_ve;                    /* do not require SEPT_VE_DISABLE */
    const uint64_t *td_attributes_allowed; /* NULL: PML_TD_ATTRIBUTES_ALLOWED */
    int64_t grace_s;                       /* what is past its end by no more than this still counts */
    enum pml_compat compat;
    /* Told once a step what was compared: "S9", "fmspc b0c06f000000, pceid 0000". May be NULL. */
    void (*trace)(void *context, const char *step, const char *what);
    void *trace_context;
    struct pml_verify_cache *cache; /* of bundles and PCK chains verified before; NULL: everything is verified */
};

/* Intel's supplemental data (spec dcap §2.7). Dates in seconds. */
struct pml_supplemental {
    int64_t earliest_issue_date, latest_issue_date, earliest_expiration_date;
    int64_t qe_iden_earliest_issue_date, qe_iden_latest_issue_date, qe_iden_earliest_expiration_date;
    int64_t tcb_date;          /* the oldest of the three below */
    int64_t platform_tcb_date; /* tcb_level_date_tag of the platform level */
    int64_t qe_tcb_date;
    int64_t tdx_module_tcb_date; /* 0: no module level */
    int64_t oldest_collateral;   /* the oldest issue date of TCB info, QE identity and PCK CRL */
    int64_t tcb_eval_num;        /* the lower of the two below */
    int64_t tcb_info_eval_num, qe_identity_eval_num;
    uint64_t pck_crl_num, root_ca_crl_num;
    uint8_t root_key_id[48];
    uint8_t ppid[16], cpu_svn[16], fmspc[6], pce_id[2];
    uint16_t pce_svn;
    uint8_t sgx_type; /* 0 standard, 1 scalable, 2 scalable with integrity */
    bool has_platform_instance_id;
    uint8_t platform_instance_id[16];
    uint8_t dynamic_platform, cached_keys, smt_enabled; /* 0 no, 1 yes, 2 undefined */
    enum pml_tcb_status qe_status;
    int64_t tcb_date_current; /* as tcb_date and advisory ids, from tee_tcb_svn2; 0 and NULL: no such member */
    json_t *advisory_ids_current;
};

struct pml_verdict {
    bool ok, accepted;
    bool simulated; /* the PCK chain ends in a marked root, whether trusted or not */
    bool on_chain;  /* a contract has judged: of statuses only `status` and `relaunch`, of supplemental only fmspc is
                       known */
    /* As far as the quote could be parsed. */
    uint16_t quote_version;       /* 0: unknown */
    enum pml_body_type body_type; /* PML_BODY_NONE: unknown */
    struct pml_td_report td;
    struct pml_sgx_report sgx;
    int64_t verified_at;
    int64_t grace_s;
    /* When ok. */
    enum pml_tcb_status status, platform_status, qe_status, tdx_module_status;
    enum pml_tcb_status relaunch, current_status; /* bodies of TD 1.5 and later */
    json_t *advisory_ids;                         /* array of strings */
    struct pml_supplemental supplemental;
    /* Why not ok, or not accepted; code NULL when accepted or while nobody has judged. */
    struct pml_error error;
};

/* Runs the algorithm. Returns verdict->ok; on false ERR says why and VERDICT (error included) is filled as far as the
 * quote could be parsed. VERDICT is overwritten and must be freed. The codes are listed in pml-verify(1). Thread-safe.
 */
PML_CHECKED
bool pml_quote_verify(struct pml_verdict *verdict, const struct pml_verify_input *in, struct pml_error *err);

/* A verdict for a quote that could not be judged, for instance for want of collateral: filled from the quote as far as
 * it can be parsed, with ERR as its error. */
void pml_verdict_unknown(struct pml_verdict *verdict, const void *quote, size_t quote_size, int64_t now,
                         const struct pml_error *err);

/* The object of spec dcap §2.11; NULL: memory. */
PML_CHECKED
json_t *pml_verdict_json(const struct pml_verdict *verdict, struct pml_error *err);
/* Its member `report`: null for PML_BODY_NONE. */
PML_CHECKED
json_t *pml_report_json(enum pml_body_type type, const struct pml_td_report *td, const struct pml_sgx_report *sgx);

void pml_verdict_free(struct pml_verdict *verdict);
void pml_verdict_auto(struct pml_verdict *verdict);

#endif
