/* SPDX-License-Identifier: MIT */
/* Verification by a contract. */
#include "contract.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "dcap/onchain.h"

#define ADDRESS_FILE_MAX 256

static void *usage(struct pml_error *err, const char *text)
{
    return pml_fail(err, PML_USAGE, "usage", "%s", text);
}

bool contract_check(const struct contract *contract, const struct pml_policy *policy, struct pml_error *err)
{
    bool named = contract->address || contract->file;
    if (!contract->node_url)
        return !named || usage(err, "--contract and --contract-file go with --onchain");
    if (!named || (contract->address && contract->file))
        return usage(err, "--onchain needs the contract: --contract ADDR or --contract-file FILE");
    if (policy->has_root || policy->simulated_root_count > 0)
        return usage(err, "with --onchain no root can be given: the contract's is its own");
    if (policy->compat != PML_COMPAT_INTEL)
        return usage(err, "with --onchain no compat can be given: the contract's rule is its own");
    return true;
}

/* From a file: the address with white space around it. */
static bool read_address(uint8_t out[PML_ETH_ADDRESS_SIZE], const struct contract *contract, struct pml_error *err)
{
    size_t size;
    if (contract->address)
        return pml_eth_address_parse(out, contract->address, err) || pml_wrap(err, "--contract");
    PML_AUTO(mem) char *text = pml_read_file(contract->file, ADDRESS_FILE_MAX, &size, err);
    if (!text)
        return pml_wrap(err, "--contract-file");
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        text[--size] = 0;
    const char *start = text;
    while (isspace((unsigned char)*start))
        start++;
    return pml_eth_address_parse(out, start, err) || pml_wrap(err, "--contract-file: %s", contract->file);
}

static bool ask(struct pml_eth_answer *answer, const struct contract *contract, const struct pml_verify_input *in,
                struct pml_error *err)
{
    char what[96];
    uint8_t address[PML_ETH_ADDRESS_SIZE];
    PML_AUTO(buf) struct pml_buf call = { 0 };
    if (!read_address(address, contract, err))
        return false;
    pml_onchain_put_call(&call, in->quote, pml_onchain_trimmed_size(in->quote, in->quote_size));
    if (!pml_buf_check(&call, err) || !pml_eth_call(answer, contract->node_url, address, call.bytes, call.size, err))
        return false;
    snprintf(what, sizeof what, "%zu bytes sent, %zu bytes %s", call.size, answer->size,
             answer->reverted ? "in a revert" : "returned");
    if (in->trace)
        in->trace(in->trace_context, "eth_call", what);
    return true;
}

bool contract_judge(struct pml_verdict *verdict, const struct contract *contract, const struct pml_verify_input *in,
                    struct pml_error *err)
{
    PML_AUTO(eth_answer) struct pml_eth_answer answer = { 0 };
    if (ask(&answer, contract, in, err))
        return pml_onchain_verify(verdict, in, &answer, err);
    pml_verdict_unknown(verdict, in->quote, in->quote_size, in->now, err);
    verdict->simulated = false;
    return false;
}
