#include "expect.h"

static void each_format_has_its_decoder(void **state)
{
    (void)state;
    static const struct {
        hyl_format format;
        const char *digits;
    } forms[] = {{HYL_FORMAT_TEXT, "2d32"},
                 {HYL_FORMAT_BINARY, "fffffffe"},
                 {HYL_FORMAT_HYPERBINARY, "feffffff"}};
    hyl_error err = HYL_ERROR_INIT;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        hyl_buf input = HYL_BUF_INIT;
        hyl_value value = {.type = HYL_TYPE_UNKNOWN, .is_null = true};
        hex_append(&input, forms[i].digits);
        guarded copy = guard_bytes(input.data, input.len);
        assert_ok(hyl_value_decode(hyl_type_of(HYL_TYPE_INT), forms[i].format, copy.bytes, NULL,
                                   &value, &err),
                  &err);
        assert_int_equal(value.type, HYL_TYPE_INT);
        assert_false(value.is_null);
        assert_int_equal(value.as.i32, -2);
        guard_release(&copy);
        hyl_buf_reset(&input);
    }
}

static void an_unknown_type_keeps_its_bytes_in_each_format(void **state)
{
    (void)state;
    const hyl_format formats[] = {HYL_FORMAT_TEXT, HYL_FORMAT_BINARY, HYL_FORMAT_HYPERBINARY};
    const uint8_t bytes[] = {1, 0, 2};
    const hyl_type type = hyl_type_from_oid(705, -1);
    hyl_error err = HYL_ERROR_INIT;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        hyl_value value;
        hyl_buf out = HYL_BUF_INIT;
        assert_ok(hyl_value_decode(type, formats[i], (hyl_bytes){bytes, 3}, NULL, &value, &err),
                  &err);
        assert_ptr_equal(value.as.bytes.data, bytes);
        assert_int_equal(value.as.bytes.len, 3);
        assert_ok(hyl_value_encode(type, &value, &out, &err), &err);
        expect_hex(&out, "010002");
    }
}

static void a_format_that_is_none_is_refused(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_value value;
    const hyl_bytes text = {(const uint8_t *)"1", 1};
    assert_status(
        hyl_value_decode(hyl_type_of(HYL_TYPE_INT), (hyl_format)3, text, NULL, &value, &err),
        HYL_ERR_ARG, &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_has_its_decoder),
        cmocka_unit_test(an_unknown_type_keeps_its_bytes_in_each_format),
        cmocka_unit_test(a_format_that_is_none_is_refused),
    };
    return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
