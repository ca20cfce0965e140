/* SPDX-License-Identifier: MIT */
/*
 * Ownership that the eye can follow. A variable is declared at first use, initialised, with its release attached by
 * PML_AUTO(kind); pml_take hands the value over and disarms the release. Kinds here: mem (free), fd (close), file
 * (fclose), secret (below). Other headers add theirs by defining pml_<kind>_auto.
 */
#ifndef PML_BASE_MEMORY_H
#define PML_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

#define PML_AUTO(kind) __attribute__((cleanup(pml_##kind##_auto)))

#define pml_take(slot)                        \
    ({                                        \
        __typeof__(*(slot)) taken_ = *(slot); \
        *(slot) = NULL;                       \
        taken_;                               \
    })

#define PML_COUNT(array) (sizeof(array) / sizeof((array)[0]))

void pml_mem_auto(void *slot);   /* for any T *: free */
void pml_fd_auto(int *fd);       /* close unless negative */
void pml_file_auto(FILE **file); /* fclose unless NULL */
int pml_fd_take(int *fd);        /* returns *FD and sets it to -1 */

/*
 * Key material, and whatever derives from it. The bytes live in pages of their own that are locked in memory, left out
 * of core dumps and wiped on release; no function formats them.
 */
struct pml_secret {
    uint8_t *bytes; /* NULL when empty */
    size_t size;
};

PML_CHECKED
bool pml_secret_new(struct pml_secret *secret, size_t size, struct pml_error *err); /* zeroed */
PML_CHECKED
bool pml_secret_copy(struct pml_secret *secret, const void *bytes, size_t size, struct pml_error *err);
PML_CHECKED
bool pml_secret_random(struct pml_secret *secret, size_t size, struct pml_error *err);
void pml_secret_wipe(struct pml_secret *secret);
void pml_secret_auto(struct pml_secret *secret);

void pml_wipe(void *bytes, size_t size);                      /* zeroes, never optimised away */
bool pml_ct_equal(const void *a, const void *b, size_t size); /* time depends on SIZE only */
PML_CHECKED
bool pml_random(void *bytes, size_t size, struct pml_error *err); /* from the operating system */

/* Makes the process hold its secrets tight: no core dumps, not traceable by other processes of the user. */
void pml_process_harden(void);

#endif
