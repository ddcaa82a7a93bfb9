/*
 * Arrow built of rows on the real server: the same values, types and metadata as what the server
 * sends as Arrow, for statements that it does not send so.
 */
#include "support/arrow_live.h"
#include "support/arrow_text.h"
#include "support/hyperd.h"
#include "support/live.h"
#include "support/random.h"
#include "support/test.h"

#include <errno.h>

static hyl_error err;

static struct ArrowArrayStream open_rows(const char *sql)
{
    struct ArrowArrayStream stream = {.release = NULL};
    hyl_result *result = NULL;
    const hyl_query_opts opts = {sizeof opts, 0, HYL_TRANSFER_ROWS};
    assert_ok(hyl_query_with(arrow_conn, sql, &opts, &result, &err), &err);
    assert_ok(hyl_result_to_arrow(result, &stream, &err), &err);
    return stream;
}

/* ---- Every type ------------------------------------------------------------------------------ */

/* Both streams of the query have the same schema and the same rows. */
static void assert_same_both_ways(const char *sql)
{
    struct ArrowArrayStream stream = open_rows(sql);
    arrow_contents rows = arrow_read(&stream, true);
    arrow_contents copied = arrow_read_query(sql);
    if (strcmp((char *)rows.rows.data, (char *)copied.rows.data) != 0 ||
        strcmp((char *)rows.schema.data, (char *)copied.schema.data) != 0) {
        fail_msg("%s\n%s\n%s\nbut\n%s\n%s", sql, (char *)rows.schema.data, (char *)rows.rows.data,
                 (char *)copied.schema.data, (char *)copied.rows.data);
    }
    arrow_contents_free(&rows);
    arrow_contents_free(&copied);
}

static void every_type_with_nulls_anywhere_is_as_the_server_has_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARROW_TYPE_COUNT; i++) {
        for (unsigned nulls = 1; nulls < 8; nulls++) {
            hyl_buf sql = arrow_three_rows(i, nulls);
            assert_same_both_ways((char *)sql.data);
            hyl_buf_reset(&sql);
        }
    }
    assert_same_both_ways("SELECT x FROM (VALUES (array[CAST('POINT(1 2)' AS geography), NULL]), "
                          "(NULL)) v(x) ORDER BY x IS NULL");
}

/* A batch of arrays without an element. */
static void no_elements_are_as_the_server_has_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARROW_TYPE_COUNT; i++) {
        char sql[300];
        if (arrow_types[i].format[0] != '+') {
            continue;
        }
        snprintf(sql, sizeof sql, "SELECT CAST(NULL AS %s) AS x FROM generate_series(1, 3)",
                 arrow_types[i].type);
        assert_same_both_ways(sql);
        snprintf(sql, sizeof sql, "SELECT CAST('[]' AS %s) AS x FROM generate_series(1, 3)",
                 arrow_types[i].type);
        assert_same_both_ways(sql);
    }
}

static void elements_of_char_arrays_are_filled_with_blanks(void **state)
{
    (void)state;
    struct ArrowArrayStream stream =
        open_rows("SELECT array[CAST('x' AS char(3)), NULL, CAST('\xc3\xa9' AS char(3))] AS x, "
                  "CAST('x' AS char(3)) AS y");
    arrow_contents read = arrow_read(&stream, true);
    assert_string_equal((char *)read.rows.data, "[\"x  \",NULL,\"\xc3\xa9  \"]|x  \n");
    arrow_contents_free(&read);
}

static void assert_same_metadata(const struct ArrowSchema *a, const struct ArrowSchema *b)
{
    static const char *const keys[] = {"hyper:type", "hyper:max_string_length", "hyper:type_name"};
    assert_string_equal(a->format, b->format);
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->n_children, b->n_children);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        assert_string_equal(arrow_metadata(a, keys[i]), arrow_metadata(b, keys[i]));
    }
    for (int64_t i = 0; i < a->n_children; i++) {
        assert_same_metadata(a->children[i], b->children[i]);
    }
}

static void every_type_has_the_metadata_that_the_server_gives_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARROW_TYPE_COUNT; i++) {
        char sql[200];
        struct ArrowSchema schemas[2];
        snprintf(sql, sizeof sql, "SELECT CAST(NULL AS %s) AS x WHERE false", arrow_types[i].type);
        struct ArrowArrayStream stream = open_rows(sql);
        assert_int_equal(stream.get_schema(&stream, &schemas[0]), 0);
        stream.release(&stream);
        stream = arrow_open(sql);
        assert_int_equal(stream.get_schema(&stream, &schemas[1]), 0);
        stream.release(&stream);
        assert_same_metadata(schemas[0].children[0], schemas[1].children[0]);
        schemas[0].release(&schemas[0]);
        schemas[1].release(&schemas[1]);
    }
}

#define UUID_A "01234567-89ab-cdef-0123-456789abcdef"
#define UUID_B "ffffffff-0000-0000-0000-000000000001"

/* The server refuses a uuid as Arrow, so the statement runs a second time, as rows. */
static void uuids_arrive_as_rows(void **state)
{
    (void)state;
    arrow_contents read =
        arrow_read_query("SELECT x, i FROM (VALUES (1, CAST('" UUID_A "' AS uuid)), (2, NULL), "
                         "(3, CAST('" UUID_B "' AS uuid))) v(i, x) ORDER BY i");
    assert_string_equal((char *)read.schema.data, "x:w:16:null:uuid i:i:null:integer");
    assert_string_equal((char *)read.rows.data, UUID_A "|1\nNULL|2\n" UUID_B "|3\n");
    arrow_contents_free(&read);
    live_assert_in_step(arrow_conn);
}

static void in_a_transaction_uuids_do_no_harm(void **state)
{
    (void)state;
    assert_ok(hyl_exec(arrow_conn, "BEGIN", NULL, &err), &err);
    arrow_contents read =
        arrow_read_query("SELECT CAST('" UUID_A "' AS uuid) AS u FROM (VALUES (1)) v");
    assert_int_equal(read.row_count, 1);
    arrow_contents_free(&read);
    read = arrow_read_query("SELECT array[CAST('" UUID_A "' AS uuid)] AS u, 1 AS i");
    assert_int_equal(read.row_count, 1);
    arrow_contents_free(&read);
    assert_int_equal(hyl_conn_tx(arrow_conn), HYL_TX_OPEN);
    assert_ok(hyl_exec(arrow_conn, "COMMIT", NULL, &err), &err);
    live_assert_in_step(arrow_conn);
}

/* Values that the server fails at as Arrow, and with them the transaction; and others of their types. */
static const char *const far[][2] = {
    {"time '24:00:00'", "time '12:00'"},
    {"timestamp '294276-12-31 23:59:59'", "timestamp '2024-02-29 01:02:03'"},
    {"timestamptz '294276-12-31 23:59:59+00'", "timestamptz '2024-02-29 01:02:03+00'"},
    {"9000000000000 * interval '1 second'", "interval '1 hour'"},
    {"array[time '24:00:00']", "array[time '12:00']"},
};
enum { FAR_COUNT = sizeof far / sizeof far[0] };

static int64_t exec_i64(const char *sql)
{
    int64_t value = -1;
    assert_ok(hyl_query_i64(arrow_conn, sql, &value, &err), &err);
    return value;
}

/* Begins a transaction that has work to lose. */
static void begin_work(void)
{
    assert_ok(hyl_exec(arrow_conn, "BEGIN", NULL, &err), &err);
    assert_ok(hyl_exec(arrow_conn, "INSERT INTO work VALUES (1)", NULL, &err), &err);
}

/* The stream fails at the far value, and nothing else does. */
static void assert_stream_alone_fails(const char *sql, const char *words)
{
    int64_t rows = 0;
    struct ArrowArrayStream stream = arrow_open(sql);
    assert_int_equal(arrow_read_to_error(&stream, &rows), EINVAL);
    assert_int_equal(hyl_stream_error(&stream)->status, HYL_ERR_RANGE);
    assert_non_null(strstr(hyl_stream_error(&stream)->message, words));
    assert_non_null(strstr(hyl_stream_error(&stream)->message, "select it as text"));
    stream.release(&stream);
    assert_int_equal(hyl_conn_tx(arrow_conn), HYL_TX_OPEN);
}

static void in_a_transaction_values_without_a_place_do_no_harm(void **state)
{
    (void)state;
    char sql[300];
    assert_ok(hyl_exec(arrow_conn, "CREATE TEMP TABLE work(a int)", NULL, &err), &err);
    for (size_t i = 0; i < FAR_COUNT; i++) {
        begin_work();
        snprintf(sql, sizeof sql, "SELECT i, %s AS late FROM generate_series(1, 3) g(i)",
                 far[i][0]);
        assert_stream_alone_fails(sql, "column 2 \"late\": ");
        assert_ok(hyl_exec(arrow_conn, "COMMIT", NULL, &err), &err);
        assert_int_equal(exec_i64("SELECT count(*) FROM work"), i + 1);
    }
}

/* What is left behind the value is more than is read of what is given up, without a cancel. */
static void in_a_transaction_a_long_rest_does_no_harm(void **state)
{
    (void)state;
    assert_ok(hyl_exec(arrow_conn, "CREATE TEMP TABLE work(a int)", NULL, &err), &err);
    begin_work();
    assert_stream_alone_fails("SELECT CASE WHEN i > 100 THEN time '24:00:00' END AS late, "
                              "repeat('x', 100) AS x FROM generate_series(1, 500000) g(i)",
                              "column 1 \"late\": ");
    live_assert_in_step(arrow_conn);
    assert_ok(hyl_exec(arrow_conn, "COMMIT", NULL, &err), &err);
    assert_int_equal(exec_i64("SELECT count(*) FROM work"), 1);
}

/* A type is enough for rows, whose fields are all nullable; without one the result is a COPY. */
static void in_a_transaction_types_choose_the_way(void **state)
{
    (void)state;
    char sql[300];
    assert_ok(hyl_exec(arrow_conn, "CREATE TEMP TABLE t(a int NOT NULL)", NULL, &err), &err);
    assert_ok(hyl_exec(arrow_conn, "INSERT INTO t VALUES (1)", NULL, &err), &err);
    assert_ok(hyl_exec(arrow_conn, "BEGIN", NULL, &err), &err);
    for (size_t i = 0; i < FAR_COUNT; i++) {
        snprintf(sql, sizeof sql, "SELECT a, %s AS x FROM t", far[i][1]);
        arrow_contents read = arrow_read_query(sql);
        assert_memory_equal(read.schema.data, "a:i:null:integer ", 17);
        hyl_buf names = HYL_BUF_INIT;
        hyl_buf rows = arrow_rows_text(arrow_conn, sql, &names);
        assert_string_equal((char *)read.rows.data, (char *)rows.data);
        hyl_buf_reset(&names);
        hyl_buf_reset(&rows);
        arrow_contents_free(&read);
    }
    arrow_contents read = arrow_read_query("SELECT a, date '2024-02-29' AS d, 't' AS t FROM t");
    assert_memory_equal(read.schema.data, "a:i:not null:integer ", 21);
    assert_string_equal((char *)read.rows.data, "1|2024-02-29|t\n");
    arrow_contents_free(&read);
    assert_int_equal(hyl_conn_tx(arrow_conn), HYL_TX_OPEN);
    assert_ok(hyl_exec(arrow_conn, "COMMIT", NULL, &err), &err);
}

/* As Arrow alone, whatever comes: then the transaction has failed. */
static void in_a_transaction_arrow_alone_takes_the_risk(void **state)
{
    (void)state;
    struct ArrowArrayStream stream = {.release = NULL};
    hyl_arrow_opts opts = HYL_ARROW_OPTS_INIT;
    opts.transfer = HYL_TRANSFER_ARROW;
    assert_ok(hyl_exec(arrow_conn, "BEGIN", NULL, &err), &err);
    assert_int_equal(hyl_query_arrow(arrow_conn,
                                     "SELECT i, time '24:00:00' AS late FROM (VALUES (1)) v(i)",
                                     &opts, &stream, &err),
                     HYL_ERR_SERVER);
    assert_string_equal(err.sqlstate, "22008");
    assert_non_null(strstr(err.message, "select it as text"));
    assert_null(stream.release);
    assert_int_equal(hyl_conn_tx(arrow_conn), HYL_TX_FAILED);
    assert_ok(hyl_exec(arrow_conn, "ROLLBACK", NULL, &err), &err);
    live_assert_in_step(arrow_conn);
}

static void what_comes_as_text_is_utf8(void **state)
{
    (void)state;
    hyl_result *result = NULL;
    struct ArrowArrayStream stream = {.release = NULL};
    const hyl_query_opts opts = {sizeof opts, HYL_QUERY_TEXT, HYL_TRANSFER_DEFAULT};
    assert_ok(hyl_query_with(arrow_conn, "SELECT 1 AS a, CAST('POINT(1 2)' AS geography) AS g",
                             &opts, &result, &err),
              &err);
    assert_ok(hyl_result_to_arrow(result, &stream, &err), &err);
    arrow_contents read = arrow_read(&stream, true);
    assert_string_equal((char *)read.schema.data, "a:u:null:integer g:u:null:tableau.tabgeography");
    assert_string_equal((char *)read.rows.data, "1|POINT(1.0000000 2.0000000)\n");
    arrow_contents_free(&read);
}

/* ---- Statements ------------------------------------------------------------------------------ */

static void statements_that_copy_does_not_take_are_read_all_the_same(void **state)
{
    (void)state;
    assert_ok(hyl_exec(arrow_conn, "CREATE TEMP TABLE t(a int NOT NULL, b text)", NULL, &err),
              &err);
    arrow_contents read =
        arrow_read_query("INSERT INTO t VALUES (1, 'x'), (2, NULL) RETURNING a, b, a * 2 AS c");
    assert_string_equal((char *)read.schema.data,
                        "a:i:null:integer b:u:null:text c:i:null:integer");
    assert_string_equal((char *)read.rows.data, "1|x|2\n2|NULL|4\n");
    arrow_contents_free(&read);
    read = arrow_read_query("SHOW timezone");
    assert_int_equal(read.row_count, 1);
    arrow_contents_free(&read);
    read = arrow_read_query("EXPLAIN SELECT 1");
    assert_true(read.row_count > 0);
    arrow_contents_free(&read);
    assert_ok(hyl_exec(arrow_conn, "PREPARE p AS SELECT a FROM t ORDER BY a", NULL, &err), &err);
    read = arrow_read_query("EXECUTE p");
    assert_string_equal((char *)read.rows.data, "1\n2\n");
    arrow_contents_free(&read);
}

static void a_statement_without_a_result_has_run(void **state)
{
    (void)state;
    int64_t count = 0;
    arrow_contents read = arrow_read_query("CREATE TEMP TABLE t(a int)");
    assert_string_equal((char *)read.schema.data, "");
    assert_int_equal(read.batch_count, 0);
    arrow_contents_free(&read);
    read = arrow_read_query("INSERT INTO t VALUES (1), (2), (3)");
    assert_int_equal(read.batch_count, 0);
    arrow_contents_free(&read);
    assert_ok(hyl_query_i64(arrow_conn, "SELECT count(*) FROM t", &count, &err), &err);
    assert_int_equal(count, 3);
}

static void a_copy_and_several_statements_are_refused(void **state)
{
    (void)state;
    struct ArrowArrayStream stream = {.release = NULL};
    assert_int_equal(hyl_query_arrow(arrow_conn, "COPY (SELECT 1) TO STDOUT WITH (FORMAT csv)",
                                     NULL, &stream, &err),
                     HYL_ERR_ARG);
    assert_int_equal(
        hyl_query_arrow(arrow_conn, "SHOW timezone; SHOW timezone", NULL, &stream, &err),
        HYL_ERR_ARG);
    assert_null(stream.release);
    live_assert_in_step(arrow_conn);
}

/* ---- Shapes ---------------------------------------------------------------------------------- */

static void rows_come_in_batches_of_bounded_length(void **state)
{
    (void)state;
    static const int64_t counts[] = {0, 1, 63, 64, 65, 10239, 10240, 10241, 200000};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        char sql[300];
        snprintf(sql, sizeof sql,
                 "SELECT i, CASE WHEN i %% 3 = 0 THEN NULL ELSE i END AS n, i %% 2 = 0 AS b, "
                 "CASE WHEN i %% 5 = 0 THEN NULL ELSE CAST(i AS text) END AS t "
                 "FROM generate_series(1, %lld) g(i) ORDER BY i",
                 (long long)counts[i]);
        hyl_buf names = HYL_BUF_INIT;
        hyl_buf wanted = arrow_rows_text(arrow_conn, sql, &names);
        struct ArrowArrayStream stream = open_rows(sql);
        arrow_contents read = arrow_read(&stream, true);
        assert_int_equal(read.row_count, counts[i]);
        assert_int_equal(read.batch_count, (counts[i] + 10239) / 10240);
        assert_true(read.longest <= 10240);
        assert_true(strcmp((char *)read.rows.data, (char *)wanted.data) == 0);
        arrow_contents_free(&read);
        hyl_buf_reset(&wanted);
        hyl_buf_reset(&names);
    }
}

static void large_values_make_short_batches(void **state)
{
    (void)state;
    struct ArrowArrayStream stream =
        open_rows("SELECT repeat('abcdefgh', 131072 * 5) AS x FROM generate_series(1, 20)");
    arrow_contents read = arrow_read(&stream, false);
    assert_int_equal(read.row_count, 20);
    assert_int_equal(read.longest, 4);
    arrow_contents_free(&read);
}

static void rows_that_were_read_before_are_not_read_again(void **state)
{
    (void)state;
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    struct ArrowArrayStream stream = {.release = NULL};
    assert_ok(hyl_query(arrow_conn, "SELECT i FROM generate_series(1, 5) g(i)", &result, &err),
              &err);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    assert_ok(hyl_result_to_arrow(result, &stream, &err), &err);
    arrow_contents read = arrow_read(&stream, true);
    assert_string_equal((char *)read.rows.data, "3\n4\n5\n");
    arrow_contents_free(&read);
}

static void names_are_exact(void **state)
{
    (void)state;
    assert_same_both_ways("SELECT CAST(NULL AS int) AS a, CAST(NULL AS text) AS a, "
                          "CAST(NULL AS int) AS \"a\"\"b\", CAST(NULL AS int) AS \"gr\xc3\xb6\"");
}

/* ---- Errors ---------------------------------------------------------------------------------- */

static void values_beyond_arrows_types_name_their_column(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "CAST('24:00:00' AS time)", "CAST('294276-12-31 00:00:00' AS timestamp)",
        "CAST('294276-12-31 00:00:00+00' AS timestamptz)", "CAST('PT9999999H' AS interval)",
        "array[CAST('PT9999999H' AS interval)]"};
    static const char *const types[] = {"type time has", "type timestamp has",
                                        "type timestamp with time zone has", "type interval has",
                                        "type array(interval) has"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char sql[300];
        int64_t rows = 0;
        snprintf(sql, sizeof sql,
                 "SELECT i, CASE WHEN i < 100000 THEN NULL ELSE %s END AS far "
                 "FROM generate_series(1, 1000000) g(i)",
                 cases[i]);
        struct ArrowArrayStream stream = open_rows(sql);
        assert_int_equal(arrow_read_to_error(&stream, &rows), EINVAL);
        assert_int_equal(hyl_stream_error(&stream)->status, HYL_ERR_RANGE);
        assert_non_null(strstr(stream.get_last_error(&stream), "column 2 \"far\""));
        assert_non_null(strstr(stream.get_last_error(&stream), types[i]));
        assert_non_null(strstr(stream.get_last_error(&stream), "; select it as text: "));
        live_assert_in_step(arrow_conn);
        stream.release(&stream);
    }
}

static void an_error_in_the_middle_tells_the_servers_words(void **state)
{
    (void)state;
    int64_t rows = 0;
    struct ArrowArray batch;
    struct ArrowArrayStream stream =
        open_rows("SELECT 1000 / (CASE WHEN i = 3000000 THEN 0 ELSE 1 END) AS q "
                  "FROM generate_series(1, 4000000) g(i)");
    assert_int_equal(arrow_read_to_error(&stream, &rows), EINVAL);
    assert_true(rows > 0);
    assert_string_equal(hyl_stream_error(&stream)->sqlstate, "22012");
    live_assert_in_step(arrow_conn);
    assert_int_equal(stream.get_next(&stream, &batch), EINVAL);
    stream.release(&stream);
}

static void streams_dropped_at_random_points_lose_nothing(void **state)
{
    (void)state;
    random_source source = random_start("drops", 20250106);
    for (int round = 0; round < 200; round++) {
        char sql[200];
        uint64_t batches = random_below(&source, 4);
        snprintf(sql, sizeof sql,
                 "SELECT CAST(i AS text) AS t, array[i, NULL] AS a, %d AS round "
                 "FROM generate_series(1, %d) g(i)",
                 round, (int)random_below(&source, 300000));
        struct ArrowArrayStream stream = open_rows(sql);
        for (uint64_t i = 0; i < batches; i++) {
            struct ArrowArray batch;
            arrow_next(&stream, &batch);
            if (batch.release != NULL) {
                assert_int_equal(((const int32_t *)batch.children[2]->buffers[1])[0], round);
                batch.release(&batch);
            }
        }
        stream.release(&stream);
    }
    live_assert_in_step(arrow_conn);
}

static void a_stream_keeps_the_connection_busy_and_outlives_it(void **state)
{
    (void)state;
    struct ArrowArray batch;
    struct ArrowArray kept;
    struct ArrowArrayStream stream = open_rows("SELECT i FROM generate_series(1, 20000000) g(i)");
    assert_int_equal(hyl_exec(arrow_conn, "SELECT 1", NULL, &err), HYL_ERR_BUSY);
    assert_non_null(strstr(err.message, "an Arrow stream"));
    arrow_next(&stream, &kept);
    hyl_conn_free(arrow_conn);
    arrow_conn = NULL;
    assert_int_equal(stream.get_next(&stream, &batch), EIO);
    assert_int_equal(hyl_stream_error(&stream)->status, HYL_ERR_CLOSED);
    stream.release(&stream);
    assert_true(((const int32_t *)kept.children[0]->buffers[1])[10239] > 0);
    kept.release(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARROW_TEST(every_type_with_nulls_anywhere_is_as_the_server_has_it),
        ARROW_TEST(no_elements_are_as_the_server_has_them),
        ARROW_TEST(elements_of_char_arrays_are_filled_with_blanks),
        ARROW_TEST(every_type_has_the_metadata_that_the_server_gives_it),
        ARROW_TEST(uuids_arrive_as_rows),
        ARROW_TEST(in_a_transaction_uuids_do_no_harm),
        ARROW_TEST(in_a_transaction_values_without_a_place_do_no_harm),
        ARROW_TEST(in_a_transaction_a_long_rest_does_no_harm),
        ARROW_TEST(in_a_transaction_types_choose_the_way),
        ARROW_TEST(in_a_transaction_arrow_alone_takes_the_risk),
        ARROW_TEST(what_comes_as_text_is_utf8),
        ARROW_TEST(statements_that_copy_does_not_take_are_read_all_the_same),
        ARROW_TEST(a_statement_without_a_result_has_run),
        ARROW_TEST(a_copy_and_several_statements_are_refused),
        ARROW_TEST(rows_come_in_batches_of_bounded_length),
        ARROW_TEST(large_values_make_short_batches),
        ARROW_TEST(rows_that_were_read_before_are_not_read_again),
        ARROW_TEST(names_are_exact),
        ARROW_TEST(values_beyond_arrows_types_name_their_column),
        ARROW_TEST(an_error_in_the_middle_tells_the_servers_words),
        ARROW_TEST(streams_dropped_at_random_points_lose_nothing),
        ARROW_TEST(a_stream_keeps_the_connection_busy_and_outlives_it),
    };
    return cmocka_run_group_tests_name("live/arrow_rows", tests, test_hyperd_start,
                                       test_hyperd_stop);
}
