#include "support/test.h"

#include "support/alloc.h"
#include "support/mem_conn.h"

static hyl_error err;

/* Runs a statement that the server refuses with these fields. */
static void fail_with(mem_conn *mem, const char *const *fields, hyl_status expected)
{
    hyl_buf messages = HYL_BUF_INIT;
    backend_diag(&messages, 'E', fields);
    backend_ready(&messages, 'I');
    mem_say(mem, &messages);
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl_exec(mem->conn, "SELECT", NULL, &err), expected, &err);
}

static void all_that_the_server_said_is_kept(void **state)
{
    (void)state;
    static const char *const fields[] = {
        "S", "ERROR",  "C", "42P01", "M", "table \"nope\" does not exist",
        "D", "line 1", "H", "maybe", "P", "15",
        "B", "User",   NULL};
    mem_conn mem = mem_conn_open(NULL);
    assert_null(hyl_conn_diag(mem.conn));
    fail_with(&mem, fields, HYL_ERR_SERVER);
    const hyl_diag *diag = hyl_conn_diag(mem.conn);
    assert_string_equal(diag->severity, "ERROR");
    assert_string_equal(diag->sqlstate, "42P01");
    assert_string_equal(diag->message, "table \"nope\" does not exist");
    assert_string_equal(diag->detail, "line 1");
    assert_string_equal(diag->hint, "maybe");
    assert_string_equal(diag->blame, "User");
    assert_int_equal(diag->position, 15);
    assert_string_equal(err.severity, "ERROR");
    assert_string_equal(err.sqlstate, "42P01");
    assert_string_equal(err.message, "table \"nope\" does not exist");
    assert_int_equal(err.flags, HYL_ERROR_FROM_SERVER);
    mem_conn_close(&mem);
}

static void what_the_server_left_out_has_a_default(void **state)
{
    (void)state;
    static const char *const nothing[] = {NULL};
    mem_conn mem = mem_conn_open(NULL);
    fail_with(&mem, nothing, HYL_ERR_SERVER);
    const hyl_diag *diag = hyl_conn_diag(mem.conn);
    assert_string_equal(diag->severity, "ERROR");
    assert_string_equal(diag->sqlstate, "00000");
    assert_string_equal(diag->message, "unknown error");
    assert_string_equal(diag->detail, "");
    assert_string_equal(diag->hint, "");
    assert_string_equal(diag->blame, "");
    assert_int_equal(diag->position, 0);
    assert_string_equal(err.message, "unknown error");
    mem_conn_close(&mem);
}

/* The error's field is short; the diagnosis is not. */
static void a_long_message_is_whole_in_the_diagnosis(void **state)
{
    (void)state;
    char message[4000];
    memset(message, 'x', sizeof message);
    message[sizeof message - 1] = '\0';
    const char *fields[] = {"C", "XX000", "M", message, NULL};
    mem_conn mem = mem_conn_open(NULL);
    fail_with(&mem, fields, HYL_ERR_SERVER);
    assert_string_equal(hyl_conn_diag(mem.conn)->message, message);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    mem_conn_close(&mem);
}

static void the_next_request_forgets_it(void **state)
{
    (void)state;
    static const char *const fields[] = {"C", "22012", "M", "division by zero", NULL};
    mem_conn mem = mem_conn_open(NULL);
    fail_with(&mem, fields, HYL_ERR_SERVER);
    assert_non_null(hyl_conn_diag(mem.conn));
    mem_assert_in_step(&mem);
    assert_null(hyl_conn_diag(mem.conn));
    fail_with(&mem, fields, HYL_ERR_SERVER);
    /* An error that is not the server's has no diagnosis. */
    assert_status(hyl_exec(mem.conn, "SELECT '", NULL, &err), HYL_ERR_ARG, &err);
    assert_null(hyl_conn_diag(mem.conn));
    mem_conn_close(&mem);
}

static void some_errors_may_pass(void **state)
{
    (void)state;
    static const struct {
        const char *sqlstate;
        hyl_status status;
        bool retryable;
    } cases[] = {
        {"40001", HYL_ERR_SERVER, true},
        {"55006", HYL_ERR_SERVER, true},
        {"22012", HYL_ERR_SERVER, false},
        {"57014", HYL_ERR_CANCELLED, false},
    };
    mem_conn mem = mem_conn_open(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *fields[] = {"C", cases[i].sqlstate, "M", "no", NULL};
        fail_with(&mem, fields, cases[i].status);
        assert_int_equal(err.status, cases[i].status);
        assert_string_equal(err.sqlstate, cases[i].sqlstate);
        assert_int_equal(hyl_error_retryable(&err), cases[i].retryable);
        assert_true(err.flags & HYL_ERROR_FROM_SERVER);
    }
    mem_conn_close(&mem);
}

/* ---- Notices --------------------------------------------------------------------------------- */

static void keep_message(void *ctx, const hyl_diag *notice)
{
    snprintf(ctx, 64, "%s/%s/%s", notice->severity, notice->message, notice->hint);
}

static void a_notice_has_the_same_fields(void **state)
{
    (void)state;
    static const char *const fields[] = {"S", "WARNING", "M", "well", "H", "so", NULL};
    char said[64] = "";
    hyl_buf messages = HYL_BUF_INIT;
    mem_conn mem = mem_conn_open(NULL);
    hyl_conn_on_notice(mem.conn, keep_message, said);
    backend_diag(&messages, 'N', fields);
    mem_say(&mem, &messages);
    mem_assert_in_step(&mem);
    assert_string_equal(said, "WARNING/well/so");
    assert_null(hyl_conn_diag(mem.conn));
    mem_conn_close(&mem);
}

static void a_notice_may_be_empty(void **state)
{
    (void)state;
    static const char *const nothing[] = {NULL};
    char said[64] = "";
    hyl_buf messages = HYL_BUF_INIT;
    mem_conn mem = mem_conn_open(NULL);
    hyl_conn_on_notice(mem.conn, keep_message, said);
    backend_diag(&messages, 'N', nothing);
    mem_say(&mem, &messages);
    mem_assert_in_step(&mem);
    assert_string_equal(said, "NOTICE//");
    mem_conn_close(&mem);
}

/* ---- Without memory -------------------------------------------------------------------------- */

static void without_memory_there_is_still_an_error(void **state)
{
    (void)state;
    const hyl_msg_diag message = {.sqlstate = HYL_STR("22012"), .message = HYL_STR("by zero")};
    hyl_conn conn = {.refs = 1};
    alloc_start(1);
    hyl__conn_set_diag(&conn, &message);
    assert_true(alloc_failed());
    assert_status(hyl__conn_fail_server(&conn, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "00000");
    assert_string_equal(err.message, "unknown error");
    assert_string_equal(hyl_conn_diag(&conn)->detail, "");
    alloc_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_the_server_said_is_kept),
        cmocka_unit_test(what_the_server_left_out_has_a_default),
        cmocka_unit_test(a_long_message_is_whole_in_the_diagnosis),
        cmocka_unit_test(the_next_request_forgets_it),
        cmocka_unit_test(some_errors_may_pass),
        cmocka_unit_test(a_notice_has_the_same_fields),
        cmocka_unit_test(a_notice_may_be_empty),
        cmocka_unit_test(without_memory_there_is_still_an_error),
    };
    return cmocka_run_group_tests_name("conn/diag", tests, NULL, NULL);
}
