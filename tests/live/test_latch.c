/*
 * The transaction latch on every path into the server. Without it, by raw bytes, the server commits
 * half of what failed; with it nothing is kept, however the transaction failed and goes on.
 */
#include "support/hyperd.h"
#include "support/live.h"
#include "support/test.h"

#include <hyperline/arrow.h>
#include <hyperline/insert.h>
#include <hyperline/raw.h>

#include "base/clock.h"

#include <stdlib.h>

/* Fails at its 150,000th row, when the server has put away those before it. */
#define HALF_AN_INSERT \
    "INSERT INTO t SELECT i FROM generate_series(1, 200000) g(i) WHERE 1/(150000 - i) > -5"

static hyl_error err;

/* ---- Ways to fail a transaction that has put rows away --------------------------------------- */

static const hyl_query_opts as_text = {.struct_size = sizeof as_text, .flags = HYL_QUERY_TEXT};

static void by_simple_query(hyl_conn *conn)
{
    assert_status(hyl_exec(conn, HALF_AN_INSERT, NULL, &err), HYL_ERR_SERVER, &err);
}

static void by_extended_query(hyl_conn *conn)
{
    hyl_result *result = NULL;
    assert_status(hyl_query_with(conn, HALF_AN_INSERT, &as_text, &result, &err), HYL_ERR_SERVER,
                  &err);
}

/* A statement prepared and executed by SQL. */
static void by_prepared_statement(hyl_conn *conn)
{
    live_exec(conn, "PREPARE half AS " HALF_AN_INSERT);
    assert_status(hyl_exec(conn, "EXECUTE half", NULL, &err), HYL_ERR_SERVER, &err);
}

/* Some 6 MB of lines, the last of them bad. */
static void by_copy_in(hyl_conn *conn)
{
    enum { LINES = 200000 };
    static char block[LINES * 8];
    hyl_copy *copy = NULL;
    hyl_status status = HYL_OK;
    for (size_t i = 0; i < LINES; i++) {
        memcpy(block + i * 8, "1000000\n", 8);
    }
    assert_ok(hyl_copy_in_open(conn, "COPY t FROM STDIN WITH (FORMAT csv)", &copy, &err), &err);
    for (int i = 0; i < 4 && status == HYL_OK; i++) {
        status = hyl_copy_write(copy, block, sizeof block, &err);
    }
    if (status == HYL_OK) {
        status = hyl_copy_write(copy, "bad\n", 4, &err);
    }
    assert_status(status == HYL_OK ? hyl_copy_finish(copy, NULL, &err) : status, HYL_ERR_SERVER,
                  &err);
    hyl_copy_free(copy);
}

static void by_copy_in_dropped(hyl_conn *conn)
{
    hyl_copy *copy = NULL;
    assert_ok(hyl_copy_in_open(conn, "COPY t FROM STDIN WITH (FORMAT csv)", &copy, &err), &err);
    assert_ok(hyl_copy_write(copy, "7\n", 2, &err), &err);
    hyl_copy_free(copy);
    /* What was dropped is drained by the next request. */
    assert_status(hyl_exec(conn, "SELECT 1", NULL, &err), HYL_ERR_STATE, &err);
}

static void by_copy_out(hyl_conn *conn)
{
    hyl_copy *copy = NULL;
    live_exec(conn, "INSERT INTO t VALUES (7)");
    assert_ok(hyl_copy_out_open(
                  conn,
                  "COPY (SELECT 1/(90000 - i) FROM generate_series(1, 100000) g(i)) TO STDOUT "
                  "WITH (FORMAT csv)",
                  &copy, &err),
              &err);
    assert_status(hyl_copy_finish(copy, NULL, &err), HYL_ERR_SERVER, &err);
    hyl_copy_free(copy);
}

static void by_arrow(hyl_conn *conn)
{
    struct ArrowArrayStream stream = {.release = NULL};
    int code = 0;
    live_exec(conn, "INSERT INTO t VALUES (7)");
    hyl_status status = hyl_query_arrow(
        conn, "SELECT 1/(90000 - i) FROM generate_series(1, 100000) g(i)", NULL, &stream, &err);
    while (status == HYL_OK && code == 0) {
        struct ArrowArray batch = {.release = NULL};
        code = stream.get_next(&stream, &batch);
        assert_true(code != 0 || batch.release != NULL);
        if (batch.release != NULL) {
            batch.release(&batch);
        }
    }
    if (stream.release != NULL) {
        stream.release(&stream);
    }
}

/*
 * Where the rows were not yet being sent the cancel finds an idle session, and the server fails the
 * transaction all the same: the next statement learns it.
 */
static void assert_cancelled(hyl_status status)
{
    if (status != HYL_ERR_SERVER || strcmp(err.sqlstate, "25P02") != 0) {
        assert_status(status, HYL_ERR_CANCELLED, &err);
    }
}

static void by_inserter(hyl_conn *conn)
{
    hyl_inserter *ins = NULL;
    live_exec(conn, "INSERT INTO t VALUES (7)");
    assert_ok(hyl_inserter_open(conn, "t", NULL, 0, NULL, &ins, &err), &err);
    for (int i = 0; i < 200000; i++) {
        assert_ok(hyl_inserter_i32(ins, i, &err), &err);
        assert_ok(hyl_inserter_end_row(ins, &err), &err);
    }
    assert_ok(hyl_conn_cancel(conn, 10000, &err), &err);
    assert_cancelled(hyl_inserter_finish(ins, NULL, &err));
    hyl_inserter_free(ins);
}

static void by_cancel_while_idle(hyl_conn *conn)
{
    assert_ok(hyl_conn_cancel(conn, 10000, &err), &err);
    assert_cancelled(hyl_exec(conn, "INSERT INTO t VALUES (7)", NULL, &err));
}

static void by_cancel(hyl_conn *conn)
{
    hyl_result *result = NULL;
    live_exec(conn, "INSERT INTO t SELECT i FROM generate_series(1, 100000) g(i)");
    assert_ok(hyl_query(conn, "SELECT i FROM generate_series(1, 10000000) g(i)", &result, &err),
              &err);
    hyl_result_free(result);
    assert_status(hyl_exec(conn, "SELECT 1", NULL, &err), HYL_ERR_STATE, &err);
}

typedef void (*breaking)(hyl_conn *conn);

static const breaking breakings[] = {
    by_simple_query, by_extended_query, by_prepared_statement, by_copy_in, by_copy_in_dropped,
    by_copy_out,     by_arrow,          by_inserter,           by_cancel,  by_cancel_while_idle,
};

enum { BREAKING_COUNT = sizeof breakings / sizeof breakings[0] };

/* ---- With the latch -------------------------------------------------------------------------- */

static void assert_refused(hyl_status status)
{
    assert_status(status, HYL_ERR_STATE, &err);
    assert_string_equal(err.sqlstate, "25P02");
}

/* Every path is closed before a byte is sent. */
static void assert_every_path_is_closed(hyl_conn *conn)
{
    hyl_result *result = NULL;
    hyl_copy *copy = NULL;
    hyl_inserter *ins = NULL;
    struct ArrowArrayStream stream;
    assert_int_equal(hyl_conn_tx(conn), HYL_TX_FAILED);
    assert_int_equal(hyl_conn_health(conn), HYL_HEALTH_TX_FAILED);
    assert_refused(hyl_exec(conn, "SELECT 1", NULL, &err));
    assert_refused(hyl_query_with(conn, "SELECT 1", &as_text, &result, &err));
    assert_refused(hyl_copy_in_open(conn, "COPY t FROM STDIN WITH (FORMAT csv)", &copy, &err));
    assert_refused(hyl_copy_out_open(conn, "COPY t TO STDOUT WITH (FORMAT csv)", &copy, &err));
    assert_refused(hyl_query_arrow(conn, "SELECT 1", NULL, &stream, &err));
    assert_refused(hyl_inserter_open(conn, "t", NULL, 0, NULL, &ins, &err));
    assert_refused(hyl_exec_script(conn, "SELECT 1; COMMIT", NULL, &err));
    assert_ok(hyl_ping(conn, &err), &err);
}

static void whatever_failed_nothing_is_kept(void **state)
{
    (void)state;
    static const char *const commits[] = {"COMMIT", "  commit work ", "/* so */ END"};
    hyl_conn *conn = live_open("latch.hyper", "create=replace");
    live_exec(conn, "CREATE TABLE t (a int)");
    for (size_t i = 0; i < BREAKING_COUNT; i++) {
        live_exec(conn, "BEGIN");
        live_exec(conn, "INSERT INTO t VALUES (1)");
        breakings[i](conn);
        assert_every_path_is_closed(conn);
        assert_refused(hyl_exec(conn, commits[i % 3], NULL, &err));
        assert_int_equal(hyl_conn_tx(conn), HYL_TX_IDLE);
        assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), 0);
        live_assert_in_step(conn);
    }
    hyl_conn_free(conn);
}

/* ---- Without it ------------------------------------------------------------------------------ */

static hyl_raw *raw_connection(void)
{
    hyl_transport transport = {NULL, NULL};
    hyl_raw *raw = NULL;
    const hyl_pair params[] = {{"user", "tableau_internal_user"},
                               {"database", test_path("bare.hyper")}};
    assert_ok(hyl_transport_open(test_hyperd_endpoint(), hyl__deadline_in(10000), &transport, &err),
              &err);
    assert_ok(hyl_raw_new(&transport, NULL, &raw, &err), &err);
    assert_ok(hyl_raw_startup(raw, params, 2, NULL, &err), &err);
    return raw;
}

static hyl_status raw_run(hyl_raw *raw, const char *sql)
{
    hyl_raw_messages *messages = NULL;
    hyl_status status = hyl_raw_simple_query(raw, hyl_str_of(sql), &messages, &err);
    hyl_raw_messages_free(messages);
    return status;
}

static long raw_count(hyl_raw *raw)
{
    hyl_buf out = HYL_BUF_INIT;
    char digits[20];
    assert_ok(hyl_raw_copy_out(raw,
                               HYL_STR("COPY (SELECT count(*) FROM t) TO STDOUT WITH (FORMAT csv)"),
                               &out, &err),
              &err);
    snprintf(digits, sizeof digits, "%.*s", (int)out.len, (const char *)out.data);
    hyl_buf_reset(&out);
    return strtol(digits, NULL, 10);
}

/* Sends the bytes of whole messages in one write, and reads as many ReadyForQuery as they ask for. */
static void raw_pipeline(hyl_raw *raw, const char *const *statements, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hyl_buf *out = hyl_raw_write_buffer(raw);
        const hyl_bind bind = {.statement = ""};
        assert_ok(hyl_enc_parse(out, "", hyl_str_of(statements[i]), NULL, 0, &err), &err);
        assert_ok(hyl_enc_bind(out, &bind, &err), &err);
        assert_ok(hyl_enc_execute(out, "", 0, &err), &err);
        assert_ok(hyl_enc_sync(out, &err), &err);
    }
    assert_ok(hyl_raw_flush(raw, &err), &err);
    for (size_t i = 0; i < count; i++) {
        assert_true(hyl_raw_drain_until_ready(raw));
    }
}

/* What the latch is for: [failing INSERT, Sync][COMMIT, Sync] keeps half of the statement. */
static void without_the_latch_half_a_statement_is_committed(void **state)
{
    (void)state;
    static const char *const pipeline[] = {HALF_AN_INSERT, "COMMIT"};
    hyl_conn_free(live_open("bare.hyper", "create=replace"));
    hyl_raw *raw = raw_connection();
    assert_ok(raw_run(raw, "CREATE TABLE t (a int)"), &err);
    assert_ok(raw_run(raw, "BEGIN"), &err);
    raw_pipeline(raw, pipeline, 2);
    long kept = raw_count(raw);
    printf("without the latch the server kept %ld rows of a failed INSERT\n", kept);
    assert_in_range(kept, 1, 199999);
    hyl_raw_free(raw);
}

/* Cancelled while nothing ran: the first to learn it is the COMMIT, which must not look like one. */
static void a_commit_that_rolls_back_is_no_success(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    live_exec(conn, "CREATE TEMP TABLE t (a int)");
    live_exec(conn, "BEGIN");
    live_exec(conn, "INSERT INTO t VALUES (1)");
    assert_ok(hyl_conn_cancel(conn, 10000, &err), &err);
    assert_status(hyl_exec(conn, "COMMIT", NULL, &err), HYL_ERR_STATE, &err);
    assert_string_equal(err.sqlstate, "25P02");
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), 0);
    hyl_conn_free(conn);
}

/* ---- Answers that are dropped ---------------------------------------------------------------- */

#define THREE_ROWS "SELECT i FROM generate_series(1, 3) g(i)"
#define MANY_ROWS  "SELECT i FROM generate_series(1, 30000000) g(i)"

static void drop_result(hyl_conn *conn, const char *sql, hyl_transfer transfer, bool abandon)
{
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    const hyl_query_opts opts = {sizeof opts, 0, transfer};
    assert_ok(hyl_query_with(conn, sql, &opts, &result, &err), &err);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    if (abandon) {
        assert_ok(hyl_result_abandon(result, &err), &err);
    }
    hyl_result_free(result);
}

static void drop_rows(hyl_conn *conn, const char *sql)
{
    drop_result(conn, sql, HYL_TRANSFER_ROWS, false);
}

static void drop_batches(hyl_conn *conn, const char *sql)
{
    drop_result(conn, sql, HYL_TRANSFER_ARROW, false);
}

static void abandon_rows(hyl_conn *conn, const char *sql)
{
    drop_result(conn, sql, HYL_TRANSFER_ROWS, true);
}

static void abandon_batches(hyl_conn *conn, const char *sql)
{
    drop_result(conn, sql, HYL_TRANSFER_ARROW, true);
}

static void drop_stream(hyl_conn *conn, const char *sql)
{
    struct ArrowArrayStream stream = {.release = NULL};
    struct ArrowArray batch = {.release = NULL};
    assert_ok(hyl_query_arrow(conn, sql, NULL, &stream, &err), &err);
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    batch.release(&batch);
    stream.release(&stream);
}

static void drop_copy_out(hyl_conn *conn, const char *sql)
{
    char text[200];
    hyl_copy *copy = NULL;
    hyl_bytes piece;
    snprintf(text, sizeof text, "COPY (%s) TO STDOUT WITH (FORMAT csv)", sql);
    assert_ok(hyl_copy_out_open(conn, text, &copy, &err), &err);
    assert_ok(hyl_copy_read(copy, &piece, &err), &err);
    hyl_copy_free(copy);
}

static void (*const drops[])(hyl_conn *, const char *) = {
    drop_rows, drop_batches, abandon_rows, abandon_batches, drop_stream, drop_copy_out};

enum { DROP_COUNT = sizeof drops / sizeof drops[0] };

static hyl_conn *begin_with_a_row(void)
{
    hyl_conn *conn = live_connect(NULL);
    live_exec(conn, "CREATE TEMP TABLE t (a int)");
    live_exec(conn, "BEGIN");
    live_exec(conn, "INSERT INTO t VALUES (1)");
    return conn;
}

/*
 * A short answer that is dropped fails no transaction. It may be under way for a tenth of a second
 * without being cancelled; a machine that needs longer is not at fault.
 */
static void a_short_answer_that_is_dropped_fails_no_transaction(void **state)
{
    (void)state;
    for (int i = 0; i < 4 * DROP_COUNT; i++) {
        hyl_conn *conn = begin_with_a_row();
        int64_t begun = hyl__now_ms();
        drops[i % DROP_COUNT](conn, THREE_ROWS);
        assert_ok(hyl_ping(conn, &err), &err);
        bool in_time = hyl__now_ms() - begun < 100;
        assert_true(hyl_conn_tx(conn) == HYL_TX_OPEN || !in_time);
        hyl_status status = hyl_exec(conn, "COMMIT", NULL, &err);
        assert_true(status == HYL_OK || !in_time);
        assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), status == HYL_OK ? 1 : 0);
        hyl_conn_free(conn);
    }
}

/* A long one is cancelled: the next request knows, and the COMMIT says so. */
static void a_long_answer_that_is_dropped_fails_the_transaction(void **state)
{
    (void)state;
    for (int i = 0; i < DROP_COUNT; i++) {
        hyl_conn *conn = begin_with_a_row();
        drops[i](conn, MANY_ROWS);
        assert_ok(hyl_ping(conn, &err), &err);
        assert_int_equal(hyl_conn_tx(conn), HYL_TX_FAILED);
        assert_int_equal(hyl_conn_health(conn), HYL_HEALTH_TX_FAILED);
        assert_status(hyl_exec(conn, "COMMIT", NULL, &err), HYL_ERR_STATE, &err);
        assert_string_equal(err.sqlstate, "25P02");
        assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), 0);
        hyl_conn_free(conn);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_failed_nothing_is_kept),
        cmocka_unit_test(a_commit_that_rolls_back_is_no_success),
        cmocka_unit_test(a_short_answer_that_is_dropped_fails_no_transaction),
        cmocka_unit_test(a_long_answer_that_is_dropped_fails_the_transaction),
        cmocka_unit_test(without_the_latch_half_a_statement_is_committed),
    };
    return cmocka_run_group_tests_name("live/latch", tests, test_hyperd_start, test_hyperd_stop);
}
