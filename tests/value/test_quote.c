#include "expect.h"

typedef hyl_status (*quote_function)(hyl_str text, hyl_buf *out, hyl_error *err);

static void expect_quoted(quote_function quote, const char *text, const char *wanted)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf out = HYL_BUF_INIT;
    guarded copy = guard_bytes(text, strlen(text));
    assert_ok(quote(guard_str(&copy), &out, &err), &err);
    expect_text(&out, wanted);
    guard_release(&copy);
}

static void expect_refused(quote_function quote, const char *text, size_t len, hyl_status wanted)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf out = HYL_BUF_INIT;
    assert_status(quote((hyl_str){text, len}, &out, &err), wanted, &err);
    assert_int_equal(out.len, 0);
    hyl_buf_reset(&out);
}

static void quotes_inside_are_doubled(void **state)
{
    (void)state;
    expect_quoted(hyl_quote_ident, "a", "\"a\"");
    expect_quoted(hyl_quote_ident, "a\"b", "\"a\"\"b\"");
    expect_quoted(hyl_quote_ident, "\"\"", "\"\"\"\"\"\"");
    expect_quoted(hyl_quote_ident, "it's", "\"it's\"");
    expect_quoted(hyl_quote_literal, "", "''");
    expect_quoted(hyl_quote_literal, "it's", "'it''s'");
    expect_quoted(hyl_quote_literal, "'", "''''");
    expect_quoted(hyl_quote_literal, "a\\b\"\xc3\xa4", "'a\\b\"\xc3\xa4'");
}

static void what_sql_cannot_say_is_refused(void **state)
{
    (void)state;
    expect_refused(hyl_quote_ident, "", 0, HYL_ERR_ARG);
    expect_refused(hyl_quote_ident, NULL, 0, HYL_ERR_ARG);
    expect_refused(hyl_quote_ident, "a\0b", 3, HYL_ERR_ARG);
    expect_refused(hyl_quote_ident, "a\xff", 2, HYL_ERR_ARG);
    expect_refused(hyl_quote_literal, "\0", 1, HYL_ERR_ARG);
    expect_refused(hyl_quote_literal, "\xed\xa0\x80", 3, HYL_ERR_ARG);
}

static void a_literal_ends_where_the_server_ends_it(void **state)
{
    (void)state;
    enum { MAX = 1048574 };
    static char text[MAX + 1];
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf out = HYL_BUF_INIT;
    memset(text, 'x', sizeof text);
    assert_ok(hyl_quote_literal((hyl_str){text, MAX}, &out, &err), &err);
    assert_int_equal(out.len, MAX + 2);
    hyl_buf_reset(&out);
    expect_refused(hyl_quote_literal, text, MAX + 1, HYL_ERR_LIMIT);
    text[5] = '\''; /* two bytes, as the server counts */
    expect_refused(hyl_quote_literal, text, MAX, HYL_ERR_LIMIT);
    assert_ok(hyl_quote_literal((hyl_str){text, MAX - 1}, &out, &err), &err);
    hyl_buf_reset(&out);
}

static void quoting_appends(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf out = HYL_BUF_INIT;
    assert_ok(hyl_quote_ident(hyl_str_of("s"), &out, &err), &err);
    hyl_buf_append_byte(&out, '.');
    assert_ok(hyl_quote_ident(hyl_str_of("t"), &out, &err), &err);
    expect_text(&out, "\"s\".\"t\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_inside_are_doubled),
        cmocka_unit_test(what_sql_cannot_say_is_refused),
        cmocka_unit_test(a_literal_ends_where_the_server_ends_it),
        cmocka_unit_test(quoting_appends),
    };
    return cmocka_run_group_tests_name("quote", tests, NULL, NULL);
}
