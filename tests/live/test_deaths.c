/*
 * Servers that die (SIGKILL) or hang (SIGSTOP) in every state of a connection: an error that says why
 * in bounded time, and clean ends. HYL_TEST_FULL=1 in the environment: one more, which takes 13 s.
 */
#include "support/hyperd.h"
#include "support/test.h"

#include <hyperline/arrow.h>
#include <hyperline/insert.h>
#include <hyperline/raw.h>

#include "base/clock.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#define MANY    "SELECT i FROM generate_series(1, 100000000) g(i)"
#define ENDLESS "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 10000000) b"

static hyl_error err;

/* A server of its own and a connection to it. */
typedef struct scene {
    hyl_server *server;
    hyl_config *config;
    hyl_conn *conn;
    hyl_result *result;
    hyl_copy *copy;
    hyl_inserter *inserter;
    struct ArrowArrayStream stream;
} scene;

static scene begin(const char *settings)
{
    scene s;
    memset(&s, 0, sizeof s);
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    opts.working_dir = test_folder();
    assert_ok(hyl_server_launch(&opts, &s.server, &err), &err);
    assert_ok(hyl_config_new(&s.config, &err), &err);
    assert_ok(hyl_server_configure(s.server, s.config, &err), &err);
    assert_ok(hyl_config_parse(s.config, settings, &err), &err);
    assert_ok(hyl_connect(s.config, &s.conn, &err), &err);
    assert_ok(hyl_exec(s.conn, "CREATE TEMP TABLE t (a bigint)", NULL, &err), &err);
    err = (hyl_error)HYL_ERROR_INIT;
    return s;
}

static void end(scene *s)
{
    int64_t start = hyl__now_ms();
    hyl_result_free(s->result);
    hyl_copy_free(s->copy);
    hyl_inserter_free(s->inserter);
    if (s->stream.release != NULL) {
        s->stream.release(&s->stream);
    }
    hyl_conn_free(s->conn);
    assert_true(hyl__now_ms() - start < 5000);
    hyl_config_free(s->config);
    /* One that stands still does not obey, and would be waited for. */
    (void)kill(hyl_server_pid(s->server), SIGKILL);
    hyl_server_free(s->server);
}

static void signal_server(const scene *s, int number)
{
    pid_t pid = hyl_server_pid(s->server);
    siginfo_t info;
    assert_int_equal(kill(pid, number), 0);
    /* All of its threads are stopped when the parent is told. */
    assert_true(number != SIGSTOP || waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT) == 0);
}

/* ---- What is under way, and how it goes on --------------------------------------------------- */

static void start_result(scene *s)
{
    const hyl_row *row = NULL;
    assert_ok(hyl_query(s->conn, MANY, &s->result, &err), &err);
    assert_ok(hyl_result_next(s->result, &row, &err), &err);
}

static hyl_status go_on_result(scene *s)
{
    return hyl_result_finish(s->result, &err);
}

static void start_copy_in(scene *s)
{
    assert_ok(hyl_copy_in_open(s->conn, "COPY t FROM STDIN WITH (FORMAT csv)", &s->copy, &err),
              &err);
}

/* Until the sockets are full. */
static hyl_status go_on_copy_in(scene *s)
{
    static char block[1048576];
    hyl_status status = HYL_OK;
    for (size_t i = 0; i < sizeof block; i += 2) {
        memcpy(block + i, "1\n", 2);
    }
    for (int i = 0; i < 64 && status == HYL_OK; i++) {
        status = hyl_copy_write(s->copy, block, sizeof block, &err);
    }
    return status;
}

static hyl_status finish_copy_in(scene *s)
{
    return hyl_copy_finish(s->copy, NULL, &err);
}

static void start_copy_out(scene *s)
{
    hyl_bytes piece;
    assert_ok(
        hyl_copy_out_open(s->conn, "COPY (" MANY ") TO STDOUT WITH (FORMAT csv)", &s->copy, &err),
        &err);
    assert_ok(hyl_copy_read(s->copy, &piece, &err), &err);
}

static void start_arrow(scene *s)
{
    struct ArrowArray batch = {.release = NULL};
    assert_ok(hyl_query_arrow(s->conn, MANY, NULL, &s->stream, &err), &err);
    assert_int_equal(s->stream.get_next(&s->stream, &batch), 0);
    batch.release(&batch);
}

static hyl_status go_on_arrow(scene *s)
{
    struct ArrowArray batch = {.release = NULL};
    int code = 0;
    while (code == 0) {
        code = s->stream.get_next(&s->stream, &batch);
        assert_true(code != 0 || batch.release != NULL);
        if (batch.release != NULL) {
            batch.release(&batch);
        }
    }
    err = *hyl_stream_error(&s->stream);
    return err.status;
}

static void start_inserter(scene *s)
{
    assert_ok(hyl_inserter_open(s->conn, "t", NULL, 0, NULL, &s->inserter, &err), &err);
}

static hyl_status go_on_inserter(scene *s)
{
    hyl_status status = HYL_OK;
    for (int i = 0; i < 8000000 && status == HYL_OK; i++) {
        status = hyl_inserter_i64(s->inserter, i, &err);
        if (status == HYL_OK) {
            status = hyl_inserter_end_row(s->inserter, &err);
        }
    }
    return status;
}

static void start_nothing(scene *s)
{
    (void)s;
}

static hyl_status query_next(scene *s)
{
    int64_t value = 0;
    return hyl_query_i64(s->conn, "SELECT 1", &value, &err);
}

static hyl_status query_endless(scene *s)
{
    return hyl_exec(s->conn, ENDLESS, NULL, &err);
}

static hyl_status ping_next(scene *s)
{
    return hyl_ping(s->conn, &err);
}

typedef struct stage {
    const char *name;
    void (*start)(scene *s);
    hyl_status (*go_on)(scene *s);
} stage;

static const stage stages[] = {
    {"result", start_result, go_on_result},
    {"COPY IN, sending", start_copy_in, go_on_copy_in},
    {"COPY IN, its end", start_copy_in, finish_copy_in},
    {"COPY OUT", start_copy_out, finish_copy_in},
    {"Arrow", start_arrow, go_on_arrow},
    {"inserter", start_inserter, go_on_inserter},
    {"idle, query", start_nothing, query_next},
    {"idle, statement", start_nothing, query_endless},
    {"idle, ping", start_nothing, ping_next},
};

enum { STAGE_COUNT = sizeof stages / sizeof stages[0] };

/* ---- Death ----------------------------------------------------------------------------------- */

static void a_server_that_is_killed_is_told_in_every_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        scene s = begin("");
        stages[i].start(&s);
        signal_server(&s, SIGKILL);
        int64_t start = hyl__now_ms();
        hyl_status status = stages[i].go_on(&s);
        if (status != HYL_ERR_CLOSED || strcmp(err.sqlstate, "08006") != 0 ||
            strstr(err.message, "SIGKILL") == NULL) {
            fail_msg("%s: %s %s: %s", stages[i].name, hyl_status_name(status), err.sqlstate,
                     err.message);
        }
        assert_true((err.flags & HYL_ERROR_CONNECTION_LOST) != 0);
        assert_true(hyl__now_ms() - start < 5000);
        assert_int_equal(hyl_conn_health(s.conn), HYL_HEALTH_CLOSED);
        assert_status(hyl_exec(s.conn, "SELECT 1", NULL, &err), HYL_ERR_CLOSED, &err);
        end(&s);
    }
}

/* Killed while the call waits, not before it. */
static void *kill_soon(void *ctx)
{
    const struct timespec pause = {0, 100000000};
    nanosleep(&pause, NULL);
    signal_server(ctx, SIGKILL);
    return NULL;
}

static void a_server_that_is_killed_while_a_call_waits(void **state)
{
    (void)state;
    static const size_t waiting[] = {0, 3, 4, 7};
    for (size_t i = 0; i < sizeof waiting / sizeof waiting[0]; i++) {
        const stage *now = &stages[waiting[i]];
        scene s = begin("");
        pthread_t thread;
        now->start(&s);
        assert_int_equal(pthread_create(&thread, NULL, kill_soon, &s), 0);
        hyl_status status = now->go_on(&s);
        pthread_join(thread, NULL);
        assert_status(status, HYL_ERR_CLOSED, &err);
        assert_string_equal(err.sqlstate, "08006");
        assert_non_null(strstr(err.message, "SIGKILL"));
        end(&s);
    }
}

/* ---- Standstill ------------------------------------------------------------------------------ */

/* 300 ms for the call, half a second to stop what it has begun, and what a busy machine adds. */
enum { BOUND_MS = 3000 };

static void check_bound(const stage *now, hyl_status status, int64_t start)
{
    int64_t took = hyl__now_ms() - start;
    if (status != HYL_ERR_TIMEOUT || took > BOUND_MS) {
        fail_msg("%s: %s after %lld ms: %s", now->name, hyl_status_name(status), (long long)took,
                 err.message);
    }
}

/*
 * What becomes of the connection: lost, where a cancel is on its way; else the next call waits, within
 * its own deadline, for the statement before.
 */
static void check_next_call(const scene *s, const stage *now, bool lost)
{
    int64_t start = hyl__now_ms();
    hyl_status status = hyl_exec(s->conn, "SELECT 1", NULL, &err);
    if (lost) {
        assert_status(status, HYL_ERR_DESYNC, &err);
        assert_int_equal(hyl_conn_health(s->conn), HYL_HEALTH_DESYNC);
    } else {
        check_bound(now, status, start);
    }
}

static void stand_still(const stage *now, const char *settings)
{
    scene s = begin("");
    hyl_conn *spare = s.conn;
    assert_ok(hyl_config_parse(s.config, settings, &err), &err);
    assert_ok(hyl_connect(s.config, &s.conn, &err), &err);
    hyl_conn_free(spare);
    assert_ok(hyl_exec(s.conn, "CREATE TEMP TABLE t (a bigint)", NULL, &err), &err);
    now->start(&s);
    signal_server(&s, SIGSTOP);
    int64_t start = hyl__now_ms();
    err = (hyl_error)HYL_ERROR_INIT;
    check_bound(now, now->go_on(&s), start);
    check_next_call(&s, now, (err.flags & HYL_ERROR_CONNECTION_LOST) != 0);
    end(&s);
}

static void deadlines_hold_in_every_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        stand_still(&stages[i], "request_timeout=300ms");
        stand_still(&stages[i], "request_timeout=300ms drain_timeout=none");
    }
}

static void so_does_the_bound_on_silence(void **state)
{
    (void)state;
    const char *silence = "idle_timeout=300ms request_timeout=2s";
    stand_still(&stages[0], silence);
    stand_still(&stages[1], silence);
    stand_still(&stages[7], silence);
}

/* A statement that runs for long is not silent: the server says every five seconds that it lives. */
static void a_long_statement_is_no_silence(void **state)
{
    (void)state;
    scene s = begin("idle_timeout=12s request_timeout=13s");
    int64_t start = hyl__now_ms();
    assert_status(hyl_exec(s.conn, ENDLESS, NULL, &err), HYL_ERR_TIMEOUT, &err);
    assert_null(strstr(err.message, "idle_timeout"));
    assert_true(hyl__now_ms() - start >= 13000);
    end(&s);
}

static void connecting_has_its_deadline(void **state)
{
    (void)state;
    scene s = begin("connect_timeout=300ms");
    hyl_conn *second = NULL;
    signal_server(&s, SIGSTOP);
    int64_t start = hyl__now_ms();
    assert_status(hyl_connect(s.config, &second, &err), HYL_ERR_TIMEOUT, &err);
    assert_in_range(hyl__now_ms() - start, 290, BOUND_MS);
    assert_null(second);
    end(&s);
}

static void so_have_a_cancel_and_freeing(void **state)
{
    (void)state;
    scene s = begin("");
    hyl_canceller *canceller = NULL;
    start_result(&s);
    assert_ok(hyl_canceller_new(s.conn, &canceller, &err), &err);
    signal_server(&s, SIGSTOP);
    int64_t start = hyl__now_ms();
    assert_status(hyl_cancel(canceller, 200, &err), HYL_ERR_TIMEOUT, &err);
    assert_in_range(hyl__now_ms() - start, 190, BOUND_MS);
    start = hyl__now_ms();
    assert_status(hyl_conn_cancel(s.conn, 200, &err), HYL_ERR_TIMEOUT, &err);
    assert_in_range(hyl__now_ms() - start, 190, BOUND_MS);
    hyl_canceller_free(canceller);
    end(&s);
    static const size_t under_way[] = {0, 1, 3, 4};
    for (size_t i = 0; i < sizeof under_way / sizeof under_way[0]; i++) {
        s = begin("");
        stages[under_way[i]].start(&s);
        signal_server(&s, SIGSTOP);
        end(&s);
    }
}

/* A server that stops and goes on is nothing but slow. */
static void *go_on_soon(void *ctx)
{
    const struct timespec pause = {0, 300000000};
    nanosleep(&pause, NULL);
    signal_server(ctx, SIGCONT);
    return NULL;
}

static void a_server_that_goes_on_in_time_is_only_slow(void **state)
{
    (void)state;
    scene s = begin("request_timeout=60s");
    pthread_t thread;
    signal_server(&s, SIGSTOP);
    assert_int_equal(pthread_create(&thread, NULL, go_on_soon, &s), 0);
    assert_ok(query_next(&s), &err);
    pthread_join(thread, NULL);
    end(&s);
}

/* ---- The raw connection ---------------------------------------------------------------------- */

static hyl_raw *raw_on(const scene *s)
{
    const hyl_pair params[] = {{"user", "tableau_internal_user"}};
    hyl_transport transport = {NULL, NULL};
    hyl_raw *raw = NULL;
    assert_ok(hyl_transport_open(hyl_server_endpoint(s->server), hyl__deadline_in(10000),
                                 &transport, &err),
              &err);
    assert_ok(hyl_raw_new(&transport, NULL, &raw, &err), &err);
    assert_ok(hyl_raw_startup(raw, params, 1, NULL, &err), &err);
    return raw;
}

/* A query, the end of a COPY and its cancel, and data until the sockets are full. */
static void raw_deadlines_hold_too(void **state)
{
    (void)state;
    static const char block[1048576];
    for (int way = 0; way < 4; way++) {
        scene s = begin("");
        hyl_raw *raw = raw_on(&s);
        hyl_raw_messages *messages = NULL;
        hyl_status status = HYL_OK;
        assert_ok(
            hyl_raw_simple_query(raw, HYL_STR("CREATE TEMP TABLE t (a text)"), &messages, &err),
            &err);
        hyl_raw_messages_free(messages);
        messages = NULL;
        if (way > 0) {
            assert_ok(hyl_raw_start_copy_in_with_format(raw, "t", NULL, 0, "csv", &err), &err);
        }
        signal_server(&s, SIGSTOP);
        hyl_raw_set_timeout(raw, 300);
        int64_t start = hyl__now_ms();
        if (way == 0) {
            status = hyl_raw_simple_query(raw, HYL_STR("SELECT 1"), &messages, &err);
        } else if (way == 1) {
            status = hyl_raw_finish_copy(raw, NULL, &err);
        } else if (way == 2) {
            status = hyl_raw_cancel_copy(raw, "no", &err);
        }
        for (int i = 0; i < 64 && way == 3 && status == HYL_OK; i++) {
            status = hyl_raw_send_copy_data_direct(
                raw, (hyl_bytes){(const uint8_t *)block, sizeof block}, &err);
        }
        assert_status(status, HYL_ERR_TIMEOUT, &err);
        assert_true(hyl__now_ms() - start < BOUND_MS);
        assert_false(hyl_raw_is_healthy(raw));
        hyl_raw_free(raw);
        end(&s);
    }
}

/* Fresh servers overlook a CopyFail behind CSV that makes them compile a parser. */
static void a_copy_fail_behind_csv_is_answered_on_a_fresh_server(void **state)
{
    (void)state;
    enum { SIZE = 131072 };
    char *csv = malloc(SIZE);
    assert_non_null(csv);
    for (size_t i = 0; i < SIZE; i += 8) {
        memcpy(csv + i, "1234567\n", 8);
    }
    for (int way = 0; way < 3; way++) {
        scene s = begin("");
        hyl_raw *raw = raw_on(&s);
        hyl_raw_messages *messages = NULL;
        hyl_raw_set_timeout(raw, 20000);
        assert_ok(
            hyl_raw_simple_query(raw, HYL_STR("CREATE TEMP TABLE t (a bigint)"), &messages, &err),
            &err);
        hyl_raw_messages_free(messages);
        assert_ok(hyl_raw_start_copy_in_with_format(raw, "t", NULL, 0, "csv", &err), &err);
        const hyl_bytes data = {(const uint8_t *)csv, SIZE};
        assert_ok(hyl_raw_send_copy_data_direct(raw, data, &err), &err);
        assert_ok(way == 0 ? hyl_raw_abandon(raw, &err) : hyl_raw_cancel_copy(raw, "no", &err),
                  &err);
        assert_ok(hyl_raw_simple_query(raw, HYL_STR("SELECT count(*) FROM t"), &messages, &err),
                  &err);
        hyl_raw_messages_free(messages);
        hyl_raw_free(raw);
        end(&s);
    }
    free(csv);
}

static int remove_folder(void **state)
{
    (void)state;
    test_folder_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_is_killed_is_told_in_every_state),
        cmocka_unit_test(a_server_that_is_killed_while_a_call_waits),
        cmocka_unit_test(deadlines_hold_in_every_state),
        cmocka_unit_test(so_does_the_bound_on_silence),
        cmocka_unit_test(connecting_has_its_deadline),
        cmocka_unit_test(so_have_a_cancel_and_freeing),
        cmocka_unit_test(a_server_that_goes_on_in_time_is_only_slow),
        cmocka_unit_test(raw_deadlines_hold_too),
        cmocka_unit_test(a_copy_fail_behind_csv_is_answered_on_a_fresh_server),
    };
    const struct CMUnitTest long_tests[] = {
        cmocka_unit_test(a_long_statement_is_no_silence),
    };
    const char *full = getenv("HYL_TEST_FULL");
    int failed = 0;
    if (full != NULL && full[0] == '1') {
        failed = cmocka_run_group_tests_name("live/deaths, long", long_tests, NULL, NULL);
    }
    return failed + cmocka_run_group_tests_name("live/deaths", tests, NULL, remove_folder);
}
