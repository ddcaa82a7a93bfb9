#include "support/test.h"

#include "cli/format.h"

static void assert_field(const char *text, const char *null_text, const char *field)
{
    hyl_buf out = HYL_BUF_INIT;
    csv_append_field(&out, text, strlen(text), hyl_str_of(null_text));
    hyl_buf_append_byte(&out, '\0');
    assert_string_equal((const char *)out.data, field);
    hyl_buf_reset(&out);
}

static void plain_text_has_no_quotes(void **state)
{
    (void)state;
    assert_field("a", "", "a");
    assert_field(" a b ", "", " a b ");
    assert_field("it's; \t|\\", "", "it's; \t|\\");
    assert_field("\xE6\x97\xA5", "", "\xE6\x97\xA5");
}

static void special_bytes_bring_quotes(void **state)
{
    (void)state;
    assert_field("a,b", "", "\"a,b\"");
    assert_field("\"", "", "\"\"\"\"");
    assert_field("say \"hi\"", "", "\"say \"\"hi\"\"\"");
    assert_field("\"\"x", "", "\"\"\"\"\"x\"");
    assert_field("a\nb", "", "\"a\nb\"");
    assert_field("a\r", "", "\"a\r\"");
    assert_field("\\.", "", "\"\\.\"");
}

static void what_could_be_null_has_quotes(void **state)
{
    (void)state;
    assert_field("", "", "\"\"");
    assert_field("", "NULL", "\"\"");
    assert_field("NULL", "", "NULL");
    assert_field("NULL", "NULL", "\"NULL\"");
    assert_field("NULLS", "NULL", "NULLS");
    assert_field("NUL", "NULL", "NUL");
}

static void a_null_text_must_be_readable(void **state)
{
    (void)state;
    assert_true(csv_null_text_ok(""));
    assert_true(csv_null_text_ok("NA"));
    assert_true(csv_null_text_ok("\\N"));
    assert_false(csv_null_text_ok("a,b"));
    assert_false(csv_null_text_ok("\""));
    assert_false(csv_null_text_ok("\n"));
    assert_false(csv_null_text_ok("\r"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_has_no_quotes),
        cmocka_unit_test(special_bytes_bring_quotes),
        cmocka_unit_test(what_could_be_null_has_quotes),
        cmocka_unit_test(a_null_text_must_be_readable),
    };
    return cmocka_run_group_tests_name("cli/format_csv", tests, NULL, NULL);
}
