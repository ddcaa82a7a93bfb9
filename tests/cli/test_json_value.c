#include "support/test.h"

#include "cli/format.h"

#include <math.h>
#include <stdlib.h>

static void assert_json(const hyl_buf *out, const char *text)
{
    assert_int_equal(hyl_buf_status(out), HYL_OK);
    if (out->len != strlen(text) || memcmp(out->data, text, out->len) != 0) {
        fail_msg("%.*s is not %s", (int)out->len, (const char *)out->data, text);
    }
}

static void assert_string(const char *text, size_t len, const char *json)
{
    hyl_buf out = HYL_BUF_INIT;
    json_append_string(&out, text, len);
    assert_json(&out, json);
    hyl_buf_reset(&out);
}

#define ASSERT_STRING(text, json) assert_string(text, sizeof(text) - 1, json)

static void strings_are_escaped(void **state)
{
    (void)state;
    ASSERT_STRING("", "\"\"");
    ASSERT_STRING("plain / \x7f", "\"plain / \x7f\"");
    ASSERT_STRING("a\"b\\c", "\"a\\\"b\\\\c\"");
    ASSERT_STRING("\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\"");
    ASSERT_STRING("\x01\x0b\x1f\0", "\"\\u0001\\u000b\\u001f\\u0000\"");
    ASSERT_STRING("\xE6\x97\xA5 \xF0\x9F\x98\x80", "\"\xE6\x97\xA5 \xF0\x9F\x98\x80\"");
}

static void every_control_character_is_escaped(void **state)
{
    (void)state;
    for (int c = 0; c < 0x20; c++) {
        hyl_buf out = HYL_BUF_INIT;
        char byte = (char)c;
        json_append_string(&out, &byte, 1);
        assert_true(out.len >= 4 && out.data[1] == '\\');
        assert_true(json_valid((const char *)out.data, out.len));
        hyl_buf_reset(&out);
    }
}

static void bytes_that_are_no_text_become_a_mark(void **state)
{
    (void)state;
    ASSERT_STRING("a\xff"
                  "b",
                  "\"a\xEF\xBF\xBD"
                  "b\"");
    ASSERT_STRING("\xE6\x97", "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void assert_value(hyl_type type, hyl_value value, const char *json)
{
    hyl_buf out = HYL_BUF_INIT;
    hyl_error err = HYL_ERROR_INIT;
    value.type = type.id;
    assert_ok(json_append_value(&out, type, &value, &err), &err);
    assert_json(&out, json);
    hyl_buf_reset(&out);
}

static void numbers_are_numbers(void **state)
{
    (void)state;
    hyl_value value = {.as.i64 = INT64_MIN};
    assert_value(hyl_type_of(HYL_TYPE_BIGINT), value, "-9223372036854775808");
    value = (hyl_value){.as.numeric = {500, 0, 38, 4}};
    assert_value(hyl_type_numeric(38, 4), value, "0.0500");
    value = (hyl_value){.as.f64 = 0.1};
    assert_value(hyl_type_of(HYL_TYPE_DOUBLE), value, "0.1");
    value = (hyl_value){.as.f64 = 1e300};
    assert_value(hyl_type_of(HYL_TYPE_DOUBLE), value, "1e+300");
    value = (hyl_value){.as.f32 = 0.1F};
    assert_value(hyl_type_of(HYL_TYPE_REAL), value, "0.1");
}

static void what_json_has_no_number_for_is_a_string(void **state)
{
    (void)state;
    hyl_value value = {.as.f64 = NAN};
    assert_value(hyl_type_of(HYL_TYPE_DOUBLE), value, "\"NaN\"");
    value = (hyl_value){.as.f64 = -HUGE_VAL};
    assert_value(hyl_type_of(HYL_TYPE_DOUBLE), value, "\"-Infinity\"");
    value = (hyl_value){.as.f32 = HUGE_VALF};
    assert_value(hyl_type_of(HYL_TYPE_REAL), value, "\"Infinity\"");
}

/* Microseconds from 2000-01-01 of a civil day's start. */
static int64_t midnight(int32_t year, int32_t month, int32_t day)
{
    int32_t days = 0;
    assert_true(hyl_date_from_civil((hyl_civil){year, month, day}, &days));
    return days * HYL_MICROS_PER_DAY;
}

static void timestamps_are_iso_8601(void **state)
{
    (void)state;
    hyl_type plain = hyl_type_of(HYL_TYPE_TIMESTAMP);
    hyl_type zoned = hyl_type_of(HYL_TYPE_TIMESTAMPTZ);
    hyl_value value = {.as.i64 = midnight(2024, 2, 29) + 1500000};
    assert_value(plain, value, "\"2024-02-29T00:00:01.5\"");
    assert_value(zoned, value, "\"2024-02-29T00:00:01.5+00:00\"");
    value = (hyl_value){.as.i64 = midnight(-43, 3, 15)};
    assert_value(plain, value, "\"0044-03-15T00:00:00 BC\"");
    assert_value(zoned, value, "\"0044-03-15T00:00:00+00:00 BC\"");
    value = (hyl_value){.as.i32 = HYL_DATE_MIN};
    assert_value(hyl_type_of(HYL_TYPE_DATE), value, "\"4713-01-01 BC\"");
}

static void json_is_embedded_on_one_line(void **state)
{
    (void)state;
    hyl_type type = hyl_type_of(HYL_TYPE_JSON);
    hyl_value value = {.as.str = HYL_STR("{\"a\":\r\n [1]}")};
    assert_value(type, value, "{\"a\":   [1]}");
    value = (hyl_value){.as.str = HYL_STR("{broken\n")};
    assert_value(type, value, "\"{broken\\n\"");
    value = (hyl_value){.as.str = HYL_STR("1e400")};
    assert_value(type, value, "1e400");
}

static void valid_and_invalid_json(void **state)
{
    (void)state;
    static const char *const valid[] = {
        "1",
        "-0",
        "0.5",
        "1e5",
        "1E-5",
        "1.25e+10",
        "\"\"",
        "\"\\u00e9\\n\\\"\"",
        "true",
        "false",
        "null",
        "[]",
        "{}",
        " [ 1 , 2 ] ",
        "{\"a\":{\"b\":[null,true]},\"a\":1}",
        "\t\r\n1\n",
        "\"\xE6\x97\xA5\"",
        "[[[[]]]]",
    };
    static const char *const invalid[] = {
        "",           " ",      "01",      "1.",          ".5",       "+1",       "1e",
        "1e+",        "-",      "0x1",     "NaN",         "Infinity", "tru",      "nulls",
        "\"",         "\"\\\"", "\"\\x\"", "\"\\u12g4\"", "\"\\u123", "\"a\nb\"", "[1,]",
        "[1 2]",      "[,]",    "[",       "]",           "{\"a\"}",  "{\"a\":}", "{a:1}",
        "{\"a\":1,}", "{1:2}",  "1 2",     "'a'",         "[1]x",
    };
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
        if (!json_valid(valid[i], strlen(valid[i]))) {
            fail_msg("valid: %s", valid[i]);
        }
    }
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        if (json_valid(invalid[i], strlen(invalid[i]))) {
            fail_msg("invalid: %s", invalid[i]);
        }
    }
    assert_false(json_valid("\"\\\0\"", 4));
}

static void deep_json_is_no_trap(void **state)
{
    (void)state;
    static char deep[200000];
    memset(deep, '[', sizeof deep);
    assert_false(json_valid(deep, sizeof deep));
    memset(deep + 900, ']', 900);
    assert_true(json_valid(deep, 1800));
}

static void assert_names(size_t count, const char *const *names, const char *const *unique)
{
    char **got = unique_names(names, count);
    assert_non_null(got);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(got[i], unique[i]);
    }
    free(got);
}

static void names_become_different(void **state)
{
    (void)state;
    const char *const names[] = {"a", "b", "a", "", "a_2", "a", "", "a_2", "B"};
    const char *const unique[] = {"a", "b", "a_3", "", "a_2", "a_4", "_2", "a_2_2", "B"};
    assert_names(9, names, unique);
    assert_names(0, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(every_control_character_is_escaped),
        cmocka_unit_test(bytes_that_are_no_text_become_a_mark),
        cmocka_unit_test(numbers_are_numbers),
        cmocka_unit_test(what_json_has_no_number_for_is_a_string),
        cmocka_unit_test(timestamps_are_iso_8601),
        cmocka_unit_test(json_is_embedded_on_one_line),
        cmocka_unit_test(valid_and_invalid_json),
        cmocka_unit_test(deep_json_is_no_trap),
        cmocka_unit_test(names_become_different),
    };
    return cmocka_run_group_tests_name("cli/json_value", tests, NULL, NULL);
}
