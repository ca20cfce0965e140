/* SPDX-License-Identifier: MIT */
/* The GGUF parser and reader: what is accepted, what each fault is called, and that nothing is read twice. */
#include "test.h"

#include <fcntl.h>
#include <math.h>

#include "base/memory.h"
#include "engine/gguf_reader.h"
#include "engine/model_digest.h"
#include "gguf_builder.h"

#define F32  PML_TYPE_F32
#define Q8_0 PML_TYPE_Q8_0

/* Two tensors, the second first in the file, and a key of every type. */
static void build_good(struct pml_buf *b)
{
    put_header(b, 3, 2, 12);
    put_key_string(b, "general.architecture", "llama");
    put_key_u32(b, "general.alignment", 64);
    put_key(b, "k.u8", PML_GGUF_U8);
    pml_put_u8(b, 200);
    put_key(b, "k.i16", PML_GGUF_I16);
    pml_put_u16le(b, (uint16_t)-3);
    put_key(b, "k.u64", PML_GGUF_U64);
    pml_put_u64le(b, 70000);
    put_key(b, "k.wide", PML_GGUF_U64);
    pml_put_u64le(b, UINT64_MAX);
    put_key(b, "k.f64", PML_GGUF_F64);
    pml_put_u64le(b, 0x3ff8000000000000); /* 1.5 */
    put_key(b, "k.nan", PML_GGUF_F32);
    pml_put_u32le(b, 0x7fc00000);
    put_key_bool(b, "k.bool", 1);
    put_key_array(b, "llama.same", PML_GGUF_I32, 3);
    for (int i = 0; i < 3; i++)
        pml_put_u32le(b, 7);
    put_key_array(b, "llama.mixed", PML_GGUF_U16, 2);
    pml_put_u16le(b, 1);
    pml_put_u16le(b, 2);
    put_key_strings(b, "k.strings", (const char *const[]){ "a", "", "ccc" }, 3);
    put_tensor(b, "b.weight", F32, 4, 3, 128);
    put_tensor(b, "a.weight", Q8_0, 64, 1, 0);
    put_padding(b, 64);
    for (int i = 0; i < 68; i++)
        pml_put_u8(b, (uint8_t)i);
    put_padding(b, 64);
    for (int i = 0; i < 48; i++)
        pml_put_u8(b, (uint8_t)(100 + i));
}

static void parse(struct pml_gguf *g, const struct pml_buf *b)
{
    struct pml_error err;
    bool more;
    if (!pml_gguf_parse(g, b->bytes, b->size, b->size, &more, &err))
        fail_msg("%s", err.text);
}

static void a_good_file_is_read(void **state)
{
    (void)state;
    PML_AUTO(buf) struct pml_buf b = { 0 };
    PML_AUTO(gguf) struct pml_gguf g = { 0 };
    build_good(&b);
    parse(&g, &b);
    assert_string_equal(g.architecture, "llama");
    assert_int_equal(g.data_offset % 64, 0);
    assert_int_equal(g.tensor_count, 2);
    assert_string_equal(g.tensors[0].name, "a.weight");
    assert_int_equal(g.tensors[0].size, 68);
    assert_int_equal(g.tensors[0].offset, g.data_offset);
    const struct pml_gguf_tensor *t = pml_gguf_tensor(&g, "b.weight");
    assert_non_null(t);
    assert_int_equal(t->offset, g.data_offset + 128);
    assert_int_equal(t->row_size, 16);
    assert_int_equal(t->size, 48);
    assert_int_equal(t->dims[1] * t->dims[2] * t->dims[3], 3);
    assert_null(pml_gguf_tensor(&g, "c.weight"));
}

static void keys_are_typed(void **state)
{
    (void)state;
    PML_AUTO(buf) struct pml_buf b = { 0 };
    PML_AUTO(gguf) struct pml_gguf g = { 0 };
    struct pml_error err;
    uint32_t n = 5;
    float f;
    bool flag = false;
    struct pml_gguf_text text;
    struct pml_gguf_array array;
    build_good(&b);
    parse(&g, &b);
    assert_true(pml_gguf_u32(&g, "k.u8", PML_REQUIRED, &n, &err) && n == 200);
    assert_true(pml_gguf_u32(&g, "k.u64", PML_REQUIRED, &n, &err) && n == 70000);
    assert_true(pml_gguf_u32_layers(&g, ".same", PML_REQUIRED, &n, &err) && n == 7);
    assert_true(pml_gguf_u32(&g, "absent", PML_OPTIONAL, &n, &err) && n == 7);
    assert_true(pml_gguf_f32(&g, "k.f64", PML_REQUIRED, &f, &err) && f == 1.5f);
    assert_true(pml_gguf_bool(&g, "k.bool", PML_REQUIRED, &flag, &err) && flag);
    assert_true(pml_gguf_array(&g, "k.strings", PML_REQUIRED, PML_GGUF_STRING, &array, &err));
    assert_int_equal(array.count, 3);
    assert_true(pml_gguf_text_is(pml_gguf_next_string(&array), "a"));
    assert_true(pml_gguf_text_is(pml_gguf_next_string(&array), ""));
    assert_true(pml_gguf_text_is(pml_gguf_next_string(&array), "ccc"));
    assert_int_equal(array.count, 0);

    assert_false(pml_gguf_u32(&g, ".absent", PML_REQUIRED, &n, &err));
    assert_string_equal(err.text, "key llama.absent is missing");
    assert_false(pml_gguf_u32(&g, "k.i16", PML_OPTIONAL, &n, &err));
    assert_string_equal(err.text, "key k.i16 is out of range");
    assert_false(pml_gguf_u32(&g, "k.wide", PML_OPTIONAL, &n, &err));
    assert_string_equal(err.code, "gguf");
    assert_false(pml_gguf_u32(&g, "k.bool", PML_OPTIONAL, &n, &err));
    assert_string_equal(err.text, "key k.bool is of type bool, an integer is wanted");
    assert_false(pml_gguf_u32_layers(&g, ".mixed", PML_OPTIONAL, &n, &err));
    assert_string_equal(err.text, "key llama.mixed differs between layers, which is not supported");
    assert_false(pml_gguf_f32(&g, "k.nan", PML_OPTIONAL, &f, &err));
    assert_string_equal(err.text, "key k.nan is not finite");
    assert_false(pml_gguf_string(&g, "k.u8", PML_OPTIONAL, &text, &err));
    assert_string_equal(err.text, "key k.u8 is of type u8, string is wanted");
    assert_false(pml_gguf_array(&g, "k.strings", PML_OPTIONAL, PML_GGUF_F32, &array, &err));
    assert_string_equal(err.text, "key k.strings is an array of string, one of f32 is wanted");
}

/* Every proper prefix of the metadata asks for more, and every shorter file is refused. */
static void truncation_is_noticed(void **state)
{
    (void)state;
    PML_AUTO(buf) struct pml_buf b = { 0 };
    PML_AUTO(gguf) struct pml_gguf g = { 0 };
    struct pml_error err;
    bool more;
    build_good(&b);
    parse(&g, &b);
    size_t metadata = 0;
    for (size_t size = 0; size < b.size; size++) {
        PML_AUTO(mem) uint8_t *copy = size ? malloc(size) : NULL; /* no byte more, for the sanitizer */
        PML_AUTO(gguf) struct pml_gguf part = { 0 };
        if (size)
            memcpy(copy, b.bytes, size);
        assert_false(pml_gguf_parse(&part, copy, size, size, &more, &err));
        assert_false(more);
        assert_int_equal(err.kind, PML_NO);
        if (!pml_gguf_parse(&part, copy, size, b.size, &more, &err))
            assert_true(more);
        else if (!metadata)
            metadata = size;
    }
    assert_true(metadata && metadata <= g.data_offset);
}

static void one_key(struct pml_buf *b)
{
    put_header(b, 3, 0, 1);
}

static void long_array(struct pml_buf *b)
{
    one_key(b);
    put_key_array(b, "k", PML_GGUF_U8, PML_GGUF_ARRAY_MAX + 1);
}

static void nested_array(struct pml_buf *b)
{
    one_key(b);
    put_key_array(b, "k", PML_GGUF_ARRAY, 0);
}

static void unknown_type(struct pml_buf *b)
{
    one_key(b);
    put_key(b, "k", 13);
}

static void long_string(struct pml_buf *b)
{
    one_key(b);
    put_key(b, "k", PML_GGUF_STRING);
    pml_put_u64le(b, UINT64_MAX);
}

static void empty_key(struct pml_buf *b)
{
    one_key(b);
    put_key_u32(b, "", 1);
}

static void no_architecture(struct pml_buf *b)
{
    one_key(b);
    put_key_u32(b, "k", 1);
}

static void strange_architecture(struct pml_buf *b)
{
    one_key(b);
    put_key_string(b, "general.architecture", "lla\033ma");
}

static void twice(struct pml_buf *b)
{
    put_header(b, 3, 0, 3);
    put_key_u32(b, "k.x", 1);
    put_key_string(b, "general.architecture", "llama");
    put_key_u32(b, "k.x", 2);
}

static void big_endian(struct pml_buf *b)
{
    put_header(b, 0x03000000, 0, 0);
}

static void version_1(struct pml_buf *b)
{
    put_header(b, 1, 0, 0);
}

static void other_magic(struct pml_buf *b)
{
    pml_put_text(b, "GGML");
    pml_put_zero(b, 20);
}

static void many_keys(struct pml_buf *b)
{
    put_header(b, 3, 0, PML_GGUF_KEYS_MAX + 1);
}

/* A file of llama's with the given tensor and 256 bytes of data. */
static void with_tensors(struct pml_buf *b, size_t count)
{
    put_header(b, 3, count, 1);
    put_key_string(b, "general.architecture", "llama");
}

static void finish(struct pml_buf *b)
{
    put_padding(b, 32);
    pml_put_zero(b, 256);
}

static void tensor_twice(struct pml_buf *b)
{
    with_tensors(b, 2);
    put_tensor(b, "t", F32, 8, 1, 0);
    put_tensor(b, "t", F32, 8, 1, 32);
    finish(b);
}

static void overlap(struct pml_buf *b)
{
    with_tensors(b, 2);
    put_tensor(b, "t", F32, 16, 1, 0);
    put_tensor(b, "u", F32, 8, 1, 32);
    finish(b);
}

static void outside(struct pml_buf *b)
{
    with_tensors(b, 1);
    put_tensor(b, "t", F32, 8, 2, 288);
    finish(b);
}

static void far_outside(struct pml_buf *b)
{
    with_tensors(b, 1);
    put_tensor(b, "t", F32, 8, 1, UINT64_MAX - 31);
    finish(b);
}

static void size_overflow(struct pml_buf *b)
{
    with_tensors(b, 1);
    put_tensor(b, "t", F32, 1ull << 40, 1ull << 40, 0);
    finish(b);
}

static void odd_offset(struct pml_buf *b)
{
    with_tensors(b, 1);
    put_tensor(b, "t", F32, 8, 1, 8);
    finish(b);
}

static void part_of_block(struct pml_buf *b)
{
    with_tensors(b, 1);
    put_tensor(b, "t", Q8_0, 33, 1, 0);
    finish(b);
}

static void zero_dimension(struct pml_buf *b)
{
    with_tensors(b, 1);
    put_tensor(b, "t", F32, 8, 0, 0);
    finish(b);
}

static void retired_type(struct pml_buf *b)
{
    with_tensors(b, 1);
    put_tensor(b, "t", 4, 8, 1, 0);
    finish(b);
}

static void known_type(struct pml_buf *b)
{
    with_tensors(b, 1);
    put_tensor(b, "t", 39, 32, 1, 0);
    finish(b);
}

static void five_dimensions(struct pml_buf *b)
{
    with_tensors(b, 1);
    put_string(b, "t");
    pml_put_u32le(b, 5);
    pml_put_zero(b, 64);
}

static void long_name(struct pml_buf *b)
{
    with_tensors(b, 1);
    put_tensor(b, "0123456789012345678901234567890123456789012345678901234567890123", F32, 8, 1, 0);
    finish(b);
}

static void bad_alignment(struct pml_buf *b)
{
    put_header(b, 3, 0, 2);
    put_key_string(b, "general.architecture", "llama");
    put_key_u32(b, "general.alignment", 48);
}

static const struct {
    void (*build)(struct pml_buf *b);
    const char *error;
} faults[] = {
    { other_magic, "not a GGUF file" },
    { big_endian, "a big-endian file; only little-endian ones are read" },
    { version_1, "version 1; 2 and 3 are read" },
    { many_keys, "0 tensors and 65537 keys; 65536 of each are allowed" },
    { long_array, "key k: array of 16777217 elements" },
    { nested_array, "key k: array of type 9" },
    { unknown_type, "key k: value of type 13" },
    { long_string, "key k: string of 18446744073709551615 bytes, 16777216 are allowed" },
    { empty_key, "key name is empty or not UTF-8" },
    { no_architecture, "key general.architecture is missing" },
    { strange_architecture, "general.architecture is not a short name" },
    { twice, "key k.x stands twice" },
    { bad_alignment, "general.alignment is 48, no power of two" },
    { tensor_twice, "tensor t stands twice" },
    { overlap, "tensor u: overlaps tensor t" },
    { outside, "tensor t: reaches beyond the end of the file" },
    { far_outside, "tensor t: reaches beyond the end of the file" },
    { size_overflow, "tensor t: its size overflows" },
    { odd_offset, "tensor t: offset 8 is no multiple of 32" },
    { part_of_block, "tensor t: rows of 33 elements do not divide into blocks of 32" },
    { zero_dimension, "tensor t: dimension 1 is 0" },
    { retired_type, "tensor t: unknown type 4" },
    { known_type, "tensor t: type MXFP4 is not supported" },
    { five_dimensions, "tensor t: 5 dimensions" },
    { long_name, "tensor name: string of 64 bytes, 63 are allowed" },
};

static void each_fault_has_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < PML_COUNT(faults); i++) {
        PML_AUTO(buf) struct pml_buf b = { 0 };
        PML_AUTO(gguf) struct pml_gguf g = { 0 };
        struct pml_error err = { 0 };
        bool more;
        faults[i].build(&b);
        pml_put_zero(&b, 64); /* so that no fault hides behind a file that ends */
        if (pml_gguf_parse(&g, b.bytes, b.size, b.size, &more, &err))
            fail_msg("accepted: %s", faults[i].error);
        assert_string_equal(err.text, faults[i].error);
        assert_string_equal(err.code, "gguf");
        assert_int_equal(err.kind, PML_NO);
    }
}

/* 60000 keys that differ at their ends, and one of them twice: sorted, this takes milliseconds. */
static void many_duplicates_are_found(void **state)
{
    (void)state;
    PML_AUTO(buf) struct pml_buf b = { 0 };
    PML_AUTO(gguf) struct pml_gguf g = { 0 };
    struct pml_error err;
    bool more;
    put_header(&b, 3, 0, 60001);
    put_key_string(&b, "general.architecture", "llama");
    for (unsigned i = 0; i < 60000; i++) {
        char name[64];
        snprintf(name, sizeof name, "common.beginning.of.all.the.keys.%06u", i == 59999 ? 2 : 60000 - i);
        put_key_bool(&b, name, 0);
    }
    assert_false(pml_gguf_parse(&g, b.bytes, b.size, b.size, &more, &err));
    assert_string_equal(err.text, "key common.beginning.of.all.the.keys.000002 stands twice");
}

static char path[] = "/tmp/pml-test-gguf-XXXXXX";

static void write_file(const struct pml_buf *b)
{
    PML_AUTO(fd) int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, b->bytes, b->size), (ssize_t)b->size);
}

static void the_reader_hands_out_what_it_hashed(void **state)
{
    (void)state;
    PML_AUTO(buf) struct pml_buf b = { 0 };
    struct pml_error err;
    uint8_t data[68], digest[PML_SHA256_SIZE], wanted[PML_SHA256_SIZE];
    build_good(&b);
    size_t data_size = 3u << 20; /* more than the reader takes at first */
    pml_put_zero(&b, data_size);
    write_file(&b);
    PML_AUTO(gguf_reader) struct pml_gguf_reader *r = pml_gguf_open(path, &err);
    assert_non_null(r);
    const struct pml_gguf *g = pml_gguf_meta(r);
    assert_true(pml_gguf_read(r, g->tensors[0].offset, data, 34, &err));
    assert_int_equal(data[33], 33);
    assert_true(pml_gguf_read(r, g->tensors[0].offset + 34, data, 34, &err));
    assert_int_equal(data[0], 34);
    assert_true(pml_gguf_read(r, g->tensors[1].offset, data, 48, &err));
    assert_int_equal(data[47], 147);
    assert_false(pml_gguf_read(r, g->tensors[0].offset, data, 1, &err));
    assert_string_equal(err.code, "internal");
    assert_true(pml_gguf_read(r, b.size - 1, data, 1, &err));
    assert_true(pml_gguf_finish(r, digest, &err));
    pml_sha256(wanted, b.bytes, b.size);
    assert_memory_equal(digest, wanted, sizeof digest);
}

static void a_file_that_changes_is_refused(void **state)
{
    (void)state;
    PML_AUTO(buf) struct pml_buf b = { 0 };
    struct pml_error err;
    uint8_t digest[PML_SHA256_SIZE];
    build_good(&b);
    pml_put_zero(&b, 3u << 20);
    write_file(&b);
    PML_AUTO(gguf_reader) struct pml_gguf_reader *shrunk = pml_gguf_open(path, &err);
    assert_non_null(shrunk);
    assert_int_equal(truncate(path, 2 << 20), 0);
    assert_false(pml_gguf_finish(shrunk, digest, &err));
    assert_non_null(strstr(err.text, "has become shorter while it was read"));

    PML_AUTO(gguf_reader) struct pml_gguf_reader *grown = pml_gguf_open(path, &err);
    assert_non_null(grown);
    assert_int_equal(truncate(path, 5 << 20), 0);
    assert_false(pml_gguf_finish(grown, digest, &err));
    assert_non_null(strstr(err.text, "has grown while it was read"));
}

static void what_is_no_model_is_refused(void **state)
{
    (void)state;
    PML_AUTO(buf) struct pml_buf b = { 0 };
    struct pml_error err;
    assert_null(pml_gguf_open("/nonexistent/model.gguf", &err));
    assert_string_equal(err.text, "open /nonexistent/model.gguf: No such file or directory");
    assert_int_equal(err.kind, PML_UNKNOWN);
    assert_null(pml_gguf_open("/dev/zero", &err));
    assert_string_equal(err.text, "/dev/zero: not a regular file");
    write_file(&b);
    assert_null(pml_gguf_open(path, &err));
    assert_non_null(strstr(err.text, ": the file ends too early"));

    put_header(&b, 3, 0, 2);
    put_key_string(&b, "general.architecture", "llama");
    put_key(&b, "split.count", PML_GGUF_U16);
    pml_put_u16le(&b, 3);
    write_file(&b);
    assert_null(pml_gguf_open(path, &err));
    assert_string_equal(err.code, "model");
    assert_non_null(strstr(err.text, "one of 3 parts of a split model"));
}

/* Metadata of several megabytes is read in growing pieces. */
static void long_metadata_is_read(void **state)
{
    (void)state;
    PML_AUTO(buf) struct pml_buf b = { 0 };
    struct pml_error err;
    uint8_t digest[PML_SHA256_SIZE], wanted[PML_SHA256_SIZE];
    put_header(&b, 3, 1, 2);
    put_key_array(&b, "k", PML_GGUF_U8, 5u << 20);
    pml_put_zero(&b, 5u << 20);
    put_key_string(&b, "general.architecture", "llama");
    put_tensor(&b, "t", F32, 8, 1, 0);
    finish(&b);
    write_file(&b);
    PML_AUTO(gguf_reader) struct pml_gguf_reader *r = pml_gguf_open(path, &err);
    assert_non_null(r);
    assert_true(pml_gguf_finish(r, digest, &err));
    pml_sha256(wanted, b.bytes, b.size);
    assert_memory_equal(digest, wanted, sizeof digest);
}

/* Spec inference-api §5.4, spelt out; keys stand in another order in the file. */
static void digests_follow_the_definition(void **state)
{
    (void)state;
    PML_AUTO(buf) struct pml_buf b = { 0 };
    PML_AUTO(buf) struct pml_buf hashed = { 0 };
    PML_AUTO(gguf) struct pml_gguf g = { 0 };
    struct pml_error err;
    uint8_t digest[PML_SHA256_SIZE], wanted[PML_SHA256_SIZE];
    put_header(&b, 3, 0, 5);
    put_key_strings(&b, "tokenizer.ggml.tokens", (const char *const[]){ "x", "yz" }, 2);
    put_key_string(&b, "general.architecture", "llama");
    put_key_string(&b, "tokenizer.chat_template", "T");
    put_key_bool(&b, "tokenizer.ggml.add_bos_token", 1);
    put_key_u32(&b, "tokenizers", 1);
    parse(&g, &b);

    put_string(&hashed, "tokenizer.chat_template");
    pml_put_u32le(&hashed, PML_GGUF_STRING);
    pml_put_u64le(&hashed, 9);
    put_string(&hashed, "T");
    put_string(&hashed, "tokenizer.ggml.add_bos_token");
    pml_put_u32le(&hashed, PML_GGUF_BOOL);
    pml_put_u64le(&hashed, 1);
    pml_put_u8(&hashed, 1);
    put_string(&hashed, "tokenizer.ggml.tokens");
    pml_put_u32le(&hashed, PML_GGUF_ARRAY);
    pml_put_u64le(&hashed, 4 + 8 + 9 + 10);
    pml_put_u32le(&hashed, PML_GGUF_STRING);
    pml_put_u64le(&hashed, 2);
    put_string(&hashed, "x");
    put_string(&hashed, "yz");

    /* In the digest a key's size has four bytes: cut the upper four of the eight that put_string wrote. */
    PML_AUTO(buf) struct pml_buf exact = { 0 };
    static const size_t starts[] = { 0, 8 + 23 + 4 + 8 + 9, 8 + 23 + 4 + 8 + 9 + 8 + 28 + 4 + 8 + 1 };
    for (size_t i = 0; i < 3; i++) {
        size_t end = i < 2 ? starts[i + 1] : hashed.size;
        pml_put_bytes(&exact, hashed.bytes + starts[i], 4);
        pml_put_bytes(&exact, hashed.bytes + starts[i] + 8, end - starts[i] - 8);
    }
    pml_sha256(wanted, exact.bytes, exact.size);
    pml_tokenizer_digest(digest, &g);
    assert_memory_equal(digest, wanted, sizeof digest);
    assert_true(pml_chat_template_digest(digest, &g, &err));
    pml_sha256(wanted, "T", 1);
    assert_memory_equal(digest, wanted, sizeof digest);
}

/* vectors/receipt-ext/digests.json, oms_single_file */
static void oms_root_equals_the_vector(void **state)
{
    (void)state;
    uint8_t file[PML_SHA256_SIZE], wanted[PML_SHA256_SIZE], digest[PML_SHA256_SIZE];
    assert_true(pml_digest_parse(file, "sha256:8cf68e2e6501e736f025f7752b48c55defa945419d2d10a87381e53ecd30f047"));
    assert_true(pml_digest_parse(wanted, "sha256:75deb71a9d16cbe1c68533f0c65a7823d7f8eda4aee2258855b4d4a3474658d2"));
    pml_oms_root(digest, file);
    assert_memory_equal(digest, wanted, sizeof digest);
}

static int make_file(void **state)
{
    (void)state;
    PML_AUTO(fd) int fd = mkstemp(path);
    return fd < 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_is_read),
        cmocka_unit_test(keys_are_typed),
        cmocka_unit_test(truncation_is_noticed),
        cmocka_unit_test(each_fault_has_its_name),
        cmocka_unit_test(many_duplicates_are_found),
        cmocka_unit_test(the_reader_hands_out_what_it_hashed),
        cmocka_unit_test(a_file_that_changes_is_refused),
        cmocka_unit_test(what_is_no_model_is_refused),
        cmocka_unit_test(long_metadata_is_read),
        cmocka_unit_test(digests_follow_the_definition),
        cmocka_unit_test(oms_root_equals_the_vector),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
