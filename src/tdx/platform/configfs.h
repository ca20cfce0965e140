/* SPDX-License-Identifier: MIT */
/*
 * Quotes through configfs-tsm (Linux 6.7 and later; Documentation/ABI/testing/configfs-tsm), spec guest §3.2. The entry
 * is DCAP_TDX_QUOTE_CONFIGFS_PATH (an absolute path, authoritative) or com.intel.dcap below the kernel's directory.
 */
#ifndef PML_TDX_PLATFORM_CONFIGFS_H
#define PML_TDX_PLATFORM_CONFIGFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Writes the entry's directory to PATH, making it if need be. False: no entry whose provider is tdx_guest. */
bool pml_configfs_entry(char path[4096]);

/* A quote with its zero padding. Other processes are kept out by a lock on the entry. The caller frees. "quote", "io".
 */
PML_CHECKED
uint8_t *pml_configfs_quote(const char *entry, const uint8_t report_data[64], size_t *size, struct pml_error *err);

#endif
