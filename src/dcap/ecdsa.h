/* SPDX-License-Identifier: MIT */
/*
 * ECDSA with P-256 and SHA-256 (FIPS 186-5 §6.4), verification only, by the shortest way through OpenSSL 3: the curve's
 * group is built once, keys are points of it, and no provider is looked up per call. Thread-safe.
 */
#ifndef PML_DCAP_ECDSA_H
#define PML_DCAP_ECDSA_H

#include <stdbool.h>
#include <stdint.h>

#include "dcap/der.h"

/* X || Y are the coordinates of a point on the curve. */
bool pml_ecdsa_point_valid(const uint8_t point[64]);
/* SIGNATURE is r || s. r and s must be in 1..n-1; (r, n - s) is as good as (r, s). */
bool pml_ecdsa_verify(const uint8_t point[64], struct pml_bytes message, const uint8_t signature[64]);
/* SIGNATURE is the DER of SEQUENCE { r, s }, strictly. */
bool pml_ecdsa_verify_der(const uint8_t point[64], struct pml_bytes message, struct pml_bytes signature);

#endif
