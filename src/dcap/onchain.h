/* SPDX-License-Identifier: MIT */
/*
 * Verification by a contract: AutomataDcapAttestationFee v1.1 on an EVM chain (spec dcap §5). The contract runs Intel's
 * algorithm with collateral of its own, trusts a root of its own, and gives a status, the report body and advisories.
 * It does not look at attributes and says nothing about dates; the first is made up for here, the second left unknown.
 *
 * A verdict made from its answer is as good as the node that gave it, which need not be honest, and as the contract.
 */
#ifndef PML_DCAP_ONCHAIN_H
#define PML_DCAP_ONCHAIN_H

#include "base/buf.h"
#include "dcap/der.h"
#include "dcap/eth_call.h"
#include "dcap/verify.h"

#define PML_ONCHAIN_ADVISORIES_MAX 256

/* Puts the calldata of verifyAndAttestOnChain(bytes): the selector and the ABI encoding of the quote. */
void pml_onchain_put_call(struct pml_buf *out, const void *quote, size_t quote_size);
/* The size of a quote without the zeros behind its signature data, which only cost; the whole if there is something
 * else. */
size_t pml_onchain_trimmed_size(const void *quote, size_t quote_size);

/* What the function returns: (bool success, bytes output). */
struct pml_onchain_return {
    bool success;
    struct pml_bytes output; /* borrowed */
};
/* PML_UNKNOWN "onchain_unavailable": not the return data of that function. */
PML_CHECKED
bool pml_onchain_return_parse(struct pml_onchain_return *out, const void *bytes, size_t size, struct pml_error *err);

/* The output of success. */
struct pml_onchain_output {
    uint16_t quote_version;
    enum pml_body_type body_type;
    uint8_t tcb_status; /* the contract's number */
    uint8_t fmspc[6];
    struct pml_bytes body; /* borrowed */
    json_t *advisory_ids;  /* array of strings, owned */
};
/* PML_NO "onchain_mismatch": not such an output. memory. */
PML_CHECKED
bool pml_onchain_output_parse(struct pml_onchain_output *out, struct pml_bytes output, struct pml_error *err);
void pml_onchain_output_free(struct pml_onchain_output *output);

/*
 * Judges the quote of IN by what the contract answered, and by the attribute flags of IN; of IN's other members only
 * `now` counts. Returns verdict->ok. VERDICT is overwritten and must be freed; members that the contract does not give
 * are null in its JSON. onchain_rejected (also for a revert), onchain_mismatch: success for something else than the
 * quote; tcb_revoked, tcb_unknown_status; codes of pml_attributes_check; PML_UNKNOWN onchain_unavailable, internal.
 */
PML_CHECKED
bool pml_onchain_verify(struct pml_verdict *verdict, const struct pml_verify_input *in,
                        const struct pml_eth_answer *answer, struct pml_error *err);

#endif
