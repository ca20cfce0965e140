/* SPDX-License-Identifier: MIT */
/*
 * Reads a GGUF file once, front to back, hashing every byte on the way (spec engine §6: storage belongs to the host and
 * could change between two reads, so what is loaded must be what was hashed). After opening, the metadata is there;
 * then the caller asks for tensor bytes in ascending file order, in pieces of its own choice and into its own memory;
 * at last the file digest. Nothing loaded may be used before that digest has been compared with the one expected.
 */
#ifndef PML_ENGINE_GGUF_READER_H
#define PML_ENGINE_GGUF_READER_H

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "engine/gguf.h"

struct pml_gguf_reader;

/* Opens a regular file and parses its metadata. io, gguf, memory; PML_NO "model": one part of several. */
PML_CHECKED
struct pml_gguf_reader *pml_gguf_open(const char *path, struct pml_error *err);
const struct pml_gguf *pml_gguf_meta(const struct pml_gguf_reader *r); /* valid until the reader is closed */

/*
 * Reads SIZE bytes at OFFSET of the file. OFFSET is at or after the end of the read before; the bytes skipped are
 * hashed too. io; "gguf" if the file has shrunk since.
 */
PML_CHECKED
bool pml_gguf_read(struct pml_gguf_reader *r, uint64_t offset, void *out, size_t size, struct pml_error *err);

/* Hashes the rest and gives the SHA-256 of the whole file. Once. io; "gguf" if its size has changed since it was
 * opened. */
PML_CHECKED
bool pml_gguf_finish(struct pml_gguf_reader *r, uint8_t digest[PML_SHA256_SIZE], struct pml_error *err);

void pml_gguf_close(struct pml_gguf_reader *r);
void pml_gguf_reader_auto(struct pml_gguf_reader **r);

#endif
