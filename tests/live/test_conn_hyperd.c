#include "support/test.h"

#include "support/hyperd.h"
#include "support/live.h"
#include "support/random.h"

#include "base/clock.h"

#include <hyperline/raw.h>

#include <signal.h>
#include <stdlib.h>

static hyl_error err;

#define TEN_MILLION "SELECT i FROM generate_series(1, 10000000) g(i)"
#define ENDLESS     "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 10000000) b"

/* ---- Connecting ------------------------------------------------------------------------------ */

static void check_connection(hyl_conn *conn)
{
    live_assert_in_step(conn);
    assert_string_equal(hyl_conn_parameter(conn, "server_encoding"), "UTF8");
    assert_string_equal(hyl_conn_parameter(conn, "result_format_code"), "HyperBinary");
    assert_non_null(hyl_conn_parameter(conn, "hyper_version"));
    assert_int_equal(hyl_conn_tx(conn), HYL_TX_IDLE);
    assert_ok(hyl_ping(conn, &err), &err);
    hyl_conn_free(conn);
}

static void by_tcp_and_by_unix_socket(void **state)
{
    (void)state;
    check_connection(live_connect(NULL));
    check_connection(live_connect_unix(NULL));
    hyl_conn *conn = NULL;
    assert_ok(hyl_connect_uri(test_hyperd_endpoint_text(), &conn, &err), &err);
    check_connection(conn);
}

static void session_settings_have_any_value(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect("set.lc_time=de_DE set.timezone=Europe/Vienna "
                                  "set.search_path='it\\'s a\\\\b -c c' application_name='my app'");
    assert_string_equal(live_text(conn, "SHOW lc_time"), "de_de");
    assert_string_equal(live_text(conn, "SHOW timezone"), "Europe/Vienna");
    assert_string_equal(live_text(conn, "SHOW search_path"), "\"it's a\\b -c c\"");
    assert_string_equal(live_text(conn, "SHOW application_name"), "\"my app\"");
    hyl_conn_free(conn);
}

static void settings_that_are_wrong_are_refused_by_the_server(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        const char *sqlstate;
    } cases[] = {
        {"set.no_such_setting=1", "42601"},
        {"set.lc_time=xx_YY", "42704"},
        {"set.extra_float_digits=x", "22023"},
        {"user=nobody", "42501"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_status(live_connect_fails(cases[i].settings, &err), HYL_ERR_SERVER, &err);
        assert_string_equal(err.sqlstate, cases[i].sqlstate);
        assert_true(err.flags & HYL_ERROR_FROM_SERVER);
    }
}

static void a_port_where_nobody_listens_is_an_io_error(void **state)
{
    (void)state;
    assert_status(live_connect_fails("endpoint=127.0.0.1:1", &err), HYL_ERR_IO, &err);
    assert_non_null(strstr(err.message, "127.0.0.1:1"));
    assert_status(live_connect_fails("endpoint=/no/such/socket", &err), HYL_ERR_IO, &err);
    assert_non_null(strstr(err.message, "/no/such/socket"));
}

static void count_notice(void *ctx, const hyl_diag *notice)
{
    int *count = ctx;
    *count += strcmp(notice->sqlstate, "25P01") == 0 && notice->message[0] != '\0';
}

static void notices_of_the_server_arrive(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    int count = 0;
    hyl_conn_on_notice(conn, count_notice, &count);
    live_exec(conn, "ROLLBACK");
    assert_int_equal(count, 1);
    hyl_conn_free(conn);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

static void an_error_has_its_place_in_the_text(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    const char *sql = "-- \xc3\xa9\nSELECT * FROM nope";
    assert_status(hyl_exec(conn, sql, NULL, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "42P01");
    const hyl_diag *diag = hyl_conn_diag(conn);
    assert_string_equal(diag->sqlstate, "42P01");
    assert_string_equal(diag->blame, "User");
    /* In characters, not in bytes: "-- é" and the line's end are five. */
    assert_int_equal(diag->position, 5 + 15);
    live_assert_in_step(conn);
    assert_null(hyl_conn_diag(conn));
    hyl_conn_free(conn);
}

/* A position counts from the start of the text that the user gave, in the described form too. */
static void so_it_has_where_the_statement_is_described(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    hyl_result *result = NULL;
    const hyl_query_opts opts = {sizeof opts, HYL_QUERY_TEXT, HYL_TRANSFER_DEFAULT};
    static const struct {
        const char *sql;
        int position;
    } cases[] = {{"/* x */\n SELECT * FROM nope;", 24}, {"-- x\nVALUES (1), (nope); -- y", 19}};
    for (size_t i = 0; i < 2; i++) {
        assert_status(hyl_query_with(conn, cases[i].sql, &opts, &result, &err), HYL_ERR_SERVER,
                      &err);
        assert_int_equal(hyl_conn_diag(conn)->position, cases[i].position);
        assert_status(hyl_exec(conn, cases[i].sql, NULL, &err), HYL_ERR_SERVER, &err);
        assert_int_equal(hyl_conn_diag(conn)->position, cases[i].position);
    }
    hyl_conn_free(conn);
}

static void a_write_conflict_may_pass(void **state)
{
    (void)state;
    hyl_conn *one = live_open("conflict.hyper", "create=replace");
    hyl_conn *two = live_open("conflict.hyper", NULL);
    live_exec(one, "CREATE TABLE t (a int)");
    live_exec(one, "INSERT INTO t VALUES (1)");
    live_exec(one, "BEGIN");
    live_exec(two, "BEGIN");
    live_exec(one, "UPDATE t SET a = 2");
    assert_status(hyl_exec(two, "UPDATE t SET a = 3", NULL, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "40001");
    assert_true(hyl_error_retryable(&err));
    assert_int_equal(hyl_conn_health(two), HYL_HEALTH_TX_FAILED);
    live_exec(one, "COMMIT");
    live_exec(two, "ROLLBACK");
    assert_int_equal(live_exec(two, "UPDATE t SET a = 3"), 1);
    hyl_conn_free(one);
    hyl_conn_free(two);
}

/* ---- The latch ------------------------------------------------------------------------------- */

/* Fails at its 150,000th row, when the server has put away those before it. */
#define HALF_AN_INSERT \
    "INSERT INTO t SELECT i FROM generate_series(1, 200000) g(i) WHERE 1/(150000 - i) > -5"

static hyl_raw *raw_connection(void)
{
    hyl_transport transport = {NULL, NULL};
    hyl_raw *raw = NULL;
    const hyl_pair params[] = {{"user", "tableau_internal_user"},
                               {"database", test_path("half.hyper")}};
    assert_ok(hyl_transport_open(test_hyperd_endpoint(), INT64_MAX, &transport, &err), &err);
    assert_ok(hyl_raw_new(&transport, NULL, &raw, &err), &err);
    assert_ok(hyl_raw_startup(raw, params, 2, NULL, &err), &err);
    return raw;
}

static hyl_status raw_run(hyl_raw *raw, const char *sql, bool extended)
{
    hyl_raw_messages *messages = NULL;
    hyl_status status = extended ? hyl_raw_query_binary(raw, hyl_str_of(sql), &messages, &err)
                                 : hyl_raw_simple_query(raw, hyl_str_of(sql), &messages, &err);
    hyl_raw_messages_free(messages);
    return status;
}

/*
 * What the latch is for: on the bare protocol the server forgets the failure, and commits the rows
 * that half a statement had put away.
 */
static void the_server_commits_half_a_statement(void **state)
{
    (void)state;
    hyl_conn_free(live_open("half.hyper", "create=replace"));
    hyl_raw *raw = raw_connection();
    hyl_raw_messages *messages = NULL;
    hyl_msg message;
    hyl_row_iter iter;
    hyl_bytes cell;
    assert_ok(raw_run(raw, "CREATE TABLE t (a int)", false), &err);
    assert_ok(raw_run(raw, "BEGIN", false), &err);
    assert_status(raw_run(raw, HALF_AN_INSERT, true), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "22012");
    assert_ok(raw_run(raw, "SELECT 1", true), &err);
    assert_ok(raw_run(raw, "COMMIT", true), &err);
    assert_ok(hyl_raw_simple_query(raw, HYL_STR("SELECT count(*) FROM t"), &messages, &err), &err);
    assert_true(hyl_raw_messages_get(messages, 1, &message));
    hyl_row_iter_init(&iter, &message);
    assert_true(hyl_row_iter_next(&iter, &cell));
    char digits[20];
    snprintf(digits, sizeof digits, "%.*s", (int)cell.len, (const char *)cell.data);
    assert_in_range(strtol(digits, NULL, 10), 1, 199999);
    hyl_raw_messages_free(messages);
    hyl_raw_free(raw);
}

static const hyl_query_opts as_text = {sizeof as_text, HYL_QUERY_TEXT, HYL_TRANSFER_DEFAULT};

/* The failing statement, as a simple query or described first (the extended protocol). */
static void fail_half_way(hyl_conn *conn, const hyl_query_opts *opts)
{
    hyl_result *result = NULL;
    hyl_status status = hyl_query_with(conn, HALF_AN_INSERT, opts, &result, &err);
    assert_status(status, HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "22012");
    assert_int_equal(hyl_conn_health(conn), HYL_HEALTH_TX_FAILED);
    assert_int_equal(hyl_conn_tx(conn), HYL_TX_FAILED);
}

static void a_failed_transaction_cannot_be_committed(void **state)
{
    (void)state;
    const hyl_query_opts *const ways[] = {NULL, &as_text};
    hyl_conn *conn = live_open("whole.hyper", "create=replace");
    hyl_result *result = NULL;
    live_exec(conn, "CREATE TABLE t (a int)");
    for (size_t i = 0; i < 2; i++) {
        live_exec(conn, "BEGIN");
        live_exec(conn, "INSERT INTO t VALUES (7)");
        fail_half_way(conn, ways[i]);
        assert_status(hyl_exec(conn, "SELECT 1", NULL, &err), HYL_ERR_STATE, &err);
        assert_string_equal(err.sqlstate, "25P02");
        assert_status(hyl_query_with(conn, "SELECT 1", &as_text, &result, &err), HYL_ERR_STATE,
                      &err);
        assert_ok(hyl_ping(conn, &err), &err);
        assert_status(hyl_exec(conn, "COMMIT", NULL, &err), HYL_ERR_STATE, &err);
        assert_string_equal(err.sqlstate, "25P02");
        assert_int_equal(hyl_conn_tx(conn), HYL_TX_IDLE);
        assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        live_exec(conn, "BEGIN");
        fail_half_way(conn, ways[i]);
        live_exec(conn, "ROLLBACK");
        live_assert_in_step(conn);
        assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), 0);
    }
    live_exec(conn, "BEGIN");
    live_exec(conn, "INSERT INTO t VALUES (7)");
    live_exec(conn, "COMMIT");
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), 1);
    hyl_conn_free(conn);
}

static void an_error_while_describing_fails_the_transaction_too(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    hyl_result *result = NULL;
    live_exec(conn, "BEGIN");
    assert_status(hyl_query_with(conn, "SELECT * FROM nope", &as_text, &result, &err),
                  HYL_ERR_SERVER, &err);
    assert_int_equal(hyl_conn_health(conn), HYL_HEALTH_TX_FAILED);
    live_exec(conn, "ROLLBACK");
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

/* ---- Giving up ------------------------------------------------------------------------------- */

static hyl_result *read_some(hyl_conn *conn, const char *sql, const hyl_query_opts *opts, int count)
{
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    assert_ok(hyl_query_with(conn, sql, opts, &result, &err), &err);
    for (int i = 0; i < count; i++) {
        assert_ok(hyl_result_next(result, &row, &err), &err);
    }
    return result;
}

static void check_half_a_result(hyl_conn *conn)
{
    int64_t start = hyl__now_ms();
    hyl_result *result = read_some(conn, TEN_MILLION, NULL, 5000000);
    int64_t read = hyl__now_ms();
    assert_ok(hyl_result_abandon(result, &err), &err);
    printf("half of 10 M rows read in %lld ms, the rest dropped in %lld ms\n",
           (long long)(read - start), (long long)(hyl__now_ms() - read));
    live_assert_in_step(conn);
    hyl_result_free(result);
    live_assert_in_step(conn);
}

static void half_of_ten_million_rows_can_be_dropped(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    check_half_a_result(conn);
    hyl_conn_free(conn);
}

static void by_freeing_the_result_too(void **state)
{
    (void)state;
    hyl_conn *const conns[] = {live_connect(NULL), live_connect_unix(NULL)};
    static const int counts[] = {0, 1, 1000, 100000};
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < sizeof counts / sizeof counts[0]; j++) {
            hyl_result_free(read_some(conns[i], TEN_MILLION, NULL, counts[j]));
            live_assert_in_step(conns[i]);
            hyl_result_free(read_some(conns[i], TEN_MILLION, &as_text, counts[j]));
            live_assert_in_step(conns[i]);
        }
        hyl_conn_free(conns[i]);
    }
}

/* Many small ones: no cancel of one may ever hit the next. */
static void many_small_results_dropped_hit_no_later_statement(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect_unix(NULL);
    for (int i = 0; i < 300; i++) {
        hyl_result_free(read_some(conn, "SELECT i FROM generate_series(1, 5000) g(i)", NULL, 1));
        live_assert_in_step(conn);
    }
    hyl_conn_free(conn);
}

/* How a result is left before its end. */
typedef enum leaving { BY_FREE, BY_ABANDON, BY_CANCEL, LEAVING_COUNT } leaving;

/* A cancel may come too late: then all is there. */
static void assert_ended(hyl_status status)
{
    if (status != HYL_ERR_CANCELLED) {
        assert_ok(status, &err);
    }
}

static void leave_result(hyl_conn *conn, random_source *random, unsigned flags, leaving how)
{
    char sql[100];
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    const hyl_query_opts opts = {sizeof opts, flags, HYL_TRANSFER_DEFAULT};
    snprintf(sql, sizeof sql, "SELECT i, 'x' FROM generate_series(1, %d) g(i)",
             (int)(random_any_size(random) % 300000));
    assert_ok(hyl_query_with(conn, sql, &opts, &result, &err), &err);
    hyl_status status = HYL_OK;
    for (uint64_t left = random_any_size(random) % 300; left > 0 && status == HYL_OK; left--) {
        status = hyl_result_next(result, &row, &err);
        assert_true(status >= 0);
    }
    if (how == BY_ABANDON) {
        assert_ok(hyl_result_abandon(result, &err), &err);
    } else if (how == BY_CANCEL) {
        assert_ok(hyl_conn_cancel(conn, 10000, &err), &err);
        assert_ended(hyl_result_finish(result, &err));
    }
    hyl_result_free(result);
}

static void leave_copy(hyl_conn *conn, random_source *random, const char *format, leaving how)
{
    char sql[150];
    hyl_copy *copy = NULL;
    hyl_bytes piece;
    snprintf(sql, sizeof sql,
             "COPY (SELECT i, 'x' FROM generate_series(1, %d) g(i)) TO STDOUT WITH (FORMAT %s)",
             (int)(random_any_size(random) % 300000), format);
    assert_ok(hyl_copy_out_open(conn, sql, &copy, &err), &err);
    hyl_status status = HYL_OK;
    for (uint64_t left = random_any_size(random) % 10; left > 0 && status == HYL_OK; left--) {
        status = hyl_copy_read(copy, &piece, &err);
        assert_true(status >= 0);
    }
    if (how == BY_ABANDON && status == HYL_OK) {
        assert_ok(hyl_copy_abort(copy, "enough", &err), &err);
    } else if (how == BY_CANCEL) {
        assert_ok(hyl_conn_cancel(conn, 10000, &err), &err);
        assert_ended(hyl_copy_finish(copy, NULL, &err));
    }
    hyl_copy_free(copy);
}

/*
 * The cancel meets the server at any point of any kind of statement: what it answers then is odd at
 * times, and must never be one answer more or less.
 */
static void whatever_is_left_whenever_the_connection_goes_on(void **state)
{
    (void)state;
    static const char *const formats[] = {"csv", "hyperbinary", "arrowstream"};
    random_source random = random_start("leaving", 0x1ea7e);
    hyl_conn *conn = live_connect(NULL);
    for (int i = 0; i < 240; i++) {
        leaving how = (leaving)random_below(&random, LEAVING_COUNT);
        bool in_transaction = random_below(&random, 4) == 0;
        if (in_transaction) {
            live_exec(conn, "BEGIN");
        }
        if (i % 2 == 0) {
            leave_result(conn, &random, (unsigned)random_below(&random, 3), how);
        } else {
            leave_copy(conn, &random, formats[random_below(&random, 3)], how);
        }
        if (in_transaction) {
            live_exec(conn, "ROLLBACK");
        }
        live_assert_in_step(conn);
    }
    hyl_conn_free(conn);
}

static void a_cancel_ends_a_result(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    hyl_result *result = read_some(conn, TEN_MILLION, NULL, 10);
    assert_ok(hyl_conn_cancel(conn, 10000, &err), &err);
    assert_status(hyl_result_finish(result, &err), HYL_ERR_CANCELLED, &err);
    assert_string_equal(err.sqlstate, "57014");
    assert_true(err.flags & HYL_ERROR_FROM_SERVER);
    assert_string_equal(hyl_conn_diag(conn)->sqlstate, "57014");
    hyl_result_free(result);
    live_assert_in_step(conn);
    /* While nothing is under way it hits nothing. */
    assert_ok(hyl_conn_cancel(conn, 10000, &err), &err);
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

static void a_statement_that_takes_too_long_is_cancelled(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect("request_timeout=1s");
    int64_t start = hyl__now_ms();
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl_exec(conn, ENDLESS, NULL, &err), HYL_ERR_TIMEOUT, &err);
    printf("given up after %lld ms\n", (long long)(hyl__now_ms() - start));
    assert_false(err.flags & HYL_ERROR_CONNECTION_LOST);
    assert_null(hyl_conn_diag(conn));
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

/* In a transaction it has failed it, as whatever the server cancels does. */
static void and_fails_its_transaction(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect("request_timeout=1s");
    live_exec(conn, "BEGIN");
    assert_status(hyl_exec(conn, ENDLESS, NULL, &err), HYL_ERR_TIMEOUT, &err);
    assert_int_equal(hyl_conn_health(conn), HYL_HEALTH_TX_FAILED);
    live_exec(conn, "ROLLBACK");
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

/* From its fifth second on the server says every five seconds that a statement is alive. */
static void a_long_statement_is_reported_alive(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    hyl_result *result = NULL;
    const hyl_query_opts opts = {sizeof opts, 0, HYL_TRANSFER_ROWS};
    assert_null(hyl_conn_parameter(conn, "alive"));
    /* Then it describes the rows too, before there is one; batches are not known before the first. */
    assert_ok(hyl_query_with(conn, ENDLESS, &opts, &result, &err), &err);
    assert_int_equal(hyl_result_column_count(result), 1);
    assert_ok(hyl_result_abandon(result, &err), &err);
    assert_string_equal(hyl_conn_parameter(conn, "alive"), "?");
    hyl_result_free(result);
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

/* A connection that is closed in the middle of something leaves the server free for others. */
static void closing_in_the_middle_stops_the_server(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    hyl_result *result = read_some(conn, TEN_MILLION, NULL, 10);
    const hyl_row *row = NULL;
    hyl_conn_free(conn);
    assert_status(hyl_result_next(result, &row, &err), HYL_ERR_CLOSED, &err);
    hyl_result_free(result);
    conn = live_open("left.hyper", "create=replace");
    hyl_copy *copy = NULL;
    live_exec(conn, "CREATE TABLE t (a int)");
    assert_ok(hyl_copy_in_open(conn, "COPY t FROM STDIN WITH (FORMAT csv)", &copy, &err), &err);
    assert_ok(hyl_copy_write(copy, "1\n", 2, &err), &err);
    hyl_conn_free(conn);
    hyl_copy_free(copy);
    /* Its file is let go: another session drops it, and nothing of the COPY was kept. */
    conn = live_open("left.hyper", NULL);
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), 0);
    hyl_conn_free(conn);
}

/* ---- A server that dies ---------------------------------------------------------------------- */

static hyl_conn *connect_to_own(hyl_server **server)
{
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    hyl_config *config = NULL;
    hyl_conn *conn = NULL;
    opts.working_dir = test_folder();
    assert_ok(hyl_server_launch(&opts, server, &err), &err);
    assert_ok(hyl_config_new(&config, &err), &err);
    assert_ok(hyl_server_configure(*server, config, &err), &err);
    assert_ok(hyl_connect(config, &conn, &err), &err);
    hyl_config_free(config);
    return conn;
}

static void assert_died(hyl_conn *conn, hyl_status status)
{
    assert_status(status, HYL_ERR_CLOSED, &err);
    assert_string_equal(err.sqlstate, "08006");
    assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
    if (strstr(err.message, "SIGKILL") == NULL) {
        fail_msg("it is not said why: %s", err.message);
    }
    assert_int_equal(hyl_conn_health(conn), HYL_HEALTH_CLOSED);
    assert_status(hyl_exec(conn, "SELECT 1", NULL, &err), HYL_ERR_CLOSED, &err);
}

static void a_server_that_dies_in_a_result_is_closed(void **state)
{
    (void)state;
    hyl_server *server = NULL;
    hyl_conn *conn = connect_to_own(&server);
    hyl_result *result = read_some(conn, TEN_MILLION, NULL, 1000);
    assert_int_equal(kill(hyl_server_pid(server), SIGKILL), 0);
    err = (hyl_error)HYL_ERROR_INIT;
    assert_died(conn, hyl_result_finish(result, &err));
    assert_status(hyl_result_finish(result, &err), HYL_ERR_CLOSED, &err);
    hyl_result_free(result);
    hyl_conn_free(conn);
    hyl_server_free(server);
}

static void a_server_that_dies_in_a_copy_is_closed(void **state)
{
    (void)state;
    static const char block[262144] = "";
    hyl_server *server = NULL;
    hyl_copy *copy = NULL;
    hyl_conn *conn = connect_to_own(&server);
    live_exec(conn, "CREATE TEMP TABLE t (a text)");
    assert_ok(hyl_copy_in_open(conn, "COPY t FROM STDIN WITH (FORMAT hyperbinary)", &copy, &err),
              &err);
    assert_int_equal(kill(hyl_server_pid(server), SIGKILL), 0);
    hyl_status status = HYL_OK;
    err = (hyl_error)HYL_ERROR_INIT;
    while (status == HYL_OK) {
        status = hyl_copy_write(copy, block, sizeof block, &err);
    }
    assert_died(conn, status);
    hyl_copy_free(copy);
    hyl_conn_free(conn);
    hyl_server_free(server);
}

static void a_server_that_dies_while_nothing_runs_is_closed(void **state)
{
    (void)state;
    hyl_server *server = NULL;
    hyl_conn *conn = connect_to_own(&server);
    assert_int_equal(kill(hyl_server_pid(server), SIGKILL), 0);
    err = (hyl_error)HYL_ERROR_INIT;
    assert_died(conn, hyl_exec(conn, "SELECT 1", NULL, &err));
    hyl_conn_free(conn);
    hyl_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_tcp_and_by_unix_socket),
        cmocka_unit_test(session_settings_have_any_value),
        cmocka_unit_test(settings_that_are_wrong_are_refused_by_the_server),
        cmocka_unit_test(a_port_where_nobody_listens_is_an_io_error),
        cmocka_unit_test(notices_of_the_server_arrive),
        cmocka_unit_test(an_error_has_its_place_in_the_text),
        cmocka_unit_test(so_it_has_where_the_statement_is_described),
        cmocka_unit_test(a_write_conflict_may_pass),
        cmocka_unit_test(the_server_commits_half_a_statement),
        cmocka_unit_test(a_failed_transaction_cannot_be_committed),
        cmocka_unit_test(an_error_while_describing_fails_the_transaction_too),
        cmocka_unit_test(half_of_ten_million_rows_can_be_dropped),
        cmocka_unit_test(by_freeing_the_result_too),
        cmocka_unit_test(many_small_results_dropped_hit_no_later_statement),
        cmocka_unit_test(whatever_is_left_whenever_the_connection_goes_on),
        cmocka_unit_test(a_cancel_ends_a_result),
        cmocka_unit_test(a_statement_that_takes_too_long_is_cancelled),
        cmocka_unit_test(and_fails_its_transaction),
        cmocka_unit_test(a_long_statement_is_reported_alive),
        cmocka_unit_test(closing_in_the_middle_stops_the_server),
        cmocka_unit_test(a_server_that_dies_in_a_result_is_closed),
        cmocka_unit_test(a_server_that_dies_in_a_copy_is_closed),
        cmocka_unit_test(a_server_that_dies_while_nothing_runs_is_closed),
    };
    return cmocka_run_group_tests_name("live/conn_hyperd", tests, test_hyperd_start,
                                       test_hyperd_stop);
}
