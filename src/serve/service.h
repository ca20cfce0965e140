/* SPDX-License-Identifier: MIT */
/*
 * The service: everything one pml-serve process holds, owned by the loop's thread. What runs elsewhere (engine, store,
 * quotes, preparation of requests) is reached through the members and comes back by pml_loop_post.
 */
#ifndef PML_SERVE_SERVICE_H
#define PML_SERVE_SERVICE_H

#include "engine/scheduler.h"
#include "net/http_server.h"
#include "serve/attestation.h"
#include "serve/identity.h"
#include "serve/rate.h"
#include "serve/store.h"
#include "serve/tenants.h"
#include "serve/workload.h"

struct pml_completion;
struct pml_workers;
struct pml_platform;
struct pml_source;

struct pml_service_options {       /* borrowed; zero and NULL are defaults unless said otherwise */
    const char *state_dir;         /* held by the caller; required */
    struct pml_platform *platform; /* required */
    struct pml_workload *workload; /* required; measured before */
    struct pml_source *source;     /* of collateral on a real platform; NULL: it is not fetched */
    struct pml_address listen;     /* required */
    const char *const *domains;    /* names of the certificate */
    size_t domain_count;
    const char *token_file;
    bool allow_anonymous; /* no tokens on an address that others can reach */
    struct pml_scheduler_options scheduler;
    int64_t receipt_retention;
    uint64_t receipt_store_max;
    bool receipt_sync_full;
    int report_cache;   /* seconds; -1: 600 */
    double report_rate; /* a second and client; 0: 2, on a simulated platform 200 */
};

struct pml_service {
    struct pml_service_options options;
    struct pml_loop *loop;
    struct pml_http_server *http; /* NULL once the connections are closed for good */
    struct pml_tls_server *tls;
    struct pml_scheduler *scheduler;
    struct pml_store *store;
    struct pml_attestation *attestation;
    struct pml_tenants *tenants;
    struct pml_rate *rate;
    struct pml_workers *workers; /* that prepare requests and renew identities */

    struct pml_identity *identity; /* of the moment */
    struct pml_identity_options identity_options;
    const char *names[64]; /* of the certificate */
    char listen_host[PML_ADDRESS_TEXT], subject[64];
    struct pml_address bound;

    struct pml_completion *completions; /* that have not ended */
    size_t preparing, preparing_size;   /* requests on the workers, and bytes of their bodies */
    struct pml_timer *hourly, *grace;
    bool renewing, stopping, drained;
};

/*
 * Opens the parts in the order of dependence, binds the port last, and serves once pml_service_run is called. Codes of
 * the parts; PML_USAGE "anonymous": no tokens on an address that others can reach. Writes STATE/tls.crt.
 */
PML_CHECKED
struct pml_service *pml_service_new(const struct pml_service_options *options, struct pml_error *err);
/* Serves until SIGINT or SIGTERM. SIGHUP renews the identity. */
PML_CHECKED
bool pml_service_run(struct pml_service *service, struct pml_error *err);
void pml_service_free(struct pml_service *service);

/* Runs on a worker, then on the loop. False: too many wait; JOB is still the caller's. */
struct pml_task {
    void (*work)(struct pml_task *task);
    void (*done)(struct pml_task *task);
    struct pml_service *service;
};
PML_CHECKED
bool pml_service_task(struct pml_service *service, struct pml_task *task);
/* pml_loop_post that waits for memory rather than lose what it carries. Not for the loop's own thread. */
void pml_service_post(struct pml_service *service, void (*fn)(void *arg), void *arg);

/* Begins a renewal unless one runs. */
void pml_service_renew(struct pml_service *service);
/* A completion has ended: when stopping, the loop may stop. */
void pml_service_check_stop(struct pml_service *service);

#endif
