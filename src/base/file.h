/* SPDX-License-Identifier: MIT */
/* Files: bounded reading, replacing that survives a crash, private directories, one-process locks. */
#ifndef PML_BASE_FILE_H
#define PML_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/error.h"

/* Reads a whole file ("-": standard input) of at most LIMIT bytes. Returns it NUL-terminated beyond *SIZE; the caller
 * frees. io, too_large (PML_UNKNOWN), memory. */
PML_CHECKED
char *pml_read_file(const char *path, size_t limit, size_t *size, struct pml_error *err);

/* Replaces PATH by SIZE bytes with the given mode: temporary file beside it, fsync, rename, fsync of the directory. io.
 */
PML_CHECKED
bool pml_write_file(const char *path, const void *bytes, size_t size, mode_t mode, struct pml_error *err);

/* Removes a directory and the files in it, whatever they are called; one that is not there is removed. io. */
PML_CHECKED
bool pml_remove_dir(const char *dir, struct pml_error *err);

/* Writes all of it to a descriptor. io. */
PML_CHECKED
bool pml_write_all(int fd, const void *bytes, size_t size, struct pml_error *err);

/*
 * Opens DIR for this user's private state: makes it (and its parents) with mode 0700 if missing, refuses one that
 * belongs to another user, is accessible by group or others, or is no directory. PML_UNKNOWN: "state_dir".
 */
PML_CHECKED
bool pml_private_dir(const char *dir, struct pml_error *err);

/* Takes an exclusive flock on PATH, writing the pid into it. Returns the descriptor to keep, -1 on failure; "in use by
 * process N", code "in_use". */
PML_CHECKED
int pml_lock_file(const char *path, struct pml_error *err);

/* PATH_MAX-sized join "DIR/NAME". Returns OUT; too long a path is cut, and then fails to open. */
char *pml_path(char out[4096], const char *dir, const char *name);

/* $XDG_STATE_HOME/pml, ~/.local/state/pml, or /var/lib/pml for root inside a TD (spec simulator §2). False: no home. */
PML_CHECKED
bool pml_default_state_dir(char out[4096], bool inside_td, struct pml_error *err);

#endif
