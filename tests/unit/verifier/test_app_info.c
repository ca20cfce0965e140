/* SPDX-License-Identifier: MIT */
/* The app info of a real TD (vectors/guest/eventlog_rtmr.json). */
#include "test.h"

#include "base/encode.h"
#include "base/json.h"
#include "verifier/app_info.h"

static void read_hex(void *out, size_t size, const json_t *object, const char *name)
{
    struct pml_error err;
    if (!pml_json_hex(out, size, object, name, &err))
        fail_msg("%s", err.text);
}

static void read_td(struct pml_td_report *td, const json_t *derived)
{
    uint8_t config[48] = { 0 };
    static const char *const registers[] = { "rtmr0", "rtmr1", "rtmr2", "rtmr3" };
    *td = (struct pml_td_report){ 0 };
    read_hex(td->mr_td, sizeof td->mr_td, derived, "mrtd");
    read_hex(config, sizeof config, derived, "mr_config_id");
    memcpy(td->mr_config_id, config, sizeof config);
    for (size_t i = 0; i < 4; i++)
        read_hex(td->rtmr[i], sizeof td->rtmr[i], derived, registers[i]);
}

static void is_what_dstack_derives(void **state)
{
    (void)state;
    static const char *const same[] = { "app_id",        "compose_hash", "instance_id", "os_image_hash", "mr_system",
                                        "mr_aggregated", "mrtd",         "rtmr0",       "rtmr3" };
    struct pml_error err = { 0 };
    struct pml_td_report td;
    struct pml_app_info info;
    size_t size;
    static const uint8_t ppid[16];
    PML_AUTO(mem) char *text = vector_file("guest/eventlog_rtmr.json", &size);
    PML_AUTO(json) json_t *file = pml_json_load(text, size, &err);
    const json_t *boot = json_object_get(file, "real_boot"), *derived = json_object_get(boot, "derived");
    PML_AUTO(event_log) struct pml_event_log log = { 0 };
    if (!pml_event_log_read(&log, json_object_get(boot, "event_log"), &err))
        fail_msg("%s", err.text);
    read_td(&td, derived);
    /* this image came by vm_config */
    const char *image = json_string_value(json_object_get(derived, "os_image_hash"));
    if (!pml_app_info_read(&info, &log, &td, ppid, image, &err))
        fail_msg("%s", err.text);
    PML_AUTO(json) json_t *app = pml_app_info_json(&info, &err);
    for (size_t i = 0; i < PML_COUNT(same); i++)
        assert_string_equal(json_string_value(json_object_get(app, same[i])),
                            json_string_value(json_object_get(derived, same[i])));

    PML_AUTO(json) json_t *provider = pml_key_provider_json(&info, &err);
    PML_AUTO(json)
    json_t *wanted = pml_json_load(json_string_value(json_object_get(derived, "key_provider_info")),
                                   json_string_length(json_object_get(derived, "key_provider_info")), &err);
    assert_true(json_equal(provider, wanted));
    PML_AUTO(json) json_t *advisories = json_array();
    PML_AUTO(json) json_t *boot_info = pml_boot_info_json(&info, "UpToDate", advisories, &err);
    assert_string_equal(json_string_value(json_object_get(boot_info, "mrSystem")),
                        json_string_value(json_object_get(app, "mr_system")));
}

/* A log without these is no dstack application's; one that has them twice leaves open which it is. */
static void needs_each_identity_once(void **state)
{
    (void)state;
    static const struct {
        const char *events[4];
        const char *error; /* NULL: read */
    } cases[] = {
        { { "app-id", "compose-hash" }, NULL },
        { { "compose-hash" }, "app-id" },
        { { "app-id" }, "compose-hash" },
        { { "app-id", "compose-hash", "app-id" }, "app-id" },
        { { "app-id", "compose-hash", "key-provider", "key-provider" }, "key-provider" },
        { { "app-id", "system-ready", "compose-hash" }, "compose-hash" },
    };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        struct pml_error err = { 0 };
        struct pml_app_info info;
        static const struct pml_td_report td;
        static const uint8_t ppid[16];
        PML_AUTO(event_log) struct pml_event_log log = { 0 };
        for (size_t j = 0; j < PML_COUNT(cases[i].events) && cases[i].events[j]; j++)
            assert_true(pml_event_log_add_runtime(&log, 1, cases[i].events[j], "x", 1, &err));
        bool read = pml_app_info_read(&info, &log, &td, ppid, NULL, &err);
        assert_int_equal(read, !cases[i].error);
        if (!read && !strstr(err.text, cases[i].error))
            fail_msg("case %zu: %s", i, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_what_dstack_derives),
        cmocka_unit_test(needs_each_identity_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
