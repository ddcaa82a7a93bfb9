/* Getting back in step: drains and their budgets, errors, giving up. */
#include "support/test.h"

#include "support/logs.h"
#include "support/raw_rig.h"

#include "conn/raw.h"

static hyl_error err;

static int stop_logs(void **state)
{
    (void)state;
    logs_stop();
    return 0;
}

static void say_notices(raw_rig *rig, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        SAYS(rig, M_NOTICE);
    }
}

/* ---- Budgets ---- */

static void ready_within_the_budget_is_true(void **state)
{
    (void)state;
    /* As the first message, in the middle, and as the very last that is allowed. */
    static const struct {
        size_t before;
        size_t budget;
    } cases[] = {{0, 1}, {0, 1024}, {3, 1024}, {3, 4}, {1023, 1024}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        raw_rig rig = raw_rig_started(NULL);
        say_notices(&rig, cases[i].before);
        SAYS(&rig, M_READY);
        assert_true(hyl_raw_drain_until_ready_bounded(rig.raw, cases[i].budget));
        raw_rig_in_step(&rig);
        raw_rig_free(&rig);
    }
}

static void a_budget_that_is_used_up_marks(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    logs_start(HYL_LOG_WARN);
    say_notices(&rig, 3);
    SAYS(&rig, M_READY);
    assert_false(hyl_raw_drain_until_ready_bounded(rig.raw, 3));
    assert_int_equal(logs_count("warn drain-budget-exhausted max_messages=3"), 1);
    assert_int_equal(logs_total(), 1);
    raw_rig_marked(&rig);
    /* It read three messages and no more. */
    raw_rig_reads(&rig, HYL_MSG_READY_FOR_QUERY);
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
}

static void a_budget_of_zero_reads_nothing_and_marks(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    logs_start(HYL_LOG_WARN);
    SAYS(&rig, M_READY);
    assert_false(hyl_raw_drain_until_ready_bounded(rig.raw, 0));
    assert_int_equal(logs_count("warn drain-budget-exhausted max_messages=0"), 1);
    raw_rig_marked(&rig);
    raw_rig_reads(&rig, HYL_MSG_READY_FOR_QUERY);
    raw_rig_free(&rig);
}

static void a_read_error_in_a_drain_marks_and_is_logged(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    logs_start(HYL_LOG_WARN);
    say_notices(&rig, 2);
    assert_int_equal(hyl_mem_peer_end(rig.peer), HYL_OK);
    assert_false(hyl_raw_drain_until_ready(rig.raw));
    assert_int_equal(logs_count("warn connection-closed"), 1);
    assert_int_equal(logs_count("warn drain-read-error error=the server closed the connection "
                                "messages_read=2"),
                     1);
    assert_int_equal(logs_total(), 2);
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
}

static void a_malformed_frame_in_a_drain_marks(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_NOTICE "D\0\0\0\6\0\1" M_READY);
    assert_false(hyl_raw_drain_until_ready(rig.raw));
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
}

static void a_drain_without_a_bound_goes_on(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    say_notices(&rig, 3000);
    SAYS(&rig, M_READY);
    assert_true(hyl_raw_drain_until_ready(rig.raw));
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

static void a_drain_ends_a_copy_that_starts_in_it(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_COPY_IN M_ERROR M_READY);
    assert_ok(hyl_raw_start_simple_query(rig.raw, HYL_STR("q"), &err), &err);
    hyl_mem_peer_forget(rig.peer);
    assert_true(hyl_raw_drain_until_ready(rig.raw));
    WROTE(&rig, "f\0\0\0\030not wanted any more\0");
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

static void no_drain_sends_sync(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_ROW M_READY);
    assert_true(hyl_raw_drain_until_ready(rig.raw));
    WROTE(&rig, "");
    assert_false(hyl_raw_drain_until_ready_bounded(rig.raw, 0));
    WROTE(&rig, "");
    raw_rig_free(&rig);
}

/* ---- Errors ---- */

static hyl_status read_and_consume(raw_rig *rig)
{
    hyl_msg message;
    assert_ok(hyl_raw_read_message(rig->raw, &message, &err), &err);
    return hyl_raw_consume_error(rig->raw, &message, &err);
}

static void an_error_is_told_and_drained(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_ERROR M_NOTICE M_READY);
    assert_int_equal(read_and_consume(&rig), HYL_ERR_SERVER);
    assert_string_equal(err.severity, "ERROR");
    assert_string_equal(err.sqlstate, "42601");
    assert_string_equal(err.message, "bad");
    assert_int_equal(err.flags, HYL_ERROR_FROM_SERVER);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

static void missing_fields_have_defaults(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, "E\0\0\0\5\0" M_READY);
    assert_int_equal(read_and_consume(&rig), HYL_ERR_SERVER);
    assert_string_equal(err.severity, "ERROR");
    assert_string_equal(err.sqlstate, "00000");
    assert_string_equal(err.message, "unknown error");
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

static void a_bad_field_is_skipped_and_logged(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    logs_start(HYL_LOG_TRACE);
    SAYS(&rig, "E\0\0\0\025VFATAL\0C42\0Mbad\0\0" M_READY);
    assert_int_equal(read_and_consume(&rig), HYL_ERR_SERVER);
    assert_string_equal(err.severity, "FATAL");
    assert_string_equal(err.sqlstate, "00000");
    assert_string_equal(err.message, "bad");
    assert_int_equal(logs_count("trace error-field-dropped field=C reason=not five characters"), 1);
    assert_int_equal(logs_total(), 1);
    raw_rig_free(&rig);
}

static void the_other_fields_live_until_the_next_request(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, "E\0\0\0\050SERROR\0C42601\0Mbad\0Hhint\0P15\0BUser\0\0" M_NOTICE M_READY);
    assert_int_equal(read_and_consume(&rig), HYL_ERR_SERVER);
    const hyl_msg_diag *diag = hyl_raw_diag(rig.raw);
    assert_non_null(diag);
    assert_int_equal(diag->hint.len, 4);
    assert_memory_equal(diag->hint.data, "hint", 4);
    assert_memory_equal(diag->blame.data, "User", 4);
    assert_int_equal(diag->position, 15);
    assert_int_equal(diag->detail.len, 0);
    raw_rig_in_step(&rig);
    assert_null(hyl_raw_diag(rig.raw));
    raw_rig_free(&rig);
}

/* `between` notices between the error and ReadyForQuery. */
static bool is_in_step_after_error(size_t between)
{
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_ERROR);
    say_notices(&rig, between);
    SAYS(&rig, M_READY);
    assert_int_equal(read_and_consume(&rig), HYL_ERR_SERVER);
    bool healthy = hyl_raw_is_healthy(rig.raw);
    assert_int_equal((err.flags & HYL_ERROR_CONNECTION_LOST) != 0, !healthy);
    if (healthy) {
        raw_rig_in_step(&rig);
    } else {
        raw_rig_marked(&rig);
    }
    raw_rig_free(&rig);
    return healthy;
}

static void the_drain_after_an_error_has_a_cap(void **state)
{
    (void)state;
    assert_int_equal(HYL_POST_ERROR_DRAIN_CAP, 1024);
    assert_true(is_in_step_after_error(0));
    assert_true(is_in_step_after_error(1023)); /* ReadyForQuery is the 1024th */
    assert_false(is_in_step_after_error(1024));
    assert_false(is_in_step_after_error(2000));
}

static void an_error_survives_a_drain_that_fails(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_FATAL);
    assert_int_equal(hyl_mem_peer_end(rig.peer), HYL_OK);
    assert_int_equal(read_and_consume(&rig), HYL_ERR_SERVER);
    assert_string_equal(err.message, "out");
    assert_int_equal(err.flags, HYL_ERROR_FROM_SERVER | HYL_ERROR_CONNECTION_LOST);
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
}

static void only_an_error_can_be_consumed(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_NOTICE M_READY);
    assert_int_equal(read_and_consume(&rig), HYL_ERR_ARG);
    assert_non_null(strstr(err.message, "NoticeResponse"));
    raw_rig_reads(&rig, HYL_MSG_READY_FOR_QUERY);
    assert_true(hyl_raw_is_healthy(rig.raw));
    raw_rig_free(&rig);
}

static void the_error_may_be_ignored(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_msg message;
    SAYS(&rig, M_ERROR M_READY);
    assert_ok(hyl_raw_read_message(rig.raw, &message, NULL), &err);
    assert_int_equal(hyl_raw_consume_error(rig.raw, &message, NULL), HYL_ERR_SERVER);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

/* ---- Giving up ---- */

/* The second connection that a cancel goes over: a peer of its own. */
typedef struct second {
    hyl_mem_peer *peer;
    int opened;
    bool refused;
} second;

static hyl_status open_second(void *ctx, hyl_transport *out, hyl_error *e)
{
    second *other = ctx;
    (void)e;
    if (other->refused) {
        return HYL_ERR_IO;
    }
    other->opened++;
    *out = hyl_mem_peer_transport(other->peer);
    return HYL_OK;
}

#define C_CANCEL "\0\0\0\020\004\322\026\056\0\0\0\0\1\2\3\4"

static raw_rig started_with_second(second *other, uint64_t drain_limit)
{
    hyl_raw_opts opts = HYL_RAW_OPTS_INIT;
    *other = (second){NULL, 0, false};
    assert_int_equal(hyl_mem_peer_new(&other->peer), HYL_OK);
    opts.open_second = open_second;
    opts.open_ctx = other;
    opts.drain_limit = drain_limit;
    return raw_rig_started(&opts);
}

static void free_both(raw_rig *rig, second *other)
{
    raw_rig_free(rig);
    hyl_mem_peer_free(other->peer);
}

static void giving_up_cancels_and_drains(void **state)
{
    (void)state;
    second other;
    raw_rig rig = started_with_second(&other, 0);
    assert_int_equal(hyl_mem_peer_end(other.peer), HYL_OK);
    assert_ok(hyl_raw_start_simple_query(rig.raw, HYL_STR("q"), &err), &err);
    SAYS(&rig, M_DESC M_ROW M_ROW M_ERROR M_READY);
    raw_rig_reads(&rig, HYL_MSG_ROW_DESCRIPTION);
    hyl_mem_peer_forget(rig.peer);
    assert_ok(hyl_raw_abandon(rig.raw, &err), &err);
    hyl_bytes cancel = hyl_mem_peer_written(other.peer);
    assert_int_equal(cancel.len, sizeof C_CANCEL - 1);
    assert_memory_equal(cancel.data, C_CANCEL, cancel.len);
    WROTE(&rig, "");
    raw_rig_in_step(&rig);
    free_both(&rig, &other);
}

static void giving_up_nothing_does_nothing(void **state)
{
    (void)state;
    second other;
    raw_rig rig = started_with_second(&other, 0);
    assert_ok(hyl_raw_abandon(rig.raw, &err), &err);
    assert_int_equal(other.opened, 0);
    raw_rig_in_step(&rig);
    free_both(&rig, &other);
}

static void without_a_second_connection_it_only_drains(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    assert_ok(hyl_raw_start_simple_query(rig.raw, HYL_STR("q"), &err), &err);
    SAYS(&rig, M_ROW M_SELECT_1 M_READY);
    assert_ok(hyl_raw_abandon(rig.raw, &err), &err);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);

    second other;
    rig = started_with_second(&other, 0);
    other.refused = true;
    assert_ok(hyl_raw_start_simple_query(rig.raw, HYL_STR("q"), &err), &err);
    SAYS(&rig, M_ROW M_SELECT_1 M_READY);
    assert_ok(hyl_raw_abandon(rig.raw, &err), &err);
    raw_rig_in_step(&rig);
    free_both(&rig, &other);
}

/* A cancel that the server has not answered may still hit what comes later. */
static void a_cancel_without_an_end_marks(void **state)
{
    (void)state;
    second other;
    raw_rig rig = started_with_second(&other, 0);
    assert_ok(hyl_raw_start_simple_query(rig.raw, HYL_STR("q"), &err), &err);
    SAYS(&rig, M_SELECT_1 M_READY);
    assert_status(hyl_raw_abandon(rig.raw, &err), HYL_ERR_DESYNC, &err);
    assert_int_equal(other.opened, 1);
    raw_rig_marked(&rig);
    free_both(&rig, &other);
}

static void giving_up_is_bounded_in_bytes(void **state)
{
    (void)state;
    second other;
    raw_rig rig = started_with_second(&other, 100);
    hyl_mem_peer_pace(rig.peer, 14, 0, false);
    logs_start(HYL_LOG_WARN);
    assert_int_equal(hyl_mem_peer_end(other.peer), HYL_OK);
    assert_ok(hyl_raw_start_simple_query(rig.raw, HYL_STR("q"), &err), &err);
    say_notices(&rig, 100);
    SAYS(&rig, M_READY);
    assert_status(hyl_raw_abandon(rig.raw, &err), HYL_ERR_DESYNC, &err);
    assert_int_equal(logs_count("warn drain-budget-exhausted max_bytes=100"), 1);
    raw_rig_marked(&rig);
    free_both(&rig, &other);
}

static void giving_up_is_bounded_in_time(void **state)
{
    (void)state;
    second other;
    raw_rig rig = started_with_second(&other, 0);
    assert_int_equal(hyl_mem_peer_end(other.peer), HYL_OK);
    assert_ok(hyl_raw_start_simple_query(rig.raw, HYL_STR("q"), &err), &err);
    SAYS(&rig, M_ROW); /* and nothing more: the peer's wait is TIMEOUT */
    assert_status(hyl_raw_abandon(rig.raw, &err), HYL_ERR_DESYNC, &err);
    raw_rig_marked(&rig);
    free_both(&rig, &other);
}

static void giving_up_a_copy_in_fails_it(void **state)
{
    (void)state;
    second other;
    raw_rig rig = started_with_second(&other, 0);
    SAYS(&rig, M_COPY_IN M_ERROR M_READY);
    assert_ok(hyl_raw_start_copy_in_raw(rig.raw, HYL_STR("c"), &err), &err);
    hyl_mem_peer_forget(rig.peer);
    assert_ok(hyl_raw_abandon(rig.raw, &err), &err);
    WROTE(&rig, "f\0\0\0\034abandoned by the client\0");
    assert_int_equal(other.opened, 0);
    raw_rig_in_step(&rig);
    free_both(&rig, &other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_within_the_budget_is_true),
        cmocka_unit_test_teardown(a_budget_that_is_used_up_marks, stop_logs),
        cmocka_unit_test_teardown(a_budget_of_zero_reads_nothing_and_marks, stop_logs),
        cmocka_unit_test_teardown(a_read_error_in_a_drain_marks_and_is_logged, stop_logs),
        cmocka_unit_test(a_malformed_frame_in_a_drain_marks),
        cmocka_unit_test(a_drain_without_a_bound_goes_on),
        cmocka_unit_test(a_drain_ends_a_copy_that_starts_in_it),
        cmocka_unit_test(no_drain_sends_sync),
        cmocka_unit_test(an_error_is_told_and_drained),
        cmocka_unit_test(missing_fields_have_defaults),
        cmocka_unit_test_teardown(a_bad_field_is_skipped_and_logged, stop_logs),
        cmocka_unit_test(the_other_fields_live_until_the_next_request),
        cmocka_unit_test(the_drain_after_an_error_has_a_cap),
        cmocka_unit_test(an_error_survives_a_drain_that_fails),
        cmocka_unit_test(only_an_error_can_be_consumed),
        cmocka_unit_test(the_error_may_be_ignored),
        cmocka_unit_test(giving_up_cancels_and_drains),
        cmocka_unit_test(giving_up_nothing_does_nothing),
        cmocka_unit_test(without_a_second_connection_it_only_drains),
        cmocka_unit_test(a_cancel_without_an_end_marks),
        cmocka_unit_test_teardown(giving_up_is_bounded_in_bytes, stop_logs),
        cmocka_unit_test(giving_up_is_bounded_in_time),
        cmocka_unit_test(giving_up_a_copy_in_fails_it),
    };
    return cmocka_run_group_tests_name("conn/raw_drain", tests, NULL, NULL);
}
