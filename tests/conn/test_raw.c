/* What a raw connection is, and what an unhealthy one refuses. */
#include "support/test.h"

#include "support/alloc.h"
#include "support/raw_rig.h"

#include "conn/raw.h"

static hyl_error err;

/* ---- Making and freeing ---- */

static void a_connection_needs_a_transport(void **state)
{
    (void)state;
    hyl_raw *raw = NULL;
    hyl_transport none = {NULL, NULL};
    assert_status(hyl_raw_new(&none, NULL, &raw, &err), HYL_ERR_ARG, &err);
    assert_status(hyl_raw_new(NULL, NULL, &raw, &err), HYL_ERR_ARG, &err);
    assert_null(raw);
}

static int closes;

static void count_close(void *self)
{
    (void)self;
    closes++;
}

static void free_closes_the_transport_and_sends_nothing(void **state)
{
    (void)state;
    static const hyl_transport_ops ops = {.close = count_close};
    hyl_transport transport = {&ops, NULL};
    hyl_raw *raw = NULL;
    closes = 0;
    assert_ok(hyl_raw_new(&transport, NULL, &raw, &err), &err);
    assert_int_equal(closes, 0);
    hyl_raw_free(raw);
    assert_int_equal(closes, 1);
    hyl_raw_free(NULL);

    raw_rig rig = raw_rig_started(NULL);
    hyl_raw_free(rig.raw);
    rig.raw = NULL;
    WROTE(&rig, "");
    raw_rig_free(&rig);
}

static void without_memory_the_transport_stays_the_callers(void **state)
{
    (void)state;
    static const hyl_transport_ops ops = {.close = count_close};
    closes = 0;
    for (size_t fail_at = 1; fail_at <= 3; fail_at++) {
        hyl_transport transport = {&ops, NULL};
        hyl_raw *raw = NULL;
        alloc_start(fail_at);
        assert_status(hyl_raw_new(&transport, NULL, &raw, &err), HYL_ERR_NOMEM, &err);
        assert_true(alloc_failed());
        alloc_stop();
        assert_null(raw);
        assert_ptr_equal(transport.ops, &ops);
    }
    assert_int_equal(closes, 0);
}

static void buffers_have_64_kb(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_new(NULL);
    assert_int_equal(hyl_raw_write_buffer(rig.raw)->cap, 65536);
    assert_int_equal(rig.raw->frame.cap, 65536);
    assert_ok(hyl_raw_reserve_write_buffer(rig.raw, 1 << 20, &err), &err);
    assert_true(hyl_raw_write_buffer(rig.raw)->cap >= 1 << 20);
    assert_status(hyl_raw_reserve_write_buffer(rig.raw, SIZE_MAX, &err), HYL_ERR_NOMEM, &err);
    assert_true(hyl_raw_is_healthy(rig.raw));
    raw_rig_free(&rig);
}

static void options_of_an_older_caller_are_taken(void **state)
{
    (void)state;
    hyl_raw_opts opts = HYL_RAW_OPTS_INIT;
    opts.timeout_ms = 77;
    opts.max_message = 10; /* beyond what this caller knows of */
    opts.struct_size = offsetof(hyl_raw_opts, max_message);
    raw_rig rig = raw_rig_new(&opts);
    assert_int_equal(rig.raw->opts.timeout_ms, 77);
    assert_int_equal(rig.raw->opts.max_message, HYL_MAX_MESSAGE);
    assert_int_equal(rig.raw->opts.max_copy_data, 157286400);
    raw_rig_free(&rig);
}

static void a_new_connection_knows_nothing(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_new(NULL);
    assert_true(hyl_raw_is_healthy(rig.raw));
    assert_false(hyl_raw_has_key(rig.raw));
    assert_int_equal(hyl_raw_process_id(rig.raw), 0);
    assert_int_equal(hyl_raw_secret_key(rig.raw), 0);
    assert_null(hyl_raw_parameter_status(rig.raw, "a"));
    assert_null(hyl_raw_diag(rig.raw));
    assert_ptr_equal(hyl_raw_stream(rig.raw), &rig.raw->transport);
    WROTE(&rig, "");
    raw_rig_free(&rig);
}

/* ---- The write buffer ---- */

static void what_is_written_waits_for_flush(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    assert_ok(hyl_enc_sync(hyl_raw_write_buffer(rig.raw), &err), &err);
    assert_ok(hyl_enc_flush(hyl_raw_write_buffer(rig.raw), &err), &err);
    WROTE(&rig, "");
    assert_ok(hyl_raw_flush(rig.raw, &err), &err);
    WROTE(&rig, C_SYNC "H\0\0\0\4");
    assert_ok(hyl_raw_flush(rig.raw, &err), &err);
    WROTE(&rig, "");
    raw_rig_free(&rig);
}

static void requests_go_behind_what_waits(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    assert_ok(hyl_enc_sync(hyl_raw_write_buffer(rig.raw), &err), &err);
    assert_ok(hyl_raw_start_simple_query(rig.raw, HYL_STR("q"), &err), &err);
    WROTE(&rig, C_SYNC "Q\0\0\0\6q\0");
    raw_rig_free(&rig);
}

static void a_buffer_with_a_failed_append_is_not_sent(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_buf *out = hyl_raw_write_buffer(rig.raw);
    hyl_buf_append_byte(out, 'S');
    out->failed = true;
    assert_status(hyl_raw_flush(rig.raw, &err), HYL_ERR_NOMEM, &err);
    WROTE(&rig, "");
    hyl_buf_clear(out);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

/* ---- Terminate ---- */

static void terminate_is_the_last_word(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_raw_messages *messages = NULL;
    assert_ok(hyl_raw_terminate(rig.raw, &err), &err);
    WROTE(&rig, C_TERMINATE);
    assert_false(hyl_raw_is_healthy(rig.raw));
    assert_status(hyl_raw_simple_query(rig.raw, HYL_STR("q"), &messages, &err), HYL_ERR_CLOSED,
                  &err);
    assert_status(hyl_raw_flush(rig.raw, &err), HYL_ERR_CLOSED, &err);
    assert_ok(hyl_raw_terminate(rig.raw, &err), &err);
    WROTE(&rig, "");
    raw_rig_free(&rig);
}

static void terminate_works_on_a_marked_connection(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    assert_ok(hyl_enc_sync(hyl_raw_write_buffer(rig.raw), &err), &err);
    assert_false(hyl_raw_drain_until_ready_bounded(rig.raw, 0));
    assert_ok(hyl_raw_terminate(rig.raw, &err), &err);
    WROTE(&rig, C_TERMINATE);
    raw_rig_free(&rig);
}

static void terminate_sends_nothing_into_a_cut_message(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_mem_peer_fail_write(rig.peer, 3, HYL_AGAIN);
    assert_status(hyl_raw_start_simple_query(rig.raw, HYL_STR("q"), &err), HYL_ERR_TIMEOUT, &err);
    WROTE(&rig, "Q\0\0");
    hyl_mem_peer_fail_write(rig.peer, 1000, HYL_AGAIN);
    assert_ok(hyl_raw_terminate(rig.raw, &err), &err);
    WROTE(&rig, "");
    raw_rig_free(&rig);
}

static void terminate_after_the_end_does_nothing(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_msg message;
    assert_int_equal(hyl_mem_peer_end(rig.peer), HYL_OK);
    assert_status(hyl_raw_read_message(rig.raw, &message, &err), HYL_ERR_CLOSED, &err);
    assert_ok(hyl_raw_terminate(rig.raw, &err), &err);
    WROTE(&rig, "");
    raw_rig_free(&rig);
}

static void a_terminate_that_cannot_be_sent_says_so(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_mem_peer_fail_write(rig.peer, 0, HYL_ERR_IO);
    assert_status(hyl_raw_terminate(rig.raw, &err), HYL_ERR_IO, &err);
    raw_rig_free(&rig);
}

/* ---- The matrix: each way out of step, each call after it ---- */

typedef void (*break_fn)(raw_rig *rig);

static void break_by_budget(raw_rig *rig)
{
    assert_false(hyl_raw_drain_until_ready_bounded(rig->raw, 0));
}

static void break_by_end(raw_rig *rig)
{
    hyl_msg message;
    assert_int_equal(hyl_mem_peer_end(rig->peer), HYL_OK);
    assert_status(hyl_raw_read_message(rig->raw, &message, &err), HYL_ERR_CLOSED, &err);
    assert_int_equal(err.flags & HYL_ERROR_CONNECTION_LOST, HYL_ERROR_CONNECTION_LOST);
}

static void break_by_read_error(raw_rig *rig)
{
    hyl_msg message;
    assert_int_equal(hyl_mem_peer_fail_read(rig->peer, HYL_ERR_IO), HYL_OK);
    assert_status(hyl_raw_read_message(rig->raw, &message, &err), HYL_ERR_IO, &err);
    assert_int_equal(err.flags & HYL_ERROR_CONNECTION_LOST, HYL_ERROR_CONNECTION_LOST);
}

static void break_by_write_error(raw_rig *rig)
{
    hyl_mem_peer_fail_write(rig->peer, 2, HYL_ERR_IO);
    assert_status(hyl_raw_start_simple_query(rig->raw, HYL_STR("q"), &err), HYL_ERR_IO, &err);
    assert_int_equal(err.flags & HYL_ERROR_CONNECTION_LOST, HYL_ERROR_CONNECTION_LOST);
    hyl_mem_peer_fail_write(rig->peer, 1000, HYL_ERR_IO);
}

static void break_by_timeout(raw_rig *rig)
{
    hyl_msg message;
    assert_status(hyl_raw_read_message(rig->raw, &message, &err), HYL_ERR_TIMEOUT, &err);
    assert_int_equal(err.flags & HYL_ERROR_CONNECTION_LOST, HYL_ERROR_CONNECTION_LOST);
}

static void break_by_frame(raw_rig *rig)
{
    hyl_msg message;
    SAYS(rig, "Z\0\0\0\3");
    assert_status(hyl_raw_read_message(rig->raw, &message, &err), HYL_ERR_PROTOCOL, &err);
    assert_int_equal(err.flags & HYL_ERROR_CONNECTION_LOST, HYL_ERROR_CONNECTION_LOST);
}

static void break_by_body(raw_rig *rig)
{
    hyl_msg message;
    SAYS(rig, "Z\0\0\0\6II");
    assert_status(hyl_raw_read_message(rig->raw, &message, &err), HYL_ERR_PROTOCOL, &err);
}

static const break_fn breaks[] = {
    break_by_budget,  break_by_end,   break_by_read_error, break_by_write_error,
    break_by_timeout, break_by_frame, break_by_body,
};

typedef hyl_status (*call_fn)(hyl_raw *raw);

static hyl_status call_startup(hyl_raw *raw)
{
    return hyl_raw_startup(raw, NULL, 0, NULL, &err);
}

static hyl_status call_flush(hyl_raw *raw)
{
    (void)!hyl_enc_sync(hyl_raw_write_buffer(raw), NULL);
    return hyl_raw_flush(raw, &err);
}

static hyl_status call_simple_query(hyl_raw *raw)
{
    hyl_raw_messages *messages = NULL;
    return hyl_raw_simple_query(raw, HYL_STR("q"), &messages, &err);
}

static hyl_status call_query_binary(hyl_raw *raw)
{
    hyl_raw_messages *messages = NULL;
    return hyl_raw_query_binary(raw, HYL_STR("q"), &messages, &err);
}

static hyl_status call_start_simple_query(hyl_raw *raw)
{
    return hyl_raw_start_simple_query(raw, HYL_STR("q"), &err);
}

static hyl_status call_start_query_binary(hyl_raw *raw)
{
    return hyl_raw_start_query_binary(raw, HYL_STR("q"), &err);
}

static hyl_status call_start_execute_prepared(hyl_raw *raw)
{
    return hyl_raw_start_execute_prepared(raw, "s", NULL, 0, 1, &err);
}

static hyl_status call_abandon(hyl_raw *raw)
{
    return hyl_raw_abandon(raw, &err);
}

static hyl_status call_start_copy_in(hyl_raw *raw)
{
    return hyl_raw_start_copy_in(raw, "t", NULL, 0, &err);
}

static hyl_status call_start_copy_in_with_format(hyl_raw *raw)
{
    return hyl_raw_start_copy_in_with_format(raw, "t", NULL, 0, "CSV", &err);
}

static hyl_status call_start_copy_in_raw(hyl_raw *raw)
{
    return hyl_raw_start_copy_in_raw(raw, HYL_STR("q"), &err);
}

static hyl_status call_send_copy_data(hyl_raw *raw)
{
    return hyl_raw_send_copy_data(raw, LITERAL("x"), &err);
}

static hyl_status call_send_copy_data_direct(hyl_raw *raw)
{
    return hyl_raw_send_copy_data_direct(raw, LITERAL("x"), &err);
}

static hyl_status call_flush_stream(hyl_raw *raw)
{
    return hyl_raw_flush_stream(raw, &err);
}

static hyl_status call_finish_copy(hyl_raw *raw)
{
    return hyl_raw_finish_copy(raw, NULL, &err);
}

static hyl_status call_cancel_copy(hyl_raw *raw)
{
    return hyl_raw_cancel_copy(raw, "r", &err);
}

static hyl_status call_copy_out(hyl_raw *raw)
{
    hyl_buf out = HYL_BUF_INIT;
    return hyl_raw_copy_out(raw, HYL_STR("q"), &out, &err);
}

static hyl_status fail_writer(void *ctx, hyl_bytes data, hyl_error *e)
{
    (void)ctx;
    (void)data;
    (void)e;
    fail();
    return HYL_ERR_IO;
}

static hyl_status call_copy_out_to_writer(hyl_raw *raw)
{
    return hyl_raw_copy_out_to_writer(raw, HYL_STR("q"), fail_writer, NULL, NULL, &err);
}

static const call_fn calls[] = {
    call_startup,
    call_flush,
    call_simple_query,
    call_query_binary,
    call_start_simple_query,
    call_start_query_binary,
    call_start_execute_prepared,
    call_abandon,
    call_start_copy_in,
    call_start_copy_in_with_format,
    call_start_copy_in_raw,
    call_send_copy_data,
    call_send_copy_data_direct,
    call_flush_stream,
    call_finish_copy,
    call_cancel_copy,
    call_copy_out,
    call_copy_out_to_writer,
};

static void once_out_of_step_nothing_is_sent(void **state)
{
    (void)state;
    for (size_t b = 0; b < sizeof breaks / sizeof breaks[0]; b++) {
        for (size_t c = 0; c < sizeof calls / sizeof calls[0]; c++) {
            raw_rig rig = raw_rig_started(NULL);
            breaks[b](&rig);
            hyl_mem_peer_forget(rig.peer);
            assert_false(hyl_raw_is_healthy(rig.raw));
            /* Even an answer that would fit changes nothing. */
            SAYS(&rig, M_SELECT_1 M_READY);
            assert_status(calls[c](rig.raw), HYL_ERR_DESYNC, &err);
            assert_non_null(strstr(err.message, "desynchronised"));
            assert_non_null(strstr(err.message, "discard"));
            assert_int_equal(err.flags & HYL_ERROR_CONNECTION_LOST, HYL_ERROR_CONNECTION_LOST);
            WROTE(&rig, "");
            assert_false(hyl_raw_is_healthy(rig.raw));
            assert_true(hyl_raw_has_key(rig.raw));
            assert_int_equal(hyl_raw_secret_key(rig.raw), 0x01020304);
            assert_null(hyl_raw_parameter_status(rig.raw, "a"));
            raw_rig_free(&rig);
        }
    }
}

static void what_is_left_can_still_be_read(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    break_by_budget(&rig);
    SAYS(&rig, M_ERROR M_READY);
    raw_rig_reads(&rig, HYL_MSG_ERROR_RESPONSE);
    assert_true(hyl_raw_drain_until_ready(rig.raw));
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_needs_a_transport),
        cmocka_unit_test(free_closes_the_transport_and_sends_nothing),
        cmocka_unit_test(without_memory_the_transport_stays_the_callers),
        cmocka_unit_test(buffers_have_64_kb),
        cmocka_unit_test(options_of_an_older_caller_are_taken),
        cmocka_unit_test(a_new_connection_knows_nothing),
        cmocka_unit_test(what_is_written_waits_for_flush),
        cmocka_unit_test(requests_go_behind_what_waits),
        cmocka_unit_test(a_buffer_with_a_failed_append_is_not_sent),
        cmocka_unit_test(terminate_is_the_last_word),
        cmocka_unit_test(terminate_works_on_a_marked_connection),
        cmocka_unit_test(terminate_sends_nothing_into_a_cut_message),
        cmocka_unit_test(terminate_after_the_end_does_nothing),
        cmocka_unit_test(a_terminate_that_cannot_be_sent_says_so),
        cmocka_unit_test(once_out_of_step_nothing_is_sent),
        cmocka_unit_test(what_is_left_can_still_be_read),
    };
    return cmocka_run_group_tests_name("conn/raw", tests, NULL, NULL);
}
