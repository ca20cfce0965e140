/* SPDX-License-Identifier: MIT */
/*
 * A real TD without a guest agent: quotes from the kernel, RTMR3 extended from here, log in files (spec simulator §1,
 * guest §3.2, §3.3). If nothing has logged boot events yet, the first extension boots the TD's software side: manifest,
 * application and instance identity, as the simulator does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "tdx/ccel.h"
#include "tdx/platform/configfs.h"
#include "tdx/platform/provider.h"
#include "tdx/platform/runtime_log.h"
#include "tdx/platform/tdx_guest.h"
#include "tdx/quote.h"

enum { COMPOSE_LIMIT = 1 << 20 };

struct direct {
    char entry[4096]; /* configfs-tsm, or empty: device and quote service */
    char run_dir[2048];
    char *app_compose;
    bool booted;  /* boot events are in the log */
    bool checked; /* RTMR3 was seen to follow from the log */
    char description[4200];
};

static const char compose_name[] = "app-compose.json";

static void direct_free(void *self)
{
    struct direct *d = self;
    free(d->app_compose);
    free(d);
}

static uint8_t *direct_quote(void *self, const uint8_t report_data[PML_REPORT_DATA_SIZE], size_t *size,
                             struct pml_error *err)
{
    struct direct *d = self;
    return d->entry[0] ? pml_configfs_quote(d->entry, report_data, size, err)
                       : pml_tdx_guest_quote(report_data, size, err);
}

/* An extension on top of a register that the log does not explain would make every later quote unverifiable. */
static bool check_log(struct direct *d, struct pml_error *err)
{
    static const uint8_t zero[PML_REPORT_DATA_SIZE];
    uint8_t rtmr[4][48];
    bool seen[4];
    size_t size;
    struct pml_quote quote;
    PML_AUTO(event_log) struct pml_event_log log = { 0 };
    if (d->checked)
        return true;
    PML_AUTO(mem) uint8_t *bytes = direct_quote(d, zero, &size, err);
    if (!bytes || !pml_quote_parse(&quote, bytes, size, err) || !pml_runtime_log_read(&log, d->run_dir, err))
        return false;
    pml_event_log_replay(&log, rtmr, seen);
    if (memcmp(rtmr[3], quote.td.rtmr[3], sizeof rtmr[3]) != 0)
        return pml_fail(err, PML_UNKNOWN, "cannot_extend", "rtmr3 does not follow from the runtime log in %s",
                        d->run_dir);
    return d->checked = true;
}

static bool append(void *self, const char *event, const void *payload, size_t size, struct pml_error *err)
{
    struct direct *d = self;
    return pml_runtime_log_extend(d->run_dir, event, payload, size, pml_tdx_extend_rtmr3, err);
}

static bool boot(struct direct *d, struct pml_error *err)
{
    char path[4096];
    uint8_t seed[20];
    struct pml_boot ids;
    if (!pml_random(seed, sizeof seed, err) ||
        !pml_write_file(pml_path(path, d->run_dir, compose_name), d->app_compose, strlen(d->app_compose), 0600, err))
        return false;
    pml_boot_ids(&ids, d->app_compose, seed);
    return pml_boot_events(&ids, append, d, err);
}

static bool direct_extend(void *self, const char *event, const void *payload, size_t size, struct pml_error *err)
{
    struct direct *d = self;
    PML_AUTO(fd) int lock = pml_runtime_log_lock(d->run_dir, err);
    if (lock < 0 || !check_log(d, err))
        return false;
    if (!d->booted && !boot(d, err))
        return pml_wrap(err, "boot events");
    d->booted = true;
    return append(d, event, payload, size, err);
}

static char *direct_event_log(void *self, struct pml_error *err)
{
    struct direct *d = self;
    const char *ccel = getenv("DSTACK_CCEL_FILE");
    size_t size;
    PML_AUTO(event_log) struct pml_event_log log = { 0 };
    PML_AUTO(mem)
    char *table = pml_read_file(ccel ? ccel : "/sys/firmware/acpi/tables/data/CCEL", PML_CCEL_MAX, &size, err);
    if (!table || !pml_ccel_read(&log, table, size, err))
        return pml_wrap(err, "firmware event log");
    PML_AUTO(fd) int lock = pml_runtime_log_lock(d->run_dir, err);
    if (lock < 0 || !pml_runtime_log_read(&log, d->run_dir, err))
        return NULL;
    return pml_event_log_text(&log, false, err);
}

static const struct pml_provider_ops direct_ops = { direct_quote, direct_extend, direct_event_log, NULL, direct_free };

/* The manifest that the log's compose-hash measures: of the guest's boot tools, or of an earlier process like this. */
static bool find_compose(struct direct *d, const struct pml_event *hash, struct pml_error *err)
{
    char kept[4096];
    const char *const paths[] = { "/dstack/.host-shared/app-compose.json", pml_path(kept, d->run_dir, compose_name) };
    uint8_t digest[PML_SHA256_SIZE];
    size_t size;
    for (size_t i = 0; i < PML_COUNT(paths); i++) {
        if (access(paths[i], R_OK) != 0)
            continue;
        d->app_compose = pml_read_file(paths[i], COMPOSE_LIMIT, &size, err);
        if (!d->app_compose)
            return false;
        pml_sha256(digest, d->app_compose, size);
        if (hash->payload_size == sizeof digest && memcmp(digest, hash->payload, sizeof digest) == 0)
            return true;
        free(pml_take(&d->app_compose));
    }
    return pml_fail(err, PML_UNKNOWN, "event_log", "no %s has the measured compose-hash", compose_name);
}

static bool start(struct direct *d, const struct pml_platform_options *options, struct pml_error *err)
{
    PML_AUTO(event_log) struct pml_event_log log = { 0 };
    if (!pml_configfs_entry(d->entry))
        d->entry[0] = 0;
    snprintf(d->description, sizeof d->description, "TDX platform, quotes from %s",
             d->entry[0] ? d->entry : PML_TDX_DEVICE " and the quote service");
    PML_AUTO(fd) int lock = pml_runtime_log_lock(d->run_dir, err);
    if (lock < 0 || !pml_runtime_log_read(&log, d->run_dir, err))
        return false;
    if (log.count > 0) {
        const struct pml_event *hash = pml_event_log_boot(&log, "compose-hash", err);
        d->booted = true;
        return hash && find_compose(d, hash, err) ? true : (bool)pml_wrap(err, "runtime log");
    }
    return (d->app_compose = pml_app_compose(options->models, options->model_count, err)) != NULL;
}

struct pml_platform *pml_direct_open(const struct pml_platform_options *options, const char *run_dir,
                                     struct pml_error *err)
{
    struct direct *d = calloc(1, sizeof *d);
    if (!d)
        return pml_fail_memory(err);
    snprintf(d->run_dir, sizeof d->run_dir, "%s", run_dir);
    if (!start(d, options, err)) {
        err->kind = PML_UNKNOWN;
        direct_free(d);
        return NULL;
    }
    const struct pml_platform_facts facts = { .platform = "tdx",
                                              .provider = d->entry[0] ? "configfs-tsm" : "tdx_guest",
                                              .description = d->description,
                                              .app_compose = d->app_compose,
                                              .vm_config = "{}" };
    return pml_platform_wrap(&direct_ops, d, &facts, err);
}
