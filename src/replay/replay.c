/* SPDX-License-Identifier: MIT */
/* Replaying a receipt: the numbered steps are those of spec inference-api §5.5. */
#include "replay/replay.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "aci/events.h"
#include "base/buf.h"
#include "base/memory.h"
#include "engine/chat_template.h"
#include "engine/model_digest.h"
#include "engine/text_stream.h"
#include "openai/request.h"
#include "openai/response.h"
#include "replay/tokens.h"

/* Everything a replay holds while it runs. */
struct replay {
    const struct pml_replay_input *in;
    struct pml_replay_verdict *out;
    struct pml_model_descriptor model_event;
    struct pml_engine_descriptor engine_event;
    struct pml_inference inference;
    struct pml_chat_request request;
    struct pml_chat_answer answer;
    struct pml_model *model;
    struct pml_chat_template *chat;
    struct pml_tokens prompt;
    struct pml_retraced retraced;
};

static bool mismatch(struct replay *r, enum pml_replay_what what, const char *reason)
{
    r->out->result = PML_REPLAY_MISMATCH;
    r->out->what = what;
    snprintf(r->out->reason, sizeof r->out->reason, "%s", reason);
    return false;
}

static bool indeterminate(struct replay *r, const char *reason)
{
    snprintf(r->out->reason, sizeof r->out->reason, "%s", reason);
    return false;
}

static bool indeterminate_for(struct replay *r, const char *what, const struct pml_error *err)
{
    snprintf(r->out->reason, sizeof r->out->reason, "%s: %.200s", what, err->text);
    return false;
}

/* --- 1. the receipt's events, and the bodies they are about --- */

static bool is_known_template(const char *name)
{
    static const char builtin[] = "builtin:";
    enum pml_chat_family family;
    return name && (!strcmp(name, "jinja") || (!strncmp(name, builtin, sizeof builtin - 1) &&
                                               pml_chat_family_parse(&family, name + sizeof builtin - 1)));
}

static bool read_events(struct replay *r)
{
    struct pml_error err = { 0 };
    const struct pml_receipt *receipt = r->in->receipt;
    if (pml_receipt_count(receipt, PML_EVENT_INFERENCE) != 1 || pml_receipt_count(receipt, PML_EVENT_MODEL) != 1 ||
        pml_receipt_count(receipt, PML_EVENT_ENGINE) != 1)
        return indeterminate(r, "the receipt does not have one model, one engine and one inference");
    if (!pml_model_descriptor_parse(&r->model_event, pml_receipt_event(receipt, PML_EVENT_MODEL, 0), &err))
        return indeterminate_for(r, PML_EVENT_MODEL, &err);
    if (!pml_engine_descriptor_parse(&r->engine_event, pml_receipt_event(receipt, PML_EVENT_ENGINE, 0), &err))
        return indeterminate_for(r, PML_EVENT_ENGINE, &err);
    if (!pml_inference_parse(&r->inference, pml_receipt_event(receipt, PML_EVENT_INFERENCE, 0), &err))
        return indeterminate_for(r, PML_EVENT_INFERENCE, &err);
    r->out->choice = r->inference.choice_index;
    if (strcmp(r->engine_event.determinism_profile, PML_DETERMINISM_PROFILE) != 0)
        return indeterminate(r, "the receipt follows another determinism profile");
    if (r->inference.grammar_digest)
        return indeterminate(r, "the output was constrained by a grammar, which this build cannot replay");
    if (!is_known_template(r->engine_event.chat_template))
        return indeterminate(r, "the receipt names no chat template that this build has");
    return true;
}

static bool is_body(const struct pml_receipt *receipt, const char *event, const char *body, size_t size)
{
    struct pml_error none;
    uint8_t claimed[PML_SHA256_SIZE], seen[PML_SHA256_SIZE];
    pml_sha256(seen, body, size);
    return pml_receipt_body_hash(claimed, receipt, event, &none) && !memcmp(claimed, seen, sizeof seen);
}

static bool read_bodies(struct replay *r)
{
    struct pml_error err = { 0 };
    struct pml_api_error api = { 0 };
    const struct pml_replay_input *in = r->in;
    if (!is_body(in->receipt, PML_EVENT_FORWARDED, in->request, in->request_size))
        return is_body(in->receipt, PML_EVENT_RECEIVED, in->request, in->request_size)
                   ? indeterminate(r, "the service changed the request before inference; its forwarded form is needed")
                   : mismatch(r, PML_WHAT_PROMPT, "the receipt is about another request");
    if (!is_body(in->receipt, PML_EVENT_RETURNED, in->response, in->response_size))
        return mismatch(r, PML_WHAT_TEXT, "the receipt is about another response");
    if (!pml_chat_request_parse(&r->request, in->request, in->request_size, &api)) {
        snprintf(r->out->reason, sizeof r->out->reason, "request: %.200s", api.message);
        return false;
    }
    if (!pml_chat_answer_read(&r->answer, in->response, in->response_size, &err))
        return indeterminate_for(r, "response", &err);
    return true;
}

/* --- 2. the model file --- */

static bool open_model(struct replay *r)
{
    struct pml_error err = { 0 };
    struct pml_model_options options = { .expected_digest = r->model_event.file_digest };
    if (!pml_kv_parse(&options.kv, r->engine_event.kv_dtype))
        return indeterminate(r, "the receipt's engine kept its cache in another type");
    if (r->engine_event.context_length > UINT32_MAX)
        return indeterminate(r, "the receipt's context length is out of range");
    options.context_length = (uint32_t)r->engine_event.context_length;
    r->model = pml_model_open(r->in->model_path, &options, &err);
    if (!r->model && !strcmp(err.code, "digest_mismatch"))
        return indeterminate(r, "this is another model file than the receipt's");
    return r->model || indeterminate_for(r, "model", &err);
}

/* What else the descriptor says about a file of this digest. */
static bool check_descriptor(struct replay *r)
{
    struct pml_error err = { 0 };
    uint8_t oms[PML_SHA256_SIZE], tokenizer[PML_SHA256_SIZE], template[PML_SHA256_SIZE];
    const struct pml_gguf *gguf = pml_model_gguf(r->model);
    pml_oms_root(oms, pml_model_info(r->model)->file_digest);
    pml_tokenizer_digest(tokenizer, gguf);
    if (!pml_chat_template_digest(template, gguf, &err))
        return indeterminate_for(r, "model", &err);
    if ((uint64_t)r->model_event.file_size != pml_model_info(r->model)->file_size ||
        memcmp(oms, r->model_event.oms_root, sizeof oms) != 0 ||
        memcmp(tokenizer, r->model_event.tokenizer_digest, sizeof tokenizer) != 0 ||
        memcmp(template, r->model_event.chat_template_digest, sizeof template) != 0)
        return mismatch(r, PML_WHAT_PROMPT, "the receipt describes the model file wrongly");
    return true;
}

/* --- 3. the prompt and the parameters, from the request --- */

static bool check_parameters(struct replay *r)
{
    struct pml_error err = { 0 };
    int64_t room = r->engine_event.context_length - (int64_t)r->prompt.count;
    int64_t limit = r->request.max_tokens >= 0 && r->request.max_tokens < room ? r->request.max_tokens : room;
    PML_AUTO(mem) char *sampling = pml_sampling_text(&r->request.sampling, &err);
    if (!sampling)
        return indeterminate_for(r, "sampling", &err);
    if (strcmp(sampling, r->inference.sampling) != 0)
        return mismatch(r, PML_WHAT_PROMPT, "the sampling is not what the request asked for");
    if (r->request.has_seed && r->request.seed != r->inference.seed)
        return mismatch(r, PML_WHAT_PROMPT, "the seed is not what the request asked for");
    if (r->inference.max_new_tokens != limit)
        return mismatch(r, PML_WHAT_PROMPT, "the token limit is not what the request asked for");
    if (r->inference.output_tokens > limit)
        return mismatch(r, PML_WHAT_TOKEN, "the receipt counts more tokens than its limit");
    if (r->inference.logits_top > PML_LOGITS_TOP_MAX)
        return indeterminate(r, "the receipt's logits chain is too wide");
    return true;
}

static bool build_prompt(struct replay *r)
{
    struct pml_error err = { 0 };
    uint8_t digest[PML_SHA256_SIZE];
    char date[PML_DATE_TEXT];
    r->chat = pml_chat_template_new(pml_model_gguf(r->model), pml_model_tokenizer(r->model), &err);
    if (!r->chat)
        return indeterminate_for(r, "chat template", &err);
    if (strcmp(pml_chat_template_name(r->chat), r->engine_event.chat_template) != 0)
        return mismatch(r, PML_WHAT_PROMPT, "the model's chat template is another than the receipt's");
    if (!pml_chat_template_tokens(r->chat, r->request.messages, r->request.message_count, r->in->receipt->served_at,
                                  date, &r->prompt, &err))
        return indeterminate_for(r, "prompt", &err);
    if (strcmp(date, r->inference.template_date ? r->inference.template_date : "") != 0)
        return mismatch(r, PML_WHAT_PROMPT, "the day that the chat template was told is not that of the receipt");
    pml_tokens_digest(digest, r->prompt.ids, r->prompt.count);
    if ((int64_t)r->prompt.count != r->inference.prompt_tokens ||
        memcmp(digest, r->inference.prompt_tokens_digest, sizeof digest) != 0)
        return mismatch(r, PML_WHAT_PROMPT, "the prompt's tokens are others");
    return true;
}

/* --- 4. the tokens and the logits --- */

/* The text the output spells: the answer's, and behind it a stop string that was cut off, if that is how it ended. */
static bool guess_text(struct replay *r, struct pml_buf *text, struct pml_error *err)
{
    pml_put_bytes(text, r->answer.content, r->answer.size);
    if (!strcmp(r->inference.finish_reason, "stop") && r->request.stop_count)
        pml_put_text(text, r->request.stops[0]);
    return pml_buf_check(text, err);
}

static bool retrace(struct replay *r)
{
    struct pml_error err = { 0 };
    PML_AUTO(buf) struct pml_buf text = { 0 };
    if (!guess_text(r, &text, &err))
        return indeterminate_for(r, "response", &err);
    struct pml_retrace in = {
        .model = r->model,
        .prompt = &r->prompt,
        .sampling = &r->request.sampling,
        .seed = r->inference.seed,
        .wanted = (size_t)r->inference.output_tokens,
        .text = (const char *)text.bytes,
        .text_size = text.size,
        .logits_top = (size_t)r->inference.logits_top,
        .threads = r->in->threads,
    };
    return pml_retrace(&r->retraced, &in, &err) || indeterminate_for(r, "inference", &err);
}

/* The first token that is another than the answer's text suggests, if any is. */
static void name_step(struct replay *r)
{
    const struct pml_tokens *guess = &r->retraced.guess, *output = &r->retraced.output;
    for (size_t i = 0; i < guess->count && i < output->count; i++) {
        if (guess->ids[i] != output->ids[i]) {
            r->out->step = (int64_t)i;
            r->out->expected = guess->ids[i];
            r->out->actual = output->ids[i];
            return;
        }
    }
}

static bool compare_tokens(struct replay *r)
{
    uint8_t digest[PML_SHA256_SIZE];
    const struct pml_tokens *output = &r->retraced.output;
    pml_tokens_digest(digest, output->ids, output->count);
    if ((int64_t)output->count != r->inference.output_tokens ||
        memcmp(digest, r->inference.output_tokens_digest, sizeof digest) != 0) {
        name_step(r);
        return mismatch(r, PML_WHAT_TOKEN, "this model generates other tokens");
    }
    if (r->inference.has_logits_chain &&
        memcmp(r->retraced.logits_chain, r->inference.logits_chain_digest, PML_SHA256_SIZE) != 0)
        return mismatch(r, PML_WHAT_LOGITS, "the tokens agree, the logits behind them do not");
    return true;
}

/* --- 5. the answer --- */

/* Does it follow from the tokens that the generation ended for this reason? Reasons of the transport (a client that
 * went away) do not follow from tokens. */
static bool check_finish(struct replay *r, bool stopped)
{
    const char *finish = r->inference.finish_reason;
    const struct pml_tokens *output = &r->retraced.output;
    bool ended = output->count && pml_tokenizer_ends(pml_model_tokenizer(r->model), output->ids[output->count - 1]);
    if (!strcmp(finish, "stop") && !ended && !stopped)
        return mismatch(r, PML_WHAT_TEXT, "nothing in the tokens ends the answer");
    if (!strcmp(finish, "length") && (ended || stopped || r->inference.output_tokens != r->inference.max_new_tokens))
        return mismatch(r, PML_WHAT_TEXT, "the limit is not what ended the answer");
    if (r->answer.complete && strcmp(finish, r->answer.finish_reason) != 0)
        return mismatch(r, PML_WHAT_TEXT, "the answer gives another reason for its end than the receipt");
    return true;
}

static bool compare_text(struct replay *r)
{
    struct pml_error err = { 0 };
    bool stopped = false;
    const struct pml_tokens *output = &r->retraced.output;
    PML_AUTO(buf) struct pml_buf text = { 0 };
    PML_AUTO(text_stream)
    struct pml_text_stream *stream =
        pml_text_stream_new(pml_model_tokenizer(r->model), r->request.stops, r->request.stop_count, &err);
    if (!stream)
        return indeterminate_for(r, "stop strings", &err);
    for (size_t i = 0; i < output->count; i++) {
        if (stopped)
            return mismatch(r, PML_WHAT_TEXT, "the generation went on after a stop string");
        stopped = !pml_text_stream_put(stream, output->ids[i], &text);
    }
    stopped |= !pml_text_stream_end(stream, &text);
    if (!pml_buf_check(&text, &err))
        return indeterminate_for(r, "text", &err);
    if (!check_finish(r, stopped))
        return false;
    bool same_size = r->answer.complete ? r->answer.size == text.size : r->answer.size <= text.size;
    if (!same_size || (r->answer.size && memcmp(r->answer.content, text.bytes, r->answer.size) != 0))
        return mismatch(r, PML_WHAT_TEXT, "the tokens spell another answer");
    return true;
}

/* The digest of the pml-serve in the directory of this executable. */
static bool server_digest(uint8_t digest[PML_SHA256_SIZE])
{
    struct pml_error none;
    char self[4096];
    char path[sizeof self + sizeof "/pml-serve"];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    if (size <= 0)
        return false;
    self[size] = 0;
    snprintf(path, sizeof path, "%.*s/pml-serve", (int)(strrchr(self, '/') - self), self);
    return pml_file_digest(digest, path, &none);
}

static bool is_same_build(const uint8_t build[PML_SHA256_SIZE])
{
    struct pml_error none;
    uint8_t digest[PML_SHA256_SIZE];
    return (pml_build_digest(digest, &none) && !memcmp(digest, build, sizeof digest)) ||
           (server_digest(digest) && !memcmp(digest, build, sizeof digest));
}

void pml_replay(struct pml_replay_verdict *out, const struct pml_replay_input *in)
{
    struct replay r = { .in = in, .out = out };
    *out = (struct pml_replay_verdict){
        .choice = PML_REPLAY_NULL, .step = PML_REPLAY_NULL, .expected = PML_REPLAY_NULL, .actual = PML_REPLAY_NULL
    };
    if (read_events(&r)) {
        out->same_build = is_same_build(r.engine_event.build_digest);
        if (read_bodies(&r) && open_model(&r) && check_descriptor(&r) && build_prompt(&r) && check_parameters(&r) &&
            retrace(&r) && compare_tokens(&r) && compare_text(&r))
            out->result = PML_REPLAY_MATCH;
    }
    pml_retraced_free(&r.retraced);
    pml_tokens_free(&r.prompt);
    pml_chat_template_free(r.chat);
    pml_model_free(r.model);
    pml_chat_request_free(&r.request);
    pml_chat_answer_free(&r.answer);
}

static json_t *or_null(int64_t value)
{
    return value == PML_REPLAY_NULL ? json_null() : json_integer(value);
}

json_t *pml_replay_json(const struct pml_replay_verdict *verdict)
{
    static const char *const results[] = { "indeterminate", "match", "mismatch" };
    static const char *const whats[] = { NULL, "prompt", "token", "logits", "text" };
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:s?, s:s?, s:b}", "result", results[verdict->result], "choice",
                     or_null(verdict->choice), "step", or_null(verdict->step), "expected", or_null(verdict->expected),
                     "actual", or_null(verdict->actual), "what", whats[verdict->what], "reason",
                     verdict->reason[0] ? verdict->reason : NULL, "same_build", verdict->same_build);
}

int pml_replay_status(const struct pml_replay_verdict *verdict)
{
    return verdict->result == PML_REPLAY_MATCH ? 0 : verdict->result == PML_REPLAY_MISMATCH ? PML_NO : PML_UNKNOWN;
}
