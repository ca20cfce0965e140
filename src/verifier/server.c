/* SPDX-License-Identifier: MIT */
/* Routes, workers and the end of the verification service. */
#include "verifier/server.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/queue.h"
#include "base/time.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "verifier/metrics.h"

#define QUEUE_DEFAULT 64
#define DRAIN_MS      10000u
#define JSON_TYPE     "application/json"

struct pml_verifier {
    const struct pml_judge *judge;
    struct pml_loop *loop;
    struct pml_http_server *http; /* NULL once the connections are closed for good */
    struct pml_workers *workers;
    struct pml_address bound;
    struct pml_metrics metrics;
    size_t waiting_max;
    bool stopping;
};

/* A request on its way through a worker, which sees nothing of the connection but the handle. */
struct job {
    struct pml_verifier *verifier;
    struct pml_http_handle handle;
    enum pml_metrics_route route;
    char *body;
    size_t size;
    int64_t begun_ms;
    struct pml_answer answer;
};

/* --- answers --- */

static void respond(struct pml_verifier *v, struct pml_http_handle handle, unsigned status, const char *type,
                    const void *body, size_t size, const struct pml_http_header *header)
{
    struct pml_http_response response = { .status = status,
                                          .content_type = type,
                                          .headers = header,
                                          .header_count = header ? 1 : 0,
                                          .body = body,
                                          .body_size = size };
    (void)pml_http_respond(v->http, handle, &response); /* false: the client has gone */
}

static void respond_error(struct pml_verifier *v, struct pml_http_handle handle, unsigned status, const char *code,
                          const char *message, const struct pml_http_header *header)
{
    struct pml_answer answer;
    pml_answer_error(&answer, status, code, message);
    respond(v, handle, answer.status, JSON_TYPE, answer.body, answer.size, header);
    free(answer.body);
}

static void turn_away(struct pml_verifier *v, struct pml_http_handle handle)
{
    static const struct pml_http_header retry = { "Retry-After", "1" };
    v->metrics.turned_away++;
    pml_log_limited(PML_LOG_WARN, "verifier.busy", "waiting=%zu", v->metrics.waiting);
    respond_error(v, handle, 503, "busy", "too many requests are waiting", &retry);
}

/* --- work --- */

static void job_free(struct job *job)
{
    free(job->body);
    free(job->answer.body);
    free(job);
}

/* On the loop. */
static void job_done(void *arg)
{
    struct job *job = arg;
    struct pml_verifier *v = job->verifier;
    v->metrics.waiting--;
    pml_metrics_answered(&v->metrics, job->route, job->answer.outcome,
                         (double)(pml_monotonic_ms() - job->begun_ms) / 1e3);
    if (v->http)
        respond(v, job->handle, job->answer.status, JSON_TYPE, job->answer.body, job->answer.size, NULL);
    job_free(job);
}

/* On a worker. */
static void job_run(void *arg)
{
    struct job *job = arg;
    void (*judge)(const struct pml_judge *, const char *, size_t, int64_t, struct pml_answer *) =
        job->route == PML_ROUTE_VERIFY ? pml_judge_dstack : pml_judge_quote;
    judge(job->verifier->judge, job->body, job->size, pml_now(), &job->answer);
    while (!pml_loop_post(job->verifier->loop, job_done, job)) /* wait for memory rather than lose the answer */
        usleep(1000);
}

static void begin_job(struct pml_verifier *v, struct pml_http_request *request, enum pml_metrics_route route)
{
    struct job *job = calloc(1, sizeof *job);
    if (!job) {
        turn_away(v, request->handle);
        return;
    }
    *job = (struct job){ .verifier = v,
                         .handle = request->handle,
                         .route = route,
                         .size = request->body_size,
                         .begun_ms = pml_monotonic_ms() };
    job->body = (char *)pml_http_take_body(v->http, request);
    if (job->body && v->metrics.waiting < v->waiting_max && pml_workers_put(v->workers, job)) {
        v->metrics.waiting++;
        return;
    }
    job_free(job);
    turn_away(v, request->handle);
}

/* --- routes --- */

static void post_verify(struct pml_verifier *v, struct pml_http_request *request)
{
    begin_job(v, request, PML_ROUTE_VERIFY);
}

static void post_quote(struct pml_verifier *v, struct pml_http_request *request)
{
    begin_job(v, request, PML_ROUTE_QUOTE);
}

static void get_health(struct pml_verifier *v, struct pml_http_request *request)
{
    static const char body[] = "{\"status\":\"ok\",\"service\":\"dstack-verifier\"}"; /* the reference's name */
    respond(v, request->handle, 200, JSON_TYPE, body, sizeof body - 1, NULL);
}

static void get_metrics(struct pml_verifier *v, struct pml_http_request *request)
{
    PML_AUTO(buf) struct pml_buf body = { 0 };
    pml_metrics_put(&v->metrics, &body);
    if (body.failed)
        respond_error(v, request->handle, 500, "internal", "out of memory", NULL);
    else
        respond(v, request->handle, 200, PML_METRICS_TYPE, body.bytes, body.size, NULL);
}

static const struct route {
    const char *path;
    bool post;
    void (*run)(struct pml_verifier *v, struct pml_http_request *request);
} routes[] = {
    { "/verify", true, post_verify },
    { "/v1/quote", true, post_quote },
    { "/health", false, get_health },
    { "/metrics", false, get_metrics },
};

/* The route of a request; NULL: it has been answered with what is wrong about it. */
static const struct route *find_route(struct pml_verifier *v, const struct pml_http_request *request)
{
    for (size_t i = 0; i < PML_COUNT(routes); i++) {
        const struct route *route = &routes[i];
        if (strcmp(request->path, route->path) != 0)
            continue;
        bool head = !strcmp(request->method, "HEAD") || !strcmp(request->method, "GET");
        if (route->post ? !strcmp(request->method, "POST") : head)
            return route;
        struct pml_http_header allow = { "Allow", route->post ? "POST" : "GET, HEAD" };
        respond_error(v, request->handle, 405, "method_not_allowed", "this path takes another method", &allow);
        return NULL;
    }
    respond_error(v, request->handle, 404, "not_found", "no such path", NULL);
    return NULL;
}

/* Turns away before the body comes what would be turned away after it. */
static void admit(void *arg, const struct pml_http_request *request)
{
    struct pml_verifier *v = arg;
    const struct route *route = find_route(v, request);
    if (route && route->post && v->metrics.waiting >= v->waiting_max)
        turn_away(v, request->handle);
}

static void on_request(void *arg, struct pml_http_request *request)
{
    struct pml_verifier *v = arg;
    const struct route *route = find_route(v, request);
    if (route)
        route->run(v, request);
}

static const char *error_body(void *arg, unsigned status, const char *text, struct pml_buf *body)
{
    struct pml_answer answer;
    (void)arg;
    pml_answer_error(&answer, status, "http", text);
    if (answer.body)
        pml_put_bytes(body, answer.body, answer.size);
    free(answer.body);
    return JSON_TYPE;
}

/* --- beginning and end --- */

static void on_drained(void *arg)
{
    struct pml_verifier *v = arg;
    pml_loop_stop(v->loop);
}

static void on_stop_signal(void *arg, int signal_number)
{
    struct pml_verifier *v = arg;
    (void)signal_number;
    if (v->stopping) {
        pml_loop_stop(v->loop);
        return;
    }
    v->stopping = true;
    pml_log(PML_LOG_INFO, "verifier.stopping", "waiting=%zu", v->metrics.waiting);
    pml_http_server_drain(v->http, DRAIN_MS, on_drained, v);
}

static bool open_server(struct pml_verifier *v, const struct pml_verifier_options *options, struct pml_error *err)
{
    struct pml_http_handler handler = { .admit = admit, .request = on_request, .error_body = error_body, .arg = v };
    struct pml_http_limits limits = { .body_size = PML_VERIFIER_BODY_MAX,
                                      .bodies_size = (v->waiting_max + 16) * PML_VERIFIER_BODY_MAX };
    v->http = pml_http_server_new(v->loop, &handler, &limits, err);
    return v->http && pml_loop_on_signal(v->loop, SIGINT, on_stop_signal, v, err) &&
           pml_loop_on_signal(v->loop, SIGTERM, on_stop_signal, v, err) &&
           pml_http_server_listen(v->http, &options->listen, NULL, 0600, &v->bound, err);
}

struct pml_verifier *pml_verifier_new(const struct pml_verifier_options *options, struct pml_error *err)
{
    struct pml_verifier *v = calloc(1, sizeof *v);
    if (!v)
        return pml_fail_memory(err);
    size_t queue = options->queue ? options->queue : QUEUE_DEFAULT;
    v->judge = options->judge;
    v->waiting_max = options->workers + queue;
    v->loop = pml_loop_new(err);
    v->workers = v->loop ? pml_workers_new(options->workers, v->waiting_max, job_run, err) : NULL;
    if (v->workers && open_server(v, options, err))
        return v;
    pml_verifier_free(v);
    return NULL;
}

const struct pml_address *pml_verifier_bound(const struct pml_verifier *verifier)
{
    return &verifier->bound;
}

bool pml_verifier_run(struct pml_verifier *verifier, struct pml_error *err)
{
    return pml_loop_run(verifier->loop, err);
}

/* Connections go first; jobs that are still at work post to the loop, which runs what was posted when it is freed. */
void pml_verifier_free(struct pml_verifier *v)
{
    if (!v)
        return;
    pml_http_server_free(v->http);
    v->http = NULL;
    if (v->workers)
        pml_workers_free(v->workers);
    pml_loop_free(v->loop);
    free(v);
}
