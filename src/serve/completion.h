/* SPDX-License-Identifier: MIT */
/*
 * One chat completion, from the request's bytes to the committed receipt (spec inference-api §2.4, §2.5, §4):
 *
 *   PREPARING  a worker hashes, reads and tokenises the request
 *   RUNNING    the engine generates; a stream is written as text becomes certain
 *   STORING    the receipt is signed and committed; the last bytes are held back until it is
 *
 * A refusal goes from PREPARING to STORING. A client that goes away ends the generation within a step, and the receipt
 * covers what had been written. A completion belongs to the loop's thread; what the engine's thread touches while
 * RUNNING is marked.
 */
#ifndef PML_SERVE_COMPLETION_H
#define PML_SERVE_COMPLETION_H

#include "serve/exchange.h"

/* Takes the body of REQUEST and answers X some time. */
void pml_completion_begin(struct pml_exchange *x, struct pml_http_request *request);

/* The client has gone. The exchange is freed by the caller. */
void pml_completion_gone(struct pml_completion *c);
/* There is room for more of the stream. */
void pml_completion_drained(struct pml_completion *c);
/* The service stops: ends the generation; the client is told, with a receipt. */
void pml_completion_cancel_all(struct pml_service *service);

#endif
