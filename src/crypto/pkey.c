/* SPDX-License-Identifier: MIT */
/* OpenSSL objects and errors in the idiom of this tree. */
#include "crypto/pkey.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

enum { KEY_FILE_LIMIT = 4096 };

void pml_pkey_auto(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

void pml_x509_auto(X509 **cert)
{
    X509_free(*cert);
}

void pml_x509_crl_auto(X509_CRL **crl)
{
    X509_CRL_free(*crl);
}

void *pml_fail_openssl(struct pml_error *err, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    pml_fail(err, PML_UNKNOWN, "crypto", "%s: %s", what, reason ? reason : "failed");
    ERR_clear_error();
    return NULL;
}

static void pml_bio_auto(BIO **bio)
{
    BIO_free_all(*bio);
}

/* Reads a small file that must be private to this user. Wiped by the caller. */
static bool read_private(const char *path, char *text, size_t room, size_t *size, struct pml_error *err)
{
    PML_AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return pml_fail_io(err, "open %s", path);
    if (!S_ISREG(st.st_mode))
        return pml_fail(err, PML_UNKNOWN, "key_file", "%s is not a regular file", path);
    if (st.st_uid != geteuid())
        return pml_fail(err, PML_UNKNOWN, "key_file", "%s belongs to another user", path);
    if (st.st_mode & 077)
        return pml_fail(err, PML_UNKNOWN, "key_file", "%s is accessible to others (mode %03o): chmod 600 it", path,
                        (unsigned)(st.st_mode & 0777));
    if (st.st_size < 0 || (size_t)st.st_size > room)
        return pml_fail(err, PML_UNKNOWN, "key_file", "%s is too large for a key", path);
    ssize_t got = read(fd, text, room);
    if (got < 0)
        return pml_fail_io(err, "read %s", path);
    *size = (size_t)got;
    return true;
}

/* The password callback of a key that must not have one. */
static int no_password(char *buf, int size, int writing, void *arg)
{
    (void)buf, (void)size, (void)writing, (void)arg;
    return -1;
}

EVP_PKEY *pml_pkey_load(const char *path, struct pml_error *err)
{
    char text[KEY_FILE_LIMIT];
    size_t size = 0;
    if (!read_private(path, text, sizeof text, &size, err))
        return NULL;
    PML_AUTO(bio) BIO *bio = BIO_new_mem_buf(text, (int)size);
    PML_AUTO(pkey) EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    ERR_clear_error();
    pml_wipe(text, sizeof text);
    if (!key)
        return pml_fail(err, PML_UNKNOWN, "key_file", "%s is damaged: no private key in pem form", path);
    return pml_take(&key);
}

bool pml_pkey_save(EVP_PKEY *key, const char *path, struct pml_error *err)
{
    PML_AUTO(bio) BIO *bio = BIO_new(BIO_s_secmem());
    char *text;
    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        return pml_fail_openssl(err, "encode private key");
    long size = BIO_get_mem_data(bio, &text);
    return pml_write_file(path, text, (size_t)size, 0600, err);
}
