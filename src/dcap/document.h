/* SPDX-License-Identifier: MIT */
/*
 * What the two JSON documents that Intel signs have in common: dates, numbers and TCB levels (spec dcap §2.10). Readers
 * fail with the code "json", which the reader of the whole document replaces by its own, or with "bad_date" or
 * "tcb_unknown_status".
 */
#ifndef PML_DCAP_DOCUMENT_H
#define PML_DCAP_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "dcap/status.h"
#include "dcap/tape.h"

#define PML_LEVELS_MAX 1024

struct pml_level {
    enum pml_tcb_status status;
    int64_t date;
    const struct pml_node *advisory_ids; /* array of strings, borrowed from the document; NULL: absent */
};

struct pml_isv_level {
    uint16_t isvsvn;
    struct pml_level level;
};

struct pml_isv_levels {       /* in the order of the document */
    struct pml_isv_level *at; /* owned */
    size_t count;
};

PML_CHECKED
bool pml_document_date(int64_t *out, const struct pml_node *object, const char *name, struct pml_error *err);
/* Members tcbDate, tcbStatus and advisoryIDs of one level. */
PML_CHECKED
bool pml_level_read(struct pml_level *out, const struct pml_node *level, struct pml_error *err);
/* Member tcbLevels of OBJECT, whose levels are told by isvsvn and can only be UpToDate, OutOfDate or Revoked. */
PML_CHECKED
bool pml_isv_levels_read(struct pml_isv_levels *out, const struct pml_node *object, struct pml_error *err);
/* The first level that SVN reaches, NULL if none. */
const struct pml_isv_level *pml_isv_level_find(const struct pml_isv_levels *levels, uint16_t svn);

#endif
