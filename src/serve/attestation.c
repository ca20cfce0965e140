/* SPDX-License-Identifier: MIT */
/* Quotes and reports. */
#include "serve/attestation.h"

#include <stdlib.h>
#include <string.h>

#include "aci/report.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/time.h"
#include "dcap/source.h"
#include "tdx/event_log.h"
#include "tdx/platform.h"
#include "tdx/quote.h"

#define WAITING_LIMIT  64
#define SNAPSHOT_TRIES 5

struct job {
    struct pml_attestation *attestation;
    struct pml_identity *identity; /* a reference; NULL: renew the collateral */
    bool has_nonce;
    uint8_t nonce[PML_NONCE_SIZE];
    pml_attestation_done done;
    void *arg;
};

struct pml_attestation { /* but for the queue of workers, the worker's own */
    struct pml_attestation_options options;
    struct pml_workers *workers;
    json_t *collateral;
    uint8_t image_digest[PML_SHA256_SIZE];
    struct { /* the last report without nonce */
        char *text;
        size_t size;
        int64_t made_ms;
        uint8_t keyset_digest[PML_SHA256_SIZE];
        uint8_t rtmr[PML_RTMR_COUNT][PML_RTMR_SIZE];
    } cache;
};

static void drop_cache(struct pml_attestation *a)
{
    free(a->cache.text);
    a->cache.text = NULL;
}

/* A real platform's collateral is Intel's, found by a quote of its own. */
static char *fetch_collateral(struct pml_attestation *a, struct pml_error *err)
{
    static const uint8_t nothing[PML_REPORT_DATA_SLOT];
    static const struct pml_trust intel;
    size_t quote_size, size;
    PML_AUTO(mem) uint8_t *quote = pml_platform_quote(a->options.platform, nothing, &quote_size, err);
    if (!quote)
        return NULL;
    return pml_source_for_quote(a->options.source, quote, quote_size, &intel, (struct pml_when){ .now = pml_now() },
                                false, &size, err);
}

/* *BUNDLE stays NULL where there is none to be had and none was asked for. */
static bool get_collateral(json_t **bundle, struct pml_attestation *a, struct pml_error *err)
{
    PML_AUTO(mem) char *text = NULL;
    if (!pml_platform_collateral(a->options.platform, &text, err))
        return false;
    if (!text && a->options.source && !(text = fetch_collateral(a, err)))
        return false;
    return !text || (*bundle = pml_json_load(text, strlen(text), err));
}

static void renew_collateral(struct pml_attestation *a)
{
    struct pml_error err;
    json_t *bundle = NULL;
    if (!get_collateral(&bundle, a, &err)) {
        pml_log_error(PML_LOG_WARN, "serve.collateral", &err);
        return; /* what is there stays: it may still be in date */
    }
    if (!bundle)
        pml_log(PML_LOG_WARN, "serve.collateral", "none=true reports=without");
    if (!json_equal(a->collateral, bundle))
        drop_cache(a);
    json_decref(a->collateral);
    a->collateral = bundle;
}

/* --- one report --- */

struct snapshot {
    uint8_t *quote;
    size_t quote_size;
    char *event_log;
};

/* A quote and the log that replays to it. Others may extend RTMR3 between the two calls, hence the tries. */
static bool take_snapshot(struct snapshot *out, struct pml_platform *platform, const uint8_t slot[PML_REPORT_DATA_SLOT],
                          struct pml_error *err)
{
    for (int i = 0; i < SNAPSHOT_TRIES; i++) {
        PML_AUTO(mem) uint8_t *quote = pml_platform_quote(platform, slot, &out->quote_size, err);
        PML_AUTO(mem) char *text = quote ? pml_platform_event_log(platform, err) : NULL;
        PML_AUTO(event_log) struct pml_event_log log = { 0 };
        struct pml_quote parsed;
        if (!text || !pml_event_log_parse(&log, text, strlen(text), err) ||
            !pml_quote_parse(&parsed, quote, out->quote_size, err))
            return false;
        if (pml_event_log_check(&log, parsed.td.rtmr, err)) {
            out->quote = pml_take(&quote);
            out->event_log = pml_take(&text);
            return true;
        }
    }
    err->kind = PML_UNKNOWN;
    return pml_wrap(err, "the event log does not replay to the quote");
}

static char *make_report(struct pml_attestation *a, const struct job *job, size_t *size, struct pml_error *err)
{
    uint8_t report_data[PML_SHA256_SIZE], slot[PML_REPORT_DATA_SLOT];
    const uint8_t *nonce = job->has_nonce ? job->nonce : NULL;
    const struct pml_platform_facts *facts = pml_platform_describe(a->options.platform);
    pml_statement_report_data(report_data, job->identity->keyset.digest, nonce);
    pml_statement_slot(slot, report_data);
    struct snapshot snapshot = { 0 };
    if (!take_snapshot(&snapshot, a->options.platform, slot, err))
        return NULL;
    struct pml_report_parts parts = {
        .keyset = &job->identity->keyset,
        .report_data = report_data,
        .repo_url = PML_REPO_URL,
        .repo_commit = PML_REPO_COMMIT,
        .image_digest = a->image_digest,
        .quote = snapshot.quote,
        .quote_size = snapshot.quote_size,
        .event_log = snapshot.event_log,
        .app_compose = facts->app_compose,
        .vm_config = facts->vm_config,
        .platform = facts->platform,
        .models = a->options.workload->models,
        .engine = a->options.workload->engine,
        .collateral = a->collateral,
    };
    char *text = pml_report_build(&parts, size, err);
    free(snapshot.quote);
    free(snapshot.event_log);
    return text;
}

/* --- the cache of the form without nonce --- */

static bool cache_holds(struct pml_attestation *a, const struct job *job, uint8_t rtmr[PML_RTMR_COUNT][PML_RTMR_SIZE])
{
    return a->cache.text && pml_monotonic_ms() - a->cache.made_ms < (int64_t)a->options.cache_seconds * 1000 &&
           !memcmp(a->cache.keyset_digest, job->identity->keyset.digest, PML_SHA256_SIZE) &&
           !memcmp(a->cache.rtmr, rtmr, sizeof a->cache.rtmr);
}

static char *cached_report(struct pml_attestation *a, const struct job *job, size_t *size, struct pml_error *err)
{
    uint8_t rtmr[PML_RTMR_COUNT][PML_RTMR_SIZE];
    if (!pml_platform_rtmrs(a->options.platform, rtmr, err))
        return NULL;
    if (!cache_holds(a, job, rtmr)) {
        drop_cache(a);
        a->cache.text = make_report(a, job, &a->cache.size, err);
        if (!a->cache.text)
            return NULL;
        a->cache.made_ms = pml_monotonic_ms();
        memcpy(a->cache.keyset_digest, job->identity->keyset.digest, PML_SHA256_SIZE);
        memcpy(a->cache.rtmr, rtmr, sizeof rtmr);
    }
    char *copy = malloc(a->cache.size + 1);
    if (!copy)
        return pml_fail_memory(err);
    memcpy(copy, a->cache.text, a->cache.size + 1);
    *size = a->cache.size;
    return copy;
}

static void run_job(void *arg)
{
    struct job *job = arg;
    struct pml_attestation *a = job->attestation;
    struct pml_error err;
    size_t size = 0;
    if (!job->identity) {
        renew_collateral(a);
    } else {
        char *report = (job->has_nonce ? make_report : cached_report)(a, job, &size, &err);
        job->done(job->arg, &report, size, report ? NULL : &err);
        free(report);
        pml_identity_unref(job->identity);
    }
    free(job);
}

/* --- the whole --- */

/* The image is the one the agent names, else the running executable (spec inference-api §2.3). */
static void choose_image_digest(struct pml_attestation *a)
{
    const char *hash = pml_platform_describe(a->options.platform)->os_image_hash;
    if (!hash || !pml_unhex_lower(a->image_digest, sizeof a->image_digest, hash, strlen(hash)))
        memcpy(a->image_digest, a->options.workload->build_digest, sizeof a->image_digest);
}

struct pml_attestation *pml_attestation_new(const struct pml_attestation_options *options, struct pml_error *err)
{
    struct pml_attestation *a = calloc(1, sizeof *a);
    if (!a)
        return pml_fail_memory(err);
    a->options = *options;
    choose_image_digest(a);
    renew_collateral(a);
    a->workers = pml_workers_new(1, WAITING_LIMIT, run_job, err);
    if (!a->workers) {
        pml_attestation_free(a);
        return NULL;
    }
    return a;
}

void pml_attestation_free(struct pml_attestation *a)
{
    if (!a)
        return;
    if (a->workers)
        pml_workers_free(a->workers);
    drop_cache(a);
    json_decref(a->collateral);
    free(a);
}

static bool submit(struct pml_attestation *a, const struct job *job)
{
    struct job *copy = malloc(sizeof *copy);
    if (!copy)
        return false;
    *copy = *job;
    copy->attestation = a;
    if (pml_workers_put(a->workers, copy))
        return true;
    free(copy);
    return false;
}

bool pml_attestation_report(struct pml_attestation *a, struct pml_identity *identity, const uint8_t *nonce,
                            pml_attestation_done done, void *arg)
{
    struct job job = { .identity = pml_identity_ref(identity), .has_nonce = nonce, .done = done, .arg = arg };
    if (nonce)
        memcpy(job.nonce, nonce, sizeof job.nonce);
    if (submit(a, &job))
        return true;
    pml_identity_unref(identity);
    return false;
}

void pml_attestation_refresh(struct pml_attestation *a)
{
    struct job job = { 0 };
    if (!submit(a, &job))
        pml_log(PML_LOG_WARN, "serve.collateral", "renewal=put_off");
}
