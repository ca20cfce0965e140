/* SPDX-License-Identifier: MIT */
/* Event logs: digests and replay of a real boot, and what the reader refuses. */
#include "test.h"

#include <jansson.h>

#include "base/encode.h"
#include "base/json.h"
#include "tdx/ccel.h"
#include "tdx/event_log.h"

static struct pml_error err;

static json_t *load_vector(const char *name)
{
    size_t size;
    PML_AUTO(mem) char *text = vector_file(name, &size);
    json_t *value = pml_json_load(text, size, &err);
    if (!value)
        fail_msg("%s", err.text);
    return value;
}

static uint8_t *load_hex(const json_t *object, const char *name, size_t *size)
{
    const char *text = pml_json_text(object, name, &err);
    uint8_t *bytes = malloc(strlen(text) / 2 + 1);
    *size = strlen(text) / 2;
    assert_true(pml_unhex(bytes, *size, text, strlen(text)));
    return bytes;
}

static void runtime_digests_equal_the_vectors(void **state)
{
    (void)state;
    PML_AUTO(json) json_t *vectors = load_vector("guest/eventlog_rtmr.json");
    size_t at;
    json_t *row;
    assert_int_equal(json_array_size(pml_json_array(vectors, "digest_vectors", &err)), 4);
    json_array_foreach(json_object_get(vectors, "digest_vectors"), at, row) {
        size_t size;
        uint8_t want[48], got[48];
        PML_AUTO(mem) uint8_t *payload = load_hex(row, "event_payload", &size);
        for (unsigned version = 1; version <= 2; version++) {
            json_t *form = json_object_get(row, version == 1 ? "v1" : "v2");
            assert_true(pml_json_hex(want, 48, form, "digest", &err));
            assert_true(pml_event_digest(got, version, pml_json_text(row, "event", &err), payload, size, &err));
            assert_memory_equal(got, want, 48);
        }
    }
}

static void check_registers(const struct pml_event_log *log, const json_t *derived)
{
    uint8_t rtmr[4][48];
    for (size_t i = 0; i < 4; i++)
        assert_true(
            pml_json_hex(rtmr[i], 48, derived, (const char *[]){ "rtmr0", "rtmr1", "rtmr2", "rtmr3" }[i], &err));
    if (!pml_event_log_check(log, rtmr, &err))
        fail_msg("%s", err.text);
    rtmr[3][47] ^= 1;
    assert_false(pml_event_log_check(log, rtmr, &err));
    assert_string_equal(err.text, "rtmr3 does not follow from the event log");
}

static void a_real_boot_replays(void **state)
{
    (void)state;
    PML_AUTO(json) json_t *vectors = load_vector("guest/eventlog_rtmr.json");
    json_t *boot = pml_json_object(vectors, "real_boot", &err);
    json_t *derived = pml_json_object(boot, "derived", &err);
    PML_AUTO(event_log) struct pml_event_log log = { 0 };
    assert_true(pml_event_log_read(&log, json_object_get(boot, "event_log"), &err));
    assert_int_equal(log.count, 33);
    check_registers(&log, derived);

    uint8_t want[48];
    const struct pml_event *compose = pml_event_log_boot(&log, "compose-hash", &err);
    assert_non_null(compose);
    assert_int_equal(compose->payload_size, 32);
    assert_true(pml_json_hex(want, 32, derived, "compose_hash", &err));
    assert_memory_equal(compose->payload, want, 32);
    assert_null(pml_event_log_boot(&log, "model-measured", &err));
    assert_string_equal(err.text, "no event model-measured before system-ready");

    /* Each single step of RTMR3. */
    uint8_t rtmr[48] = { 0 };
    size_t at;
    json_t *step;
    json_array_foreach(json_object_get(boot, "rtmr3_steps"), at, step) {
        uint8_t digest[48];
        assert_true(pml_json_hex(digest, 48, step, "digest", &err) && pml_json_hex(want, 48, step, "rtmr3", &err));
        pml_rtmr_extend(rtmr, digest);
        assert_memory_equal(rtmr, want, 48);
    }
}

static void a_production_log_replays(void **state)
{
    (void)state;
    PML_AUTO(json) json_t *vectors = load_vector("guest/real_053_info_quote.json");
    json_t *tcb_info = pml_json_object(pml_json_object(vectors, "info", &err), "tcb_info", &err);
    PML_AUTO(event_log) struct pml_event_log log = { 0 };
    assert_true(pml_event_log_read(&log, json_object_get(vectors, "quote_event_log"), &err));
    check_registers(&log, tcb_info);
}

static void printing_and_reading_gives_the_same_log(void **state)
{
    (void)state;
    PML_AUTO(json) json_t *vectors = load_vector("guest/eventlog_rtmr.json");
    json_t *array = json_object_get(pml_json_object(vectors, "real_boot", &err), "event_log");
    PML_AUTO(event_log) struct pml_event_log log = { 0 };
    assert_true(pml_event_log_read(&log, array, &err));
    PML_AUTO(json) json_t *printed = pml_event_log_json(&log, false, &err);
    assert_true(json_equal(printed, array));

    /* Stripped, payloads of boot events are gone but for the marker, and the digests still replay. */
    PML_AUTO(mem) char *text = pml_event_log_text(&log, true, &err);
    PML_AUTO(event_log) struct pml_event_log stripped = { 0 };
    assert_true(pml_event_log_parse(&stripped, text, strlen(text), &err));
    size_t kept = 0;
    for (size_t i = 0; i < stripped.count; i++) {
        assert_memory_equal(stripped.events[i].digest, log.events[i].digest, 48);
        kept += stripped.events[i].imr < 3 && stripped.events[i].payload_size > 0;
    }
    assert_int_equal(kept, 3);
}

static void version_2_events_carry_their_preimage(void **state)
{
    (void)state;
    PML_AUTO(event_log) struct pml_event_log log = { 0 }, again = { 0 };
    assert_true(pml_event_log_add_runtime(&log, 2, "app-id", "\xde\xad\xbe\xef", 4, &err));
    PML_AUTO(mem) char *text = pml_event_log_text(&log, false, &err);
    assert_non_null(strstr(text, "\"version\":2,\"preimage\":\"7b226e616d65223a226170702d6964222c22"));
    assert_true(pml_event_log_parse(&again, text, strlen(text), &err));
    assert_int_equal(again.events[0].version, 2);
    strstr(text, "7b22")[3] = '3';
    PML_AUTO(event_log) struct pml_event_log refused = { 0 };
    assert_false(pml_event_log_parse(&refused, text, strlen(text), &err));
    assert_string_equal(err.text, "event 0: preimage is not that of name and payload");
}

#define ZERO48 "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"

static const struct {
    const char *name, *text, *error; /* NULL: accepted */
} reader_cases[] = {
    { "no event", "[]", NULL },
    { "an empty runtime digest is computed",
      "[{\"imr\":3,\"event_type\":134217729,\"digest\":\"\",\"event\":\"a\",\"event_payload\":\"00\"}]", NULL },
    { "other members are ignored",
      "[{\"imr\":0,\"event_type\":4,\"digest\":\"" ZERO48 "\",\"event\":\"\",\"event_payload\":\"\",\"x\":1}]", NULL },
    { "an object", "{}", "not an array" },
    { "a number inside", "[1]", "event 0: not an object" },
    { "an empty boot digest", "[{\"imr\":0,\"event_type\":4,\"digest\":\"\",\"event\":\"\",\"event_payload\":\"\"}]",
      "event 0: digest: 48 bytes wanted" },
    { "a wrong runtime digest",
      "[{\"imr\":3,\"event_type\":134217729,\"digest\":\"" ZERO48 "\",\"event\":\"a\",\"event_payload\":\"\"}]",
      "event 0: digest is not that of name and payload" },
    { "a runtime event elsewhere",
      "[{\"imr\":2,\"event_type\":134217729,\"digest\":\"\",\"event\":\"a\",\"event_payload\":\"\"}]",
      "event 0: a runtime event in imr 2" },
    { "register 4", "[{\"imr\":4,\"event_type\":4,\"digest\":\"\",\"event\":\"\",\"event_payload\":\"\"}]",
      "event 0: imr: out of range" },
    { "a negative type", "[{\"imr\":0,\"event_type\":-1,\"digest\":\"\",\"event\":\"\",\"event_payload\":\"\"}]",
      "event 0: event_type: out of range" },
    { "half a byte", "[{\"imr\":3,\"event_type\":134217729,\"digest\":\"\",\"event\":\"a\",\"event_payload\":\"0\"}]",
      "event 0: event_payload: not hex" },
    { "version 3",
      "[{\"imr\":3,\"event_type\":134217729,\"digest\":\"\",\"event\":\"a\",\"event_payload\":\"\",\"version\":3}]",
      "event 0: version: out of range" },
    { "a preimage in version 1",
      "[{\"imr\":3,\"event_type\":134217729,\"digest\":\"\",\"event\":\"a\",\"event_payload\":\"\",\"preimage\":\"00\"}"
      "]",
      "event 0: preimage is not that of name and payload" },
};

static void the_reader_refuses_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < PML_COUNT(reader_cases); i++) {
        PML_AUTO(event_log) struct pml_event_log log = { 0 };
        bool accepted = pml_event_log_parse(&log, reader_cases[i].text, strlen(reader_cases[i].text), &err);
        if (accepted != !reader_cases[i].error)
            fail_msg("%s: %s", reader_cases[i].name, accepted ? "accepted" : err.text);
        if (!accepted)
            assert_string_equal(err.text, reader_cases[i].error);
    }
}

static void limits_hold(void **state)
{
    (void)state;
    PML_AUTO(event_log) struct pml_event_log log = { 0 };
    char name[PML_EVENT_NAME_MAX + 2];
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = 0;
    assert_false(pml_event_log_add_runtime(&log, 1, name, "", 0, &err));
    assert_string_equal(err.text, "name or payload too long");
    for (size_t i = 0; i < PML_EVENT_COUNT_MAX; i++)
        assert_true(pml_event_log_add_runtime(&log, 1, "a", "", 0, &err));
    assert_false(pml_event_log_add_runtime(&log, 1, "a", "", 0, &err));
    assert_string_equal(err.text, "more than 4096 events");
}

static void events_after_system_ready_do_not_count(void **state)
{
    (void)state;
    PML_AUTO(event_log) struct pml_event_log log = { 0 };
    assert_true(pml_event_log_add_runtime(&log, 1, "app-id", "1", 1, &err));
    assert_true(pml_event_log_add_runtime(&log, 1, "system-ready", "", 0, &err));
    assert_true(pml_event_log_add_runtime(&log, 1, "compose-hash", "x", 1, &err));
    assert_null(pml_event_log_boot(&log, "compose-hash", &err));
    assert_int_equal(pml_event_log_named(&log, "compose-hash"), 1);
    assert_int_equal(pml_event_log_matches(&log, "compose-hash", "x", 1), 1);
    assert_int_equal(pml_event_log_matches(&log, "compose-hash", "y", 1), 0);
    assert_int_equal(pml_event_log_matches(&log, "compose-hash", "xx", 2), 0);
    PML_AUTO(event_log) struct pml_event_log twice = { 0 };
    assert_true(pml_event_log_add_runtime(&twice, 1, "app-id", "1", 1, &err));
    assert_true(pml_event_log_add_runtime(&twice, 1, "app-id", "1", 1, &err));
    assert_null(pml_event_log_boot(&twice, "app-id", &err));
    assert_string_equal(err.text, "more than one event app-id before system-ready");
}

static void a_real_ccel_gives_its_events_and_registers(void **state)
{
    (void)state;
    PML_AUTO(json) json_t *vectors = load_vector("guest/ccel.json");
    size_t size;
    PML_AUTO(mem) uint8_t *table = load_hex(vectors, "ccel_hex", &size);
    PML_AUTO(event_log) struct pml_event_log log = { 0 };
    if (!pml_ccel_read(&log, table, size, &err))
        fail_msg("%s", err.text);
    PML_AUTO(json) json_t *printed = pml_event_log_json(&log, false, &err);
    size_t at;
    json_t *event, *events = json_object_get(vectors, "events_json");
    json_array_foreach(events, at, event) /* the vector names three of them; the table has no names */
        json_object_set_new(event, "event", json_string(""));
    assert_true(json_equal(printed, events));
    uint8_t rtmr[4][48], want[48];
    bool seen[4];
    pml_event_log_replay(&log, rtmr, seen);
    for (size_t i = 0; i < 4; i++) {
        const char *text = json_string_value(json_array_get(json_object_get(vectors, "replayed_rtmrs"), i));
        assert_true(pml_unhex(want, 48, text, 96));
        assert_memory_equal(rtmr[i], want, 48);
        assert_int_equal(seen[i], i < 2);
    }

    /* Padding after the terminator is not read; a table cut anywhere before it is refused or ends between entries. */
    table = realloc(table, size + 4096);
    memset(table + size, 0xff, 4096);
    PML_AUTO(event_log) struct pml_event_log padded = { 0 };
    assert_true(pml_ccel_read(&padded, table, size + 4096, &err));
    assert_int_equal(padded.count, log.count);
    size_t accepted = 0;
    for (size_t cut = 0; cut < size; cut++) {
        PML_AUTO(event_log) struct pml_event_log part = { 0 };
        accepted += pml_ccel_read(&part, table, cut, &err);
    }
    assert_int_equal(accepted, log.count + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runtime_digests_equal_the_vectors),
        cmocka_unit_test(a_real_boot_replays),
        cmocka_unit_test(a_production_log_replays),
        cmocka_unit_test(printing_and_reading_gives_the_same_log),
        cmocka_unit_test(version_2_events_carry_their_preimage),
        cmocka_unit_test(the_reader_refuses_by_name),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(events_after_system_ready_do_not_count),
        cmocka_unit_test(a_real_ccel_gives_its_events_and_registers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
