/* SPDX-License-Identifier: MIT */
/* The manifest and boot events of a TD that this process boots by itself: simulated, or real without a guest agent. */
#include <jansson.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/jcs.h"
#include "base/json.h"
#include "tdx/platform/provider.h"

char *pml_app_compose(const struct pml_platform_model *models, size_t count, struct pml_error *err)
{
    PML_AUTO(json) json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++) {
        json_t *model = json_pack("{s:s, s:s}", "model_id", models[i].model_id, "file_digest", models[i].file_digest);
        if (!model)
            return pml_fail(err, PML_USAGE, "model_id", "a model id is not utf-8");
        if (json_array_append_new(list, model) != 0)
            return pml_fail_memory(err);
    }
    PML_AUTO(json)
    json_t *compose =
        list ? json_pack("{s:s, s:s, s:i, s:s, s:{s:O}, s:s}", "bash_script", "exec pml-serve", "key_provider", "none",
                         "manifest_version", 2, "name", "pml-serve", "pml", "models", list, "runner", "bash")
             : NULL;
    return compose ? pml_jcs(compose, NULL, err) : pml_fail_memory(err);
}

void pml_boot_ids(struct pml_boot *boot, const char *app_compose, const uint8_t instance_id_seed[20])
{
    uint8_t both[40], digest[PML_SHA256_SIZE];
    pml_sha256(boot->compose_hash, app_compose, strlen(app_compose));
    memcpy(boot->app_id, boot->compose_hash, sizeof boot->app_id);
    memcpy(both, instance_id_seed, 20);
    memcpy(both + 20, boot->app_id, 20);
    pml_sha256(digest, both, sizeof both);
    memcpy(boot->instance_id, digest, sizeof boot->instance_id);
}

bool pml_boot_events(const struct pml_boot *boot,
                     bool (*add)(void *self, const char *event, const void *payload, size_t size,
                                 struct pml_error *err),
                     void *self, struct pml_error *err)
{
    static const char key_provider[] = "{\"name\":\"none\",\"id\":\"\"}";
    return add(self, "system-preparing", "", 0, err) && add(self, "app-id", boot->app_id, sizeof boot->app_id, err) &&
           add(self, "compose-hash", boot->compose_hash, sizeof boot->compose_hash, err) &&
           add(self, "instance-id", boot->instance_id, sizeof boot->instance_id, err) &&
           add(self, "boot-mr-done", "", 0, err) &&
           add(self, "key-provider", key_provider, strlen(key_provider), err) && add(self, "system-ready", "", 0, err);
}
