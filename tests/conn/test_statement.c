#include "support/test.h"

#include "conn/statement.h"

static void one_statement_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        hyl__statement_kind kind;
        bool has_rows;
    } cases[] = {
        {"SELECT 1", HYL__STATEMENT_OTHER, true},
        {"  select 1 ;", HYL__STATEMENT_OTHER, true},
        {"-- note\n(select 1)", HYL__STATEMENT_OTHER, true},
        {"/* note */ WITH t AS (SELECT 1) SELECT * FROM t", HYL__STATEMENT_OTHER, true},
        {"VALUES (1), (2);;", HYL__STATEMENT_OTHER, true},
        {"table t", HYL__STATEMENT_OTHER, true},
        {"INSERT INTO t VALUES (';') RETURNING a", HYL__STATEMENT_OTHER, true},
        {"update t set a = 1", HYL__STATEMENT_OTHER, true},
        {"DELETE FROM t", HYL__STATEMENT_OTHER, true},
        {"EXECUTE p", HYL__STATEMENT_OTHER, false},
        {"CREATE TABLE t (a int)", HYL__STATEMENT_OTHER, false},
        {"COPY t FROM STDIN", HYL__STATEMENT_OTHER, false},
        {"EXPLAIN SELECT 1", HYL__STATEMENT_OTHER, false},
        {"selection", HYL__STATEMENT_OTHER, false},
        {"\"SELECT\"", HYL__STATEMENT_OTHER, false},
        {"BEGIN", HYL__STATEMENT_OTHER, false},
        {"START TRANSACTION", HYL__STATEMENT_OTHER, false},
        {"SAVEPOINT commit", HYL__STATEMENT_OTHER, false},
        {"COMMIT", HYL__STATEMENT_COMMIT, false},
        {"commit;", HYL__STATEMENT_COMMIT, false},
        {"-- COMMIT\nCOMMIT WORK -- done", HYL__STATEMENT_COMMIT, false},
        {"END", HYL__STATEMENT_COMMIT, false},
        {"COMMIT PREPARED 'x'", HYL__STATEMENT_OTHER, false},
        {"ROLLBACK", HYL__STATEMENT_ROLLBACK, false},
        {"/**/ABORT", HYL__STATEMENT_ROLLBACK, false},
        {"; ; rollback", HYL__STATEMENT_ROLLBACK, false},
        {"ROLLBACK TO SAVEPOINT x", HYL__STATEMENT_ROLLBACK_TO, false},
        {"ROLLBACK PREPARED 'x'", HYL__STATEMENT_OTHER, false},
        {"", HYL__STATEMENT_OTHER, false},
        {" -- nothing", HYL__STATEMENT_OTHER, false},
        {";;", HYL__STATEMENT_OTHER, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hyl_error err = HYL_ERROR_INIT;
        hyl__statement statement;
        assert_ok(hyl__statement_read(hyl_str_of(cases[i].sql), &statement, &err), &err);
        if (statement.kind != cases[i].kind || statement.has_rows != cases[i].has_rows) {
            fail_msg("'%s': kind %d, rows %d", cases[i].sql, statement.kind, statement.has_rows);
        }
        /* The whole text is sent, so that the server's positions are the user's. */
        assert_ptr_equal(statement.sql.data, cases[i].sql);
        assert_int_equal(statement.sql.len, strlen(cases[i].sql));
    }
}

static void no_text_is_no_statement(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl__statement statement;
    assert_status(hyl__statement_read(hyl_str_of(NULL), &statement, &err), HYL_ERR_ARG, &err);
}

static void a_bare_list_of_values_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *bare; /* NULL: it is none */
    } cases[] = {
        {"VALUES (1), (2)", "VALUES (1), (2)"},
        {" -- x\n values (a, 'order by'), (limit) ; -- y", "values (a, 'order by'), (limit)"},
        {"((VALUES (1), (2)));", "((VALUES (1), (2)))"},
        {"(VALUES (1) ORDER BY 1)", "(VALUES (1) ORDER BY 1)"},
        {"VALUES (1), (2) ORDER BY 1", NULL},
        {"values (1) limit 1", NULL},
        {"(VALUES (1)) UNION ALL (VALUES (2))", NULL},
        {"WITH t AS (SELECT 1) VALUES (1), (2)", NULL},
        {"SELECT 1", NULL},
        {"INSERT INTO t VALUES (1), (2)", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hyl_error err = HYL_ERROR_INIT;
        hyl__statement statement;
        assert_ok(hyl__statement_read(hyl_str_of(cases[i].sql), &statement, &err), &err);
        size_t len = cases[i].bare != NULL ? strlen(cases[i].bare) : 0;
        if (statement.bare_values.len != len ||
            (len > 0 && memcmp(statement.bare_values.data, cases[i].bare, len) != 0)) {
            fail_msg("'%s': '%.*s'", cases[i].sql, (int)statement.bare_values.len,
                     statement.bare_values.data);
        }
    }
}

static void several_statements_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "SELECT 1; SELECT 2",   "SELECT 1; -- and\n SELECT 2;",
        "COMMIT; DROP TABLE t", "SELECT '';''",
        ";SELECT 1;;x",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        hyl_error err = HYL_ERROR_INIT;
        hyl__statement statement;
        assert_status(hyl__statement_read(hyl_str_of(texts[i]), &statement, &err), HYL_ERR_ARG,
                      &err);
        assert_non_null(strstr(err.message, "hyl_exec_script"));
    }
}

static void a_quote_that_is_not_closed_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *line;
    } cases[] = {
        {"SELECT 'a", "line 1"},
        {"SELECT\n\n\"a", "line 3"},
        {"SELECT 1 /* x", "line 1"},
        {"SELECT 1;\nSELECT $x$ y", "line 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hyl_error err = HYL_ERROR_INIT;
        hyl__statement statement;
        assert_status(hyl__statement_read(hyl_str_of(cases[i].sql), &statement, &err), HYL_ERR_ARG,
                      &err);
        if (strstr(err.message, cases[i].line) == NULL) {
            fail_msg("'%s': %s", cases[i].sql, err.message);
        }
    }
}

/* What a text is depends on who reads it. */
static void a_text_is_read_in_the_grammar_of_the_server(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        hyl_status hyper;
        hyl_status postgresql;
    } cases[] = {
        {"select 1 as foo$x$; select 2 as bar$x$", HYL_OK, HYL_ERR_ARG},
        {"select 1 as foo$x", HYL_ERR_ARG, HYL_OK},
        {"select /* /* */ 'a */; b -- '", HYL_OK, HYL_ERR_ARG},
        {"select 1 /* /* */; select 2 */", HYL_ERR_ARG, HYL_OK},
    };
    hyl_conn hyper = {.settings.dialect = HYL__DIALECT_HYPER};
    hyl_conn postgresql = {.settings.dialect = HYL__DIALECT_POSTGRESQL};
    hyl__statement statement;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hyl_str sql = hyl_str_of(cases[i].sql);
        assert_int_equal(hyl__conn_statement(&hyper, sql, &statement, NULL), cases[i].hyper);
        assert_int_equal(hyl__statement_read(sql, &statement, NULL), cases[i].hyper);
        assert_int_equal(hyl__conn_statement(&postgresql, sql, &statement, NULL),
                         cases[i].postgresql);
    }
    hyl_str commit = HYL_STR("/* /* */ rollback */ commit");
    assert_int_equal(hyl__conn_statement(&hyper, commit, &statement, NULL), HYL_OK);
    assert_int_equal(statement.kind, HYL__STATEMENT_ROLLBACK);
    assert_int_equal(hyl__conn_statement(&postgresql, commit, &statement, NULL), HYL_OK);
    assert_int_equal(statement.kind, HYL__STATEMENT_COMMIT);
    hyl_str query = HYL_STR("/* /* */ */ select 1");
    assert_int_equal(hyl__conn_statement(&postgresql, query, &statement, NULL), HYL_OK);
    assert_true(statement.has_rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_statement_is_read),
        cmocka_unit_test(no_text_is_no_statement),
        cmocka_unit_test(a_bare_list_of_values_is_known),
        cmocka_unit_test(several_statements_are_refused),
        cmocka_unit_test(a_quote_that_is_not_closed_is_refused_with_its_line),
        cmocka_unit_test(a_text_is_read_in_the_grammar_of_the_server),
    };
    return cmocka_run_group_tests_name("conn/statement", tests, NULL, NULL);
}
