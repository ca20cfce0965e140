/* SPDX-License-Identifier: MIT */
/*
 * An attested service in this process, on a simulated platform, over TLS, that tells one lie. It shares no code with
 * the real server but the documents of aci/, keeps every byte it is sent, and answers each connection once.
 */
#ifndef PML_TEST_SERVICE_H
#define PML_TEST_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

enum lie {
    HONEST,
    /* in the report */
    REPORT_404,
    REPORT_503,
    REPORT_NOT_JSON,
    REPORT_ENDLESS,
    REPORT_OTHER_VERSION,
    NO_QUOTE,
    QUOTE_BIT,
    COLLATERAL_BYTE,
    NO_COLLATERAL,
    KEYSET_DIGEST,
    KEYSET_OTHER,
    OLD_NONCE,
    TLS_KEY_UNLISTED,
    TLS_KEY_OF_OTHER_HOST,
    KEYSET_EXPIRED,
    KEYSET_FOR_EVER,
    EVENT_DIGEST,
    EVENT_DROPPED,
    NO_EVENT_LOG,
    APP_COMPOSE,
    MODEL_DESCRIPTOR,
    MODEL_EXTRA,
    NO_MODEL,
    ENGINE_DESCRIPTOR,
    ENGINE_TWICE,
    /* between the connections */
    TLS_KEY_SWAPPED_BEFORE_PROMPT,
    TLS_KEY_SWAPPED_BEFORE_RECEIPT,
    /* in the answer and the receipt */
    REFUSAL,
    CUT_STREAM,
    ERROR_EVENT,
    NOT_AN_ANSWER,
    NO_RECEIPT_ID,
    STRANGE_RECEIPT_ID,
    RECEIPT_404,
    RECEIPT_ENDLESS,
    RECEIPT_SIGNATURE,
    RECEIPT_OTHER_ID,
    RECEIPT_OTHER_KEYSET,
    RECEIPT_OTHER_PATH,
    RECEIPT_OTHER_ASKED_MODEL,
    RECEIPT_OTHER_REQUEST,
    ANSWER_BYTE,
    RECEIPT_NO_MODEL,
    RECEIPT_OTHER_MODEL,
    RECEIPT_OTHER_ENGINE,
};

struct service;

/* Starts a service; a failure fails the test. service_stop ends and frees it. */
struct service *service_start(enum lie lie);
void service_stop(struct service *service);

const char *service_url(const struct service *service);
const char *service_state_dir(const struct service *service); /* for --trust-simulated */
/* Did NEEDLE ever arrive? Ask after service_stop_accepting, or when no connection is open. */
bool service_saw(struct service *service, const char *needle);
size_t service_connections(struct service *service);

#endif
