/* SPDX-License-Identifier: MIT */
/* Responses of the guest agent: an accepted body is what follows the headers, and the status has three digits. */
#include <stdlib.h>

#include "tdx/platform/unix_http.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct pml_error err;
    int status;
    const char *body;
    size_t body_size;
    if (!pml_unix_http_parse((const char *)data, size, &status, &body, &body_size, &err))
        return 0;
    if (status < 100 || status > 599 || body + body_size != (const char *)data + size)
        abort();
    return 0;
}
