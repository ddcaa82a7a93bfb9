#include "expect.h"
#include "support/random.h"

static const hyl_format format = HYL_FORMAT_BINARY;

static void expect_text_of(hyl_type type, const char *digits, const char *text)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf input = HYL_BUF_INIT;
    hyl_buf scratch = HYL_BUF_INIT;
    hyl_value value;
    hex_append(&input, digits);
    guarded copy = guard_bytes(input.data, input.len);
    assert_ok(hyl_value_decode(type, format, copy.bytes, &scratch, &value, &err), &err);
    expect_value_text(type, &value, text);
    guard_release(&copy);
    hyl_buf_reset(&input);
    hyl_buf_reset(&scratch);
}

static void numerics_of_any_grouping_are_read(void **state)
{
    (void)state;
    expect_text_of(hyl_type_numeric(5, 2), "0002 0000 0000 0002 0001 1388", "1.50");
    expect_text_of(hyl_type_numeric(5, 2), "0002 0000 4000 0002 0001 1388", "-1.50");
    expect_text_of(hyl_type_numeric(5, 2), "0000 0000 0000 0002", "0.00");
    expect_text_of(hyl_type_numeric(9, 0), "0001 0001 0000 0000 0001", "10000");
    expect_text_of(hyl_type_numeric(8, 8), "0001 fffe 0000 0008 0001", "0.00000001");
    expect_text_of(hyl_type_numeric(38, 38),
                   "000a ffff 0000 0026 270f 270f 270f 270f 270f 270f 270f 270f 270f 26ac",
                   "0.99999999999999999999999999999999999999");
}

static void a_numeric_without_modifier_has_its_own_scale(void **state)
{
    (void)state;
    const hyl_type type = hyl_type_of(HYL_TYPE_NUMERIC);
    expect_text_of(type, "0002 0000 0000 0002 0001 1388", "1.50");
    expect_text_of(type, "0001 0000 0000 0000 0001", "1");
    expect_text_of(type, "0001 0000 4000 0005 0001", "-1.00000");
    expect_text_of(type, "0001 fffe 0000 0026 0001", "0.00000001000000000000000000000000000000");
    expect_decode_hex(type, format, "0001 fffe 0000 0027 0001", HYL_ERR_RANGE);
    /* numeric(50,10): more than Hyper has. */
    expect_text_of(hyl_type_from_oid(1700, ((50 << 16) | 10) + 4), "0001 0000 0000 0003 0007",
                   "7.000");
}

static void jsonb_has_a_version(void **state)
{
    (void)state;
    const hyl_type type = hyl_type_from_oid(3802, -1);
    assert_int_equal(type.id, HYL_TYPE_JSON);
    expect_text_of(type, "01 5b5d", "[]");
    expect_decode_hex(type, format, "", HYL_ERR_PROTOCOL);
    expect_decode_hex(type, format, "02 5b5d", HYL_ERR_PROTOCOL);
    expect_text_of(hyl_type_from_oid(3807, -1),
                   "00000001 00000000 00000eda 00000001 00000001 00000003 01 5b5d", "[\"[]\"]");
}

static void numerics_that_are_none_are_refused(void **state)
{
    (void)state;
    const hyl_type type = hyl_type_numeric(5, 2);
    expect_decode_hex(type, format, "", HYL_ERR_PROTOCOL);
    expect_decode_hex(type, format, "00000000000000", HYL_ERR_PROTOCOL);
    expect_decode_hex(type, format, "0002 0000 0000 0002 0001", HYL_ERR_PROTOCOL);
    expect_decode_hex(type, format, "0001 0000 0000 0002 0001 0001", HYL_ERR_PROTOCOL);
    expect_decode_hex(type, format, "0001 0000 c000 0002 0001", HYL_ERR_PROTOCOL);
    expect_decode_hex(type, format, "0000 0000 c000 0000", HYL_ERR_RANGE); /* NaN */
    expect_decode_hex(type, format, "0000 0000 d000 0000", HYL_ERR_RANGE); /* Infinity */
    expect_decode_hex(type, format, "0000 0000 e000 0000", HYL_ERR_PROTOCOL);
    expect_decode_hex(type, format, "0001 0000 0000 0002 2710", HYL_ERR_PROTOCOL); /* 10000 */
    expect_decode_hex(type, format, "0001 0000 0000 0002 03e8", HYL_ERR_RANGE);    /* 1000 */
    expect_decode_hex(type, format, "0001 ffff 0000 0004 0001", HYL_ERR_RANGE);    /* 0.0001 */
    expect_decode_hex(type, format, "0001 7fff 0000 0000 0001", HYL_ERR_RANGE);
    hyl_buf many = HYL_BUF_INIT;
    hex_append(&many, "0015 0000 0000 0000");
    for (int i = 0; i < 21; i++) {
        hex_append(&many, "0000");
    }
    expect_decode_bytes(type, format, (hyl_bytes){many.data, many.len}, HYL_ERR_RANGE);
    hyl_buf_reset(&many);
}

static void lengths_and_ranges_are_checked(void **state)
{
    (void)state;
    const uint8_t zeros[24] = {0};
    const hyl_type_id ids[] = {HYL_TYPE_BOOL,   HYL_TYPE_SMALLINT,  HYL_TYPE_INT,
                               HYL_TYPE_BIGINT, HYL_TYPE_REAL,      HYL_TYPE_DOUBLE,
                               HYL_TYPE_OID,    HYL_TYPE_DATE,      HYL_TYPE_TIME,
                               HYL_TYPE_UUID,   HYL_TYPE_TIMESTAMP, HYL_TYPE_INTERVAL};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        const hyl_type type = hyl_type_of(ids[i]);
        for (size_t len = 0; len <= sizeof zeros; len++) {
            expect_decode_bytes(type, format, (hyl_bytes){zeros, len},
                                len == hyl_type_width(type) ? HYL_OK : HYL_ERR_PROTOCOL);
        }
    }
    expect_decode_hex(hyl_type_of(HYL_TYPE_BOOL), format, "02", HYL_ERR_PROTOCOL);
    expect_decode_hex(hyl_type_of(HYL_TYPE_DATE), format, "7fffffff", HYL_ERR_RANGE);
    expect_decode_hex(hyl_type_of(HYL_TYPE_TIME), format, "ffffffffffffffff", HYL_ERR_RANGE);
    expect_decode_hex(hyl_type_of(HYL_TYPE_TIMESTAMP), format, "7fffff5bb3b2a000", HYL_ERR_RANGE);
    expect_decode_hex(hyl_type_of(HYL_TYPE_GEOGRAPHY), format, "00", HYL_ERR_UNSUPPORTED);
}

static void arrays_that_are_none_are_refused(void **state)
{
    (void)state;
    const hyl_type type = hyl_type_from_oid(1007, -1);
    expect_text_of(type, "00000000 00000000 00000017", "[]");
    expect_text_of(type, "00000001 00000000 00000017 00000000 00000001", "[]");
    expect_text_of(type, "00000001 00000000 00000017 00000002 00000001 00000004 00000007 ffffffff",
                   "[7,NULL]");
    expect_decode_hex(type, format, "", HYL_ERR_PROTOCOL);
    expect_decode_hex(type, format, "00000000 00000000", HYL_ERR_PROTOCOL);
    expect_decode_hex(type, format, "00000000 00000000 00000014", HYL_ERR_PROTOCOL);
    expect_decode_hex(type, format, "00000001 00000000 00000017", HYL_ERR_PROTOCOL);
    expect_decode_hex(type, format, "00000002 00000000 00000017 00000000 00000001",
                      HYL_ERR_PROTOCOL);
    /* Two dimensions of 1 and 2 elements. */
    expect_decode_hex(type, format,
                      "00000002 00000000 00000017 00000001 00000001 00000002 00000001"
                      "00000004 00000007 ffffffff",
                      HYL_ERR_UNSUPPORTED);
    /* A count that the bytes cannot have. */
    expect_decode_hex(type, format, "00000001 00000000 00000017 7fffffff 00000001 ffffffff",
                      HYL_ERR_PROTOCOL);
    expect_decode_hex(type, format,
                      "00000001 00000000 00000017 00000001 00000001 00000005 00000007",
                      HYL_ERR_PROTOCOL);
    expect_decode_hex(type, format, "00000001 00000000 00000017 00000001 00000001 00000003 000007",
                      HYL_ERR_PROTOCOL);
    expect_decode_hex(type, format,
                      "00000001 00000000 00000017 00000001 00000001 00000004 00000007 00",
                      HYL_ERR_PROTOCOL);
}

static void arrays_need_a_buffer(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_value value;
    const uint8_t empty[12] = {[11] = 0x17};
    assert_status(hyl_value_decode(hyl_type_from_oid(1007, -1), format, (hyl_bytes){empty, 12},
                                   NULL, &value, &err),
                  HYL_ERR_ARG, &err);
}

/* Cut and flipped arrays: any status, no over-read. */
static void damaged_arrays_do_no_harm(void **state)
{
    (void)state;
    random_source random = random_start("pgbinary", 0x5eed0009);
    hyl_buf whole = HYL_BUF_INIT;
    hex_append(&whole,
               "00000001 00000000 00000019 00000003 00000001 00000001 61 ffffffff 00000000");
    for (int i = 0; i < 3000; i++) {
        uint8_t bytes[64];
        const size_t len = random_below(&random, whole.len + 1);
        memcpy(bytes, whole.data, len);
        if (len > 0 && i % 2 != 0) {
            bytes[random_below(&random, len)] ^= (uint8_t)(1 << random_below(&random, 8));
        }
        guarded copy = guard_bytes(bytes, len);
        hyl_buf scratch = HYL_BUF_INIT;
        hyl_value value;
        hyl_status status = hyl_value_decode(hyl_type_from_oid(1009, -1), format, copy.bytes,
                                             &scratch, &value, NULL);
        assert_true(status == HYL_OK || status == HYL_ERR_PROTOCOL || status == HYL_ERR_ARG);
        hyl_buf_reset(&scratch);
        guard_release(&copy);
    }
    hyl_buf_reset(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numerics_of_any_grouping_are_read),
        cmocka_unit_test(numerics_that_are_none_are_refused),
        cmocka_unit_test(a_numeric_without_modifier_has_its_own_scale),
        cmocka_unit_test(jsonb_has_a_version),
        cmocka_unit_test(lengths_and_ranges_are_checked),
        cmocka_unit_test(arrays_that_are_none_are_refused),
        cmocka_unit_test(arrays_need_a_buffer),
        cmocka_unit_test(damaged_arrays_do_no_harm),
    };
    return cmocka_run_group_tests_name("pgbinary", tests, NULL, NULL);
}
