/* SPDX-License-Identifier: MIT */
/*
 * The TDX guest device and the host's quote generation service over vsock, for kernels without configfs-tsm, and the
 * two ways to extend an RTMR from user space (spec guest §3.2).
 */
#ifndef PML_TDX_PLATFORM_TDX_GUEST_H
#define PML_TDX_PLATFORM_TDX_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define PML_TDREPORT_SIZE 1024
#define PML_TDX_DEVICE    "/dev/tdx_guest"

/* TDREPORT for the report data, by TDX_CMD_GET_REPORT0. io. */
PML_CHECKED
bool pml_tdx_report(uint8_t report[PML_TDREPORT_SIZE], const uint8_t report_data[64], struct pml_error *err);

/*
 * Asks a quote generation service, over a connected stream, for the quote of a TDREPORT; the caller frees. The service
 * is untrusted: its answer is bounded to 16 KiB. "quote", "io".
 */
PML_CHECKED
uint8_t *pml_qgs_exchange(int fd, const uint8_t report[PML_TDREPORT_SIZE], size_t *size, struct pml_error *err);

/* The answer by itself, without the length in front of it: the quote in it, which the caller frees. "quote". */
PML_CHECKED
uint8_t *pml_qgs_parse(const uint8_t *bytes, size_t response_size, size_t *size, struct pml_error *err);

/* The port of a line "port=N" in a file of the form of /etc/tdx-attest.conf. False: none. */
bool pml_qgs_port(unsigned *port, const char *conf_path);

/* Report and exchange with the host's service (vsock CID 2) in one. */
PML_CHECKED
uint8_t *pml_tdx_guest_quote(const uint8_t report_data[64], size_t *size, struct pml_error *err);

/* Extends RTMR3 by sysfs (DCAP_TDX_RTMR_SYSFS_PATH or the kernel's directory), else by the device's ioctl.
 * "cannot_extend" names both reasons. */
PML_CHECKED
bool pml_tdx_extend_rtmr3(const uint8_t digest[48], struct pml_error *err);

#endif
