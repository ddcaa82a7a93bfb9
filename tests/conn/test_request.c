#include "support/test.h"

#include "support/mem_conn.h"

#include "base/clock.h"

static hyl_error err;

/* ---- Busy ------------------------------------------------------------------------------------ */

static void assert_busy(mem_conn *mem, const char *child)
{
    char message[100];
    hyl_result *result = NULL;
    hyl_copy *copy = NULL;
    snprintf(message, sizeof message, "%s is still open on this connection", child);
    mem_forget(mem);
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl_query(mem->conn, "SELECT 1", &result, &err), HYL_ERR_BUSY, &err);
    assert_string_equal(err.message, message);
    assert_int_equal(err.flags, 0);
    assert_status(hyl_exec(mem->conn, "ROLLBACK", NULL, &err), HYL_ERR_BUSY, &err);
    assert_status(hyl_copy_in_open(mem->conn, "COPY", &copy, &err), HYL_ERR_BUSY, &err);
    assert_status(hyl_copy_out_open(mem->conn, "COPY", &copy, &err), HYL_ERR_BUSY, &err);
    assert_status(hyl_ping(mem->conn, &err), HYL_ERR_BUSY, &err);
    assert_int_equal(hyl_conn_health(mem->conn), HYL_HEALTH_BUSY);
    mem_assert_written(mem, "", 0);
}

static void a_result_keeps_the_connection_busy_to_its_end(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    mem_say_ints(&mem, 1);
    assert_ok(hyl_query(mem.conn, "SELECT", &result, &err), &err);
    assert_busy(&mem, "a result");
    assert_ok(hyl_result_next(result, &row, &err), &err);
    assert_busy(&mem, "a result");
    assert_status(hyl_result_next(result, &row, &err), HYL_DONE, &err);
    mem_assert_in_step(&mem);
    hyl_result_free(result);
    mem_conn_close(&mem);
}

static void a_copy_keeps_the_connection_busy_to_its_end(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = NULL;
    hyl_buf messages = HYL_BUF_INIT;
    backend_copy_response(&messages, 'G');
    mem_say(&mem, &messages);
    assert_ok(hyl_copy_in_open(mem.conn, "COPY", &copy, &err), &err);
    assert_busy(&mem, "a COPY");
    mem_say_done(&mem, "COPY 0", 'I');
    assert_ok(hyl_copy_finish(copy, NULL, &err), &err);
    mem_assert_in_step(&mem);
    hyl_copy_free(copy);
    mem_conn_close(&mem);
}

/* A result that is over has no say in what came after it. */
static void an_old_result_does_not_touch_a_newer_one(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_result *old = NULL;
    hyl_result *new = NULL;
    mem_say_ints(&mem, 0);
    assert_ok(hyl_query(mem.conn, "SELECT", &old, &err), &err);
    assert_ok(hyl_result_finish(old, &err), &err);
    mem_say_ints(&mem, 2);
    assert_ok(hyl_query(mem.conn, "SELECT", &new, &err), &err);
    hyl_result_free(old);
    assert_busy(&mem, "a result");
    assert_ok(hyl_result_finish(new, &err), &err);
    assert_int_equal(hyl_result_affected(new), 2);
    hyl_result_free(new);
    mem_conn_close(&mem);
}

/* ---- A failed transaction -------------------------------------------------------------------- */

/* In a transaction that has failed, by a server that has forgotten it. */
static mem_conn failed_transaction(void)
{
    mem_conn mem = mem_conn_open(NULL);
    mem_say_done(&mem, "BEGIN", 'T');
    assert_ok(hyl_exec(mem.conn, "BEGIN", NULL, &err), &err);
    mem_say_error(&mem, "22012", "division by zero", 'T');
    assert_status(hyl_exec(mem.conn, "INSERT", NULL, &err), HYL_ERR_SERVER, &err);
    mem_forget(&mem);
    return mem;
}

static void assert_25p02(mem_conn *mem, hyl_status status)
{
    assert_status(status, HYL_ERR_STATE, &err);
    assert_string_equal(err.sqlstate, "25P02");
    assert_int_equal(err.flags, 0);
    mem_assert_written(mem, "", 0);
}

static void a_failed_transaction_takes_no_statement(void **state)
{
    (void)state;
    mem_conn mem = failed_transaction();
    hyl_result *result = NULL;
    hyl_copy *copy = NULL;
    size_t done = 9;
    const hyl_query_opts opts = {sizeof opts, HYL_QUERY_TEXT, HYL_TRANSFER_DEFAULT};
    assert_25p02(&mem, hyl_exec(mem.conn, "SELECT 1", NULL, &err));
    assert_25p02(&mem, hyl_exec(mem.conn, "BEGIN", NULL, &err));
    assert_25p02(&mem, hyl_exec(mem.conn, "", NULL, &err));
    assert_25p02(&mem, hyl_query(mem.conn, "SELECT 1", &result, &err));
    assert_25p02(&mem, hyl_query_with(mem.conn, "SELECT 1", &opts, &result, &err));
    assert_25p02(&mem, hyl_copy_in_open(mem.conn, "COPY t FROM STDIN", &copy, &err));
    assert_25p02(&mem, hyl_copy_out_open(mem.conn, "COPY t TO STDOUT", &copy, &err));
    assert_25p02(&mem, hyl_exec(mem.conn, "ROLLBACK TO SAVEPOINT s", NULL, &err));
    assert_25p02(&mem, hyl_exec_script(mem.conn, "SELECT 1; ROLLBACK", &done, &err));
    assert_int_equal(done, 0);
    assert_non_null(strstr(err.message, "ROLLBACK"));
    assert_null(result);
    assert_null(copy);
    /* The server is not asked either whether it is there: it would forget the failure. */
    assert_ok(hyl_ping(mem.conn, &err), &err);
    mem_assert_written(&mem, "", 0);
    assert_int_equal(hyl_conn_health(mem.conn), HYL_HEALTH_TX_FAILED);
    mem_conn_close(&mem);
}

static void a_rollback_ends_it(void **state)
{
    (void)state;
    static const char *const rollbacks[] = {"ROLLBACK", "rollback;", "/* x */ Abort",
                                            "-- y\nROLLBACK", "rollback work"};
    for (size_t i = 0; i < sizeof rollbacks / sizeof rollbacks[0]; i++) {
        mem_conn mem = failed_transaction();
        mem_say_done(&mem, "ROLLBACK", 'I');
        assert_ok(hyl_exec(mem.conn, rollbacks[i], NULL, &err), &err);
        mem_assert_queried(&mem, rollbacks[i]);
        mem_assert_in_step(&mem);
        mem_conn_close(&mem);
    }
}

static void a_commit_rolls_it_back_and_says_so(void **state)
{
    (void)state;
    static const char *const commits[] = {"COMMIT", "commit work;", "END",
                                          "/* x */ end transaction"};
    for (size_t i = 0; i < sizeof commits / sizeof commits[0]; i++) {
        mem_conn mem = failed_transaction();
        mem_say_done(&mem, "ROLLBACK", 'I');
        err = (hyl_error)HYL_ERROR_INIT;
        assert_status(hyl_exec(mem.conn, commits[i], NULL, &err), HYL_ERR_STATE, &err);
        assert_string_equal(err.sqlstate, "25P02");
        assert_non_null(strstr(err.message, "rolled"));
        mem_assert_queried(&mem, "ROLLBACK");
        assert_int_equal(hyl_conn_tx(mem.conn), HYL_TX_IDLE);
        mem_assert_in_step(&mem);
        mem_conn_close(&mem);
    }
}

static void a_rollback_that_fails_leaves_it_failed(void **state)
{
    (void)state;
    mem_conn mem = failed_transaction();
    mem_say_error(&mem, "XX000", "not now", 'T');
    assert_status(hyl_exec(mem.conn, "COMMIT", NULL, &err), HYL_ERR_SERVER, &err);
    assert_int_equal(hyl_conn_tx(mem.conn), HYL_TX_FAILED);
    mem_forget(&mem);
    assert_25p02(&mem, hyl_exec(mem.conn, "SELECT 1", NULL, &err));
    mem_conn_close(&mem);
}

static void a_commit_of_a_sound_transaction_goes_out_as_it_is(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    mem_say_done(&mem, "BEGIN", 'T');
    assert_ok(hyl_exec(mem.conn, "BEGIN", NULL, &err), &err);
    mem_forget(&mem);
    mem_say_done(&mem, "COMMIT", 'I');
    assert_ok(hyl_exec(mem.conn, "COMMIT", NULL, &err), &err);
    mem_assert_queried(&mem, "COMMIT");
    mem_conn_close(&mem);
}

/* ---- What is sent, and for how long ---------------------------------------------------------- */

static void a_text_that_is_no_statement_is_not_sent(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    assert_status(hyl_exec(mem.conn, "SELECT 1; SELECT 2", NULL, &err), HYL_ERR_ARG, &err);
    assert_non_null(strstr(err.message, "several statements"));
    assert_status(hyl_exec(mem.conn, "SELECT 'x", NULL, &err), HYL_ERR_ARG, &err);
    mem_assert_written(&mem, "", 0);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void each_call_has_its_deadline(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("request_timeout=60min");
    const int64_t hour = INT64_C(3600000);
    int64_t before = hyl__now_ms();
    mem_assert_in_step(&mem);
    assert_true(mem.conn->deadline >= before + hour);
    assert_true(mem.conn->deadline <= hyl__now_ms() + hour);
    mem_conn_close(&mem);
    mem = mem_conn_open(NULL);
    mem_assert_in_step(&mem);
    assert_true(mem.conn->deadline == HYL__NO_DEADLINE);
    mem_conn_close(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_keeps_the_connection_busy_to_its_end),
        cmocka_unit_test(a_copy_keeps_the_connection_busy_to_its_end),
        cmocka_unit_test(an_old_result_does_not_touch_a_newer_one),
        cmocka_unit_test(a_failed_transaction_takes_no_statement),
        cmocka_unit_test(a_rollback_ends_it),
        cmocka_unit_test(a_commit_rolls_it_back_and_says_so),
        cmocka_unit_test(a_rollback_that_fails_leaves_it_failed),
        cmocka_unit_test(a_commit_of_a_sound_transaction_goes_out_as_it_is),
        cmocka_unit_test(a_text_that_is_no_statement_is_not_sent),
        cmocka_unit_test(each_call_has_its_deadline),
    };
    return cmocka_run_group_tests_name("conn/request", tests, NULL, NULL);
}
