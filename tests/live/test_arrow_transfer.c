/*
 * The rows of queries on both of their ways, one by one and out of batches: which way is taken, that
 * the reader gets the same on each, and what becomes of result and connection when something ends
 * early or goes wrong.
 */
#include "data/result.h"
#include "support/alloc.h"
#include "support/arrow_live.h"
#include "support/hyperd.h"
#include "support/live.h"
#include "support/random.h"
#include "support/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

/* Both ways, for tests of what must be the same on each. */
static hyl_error err;

static const hyl_transfer ways[] = {HYL_TRANSFER_ROWS, HYL_TRANSFER_ARROW};
enum { WAYS = 2 };

static hyl_status open_status(const char *sql, hyl_transfer transfer, hyl_result **result)
{
    const hyl_query_opts opts = {sizeof opts, 0, transfer};
    return hyl_query_with(arrow_conn, sql, &opts, result, &err);
}

static hyl_result *opened(const char *sql, hyl_transfer transfer)
{
    hyl_result *result = NULL;
    assert_ok(open_status(sql, transfer, &result), &err);
    return result;
}

static bool by_arrow(const hyl_result *result)
{
    return result->arrow != NULL;
}

/* ---- Which way ------------------------------------------------------------------------------- */

static void assert_way(const char *sql, hyl_transfer transfer, unsigned flags, bool arrow)
{
    const hyl_query_opts opts = {sizeof opts, flags, transfer};
    hyl_result *result = NULL;
    assert_ok(hyl_query_with(arrow_conn, sql, &opts, &result, &err), &err);
    if (by_arrow(result) != arrow) {
        fail_msg("%s, transfer %d, flags %u: %s", sql, (int)transfer, flags,
                 arrow ? "came as rows" : "came as Arrow");
    }
    assert_ok(hyl_result_finish(result, &err), &err);
    hyl_result_free(result);
}

#define SERIES "FROM generate_series(1, 10) g(i)"

static void the_statement_and_the_options_choose_the_way(void **state)
{
    (void)state;
    assert_way("SELECT i " SERIES, HYL_TRANSFER_DEFAULT, 0, true);
    assert_way("SELECT i " SERIES, HYL_TRANSFER_AUTO, 0, true);
    assert_way("SELECT i " SERIES, HYL_TRANSFER_ROWS, 0, false);
    assert_way("SELECT i " SERIES " LIMIT 5", HYL_TRANSFER_AUTO, 0, false);
    assert_way("SELECT i " SERIES " LIMIT 5", HYL_TRANSFER_ARROW, 0, true);
    assert_way("SELECT 1", HYL_TRANSFER_AUTO, 0, false);
    assert_way("SELECT 1", HYL_TRANSFER_ARROW, 0, true);
    assert_way("VALUES (1), (2)", HYL_TRANSFER_ARROW, 0, true);
    /* What COPY does not take comes as rows in any case. */
    assert_way("SHOW timezone", HYL_TRANSFER_ARROW, 0, false);
    assert_way("CREATE TEMP TABLE w(a int)", HYL_TRANSFER_ARROW, 0, false);
    assert_way("INSERT INTO w SELECT i " SERIES " RETURNING a", HYL_TRANSFER_ARROW, 0, false);
    assert_way("TABLE w", HYL_TRANSFER_AUTO, 0, true);
}

static void values_as_text_come_as_rows(void **state)
{
    (void)state;
    assert_way("SELECT i " SERIES, HYL_TRANSFER_AUTO, HYL_QUERY_TEXT, false);
    assert_way("SELECT i " SERIES, HYL_TRANSFER_ARROW, HYL_QUERY_TEXT, false);
    /* Geography alone, where there is some. */
    assert_way("SELECT i " SERIES, HYL_TRANSFER_AUTO, HYL_QUERY_GEOGRAPHY_TEXT, true);
    assert_way("SELECT CAST('POINT(1 2)' AS geography) " SERIES, HYL_TRANSFER_AUTO,
               HYL_QUERY_GEOGRAPHY_TEXT, false);
    assert_way("SELECT CAST('POINT(1 2)' AS geography) " SERIES, HYL_TRANSFER_AUTO, 0, true);
    assert_way("SELECT CAST(NULL AS uuid) " SERIES, HYL_TRANSFER_AUTO, HYL_QUERY_GEOGRAPHY_TEXT,
               false);
    assert_way("SELECT time '24:00:00' " SERIES, HYL_TRANSFER_AUTO, HYL_QUERY_GEOGRAPHY_TEXT,
               false);
}

static void the_connections_config_chooses_too(void **state)
{
    (void)state;
    hyl_config *config = live_config("transfer=rows");
    hyl_conn_free(arrow_conn);
    assert_ok(hyl_connect(config, &arrow_conn, &err), &err);
    assert_way("SELECT i " SERIES, HYL_TRANSFER_DEFAULT, 0, false);
    assert_way("SELECT i " SERIES, HYL_TRANSFER_AUTO, 0, true);
    hyl_conn_free(arrow_conn);
    assert_int_equal(setenv("HYPERLINE_TRANSFER", "arrow", 1), 0);
    assert_ok(hyl_config_load_env(config, &err), &err);
    assert_int_equal(unsetenv("HYPERLINE_TRANSFER"), 0);
    assert_ok(hyl_connect(config, &arrow_conn, &err), &err);
    assert_way("SELECT 1", HYL_TRANSFER_DEFAULT, 0, true);
    assert_way("SELECT 1", HYL_TRANSFER_ROWS, 0, false);
    hyl_config_free(config);
}

static void a_transfer_that_is_none_is_refused(void **state)
{
    (void)state;
    hyl_result *result = NULL;
    assert_int_equal(open_status("SELECT 1", (hyl_transfer)4, &result), HYL_ERR_ARG);
    assert_null(result);
    live_assert_in_step(arrow_conn);
}

/* ---- The same rows --------------------------------------------------------------------------- */

/* Every cell of every row with its length, NULL told from empty; then the tag. */
static hyl_buf all_cells(const char *sql, hyl_transfer transfer)
{
    hyl_buf cells = HYL_BUF_INIT;
    hyl_result *result = opened(sql, transfer);
    const hyl_row *row = NULL;
    hyl_status status;
    assert_int_equal(by_arrow(result), transfer == HYL_TRANSFER_ARROW);
    while ((status = hyl_result_next(result, &row, &err)) == HYL_OK) {
        for (size_t i = 0; i < hyl_row_column_count(row); i++) {
            hyl_bytes cell = {NULL, 0};
            if (!hyl_row_is_null(row, i)) {
                assert_ok(hyl_row_raw(row, i, &cell, &err), &err);
                assert_non_null(cell.data);
            }
            int64_t len = cell.data != NULL ? (int64_t)cell.len : -1;
            hyl_buf_append(&cells, &len, sizeof len);
            hyl_buf_append(&cells, cell.data, cell.len);
        }
    }
    assert_status(status, HYL_DONE, &err);
    assert_status(hyl_result_next(result, &row, &err), HYL_DONE, &err);
    hyl_buf_printf(&cells, "%s %lld", hyl_result_tag(result),
                   (long long)hyl_result_affected(result));
    hyl_result_free(result);
    return cells;
}

static void assert_same_cells(const char *sql)
{
    hyl_buf rows = all_cells(sql, HYL_TRANSFER_ROWS);
    hyl_buf arrow = all_cells(sql, HYL_TRANSFER_ARROW);
    if (rows.len != arrow.len || memcmp(rows.data, arrow.data, rows.len) != 0) {
        fail_msg("%s: the ways differ", sql);
    }
    hyl_buf_reset(&rows);
    hyl_buf_reset(&arrow);
}

static void every_type_with_nulls_anywhere_is_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARROW_TYPE_COUNT; i++) {
        for (unsigned nulls = 0; nulls < 8; nulls++) {
            hyl_buf sql = arrow_three_rows(i, nulls);
            assert_same_cells((char *)sql.data);
            hyl_buf_reset(&sql);
        }
    }
}

/* Batches that follow each other, with and without NULLs, of columns of every make. */
static void many_rows_are_the_same(void **state)
{
    (void)state;
    static const char *const queries[] = {
        "SELECT i, i * 0.25::double precision AS d, i::bigint AS b FROM generate_series(1, 35000) "
        "g(i) ORDER BY i",
        "SELECT CASE WHEN i > 15000 THEN nullif(i % 5, 0) ELSE i END AS n, 't' || i AS t, "
        "nullif('u' || i % 3, 'u1') AS u, i % 2 = 0 AS b, CASE WHEN i % 7 > 0 THEN i % 3 = 0 END "
        "AS nb, date '2000-01-01' + i AS d, timestamp '1969-12-31' + i * interval '1 hour' AS at, "
        "cast(i as numeric(18,2)) AS small, cast(-i as numeric(30,2)) AS large, i * interval "
        "'1 day 2 seconds' AS v, time '00:00:00' + i * interval '1 second' AS o, "
        "CASE WHEN i % 4 > 0 THEN array[i, null, -i] END AS a, array['x' || i, ''] AS x "
        "FROM generate_series(1, 35000) g(i) ORDER BY i",
        "SELECT repeat('x', i * 40000) AS t FROM generate_series(0, 30) g(i) ORDER BY i",
        "SELECT i FROM generate_series(1, 10) g(i) WHERE i < 0",
        "SELECT '' AS t, cast('' as bytea) AS b FROM generate_series(1, 20000) g(i)",
    };
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        assert_same_cells(queries[i]);
    }
}

/* hyl_row_get_value and the text of every column, not of the bytes alone. */
static void values_are_got_from_batches(void **state)
{
    (void)state;
    hyl_result *result =
        opened("SELECT CAST(7 AS smallint), 8, CAST(9 AS bigint), CAST(1.5 AS real), 2.5::double "
               "precision, CAST(1.25 AS numeric(5,2)), 'text', true, date '2000-01-02', NULL::text "
               "FROM (VALUES (1)) v",
               HYL_TRANSFER_AUTO);
    const hyl_row *row = NULL;
    int64_t whole = 0;
    double real = 0;
    hyl_numeric numeric;
    hyl_str text;
    bool truth = false;
    int32_t day = 0;
    assert_true(by_arrow(result));
    assert_ok(hyl_result_next(result, &row, &err), &err);
    for (size_t i = 0; i < 3; i++) {
        assert_ok(hyl_row_get_i64(row, i, &whole, &err), &err);
        assert_int_equal(whole, 7 + i);
    }
    assert_ok(hyl_row_get_f64(row, 3, &real, &err), &err);
    assert_true(real == 1.5);
    assert_ok(hyl_row_get_f64(row, 4, &real, &err), &err);
    assert_true(real == 2.5);
    assert_ok(hyl_row_get_numeric(row, 5, &numeric, &err), &err);
    assert_int_equal(numeric.lo, 125);
    assert_ok(hyl_row_get_str(row, 6, &text, &err), &err);
    assert_memory_equal(text.data, "text", 4);
    assert_ok(hyl_row_get_bool(row, 7, &truth, &err), &err);
    assert_true(truth);
    assert_ok(hyl_row_get_date(row, 8, &day, &err), &err);
    assert_int_equal(day, 1);
    assert_true(hyl_row_is_null(row, 9));
    assert_int_equal(hyl_row_get_str(row, 9, &text, &err), HYL_ERR_NULLVAL);
    assert_int_equal(hyl_row_get_i64(row, 6, &whole, &err), HYL_ERR_TYPE);
    assert_int_equal(hyl_row_get_i64(row, 10, &whole, &err), HYL_ERR_ARG);
    hyl_result_free(result);
}

static void batches_become_arrays_again(void **state)
{
    (void)state;
    const char *sql = "SELECT i, nullif('t' || i, 't3') AS t FROM generate_series(1, 25000) g(i) "
                      "ORDER BY i";
    struct ArrowArrayStream stream = {.release = NULL};
    hyl_result *result = opened(sql, HYL_TRANSFER_ARROW);
    const hyl_row *row = NULL;
    assert_ok(hyl_result_next(result, &row, &err), &err); /* the first row is read here */
    assert_ok(hyl_result_to_arrow(result, &stream, &err), &err);
    arrow_contents read = arrow_read(&stream, true);
    assert_int_equal(read.row_count, 24999);
    assert_memory_equal(read.rows.data, "2|t2\n3|NULL\n4|t4\n", 16);
    arrow_contents_free(&read);
    live_assert_in_step(arrow_conn);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

#define MANY "SELECT i::bigint AS i, i::bigint * 2 AS j FROM generate_series(1, 20000000) g(i)"

static void read_rows(hyl_result *result, int64_t count)
{
    const hyl_row *row = NULL;
    for (int64_t i = 0; i < count; i++) {
        assert_ok(hyl_result_next(result, &row, &err), &err);
    }
}

static void results_may_end_early(void **state)
{
    (void)state;
    static const int64_t counts[] = {0, 1, 10240, 10241, 50000};
    for (size_t way = 0; way < WAYS; way++) {
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
            hyl_result *result = opened(MANY, ways[way]);
            const hyl_row *row = NULL;
            read_rows(result, counts[i]);
            assert_int_equal(hyl_conn_health(arrow_conn), HYL_HEALTH_BUSY);
            assert_int_equal(hyl_exec(arrow_conn, "SELECT 1", NULL, &err), HYL_ERR_BUSY);
            assert_non_null(strstr(err.message, "a result is still open"));
            assert_int_equal(hyl_result_affected(result), -1);
            assert_string_equal(hyl_result_tag(result), "");
            assert_ok(hyl_result_abandon(result, &err), &err);
            assert_int_equal(hyl_conn_health(arrow_conn), HYL_HEALTH_OK);
            assert_int_equal(hyl_result_next(result, &row, &err), HYL_ERR_CANCELLED);
            assert_int_equal(hyl_result_abandon(result, &err), HYL_ERR_CANCELLED);
            live_assert_in_step(arrow_conn);
            hyl_result_free(result);
            result = opened(MANY, ways[way]);
            read_rows(result, counts[i]);
            hyl_result_free(result);
            live_assert_in_step(arrow_conn);
        }
    }
}

static void the_rest_can_be_read_and_dropped(void **state)
{
    (void)state;
    for (size_t way = 0; way < WAYS; way++) {
        hyl_result *result = opened("SELECT i FROM generate_series(1, 100000) g(i)", ways[way]);
        read_rows(result, 3);
        assert_ok(hyl_result_finish(result, &err), &err);
        assert_int_equal(hyl_result_affected(result), 100000);
        assert_string_equal(hyl_result_tag(result), "SELECT 100000");
        assert_ok(hyl_result_finish(result, &err), &err);
        assert_ok(hyl_result_abandon(result, &err), &err);
        live_assert_in_step(arrow_conn);
        hyl_result_free(result);
    }
}

static void results_outlive_their_connection(void **state)
{
    (void)state;
    for (size_t way = 0; way < WAYS; way++) {
        hyl_result *result = opened(MANY, ways[way]);
        const hyl_row *row = NULL;
        read_rows(result, 20);
        hyl_conn_free(arrow_conn);
        assert_int_equal(hyl_result_next(result, &row, &err), HYL_ERR_CLOSED);
        assert_int_equal(hyl_result_abandon(result, &err), HYL_ERR_CLOSED);
        assert_string_equal(hyl_result_column(result, 1)->name, "j");
        hyl_result_free(result);
        arrow_conn = live_connect("drain_timeout=30s");
    }
}

static hyl_status read_to_end(hyl_result *result, int64_t *rows)
{
    const hyl_row *row = NULL;
    hyl_status status;
    while ((status = hyl_result_next(result, &row, &err)) == HYL_OK) {
        ++*rows;
    }
    return status;
}

static void a_result_can_be_cancelled(void **state)
{
    (void)state;
    for (size_t way = 0; way < WAYS; way++) {
        int64_t rows = 0;
        hyl_result *result =
            opened("SELECT i FROM generate_series(1, 100000000000) g(i)", ways[way]);
        read_rows(result, 100);
        assert_ok(hyl_conn_cancel(arrow_conn, 5000, &err), &err);
        assert_int_equal(read_to_end(result, &rows), HYL_ERR_CANCELLED);
        assert_string_equal(err.sqlstate, "57014");
        assert_int_equal(read_to_end(result, &rows), HYL_ERR_CANCELLED);
        live_assert_in_step(arrow_conn);
        hyl_result_free(result);
    }
}

static void *cancel(void *arg)
{
    return hyl_cancel(arg, 5000, NULL) == HYL_OK ? arg : NULL;
}

static void a_result_can_be_cancelled_from_another_thread(void **state)
{
    (void)state;
    for (size_t way = 0; way < WAYS; way++) {
        hyl_canceller *canceller = NULL;
        pthread_t thread;
        void *done = NULL;
        int64_t rows = 0;
        assert_ok(hyl_canceller_new(arrow_conn, &canceller, &err), &err);
        hyl_result *result =
            opened("SELECT i FROM generate_series(1, 100000000000) g(i)", ways[way]);
        assert_int_equal(pthread_create(&thread, NULL, cancel, canceller), 0);
        assert_int_equal(read_to_end(result, &rows), HYL_ERR_CANCELLED);
        assert_int_equal(pthread_join(thread, &done), 0);
        assert_ptr_equal(done, canceller);
        hyl_result_free(result);
        live_assert_in_step(arrow_conn);
        hyl_canceller_free(canceller);
    }
}

/* The server may describe rows before there is one: then it is the first that is waited for. */
static void a_deadline_ends_a_query_that_gives_nothing(void **state)
{
    (void)state;
    hyl_conn_free(arrow_conn);
    arrow_conn = live_connect("request_timeout=1s");
    for (size_t way = 0; way < WAYS; way++) {
        hyl_result *result = NULL;
        int64_t rows = 0;
        hyl_status status = open_status(
            "SELECT count(*) FROM generate_series(1, 100000000000) g(i)", ways[way], &result);
        if (status == HYL_OK && ways[way] == HYL_TRANSFER_ROWS) {
            status = read_to_end(result, &rows);
        }
        assert_int_equal(status, HYL_ERR_TIMEOUT);
        assert_int_equal(rows, 0);
        assert_int_equal(err.flags & HYL_ERROR_CONNECTION_LOST, 0);
        hyl_result_free(result);
        live_assert_in_step(arrow_conn);
    }
}

static void a_server_that_dies_is_an_error_not_an_end(void **state)
{
    (void)state;
    for (size_t way = 0; way < WAYS; way++) {
        hyl_server *server = NULL;
        hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
        int64_t rows = 0;
        opts.working_dir = test_folder();
        assert_ok(hyl_server_launch(&opts, &server, &err), &err);
        hyl_conn_free(arrow_conn);
        arrow_conn = arrow_connect(server, "");
        hyl_result *result =
            opened("SELECT i FROM generate_series(1, 100000000000) g(i)", ways[way]);
        assert_int_equal(kill(hyl_server_pid(server), SIGKILL), 0);
        assert_int_equal(read_to_end(result, &rows), HYL_ERR_CLOSED);
        assert_int_equal(err.flags & HYL_ERROR_CONNECTION_LOST, HYL_ERROR_CONNECTION_LOST);
        hyl_result_free(result);
        assert_int_equal(hyl_conn_health(arrow_conn), HYL_HEALTH_CLOSED);
        hyl_server_free(server);
    }
}

/* ---- Errors ---------------------------------------------------------------------------------- */

#define FAILS_LATE                                                     \
    "SELECT i, 1000 / (CASE WHEN i = 3000000 THEN 0 ELSE 1 END) AS q " \
    "FROM generate_series(1, 4000000) g(i)"

static void an_error_in_the_middle_tells_the_servers_words(void **state)
{
    (void)state;
    for (size_t way = 0; way < WAYS; way++) {
        int64_t rows = 0;
        hyl_result *result = opened(FAILS_LATE, ways[way]);
        assert_int_equal(read_to_end(result, &rows), HYL_ERR_SERVER);
        assert_true(rows > 0);
        assert_string_equal(err.sqlstate, "22012");
        assert_string_equal(hyl_conn_diag(arrow_conn)->sqlstate, "22012");
        hyl_error first = err;
        live_assert_in_step(arrow_conn);
        assert_int_equal(read_to_end(result, &rows), HYL_ERR_SERVER);
        assert_string_equal(err.message, first.message);
        hyl_result_free(result);
    }
}

static void positions_are_those_of_the_text(void **state)
{
    (void)state;
    static const char *const cases[] = {"SELECT i, nothing FROM generate_series(1, 2) g(i)",
                                        "\n -- \xc3\xa9\nSELECT \xc3\xa9 FROM t",
                                        "SELECT i FROM generate_series(1, 2) g(i) WHERE",
                                        "SELECT i FROM no_such_table"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hyl_result *result = NULL;
        assert_int_equal(open_status(cases[i], HYL_TRANSFER_ROWS, &result), HYL_ERR_SERVER);
        hyl_error wanted = err;
        int32_t position = hyl_conn_diag(arrow_conn)->position;
        assert_int_equal(open_status(cases[i], HYL_TRANSFER_AUTO, &result), HYL_ERR_SERVER);
        assert_string_equal(err.message, wanted.message);
        assert_string_equal(err.sqlstate, wanted.sqlstate);
        assert_int_equal(hyl_conn_diag(arrow_conn)->position, position);
        assert_null(result);
        live_assert_in_step(arrow_conn);
    }
}

static void a_failed_transaction_stays_failed(void **state)
{
    (void)state;
    for (size_t way = 0; way < WAYS; way++) {
        int64_t rows = 0;
        hyl_result *result = NULL;
        live_exec(arrow_conn, "BEGIN");
        result = opened(FAILS_LATE, ways[way]);
        assert_int_equal(read_to_end(result, &rows), HYL_ERR_SERVER);
        hyl_result_free(result);
        result = NULL;
        assert_int_equal(hyl_conn_tx(arrow_conn), HYL_TX_FAILED);
        for (size_t again = 0; again < WAYS; again++) {
            assert_int_equal(open_status("SELECT i " SERIES, ways[again], &result), HYL_ERR_STATE);
            assert_string_equal(err.sqlstate, "25P02");
        }
        assert_int_equal(open_status("SELECT i " SERIES, HYL_TRANSFER_AUTO, &result),
                         HYL_ERR_STATE);
        assert_null(result);
        live_exec(arrow_conn, "ROLLBACK");
        live_assert_in_step(arrow_conn);
    }
}

/* ---- What only Arrow lacks ------------------------------------------------------------------- */

/* Values of the kinds that the server refuses as Arrow, and types. */
static const char *const lacking[] = {"CAST('01234567-89ab-cdef-0123-456789abcdef' AS uuid)",
                                      "CAST('24:00:00' AS time)",
                                      "CAST('294276-12-31 00:00:00' AS timestamp)",
                                      "CAST('294276-12-31 00:00:00+00' AS timestamptz)",
                                      "CAST('PT9999999H' AS interval)",
                                      "array[CAST('24:00:00' AS time)]"};
enum { LACKING = sizeof lacking / sizeof lacking[0] };

static void a_query_does_not_fail_because_of_its_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < LACKING; i++) {
        char sql[300];
        snprintf(sql, sizeof sql, "SELECT i, %s AS x " SERIES " ORDER BY i", lacking[i]);
        hyl_buf wanted = all_cells(sql, HYL_TRANSFER_ROWS);
        assert_way(sql, HYL_TRANSFER_AUTO, 0, false);
        assert_null(hyl_conn_diag(arrow_conn));
        hyl_buf read = all_cells(sql, HYL_TRANSFER_ROWS);
        assert_int_equal(read.len, wanted.len);
        assert_memory_equal(read.data, wanted.data, wanted.len);
        hyl_buf_reset(&read);
        hyl_buf_reset(&wanted);
    }
}

static void what_must_come_as_arrow_does_not_come_as_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < LACKING; i++) {
        char sql[300];
        hyl_result *result = NULL;
        snprintf(sql, sizeof sql, "SELECT i, %s AS x " SERIES, lacking[i]);
        assert_int_equal(open_status(sql, HYL_TRANSFER_ARROW, &result), HYL_ERR_SERVER);
        assert_string_equal(err.sqlstate, i == 0 ? "0A000" : "22008");
        assert_null(result);
        /* It is the first row's; the server is asked for the columns, and its words stay known. */
        assert_memory_equal(err.message, "column 2 \"x\": ", 14);
        assert_non_null(strstr(err.message, "; it can be read with transfer=rows"));
        assert_string_equal(hyl_conn_diag(arrow_conn)->sqlstate, err.sqlstate);
        assert_non_null(strstr(hyl_conn_diag(arrow_conn)->message, "Arrow"));
        live_assert_in_step(arrow_conn);
    }
}

/* A transaction that has failed takes no further question. */
static void in_a_transaction_the_advice_comes_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < LACKING; i++) {
        char sql[300];
        hyl_result *result = NULL;
        snprintf(sql, sizeof sql, "SELECT i, %s AS x " SERIES, lacking[i]);
        live_exec(arrow_conn, "BEGIN");
        assert_int_equal(open_status(sql, HYL_TRANSFER_ARROW, &result), HYL_ERR_SERVER);
        assert_null(strstr(err.message, "column"));
        assert_non_null(strstr(err.message, "; it can be read with transfer=rows"));
        assert_int_equal(hyl_conn_tx(arrow_conn), HYL_TX_FAILED);
        live_exec(arrow_conn, "ROLLBACK");
    }
}

/* The same SQLSTATE for what Arrow is not to blame for: the server's words alone. */
static void what_is_not_arrows_fault_is_not_blamed_on_it(void **state)
{
    (void)state;
    hyl_result *result = NULL;
    assert_int_equal(
        open_status("SELECT array[array[1]], time '12:00' " SERIES, HYL_TRANSFER_ARROW, &result),
        HYL_ERR_SERVER);
    assert_string_equal(err.message, "Multi-dimensional arrays are not supported");
}

/* The query runs once: rows of a second run are never put behind those of a first. */
static void behind_rows_that_were_read_it_is_an_error(void **state)
{
    (void)state;
    for (size_t i = 1; i < LACKING; i++) {
        char sql[300];
        int64_t rows = 0;
        snprintf(sql, sizeof sql,
                 "SELECT i, CASE WHEN i < 900000 THEN NULL ELSE %s END AS far "
                 "FROM generate_series(1, 1000000) g(i)",
                 lacking[i]);
        hyl_result *result = opened(sql, HYL_TRANSFER_AUTO);
        assert_true(by_arrow(result));
        assert_int_equal(read_to_end(result, &rows), HYL_ERR_SERVER);
        assert_true(rows > 0);
        assert_string_equal(err.sqlstate, "22008");
        assert_non_null(strstr(err.message, "column 2 \"far\": "));
        assert_non_null(strstr(err.message, "transfer=rows"));
        hyl_result_free(result);
        live_assert_in_step(arrow_conn);
        rows = 0;
        result = opened(sql, HYL_TRANSFER_ROWS);
        assert_status(read_to_end(result, &rows), HYL_DONE, &err);
        assert_int_equal(rows, 1000000);
        hyl_result_free(result);
    }
}

static void a_transaction_does_not_fail_because_of_the_way(void **state)
{
    (void)state;
    live_exec(arrow_conn, "CREATE TEMP TABLE work(a int)");
    for (size_t i = 0; i < LACKING; i++) {
        char sql[300];
        live_exec(arrow_conn, "BEGIN");
        live_exec(arrow_conn, "INSERT INTO work VALUES (1)");
        snprintf(sql, sizeof sql, "SELECT i, %s AS x " SERIES, lacking[i]);
        assert_way(sql, HYL_TRANSFER_AUTO, 0, false);
        /* A type is enough: its values are not known before. */
        snprintf(sql, sizeof sql, "SELECT i, nullif(%s, %s) AS x " SERIES, lacking[i], lacking[i]);
        assert_way(sql, HYL_TRANSFER_AUTO, 0, false);
        assert_way("SELECT i, 'text' AS t, date '2024-01-01' AS d " SERIES, HYL_TRANSFER_AUTO, 0,
                   true);
        assert_int_equal(hyl_conn_tx(arrow_conn), HYL_TX_OPEN);
        live_exec(arrow_conn, "COMMIT");
        assert_int_equal(live_i64(arrow_conn, "SELECT count(*) FROM work"), i + 1);
    }
}

static void in_a_transaction_described_columns_are_the_same(void **state)
{
    (void)state;
    const char *sql = "SELECT CAST('a' AS varchar) AS v, CAST('b' AS char(3)) AS c, 'd' AS t, "
                      "CAST(1.5 AS numeric(5,2)) AS n, array[1, 2] AS a, i " SERIES;
    live_exec(arrow_conn, "BEGIN");
    hyl_result *result = opened(sql, HYL_TRANSFER_AUTO);
    assert_true(by_arrow(result));
    hyl_type types[6];
    for (size_t i = 0; i < 6; i++) {
        types[i] = hyl_result_column(result, i)->type;
    }
    assert_string_equal(hyl_result_column(result, 5)->name, "i");
    assert_ok(hyl_result_finish(result, &err), &err);
    hyl_result_free(result);
    live_exec(arrow_conn, "COMMIT");
    result = opened(sql, HYL_TRANSFER_ROWS);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(hyl_result_column(result, i)->type.oid, types[i].oid);
        assert_int_equal(hyl_result_column(result, i)->type.typmod, types[i].typmod);
    }
    hyl_result_free(result);
}

static void statements_that_write_are_no_copies(void **state)
{
    (void)state;
    live_exec(arrow_conn, "CREATE TEMP TABLE written(a int)");
    assert_way("INSERT INTO written SELECT i " SERIES, HYL_TRANSFER_AUTO, 0, false);
    assert_int_equal(live_i64(arrow_conn, "SELECT count(*) FROM written"), 10);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static hyl_status read_everything(const char *sql)
{
    hyl_result *result = NULL;
    int64_t rows = 0;
    hyl_status status = open_status(sql, HYL_TRANSFER_ARROW, &result);
    if (status == HYL_OK) {
        status = read_to_end(result, &rows);
        assert_true(status < 0 || rows == 12000);
    }
    hyl_result_free(result);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    hyl_conn_free(arrow_conn);
    alloc_start(ALLOC_NEVER);
    arrow_conn = live_connect("drain_timeout=30s");
    hyl_status status = HYL_ERR_NOMEM;
    size_t failed = 0;
    for (size_t n = 1; status == HYL_ERR_NOMEM; n++) {
        alloc_arm(n);
        status = read_everything("SELECT i, 't' || i AS t, i % 2 = 0 AS b, array[i] AS a, "
                                 "date '2024-01-01' + i AS d FROM generate_series(1, 12000) g(i)");
        alloc_arm(ALLOC_NEVER);
        failed += status == HYL_ERR_NOMEM;
        if (status < 0 && hyl_conn_health(arrow_conn) != HYL_HEALTH_OK) {
            hyl_conn_free(arrow_conn); /* marked, as it must be where it could not be put in step */
            arrow_conn = live_connect("drain_timeout=30s");
        }
        live_assert_in_step(arrow_conn);
    }
    assert_status(status, HYL_DONE, &err);
    assert_true(failed > 20);
    hyl_conn_free(arrow_conn);
    arrow_conn = NULL;
    alloc_stop();
}

static void a_thousand_results_dropped_at_random_points_leak_nothing(void **state)
{
    (void)state;
    random_source source = random_start("drops", 20250107);
    hyl_conn_free(arrow_conn);
    alloc_start(ALLOC_NEVER);
    arrow_conn = live_connect("drain_timeout=30s");
    for (int round = 0; round < 1000; round++) {
        char sql[200];
        const hyl_row *row = NULL;
        int32_t number = 0;
        hyl_status status = HYL_OK;
        int64_t rows = (int64_t)random_below(&source, 40000);
        uint64_t reads = random_below(&source, 30000);
        snprintf(sql, sizeof sql,
                 "SELECT %d AS round, i, nullif('t' || i, 't5') AS t, i %% 2 = 0 AS b "
                 "FROM generate_series(1, %lld) g(i)",
                 round, (long long)rows);
        hyl_result *result = opened(sql, HYL_TRANSFER_ARROW);
        for (uint64_t i = 0; i < reads && status == HYL_OK; i++) {
            status = hyl_result_next(result, &row, &err);
            if (status == HYL_OK) {
                assert_ok(hyl_row_get_i32(row, 0, &number, &err), &err);
                assert_int_equal(number, round);
            }
        }
        assert_true(status >= 0);
        hyl_result_free(result);
    }
    live_assert_in_step(arrow_conn);
    hyl_conn_free(arrow_conn);
    arrow_conn = NULL;
    alloc_stop();
}

/* A reader that pauses gets all rows; HYL_TEST_PAUSE: for how many seconds, by hand. */
static void a_reader_may_pause(void **state)
{
    (void)state;
    const char *seconds = getenv("HYL_TEST_PAUSE");
    const struct timespec pause = {seconds != NULL ? atoi(seconds) : 2, 0};
    for (size_t way = 0; way < WAYS; way++) {
        int64_t rows = 20;
        hyl_result *result = opened("SELECT i FROM generate_series(1, 3000000) g(i)", ways[way]);
        read_rows(result, 20);
        assert_int_equal(nanosleep(&pause, NULL), 0);
        assert_status(read_to_end(result, &rows), HYL_DONE, &err);
        assert_int_equal(rows, 3000000);
        hyl_result_free(result);
        live_assert_in_step(arrow_conn);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARROW_TEST(the_statement_and_the_options_choose_the_way),
        ARROW_TEST(values_as_text_come_as_rows),
        ARROW_TEST(the_connections_config_chooses_too),
        ARROW_TEST(a_transfer_that_is_none_is_refused),
        ARROW_TEST(every_type_with_nulls_anywhere_is_the_same),
        ARROW_TEST(many_rows_are_the_same),
        ARROW_TEST(values_are_got_from_batches),
        ARROW_TEST(batches_become_arrays_again),
        ARROW_TEST(results_may_end_early),
        ARROW_TEST(the_rest_can_be_read_and_dropped),
        ARROW_TEST(results_outlive_their_connection),
        ARROW_TEST(a_result_can_be_cancelled),
        ARROW_TEST(a_result_can_be_cancelled_from_another_thread),
        ARROW_TEST(a_deadline_ends_a_query_that_gives_nothing),
        ARROW_TEST(a_server_that_dies_is_an_error_not_an_end),
        ARROW_TEST(an_error_in_the_middle_tells_the_servers_words),
        ARROW_TEST(positions_are_those_of_the_text),
        ARROW_TEST(a_failed_transaction_stays_failed),
        ARROW_TEST(a_query_does_not_fail_because_of_its_way),
        ARROW_TEST(what_must_come_as_arrow_does_not_come_as_rows),
        ARROW_TEST(in_a_transaction_the_advice_comes_alone),
        ARROW_TEST(what_is_not_arrows_fault_is_not_blamed_on_it),
        ARROW_TEST(behind_rows_that_were_read_it_is_an_error),
        ARROW_TEST(a_transaction_does_not_fail_because_of_the_way),
        ARROW_TEST(in_a_transaction_described_columns_are_the_same),
        ARROW_TEST(statements_that_write_are_no_copies),
        ARROW_TEST(every_allocation_may_fail),
        ARROW_TEST(a_thousand_results_dropped_at_random_points_leak_nothing),
        ARROW_TEST(a_reader_may_pause),
    };
    return cmocka_run_group_tests_name("live/arrow_transfer", tests, test_hyperd_start,
                                       test_hyperd_stop);
}
