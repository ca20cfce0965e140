/* SPDX-License-Identifier: MIT */
/*
 * The certificates of a simulated platform: Intel's shape and roles, our mark (spec simulator §3). A specification
 * holds every value; callers change what they like in it before building, which is how tests make broken platforms.
 */
#ifndef PML_TDX_PLATFORM_SIM_PKI_H
#define PML_TDX_PLATFORM_SIM_PKI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "crypto/x509_build.h"

enum pml_sim_role { PML_SIM_ROOT, PML_SIM_PLATFORM_CA, PML_SIM_TCB_SIGNING, PML_SIM_PCK, PML_SIM_ROLES };

/* Identity of a simulated machine: sim/platform.json. */
struct pml_sim_platform {
    uint8_t ppid[16];
    uint8_t platform_instance_id[16];
    uint8_t qe_id[16];
    uint8_t instance_id_seed[20];
};

/* Values of the SGX extension of the PCK certificate (spec dcap §1.7). */
struct pml_sim_sgx {
    uint8_t ppid[16];
    uint8_t svn[16]; /* components .2.1 to .2.16 */
    uint16_t pce_svn;
    uint8_t cpu_svn[16];
    uint8_t pce_id[2];
    uint8_t fmspc[6];
    uint8_t sgx_type;
    uint8_t platform_instance_id[16];
    bool dynamic_platform, cached_keys, smt_enabled;
};

struct pml_sim_cert_spec {
    const char *common_name, *organization;
    int64_t not_before, not_after;
    enum pml_sim_role issuer; /* itself for the root */
    struct pml_x509_ext exts[8];
    size_t ext_count;
    bool sgx_extension; /* append the SGX extension */
};

struct pml_sim_pki_spec {
    struct pml_sim_cert_spec cert[PML_SIM_ROLES];
    struct pml_sim_sgx sgx;
};

struct pml_sim_pki {
    EVP_PKEY *key[PML_SIM_ROLES];
    X509 *cert[PML_SIM_ROLES];
    EVP_PKEY *attestation_key;
};

PML_CHECKED
bool pml_sim_platform_new(struct pml_sim_platform *platform, struct pml_error *err);

/* The specification of spec simulator §3 for a platform made at START (seconds since 1970). */
void pml_sim_pki_spec(struct pml_sim_pki_spec *spec, const struct pml_sim_platform *platform, int64_t start);
/* Makes the five keys. PKI is zero before; the caller frees, also on failure. */
PML_CHECKED
bool pml_sim_pki_keys(struct pml_sim_pki *pki, struct pml_error *err);
/* Issues the certificates, in the order of the roles, replacing any that PKI has. */
PML_CHECKED
bool pml_sim_pki_issue(struct pml_sim_pki *pki, const struct pml_sim_pki_spec *spec, struct pml_error *err);
/* Whether the PCK certificate's SGX extension is exactly the one of SGX. */
PML_CHECKED
bool pml_sim_pki_is_for(const struct pml_sim_pki *pki, const struct pml_sim_sgx *sgx, bool *is_for,
                        struct pml_error *err);
void pml_sim_pki_free(struct pml_sim_pki *pki);
void pml_sim_pki_auto(struct pml_sim_pki *pki);

/* PEM texts of COUNT roles' certificates, one after another. The caller frees. */
PML_CHECKED
char *pml_sim_chain(const struct pml_sim_pki *pki, const enum pml_sim_role *roles, size_t count, struct pml_error *err);

#endif
