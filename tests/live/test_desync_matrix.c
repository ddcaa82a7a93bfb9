/*
 * Every way in which a request can fail or be dropped, followed by every call that can come next, on
 * a real server: the call gives its own answer, or what the contract says, and never anything else.
 *
 * HYL_TEST_FULL=1 in the environment: all cells of the matrix, not a fourth of them.
 */
#include "support/hyperd.h"
#include "support/live.h"
#include "support/test.h"

#include <hyperline/arrow.h>
#include <hyperline/insert.h>

#include "base/clock.h"
#include "base/endian.h"
#include "conn/conn.h"

#include <stdlib.h>

#define MANY       "SELECT i FROM generate_series(1, 3000000) g(i)"
#define ENDLESS    "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 10000000) b"
#define FAILS_LATE "SELECT 1/(200000 - i) FROM generate_series(1, 1000000) g(i)"
#define CSV_IN     "COPY t FROM STDIN WITH (FORMAT csv)"
#define AS_COPY(q) "COPY (" q ") TO STDOUT WITH (FORMAT csv)"

static hyl_error err;

/* What a way leaves open on purpose, for the calls that must be refused. */
static struct {
    hyl_result *result;
    hyl_copy *copy;
    hyl_inserter *inserter;
    struct ArrowArrayStream stream;
} left;

static void free_left(void)
{
    hyl_result_free(left.result);
    hyl_copy_free(left.copy);
    hyl_inserter_free(left.inserter);
    if (left.stream.release != NULL) {
        left.stream.release(&left.stream);
    }
    memset(&left, 0, sizeof left);
}

/* ---- Ways to fail or drop a request ---------------------------------------------------------- */

static void fails(hyl_status status, hyl_status expected)
{
    assert_status(status, expected, &err);
}

static hyl_result *opened(hyl_conn *conn, const char *sql, unsigned flags, int rows)
{
    const hyl_query_opts opts = {.struct_size = sizeof opts, .flags = flags};
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    assert_ok(hyl_query_with(conn, sql, &opts, &result, &err), &err);
    for (int i = 0; i < rows; i++) {
        assert_ok(hyl_result_next(result, &row, &err), &err);
    }
    return result;
}

static hyl_copy *copying_in(hyl_conn *conn, const char *text, size_t len)
{
    hyl_copy *copy = NULL;
    assert_ok(hyl_copy_in_open(conn, CSV_IN, &copy, &err), &err);
    if (len > 0) {
        assert_ok(hyl_copy_write(copy, text, len, &err), &err);
    }
    return copy;
}

static hyl_copy *copying_out(hyl_conn *conn, const char *sql, int pieces)
{
    hyl_copy *copy = NULL;
    hyl_bytes piece;
    assert_ok(hyl_copy_out_open(conn, sql, &copy, &err), &err);
    for (int i = 0; i < pieces; i++) {
        assert_ok(hyl_copy_read(copy, &piece, &err), &err);
    }
    return copy;
}

static struct ArrowArrayStream streaming(hyl_conn *conn, const char *sql, int batches)
{
    struct ArrowArrayStream stream = {.release = NULL};
    assert_ok(hyl_query_arrow(conn, sql, NULL, &stream, &err), &err);
    for (int i = 0; i < batches; i++) {
        struct ArrowArray batch = {.release = NULL};
        assert_int_equal(stream.get_next(&stream, &batch), 0);
        batch.release(&batch);
    }
    return stream;
}

static void nothing(hyl_conn *conn)
{
    (void)conn;
}

static void refused_by_the_parser(hyl_conn *conn)
{
    fails(hyl_exec(conn, "SELEKT", NULL, &err), HYL_ERR_SERVER);
}

static void several_statements(hyl_conn *conn)
{
    fails(hyl_exec(conn, "SELECT 1; SELECT 2", NULL, &err), HYL_ERR_ARG);
}

static void an_open_quote(hyl_conn *conn)
{
    fails(hyl_exec(conn, "SELECT 'x", NULL, &err), HYL_ERR_ARG);
}

static void fails_among_rows(hyl_conn *conn)
{
    hyl_result *result = opened(conn, FAILS_LATE, 0, 1);
    fails(hyl_result_finish(result, &err), HYL_ERR_SERVER);
    hyl_result_free(result);
}

static void fails_unread(hyl_conn *conn)
{
    hyl_result_free(opened(conn, FAILS_LATE, 0, 1));
}

static void fails_when_described(hyl_conn *conn)
{
    const hyl_query_opts opts = {.struct_size = sizeof opts, .flags = HYL_QUERY_TEXT};
    hyl_result *result = NULL;
    fails(hyl_query_with(conn, "SELECT nope FROM t", &opts, &result, &err), HYL_ERR_SERVER);
}

static void result_freed_unread(hyl_conn *conn)
{
    hyl_result_free(opened(conn, MANY, 0, 0));
}

static void result_freed_half_read(hyl_conn *conn)
{
    hyl_result_free(opened(conn, MANY, 0, 1000));
}

static void text_freed_half_read(hyl_conn *conn)
{
    hyl_result_free(opened(conn, MANY, HYL_QUERY_TEXT, 1000));
}

static void small_result_freed(hyl_conn *conn)
{
    hyl_result_free(opened(conn, "SELECT 987654321", 0, 0));
}

static void result_abandoned(hyl_conn *conn)
{
    hyl_result *result = opened(conn, MANY, 0, 10);
    assert_ok(hyl_result_abandon(result, &err), &err);
    hyl_result_free(result);
}

static void result_cancelled(hyl_conn *conn)
{
    hyl_result *result = opened(conn, MANY, 0, 10);
    assert_ok(hyl_conn_cancel(conn, 10000, &err), &err);
    fails(hyl_result_finish(result, &err), HYL_ERR_CANCELLED);
    hyl_result_free(result);
}

static void result_cancelled_and_freed(hyl_conn *conn)
{
    hyl_canceller *canceller = NULL;
    hyl_result *result = opened(conn, MANY, 0, 10);
    assert_ok(hyl_canceller_new(conn, &canceller, &err), &err);
    assert_ok(hyl_cancel(canceller, 10000, &err), &err);
    hyl_canceller_free(canceller);
    hyl_result_free(result);
}

static void cancelled_while_idle(hyl_conn *conn)
{
    assert_ok(hyl_conn_cancel(conn, 10000, &err), &err);
}

/* The other calls of the connection have all the time that a busy machine takes. */
static void set_timeout(hyl_conn *conn, int64_t timeout_ms)
{
    conn->settings.request_timeout_ms = timeout_ms;
}

static void too_slow(hyl_conn *conn)
{
    set_timeout(conn, 100);
    fails(hyl_exec(conn, ENDLESS, NULL, &err), HYL_ERR_TIMEOUT);
    set_timeout(conn, -1);
}

static void too_slow_as_arrow(hyl_conn *conn)
{
    struct ArrowArrayStream stream;
    set_timeout(conn, 100);
    fails(hyl_query_arrow(conn, ENDLESS, NULL, &stream, &err), HYL_ERR_TIMEOUT);
    set_timeout(conn, -1);
}

static void one_value_of_many_rows(hyl_conn *conn)
{
    int64_t value = 0;
    fails(hyl_query_i64(conn, MANY, &value, &err), HYL_ERR_RANGE);
}

static void one_value_of_no_row(hyl_conn *conn)
{
    int64_t value = 0;
    fails(hyl_query_i64(conn, "SELECT 1 WHERE false", &value, &err), HYL_ERR_RANGE);
}

static void copy_in_refused(hyl_conn *conn)
{
    hyl_copy *copy = NULL;
    fails(hyl_copy_in_open(conn, "COPY nope FROM STDIN WITH (FORMAT csv)", &copy, &err),
          HYL_ERR_SERVER);
}

static void copy_in_freed_at_once(hyl_conn *conn)
{
    hyl_copy_free(copying_in(conn, "", 0));
}

static void copy_in_freed(hyl_conn *conn)
{
    hyl_copy_free(copying_in(conn, "1\n", 2));
}

static void copy_in_aborted(hyl_conn *conn)
{
    hyl_copy *copy = copying_in(conn, "1\n", 2);
    assert_ok(hyl_copy_abort(copy, "enough", &err), &err);
    hyl_copy_free(copy);
}

static void copy_in_of_bad_data(hyl_conn *conn)
{
    hyl_copy *copy = copying_in(conn, "x\n", 2);
    fails(hyl_copy_finish(copy, NULL, &err), HYL_ERR_SERVER);
    hyl_copy_free(copy);
}

/* The server answers while the data are still being sent. */
static void copy_in_of_much_bad_data(hyl_conn *conn)
{
    static char block[1048576];
    hyl_copy *copy = copying_in(conn, "x\n", 2);
    hyl_status status = HYL_OK;
    for (size_t i = 0; i < sizeof block; i += 2) {
        memcpy(block + i, "1\n", 2);
    }
    for (int i = 0; i < 3 && status == HYL_OK; i++) {
        status = hyl_copy_write(copy, block, sizeof block, &err);
    }
    fails(status == HYL_OK ? hyl_copy_finish(copy, NULL, &err) : status, HYL_ERR_SERVER);
    hyl_copy_free(copy);
}

static void copy_out_freed(hyl_conn *conn)
{
    hyl_copy_free(copying_out(conn, AS_COPY(MANY), 2));
}

static void copy_out_aborted(hyl_conn *conn)
{
    hyl_copy *copy = copying_out(conn, AS_COPY(MANY), 0);
    assert_ok(hyl_copy_abort(copy, "enough", &err), &err);
    hyl_copy_free(copy);
}

static void copy_out_fails_late(hyl_conn *conn)
{
    hyl_copy *copy = copying_out(conn, AS_COPY(FAILS_LATE), 0);
    fails(hyl_copy_finish(copy, NULL, &err), HYL_ERR_SERVER);
    hyl_copy_free(copy);
}

static void copy_in_by_exec(hyl_conn *conn)
{
    fails(hyl_exec(conn, CSV_IN, NULL, &err), HYL_ERR_ARG);
}

static void copy_out_by_query(hyl_conn *conn)
{
    hyl_result *result = NULL;
    fails(hyl_query(conn, AS_COPY(MANY), &result, &err), HYL_ERR_ARG);
}

static void select_by_copy_in(hyl_conn *conn)
{
    hyl_copy *copy = NULL;
    fails(hyl_copy_in_open(conn, MANY, &copy, &err), HYL_ERR_ARG);
}

static void copy_out_by_copy_in(hyl_conn *conn)
{
    hyl_copy *copy = NULL;
    fails(hyl_copy_in_open(conn, AS_COPY(MANY), &copy, &err), HYL_ERR_ARG);
}

static void copy_in_by_copy_out(hyl_conn *conn)
{
    hyl_copy *copy = NULL;
    fails(hyl_copy_out_open(conn, CSV_IN, &copy, &err), HYL_ERR_ARG);
}

static void insert_by_copy_out(hyl_conn *conn)
{
    hyl_copy *copy = NULL;
    fails(hyl_copy_out_open(conn, "INSERT INTO t VALUES (-1)", &copy, &err), HYL_ERR_ARG);
}

static void stream_released_at_once(hyl_conn *conn)
{
    struct ArrowArrayStream stream = streaming(conn, MANY, 0);
    stream.release(&stream);
}

static void stream_released_half_read(hyl_conn *conn)
{
    struct ArrowArrayStream stream = streaming(conn, MANY, 3);
    stream.release(&stream);
}

static void stream_fails_late(hyl_conn *conn)
{
    struct ArrowArrayStream stream = streaming(conn, FAILS_LATE, 1);
    int code = 0;
    while (code == 0) {
        struct ArrowArray batch = {.release = NULL};
        code = stream.get_next(&stream, &batch);
        if (batch.release != NULL) {
            batch.release(&batch);
        }
    }
    stream.release(&stream);
}

static hyl_status no_sink(void *ctx, hyl_bytes piece, hyl_error *e)
{
    (void)ctx;
    (void)piece;
    return e->status = HYL_ERR_IO;
}

static void sink_refuses(hyl_conn *conn)
{
    fails(hyl_arrow_ipc_out(conn, MANY, no_sink, NULL, &err), HYL_ERR_IO);
}

static hyl_inserter *inserting(hyl_conn *conn, int64_t rows)
{
    hyl_inserter *ins = NULL;
    assert_ok(hyl_inserter_open(conn, "t", NULL, 0, NULL, &ins, &err), &err);
    for (int64_t i = 0; i < rows; i++) {
        assert_ok(hyl_inserter_i64(ins, -1, &err), &err);
        assert_ok(hyl_inserter_end_row(ins, &err), &err);
    }
    return ins;
}

static void inserter_freed(hyl_conn *conn)
{
    hyl_inserter_free(inserting(conn, 5));
}

/* More than one buffer: the COPY is under way. */
static void inserter_freed_while_it_sends(hyl_conn *conn)
{
    hyl_inserter_free(inserting(conn, 70000));
}

static void inserter_aborted(hyl_conn *conn)
{
    hyl_inserter *ins = inserting(conn, 70000);
    assert_ok(hyl_inserter_abort(ins, "enough", &err), &err);
    hyl_inserter_free(ins);
}

static void transaction_failed(hyl_conn *conn)
{
    live_exec(conn, "BEGIN");
    refused_by_the_parser(conn);
}

static void transaction_cancelled(hyl_conn *conn)
{
    live_exec(conn, "BEGIN");
    result_abandoned(conn);
}

static void transaction_with_a_bad_copy(hyl_conn *conn)
{
    live_exec(conn, "BEGIN");
    copy_in_of_bad_data(conn);
}

static void result_left(hyl_conn *conn)
{
    left.result = opened(conn, MANY, 0, 5);
}

static void copy_in_left(hyl_conn *conn)
{
    left.copy = copying_in(conn, "1\n", 2);
}

static void copy_out_left(hyl_conn *conn)
{
    left.copy = copying_out(conn, AS_COPY(MANY), 1);
}

static void stream_left(hyl_conn *conn)
{
    left.stream = streaming(conn, MANY, 1);
}

static void inserter_left(hyl_conn *conn)
{
    left.inserter = inserting(conn, 1);
}

static void not_drained(hyl_conn *conn)
{
    hyl_result *result = opened(conn, MANY, 0, 5);
    fails(hyl_result_abandon(result, &err), HYL_ERR_DESYNC);
    hyl_result_free(result);
}

static void too_large_a_message(hyl_conn *conn)
{
    fails(hyl_exec(conn, "SELECT repeat('x', 100000)", NULL, &err), HYL_ERR_PROTOCOL);
}

static void closed(hyl_conn *conn)
{
    hyl_conn_close(conn);
}

static void closed_in_a_result(hyl_conn *conn)
{
    left.result = opened(conn, MANY, 0, 5);
    hyl_conn_close(conn);
}

typedef enum outcome { GOES_ON, IS_BUSY, TX_FAILED, IS_DESYNC, IS_CLOSED } outcome;

typedef struct way {
    const char *name;
    void (*break_off)(hyl_conn *conn);
    outcome then;
    const char *settings;
} way;

#define WAY(fail, then)         \
    {                           \
#fail, fail, then, NULL \
    }

static const way ways[] = {
    WAY(nothing, GOES_ON),
    WAY(refused_by_the_parser, GOES_ON),
    WAY(several_statements, GOES_ON),
    WAY(an_open_quote, GOES_ON),
    WAY(fails_among_rows, GOES_ON),
    WAY(fails_unread, GOES_ON),
    WAY(fails_when_described, GOES_ON),
    WAY(result_freed_unread, GOES_ON),
    WAY(result_freed_half_read, GOES_ON),
    WAY(text_freed_half_read, GOES_ON),
    WAY(small_result_freed, GOES_ON),
    WAY(result_abandoned, GOES_ON),
    WAY(result_cancelled, GOES_ON),
    WAY(result_cancelled_and_freed, GOES_ON),
    WAY(cancelled_while_idle, GOES_ON),
    WAY(too_slow, GOES_ON),
    WAY(too_slow_as_arrow, GOES_ON),
    WAY(one_value_of_many_rows, GOES_ON),
    WAY(one_value_of_no_row, GOES_ON),
    WAY(copy_in_refused, GOES_ON),
    WAY(copy_in_freed_at_once, GOES_ON),
    WAY(copy_in_freed, GOES_ON),
    WAY(copy_in_aborted, GOES_ON),
    WAY(copy_in_of_bad_data, GOES_ON),
    WAY(copy_in_of_much_bad_data, GOES_ON),
    WAY(copy_out_freed, GOES_ON),
    WAY(copy_out_aborted, GOES_ON),
    WAY(copy_out_fails_late, GOES_ON),
    WAY(copy_in_by_exec, GOES_ON),
    WAY(copy_out_by_query, GOES_ON),
    WAY(select_by_copy_in, GOES_ON),
    WAY(copy_out_by_copy_in, GOES_ON),
    WAY(copy_in_by_copy_out, GOES_ON),
    WAY(insert_by_copy_out, GOES_ON),
    WAY(stream_released_at_once, GOES_ON),
    WAY(stream_released_half_read, GOES_ON),
    WAY(stream_fails_late, GOES_ON),
    WAY(sink_refuses, GOES_ON),
    WAY(inserter_freed, GOES_ON),
    WAY(inserter_freed_while_it_sends, GOES_ON),
    WAY(inserter_aborted, GOES_ON),
    WAY(transaction_failed, TX_FAILED),
    WAY(transaction_cancelled, TX_FAILED),
    WAY(transaction_with_a_bad_copy, TX_FAILED),
    WAY(result_left, IS_BUSY),
    WAY(copy_in_left, IS_BUSY),
    WAY(copy_out_left, IS_BUSY),
    WAY(stream_left, IS_BUSY),
    WAY(inserter_left, IS_BUSY),
    {"not_drained", not_drained, IS_DESYNC, "drain_limit=1kB drain_timeout=0"},
    {"too_large_a_message", too_large_a_message, IS_DESYNC, "max_message=2kB"},
    WAY(closed, IS_CLOSED),
    WAY(closed_in_a_result, IS_CLOSED),
};

/* ---- Calls that come next -------------------------------------------------------------------- */

/* Each uses a number of its own, so that no answer is another's. */
static int64_t number = 1000000;

static const char *with_number(const char *format)
{
    static char text[200];
    snprintf(text, sizeof text, format, (long long)number);
    return text;
}

static hyl_status next_exec(hyl_conn *conn)
{
    int64_t affected = 0;
    HYL_TRY(hyl_exec(conn, with_number("INSERT INTO t SELECT %lld FROM generate_series(1, 3)"),
                     &affected, &err));
    assert_int_equal(affected, 3);
    return HYL_OK;
}

static hyl_status next_script(hyl_conn *conn)
{
    size_t done = 0;
    HYL_TRY(hyl_exec_script(conn, "SELECT 1; SELECT 2;; SELECT 3", &done, &err));
    assert_int_equal(done, 3);
    return HYL_OK;
}

/* Rows number, number + 1, number + 2 by any flags. */
static hyl_status rows_with(hyl_conn *conn, unsigned flags)
{
    const hyl_query_opts opts = {.struct_size = sizeof opts, .flags = flags};
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    HYL_TRY(hyl_query_with(
        conn, with_number("SELECT %lld + i FROM generate_series(0, 2) g(i) ORDER BY 1"), &opts,
        &result, &err));
    for (int64_t i = 0; i < 3; i++) {
        hyl_buf text = HYL_BUF_INIT;
        char expected[30];
        assert_ok(hyl_result_next(result, &row, &err), &err);
        assert_ok(hyl_row_text(row, 0, &text, &err), &err);
        snprintf(expected, sizeof expected, "%lld", (long long)(number + i));
        assert_int_equal(text.len, strlen(expected));
        assert_memory_equal(text.data, expected, text.len);
        hyl_buf_reset(&text);
    }
    assert_status(hyl_result_next(result, &row, &err), HYL_DONE, &err);
    hyl_result_free(result);
    return HYL_OK;
}

static hyl_status next_query(hyl_conn *conn)
{
    return rows_with(conn, 0);
}

static hyl_status next_query_text(hyl_conn *conn)
{
    return rows_with(conn, HYL_QUERY_TEXT);
}

static hyl_status next_query_freed(hyl_conn *conn)
{
    hyl_result *result = NULL;
    HYL_TRY(hyl_query(conn, with_number("SELECT %lld"), &result, &err));
    assert_int_equal(hyl_result_column_count(result), 1);
    hyl_result_free(result);
    return HYL_OK;
}

static hyl_status next_i64(hyl_conn *conn)
{
    int64_t value = 0;
    HYL_TRY(hyl_query_i64(conn, with_number("SELECT %lld"), &value, &err));
    assert_true(value == number);
    return HYL_OK;
}

static hyl_status next_f64(hyl_conn *conn)
{
    double value = 0;
    HYL_TRY(hyl_query_f64(conn, with_number("SELECT %lld::double precision"), &value, &err));
    assert_true(value == (double)number);
    return HYL_OK;
}

static hyl_status next_text(hyl_conn *conn)
{
    char *text = NULL;
    HYL_TRY(hyl_query_text(conn, with_number("SELECT 'n' || %lld"), &text, &err));
    assert_string_equal(text, with_number("n%lld"));
    hyl_free(text);
    return HYL_OK;
}

static hyl_status next_ping(hyl_conn *conn)
{
    return hyl_ping(conn, &err);
}

static hyl_status next_error(hyl_conn *conn)
{
    hyl_status status = hyl_exec(conn, with_number("SELECT no_%lld FROM t"), NULL, &err);
    if (status != HYL_ERR_SERVER) {
        assert_true(status < 0);
        return status;
    }
    assert_non_null(strstr(err.message, with_number("no_%lld")));
    return HYL_OK;
}

static hyl_status next_copy_in(hyl_conn *conn)
{
    hyl_copy *copy = NULL;
    int64_t rows = 0;
    HYL_TRY(hyl_copy_in_open(conn, CSV_IN, &copy, &err));
    const char *line = with_number("%lld\n");
    assert_ok(hyl_copy_write(copy, line, strlen(line), &err), &err);
    assert_ok(hyl_copy_finish(copy, &rows, &err), &err);
    assert_int_equal(rows, 1);
    hyl_copy_free(copy);
    assert_int_equal(live_i64(conn, with_number("SELECT count(*) FROM t WHERE a = %lld")), 1);
    return HYL_OK;
}

static hyl_status next_copy_in_aborted(hyl_conn *conn)
{
    hyl_copy *copy = NULL;
    HYL_TRY(hyl_copy_in_open(conn, CSV_IN, &copy, &err));
    assert_ok(hyl_copy_abort(copy, with_number("%lld"), &err), &err);
    hyl_copy_free(copy);
    return HYL_OK;
}

static hyl_status next_copy_out(hyl_conn *conn)
{
    hyl_copy *copy = NULL;
    hyl_bytes piece;
    HYL_TRY(hyl_copy_out_open(conn, with_number("COPY (SELECT %lld) TO STDOUT WITH (FORMAT csv)"),
                              &copy, &err));
    assert_ok(hyl_copy_read(copy, &piece, &err), &err);
    const char *line = with_number("%lld\n");
    assert_int_equal(piece.len, strlen(line));
    assert_memory_equal(piece.data, line, piece.len);
    assert_status(hyl_copy_read(copy, &piece, &err), HYL_DONE, &err);
    hyl_copy_free(copy);
    return HYL_OK;
}

static hyl_status next_copy_error(hyl_conn *conn)
{
    hyl_copy *copy = NULL;
    hyl_status status = hyl_copy_in_open(
        conn, with_number("COPY no_%lld FROM STDIN WITH (FORMAT csv)"), &copy, &err);
    if (status != HYL_ERR_SERVER) {
        assert_true(status < 0);
        return status;
    }
    assert_non_null(strstr(err.message, with_number("no_%lld")));
    return HYL_OK;
}

static hyl_status read_one_batch(struct ArrowArrayStream *stream)
{
    struct ArrowArray batch = {.release = NULL};
    assert_int_equal(stream->get_next(stream, &batch), 0);
    assert_int_equal(batch.length, 1);
    assert_true(((const int64_t *)batch.children[0]->buffers[1])[0] == number);
    batch.release(&batch);
    assert_int_equal(stream->get_next(stream, &batch), 0);
    assert_null(batch.release);
    stream->release(stream);
    return HYL_OK;
}

static hyl_status next_arrow(hyl_conn *conn)
{
    struct ArrowArrayStream stream;
    HYL_TRY(hyl_query_arrow(conn, with_number("SELECT %lld::bigint"), NULL, &stream, &err));
    return read_one_batch(&stream);
}

static hyl_status next_result_to_arrow(hyl_conn *conn)
{
    hyl_result *result = NULL;
    struct ArrowArrayStream stream;
    HYL_TRY(hyl_query(conn, with_number("SELECT %lld::bigint"), &result, &err));
    assert_ok(hyl_result_to_arrow(result, &stream, &err), &err);
    return read_one_batch(&stream);
}

static hyl_status look_for_number(void *ctx, hyl_bytes piece, hyl_error *e)
{
    uint8_t bytes[8];
    bool *found = ctx;
    (void)e;
    hyl__store_le64(bytes, (uint64_t)number);
    for (size_t i = 0; i + 8 <= piece.len; i++) {
        *found = *found || memcmp(piece.data + i, bytes, 8) == 0;
    }
    return HYL_OK;
}

static hyl_status next_ipc_out(hyl_conn *conn)
{
    bool found = false;
    HYL_TRY(
        hyl_arrow_ipc_out(conn, with_number("SELECT %lld::bigint"), look_for_number, &found, &err));
    assert_true(found);
    return HYL_OK;
}

static hyl_status next_inserter(hyl_conn *conn)
{
    hyl_inserter *ins = NULL;
    int64_t rows = 0;
    HYL_TRY(hyl_inserter_open(conn, "t", NULL, 0, NULL, &ins, &err));
    assert_ok(hyl_inserter_i64(ins, number, &err), &err);
    assert_ok(hyl_inserter_end_row(ins, &err), &err);
    assert_ok(hyl_inserter_finish(ins, &rows, &err), &err);
    assert_int_equal(rows, 1);
    hyl_inserter_free(ins);
    assert_int_equal(live_i64(conn, with_number("SELECT count(*) FROM t WHERE a = %lld")), 1);
    return HYL_OK;
}

static hyl_status next_transaction(hyl_conn *conn)
{
    HYL_TRY(hyl_exec(conn, "BEGIN", NULL, &err));
    assert_int_equal(hyl_conn_tx(conn), HYL_TX_OPEN);
    live_exec(conn, with_number("INSERT INTO t VALUES (%lld)"));
    live_exec(conn, "COMMIT");
    assert_int_equal(hyl_conn_tx(conn), HYL_TX_IDLE);
    assert_int_equal(live_i64(conn, with_number("SELECT count(*) FROM t WHERE a = %lld")), 1);
    return HYL_OK;
}

static hyl_status next_empty(hyl_conn *conn)
{
    return hyl_exec(conn, " -- nothing", NULL, &err);
}

static hyl_status next_cancel(hyl_conn *conn)
{
    return hyl_conn_cancel(conn, 10000, &err);
}

static hyl_status next_rollback(hyl_conn *conn)
{
    return hyl_exec(conn, "ROLLBACK", NULL, &err);
}

typedef struct call {
    const char *name;
    hyl_status (*run)(hyl_conn *conn);
    bool when_failed; /* it is right in a failed transaction */
    bool when_busy;   /* and while something is open, or out of step: it uses another connection */
} call;

#define CALL(run)               \
    {                           \
#run, run, false, false \
    }

static const call calls[] = {
    CALL(next_exec),
    CALL(next_script),
    CALL(next_query),
    CALL(next_query_text),
    CALL(next_query_freed),
    CALL(next_i64),
    CALL(next_f64),
    CALL(next_text),
    {"next_ping", next_ping, true, false},
    CALL(next_error),
    CALL(next_copy_in),
    CALL(next_copy_in_aborted),
    CALL(next_copy_out),
    CALL(next_copy_error),
    CALL(next_arrow),
    CALL(next_result_to_arrow),
    CALL(next_ipc_out),
    CALL(next_inserter),
    CALL(next_transaction),
    CALL(next_empty),
    {"next_cancel", next_cancel, true, true},
    {"next_rollback", next_rollback, true, false},
};

/* ---- The matrix ------------------------------------------------------------------------------ */

static hyl_conn *new_connection(const way *from)
{
    hyl_conn *conn = live_connect(from->settings);
    live_exec(conn, "CREATE TEMP TABLE t (a bigint)");
    return conn;
}

static hyl_status expected_of(const way *from, const call *next)
{
    switch (from->then) {
    case GOES_ON:
        break;
    case TX_FAILED:
        return next->when_failed ? HYL_OK : HYL_ERR_STATE;
    case IS_BUSY:
        return next->when_busy ? HYL_OK : HYL_ERR_BUSY;
    case IS_DESYNC:
        return next->when_busy ? HYL_OK : HYL_ERR_DESYNC;
    case IS_CLOSED:
        return HYL_ERR_CLOSED;
    }
    return HYL_OK;
}

static void check_refusal(const way *from)
{
    static const char *const open[] = {"a result", "a COPY", "an Arrow stream", "an inserter"};
    bool named = false;
    if (from->then == TX_FAILED) {
        assert_string_equal(err.sqlstate, "25P02");
    } else if (from->then == IS_BUSY) {
        for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
            named = named || strstr(err.message, open[i]) != NULL;
        }
        assert_true(named);
    } else {
        assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
    }
}

static void run_cell(hyl_conn *conn, const way *from, const call *next)
{
    number += 10;
    from->break_off(conn);
    err = (hyl_error)HYL_ERROR_INIT;
    hyl_status status = next->run(conn);
    hyl_status expected = expected_of(from, next);
    if (status != expected) {
        fail_msg("%s, then %s: expected %s, got %s: %s", from->name, next->name,
                 hyl_status_name(expected), hyl_status_name(status), err.message);
    }
    if (status < 0) {
        check_refusal(from);
    }
    free_left();
    if (from->then == TX_FAILED && hyl_conn_tx(conn) != HYL_TX_IDLE) {
        live_exec(conn, "ROLLBACK");
    }
    if (from->then <= TX_FAILED) {
        live_assert_in_step(conn);
    }
}

enum { WAY_COUNT = sizeof ways / sizeof ways[0], CALL_COUNT = sizeof calls / sizeof calls[0] };

/* A cell of each way and of each call in every four; all where all is asked for. */
static bool is_wanted(size_t way_index, size_t call_index)
{
    const char *full = getenv("HYL_TEST_FULL");
    return (way_index + call_index) % 4 == 0 || (full != NULL && full[0] == '1');
}

/* Returns the number of cells. */
static int run_way(size_t index)
{
    const way *from = &ways[index];
    hyl_conn *conn = new_connection(from);
    int count = 0;
    for (size_t i = 0; i < CALL_COUNT; i++) {
        if (!is_wanted(index, i)) {
            continue;
        }
        run_cell(conn, from, &calls[i]);
        count++;
        if (from->then == IS_DESYNC || from->then == IS_CLOSED) {
            hyl_conn_free(conn);
            conn = new_connection(from);
        }
    }
    hyl_conn_free(conn);
    return count;
}

static void each_call_gets_its_own_answer_or_what_the_contract_says(void **state)
{
    (void)state;
    int count = 0;
    int64_t start = hyl__now_ms();
    for (size_t i = 0; i < WAY_COUNT; i++) {
        count += run_way(i);
    }
    printf("%d ways x %d calls: %d cells in %lld ms\n", (int)WAY_COUNT, (int)CALL_COUNT, count,
           (long long)(hyl__now_ms() - start));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_gets_its_own_answer_or_what_the_contract_says),
    };
    return cmocka_run_group_tests_name("live/desync_matrix", tests, test_hyperd_start,
                                       test_hyperd_stop);
}
