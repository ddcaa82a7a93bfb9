#include "support/test.h"

#include "support/logs.h"
#include "support/mem_conn.h"

#include "base/clock.h"

static hyl_error err;

/* The answer to a statement with three rows and a notice. */
static hyl_buf three_rows(void)
{
    hyl_buf messages = HYL_BUF_INIT;
    backend_int_description(&messages);
    backend_int_row(&messages, 1);
    backend_int_row(&messages, 2);
    backend_notice(&messages, "half way");
    backend_int_row(&messages, 3);
    backend_tag(&messages, "SELECT 3");
    backend_ready(&messages, 'I');
    return messages;
}

/* Runs a statement and counts its rows, which are 1, 2, 3 ... Returns how it ended. */
static hyl_status read_rows(hyl_conn *conn, int *count)
{
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    *count = 0;
    err = (hyl_error)HYL_ERROR_INIT;
    HYL_TRY(hyl_query(conn, "SELECT", &result, &err));
    hyl_status status = hyl_result_next(result, &row, &err);
    while (status == HYL_OK) {
        int32_t value = 0;
        assert_ok(hyl_row_get_i32(row, 0, &value, &err), &err);
        assert_int_equal(value, ++*count);
        status = hyl_result_next(result, &row, &err);
    }
    hyl_result_free(result);
    return status;
}

/* ---- However it comes ------------------------------------------------------------------------ */

static void bytes_may_come_and_go_one_by_one(void **state)
{
    (void)state;
    static const struct {
        size_t read_max;
        size_t write_max;
        bool stutter;
    } paces[] = {{1, 1, false}, {1, 1, true}, {3, 0, true}, {0, 2, true}, {7, 5, false}};
    for (size_t i = 0; i < sizeof paces / sizeof paces[0]; i++) {
        mem_conn mem = mem_conn_open(NULL);
        hyl_buf messages = three_rows();
        int count = 0;
        mem_say_after(&mem, backend_query_size("SELECT"), &messages);
        hyl_mem_peer_pace(mem.peer, paces[i].read_max, paces[i].write_max, paces[i].stutter);
        assert_status(read_rows(mem.conn, &count), HYL_DONE, &err);
        assert_int_equal(count, 3);
        mem_assert_queried(&mem, "SELECT");
        mem_assert_in_step(&mem);
        mem_conn_close(&mem);
    }
}

/* ---- The end of the stream ------------------------------------------------------------------- */

/* How many of the three rows are whole in the first `len` bytes of their stream. */
static int rows_in(const hyl_buf *stream, size_t len)
{
    int rows = 0;
    hyl_bytes rest = {stream->data, len};
    hyl_msg_head head;
    while (hyl_msg_peek(rest, HYL_MAX_MESSAGE, &head, NULL) == HYL_OK &&
           rest.len >= head.body_len + HYL_MESSAGE_HEADER_SIZE) {
        rows += head.type == 'D';
        rest.data += head.body_len + HYL_MESSAGE_HEADER_SIZE;
        rest.len -= head.body_len + HYL_MESSAGE_HEADER_SIZE;
    }
    return rows;
}

static void wherever_the_stream_ends_it_is_closed_after_the_last_whole_row(void **state)
{
    (void)state;
    hyl_buf whole = three_rows();
    for (size_t len = 0; len < whole.len; len++) {
        mem_conn mem = mem_conn_open(NULL);
        hyl_buf part = HYL_BUF_INIT;
        int count = 0;
        hyl_buf_append(&part, whole.data, len);
        mem_say(&mem, &part);
        assert_int_equal(hyl_mem_peer_end(mem.peer), HYL_OK);
        assert_status(read_rows(mem.conn, &count), HYL_ERR_CLOSED, &err);
        assert_string_equal(err.sqlstate, "08006");
        assert_string_equal(err.message, "the server closed the connection");
        assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
        assert_int_equal(count, rows_in(&whole, len));
        mem_assert_lost(&mem, HYL_ERR_CLOSED);
        mem_conn_close(&mem);
    }
    hyl_buf_reset(&whole);
}

static void a_read_error_is_the_end_too(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    int count = 0;
    logs_start(HYL_LOG_TRACE);
    assert_int_equal(hyl_mem_peer_fail_read(mem.peer, HYL_ERR_IO), HYL_OK);
    assert_status(read_rows(mem.conn, &count), HYL_ERR_IO, &err);
    assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
    assert_int_equal(logs_count("warn connection-closed"), 1);
    logs_stop();
    mem_assert_lost(&mem, HYL_ERR_CLOSED);
    mem_conn_close(&mem);
}

/* A result whose stream broke gives the same error again, not a clean end. */
static void a_broken_result_stays_broken(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    hyl_buf messages = HYL_BUF_INIT;
    backend_int_description(&messages);
    mem_say(&mem, &messages);
    assert_int_equal(hyl_mem_peer_end(mem.peer), HYL_OK);
    assert_ok(hyl_query(mem.conn, "SELECT", &result, &err), &err);
    for (int i = 0; i < 3; i++) {
        err = (hyl_error)HYL_ERROR_INIT;
        assert_status(hyl_result_next(result, &row, &err), HYL_ERR_CLOSED, &err);
        assert_string_equal(err.sqlstate, "08006");
    }
    hyl_result_free(result);
    mem_conn_close(&mem);
}

static bool tell_why(void *ctx, char *text, size_t cap)
{
    snprintf(text, cap, "%s", (const char *)ctx);
    return true;
}

static bool know_nothing(void *ctx, char *text, size_t cap)
{
    (void)ctx;
    (void)text;
    (void)cap;
    return false;
}

static void assert_gone(hyl__why_gone_fn fn, const char *message)
{
    static char words[] = "ended by SIGKILL";
    hyl_config *config = mem_config(NULL);
    hyl_mem_peer *peer = NULL;
    hyl_conn *conn = NULL;
    hyl__config_set_why_gone(config, fn, words, NULL, NULL);
    assert_int_equal(hyl_mem_peer_new(&peer), HYL_OK);
    assert_int_equal(hyl_mem_peer_end(peer), HYL_OK);
    hyl_transport transport = hyl_mem_peer_transport(peer);
    assert_status(hyl__conn_open(config, &transport, INT64_MAX, &conn, &err), HYL_ERR_CLOSED, &err);
    assert_string_equal(err.message, message);
    assert_string_equal(err.sqlstate, "08006");
    hyl_mem_peer_free(peer);
    hyl_config_free(config);
}

static void who_owns_the_server_may_say_why_it_is_gone(void **state)
{
    (void)state;
    assert_gone(tell_why, "the server closed the connection: ended by SIGKILL");
    assert_gone(know_nothing, "the server closed the connection");
}

/* ---- The server's last words ----------------------------------------------------------------- */

static void assert_last_words(mem_conn *mem)
{
    int count = 0;
    assert_status(read_rows(mem->conn, &count), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "57P01");
    assert_string_equal(err.message, "shutting down");
    assert_true(err.flags & HYL_ERROR_FROM_SERVER);
    assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
    assert_string_equal(hyl_conn_diag(mem->conn)->message, "shutting down");
    mem_assert_lost(mem, HYL_ERR_CLOSED);
}

static void an_error_before_the_end_is_what_is_reported(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_buf messages = HYL_BUF_INIT;
    backend_int_description(&messages);
    backend_int_row(&messages, 1);
    backend_error(&messages, "57P01", "shutting down");
    mem_say(&mem, &messages);
    assert_int_equal(hyl_mem_peer_end(mem.peer), HYL_OK);
    assert_last_words(&mem);
    mem_conn_close(&mem);
}

/* The server has said goodbye while nothing was under way: the next statement cannot be sent. */
static void a_write_error_does_not_hide_what_the_server_said(void **state)
{
    (void)state;
    static const hyl_status failures[] = {HYL_ERR_CLOSED, HYL_ERR_IO};
    for (size_t i = 0; i < 2; i++) {
        mem_conn mem = mem_conn_open(NULL);
        hyl_buf messages = HYL_BUF_INIT;
        backend_error(&messages, "57P01", "shutting down");
        mem_say(&mem, &messages);
        assert_int_equal(hyl_mem_peer_end(mem.peer), HYL_OK);
        hyl_mem_peer_fail_write(mem.peer, 0, failures[i]);
        assert_last_words(&mem);
        mem_conn_close(&mem);
    }
}

static void a_write_error_with_no_words_is_the_end(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    int count = 0;
    assert_int_equal(hyl_mem_peer_end(mem.peer), HYL_OK);
    hyl_mem_peer_fail_write(mem.peer, 3, HYL_ERR_IO);
    assert_status(read_rows(mem.conn, &count), HYL_ERR_CLOSED, &err);
    mem_assert_lost(&mem, HYL_ERR_CLOSED);
    mem_conn_close(&mem);
}

/* A transport on which nothing can be written, and that never says that it has ended. */
static void a_write_error_is_not_waited_out(void **state)
{
    (void)state;
    static const hyl_status failures[] = {HYL_ERR_CLOSED, HYL_ERR_IO};
    for (size_t i = 0; i < 2; i++) {
        mem_conn mem = mem_conn_open(NULL);
        hyl_mem_peer_fail_write(mem.peer, 3, failures[i]);
        err = (hyl_error)HYL_ERROR_INIT;
        assert_status(hyl_exec(mem.conn, "SELECT 1", NULL, &err), failures[i], &err);
        assert_string_equal(err.sqlstate, "08006");
        assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
        mem_assert_lost(&mem, HYL_ERR_CLOSED);
        mem_conn_close(&mem);
    }
}

/* The same in a COPY, which sends and does not wait for an answer. */
static void nor_is_one_in_a_copy(void **state)
{
    (void)state;
    static const char block[300000];
    mem_conn mem = mem_conn_open(NULL);
    hyl_buf messages = HYL_BUF_INIT;
    hyl_copy *copy = NULL;
    backend_copy_response(&messages, 'G');
    mem_say(&mem, &messages);
    assert_ok(hyl_copy_in_open(mem.conn, "COPY", &copy, &err), &err);
    hyl_mem_peer_fail_write(mem.peer, 1000, HYL_ERR_IO);
    assert_status(hyl_copy_write(copy, block, sizeof block, &err), HYL_ERR_IO, &err);
    assert_string_equal(err.sqlstate, "08006");
    hyl_copy_free(copy);
    mem_assert_lost(&mem, HYL_ERR_CLOSED);
    mem_conn_close(&mem);
}

/* ---- Between requests ------------------------------------------------------------------------ */

/* Says `messages` before anything was asked, from the byte `from` on up to `to`. */
static void say_unasked(mem_conn *mem, const hyl_buf *messages, size_t from, size_t to)
{
    hyl_bytes part = {messages->data + from, to - from};
    if (part.len > 0) {
        assert_int_equal(hyl_mem_peer_reply(mem->peer, 0, part), HYL_OK);
    }
    gate_let_by(mem->gate);
}

static void a_goodbye_is_told_before_anything_is_sent(void **state)
{
    (void)state;
    for (int ends = 0; ends < 2; ends++) {
        mem_conn mem = mem_conn_open(NULL);
        hyl_buf messages = HYL_BUF_INIT;
        backend_notice(&messages, "soon");
        backend_fatal(&messages, "57P01", "shutting down");
        say_unasked(&mem, &messages, 0, messages.len);
        if (ends) {
            assert_int_equal(hyl_mem_peer_end(mem.peer), HYL_OK);
        }
        err = (hyl_error)HYL_ERROR_INIT;
        assert_status(hyl_ping(mem.conn, &err), HYL_ERR_CLOSED, &err);
        assert_string_equal(err.message, "the server closed the connection: shutting down");
        assert_string_equal(err.sqlstate, "57P01");
        assert_string_equal(err.severity, "FATAL");
        assert_int_equal(err.status, HYL_ERR_CLOSED);
        assert_int_equal(err.flags & (HYL_ERROR_FROM_SERVER | HYL_ERROR_CONNECTION_LOST),
                         HYL_ERROR_FROM_SERVER | HYL_ERROR_CONNECTION_LOST);
        assert_string_equal(hyl_conn_diag(mem.conn)->sqlstate, "57P01");
        assert_int_equal(hyl_mem_peer_written(mem.peer).len, 0);
        mem_assert_lost(&mem, HYL_ERR_CLOSED);
        mem_conn_close(&mem);
        hyl_buf_reset(&messages);
    }
}

static void an_end_between_requests_is_told_before_anything_is_sent(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    assert_int_equal(hyl_mem_peer_end(mem.peer), HYL_OK);
    gate_let_by(mem.gate);
    assert_status(hyl_exec(mem.conn, "INSERT", NULL, &err), HYL_ERR_CLOSED, &err);
    assert_int_equal(hyl_mem_peer_written(mem.peer).len, 0);
    mem_conn_close(&mem);
}

/* Wherever it is cut: the half that has come says that it may come, and the rest is waited for. */
static void half_a_notice_is_no_answer(void **state)
{
    (void)state;
    hyl_buf notice = HYL_BUF_INIT;
    backend_notice(&notice, "half");
    for (size_t cut = 0; cut <= notice.len; cut++) {
        mem_conn mem = mem_conn_open(NULL);
        say_unasked(&mem, &notice, 0, cut);
        hyl_bytes rest = {notice.data + cut, notice.len - cut};
        if (rest.len > 0) {
            assert_int_equal(hyl_mem_peer_reply(mem.peer, 0, rest), HYL_OK);
        }
        mem_assert_in_step(&mem);
        mem_conn_close(&mem);
    }
    hyl_buf_reset(&notice);
}

static void half_a_goodbye_is_waited_for(void **state)
{
    (void)state;
    hyl_buf goodbye = HYL_BUF_INIT;
    backend_fatal(&goodbye, "57P01", "shutting down");
    for (size_t cut = 1; cut < goodbye.len; cut++) {
        mem_conn mem = mem_conn_open(NULL);
        say_unasked(&mem, &goodbye, 0, cut);
        hyl_bytes rest = {goodbye.data + cut, goodbye.len - cut};
        /* Without the rest nothing is sent, and nothing lost. */
        assert_status(hyl_ping(mem.conn, &err), HYL_ERR_TIMEOUT, &err);
        assert_int_equal(hyl_mem_peer_reply(mem.peer, 0, rest), HYL_OK);
        assert_status(hyl_ping(mem.conn, &err), HYL_ERR_CLOSED, &err);
        assert_int_equal(hyl_mem_peer_written(mem.peer).len, 0);
        mem_conn_close(&mem);
    }
    hyl_buf_reset(&goodbye);
}

/* Each statement of a request that takes several looks anew. */
static void an_answer_between_two_statements_of_a_call_is_seen(void **state)
{
    (void)state;
    const hyl_query_opts opts = {.struct_size = sizeof opts, .flags = HYL_QUERY_GEOGRAPHY_TEXT};
    hyl_result *result = NULL;
    mem_conn mem = mem_conn_open(NULL);
    hyl_buf messages = HYL_BUF_INIT;
    gate_loosen(mem.gate, true);
    backend_message(&messages, '1', NULL, 0);
    backend_message(&messages, 't', "\0\0", 2);
    backend_int_description(&messages);
    backend_ready(&messages, 'I');
    backend_message(&messages, '2', NULL, 0);
    backend_int_row(&messages, 5);
    backend_tag(&messages, "SELECT 1");
    backend_ready(&messages, 'I');
    mem_say(&mem, &messages);
    assert_status(hyl_query_with(mem.conn, "SELECT 5", &opts, &result, &err), HYL_ERR_DESYNC, &err);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    mem_conn_close(&mem);
}

/* Writing fails, and an answer lies there all the same: it is not that of what was not sent. */
static void an_answer_to_what_could_not_be_sent_is_nobodys(void **state)
{
    (void)state;
    int64_t value = 0;
    mem_conn mem = mem_conn_open(NULL);
    mem_say_ints(&mem, 1);
    hyl_mem_peer_fail_write(mem.peer, 3, HYL_ERR_CLOSED);
    assert_status(hyl_query_i64(mem.conn, "SELECT 1", &value, &err), HYL_ERR_PROTOCOL, &err);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    mem_conn_close(&mem);
}

/* ---- Bounds ---------------------------------------------------------------------------------- */

/* The peer's transport, with a read that never pauses: notices without end. */
static struct {
    hyl_transport_ops ops;
    hyl_buf notices;
} ceaseless;

static hyl_status ceaseless_read(void *self, void *dst, size_t cap, size_t *got, hyl_error *error)
{
    (void)self;
    (void)error;
    size_t size = ceaseless.notices.len < cap ? ceaseless.notices.len : cap;
    memcpy(dst, ceaseless.notices.data, size);
    *got = size;
    return HYL_OK;
}

static void a_server_that_never_pauses_meets_the_deadline(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("request_timeout=20ms drain_timeout=20ms");
    ceaseless.ops = *mem.conn->transport.ops;
    ceaseless.ops.read = ceaseless_read;
    backend_notice(&ceaseless.notices, "still here");
    mem.conn->transport.ops = &ceaseless.ops;
    int64_t start = hyl__now_ms();
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl_exec(mem.conn, "SELECT 1", NULL, &err), HYL_ERR_TIMEOUT, &err);
    assert_in_range(hyl__now_ms() - start, 20, 2000);
    assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    mem_conn_close(&mem);
    hyl_buf_reset(&ceaseless.notices);
}

/* The peer takes a byte now and then, so that no wait for it is in vain. */
static void a_server_that_takes_ever_so_little_meets_it_too(void **state)
{
    (void)state;
    static char sql[1 << 20];
    memset(sql, ' ', sizeof sql - 1);
    memcpy(sql, "SELECT 1", 8);
    mem_conn mem = mem_conn_open("request_timeout=20ms drain_timeout=20ms");
    hyl_mem_peer_pace(mem.peer, 0, 1, true);
    int64_t start = hyl__now_ms();
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl_exec(mem.conn, sql, NULL, &err), HYL_ERR_TIMEOUT, &err);
    assert_in_range(hyl__now_ms() - start, 20, 2000);
    assert_true(hyl_mem_peer_written(mem.peer).len < sizeof sql);
    assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    mem_conn_close(&mem);
}

static void silence_is_told_from_a_deadline(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("idle_timeout=20ms request_timeout=60min drain_timeout=1ms");
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl_exec(mem.conn, "SELECT 1", NULL, &err), HYL_ERR_TIMEOUT, &err);
    assert_non_null(strstr(err.message, "20 ms"));
    assert_non_null(strstr(err.message, "idle_timeout"));
    mem_conn_close(&mem);
    mem = mem_conn_open("idle_timeout=60min request_timeout=20ms drain_timeout=1ms");
    assert_status(hyl_exec(mem.conn, "SELECT 1", NULL, &err), HYL_ERR_TIMEOUT, &err);
    assert_null(strstr(err.message, "idle_timeout"));
    mem_conn_close(&mem);
}

/* A server that takes nothing of a COPY and speaks: what it says is held up to a limit. */
static void what_is_held_while_a_send_is_blocked_has_a_limit(void **state)
{
    (void)state;
    static const char block[300000];
    mem_conn mem = mem_conn_open("max_unread=256kB drain_timeout=1ms");
    hyl_buf messages = HYL_BUF_INIT;
    hyl_copy *copy = NULL;
    backend_copy_response(&messages, 'G');
    mem_say(&mem, &messages);
    assert_ok(hyl_copy_in_open(mem.conn, "COPY", &copy, &err), &err);
    while (messages.len < 2000000) {
        backend_notice(&messages, "and another thing");
    }
    mem_say(&mem, &messages);
    hyl_mem_peer_fail_write(mem.peer, 1000, HYL_AGAIN);
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl_copy_write(copy, block, sizeof block, &err), HYL_ERR_LIMIT, &err);
    assert_non_null(strstr(err.message, "262144"));
    assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
    hyl_copy_free(copy);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    mem_conn_close(&mem);
}

/* ---- Out of step ----------------------------------------------------------------------------- */

static void assert_out_of_step(hyl_buf *messages)
{
    mem_conn mem = mem_conn_open(NULL);
    int count = 0;
    mem_say(&mem, messages);
    assert_status(read_rows(mem.conn, &count), HYL_ERR_PROTOCOL, &err);
    assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    hyl_conn_close(mem.conn);
    assert_int_equal(hyl_mem_peer_written(mem.peer).len, 0);
    mem_conn_close(&mem);
}

static void what_may_not_come_marks_the_connection(void **state)
{
    (void)state;
    hyl_buf messages = HYL_BUF_INIT;
    backend_ready(&messages, 'I');
    assert_out_of_step(&messages);
    backend_int_row(&messages, 1);
    assert_out_of_step(&messages);
    backend_int_description(&messages);
    backend_ready(&messages, 'I');
    assert_out_of_step(&messages);
    hyl_buf_append_str(&messages, "garbage, and more of it");
    assert_out_of_step(&messages);
    backend_int_description(&messages);
    backend_message(&messages, 'D', "\0\2\0\0\0\0\0\0\0\0", 10); /* two cells, where one is */
    assert_out_of_step(&messages);
    backend_int_description(&messages);
    backend_message(&messages, 'D', "\0\1\0\0\0\x09\1\0\0\0", 10); /* a cell beyond its row */
    assert_out_of_step(&messages);
}

static void a_message_over_the_limit_is_refused(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("max_message=1kB");
    hyl_buf messages = HYL_BUF_INIT;
    int count = 0;
    backend_int_description(&messages);
    hyl_buf_append(&messages, "D\0\0\4\5", 5); /* a body of 1,025 bytes */
    mem_say(&mem, &messages);
    assert_status(read_rows(mem.conn, &count), HYL_ERR_PROTOCOL, &err);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    mem_conn_close(&mem);
}

/* ---- What comes on its own ------------------------------------------------------------------- */

typedef struct noted {
    int count;
    char last[100];
} noted;

static void note(void *ctx, const hyl_diag *notice)
{
    noted *to = ctx;
    to->count++;
    snprintf(to->last, sizeof to->last, "%s %s %s|%s|%s", notice->severity, notice->sqlstate,
             notice->message, notice->detail, notice->hint);
}

static void notices_go_to_their_hook(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    noted heard = {0, ""};
    int count = 0;
    hyl_buf messages = three_rows();
    mem_say(&mem, &messages);
    hyl_conn_on_notice(mem.conn, note, &heard);
    assert_status(read_rows(mem.conn, &count), HYL_DONE, &err);
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.last, "WARNING 25P01 half way||");
    assert_null(hyl_conn_diag(mem.conn));
    messages = three_rows();
    mem_say(&mem, &messages);
    hyl_conn_on_notice(mem.conn, NULL, NULL);
    assert_status(read_rows(mem.conn, &count), HYL_DONE, &err);
    assert_int_equal(heard.count, 1);
    mem_conn_close(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_may_come_and_go_one_by_one),
        cmocka_unit_test(wherever_the_stream_ends_it_is_closed_after_the_last_whole_row),
        cmocka_unit_test(a_read_error_is_the_end_too),
        cmocka_unit_test(a_broken_result_stays_broken),
        cmocka_unit_test(who_owns_the_server_may_say_why_it_is_gone),
        cmocka_unit_test(an_error_before_the_end_is_what_is_reported),
        cmocka_unit_test(a_write_error_does_not_hide_what_the_server_said),
        cmocka_unit_test(a_write_error_with_no_words_is_the_end),
        cmocka_unit_test(a_write_error_is_not_waited_out),
        cmocka_unit_test(nor_is_one_in_a_copy),
        cmocka_unit_test(a_goodbye_is_told_before_anything_is_sent),
        cmocka_unit_test(an_end_between_requests_is_told_before_anything_is_sent),
        cmocka_unit_test(half_a_notice_is_no_answer),
        cmocka_unit_test(half_a_goodbye_is_waited_for),
        cmocka_unit_test(an_answer_between_two_statements_of_a_call_is_seen),
        cmocka_unit_test(an_answer_to_what_could_not_be_sent_is_nobodys),
        cmocka_unit_test(a_server_that_never_pauses_meets_the_deadline),
        cmocka_unit_test(a_server_that_takes_ever_so_little_meets_it_too),
        cmocka_unit_test(silence_is_told_from_a_deadline),
        cmocka_unit_test(what_is_held_while_a_send_is_blocked_has_a_limit),
        cmocka_unit_test(what_may_not_come_marks_the_connection),
        cmocka_unit_test(a_message_over_the_limit_is_refused),
        cmocka_unit_test(notices_go_to_their_hook),
    };
    return cmocka_run_group_tests_name("conn/loop", tests, NULL, NULL);
}
