#include "support/test.h"

#include "support/hyperd.h"
#include "support/live.h"

#include <hyperline/arrow.h>

#include <stdlib.h>

static hyl_error err;

enum { MEGABYTE = 1048576 };

/* A connection with an empty temporary table t (a int NOT NULL, b text). */
static hyl_conn *with_table(void)
{
    hyl_conn *conn = live_connect(NULL);
    live_exec(conn, "CREATE TEMP TABLE t (a int NOT NULL, b text)");
    return conn;
}

static hyl_copy *open_csv(hyl_conn *conn)
{
    hyl_copy *copy = NULL;
    assert_ok(hyl_copy_in_open(conn, "COPY t FROM STDIN WITH (FORMAT csv)", &copy, &err), &err);
    return copy;
}

static void put(hyl_copy *copy, const char *text)
{
    assert_ok(hyl_copy_write(copy, text, strlen(text), &err), &err);
}

/* All that a COPY ... TO STDOUT gives, NUL-terminated. */
static char *copied_out(hyl_conn *conn, const char *sql, int64_t *rows)
{
    hyl_buf out = HYL_BUF_INIT;
    hyl_copy *copy = NULL;
    hyl_bytes piece;
    hyl_status status = HYL_OK;
    assert_ok(hyl_copy_out_open(conn, sql, &copy, &err), &err);
    while ((status = hyl_copy_read(copy, &piece, &err)) == HYL_OK) {
        hyl_buf_append(&out, piece.data, piece.len);
    }
    assert_status(status, HYL_DONE, &err);
    assert_ok(hyl_copy_finish(copy, rows, &err), &err);
    hyl_copy_free(copy);
    hyl_buf_append_byte(&out, 0);
    return (char *)out.data;
}

/* ---- There and back -------------------------------------------------------------------------- */

static void csv_comes_back_as_it_went(void **state)
{
    (void)state;
    static const char csv[] = "1,one\n2,\"t,w\"\"o\"\n3,\n4,\"\"\n";
    hyl_conn *conn = with_table();
    hyl_copy *copy = open_csv(conn);
    int64_t rows = 0;
    for (const char *at = csv; *at != '\0'; at++) { /* how it is cut does not matter */
        assert_ok(hyl_copy_write(copy, at, 1, &err), &err);
    }
    assert_ok(hyl_copy_finish(copy, &rows, &err), &err);
    assert_int_equal(rows, 4);
    hyl_copy_free(copy);
    char *back =
        copied_out(conn, "COPY (SELECT * FROM t ORDER BY a) TO STDOUT WITH (FORMAT csv)", &rows);
    assert_int_equal(rows, 4);
    assert_string_equal(back, csv);
    hyl_free(back);
    hyl_conn_free(conn);
}

static void hyperbinary_is_made_field_by_field(void **state)
{
    (void)state;
    hyl_conn *conn = with_table();
    hyl_copy *copy = NULL;
    hyl_buf stream = HYL_BUF_INIT;
    int64_t rows = 0;
    hyl_copy_header(&stream);
    for (int32_t i = 0; i < 1000; i++) {
        hyl_value number = {.type = HYL_TYPE_INT, .as.i32 = i};
        hyl_value text = {.type = HYL_TYPE_TEXT, .is_null = i % 2 == 1, .as.str = HYL_STR("even")};
        assert_ok(hyl_copy_field(hyl_type_of(HYL_TYPE_INT), false, &number, &stream, &err), &err);
        assert_ok(hyl_copy_field(hyl_type_of(HYL_TYPE_TEXT), true, &text, &stream, &err), &err);
    }
    assert_ok(
        hyl_copy_in_open(conn, "COPY t (a, b) FROM STDIN WITH (FORMAT hyperbinary)", &copy, &err),
        &err);
    assert_ok(hyl_copy_write(copy, stream.data, stream.len, &err), &err);
    assert_ok(hyl_copy_finish(copy, &rows, &err), &err);
    assert_int_equal(rows, 1000);
    hyl_copy_free(copy);
    hyl_buf_reset(&stream);
    assert_int_equal(live_i64(conn, "SELECT sum(a) FROM t"), 499500);
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM t WHERE b = 'even' AND a % 2 = 0"), 500);
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM t WHERE b IS NULL"), 500);
    hyl_conn_free(conn);
}

static void nothing_may_be_copied(void **state)
{
    (void)state;
    hyl_conn *conn = with_table();
    hyl_copy *copy = open_csv(conn);
    int64_t rows = 99;
    assert_ok(hyl_copy_finish(copy, &rows, &err), &err);
    assert_int_equal(rows, 0);
    hyl_copy_free(copy);
    char *back = copied_out(conn, "COPY t TO STDOUT WITH (FORMAT csv)", &rows);
    assert_string_equal(back, "");
    assert_int_equal(rows, 0);
    hyl_free(back);
    hyl_conn_free(conn);
}

/* More than any buffer on the way, in both directions. */
static void a_value_may_have_two_hundred_megabytes(void **state)
{
    (void)state;
    enum { SIZE = 200 * MEGABYTE };
    hyl_conn *conn = with_table();
    hyl_copy *copy = NULL;
    hyl_buf head = HYL_BUF_INIT;
    int64_t rows = 0;
    char *block = malloc(MEGABYTE);
    assert_non_null(block);
    hyl_copy_header(&head);
    hyl_buf_append(&head, "\1\0\0\0\0\0\0\x80\x0c", 9); /* 1, not NULL, 209,715,200 bytes */
    assert_ok(hyl_copy_in_open(conn, "COPY t FROM STDIN WITH (FORMAT hyperbinary)", &copy, &err),
              &err);
    assert_ok(hyl_copy_write(copy, head.data, head.len, &err), &err);
    hyl_buf_reset(&head);
    for (int i = 0; i < SIZE / MEGABYTE; i++) {
        memset(block, 'a' + i % 26, MEGABYTE);
        assert_ok(hyl_copy_write(copy, block, MEGABYTE, &err), &err);
    }
    free(block);
    assert_ok(hyl_copy_finish(copy, &rows, &err), &err);
    assert_int_equal(rows, 1);
    hyl_copy_free(copy);
    assert_int_equal(live_i64(conn, "SELECT octet_length(b) FROM t"), SIZE);
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    hyl_str text;
    assert_ok(hyl_query(conn, "SELECT b FROM t", &result, &err), &err);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    assert_ok(hyl_row_get_str(row, 0, &text, &err), &err);
    assert_int_equal(text.len, SIZE);
    for (int i = 0; i < SIZE / MEGABYTE; i++) {
        assert_int_equal(text.data[(size_t)i * MEGABYTE], 'a' + i % 26);
        assert_int_equal(text.data[(size_t)i * MEGABYTE + MEGABYTE - 1], 'a' + i % 26);
    }
    assert_status(hyl_result_next(result, &row, &err), HYL_DONE, &err);
    hyl_result_free(result);
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

/* ---- Data that the server refuses ------------------------------------------------------------ */

/* A block of whole lines, good ones. */
static char *good_lines(size_t size)
{
    char *lines = malloc(size);
    assert_non_null(lines);
    for (size_t i = 0; i < size; i += 8) {
        memcpy(lines + i, "1234,ab\n", 8);
    }
    return lines;
}

/* Its second line is bad, and a gigabyte comes after it: all but the first of it is never sent. */
static void a_bad_line_ends_the_writing_early(void **state)
{
    (void)state;
    const size_t offered = (size_t)1024 * MEGABYTE;
    hyl_conn *conn = with_table();
    hyl_copy *copy = open_csv(conn);
    char *lines = good_lines(MEGABYTE);
    size_t taken = 0;
    hyl_status status = HYL_OK;
    put(copy, "1,one\nx,two\n");
    err = (hyl_error)HYL_ERROR_INIT;
    while (status == HYL_OK && taken < offered) {
        status = hyl_copy_write(copy, lines, MEGABYTE, &err);
        taken += MEGABYTE;
    }
    free(lines);
    printf("refused after %zu MB\n", taken / MEGABYTE);
    assert_status(status, HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "22P02");
    assert_non_null(strstr(hyl_conn_diag(conn)->detail, "line:2"));
    assert_true(taken <= (size_t)64 * MEGABYTE);
    assert_int_equal(hyl_conn_health(conn), HYL_HEALTH_OK);
    assert_status(hyl_copy_finish(copy, NULL, &err), HYL_ERR_SERVER, &err);
    hyl_copy_free(copy);
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), 0);
    hyl_conn_free(conn);
}

static void a_bad_line_may_show_at_the_end(void **state)
{
    (void)state;
    static const struct {
        const char *csv;
        const char *sqlstate;
    } cases[] = {
        {"1,one\nx,two\n", "22P02"}, {"1,one\n,two\n", "23502"}, {"1,one,more\n", "22P02"}};
    hyl_conn *conn = with_table();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hyl_copy *copy = open_csv(conn);
        int64_t rows = 99;
        put(copy, cases[i].csv);
        assert_status(hyl_copy_finish(copy, &rows, &err), HYL_ERR_SERVER, &err);
        assert_string_equal(err.sqlstate, cases[i].sqlstate);
        assert_int_equal(rows, 99);
        hyl_copy_free(copy);
        assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), 0);
    }
    hyl_conn_free(conn);
}

static void a_copy_that_fails_fails_its_transaction(void **state)
{
    (void)state;
    hyl_conn *conn = live_open("copy.hyper", "create=replace");
    live_exec(conn, "CREATE TABLE t (a int NOT NULL, b text)");
    live_exec(conn, "BEGIN");
    live_exec(conn, "INSERT INTO t VALUES (1, 'x')");
    hyl_copy *copy = open_csv(conn);
    put(copy, "1,one\nx,two\n");
    assert_status(hyl_copy_finish(copy, NULL, &err), HYL_ERR_SERVER, &err);
    hyl_copy_free(copy);
    assert_int_equal(hyl_conn_health(conn), HYL_HEALTH_TX_FAILED);
    assert_status(hyl_exec(conn, "COMMIT", NULL, &err), HYL_ERR_STATE, &err);
    assert_string_equal(err.sqlstate, "25P02");
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), 0);
    hyl_conn_free(conn);
}

/* ---- Giving up ------------------------------------------------------------------------------- */

static void an_aborted_copy_keeps_no_row(void **state)
{
    (void)state;
    hyl_conn *conn = with_table();
    char *lines = good_lines(MEGABYTE);
    for (int way = 0; way < 4; way++) {
        hyl_copy *copy = open_csv(conn);
        if (way % 2 == 1) {
            assert_ok(hyl_copy_write(copy, lines, MEGABYTE, &err), &err);
        }
        put(copy, "1,one\n");
        if (way < 2) {
            assert_ok(hyl_copy_abort(copy, "changed my mind", &err), &err);
            assert_null(hyl_conn_diag(conn));
        }
        hyl_copy_free(copy);
        assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), 0);
    }
    free(lines);
    hyl_conn_free(conn);
}

/* A server that has just started overlooks the first CopyFail, and is made to look again. */
static void the_first_copy_of_a_server_can_be_aborted(void **state)
{
    (void)state;
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    opts.working_dir = test_folder();
    char *lines = good_lines(65536);
    for (int way = 0; way < 2; way++) {
        hyl_server *server = NULL;
        hyl_config *config = NULL;
        hyl_conn *conn = NULL;
        assert_ok(hyl_server_launch(&opts, &server, &err), &err);
        assert_ok(hyl_config_new(&config, &err), &err);
        assert_ok(hyl_server_configure(server, config, &err), &err);
        assert_ok(hyl_connect(config, &conn, &err), &err);
        live_exec(conn, "CREATE TEMP TABLE t (a int NOT NULL, b text)");
        hyl_copy *copy = open_csv(conn);
        assert_ok(hyl_copy_write(copy, lines, 65536, &err), &err);
        if (way == 0) {
            assert_ok(hyl_copy_abort(copy, "changed my mind", &err), &err);
        }
        hyl_copy_free(copy);
        assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), 0);
        hyl_conn_free(conn);
        hyl_config_free(config);
        hyl_server_free(server);
    }
    free(lines);
}

static void a_copy_out_left_half_read_leaves_no_rest(void **state)
{
    (void)state;
    static const char *const formats[] = {"csv", "hyperbinary", "arrowstream"};
    hyl_conn *conns[] = {live_connect(NULL), live_connect_unix(NULL)};
    for (size_t i = 0; i < 12; i++) {
        hyl_conn *conn = conns[i % 2];
        char sql[200];
        hyl_copy *copy = NULL;
        hyl_bytes piece;
        snprintf(sql, sizeof sql,
                 "COPY (SELECT i FROM generate_series(1, 5000000) g(i)) TO STDOUT WITH (FORMAT %s)",
                 formats[i / 2 % 3]);
        assert_ok(hyl_copy_out_open(conn, sql, &copy, &err), &err);
        assert_ok(hyl_copy_read(copy, &piece, &err), &err);
        assert_true(piece.len > 0);
        if (i >= 6) {
            assert_ok(hyl_copy_abort(copy, "enough", &err), &err);
        }
        hyl_copy_free(copy);
        live_assert_in_step(conn);
    }
    hyl_conn_free(conns[0]);
    hyl_conn_free(conns[1]);
}

/* Given up before its first data, when the server may announce it once more. */
static void a_copy_out_that_is_not_read_at_all_leaves_no_rest(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    for (int i = 0; i < 60; i++) {
        char sql[200];
        hyl_copy *copy = NULL;
        snprintf(sql, sizeof sql,
                 "COPY (SELECT i FROM generate_series(1, 5000000) g(i)) TO STDOUT WITH (FORMAT %s)",
                 i % 2 == 0 ? "csv" : "arrowstream");
        assert_ok(hyl_copy_out_open(conn, sql, &copy, &err), &err);
        hyl_copy_free(copy);
        live_assert_in_step(conn);
    }
    hyl_conn_free(conn);
}

static void a_copy_out_may_fail_in_the_middle(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    hyl_copy *copy = NULL;
    assert_ok(hyl_copy_out_open(conn,
                                "COPY (SELECT 1/(1500000 - i) FROM generate_series(1, 2000000) "
                                "g(i)) TO STDOUT WITH (FORMAT csv)",
                                &copy, &err),
              &err);
    assert_status(hyl_copy_finish(copy, NULL, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "22012");
    hyl_copy_free(copy);
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

/* ---- What is no such COPY -------------------------------------------------------------------- */

static void assert_not_opened(hyl_conn *conn, const char *sql, bool in, hyl_status status)
{
    hyl_copy *copy = NULL;
    assert_status(in ? hyl_copy_in_open(conn, sql, &copy, &err)
                     : hyl_copy_out_open(conn, sql, &copy, &err),
                  status, &err);
    assert_null(copy);
    live_assert_in_step(conn);
}

static void another_statement_is_refused(void **state)
{
    (void)state;
    hyl_conn *conn = with_table();
    for (int in = 0; in < 2; in++) {
        assert_not_opened(conn, "SELECT i FROM generate_series(1, 10000000) g(i)", in, HYL_ERR_ARG);
        assert_non_null(strstr(err.message, "cancelled"));
        assert_not_opened(conn, "INSERT INTO t VALUES (1, 'x')", in, HYL_ERR_ARG);
        assert_non_null(strstr(err.message, "it was run"));
        assert_not_opened(conn, "COPY nope FROM STDIN WITH (FORMAT csv)", in, HYL_ERR_SERVER);
        assert_string_equal(err.sqlstate, "42P01");
        assert_not_opened(conn, "SELECT 1; SELECT 2", in, HYL_ERR_ARG);
    }
    assert_not_opened(conn, "COPY t TO STDOUT WITH (FORMAT csv)", true, HYL_ERR_ARG);
    assert_not_opened(conn, "COPY t FROM STDIN WITH (FORMAT csv)", false, HYL_ERR_ARG);
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), 2);
    hyl_conn_free(conn);
}

static void a_query_is_no_copy(void **state)
{
    (void)state;
    static const char *const copies[] = {"COPY t FROM STDIN WITH (FORMAT csv)",
                                         "COPY (SELECT i FROM generate_series(1, 5000000) g(i)) "
                                         "TO STDOUT WITH (FORMAT csv)"};
    hyl_conn *conn = with_table();
    for (size_t i = 0; i < 2; i++) {
        assert_status(hyl_exec(conn, copies[i], NULL, &err), HYL_ERR_ARG, &err);
        assert_non_null(strstr(err.message, "hyl_copy_in_open"));
        live_assert_in_step(conn);
        assert_status(hyl_exec_script(conn, copies[i], NULL, &err), HYL_ERR_ARG, &err);
        live_assert_in_step(conn);
    }
    hyl_conn_free(conn);
}

/* ---- The end marker of an Arrow stream ------------------------------------------------------- */

/* The server completes the COPY there, without CopyDone, and reads nothing more. */

static hyl_status append_piece(void *ctx, hyl_bytes piece, hyl_error *error)
{
    (void)error;
    hyl_buf_append(ctx, piece.data, piece.len);
    return hyl_buf_status(ctx);
}

/* A stream with its end marker: `rows` lists in a column a. */
static hyl_buf lists_stream(hyl_conn *conn, int64_t rows)
{
    char sql[200];
    hyl_buf out = HYL_BUF_INIT;
    snprintf(sql, sizeof sql,
             "SELECT array[i, NULL, i * 2] AS a FROM generate_series(1, %lld) g(i)",
             (long long)rows);
    hyl_status status = hyl_arrow_ipc_out(conn, sql, append_piece, &out, &err);
    if (status == HYL_ERR_UNSUPPORTED) {
        skip();
    }
    assert_ok(status, &err);
    return out;
}

static hyl_copy *open_lists(hyl_conn *conn)
{
    hyl_copy *copy = NULL;
    assert_ok(
        hyl_copy_in_open(conn, "COPY lists FROM STDIN WITH (FORMAT arrowstream)", &copy, &err),
        &err);
    return copy;
}

static hyl_conn *with_lists(void)
{
    hyl_conn *conn = live_connect(NULL);
    live_exec(conn, "CREATE TEMP TABLE lists (a array(int))");
    return conn;
}

static void a_whole_arrow_stream_is_copied_whenever_the_server_answers(void **state)
{
    (void)state;
    static const int64_t counts[] = {0, 1, 3, 30000};
    hyl_conn *conn = with_lists();
    int64_t total = 0;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        hyl_buf stream = lists_stream(conn, counts[i]);
        for (int round = 0; round < 50; round++) {
            int64_t rows = -1;
            hyl_copy *copy = open_lists(conn);
            assert_ok(hyl_copy_write(copy, stream.data, stream.len, &err), &err);
            assert_ok(hyl_copy_finish(copy, &rows, &err), &err);
            assert_int_equal(rows, counts[i]);
            hyl_copy_free(copy);
            total += rows;
        }
        hyl_buf_reset(&stream);
    }
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM lists"), total);
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

/* Writes what the server does not read until it is refused. */
static void write_until_ended(hyl_copy *copy)
{
    static const uint8_t nothing[MEGABYTE / 4];
    hyl_status status = HYL_OK;
    while (status == HYL_OK) {
        status = hyl_copy_write(copy, nothing, sizeof nothing, &err);
    }
    assert_status(status, HYL_ERR_STATE, &err);
    assert_non_null(strstr(err.message, "behind the end marker"));
}

static void what_comes_behind_an_end_marker_is_an_error(void **state)
{
    (void)state;
    hyl_conn *conn = with_lists();
    hyl_buf stream = lists_stream(conn, 30000);
    hyl_copy *copy = open_lists(conn);
    assert_ok(hyl_copy_write(copy, stream.data, stream.len, &err), &err);
    write_until_ended(copy);
    assert_status(hyl_copy_finish(copy, NULL, &err), HYL_ERR_STATE, &err);
    hyl_copy_free(copy);
    hyl_buf_reset(&stream);
    live_assert_in_step(conn);
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM lists"), 30000);
    hyl_conn_free(conn);
}

static int64_t visible_rows(hyl_conn *conn)
{
    return live_i64(conn, "SELECT count(*) FROM late");
}

static void an_abort_that_comes_too_late_says_so(void **state)
{
    (void)state;
    hyl_conn *conn = live_open("late.hyper", "create=replace");
    hyl_conn *other = live_open("late.hyper", NULL);
    live_exec(conn, "CREATE TABLE late (a int)");
    hyl_buf stream = HYL_BUF_INIT;
    assert_ok(hyl_arrow_ipc_out(conn, "SELECT i AS a FROM generate_series(1, 100000) g(i)",
                                append_piece, &stream, &err),
              &err);
    hyl_copy *copy = NULL;
    assert_ok(hyl_copy_in_open(conn, "COPY late FROM STDIN WITH (FORMAT arrowstream)", &copy, &err),
              &err);
    assert_ok(hyl_copy_write(copy, stream.data, stream.len, &err), &err);
    while (visible_rows(other) == 0) {
    }
    assert_status(hyl_copy_abort(copy, "no", &err), HYL_ERR_STATE, &err);
    assert_non_null(strstr(err.message, "its rows are in the table"));
    hyl_copy_free(copy);
    hyl_buf_reset(&stream);
    live_assert_in_step(conn);
    assert_int_equal(visible_rows(conn), 100000);
    hyl_conn_free(conn);
    hyl_conn_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_comes_back_as_it_went),
        cmocka_unit_test(hyperbinary_is_made_field_by_field),
        cmocka_unit_test(nothing_may_be_copied),
        cmocka_unit_test(a_value_may_have_two_hundred_megabytes),
        cmocka_unit_test(a_bad_line_ends_the_writing_early),
        cmocka_unit_test(a_bad_line_may_show_at_the_end),
        cmocka_unit_test(a_copy_that_fails_fails_its_transaction),
        cmocka_unit_test(an_aborted_copy_keeps_no_row),
        cmocka_unit_test(the_first_copy_of_a_server_can_be_aborted),
        cmocka_unit_test(a_copy_out_left_half_read_leaves_no_rest),
        cmocka_unit_test(a_copy_out_that_is_not_read_at_all_leaves_no_rest),
        cmocka_unit_test(a_copy_out_may_fail_in_the_middle),
        cmocka_unit_test(another_statement_is_refused),
        cmocka_unit_test(a_query_is_no_copy),
        cmocka_unit_test(a_whole_arrow_stream_is_copied_whenever_the_server_answers),
        cmocka_unit_test(what_comes_behind_an_end_marker_is_an_error),
        cmocka_unit_test(an_abort_that_comes_too_late_says_so),
    };
    return cmocka_run_group_tests_name("live/copy_hyperd", tests, test_hyperd_start,
                                       test_hyperd_stop);
}
