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
        require(err.status == 400 && err.message[0] && !r.document && !r.turns);
        free(body);
        return 0;
    }
    require(r.turn_count > 0 && r.turn_count <= PML_CHAT_MESSAGES_MAX);
    require(r.temperature >= 0 && r.temperature <= 2 && r.top_p >= 0 && r.top_p <= 1);
    require(r.max_tokens == -1 || r.max_tokens >= 1);
    require(r.stop_count <= PML_CHAT_STOPS_MAX && r.top_k >= 0 && r.repeat_last_n >= -1);
    for (size_t i = 0; i < r.turn_count; i++)
        require(r.turns[i].content.bytes && memchr(r.turns[i].content.bytes, 0xff, r.turns[i].content.size) == NULL);
    for (size_t i = 0; i < r.bias_count; i++)
        require(r.biases[i].token >= 0 && fabsf(r.biases[i].bias) <= 100 &&
                (!i || r.biases[i].token > r.biases[i - 1].token));
    pml_chat_request_free(&r);
    free(body);
    return 0;
}
