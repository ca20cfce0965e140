/* SPDX-License-Identifier: MIT */
/* The contract's ABI, and verdicts from its answers. Words of the ABI are 32 bytes, integers big-endian. */
#include "dcap/onchain.h"

#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/memory.h"
#include "dcap/attributes.h"

#define WORD          32
#define ADVISORY_MAX  64 /* bytes of one id */
#define OUTPUT_PREFIX 11 /* before the body */

static const uint8_t selector[4] = { 0x38, 0xd8, 0x48, 0x0a }; /* verifyAndAttestOnChain(bytes) */

/* --- the call --- */

static void put_word(struct pml_buf *out, uint64_t value)
{
    uint8_t word[WORD] = { 0 };
    for (size_t i = 0; i < 8; i++)
        word[WORD - 1 - i] = (uint8_t)(value >> 8 * i);
    pml_put_bytes(out, word, sizeof word);
}

void pml_onchain_put_call(struct pml_buf *out, const void *quote, size_t quote_size)
{
    pml_put_bytes(out, selector, sizeof selector);
    put_word(out, WORD); /* where the argument begins */
    put_word(out, quote_size);
    pml_put_bytes(out, quote, quote_size);
    pml_put_zero(out, (WORD - quote_size % WORD) % WORD);
}

size_t pml_onchain_trimmed_size(const void *quote, size_t quote_size)
{
    struct pml_quote q;
    struct pml_error ignored;
    const uint8_t *bytes = quote;
    if (!pml_quote_parse(&q, quote, quote_size, &ignored))
        return quote_size;
    for (size_t i = q.size; i < quote_size; i++) {
        if (bytes[i])
            return quote_size;
    }
    return q.size;
}

/* --- decoding: every offset and length is checked against what is there --- */

/* The word at AT as a number. False: it lies outside, or does not fit. */
static bool get_number(size_t *out, struct pml_bytes in, size_t at)
{
    size_t value = 0;
    if (at > in.size || in.size - at < WORD)
        return false;
    for (size_t i = 0; i < WORD; i++) {
        if (i < WORD - 4 && in.bytes[at + i])
            return false;
        value = value << 8 | in.bytes[at + i];
    }
    *out = value;
    return true;
}

/* The length-prefixed bytes at AT. */
static bool get_bytes(struct pml_bytes *out, struct pml_bytes in, size_t at)
{
    size_t size;
    if (!get_number(&size, in, at) || in.size - at - WORD < size)
        return false;
    *out = (struct pml_bytes){ in.bytes + at + WORD, size };
    return true;
}

bool pml_onchain_return_parse(struct pml_onchain_return *out, const void *bytes, size_t size, struct pml_error *err)
{
    struct pml_bytes in = { bytes, size };
    size_t success, at;
    if (size == 0)
        return pml_fail(err, PML_UNKNOWN, "onchain_unavailable", "there is no contract at this address");
    if (!get_number(&success, in, 0) || success > 1 || !get_number(&at, in, WORD) || at < 2 * WORD ||
        !get_bytes(&out->output, in, at))
        return pml_fail(err, PML_UNKNOWN, "onchain_unavailable", "the answer is not that of verifyAndAttestOnChain");
    out->success = success == 1;
    return true;
}

static bool is_advisory(struct pml_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] < 0x21 || text.bytes[i] > 0x7e)
            return false;
    }
    return text.size > 0 && text.size <= ADVISORY_MAX;
}

/* abi.encode(string[]), or nothing for an empty one. NULL: not that, or no memory. */
static json_t *get_advisories(struct pml_bytes in)
{
    size_t at, count;
    PML_AUTO(json) json_t *out = json_array();
    if (in.size == 0)
        return pml_take(&out);
    if (in.size % WORD || !get_number(&at, in, 0) || !get_number(&count, in, at) || count > PML_ONCHAIN_ADVISORIES_MAX)
        return NULL;
    struct pml_bytes items = { in.bytes + at + WORD, in.size - at - WORD };
    for (size_t i = 0; i < count; i++) {
        size_t offset;
        struct pml_bytes text;
        if (!get_number(&offset, items, i * WORD) || !get_bytes(&text, items, offset) || !is_advisory(text) ||
            json_array_append_new(out, json_stringn((const char *)text.bytes, text.size)) != 0)
            return NULL;
    }
    return pml_take(&out);
}

bool pml_onchain_output_parse(struct pml_onchain_output *out, struct pml_bytes output, struct pml_error *err)
{
    struct pml_cursor in = pml_cursor(output.bytes, output.size);
    struct pml_onchain_output o = { 0 };
    o.quote_version = pml_get_u16be(&in);
    uint16_t type = pml_get_u16be(&in);
    o.tcb_status = pml_get_u8(&in);
    PML_GET(&in, o.fmspc);
    if (pml_cursor_ok(&in) && (type == PML_BODY_SGX || type == PML_BODY_TD10 || type == PML_BODY_TD15))
        o.body_type = (enum pml_body_type)type;
    o.body.size = pml_body_size(o.body_type);
    o.body.bytes = pml_get_view(&in, o.body.size);
    if (!pml_cursor_ok(&in) || o.body.size == 0)
        return pml_fail(err, PML_NO, "onchain_mismatch", "the contract's output holds no report body");
    o.advisory_ids = get_advisories((struct pml_bytes){ in.at, pml_cursor_left(&in) });
    if (!o.advisory_ids)
        return pml_fail(err, PML_NO, "onchain_mismatch", "the contract's output ends in no list of advisories");
    *out = o;
    return true;
}

void pml_onchain_output_free(struct pml_onchain_output *output)
{
    json_decref(output->advisory_ids);
    *output = (struct pml_onchain_output){ 0 };
}

/* --- verdicts --- */

/* Errors of the contract and of the store of collateral behind it. */
static const struct {
    uint8_t selector[4];
    const char *text;
} reverts[] = {
    { { 0x9b, 0xb4, 0x2d, 0x4b }, "Insufficient_Funds: the call has to carry the contract's fee" },
    { { 0x13, 0x56, 0xa6, 0x3b }, "BP_Not_Valid" },
    { { 0xc4, 0x0a, 0x53, 0x2b }, "Withdrawal_Failed" },
    { { 0xa7, 0x8b, 0xf2, 0x1a }, "TcbEvalExpiredOrNotFound: its TCB evaluation number has expired or is missing" },
    { { 0x0a, 0x2a, 0x91, 0x42 }, "QEIdentityExpiredOrNotFound: its QE identity has expired or is missing" },
    { { 0x34, 0x33, 0x85, 0xcf }, "FmspcTcbExpiredOrNotFound: its TCB info has expired or is missing" },
    { { 0xcc, 0x16, 0xeb, 0xed }, "CertExpiredOrNotFound: a certificate of its has expired or is missing" },
    { { 0x48, 0x2b, 0x71, 0x29 }, "CrlExpiredOrNotFound: a revocation list of its has expired or is missing" },
    { { 0xee, 0x90, 0xc4, 0x68 }, "Forbidden" },
};

static const uint8_t error_string[4] = { 0x08, 0xc3, 0x79, 0xa0 }; /* Error(string) */

static void *fail_revert(const struct pml_eth_answer *answer, struct pml_error *err)
{
    char hex[9];
    struct pml_bytes text, arguments;
    size_t at;
    if (answer->size < 4)
        return pml_fail(err, PML_NO, "onchain_rejected",
                        "the contract reverts without a reason: the quote is rejected, or the contract failed");
    for (size_t i = 0; i < PML_COUNT(reverts); i++) {
        if (memcmp(answer->data, reverts[i].selector, 4) == 0)
            return pml_fail(err, PML_NO, "onchain_rejected", "the contract reverts: %s", reverts[i].text);
    }
    arguments = (struct pml_bytes){ answer->data + 4, answer->size - 4 };
    if (memcmp(answer->data, error_string, 4) == 0 && get_number(&at, arguments, 0) && get_bytes(&text, arguments, at))
        return pml_fail(err, PML_NO, "onchain_rejected", "the contract reverts: %.*s",
                        text.size < 200 ? (int)text.size : 200, (const char *)text.bytes);
    return pml_fail(err, PML_NO, "onchain_rejected", "the contract reverts: error 0x%s", pml_hex(hex, answer->data, 4));
}

static void *fail_rejected(struct pml_bytes output, struct pml_error *err)
{
    if (output.size == 0)
        return pml_fail(err, PML_NO, "onchain_rejected", "the contract rejects the quote and does not say why");
    return pml_fail(err, PML_NO, "onchain_rejected", "the contract rejects the quote: %.*s",
                    output.size < 200 ? (int)output.size : 200, (const char *)output.bytes);
}

/* The contract's numbers (spec dcap §2.8). Its relaunch advices stand for the status that they are advice about. */
static bool read_status(struct pml_verdict *v, uint8_t number, struct pml_error *err)
{
    static const struct {
        enum pml_tcb_status status, relaunch;
    } statuses[] = {
        [0] = { PML_TCB_UP_TO_DATE, PML_TCB_NONE },
        [1] = { PML_TCB_SW_HARDENING_NEEDED, PML_TCB_NONE },
        [2] = { PML_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED, PML_TCB_NONE },
        [3] = { PML_TCB_CONFIGURATION_NEEDED, PML_TCB_NONE },
        [4] = { PML_TCB_OUT_OF_DATE, PML_TCB_NONE },
        [5] = { PML_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, PML_TCB_NONE },
        [6] = { PML_TCB_REVOKED, PML_TCB_NONE },
        [8] = { PML_TCB_OUT_OF_DATE, PML_TCB_RELAUNCH_ADVISED },
        [9] = { PML_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, PML_TCB_RELAUNCH_ADVISED_CONFIGURATION_NEEDED },
    };
    if (number >= PML_COUNT(statuses) || !statuses[number].status)
        return pml_fail(err, PML_NO, "tcb_unknown_status", "the contract gives a status that is not known: %u", number);
    if (statuses[number].status == PML_TCB_REVOKED)
        return pml_fail(err, PML_NO, "tcb_revoked", "this TCB level has been revoked");
    v->status = statuses[number].status;
    v->relaunch = statuses[number].relaunch;
    return true;
}

/* Success for another quote would be no answer about this one. */
static bool check_same(const struct pml_quote *quote, const struct pml_onchain_output *o, struct pml_error *err)
{
    if (o->quote_version != quote->version || o->body_type != quote->body_type ||
        memcmp(o->body.bytes, quote->signed_bytes + quote->signed_size - o->body.size, o->body.size) != 0)
        return pml_fail(err, PML_NO, "onchain_mismatch", "the contract's output is not about this quote");
    return true;
}

static bool judge(struct pml_verdict *v, const struct pml_verify_input *in, const struct pml_eth_answer *answer,
                  struct pml_error *err)
{
    struct pml_quote quote;
    struct pml_onchain_return returned;
    struct pml_onchain_output output = { 0 };
    if (answer->reverted)
        return fail_revert(answer, err);
    if (!pml_onchain_return_parse(&returned, answer->data, answer->size, err))
        return false;
    if (!returned.success)
        return fail_rejected(returned.output, err);
    if (v->simulated)
        return pml_fail(err, PML_NO, "pck_chain_root", "a simulated platform, which no contract can vouch for");
    if (!pml_quote_parse(&quote, in->quote, in->quote_size, err) ||
        !pml_onchain_output_parse(&output, returned.output, err))
        return false;
    bool good = check_same(&quote, &output, err) && read_status(v, output.tcb_status, err) &&
                pml_attributes_check(in, &quote, err);
    if (good) {
        v->advisory_ids = json_incref(output.advisory_ids);
        memcpy(v->supplemental.fmspc, output.fmspc, sizeof output.fmspc);
    }
    pml_onchain_output_free(&output);
    return good;
}

bool pml_onchain_verify(struct pml_verdict *verdict, const struct pml_verify_input *in,
                        const struct pml_eth_answer *answer, struct pml_error *err)
{
    struct pml_error unjudged;
    pml_fail(&unjudged, PML_UNKNOWN, "internal", "not judged");
    pml_verdict_unknown(verdict, in->quote, in->quote_size, in->now, &unjudged);
    bool ok = judge(verdict, in, answer, err);
    if (ok)
        verdict->error = (struct pml_error){ 0 };
    else
        pml_verdict_unknown(verdict, in->quote, in->quote_size, in->now, err);
    verdict->ok = ok;
    verdict->on_chain = true;
    verdict->simulated = false; /* the contract's root is its own */
    return ok;
}
