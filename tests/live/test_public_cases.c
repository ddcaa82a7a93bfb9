/*
 * Cases that people have reported in public about this kind of client or server, replayed with our
 * own inputs. Each names its source.
 */
#include "support/test.h"

#include "support/hyperd.h"
#include "support/live.h"
#include "support/mem_conn.h"

#include <hyperline/insert.h>

#include <stdlib.h>
#include <time.h>

static hyl_error err;

enum { MEGABYTE = 1048576 };

static hyl_result *opened(hyl_conn *conn, const char *sql)
{
    hyl_result *result = NULL;
    assert_ok(hyl_query(conn, sql, &result, &err), &err);
    return result;
}

static const hyl_row *next_row(hyl_result *result)
{
    const hyl_row *row = NULL;
    assert_ok(hyl_result_next(result, &row, &err), &err);
    return row;
}

static void assert_done(hyl_result *result)
{
    const hyl_row *row = NULL;
    assert_status(hyl_result_next(result, &row, &err), HYL_DONE, &err);
    hyl_result_free(result);
}

static void assert_text(const hyl_row *row, size_t column, const char *expected)
{
    hyl_buf text = HYL_BUF_INIT;
    assert_ok(hyl_row_text(row, column, &text, &err), &err);
    hyl_buf_append_byte(&text, 0);
    assert_string_equal((char *)text.data, expected);
    hyl_buf_reset(&text);
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* innobi/pantab#56, #60, #121, #174: NULL became a date, and the last date an error. */
static void timestamps_at_the_ends_and_null_stay_apart(void **state)
{
    (void)state;
    static const int64_t values[] = {INT64_C(790000000123456), INT64_C(-63082281600000000),
                                     INT64_C(252455615999999999)};
    static const char *const texts[] = {"2025-01-12 12:26:40.123456", "0001-01-01 00:00:00",
                                        "9999-12-31 23:59:59.999999"};
    hyl_conn *conn = live_connect(NULL);
    hyl_copy *copy = NULL;
    hyl_buf stream = HYL_BUF_INIT;
    live_exec(conn, "CREATE TEMP TABLE t (n int NOT NULL, at timestamp)");
    hyl_copy_header(&stream);
    for (int32_t i = 0; i < 4; i++) {
        hyl_value number = {.type = HYL_TYPE_INT, .as.i32 = i};
        hyl_value at = {.type = HYL_TYPE_TIMESTAMP, .is_null = i == 3};
        at.as.i64 = i < 3 ? values[i] : 0;
        assert_ok(hyl_copy_field(hyl_type_of(HYL_TYPE_INT), false, &number, &stream, &err), &err);
        assert_ok(hyl_copy_field(hyl_type_of(HYL_TYPE_TIMESTAMP), true, &at, &stream, &err), &err);
    }
    assert_ok(hyl_copy_in_open(conn, "COPY t FROM STDIN WITH (FORMAT hyperbinary)", &copy, &err),
              &err);
    assert_ok(hyl_copy_write(copy, stream.data, stream.len, &err), &err);
    assert_ok(hyl_copy_finish(copy, NULL, &err), &err);
    hyl_copy_free(copy);
    hyl_buf_reset(&stream);
    hyl_result *result = opened(conn, "SELECT at, CAST(at AS text) FROM t ORDER BY n");
    for (int i = 0; i < 3; i++) {
        const hyl_row *row = next_row(result);
        int64_t micros = 0;
        assert_ok(hyl_row_get_timestamp(row, 0, &micros, &err), &err);
        assert_true(micros == values[i]);
        assert_text(row, 0, texts[i]);
        assert_text(row, 1, texts[i]);
    }
    const hyl_row *row = next_row(result);
    int64_t micros = 0;
    assert_true(hyl_row_is_null(row, 0));
    assert_status(hyl_row_get_timestamp(row, 0, &micros, &err), HYL_ERR_NULLVAL, &err);
    assert_done(result);
    hyl_conn_free(conn);
}

/* innobi/pantab#339, #342; apache/arrow-adbc#1501, #1502: zeros lost in front or behind. */
static void decimals_keep_their_digits(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        const char *text;
    } cases[] = {
        {"CAST('0.001' AS decimal(18,3))", "0.001"},
        {"CAST('10.010' AS decimal(18,3))", "10.010"},
        {"CAST('-0.005' AS decimal(18,3))", "-0.005"},
        {"CAST('0' AS numeric(10,4))", "0.0000"},
        {"CAST('0' AS numeric(10,0))", "0"},
        {"CAST('1.01234' AS numeric(16,5))", "1.01234"},
        {NULL, NULL},
    };
    hyl_conn *conn = live_connect(NULL);
    for (size_t i = 0; cases[i].expression != NULL; i++) {
        char sql[100];
        snprintf(sql, sizeof sql, "SELECT %s", cases[i].expression);
        assert_string_equal(live_text(conn, sql), cases[i].text);
        snprintf(sql, sizeof sql, "SELECT CAST(%s AS text)", cases[i].expression);
        assert_string_equal(live_text(conn, sql), cases[i].text);
    }
    hyl_conn_free(conn);
}

static void assert_numeric(hyl_conn *conn, const char *sql, int precision, int scale, size_t width,
                           const char *text)
{
    hyl_bytes raw;
    hyl_result *result = opened(conn, sql);
    const hyl_row *row = next_row(result);
    const hyl_column *column = hyl_result_column(result, 0);
    assert_int_equal(column->type.id, HYL_TYPE_NUMERIC);
    assert_int_equal(hyl_type_precision(column->type), precision);
    assert_int_equal(hyl_type_scale(column->type), scale);
    assert_ok(hyl_row_raw(row, 0, &raw, &err), &err);
    assert_int_equal(raw.len, width);
    assert_text(row, 0, text);
    assert_done(result);
    assert_string_equal(live_text(conn, sql), text);
}

/*
 * tableau/hyper-api-rust, its numeric_typemod tests; tableau/hyper-api-samples#89: the type of a
 * computed number is the server's to say, in eight bytes or in sixteen.
 */
static void computed_numbers_have_the_servers_type(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    assert_numeric(conn, "SELECT avg(x) FROM (VALUES (1), (2)) t(x)", 16, 6, 8, "1.500000");
    assert_numeric(conn,
                   "SELECT sum(a * b) * (0.0001 / 10) FROM (VALUES (CAST(10.5 AS numeric(12,2)), "
                   "3)) t(a, b)",
                   38, 6, 16, "0.000315");
    hyl_conn_free(conn);
}

/* apache/arrow-adbc; ADBC and ODBC drivers: columns of one name, of odd names, or of none. */
static void columns_of_any_name_can_be_read(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    hyl_result *result = opened(conn, "SELECT 1 a, 2 a");
    const hyl_row *row = next_row(result);
    int32_t values[2] = {0, 0};
    assert_ok(hyl_row_get_i32(row, 0, &values[0], &err), &err);
    assert_ok(hyl_row_get_i32(row, 1, &values[1], &err), &err);
    assert_int_equal(values[0], 1);
    assert_int_equal(values[1], 2);
    assert_string_equal(hyl_result_column(result, 1)->name, "a");
    assert_done(result);
    live_exec(conn, "CREATE TEMP TABLE odd (\"select\" int, \"a\"\"b\" int, \"\xe5\x88\x97\" int)");
    live_exec(conn, "INSERT INTO odd VALUES (1, 2, 3)");
    static const char *const names[] = {"select", "a\"b", "\xe5\x88\x97"};
    result = opened(conn, "SELECT * FROM odd");
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(hyl_result_column(result, i)->name, names[i]);
        assert_int_equal(hyl_result_find(result, names[i]), i);
    }
    assert_int_equal(hyl_result_column_count(result), 3);
    (void)next_row(result);
    assert_done(result);
    hyl_conn_free(conn);
}

/* ---- Errors and the stream ------------------------------------------------------------------- */

/*
 * innobi/pantab#392; tableau/server-client-python#1295: all that was left of an error was that the
 * connection had closed.
 */
static void the_servers_last_words_reach_the_caller(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_buf messages = HYL_BUF_INIT;
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    static const char *const fields[] = {
        "S", "FATAL", "C", "57P01", "M", "terminating connection: out of disk", NULL};
    backend_int_description(&messages);
    backend_int_row(&messages, 1);
    backend_diag(&messages, 'E', fields);
    mem_say(&mem, &messages);
    assert_int_equal(hyl_mem_peer_end(mem.peer), HYL_OK);
    assert_ok(hyl_query(mem.conn, "SELECT", &result, &err), &err);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl_result_next(result, &row, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.message, "terminating connection: out of disk");
    assert_string_equal(err.sqlstate, "57P01");
    assert_string_equal(err.severity, "FATAL");
    assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
    hyl_result_free(result);
    mem_assert_lost(&mem, HYL_ERR_CLOSED);
    mem_conn_close(&mem);
}

/* psycopg/psycopg#203, #1008, #23; pgjdbc/pgjdbc#3163: after a COPY that was read in part the next
 * query hung, or got rows of the COPY. */
static void a_copy_that_is_read_in_part_leaves_no_rest(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    hyl_copy *copy = NULL;
    hyl_bytes piece;
    assert_ok(hyl_copy_out_open(conn,
                                "copy (select * from generate_series(1, 5000000)) to stdout with "
                                "(format csv)",
                                &copy, &err),
              &err);
    assert_ok(hyl_copy_read(copy, &piece, &err), &err);
    hyl_copy_free(copy);
    assert_int_equal(live_i64(conn, "SELECT 1"), 1);
    hyl_conn_free(conn);
}

/* transact-rs/sqlx#3699: a COPY into a table that is not there left the connection unusable. */
static void a_copy_into_a_missing_table_is_an_error_and_no_more(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    hyl_copy *copy = NULL;
    assert_status(hyl_copy_in_open(conn, "COPY missing FROM STDIN WITH (FORMAT csv)", &copy, &err),
                  HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "42P01");
    assert_int_equal(live_i64(conn, "SELECT 1"), 1);
    hyl_conn_free(conn);
}

/*
 * pgbouncer/pgbouncer#1470; psycopg/psycopg2#37: the error is there after the second line, and the
 * client sends gigabytes more.
 */
static void a_copy_stops_soon_after_a_bad_line(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    hyl_copy *copy = NULL;
    char *lines = malloc(MEGABYTE);
    size_t sent = 0;
    hyl_status status = HYL_OK;
    assert_non_null(lines);
    for (size_t i = 0; i < MEGABYTE; i += 8) {
        memcpy(lines + i, "1234567\n", 8);
    }
    live_exec(conn, "CREATE TEMP TABLE t (a int)");
    assert_ok(hyl_copy_in_open(conn, "COPY t FROM STDIN WITH (FORMAT csv)", &copy, &err), &err);
    assert_ok(hyl_copy_write(copy, "1\nbad\n", 6, &err), &err);
    err = (hyl_error)HYL_ERROR_INIT;
    while (status == HYL_OK && sent < (size_t)2048 * MEGABYTE) {
        status = hyl_copy_write(copy, lines, MEGABYTE, &err);
        sent += MEGABYTE;
    }
    free(lines);
    assert_status(status, HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "22P02");
    assert_non_null(strstr(hyl_conn_diag(conn)->detail, "line:2"));
    assert_true(sent <= (size_t)64 * MEGABYTE);
    hyl_copy_free(copy);
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), 0);
    hyl_conn_free(conn);
}

/* JuliaDatabases/Postgres.jl#2: a ParameterStatus among the rows ended the result. */
static void append_asynchronous(hyl_buf *out)
{
    backend_parameter(out, "alive", "?");
    backend_notice(out, "well");
    backend_notification(out, "channel");
}

/* The stream with asynchronous messages in front of each of its messages. */
static hyl_buf mixed(hyl_buf *stream)
{
    hyl_buf out = HYL_BUF_INIT;
    hyl_bytes rest = {stream->data, stream->len};
    while (rest.len > 0) {
        hyl_msg_head head;
        assert_ok(hyl_msg_peek(rest, HYL_MAX_MESSAGE, &head, &err), &err);
        append_asynchronous(&out);
        hyl_buf_append(&out, rest.data, (size_t)head.body_len + HYL_MESSAGE_HEADER_SIZE);
        rest.data += head.body_len + HYL_MESSAGE_HEADER_SIZE;
        rest.len -= head.body_len + HYL_MESSAGE_HEADER_SIZE;
    }
    hyl_buf_reset(stream);
    return out;
}

static void count_notice(void *ctx, const hyl_diag *notice)
{
    (void)notice;
    ++*(int *)ctx;
}

static void what_the_server_says_on_its_own_changes_no_result(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_buf stream = HYL_BUF_INIT;
    int notices = 0;
    int64_t affected = 0;
    hyl_conn_on_notice(mem.conn, count_notice, &notices);
    backend_int_description(&stream);
    backend_int_row(&stream, 41);
    backend_tag(&stream, "SELECT 1");
    backend_ready(&stream, 'I');
    hyl_buf said = mixed(&stream);
    mem_say(&mem, &said);
    int64_t value = 0;
    assert_ok(hyl_query_i64(mem.conn, "SELECT 41", &value, &err), &err);
    assert_int_equal(value, 41);
    assert_int_equal(notices, 4);
    backend_error(&stream, "22012", "division by zero");
    backend_ready(&stream, 'I');
    said = mixed(&stream);
    mem_say(&mem, &said);
    assert_status(hyl_exec(mem.conn, "SELECT 1/0", NULL, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.message, "division by zero");
    backend_message(&stream, 'I', NULL, 0);
    backend_ready(&stream, 'I');
    said = mixed(&stream);
    mem_say(&mem, &said);
    assert_ok(hyl_exec(mem.conn, "", &affected, &err), &err);
    backend_copy_response(&stream, 'H');
    backend_copy_data(&stream, "x", 1);
    backend_message(&stream, 'c', NULL, 0);
    backend_tag(&stream, "COPY 1");
    backend_ready(&stream, 'I');
    said = mixed(&stream);
    mem_say(&mem, &said);
    hyl_copy *copy = NULL;
    hyl_bytes piece;
    assert_ok(hyl_copy_out_open(mem.conn, "COPY t TO STDOUT", &copy, &err), &err);
    assert_ok(hyl_copy_read(copy, &piece, &err), &err);
    assert_int_equal(piece.data[0], 'x');
    assert_ok(hyl_copy_finish(copy, &affected, &err), &err);
    assert_int_equal(affected, 1);
    hyl_copy_free(copy);
    assert_int_equal(notices, 4 + 2 + 2 + 5);
    assert_string_equal(hyl_conn_parameter(mem.conn, "alive"), "?");
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

/* forcedotcom/datacloud-jdbc#142: a reader that took its time was told that the rows were over. */
static void a_slow_reader_gets_every_row(void **state)
{
    (void)state;
    enum { COUNT = 200000 };
    const struct timespec pause = {0, 1000000};
    hyl_conn *conn = live_connect("request_timeout=20s");
    /* Some 40 MB, which no socket holds: the server has to wait for the reader. */
    hyl_result *result =
        opened(conn, "SELECT i, repeat('x', 200) FROM generate_series(1, 200000) g(i)");
    const hyl_row *row = NULL;
    int64_t count = 0;
    int64_t sum = 0;
    hyl_status status = HYL_OK;
    while ((status = hyl_result_next(result, &row, &err)) == HYL_OK) {
        int32_t i = 0;
        assert_ok(hyl_row_get_i32(row, 0, &i, &err), &err);
        sum += i;
        if (++count % 1000 == 0) {
            nanosleep(&pause, NULL);
        }
    }
    assert_status(status, HYL_DONE, &err);
    assert_int_equal(count, COUNT);
    assert_true(sum == (int64_t)COUNT * (COUNT + 1) / 2);
    hyl_result_free(result);
    hyl_conn_free(conn);
}

/* Hyper API release notes, 0.0.11074; datacloud-jdbc JDBCLimitsTest: rows over 1 MB hung. */
static void large_rows_and_values_come_whole(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    hyl_result *result =
        opened(conn, "SELECT i, repeat('y', 1500000) FROM generate_series(1, 100) g(i) ORDER BY i");
    for (int32_t i = 1; i <= 100; i++) {
        const hyl_row *row = next_row(result);
        int32_t number = 0;
        hyl_str text;
        assert_ok(hyl_row_get_i32(row, 0, &number, &err), &err);
        assert_ok(hyl_row_get_str(row, 1, &text, &err), &err);
        assert_int_equal(number, i);
        assert_int_equal(text.len, 1500000);
    }
    assert_done(result);
    static const size_t sizes[] = {5000000, 31000000, 33000000};
    for (size_t i = 0; i < 3; i++) {
        char sql[200];
        hyl_str text;
        snprintf(sql, sizeof sql, "SELECT repeat('z', %zu) || repeat('z', %zu) || repeat('z', %zu)",
                 sizes[i] / 3, sizes[i] / 3, sizes[i] - 2 * (sizes[i] / 3));
        result = opened(conn, sql);
        assert_ok(hyl_row_get_str(next_row(result), 0, &text, &err), &err);
        assert_int_equal(text.len, sizes[i]);
        assert_int_equal(text.data[text.len - 1], 'z');
        assert_done(result);
    }
    /* Beyond the server's own limit it is the server's error, and nothing more. */
    assert_status(hyl_exec(conn, "SELECT repeat('z', 33000000)", NULL, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "54S01");
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

static void insert_rows(hyl_inserter *ins, int64_t from, int64_t count)
{
    for (int64_t i = from; i < from + count; i++) {
        assert_ok(hyl_inserter_i64(ins, i, &err), &err);
        assert_ok(hyl_inserter_end_row(ins, &err), &err);
    }
}

/*
 * tableau/Logshark#184: an inserter that had got nothing for minutes failed with its next row. Here no
 * COPY is begun for a row, and no deadline runs between calls, whether one was begun or not.
 */
static void an_inserter_may_pause_beyond_every_deadline(void **state)
{
    (void)state;
    static const int64_t before[] = {1, 1000000}; /* 8 MB: some of it has been sent */
    const struct timespec pause = {0, 900000000};
    hyl_conn *conn = live_connect("request_timeout=600ms idle_timeout=600ms");
    for (size_t i = 0; i < 2; i++) {
        hyl_inserter *ins = NULL;
        int64_t rows = 0;
        live_exec(conn, "CREATE TEMP TABLE late (i bigint)");
        assert_ok(hyl_inserter_open(conn, "late", NULL, 0, NULL, &ins, &err), &err);
        insert_rows(ins, 0, before[i]);
        nanosleep(&pause, NULL);
        insert_rows(ins, before[i], 1000);
        nanosleep(&pause, NULL);
        assert_ok(hyl_inserter_finish(ins, &rows, &err), &err);
        assert_int_equal(rows, before[i] + 1000);
        hyl_inserter_free(ins);
        assert_int_equal(live_i64(conn, "SELECT sum(i) FROM late"), rows * (rows - 1) / 2);
        live_exec(conn, "DROP TABLE late");
    }
    hyl_conn_free(conn);
}

/* Two statements in one text: the server knows no such thing, and says so in its own words. */
static void several_statements_are_a_script(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    size_t done = 0;
    assert_status(hyl_exec(conn, "select 1; select 2", NULL, &err), HYL_ERR_ARG, &err);
    assert_non_null(strstr(err.message, "hyl_exec_script"));
    assert_ok(hyl_exec_script(conn, "select 1; select 2", &done, &err), &err);
    assert_int_equal(done, 2);
    assert_int_equal(live_i64(conn, "SELECT 1;"), 1);
    hyl_conn_free(conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timestamps_at_the_ends_and_null_stay_apart),
        cmocka_unit_test(decimals_keep_their_digits),
        cmocka_unit_test(computed_numbers_have_the_servers_type),
        cmocka_unit_test(columns_of_any_name_can_be_read),
        cmocka_unit_test(the_servers_last_words_reach_the_caller),
        cmocka_unit_test(a_copy_that_is_read_in_part_leaves_no_rest),
        cmocka_unit_test(a_copy_into_a_missing_table_is_an_error_and_no_more),
        cmocka_unit_test(a_copy_stops_soon_after_a_bad_line),
        cmocka_unit_test(what_the_server_says_on_its_own_changes_no_result),
        cmocka_unit_test(a_slow_reader_gets_every_row),
        cmocka_unit_test(large_rows_and_values_come_whole),
        cmocka_unit_test(an_inserter_may_pause_beyond_every_deadline),
        cmocka_unit_test(several_statements_are_a_script),
    };
    return cmocka_run_group_tests_name("live/public_cases", tests, test_hyperd_start,
                                       test_hyperd_stop);
}
