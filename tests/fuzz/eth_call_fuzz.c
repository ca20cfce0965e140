/* SPDX-License-Identifier: MIT */
/* A node's answer to eth_call, down to the contract's output: nothing but the quote's own body is a success. */
#include <assert.h>
#include <string.h>

#include "dcap/onchain.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Return data as it is, without a node around it. */
static void decode(const uint8_t *bytes, size_t size)
{
    struct pml_error err;
    struct pml_onchain_return returned;
    struct pml_onchain_output output;
    if (!pml_onchain_return_parse(&returned, bytes, size, &err)) {
        assert(err.kind == PML_UNKNOWN);
        return;
    }
    assert(returned.output.size <= size && returned.output.bytes >= bytes);
    assert(returned.output.bytes + returned.output.size <= bytes + size);
    if (!pml_onchain_output_parse(&output, returned.output, &err))
        return;
    assert(output.body.size == pml_body_size(output.body_type) && output.body.size > 0);
    assert(json_array_size(output.advisory_ids) <= PML_ONCHAIN_ADVISORIES_MAX);
    pml_onchain_output_free(&output);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct pml_error err;
    PML_AUTO(eth_answer) struct pml_eth_answer answer = { 0 };
    decode(bytes, size);
    if (!pml_eth_answer_parse(&answer, (const char *)bytes, size, &err)) {
        assert(err.kind == PML_UNKNOWN);
        return 0;
    }
    assert(answer.data && answer.size <= size / 2);
    decode(answer.data, answer.size);
    PML_AUTO(verdict) struct pml_verdict verdict = { 0 };
    struct pml_verify_input in = { .quote = "", .quote_size = 0, .now = 1749095100 };
    assert(!pml_onchain_verify(&verdict, &in, &answer, &err) && !verdict.ok); /* there is no quote to be about */
    return 0;
}
