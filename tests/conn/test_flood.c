/*
 * Peers that send without a pause where they have nothing to say: nobody waits for them, so every
 * loop that reads must look at its deadline by itself. Each call that may meet one comes back. So it
 * is with one that has the client work for seconds.
 */
#include "support/test.h"

#include "support/flood.h"
#include "support/mem_conn.h"
#include "support/raw_rig.h"
#include "support/sockets.h"

#include "base/clock.h"

#include <sys/socket.h>
#include <unistd.h>

static hyl_error err;

/* What a call may take that was given 200 ms: much, for a slow machine, and yet not for ever. */
enum { GIVEN_MS = 200, MUCH_MS = 3000 };

static uint8_t words[65536];
static flood cancels; /* the server's end of connections for a cancel */
static int64_t began;

static int start_cancels(void **state)
{
    (void)state;
    memset(words, 'x', sizeof words);
    flood_start(&cancels, 16, (hyl_bytes){NULL, 0}, (hyl_bytes){words, sizeof words});
    return 0;
}

static int stop_cancels(void **state)
{
    (void)state;
    flood_stop(&cancels);
    return 0;
}

static void begin(void)
{
    err = (hyl_error)HYL_ERROR_INIT;
    began = hyl__now_ms();
}

static void assert_in_time(void)
{
    assert_in_range(hyl__now_ms() - began, 0, MUCH_MS);
}

/* ---- Connections for a cancel ------------------------------------------------------------------ */

static mem_conn open_conn(void)
{
    char settings[100];
    snprintf(settings, sizeof settings,
             "endpoint=127.0.0.1:%u request_timeout=%dms drain_timeout=%dms", cancels.port,
             GIVEN_MS, GIVEN_MS);
    return mem_conn_open(settings);
}

static hyl_result *open_result(mem_conn *mem)
{
    hyl_result *result = NULL;
    hyl_buf messages = HYL_BUF_INIT;
    backend_int_description(&messages);
    backend_int_row(&messages, 1);
    mem_say(mem, &messages);
    assert_ok(hyl_query(mem->conn, "SELECT", &result, &err), &err);
    return result;
}

/* It may still hit a later statement: nobody has seen its end. */
static void a_cancel_of_the_connection(void **state)
{
    (void)state;
    mem_conn mem = open_conn();
    begin();
    assert_status(hyl_conn_cancel(mem.conn, GIVEN_MS, &err), HYL_ERR_PROTOCOL, &err);
    assert_in_time();
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    mem_conn_close(&mem);
}

static void a_cancel_by_a_canceller(void **state)
{
    (void)state;
    mem_conn mem = open_conn();
    hyl_canceller *canceller = NULL;
    assert_ok(hyl_canceller_new(mem.conn, &canceller, &err), &err);
    begin();
    assert_status(hyl_cancel(canceller, GIVEN_MS, &err), HYL_ERR_PROTOCOL, &err);
    assert_status(hyl_cancel(canceller, -1, &err), HYL_ERR_PROTOCOL, &err);
    assert_in_time();
    hyl_canceller_free(canceller);
    mem_conn_close(&mem);
}

static void a_statement_whose_deadline_has_passed(void **state)
{
    (void)state;
    mem_conn mem = open_conn();
    begin();
    assert_status(hyl_exec(mem.conn, "SELECT", NULL, &err), HYL_ERR_TIMEOUT, &err);
    assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
    assert_in_time();
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    mem_conn_close(&mem);
}

static void an_abandoned_result(void **state)
{
    (void)state;
    mem_conn mem = open_conn();
    hyl_result *result = open_result(&mem);
    begin();
    assert_status(hyl_result_abandon(result, &err), HYL_ERR_DESYNC, &err);
    assert_in_time();
    assert_non_null(strstr(err.message, "a cancel may still be on its way"));
    hyl_result_free(result);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    mem_conn_close(&mem);
}

static void a_freed_result_and_the_drain_after_it(void **state)
{
    (void)state;
    mem_conn mem = open_conn();
    hyl_result *result = open_result(&mem);
    begin();
    hyl_result_free(result);
    assert_in_time();
    /* The rest is not read, as the cancel may hit whatever comes after it. */
    mem_say_done(&mem, "SELECT 1", 'I');
    uint64_t before = mem.conn->received;
    begin();
    assert_status(hyl_ping(mem.conn, &err), HYL_ERR_DESYNC, &err);
    assert_in_time();
    assert_int_equal(mem.conn->received, before);
    mem_conn_close(&mem);
}

static void a_connection_that_is_freed_while_busy(void **state)
{
    (void)state;
    mem_conn mem = open_conn();
    hyl_result *result = open_result(&mem);
    begin();
    hyl_conn_free(mem.conn);
    assert_in_time();
    hyl_result_free(result);
    hyl_mem_peer_free(mem.peer);
}

static hyl_status open_second(void *ctx, hyl_transport *out, hyl_error *error)
{
    hyl_endpoint endpoint = {.kind = HYL_ENDPOINT_TCP, .port = cancels.port, .host = "127.0.0.1"};
    (void)ctx;
    return hyl_transport_open(&endpoint, INT64_MAX, out, error);
}

static void an_abandoned_request_of_a_raw_connection(void **state)
{
    (void)state;
    hyl_raw_opts opts = HYL_RAW_OPTS_INIT;
    opts.drain_timeout_ms = GIVEN_MS;
    opts.open_second = open_second;
    raw_rig rig = raw_rig_started(&opts);
    assert_ok(hyl_raw_start_simple_query(rig.raw, HYL_STR("q"), &err), &err);
    begin();
    assert_status(hyl_raw_abandon(rig.raw, &err), HYL_ERR_DESYNC, &err);
    assert_in_time();
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
}

/* ---- Connecting --------------------------------------------------------------------------------- */

static void fails_to_connect(const char *settings, size_t hears, hyl_bytes greeting, hyl_bytes said,
                             hyl_status expected)
{
    flood server;
    char text[200];
    hyl_conn *conn = NULL;
    flood_start(&server, hears, greeting, said);
    snprintf(text, sizeof text, "endpoint=127.0.0.1:%u connect_timeout=%dms %s", server.port,
             GIVEN_MS, settings);
    begin();
    assert_status(hyl_connect_uri(text, &conn, &err), expected, &err);
    assert_in_time();
    flood_stop(&server);
}

/* Say one message until the buffer is full. */
static hyl_bytes repeated(const hyl_buf *message)
{
    size_t len = 0;
    while (len + message->len <= sizeof words) {
        memcpy(words + len, message->data, message->len);
        len += message->len;
    }
    return (hyl_bytes){words, len};
}

static void a_login_full_of_messages(void **state)
{
    (void)state;
    enum { KINDS = 4 };
    hyl_buf messages[KINDS] = {HYL_BUF_INIT, HYL_BUF_INIT, HYL_BUF_INIT, HYL_BUF_INIT};
    hyl_buf accepted = HYL_BUF_INIT;
    backend_auth_ok(&accepted);
    backend_notice(&messages[0], "and another thing");
    backend_parameter(&messages[1], "name", "value");
    backend_notification(&messages[2], "channel");
    backend_key(&messages[3], 1, 2);
    for (int i = 0; i < KINDS; i++) {
        fails_to_connect("tls=disable", 8, (hyl_bytes){accepted.data, accepted.len},
                         repeated(&messages[i]), HYL_ERR_TIMEOUT);
        hyl_buf_reset(&messages[i]);
    }
    hyl_buf_reset(&accepted);
}

static void a_server_that_is_asked_for_tls(void **state)
{
    (void)state;
    if (!HYL_WITH_OPENSSL) {
        skip();
    }
    /* HelloRequests, which a client passes over. */
    static const uint8_t hello[] = "\x16\x03\x03\x00\x04\0\0\0\0";
    const hyl_buf record = {.data = (uint8_t *)(uintptr_t)hello, .len = sizeof hello - 1};
    const hyl_bytes yes = {(const uint8_t *)"S", 1};
    const char *modes[] = {"tls=prefer", "tls=require"};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        fails_to_connect(modes[i], 8, yes, repeated(&record), HYL_ERR_TIMEOUT);
        fails_to_connect(modes[i], 8, yes, yes, HYL_ERR_TLS);
    }
}

/* ---- Work --------------------------------------------------------------------------------------- */

enum { NONCE_LEN = 24 };

static void say(int fd, hyl_buf *messages)
{
    (void)!write(fd, messages->data, messages->len);
    hyl_buf_reset(messages);
}

/* A server that wants ten million iterations of PBKDF2, the most that there may be. */
static void *demand_work(void *ctx)
{
    int fd = test_accept(*(int *)ctx);
    uint8_t heard[512];
    hyl_buf out = HYL_BUF_INIT;
    hyl_buf challenge = HYL_BUF_INIT;
    if (read(fd, heard, sizeof heard) > 0) {
        backend_message(&out, 'R', "\0\0\0\012SCRAM-SHA-256\0", 19);
        say(fd, &out);
    }
    ssize_t len = read(fd, heard, sizeof heard);
    if (len > NONCE_LEN) {
        hyl_buf_append(&challenge, "\0\0\0\013r=", 6);
        hyl_buf_append(&challenge, heard + len - NONCE_LEN, NONCE_LEN);
        hyl_buf_append_str(&challenge, "more,s=c2FsdHNhbHQ=,i=10000000");
        backend_message(&out, 'R', challenge.data, challenge.len);
        say(fd, &out);
    }
    while (read(fd, heard, sizeof heard) > 0) {
    }
    hyl_buf_reset(&challenge);
    close(fd);
    return NULL;
}

static hyl_status log_in(uint16_t port)
{
    char text[200];
    hyl_conn *conn = NULL;
    snprintf(text, sizeof text, "endpoint=127.0.0.1:%u password=p tls=disable connect_timeout=%dms",
             port, GIVEN_MS);
    return hyl_connect_uri(text, &conn, &err);
}

static hyl_status log_in_raw(uint16_t port)
{
    const hyl_pair params[] = {{"user", "u"}};
    hyl_endpoint endpoint = {.kind = HYL_ENDPOINT_TCP, .port = port, .host = "127.0.0.1"};
    hyl_raw_opts opts = HYL_RAW_OPTS_INIT;
    hyl_transport transport;
    hyl_raw *raw = NULL;
    opts.timeout_ms = GIVEN_MS;
    assert_ok(hyl_transport_open(&endpoint, INT64_MAX, &transport, &err), &err);
    assert_ok(hyl_raw_new(&transport, &opts, &raw, &err), &err);
    hyl_status status = hyl_raw_startup(raw, params, 1, "p", &err);
    hyl_raw_free(raw);
    return status;
}

static void a_login_that_wants_seconds_of_work(void **state)
{
    (void)state;
    if (!HYL_WITH_OPENSSL) {
        skip();
    }
    hyl_status (*const logins[])(uint16_t) = {log_in, log_in_raw};
    for (size_t i = 0; i < sizeof logins / sizeof logins[0]; i++) {
        uint16_t port = 0;
        pthread_t thread;
        int listener = test_tcp_listener(AF_INET, 1, &port);
        assert_int_equal(pthread_create(&thread, NULL, demand_work, &listener), 0);
        begin();
        assert_status(logins[i](port), HYL_ERR_TIMEOUT, &err);
        assert_in_range(hyl__now_ms() - began, GIVEN_MS, GIVEN_MS + 1000);
        pthread_join(thread, NULL);
        close(listener);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_cancel_of_the_connection, start_cancels, stop_cancels),
        cmocka_unit_test_setup_teardown(a_cancel_by_a_canceller, start_cancels, stop_cancels),
        cmocka_unit_test_setup_teardown(a_statement_whose_deadline_has_passed, start_cancels,
                                        stop_cancels),
        cmocka_unit_test_setup_teardown(an_abandoned_result, start_cancels, stop_cancels),
        cmocka_unit_test_setup_teardown(a_freed_result_and_the_drain_after_it, start_cancels,
                                        stop_cancels),
        cmocka_unit_test_setup_teardown(a_connection_that_is_freed_while_busy, start_cancels,
                                        stop_cancels),
        cmocka_unit_test_setup_teardown(an_abandoned_request_of_a_raw_connection, start_cancels,
                                        stop_cancels),
        cmocka_unit_test(a_login_full_of_messages),
        cmocka_unit_test(a_server_that_is_asked_for_tls),
        cmocka_unit_test(a_login_that_wants_seconds_of_work),
    };
    return cmocka_run_group_tests_name("conn/flood", tests, NULL, NULL);
}
