/* SPDX-License-Identifier: MIT */
/* Chat completions as the client reads them: where the network cuts the bytes changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "client/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads DATA in pieces of STEP bytes. Returns whether it was accepted. */
static bool read_pieces(struct pml_answer *answer, const uint8_t *data, size_t size, size_t step)
{
    struct pml_error err;
    pml_answer_init(answer);
    for (size_t at = 0; at < size; at += step) {
        if (!pml_answer_feed(answer, data + at, size - at < step ? size - at : step, &err))
            return false;
    }
    return pml_answer_end(answer, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pml_answer whole, pieces;
    bool accepted = read_pieces(&whole, data, size, size + 1);
    if (read_pieces(&pieces, data, size, 3) != accepted)
        abort();
    if (whole.text.size != pieces.text.size ||
        (whole.text.size && memcmp(whole.text.bytes, pieces.text.bytes, whole.text.size) != 0))
        abort();
    pml_answer_free(&whole);
    pml_answer_free(&pieces);
    return 0;
}
