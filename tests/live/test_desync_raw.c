/*
 * The raw connection on a real server: every way in which a request can fail or be dropped, followed
 * by every call that reads a whole answer.
 *
 * HYL_TEST_FULL=1 in the environment: all cells of the matrix, not a third of them.
 */
#include "support/hyperd.h"
#include "support/test.h"

#include <hyperline/raw.h>

#include "base/clock.h"

#include <stdlib.h>

#define MANY    "SELECT i FROM generate_series(1, 3000000) g(i)"
#define ENDLESS "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 10000000) b"
#define CSV_IN  "COPY t FROM STDIN WITH (FORMAT csv)"

static hyl_error err;

static hyl_status open_second(void *ctx, hyl_transport *out, hyl_error *e)
{
    (void)ctx;
    return hyl_transport_open(test_hyperd_endpoint(), hyl__deadline_in(10000), out, e);
}

static void run_statement(hyl_raw *raw, const char *sql)
{
    hyl_raw_messages *messages = NULL;
    assert_ok(hyl_raw_simple_query(raw, hyl_str_of(sql), &messages, &err), &err);
    hyl_raw_messages_free(messages);
}

static hyl_raw *new_connection(void)
{
    const hyl_pair params[] = {{"user", "tableau_internal_user"}};
    hyl_raw_opts opts = HYL_RAW_OPTS_INIT;
    hyl_transport transport = {NULL, NULL};
    hyl_raw *raw = NULL;
    opts.open_second = open_second;
    opts.max_result = 200000;
    opts.timeout_ms = 60000;
    /* Hundreds of thousands of rows may be on their way: under a sanitizer they take their time. */
    opts.drain_timeout_ms = 60000;
    assert_ok(open_second(NULL, &transport, &err), &err);
    assert_ok(hyl_raw_new(&transport, &opts, &raw, &err), &err);
    assert_ok(hyl_raw_startup(raw, params, 1, NULL, &err), &err);
    run_statement(raw, "CREATE TEMP TABLE t (a bigint)");
    return raw;
}

/* ---- Ways to fail or drop a request ---------------------------------------------------------- */

static void fails(hyl_status status, hyl_status expected)
{
    assert_status(status, expected, &err);
}

static void fails_to_answer(hyl_raw *raw, const char *sql, bool binary, hyl_status expected)
{
    hyl_raw_messages *messages = NULL;
    fails(binary ? hyl_raw_query_binary(raw, hyl_str_of(sql), &messages, &err)
                 : hyl_raw_simple_query(raw, hyl_str_of(sql), &messages, &err),
          expected);
}

static void an_error(hyl_raw *raw)
{
    fails_to_answer(raw, "SELEKT", false, HYL_ERR_SERVER);
}

static void a_binary_error(hyl_raw *raw)
{
    fails_to_answer(raw, "SELECT nope", true, HYL_ERR_SERVER);
}

static void an_error_among_rows(hyl_raw *raw)
{
    fails_to_answer(raw, "SELECT 1/(5000 - i) FROM generate_series(1, 6000) g(i)", false,
                    HYL_ERR_SERVER);
}

static void too_long_an_answer(hyl_raw *raw)
{
    fails_to_answer(raw, MANY, false, HYL_ERR_LIMIT);
}

static void too_long_a_binary_answer(hyl_raw *raw)
{
    fails_to_answer(raw, MANY, true, HYL_ERR_LIMIT);
}

static void started(hyl_raw *raw, const char *sql, int messages)
{
    assert_ok(hyl_raw_start_simple_query(raw, hyl_str_of(sql), &err), &err);
    for (int i = 0; i < messages; i++) {
        hyl_msg message;
        assert_ok(hyl_raw_read_message(raw, &message, &err), &err);
    }
}

static void abandoned(hyl_raw *raw)
{
    started(raw, MANY, 500);
    assert_ok(hyl_raw_abandon(raw, &err), &err);
}

static void abandoned_unread(hyl_raw *raw)
{
    started(raw, ENDLESS, 0);
    assert_ok(hyl_raw_abandon(raw, &err), &err);
}

static void binary_abandoned(hyl_raw *raw)
{
    assert_ok(hyl_raw_start_query_binary(raw, HYL_STR(MANY), &err), &err);
    assert_ok(hyl_raw_abandon(raw, &err), &err);
}

static void drained(hyl_raw *raw)
{
    started(raw, "SELECT 987654321", 1);
    assert_true(hyl_raw_drain_until_ready(raw));
}

static void error_consumed(hyl_raw *raw)
{
    hyl_msg message;
    assert_ok(hyl_raw_start_execute_prepared(raw, "no such", NULL, 0, 0, &err), &err);
    do {
        assert_ok(hyl_raw_read_message(raw, &message, &err), &err);
    } while (message.type != HYL_MSG_ERROR_RESPONSE);
    fails(hyl_raw_consume_error(raw, &message, &err), HYL_ERR_SERVER);
}

static void copying(hyl_raw *raw, const char *data)
{
    assert_ok(hyl_raw_start_copy_in_raw(raw, HYL_STR(CSV_IN), &err), &err);
    const hyl_bytes bytes = {(const uint8_t *)data, strlen(data)};
    assert_ok(hyl_raw_send_copy_data_direct(raw, bytes, &err), &err);
}

static void copy_cancelled(hyl_raw *raw)
{
    copying(raw, "1\n");
    assert_ok(hyl_raw_cancel_copy(raw, "no", &err), &err);
}

static void copy_abandoned(hyl_raw *raw)
{
    copying(raw, "1\n");
    assert_ok(hyl_raw_abandon(raw, &err), &err);
}

static void copy_of_bad_data(hyl_raw *raw)
{
    copying(raw, "x\n");
    fails(hyl_raw_finish_copy(raw, NULL, &err), HYL_ERR_SERVER);
}

static void copy_into_nothing(hyl_raw *raw)
{
    fails(hyl_raw_start_copy_in(raw, "no_such", NULL, 0, &err), HYL_ERR_SERVER);
}

static void copy_in_by_query(hyl_raw *raw)
{
    fails_to_answer(raw, CSV_IN, false, HYL_ERR_PROTOCOL);
}

static void copy_in_by_binary_query(hyl_raw *raw)
{
    fails_to_answer(raw, CSV_IN, true, HYL_ERR_PROTOCOL);
}

static void select_by_copy_in(hyl_raw *raw)
{
    fails(hyl_raw_start_copy_in_raw(raw, HYL_STR("SELECT 1"), &err), HYL_ERR_PROTOCOL);
}

static void copy_out_by_copy_in(hyl_raw *raw)
{
    fails(hyl_raw_start_copy_in_raw(raw, HYL_STR("COPY (" MANY ") TO STDOUT WITH (FORMAT csv)"),
                                    &err),
          HYL_ERR_PROTOCOL);
}

static void select_by_copy_out(hyl_raw *raw)
{
    hyl_buf out = HYL_BUF_INIT;
    fails(hyl_raw_copy_out(raw, HYL_STR("SELECT 1"), &out, &err), HYL_ERR_PROTOCOL);
}

static void too_much_copied(hyl_raw *raw)
{
    hyl_buf out = HYL_BUF_INIT;
    fails(hyl_raw_copy_out(raw, HYL_STR("COPY (" MANY ") TO STDOUT WITH (FORMAT csv)"), &out, &err),
          HYL_ERR_LIMIT);
    hyl_buf_reset(&out);
}

static hyl_status refuse(void *ctx, hyl_bytes piece, hyl_error *e)
{
    (void)ctx;
    (void)piece;
    return e->status = HYL_ERR_IO;
}

static void writer_refuses(hyl_raw *raw)
{
    fails(hyl_raw_copy_out_to_writer(raw, HYL_STR("COPY (" MANY ") TO STDOUT WITH (FORMAT csv)"),
                                     refuse, NULL, NULL, &err),
          HYL_ERR_IO);
}

static void left_unread(hyl_raw *raw)
{
    started(raw, "SELECT 987654321", 0);
}

static void left_half_read(hyl_raw *raw)
{
    started(raw, "SELECT 987654321", 2);
}

/* Two in flight, of which one is read. */
static void left_one_of_two(hyl_raw *raw)
{
    started(raw, "SELECT 1", 0);
    started(raw, "SELECT 2", 0);
    assert_true(hyl_raw_drain_until_ready(raw));
}

static void left_in_a_copy(hyl_raw *raw)
{
    copying(raw, "1\n");
}

static void left_in_the_buffer(hyl_raw *raw)
{
    assert_ok(hyl_enc_query(hyl_raw_write_buffer(raw), HYL_STR("SELECT 3"), &err), &err);
}

static void too_late(hyl_raw *raw)
{
    hyl_raw_set_timeout(raw, 50);
    fails_to_answer(raw, ENDLESS, false, HYL_ERR_TIMEOUT);
}

static void budget_used_up(hyl_raw *raw)
{
    started(raw, "SELECT 1", 0);
    assert_false(hyl_raw_drain_until_ready_bounded(raw, 1));
}

static void terminated(hyl_raw *raw)
{
    assert_ok(hyl_raw_terminate(raw, &err), &err);
}

typedef struct way {
    const char *name;
    void (*break_off)(hyl_raw *raw);
    hyl_status then;
} way;

#define WAY(break_off, then)        \
    {                               \
#break_off, break_off, then \
    }

static const way ways[] = {
    WAY(an_error, HYL_OK),
    WAY(a_binary_error, HYL_OK),
    WAY(an_error_among_rows, HYL_OK),
    WAY(too_long_an_answer, HYL_OK),
    WAY(too_long_a_binary_answer, HYL_OK),
    WAY(abandoned, HYL_OK),
    WAY(abandoned_unread, HYL_OK),
    WAY(binary_abandoned, HYL_OK),
    WAY(drained, HYL_OK),
    WAY(error_consumed, HYL_OK),
    WAY(copy_cancelled, HYL_OK),
    WAY(copy_abandoned, HYL_OK),
    WAY(copy_of_bad_data, HYL_OK),
    WAY(copy_into_nothing, HYL_OK),
    WAY(copy_in_by_query, HYL_OK),
    WAY(copy_in_by_binary_query, HYL_OK),
    WAY(select_by_copy_in, HYL_OK),
    WAY(copy_out_by_copy_in, HYL_OK),
    WAY(select_by_copy_out, HYL_OK),
    WAY(too_much_copied, HYL_OK),
    WAY(writer_refuses, HYL_OK),
    WAY(left_unread, HYL_ERR_BUSY),
    WAY(left_half_read, HYL_ERR_BUSY),
    WAY(left_one_of_two, HYL_ERR_BUSY),
    WAY(left_in_a_copy, HYL_ERR_BUSY),
    WAY(left_in_the_buffer, HYL_ERR_BUSY),
    WAY(too_late, HYL_ERR_DESYNC),
    WAY(budget_used_up, HYL_ERR_DESYNC),
    WAY(terminated, HYL_ERR_CLOSED),
};

enum { WAY_COUNT = sizeof ways / sizeof ways[0] };

/* ---- Calls that come next -------------------------------------------------------------------- */

static long number = 1000000;

static hyl_str with_number(const char *format)
{
    static char text[200];
    snprintf(text, sizeof text, format, number);
    return hyl_str_of(text);
}

/* The first cell of the answer's only row. */
static hyl_bytes only_cell(const hyl_raw_messages *messages)
{
    hyl_bytes cell = {NULL, 0};
    hyl_msg message;
    int rows = 0;
    for (size_t i = 0; hyl_raw_messages_get(messages, i, &message); i++) {
        if (message.type == HYL_MSG_DATA_ROW) {
            hyl_row_iter iter;
            hyl_row_iter_init(&iter, &message);
            assert_true(hyl_row_iter_next(&iter, &cell));
            rows++;
        }
    }
    assert_int_equal(rows, 1);
    return cell;
}

static hyl_status next_simple(hyl_raw *raw)
{
    hyl_raw_messages *messages = NULL;
    HYL_TRY(hyl_raw_simple_query(raw, with_number("SELECT %ld"), &messages, &err));
    hyl_bytes cell = only_cell(messages);
    hyl_str expected = with_number("%ld");
    assert_int_equal(cell.len, expected.len);
    assert_memory_equal(cell.data, expected.data, cell.len);
    hyl_raw_messages_free(messages);
    return HYL_OK;
}

static hyl_status next_binary(hyl_raw *raw)
{
    hyl_raw_messages *messages = NULL;
    HYL_TRY(hyl_raw_query_binary(raw, with_number("SELECT %ld"), &messages, &err));
    hyl_bytes cell = only_cell(messages);
    assert_int_equal(cell.len, 4);
    assert_int_equal(cell.data[0] | cell.data[1] << 8 | cell.data[2] << 16, number);
    hyl_raw_messages_free(messages);
    return HYL_OK;
}

static hyl_status next_error(hyl_raw *raw)
{
    hyl_raw_messages *messages = NULL;
    hyl_status status =
        hyl_raw_simple_query(raw, with_number("SELECT no_%ld FROM t"), &messages, &err);
    if (status != HYL_ERR_SERVER) {
        return status;
    }
    assert_non_null(strstr(err.message, with_number("no_%ld").data));
    return HYL_OK;
}

static hyl_status next_copy_in(hyl_raw *raw)
{
    uint64_t rows = 0;
    HYL_TRY(hyl_raw_start_copy_in_with_format(raw, "t", NULL, 0, "csv", &err));
    hyl_str line = with_number("%ld\n");
    const hyl_bytes data = {(const uint8_t *)line.data, line.len};
    assert_ok(hyl_raw_send_copy_data(raw, data, &err), &err);
    assert_ok(hyl_raw_finish_copy(raw, &rows, &err), &err);
    assert_int_equal(rows, 1);
    return HYL_OK;
}

static hyl_status next_copy_out(hyl_raw *raw)
{
    hyl_buf out = HYL_BUF_INIT;
    HYL_TRY(hyl_raw_copy_out(raw, with_number("COPY (SELECT %ld) TO STDOUT WITH (FORMAT csv)"),
                             &out, &err));
    hyl_str line = with_number("%ld\n");
    assert_int_equal(out.len, line.len);
    assert_memory_equal(out.data, line.data, line.len);
    hyl_buf_reset(&out);
    return HYL_OK;
}

typedef hyl_status (*call)(hyl_raw *raw);

static const call calls[] = {next_simple, next_binary, next_error, next_copy_in, next_copy_out};

enum { CALL_COUNT = sizeof calls / sizeof calls[0] };

/* ---- The matrix ------------------------------------------------------------------------------ */

static void run_cell(hyl_raw *raw, const way *from, size_t index)
{
    number += 10;
    from->break_off(raw);
    err = (hyl_error)HYL_ERROR_INIT;
    hyl_status status = calls[index](raw);
    if (status != from->then) {
        fail_msg("%s, then call %zu: expected %s, got %s: %s", from->name, index,
                 hyl_status_name(from->then), hyl_status_name(status), err.message);
    }
    if (from->then == HYL_OK) {
        assert_ok(next_simple(raw), &err);
    }
}

static void each_call_gets_its_own_answer_or_is_refused(void **state)
{
    (void)state;
    const char *full = getenv("HYL_TEST_FULL");
    const size_t step = full != NULL && full[0] == '1' ? 1 : 3;
    int count = 0;
    for (size_t i = 0; i < WAY_COUNT; i++) {
        hyl_raw *raw = new_connection();
        for (size_t j = i % step; j < CALL_COUNT; j += step) {
            run_cell(raw, &ways[i], j);
            count++;
            if (ways[i].then != HYL_OK) {
                hyl_raw_free(raw);
                raw = new_connection();
            }
        }
        hyl_raw_free(raw);
    }
    printf("%d ways x %d calls: %d cells\n", (int)WAY_COUNT, (int)CALL_COUNT, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_gets_its_own_answer_or_is_refused),
    };
    return cmocka_run_group_tests_name("live/desync_raw", tests, test_hyperd_start,
                                       test_hyperd_stop);
}
