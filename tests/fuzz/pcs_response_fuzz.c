/* SPDX-License-Identifier: MIT */
/*
 * Target: pml_pcs_document, pml_pcs_chain, pml_pcs_crl, chosen by the first byte. A document lies within its body, is
 * itself one JSON object, and is found again when the body is made of nothing else; a chain is no longer than its
 * encoding and holds no NUL; hex of a list's DER is the same list.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"
#include "dcap/pcs_response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_document(const char *body, size_t size)
{
    struct pml_error err;
    struct pml_text found, again;
    uint8_t signature[64], same[64];
    if (!pml_pcs_document(&found, signature, body, size, "tcbInfo", &err))
        return;
    assert(found.bytes > body && found.bytes + found.size < body + size);
    assert(found.bytes[0] == '{' && found.bytes[found.size - 1] == '}');
    struct pml_tape tape = { 0 };
    assert(pml_tape_parse(&tape, found.bytes, found.size, &err));
    pml_tape_free(&tape);
    PML_AUTO(buf) struct pml_buf alone = { 0 };
    pml_put_text(&alone, "{\"tcbInfo\":");
    pml_put_bytes(&alone, found.bytes, found.size);
    pml_put_text(&alone, ",\"signature\":\"");
    pml_put_hex(&alone, signature, sizeof signature);
    pml_put_text(&alone, "\"}");
    assert(pml_pcs_document(&again, same, (const char *)alone.bytes, alone.size, "tcbInfo", &err));
    assert(again.size == found.size && memcmp(again.bytes, found.bytes, found.size) == 0);
    assert(memcmp(same, signature, sizeof same) == 0);
}

static void try_chain(const char *text, size_t size)
{
    struct pml_error err;
    char *value = strndup(text, size);
    char *pem = value ? pml_pcs_chain(value, &err) : NULL;
    assert(!pem || strlen(pem) <= strlen(value));
    free(pem);
    free(value);
}

static void try_crl(const uint8_t *body, size_t size)
{
    struct pml_error err;
    size_t der_size, same_size;
    uint8_t *der = pml_pcs_crl(body, size, &der_size, &err);
    if (!der)
        return;
    assert(der_size <= size);
    PML_AUTO(buf) struct pml_buf hex = { 0 };
    pml_put_hex(&hex, der, der_size);
    uint8_t *same = hex.size ? pml_pcs_crl(hex.bytes, hex.size, &same_size, &err) : NULL;
    assert(!hex.size || (same && same_size == der_size && memcmp(same, der, der_size) == 0));
    free(same);
    free(der);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] == 'd')
        try_document((const char *)data + 1, size - 1);
    else if (data[0] == 'c')
        try_chain((const char *)data + 1, size - 1);
    else
        try_crl(data + 1, size - 1);
    return 0;
}
