/* SPDX-License-Identifier: MIT */
/*
 * From ids to text in three steps: bytes of the token, whole characters, and what cannot be part of a stop string any
 * more. Each stop string keeps the state of a Knuth-Morris-Pratt search: how much of it the text ends with. The most
 * of these is what is held back.
 */
#include "engine/text_stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/utf8.h"

struct stop {
    const uint8_t *text;
    uint16_t *back; /* [n]: of the first n bytes, the size of the longest proper prefix that is also their suffix */
    size_t size;
    size_t matched; /* bytes of it that the text ends with */
};

struct pml_text_stream {
    const struct pml_tokenizer *tokenizer;
    struct stop stops[PML_STOPS_MAX];
    size_t stop_count;
    uint8_t texts[PML_STOP_SIZE_MAX];
    uint16_t backs[PML_STOP_SIZE_MAX + PML_STOPS_MAX];

    uint8_t tail[PML_UTF8_MAX]; /* the beginning of a character */
    size_t tail_size;
    uint8_t held[PML_STOP_SIZE_MAX]; /* the end of the text, not given out yet */
    size_t held_size;
    bool stopped;
};

static void find_back(struct stop *stop)
{
    stop->back[0] = 0;
    stop->back[1] = 0;
    for (size_t n = 2, k = 0; n <= stop->size; n++) {
        while (k && stop->text[n - 1] != stop->text[k])
            k = stop->back[k];
        k += stop->text[n - 1] == stop->text[k];
        stop->back[n] = (uint16_t)k;
    }
}

struct pml_text_stream *pml_text_stream_new(const struct pml_tokenizer *t, const char *const *stops, size_t count,
                                            struct pml_error *err)
{
    if (count > PML_STOPS_MAX)
        return pml_fail(err, PML_NO, "stop", "%zu stop strings, %d are allowed", count, PML_STOPS_MAX);
    PML_AUTO(text_stream) struct pml_text_stream *s = calloc(1, sizeof *s);
    if (!s)
        return pml_fail_memory(err);
    s->tokenizer = t;
    s->stop_count = count;
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(stops[i]);
        if (!size || size > PML_STOP_SIZE_MAX - used || !pml_utf8_valid(stops[i], size))
            return pml_fail(err, PML_NO, "stop",
                            "stop strings are UTF-8, not empty, and have at most %d bytes together", PML_STOP_SIZE_MAX);
        memcpy(s->texts + used, stops[i], size);
        s->stops[i] = (struct stop){ s->texts + used, s->backs + used + i, size, 0 };
        find_back(&s->stops[i]);
        used += size;
    }
    return pml_take(&s);
}

void pml_text_stream_free(struct pml_text_stream *s)
{
    if (s)
        pml_wipe(s, sizeof *s);
    free(s);
}

void pml_text_stream_auto(struct pml_text_stream **s)
{
    pml_text_stream_free(*s);
}

/* Follows the stop strings over one byte. Returns the size of the longest one that it completes, else 0. */
static size_t follow(struct pml_text_stream *s, uint8_t byte, size_t *hold)
{
    size_t completed = 0;
    *hold = 0;
    for (size_t i = 0; i < s->stop_count; i++) {
        struct stop *stop = &s->stops[i];
        while (stop->matched && stop->text[stop->matched] != byte)
            stop->matched = stop->back[stop->matched];
        stop->matched += stop->text[stop->matched] == byte;
        if (stop->matched > *hold)
            *hold = stop->matched;
        if (stop->matched == stop->size && stop->size > completed)
            completed = stop->size;
    }
    return completed;
}

/* One character of text. A stop string begins with a whole character, so what is given out ends with one. */
static void put_character(struct pml_text_stream *s, const uint8_t *bytes, size_t size, struct pml_buf *out)
{
    for (size_t i = 0; i < size && !s->stopped; i++) {
        size_t hold, completed = follow(s, bytes[i], &hold);
        s->held[s->held_size++] = bytes[i];
        s->stopped = completed != 0;
        size_t certain = s->held_size - (completed ? completed : hold);
        pml_put_bytes(out, s->held, certain);
        s->held_size -= certain;
        memmove(s->held, s->held + certain, s->held_size);
    }
}

static void put_replacement(struct pml_text_stream *s, struct pml_buf *out)
{
    put_character(s, (const uint8_t *)"\xef\xbf\xbd", 3, out);
}

static void put_byte(struct pml_text_stream *s, uint8_t byte, struct pml_buf *out)
{
    s->tail[s->tail_size++] = byte;
    while (s->tail_size) {
        size_t used;
        uint32_t point;
        enum pml_utf8 found = pml_utf8_next(s->tail, s->tail_size, &used, &point);
        if (found == PML_UTF8_SHORT)
            return;
        if (found == PML_UTF8_GOOD)
            put_character(s, s->tail, used, out);
        else
            put_replacement(s, out);
        s->tail_size -= used;
        memmove(s->tail, s->tail + used, s->tail_size);
    }
}

bool pml_text_stream_put(struct pml_text_stream *s, uint32_t id, struct pml_buf *out)
{
    struct pml_gguf_text piece = pml_tokenizer_piece(s->tokenizer, id);
    if (pml_tokenizer_ends(s->tokenizer, id))
        piece.size = 0;
    for (size_t i = 0; i < piece.size && !s->stopped; i++)
        put_byte(s, (uint8_t)piece.bytes[i], out);
    return !s->stopped;
}

bool pml_text_stream_end(struct pml_text_stream *s, struct pml_buf *out)
{
    if (s->tail_size && !s->stopped) {
        s->tail_size = 0;
        put_replacement(s, out);
    }
    if (!s->stopped)
        pml_put_bytes(out, s->held, s->held_size);
    s->held_size = 0;
    return !s->stopped;
}
