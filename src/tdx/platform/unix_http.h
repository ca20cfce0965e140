/* SPDX-License-Identifier: MIT */
/* A JSON request over HTTP/1.1 on a unix socket, for the guest agent's API (spec guest §1.2). One connection a call. */
#ifndef PML_TDX_PLATFORM_UNIX_HTTP_H
#define PML_TDX_PLATFORM_UNIX_HTTP_H

#include <stddef.h>

#include "base/error.h"

#define PML_UNIX_HTTP_BODY_MAX   (16u << 20)
#define PML_UNIX_HTTP_HEADER_MAX 16384

/*
 * Posts BODY to PATH and returns the body of a 200 answer, NUL-terminated beyond *SIZE; the caller frees. All of it
 * takes at most TIMEOUT_MS. PML_UNKNOWN: "agent_absent" if nothing listens on the socket; "agent" for an answer that is
 * not 200 (its "error" member in the text), malformed, too large or late; io.
 */
PML_CHECKED
char *pml_unix_http_post(const char *socket_path, const char *path, const char *body, int timeout_ms, size_t *size,
                         struct pml_error *err);

/* The message parser by itself: splits a whole response into status and body, which it borrows. PML_UNKNOWN "agent". */
PML_CHECKED
bool pml_unix_http_parse(const char *bytes, size_t size, int *status, const char **body, size_t *body_size,
                         struct pml_error *err);

#endif
