/* SPDX-License-Identifier: MIT */
/*
 * Generated tokens as text, while they come (spec inference-api §4.2). What is given out is always whole UTF-8
 * characters: the beginning of one is held until it is complete, and what cannot be one becomes U+FFFD. Stop strings
 * are found in the decoded text wherever token boundaries lie; text that might be the beginning of one is held back.
 * The text is a function of the ids alone, so a server that streams and a replay that does not agree on every byte.
 */
#ifndef PML_ENGINE_TEXT_STREAM_H
#define PML_ENGINE_TEXT_STREAM_H

#include "base/buf.h"
#include "engine/tokenizer.h"

#define PML_STOPS_MAX     16
#define PML_STOP_SIZE_MAX 4096 /* bytes of all stop strings of a request together */

struct pml_text_stream;

/* STOPS are COUNT NUL-terminated UTF-8 strings, copied; empty ones are refused. The tokenizer must outlive the stream.
 * PML_NO: "stop" too many, too long or empty; memory. */
PML_CHECKED
struct pml_text_stream *pml_text_stream_new(const struct pml_tokenizer *t, const char *const *stops, size_t count,
                                            struct pml_error *err);
void pml_text_stream_free(struct pml_text_stream *s);
void pml_text_stream_auto(struct pml_text_stream **s);

/*
 * Takes the next id and appends the text that is now certain to OUT, perhaps none. Returns false once a stop string has
 * been completed: the text ends before it, and later ids add nothing. The stop string completed first counts; of
 * several completed by the same character, the longest. An end-of-generation token has no text.
 */
bool pml_text_stream_put(struct pml_text_stream *s, uint32_t id, struct pml_buf *out);

/* Generation is over: appends what was held back; an incomplete character becomes U+FFFD. Returns false if that (or
 * an earlier put) completed a stop string. */
bool pml_text_stream_end(struct pml_text_stream *s, struct pml_buf *out);

#endif
