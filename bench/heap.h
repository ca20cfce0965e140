/* SPDX-License-Identifier: MIT */
/* The heap of a benchmark's one thread: how many bytes were in use at most. Takes the place of malloc and its kin. */
#ifndef PML_BENCH_HEAP_H
#define PML_BENCH_HEAP_H

#include <stddef.h>

void heap_begin(void);  /* from now on */
size_t heap_peak(void); /* bytes above what was in use at heap_begin */

#endif
