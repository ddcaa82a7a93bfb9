#include "data/table.h"

#include "support/alloc.h"
#include "support/mem_table.h"
#include "support/test.h"

static hyl_error err;

static char a[] = "a";
static char quoted[] = "B \"x\"";
static char c[] = "c";
static hyl__table_column columns[3];

static int make_columns(void **state)
{
    (void)state;
    columns[0] = (hyl__table_column){a, hyl_type_of(HYL_TYPE_INT), false};
    columns[1] = (hyl__table_column){quoted, hyl_type_numeric(5, 2), true};
    columns[2] = (hyl__table_column){c, hyl_type_from_oid(1043, 4 + 9), true};
    return 0;
}

static void assert_is(const hyl__table_column *got, const hyl__table_column *expected)
{
    assert_string_equal(got->name, expected->name);
    assert_int_equal(got->type.id, expected->type.id);
    assert_int_equal(got->type.typmod, expected->type.typmod);
    assert_int_equal(got->nullable, expected->nullable);
}

static void read_table(mem_conn *mem, const char *name, hyl__table *table)
{
    mem_say_table(mem, columns, 3);
    assert_ok(hyl__table_read(mem->conn, name, table, &err), &err);
}

static void columns_are_the_catalogs(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl__table table;
    read_table(&mem, "s.\"T'\"", &table);
    mem_assert_queried(&mem, "SELECT attname, atttypid, atttypmod, attnotnull FROM "
                             "pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_attribute ON "
                             "attrelid = c.oid AND attnum > 0 WHERE c.oid = "
                             "TRY_CAST('\"s\".\"T''\"' AS regclass) ORDER BY attnum");
    assert_string_equal(table.sql_name, "\"s\".\"T'\"");
    assert_int_equal(table.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_is(&table.columns[i], &columns[i]);
    }
    hyl__table_reset(&table);
    mem_conn_close(&mem);
}

/* Of a database that is named, its own catalog is asked. */
static void a_database_has_its_own_catalog(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl__table table;
    read_table(&mem, "\"d\"\"b\".s.t", &table);
    mem_assert_queried(&mem, "SELECT attname, atttypid, atttypmod, attnotnull FROM "
                             "\"d\"\"b\".pg_catalog.pg_class c LEFT JOIN "
                             "\"d\"\"b\".pg_catalog.pg_attribute ON attrelid = c.oid AND "
                             "attnum > 0 WHERE relname = 't' AND relnamespace = (SELECT oid FROM "
                             "\"d\"\"b\".pg_catalog.pg_namespace WHERE nspname = 's') "
                             "ORDER BY attnum");
    hyl__table_reset(&table);
    mem_conn_close(&mem);
}

static void what_is_not_there_is_an_error(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl__table table;
    mem_say_table(&mem, NULL, 0);
    assert_status(hyl__table_read(mem.conn, "db.s.t", &table, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "42P01");
    assert_string_equal(err.message, "table \"db\".\"s\".\"t\" does not exist");
    mem_say_table(&mem, &(hyl__table_column){.name = NULL}, 1);
    assert_status(hyl__table_read(mem.conn, "s.t", &table, &err), HYL_ERR_ARG, &err);
    assert_string_equal(err.message, "table \"s\".\"t\" has no columns");
    mem_say_error(&mem, "42P01", "no such thing", 'I');
    assert_status(hyl__table_read(mem.conn, "t", &table, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.message, "no such thing");
    mem_forget(&mem);
    assert_status(hyl__table_read(mem.conn, "t; SELECT 1", &table, &err), HYL_ERR_ARG, &err);
    mem_assert_written(&mem, "", 0);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void columns_are_chosen_by_name(void **state)
{
    (void)state;
    static const char *const names[] = {"c", "a"};
    mem_conn mem = mem_conn_open(NULL);
    hyl__table table;
    hyl_buf sql = HYL_BUF_INIT;
    read_table(&mem, "t", &table);
    assert_int_equal(hyl__table_find(&table, "c"), 2);
    assert_int_equal(hyl__table_find(&table, "C"), -1);
    assert_ok(hyl__table_select(&table, names, 2, &err), &err);
    assert_int_equal(table.count, 2);
    assert_is(&table.columns[0], &columns[2]);
    assert_is(&table.columns[1], &columns[0]);
    assert_ok(hyl__table_copy_sql(&table, "csv", &sql, &err), &err);
    assert_string_equal((const char *)sql.data,
                        "COPY \"t\" (\"c\", \"a\") FROM STDIN WITH (FORMAT csv)");
    hyl_buf_reset(&sql);
    hyl__table_reset(&table);
    mem_conn_close(&mem);
}

static void assert_not_chosen(const char *const *names, size_t count, const char *message)
{
    mem_conn mem = mem_conn_open(NULL);
    hyl__table table;
    read_table(&mem, "t", &table);
    assert_status(hyl__table_select(&table, names, count, &err), HYL_ERR_ARG, &err);
    assert_string_equal(err.message, message);
    hyl__table_reset(&table);
    mem_conn_close(&mem);
}

static void wrong_choices_are_refused(void **state)
{
    (void)state;
    static const char *const twice[] = {"a", "a"};
    static const char *const other[] = {"a", "A"};
    static const char *const without[] = {"c"};
    assert_not_chosen(twice, 2, "table \"t\" has only one column \"a\"");
    assert_not_chosen(other, 2, "table \"t\" has no column \"A\"");
    assert_not_chosen(without, 1, "column \"a\" of table \"t\" is NOT NULL: rows need it");
}

static void names_are_quoted_in_sql(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl__table table;
    hyl_buf sql = HYL_BUF_INIT;
    read_table(&mem, "\"T\"", &table);
    assert_ok(hyl__table_copy_sql(&table, "arrowstream", &sql, &err), &err);
    assert_string_equal((const char *)sql.data,
                        "COPY \"T\" (\"a\", \"B \"\"x\"\"\", \"c\") FROM STDIN WITH (FORMAT "
                        "arrowstream)");
    hyl_buf_reset(&sql);
    hyl__table_reset(&table);
    mem_conn_close(&mem);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    static const char *const names[] = {"c", "a"};
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        hyl__table table;
        alloc_start(ALLOC_NEVER);
        mem_conn mem = mem_conn_open(NULL);
        mem_say_table(&mem, columns, 3);
        alloc_arm(n);
        hyl_status status = hyl__table_read(mem.conn, "s.t", &table, &err);
        if (status == HYL_OK) {
            status = hyl__table_select(&table, names, 2, &err);
            hyl__table_reset(&table);
        }
        failed = alloc_failed();
        alloc_arm(ALLOC_NEVER);
        assert_int_equal(status, failed ? HYL_ERR_NOMEM : HYL_OK);
        mem_conn_close(&mem);
        alloc_stop();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_the_catalogs),
        cmocka_unit_test(a_database_has_its_own_catalog),
        cmocka_unit_test(what_is_not_there_is_an_error),
        cmocka_unit_test(columns_are_chosen_by_name),
        cmocka_unit_test(wrong_choices_are_refused),
        cmocka_unit_test(names_are_quoted_in_sql),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("data/table", tests, make_columns, NULL);
}
