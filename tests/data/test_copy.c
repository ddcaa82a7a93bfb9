#include "support/test.h"

#include "support/mem_conn.h"

#include <stdlib.h>

static hyl_error err;

enum { GATHERED = 262144, CHUNK = HYL__COPY_CHUNK };

#define COPY_SQL "COPY t FROM STDIN"

static hyl_copy *open_in(mem_conn *mem)
{
    hyl_buf messages = HYL_BUF_INIT;
    hyl_copy *copy = NULL;
    backend_copy_response(&messages, 'G');
    mem_say(mem, &messages);
    assert_ok(hyl_copy_in_open(mem->conn, COPY_SQL, &copy, &err), &err);
    mem_assert_queried(mem, COPY_SQL);
    return copy;
}

static hyl_copy *open_out(mem_conn *mem, int pieces)
{
    hyl_buf messages = HYL_BUF_INIT;
    hyl_copy *copy = NULL;
    backend_copy_response(&messages, 'H');
    for (int i = 0; i < pieces; i++) {
        backend_copy_data(&messages, &"abcdefgh"[i], 1);
    }
    mem_say(mem, &messages);
    assert_ok(hyl_copy_out_open(mem->conn, "COPY t TO STDOUT", &copy, &err), &err);
    return copy;
}

static void say_copied(mem_conn *mem, const char *tag)
{
    hyl_buf messages = HYL_BUF_INIT;
    backend_message(&messages, 'c', NULL, 0);
    mem_say(mem, &messages);
    mem_say_done(mem, tag, 'I');
}

static uint8_t *pattern(size_t len)
{
    uint8_t *bytes = malloc(len);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(i * 31 + i / 256);
    }
    return bytes;
}

/* Checks that CopyData messages of these sizes were written, with the pattern's bytes in order. */
static void assert_data_written(mem_conn *mem, const size_t *sizes, size_t count)
{
    hyl_bytes rest = hyl_mem_peer_written(mem->peer);
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += sizes[i];
    }
    uint8_t *expected = pattern(total);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(rest.len >= 5 + sizes[i]);
        assert_int_equal(rest.data[0], 'd');
        assert_int_equal(hyl__load_be32(rest.data + 1), 4 + sizes[i]);
        assert_memory_equal(rest.data + 5, expected + at, sizes[i]);
        rest.data += 5 + sizes[i];
        rest.len -= 5 + sizes[i];
        at += sizes[i];
    }
    assert_int_equal(rest.len, 0);
    free(expected);
    mem_forget(mem);
}

/* ---- COPY IN --------------------------------------------------------------------------------- */

/* The peer takes all at once, so that no wait sees that the time is up. */
static void much_in_one_write_does_not_outlast_the_deadline(void **state)
{
    (void)state;
    enum { MUCH = 64 << 20 };
    mem_conn mem = mem_conn_open("request_timeout=10ms drain_timeout=1ms");
    hyl_copy *copy = open_in(&mem);
    uint8_t *bytes = calloc(1, MUCH);
    assert_non_null(bytes);
    assert_status(hyl_copy_write(copy, bytes, MUCH, &err), HYL_ERR_TIMEOUT, &err);
    assert_true(hyl_mem_peer_written(mem.peer).len < MUCH);
    free(bytes);
    hyl_copy_free(copy);
    mem_conn_close(&mem);
}

static void small_writes_are_gathered(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = open_in(&mem);
    uint8_t *bytes = pattern(GATHERED + 100);
    size_t written = 0;
    while (written + 100 <= GATHERED) {
        assert_ok(hyl_copy_write(copy, bytes + written, 100, &err), &err);
        written += 100;
    }
    mem_assert_written(&mem, "", 0);
    assert_ok(hyl_copy_write(copy, bytes + written, 100, &err), &err);
    assert_data_written(&mem, &written, 1);
    assert_ok(hyl_copy_write(copy, bytes, 0, &err), &err);
    int64_t rows = 0;
    hyl_buf messages = HYL_BUF_INIT;
    backend_tag(&messages, "COPY 7");
    backend_ready(&messages, 'I');
    mem_say_after(&mem, 5 + 100 + 5, &messages);
    assert_ok(hyl_copy_finish(copy, &rows, &err), &err);
    assert_int_equal(rows, 7);
    hyl_buf expected = HYL_BUF_INIT;
    assert_ok(hyl_enc_copy_data(&expected, (hyl_bytes){bytes + written, 100}, &err), &err);
    assert_ok(hyl_enc_copy_done(&expected, &err), &err);
    mem_assert_written(&mem, expected.data, expected.len);
    hyl_buf_reset(&expected);
    hyl_copy_free(copy);
    mem_assert_in_step(&mem);
    free(bytes);
    mem_conn_close(&mem);
}

static void large_writes_are_cut(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = open_in(&mem);
    const size_t sizes[] = {5, CHUNK, CHUNK, 17};
    uint8_t *bytes = pattern(5 + 2 * CHUNK + 17);
    assert_ok(hyl_copy_write(copy, bytes, 5, &err), &err);
    assert_ok(hyl_copy_write(copy, bytes + 5, 2 * CHUNK + 17, &err), &err);
    assert_data_written(&mem, sizes, 4);
    free(bytes);
    mem_say_done(&mem, "COPY 1", 'I');
    assert_ok(hyl_copy_finish(copy, NULL, &err), &err);
    mem_assert_written(&mem, "c\0\0\0\4", 5);
    hyl_copy_free(copy);
    mem_conn_close(&mem);
}

static void a_peer_that_takes_little_gets_all(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = open_in(&mem);
    const size_t size = GATHERED + 3;
    uint8_t *bytes = pattern(size);
    hyl_mem_peer_pace(mem.peer, 1, 977, true);
    assert_ok(hyl_copy_write(copy, bytes, size, &err), &err);
    free(bytes);
    assert_data_written(&mem, &size, 1);
    hyl_buf messages = HYL_BUF_INIT;
    backend_tag(&messages, "COPY 1");
    backend_ready(&messages, 'I');
    mem_say_after(&mem, 5, &messages);
    assert_ok(hyl_copy_finish(copy, NULL, &err), &err);
    hyl_copy_free(copy);
    mem_conn_close(&mem);
}

static void a_copy_that_is_over_takes_no_more(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = open_in(&mem);
    int64_t rows = 0;
    hyl_bytes piece;
    assert_status(hyl_copy_read(copy, &piece, &err), HYL_ERR_STATE, &err);
    mem_say_done(&mem, "COPY 3", 'I');
    assert_ok(hyl_copy_finish(copy, &rows, &err), &err);
    assert_status(hyl_copy_write(copy, "x", 1, &err), HYL_ERR_STATE, &err);
    assert_status(hyl_copy_abort(copy, "x", &err), HYL_ERR_STATE, &err);
    rows = 0;
    assert_ok(hyl_copy_finish(copy, &rows, &err), &err);
    assert_int_equal(rows, 3);
    hyl_copy_free(copy);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

/* The server refuses the data; what is still to come is not sent to no purpose. */
static void an_error_of_the_server_ends_the_writing(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = open_in(&mem);
    hyl_buf messages = HYL_BUF_INIT;
    static const char *const fields[] = {
        "S", "ERROR", "C", "22P02", "M", "bad value", "D", "file: 'stdin' line:2 column:1", NULL};
    uint8_t *bytes = pattern(20 * CHUNK);
    backend_diag(&messages, 'E', fields);
    backend_ready(&messages, 'I');
    mem_say_after(&mem, 3 * CHUNK, &messages);
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl_copy_write(copy, bytes, 20 * CHUNK, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "22P02");
    assert_string_equal(hyl_conn_diag(mem.conn)->detail, "file: 'stdin' line:2 column:1");
    const size_t sizes[] = {CHUNK, CHUNK, CHUNK};
    assert_data_written(&mem, sizes, 3);
    assert_int_equal(hyl_conn_health(mem.conn), HYL_HEALTH_OK);
    for (int i = 0; i < 2; i++) {
        assert_status(hyl_copy_write(copy, "x", 1, &err), HYL_ERR_SERVER, &err);
        assert_status(hyl_copy_finish(copy, NULL, &err), HYL_ERR_SERVER, &err);
        assert_status(hyl_copy_abort(copy, "x", &err), HYL_ERR_SERVER, &err);
    }
    mem_assert_in_step(&mem);
    hyl_copy_free(copy);
    free(bytes);
    mem_conn_close(&mem);
}

static void an_error_may_come_at_the_end(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = open_in(&mem);
    int64_t rows = 99;
    assert_ok(hyl_copy_write(copy, "x", 1, &err), &err);
    hyl_buf messages = HYL_BUF_INIT;
    backend_error(&messages, "22P04", "unexpected end-of-file");
    backend_ready(&messages, 'I');
    mem_say_after(&mem, 6 + 5, &messages);
    assert_status(hyl_copy_finish(copy, &rows, &err), HYL_ERR_SERVER, &err);
    assert_int_equal(rows, 99);
    hyl_copy_free(copy);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void count_notice(void *ctx, const hyl_diag *notice)
{
    (void)notice;
    ++*(int *)ctx;
}

static void notices_and_parameters_are_taken_between_writes(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = open_in(&mem);
    int notices = 0;
    hyl_buf messages = HYL_BUF_INIT;
    uint8_t *bytes = pattern(GATHERED);
    hyl_conn_on_notice(mem.conn, count_notice, &notices);
    backend_notice(&messages, "well");
    backend_parameter(&messages, "alive", "?");
    mem_say(&mem, &messages);
    assert_ok(hyl_copy_write(copy, bytes, GATHERED, &err), &err);
    assert_int_equal(notices, 1);
    assert_string_equal(hyl_conn_parameter(mem.conn, "alive"), "?");
    free(bytes);
    mem_say_done(&mem, "COPY 1", 'I');
    assert_ok(hyl_copy_finish(copy, NULL, &err), &err);
    hyl_copy_free(copy);
    mem_conn_close(&mem);
}

static void an_aborted_copy_leaves_the_connection_ready(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = open_in(&mem);
    assert_ok(hyl_copy_write(copy, "never sent", 10, &err), &err);
    mem_say_error(&mem, "57014", "copy failed: no more", 'I');
    assert_ok(hyl_copy_abort(copy, "no more", &err), &err);
    mem_assert_written(&mem, "f\0\0\0\x0cno more\0", 13);
    assert_null(hyl_conn_diag(mem.conn));
    assert_status(hyl_copy_write(copy, "x", 1, &err), HYL_ERR_CANCELLED, &err);
    assert_status(hyl_copy_finish(copy, NULL, &err), HYL_ERR_CANCELLED, &err);
    hyl_copy_free(copy);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

/* The server's last words may be read together with the end of the stream, or before it. */
static void a_write_error_does_not_hide_what_the_server_said(void **state)
{
    (void)state;
    uint8_t *bytes = pattern(3 * CHUNK);
    for (int blocked = 0; blocked < 2; blocked++) {
        mem_conn mem = mem_conn_open(NULL);
        hyl_copy *copy = open_in(&mem);
        hyl_buf messages = HYL_BUF_INIT;
        backend_error(&messages, "53100", "disk full");
        mem_say_after(&mem, 1000, &messages);
        assert_int_equal(hyl_mem_peer_end(mem.peer), HYL_OK);
        hyl_mem_peer_fail_write(mem.peer, 1000, blocked ? HYL_AGAIN : HYL_ERR_CLOSED);
        err = (hyl_error)HYL_ERROR_INIT;
        assert_status(hyl_copy_write(copy, bytes, 3 * CHUNK, &err), HYL_ERR_SERVER, &err);
        assert_string_equal(err.message, "disk full");
        assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
        mem_assert_lost(&mem, HYL_ERR_CLOSED);
        hyl_copy_free(copy);
        mem_conn_close(&mem);
    }
    free(bytes);
}

static void a_stream_that_ends_while_writing_is_closed(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = open_in(&mem);
    uint8_t *bytes = pattern(3 * CHUNK);
    assert_int_equal(hyl_mem_peer_end(mem.peer), HYL_OK);
    hyl_mem_peer_fail_write(mem.peer, 1000, HYL_ERR_CLOSED);
    assert_status(hyl_copy_write(copy, bytes, 3 * CHUNK, &err), HYL_ERR_CLOSED, &err);
    assert_string_equal(err.sqlstate, "08006");
    assert_status(hyl_copy_finish(copy, NULL, &err), HYL_ERR_CLOSED, &err);
    free(bytes);
    hyl_copy_free(copy);
    mem_assert_lost(&mem, HYL_ERR_CLOSED);
    mem_conn_close(&mem);
}

static void what_may_not_come_while_writing_is_out_of_step(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = open_in(&mem);
    uint8_t *bytes = pattern(GATHERED);
    mem_say_ints(&mem, 1);
    assert_status(hyl_copy_write(copy, bytes, GATHERED, &err), HYL_ERR_PROTOCOL, &err);
    free(bytes);
    hyl_copy_free(copy);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    mem_conn_close(&mem);
}

/* ---- A COPY that the server ends ------------------------------------------------------------- */

/* A COPY whose data, one message, the server has answered as if they had an end marker. */
static hyl_copy *open_ended(mem_conn *mem)
{
    hyl_copy *copy = open_in(mem);
    hyl_buf messages = HYL_BUF_INIT;
    const size_t size = GATHERED;
    uint8_t *bytes = pattern(GATHERED);
    backend_tag(&messages, "COPY 3");
    backend_ready(&messages, 'I');
    mem_say_after(mem, 5 + GATHERED, &messages);
    assert_ok(hyl_copy_write(copy, bytes, GATHERED, &err), &err);
    free(bytes);
    assert_data_written(mem, &size, 1);
    return copy;
}

/* The server, which is idle again, is sent nothing that belongs to the COPY. */
static void a_copy_that_the_server_has_ended_is_finished(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = open_ended(&mem);
    int64_t rows = 0;
    assert_ok(hyl_copy_write(copy, "", 0, &err), &err);
    assert_ok(hyl_copy_finish(copy, &rows, &err), &err);
    assert_int_equal(rows, 3);
    mem_assert_written(&mem, "", 0);
    hyl_copy_free(copy);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void a_copy_that_the_server_has_ended_takes_no_more(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = open_ended(&mem);
    assert_status(hyl_copy_write(copy, "x", 1, &err), HYL_ERR_STATE, &err);
    assert_non_null(strstr(err.message, "3 rows"));
    assert_status(hyl_copy_finish(copy, NULL, &err), HYL_ERR_STATE, &err);
    assert_status(hyl_copy_abort(copy, "no", &err), HYL_ERR_STATE, &err);
    mem_assert_written(&mem, "", 0);
    hyl_copy_free(copy);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

/* Of a write that is cut into messages, the server has read the first alone. */
static void the_rest_of_a_write_that_the_server_does_not_read_is_an_error(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = open_in(&mem);
    hyl_buf messages = HYL_BUF_INIT;
    const size_t size = CHUNK;
    uint8_t *bytes = pattern(2 * CHUNK);
    backend_tag(&messages, "COPY 3");
    backend_ready(&messages, 'I');
    mem_say_after(&mem, 5 + CHUNK, &messages);
    assert_status(hyl_copy_write(copy, bytes, 2 * CHUNK, &err), HYL_ERR_STATE, &err);
    assert_false(err.flags & HYL_ERROR_CONNECTION_LOST);
    free(bytes);
    assert_data_written(&mem, &size, 1);
    assert_status(hyl_copy_finish(copy, NULL, &err), HYL_ERR_STATE, &err);
    hyl_copy_free(copy);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

/* Seen before the abort, or crossing with it: the rows are in the table, and whoever aborts is told. */
static void a_copy_that_the_server_has_ended_cannot_be_aborted(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = open_ended(&mem);
    assert_status(hyl_copy_abort(copy, "no", &err), HYL_ERR_STATE, &err);
    mem_assert_written(&mem, "", 0);
    hyl_copy_free(copy);
    copy = open_in(&mem);
    mem_say_done(&mem, "COPY 3", 'I');
    assert_status(hyl_copy_abort(copy, "no", &err), HYL_ERR_STATE, &err);
    assert_non_null(strstr(err.message, "too late"));
    mem_assert_written(&mem, "f\0\0\0\7no", 8);
    hyl_copy_free(copy);
    /* The next one is not mistaken for it. */
    copy = open_in(&mem);
    mem_say_error(&mem, "57014", "copy failed", 'I');
    assert_ok(hyl_copy_abort(copy, "no", &err), &err);
    hyl_copy_free(copy);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

/* ---- COPY OUT -------------------------------------------------------------------------------- */

static void pieces_come_and_then_done(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = open_out(&mem, 3);
    hyl_bytes piece;
    say_copied(&mem, "COPY 2");
    assert_status(hyl_copy_write(copy, "x", 1, &err), HYL_ERR_STATE, &err);
    for (int i = 0; i < 3; i++) {
        assert_ok(hyl_copy_read(copy, &piece, &err), &err);
        assert_int_equal(piece.len, 1);
        assert_int_equal(piece.data[0], 'a' + i);
    }
    assert_status(hyl_copy_read(copy, &piece, &err), HYL_DONE, &err);
    assert_status(hyl_copy_read(copy, &piece, &err), HYL_DONE, &err);
    int64_t rows = 0;
    assert_ok(hyl_copy_finish(copy, &rows, &err), &err);
    assert_int_equal(rows, 2);
    hyl_copy_free(copy);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void finish_reads_what_is_left(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = open_out(&mem, 8);
    hyl_bytes piece;
    int64_t rows = 0;
    say_copied(&mem, "COPY 8");
    assert_ok(hyl_copy_read(copy, &piece, &err), &err);
    assert_ok(hyl_copy_finish(copy, &rows, &err), &err);
    assert_int_equal(rows, 8);
    hyl_copy_free(copy);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void a_copy_out_may_fail_in_the_middle(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = open_out(&mem, 1);
    hyl_bytes piece;
    mem_say_error(&mem, "22012", "division by zero", 'I');
    assert_ok(hyl_copy_read(copy, &piece, &err), &err);
    assert_status(hyl_copy_read(copy, &piece, &err), HYL_ERR_SERVER, &err);
    assert_status(hyl_copy_read(copy, &piece, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.message, "division by zero");
    hyl_copy_free(copy);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void a_copy_out_left_half_read_leaves_no_rest(void **state)
{
    (void)state;
    for (int aborted = 0; aborted < 2; aborted++) {
        mem_conn mem = mem_conn_open(NULL);
        hyl_copy *copy = open_out(&mem, 5);
        hyl_bytes piece;
        assert_ok(hyl_copy_read(copy, &piece, &err), &err);
        mem_say_error(&mem, "57014", "canceled by user", 'I');
        if (aborted) {
            assert_ok(hyl_copy_abort(copy, "enough", &err), &err);
            assert_status(hyl_copy_read(copy, &piece, &err), HYL_ERR_CANCELLED, &err);
        }
        hyl_copy_free(copy);
        mem_assert_in_step(&mem);
        mem_conn_close(&mem);
    }
}

static void wherever_the_stream_ends_a_copy_out_is_closed(void **state)
{
    (void)state;
    hyl_buf whole = HYL_BUF_INIT;
    backend_copy_response(&whole, 'H');
    backend_copy_data(&whole, "abc", 3);
    backend_message(&whole, 'c', NULL, 0);
    backend_tag(&whole, "COPY 1");
    backend_ready(&whole, 'I');
    for (size_t len = 0; len < whole.len; len++) {
        mem_conn mem = mem_conn_open(NULL);
        hyl_copy *copy = NULL;
        hyl_buf part = HYL_BUF_INIT;
        hyl_buf_append(&part, whole.data, len);
        mem_say(&mem, &part);
        assert_int_equal(hyl_mem_peer_end(mem.peer), HYL_OK);
        hyl_status status = hyl_copy_out_open(mem.conn, "COPY t TO STDOUT", &copy, &err);
        if (status == HYL_OK) {
            status = hyl_copy_finish(copy, NULL, &err);
        }
        assert_status(status, HYL_ERR_CLOSED, &err);
        hyl_copy_free(copy);
        mem_assert_lost(&mem, HYL_ERR_CLOSED);
        mem_conn_close(&mem);
    }
    hyl_buf_reset(&whole);
}

/* ---- What is no such COPY -------------------------------------------------------------------- */

static void assert_no_such_copy(hyl_buf *answer, const char *said)
{
    hyl_buf answers[2] = {HYL_BUF_INIT, HYL_BUF_INIT};
    for (int i = 0; i < 2; i++) {
        hyl_buf_append(&answers[i], answer->data, answer->len);
    }
    hyl_buf_reset(answer);
    for (int i = 0; i < 2; i++) {
        mem_conn mem = mem_conn_open(NULL);
        hyl_copy *copy = NULL;
        bool is_out = answers[i].data[0] == 'H';
        bool is_in = answers[i].data[0] == 'G';
        mem_say(&mem, &answers[i]);
        err = (hyl_error)HYL_ERROR_INIT;
        if ((i == 0 && is_in) || (i == 1 && is_out)) {
            mem_conn_close(&mem); /* it is just what was asked for */
            continue;
        }
        hyl_status status = i == 0 ? hyl_copy_in_open(mem.conn, "X", &copy, &err)
                                   : hyl_copy_out_open(mem.conn, "X", &copy, &err);
        assert_status(status, HYL_ERR_ARG, &err);
        assert_non_null(strstr(err.message, said));
        assert_null(copy);
        mem_assert_in_step(&mem);
        mem_conn_close(&mem);
    }
}

static void another_statement_is_no_copy(void **state)
{
    (void)state;
    hyl_buf answer = HYL_BUF_INIT;
    backend_tag(&answer, "SET");
    backend_ready(&answer, 'I');
    assert_no_such_copy(&answer, "it was run");
    backend_message(&answer, 'I', NULL, 0);
    backend_ready(&answer, 'I');
    assert_no_such_copy(&answer, "it was run");
    backend_int_description(&answer);
    backend_int_row(&answer, 1);
    backend_error(&answer, "57014", "canceled by user");
    backend_ready(&answer, 'I');
    assert_no_such_copy(&answer, "cancelled");
    backend_copy_response(&answer, 'G');
    backend_error(&answer, "57014", "copy failed");
    backend_ready(&answer, 'I');
    assert_no_such_copy(&answer, "cancelled");
    backend_copy_response(&answer, 'H');
    backend_copy_data(&answer, "x", 1);
    backend_error(&answer, "57014", "canceled by user");
    backend_ready(&answer, 'I');
    assert_no_such_copy(&answer, "cancelled");
}

static void a_copy_that_the_server_refuses_is_not_opened(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = NULL;
    mem_say_error(&mem, "42P01", "no such table", 'I');
    assert_status(hyl_copy_in_open(mem.conn, COPY_SQL, &copy, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "42P01");
    mem_say_error(&mem, "42P01", "no such table", 'I');
    assert_status(hyl_copy_out_open(mem.conn, "COPY t TO STDOUT", &copy, &err), HYL_ERR_SERVER,
                  &err);
    assert_null(copy);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(much_in_one_write_does_not_outlast_the_deadline),
        cmocka_unit_test(small_writes_are_gathered),
        cmocka_unit_test(large_writes_are_cut),
        cmocka_unit_test(a_peer_that_takes_little_gets_all),
        cmocka_unit_test(a_copy_that_is_over_takes_no_more),
        cmocka_unit_test(an_error_of_the_server_ends_the_writing),
        cmocka_unit_test(an_error_may_come_at_the_end),
        cmocka_unit_test(notices_and_parameters_are_taken_between_writes),
        cmocka_unit_test(an_aborted_copy_leaves_the_connection_ready),
        cmocka_unit_test(a_write_error_does_not_hide_what_the_server_said),
        cmocka_unit_test(a_stream_that_ends_while_writing_is_closed),
        cmocka_unit_test(what_may_not_come_while_writing_is_out_of_step),
        cmocka_unit_test(a_copy_that_the_server_has_ended_is_finished),
        cmocka_unit_test(a_copy_that_the_server_has_ended_takes_no_more),
        cmocka_unit_test(the_rest_of_a_write_that_the_server_does_not_read_is_an_error),
        cmocka_unit_test(a_copy_that_the_server_has_ended_cannot_be_aborted),
        cmocka_unit_test(pieces_come_and_then_done),
        cmocka_unit_test(finish_reads_what_is_left),
        cmocka_unit_test(a_copy_out_may_fail_in_the_middle),
        cmocka_unit_test(a_copy_out_left_half_read_leaves_no_rest),
        cmocka_unit_test(wherever_the_stream_ends_a_copy_out_is_closed),
        cmocka_unit_test(another_statement_is_no_copy),
        cmocka_unit_test(a_copy_that_the_server_refuses_is_not_opened),
    };
    return cmocka_run_group_tests_name("data/copy", tests, NULL, NULL);
}
