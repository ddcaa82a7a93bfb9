#include "expect.h"
#include "support/random.h"
#include "value/hyperbinary.h"

static const hyl_type_id fixed_types[] = {
    HYL_TYPE_BOOL,        HYL_TYPE_SMALLINT, HYL_TYPE_INT,  HYL_TYPE_BIGINT, HYL_TYPE_REAL,
    HYL_TYPE_DOUBLE,      HYL_TYPE_OID,      HYL_TYPE_DATE, HYL_TYPE_TIME,   HYL_TYPE_TIMESTAMP,
    HYL_TYPE_TIMESTAMPTZ, HYL_TYPE_INTERVAL, HYL_TYPE_UUID, HYL_TYPE_NUMERIC};

enum { FIXED_COUNT = sizeof fixed_types / sizeof fixed_types[0] };

static void a_length_other_than_the_width_is_refused(void **state)
{
    (void)state;
    const uint8_t zeros[24] = {0};
    for (size_t i = 0; i < FIXED_COUNT; i++) {
        const hyl_type type = hyl_type_of(fixed_types[i]);
        for (size_t len = 0; len <= sizeof zeros; len++) {
            if (len != hyl_type_width(type)) {
                expect_decode_bytes(type, HYL_FORMAT_HYPERBINARY, (hyl_bytes){zeros, len},
                                    HYL_ERR_PROTOCOL);
            }
        }
    }
    expect_decode_hex(hyl_type_numeric(18, 2), HYL_FORMAT_HYPERBINARY,
                      "00000000000000000000000000000000", HYL_ERR_PROTOCOL);
    expect_decode_hex(hyl_type_numeric(19, 2), HYL_FORMAT_HYPERBINARY, "0000000000000000",
                      HYL_ERR_PROTOCOL);
}

static void contents_that_no_value_has_are_refused(void **state)
{
    (void)state;
    const hyl_format format = HYL_FORMAT_HYPERBINARY;
    expect_decode_hex(hyl_type_of(HYL_TYPE_BOOL), format, "02", HYL_ERR_PROTOCOL);
    expect_decode_hex(hyl_type_of(HYL_TYPE_DATE), format, "25000000", HYL_ERR_RANGE);
    expect_decode_hex(hyl_type_of(HYL_TYPE_DATE), format, "26000000", HYL_OK);
    expect_decode_hex(hyl_type_of(HYL_TYPE_DATE), format, "47508206", HYL_OK);
    expect_decode_hex(hyl_type_of(HYL_TYPE_DATE), format, "48508206", HYL_ERR_RANGE);
    expect_decode_hex(hyl_type_of(HYL_TYPE_DATE), format, "ffffffff", HYL_ERR_RANGE);
    expect_decode_hex(hyl_type_of(HYL_TYPE_TIME), format, "0060d71d14000000", HYL_OK);
    expect_decode_hex(hyl_type_of(HYL_TYPE_TIME), format, "0160d71d14000000", HYL_ERR_RANGE);
    expect_decode_hex(hyl_type_of(HYL_TYPE_TIME), format, "0000000000000080", HYL_ERR_RANGE);
    expect_decode_hex(hyl_type_of(HYL_TYPE_TIMESTAMP), format, "0040f86dfc020000", HYL_OK);
    expect_decode_hex(hyl_type_of(HYL_TYPE_TIMESTAMP), format, "ff3ff86dfc020000", HYL_ERR_RANGE);
    expect_decode_hex(hyl_type_of(HYL_TYPE_TIMESTAMP), format, "ffff92729a82f082", HYL_OK);
    expect_decode_hex(hyl_type_of(HYL_TYPE_TIMESTAMPTZ), format, "000093729a82f082", HYL_ERR_RANGE);
    expect_decode_hex(hyl_type_of(HYL_TYPE_TIMESTAMPTZ), format, "ffffffffffffffff", HYL_ERR_RANGE);
    expect_decode_hex(hyl_type_of(HYL_TYPE_CHAR1), format, "", HYL_ERR_PROTOCOL);
    expect_decode_hex(hyl_type_of(HYL_TYPE_CHAR1), format, "6162636465", HYL_ERR_PROTOCOL);
}

static void varying_values_are_views_of_the_input(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    const uint8_t bytes[] = {'a', 0, 'b'};
    const hyl_type_id ids[] = {HYL_TYPE_TEXT, HYL_TYPE_JSON, HYL_TYPE_BYTES, HYL_TYPE_GEOGRAPHY,
                               HYL_TYPE_UNKNOWN};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        hyl_value value;
        assert_ok(hyl_value_decode(hyl_type_of(ids[i]), HYL_FORMAT_HYPERBINARY,
                                   (hyl_bytes){bytes, sizeof bytes}, NULL, &value, &err),
                  &err);
        assert_false(value.is_null);
        assert_ptr_equal(value.as.bytes.data, bytes);
        assert_int_equal(value.as.bytes.len, sizeof bytes);
    }
}

/* Any bytes of the right length either are refused or come out again. */
static void fixed_values_round_trip(void **state)
{
    (void)state;
    random_source random = random_start("hyperbinary", 0x5eed0008);
    size_t passed = 0;
    for (int i = 0; i < 50000; i++) {
        hyl_type type = hyl_type_of(fixed_types[random_below(&random, FIXED_COUNT)]);
        if (type.id == HYL_TYPE_NUMERIC) {
            type = hyl_type_numeric(1 + (int)random_below(&random, 38), 0);
        }
        uint8_t bytes[16];
        hyl_buf out = HYL_BUF_INIT;
        hyl_value value;
        const size_t width = hyl_type_width(type);
        random_fill(&random, bytes, sizeof bytes);
        if (type.id == HYL_TYPE_BOOL) {
            bytes[0] &= 1;
        } else if (random_below(&random, 2) != 0) {
            memset(bytes + width / 2, 0, width - width / 2); /* small, so that more are in range */
        }
        if (hyl__hb_decode(type, (hyl_bytes){bytes, width}, &value, NULL) == HYL_OK &&
            hyl_value_encode(type, &value, &out, NULL) == HYL_OK) {
            passed++;
            assert_int_equal(out.len, width);
            assert_memory_equal(out.data, bytes, width);
        }
        assert_false(out.failed);
        hyl_buf_reset(&out);
    }
    assert_true(passed > 20000);
}

static void expect_encode(hyl_type type, const hyl_value *value, hyl_status wanted)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf out = HYL_BUF_INIT;
    assert_status(hyl_value_encode(type, value, &out, &err), wanted, &err);
    assert_true(wanted == HYL_OK || out.len == 0);
    hyl_buf_reset(&out);
}

static void encoding_checks_ranges(void **state)
{
    (void)state;
    hyl_value value = {.type = HYL_TYPE_DATE};
    value.as.i32 = HYL_DATE_MIN;
    expect_encode(hyl_type_of(HYL_TYPE_DATE), &value, HYL_OK);
    value.as.i32 = HYL_DATE_MIN - 1;
    expect_encode(hyl_type_of(HYL_TYPE_DATE), &value, HYL_ERR_RANGE);
    value.as.i32 = HYL_DATE_MAX + 1;
    expect_encode(hyl_type_of(HYL_TYPE_DATE), &value, HYL_ERR_RANGE);
    value.type = HYL_TYPE_TIME;
    value.as.i64 = HYL_MICROS_PER_DAY;
    expect_encode(hyl_type_of(HYL_TYPE_TIME), &value, HYL_OK);
    value.as.i64 = HYL_MICROS_PER_DAY + 1;
    expect_encode(hyl_type_of(HYL_TYPE_TIME), &value, HYL_ERR_RANGE);
    value.as.i64 = -1;
    expect_encode(hyl_type_of(HYL_TYPE_TIME), &value, HYL_ERR_RANGE);
    value.type = HYL_TYPE_TIMESTAMP;
    value.as.i64 = HYL__TIMESTAMP_MIN - 1;
    expect_encode(hyl_type_of(HYL_TYPE_TIMESTAMP), &value, HYL_ERR_RANGE);
    value.as.i64 = HYL__TIMESTAMP_MAX;
    expect_encode(hyl_type_of(HYL_TYPE_TIMESTAMP), &value, HYL_OK);
    value.as.i64 = HYL__TIMESTAMP_MAX + 1;
    expect_encode(hyl_type_of(HYL_TYPE_TIMESTAMP), &value, HYL_ERR_RANGE);
    value.type = HYL_TYPE_INTERVAL;
    value.as.interval = (hyl_interval){INT64_MIN, 0, 0};
    expect_encode(hyl_type_of(HYL_TYPE_INTERVAL), &value, HYL_ERR_RANGE);
    value.as.interval = (hyl_interval){INT64_MIN + 1, INT32_MIN, INT32_MIN};
    expect_encode(hyl_type_of(HYL_TYPE_INTERVAL), &value, HYL_OK);
}

static void encoding_brings_numerics_to_the_types_scale(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf out = HYL_BUF_INIT;
    hyl_value value = {.type = HYL_TYPE_NUMERIC};
    value.as.numeric = (hyl_numeric){150, 0, 3, 2};
    assert_ok(hyl_value_encode(hyl_type_numeric(5, 4), &value, &out, &err), &err);
    expect_hex(&out, "983a000000000000"); /* 15000 */
    assert_ok(hyl_value_encode(hyl_type_numeric(19, 1), &value, &out, &err), &err);
    expect_hex(&out, "0f000000000000000000000000000000");
    expect_encode(hyl_type_numeric(5, 0), &value, HYL_ERR_RANGE);
    expect_encode(hyl_type_numeric(2, 2), &value, HYL_ERR_RANGE);
    value.as.numeric = (hyl_numeric){1000, 0, 18, 0};
    expect_encode(hyl_type_numeric(3, 0), &value, HYL_ERR_RANGE);
    value.as.numeric = (hyl_numeric){(uint64_t)-999, -1, 18, 0};
    expect_encode(hyl_type_numeric(3, 0), &value, HYL_OK);
}

static void encoding_checks_strings(void **state)
{
    (void)state;
    const hyl_type varchar3 = hyl_type_from_oid(1043, 7);
    const hyl_type char3 = hyl_type_from_oid(1042, 7);
    hyl_value value = string_value(HYL_TYPE_TEXT, "\xc3\xa4\xc3\xb6\xc3\xbc");
    expect_encode(varchar3, &value, HYL_OK);
    value = string_value(HYL_TYPE_TEXT, "abcd");
    expect_encode(varchar3, &value, HYL_ERR_RANGE);
    expect_encode(char3, &value, HYL_ERR_RANGE);
    expect_encode(hyl_type_of(HYL_TYPE_VARCHAR), &value, HYL_OK);
    value = string_value(HYL_TYPE_TEXT, "ab   "); /* blanks count in varchar, not in char */
    expect_encode(varchar3, &value, HYL_ERR_RANGE);
    expect_encode(char3, &value, HYL_OK);
    value = string_value(HYL_TYPE_TEXT, "\xf0\x9f\x98\x80");
    expect_encode(hyl_type_of(HYL_TYPE_CHAR1), &value, HYL_OK);
    value = string_value(HYL_TYPE_TEXT, "ab");
    expect_encode(hyl_type_of(HYL_TYPE_CHAR1), &value, HYL_ERR_RANGE);
    value = string_value(HYL_TYPE_TEXT, "a\xff");
    expect_encode(hyl_type_of(HYL_TYPE_TEXT), &value, HYL_ERR_ARG);
    expect_encode(hyl_type_of(HYL_TYPE_JSON), &value, HYL_ERR_ARG);
    value.type = HYL_TYPE_BYTES;
    expect_encode(hyl_type_of(HYL_TYPE_BYTES), &value, HYL_OK);
}

static void other_types_and_null_are_refused(void **state)
{
    (void)state;
    hyl_value value = {.type = HYL_TYPE_INT};
    expect_encode(hyl_type_of(HYL_TYPE_BIGINT), &value, HYL_ERR_TYPE);
    expect_encode(hyl_type_of(HYL_TYPE_TEXT), &value, HYL_ERR_TYPE);
    expect_encode(hyl_type_from_oid(1007, -1), &value, HYL_ERR_TYPE);
    value.is_null = true;
    expect_encode(hyl_type_of(HYL_TYPE_INT), &value, HYL_ERR_NULLVAL);
    value = string_value(HYL_TYPE_TEXT, "a");
    expect_encode(hyl_type_of(HYL_TYPE_BYTES), &value, HYL_ERR_TYPE);
}

static void *no_realloc(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    (void)ptr;
    (void)size;
    return NULL;
}

static void no_free(void *ctx, void *ptr)
{
    (void)ctx;
    (void)ptr;
}

static void encoding_without_memory_says_so(void **state)
{
    (void)state;
    const hyl_allocator none = {no_realloc, no_free, NULL};
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf out = HYL_BUF_INIT;
    hyl_value value = string_value(HYL_TYPE_TEXT, "a");
    hyl_set_allocator(&none);
    hyl_status encoded = hyl_value_encode(hyl_type_of(HYL_TYPE_TEXT), &value, &out, &err);
    hyl_buf_clear(&out);
    hyl_status text = hyl_value_text(hyl_type_of(HYL_TYPE_TEXT), &value, &out, &err);
    hyl_buf_clear(&out);
    hyl_status field = hyl_copy_field(hyl_type_of(HYL_TYPE_TEXT), true, &value, &out, &err);
    hyl_set_allocator(NULL);
    assert_int_equal(encoded, HYL_ERR_NOMEM);
    assert_int_equal(text, HYL_ERR_NOMEM);
    assert_int_equal(field, HYL_ERR_NOMEM);
    hyl_buf_reset(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_length_other_than_the_width_is_refused),
        cmocka_unit_test(contents_that_no_value_has_are_refused),
        cmocka_unit_test(varying_values_are_views_of_the_input),
        cmocka_unit_test(fixed_values_round_trip),
        cmocka_unit_test(encoding_checks_ranges),
        cmocka_unit_test(encoding_brings_numerics_to_the_types_scale),
        cmocka_unit_test(encoding_checks_strings),
        cmocka_unit_test(other_types_and_null_are_refused),
        cmocka_unit_test(encoding_without_memory_says_so),
    };
    return cmocka_run_group_tests_name("hyperbinary", tests, NULL, NULL);
}
