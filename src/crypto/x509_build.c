/* SPDX-License-Identifier: MIT */
/* Certificates and CRLs over OpenSSL. */
#include "crypto/x509_build.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"

enum { CERT_FILE_LIMIT = 65536, SERIAL_SIZE = 16 };

static bool set_serial(ASN1_INTEGER *out, const uint8_t *given, struct pml_error *err)
{
    uint8_t bytes[SERIAL_SIZE] = { 0 };
    if (given)
        memcpy(bytes, given, sizeof bytes);
    while (!given && bytes[0] == 0) { /* a zero first byte would also make the encoding shorter */
        if (!pml_random(bytes, sizeof bytes, err))
            return false;
        bytes[0] &= 0x7f;
    }
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool set = number && BN_to_ASN1_INTEGER(number, out);
    BN_free(number);
    return set ? true : (bool)pml_fail_openssl(err, "serial number");
}

static bool add_name(X509_NAME *name, const char *field, const char *text, struct pml_error *err)
{
    if (text && X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const uint8_t *)text, -1, -1, 0) != 1)
        return pml_fail_openssl(err, "subject");
    return true;
}

static bool add_ext(X509 *cert, X509V3_CTX *ctx, const char *name, const char *value, struct pml_error *err)
{
    X509_EXTENSION *ext = X509V3_EXT_nconf(NULL, ctx, name, value);
    bool added = ext && X509_add_ext(cert, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return added ? true : (bool)pml_fail_openssl(err, name);
}

static bool set_times(X509 *cert, int64_t not_before, int64_t not_after, struct pml_error *err)
{
    if (!ASN1_TIME_set(X509_getm_notBefore(cert), not_before) || !ASN1_TIME_set(X509_getm_notAfter(cert), not_after))
        return pml_fail_openssl(err, "validity");
    return true;
}

X509 *pml_cert_build(const struct pml_cert_spec *spec, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
                     struct pml_error *err)
{
    PML_AUTO(x509) X509 *cert = X509_new();
    if (!cert || X509_set_version(cert, X509_VERSION_3) != 1 || X509_set_pubkey(cert, key) != 1)
        return pml_fail_openssl(err, "certificate");
    X509_NAME *subject = X509_get_subject_name(cert);
    if (!set_serial(X509_get_serialNumber(cert), spec->serial, err) ||
        !set_times(cert, spec->not_before, spec->not_after, err) || !add_name(subject, "CN", spec->common_name, err) ||
        !add_name(subject, "O", spec->organization, err))
        return NULL;
    if (X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : subject) != 1)
        return pml_fail_openssl(err, "issuer");
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer ? issuer : cert, cert, NULL, NULL, 0);
    X509V3_set_issuer_pkey(&ctx, issuer ? NULL : issuer_key); /* the key identifier of a self-signed one */
    for (size_t i = 0; i < spec->ext_count; i++) {
        if (!add_ext(cert, &ctx, spec->exts[i].name, spec->exts[i].value, err))
            return NULL;
    }
    if (!X509_sign(cert, issuer_key, EVP_sha256()))
        return pml_fail_openssl(err, "sign certificate");
    return pml_take(&cert);
}

static bool revoke(X509_CRL *crl, X509 *cert, const ASN1_TIME *when, struct pml_error *err)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    if (!entry || X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(cert)) != 1 ||
        X509_REVOKED_set_revocationDate(entry, (ASN1_TIME *)when) != 1 || X509_CRL_add0_revoked(crl, entry) != 1) {
        X509_REVOKED_free(entry);
        return pml_fail_openssl(err, "revoked entry");
    }
    return true;
}

static bool add_crl_exts(X509_CRL *crl, X509 *issuer, int64_t number, struct pml_error *err)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, NULL, NULL, crl, 0);
    X509_EXTENSION *aki = X509V3_EXT_nconf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    bool added = aki && X509_CRL_add_ext(crl, aki, -1) == 1 && serial && ASN1_INTEGER_set_int64(serial, number) == 1 &&
                 X509_CRL_add1_ext_i2d(crl, NID_crl_number, serial, 0, 0) == 1;
    X509_EXTENSION_free(aki);
    ASN1_INTEGER_free(serial);
    return added ? true : (bool)pml_fail_openssl(err, "crl extensions");
}

X509_CRL *pml_crl_build(const struct pml_crl_spec *spec, X509 *issuer, EVP_PKEY *issuer_key, struct pml_error *err)
{
    PML_AUTO(x509_crl) X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *this_update = ASN1_TIME_set(NULL, spec->this_update);
    ASN1_TIME *next_update = ASN1_TIME_set(NULL, spec->next_update);
    bool begun = crl && this_update && next_update && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
                 X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1 &&
                 X509_CRL_set1_lastUpdate(crl, this_update) == 1 && X509_CRL_set1_nextUpdate(crl, next_update) == 1;
    bool listed = begun;
    if (!begun)
        pml_fail_openssl(err, "crl");
    for (size_t i = 0; listed && i < spec->revoked_count; i++)
        listed = revoke(crl, spec->revoked[i], this_update, err);
    ASN1_TIME_free(this_update);
    ASN1_TIME_free(next_update);
    if (!listed || !add_crl_exts(crl, issuer, spec->number, err))
        return NULL;
    X509_CRL_sort(crl);
    if (!X509_CRL_sign(crl, issuer_key, EVP_sha256()))
        return pml_fail_openssl(err, "sign crl");
    return pml_take(&crl);
}

/* Letters, digits, dots, hyphens and a leading "*.": nothing that OpenSSL's configuration language reads otherwise. */
static bool is_host_name(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > 253)
        return false;
    if (strncmp(name, "*.", 2) == 0)
        name += 2;
    bool label = false;
    for (; *name; name++) {
        if (isalnum((unsigned char)*name) || *name == '-' || *name == '_')
            label = true;
        else if (*name == '.' && label)
            label = false;
        else
            return false;
    }
    return label;
}

static bool put_alt_name(struct pml_buf *out, const char *name, struct pml_error *err)
{
    uint8_t address[sizeof(struct in6_addr)];
    bool is_address = inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
    if (!is_address && !is_host_name(name))
        return pml_fail(err, PML_USAGE, "name", "neither a host name nor an address: %.100s", name);
    pml_put_format(out, "%s%s:%s", out->size ? "," : "", is_address ? "IP" : "DNS", name);
    return true;
}

X509 *pml_cert_self_signed(EVP_PKEY *key, const char *common_name, const char *const *names, size_t name_count,
                           int64_t not_before, int64_t not_after, struct pml_error *err)
{
    PML_AUTO(buf) struct pml_buf alt = { 0 };
    for (size_t i = 0; i < name_count; i++) {
        if (!put_alt_name(&alt, names[i], err))
            return NULL;
    }
    PML_AUTO(mem) char *alt_names = pml_buf_take(&alt, NULL, err);
    if (!alt_names)
        return NULL;
    const struct pml_x509_ext exts[] = {
        { "basicConstraints", "critical,CA:FALSE" },
        { "keyUsage", "critical,digitalSignature" },
        { "extendedKeyUsage", "serverAuth" },
        { "subjectKeyIdentifier", "hash" },
        { "subjectAltName", alt_names },
    };
    const struct pml_cert_spec spec = { .common_name = common_name,
                                        .not_before = not_before,
                                        .not_after = not_after,
                                        .exts = exts,
                                        .ext_count = PML_COUNT(exts) - (name_count == 0) };
    return pml_cert_build(&spec, key, NULL, key, err);
}

char *pml_cert_pem(X509 *cert, size_t *size, struct pml_error *err)
{
    PML_AUTO(buf) struct pml_buf out = { 0 };
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    bool written = bio && PEM_write_bio_X509(bio, cert) == 1;
    if (written) {
        long text_size = BIO_get_mem_data(bio, &text);
        pml_put_bytes(&out, text, (size_t)text_size);
    }
    BIO_free(bio);
    return written ? pml_buf_take(&out, size, err) : pml_fail_openssl(err, "encode certificate");
}

/* OpenSSL's encoders allocate with its own malloc; hand out memory that free takes. */
static uint8_t *copy_der(uint8_t *der, int der_size, size_t *size, struct pml_error *err)
{
    if (der_size <= 0)
        return pml_fail_openssl(err, "encode der");
    uint8_t *out = malloc((size_t)der_size);
    if (out)
        memcpy(out, der, (size_t)der_size);
    OPENSSL_free(der);
    *size = (size_t)der_size;
    return out ? out : pml_fail_memory(err);
}

uint8_t *pml_cert_der(X509 *cert, size_t *size, struct pml_error *err)
{
    uint8_t *der = NULL;
    int der_size = i2d_X509(cert, &der);
    return copy_der(der, der_size, size, err);
}

uint8_t *pml_crl_der(X509_CRL *crl, size_t *size, struct pml_error *err)
{
    uint8_t *der = NULL;
    int der_size = i2d_X509_CRL(crl, &der);
    return copy_der(der, der_size, size, err);
}

X509 *pml_cert_load(const char *path, struct pml_error *err)
{
    size_t size;
    PML_AUTO(mem) char *text = pml_read_file(path, CERT_FILE_LIMIT, &size, err);
    if (!text)
        return NULL;
    BIO *bio = BIO_new_mem_buf(text, (int)size);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    return cert ? cert : pml_fail(err, PML_UNKNOWN, "cert_file", "%s is damaged: no certificate in pem form", path);
}

bool pml_key_spki_sha256(uint8_t digest[32], EVP_PKEY *key, struct pml_error *err)
{
    uint8_t *der = NULL;
    int size = i2d_PUBKEY(key, &der);
    if (size <= 0)
        return pml_fail_openssl(err, "encode public key");
    pml_sha256(digest, der, (size_t)size);
    OPENSSL_free(der);
    return true;
}
