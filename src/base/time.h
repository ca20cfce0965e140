/* SPDX-License-Identifier: MIT */
/* Times on the wire: "YYYY-MM-DDThh:mm:ssZ" and nothing else, as seconds since 1970 UTC. */
#ifndef PML_BASE_TIME_H
#define PML_BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define PML_TIME_TEXT 24

int64_t pml_now(void); /* wall clock, seconds */
int64_t pml_monotonic_ms(void);
PML_CHECKED
bool pml_time_parse(int64_t *out, const char *text); /* years 1970 to 9999; false: another spelling or no such day */
char *pml_time_text(char out[PML_TIME_TEXT], int64_t seconds);

#endif
