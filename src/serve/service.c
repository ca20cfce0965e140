/* SPDX-License-Identifier: MIT */
/* The parts of a service put together, renewed and taken apart. */
#include "serve/service.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/time.h"
#include "serve/api.h"
#include "serve/completion.h"
#include "tdx/platform.h"

#define WORKERS      2
#define WORKER_QUEUE 1024
#define HOUR_MS      3600000u
#define GRACE_MS     2000u  /* for running requests to end by themselves when stopping */
#define DRAIN_MS     10000u /* for clients to take their answers */

/* --- threads --- */

void pml_service_post(struct pml_service *service, void (*fn)(void *arg), void *arg)
{
    while (!pml_loop_post(service->loop, fn, arg))
        usleep(1000);
}

static void task_done(void *arg)
{
    struct pml_task *task = arg;
    task->done(task);
}

static void run_task(void *job)
{
    struct pml_task *task = job;
    task->work(task);
    pml_service_post(task->service, task_done, task);
}

bool pml_service_task(struct pml_service *service, struct pml_task *task)
{
    task->service = service;
    return pml_workers_put(service->workers, task);
}

/* --- identity: a new one is attested and its report stored before it is used --- */

struct renewal {
    struct pml_task task;
    struct pml_identity *identity;
    bool failed;
};

static void renewal_end(struct pml_service *service, struct renewal *r)
{
    service->renewing = false;
    pml_identity_unref(r->identity);
    free(r);
}

static void adopt(void *arg)
{
    struct renewal *r = arg;
    struct pml_service *s = r->task.service;
    struct pml_error err;
    if (!r->failed && pml_tls_server_set(s->tls, r->identity->tls_key, r->identity->certificate, &err)) {
        pml_identity_unref(s->identity);
        s->identity = pml_identity_ref(r->identity);
        pml_log(PML_LOG_INFO, "serve.keyset", "digest=%s not_after=%lld", s->identity->digest,
                (long long)s->identity->keyset.not_after);
        if (!pml_identity_publish(s->identity, s->options.state_dir, &err))
            pml_log_error(PML_LOG_WARN, "serve.certificate", &err);
    } else {
        pml_log(PML_LOG_ERROR, "serve.keyset", "renewal=failed");
    }
    renewal_end(s, r);
}

static void renewal_stored(void *arg, struct pml_store_answer *answer)
{
    struct renewal *r = arg;
    r->failed = answer->error;
    if (answer->error)
        pml_log_error(PML_LOG_ERROR, "serve.keyset", answer->error);
    pml_service_post(r->task.service, adopt, r);
}

static void renewal_attested(void *arg, char **report, size_t size, const struct pml_error *err)
{
    struct renewal *r = arg;
    struct pml_service *s = r->task.service;
    if (err)
        pml_log_error(PML_LOG_ERROR, "serve.quote", err);
    else if (pml_store_put_keyset(s->store, r->identity->keyset.digest, *report, size, renewal_stored, r))
        return;
    r->failed = true;
    pml_service_post(s, adopt, r);
}

static void renewal_work(struct pml_task *task)
{
    struct renewal *r = (struct renewal *)task;
    struct pml_error err;
    r->identity = pml_identity_renew(&task->service->identity_options, pml_now(), &err);
    if (!r->identity)
        pml_log_error(PML_LOG_ERROR, "serve.keyset", &err);
}

static void renewal_made(struct pml_task *task)
{
    struct renewal *r = (struct renewal *)task;
    if (r->identity && pml_attestation_report(task->service->attestation, r->identity, NULL, renewal_attested, r))
        return;
    r->failed = true;
    adopt(r);
}

void pml_service_renew(struct pml_service *s)
{
    if (s->renewing || s->stopping)
        return;
    struct renewal *r = calloc(1, sizeof *r);
    if (!r)
        return;
    r->task = (struct pml_task){ .work = renewal_work, .done = renewal_made };
    s->renewing = true;
    if (!pml_service_task(s, &r->task))
        renewal_end(s, r);
}

static void on_hour(void *arg)
{
    struct pml_service *s = arg;
    int64_t now = pml_now();
    if (pml_identity_is_due(s->identity, now))
        pml_service_renew(s);
    pml_attestation_refresh(s->attestation);
    pml_timer_start(s->hourly, HOUR_MS);
}

/* --- stopping --- */

void pml_service_check_stop(struct pml_service *s)
{
    if (s->drained && !s->completions)
        pml_loop_stop(s->loop);
}

static void on_drained(void *arg)
{
    struct pml_service *s = arg;
    s->drained = true;
    pml_completion_cancel_all(s);
    pml_service_check_stop(s);
}

static void on_grace_over(void *arg)
{
    pml_completion_cancel_all(arg);
}

/* The first signal lets running requests end, for a while; the second cuts them. */
static void on_stop_signal(void *arg, int signal_number)
{
    struct pml_service *s = arg;
    (void)signal_number;
    if (!s->http)
        return;
    if (s->stopping) {
        pml_completion_cancel_all(s);
        return;
    }
    s->stopping = true;
    pml_log(PML_LOG_INFO, "serve.stopping", "requests=%s", s->completions ? "some" : "none");
    pml_timer_start(s->grace, GRACE_MS);
    pml_http_server_drain(s->http, DRAIN_MS, on_drained, s);
}

static void on_renew_signal(void *arg, int signal_number)
{
    (void)signal_number;
    pml_service_renew(arg);
}

/* --- opening, in the order of dependence --- */

static bool open_access(struct pml_service *s, struct pml_error *err)
{
    const struct pml_service_options *o = &s->options;
    s->tenants = pml_tenants_load(o->token_file, err);
    if (!s->tenants)
        return pml_wrap(err, "tokens");
    if (!pml_tenants_are_listed(s->tenants) && !o->allow_anonymous && !pml_address_is_loopback(&o->listen))
        return pml_fail(err, PML_USAGE, "anonymous",
                        "others can reach this address: give --api-token-file, or --allow-anonymous");
    bool simulated = pml_platform_describe(o->platform)->simulated;
    double rate = o->report_rate > 0 ? o->report_rate : simulated ? 200 : 2;
    s->rate = pml_rate_new(rate, 5 * rate, err);
    return s->rate;
}

static bool open_store(struct pml_service *s, struct pml_error *err)
{
    char path[4096];
    struct pml_store_options options = {
        .path = pml_path(path, s->options.state_dir, "store.db"),
        .retention = s->options.receipt_retention ? s->options.receipt_retention : PML_STORE_RETENTION,
        .max_size = s->options.receipt_store_max ? s->options.receipt_store_max : PML_STORE_MAX,
        .sync_full = s->options.receipt_sync_full,
    };
    s->store = pml_store_open(&options, err);
    return s->store;
}

static bool open_identity(struct pml_service *s, struct pml_error *err)
{
    const struct pml_platform_facts *facts = pml_platform_describe(s->options.platform);
    size_t count = 0;
    for (; count < s->options.domain_count && count < PML_COUNT(s->names) - 1; count++)
        s->names[count] = s->options.domains[count];
    pml_address_host(s->listen_host, &s->options.listen);
    bool named = strcmp(s->listen_host, "unix") != 0 && strcmp(s->listen_host, "0.0.0.0") != 0 &&
                 strcmp(s->listen_host, "::") != 0;
    if (named)
        s->names[count++] = s->listen_host;
    if (facts->app_id)
        snprintf(s->subject, sizeof s->subject, "dstack-app://%s", facts->app_id);
    s->identity_options = (struct pml_identity_options){
        .state_dir = s->options.state_dir,
        .keep = facts->simulated,
        .subject = facts->app_id ? s->subject : NULL,
        .names = s->names,
        .name_count = count,
    };
    s->identity = pml_identity_open(&s->identity_options, pml_now(), err);
    return s->identity;
}

/* The first report is made and stored before anything listens: what follows are answers on a queue. */
struct first {
    struct pml_service *service;
    struct pml_queue *answered;
    struct pml_error err;
    bool failed;
};

static void first_end(struct first *first, const struct pml_error *err)
{
    first->failed = err;
    if (err)
        first->err = *err;
    while (!pml_queue_put(first->answered, first))
        usleep(1000);
}

static void first_stored(void *arg, struct pml_store_answer *answer)
{
    first_end(arg, answer->error);
}

static void first_made(void *arg, char **report, size_t size, const struct pml_error *err)
{
    struct first *first = arg;
    struct pml_service *s = first->service;
    if (err) {
        first_end(first, err);
    } else if (!pml_store_put_keyset(s->store, s->identity->keyset.digest, *report, size, first_stored, first)) {
        struct pml_error why;
        pml_fail_memory(&why);
        first_end(first, &why);
    }
}

static bool attest_first(struct pml_service *s, struct pml_error *err)
{
    struct first first = { .service = s, .answered = pml_queue_new(0, err) };
    if (!first.answered)
        return false;
    bool asked = pml_attestation_report(s->attestation, s->identity, NULL, first_made, &first);
    if (asked)
        (void)pml_queue_get(first.answered);
    pml_queue_free(first.answered);
    if (!asked)
        return pml_fail_memory(err);
    if (first.failed)
        *err = first.err;
    return !first.failed || pml_wrap(err, "first report");
}

static bool open_attestation(struct pml_service *s, struct pml_error *err)
{
    struct pml_attestation_options options = {
        .platform = s->options.platform,
        .workload = s->options.workload,
        .cache_seconds = s->options.report_cache < 0 ? 600 : (unsigned)s->options.report_cache,
        .source = s->options.source,
    };
    s->attestation = pml_attestation_new(&options, err);
    return s->attestation && attest_first(s, err);
}

static bool open_engine(struct pml_service *s, struct pml_error *err)
{
    if (!s->options.scheduler.slots)
        s->options.scheduler.slots = 8;
    s->scheduler = pml_scheduler_new(s->options.workload->model, &s->options.scheduler, err);
    s->workers = s->scheduler ? pml_workers_new(WORKERS, WORKER_QUEUE, run_task, err) : NULL;
    return s->workers;
}

static bool open_server(struct pml_service *s, struct pml_error *err)
{
    struct pml_http_handler handler = pml_api_handler(s);
    struct pml_http_limits limits = { 0 };
    s->tls = pml_tls_server_new(s->identity->tls_key, s->identity->certificate, err);
    s->http = s->tls ? pml_http_server_new(s->loop, &handler, &limits, err) : NULL;
    s->hourly = s->http ? pml_timer_new(s->loop, on_hour, s, err) : NULL;
    s->grace = s->hourly ? pml_timer_new(s->loop, on_grace_over, s, err) : NULL;
    return s->grace && pml_loop_on_signal(s->loop, SIGINT, on_stop_signal, s, err) &&
           pml_loop_on_signal(s->loop, SIGTERM, on_stop_signal, s, err) &&
           pml_loop_on_signal(s->loop, SIGHUP, on_renew_signal, s, err) &&
           pml_identity_publish(s->identity, s->options.state_dir, err) &&
           pml_http_server_listen(s->http, &s->options.listen, s->tls, 0600, &s->bound, err);
}

struct pml_service *pml_service_new(const struct pml_service_options *options, struct pml_error *err)
{
    struct pml_service *s = calloc(1, sizeof *s);
    if (!s)
        return pml_fail_memory(err);
    s->options = *options;
    s->loop = pml_loop_new(err);
    if (s->loop && open_access(s, err) && open_store(s, err) && open_identity(s, err) && open_attestation(s, err) &&
        open_engine(s, err) && open_server(s, err)) {
        pml_timer_start(s->hourly, HOUR_MS);
        return s;
    }
    pml_service_free(s);
    return NULL;
}

bool pml_service_run(struct pml_service *s, struct pml_error *err)
{
    return pml_loop_run(s->loop, err);
}

static void stop_loop(void *arg)
{
    struct pml_service *s = arg;
    pml_loop_stop(s->loop);
}

/* Runs what other threads have posted so far. */
static void run_posted(struct pml_service *s)
{
    struct pml_error ignored;
    if (s->loop && pml_loop_post(s->loop, stop_loop, s))
        (void)!pml_loop_run(s->loop, &ignored);
}

/* Connections go first, then those that post to the loop, each followed by what it posted while the next is there. */
void pml_service_free(struct pml_service *s)
{
    if (!s)
        return;
    s->stopping = true;
    pml_timer_free(s->hourly);
    pml_timer_free(s->grace);
    pml_http_server_free(s->http);
    s->http = NULL;
    if (s->workers)
        pml_workers_free(s->workers);
    run_posted(s);
    pml_attestation_free(s->attestation);
    run_posted(s);
    pml_scheduler_free(s->scheduler);
    run_posted(s);
    pml_store_close(s->store);
    run_posted(s);
    pml_tls_server_free(s->tls);
    pml_loop_free(s->loop);
    pml_identity_unref(s->identity);
    pml_rate_free(s->rate);
    pml_tenants_free(s->tenants);
    free(s);
}
