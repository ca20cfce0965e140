/* SPDX-License-Identifier: MIT */
/* SHA-2 through OpenSSL's EVP interface. */
#include "base/digest.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/memory.h"

void pml_sha256(uint8_t out[PML_SHA256_SIZE], const void *bytes, size_t size)
{
    SHA256(bytes, size, out);
}

void pml_sha384(uint8_t out[PML_SHA384_SIZE], const void *bytes, size_t size)
{
    SHA384(bytes, size, out);
}

static void begin(struct pml_hash *h, const EVP_MD *md)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context || EVP_DigestInit_ex(context, md, NULL) != 1)
        abort();
    h->context = context;
}

void pml_hash_sha256(struct pml_hash *h)
{
    begin(h, EVP_sha256());
}

void pml_hash_sha384(struct pml_hash *h)
{
    begin(h, EVP_sha384());
}

void pml_hash_add(struct pml_hash *h, const void *bytes, size_t size)
{
    if (EVP_DigestUpdate(h->context, bytes, size) != 1)
        abort();
}

void pml_hash_copy(struct pml_hash *to, const struct pml_hash *from)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context || EVP_MD_CTX_copy_ex(context, from->context) != 1)
        abort();
    to->context = context;
}

void pml_hash_final(struct pml_hash *h, uint8_t *out)
{
    if (EVP_DigestFinal_ex(h->context, out, NULL) != 1)
        abort();
    pml_hash_auto(h);
}

void pml_hash_auto(struct pml_hash *h)
{
    EVP_MD_CTX_free(h->context);
    h->context = NULL;
}

char *pml_digest_text(char out[PML_DIGEST_TEXT], const uint8_t digest[PML_SHA256_SIZE])
{
    memcpy(out, "sha256:", 7);
    pml_hex(out + 7, digest, PML_SHA256_SIZE);
    return out;
}

bool pml_digest_parse(uint8_t digest[PML_SHA256_SIZE], const char *text)
{
    return strncmp(text, "sha256:", 7) == 0 && pml_unhex_lower(digest, PML_SHA256_SIZE, text + 7, strlen(text + 7));
}

bool pml_file_digest(uint8_t digest[PML_SHA256_SIZE], const char *path, struct pml_error *err)
{
    PML_AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return pml_fail_io(err, "open %s", path);
    const size_t room = 1 << 20;
    PML_AUTO(mem) uint8_t *chunk = malloc(room);
    if (!chunk)
        return pml_fail_memory(err);
    PML_AUTO(hash) struct pml_hash hash;
    pml_hash_sha256(&hash);
    for (ssize_t got; (got = read(fd, chunk, room)) != 0;) {
        if (got < 0)
            return pml_fail_io(err, "read %s", path);
        pml_hash_add(&hash, chunk, (size_t)got);
    }
    pml_hash_final(&hash, digest);
    return true;
}

bool pml_build_digest(uint8_t digest[PML_SHA256_SIZE], struct pml_error *err)
{
    return pml_file_digest(digest, "/proc/self/exe", err);
}
