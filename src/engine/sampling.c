/* SPDX-License-Identifier: MIT */
/* Sampling parameters: ranges, and the text of receipts. */
#include "engine/sampling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"
#include "engine/math.h"

#define BIASES_MAX 1024

struct pml_sampling pml_sampling_default(void)
{
    return (struct pml_sampling){
        .temperature = 1.0f, .top_p = 1.0f, .typical_p = 1.0f, .repeat_penalty = 1.0f, .repeat_last_n = 64
    };
}

/* The wide ranges keep every intermediate of the sampler finite for logits of any sane size. */
bool pml_sampling_check(const struct pml_sampling *s, size_t vocabulary, struct pml_error *err)
{
    const struct {
        const char *name;
        float value, low, high;
    } ranges[] = {
        { "temperature", s->temperature == 0.0f ? 1.0f : s->temperature, 1e-20f, 1e6f },
        { "top_p", s->top_p, 1e-20f, 1.0f },
        { "min_p", s->min_p, 0.0f, 1.0f },
        { "typical_p", s->typical_p, 1e-20f, 1.0f },
        { "repeat_penalty", s->repeat_penalty, 0.01f, 100.0f },
        { "presence_penalty", s->presence_penalty, -1000.0f, 1000.0f },
        { "frequency_penalty", s->frequency_penalty, -1000.0f, 1000.0f },
    };
    for (size_t i = 0; i < PML_COUNT(ranges); i++) {
        if (!(ranges[i].value >= ranges[i].low && ranges[i].value <= ranges[i].high))
            return pml_fail(err, PML_NO, "sampling", "%s is not between %g and %g", ranges[i].name,
                            (double)ranges[i].low, (double)ranges[i].high);
    }
    if (s->repeat_last_n < -1)
        return pml_fail(err, PML_NO, "sampling", "repeat_last_n is below -1");
    if (s->logit_bias_count > BIASES_MAX)
        return pml_fail(err, PML_NO, "sampling", "logit_bias has more than %d tokens", BIASES_MAX);
    for (size_t i = 0; i < s->logit_bias_count; i++) {
        const struct pml_logit_bias *bias = &s->logit_bias[i];
        if (bias->token >= vocabulary)
            return pml_fail(err, PML_NO, "sampling", "logit_bias: no token %u", bias->token);
        if (i > 0 && bias[-1].token >= bias->token)
            return pml_fail(err, PML_NO, "sampling", "logit_bias: tokens do not ascend");
        if (!(fabsf(bias->bias) <= 1e6f))
            return pml_fail(err, PML_NO, "sampling", "logit_bias: a bias is not between -1e6 and 1e6");
    }
    return true;
}

static void put_float(struct pml_buf *out, const char *name, float value)
{
    pml_put_format(out, "%s=%08x;", name, pml_f32_bits(value));
}

/* The samplers that run, in their order (spec engine §9). */
static void put_samplers(struct pml_buf *out, const struct pml_sampling *s)
{
    pml_put_text(out, "samplers=");
    if (s->logit_bias_count > 0)
        pml_put_text(out, "logit_bias,");
    pml_put_text(out, "penalties,");
    if (s->temperature == 0.0f) {
        pml_put_text(out, "greedy");
        return;
    }
    if (s->top_k > 0)
        pml_put_text(out, "top_k,");
    if (s->typical_p < 1.0f)
        pml_put_text(out, "typical_p,");
    if (s->top_p < 1.0f)
        pml_put_text(out, "top_p,");
    if (s->min_p > 0.0f)
        pml_put_text(out, "min_p,");
    pml_put_text(out, "temperature,dist");
}

char *pml_sampling_text(const struct pml_sampling *s, struct pml_error *err)
{
    PML_AUTO(buf) struct pml_buf out = { 0 };
    put_float(&out, "temperature", s->temperature);
    pml_put_format(&out, "top_k=%u;", s->top_k);
    put_float(&out, "top_p", s->top_p);
    put_float(&out, "min_p", s->min_p);
    put_float(&out, "typical_p", s->typical_p);
    put_float(&out, "repeat_penalty", s->repeat_penalty);
    pml_put_format(&out, "repeat_last_n=%d;", s->repeat_last_n);
    put_float(&out, "presence_penalty", s->presence_penalty);
    put_float(&out, "frequency_penalty", s->frequency_penalty);
    pml_put_text(&out, "logit_bias=");
    for (size_t i = 0; i < s->logit_bias_count; i++)
        pml_put_format(&out, "%s%u:%08x", i ? "," : "", s->logit_bias[i].token, pml_f32_bits(s->logit_bias[i].bias));
    pml_put_text(&out, ";");
    put_samplers(&out, s);
    return pml_buf_take(&out, NULL, err);
}

/* Reading. Each step moves *AT past what it took and clears *AT when the text is something else; the result is written
 * again at the end, and any other spelling of it refused, so the steps need not be strict. */

static void take_name(const char **at, const char *name)
{
    size_t size = strlen(name);
    if (*at)
        *at = !strncmp(*at, name, size) && (*at)[size] == '=' ? *at + size + 1 : NULL;
}

static long long take_integer(const char **at, char end)
{
    char *stop = NULL;
    long long value = *at ? strtoll(*at, &stop, 10) : 0;
    *at = stop && stop != *at && *stop == end ? stop + 1 : NULL;
    return value;
}

static float take_bits(const char **at)
{
    uint8_t b[4];
    if (!*at || strnlen(*at, 8) < 8 || !pml_unhex_lower(b, sizeof b, *at, 8)) {
        *at = NULL;
        return 0.0f;
    }
    *at += 8;
    return pml_f32_from_bits((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]);
}

static float take_float(const char **at, const char *name)
{
    take_name(at, name);
    float value = take_bits(at);
    if (*at)
        *at = **at == ';' ? *at + 1 : NULL;
    return value;
}

static bool take_biases(struct pml_sampling *s, const char **at, struct pml_error *err)
{
    take_name(at, "logit_bias");
    if (!*at)
        return true;
    struct pml_logit_bias *biases = calloc(BIASES_MAX, sizeof *biases);
    s->logit_bias = biases;
    if (!biases)
        return pml_fail_memory(err);
    while (*at && **at != ';') {
        if (s->logit_bias_count == BIASES_MAX) {
            *at = NULL;
            break;
        }
        struct pml_logit_bias *bias = &biases[s->logit_bias_count++];
        bias->token = (uint32_t)take_integer(at, ':');
        bias->bias = take_bits(at);
        if (*at && **at == ',')
            ++*at;
    }
    if (*at)
        ++*at;
    return true;
}

static bool parse(struct pml_sampling *s, const char *text, struct pml_error *err)
{
    const char *at = text;
    s->temperature = take_float(&at, "temperature");
    take_name(&at, "top_k");
    s->top_k = (uint32_t)take_integer(&at, ';');
    s->top_p = take_float(&at, "top_p");
    s->min_p = take_float(&at, "min_p");
    s->typical_p = take_float(&at, "typical_p");
    s->repeat_penalty = take_float(&at, "repeat_penalty");
    take_name(&at, "repeat_last_n");
    s->repeat_last_n = (int32_t)take_integer(&at, ';');
    s->presence_penalty = take_float(&at, "presence_penalty");
    s->frequency_penalty = take_float(&at, "frequency_penalty");
    if (!take_biases(s, &at, err))
        return false;

    PML_AUTO(mem) char *again = pml_sampling_text(s, err);
    if (!again)
        return false;
    if (!at || strcmp(again, text) != 0)
        return pml_fail(err, PML_NO, "sampling", "not a sampling text of this profile");
    return pml_sampling_check(s, SIZE_MAX, err);
}

bool pml_sampling_parse(struct pml_sampling *out, const char *text, struct pml_error *err)
{
    struct pml_sampling s = { 0 };
    if (!parse(&s, text, err)) {
        pml_sampling_free(&s);
        return false;
    }
    *out = s;
    return true;
}

void pml_sampling_free(struct pml_sampling *sampling)
{
    free((void *)sampling->logit_bias);
    sampling->logit_bias = NULL;
    sampling->logit_bias_count = 0;
}
