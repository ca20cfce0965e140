/* SPDX-License-Identifier: MIT */
/* Trust options and verdicts for people. */
#include "verdict.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aci/events.h"
#include "base/file.h"
#include "base/memory.h"
#include "cmd.h"

bool trust_load(struct trust *trust, const struct trust_options *options, struct pml_error *err)
{
    *trust = (struct trust){ 0 };
    pml_policy_init(&trust->policy);
    if (options->policy && !pml_policy_load(&trust->policy, options->policy, err))
        return false;
    trust->policy_given = options->policy;
    if (options->trust_simulated && !pml_policy_trust_simulated(&trust->policy, options->trust_simulated, err))
        return false;
    if (!options->collateral)
        return true;
    trust->collateral = pml_read_file(options->collateral, PML_COLLATERAL_MAX, &trust->collateral_size, err);
    return trust->collateral;
}

void trust_free(struct trust *trust)
{
    pml_policy_free(&trust->policy);
    free(trust->collateral);
}

void verdict_simulated(const struct pml_checks *checks)
{
    static const char text[] = "SIMULATED - this is not a confidential VM, nothing here is protected";
    if (!checks->verdict.simulated)
        return;
    if (pml_cmd_colour(stdout))
        printf("\033[1;37;41m %s \033[0m\n", text);
    else
        printf("%s\n", text);
    fflush(stdout);
}

void verdict_text(const char *text, size_t size)
{
    bool terminal = isatty(STDOUT_FILENO);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        /* C1 controls are C2 80 to C2 9F in UTF-8 */
        bool c1 = c == 0xc2 && i + 1 < size && (unsigned char)text[i + 1] < 0xa0;
        if (terminal && ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f || c1)) {
            putchar('?');
            i += c1;
        } else {
            putchar(c);
        }
    }
}

/* "sha256:0123456789abcdef..." */
static void put_digest(const char *before, const uint8_t digest[PML_SHA256_SIZE])
{
    char text[PML_DIGEST_TEXT];
    printf("%s%.23s...", before, pml_digest_text(text, digest));
}

static void tell_quote(const struct pml_checks *c)
{
    printf("%s quote, TCB status %s", c->verdict.simulated ? "SIMULATED TDX" : "Intel TDX",
           pml_tcb_status_name(c->verdict.status));
}

static void tell_model(const struct pml_checks *c)
{
    struct pml_error none;
    struct pml_model_descriptor model;
    for (size_t i = 0; i < json_array_size(c->report.models); i++) {
        if (!pml_model_descriptor_parse(&model, json_array_get(c->report.models, i), &none))
            continue;
        printf("%s", i ? ", " : "measured into RTMR3: ");
        verdict_text(model.model_id, strlen(model.model_id));
        put_digest(" ", model.file_digest);
    }
}

static void tell_engine(const struct pml_checks *c)
{
    struct pml_error none;
    struct pml_engine_descriptor engine;
    if (pml_engine_descriptor_parse(&engine, c->report.engine, &none))
        put_digest("measured into RTMR3: build ", engine.build_digest);
}

static void tell_identity(const struct pml_checks *c)
{
    if (c->outcome[PML_CHECK_IDENTITY] == PML_SKIPPED) {
        printf("no policy was given, and a simulation needs none");
        return;
    }
    printf("as the policy pins it");
    const char *before = "; left open: ";
    for (enum pml_pin_name pin = 0; pin < PML_PIN_COUNT; pin++) {
        if (c->policy->unpinned & (1u << pin)) {
            printf("%s%s", before, pml_pin_member(pin));
            before = ", ";
        }
    }
}

static void tell_receipt(const struct pml_checks *c)
{
    printf("signed by a key of the keyset: ");
    verdict_text(c->receipt.receipt_id, strlen(c->receipt.receipt_id));
}

/* What each check found out when it passed, in words or in a function that has more to say. */
static const struct {
    const char *words;
    void (*tell)(const struct pml_checks *checks);
} findings[PML_CHECK_COUNT] = {
    [PML_CHECK_REPORT] = { "fresh, over the connection that was observed", NULL },
    [PML_CHECK_QUOTE] = { NULL, tell_quote },
    [PML_CHECK_REPORT_DATA] = { "the quote binds this keyset and nonce", NULL },
    [PML_CHECK_TLS_KEY] = { "the TLS key is in the keyset, and pinned", NULL },
    [PML_CHECK_EVENT_LOG] = { "replays to the quote's registers", NULL },
    [PML_CHECK_MODEL] = { NULL, tell_model },
    [PML_CHECK_ENGINE] = { NULL, tell_engine },
    [PML_CHECK_IDENTITY] = { NULL, tell_identity },
    [PML_CHECK_RECEIPT] = { NULL, tell_receipt },
    [PML_CHECK_REQUEST_HASH] = { "equal to the bytes sent", NULL },
    [PML_CHECK_RESPONSE_HASH] = { "equal to the bytes received", NULL },
    [PML_CHECK_RECEIPT_MODEL] = { "the receipt names the measured model", NULL },
    [PML_CHECK_RECEIPT_ENGINE] = { "the receipt names the measured engine", NULL },
    [PML_CHECK_REPLAY] = { "re-executed here with the same tokens, logits and text", NULL },
};

static void print_check(const struct pml_checks *c, enum pml_check check)
{
    static const char *const marks[] = { "  -   ", "  ok  ", " FAIL " };
    enum pml_outcome outcome = c->outcome[check];
    printf("%s %-15s", marks[outcome], pml_check_name(check));
    if (outcome == PML_FAILED)
        verdict_text(c->error.text, strlen(c->error.text));
    else if (outcome == PML_SKIPPED && check != PML_CHECK_IDENTITY)
        printf("not checked");
    else if (findings[check].tell)
        findings[check].tell(c);
    else
        printf("%s", findings[check].words);
    putchar('\n');
}

void verdict_print(const struct pml_checks *c)
{
    for (enum pml_check check = 0; check < PML_CHECK_COUNT; check++) {
        bool reached = !c->error.code || c->outcome[check] != PML_SKIPPED;
        if (reached)
            print_check(c, check);
    }
    if (pml_checks_ok(c))
        printf("VERIFIED%s\n", c->verdict.simulated ? ", as a simulation" : "");
    else if (c->error.code && c->error.kind != PML_NO)
        printf("COULD NOT TELL: %s\n", c->error.text);
    else if (c->error.code && c->ended_at == PML_CHECK_COUNT)
        printf("NO VERIFIED ANSWER: %s\n", c->error.text);
    else
        printf("NOT VERIFIED%s%s\n", c->error.code ? ": " : "", c->error.code ? c->error.text : "");
    verdict_simulated(c);
}
