/* SPDX-License-Identifier: MIT */
/* Selecting a platform, and the lock around its provider. */
#include "tdx/platform.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tdx/platform/configfs.h"
#include "tdx/platform/provider.h"
#include "tdx/platform/runtime_log.h"
#include "tdx/platform/tdx_guest.h"
#include "tdx/quote.h"

struct pml_platform {
    const struct pml_provider_ops *ops;
    void *provider;
    struct pml_platform_facts facts;
    pthread_mutex_t lock;
};

struct pml_platform *pml_platform_wrap(const struct pml_provider_ops *ops, void *self,
                                       const struct pml_platform_facts *facts, struct pml_error *err)
{
    struct pml_platform *p = calloc(1, sizeof *p);
    if (!p) {
        ops->free(self);
        return pml_fail_memory(err);
    }
    p->ops = ops;
    p->provider = self;
    p->facts = *facts;
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

void pml_platform_free(struct pml_platform *p)
{
    if (!p)
        return;
    p->ops->free(p->provider);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void pml_platform_auto(struct pml_platform **p)
{
    pml_platform_free(*p);
}

bool pml_platform_in_td(void)
{
    char entry[4096];
    return pml_configfs_entry(entry) || access(PML_TDX_DEVICE, F_OK) == 0;
}

/* The guest agent's socket, in the order in which the SDKs look for it (spec guest §1.1). */
static struct pml_platform *open_real(const struct pml_platform_options *options, struct pml_error *err)
{
    static const char *const sockets[] = { "/var/run/dstack.sock", "/run/dstack.sock", "/var/run/dstack/dstack.sock",
                                           "/run/dstack/dstack.sock" };
    for (size_t i = 0; i < PML_COUNT(sockets); i++) {
        if (access(sockets[i], F_OK) != 0)
            continue;
        struct pml_platform *p = pml_agent_open(sockets[i], err);
        if (p || strcmp(err->code, "agent_absent") != 0)
            return p;
    }
    return pml_direct_open(options, PML_RUNTIME_LOG_DIR, err);
}

bool pml_platform_check(bool simulated, struct pml_error *err)
{
    bool in_td = pml_platform_in_td();
    if (in_td && simulated)
        return pml_fail(err, PML_USAGE, "simulated_in_td",
                        "this is a TD: a simulated quote is never made where a real one can be");
    if (!in_td && !simulated)
        return pml_fail(err, PML_UNKNOWN, "no_tdx", "no TDX platform here; --simulated runs a labelled simulation");
    return true;
}

struct pml_platform *pml_platform_open(const struct pml_platform_options *options, struct pml_error *err)
{
    if (!pml_platform_check(options->simulated, err))
        return NULL;
    if (!options->simulated)
        return open_real(options, err);
#if PML_SIMULATOR
    return pml_sim_open(options, err);
#else
    return pml_fail(err, PML_UNKNOWN, "no_simulator", "this build has no simulated TDX platform");
#endif
}

const struct pml_platform_facts *pml_platform_describe(const struct pml_platform *p)
{
    return &p->facts;
}

/* Whatever goes wrong behind the seam is no verdict on anything. */
static void *cannot_tell(const struct pml_platform *p, struct pml_error *err)
{
    err->kind = PML_UNKNOWN;
    return pml_wrap(err, "%s", p->facts.provider);
}

/* The provider's quote, parsed into QUOTE, without what follows its signature data. */
static uint8_t *get_quote(struct pml_platform *p, const uint8_t report_data[PML_REPORT_DATA_SIZE],
                          struct pml_quote *quote, struct pml_error *err)
{
    size_t size;
    pthread_mutex_lock(&p->lock);
    PML_AUTO(mem) uint8_t *bytes = p->ops->quote(p->provider, report_data, &size, err);
    pthread_mutex_unlock(&p->lock);
    bool good = bytes && pml_quote_parse(quote, bytes, size, err);
    if (good && (!pml_quote_is_td(quote) || memcmp(quote->td.report_data, report_data, PML_REPORT_DATA_SIZE) != 0))
        good = pml_fail(err, PML_UNKNOWN, "quote", "not for the report data that was given");
    return good ? pml_take(&bytes) : cannot_tell(p, err);
}

uint8_t *pml_platform_quote(struct pml_platform *p, const uint8_t report_data[PML_REPORT_DATA_SIZE], size_t *size,
                            struct pml_error *err)
{
    struct pml_quote quote;
    uint8_t *bytes = get_quote(p, report_data, &quote, err);
    if (bytes)
        *size = quote.size;
    return bytes;
}

bool pml_platform_rtmrs(struct pml_platform *p, uint8_t rtmr[PML_RTMR_COUNT][PML_RTMR_SIZE], struct pml_error *err)
{
    static const uint8_t zero[PML_REPORT_DATA_SIZE];
    struct pml_quote quote;
    PML_AUTO(mem) uint8_t *bytes = get_quote(p, zero, &quote, err);
    if (bytes)
        memcpy(rtmr, quote.td.rtmr, sizeof quote.td.rtmr);
    return bytes != NULL;
}

/* What could not be printed in the log must not get into the register. */
static bool check_event(const char *event, size_t size, struct pml_error *err)
{
    json_t *name = json_string(event);
    bool good = name && event[0] && strlen(event) <= PML_EVENT_NAME_MAX;
    json_decref(name);
    if (!good)
        return pml_fail(err, PML_UNKNOWN, "event_log", "an event name has 1 to %d bytes of utf-8", PML_EVENT_NAME_MAX);
    if (size > PML_EVENT_PAYLOAD_MAX)
        return pml_fail(err, PML_UNKNOWN, "event_log", "an event payload has at most %u bytes", PML_EVENT_PAYLOAD_MAX);
    return true;
}

bool pml_platform_extend(struct pml_platform *p, const char *event, const void *payload, size_t size,
                         struct pml_error *err)
{
    if (!check_event(event, size, err))
        return false;
    pthread_mutex_lock(&p->lock);
    bool extended = p->ops->extend(p->provider, event, payload, size, err);
    pthread_mutex_unlock(&p->lock);
    return extended ? true : (bool)cannot_tell(p, err);
}

char *pml_platform_event_log(struct pml_platform *p, struct pml_error *err)
{
    pthread_mutex_lock(&p->lock);
    char *text = p->ops->event_log(p->provider, err);
    pthread_mutex_unlock(&p->lock);
    return text ? text : cannot_tell(p, err);
}

bool pml_platform_collateral(struct pml_platform *p, char **bundle, struct pml_error *err)
{
    *bundle = NULL;
    if (!p->ops->collateral)
        return true;
    pthread_mutex_lock(&p->lock);
    *bundle = p->ops->collateral(p->provider, err);
    pthread_mutex_unlock(&p->lock);
    return *bundle ? true : (bool)cannot_tell(p, err);
}

int pml_state_open(const char *dir, struct pml_error *err)
{
    char path[4096];
    if (!pml_private_dir(dir, err))
        return -1;
    return pml_lock_file(pml_path(path, dir, "lock"), err);
}
