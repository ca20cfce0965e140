/* SPDX-License-Identifier: MIT */
/*
 * The providers for real TDs against stand-ins: a fake configfs tree, a fake quote service, a fake guest agent. No TDX
 * hardware is involved.
 */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/encode.h"
#include "base/json.h"
#include "fake_td.h"
#include "tdx/event_log.h"
#include "tdx/platform.h"
#include "tdx/platform/configfs.h"
#include "tdx/platform/provider.h"
#include "tdx/platform/runtime_log.h"
#include "tdx/platform/tdx_guest.h"
#include "tdx/platform/unix_http.h"
#include "tdx/quote.h"

static struct pml_error err;
static struct fake_td td;
static char run_dir[128], ccel_path[128];

/* A CCEL with one separator in RTMR0. */
static void write_ccel(void)
{
    PML_AUTO(buf) struct pml_buf out = { 0 };
    uint8_t digest[48];
    memset(digest, 0x11, sizeof digest);
    pml_put_u32le(&out, 1);
    pml_put_u32le(&out, 3);
    pml_put_zero(&out, 20);
    pml_put_u32le(&out, 0); /* no Spec ID data */
    pml_put_u32le(&out, 1); /* RTMR0 */
    pml_put_u32le(&out, 4);
    pml_put_u32le(&out, 1);
    pml_put_u16le(&out, 0x0c);
    pml_put_bytes(&out, digest, sizeof digest);
    pml_put_u32le(&out, 4);
    pml_put_u32le(&out, 0);
    pml_put_u32le(&out, 0xffffffff);
    assert_true(pml_write_file(ccel_path, out.bytes, out.size, 0600, &err));
    pml_rtmr_extend(td.rtmr[0], digest);
}

static int start_td(void **state)
{
    (void)state;
    fake_td_start(&td);
    snprintf(run_dir, sizeof run_dir, "%s/run", td.dir);
    snprintf(ccel_path, sizeof ccel_path, "%s/CCEL", td.dir);
    write_ccel();
    setenv("DCAP_TDX_QUOTE_CONFIGFS_PATH", td.entry, 1);
    setenv("DCAP_TDX_RTMR_SYSFS_PATH", td.measurements, 1);
    setenv("DSTACK_CCEL_FILE", ccel_path, 1);
    return 0;
}

static int stop_td(void **state)
{
    (void)state;
    fake_td_stop(&td);
    unsetenv("DCAP_TDX_QUOTE_CONFIGFS_PATH");
    unsetenv("DCAP_TDX_RTMR_SYSFS_PATH");
    unsetenv("DSTACK_CCEL_FILE");
    return 0;
}

static struct pml_platform *open_direct(void)
{
    static const struct pml_platform_model model = {
        "demo", "sha256:0000000000000000000000000000000000000000000000000000000000000001"
    };
    const struct pml_platform_options options = { .models = &model, .model_count = 1 };
    return pml_direct_open(&options, run_dir, &err);
}

static void selection_depends_on_where_one_is(void **state)
{
    (void)state;
    const struct pml_platform_options simulated = { .state_dir = td.dir, .simulated = true };
    const struct pml_platform_options real = { .state_dir = td.dir };
    char path[4096];
    assert_true(pml_platform_in_td());
    assert_null(pml_platform_open(&simulated, &err));
    assert_int_equal(err.kind, PML_USAGE);
    assert_non_null(strstr(err.text, "a simulated quote is never made where a real one can be"));

    assert_true(pml_write_file(pml_path(path, td.entry, "provider"), "sev_guest\n", 10, 0600, &err));
    assert_false(pml_platform_in_td());
    assert_null(pml_platform_open(&real, &err));
    assert_int_equal(err.kind, PML_UNKNOWN);
    assert_string_equal(err.text, "no TDX platform here; --simulated runs a labelled simulation");
    PML_AUTO(platform) struct pml_platform *p = pml_platform_open(&simulated, &err);
    assert_true(pml_platform_describe(p)->simulated);

    setenv("DCAP_TDX_QUOTE_CONFIGFS_PATH", "relative", 1);
    assert_false(pml_platform_in_td());
}

static void configfs_gives_the_quote_asked_for(void **state)
{
    (void)state;
    PML_AUTO(platform) struct pml_platform *p = open_direct();
    assert_string_equal(pml_platform_describe(p)->provider, "configfs-tsm");
    assert_string_equal(pml_platform_describe(p)->platform, "tdx");
    assert_false(pml_platform_describe(p)->simulated);
    for (uint8_t i = 0; i < 3; i++) {
        uint8_t report_data[64];
        size_t size;
        struct pml_quote quote;
        memset(report_data, 0xc0 + i, sizeof report_data);
        PML_AUTO(mem) uint8_t *bytes = pml_platform_quote(p, report_data, &size, &err);
        if (!bytes)
            fail_msg("%s", err.text);
        assert_true(pml_quote_parse(&quote, bytes, size, &err));
        assert_int_equal(quote.size, size); /* without the padding */
        assert_memory_equal(quote.td.report_data, report_data, 64);
    }
    char *bundle = run_dir;
    assert_true(pml_platform_collateral(p, &bundle, &err));
    assert_null(bundle);
}

static void configfs_faults_are_errors(void **state)
{
    (void)state;
    static const struct {
        enum fake_fault fault;
        const char *error;
    } cases[] = { { FAKE_FOREIGN_GENERATION, "generation went from 0 to 2" },
                  { FAKE_SHORT, "1020 bytes are no quote" },
                  { FAKE_LARGE, "larger than 8191 bytes" },
                  { FAKE_OTHER_REPORT_DATA, "not for the report data that was given" } };
    static const uint8_t report_data[64];
    PML_AUTO(platform) struct pml_platform *p = open_direct();
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        size_t size;
        td.fault = cases[i].fault;
        assert_null(pml_platform_quote(p, report_data, &size, &err));
        assert_int_equal(err.kind, PML_UNKNOWN);
        if (!strstr(err.text, cases[i].error))
            fail_msg("wanted %s, got %s", cases[i].error, err.text);
    }
}

static size_t read_log(struct pml_platform *p, struct pml_event_log *log)
{
    PML_AUTO(mem) char *text = pml_platform_event_log(p, &err);
    if (!text || !pml_event_log_parse(log, text, strlen(text), &err))
        fail_msg("%s", err.text);
    return log->count;
}

static void the_first_extension_boots_and_a_restart_goes_on(void **state)
{
    (void)state;
    uint8_t rtmr[4][48];
    PML_AUTO(platform) struct pml_platform *p = open_direct();
    PML_AUTO(event_log) struct pml_event_log before = { 0 }, log = { 0 }, more = { 0 };
    assert_int_equal(read_log(p, &before), 1); /* a quote alone measures nothing */
    if (!pml_platform_extend(p, "model-measured", "m", 1, &err) ||
        !pml_platform_extend(p, "engine-measured", "e", 1, &err))
        fail_msg("%s", err.text);
    assert_int_equal(read_log(p, &log), 1 + 7 + 2);
    assert_string_equal(log.events[1].event, "system-preparing");
    assert_string_equal(log.events[7].event, "system-ready");
    assert_true(pml_platform_rtmrs(p, rtmr, &err));
    assert_true(pml_event_log_check(&log, rtmr, &err));
    assert_non_null(pml_event_log_boot(&log, "compose-hash", &err));

    PML_AUTO(platform) struct pml_platform *again = open_direct();
    assert_string_equal(pml_platform_describe(again)->app_compose, pml_platform_describe(p)->app_compose);
    assert_true(pml_platform_extend(again, "model-measured", "m", 1, &err));
    assert_int_equal(read_log(again, &more), 1 + 7 + 3);
    assert_true(pml_platform_rtmrs(again, rtmr, &err));
    assert_true(pml_event_log_check(&more, rtmr, &err));
}

static void a_register_that_cannot_be_extended_stops_the_start(void **state)
{
    (void)state;
    PML_AUTO(platform) struct pml_platform *p = open_direct();
    PML_AUTO(event_log) struct pml_event_log log = { 0 };
    setenv("DCAP_TDX_RTMR_SYSFS_PATH", "/nonexistent", 1);
    assert_false(pml_platform_extend(p, "model-measured", "m", 1, &err));
    assert_string_equal(err.code, "cannot_extend");
    assert_int_equal(err.kind, PML_UNKNOWN);
    assert_non_null(strstr(err.text, "/nonexistent/rtmr3:sha384: No such file or directory"));
    assert_int_equal(read_log(p, &log), 1);
}

static void a_register_that_the_log_does_not_explain_is_not_extended(void **state)
{
    (void)state;
    uint8_t before[4][48], after[4][48];
    PML_AUTO(platform) struct pml_platform *p = open_direct();
    const uint8_t stray[48] = { 1 };
    assert_true(pml_tdx_extend_rtmr3(stray, &err));
    assert_true(pml_platform_rtmrs(p, before, &err));
    assert_false(pml_platform_extend(p, "model-measured", "m", 1, &err));
    assert_string_equal(err.code, "cannot_extend");
    assert_non_null(strstr(err.text, "rtmr3 does not follow from the runtime log"));
    assert_true(pml_platform_rtmrs(p, after, &err));
    assert_memory_equal(before, after, sizeof before);
}

static void damaged_runtime_logs_are_refused_by_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } cases[] = { { "{\"event\":\"a\",\"payload\":\"\"}\n{\"event\":\"b\"", "line 2: cut off" },
                  { "{\"event\":\"a\",\"payload\":\"!\"}\n", "line 1: payload is not base64" },
                  { "{\"event\":\"a\"}\n", "line 1: " },
                  { "{\"event\":\"a\",\"payload\":\"\",\"version\":3}\n", "line 1: version out of range" },
                  { "{\"event\":\"a\",\"payload\":\"\"}\n", "no event compose-hash before system-ready" } };
    char path[4096];
    PML_AUTO(fd) int lock = pml_runtime_log_lock(run_dir, &err);
    close(pml_fd_take(&lock));
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        assert_true(pml_write_file(pml_path(path, run_dir, "runtime_events.log"), cases[i].text, strlen(cases[i].text),
                                   0600, &err));
        assert_null(open_direct());
        if (!strstr(err.text, cases[i].error))
            fail_msg("wanted %s, got %s", cases[i].error, err.text);
    }
}

static unsigned extensions;

static bool count_extension(const uint8_t digest[48], struct pml_error *unused)
{
    (void)digest;
    (void)unused;
    extensions++;
    return true;
}

/* A file size limit stands for a full disk. */
static void without_room_for_the_log_nothing_is_extended(void **state)
{
    (void)state;
    PML_AUTO(fd) int lock = pml_runtime_log_lock(run_dir, &err);
    assert_true(lock >= 0);
    assert_true(pml_runtime_log_extend(run_dir, "a", "1", 1, count_extension, &err));
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit limit = { 40, 40 };
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        bool refused = !pml_runtime_log_extend(run_dir, "b", "1", 1, count_extension, &err);
        _exit(refused && extensions == 1 ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    PML_AUTO(event_log) struct pml_event_log log = { 0 };
    assert_true(pml_runtime_log_read(&log, run_dir, &err));
    assert_int_equal(log.count, 1);
}

/* ---- quote service ---- */

static void serve_quote(int fd, const void *answer, size_t size)
{
    uint8_t request[4 + 1048];
    for (size_t got = 0; got < sizeof request;) {
        ssize_t part = read(fd, request + got, sizeof request - got);
        if (part <= 0)
            _exit(1);
        got += (size_t)part;
    }
    /* length 1048 big-endian; version 1.0, type 0, size 1048, error 0, report size 1024, no ids; the report */
    static const uint8_t head[28] = { 0, 0, 4, 0x18, 1, 0, 0, 0, 0, 0, 0, 0, 0x18, 4, 0, 0, 0, 0, 0, 0, 0, 4 };
    bool good = memcmp(request, head, sizeof head) == 0 && request[28] == 0x5a && request[1051] == 0x5a;
    if (!good || write(fd, answer, size) != (ssize_t)size)
        _exit(1);
    _exit(0);
}

/* Runs the exchange against a service in a child process. */
static uint8_t *exchange(const void *answer, size_t answer_size, size_t *size)
{
    int pair[2], status;
    uint8_t report[PML_TDREPORT_SIZE];
    memset(report, 0x5a, sizeof report);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    pid_t child = fork();
    if (child == 0) {
        close(pair[0]);
        serve_quote(pair[1], answer, answer_size);
    }
    close(pair[1]);
    uint8_t *quote = pml_qgs_exchange(pair[0], report, size, &err);
    close(pair[0]);
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    return quote;
}

static void the_quote_service_is_asked_and_bounded(void **state)
{
    (void)state;
#define HEAD(total, type, error) 0, 0, 0, total, 1, 0, 0, 0, type, 0, 0, 0, total, 0, 0, 0, error, 0, 0, 0
    static const uint8_t good[] = { HEAD(29, 1, 0), 2, 0, 0, 0, 3, 0, 0, 0, 'i', 'd', 'q', 'u', 'o' };
    static const uint8_t refused[] = { HEAD(24, 1, 5), 0, 0, 0, 0, 0, 0, 0, 0 };
    static const uint8_t other_type[] = { HEAD(24, 0, 0), 0, 0, 0, 0, 0, 0, 0, 0 };
    static const uint8_t overrun[] = { HEAD(24, 1, 0), 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff };
    static const uint8_t left_over[] = { HEAD(25, 1, 0), 0, 0, 0, 0, 0, 0, 0, 0, 0 };
    static const uint8_t too_large[] = { 0, 0, 0x40, 1 };
    static const uint8_t cut[] = { 0, 0, 0, 24, 1, 0 };
    static const struct {
        const uint8_t *answer;
        size_t size;
        const char *error;
    } cases[] = { { refused, sizeof refused, "quote service: error 0x5" },
                  { other_type, sizeof other_type, "quote service: not an answer to a quote request" },
                  { overrun, sizeof overrun, "quote service: 4294967295 bytes wanted" },
                  { left_over, sizeof left_over, "quote service: 1 " },
                  { too_large, sizeof too_large, "quote service: an answer of 16385 bytes" },
                  { cut, sizeof cut, "quote service closed the connection" } };
    size_t size;
    PML_AUTO(mem) uint8_t *quote = exchange(good, sizeof good, &size);
    if (!quote)
        fail_msg("%s", err.text);
    assert_int_equal(size, 3);
    assert_memory_equal(quote, "quo", 3);
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        assert_null(exchange(cases[i].answer, cases[i].size, &size));
        if (strncmp(err.text, cases[i].error, strlen(cases[i].error)) != 0)
            fail_msg("wanted %s, got %s", cases[i].error, err.text);
    }
}

static void the_port_of_the_quote_service_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned port; /* 0: none */
    } cases[] = { { "# comment\nport=4050\n", 4050 },
                  { "port = 5\n", 5 },
                  { "#port=1\n", 0 },
                  { "port=0\n", 0 },
                  { "port=12x\n", 0 },
                  { "", 0 } };
    char path[4096];
    pml_path(path, td.dir, "attest.conf");
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        unsigned port = 0;
        assert_true(pml_write_file(path, cases[i].text, strlen(cases[i].text), 0600, &err));
        assert_int_equal(pml_qgs_port(&port, path), cases[i].port != 0);
        if (cases[i].port)
            assert_int_equal(port, cases[i].port);
    }
}

/* ---- guest agent ---- */

static struct {
    char path[128];
    int fd;
    pthread_t thread;
    const char *info, *emit; /* whole HTTP responses */
    struct pml_event_log log;
    unsigned calls;
} agent;

static void reply(int fd, int status, const char *body)
{
    char head[160];
    int size =
        snprintf(head, sizeof head, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\ncontent-length: %zu\r\n\r\n",
                 status, strlen(body));
    if (write(fd, head, (size_t)size) != size || write(fd, body, strlen(body)) != (ssize_t)strlen(body))
        abort();
}

static void reply_quote(int fd, const char *request)
{
    static const char prefix[] = "{\"report_data\":\"";
    uint8_t report_data[64];
    size_t size;
    assert_int_equal(strncmp(request, prefix, strlen(prefix)), 0);
    assert_true(pml_unhex(report_data, 64, request + strlen(prefix), 128));
    PML_AUTO(mem) uint8_t *quote = fake_td_quote(&td, report_data, &size);
    PML_AUTO(mem) char *hex = malloc(2 * size + 1);
    /* As newer agents do: no digest for runtime events. */
    PML_AUTO(json) json_t *log = pml_event_log_json(&agent.log, true, &err);
    size_t at;
    json_t *event;
    json_array_foreach(log, at, event)
        json_object_set_new(event, "digest", json_string(""));
    PML_AUTO(mem) char *log_text = pml_json_dump(log, NULL, &err);
    PML_AUTO(json)
    json_t *object = json_pack("{s:s, s:s, s:s, s:s}", "quote", pml_hex(hex, quote, size), "event_log", log_text,
                               "report_data", "", "vm_config", "");
    PML_AUTO(mem) char *text = pml_json_dump(object, NULL, &err);
    reply(fd, 200, text);
}

static void reply_emit(int fd, const char *request)
{
    PML_AUTO(json) json_t *object = pml_json_load(request, strlen(request), &err);
    const char *hex = pml_json_text(object, "payload", &err);
    uint8_t payload[64];
    assert_true(pml_unhex(payload, strlen(hex) / 2, hex, strlen(hex)));
    assert_true(
        pml_event_log_add_runtime(&agent.log, 1, pml_json_text(object, "event", &err), payload, strlen(hex) / 2, &err));
    pml_rtmr_extend(td.rtmr[3], agent.log.events[agent.log.count - 1].digest);
    reply(fd, 200, "null");
}

/* One request; the scripted answer of its method if there is one. */
static void serve_agent(int fd)
{
    char request[4096] = { 0 };
    const char *body;
    for (size_t got = 0; !(body = strstr(request, "\r\n\r\n")) || request[got - 1] != '}';) {
        ssize_t part = read(fd, request + got, sizeof request - 1 - got);
        if (part <= 0)
            return;
        got += (size_t)part;
    }
    const char *scripted = NULL;
    agent.calls++;
    if (strncmp(request, "POST /Info HTTP/1.1\r\n", 21) == 0)
        scripted = agent.info;
    else if (strncmp(request, "POST /EmitEvent HTTP/1.1\r\n", 26) == 0 && !(scripted = agent.emit))
        reply_emit(fd, body + 4);
    else if (strncmp(request, "POST /GetQuote HTTP/1.1\r\n", 25) == 0)
        reply_quote(fd, body + 4);
    if (scripted && write(fd, scripted, strlen(scripted)) != (ssize_t)strlen(scripted))
        abort();
}

static void *run_agent(void *unused)
{
    for (int fd; (fd = accept(agent.fd, NULL, NULL)) >= 0;) {
        serve_agent(fd);
        close(fd);
    }
    return unused;
}

static int start_agent(void **state)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    start_td(state);
    memset(td.rtmr, 0, sizeof td.rtmr);
    memset(&agent, 0, sizeof agent);
    snprintf(agent.path, sizeof agent.path, "%s/dstack.sock", td.dir);
    memcpy(address.sun_path, agent.path, strlen(agent.path));
    agent.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(agent.fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(agent.fd, 4) != 0)
        return -1;
    return pthread_create(&agent.thread, NULL, run_agent, NULL);
}

static int stop_agent(void **state)
{
    shutdown(agent.fd, SHUT_RDWR);
    pthread_join(agent.thread, NULL);
    close(agent.fd);
    pml_event_log_free(&agent.log);
    return stop_td(state);
}

#define INFO_BODY                                                                                    \
    "{\"app_id\":\"00112233445566778899AABBCCDDEEFF00112233\",\"os_image_hash\":\"\","               \
    "\"tcb_info\":\"{\\n  \\\"app_compose\\\": \\\"{\\\\\\\"name\\\\\\\":\\\\\\\"x\\\\\\\"}\\\"}\"," \
    "\"vm_config\":\"{\\\"cpu_count\\\":2}\"}"
#define INFO_ANSWER "HTTP/1.1 200 OK\r\nServer: fake\r\n\r\n" INFO_BODY /* ends with the connection */

static void the_agent_measures_and_quotes(void **state)
{
    (void)state;
    agent.info = INFO_ANSWER;
    PML_AUTO(platform) struct pml_platform *p = pml_agent_open(agent.path, &err);
    if (!p)
        fail_msg("%s", err.text);
    const struct pml_platform_facts *facts = pml_platform_describe(p);
    assert_string_equal(facts->provider, "agent");
    assert_string_equal(facts->platform, "tdx");
    assert_string_equal(facts->app_compose, "{\"name\":\"x\"}");
    assert_string_equal(facts->app_id, "00112233445566778899aabbccddeeff00112233");
    assert_null(facts->os_image_hash);
    assert_string_equal(facts->vm_config, "{\"cpu_count\":2}");

    uint8_t rtmr[4][48], report_data[64] = { 7 };
    size_t size;
    assert_true(pml_platform_extend(p, "model-measured", "\x01\x02", 2, &err));
    assert_int_equal(pml_event_log_matches(&agent.log, "model-measured", "\x01\x02", 2), 1);
    PML_AUTO(mem) uint8_t *quote = pml_platform_quote(p, report_data, &size, &err);
    assert_non_null(quote);
    PML_AUTO(event_log) struct pml_event_log log = { 0 };
    assert_int_equal(read_log(p, &log), 1);
    assert_true(pml_platform_rtmrs(p, rtmr, &err));
    assert_true(pml_event_log_check(&log, rtmr, &err));
    assert_int_equal(agent.calls, 5);
}

static void an_agent_that_does_not_extend_is_an_error(void **state)
{
    (void)state;
    agent.info = INFO_ANSWER;
    agent.emit = "HTTP/1.1 400 Bad Request\r\nContent-Length: 32\r\n\r\n{\n  \"error\": \"not in simulator\"}";
    PML_AUTO(platform) struct pml_platform *p = pml_agent_open(agent.path, &err);
    assert_false(pml_platform_extend(p, "model-measured", "", 0, &err));
    assert_string_equal(err.code, "cannot_extend");
    assert_int_equal(err.kind, PML_UNKNOWN);
    assert_non_null(strstr(err.text, "/EmitEvent: status 400: not in simulator"));
}

static void bad_agent_answers_are_errors(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *error;
    } cases[] = { { "", "not an http response" },
                  { "HTTP/1.1 200 OK\r\n", "not an http response" },
                  { "SSH-2.0-x\r\n\r\n", "not an http response" },
                  { "HTTP/1.1 2x0 OK\r\n\r\n", "not an http response" },
                  { "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", "10 bytes of body announced, 2 came" },
                  { "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", "bad content-length" },
                  { "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "bad content-length" },
                  { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "a transfer encoding" },
                  { "HTTP/1.1 500 X\r\n\r\n<html>", "status 500" },
                  { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "/Info: tcb_info" },
                  { "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull", "/Info: " } };
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        agent.info = cases[i].answer;
        assert_null(pml_agent_open(agent.path, &err));
        assert_int_equal(err.kind, PML_UNKNOWN);
        if (!strstr(err.text, cases[i].error))
            fail_msg("wanted %s, got %s", cases[i].error, err.text);
    }
    assert_null(pml_agent_open("/nonexistent/dstack.sock", &err));
    assert_string_equal(err.code, "agent_absent");
}

#define test_in_td(name)      cmocka_unit_test_setup_teardown(name, start_td, stop_td)
#define test_with_agent(name) cmocka_unit_test_setup_teardown(name, start_agent, stop_agent)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_td(selection_depends_on_where_one_is),
        test_in_td(configfs_gives_the_quote_asked_for),
        test_in_td(configfs_faults_are_errors),
        test_in_td(the_first_extension_boots_and_a_restart_goes_on),
        test_in_td(a_register_that_cannot_be_extended_stops_the_start),
        test_in_td(a_register_that_the_log_does_not_explain_is_not_extended),
        test_in_td(damaged_runtime_logs_are_refused_by_line),
        test_in_td(without_room_for_the_log_nothing_is_extended),
        test_in_td(the_quote_service_is_asked_and_bounded),
        test_in_td(the_port_of_the_quote_service_is_read),
        test_with_agent(the_agent_measures_and_quotes),
        test_with_agent(an_agent_that_does_not_extend_is_an_error),
        test_with_agent(bad_agent_answers_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
