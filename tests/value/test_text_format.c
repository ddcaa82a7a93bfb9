#include "expect.h"
#include "value/hyperbinary.h"

static void expect_status(hyl_type type, const hyl_value *value, hyl_status wanted)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf out = HYL_BUF_INIT;
    hyl_buf_append_str(&out, "kept");
    assert_status(hyl_value_text(type, value, &out, &err), wanted, &err);
    expect_text(&out, "kept");
}

static void null_appends_nothing(void **state)
{
    (void)state;
    const hyl_value null = {.type = HYL_TYPE_INT, .is_null = true};
    expect_status(hyl_type_of(HYL_TYPE_INT), &null, HYL_OK);
    expect_status(hyl_type_of(HYL_TYPE_GEOGRAPHY), &null, HYL_OK);
}

static void what_only_the_server_can_write_is_a_type_error(void **state)
{
    (void)state;
    hyl_value value = {.type = HYL_TYPE_GEOGRAPHY};
    expect_status(hyl_type_of(HYL_TYPE_GEOGRAPHY), &value, HYL_ERR_TYPE);
    value.type = HYL_TYPE_UNKNOWN;
    expect_status(hyl_type_from_oid(705, -1), &value, HYL_ERR_TYPE);
    value.type = HYL_TYPE_INT;
    expect_status(hyl_type_of(HYL_TYPE_BIGINT), &value, HYL_ERR_TYPE);
}

static void values_out_of_range_have_no_text(void **state)
{
    (void)state;
    hyl_value value = {.type = HYL_TYPE_DATE};
    value.as.i32 = HYL_DATE_MAX + 1;
    expect_status(hyl_type_of(HYL_TYPE_DATE), &value, HYL_ERR_RANGE);
    value = (hyl_value){.type = HYL_TYPE_TIME};
    value.as.i64 = INT64_MIN;
    expect_status(hyl_type_of(HYL_TYPE_TIME), &value, HYL_ERR_RANGE);
    value = (hyl_value){.type = HYL_TYPE_TIMESTAMPTZ};
    value.as.i64 = INT64_MAX;
    expect_status(hyl_type_of(HYL_TYPE_TIMESTAMPTZ), &value, HYL_ERR_RANGE);
}

static void char_is_padded_to_its_length(void **state)
{
    (void)state;
    const hyl_type char5 = hyl_type_from_oid(1042, 9);
    hyl_value value = string_value(HYL_TYPE_CHAR, "ab");
    expect_value_text(char5, &value, "ab   ");
    value = string_value(HYL_TYPE_CHAR, "ab   ");
    expect_value_text(char5, &value, "ab   ");
    value = string_value(HYL_TYPE_CHAR, "\xc3\xa4\xc3\xb6");
    expect_value_text(char5, &value, "\xc3\xa4\xc3\xb6   ");
    value = string_value(HYL_TYPE_CHAR, "");
    expect_value_text(char5, &value, "     ");
    value = string_value(HYL_TYPE_CHAR1, "");
    expect_value_text(hyl_type_of(HYL_TYPE_CHAR1), &value, " ");
    value = string_value(HYL_TYPE_VARCHAR, "ab");
    expect_value_text(hyl_type_from_oid(1043, 9), &value, "ab");
}

static void text_may_hold_nul_and_be_long(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf out = HYL_BUF_INIT;
    static char big[1 << 20];
    hyl_value value = {.type = HYL_TYPE_TEXT};
    value.as.str = (hyl_str){big, sizeof big};
    assert_ok(hyl_value_text(hyl_type_of(HYL_TYPE_TEXT), &value, &out, &err), &err);
    assert_int_equal(out.len, sizeof big);
    hyl_buf_clear(&out);
    value = (hyl_value){.type = HYL_TYPE_BYTES};
    value.as.bytes = (hyl_bytes){(const uint8_t *)big, sizeof big};
    assert_ok(hyl_value_text(hyl_type_of(HYL_TYPE_BYTES), &value, &out, &err), &err);
    assert_int_equal(out.len, 2 + 2 * sizeof big);
    hyl_buf_reset(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_appends_nothing),
        cmocka_unit_test(what_only_the_server_can_write_is_a_type_error),
        cmocka_unit_test(values_out_of_range_have_no_text),
        cmocka_unit_test(char_is_padded_to_its_length),
        cmocka_unit_test(text_may_hold_nul_and_be_long),
    };
    return cmocka_run_group_tests_name("text_format", tests, NULL, NULL);
}
