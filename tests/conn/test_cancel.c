#include "support/test.h"

#include "support/hyperd.h"
#include "support/mem_conn.h"
#include "support/sockets.h"

#include "base/clock.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static hyl_error err;

/* Opens a result of which `said` rows and no end have come. */
static hyl_result *open_result(mem_conn *mem, int32_t said)
{
    hyl_buf messages = HYL_BUF_INIT;
    hyl_result *result = NULL;
    backend_int_description(&messages);
    for (int32_t i = 1; i <= said; i++) {
        backend_int_row(&messages, i);
    }
    mem_say(mem, &messages);
    assert_ok(hyl_query(mem->conn, "SELECT", &result, &err), &err);
    return result;
}

static void say_cancelled(mem_conn *mem)
{
    mem_say_error(mem, "57014", "canceled by user", 'I');
}

/* ---- Within the budget ----------------------------------------------------------------------- */

static void an_abandoned_result_leaves_the_connection_ready(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_result *result = open_result(&mem, 1000);
    const hyl_row *row = NULL;
    say_cancelled(&mem);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    assert_ok(hyl_result_abandon(result, &err), &err);
    assert_int_equal(hyl_conn_health(mem.conn), HYL_HEALTH_OK);
    assert_null(hyl_conn_diag(mem.conn));
    assert_status(hyl_result_next(result, &row, &err), HYL_ERR_CANCELLED, &err);
    assert_string_equal(err.message, "the result was abandoned");
    mem_assert_in_step(&mem);
    hyl_result_free(result);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

/* The statement may be over before the cancel arrives. */
static void what_ends_by_itself_is_drained_too(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_result *result = open_result(&mem, 10);
    mem_say_done(&mem, "SELECT 10", 'I');
    assert_ok(hyl_result_abandon(result, &err), &err);
    mem_assert_in_step(&mem);
    hyl_result_free(result);
    mem_conn_close(&mem);
}

static void a_freed_result_is_drained_by_the_next_request(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_result *result = open_result(&mem, 1000);
    hyl_result_free(result);
    assert_int_equal(hyl_conn_health(mem.conn), HYL_HEALTH_OK);
    say_cancelled(&mem);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void a_finished_result_is_not_drained(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_result *result = open_result(&mem, 1);
    mem_say_done(&mem, "SELECT 1", 'I');
    assert_ok(hyl_result_finish(result, &err), &err);
    assert_ok(hyl_result_abandon(result, &err), &err);
    hyl_result_free(result);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void the_budget_may_be_just_enough(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("drain_limit=1kB");
    hyl_result *result = open_result(&mem, 0);
    hyl_buf messages = HYL_BUF_INIT;
    for (int32_t i = 0; i < 60; i++) {
        backend_int_row(&messages, i);
    }
    backend_tag(&messages, "SELECT 60");
    backend_ready(&messages, 'I');
    assert_in_range(messages.len, 900, 1024);
    mem_say(&mem, &messages);
    assert_ok(hyl_result_abandon(result, &err), &err);
    hyl_result_free(result);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

/* A cancel inside a transaction fails it, as on the server. */
static void what_was_abandoned_inside_a_transaction_has_failed_it(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    mem_say_done(&mem, "BEGIN", 'T');
    assert_ok(hyl_exec(mem.conn, "BEGIN", NULL, &err), &err);
    hyl_result *result = open_result(&mem, 3);
    mem_say_error(&mem, "57014", "canceled by user", 'E');
    assert_ok(hyl_result_abandon(result, &err), &err);
    assert_int_equal(hyl_conn_health(mem.conn), HYL_HEALTH_TX_FAILED);
    assert_status(hyl_exec(mem.conn, "INSERT", NULL, &err), HYL_ERR_STATE, &err);
    assert_string_equal(err.sqlstate, "25P02");
    hyl_result_free(result);
    mem_conn_close(&mem);
}

/* ---- Beyond it ------------------------------------------------------------------------------- */

enum { MEGABYTE = 1048576 };

/* Lets the peer say endless rows: some 2 MB, and not a ReadyForQuery. */
static void say_two_megabytes(mem_conn *mem)
{
    hyl_buf messages = HYL_BUF_INIT;
    while (messages.len < 2 * MEGABYTE) {
        backend_int_row(&messages, 1);
    }
    mem_say(mem, &messages);
}

static void more_bytes_than_the_budget_lose_the_connection(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("drain_limit=64kB");
    hyl_result *result = open_result(&mem, 1);
    say_two_megabytes(&mem);
    say_cancelled(&mem);
    uint64_t before = mem.conn->received;
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl_result_abandon(result, &err), HYL_ERR_DESYNC, &err);
    assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
    assert_in_range(mem.conn->received - before, 65536, 65536 + 131072);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    hyl_result_free(result);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    mem_conn_close(&mem);
}

/* The same where it is one message: it is not taken in whole to be dropped. */
static void one_long_message_uses_the_budget_up_too(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("drain_limit=64kB");
    hyl_result *result = open_result(&mem, 0);
    hyl_buf messages = HYL_BUF_INIT;
    uint8_t *body = calloc(1, 2 * MEGABYTE);
    assert_non_null(body);
    backend_message(&messages, 'D', body, 2 * MEGABYTE);
    free(body);
    mem_say(&mem, &messages);
    say_cancelled(&mem);
    assert_status(hyl_result_abandon(result, &err), HYL_ERR_DESYNC, &err);
    assert_true(mem.conn->session.frame.cap <= MEGABYTE);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    hyl_result_free(result);
    mem_conn_close(&mem);
}

/* Nor do messages that no one asked for get round it. */
static void notices_use_the_budget_up_too(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("drain_limit=64kB");
    hyl_result *result = open_result(&mem, 0);
    hyl_buf messages = HYL_BUF_INIT;
    while (messages.len < 2 * MEGABYTE) {
        backend_notice(&messages, "and another thing");
    }
    mem_say(&mem, &messages);
    say_cancelled(&mem);
    assert_status(hyl_result_abandon(result, &err), HYL_ERR_DESYNC, &err);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    hyl_result_free(result);
    mem_conn_close(&mem);
}

static void a_server_that_says_nothing_more_loses_the_connection(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("drain_timeout=1ms");
    hyl_result *result = open_result(&mem, 10);
    assert_status(hyl_result_abandon(result, &err), HYL_ERR_DESYNC, &err);
    assert_non_null(strstr(err.message, "discard the connection"));
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    hyl_result_free(result);
    mem_conn_close(&mem);
}

static void a_freed_result_loses_the_connection_at_the_next_request(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("drain_timeout=1ms");
    hyl_result_free(open_result(&mem, 10));
    mem_forget(&mem);
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl_exec(mem.conn, "SELECT 1", NULL, &err), HYL_ERR_DESYNC, &err);
    assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    mem_conn_close(&mem);
}

static void a_stream_that_ends_while_it_is_drained_is_closed(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_result *result = open_result(&mem, 10);
    assert_int_equal(hyl_mem_peer_end(mem.peer), HYL_OK);
    assert_status(hyl_result_abandon(result, &err), HYL_ERR_CLOSED, &err);
    mem_assert_lost(&mem, HYL_ERR_CLOSED);
    hyl_result_free(result);
    mem_conn_close(&mem);
}

/* ---- Deadlines ------------------------------------------------------------------------------- */

/* A transport whose peer says more, or takes more, only after a wait for it has timed out. */
static struct {
    const hyl_transport_ops *plain;
    hyl_transport_ops ops;
    mem_conn *mem;
    void (*after_timeout)(mem_conn *mem);
} late;

static hyl_status late_wait(void *self, unsigned wants, int64_t deadline_ms, unsigned *ready,
                            hyl_error *error)
{
    hyl_status status = late.plain->wait(self, wants, deadline_ms, ready, error);
    if (status == HYL_ERR_TIMEOUT && late.after_timeout != NULL) {
        void (*now)(mem_conn *) = late.after_timeout;
        late.after_timeout = NULL;
        now(late.mem);
    }
    return status;
}

static void make_late(mem_conn *mem, void (*after_timeout)(mem_conn *))
{
    late.plain = mem->conn->transport.ops;
    late.ops = *late.plain;
    late.ops.wait = late_wait;
    late.mem = mem;
    late.after_timeout = after_timeout;
    mem->conn->transport.ops = &late.ops;
}

static void a_statement_that_takes_too_long_is_given_up(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("request_timeout=60s");
    make_late(&mem, say_cancelled);
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl_exec(mem.conn, "SELECT", NULL, &err), HYL_ERR_TIMEOUT, &err);
    assert_false(err.flags & HYL_ERROR_CONNECTION_LOST);
    assert_null(hyl_conn_diag(mem.conn));
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void so_is_one_that_stops_in_the_middle(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("request_timeout=60s");
    const hyl_row *row = NULL;
    make_late(&mem, say_cancelled);
    hyl_result *result = open_result(&mem, 1);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    assert_status(hyl_result_next(result, &row, &err), HYL_ERR_TIMEOUT, &err);
    assert_status(hyl_result_next(result, &row, &err), HYL_ERR_TIMEOUT, &err);
    mem_assert_in_step(&mem);
    hyl_result_free(result);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void a_server_that_does_not_stop_loses_the_connection(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("request_timeout=60s drain_timeout=1ms");
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl_exec(mem.conn, "SELECT", NULL, &err), HYL_ERR_TIMEOUT, &err);
    assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    mem_conn_close(&mem);
}

static void say_ready(mem_conn *mem)
{
    hyl_buf messages = HYL_BUF_INIT;
    backend_ready(&messages, 'I');
    mem_say(mem, &messages);
}

/* The error has come, its ReadyForQuery takes too long: the error is what is told. */
static void an_error_stands_although_its_end_is_late(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("request_timeout=60s");
    hyl_buf messages = HYL_BUF_INIT;
    backend_error(&messages, "22012", "division by zero");
    mem_say(&mem, &messages);
    make_late(&mem, say_ready);
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl_exec(mem.conn, "SELECT", NULL, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "22012");
    assert_false(err.flags & HYL_ERROR_CONNECTION_LOST);
    assert_string_equal(hyl_conn_diag(mem.conn)->sqlstate, "22012");
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void an_error_stands_although_its_end_never_comes(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("request_timeout=60s drain_timeout=1ms");
    hyl_buf messages = HYL_BUF_INIT;
    backend_error(&messages, "22012", "division by zero");
    mem_say(&mem, &messages);
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl_exec(mem.conn, "SELECT", NULL, &err), HYL_ERR_SERVER, &err);
    assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    mem_conn_close(&mem);
}

/* ---- COPY IN --------------------------------------------------------------------------------- */

enum {
    BLOCK = 300000, /* more than is gathered: it is sent from where it is */
    COPY_FAIL_SIZE = 5 + sizeof "abandoned by the client"
};

static hyl_copy *open_copy_in(mem_conn *mem)
{
    hyl_buf messages = HYL_BUF_INIT;
    hyl_copy *copy = NULL;
    backend_copy_response(&messages, 'G');
    mem_say(mem, &messages);
    assert_ok(hyl_copy_in_open(mem->conn, "COPY t FROM STDIN", &copy, &err), &err);
    mem_forget(mem);
    return copy;
}

static uint8_t *block(void)
{
    uint8_t *bytes = malloc(BLOCK);
    assert_non_null(bytes);
    for (size_t i = 0; i < BLOCK; i++) {
        bytes[i] = (uint8_t)(i * 7);
    }
    return bytes;
}

static void take_all_and_say_cancelled(mem_conn *mem)
{
    hyl_buf messages = HYL_BUF_INIT;
    backend_error(&messages, "57014", "COPY failed by the client");
    backend_ready(&messages, 'I');
    hyl_mem_peer_fail_write(mem->peer, SIZE_MAX, HYL_ERR_IO);
    mem_say_after(mem, BLOCK + 5 - 1000 + COPY_FAIL_SIZE, &messages);
}

/*
 * The deadline passes when a message has gone out by half. The caller's bytes are gone by the time
 * the rest goes out, whole, and CopyFail behind it.
 */
static void a_message_half_sent_is_sent_whole_before_copy_fail(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("request_timeout=60s");
    hyl_copy *copy = open_copy_in(&mem);
    uint8_t *bytes = block();
    hyl_mem_peer_fail_write(mem.peer, 1000, HYL_AGAIN);
    make_late(&mem, take_all_and_say_cancelled);
    assert_status(hyl_copy_write(copy, bytes, BLOCK, &err), HYL_ERR_TIMEOUT, &err);
    hyl_buf expected = HYL_BUF_INIT;
    assert_ok(hyl_enc_copy_data(&expected, (hyl_bytes){bytes, BLOCK}, &err), &err);
    assert_ok(hyl_enc_copy_fail(&expected, "abandoned by the client", &err), &err);
    mem_assert_written(&mem, expected.data, expected.len);
    hyl_buf_reset(&expected);
    free(bytes);
    assert_status(hyl_copy_finish(copy, NULL, &err), HYL_ERR_TIMEOUT, &err);
    hyl_copy_free(copy);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void a_message_half_sent_and_never_taken_loses_the_connection(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("request_timeout=60s drain_timeout=1ms");
    hyl_copy *copy = open_copy_in(&mem);
    uint8_t *bytes = block();
    hyl_mem_peer_fail_write(mem.peer, 1000, HYL_AGAIN);
    assert_status(hyl_copy_write(copy, bytes, BLOCK, &err), HYL_ERR_TIMEOUT, &err);
    free(bytes);
    hyl_copy_free(copy);
    hyl_mem_peer_fail_write(mem.peer, SIZE_MAX, HYL_ERR_IO);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    mem_conn_close(&mem);
}

static void a_freed_copy_in_is_failed_by_the_next_request(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = open_copy_in(&mem);
    assert_ok(hyl_copy_write(copy, "1\n", 2, &err), &err);
    hyl_copy_free(copy);
    mem_assert_written(&mem, "", 0);
    hyl_buf messages = HYL_BUF_INIT;
    backend_error(&messages, "57014", "COPY failed by the client");
    backend_ready(&messages, 'I');
    mem_say_after(&mem, COPY_FAIL_SIZE, &messages);
    backend_tag(&messages, "SET");
    backend_ready(&messages, 'I');
    mem_say_after(&mem, COPY_FAIL_SIZE + backend_query_size("SET x = 1"), &messages);
    assert_ok(hyl_exec(mem.conn, "SET x = 1", NULL, &err), &err);
    hyl_buf expected = HYL_BUF_INIT;
    assert_ok(hyl_enc_copy_fail(&expected, "abandoned by the client", &err), &err);
    assert_ok(hyl_enc_query(&expected, HYL_STR("SET x = 1"), &err), &err);
    mem_assert_written(&mem, expected.data, expected.len);
    hyl_buf_reset(&expected);
    mem_conn_close(&mem);
}

/* A server that overlooks CopyFail looks again when something more comes. */
static void a_copy_fail_that_is_overlooked_is_followed_by_flush(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = open_copy_in(&mem);
    hyl_buf messages = HYL_BUF_INIT;
    backend_error(&messages, "57014", "copy failed: enough");
    backend_ready(&messages, 'I');
    mem_say_after(&mem, 5 + sizeof "enough" + 2 * 5, &messages);
    assert_ok(hyl_copy_abort(copy, "enough", &err), &err);
    mem_assert_written(&mem,
                       "f\0\0\0\x0b"
                       "enough\0H\0\0\0\4H\0\0\0\4",
                       22);
    hyl_copy_free(copy);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

/* A statement that was abandoned turns out to be a COPY FROM STDIN: the server waits for us. */
static void a_copy_in_that_begins_while_it_is_drained_is_failed(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("request_timeout=60s");
    hyl_buf messages = HYL_BUF_INIT;
    make_late(&mem, NULL);
    hyl__statement statement = {.sql = HYL_STR("COPY")};
    bool rolled_back = false;
    assert_ok(hyl__conn_begin(mem.conn, &err), &err);
    assert_ok(hyl__conn_query(mem.conn, &statement, &rolled_back, &err), &err);
    backend_copy_response(&messages, 'G');
    mem_say(&mem, &messages);
    say_cancelled(&mem);
    assert_ok(hyl__conn_abandon(mem.conn, &err), &err);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

/* ---- The cancel itself ----------------------------------------------------------------------- */

static void a_connection_without_an_endpoint_cannot_be_cancelled(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_canceller *canceller = NULL;
    mem.conn->session.has_key = false;
    assert_status(hyl_conn_cancel(mem.conn, 0, &err), HYL_ERR_UNSUPPORTED, &err);
    assert_status(hyl_canceller_new(mem.conn, &canceller, &err), HYL_ERR_UNSUPPORTED, &err);
    assert_null(canceller);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void a_cancel_that_was_not_sent_does_no_harm(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    assert_status(hyl_conn_cancel(mem.conn, 1000, &err), HYL_ERR_IO, &err);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

/* The socket takes the request and never ends: it may hit whatever runs when it is read. */
static void a_cancel_that_may_still_hit_loses_the_connection(void **state)
{
    (void)state;
    char settings[300];
    int listener = test_unix_listener(test_path("never"), 1);
    snprintf(settings, sizeof settings, "endpoint=%s", test_path("never"));
    mem_conn mem = mem_conn_open(settings);
    assert_status(hyl_conn_cancel(mem.conn, 1, &err), HYL_ERR_TIMEOUT, &err);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    mem_conn_close(&mem);
    close(listener);
}

/* The same of the cancel that an abandoned result sends. */
static void say_ten_done(mem_conn *mem)
{
    mem_say_done(mem, "SELECT 10", 'I');
}

static void an_abandoned_result_with_a_cancel_in_the_air_too(void **state)
{
    (void)state;
    char settings[300];
    int listener = test_unix_listener(test_path("late"), 1);
    snprintf(settings, sizeof settings, "endpoint=%s drain_timeout=20ms", test_path("late"));
    mem_conn mem = mem_conn_open(settings);
    hyl_result *result = open_result(&mem, 10);
    make_late(&mem, say_ten_done);
    assert_status(hyl_result_abandon(result, &err), HYL_ERR_DESYNC, &err);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    hyl_result_free(result);
    mem_conn_close(&mem);
    close(listener);
}

/* ---- Answers that come late ------------------------------------------------------------------ */

static mem_conn open_with_transaction(void)
{
    mem_conn mem = mem_conn_open("request_timeout=60s");
    mem_say_done(&mem, "BEGIN", 'T');
    assert_ok(hyl_exec(mem.conn, "BEGIN", NULL, &err), &err);
    mem_forget(&mem);
    err = (hyl_error)HYL_ERROR_INIT;
    return mem;
}

static void say_three_inserted(mem_conn *mem)
{
    mem_say_done(mem, "INSERT 0 3", 'T');
}

/* The statement was done while it was given up: that is what the call was to find out. */
static void what_was_done_late_is_done(void **state)
{
    (void)state;
    int64_t affected = 0;
    mem_conn mem = open_with_transaction();
    make_late(&mem, say_three_inserted);
    assert_ok(hyl_exec(mem.conn, "INSERT", &affected, &err), &err);
    assert_int_equal(affected, 3);
    assert_int_equal(err.status, HYL_OK);
    assert_int_equal(hyl_conn_tx(mem.conn), HYL_TX_OPEN);
    mem_say_done(&mem, "COMMIT", 'I');
    assert_ok(hyl_exec(mem.conn, "COMMIT", NULL, &err), &err);
    mem_conn_close(&mem);
}

static void say_pong(mem_conn *mem)
{
    hyl_buf messages = HYL_BUF_INIT;
    backend_message(&messages, 'I', NULL, 0);
    backend_ready(&messages, 'T');
    mem_say(mem, &messages);
}

static void so_is_a_ping(void **state)
{
    (void)state;
    mem_conn mem = open_with_transaction();
    make_late(&mem, say_pong);
    assert_ok(hyl_ping(mem.conn, &err), &err);
    assert_int_equal(hyl_conn_tx(mem.conn), HYL_TX_OPEN);
    mem_conn_close(&mem);
}

static void say_copied(mem_conn *mem)
{
    mem_say_done(mem, "COPY 12", 'T');
}

static void so_is_a_copy(void **state)
{
    (void)state;
    int64_t rows = 0;
    mem_conn mem = open_with_transaction();
    hyl_copy *copy = open_copy_in(&mem);
    make_late(&mem, say_copied);
    err = (hyl_error)HYL_ERROR_INIT;
    assert_ok(hyl_copy_finish(copy, &rows, &err), &err);
    assert_int_equal(rows, 12);
    assert_int_equal(err.status, HYL_OK);
    assert_int_equal(hyl_conn_tx(mem.conn), HYL_TX_OPEN);
    hyl_copy_free(copy);
    mem_conn_close(&mem);
}

static void say_rolled_back(mem_conn *mem)
{
    mem_say_done(mem, "ROLLBACK", 'I');
}

static void a_commit_that_came_late_says_what_became_of_it(void **state)
{
    (void)state;
    mem_conn mem = open_with_transaction();
    make_late(&mem, say_rolled_back);
    assert_status(hyl_exec(mem.conn, "COMMIT", NULL, &err), HYL_ERR_STATE, &err);
    assert_string_equal(err.sqlstate, "25P02");
    assert_int_equal(hyl_conn_tx(mem.conn), HYL_TX_IDLE);
    mem_conn_close(&mem);
}

static void say_returned(mem_conn *mem)
{
    hyl_buf messages = HYL_BUF_INIT;
    backend_int_row(&messages, 2);
    backend_tag(&messages, "INSERT 0 2");
    backend_ready(&messages, 'T');
    mem_say(mem, &messages);
}

/* Its rows are lost, and what it did is not to be committed behind the caller's back. */
static void of_rows_that_came_late_the_transaction_has_failed(void **state)
{
    (void)state;
    const hyl_row *row = NULL;
    mem_conn mem = open_with_transaction();
    hyl_result *result = open_result(&mem, 1);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    make_late(&mem, say_returned);
    assert_status(hyl_result_next(result, &row, &err), HYL_ERR_TIMEOUT, &err);
    assert_non_null(strstr(err.message, "it has done the statement all the same"));
    assert_int_equal(hyl_conn_tx(mem.conn), HYL_TX_FAILED);
    hyl_result_free(result);
    mem_forget(&mem);
    say_rolled_back(&mem);
    assert_status(hyl_exec(mem.conn, "COMMIT", NULL, &err), HYL_ERR_STATE, &err);
    mem_assert_queried(&mem, "ROLLBACK");
    mem_conn_close(&mem);
}

static void say_three(mem_conn *mem)
{
    mem_say_ints(mem, 3);
}

/* A result is not empty because its rows came late, columns and all. */
static void a_result_that_came_late_is_lost(void **state)
{
    (void)state;
    hyl_result *result = NULL;
    mem_conn mem = mem_conn_open("request_timeout=60s");
    make_late(&mem, say_three);
    assert_status(hyl_query(mem.conn, "SELECT", &result, &err), HYL_ERR_TIMEOUT, &err);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

/* The end of the statement before, and once the next request has come, its answer. */
static void say_stopped_and_next(mem_conn *mem, const char *next, char tx_status)
{
    hyl_buf messages = HYL_BUF_INIT;
    mem_say_error(mem, "57014", "canceled by user", tx_status);
    backend_tag(&messages, next);
    backend_ready(&messages, 'I');
    mem_say_after(mem, 1, &messages);
}

/* The call does not wait for it any longer; the next one does, and has its own answer. */
static void what_stops_late_is_waited_for_by_the_next_call(void **state)
{
    (void)state;
    int64_t affected = 0;
    mem_conn mem = mem_conn_open("request_timeout=60s");
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl_exec(mem.conn, "INSERT", NULL, &err), HYL_ERR_TIMEOUT, &err);
    assert_false(err.flags & HYL_ERROR_CONNECTION_LOST);
    assert_int_equal(hyl_conn_health(mem.conn), HYL_HEALTH_OK);
    say_stopped_and_next(&mem, "DELETE 7", 'I');
    assert_ok(hyl_exec(mem.conn, "DELETE", &affected, &err), &err);
    assert_int_equal(affected, 7);
    mem_conn_close(&mem);
}

static void its_transaction_has_failed(void **state)
{
    (void)state;
    mem_conn mem = open_with_transaction();
    assert_status(hyl_exec(mem.conn, "INSERT", NULL, &err), HYL_ERR_TIMEOUT, &err);
    assert_int_equal(hyl_conn_tx(mem.conn), HYL_TX_FAILED);
    mem_forget(&mem);
    say_three_inserted(&mem);
    say_rolled_back(&mem);
    assert_status(hyl_exec(mem.conn, "COMMIT", NULL, &err), HYL_ERR_STATE, &err);
    mem_assert_queried(&mem, "ROLLBACK");
    assert_int_equal(hyl_conn_tx(mem.conn), HYL_TX_IDLE);
    mem_conn_close(&mem);
}

/* ---- Inside a transaction -------------------------------------------------------------------- */

/*
 * A connection in a transaction whose cancels go to a socket that takes them and never answers, so
 * that it shows whether there was one.
 */
static mem_conn open_in_transaction(const char *name, const char *settings, int *listener)
{
    char all[300];
    *listener = test_unix_listener(test_path(name), 1);
    snprintf(all, sizeof all, "endpoint=%s %s", test_path(name), settings);
    mem_conn mem = mem_conn_open(all);
    mem_say_done(&mem, "BEGIN", 'T');
    assert_ok(hyl_exec(mem.conn, "BEGIN", NULL, &err), &err);
    return mem;
}

static bool was_cancelled(int listener)
{
    struct pollfd ready = {listener, POLLIN, 0};
    return poll(&ready, 1, 0) == 1;
}

/* The end of the rest, and once the next request has come, its answer. */
static void say_rest_and_next(mem_conn *mem)
{
    hyl_buf messages = HYL_BUF_INIT;
    mem_say_done(mem, "SELECT 10", 'T');
    backend_tag(&messages, "DELETE 7");
    backend_ready(&messages, 'T');
    mem_say_after(mem, 1, &messages);
}

/* The rest comes after a while: it is read, for a cancel would fail the transaction. */
static void a_short_rest_is_read(void **state)
{
    (void)state;
    for (int freed = 0; freed < 2; freed++) {
        int listener = -1;
        int64_t affected = 0;
        mem_conn mem = open_in_transaction(freed ? "freed" : "given-up", "", &listener);
        hyl_result *result = open_result(&mem, 10);
        make_late(&mem, say_rest_and_next);
        if (!freed) {
            assert_ok(hyl_result_abandon(result, &err), &err);
            assert_int_equal(hyl_conn_tx(mem.conn), HYL_TX_OPEN);
        }
        hyl_result_free(result);
        assert_ok(hyl_exec(mem.conn, "DELETE", &affected, &err), &err);
        assert_int_equal(affected, 7);
        assert_int_equal(hyl_conn_tx(mem.conn), HYL_TX_OPEN);
        assert_false(was_cancelled(listener));
        mem_conn_close(&mem);
        close(listener);
    }
}

static void a_long_rest_is_cancelled(void **state)
{
    (void)state;
    int listener = -1;
    mem_conn mem = open_in_transaction("long", "drain_timeout=500ms", &listener);
    hyl_result *result = open_result(&mem, 10);
    say_two_megabytes(&mem);
    hyl_result_free(result);
    assert_false(was_cancelled(listener));
    assert_status(hyl_exec(mem.conn, "SELECT 1", NULL, &err), HYL_ERR_DESYNC, &err);
    assert_true(was_cancelled(listener));
    mem_conn_close(&mem);
    close(listener);
}

static void a_rest_that_does_not_come_is_cancelled(void **state)
{
    (void)state;
    int listener = -1;
    mem_conn mem = open_in_transaction("silent", "drain_timeout=500ms", &listener);
    hyl_result_free(open_result(&mem, 10));
    assert_false(was_cancelled(listener));
    assert_status(hyl_exec(mem.conn, "SELECT 1", NULL, &err), HYL_ERR_DESYNC, &err);
    assert_true(was_cancelled(listener));
    mem_conn_close(&mem);
    close(listener);
}

/* What is read before the cancel counts as drained. */
static void the_budget_holds_for_both(void **state)
{
    (void)state;
    int listener = -1;
    mem_conn mem =
        open_in_transaction("budget", "drain_timeout=500ms drain_limit=256kB", &listener);
    hyl_result *result = open_result(&mem, 1);
    say_two_megabytes(&mem);
    uint64_t before = mem.conn->received;
    assert_status(hyl_result_abandon(result, &err), HYL_ERR_DESYNC, &err);
    assert_in_range(mem.conn->received - before, 131072, 262144 + 131072);
    assert_true(was_cancelled(listener));
    hyl_result_free(result);
    mem_conn_close(&mem);
    close(listener);
}

/* A connection that ends leaves the server nothing to do. */
static void the_end_of_the_connection_cancels(void **state)
{
    (void)state;
    int listener = -1;
    mem_conn mem = open_in_transaction("end", "", &listener);
    hyl_result_free(open_result(&mem, 10));
    assert_false(was_cancelled(listener));
    hyl_conn_close(mem.conn);
    assert_true(was_cancelled(listener));
    mem_conn_close(&mem);
    close(listener);
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
        cmocka_unit_test(an_abandoned_result_leaves_the_connection_ready),
        cmocka_unit_test(what_ends_by_itself_is_drained_too),
        cmocka_unit_test(a_freed_result_is_drained_by_the_next_request),
        cmocka_unit_test(a_finished_result_is_not_drained),
        cmocka_unit_test(the_budget_may_be_just_enough),
        cmocka_unit_test(what_was_abandoned_inside_a_transaction_has_failed_it),
        cmocka_unit_test(more_bytes_than_the_budget_lose_the_connection),
        cmocka_unit_test(one_long_message_uses_the_budget_up_too),
        cmocka_unit_test(notices_use_the_budget_up_too),
        cmocka_unit_test(a_server_that_says_nothing_more_loses_the_connection),
        cmocka_unit_test(a_freed_result_loses_the_connection_at_the_next_request),
        cmocka_unit_test(a_stream_that_ends_while_it_is_drained_is_closed),
        cmocka_unit_test(a_statement_that_takes_too_long_is_given_up),
        cmocka_unit_test(so_is_one_that_stops_in_the_middle),
        cmocka_unit_test(a_server_that_does_not_stop_loses_the_connection),
        cmocka_unit_test(an_error_stands_although_its_end_is_late),
        cmocka_unit_test(an_error_stands_although_its_end_never_comes),
        cmocka_unit_test(a_message_half_sent_is_sent_whole_before_copy_fail),
        cmocka_unit_test(a_message_half_sent_and_never_taken_loses_the_connection),
        cmocka_unit_test(a_freed_copy_in_is_failed_by_the_next_request),
        cmocka_unit_test(a_copy_fail_that_is_overlooked_is_followed_by_flush),
        cmocka_unit_test(a_copy_in_that_begins_while_it_is_drained_is_failed),
        cmocka_unit_test(a_connection_without_an_endpoint_cannot_be_cancelled),
        cmocka_unit_test(a_cancel_that_was_not_sent_does_no_harm),
        cmocka_unit_test(a_cancel_that_may_still_hit_loses_the_connection),
        cmocka_unit_test(an_abandoned_result_with_a_cancel_in_the_air_too),
        cmocka_unit_test(what_was_done_late_is_done),
        cmocka_unit_test(so_is_a_ping),
        cmocka_unit_test(so_is_a_copy),
        cmocka_unit_test(a_commit_that_came_late_says_what_became_of_it),
        cmocka_unit_test(of_rows_that_came_late_the_transaction_has_failed),
        cmocka_unit_test(a_result_that_came_late_is_lost),
        cmocka_unit_test(what_stops_late_is_waited_for_by_the_next_call),
        cmocka_unit_test(its_transaction_has_failed),
        cmocka_unit_test(a_short_rest_is_read),
        cmocka_unit_test(a_long_rest_is_cancelled),
        cmocka_unit_test(a_rest_that_does_not_come_is_cancelled),
        cmocka_unit_test(the_budget_holds_for_both),
        cmocka_unit_test(the_end_of_the_connection_cancels),
    };
    return cmocka_run_group_tests_name("conn/cancel", tests, NULL, remove_folder);
}
