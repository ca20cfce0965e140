/* SPDX-License-Identifier: MIT */
/* The demo model as a workload: its descriptors and pins, requests made into prompts, and the receipts about them. */
#include "test.h"

#include "base/time.h"
#include "openai/response.h"
#include "serve/prompt.h"
#include "serve/record.h"

static struct pml_workload workload;

static int setup(void **state)
{
    struct pml_error err;
    char path[4096];
    struct pml_model_options options = { .context_length = 128 };
    const char *source = getenv("PML_SOURCE");
    (void)state;
    pml_path(path, source ? source : ".", "models/demo.gguf");
    if (!pml_workload_open(&workload, path, NULL, &options, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pml_workload_close(&workload);
    return 0;
}

static void descriptors_say_what_is_loaded(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_model_descriptor model;
    struct pml_engine_descriptor engine;
    uint8_t build[32];
    assert_int_equal(json_array_size(workload.models), 1);
    assert_true(pml_model_descriptor_parse(&model, json_array_get(workload.models, 0), &err));
    assert_string_equal(model.model_id, workload.model_id);
    assert_memory_equal(model.file_digest, workload.info->file_digest, 32);
    assert_true(pml_engine_descriptor_parse(&engine, workload.engine, &err));
    assert_int_equal(engine.context_length, 128);
    assert_string_equal(engine.kv_dtype, "f16");
    assert_int_equal(strncmp(engine.chat_template, "builtin:", 8), 0);
    assert_true(pml_build_digest(build, &err));
    assert_memory_equal(engine.build_digest, build, 32);
}

/* ID NULL: no model in the list. OTHER: an id beside it. */
static bool pinned(const char *id, bool wrong_digest, const char *verity, const char *other)
{
    struct pml_error err;
    char digest[PML_DIGEST_TEXT];
    pml_digest_text(digest, workload.info->file_digest);
    digest[10] ^= wrong_digest;
    json_t *models = json_array();
    if (id)
        json_array_append_new(
            models, json_pack("{s:s, s:s, s:s?}", "model_id", id, "file_digest", digest, "verity_root_sha256", verity));
    if (other)
        json_array_append_new(models, json_pack("{s:s, s:s}", "model_id", other, "file_digest", digest));
    json_t *compose = json_pack("{s:s, s:{s:o}}", "name", "x", "pml", "models", models);
    char *text = json_dumps(compose, 0);
    bool allowed = pml_workload_check_pins(&workload, text, &err);
    if (!allowed)
        assert_true(err.kind == PML_NO && !strcmp(err.code, "not_pinned"));
    json_decref(compose);
    free(text);
    return allowed;
}

static void only_the_pinned_model_is_served(void **state)
{
    (void)state;
    struct pml_error err;
    assert_true(pml_workload_check_pins(&workload, "{\"name\":\"x\"}", &err));
    assert_true(pinned(workload.model_id, false, NULL, NULL));
    assert_false(pinned(workload.model_id, true, NULL, NULL));
    assert_false(pinned("other", false, NULL, NULL));
    assert_false(pinned(NULL, false, NULL, NULL));
    assert_false(pinned(workload.model_id, false, NULL, "other"));
    assert_false(pinned(workload.model_id, false, "00", NULL));
}

static void requests_become_tokens(void **state)
{
    (void)state;
    struct pml_prompt prompt;
    struct pml_api_error err;
    static const char body[] = "{\"messages\":[{\"role\":\"user\",\"content\":\"What are you?\"}]}";
    assert_true(pml_prompt_prepare(&prompt, &workload, body, strlen(body), 1700000000, &err));
    assert_true(prompt.forwarded);
    assert_in_range(prompt.tokens.count, 5, 40);
    pml_prompt_free(&prompt);
}

static void long_body(char *body, size_t size, size_t words)
{
    size_t at = (size_t)snprintf(body, size, "{\"messages\":[{\"role\":\"user\",\"content\":\"");
    for (size_t i = 0; i < words; i++)
        at += (size_t)snprintf(body + at, size - at, "receipt ");
    snprintf(body + at, size - at, "\"}]}");
}

static void refusals_say_why(void **state)
{
    (void)state;
    static char too_long[4096], far_too_long[100000];
    long_body(too_long, sizeof too_long, 200);
    long_body(far_too_long, sizeof far_too_long, 12000);
    const struct {
        const char *body;
        int status;
        const char *code;
        bool forwarded;
    } cases[] = {
        { "{", 400, NULL, false },
        { "{\"model\":\"x\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", 404, "model_not_found", false },
        { "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"provider\":{\"aci_session_ids\":["
          "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"]}}",
          412, "session_not_accepted", false },
        { "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"logit_bias\":{\"999999999\":1}}", 400, NULL, false },
        { too_long, 400, "context_length_exceeded", true },
        { far_too_long, 400, "context_length_exceeded", true },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        struct pml_prompt prompt;
        struct pml_api_error err;
        assert_false(pml_prompt_prepare(&prompt, &workload, cases[i].body, strlen(cases[i].body), 1700000000, &err));
        assert_int_equal(err.status, cases[i].status);
        assert_string_equal(err.code ? err.code : "", cases[i].code ? cases[i].code : "");
        assert_int_equal(prompt.forwarded, cases[i].forwarded);
        pml_prompt_free(&prompt);
    }
}

/* Signs a record and reads the receipt back. EVENTS are the types wanted, in order. */
static void check_record(const struct pml_record *record, const char *const *events, size_t count)
{
    struct pml_error err;
    size_t size;
    PML_AUTO(mem) char *text = pml_record_sign(record, &size, &err);
    PML_AUTO(receipt) struct pml_receipt receipt = { 0 };
    if (!text || !pml_receipt_parse(&receipt, text, size, &err) ||
        !pml_receipt_verify(&receipt, &record->identity->keyset, &err))
        fail_msg("%s", err.text);
    assert_int_equal(json_array_size(receipt.event_log), count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(receipt.event_log, i), "type")),
                            events[i]);
}

static void receipts_tell_what_happened_in_order(void **state)
{
    (void)state;
    struct pml_error err;
    char dir[] = "/tmp/pml-record-XXXXXX";
    assert_non_null(mkdtemp(dir));
    struct pml_identity_options options = { .state_dir = dir };
    PML_AUTO(identity) struct pml_identity *identity = pml_identity_open(&options, pml_now(), &err);
    assert_non_null(identity);
    static const char *const executed[] = { PML_EVENT_RECEIVED, PML_EVENT_FORWARDED, PML_EVENT_MODEL,
                                            PML_EVENT_ENGINE,   PML_EVENT_INFERENCE, PML_EVENT_RETURNED };
    static const char *const unrecorded[] = { PML_EVENT_RECEIVED, PML_EVENT_FORWARDED, PML_EVENT_MODEL,
                                              PML_EVENT_ENGINE, PML_EVENT_RETURNED };
    static const char *const refused[] = { PML_EVENT_RECEIVED, PML_EVENT_RETURNED };
    struct pml_inference inference = { .sampling = "x", .finish_reason = "stop", .max_new_tokens = 1 };
    struct pml_record record = {
        .identity = identity,
        .workload = &workload,
        .receipt_id = "rcpt-000000000000000000000000",
        .chat_id = "chatcmpl-0",
        .model = "m",
        .endpoint = "/v1/chat/completions",
        .method = "POST",
        .served_at = 1,
        .forwarded = true,
        .inference = &inference,
    };
    check_record(&record, executed, PML_COUNT(executed));
    record.inference = NULL;
    check_record(&record, unrecorded, PML_COUNT(unrecorded));
    record.forwarded = false;
    record.chat_id = record.model = NULL;
    check_record(&record, refused, PML_COUNT(refused));
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors_say_what_is_loaded),
        cmocka_unit_test(only_the_pinned_model_is_served),
        cmocka_unit_test(requests_become_tokens),
        cmocka_unit_test(refusals_say_why),
        cmocka_unit_test(receipts_tell_what_happened_in_order),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
