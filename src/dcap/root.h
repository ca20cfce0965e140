/* SPDX-License-Identifier: MIT */
/*
 * Trust anchors. Intel's root is built in; another one can replace it, and roots of simulated platforms can be added.
 * The two are told apart by the mark that every simulated root carries in its subject (spec simulator §3, §6).
 */
#ifndef PML_DCAP_ROOT_H
#define PML_DCAP_ROOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define PML_ROOT_MAX 2048

struct pml_root {
    uint8_t der[PML_ROOT_MAX];
    size_t size;
};

extern const struct pml_root pml_intel_root; /* Intel SGX Root CA, 659 bytes, 2018 to 2049 */

/*
 * Reads one certificate, PEM or DER, as an anchor: exactly one, self-signed, a CA with a P-256 key. SIMULATED: it must
 * carry the mark, else it must not. PML_USAGE "usage".
 */
PML_CHECKED
bool pml_root_parse(struct pml_root *out, const void *bytes, size_t size, bool simulated, struct pml_error *err);
/* As above from a file; with SIMULATED a directory stands for its sim/root.pem. io, usage. */
PML_CHECKED
bool pml_root_load(struct pml_root *out, const char *path, bool simulated, struct pml_error *err);

#endif
