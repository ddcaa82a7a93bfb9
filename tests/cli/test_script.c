#include "support/test.h"

#include "cli/script.h"

static void statements_that_only_read(void **state)
{
    (void)state;
    static const char *const reading[] = {
        "SELECT 1",
        "select * from \"insert\"",
        "VALUES (1)",
        "TABLE t",
        "show timezone",
        "SELECT",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "(SELECT updated, x_insert FROM t)",
        "-- note\nSELECT 1",
    };
    for (size_t i = 0; i < sizeof reading / sizeof reading[0]; i++) {
        assert_true(statement_only_reads(hyl_str_of(reading[i])));
    }
}

static void statements_that_may_write(void **state)
{
    (void)state;
    static const char *const writing[] = {
        "INSERT INTO t VALUES (1) RETURNING a",
        "update t set a = 1",
        "DELETE FROM t",
        "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x",
        "EXECUTE p",
        "-- note\nDELETE FROM t",
        "CREATE TABLE t AS SELECT 1",
    };
    for (size_t i = 0; i < sizeof writing / sizeof writing[0]; i++) {
        assert_false(statement_only_reads(hyl_str_of(writing[i])));
    }
}

static void the_verb_stands_behind_comments_and_parentheses(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"SELECT 1", "SELECT"},
        {"values(1)", "values"},
        {"((table t))", "table"},
        {"-- select\n( /* show\n* */ With x", "With"},
        {"/**/select", "select"},
        {"/*/ x */show x", "show"},
        {"( -- no end", ""},
        {"/* no end *", ""},
        {"1", "1"},
        {"'select'", ""},
        {"-1", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hyl_str verb = statement_verb(hyl_str_of(cases[i][0]));
        assert_int_equal(verb.len, strlen(cases[i][1]));
        assert_memory_equal(verb.data, cases[i][1], verb.len);
    }
}

static void lines_are_counted_from_one(void **state)
{
    (void)state;
    script text;
    hyl_str statement;
    size_t offset = 0;
    const size_t lines[] = {1, 3, 4};
    assert_int_equal(script_read(&text, "SELECT 1;\n\nSELECT\n2; SELECT 3", NULL), 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(hyl_sql_next(text.text, &offset, &statement, NULL), HYL_OK);
        size_t line = script_line(&text, statement.data);
        assert_int_equal(line, lines[i]);
    }
    script_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_that_only_read),
        cmocka_unit_test(statements_that_may_write),
        cmocka_unit_test(the_verb_stands_behind_comments_and_parentheses),
        cmocka_unit_test(lines_are_counted_from_one),
    };
    return cmocka_run_group_tests_name("cli/script", tests, NULL, NULL);
}
