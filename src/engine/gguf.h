/* SPDX-License-Identifier: MIT */
/*
 * The GGUF container (spec engine §1): metadata as typed key-value pairs, and where each tensor lies in the file. The
 * file is hostile input: every size is checked for overflow and against the file, names are unique, tensors do not
 * overlap, and nothing is copied out of the metadata. Parsing needs the bytes up to the data section only; the tensor
 * bytes themselves are gguf_reader.h's business.
 *
 * Errors: PML_NO, code "gguf", naming the key or the tensor; memory.
 */
#ifndef PML_ENGINE_GGUF_H
#define PML_ENGINE_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/error.h"
#include "engine/tensor_type.h"

#define PML_GGUF_KEYS_MAX     65536
#define PML_GGUF_TENSORS_MAX  65536
#define PML_GGUF_KEY_SIZE_MAX 65535
#define PML_GGUF_STRING_MAX   (16u << 20)  /* bytes */
#define PML_GGUF_ARRAY_MAX    (1u << 24)   /* elements */
#define PML_GGUF_HEADER_MAX   (256u << 20) /* bytes before the data section */
#define PML_GGUF_NAME_ROOM    64           /* tensor name and its NUL */

enum pml_gguf_type {
    PML_GGUF_U8,
    PML_GGUF_I8,
    PML_GGUF_U16,
    PML_GGUF_I16,
    PML_GGUF_U32,
    PML_GGUF_I32,
    PML_GGUF_F32,
    PML_GGUF_BOOL,
    PML_GGUF_STRING,
    PML_GGUF_ARRAY,
    PML_GGUF_U64,
    PML_GGUF_I64,
    PML_GGUF_F64,
};

struct pml_gguf_text { /* a string inside the file: borrowed, not terminated, may hold any byte */
    const char *bytes;
    size_t size;
};

struct pml_gguf_key {
    struct pml_gguf_text name;
    uint32_t type;          /* enum pml_gguf_type */
    const uint8_t *payload; /* as it stands in the file: a string with its size, an array with its type and count */
    size_t payload_size;
};

struct pml_gguf_tensor {
    char name[PML_GGUF_NAME_ROOM];
    enum pml_tensor_type type; /* one whose size is known */
    uint32_t dim_count;        /* 1..4 */
    uint64_t dims[4];          /* elements; [0] is contiguous, those beyond dim_count are 1 */
    uint64_t row_size;         /* bytes of dims[0] elements */
    uint64_t offset;           /* bytes from the start of the file */
    uint64_t size;             /* bytes */
};

struct pml_gguf {
    uint32_t version;
    uint64_t file_size;
    uint64_t data_offset;                  /* of the data section in the file; its start is aligned */
    char architecture[PML_GGUF_NAME_ROOM]; /* general.architecture */
    size_t key_count;
    struct pml_gguf_key *keys; /* sorted by the bytes of their names */
    size_t tensor_count;
    struct pml_gguf_tensor *tensors; /* in the order of their data in the file */
    uint32_t *by_name;               /* indices into TENSORS, sorted by name */
};

/*
 * Parses the first SIZE bytes of a file of FILE_SIZE bytes. BYTES must outlive OUT. When they end before the metadata
 * does, fails with *MORE true: call again with a longer prefix (always false when SIZE is FILE_SIZE). On failure OUT
 * is untouched.
 */
PML_CHECKED
bool pml_gguf_parse(struct pml_gguf *out, const void *bytes, size_t size, uint64_t file_size, bool *more,
                    struct pml_error *err);
void pml_gguf_free(struct pml_gguf *g);
void pml_gguf_auto(struct pml_gguf *g);

const struct pml_gguf_tensor *pml_gguf_tensor(const struct pml_gguf *g, const char *name); /* NULL: there is none */
const struct pml_gguf_key *pml_gguf_key(const struct pml_gguf *g, const char *name);       /* NULL: there is none */

/*
 * Typed look-ups. A key that begins with '.' stands below the architecture: ".block_count" is "llama.block_count" in a
 * llama file. A missing PML_OPTIONAL key leaves *OUT as it is and succeeds, so the caller sets the default first. The
 * integer types are interchangeable when the value fits; f32 also takes f64 and must be finite.
 */
enum pml_gguf_need { PML_OPTIONAL, PML_REQUIRED };

PML_CHECKED
bool pml_gguf_u32(const struct pml_gguf *g, const char *key, enum pml_gguf_need need, uint32_t *out,
                  struct pml_error *err);
/* As pml_gguf_u32, or an array with one value for each layer, if all of them are equal. */
PML_CHECKED
bool pml_gguf_u32_layers(const struct pml_gguf *g, const char *key, enum pml_gguf_need need, uint32_t *out,
                         struct pml_error *err);
PML_CHECKED
bool pml_gguf_f32(const struct pml_gguf *g, const char *key, enum pml_gguf_need need, float *out,
                  struct pml_error *err);
PML_CHECKED
bool pml_gguf_bool(const struct pml_gguf *g, const char *key, enum pml_gguf_need need, bool *out,
                   struct pml_error *err);
PML_CHECKED
bool pml_gguf_string(const struct pml_gguf *g, const char *key, enum pml_gguf_need need, struct pml_gguf_text *out,
                     struct pml_error *err);

/* An array, read element by element with one of the functions below; a missing optional one has count 0. */
struct pml_gguf_array {
    uint32_t type;  /* of the elements */
    uint32_t count; /* of elements not read yet */
    struct pml_cursor at;
};
PML_CHECKED
bool pml_gguf_array(const struct pml_gguf *g, const char *key, enum pml_gguf_need need, uint32_t type,
                    struct pml_gguf_array *out, struct pml_error *err);
struct pml_gguf_text pml_gguf_next_string(struct pml_gguf_array *a);
float pml_gguf_next_f32(struct pml_gguf_array *a);
int32_t pml_gguf_next_i32(struct pml_gguf_array *a);

/* True if T is exactly the C string TEXT. */
bool pml_gguf_text_is(struct pml_gguf_text t, const char *text);
int pml_gguf_text_compare(struct pml_gguf_text a,
                          struct pml_gguf_text b); /* by bytes, as memcmp; a prefix comes first */

#endif
