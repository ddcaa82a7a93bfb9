#include "support/test.h"

#include "cli/table_name.h"
#include "cli/type_name.h"

static void expect_table(const char *text, const char *schema, const char *name)
{
    table_name got;
    hyl_error err = HYL_ERROR_INIT;
    assert_ok(table_name_parse(text, &got, &err), &err);
    assert_string_equal(got.schema, schema);
    assert_string_equal(got.name, name);
    table_name_reset(&got);
}

static void tables_are_read(void **state)
{
    (void)state;
    expect_table("flights", "public", "flights");
    expect_table("Extract.Extract", "Extract", "Extract");
    expect_table("\"a.b\"", "public", "a.b");
    expect_table("s.\"a\"\"b\"", "s", "a\"b");
    expect_table("\"s x\".t y", "s x", "t y");
    expect_table("t", "public", "t");
    const char *wrong[] = {"", ".", "a.", ".a", "a.b.c", "\"a", "a\"b", "\"a\"b", "\"\"", "a.\"\""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        table_name got;
        hyl_error err = HYL_ERROR_INIT;
        assert_status(table_name_parse(wrong[i], &got, &err), HYL_ERR_ARG, &err);
    }
}

static void tables_are_named_after_files(void **state)
{
    (void)state;
    const struct {
        const char *path;
        const char *name;
    } cases[] = {{"flights.csv", "flights"},
                 {"/data/Flights.2024.CSV.gz", "Flights.2024"},
                 {"x.tsv", "x"},
                 {"dir.csv/x.txt", "x"},
                 {"plain", "plain"},
                 {".csv", ".csv"},
                 {"a.csv.csv", "a.csv"},
                 {"b.gz", "b"},
                 {"x.arrow", "x"},
                 {"/y.2024.Arrows", "y.2024"},
                 {"z.feather.gz", "z"},
                 {"a.csv.ipc", "a.csv"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        table_name got;
        hyl_error err = HYL_ERROR_INIT;
        assert_ok(table_name_from_file(cases[i].path, &got, &err), &err);
        assert_string_equal(got.schema, "public");
        assert_string_equal(got.name, cases[i].name);
        table_name_reset(&got);
    }
}

static void tables_are_written(void **state)
{
    (void)state;
    table_name name;
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf out = HYL_BUF_INIT;
    assert_ok(table_name_parse("a\xc3\xa9", &name, &err), &err);
    assert_ok(table_name_show(&name, &out, &err), &err);
    hyl_buf_append_byte(&out, ' ');
    assert_ok(table_name_sql(name.schema, "x\"y", &out, &err), &err);
    hyl_buf_append_byte(&out, '\0');
    assert_string_equal((const char *)out.data, "\"a\xc3\xa9\" \"public\".\"x\"\"y\"");
    table_name_reset(&name);
    hyl_buf_clear(&out);
    assert_ok(table_name_parse("s.t", &name, &err), &err);
    assert_ok(table_name_show(&name, &out, &err), &err);
    hyl_buf_append_byte(&out, '\0');
    assert_string_equal((const char *)out.data, "\"s\".\"t\"");
    table_name_reset(&name);
    hyl_buf_reset(&out);
}

static void expect_type(const char *text, const char *expected)
{
    hyl_type type;
    hyl_buf out = HYL_BUF_INIT;
    if (!type_name_parse(hyl_str_of(text), &type)) {
        fail_msg("'%s' is no type", text);
    }
    hyl_type_format(type, &out);
    hyl_buf_append_byte(&out, '\0');
    assert_string_equal((const char *)out.data, expected);
    hyl_buf_reset(&out);
}

static void types_are_read(void **state)
{
    (void)state;
    expect_type("int", "integer");
    expect_type(" BIGINT ", "bigint");
    expect_type("bool", "boolean");
    expect_type("Double Precision", "double precision");
    expect_type("float8", "double precision");
    expect_type("real", "real");
    expect_type("numeric", "numeric(38,0)");
    expect_type("numeric(10)", "numeric(10,0)");
    expect_type("decimal( 12 , 3 )", "numeric(12,3)");
    expect_type("varchar", "character varying");
    expect_type("varchar(7)", "character varying(7)");
    expect_type("char(3)", "character(3)");
    expect_type("char", "character(1)");
    expect_type("character(1)", "character(1)");
    expect_type("timestamptz", "timestamp with time zone");
    expect_type("timestamp with time zone", "timestamp with time zone");
    expect_type("bytea", "bytes");
    const char *wrong[] = {"",
                           "foo",
                           "int(3)",
                           "numeric(0)",
                           "numeric(39)",
                           "numeric(5,6)",
                           "numeric(5,2,1)",
                           "numeric(",
                           "numeric()",
                           "numeric(5",
                           "numeric(a)",
                           "numeric(5,)",
                           "varchar(0)",
                           "varchar(1,2)",
                           "varchar(-1)",
                           "text[]",
                           "uuid",
                           "array(int)",
                           "(5)",
                           "numeric(99999999999999999999)"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        hyl_type type;
        if (type_name_parse(hyl_str_of(wrong[i]), &type)) {
            fail_msg("'%s' is taken for a type", wrong[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_read),
        cmocka_unit_test(tables_are_named_after_files),
        cmocka_unit_test(tables_are_written),
        cmocka_unit_test(types_are_read),
    };
    return cmocka_run_group_tests_name("cli/load_names", tests, NULL, NULL);
}
