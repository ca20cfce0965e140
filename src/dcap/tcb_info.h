/* SPDX-License-Identifier: MIT */
/*
 * TCB info: how current the platforms of one FMSPC are, per level of microcode, PCE and TDX module (spec dcap §2.2,
 * §2.3, §2.10). Versions 2 (SGX only, no id) and 3.
 */
#ifndef PML_DCAP_TCB_INFO_H
#define PML_DCAP_TCB_INFO_H

#include "dcap/document.h"
#include "tdx/report.h"

/* Sixteen SGX components, pcesvn big-endian, sixteen TDX components (zero for SGX): compares as levels are ordered. */
#define PML_LEVEL_KEY_SIZE 34

struct pml_tcb_level {
    uint8_t key[PML_LEVEL_KEY_SIZE];
    struct pml_level level;
};

struct pml_tdx_module { /* who may have signed the TDX module, and with which attributes */
    uint8_t mrsigner[48];
    uint8_t attributes[8], attributes_mask[8];
};

struct pml_tdx_module_identity {
    struct pml_text id; /* "TDX_01" */
    struct pml_tdx_module module;
    struct pml_isv_levels levels;
};

struct pml_tcb_info {
    struct pml_tape document; /* owned */
    bool is_tdx;              /* id "TDX"; else "SGX" or, in version 2, no id */
    int64_t version;
    int64_t issue_date, next_update, eval_num, tcb_type;
    uint8_t fmspc[6], pce_id[2];
    struct pml_tdx_module module;
    struct pml_tdx_module_identity *identities; /* owned */
    size_t identity_count;
    struct pml_tcb_level *levels; /* owned, in descending order, no two equal */
    size_t level_count;
};

/* tcb_info_format, bad_date, tcb_unknown_status, memory. Free with pml_tcb_info_free, also after a failure. */
PML_CHECKED
bool pml_tcb_info_parse(struct pml_tcb_info *out, const char *text, size_t size, struct pml_error *err);
void pml_tcb_info_free(struct pml_tcb_info *info);

/*
 * The highest level that a platform reaches (§2.2). TEE_TCB_SVN is NULL for SGX. Of the TDX components the first two
 * are left to the module's own identity when its major version is not 0; COMPARE_ALL compares them as well, as dcap-qvl
 * does. tcb_not_supported.
 */
PML_CHECKED
const struct pml_tcb_level *pml_tcb_level_find(const struct pml_tcb_info *info, const uint8_t cpu_svn[16],
                                               uint16_t pce_svn, const uint8_t *tee_tcb_svn, bool compare_all,
                                               struct pml_error *err);
/*
 * Checks the TDX module of TD whose versions are TEE_TCB_SVN (§2.3). *LEVEL becomes its level, or NULL for a module of
 * major version 0, which has none. tdx_module_mismatch, tcb_not_supported.
 */
PML_CHECKED
bool pml_tdx_module_check(const struct pml_isv_level **level, const struct pml_tcb_info *info,
                          const struct pml_td_report *td, const uint8_t tee_tcb_svn[16], struct pml_error *err);

#endif
