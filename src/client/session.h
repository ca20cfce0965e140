/* SPDX-License-Identifier: MIT */
/*
 * Attest, then connect (spec inference-api §2.11): a session with one service that is judged by its report before it
 * learns anything, and by its receipts after each answer. Nobody vouches for the TLS key but the report; every
 * connection of the session must show the one that was attested.
 */
#ifndef PML_CLIENT_SESSION_H
#define PML_CLIENT_SESSION_H

#include "aci/checks.h"
#include "client/answer.h"
#include "net/http_client.h"

#define PML_CHAT_PATH "/v1/chat/completions"

struct pml_session_options { /* borrowed for the life of the session, but the URL and token, which are copied */
    const char *url;         /* https */
    const char *token;       /* bearer; NULL: none */
    const struct pml_policy *policy;
    bool policy_given;
    const char *collateral; /* bundle text; NULL: the report's */
    size_t collateral_size;
    bool fresh_collateral;
    struct pml_source *source; /* of collateral; NULL: it is not fetched */
};

struct pml_session {
    struct pml_http_client *http;
    struct pml_checks checks; /* the verdict so far */
    char host[256];
    uint8_t nonce[PML_NONCE_SIZE];
    char *report, *request, *response, *receipt; /* exact bytes, owned; NULL until there are any */
    size_t report_size, request_size, response_size, receipt_size;
    struct pml_answer answer;
};

/* Prepares a session and touches no network. PML_USAGE: "url" (http:// included); memory, io. The caller frees. */
PML_CHECKED
bool pml_session_open(struct pml_session *session, const struct pml_session_options *options, struct pml_error *err);

/* Fetches a fresh report and runs the checks up to and including UNTIL (at most PML_CHECK_IDENTITY). False: the
 * session's checks say why, and nothing may be asked. */
PML_CHECKED
bool pml_session_attest(struct pml_session *session, enum pml_check until);

/*
 * Sends BODY (taken, a chat completion request) and reads the answer, of which ON_TEXT is shown each new piece; then
 * fetches the receipt and runs the remaining checks. May be called again for the next turn. False: the checks say why.
 * The checks must have passed up to identity: else PML_UNKNOWN "internal", and nothing is sent.
 */
PML_CHECKED
bool pml_session_ask(struct pml_session *session, char *body, size_t size,
                     void (*on_text)(void *arg, const char *text, size_t size), void *arg);

/* Writes report.json, nonce, request.json, response.bin and receipt.json, as far as there are any, to DIR, which is
 * made if missing. io. */
PML_CHECKED
bool pml_session_save(const struct pml_session *session, const char *dir, struct pml_error *err);

void pml_session_free(struct pml_session *session);
void pml_session_auto(struct pml_session *session);

#endif
