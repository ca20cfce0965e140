/* SPDX-License-Identifier: MIT */
/* The HTTP server over real sockets: good clients, slow ones, hostile ones, and those that leave. */
#include "fixture.h"

#include <poll.h>
#include <sys/stat.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static void every_answer_is_decorated(void **state)
{
    (void)state;
    struct fixture f;
    static const struct {
        const char *text, *status;
    } cases[] = {
        { GET("/no"), "HTTP/1.1 404 Not Found\r\n" },
        { GET("/forbidden"), "HTTP/1.1 403 Forbidden\r\n" },
        { "nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n" },
        { "GET / HTTP/1.1\nHost: x\n\n", "HTTP/1.1 400 Bad Request\r\n" },
        { "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n" },
        { "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nshort", "HTTP/1.1 400 Bad Request\r\n" },
        { "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
          "HTTP/1.1 400 Bad Request\r\n" },
        { "GET / HT", "HTTP/1.1 400 Bad Request\r\n" },
        { "GET / HTTP/3.0\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported\r\n" },
    };
    start(&f, "127.0.0.1:0", NULL, NULL);
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        PML_AUTO(mem) char *heard = ask(&f, cases[i].text);
        if (strncmp(heard, cases[i].status, strlen(cases[i].status)) != 0)
            fail_msg("%s\nwas answered\n%s", cases[i].text, heard);
        assert_int_equal(occurrences(heard, "\r\nX-Everywhere: yes\r\n"), 1);
        assert_int_equal(occurrences(heard, "\r\nX-Split: a??b\r\n"), 1);
        assert_int_equal(occurrences(heard, "Content-Type:"), 1);
        assert_int_equal(occurrences(heard, "HTTP/1.1 "), 1);
    }
    stop(&f);
}

static void let_it_run(struct fixture *f)
{
    (void)f;
}

static void a_request_may_come_in_pieces(void **state)
{
    (void)state;
    struct fixture f;
    const char *text = "\r\nPOST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: v\r\n\r\n";
    start(&f, "[::1]:0", NULL, NULL);
    int fd = dial(&f);
    setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &(int){ 1 }, sizeof(int));
    for (; *text; text++) {
        say_bytes(fd, text, 1);
        on_loop(&f, let_it_run);
    }
    PML_AUTO(mem) char *heard = hear(fd);
    assert_non_null(strstr(heard, "Content-Length: 13\r\n"));
    assert_non_null(strstr(heard, "\r\n\r\nabc0123456789"));
    stop(&f);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct fixture f;
    struct pml_error err;
    PML_AUTO(buf) struct pml_buf all = { 0 };
    start(&f, "127.0.0.1:0", NULL, NULL);
    for (int i = 0; i < 1000; i++)
        pml_put_format(&all, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n<%04d>", i);
    PML_AUTO(mem) char *text = pml_buf_take(&all, NULL, &err);
    PML_AUTO(mem) char *heard = ask(&f, text);
    const char *at = heard;
    for (int i = 0; i < 1000; i++) {
        char mark[8];
        snprintf(mark, sizeof mark, "<%04d>", i);
        at = strstr(at, mark);
        assert_non_null(at);
    }
    assert_int_equal(occurrences(heard, "200 OK"), 1000);
    stop(&f);
}

static void an_oversized_body_is_refused_without_a_reset(void **state)
{
    (void)state;
    struct fixture f;
    struct pml_http_limits limits = { .body_size = 100000 };
    static const char *const heads[] = {
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3D0900\r\n",
    };
    PML_AUTO(mem) char *body = calloc(1, 4000000);
    start(&f, "127.0.0.1:0", NULL, &limits);
    for (size_t i = 0; i < PML_COUNT(heads); i++) {
        int fd = dial(&f);
        say(fd, heads[i]);
        say_bytes(fd, body, 4000000); /* all of it, before anything is read */
        shutdown(fd, SHUT_WR);
        PML_AUTO(mem) char *heard = hear(fd);
        assert_non_null(strstr(heard, "HTTP/1.1 413 "));
        assert_non_null(strstr(heard, "{\"error\":413}"));
        assert_non_null(strstr(heard, "Connection: close"));
    }
    assert_int_equal(f.requests, 0);
    stop(&f);
}

static void bodies_are_limited_over_all_connections(void **state)
{
    (void)state;
    struct fixture f;
    struct pml_http_limits limits = { .body_size = 100000, .bodies_size = 150000 };
    PML_AUTO(mem) char *body = calloc(1, 90000);
    struct pollfd clients[2];
    char interim[64];
    start(&f, "127.0.0.1:0", NULL, &limits);
    for (size_t i = 0; i < 2; i++) {
        clients[i] = (struct pollfd){ dial(&f), POLLIN, 0 };
        say(clients[i].fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 90001\r\nExpect: 100-continue\r\n\r\n");
        assert_int_equal(recv(clients[i].fd, interim, sizeof interim, 0), 25);
        assert_memory_equal(interim, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    }
    for (size_t i = 0; i < 2; i++)
        say_bytes(clients[i].fd, body, 90000);
    assert_int_equal(poll(clients, 2, -1), 1); /* neither is complete, so this can only be a refusal */
    size_t refused = clients[1].revents ? 1 : 0;
    shutdown(clients[refused].fd, SHUT_WR);
    PML_AUTO(mem) char *refusal = hear(clients[refused].fd);
    assert_non_null(strstr(refusal, "503 Service Unavailable"));
    assert_non_null(strstr(refusal, "Retry-After: 1"));
    say(clients[1 - refused].fd, "!");
    shutdown(clients[1 - refused].fd, SHUT_WR);
    PML_AUTO(mem) char *served = hear(clients[1 - refused].fd);
    assert_non_null(strstr(served, "200 OK"));
    stop(&f);
}

static void an_early_answer_leaves_the_connection_usable(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "127.0.0.1:0", NULL, NULL);
    PML_AUTO(mem)
    char *heard = ask(&f, "POST /forbidden HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde" GET("/next"));
    assert_non_null(strstr(heard, "403 Forbidden"));
    assert_non_null(strstr(heard, "\r\n\r\n/next"));
    PML_AUTO(mem)
    char *waiting = ask(&f, "POST /forbidden HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_non_null(strstr(waiting, "403 Forbidden"));
    assert_non_null(strstr(waiting, "Connection: close"));
    assert_null(strstr(waiting, "100 Continue"));
    stop(&f);
}

static void oversized_heads_are_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct pml_error err;
    start(&f, "127.0.0.1:0", NULL, NULL);
    PML_AUTO(buf) struct pml_buf wide = { 0 };
    pml_put_text(&wide, "GET / HTTP/1.1\r\nHost: x\r\nA: ");
    while (wide.size < 70000)
        pml_put_u8(&wide, 'a');
    PML_AUTO(mem) char *text = pml_buf_take(&wide, NULL, &err);
    PML_AUTO(mem) char *heard = ask(&f, text);
    assert_non_null(strstr(heard, "HTTP/1.1 431 "));
    stop(&f);
}

static void slow_clients_time_out(void **state)
{
    (void)state;
    struct fixture f;
    struct pml_http_limits limits = { .header_ms = 50, .body_ms = 50, .idle_ms = 50, .linger_ms = 50 };
    static const struct {
        const char *text, *heard;
    } cases[] = {
        { "GET / HTTP/1.1\r\nHo", "HTTP/1.1 408 " },
        { "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", "HTTP/1.1 408 " },
        { "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", "HTTP/1.1 408 " },
        { GET("/idle"), "HTTP/1.1 404 " },
        { "", "" },
    };
    start(&f, "127.0.0.1:0", NULL, &limits);
    for (size_t i = 0; i < PML_COUNT(cases); i++) {
        int fd = dial(&f);
        say(fd, cases[i].text);
        PML_AUTO(mem) char *heard = hear(fd); /* the server ends it */
        assert_memory_equal(heard, cases[i].heard, strlen(cases[i].heard));
    }
    stop(&f);
}

static void slow_clients_make_room_for_others(void **state)
{
    (void)state;
    struct fixture f;
    struct pml_http_limits limits = { .connections = 4 };
    int slow[16];
    start(&f, "127.0.0.1:0", NULL, &limits);
    for (size_t i = 0; i < PML_COUNT(slow); i++) {
        slow[i] = dial(&f);
        say(slow[i], "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na");
    }
    PML_AUTO(mem) char *heard = ask(&f, GET("/hello"));
    assert_non_null(strstr(heard, "\r\n\r\n/hello"));
    for (size_t i = 0; i < PML_COUNT(slow); i++)
        close(slow[i]);
    stop(&f);
}

static void release_held(struct fixture *f)
{
    answer(f, f->handle, 200, "released");
}

static void a_connection_being_answered_is_not_given_up(void **state)
{
    (void)state;
    struct fixture f;
    struct pml_http_limits limits = { .connections = 1 };
    start(&f, "127.0.0.1:0", NULL, &limits);
    int held = dial(&f);
    say(held, GET("/hold"));
    sem_wait(&f.held);
    int waiting = dial(&f); /* in the kernel's queue */
    say(waiting, GET("/waited"));
    shutdown(waiting, SHUT_WR);
    shutdown(held, SHUT_WR); /* half-closed, and answered all the same */
    on_loop(&f, release_held);
    PML_AUTO(mem) char *first = hear(held);
    assert_non_null(strstr(first, "released"));
    assert_non_null(strstr(first, "X-User: attached"));
    PML_AUTO(mem) char *second = hear(waiting);
    assert_non_null(strstr(second, "/waited"));
    stop(&f);
}

static void late_answers_are_dropped(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "127.0.0.1:0", NULL, NULL);
    int fd = dial(&f);
    say(fd, GET("/hold"));
    sem_wait(&f.held);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
    close(fd); /* reset */
    sem_wait(&f.gone);
    fd = dial(&f); /* the same slot */
    say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na");
    on_loop(&f, release_held);
    say(fd, "b");
    shutdown(fd, SHUT_WR);
    PML_AUTO(mem) char *heard = hear(fd);
    assert_null(strstr(heard, "released"));
    assert_non_null(strstr(heard, "\r\n\r\nab"));
    stop(&f);
}

static void a_reset_is_noticed_even_when_nothing_is_read(void **state)
{
    (void)state;
    struct fixture f;
    PML_AUTO(mem) char *more = calloc(1, 200000);
    memset(more, 'G', 200000);
    start(&f, "127.0.0.1:0", NULL, NULL);
    int fd = dial(&f);
    say(fd, GET("/hold"));
    sem_wait(&f.held);
    say_bytes(fd, more, 200000); /* pipelined rubbish, past what is buffered */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
    close(fd);
    sem_wait(&f.gone);
    fd = dial(&f); /* half-closed first, reset later */
    say(fd, GET("/hold"));
    shutdown(fd, SHUT_WR);
    sem_wait(&f.held);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
    close(fd);
    sem_wait(&f.gone);
    stop(&f);
}

static void check_that_it_waits(struct fixture *f)
{
    assert_true(f->fulls > 0);
    assert_true(f->streamed < STREAM_SIZE);
}

static void streams_wait_for_slow_readers(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "127.0.0.1:0", NULL, NULL);
    int fd = dial(&f);
    say(fd, "GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    sem_wait(&f.held);
    on_loop(&f, check_that_it_waits);
    PML_AUTO(mem) char *heard = hear(fd);
    size_t size = strlen(heard);
    assert_string_equal(heard + size - 13, "3\r\nend\r\n0\r\n\r\n");
    assert_non_null(strstr(heard, "Cache-Control: no-cache\r\n"));
    assert_non_null(strstr(heard, "Transfer-Encoding: chunked\r\n"));
    assert_non_null(strstr(heard, "\r\n\r\nd\r\ndata: first\n\n\r\n3e8\r\nxxx"));
    assert_true(f.streamed >= STREAM_SIZE);
    stop(&f);
}

static void a_stalled_reader_of_a_stream_is_given_up(void **state)
{
    (void)state;
    struct fixture f;
    struct pml_http_limits limits = { .write_ms = 50 };
    start(&f, "127.0.0.1:0", NULL, &limits);
    int fd = dial(&f);
    say(fd, GET("/stream"));
    sem_wait(&f.gone);
    close(fd);
    stop(&f);
}

static void write_event(struct fixture *f)
{
    pml_http_write(f->server, f->handle, "data: next\n\n", 12);
}

static void events_arrive_one_by_one(void **state)
{
    (void)state;
    struct fixture f;
    char text[4096] = "";
    size_t size = 0;
    start(&f, "127.0.0.1:0", NULL, NULL);
    int fd = dial(&f);
    say(fd, GET("/events"));
    while (!strstr(text, "data: first\n\n\r\n")) { /* comes although the response goes on */
        ssize_t got = recv(fd, text + size, sizeof text - size - 1, 0);
        assert_true(got > 0);
        size += (size_t)got;
        text[size] = 0;
    }
    close(fd);
    on_loop(&f, write_event); /* the client might have half-closed; now it resets */
    sem_wait(&f.gone);
    stop(&f);
}

static void cut_short_is_seen_as_such(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "127.0.0.1:0", NULL, NULL);
    int fd = dial(&f);
    say(fd, GET("/abort"));
    PML_AUTO(mem) char *heard = hear(fd);
    assert_null(strstr(heard, "0\r\n\r\n"));
    stop(&f);
}

static void a_stream_begun_early_ends_with_a_bad_body(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "127.0.0.1:0", NULL, NULL);
    PML_AUTO(mem) char *heard = ask(&f, "POST /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    assert_int_equal(occurrences(heard, "HTTP/1.1 "), 1);
    assert_null(strstr(heard, "0\r\n\r\n"));
    assert_int_equal(f.requests, 0);
    stop(&f);
}

static void head_and_http_1_0_are_framed_their_own_way(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "127.0.0.1:0", NULL, NULL);
    PML_AUTO(mem) char *head = ask(&f, "HEAD /abc HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_non_null(strstr(head, "Content-Length: 4\r\n"));
    assert_null(strstr(head, "/abc"));
    PML_AUTO(mem) char *old = ask(&f, "GET /stream HTTP/1.0\r\n\r\n");
    assert_null(strstr(old, "chunked"));
    assert_non_null(strstr(old, "\r\n\r\ndata: first\n\nxxxx"));
    assert_int_equal(strlen(strstr(old, "data: first")), 13 + f.streamed + 3);
    stop(&f);
}

static void a_unix_socket_is_replaced_only_when_stale(void **state)
{
    (void)state;
    struct fixture f, other;
    struct pml_error err;
    struct pml_address at;
    struct stat st;
    char dir[] = "/tmp/pml-net-XXXXXX", path[64], address[80];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s", dir);
    snprintf(address, sizeof address, "unix:%s", path);
    assert_true(pml_address_parse(&at, address, &err));
    int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(stale, (struct sockaddr *)&at.at, at.size), 0);
    close(stale);
    start(&f, address, NULL, NULL);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    PML_AUTO(mem) char *heard = ask(&f, GET("/unix"));
    assert_non_null(strstr(heard, "/unix"));
    start(&other, "127.0.0.1:0", NULL, NULL);
    assert_false(pml_http_server_listen(other.server, &at, NULL, 0600, NULL, &err));
    assert_string_equal(err.code, "in_use");
    assert_false(pml_http_server_listen(f.server, &other.at, NULL, 0, NULL, &err));
    assert_string_equal(err.code, "in_use");
    assert_int_equal(err.kind, PML_UNKNOWN);
    stop(&other);
    stop(&f);
    assert_int_equal(stat(path, &st), -1);
    rmdir(dir);
}

static void stop_loop(void *arg)
{
    struct fixture *f = arg;
    pml_loop_stop(f->loop);
}

static void drain(struct fixture *f)
{
    pml_http_server_drain(f->server, 60000, stop_loop, f);
}

static void draining_lets_the_last_answer_out(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "127.0.0.1:0", NULL, NULL);
    int idle = dial(&f), held = dial(&f);
    say(held, GET("/hold"));
    sem_wait(&f.held);
    on_loop(&f, drain);
    PML_AUTO(mem) char *nothing = hear(idle);
    assert_string_equal(nothing, "");
    int late = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(late, (struct sockaddr *)&f.at.at, f.at.size), -1);
    close(late);
    on_loop(&f, release_held);
    PML_AUTO(mem) char *heard = hear(held);
    assert_non_null(strstr(heard, "released"));
    assert_non_null(strstr(heard, "Connection: close"));
    stop(&f); /* the loop has ended by itself */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_decorated),
        cmocka_unit_test(a_request_may_come_in_pieces),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(an_oversized_body_is_refused_without_a_reset),
        cmocka_unit_test(bodies_are_limited_over_all_connections),
        cmocka_unit_test(an_early_answer_leaves_the_connection_usable),
        cmocka_unit_test(oversized_heads_are_refused),
        cmocka_unit_test(slow_clients_time_out),
        cmocka_unit_test(slow_clients_make_room_for_others),
        cmocka_unit_test(a_connection_being_answered_is_not_given_up),
        cmocka_unit_test(late_answers_are_dropped),
        cmocka_unit_test(a_reset_is_noticed_even_when_nothing_is_read),
        cmocka_unit_test(streams_wait_for_slow_readers),
        cmocka_unit_test(a_stalled_reader_of_a_stream_is_given_up),
        cmocka_unit_test(events_arrive_one_by_one),
        cmocka_unit_test(cut_short_is_seen_as_such),
        cmocka_unit_test(a_stream_begun_early_ends_with_a_bad_body),
        cmocka_unit_test(head_and_http_1_0_are_framed_their_own_way),
        cmocka_unit_test(a_unix_socket_is_replaced_only_when_stale),
        cmocka_unit_test(draining_lets_the_last_answer_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
