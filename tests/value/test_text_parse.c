#include "expect.h"

#include <math.h>

static void expect_same_text(hyl_type_id id, const char *text)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf scratch = HYL_BUF_INIT;
    hyl_value value;
    guarded copy = guard_bytes(text, strlen(text));
    const hyl_type type = hyl_type_of(id);
    assert_ok(hyl_value_decode(type, HYL_FORMAT_TEXT, copy.bytes, &scratch, &value, &err), &err);
    expect_value_text(type, &value, text);
    guard_release(&copy);
    hyl_buf_reset(&scratch);
}

static void extremes_are_read(void **state)
{
    (void)state;
    expect_same_text(HYL_TYPE_BOOL, "t");
    expect_same_text(HYL_TYPE_BOOL, "f");
    expect_same_text(HYL_TYPE_SMALLINT, "-32768");
    expect_same_text(HYL_TYPE_SMALLINT, "32767");
    expect_same_text(HYL_TYPE_INT, "-2147483648");
    expect_same_text(HYL_TYPE_INT, "2147483647");
    expect_same_text(HYL_TYPE_BIGINT, "-9223372036854775808");
    expect_same_text(HYL_TYPE_BIGINT, "9223372036854775807");
    expect_same_text(HYL_TYPE_OID, "4294967295");
    expect_same_text(HYL_TYPE_DOUBLE, "-0");
    expect_same_text(HYL_TYPE_DOUBLE, "NaN");
    expect_same_text(HYL_TYPE_DOUBLE, "5e-324");
    expect_same_text(HYL_TYPE_REAL, "-Infinity");
    expect_same_text(HYL_TYPE_REAL, "3.4028235e+38");
    expect_same_text(HYL_TYPE_REAL, "1e-45");
    expect_same_text(HYL_TYPE_BYTES, "\\x");
    expect_same_text(HYL_TYPE_BYTES, "\\x00ff61");
    expect_same_text(HYL_TYPE_UUID, "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
    expect_same_text(HYL_TYPE_TEXT, "");
    expect_same_text(HYL_TYPE_CHAR1, "\xe2\x82\xac");
}

static void texts_of_no_value_are_refused(void **state)
{
    (void)state;
    static const struct {
        hyl_type_id type;
        const char *text;
        hyl_status wanted;
    } cases[] = {
        {HYL_TYPE_BOOL, "", HYL_ERR_PROTOCOL},
        {HYL_TYPE_BOOL, "true", HYL_ERR_PROTOCOL},
        {HYL_TYPE_SMALLINT, "32768", HYL_ERR_RANGE},
        {HYL_TYPE_SMALLINT, "-32769", HYL_ERR_RANGE},
        {HYL_TYPE_INT, "", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INT, "-", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INT, "+1", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INT, "1 ", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INT, "1.0", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INT, "2147483648", HYL_ERR_RANGE},
        {HYL_TYPE_BIGINT, "9223372036854775808", HYL_ERR_RANGE},
        {HYL_TYPE_BIGINT, "-9223372036854775809", HYL_ERR_RANGE},
        {HYL_TYPE_BIGINT, "99999999999999999999999999", HYL_ERR_RANGE},
        {HYL_TYPE_OID, "-1", HYL_ERR_RANGE},
        {HYL_TYPE_OID, "4294967296", HYL_ERR_RANGE},
        {HYL_TYPE_DOUBLE, "", HYL_ERR_PROTOCOL},
        {HYL_TYPE_DOUBLE, "nan", HYL_ERR_PROTOCOL},
        {HYL_TYPE_DOUBLE, "inf", HYL_ERR_PROTOCOL},
        {HYL_TYPE_DOUBLE, "0x1p3", HYL_ERR_PROTOCOL},
        {HYL_TYPE_DOUBLE, "1e309", HYL_ERR_RANGE},
        {HYL_TYPE_REAL, "1e39", HYL_ERR_RANGE},
        {HYL_TYPE_REAL, "1,5", HYL_ERR_PROTOCOL},
        {HYL_TYPE_NUMERIC, "x", HYL_ERR_PROTOCOL},
        {HYL_TYPE_NUMERIC, "NaN", HYL_ERR_RANGE},
        {HYL_TYPE_NUMERIC, "-Infinity", HYL_ERR_RANGE},
        {HYL_TYPE_NUMERIC, "0.000000000000000000000000000000000000001", HYL_ERR_RANGE},
        {HYL_TYPE_BYTES, "", HYL_ERR_PROTOCOL},
        {HYL_TYPE_BYTES, "\\x0", HYL_ERR_PROTOCOL},
        {HYL_TYPE_BYTES, "\\x0g", HYL_ERR_PROTOCOL},
        {HYL_TYPE_BYTES, "abcd", HYL_ERR_PROTOCOL},
        {HYL_TYPE_UUID, "6ba7b810-9dad-11d1-80b4-00c04fd430c", HYL_ERR_PROTOCOL},
        {HYL_TYPE_UUID, "6ba7b810-9dad-11d1-80b4-00c04fd430cx", HYL_ERR_PROTOCOL},
        {HYL_TYPE_UUID, "6ba7b8100-dad-11d1-80b4-00c04fd430c8", HYL_ERR_PROTOCOL},
        {HYL_TYPE_CHAR1, "", HYL_ERR_PROTOCOL},
        {HYL_TYPE_GEOGRAPHY, "POINT(1 2)", HYL_ERR_TYPE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_decode_text(hyl_type_of(cases[i].type), cases[i].text, cases[i].wanted);
    }
}

static void bytes_from_text_need_a_buffer_and_append(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf scratch = HYL_BUF_INIT;
    hyl_value value;
    const hyl_type type = hyl_type_of(HYL_TYPE_BYTES);
    const hyl_bytes text = {(const uint8_t *)"\\xABcd", 6};
    assert_status(hyl_value_decode(type, HYL_FORMAT_TEXT, text, NULL, &value, &err), HYL_ERR_ARG,
                  &err);
    hyl_buf_append_str(&scratch, "x");
    assert_ok(hyl_value_decode(type, HYL_FORMAT_TEXT, text, &scratch, &value, &err), &err);
    assert_int_equal(value.as.bytes.len, 2);
    assert_ptr_equal(value.as.bytes.data, scratch.data + 1);
    expect_hex(&scratch, "78abcd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extremes_are_read),
        cmocka_unit_test(texts_of_no_value_are_refused),
        cmocka_unit_test(bytes_from_text_need_a_buffer_and_append),
    };
    return cmocka_run_group_tests_name("text_parse", tests, NULL, NULL);
}
