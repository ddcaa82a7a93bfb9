/* Computed columns on a real server. */
#include "support/hyperd.h"
#include "support/live.h"
#include "support/test.h"

#include <hyperline/insert.h>

static hyl_conn *conn;
static hyl_error err;

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void assert_message(const char *part)
{
    if (strstr(err.message, part) == NULL) {
        fail_msg("\"%s\" does not contain \"%s\"", err.message, part);
    }
}

/* Fields of most tests: an integer and a text. */
static hyl_insert_field fields[2];

static hyl_inserter *open_mapped(const char *table, const hyl_insert_mapping *mappings,
                                 size_t count, const hyl_insert_opts *opts)
{
    hyl_inserter *ins = NULL;
    assert_ok(hyl_inserter_open_mapped(conn, table, fields, 2, mappings, count, opts, &ins, &err),
              &err);
    return ins;
}

static void put(hyl_inserter *ins, int32_t number, const char *text)
{
    assert_ok(hyl_inserter_i32(ins, number, &err), &err);
    assert_ok(text != NULL ? hyl_inserter_str(ins, hyl_str_of(text), &err)
                           : hyl_inserter_null(ins, &err),
              &err);
    assert_ok(hyl_inserter_end_row(ins, &err), &err);
}

static void finish(hyl_inserter *ins, int64_t expected)
{
    int64_t rows = -1;
    assert_ok(hyl_inserter_finish(ins, &rows, &err), &err);
    assert_int_equal(rows, expected);
    hyl_inserter_free(ins);
}

/* ---- What is computed ---------------------------------------------------------------------- */

static void columns_are_computed(void **state)
{
    (void)state;
    static const hyl_insert_mapping mappings[] = {
        {"label", "upper(\"a text\") || '; -- (' -- a comment"},
        {"number", NULL},
        {"Day", "CAST(\"a text\" AS date)"},
        {"odd", "CASE WHEN number % 2 = 1 THEN 'odd' END"},
    };
    live_exec(conn, "CREATE TABLE c (number bigint NOT NULL, label text, \"Day\" date, odd text, "
                    "kept int DEFAULT 7)");
    hyl_insert_opts opts = HYL_INSERT_OPTS_INIT;
    for (int i = HYL_WITH_ARROW ? 0 : 1; i < 2; i++) {
        opts.format = i == 0 ? HYL_INSERT_AUTO : HYL_INSERT_HYPERBINARY;
        hyl_inserter *ins = open_mapped("c", mappings, COUNT(mappings), &opts);
        assert_int_equal(hyl_inserter_column_count(ins), 2);
        assert_string_equal(hyl_inserter_column(ins, 1)->name, "a text");
        put(ins, 1, "2024-02-29");
        put(ins, 2, NULL);
        finish(ins, 2);
        assert_int_equal(live_i64(conn,
                                  "SELECT count(*) FROM c WHERE number = 1 AND odd = 'odd' AND "
                                  "label = '2024-02-29; -- (' AND \"Day\" = date '2024-02-29' "
                                  "AND kept = 7"),
                         1);
        assert_int_equal(live_i64(conn,
                                  "SELECT count(*) FROM c WHERE number = 2 AND odd IS NULL AND "
                                  "label IS NULL AND \"Day\" IS NULL"),
                         1);
        live_exec(conn, "DELETE FROM c");
    }
    live_exec(conn, "DROP TABLE c");
}

/* Fields of every type reach their expressions. */
static void fields_have_any_type(void **state)
{
    (void)state;
    static const char table[] =
        "CREATE TABLE types (c0 boolean, c1 smallint, c2 integer, c3 bigint, c4 real, "
        "c5 double precision, c6 numeric(38,0), c7 oid, c8 text, c9 text, c10 char(3), "
        "c11 char(1), c12 json, c13 bytes, c14 date, c15 time, c16 timestamp, c17 timestamptz, "
        "c18 interval, c19 tableau.tabgeography, c20 uuid)";
    enum { TYPES = HYL_TYPE_ARRAY - 1 };
    static char names[TYPES][8];
    hyl_insert_field all[TYPES];
    hyl_insert_mapping mappings[TYPES];
    for (size_t i = 0; i < TYPES; i++) {
        snprintf(names[i], sizeof names[i], "c%zu", i);
        all[i] = (hyl_insert_field){names[i], hyl_type_of((hyl_type_id)(i + 1)), false};
        mappings[i] = (hyl_insert_mapping){names[i], NULL};
    }
    all[HYL_TYPE_VARCHAR - 1].type = hyl_type_from_oid(1043, 4 + 5);
    all[HYL_TYPE_CHAR - 1].type = hyl_type_from_oid(1042, 4 + 3);
    live_exec(conn, table);
    hyl_inserter *ins = NULL;
    assert_ok(
        hyl_inserter_open_mapped(conn, "types", all, TYPES, mappings, TYPES, NULL, &ins, &err),
        &err);
    for (size_t i = 0; i < TYPES; i++) {
        assert_ok(hyl_inserter_null(ins, &err), &err);
    }
    assert_ok(hyl_inserter_end_row(ins, &err), &err);
    finish(ins, 1);
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM types WHERE c0 IS NULL AND c20 IS NULL"),
                     1);
    live_exec(conn, "DROP TABLE types");
}

static void many_rows_are_streamed(void **state)
{
    (void)state;
    enum { ROWS = 200000 };
    static const hyl_insert_mapping mappings[] = {{"n", "number * 2"}};
    live_exec(conn, "CREATE TABLE m (n bigint)");
    hyl_inserter *ins = open_mapped("m", mappings, 1, NULL);
    for (int32_t i = 0; i < ROWS; i++) {
        put(ins, i, "some text that is not used");
    }
    finish(ins, ROWS);
    assert_int_equal(live_i64(conn, "SELECT CAST(sum(n) AS bigint) FROM m"),
                     (int64_t)ROWS * (ROWS - 1));
    live_exec(conn, "DROP TABLE m");
}

/* ---- All or nothing ------------------------------------------------------------------------ */

static void an_expression_that_fails_leaves_nothing(void **state)
{
    (void)state;
    static const hyl_insert_mapping mappings[] = {{"n", "100 / number"}};
    live_exec(conn, "CREATE TABLE e (n int)");
    for (int32_t rows = 1; rows <= 300000; rows += 299999) {
        hyl_inserter *ins = open_mapped("e", mappings, 1, NULL);
        hyl_status status = HYL_OK;
        for (int32_t i = rows - 1; i >= 0 && status == HYL_OK; i--) {
            assert_ok(hyl_inserter_i32(ins, i, &err), &err);
            assert_ok(hyl_inserter_str(ins, HYL_STR("x"), &err), &err);
            status = hyl_inserter_end_row(ins, &err);
        }
        if (status == HYL_OK) {
            status = hyl_inserter_finish(ins, NULL, &err);
        }
        assert_status(status, HYL_ERR_SERVER, &err);
        assert_string_equal(err.sqlstate, "22012");
        hyl_inserter_free(ins);
        assert_int_equal(live_i64(conn, "SELECT count(*) FROM e"), 0);
    }
    live_exec(conn, "DROP TABLE e");
}

static void what_is_given_up_leaves_nothing(void **state)
{
    (void)state;
    static const hyl_insert_mapping mappings[] = {{"n", "number"}};
    hyl_insert_opts opts = HYL_INSERT_OPTS_INIT;
    opts.buffer_size = 1000;
    live_exec(conn, "CREATE TABLE g (n int)");
    for (int i = 0; i < 2; i++) {
        hyl_inserter *ins = open_mapped("g", mappings, 1, &opts);
        for (int32_t k = 0; k < 1000; k++) {
            put(ins, k, "x");
        }
        if (i == 1) {
            assert_ok(hyl_inserter_abort(ins, "enough", &err), &err);
        }
        hyl_inserter_free(ins);
        assert_int_equal(live_i64(conn, "SELECT count(*) FROM g"), 0);
    }
    live_exec(conn, "BEGIN");
    hyl_inserter *ins = open_mapped("g", mappings, 1, &opts);
    put(ins, 1, "x");
    finish(ins, 1);
    live_exec(conn, "ROLLBACK");
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM g"), 0);
    live_exec(conn, "DROP TABLE g");
}

/* ---- What is refused ----------------------------------------------------------------------- */

static void assert_refused(const char *table, const char *column, const char *expression,
                           hyl_status status, const char *part)
{
    const hyl_insert_mapping mapping = {column, expression};
    hyl_inserter *ins = NULL;
    assert_status(hyl_inserter_open_mapped(conn, table, fields, 2, &mapping, 1, NULL, &ins, &err),
                  status, &err);
    assert_message(part);
    assert_null(ins);
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM r"), 0);
}

static void the_server_looks_at_the_statement_first(void **state)
{
    (void)state;
    live_exec(conn, "CREATE TABLE r (n int, d date)");
    assert_refused("nope", "n", NULL, HYL_ERR_ARG, "\"n\" has no expression");
    assert_refused("nope", "n", "number", HYL_ERR_SERVER, "nope");
    assert_refused("r", "nope", "number", HYL_ERR_SERVER, "nope");
    assert_refused("r", "n", "nope + 1", HYL_ERR_SERVER, "nope");
    assert_refused("r", "d", "number", HYL_ERR_SERVER, "'d'");
    assert_refused("r", "n", "number +", HYL_ERR_SERVER, "syntax error");
    live_exec(conn, "DROP TABLE r");
}

/* What would end the expression and go on with something else. */
static void an_expression_is_one_expression(void **state)
{
    (void)state;
    live_exec(conn, "CREATE TABLE r (n int)");
    assert_refused("r", "n", "number) FROM r; DROP TABLE r; --", HYL_ERR_ARG,
                   "the expression of column \"n\"");
    assert_refused("r", "n", "1), (2", HYL_ERR_ARG, "syntax error: the parenthesis");
    assert_refused("r", "n", "(1", HYL_ERR_ARG, "syntax error: the parenthesis");
    assert_refused("r", "n", "'open", HYL_ERR_ARG, "the expression of column \"n\"");
    assert_refused("r", "n", "1 /* open", HYL_ERR_ARG, "the expression of column \"n\"");
    assert_refused("r", "n", "1; 2", HYL_ERR_ARG, "the expression of column \"n\"");
    assert_refused("r", "n", "", HYL_ERR_ARG, "the expression of column \"n\"");
    assert_refused("r", "n\") SELECT 1; --", "1", HYL_ERR_SERVER, "n\") SELECT 1; --");
    assert_refused("r", "", "1", HYL_ERR_ARG, "the column of mapping 1: an identifier is empty");
    assert_refused("r; DROP TABLE r", "n", "1", HYL_ERR_ARG, "table");
    live_exec(conn, "DROP TABLE r");
}

static void fields_and_mappings_are_checked(void **state)
{
    (void)state;
    const hyl_insert_mapping mapping = {"n", "1"};
    const hyl_insert_mapping nameless = {NULL, "1"};
    const hyl_type int_type = hyl_type_of(HYL_TYPE_INT);
    const hyl_insert_field twice[] = {{"a", int_type, true}, {"a", int_type, true}};
    const hyl_insert_field unnamed = {"", int_type, true};
    const hyl_insert_field array = {"a", hyl_type_from_oid(1007, -1), true};
    hyl_inserter *ins = NULL;
    live_exec(conn, "CREATE TABLE r (n int)");
#define OPEN(fields_, count_, mapping_, mappings_) \
    hyl_inserter_open_mapped(conn, "r", fields_, count_, mapping_, mappings_, NULL, &ins, &err)
    assert_status(OPEN(fields, 0, &mapping, 1), HYL_ERR_ARG, &err);
    assert_status(OPEN(fields, 2, &mapping, 0), HYL_ERR_ARG, &err);
    assert_status(OPEN(fields, 2, &nameless, 1), HYL_ERR_ARG, &err);
    assert_status(OPEN(twice, 2, &mapping, 1), HYL_ERR_ARG, &err);
    assert_message("two fields \"a\"");
    assert_status(OPEN(&unnamed, 1, &mapping, 1), HYL_ERR_ARG, &err);
    assert_status(OPEN(&array, 1, &mapping, 1), HYL_ERR_UNSUPPORTED, &err);
#undef OPEN
    assert_null(ins);
    live_exec(conn, "DROP TABLE r");
}

/* A field's own rules hold as a column's do. */
static void values_are_checked_before_they_are_sent(void **state)
{
    (void)state;
    static const hyl_insert_mapping mappings[] = {{"n", "number"}};
    live_exec(conn, "CREATE TABLE v (n int)");
    hyl_inserter *ins = open_mapped("v", mappings, 1, NULL);
    assert_status(hyl_inserter_null(ins, &err), HYL_ERR_NULLVAL, &err);
    assert_message("row 1, column 1 \"number\"");
    hyl_inserter_drop_row(ins);
    assert_ok(hyl_inserter_i32(ins, 1, &err), &err);
    assert_status(hyl_inserter_str(ins, HYL_STR("\xff"), &err), HYL_ERR_ARG, &err);
    assert_message("row 2, column 2 \"a text\"");
    hyl_inserter_drop_row(ins);
    finish(ins, 0);
    live_exec(conn, "DROP TABLE v");
}

/* ---- The program --------------------------------------------------------------------------- */

static int open_connection(void **state)
{
    if (test_hyperd_start(state) != 0) {
        return -1;
    }
    conn = live_open("mapped.hyper", "create=create database_version=4");
    fields[0] = (hyl_insert_field){"number", hyl_type_of(HYL_TYPE_INT), true};
    fields[1] = (hyl_insert_field){"a text", hyl_type_of(HYL_TYPE_TEXT), false};
    return 0;
}

static int close_connection(void **state)
{
    hyl_conn_free(conn);
    conn = NULL;
    return test_hyperd_stop(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_computed),
        cmocka_unit_test(fields_have_any_type),
        cmocka_unit_test(many_rows_are_streamed),
        cmocka_unit_test(an_expression_that_fails_leaves_nothing),
        cmocka_unit_test(what_is_given_up_leaves_nothing),
        cmocka_unit_test(the_server_looks_at_the_statement_first),
        cmocka_unit_test(an_expression_is_one_expression),
        cmocka_unit_test(fields_and_mappings_are_checked),
        cmocka_unit_test(values_are_checked_before_they_are_sent),
    };
    return cmocka_run_group_tests_name("live/insert_mapped", tests, open_connection,
                                       close_connection);
}
