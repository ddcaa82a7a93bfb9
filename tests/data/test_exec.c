#include "support/test.h"

#include "support/mem_conn.h"

static hyl_error err;

/* ---- hyl_exec -------------------------------------------------------------------------------- */

static void the_tag_says_how_many_rows(void **state)
{
    (void)state;
    static const struct {
        const char *tag;
        int64_t affected;
    } cases[] = {
        {"INSERT 0 5", 5},    {"UPDATE 0", 0}, {"DELETE 12", 12},
        {"SELECT 7", 7},      {"COPY 9", 9},   {"INSERT 0 9223372036854775807", INT64_MAX},
        {"CREATE TABLE", -1}, {"SET", -1},     {"BEGIN", -1},
    };
    mem_conn mem = mem_conn_open(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t affected = 99;
        mem_say_done(&mem, cases[i].tag, 'I');
        assert_ok(hyl_exec(mem.conn, "X", &affected, &err), &err);
        assert_true(affected == cases[i].affected);
        mem_say_done(&mem, cases[i].tag, 'I');
        assert_ok(hyl_exec(mem.conn, "X", NULL, &err), &err);
    }
    mem_conn_close(&mem);
}

static void rows_are_dropped(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    int64_t affected = 0;
    mem_say_ints(&mem, 1000);
    assert_ok(hyl_exec(mem.conn, "SELECT", &affected, &err), &err);
    assert_int_equal(affected, 1000);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void a_failure_leaves_the_count_alone(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    int64_t affected = 99;
    mem_say_error(&mem, "42P01", "no such table", 'I');
    assert_status(hyl_exec(mem.conn, "DELETE FROM x", &affected, &err), HYL_ERR_SERVER, &err);
    assert_int_equal(affected, 99);
    mem_conn_close(&mem);
}

/* ---- Scripts --------------------------------------------------------------------------------- */

static void a_script_is_run_statement_by_statement(void **state)
{
    (void)state;
    static const char script[] = "CREATE TABLE t (a text); -- one; two\n"
                                 "INSERT INTO t VALUES (';'), ($$;$$);\n"
                                 ";;\n"
                                 "/* ; */ SELECT \";\" FROM t -- the last";
    static const char *const statements[] = {
        "CREATE TABLE t (a text)",
        "INSERT INTO t VALUES (';'), ($$;$$)",
        "SELECT \";\" FROM t",
    };
    mem_conn mem = mem_conn_open(NULL);
    hyl_buf expected = HYL_BUF_INIT;
    size_t done = 0;
    for (size_t i = 0; i < 3; i++) {
        hyl_buf messages = HYL_BUF_INIT;
        assert_ok(hyl_enc_query(&expected, hyl_str_of(statements[i]), &err), &err);
        backend_tag(&messages, "OK");
        backend_ready(&messages, 'I');
        mem_say_after(&mem, expected.len, &messages);
    }
    assert_ok(hyl_exec_script(mem.conn, script, &done, &err), &err);
    assert_int_equal(done, 3);
    mem_assert_written(&mem, expected.data, expected.len);
    hyl_buf_reset(&expected);
    mem_conn_close(&mem);
}

static void a_script_stops_at_the_first_that_fails(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_buf messages = HYL_BUF_INIT;
    size_t done = 99;
    mem_say_done(&mem, "SET", 'I');
    backend_error(&messages, "42P01", "no such table");
    backend_ready(&messages, 'I');
    mem_say_after(&mem, backend_query_size("SET a = 1") + backend_query_size("SELECT\n2"),
                  &messages);
    assert_status(
        hyl_exec_script(mem.conn, "SET a = 1;\n\n -- two\n  SELECT\n2; SELECT 3", &done, &err),
        HYL_ERR_SERVER, &err);
    assert_string_equal(err.message, "statement 2, line 4: no such table");
    assert_string_equal(err.sqlstate, "42P01");
    assert_int_equal(done, 1);
    assert_string_equal(hyl_conn_diag(mem.conn)->message, "no such table");
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void a_script_that_ends_in_a_quote_says_where_it_begins(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    size_t done = 99;
    mem_say_done(&mem, "SET", 'I');
    assert_status(hyl_exec_script(mem.conn, "SET a = 1;\nSELECT 1,\n 'abc; SELECT 2", &done, &err),
                  HYL_ERR_ARG, &err);
    assert_non_null(strstr(err.message, "statement 2"));
    assert_non_null(strstr(err.message, "line 3"));
    assert_int_equal(done, 1);
    mem_conn_close(&mem);
}

static void a_script_may_be_empty(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    static const char *const scripts[] = {"", ";;", " -- nothing\n/* at all */"};
    for (size_t i = 0; i < 3; i++) {
        size_t done = 99;
        assert_ok(hyl_exec_script(mem.conn, scripts[i], &done, &err), &err);
        assert_int_equal(done, 0);
        assert_ok(hyl_exec_script(mem.conn, scripts[i], NULL, &err), &err);
    }
    mem_assert_written(&mem, "", 0);
    mem_conn_close(&mem);
}

/* ---- One value ------------------------------------------------------------------------------- */

static void say_cells(mem_conn *mem, hyl_type type, const hyl_bytes *cells, size_t count)
{
    const backend_column column = {"x", type};
    hyl_buf messages = HYL_BUF_INIT;
    backend_description(&messages, &column, 1);
    for (size_t i = 0; i < count; i++) {
        backend_row(&messages, &cells[i], 1);
    }
    backend_tag(&messages, "SELECT");
    backend_ready(&messages, 'I');
    mem_say(mem, &messages);
}

/* A simple query: to be described the statement would have to begin with SELECT. */
#define SQL "SHOW x"

static void the_only_value_is_taken(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    int64_t i64 = 0;
    double f64 = 0;
    char *text = NULL;
    const hyl_bytes five = {(const uint8_t *)"\5\0\0\0", 4};
    const hyl_bytes word = {(const uint8_t *)"abc", 3};
    const hyl_bytes empty = {(const uint8_t *)"", 0};
    say_cells(&mem, hyl_type_of(HYL_TYPE_INT), &five, 1);
    assert_ok(hyl_query_i64(mem.conn, SQL, &i64, &err), &err);
    assert_int_equal(i64, 5);
    say_cells(&mem, hyl_type_of(HYL_TYPE_INT), &five, 1);
    assert_ok(hyl_query_f64(mem.conn, SQL, &f64, &err), &err);
    assert_true(f64 == 5);
    say_cells(&mem, hyl_type_of(HYL_TYPE_INT), &five, 1);
    assert_ok(hyl_query_text(mem.conn, SQL, &text, &err), &err);
    assert_string_equal(text, "5");
    hyl_free(text);
    say_cells(&mem, hyl_type_of(HYL_TYPE_TEXT), &word, 1);
    assert_ok(hyl_query_text(mem.conn, SQL, &text, &err), &err);
    assert_string_equal(text, "abc");
    hyl_free(text);
    say_cells(&mem, hyl_type_of(HYL_TYPE_TEXT), &empty, 1);
    assert_ok(hyl_query_text(mem.conn, SQL, &text, &err), &err);
    assert_string_equal(text, "");
    hyl_free(text);
    mem_conn_close(&mem);
}

/* Asserts the same failure of all three, none of which touches what it would return. */
static void assert_no_value(mem_conn *mem, hyl_type type, const hyl_bytes *cells, size_t count,
                            hyl_status expected)
{
    int64_t i64 = 9;
    double f64 = 9;
    char *text = NULL;
    say_cells(mem, type, cells, count);
    assert_status(hyl_query_i64(mem->conn, SQL, &i64, &err), expected, &err);
    mem_assert_in_step(mem);
    say_cells(mem, type, cells, count);
    assert_status(hyl_query_f64(mem->conn, SQL, &f64, &err), expected, &err);
    mem_assert_in_step(mem);
    say_cells(mem, type, cells, count);
    assert_status(hyl_query_text(mem->conn, SQL, &text, &err), expected, &err);
    mem_assert_in_step(mem);
    assert_int_equal(i64, 9);
    assert_true(f64 == 9);
    assert_null(text);
}

static void none_several_or_null_is_no_value(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    const hyl_bytes two[] = {{(const uint8_t *)"\5\0\0\0", 4}, {(const uint8_t *)"\6\0\0\0", 4}};
    const hyl_bytes null = {NULL, 0};
    assert_no_value(&mem, hyl_type_of(HYL_TYPE_INT), NULL, 0, HYL_ERR_RANGE);
    assert_no_value(&mem, hyl_type_of(HYL_TYPE_INT), two, 2, HYL_ERR_RANGE);
    assert_no_value(&mem, hyl_type_of(HYL_TYPE_INT), &null, 1, HYL_ERR_NULLVAL);
    mem_conn_close(&mem);
}

static void a_value_of_another_type_is_refused(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    const hyl_bytes word = {(const uint8_t *)"abc", 3};
    int64_t i64 = 9;
    double f64 = 9;
    say_cells(&mem, hyl_type_of(HYL_TYPE_TEXT), &word, 1);
    assert_status(hyl_query_i64(mem.conn, SQL, &i64, &err), HYL_ERR_TYPE, &err);
    assert_string_equal(err.message, "column 1 \"x\" is text, not bigint");
    mem_assert_in_step(&mem);
    say_cells(&mem, hyl_type_of(HYL_TYPE_BIGINT), &word, 1);
    assert_status(hyl_query_f64(mem.conn, SQL, &f64, &err), HYL_ERR_TYPE, &err);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void a_statement_without_rows_has_no_value(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    int64_t i64 = 9;
    char *text = NULL;
    hyl_buf messages = HYL_BUF_INIT;
    mem_say_done(&mem, "SET", 'I');
    assert_status(hyl_query_i64(mem.conn, SQL, &i64, &err), HYL_ERR_RANGE, &err);
    backend_description(&messages, NULL, 0);
    backend_row(&messages, NULL, 0);
    mem_say(&mem, &messages);
    mem_say_done(&mem, "SELECT 1", 'I');
    assert_status(hyl_query_text(mem.conn, SQL, &text, &err), HYL_ERR_ARG, &err);
    assert_null(text);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

/* ---- Ping ------------------------------------------------------------------------------------ */

static void a_ping_is_an_empty_statement(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_buf messages = HYL_BUF_INIT;
    backend_message(&messages, 'I', NULL, 0);
    backend_ready(&messages, 'I');
    mem_say(&mem, &messages);
    assert_ok(hyl_ping(mem.conn, &err), &err);
    mem_assert_queried(&mem, "");
    assert_int_equal(hyl_mem_peer_end(mem.peer), HYL_OK);
    assert_status(hyl_ping(mem.conn, &err), HYL_ERR_CLOSED, &err);
    mem_assert_lost(&mem, HYL_ERR_CLOSED);
    mem_conn_close(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tag_says_how_many_rows),
        cmocka_unit_test(rows_are_dropped),
        cmocka_unit_test(a_failure_leaves_the_count_alone),
        cmocka_unit_test(a_script_is_run_statement_by_statement),
        cmocka_unit_test(a_script_stops_at_the_first_that_fails),
        cmocka_unit_test(a_script_that_ends_in_a_quote_says_where_it_begins),
        cmocka_unit_test(a_script_may_be_empty),
        cmocka_unit_test(the_only_value_is_taken),
        cmocka_unit_test(none_several_or_null_is_no_value),
        cmocka_unit_test(a_value_of_another_type_is_refused),
        cmocka_unit_test(a_statement_without_rows_has_no_value),
        cmocka_unit_test(a_ping_is_an_empty_statement),
    };
    return cmocka_run_group_tests_name("data/exec", tests, NULL, NULL);
}
