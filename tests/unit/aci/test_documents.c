/* SPDX-License-Identifier: MIT */
/* Keyset, statement, report and receipt against the published vectors and against damage. */
#include "documents.h"

#include "aci/events.h"
#include "aci/receipt.h"
#include "aci/report.h"
#include "base/jcs.h"
#include "crypto/ed25519.h"

static void assert_digest(const uint8_t digest[PML_SHA256_SIZE], const char *expected)
{
    char text[PML_DIGEST_TEXT];
    assert_string_equal(pml_digest_text(text, digest), expected);
}

static void assert_sha256_hex(const char *text, const char *expected)
{
    uint8_t digest[PML_SHA256_SIZE];
    char hex[2 * PML_SHA256_SIZE + 1];
    pml_sha256(digest, text, strlen(text));
    assert_string_equal(pml_hex(hex, digest, sizeof digest), expected);
}

static json_t *load(const char *text)
{
    struct pml_error err;
    json_t *document = pml_jcs_load(text, strlen(text), &err);
    if (!document)
        fail_msg("%s", err.text);
    return document;
}

/* Canonical text is its own canonical form. */
static void assert_canonical(const char *text)
{
    struct pml_error err;
    size_t size;
    PML_AUTO(json) json_t *document = load(text);
    PML_AUTO(mem) char *again = pml_jcs(document, &size, &err);
    assert_non_null(again);
    assert_string_equal(again, text);
}

static struct pml_keyset keyset_of(json_t *document)
{
    struct pml_error err;
    struct pml_keyset keyset;
    if (!pml_keyset_parse(&keyset, document, &err))
        fail_msg("%s", err.text);
    return keyset;
}

static void published_keyset_and_statements(void **state)
{
    (void)state;
    PML_AUTO(json) json_t *v = vector_json("aci/published.json");
    PML_AUTO(json) json_t *document = load(text_at(v, "keyset.jcs"));
    PML_AUTO(keyset) struct pml_keyset keyset = keyset_of(document);
    assert_digest(keyset.digest, text_at(v, "keyset.digest"));
    assert_canonical(text_at(v, "keyset.jcs"));

    size_t i;
    json_t *statement;
    assert_int_equal(json_array_size(at(v, "statement")), 2);
    json_array_foreach(at(v, "statement"), i, statement) {
        uint8_t nonce[PML_NONCE_SIZE];
        uint8_t report_data[PML_SHA256_SIZE], expected[PML_SHA256_SIZE], slot[PML_REPORT_DATA_SLOT],
            expected_slot[PML_REPORT_DATA_SLOT];
        char text[PML_STATEMENT_TEXT];
        bool fresh = !json_is_null(at(statement, "nonce"));
        if (fresh)
            assert_true(pml_nonce_parse(nonce, text_at(statement, "nonce")));
        assert_string_equal(pml_statement_text(text, keyset.digest, fresh ? nonce : NULL), text_at(statement, "bytes"));
        pml_statement_report_data(report_data, keyset.digest, fresh ? nonce : NULL);
        hex_at(expected, sizeof expected, statement, "report_data");
        assert_memory_equal(report_data, expected, sizeof expected);
        if (fresh) {
            pml_statement_slot(slot, report_data);
            hex_at(expected_slot, sizeof expected_slot, v, "report_data_slot_64");
            assert_memory_equal(slot, expected_slot, sizeof slot);
        }
    }
}

static void published_session_and_e2ee_texts_are_canonical(void **state)
{
    (void)state;
    PML_AUTO(json) json_t *v = vector_json("aci/published.json");
    assert_canonical(text_at(v, "session.jcs"));
    assert_sha256_hex(text_at(v, "session.jcs"), text_at(v, "session.session_id"));
    assert_sha256_hex(text_at(v, "session.evidence_bytes_ascii"), text_at(v, "session.evidence_digest") + 7);
    assert_canonical(text_at(v, "e2ee_v2_aad.request.bytes"));
    assert_canonical(text_at(v, "e2ee_v2_aad.response.bytes"));
}

/* Rebuilds the receipt DOCUMENT from its members with this library and the published key. */
static char *resign(json_t *v, const struct pml_receipt *receipt, size_t *size)
{
    struct pml_error err;
    uint8_t seed_bytes[PML_ED25519_SEED_SIZE];
    PML_AUTO(secret) struct pml_secret seed = { 0 };
    hex_at(seed_bytes, sizeof seed_bytes, v, "keys.receipt-1.seed_hex");
    assert_true(pml_secret_copy(&seed, seed_bytes, sizeof seed_bytes, &err));
    PML_AUTO(json) json_t *events = pml_receipt_events(&err);
    for (size_t i = 0; i < json_array_size(receipt->event_log); i++)
        assert_true(pml_receipt_add(events, json_incref(json_array_get(receipt->event_log, i)), &err));
    struct pml_receipt_head head = { receipt->receipt_id, receipt->chat_id, receipt->model,    { 0 },
                                     receipt->endpoint,   receipt->method,  receipt->served_at };
    memcpy(head.keyset_digest, receipt->keyset_digest, PML_SHA256_SIZE);
    char *text = pml_receipt_sign(&head, events, receipt->key_id, &seed, size, &err);
    if (!text)
        fail_msg("%s", err.text);
    return text;
}

static void published_receipt(void **state)
{
    (void)state;
    struct pml_error err;
    uint8_t digest[PML_SHA256_SIZE];
    PML_AUTO(json) json_t *v = vector_json("aci/published.json");
    const char *text = text_at(v, "receipt.document");
    PML_AUTO(json) json_t *keys = load(text_at(v, "keyset.jcs"));
    PML_AUTO(keyset) struct pml_keyset keyset = keyset_of(keys);
    PML_AUTO(receipt) struct pml_receipt receipt = { 0 };
    assert_true(pml_receipt_parse(&receipt, text, strlen(text), &err));
    assert_true(pml_receipt_verify(&receipt, &keyset, &err));
    assert_string_equal(receipt.chat_id, "chatcmpl-123");
    assert_int_equal(receipt.served_at, 1750000000);
    assert_true(pml_receipt_body_hash(digest, &receipt, PML_EVENT_RECEIVED, &err));
    assert_digest(digest, text_at(v, "receipt.request_body_hash"));
    assert_sha256_hex(text_at(v, "receipt.request_body"), text_at(v, "receipt.request_body_hash") + 7);
    assert_true(pml_receipt_body_hash(digest, &receipt, PML_EVENT_RETURNED, &err));
    assert_digest(digest, text_at(v, "receipt.response_body_hash"));
    assert_sha256_hex(text_at(v, "receipt.response_body"), text_at(v, "receipt.response_body_hash") + 7);
    assert_canonical(text_at(v, "receipt.signing_input"));
    assert_sha256_hex(text_at(v, "receipt.signing_input"), text_at(v, "receipt.signing_input_sha256"));

    size_t size;
    PML_AUTO(mem) char *again = resign(v, &receipt, &size);
    assert_string_equal(again, text);
}

static void direct_service_keyset_is_rebuilt(void **state)
{
    (void)state;
    struct pml_error err;
    size_t size;
    PML_AUTO(json) json_t *v = vector_json("aci/direct-service.json");
    json_t *e2ee = at(v, "keyset.e2ee_public_keys");
    struct pml_e2ee_key e2ee_keys[2];
    for (size_t i = 0; i < 2; i++) {
        json_t *key = json_array_get(e2ee, i);
        e2ee_keys[i] =
            (struct pml_e2ee_key){ text_at(key, "key_id"), text_at(key, "algo"), text_at(key, "public_key") };
    }
    struct pml_tls_key tls = { .domain = NULL };
    hex_at(tls.spki_sha256, sizeof tls.spki_sha256, json_array_get(at(v, "keyset.tls_public_keys"), 0), "spki_sha256");
    struct pml_keyset_parts parts = {
        .subject = text_at(v, "keyset.subject"),
        .not_after = 1800000000,
        .receipt_key_id = "receipt-1",
        .e2ee = e2ee_keys,
        .e2ee_count = 2,
        .tls = &tls,
        .tls_count = 1,
    };
    hex_at(parts.receipt_public_key, sizeof parts.receipt_public_key,
           json_array_get(at(v, "keyset.receipt_signing_keys"), 0), "public_key");
    PML_AUTO(keyset) struct pml_keyset keyset = { 0 };
    assert_true(pml_keyset_build(&keyset, &parts, &err));
    PML_AUTO(mem) char *canonical = pml_jcs(keyset.document, &size, &err);
    assert_string_equal(canonical, text_at(v, "keyset_jcs"));
    assert_digest(keyset.digest, text_at(v, "keyset_digest"));
}

static void check_report(json_t *document, const char *nonce_text)
{
    struct pml_error err;
    uint8_t nonce[PML_NONCE_SIZE], slot[PML_REPORT_DATA_SLOT];
    size_t size;
    PML_AUTO(mem) char *text = pml_json_dump(document, &size, &err);
    PML_AUTO(report) struct pml_report report = { 0 };
    if (!pml_report_parse(&report, text, size, &err))
        fail_msg("%s", err.text);
    if (nonce_text)
        assert_true(pml_nonce_parse(nonce, nonce_text));
    pml_statement_slot(slot, report.report_data);
    if (!pml_report_check_binding(&report, nonce_text ? nonce : NULL, slot, &err))
        fail_msg("%s", err.text);

    assert_false(pml_report_check_binding(&report, nonce_text ? NULL : slot, slot, &err));
    assert_string_equal(err.code, "report_data");
    slot[63] = 1;
    assert_false(pml_report_check_binding(&report, nonce_text ? nonce : NULL, slot, &err));
    assert_string_equal(err.code, "report_data");
    report.claimed_keyset_digest[0] ^= 1;
    assert_false(pml_report_check_binding(&report, nonce_text ? nonce : NULL, slot, &err));
    assert_string_equal(err.code, "keyset_digest");
}

static void direct_service_reports(void **state)
{
    (void)state;
    PML_AUTO(json) json_t *v = vector_json("aci/direct-service.json");
    check_report(at(v, "report_with_nonce.report"), text_at(v, "report_with_nonce.nonce"));
    check_report(at(v, "report_without_nonce"), NULL);
}

static void verify_vector_receipt(json_t *v, const char *keyset_path)
{
    struct pml_error err;
    uint8_t digest[PML_SHA256_SIZE];
    char hash[PML_DIGEST_TEXT];
    size_t size;
    PML_AUTO(keyset) struct pml_keyset keyset = keyset_of(at(v, keyset_path));
    PML_AUTO(mem) char *text = pml_json_dump(at(v, "receipt"), &size, &err);
    PML_AUTO(receipt) struct pml_receipt receipt = { 0 };
    assert_true(pml_receipt_parse(&receipt, text, size, &err));
    if (!pml_receipt_verify(&receipt, &keyset, &err))
        fail_msg("%s", err.text);
    assert_true(pml_receipt_body_hash(digest, &receipt, PML_EVENT_RECEIVED, &err));
    assert_sha256_hex(text_at(v, "request_body"), pml_digest_text(hash, digest) + 7);
    assert_true(pml_receipt_body_hash(digest, &receipt, PML_EVENT_FORWARDED, &err));
    assert_sha256_hex(text_at(v, "request_body"), pml_digest_text(hash, digest) + 7);
    assert_true(pml_receipt_body_hash(digest, &receipt, PML_EVENT_RETURNED, &err));
    assert_sha256_hex(text_at(v, "response_wire"), pml_digest_text(hash, digest) + 7);
}

static void direct_service_receipt(void **state)
{
    (void)state;
    struct pml_error err;
    size_t size;
    PML_AUTO(json) json_t *v = vector_json("aci/direct-service.json");
    verify_vector_receipt(v, "keyset");
    PML_AUTO(json) json_t *bare = json_copy(at(v, "receipt"));
    json_object_del(bare, "signature");
    PML_AUTO(mem) char *signing_input = pml_jcs(bare, &size, &err);
    assert_string_equal(signing_input, text_at(v, "signing_input"));
}

/* The reference verifier's fixture has a stub quote and a 32-byte quote_report_data; everything before that binds. */
static void reference_report_fixture(void **state)
{
    (void)state;
    struct pml_error err;
    uint8_t nonce[PML_NONCE_SIZE], slot[PML_REPORT_DATA_SLOT];
    size_t size;
    char *text = vector_file("aci/report-fixture-x25519.json", &size);
    PML_AUTO(report) struct pml_report report = { 0 };
    bool parsed = pml_report_parse(&report, text, size, &err);
    free(text);
    if (!parsed)
        fail_msg("%s", err.text);
    assert_int_equal(report.quote_size, 47);
    assert_null(report.event_log);
    assert_null(report.models);
    assert_true(pml_nonce_parse(nonce, "cd20088d763605cf78564e5b35524ad52715419624b76e029582a3652758708d"));
    pml_statement_slot(slot, report.report_data);
    assert_false(pml_report_check_binding(&report, nonce, slot, &err));
    assert_string_equal(err.text, "quote_report_data is not the quote's");
    report.quote_report_data = NULL;
    assert_true(pml_report_check_binding(&report, nonce, slot, &err));
}

static void extended_receipt_and_its_events(void **state)
{
    (void)state;
    struct pml_error err;
    size_t size;
    PML_AUTO(json) json_t *v = vector_json("receipt-ext/example.json");
    verify_vector_receipt(v, "established_keyset");
    PML_AUTO(mem) char *text = pml_json_dump(at(v, "receipt"), &size, &err);
    PML_AUTO(receipt) struct pml_receipt receipt = { 0 };
    assert_true(pml_receipt_parse(&receipt, text, size, &err));

    struct pml_model_descriptor model;
    struct pml_engine_descriptor engine;
    struct pml_inference inference, again;
    assert_true(pml_model_descriptor_parse(&model, pml_receipt_event(&receipt, PML_EVENT_MODEL, 0), &err));
    assert_string_equal(model.model_id, "demo-model");
    assert_int_equal(model.file_size, 10);
    assert_true(pml_engine_descriptor_parse(&engine, pml_receipt_event(&receipt, PML_EVENT_ENGINE, 0), &err));
    assert_string_equal(engine.kv_dtype, "f16");
    assert_null(engine.chat_template);
    const json_t *event = pml_receipt_event(&receipt, PML_EVENT_INFERENCE, 0);
    assert_null(pml_receipt_event(&receipt, PML_EVENT_INFERENCE, 1));
    assert_true(pml_inference_parse(&inference, event, &err));
    assert_int_equal(inference.seed, 42);
    assert_int_equal(inference.logits_top, 2);
    assert_null(inference.grammar_digest);

    PML_AUTO(json) json_t *rebuilt = pml_inference_build(&inference, &err);
    assert_true(json_equal(rebuilt, event));
    assert_true(pml_inference_parse(&again, rebuilt, &err));
}

static void descriptors_round_trip(void **state)
{
    (void)state;
    struct pml_error err;
    uint8_t root[PML_SHA256_SIZE] = { 1 }, payload[PML_SHA256_SIZE], expected[PML_SHA256_SIZE];
    struct pml_model_descriptor model = { .model_id = "m", .file_size = 7, .verity_root = root, .verity_salt = root };
    struct pml_model_descriptor read;
    PML_AUTO(json) json_t *descriptor = pml_model_descriptor_build(&model, &err);
    assert_null(json_object_get(descriptor, "type"));
    assert_int_equal(json_object_size(descriptor), 11);
    assert_true(pml_model_descriptor_parse(&read, descriptor, &err));
    assert_memory_equal(read.file_digest, model.file_digest, PML_SHA256_SIZE);
    PML_AUTO(json) json_t *event = pml_descriptor_event(descriptor, PML_EVENT_MODEL, &err);
    assert_string_equal(text_at(event, "type"), PML_EVENT_MODEL);
    PML_AUTO(json) json_t *back = pml_event_descriptor(event, &err);
    assert_true(json_equal(back, descriptor));
    assert_true(pml_descriptor_payload(payload, descriptor, &err));
    assert_true(pml_jcs_sha256(expected, back, &err));
    assert_memory_equal(payload, expected, sizeof payload);

    struct pml_engine_descriptor engine = {
        .engine_version = "1", .context_length = 64, .kv_dtype = "f32", .chat_template = "none"
    };
    struct pml_engine_descriptor engine_read;
    PML_AUTO(json) json_t *engine_json = pml_engine_descriptor_build(&engine, &err);
    assert_true(pml_engine_descriptor_parse(&engine_read, engine_json, &err));
    assert_string_equal(engine_read.determinism_profile, "pmlsdk.det/1");
    assert_int_equal(engine_read.context_length, 64);
}

static void vector_digests(void **state)
{
    (void)state;
    uint8_t digest[PML_SHA256_SIZE], oms[PML_SHA256_SIZE], joined[2 * PML_SHA256_SIZE];
    char hex[2 * PML_SHA256_SIZE + 1], fingerprint[32];
    PML_AUTO(json) json_t *v = vector_json("receipt-ext/digests.json");
    hex_at(digest, sizeof digest, v, "oms_single_file.file_sha256");
    pml_sha256(oms, digest, sizeof digest);
    assert_string_equal(pml_hex(hex, oms, sizeof oms), text_at(v, "oms_single_file.subject_sha256"));
    assert_true(pml_digest_parse(joined, text_at(v, "build_digest")));
    assert_true(pml_digest_parse(joined + PML_SHA256_SIZE, text_at(v, "file_digest")));
    pml_sha256(digest, joined, sizeof joined);
    snprintf(fingerprint, sizeof fingerprint, "fp_%.16s", pml_hex(hex, digest, sizeof digest));
    assert_string_equal(fingerprint, text_at(v, "system_fingerprint"));
}

/* --- damage --- */

#define K32    "8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394"
#define SIGNER "{\"key_id\":\"r\",\"algo\":\"ed25519\",\"public_key\":\"" K32 "\"}"

static const struct {
    const char *name, *keyset, *error;
} bad_keysets[] = {
    { "array", "[]", "not an object" },
    { "no signer",
      "{\"subject\":null,\"not_after\":1,\"receipt_signing_keys\":[],\"e2ee_public_keys\":[],\"tls_public_keys\":[]}",
      "receipt_signing_keys: no ed25519 key" },
    { "only an unknown signer",
      "{\"not_after\":1,\"receipt_signing_keys\":[{\"key_id\":\"r\",\"algo\":\"new\",\"public_key\":\"00\"}],\"e2ee_"
      "public_keys\":[],\"tls_public_keys\":[]}",
      "receipt_signing_keys: no ed25519 key" },
    { "receipt key encrypts",
      "{\"not_after\":1,\"receipt_signing_keys\":[" SIGNER
      "],\"e2ee_public_keys\":[{\"key_id\":\"e\",\"algo\":\"x\",\"public_key\":\"" K32 "\"}],\"tls_public_keys\":[]}",
      "a key is both a receipt and an encryption key" },
    { "key_id twice",
      "{\"not_after\":1,\"receipt_signing_keys\":[" SIGNER "," SIGNER
      "],\"e2ee_public_keys\":[],\"tls_public_keys\":[]}",
      "receipt_signing_keys: [1]: key_id is used twice" },
    { "upper-case key",
      "{\"not_after\":1,\"receipt_signing_keys\":[{\"key_id\":\"r\",\"algo\":\"ed25519\",\"public_key\":\"AA\"}],"
      "\"e2ee_public_keys\":[],\"tls_public_keys\":[]}",
      "receipt_signing_keys: [0]: empty key_id, or public_key is not lower-case hex" },
    { "short ed25519 key",
      "{\"not_after\":1,\"receipt_signing_keys\":[{\"key_id\":\"r\",\"algo\":\"ed25519\",\"public_key\":\"aa\"}],"
      "\"e2ee_public_keys\":[],\"tls_public_keys\":[]}",
      "receipt_signing_keys: [0]: ed25519 key is not 32 bytes" },
    { "not_after is a float",
      "{\"not_after\":1.5,\"receipt_signing_keys\":[" SIGNER "],\"e2ee_public_keys\":[],\"tls_public_keys\":[]}",
      "not_after: not an integer" },
    { "unknown member is no integer",
      "{\"not_after\":1,\"receipt_signing_keys\":[" SIGNER
      "],\"e2ee_public_keys\":[],\"tls_public_keys\":[],\"x\":1.5}",
      "number is not an integer" },
    { "spki too short",
      "{\"not_after\":1,\"receipt_signing_keys\":[" SIGNER
      "],\"e2ee_public_keys\":[],\"tls_public_keys\":[{\"spki_sha256\":\"00\"}]}",
      "tls_public_keys: [0]: spki_sha256: not 64 lower-case hex digits" },
};

static void bad_keysets_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < PML_COUNT(bad_keysets); i++) {
        struct pml_error err = { 0 };
        struct pml_keyset keyset;
        PML_AUTO(json) json_t *document = load(bad_keysets[i].keyset);
        if (pml_keyset_parse(&keyset, document, &err))
            fail_msg("%s: accepted", bad_keysets[i].name);
        assert_string_equal(err.text, bad_keysets[i].error);
        assert_int_equal(err.kind, PML_NO);
    }
}

/* Ed25519 key in a certificate: its SPKI digest shows that it is the receipt key. */
static void a_receipt_key_is_no_tls_key(void **state)
{
    (void)state;
    struct pml_error err;
    static const uint8_t prefix[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };
    uint8_t der[sizeof prefix + 32];
    struct pml_tls_key tls = { .domain = "a.example" };
    struct pml_keyset_parts parts = { .not_after = 10, .receipt_key_id = "r", .tls = &tls, .tls_count = 1 };
    struct pml_keyset keyset;
    memset(parts.receipt_public_key, 7, 32);
    memcpy(der, prefix, sizeof prefix);
    memset(der + sizeof prefix, 7, 32);
    pml_sha256(tls.spki_sha256, der, sizeof der);
    assert_false(pml_keyset_build(&keyset, &parts, &err));
    assert_string_equal(err.text, "a key is both a receipt and a TLS key");
}

static void tls_entries_apply_by_host(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_tls_key tls[2] = { { { 1 }, "Api.Example.com" }, { { 2 }, NULL } };
    struct pml_keyset_parts parts = { .not_after = 1000, .receipt_key_id = "r", .tls = tls, .tls_count = 2 };
    PML_AUTO(keyset) struct pml_keyset keyset = { 0 };
    assert_true(pml_keyset_build(&keyset, &parts, &err));
    assert_true(pml_keyset_lists_tls(&keyset, "api.example.com.", tls[0].spki_sha256));
    assert_false(pml_keyset_lists_tls(&keyset, "example.com", tls[0].spki_sha256));
    assert_false(pml_keyset_lists_tls(&keyset, "api.example.com.x", tls[0].spki_sha256));
    assert_true(pml_keyset_lists_tls(&keyset, "127.0.0.1", tls[1].spki_sha256));
    assert_true(pml_keyset_serves_host(&keyset, "127.0.0.1"));

    parts.tls_count = 1;
    PML_AUTO(keyset) struct pml_keyset scoped = { 0 };
    assert_true(pml_keyset_build(&scoped, &parts, &err));
    assert_false(pml_keyset_serves_host(&scoped, "127.0.0.1"));
    assert_true(pml_keyset_serves_host(&scoped, "API.example.com"));
}

static void a_keyset_holds_for_its_time(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_keyset_parts parts = { .not_after = 1000 * 86400, .receipt_key_id = "r" };
    PML_AUTO(keyset) struct pml_keyset keyset = { 0 };
    assert_true(pml_keyset_build(&keyset, &parts, &err));
    assert_true(pml_keyset_check_time(&keyset, 600 * 86400, &err));
    assert_true(pml_keyset_check_time(&keyset, 1000 * 86400 - 1, &err));
    assert_false(pml_keyset_check_time(&keyset, 1000 * 86400, &err));
    assert_string_equal(err.text, "keyset expired at 1972-09-27T00:00:00Z");
    assert_false(pml_keyset_check_time(&keyset, 600 * 86400 - 1, &err));
    assert_string_equal(err.code, "keyset_lifetime");
}

static void nonces_are_64_lower_case_digits(void **state)
{
    (void)state;
    uint8_t nonce[PML_NONCE_SIZE];
    assert_true(pml_nonce_parse(nonce, K32));
    assert_false(pml_nonce_parse(nonce, ""));
    assert_false(pml_nonce_parse(nonce, K32 "00"));
    assert_false(pml_nonce_parse(nonce, "8139770EA87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394"));
    assert_false(pml_nonce_parse(nonce, "8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b39"));
}

/* Sets (or with NULL removes) one member at a path whose last name is in the object the rest of the path names. */
static json_t *damaged(json_t *document, const char *path, json_t *value)
{
    json_t *copy = json_deep_copy(document);
    char parent[256];
    snprintf(parent, sizeof parent, "%s", path);
    char *dot = strrchr(parent, '.');
    json_t *object = copy;
    if (dot) {
        *dot = 0;
        object = at(copy, parent);
    }
    const char *name = dot ? dot + 1 : path;
    if (value)
        json_object_set_new(object, name, value);
    else
        json_object_del(object, name);
    return copy;
}

static void damaged_reports_are_refused(void **state)
{
    (void)state;
    PML_AUTO(json) json_t *v = vector_json("aci/direct-service.json");
    const struct {
        const char *path;
        json_t *value;
        const char *error;
    } cases[] = {
        { "api_version", json_string("aci/2"), "api_version: not \"aci/1\"" },
        { "api_version", NULL, "api_version: missing" },
        { "workload_keyset_digest", json_string("53a5"),
          "workload_keyset_digest: not sha256: and 64 lower-case hex digits" },
        { "attestation", json_array(), "attestation: not an object" },
        { "attestation.tee_type", json_string("sev"), "attestation: tee_type: not \"tdx\"" },
        { "attestation.report_data", json_string("00"), "attestation: report_data: not 64 lower-case hex digits" },
        { "attestation.workload_keyset", NULL, "workload_keyset: not an object" },
        { "attestation.evidence", NULL, "evidence: evidence: missing" },
        { "attestation.evidence.quote", json_string("0g"), "evidence: quote: not hex" },
        { "attestation.evidence.quote", json_string("abc"), "evidence: quote: not hex" },
        { "attestation.evidence.event_log", json_array(), "evidence: event_log: not a string" },
        { "attestation.evidence.pml", json_pack("{s:{}}", "models"), "evidence: models: not an array" },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        struct pml_error err = { 0 };
        size_t size;
        struct pml_report report;
        PML_AUTO(json) json_t *document = damaged(at(v, "report_without_nonce"), cases[i].path, cases[i].value);
        PML_AUTO(mem) char *text = pml_json_dump(document, &size, &err);
        if (pml_report_parse(&report, text, size, &err))
            fail_msg("%s: accepted", cases[i].path);
        assert_string_equal(err.text, cases[i].error);
        assert_int_equal(err.kind, PML_NO);
    }
}

static void an_endless_report_is_refused(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_report report;
    PML_AUTO(mem) char *text = calloc(PML_REPORT_MAX + 1, 1);
    assert_non_null(text);
    assert_false(pml_report_parse(&report, text, PML_REPORT_MAX + 1, &err));
    assert_string_equal(err.text, "larger than 4194304 bytes");
}

static void damaged_receipts_are_refused(void **state)
{
    (void)state;
    PML_AUTO(json) json_t *v = vector_json("aci/direct-service.json");
    PML_AUTO(keyset) struct pml_keyset keyset = keyset_of(at(v, "keyset"));
    json_t *twice = json_deep_copy(at(v, "receipt.event_log"));
    json_array_append(twice, json_array_get(twice, 2));
    json_t *reversed = json_array();
    json_array_append(reversed, json_array_get(twice, 1));
    const struct {
        const char *path;
        json_t *value;
        const char *error;
    } cases[] = {
        { "signature", NULL, "signature: missing" },
        { "signature", json_string("00"), "signature: not 128 lower-case hex digits" },
        { "event_log", json_array(), "event_log: does not begin with request.received" },
        { "event_log", reversed, "event_log: does not begin with request.received" },
        { "event_log", twice, "event_log: more than one response.returned" },
        { "event_log", json_pack("[i]", 1), "event_log[0]: type: missing" },
        { "served_at", json_integer(-1), "served_at: out of range" },
        { "model", json_integer(1), "model: not a string" },
        { "receipt_id", json_string("rcpt-x"), "signature does not match" },
        { "chat_id", json_null(), "signature does not match" },
        { "served_at", json_integer(1750000124), "signature does not match" },
        { "extra", json_null(), "signature does not match" },
        { "key_id", json_string("receipt-2"), "receipt is signed by a key that the keyset does not have" },
        { "workload_keyset_digest", json_string("sha256:" K32), "receipt cites another keyset" },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        struct pml_error err = { 0 };
        size_t size;
        PML_AUTO(receipt) struct pml_receipt receipt = { 0 };
        PML_AUTO(json) json_t *document = damaged(at(v, "receipt"), cases[i].path, cases[i].value);
        PML_AUTO(mem) char *text = pml_json_dump(document, &size, &err);
        if (pml_receipt_parse(&receipt, text, size, &err) && pml_receipt_verify(&receipt, &keyset, &err))
            fail_msg("%s: accepted", cases[i].path);
        assert_string_equal(err.text, cases[i].error);
        assert_int_equal(err.kind, PML_NO);
    }
}

static void a_receipt_has_its_first_and_last_event(void **state)
{
    (void)state;
    struct pml_error err;
    uint8_t digest[PML_SHA256_SIZE] = { 0 };
    char id[PML_RECEIPT_ID_TEXT];
    size_t size;
    PML_AUTO(secret) struct pml_secret seed = { 0 };
    assert_true(pml_secret_random(&seed, PML_ED25519_SEED_SIZE, &err));
    assert_true(pml_receipt_new_id(id, &err));
    assert_int_equal(strspn(id + 5, "0123456789abcdef"), 24);
    struct pml_receipt_head head = { .receipt_id = id, .endpoint = "/", .method = "POST" };
    PML_AUTO(json) json_t *events = pml_receipt_events(&err);
    assert_true(pml_receipt_add_body(events, PML_EVENT_RECEIVED, digest, &err));
    assert_null(pml_receipt_sign(&head, events, "r", &seed, &size, &err));
    assert_string_equal(err.code, "internal");
    assert_true(pml_receipt_add_body(events, PML_EVENT_RETURNED, digest, &err));
    PML_AUTO(mem) char *text = pml_receipt_sign(&head, events, "r", &seed, &size, &err);
    PML_AUTO(receipt) struct pml_receipt receipt = { 0 };
    assert_true(pml_receipt_parse(&receipt, text, size, &err));
    assert_null(receipt.chat_id);
    assert_false(pml_receipt_body_hash(digest, &receipt, PML_EVENT_FORWARDED, &err));
    assert_string_equal(err.text, "no event request.forwarded");
}

static const struct {
    const char *name, *value, *error;
} bad_inference[] = {
    { "seed", "\"-1\"", "seed: not an unsigned 64-bit decimal" },
    { "seed", "\"18446744073709551616\"", "seed: not an unsigned 64-bit decimal" },
    { "seed", "\"042\"", "seed: not an unsigned 64-bit decimal" },
    { "prompt_tokens", "-1", "prompt_tokens: out of range" },
    { "profile", "\"pmlsdk.replay/2\"", "profile is not pmlsdk.replay/1" },
    { "grammar_digest", "\"x\"", "grammar_digest: not sha256: and 64 lower-case hex digits" },
};

static void bad_inference_events_are_refused(void **state)
{
    (void)state;
    struct pml_error err;
    struct pml_inference inference = { .sampling = "", .finish_reason = "stop", .seed = UINT64_MAX };
    PML_AUTO(json) json_t *event = pml_inference_build(&inference, &err);
    struct pml_inference read;
    assert_true(pml_inference_parse(&read, event, &err));
    assert_true(read.seed == UINT64_MAX);
    for (size_t i = 0; i < PML_COUNT(bad_inference); i++) {
        PML_AUTO(json) json_t *bad = json_deep_copy(event);
        json_object_set_new(bad, bad_inference[i].name, json_loads(bad_inference[i].value, JSON_DECODE_ANY, NULL));
        assert_false(pml_inference_parse(&read, bad, &err));
        assert_string_equal(err.text, bad_inference[i].error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_keyset_and_statements),
        cmocka_unit_test(published_session_and_e2ee_texts_are_canonical),
        cmocka_unit_test(published_receipt),
        cmocka_unit_test(direct_service_keyset_is_rebuilt),
        cmocka_unit_test(direct_service_reports),
        cmocka_unit_test(direct_service_receipt),
        cmocka_unit_test(reference_report_fixture),
        cmocka_unit_test(extended_receipt_and_its_events),
        cmocka_unit_test(descriptors_round_trip),
        cmocka_unit_test(vector_digests),
        cmocka_unit_test(bad_keysets_are_refused),
        cmocka_unit_test(a_receipt_key_is_no_tls_key),
        cmocka_unit_test(tls_entries_apply_by_host),
        cmocka_unit_test(a_keyset_holds_for_its_time),
        cmocka_unit_test(nonces_are_64_lower_case_digits),
        cmocka_unit_test(damaged_reports_are_refused),
        cmocka_unit_test(an_endless_report_is_refused),
        cmocka_unit_test(damaged_receipts_are_refused),
        cmocka_unit_test(a_receipt_has_its_first_and_last_event),
        cmocka_unit_test(bad_inference_events_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
