/* Bytes and messages: reading, writing, waiting, and what each failure of them does. */
#include "support/test.h"

#include "support/logs.h"
#include "support/raw_rig.h"

#include "base/clock.h"
#include "conn/raw.h"

static hyl_error err;

static int stop_logs(void **state)
{
    (void)state;
    logs_stop();
    return 0;
}

/* ---- Reading ---- */

static void messages_come_in_order_with_their_views(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_msg message;
    SAYS(&rig, M_DESC M_ROW M_SELECT_1 M_READY);
    raw_rig_reads(&rig, HYL_MSG_ROW_DESCRIPTION);
    assert_ok(hyl_raw_read_message(rig.raw, &message, &err), &err);
    hyl_row_iter iter;
    hyl_bytes cell;
    hyl_row_iter_init(&iter, &message);
    assert_true(hyl_row_iter_next(&iter, &cell));
    assert_int_equal(cell.len, 1);
    assert_int_equal(cell.data[0], 'x');
    raw_rig_reads(&rig, HYL_MSG_COMMAND_COMPLETE);
    raw_rig_reads(&rig, HYL_MSG_READY_FOR_QUERY);
    raw_rig_free(&rig);
}

static void messages_of_every_kind_are_handed_out(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_NOTICE M_STATUS M_NOTIFY M_ERROR M_READY);
    raw_rig_reads(&rig, HYL_MSG_NOTICE_RESPONSE);
    raw_rig_reads(&rig, HYL_MSG_PARAMETER_STATUS);
    assert_string_equal(hyl_raw_parameter_status(rig.raw, "a"), "b");
    raw_rig_reads(&rig, HYL_MSG_NOTIFICATION_RESPONSE);
    raw_rig_reads(&rig, HYL_MSG_ERROR_RESPONSE);
    raw_rig_reads(&rig, HYL_MSG_READY_FOR_QUERY);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

static void the_last_value_of_a_parameter_counts(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_STATUS "S\0\0\0\012a\0new\0"
                        "S\0\0\0\011aa\0c\0");
    for (int i = 0; i < 3; i++) {
        raw_rig_reads(&rig, HYL_MSG_PARAMETER_STATUS);
    }
    assert_string_equal(hyl_raw_parameter_status(rig.raw, "a"), "new");
    assert_string_equal(hyl_raw_parameter_status(rig.raw, "aa"), "c");
    assert_null(hyl_raw_parameter_status(rig.raw, "b"));
    raw_rig_free(&rig);
}

static void a_session_works_byte_by_byte(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_new(NULL);
    const hyl_pair params[] = {{"user", "u"}};
    hyl_mem_peer_pace(rig.peer, 1, 1, true);
    SAYS(&rig, M_AUTH_OK M_STATUS M_KEY M_READY);
    assert_ok(hyl_raw_startup(rig.raw, params, 1, NULL, &err), &err);
    raw_rig_in_step(&rig);
    SAYS(&rig, M_COPY_IN M_COPY_5 M_READY);
    assert_ok(hyl_raw_start_copy_in_raw(rig.raw, HYL_STR("c"), &err), &err);
    assert_ok(hyl_raw_send_copy_data_direct(rig.raw, LITERAL("data"), &err), &err);
    uint64_t rows = 0;
    assert_ok(hyl_raw_finish_copy(rig.raw, &rows, &err), &err);
    assert_int_equal(rows, 5);
    WROTE(&rig, "Q\0\0\0\6c\0"
                "d\0\0\0\10data" C_COPY_DONE);
    raw_rig_free(&rig);
}

static void the_end_of_the_stream_is_closed_and_logged(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_msg message;
    logs_start(HYL_LOG_WARN);
    SAYS(&rig, "Z\0\0"); /* the end comes inside a message */
    assert_int_equal(hyl_mem_peer_end(rig.peer), HYL_OK);
    assert_status(hyl_raw_read_message(rig.raw, &message, &err), HYL_ERR_CLOSED, &err);
    assert_string_equal(err.sqlstate, "08006");
    assert_int_equal(logs_count("warn connection-closed"), 1);
    assert_int_equal(logs_total(), 1);
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
}

static void messages_before_the_end_are_still_read(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_msg message;
    SAYS(&rig, M_FATAL);
    assert_int_equal(hyl_mem_peer_end(rig.peer), HYL_OK);
    raw_rig_reads(&rig, HYL_MSG_ERROR_RESPONSE);
    assert_true(hyl_raw_is_healthy(rig.raw));
    assert_status(hyl_raw_read_message(rig.raw, &message, &err), HYL_ERR_CLOSED, &err);
    raw_rig_free(&rig);
}

static const struct {
    const char *bytes;
    size_t len;
} malformed[] = {
#define MALFORMED(text) {text, sizeof(text) - 1},
    MALFORMED("Z\0\0\0\3")                                /* a length below 4 */
    MALFORMED("Z\0\0\0\0") MALFORMED("d\377\377\377\377") /* over the limit */
    MALFORMED("d\100\0\0\5")                              /* one over the limit of 1 GiB */
    MALFORMED("q\0\0\0\4")                                /* no message of a server */
    MALFORMED("Z\0\0\0\6II")                       /* bodies that do not end where they should */
    MALFORMED("Z\0\0\0\4") MALFORMED("Z\0\0\0\5X") /* a state that there is not */
    MALFORMED("D\0\0\0\6\0\1")                     /* column counts that lie */
    MALFORMED("D\0\0\0\13\0\2\0\0\0\1x") MALFORMED("T\0\0\0\6\0\1")
        MALFORMED("C\0\0\0\6xy") /* a text without an end */
#undef MALFORMED
};

static void a_malformed_frame_is_protocol_and_marks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        raw_rig rig = raw_rig_started(NULL);
        hyl_msg message;
        raw_rig_says(&rig, (hyl_bytes){(const uint8_t *)malformed[i].bytes, malformed[i].len});
        SAYS(&rig, M_READY);
        assert_status(hyl_raw_read_message(rig.raw, &message, &err), HYL_ERR_PROTOCOL, &err);
        assert_int_equal(err.flags & HYL_ERROR_CONNECTION_LOST, HYL_ERROR_CONNECTION_LOST);
        raw_rig_marked(&rig);
        raw_rig_free(&rig);
    }
}

static void the_limit_of_a_message_can_be_set(void **state)
{
    (void)state;
    hyl_raw_opts opts = HYL_RAW_OPTS_INIT;
    hyl_msg message;
    opts.max_message = 10;
    raw_rig rig = raw_rig_started(&opts);
    SAYS(&rig, "d\0\0\0\016abcdefghij"
               "d\0\0\0\017abcdefghijk");
    raw_rig_reads(&rig, HYL_MSG_COPY_DATA);
    assert_status(hyl_raw_read_message(rig.raw, &message, &err), HYL_ERR_PROTOCOL, &err);
    raw_rig_free(&rig);
}

/* ---- Failures of the transport ---- */

static const hyl_status transport_failures[] = {HYL_ERR_IO, HYL_ERR_CLOSED, HYL_ERR_TLS};

static void a_failed_read_marks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof transport_failures / sizeof transport_failures[0]; i++) {
        raw_rig rig = raw_rig_started(NULL);
        hyl_raw_messages *messages = NULL;
        logs_start(HYL_LOG_WARN);
        SAYS(&rig, M_DESC);
        assert_int_equal(hyl_mem_peer_fail_read(rig.peer, transport_failures[i]), HYL_OK);
        assert_status(hyl_raw_simple_query(rig.raw, HYL_STR("q"), &messages, &err),
                      transport_failures[i], &err);
        assert_null(messages);
        assert_int_equal(logs_count("warn connection-closed"),
                         transport_failures[i] == HYL_ERR_CLOSED ? 1 : 0);
        logs_stop();
        raw_rig_marked(&rig);
        raw_rig_free(&rig);
    }
}

/* Never are bytes that were sent sent again. */
static void a_failed_write_marks_wherever_it_fails(void **state)
{
    (void)state;
    for (size_t after = 0; after < 7; after++) {
        raw_rig rig = raw_rig_started(NULL);
        hyl_mem_peer_fail_write(rig.peer, after, HYL_ERR_IO);
        assert_status(hyl_raw_start_simple_query(rig.raw, HYL_STR("q"), &err), HYL_ERR_IO, &err);
        assert_int_equal(err.flags & HYL_ERROR_CONNECTION_LOST, HYL_ERROR_CONNECTION_LOST);
        raw_rig_wrote(&rig, (hyl_bytes){(const uint8_t *)"Q\0\0\0\6q", after});
        hyl_mem_peer_fail_write(rig.peer, 1000, HYL_ERR_IO);
        raw_rig_marked(&rig);
        assert_int_equal(hyl_raw_write_buffer(rig.raw)->len, 0);
        raw_rig_free(&rig);
    }
}

static void the_callers_bytes_are_forgotten_after_a_failure(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_COPY_IN);
    assert_ok(hyl_raw_start_copy_in_raw(rig.raw, HYL_STR("c"), &err), &err);
    hyl_mem_peer_forget(rig.peer);
    hyl_mem_peer_fail_write(rig.peer, 7, HYL_ERR_IO);
    assert_status(hyl_raw_send_copy_data_direct(rig.raw, LITERAL("data"), &err), HYL_ERR_IO, &err);
    WROTE(&rig, "d\0\0\0\10da");
    assert_null(rig.raw->frame.borrowed.data);
    assert_int_equal(hyl__frame_unsent(&rig.raw->frame), 0);
    /* The stream stands inside a message. */
    hyl_mem_peer_fail_write(rig.peer, 1000, HYL_ERR_IO);
    assert_ok(hyl_raw_terminate(rig.raw, &err), &err);
    WROTE(&rig, "");
    raw_rig_free(&rig);
}

/* ---- Deadlines ---- */

static void a_read_that_waits_too_long_is_timeout_and_marks(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_raw_messages *messages = NULL;
    SAYS(&rig, M_DESC);
    assert_status(hyl_raw_simple_query(rig.raw, HYL_STR("q"), &messages, &err), HYL_ERR_TIMEOUT,
                  &err);
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
}

/* What a transport was asked to wait for. */
typedef struct endless {
    int64_t deadline;
    uint64_t reads;
} endless;

/* Notices for ever. */
static hyl_status endless_read(void *self, void *dst, size_t cap, size_t *got, hyl_error *e)
{
    static const char notice[] = M_NOTICE;
    endless *server = self;
    size_t at = 0;
    (void)e;
    while (cap - at >= sizeof notice - 1) {
        memcpy((char *)dst + at, notice, sizeof notice - 1);
        at += sizeof notice - 1;
    }
    server->reads++;
    *got = at;
    return at > 0 ? HYL_OK : HYL_AGAIN;
}

static hyl_status endless_writev(void *self, const hyl_iovec *iov, int count, size_t *put,
                                 hyl_error *e)
{
    (void)self;
    (void)count;
    (void)e;
    *put = iov[0].len;
    return HYL_OK;
}

static hyl_status endless_wait(void *self, unsigned wants, int64_t deadline, unsigned *ready,
                               hyl_error *e)
{
    endless *server = self;
    (void)e;
    server->deadline = deadline;
    *ready = wants;
    return HYL_OK;
}

static void endless_close(void *self)
{
    (void)self;
}

static const hyl_transport_ops endless_ops = {
    .read = endless_read,
    .writev = endless_writev,
    .wait = endless_wait,
    .close = endless_close,
};

static void a_server_that_never_pauses_meets_the_deadline(void **state)
{
    (void)state;
    endless server = {0, 0};
    hyl_transport transport = {&endless_ops, &server};
    hyl_raw_opts opts = HYL_RAW_OPTS_INIT;
    hyl_raw *raw = NULL;
    hyl_raw_messages *messages = NULL;
    opts.timeout_ms = 20;
    assert_ok(hyl_raw_new(&transport, &opts, &raw, &err), &err);
    int64_t start = hyl__now_ms();
    assert_status(hyl_raw_simple_query(raw, HYL_STR("q"), &messages, &err), HYL_ERR_TIMEOUT, &err);
    assert_true(hyl__now_ms() - start >= 20);
    assert_false(hyl_raw_is_healthy(raw));
    hyl_raw_free(raw);
}

static void a_server_that_takes_ever_so_little_meets_it_too(void **state)
{
    (void)state;
    static char sql[1 << 20];
    hyl_raw_opts opts = HYL_RAW_OPTS_INIT;
    opts.timeout_ms = 20;
    raw_rig rig = raw_rig_started(&opts);
    memset(sql, ' ', sizeof sql);
    hyl_mem_peer_pace(rig.peer, 0, 1, true);
    assert_status(hyl_raw_start_simple_query(rig.raw, (hyl_str){sql, sizeof sql}, &err),
                  HYL_ERR_TIMEOUT, &err);
    assert_true(hyl_mem_peer_written(rig.peer).len < sizeof sql);
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
}

static void the_time_limit_counts_from_each_call(void **state)
{
    (void)state;
    hyl_raw_opts opts = HYL_RAW_OPTS_INIT;
    opts.timeout_ms = 1000;
    raw_rig rig = raw_rig_started(&opts);
    int64_t before = hyl__now_ms();
    SAYS(&rig, M_NOTICE);
    raw_rig_reads(&rig, HYL_MSG_NOTICE_RESPONSE);
    assert_in_range(rig.raw->deadline - before, 1000, 2000);
    hyl_raw_set_timeout(rig.raw, -1);
    SAYS(&rig, M_NOTICE);
    raw_rig_reads(&rig, HYL_MSG_NOTICE_RESPONSE);
    assert_true(rig.raw->deadline == HYL__NO_DEADLINE);
    raw_rig_free(&rig);
}

/* ---- Between requests ---- */

static void unasked(raw_rig *rig, hyl_bytes bytes)
{
    raw_rig_says(rig, bytes);
    gate_let_by(rig->gate);
}

static void a_goodbye_is_told_before_anything_is_sent(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_raw_messages *messages = NULL;
    unasked(&rig, LITERAL(M_NOTICE M_FATAL));
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl_raw_simple_query(rig.raw, HYL_STR("q"), &messages, &err), HYL_ERR_CLOSED,
                  &err);
    assert_string_equal(err.message, "the server closed the connection: out");
    assert_string_equal(err.sqlstate, "42501");
    assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
    assert_non_null(hyl_raw_diag(rig.raw));
    WROTE(&rig, "");
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
}

/* What came unasked and may, is still there to be read. */
static void notices_between_requests_are_kept(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    unasked(&rig, LITERAL(M_NOTICE M_STATUS));
    assert_ok(hyl_raw_start_simple_query(rig.raw, HYL_STR("q"), &err), &err);
    SAYS(&rig, M_SELECT_1 M_READY);
    raw_rig_reads(&rig, HYL_MSG_NOTICE_RESPONSE);
    raw_rig_reads(&rig, HYL_MSG_PARAMETER_STATUS);
    raw_rig_reads(&rig, HYL_MSG_COMMAND_COMPLETE);
    raw_rig_reads(&rig, HYL_MSG_READY_FOR_QUERY);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

/* Requests of the caller's own bytes are looked after as well, and a Terminate may always go. */
static void an_answer_before_the_callers_own_request_is_seen(void **state)
{
    (void)state;
    static const bool terminates[] = {false, true};
    for (size_t i = 0; i < 2; i++) {
        raw_rig rig = raw_rig_started(NULL);
        unasked(&rig, LITERAL(M_SELECT_1 M_READY));
        if (terminates[i]) {
            assert_ok(hyl_raw_terminate(rig.raw, &err), &err);
            WROTE(&rig, C_TERMINATE);
        } else {
            assert_ok(hyl_enc_sync(hyl_raw_write_buffer(rig.raw), &err), &err);
            assert_status(hyl_raw_flush(rig.raw, &err), HYL_ERR_DESYNC, &err);
            WROTE(&rig, "");
            raw_rig_marked(&rig);
        }
        raw_rig_free(&rig);
    }
}

/* Answers come while the request, whose end they must not come before, is sent little by little. */
static void an_answer_before_the_request_is_sent_is_not_its_own(void **state)
{
    (void)state;
    const hyl_bytes answer = LITERAL(M_SELECT_1 M_READY);
    for (size_t at = 1; at <= 7; at++) {
        hyl_mem_peer *peer = NULL;
        hyl_raw *raw = NULL;
        const hyl_pair params[] = {{"user", "u"}};
        const hyl_bytes login = LITERAL(M_AUTH_OK M_KEY M_READY);
        assert_int_equal(hyl_mem_peer_new(&peer), HYL_OK);
        hyl_transport transport = hyl_mem_peer_transport(peer);
        assert_ok(hyl_raw_new(&transport, NULL, &raw, &err), &err);
        assert_int_equal(hyl_mem_peer_reply(peer, 0, login), HYL_OK);
        assert_ok(hyl_raw_startup(raw, params, 1, NULL, &err), &err);
        size_t startup = hyl_mem_peer_written(peer).len;
        assert_int_equal(hyl_mem_peer_reply(peer, startup + at, answer), HYL_OK);
        hyl_mem_peer_pace(peer, 0, 1, true); /* before a byte goes it waits, and may read */
        hyl_status status = hyl_raw_start_simple_query(raw, HYL_STR("q"), &err);
        assert_status(status, at < 6 ? HYL_ERR_DESYNC : HYL_OK, &err);
        hyl_raw_free(raw);
        hyl_mem_peer_free(peer);
    }
}

/* ---- Sending to a server that sends ---- */

/* A server that reads nothing until its own bytes, all of them, were read. */
typedef struct stubborn {
    size_t unread;
    size_t taken;
    bool ends; /* its bytes are followed by the end of the stream */
} stubborn;

static hyl_status stubborn_read(void *self, void *dst, size_t cap, size_t *got, hyl_error *e)
{
    stubborn *server = self;
    (void)e;
    if (server->unread == 0) {
        return server->ends ? HYL_DONE : HYL_AGAIN;
    }
    *got = server->unread < cap ? server->unread : cap;
    memset(dst, 0, *got);
    server->unread -= *got;
    return HYL_OK;
}

static hyl_status stubborn_writev(void *self, const hyl_iovec *iov, int count, size_t *put,
                                  hyl_error *e)
{
    stubborn *server = self;
    (void)e;
    if (server->unread > 0 || server->ends) {
        return HYL_AGAIN;
    }
    for (int i = 0; i < count; i++) {
        server->taken += iov[i].len;
        *put += iov[i].len;
    }
    return HYL_OK;
}

static hyl_status stubborn_wait(void *self, unsigned wants, int64_t deadline, unsigned *ready,
                                hyl_error *e)
{
    stubborn *server = self;
    (void)deadline;
    *ready = wants & (server->unread > 0 || server->ends ? HYL_WANT_READ : HYL_WANT_WRITE);
    if (*ready == 0) {
        e->status = HYL_ERR_TIMEOUT;
        return HYL_ERR_TIMEOUT;
    }
    return HYL_OK;
}

static const hyl_transport_ops stubborn_ops = {
    .read = stubborn_read,
    .writev = stubborn_writev,
    .wait = stubborn_wait,
    .close = endless_close,
};

static hyl_raw *new_stubborn(stubborn *server, uint64_t max_unread)
{
    hyl_transport transport = {&stubborn_ops, server};
    hyl_raw_opts opts = HYL_RAW_OPTS_INIT;
    hyl_raw *raw = NULL;
    opts.max_unread = max_unread;
    assert_ok(hyl_raw_new(&transport, &opts, &raw, &err), &err);
    return raw;
}

static void while_a_write_waits_what_arrives_is_taken(void **state)
{
    (void)state;
    stubborn server = {.unread = 1000000};
    hyl_raw *raw = new_stubborn(&server, 0);
    assert_ok(hyl_raw_start_simple_query(raw, HYL_STR("q"), &err), &err);
    assert_int_equal(server.unread, 0);
    assert_int_equal(server.taken, 7);
    assert_int_equal(raw->frame.len - raw->frame.pos, 1000000);
    hyl_raw_free(raw);
}

static void what_is_kept_unread_has_a_bound(void **state)
{
    (void)state;
    stubborn server = {.unread = 1000000};
    hyl_raw *raw = new_stubborn(&server, 300000);
    assert_status(hyl_raw_start_simple_query(raw, HYL_STR("q"), &err), HYL_ERR_LIMIT, &err);
    assert_int_equal(server.taken, 0);
    assert_true(raw->frame.len - raw->frame.pos < 700000);
    assert_false(hyl_raw_is_healthy(raw));
    hyl_raw_free(raw);
}

static void a_server_that_leaves_while_a_write_waits_is_closed(void **state)
{
    (void)state;
    stubborn server = {.unread = 100, .ends = true};
    hyl_raw *raw = new_stubborn(&server, 0);
    logs_start(HYL_LOG_WARN);
    assert_status(hyl_raw_start_simple_query(raw, HYL_STR("q"), &err), HYL_ERR_CLOSED, &err);
    assert_int_equal(logs_count("warn connection-closed"), 1);
    hyl_raw_free(raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_in_order_with_their_views),
        cmocka_unit_test(messages_of_every_kind_are_handed_out),
        cmocka_unit_test(the_last_value_of_a_parameter_counts),
        cmocka_unit_test(a_session_works_byte_by_byte),
        cmocka_unit_test_teardown(the_end_of_the_stream_is_closed_and_logged, stop_logs),
        cmocka_unit_test(messages_before_the_end_are_still_read),
        cmocka_unit_test(a_malformed_frame_is_protocol_and_marks),
        cmocka_unit_test(the_limit_of_a_message_can_be_set),
        cmocka_unit_test_teardown(a_failed_read_marks, stop_logs),
        cmocka_unit_test(a_failed_write_marks_wherever_it_fails),
        cmocka_unit_test(the_callers_bytes_are_forgotten_after_a_failure),
        cmocka_unit_test(a_read_that_waits_too_long_is_timeout_and_marks),
        cmocka_unit_test(a_server_that_never_pauses_meets_the_deadline),
        cmocka_unit_test(a_server_that_takes_ever_so_little_meets_it_too),
        cmocka_unit_test(the_time_limit_counts_from_each_call),
        cmocka_unit_test(a_goodbye_is_told_before_anything_is_sent),
        cmocka_unit_test(notices_between_requests_are_kept),
        cmocka_unit_test(an_answer_before_the_callers_own_request_is_seen),
        cmocka_unit_test(an_answer_before_the_request_is_sent_is_not_its_own),
        cmocka_unit_test(while_a_write_waits_what_arrives_is_taken),
        cmocka_unit_test(what_is_kept_unread_has_a_bound),
        cmocka_unit_test_teardown(a_server_that_leaves_while_a_write_waits_is_closed, stop_logs),
    };
    return cmocka_run_group_tests_name("conn/raw_io", tests, NULL, NULL);
}
