/* SPDX-License-Identifier: MIT */
/*
 * The mark of a simulated root certificate: the organisation in its subject (spec simulator §3). It is in every build,
 * also in those without the simulator, because verifiers label what they see by it.
 */
#ifndef PML_TDX_SIM_MARK_H
#define PML_TDX_SIM_MARK_H

#include <openssl/x509.h>
#include <stdbool.h>

#define PML_SIM_ORGANIZATION "Private ML SDK SIMULATED (not Intel)"

/* True if an organizationName of the certificate's subject is the mark. */
bool pml_sim_is_marked(const X509 *cert);

#endif
