/* SPDX-License-Identifier: MIT */
/* Chat responses as a replayer reads them: an answer that is read can be written as a body and read back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "openai/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

static void check_answer(const struct pml_chat_answer *answer)
{
    struct pml_error err;
    PML_AUTO(buf) struct pml_buf body = { 0 };
    PML_AUTO(chat_answer) struct pml_chat_answer again = { 0 };
    struct pml_chat_head head = { "chatcmpl-0", 1, "m", "fp_0", false };
    struct pml_chat_usage usage = { 1, 2, 0 };
    require(answer->content[answer->size] == 0);
    pml_chat_put_body(&body, &head, answer->content, answer->size, "stop", &usage);
    require(!body.failed && pml_chat_answer_read(&again, (const char *)body.bytes, body.size, &err));
    require(again.complete && !again.stream && again.size == answer->size);
    require(!memcmp(again.content, answer->content, answer->size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pml_error err;
    PML_AUTO(chat_answer) struct pml_chat_answer answer = { 0 };
    if (pml_chat_answer_read(&answer, (const char *)data, size, &err))
        check_answer(&answer);
    else
        require(!answer.content && err.text[0]);
    return 0;
}
