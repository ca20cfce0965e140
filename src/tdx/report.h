/* SPDX-License-Identifier: MIT */
/*
 * The bodies that a quote carries: an SGX enclave report or one of three forms of TD report. Fields are in wire order
 * and in the byte order of the wire, except that integers are integers. Parsing never judges: whether DEBUG is set is
 * the business of dcap/. Source: Intel TDX DCAP Quoting Library API, appendix A.3; spec dcap §1.3, §1.4.
 */
#ifndef PML_TDX_REPORT_H
#define PML_TDX_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "base/error.h"

/* The numbers are those of the body descriptor of quote version 5. */
enum pml_body_type { PML_BODY_NONE = 0, PML_BODY_SGX = 1, PML_BODY_TD10 = 2, PML_BODY_TD15 = 3, PML_BODY_TD15EX = 4 };

#define PML_SGX_REPORT_SIZE 384
#define PML_TD10_SIZE       584
#define PML_TD15_SIZE       648
#define PML_TD15EX_SIZE     885

#define PML_SGX_DEBUG UINT64_C(0x2) /* of attributes' flags */

#define PML_TD_DEBUG           (UINT64_C(1) << 0) /* of td_attributes */
#define PML_TD_SEPT_VE_DISABLE (UINT64_C(1) << 28)
#define PML_TD_MIGRATABLE      (UINT64_C(1) << 29)
#define PML_TD_PKS             (UINT64_C(1) << 30)
#define PML_TD_KL              (UINT64_C(1) << 31)
#define PML_TD_PERFMON         (UINT64_C(1) << 63)

struct pml_sgx_report { /* 384 bytes; also the layout of the QE report */
    uint8_t cpu_svn[16];
    uint32_t misc_select;
    uint8_t reserved1[28];
    uint8_t attributes[16]; /* flags, xfrm: two u64le */
    uint8_t mr_enclave[32];
    uint8_t reserved2[32];
    uint8_t mr_signer[32];
    uint8_t reserved3[96];
    uint16_t isv_prod_id;
    uint16_t isv_svn;
    uint8_t reserved4[60];
    uint8_t report_data[64];
};

struct pml_td_report {       /* 584 bytes (TD 1.0), 648 (TD 1.5) or 885 (TD 1.5ex) */
    uint8_t tee_tcb_svn[16]; /* module at launch: [0] minor SVN, [1] major version, [2] SEAM loader */
    uint8_t mr_seam[48];
    uint8_t mr_signer_seam[48];
    uint64_t seam_attributes;
    uint64_t td_attributes;
    uint64_t xfam;
    uint8_t mr_td[48];
    uint8_t mr_config_id[48];
    uint8_t mr_owner[48];
    uint8_t mr_owner_config[48];
    uint8_t rtmr[4][48];
    uint8_t report_data[64];
    /* TD 1.5 and later */
    uint8_t tee_tcb_svn2[16]; /* the current module, after an update that preserved the TD */
    uint8_t mr_service_td[48];
    /* TD 1.5ex */
    uint8_t vmid;
    uint8_t td_id[32];
    uint8_t devinfo_hash[48];
    uint8_t init_servtd_hash[48];
    uint64_t init_servtd_attributes;
    uint8_t init_cpu_svn[16];
    uint8_t init_tee_tcb_svn[16];
    uint8_t init_tee_fmspc[12];
    uint8_t cur_servtd_hash[48];
    uint64_t cur_servtd_attributes;
};

/* Bytes of a body of that type, 0 for a type that does not exist. */
size_t pml_body_size(enum pml_body_type type);

/* Each takes the body's bytes exactly. OUT is written only on success. quote_format. */
PML_CHECKED
bool pml_sgx_report_parse(struct pml_sgx_report *out, struct pml_cursor in, struct pml_error *err);
/* TYPE is one of the three TD types; members beyond it become zero. */
PML_CHECKED
bool pml_td_report_parse(struct pml_td_report *out, enum pml_body_type type, struct pml_cursor in,
                         struct pml_error *err);

/* The reverse. */
void pml_put_sgx_report(struct pml_buf *out, const struct pml_sgx_report *report);
void pml_put_td_report(struct pml_buf *out, const struct pml_td_report *report, enum pml_body_type type);

#endif
