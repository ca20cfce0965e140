/* SPDX-License-Identifier: MIT */
/* Chat completion bodies: what is accepted keeps its promises, what is refused is a 400 that names no content. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "openai/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pml_chat_request r;
    struct pml_api_error err;
    char *body = malloc(size + 1);
    memcpy(body, data, size);
    body[size] = 0;
    if (!pml_chat_request_parse(&r, body, size, &err)) {
        require(err.status == 400 && err.message[0] && !r.document && !r.messages);
        free(body);
        return 0;
    }
    require(r.message_count > 0 && r.message_count <= PML_CHAT_MESSAGES_MAX);
    require(r.sampling.temperature >= 0 && r.sampling.temperature <= 2 && r.sampling.top_p >= 0 &&
            r.sampling.top_p <= 1);
    require(r.max_tokens == -1 || r.max_tokens >= 1);
    require(r.stop_count <= PML_STOPS_MAX && r.sampling.repeat_last_n >= -1);
    for (size_t i = 0; i < r.message_count; i++)
        require(r.messages[i].content && memchr(r.messages[i].content, 0xff, r.messages[i].size) == NULL);
    for (size_t i = 0; i < r.sampling.logit_bias_count; i++)
        require(fabsf(r.sampling.logit_bias[i].bias) <= 100 &&
                (!i || r.sampling.logit_bias[i].token > r.sampling.logit_bias[i - 1].token));
    pml_chat_request_free(&r);
    free(body);
    return 0;
}
