/* SPDX-License-Identifier: MIT */
/* Addresses to listen on: "127.0.0.1:8443", "[::1]:8443", "localhost:0", "unix:/run/pml.sock". Literals only, so that
 * nothing here waits for a name server. */
#ifndef PML_NET_ADDRESS_H
#define PML_NET_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/error.h"

#define PML_ADDRESS_TEXT 128

struct pml_address {
    struct sockaddr_storage at;
    socklen_t size;
};

/* PML_USAGE "address": not of a form above. */
PML_CHECKED
bool pml_address_parse(struct pml_address *out, const char *text, struct pml_error *err);
/* The reverse, as in a URL: "[::1]:8443". Returns OUT. */
char *pml_address_text(char out[PML_ADDRESS_TEXT], const struct pml_address *address);
/* The host part alone, "::1"; "unix" for a unix socket. Returns OUT. */
char *pml_address_host(char out[PML_ADDRESS_TEXT], const struct pml_address *address);
/* Only this machine can reach it: a unix socket, 127.0.0.0/8, ::1. */
bool pml_address_is_loopback(const struct pml_address *address);

#endif
