/* SPDX-License-Identifier: MIT */
/* eth_call over JSON-RPC (execution-apis): what a contract answers, without a transaction. */
#ifndef PML_DCAP_ETH_CALL_H
#define PML_DCAP_ETH_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define PML_ETH_ADDRESS_SIZE 20
#define PML_ETH_ANSWER_MAX   (1 << 20) /* bytes of a node's answer */

/* "0x" and 40 hex digits in either case. PML_USAGE "usage". */
PML_CHECKED
bool pml_eth_address_parse(uint8_t out[PML_ETH_ADDRESS_SIZE], const char *text, struct pml_error *err);

struct pml_eth_answer {
    bool reverted; /* the contract refused; data says why, if it did */
    uint8_t *data; /* owned, never NULL */
    size_t size;
};
void pml_eth_answer_free(struct pml_eth_answer *answer);
void pml_eth_answer_auto(struct pml_eth_answer *answer);

/* The request's body. */
void pml_put_eth_call(struct pml_buf *out, const uint8_t to[PML_ETH_ADDRESS_SIZE], const void *data, size_t size);
/*
 * The node's answer. A revert is an answer, with data or without; every other error of the node is a failure. The
 * caller frees, on success only. PML_UNKNOWN "onchain_unavailable", memory.
 */
PML_CHECKED
bool pml_eth_answer_parse(struct pml_eth_answer *out, const char *text, size_t size, struct pml_error *err);

/*
 * Calls the contract TO at the node's latest block. URL is https, or http for this machine's own addresses; it may hold
 * a key and is in no error. PML_USAGE "usage": another URL; PML_UNKNOWN "onchain_unavailable".
 */
PML_CHECKED
bool pml_eth_call(struct pml_eth_answer *out, const char *url, const uint8_t to[PML_ETH_ADDRESS_SIZE], const void *data,
                  size_t size, struct pml_error *err);

#endif
