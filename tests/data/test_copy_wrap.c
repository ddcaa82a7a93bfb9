#include "support/test.h"

#include "support/mem_conn.h"

#include "data/copy_wrap.h"

static hyl_error err;

static void assert_wrapped(const char *sql, const char *wanted)
{
    hyl_buf out = HYL_BUF_INIT;
    size_t chars = 0;
    assert_ok(hyl__copy_wrap(sql, &out, &chars, &err), &err);
    assert_true(chars <= strlen(sql));
    hyl_buf_append_byte(&out, 0);
    assert_string_equal((const char *)out.data, wanted);
    hyl_buf_reset(&out);
}

#define WRAPPED(sql) "COPY (\n" sql "\n) TO STDOUT WITH (FORMAT arrowstream)"

static void a_query_stands_between_two_newlines(void **state)
{
    (void)state;
    assert_wrapped("SELECT 1", WRAPPED("SELECT 1"));
    assert_wrapped("SELECT 1;", WRAPPED("SELECT 1"));
    assert_wrapped("SELECT 1 ;\n ; -- the end", WRAPPED("SELECT 1"));
    /* What stands before the statement stays, so that positions stay. */
    assert_wrapped("/* a */ SELECT 1", WRAPPED("/* a */ SELECT 1"));
    /* An empty statement does too, but must not end the COPY. */
    assert_wrapped(";; SELECT 1", WRAPPED("   SELECT 1"));
    assert_wrapped("\xef\xbb\xbf"
                   "SELECT 1",
                   WRAPPED(" SELECT 1"));
    assert_wrapped("\n\nSELECT ')', \"(\", $$)$$ -- (\n", WRAPPED("\n\nSELECT ')', \"(\", $$)$$"));
    assert_wrapped("SELECT (1 /* ) */)", WRAPPED("SELECT (1 /* ) */)"));
}

/* The comment must not swallow the parenthesis that follows. */
static void a_comment_at_the_end_does_no_harm(void **state)
{
    (void)state;
    hyl_buf out = HYL_BUF_INIT;
    size_t chars = 0;
    assert_ok(hyl__copy_wrap("SELECT 1 -- x", &out, &chars, &err), &err);
    hyl_buf_append_byte(&out, 0);
    assert_non_null(strstr((const char *)out.data, "\n) TO STDOUT WITH (FORMAT arrowstream)"));
    hyl_buf_reset(&out);
}

static void what_could_leave_the_parenthesis_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "SELECT 1) TO '/tmp/file' WITH (FORMAT csv) --",
        "SELECT 1) TO '/tmp/file' WITH (FORMAT csv); --",
        "SELECT (1",
        "SELECT 1)",
        "SELECT 1) FROM (SELECT 2",
        "SELECT ')' || (1",
        "SELECT 'a",
        "SELECT \"a",
        "SELECT $x$ $y$",
        "SELECT 1 /* a",
        "SELECT 1; SELECT 2",
        /* A byte order mark is space at the beginning of a text only: here it makes E a word. */
        ";\ufeffE'\\') TO STDOUT --'",
        "",
        ";",
        "-- nothing",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hyl_buf out = HYL_BUF_INIT;
        size_t chars = 0;
        hyl_status status = hyl__copy_wrap(cases[i], &out, &chars, &err);
        if (status != HYL_ERR_ARG) {
            fail_msg("%s: %s", cases[i], hyl_status_name(status));
        }
        assert_true(err.message[0] != '\0');
        assert_int_equal(out.len, 0);
        hyl_buf_reset(&out);
    }
}

/* ---- The server's words ---------------------------------------------------------------------- */

static void assert_unwrapped(const char *position, const char *detail, int32_t wanted_position,
                             const char *wanted_detail)
{
    const char *const fields[] = {"S", "ERROR",  "C", "42601", "M", "wrong",
                                  "P", position, "D", detail,  NULL};
    mem_conn mem = mem_conn_open(NULL);
    hyl_buf messages = HYL_BUF_INIT;
    backend_diag(&messages, 'E', fields);
    backend_ready(&messages, 'I');
    mem_say(&mem, &messages);
    assert_int_equal(hyl_exec(mem.conn, "select", NULL, &err), HYL_ERR_SERVER);
    hyl__copy_unwrap_diag(mem.conn, 100);
    const hyl_diag *diag = hyl_conn_diag(mem.conn);
    assert_int_equal(diag->position, wanted_position);
    assert_string_equal(diag->detail, wanted_detail);
    assert_string_equal(diag->message, "wrong");
    mem_conn_close(&mem);
}

static void positions_are_those_of_the_query(void **state)
{
    (void)state;
    assert_unwrapped("8", "line 2, column 1: abc", 1, "line 1, column 1: abc");
    assert_unwrapped("20", "line 10, column 10: line 10", 13, "line 9, column 10: line 10");
    assert_unwrapped("7", "line 1, column 7", 0, "line 1, column 7");
    assert_unwrapped("107", "line 100, column 1", 100, "line 99, column 1");
    assert_unwrapped("108", "line 3, column 1", 0, "line 2, column 1");
    assert_unwrapped("1", "no position in it", 0, "no position in it");
    assert_unwrapped("9", "line x", 2, "line x");
    assert_unwrapped("9", "", 2, "");
}

static void without_a_diagnosis_nothing_happens(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl__copy_unwrap_diag(mem.conn, 100);
    assert_null(hyl_conn_diag(mem.conn));
    mem_conn_close(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_stands_between_two_newlines),
        cmocka_unit_test(a_comment_at_the_end_does_no_harm),
        cmocka_unit_test(what_could_leave_the_parenthesis_is_refused),
        cmocka_unit_test(positions_are_those_of_the_query),
        cmocka_unit_test(without_a_diagnosis_nothing_happens),
    };
    return cmocka_run_group_tests_name("data/copy_wrap", tests, NULL, NULL);
}
