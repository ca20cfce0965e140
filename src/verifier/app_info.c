/* SPDX-License-Identifier: MIT */
/* The app info of a TD. */
#include "verifier/app_info.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/memory.h"

/* --- reading --- */

/* An event that may be missing, which leaves NULL. */
static bool find_optional(const struct pml_event **out, const struct pml_event_log *log, const char *name,
                          struct pml_error *err)
{
    *out = NULL;
    if (pml_event_log_named(log, name) == 0)
        return true;
    *out = pml_event_log_boot(log, name, err);
    return *out;
}

static bool find_events(struct pml_app_info *info, const struct pml_event_log *log, struct pml_error *err)
{
    info->app_id = pml_event_log_boot(log, "app-id", err);
    info->compose_hash = info->app_id ? pml_event_log_boot(log, "compose-hash", err) : NULL;
    return info->compose_hash && find_optional(&info->instance_id, log, "instance-id", err) &&
           find_optional(&info->os_image, log, "os-image-hash", err) &&
           find_optional(&info->key_provider, log, "key-provider", err);
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i])
            return false;
    }
    return true;
}

/* mr_system and mr_aggregated (spec measurement §5). */
static void derive(struct pml_app_info *info)
{
    const struct pml_td_report *td = info->td;
    uint8_t provider[PML_SHA256_SIZE] = { 0 };
    struct pml_hash system = { 0 }, aggregated = { 0 };
    if (info->key_provider)
        pml_sha256(provider, info->key_provider->payload, info->key_provider->payload_size);
    pml_hash_sha256(&system);
    pml_hash_add(&system, td->mr_td, sizeof td->mr_td);
    pml_hash_add(&system, td->rtmr, 3 * sizeof td->rtmr[0]);
    pml_hash_copy(&aggregated, &system);
    pml_hash_add(&system, provider, sizeof provider);
    pml_hash_final(&system, info->mr_system);

    pml_hash_add(&aggregated, td->rtmr[3], sizeof td->rtmr[3]);
    if (!is_zero(td->mr_config_id, sizeof td->mr_config_id) || !is_zero(td->mr_owner, sizeof td->mr_owner) ||
        !is_zero(td->mr_owner_config, sizeof td->mr_owner_config)) {
        pml_hash_add(&aggregated, td->mr_config_id, sizeof td->mr_config_id);
        pml_hash_add(&aggregated, td->mr_owner, sizeof td->mr_owner);
        pml_hash_add(&aggregated, td->mr_owner_config, sizeof td->mr_owner_config);
    }
    pml_hash_final(&aggregated, info->mr_aggregated);
}

bool pml_app_info_read(struct pml_app_info *out, const struct pml_event_log *log, const struct pml_td_report *td,
                       const uint8_t ppid[16], const char *os_image_hash, struct pml_error *err)
{
    *out = (struct pml_app_info){ .td = td, .os_image_hash = os_image_hash };
    if (!find_events(out, log, err))
        return false;
    pml_sha256(out->device_id, ppid, 16);
    derive(out);
    return true;
}

/* --- JSON --- */

static json_t *hex(const void *bytes, size_t size)
{
    PML_AUTO(mem) char *text = malloc(2 * size + 1);
    return text ? json_string(pml_hex(text, bytes, size)) : NULL;
}

#define HEX(array) hex((array), sizeof(array))

/* A missing event is an empty payload. */
static json_t *payload_hex(const struct pml_event *event)
{
    return event ? hex(event->payload, event->payload_size) : json_string("");
}

static json_t *os_image_hash(const struct pml_app_info *info)
{
    return info->os_image_hash ? json_string(info->os_image_hash) : payload_hex(info->os_image);
}

json_t *pml_app_info_json(const struct pml_app_info *info, struct pml_error *err)
{
    const struct pml_td_report *td = info->td;
    json_t *out =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "app_id",
                  payload_hex(info->app_id), "compose_hash", payload_hex(info->compose_hash), "instance_id",
                  payload_hex(info->instance_id), "device_id", HEX(info->device_id), "mrtd", HEX(td->mr_td), "rtmr0",
                  HEX(td->rtmr[0]), "rtmr1", HEX(td->rtmr[1]), "rtmr2", HEX(td->rtmr[2]), "rtmr3", HEX(td->rtmr[3]),
                  "mr_system", HEX(info->mr_system), "mr_aggregated", HEX(info->mr_aggregated), "os_image_hash",
                  os_image_hash(info), "key_provider_info", payload_hex(info->key_provider));
    return out ? out : pml_fail_memory(err);
}

json_t *pml_boot_info_json(const struct pml_app_info *info, const char *tcb_status, json_t *advisory_ids,
                           struct pml_error *err)
{
    json_t *out =
        json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:O}", "teeVariant", "dstack-tdx", "mrAggregated",
                  HEX(info->mr_aggregated), "osImageHash", os_image_hash(info), "mrSystem", HEX(info->mr_system),
                  "appId", payload_hex(info->app_id), "composeHash", payload_hex(info->compose_hash), "instanceId",
                  payload_hex(info->instance_id), "deviceId", HEX(info->device_id), "keyProviderInfo",
                  payload_hex(info->key_provider), "tcbStatus", tcb_status, "advisoryIds", advisory_ids);
    return out ? out : pml_fail_memory(err);
}

json_t *pml_key_provider_json(const struct pml_app_info *info, struct pml_error *err)
{
    struct pml_error ignored;
    const struct pml_event *event = info->key_provider;
    PML_AUTO(json)
    json_t *object = event ? pml_json_load((const char *)event->payload, event->payload_size, &ignored) : NULL;
    const char *name = object ? pml_json_text(object, "name", &ignored) : NULL;
    const char *id = name ? pml_json_text(object, "id", &ignored) : NULL;
    json_t *out = id ? json_pack("{s:s, s:s}", "name", name, "id", id) : json_null();
    return out ? out : pml_fail_memory(err);
}
