/* SPDX-License-Identifier: MIT */
/*
 * Receipts of real generations by the demo model, replayed: unaltered they match, and each alteration is found in the
 * place it was made. The receipts are built here from the scheduler's results, not by the server.
 */
#include "test.h"

#include <semaphore.h>

#include "aci/events.h"
#include "aci/report.h"
#include "base/json.h"
#include "engine/chat.h"
#include "engine/model_digest.h"
#include "engine/scheduler.h"
#include "engine/text_stream.h"
#include "openai/request.h"
#include "openai/response.h"
#include "replay/replay.h"
#include "replay/tokens.h"

enum { CONTEXT = 256 };

static char model_path[4096];
static struct pml_model *model;
static enum pml_chat_family family;

static void must(bool ok, const struct pml_error *err)
{
    if (!ok)
        fail_msg("%s", err->text);
}

static int open_demo(void **state)
{
    (void)state;
    struct pml_error err;
    const char *source = getenv("PML_SOURCE");
    struct pml_model_options options = { .context_length = CONTEXT };
    pml_path(model_path, source ? source : ".", "models/demo.gguf");
    model = pml_model_open(model_path, &options, &err);
    if (!model || !pml_chat_family_detect(&family, pml_model_gguf(model), &err)) {
        print_error("%s\n", err.text);
        return -1;
    }
    return 0;
}

static int close_demo(void **state)
{
    (void)state;
    pml_model_free(model);
    return 0;
}

/* --- what a server would do --- */

struct made {
    char *request;
    char *response;
    size_t response_size;
    json_t *events; /* of the receipt */
    struct pml_receipt receipt;
    struct pml_tokens output;
};

struct generating {
    struct made *made;
    struct pml_chat_request *request;
    struct pml_text_stream *text;
    struct pml_buf content;
    bool stopped;
    struct pml_inference inference;
    sem_t done;
};

static bool on_token(void *arg, const struct pml_token_event *event)
{
    struct generating *g = arg;
    g->stopped = !pml_text_stream_put(g->text, event->token, &g->content);
    return !g->stopped;
}

static void on_done(void *arg, const struct pml_generation_result *result)
{
    struct generating *g = arg;
    struct pml_error err;
    struct pml_inference *i = &g->inference;
    g->stopped |= !pml_text_stream_end(g->text, &g->content);
    i->seed = result->seed;
    i->prompt_tokens = (int64_t)result->prompt_count;
    i->output_tokens = (int64_t)result->output_count;
    i->finish_reason = g->stopped ? "stop" : pml_finish_name(result->finish);
    i->logits_top = (int64_t)result->logits_top;
    i->has_logits_chain = true;
    memcpy(i->prompt_tokens_digest, result->prompt_digest, PML_SHA256_SIZE);
    memcpy(i->output_tokens_digest, result->output_digest, PML_SHA256_SIZE);
    memcpy(i->logits_chain_digest, result->logits_chain, PML_SHA256_SIZE);
    for (size_t n = 0; n < result->output_count; n++)
        must(pml_tokens_add(&g->made->output, result->output[n], &err), &err);
    sem_post(&g->done);
}

static void generate(struct generating *g, uint64_t seed)
{
    struct pml_error err;
    uint64_t id;
    PML_AUTO(tokens) struct pml_tokens prompt = { 0 };
    must(pml_chat_tokens(family, pml_model_tokenizer(model), g->request->messages, g->request->message_count, &prompt,
                         &err),
         &err);
    size_t room = CONTEXT - prompt.count;
    size_t limit = g->request->max_tokens >= 0 ? (size_t)g->request->max_tokens : room;
    g->inference.max_new_tokens = (int64_t)(limit < room ? limit : room);
    struct pml_scheduler_options options = { .slots = 1, .threads = 1 };
    struct pml_generation generation = { .prompt = prompt.ids,
                                         .prompt_count = prompt.count,
                                         .max_tokens = (size_t)g->inference.max_new_tokens,
                                         .sampling = g->request->sampling,
                                         .seed = seed,
                                         .logits_top = PML_LOGITS_TOP,
                                         .on_token = on_token,
                                         .on_done = on_done,
                                         .arg = g };
    PML_AUTO(scheduler) struct pml_scheduler *scheduler = pml_scheduler_new(model, &options, &err);
    must(scheduler, &err);
    must(pml_scheduler_submit(scheduler, &generation, &id, &err), &err);
    sem_wait(&g->done);
}

static json_t *model_event(void)
{
    struct pml_error err;
    const struct pml_model_info *info = pml_model_info(model);
    struct pml_model_descriptor d = { .model_id = "demo", .file_size = (int64_t)info->file_size };
    memcpy(d.file_digest, info->file_digest, PML_SHA256_SIZE);
    pml_oms_root(d.oms_root, info->file_digest);
    pml_tokenizer_digest(d.tokenizer_digest, pml_model_gguf(model));
    must(pml_chat_template_digest(d.chat_template_digest, pml_model_gguf(model), &err), &err);
    PML_AUTO(json) json_t *descriptor = pml_model_descriptor_build(&d, &err);
    return pml_descriptor_event(descriptor, PML_EVENT_MODEL, &err);
}

static json_t *engine_event(void)
{
    struct pml_error err;
    char template[64];
    snprintf(template, sizeof template, "builtin:%s", pml_chat_family_name(family));
    struct pml_engine_descriptor d = {
        .engine_version = "0", .context_length = CONTEXT, .kv_dtype = "f16", .chat_template = template
    };
    must(pml_build_digest(d.build_digest, &err), &err);
    PML_AUTO(json) json_t *descriptor = pml_engine_descriptor_build(&d, &err);
    return pml_descriptor_event(descriptor, PML_EVENT_ENGINE, &err);
}

static void set_body(struct made *made, const char *type, const char *body, size_t size)
{
    uint8_t digest[PML_SHA256_SIZE];
    char text[PML_DIGEST_TEXT];
    size_t i;
    json_t *event;
    pml_sha256(digest, body, size);
    json_array_foreach(made->events, i, event) {
        if (!strcmp(json_string_value(json_object_get(event, "type")), type))
            json_object_set_new(event, "body_hash", json_string(pml_digest_text(text, digest)));
    }
}

/* Puts the receipt together again after its events or bodies have changed. */
static void seal(struct made *made)
{
    struct pml_error err;
    size_t size;
    PML_AUTO(secret) struct pml_secret seed = { 0 };
    must(pml_secret_random(&seed, 32, &err), &err);
    set_body(made, PML_EVENT_RECEIVED, made->request, strlen(made->request));
    set_body(made, PML_EVENT_FORWARDED, made->request, strlen(made->request));
    set_body(made, PML_EVENT_RETURNED, made->response, made->response_size);
    struct pml_receipt_head head = {
        .receipt_id = "rcpt-1", .model = "demo", .endpoint = "/v1/chat/completions", .method = "POST"
    };
    PML_AUTO(mem) char *text = pml_receipt_sign(&head, made->events, "r", &seed, &size, &err);
    must(text, &err);
    pml_receipt_wipe(&made->receipt);
    must(pml_receipt_parse(&made->receipt, text, size, &err), &err);
}

static void put_response(struct made *made, const struct generating *g)
{
    struct pml_error err;
    struct pml_buf out = { 0 };
    struct pml_chat_head head = { .id = "chatcmpl-1", .created = 1, .model = "demo", .system_fingerprint = "fp_0" };
    struct pml_chat_usage usage = { 1, 1, 0 };
    const char *content = g->content.size ? (const char *)g->content.bytes : "";
    if (g->request->stream) {
        pml_chat_put_role_chunk(&out, &head);
        if (g->content.size)
            pml_chat_put_content_chunk(&out, &head, content, g->content.size);
        pml_chat_put_finish_chunk(&out, &head, g->inference.finish_reason);
        pml_put_text(&out, PML_SSE_DONE);
    } else {
        pml_chat_put_body(&out, &head, content, g->content.size, g->inference.finish_reason, &usage);
    }
    made->response = pml_buf_take(&out, &made->response_size, &err);
    must(made->response, &err);
}

static void make(struct made *made, const char *request, uint64_t seed)
{
    struct pml_error err;
    struct pml_api_error api = { 0 };
    PML_AUTO(chat_request) struct pml_chat_request parsed = { 0 };
    *made = (struct made){ .request = strdup(request), .events = json_array() };
    if (!pml_chat_request_parse(&parsed, request, strlen(request), &api))
        fail_msg("%s", api.message);
    struct generating g = { .made = made, .request = &parsed };
    g.text = pml_text_stream_new(pml_model_tokenizer(model), parsed.stops, parsed.stop_count, &err);
    must(g.text, &err);
    sem_init(&g.done, 0, 0);
    generate(&g, parsed.has_seed ? parsed.seed : seed);
    PML_AUTO(mem) char *sampling = pml_sampling_text(&parsed.sampling, &err);
    g.inference.sampling = sampling;
    uint8_t unset[PML_SHA256_SIZE] = { 0 };
    must(pml_receipt_add_body(made->events, PML_EVENT_RECEIVED, unset, &err), &err);
    must(pml_receipt_add_body(made->events, PML_EVENT_FORWARDED, unset, &err), &err);
    json_array_append_new(made->events, model_event());
    json_array_append_new(made->events, engine_event());
    json_array_append_new(made->events, pml_inference_build(&g.inference, &err));
    must(pml_receipt_add_body(made->events, PML_EVENT_RETURNED, unset, &err), &err);
    put_response(made, &g);
    seal(made);
    pml_text_stream_free(g.text);
    pml_buf_free(&g.content);
    sem_destroy(&g.done);
}

static void made_free(struct made *made)
{
    free(made->request);
    free(made->response);
    json_decref(made->events);
    pml_receipt_wipe(&made->receipt);
    pml_tokens_free(&made->output);
}

static struct pml_replay_verdict replay(const struct made *made)
{
    struct pml_replay_verdict verdict;
    struct pml_replay_input in = { .receipt = &made->receipt,
                                   .request = made->request,
                                   .request_size = strlen(made->request),
                                   .response = made->response,
                                   .response_size = made->response_size,
                                   .model_path = model_path,
                                   .threads = 1 };
    pml_replay(&verdict, &in);
    return verdict;
}

/* --- the tests --- */

#define ASK(question, rest) \
    "{\"model\":\"demo\",\"messages\":[{\"role\":\"user\",\"content\":\"" question "\"}]" rest "}"

static const struct {
    const char *name, *request;
} unaltered[] = {
    { "greedy to its end", ASK("What are you?", ",\"temperature\":0") },
    { "greedy to a limit", ASK("Tell me a story.", ",\"temperature\":0,\"max_tokens\":7,\"stream\":true") },
    { "one token", ASK("What is 2 plus 2?", ",\"temperature\":0,\"max_tokens\":1") },
    { "seeded", ASK("Tell me a story.", ",\"seed\":18446744073709551615,\"max_tokens\":40") },
    { "hot, so that text has odd spellings", ASK("Hello.", ",\"temperature\":2,\"seed\":7,\"max_tokens\":60") },
    { "all truncations", ASK("Hello.", ",\"temperature\":0.7,\"top_p\":0.9,\"top_k\":20,\"min_p\":0.02,\"seed\":3,"
                                       "\"max_tokens\":40,\"repeat_penalty\":1.1,\"presence_penalty\":0.1") },
    { "stop string", ASK("Tell me a story.", ",\"temperature\":0,\"stop\":[\"zzz\",\" the\"],\"stream\":true") },
    { "until the context is full", ASK("Hello.", ",\"temperature\":2,\"seed\":1,\"logit_bias\":{\"0\":0}") },
    { "no seed given", ASK("Hello.", ",\"max_tokens\":12") },
};

static void what_was_generated_replays(void **state)
{
    (void)state;
    for (size_t i = 0; i < PML_COUNT(unaltered); i++) {
        struct made made;
        make(&made, unaltered[i].request, 4711);
        struct pml_replay_verdict v = replay(&made);
        if (v.result != PML_REPLAY_MATCH)
            fail_msg("%s: %s (step %d, %d for %d)", unaltered[i].name, v.reason, (int)v.step, (int)v.actual,
                     (int)v.expected);
        assert_true(v.same_build);
        assert_int_equal(v.choice, 0);
        assert_int_equal(pml_replay_status(&v), 0);
        made_free(&made);
    }
}

static const struct {
    const char *name, *event, *member, *value; /* JSON; NULL removes the whole event */
    enum pml_replay_result result;
    enum pml_replay_what what;
    const char *reason;
} altered[] = {
    { "no inference", PML_EVENT_INFERENCE, NULL, NULL, PML_REPLAY_INDETERMINATE, PML_WHAT_NONE,
      "the receipt does not have one model, one engine and one inference" },
    { "other profile", PML_EVENT_ENGINE, "determinism_profile", "\"pmlsdk.det/2\"", PML_REPLAY_INDETERMINATE,
      PML_WHAT_NONE, "the receipt follows another determinism profile" },
    { "other model", PML_EVENT_MODEL, "file_digest",
      "\"sha256:8cf68e2e6501e736f025f7752b48c55defa945419d2d10a87381e53ecd30f047\"", PML_REPLAY_INDETERMINATE,
      PML_WHAT_NONE, "this is another model file than the receipt's" },
    { "template", PML_EVENT_ENGINE, "chat_template", "\"jinja\"", PML_REPLAY_MISMATCH, PML_WHAT_PROMPT,
      "the model's chat template is another than the receipt's" },
    { "template date", PML_EVENT_INFERENCE, "template_date", "\"2026-01-31\"", PML_REPLAY_MISMATCH, PML_WHAT_PROMPT,
      "the day that the chat template was told is not that of the receipt" },
    { "unknown template", PML_EVENT_ENGINE, "chat_template", "\"builtin:chatm1\"", PML_REPLAY_INDETERMINATE,
      PML_WHAT_NONE, "the receipt names no chat template that this build has" },
    { "cache type", PML_EVENT_ENGINE, "kv_dtype", "\"q8_0\"", PML_REPLAY_INDETERMINATE, PML_WHAT_NONE,
      "the receipt's engine kept its cache in another type" },
    { "grammar", PML_EVENT_INFERENCE, "grammar_digest",
      "\"sha256:8cf68e2e6501e736f025f7752b48c55defa945419d2d10a87381e53ecd30f047\"", PML_REPLAY_INDETERMINATE,
      PML_WHAT_NONE, "the output was constrained by a grammar, which this build cannot replay" },
    { "tokenizer", PML_EVENT_MODEL, "tokenizer_digest",
      "\"sha256:8cf68e2e6501e736f025f7752b48c55defa945419d2d10a87381e53ecd30f047\"", PML_REPLAY_MISMATCH,
      PML_WHAT_PROMPT, "the receipt describes the model file wrongly" },
    { "prompt", PML_EVENT_INFERENCE, "prompt_tokens_digest",
      "\"sha256:8cf68e2e6501e736f025f7752b48c55defa945419d2d10a87381e53ecd30f047\"", PML_REPLAY_MISMATCH,
      PML_WHAT_PROMPT, "the prompt's tokens are others" },
    { "sampling", PML_EVENT_INFERENCE, "sampling",
      "\"temperature=3f800000;top_k=0;top_p=3f800000;min_p=00000000;typical_p=3f800000;repeat_penalty=3f800000;"
      "repeat_last_n=64;presence_penalty=00000000;frequency_penalty=00000000;logit_bias=;"
      "samplers=penalties,temperature,dist\"",
      PML_REPLAY_MISMATCH, PML_WHAT_PROMPT, "the sampling is not what the request asked for" },
    { "limit", PML_EVENT_INFERENCE, "max_new_tokens", "21", PML_REPLAY_MISMATCH, PML_WHAT_PROMPT,
      "the token limit is not what the request asked for" },
    { "more tokens than the limit", PML_EVENT_INFERENCE, "output_tokens", "9007199254740991", PML_REPLAY_MISMATCH,
      PML_WHAT_TOKEN, "the receipt counts more tokens than its limit" },
    { "token count", PML_EVENT_INFERENCE, "output_tokens", "2", PML_REPLAY_MISMATCH, PML_WHAT_TOKEN,
      "this model generates other tokens" },
    { "no tokens", PML_EVENT_INFERENCE, "output_tokens", "0", PML_REPLAY_MISMATCH, PML_WHAT_TOKEN,
      "this model generates other tokens" },
    { "tokens", PML_EVENT_INFERENCE, "output_tokens_digest",
      "\"sha256:8cf68e2e6501e736f025f7752b48c55defa945419d2d10a87381e53ecd30f047\"", PML_REPLAY_MISMATCH,
      PML_WHAT_TOKEN, "this model generates other tokens" },
    { "logits", PML_EVENT_INFERENCE, "logits_chain_digest",
      "\"sha256:8cf68e2e6501e736f025f7752b48c55defa945419d2d10a87381e53ecd30f047\"", PML_REPLAY_MISMATCH,
      PML_WHAT_LOGITS, "the tokens agree, the logits behind them do not" },
    { "end", PML_EVENT_INFERENCE, "finish_reason", "\"stop\"", PML_REPLAY_MISMATCH, PML_WHAT_TEXT,
      "nothing in the tokens ends the answer" },
};

static void alter(struct made *made, const char *type, const char *member, const char *value)
{
    size_t i;
    json_t *event;
    json_array_foreach(made->events, i, event) {
        if (strcmp(json_string_value(json_object_get(event, "type")), type) != 0)
            continue;
        if (member)
            json_object_set_new(event, member, json_loads(value, JSON_DECODE_ANY, NULL));
        else
            json_array_remove(made->events, i);
        break;
    }
    seal(made);
}

static void each_alteration_of_the_receipt_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < PML_COUNT(altered); i++) {
        struct made made;
        make(&made, ASK("Tell me a story.", ",\"temperature\":0,\"max_tokens\":20"), 1);
        alter(&made, altered[i].event, altered[i].member, altered[i].value);
        struct pml_replay_verdict v = replay(&made);
        if (v.result != altered[i].result || v.what != altered[i].what || strcmp(v.reason, altered[i].reason) != 0)
            fail_msg("%s: result %d, what %d, %s", altered[i].name, v.result, v.what, v.reason);
        made_free(&made);
    }
}

static void another_seed_is_another_answer(void **state)
{
    (void)state;
    struct made made;
    make(&made, ASK("Tell me a story.", ",\"temperature\":1.5,\"max_tokens\":30"), 1);
    alter(&made, PML_EVENT_INFERENCE, "seed", "\"2\"");
    struct pml_replay_verdict v = replay(&made);
    assert_int_equal(v.result, PML_REPLAY_MISMATCH);
    assert_int_equal(v.what, PML_WHAT_TOKEN);
    assert_true(v.step >= 0 && v.expected >= 0 && v.actual >= 0 && v.expected != v.actual);
    made_free(&made);

    make(&made, ASK("Tell me a story.", ",\"temperature\":1.5,\"max_tokens\":30,\"seed\":1"), 1);
    alter(&made, PML_EVENT_INFERENCE, "seed", "\"2\"");
    v = replay(&made);
    assert_string_equal(v.reason, "the seed is not what the request asked for");
    made_free(&made);
}

/* A response that was altered before its hash was taken: only re-execution can tell. */
static void an_answer_altered_before_hashing_is_found(void **state)
{
    (void)state;
    struct made made;
    make(&made, ASK("Tell me a story.", ",\"temperature\":0,\"max_tokens\":20"), 1);
    char *content = strstr(made.response, "\"content\":\"") + strlen("\"content\":\"");
    content[1] = content[1] == 'x' ? 'y' : 'x';
    seal(&made);
    struct pml_replay_verdict v = replay(&made);
    assert_int_equal(v.result, PML_REPLAY_MISMATCH);
    assert_int_equal(v.what, PML_WHAT_TEXT);
    assert_string_equal(v.reason, "the tokens spell another answer");
    made_free(&made);
}

static void other_bodies_than_the_receipts_are_found(void **state)
{
    (void)state;
    struct made made;
    make(&made, ASK("Hello.", ",\"temperature\":0,\"max_tokens\":5"), 1);
    made.response[made.response_size - 3] ^= 1;
    struct pml_replay_verdict v = replay(&made);
    assert_int_equal(v.result, PML_REPLAY_MISMATCH);
    assert_int_equal(v.what, PML_WHAT_TEXT);
    assert_string_equal(v.reason, "the receipt is about another response");
    made.response[made.response_size - 3] ^= 1;
    *strstr(made.request, "Hello") = 'J';
    v = replay(&made);
    assert_int_equal(v.what, PML_WHAT_PROMPT);
    assert_string_equal(v.reason, "the receipt is about another request");
    assert_int_equal(pml_replay_status(&v), 1);
    made_free(&made);
}

/* What a client that went away leaves behind: a stream cut in the middle, of which the receipt speaks. */
static void a_cut_answer_replays_as_far_as_it_goes(void **state)
{
    (void)state;
    struct made made;
    make(&made, ASK("Tell me a story.", ",\"temperature\":0,\"max_tokens\":20,\"stream\":true"), 1);
    char *finish = memmem(made.response, made.response_size, "\"delta\":{}", 10);
    while (memcmp(finish, "\n\n", 2) != 0)
        finish--;
    made.response_size = (size_t)(finish - made.response) + 2;
    alter(&made, PML_EVENT_INFERENCE, "finish_reason", "\"cancelled\"");
    struct pml_replay_verdict v = replay(&made);
    if (v.result != PML_REPLAY_MATCH)
        fail_msg("%s", v.reason);
    made_free(&made);
}

/* Without any text to go by the tokens are generated, and with a wrong one too. */
static void the_guess_decides_nothing(void **state)
{
    (void)state;
    struct pml_error err;
    struct made made;
    struct pml_api_error api;
    PML_AUTO(chat_request) struct pml_chat_request request = { 0 };
    PML_AUTO(tokens) struct pml_tokens prompt = { 0 };
    static const char *const texts[] = { "", "no such words, surely", "\xff\xfe" };
    make(&made, ASK("Tell me a story.", ",\"temperature\":0.8,\"seed\":5,\"max_tokens\":30"), 1);
    assert_true(pml_chat_request_parse(&request, made.request, strlen(made.request), &api));
    must(pml_chat_tokens(family, pml_model_tokenizer(model), request.messages, request.message_count, &prompt, &err),
         &err);
    for (size_t i = 0; i < PML_COUNT(texts); i++) {
        PML_AUTO(retraced) struct pml_retraced retraced = { 0 };
        struct pml_retrace in = { .model = model,
                                  .prompt = &prompt,
                                  .sampling = &request.sampling,
                                  .seed = 5,
                                  .wanted = made.output.count,
                                  .text = texts[i],
                                  .text_size = strlen(texts[i]),
                                  .logits_top = PML_LOGITS_TOP,
                                  .threads = 2 };
        must(pml_retrace(&retraced, &in, &err), &err);
        assert_int_equal(retraced.output.count, made.output.count);
        assert_memory_equal(retraced.output.ids, made.output.ids, made.output.count * sizeof made.output.ids[0]);
        struct pml_inference inference;
        must(pml_inference_parse(&inference, pml_receipt_event(&made.receipt, PML_EVENT_INFERENCE, 0), &err), &err);
        assert_memory_equal(retraced.logits_chain, inference.logits_chain_digest, PML_SHA256_SIZE);
    }
    made_free(&made);
}

static void the_verdict_as_json(void **state)
{
    (void)state;
    struct pml_replay_verdict v = { .result = PML_REPLAY_MISMATCH,
                                    .what = PML_WHAT_TOKEN,
                                    .choice = 0,
                                    .step = 3,
                                    .expected = 17,
                                    .actual = 4,
                                    .reason = "x" };
    PML_AUTO(json) json_t *json = pml_replay_json(&v);
    PML_AUTO(mem) char *text = json_dumps(json, JSON_COMPACT);
    assert_string_equal(text, "{\"result\":\"mismatch\",\"choice\":0,\"step\":3,\"expected\":17,\"actual\":4,"
                              "\"what\":\"token\",\"reason\":\"x\",\"same_build\":false}");
    v = (struct pml_replay_verdict){ .choice = -1, .step = -1, .expected = -1, .actual = -1 };
    PML_AUTO(json) json_t *empty = pml_replay_json(&v);
    PML_AUTO(mem) char *empty_text = json_dumps(empty, JSON_COMPACT);
    assert_string_equal(empty_text, "{\"result\":\"indeterminate\",\"choice\":null,\"step\":null,\"expected\":null,"
                                    "\"actual\":null,\"what\":null,\"reason\":null,\"same_build\":false}");
    assert_int_equal(pml_replay_status(&v), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_generated_replays),
        cmocka_unit_test(each_alteration_of_the_receipt_is_found),
        cmocka_unit_test(another_seed_is_another_answer),
        cmocka_unit_test(an_answer_altered_before_hashing_is_found),
        cmocka_unit_test(other_bodies_than_the_receipts_are_found),
        cmocka_unit_test(a_cut_answer_replays_as_far_as_it_goes),
        cmocka_unit_test(the_guess_decides_nothing),
        cmocka_unit_test(the_verdict_as_json),
    };
    return cmocka_run_group_tests(tests, open_demo, close_demo);
}
