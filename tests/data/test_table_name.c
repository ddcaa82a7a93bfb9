#include "data/table_name.h"

#include "support/alloc.h"
#include "support/test.h"

static void assert_read(const char *name, const char *written)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf out = HYL_BUF_INIT;
    hyl__table_name parsed;
    assert_ok(hyl__table_name_read(name, &parsed, &err), &err);
    assert_ok(hyl__table_name_write(&parsed, &out, &err), &err);
    hyl_buf_append_byte(&out, 0);
    assert_string_equal((const char *)out.data, written);
    hyl_buf_reset(&out);
    hyl__table_name_reset(&parsed);
}

static void assert_refused(const char *name)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl__table_name parsed;
    assert_status(hyl__table_name_read(name, &parsed, &err), HYL_ERR_ARG, &err);
    assert_non_null(strstr(err.message, "not the name of a table"));
}

static void names_are_read_as_sql_has_them(void **state)
{
    (void)state;
    assert_read("t", "\"t\"");
    assert_read("Sales_2024$", "\"sales_2024$\"");
    assert_read("public.T", "\"public\".\"t\"");
    assert_read("db.public.t", "\"db\".\"public\".\"t\"");
    assert_read("\"Extract\".\"Extract\"", "\"Extract\".\"Extract\"");
    assert_read("\"a.b\".\"c\"\"d\"", "\"a.b\".\"c\"\"d\"");
    assert_read("\"\"\"\"", "\"\"\"\"");
    assert_read("\"/data/x y.hyper\".s.\"Z\"", "\"/data/x y.hyper\".\"s\".\"Z\"");
    assert_read("caf\xc3\xa9", "\"caf\xc3\xa9\"");
}

static void what_is_no_name_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",    ".",    "a.",     ".a",   "a..b", "a.b.c.d", "a b",      "a;b",        "1a",
        "\"a", "\"\"", "\"a\"b", "a\"b", "a--b", "(SELECT", "a) TO 'x", "\"a\".\"\"", "\"a\"\""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_refused(wrong[i]);
    }
}

static void no_name_is_refused(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl__table_name parsed;
    assert_status(hyl__table_name_read(NULL, &parsed, &err), HYL_ERR_ARG, &err);
}

static void no_memory_is_reported(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl__table_name parsed;
    alloc_start(1);
    assert_status(hyl__table_name_read("a.b", &parsed, &err), HYL_ERR_NOMEM, &err);
    alloc_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_as_sql_has_them),
        cmocka_unit_test(what_is_no_name_is_refused),
        cmocka_unit_test(no_name_is_refused),
        cmocka_unit_test(no_memory_is_reported),
    };
    return cmocka_run_group_tests_name("data/table_name", tests, NULL, NULL);
}
