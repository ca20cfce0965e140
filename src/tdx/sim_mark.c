/* SPDX-License-Identifier: MIT */
/* Recognising the mark of a simulated root. */
#include "tdx/sim_mark.h"

#include <string.h>

static bool is_mark(const X509_NAME_ENTRY *entry)
{
    uint8_t *text = NULL;
    int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
    bool same = size == (int)strlen(PML_SIM_ORGANIZATION) && memcmp(text, PML_SIM_ORGANIZATION, (size_t)size) == 0;
    OPENSSL_free(text);
    return same;
}

bool pml_sim_is_marked(const X509 *cert)
{
    const X509_NAME *subject = X509_get_subject_name(cert);
    for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_organizationName, at)) >= 0;) {
        if (is_mark(X509_NAME_get_entry(subject, at)))
            return true;
    }
    return false;
}
