/* SPDX-License-Identifier: MIT */
/* Listen addresses. */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static bool parse_port(in_port_t *out, const char *text)
{
    unsigned port = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits])
        return false;
    for (; *text; text++)
        port = port * 10 + (unsigned)(*text - '0');
    *out = htons((uint16_t)port);
    return port <= UINT16_MAX;
}

static bool parse_inet(struct pml_address *out, const char *host, in_port_t port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&out->at;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->at;
    size_t size = strlen(host);
    char bare[INET6_ADDRSTRLEN];
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = port;
        out->size = sizeof *v4;
        return true;
    }
    if (size < 4 || size - 2 >= sizeof bare || host[0] != '[' || host[size - 1] != ']')
        return false;
    memcpy(bare, host + 1, size - 2);
    bare[size - 2] = 0;
    if (inet_pton(AF_INET6, bare, &v6->sin6_addr) != 1)
        return false;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = port;
    out->size = sizeof *v6;
    return true;
}

bool pml_address_parse(struct pml_address *out, const char *text, struct pml_error *err)
{
    struct pml_address parsed = { 0 };
    if (strncmp(text, "unix:", 5) == 0) {
        struct sockaddr_un *un = (struct sockaddr_un *)&parsed.at;
        size_t size = strlen(text + 5);
        if (size == 0 || size >= sizeof un->sun_path)
            return pml_fail(err, PML_USAGE, "address", "a unix socket's path has 1 to %zu bytes",
                            sizeof un->sun_path - 1);
        un->sun_family = AF_UNIX;
        memcpy(un->sun_path, text + 5, size);
        parsed.size = sizeof *un;
        *out = parsed;
        return true;
    }
    const char *colon = strrchr(text, ':');
    char host[64];
    in_port_t port;
    if (!colon || (size_t)(colon - text) >= sizeof host || !parse_port(&port, colon + 1))
        return pml_fail(err, PML_USAGE, "address", "%.100s is not ADDRESS:PORT", text);
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    if (!parse_inet(&parsed, host, port))
        return pml_fail(err, PML_USAGE, "address", "%.100s is not an IPv4 address or a bracketed IPv6 address", host);
    *out = parsed;
    return true;
}

char *pml_address_host(char out[PML_ADDRESS_TEXT], const struct pml_address *address)
{
    if (address->at.ss_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)&address->at)->sin_addr, out, PML_ADDRESS_TEXT);
    else if (address->at.ss_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)&address->at)->sin6_addr, out, PML_ADDRESS_TEXT);
    else
        snprintf(out, PML_ADDRESS_TEXT, "unix");
    return out;
}

char *pml_address_text(char out[PML_ADDRESS_TEXT], const struct pml_address *address)
{
    char host[PML_ADDRESS_TEXT];
    pml_address_host(host, address);
    if (address->at.ss_family == AF_INET)
        snprintf(out, PML_ADDRESS_TEXT, "%.64s:%u", host, ntohs(((const struct sockaddr_in *)&address->at)->sin_port));
    else if (address->at.ss_family == AF_INET6)
        snprintf(out, PML_ADDRESS_TEXT, "[%.64s]:%u", host,
                 ntohs(((const struct sockaddr_in6 *)&address->at)->sin6_port));
    else
        snprintf(out, PML_ADDRESS_TEXT, "unix:%.108s", ((const struct sockaddr_un *)&address->at)->sun_path);
    return out;
}

bool pml_address_is_loopback(const struct pml_address *address)
{
    if (address->at.ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)&address->at)->sin_addr.s_addr) >> 24 == 127;
    if (address->at.ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)&address->at)->sin6_addr);
    return address->at.ss_family == AF_UNIX;
}
