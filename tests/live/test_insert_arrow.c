/*
 * Arrow in on a real server: what one connection reads as Arrow goes in through another, both at
 * once.
 */
#include "support/alloc.h"
#include "support/hyperd.h"
#include "support/test.h"

#include <hyperline/arrow.h>

#include <errno.h>
#include <stdlib.h>

static hyl_conn *reader;
static hyl_conn *writer;
static hyl_error err;
static char attach_sql[500];

static void run(hyl_conn *conn, const char *sql)
{
    hyl_error failure = HYL_ERROR_INIT;
    assert_ok(hyl_exec(conn, sql, NULL, &failure), &failure);
}

static int64_t ask(const char *sql)
{
    hyl_error failure = HYL_ERROR_INIT;
    int64_t answer = -1;
    assert_ok(hyl_query_i64(writer, sql, &answer, &failure), &failure);
    return answer;
}

static hyl_status insert(const char *query, const char *table, hyl_insert_arrow_mode mode,
                         int64_t *rows)
{
    struct ArrowArrayStream stream;
    hyl_insert_arrow_opts opts = HYL_INSERT_ARROW_OPTS_INIT;
    opts.mode = mode;
    assert_ok(hyl_query_arrow(reader, query, NULL, &stream, &err), &err);
    hyl_status status = hyl_insert_arrow(writer, table, &stream, &opts, rows, &err);
    stream.release(&stream);
    return status;
}

static void assert_message(const char *part)
{
    if (strstr(err.message, part) == NULL) {
        fail_msg("\"%s\" does not contain \"%s\"", err.message, part);
    }
}

static const char every_type[] =
    "CREATE TABLE every (i int NOT NULL, b bool, s smallint, l bigint NOT NULL, o oid, r real, "
    "d double precision, n numeric(5,2), w numeric(38,10), t text NOT NULL, v varchar(9), "
    "c char(4), f char(1), j json, y bytes, a date, m time, p timestamp, z timestamptz, "
    "e interval)";

static const char every_value[] =
    "INSERT INTO every SELECT i, i % 3 = 0, cast(i % 100 as smallint), i * cast(1000000000 as "
    "bigint), cast(7 as "
    "oid), cast(i as real), i / 7.0, cast(i % 1000 as numeric(5,2)), cast(i as numeric(38,10)), "
    "repeat('t', i % 50), CASE WHEN i % 5 > 0 THEN 'v' || i % 1000 END, 'c', 'f', '[1]', "
    "cast('\\xff00' as bytes), date '2000-01-01' + i % 1000, time '01:02:03', "
    "timestamp '2024-02-29 12:34:56.789', timestamptz '2024-02-29 12:34:56.789+00', "
    "CASE WHEN i % 2 = 0 THEN interval 'P1Y2M3DT4S' END FROM generate_series(1, 100000) g(i)";

/* Rows of `every` that `copy` does not have in just the same way. */
static int64_t count_differences(void)
{
    return ask("SELECT (SELECT count(*) FROM (SELECT * FROM every EXCEPT ALL SELECT * FROM copy) x)"
               " + (SELECT count(*) FROM (SELECT * FROM copy EXCEPT ALL SELECT * FROM every) y)");
}

static void a_table_is_copied_through_arrow(void **state)
{
    (void)state;
    int64_t rows = -1;
    run(writer, every_type);
    run(writer, every_value);
    assert_ok(insert("SELECT * FROM every", "copy", HYL_INSERT_ARROW_CREATE, &rows), &err);
    assert_int_equal(rows, 100000);
    assert_int_equal(count_differences(), 0);
    assert_int_equal(
        ask("SELECT count(*) FROM pg_catalog.pg_attribute a, pg_catalog.pg_attribute b "
            "WHERE a.attrelid = CAST('every' AS regclass) AND b.attrelid = "
            "CAST('copy' AS regclass) AND a.attname = b.attname AND a.atttypid = "
            "b.atttypid AND a.atttypmod = b.atttypmod AND a.attnotnull = b.attnotnull"),
        20);
    run(writer, "DELETE FROM copy");
    assert_ok(insert("SELECT e, z, p, m, a, y, j, f, c, v, t, w, n, d, r, o, l, s, b, i FROM every",
                     "copy", HYL_INSERT_ARROW_APPEND, &rows),
              &err);
    assert_int_equal(rows, 100000);
    assert_int_equal(count_differences(), 0);
    run(writer, "DROP TABLE copy");
    run(writer, "DROP TABLE every");
}

static void no_rows_make_a_table(void **state)
{
    (void)state;
    int64_t rows = -1;
    assert_ok(insert("SELECT 1 AS a WHERE false", "none", HYL_INSERT_ARROW_CREATE, &rows), &err);
    assert_int_equal(rows, 0);
    assert_int_equal(ask("SELECT count(*) FROM none"), 0);
    run(writer, "DROP TABLE none");
}

/* More than the sockets hold, in both directions. */
static void both_directions_at_once(void **state)
{
    (void)state;
    int64_t rows = -1;
    assert_ok(insert("SELECT i, i * 2.5e0 AS d, 'text ' || i AS t FROM generate_series(1, 3000000) "
                     "g(i)",
                     "big", HYL_INSERT_ARROW_CREATE, &rows),
              &err);
    assert_int_equal(rows, 3000000);
    assert_int_equal(ask("SELECT count(*) FROM big WHERE d = i * 2.5e0 AND t = 'text ' || i"),
                     3000000);
    run(writer, "DROP TABLE big");
}

static void an_error_in_the_middle_changes_nothing(void **state)
{
    (void)state;
    run(writer, "CREATE TABLE kept (i int, t varchar(6) NOT NULL)");
    run(writer, "INSERT INTO kept VALUES (0, 'old')");
    assert_status(insert("SELECT cast(i as int) AS i, cast(CASE WHEN i < 900000 THEN 'short' ELSE "
                         "'too long' END AS text) AS t FROM generate_series(1, 1000000) g(i)",
                         "kept", HYL_INSERT_ARROW_APPEND, NULL),
                  HYL_ERR_RANGE, &err);
    assert_message("column 2 \"t\": 8 characters are too many for character varying(6)");
    assert_int_equal(ask("SELECT count(*) FROM kept"), 1);
    /* The stream's own failure, with the server's words. */
    assert_status(insert("SELECT 1 / (i - 900000) AS i, 'a' AS t FROM generate_series(1, 1000000) "
                         "g(i)",
                         "kept", HYL_INSERT_ARROW_APPEND, NULL),
                  HYL_ERR_IO, &err);
    assert_message("zero");
    assert_int_equal(ask("SELECT count(*) FROM kept"), 1);
    /* Our server's no: json that is none. */
    run(writer, "CREATE TABLE doc (j json)");
    assert_status(insert("SELECT CASE WHEN i = 5 THEN '{' ELSE '1' END AS j FROM "
                         "generate_series(1, 1000000) g(i)",
                         "doc", HYL_INSERT_ARROW_APPEND, NULL),
                  HYL_ERR_SERVER, &err);
    assert_int_equal(strlen(err.sqlstate), 5);
    assert_int_equal(ask("SELECT count(*) FROM doc"), 0);
    run(writer, "DROP TABLE doc");
    run(writer, "DROP TABLE kept");
}

/* ---- Streams that fail --------------------------------------------------------------------- */

static int no_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    (void)stream;
    (void)out;
    return EIO;
}

static const char *no_words(struct ArrowArrayStream *stream)
{
    (void)stream;
    return NULL;
}

static void release_nothing(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

static void a_stream_without_schema_is_an_error(void **state)
{
    (void)state;
    struct ArrowArrayStream stream = {no_schema, NULL, no_words, release_nothing, NULL};
    assert_status(hyl_insert_arrow(writer, "t", &stream, NULL, NULL, &err), HYL_ERR_IO, &err);
    assert_message("the Arrow stream failed");
    assert_int_equal(err.sys_errno, EIO);
    assert_int_equal(ask("SELECT 1"), 1);
}

/* What is not there, and options that are none, are refused by name. */
static void nothing_is_an_error(void **state)
{
    (void)state;
    struct ArrowArrayStream stream = {no_schema, NULL, no_words, release_nothing, NULL};
    struct ArrowArrayStream released = {NULL, NULL, NULL, NULL, NULL};
    hyl_insert_arrow_opts opts = HYL_INSERT_ARROW_OPTS_INIT;
    assert_status(hyl_insert_arrow(writer, "t", &released, NULL, NULL, &err), HYL_ERR_ARG, &err);
    assert_message("no Arrow stream");
    assert_status(hyl_insert_arrow(writer, "t", NULL, NULL, NULL, &err), HYL_ERR_ARG, &err);
    opts.mode = (hyl_insert_arrow_mode)77;
    assert_status(hyl_insert_arrow(writer, "t", &stream, &opts, NULL, &err), HYL_ERR_ARG, &err);
    assert_message("mode is none: 77");
    opts.mode = HYL_INSERT_ARROW_APPEND;
    opts.lossy = 64 | HYL_LOSSY_TIMES;
    assert_status(hyl_insert_arrow(writer, "t", &stream, &opts, NULL, &err), HYL_ERR_ARG, &err);
    assert_message("lossy has unknown bits: 0x40");
    assert_null(hyl_stream_error(&released));
    assert_null(hyl_stream_error(NULL));
}

static void no_statement_is_an_error(void **state)
{
    (void)state;
    struct ArrowArrayStream stream;
    hyl_result *result = NULL;
    hyl_copy *copy = NULL;
    int64_t number = 0;
    char *text = NULL;
    hyl_query_opts opts = HYL_QUERY_OPTS_INIT;
    assert_status(hyl_query_arrow(writer, NULL, NULL, &stream, &err), HYL_ERR_ARG, &err);
    assert_status(hyl_query(writer, NULL, &result, &err), HYL_ERR_ARG, &err);
    assert_message("text is NULL");
    assert_status(hyl_exec(writer, NULL, NULL, &err), HYL_ERR_ARG, &err);
    assert_status(hyl_query_i64(writer, NULL, &number, &err), HYL_ERR_ARG, &err);
    assert_status(hyl_query_text(writer, NULL, &text, &err), HYL_ERR_ARG, &err);
    assert_status(hyl_copy_in_open(writer, NULL, &copy, &err), HYL_ERR_ARG, &err);
    assert_status(hyl_copy_out_open(writer, NULL, &copy, &err), HYL_ERR_ARG, &err);
    assert_status(hyl_arrow_ipc_to_fd(writer, NULL, 1, &err), HYL_ERR_ARG, &err);
    opts.flags = 1U << 20;
    assert_status(hyl_query_with(writer, "SELECT 1", &opts, &result, &err), HYL_ERR_ARG, &err);
    assert_message("flags has unknown bits: 0x100000");
    assert_null(result);
    assert_int_equal(ask("SELECT 1"), 1);
}

static void a_busy_connection_is_refused(void **state)
{
    (void)state;
    struct ArrowArrayStream stream;
    run(writer, "CREATE TABLE busy (i int)");
    assert_ok(hyl_query_arrow(writer, "SELECT 1 AS i", NULL, &stream, &err), &err);
    assert_status(hyl_insert_arrow(writer, "busy", &stream, NULL, NULL, &err), HYL_ERR_BUSY, &err);
    stream.release(&stream);
    run(writer, "DROP TABLE busy");
}

/* ---- Without memory ------------------------------------------------------------------------ */

/* True where the allocation was reached. The table is made, or is not there. */
static bool torture(size_t fail_in)
{
    hyl_error failure = HYL_ERROR_INIT;
    hyl_insert_arrow_opts opts = HYL_INSERT_ARROW_OPTS_INIT;
    struct ArrowArrayStream stream;
    hyl_conn *from = NULL;
    hyl_conn *to = NULL;
    opts.mode = HYL_INSERT_ARROW_CREATE;
    alloc_start(ALLOC_NEVER);
    assert_ok(hyl_connect_uri(test_hyperd_endpoint_text(), &from, &err), &err);
    assert_ok(hyl_connect_uri(test_hyperd_endpoint_text(), &to, &err), &err);
    assert_ok(hyl_exec(to, attach_sql, NULL, &err), &err);
    assert_ok(hyl_query_arrow(from, "SELECT i, 'text' AS t FROM generate_series(1, 30000) g(i)",
                              NULL, &stream, &err),
              &err);
    alloc_arm(fail_in);
    hyl_status status = hyl_insert_arrow(to, "torture", &stream, &opts, NULL, &failure);
    bool failed = alloc_failed();
    alloc_arm(ALLOC_NEVER);
    if (failed && status != HYL_OK && failure.sys_errno != ENOMEM) {
        assert_status(status, HYL_ERR_NOMEM, &failure);
    }
    if (!failed) {
        assert_ok(status, &failure);
    }
    stream.release(&stream);
    hyl_conn_free(from);
    hyl_conn_free(to);
    alloc_stop();
    if (status == HYL_OK) {
        assert_int_equal(ask("SELECT count(*) FROM torture"), 30000);
        run(writer, "DROP TABLE torture");
    } else {
        assert_int_equal(ask("SELECT count(*) FROM pg_catalog.pg_class WHERE relname = 'torture'"),
                         0);
    }
    return failed;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t n = 1; torture(n); n++) {
    }
}

/* ---- The program --------------------------------------------------------------------------- */

static int open_connections(void **state)
{
    char sql[500];
    if (test_hyperd_start(state) != 0 ||
        hyl_connect_uri(test_hyperd_endpoint_text(), &reader, &err) < 0 ||
        hyl_connect_uri(test_hyperd_endpoint_text(), &writer, &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        return -1;
    }
    snprintf(sql, sizeof sql, "CREATE DATABASE \"%s\" WITH VERSION 4", test_path("db.hyper"));
    run(writer, sql);
    snprintf(attach_sql, sizeof attach_sql, "ATTACH DATABASE \"%s\" AS db", test_path("db.hyper"));
    run(writer, attach_sql);
    run(reader, attach_sql);
    return 0;
}

static int close_connections(void **state)
{
    hyl_conn_free(reader);
    hyl_conn_free(writer);
    return test_hyperd_stop(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_copied_through_arrow),
        cmocka_unit_test(no_rows_make_a_table),
        cmocka_unit_test(both_directions_at_once),
        cmocka_unit_test(an_error_in_the_middle_changes_nothing),
        cmocka_unit_test(a_stream_without_schema_is_an_error),
        cmocka_unit_test(nothing_is_an_error),
        cmocka_unit_test(no_statement_is_an_error),
        cmocka_unit_test(a_busy_connection_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("live/insert_arrow", tests, open_connections,
                                       close_connections);
}
