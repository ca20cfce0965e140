/* SPDX-License-Identifier: MIT */
/* OpenSSL objects and errors in the idiom of this tree. */
#include "crypto/pkey.h"

#include <openssl/err.h>

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
