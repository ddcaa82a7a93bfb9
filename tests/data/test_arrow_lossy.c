/* Values that change to fit: what each target type takes, what it refuses, and what is counted. */
#include "data/arrow_lossy.h"

#include "support/arrow_rig.h"
#include "support/test.h"

#include <math.h>

static hyl_error err;

/* ---- A value into a column ------------------------------------------------------------------- */

/* Puts the array's only value; its text goes to `text`. */
static hyl_status put_one(arrow_rig *r, hyl_type type, unsigned lossy, hyl_buf *text)
{
    int64_t done = -1;
    arrow_rig_aim(r, type, true, lossy);
    assert_null(r->source.bulk);
    hyl_status status = arrow_rig_put(r, 0, 1, &done);
    if (status == HYL_OK) {
        hyl_value value = {.type = type.id};
        const uint8_t *at = r->stage.columns[0].values;
        if (type.id == HYL_TYPE_NUMERIC) {
            memcpy(&value.as.numeric, at, 16);
            value.as.numeric.precision = (uint8_t)hyl_type_precision(type);
            value.as.numeric.scale = (uint8_t)hyl_type_scale(type);
        } else {
            memcpy(&value.as, at, r->stage.columns[0].width);
        }
        assert_ok(hyl_value_text(type, &value, text, &err), &err);
    }
    hyl_buf_append_byte(text, 0);
    return status;
}

/* `wanted`: the column's value, NULL where it is out of range; `changed`: is that counted? */
static void assert_becomes(arrow_rig *r, hyl_type type, unsigned lossy, const char *wanted,
                           bool changed)
{
    hyl_buf text = HYL_BUF_INIT;
    hyl_status status = put_one(r, type, lossy, &text);
    hyl_status expected = wanted == NULL ? HYL_ERR_RANGE : HYL_OK;
    if (status != expected || (wanted != NULL && strcmp((char *)text.data, wanted) != 0) ||
        r->source.changed != changed) {
        fail_msg("%s: %s '%s', %lld changed", hyl_type_name(type.id), hyl_status_name(status),
                 (char *)text.data, (long long)r->source.changed);
    }
    assert_true(status == HYL_OK || r->err.message[0] != '\0');
    hyl_buf_reset(&text);
    arrow_rig_end(r);
}

static void double_becomes(double value, hyl_type type, const char *wanted, bool changed)
{
    arrow_rig r;
    arrow_rig_start(&r, NANOARROW_TYPE_DOUBLE);
    assert_int_equal(ArrowArrayAppendDouble(&r.array, value), 0);
    assert_becomes(&r, type, HYL_LOSSY_NUMBERS, wanted, changed);
}

static void whole_becomes(enum ArrowType from, int64_t value, hyl_type type, const char *wanted,
                          bool changed)
{
    arrow_rig r;
    arrow_rig_start(&r, from);
    assert_int_equal(from == NANOARROW_TYPE_UINT64 ? ArrowArrayAppendUInt(&r.array, (uint64_t)value)
                                                   : ArrowArrayAppendInt(&r.array, value),
                     0);
    assert_becomes(&r, type, HYL_LOSSY_NUMBERS, wanted, changed);
}

static void decimal_becomes(enum ArrowType from, int precision, int scale, const char *digits,
                            hyl_type type, const char *wanted, bool changed)
{
    arrow_rig r;
    struct ArrowDecimal decimal;
    arrow_rig_start_decimal(&r, from, precision, scale);
    ArrowDecimalInit(&decimal, from == NANOARROW_TYPE_DECIMAL256 ? 256 : 128, precision, scale);
    assert_int_equal(ArrowDecimalSetDigits(&decimal, ArrowCharView(digits)), 0);
    assert_int_equal(ArrowArrayAppendDecimal(&r.array, &decimal), 0);
    assert_becomes(&r, type, HYL_LOSSY_NUMBERS, wanted, changed);
}

#define SMALLINT hyl_type_of(HYL_TYPE_SMALLINT)
#define INT      hyl_type_of(HYL_TYPE_INT)
#define BIGINT   hyl_type_of(HYL_TYPE_BIGINT)
#define OID      hyl_type_of(HYL_TYPE_OID)
#define REAL     hyl_type_of(HYL_TYPE_REAL)
#define DOUBLE   hyl_type_of(HYL_TYPE_DOUBLE)
#define DATE     hyl_type_of(HYL_TYPE_DATE)

/* ---- Whole numbers --------------------------------------------------------------------------- */

static void every_whole_type_ends_somewhere(void **state)
{
    (void)state;
    double_becomes(32767, SMALLINT, "32767", false);
    double_becomes(32767.4, SMALLINT, "32767", true);
    double_becomes(32767.5, SMALLINT, NULL, false);
    double_becomes(-32768.4, SMALLINT, "-32768", true);
    double_becomes(-32768.5, SMALLINT, NULL, false);
    double_becomes(2147483647, INT, "2147483647", false);
    double_becomes(2147483648.0, INT, NULL, false);
    double_becomes(-2147483648.0, INT, "-2147483648", false);
    double_becomes(-2147483649.0, INT, NULL, false);
    double_becomes(9223372036854774784.0, BIGINT, "9223372036854774784", false);
    double_becomes(9223372036854775808.0, BIGINT, NULL, false);
    double_becomes(-9223372036854775808.0, BIGINT, "-9223372036854775808", false);
    double_becomes(-9223372036854777856.0, BIGINT, NULL, false);
    double_becomes(4294967295.0, OID, "4294967295", false);
    double_becomes(4294967296.0, OID, NULL, false);
    double_becomes(-1, OID, NULL, false);
    double_becomes(-0.4, OID, "0", true);
    double_becomes(1e300, BIGINT, NULL, false);
    double_becomes(-1e300, BIGINT, NULL, false);
}

/* Beyond 2^53 the shortest digits would be those of another number. */
static void large_doubles_keep_their_value(void **state)
{
    (void)state;
    double_becomes(1152921504606846976.0, BIGINT, "1152921504606846976", false); /* 2^60 */
    double_becomes(-1152921504606846976.0, BIGINT, "-1152921504606846976", false);
    double_becomes(9007199254740993.0, BIGINT, "9007199254740992", false);
    double_becomes(18014398509481986.0, BIGINT, "18014398509481984", false);
    double_becomes(4503599627370495.5, BIGINT, "4503599627370496", true);
    double_becomes(-4503599627370495.5, BIGINT, "-4503599627370496", true);
    double_becomes(18446744073709551616.0, BIGINT, NULL, false);
}

static void halves_go_away_from_zero(void **state)
{
    (void)state;
    double_becomes(0.5, INT, "1", true);
    double_becomes(-0.5, INT, "-1", true);
    double_becomes(1.5, INT, "2", true);
    double_becomes(2.5, INT, "3", true);
    double_becomes(0.49999999999999994, INT, "0", true);
    double_becomes(9.5, INT, "10", true);
    double_becomes(-0.0, INT, "0", false);
    double_becomes(5e-324, INT, "0", true);
}

static void what_counts_nothing_is_refused(void **state)
{
    (void)state;
    const hyl_type types[] = {SMALLINT, INT, BIGINT, OID, hyl_type_numeric(38, 0)};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        double_becomes((double)NAN, types[i], NULL, false);
        double_becomes((double)INFINITY, types[i], NULL, false);
        double_becomes(-(double)INFINITY, types[i], NULL, false);
    }
}

static void wide_integers_fit_where_they_are_small(void **state)
{
    (void)state;
    whole_becomes(NANOARROW_TYPE_INT64, 32767, SMALLINT, "32767", false);
    whole_becomes(NANOARROW_TYPE_INT64, 32768, SMALLINT, NULL, false);
    whole_becomes(NANOARROW_TYPE_INT64, INT32_MIN, INT, "-2147483648", false);
    whole_becomes(NANOARROW_TYPE_INT64, (int64_t)INT32_MIN - 1, INT, NULL, false);
    whole_becomes(NANOARROW_TYPE_UINT64, -1, BIGINT, NULL, false); /* 2^64 - 1 */
    whole_becomes(NANOARROW_TYPE_UINT64, INT64_MAX, BIGINT, "9223372036854775807", false);
    whole_becomes(NANOARROW_TYPE_UINT64, INT64_MIN, BIGINT, NULL, false); /* 2^63 */
    whole_becomes(NANOARROW_TYPE_INT64, INT64_MIN, hyl_type_numeric(18, 0), NULL, false);
    whole_becomes(NANOARROW_TYPE_INT64, -999, hyl_type_numeric(3, 0), "-999", false);
    whole_becomes(NANOARROW_TYPE_INT64, 1000, hyl_type_numeric(3, 0), NULL, false);
    whole_becomes(NANOARROW_TYPE_INT64, 10, hyl_type_numeric(3, 2), NULL, false);
    whole_becomes(NANOARROW_TYPE_INT32, -1, OID, NULL, false);
}

/* ---- Decimals -------------------------------------------------------------------------------- */

static void small_doubles_count_by_their_shortest_digits(void **state)
{
    (void)state;
    double_becomes(0.1, hyl_type_numeric(9, 2), "0.10", false);
    double_becomes(0.125, hyl_type_numeric(9, 2), "0.13", true);
    double_becomes(2.675, hyl_type_numeric(9, 2), "2.68", true);
    double_becomes(9999999.995, hyl_type_numeric(9, 2), NULL, false); /* rounds to ten digits */
    double_becomes(-9999999.994, hyl_type_numeric(9, 2), "-9999999.99", true);
    double_becomes(1e15, hyl_type_numeric(38, 0), "1000000000000000", false);
    /* From 2^53 on a double is a whole number, of which all digits are kept. */
    double_becomes(1e37, hyl_type_numeric(38, 0), "9999999999999999538762658202121142272", false);
    double_becomes(1.01e38, hyl_type_numeric(38, 0), NULL, false);
    double_becomes(1e-38, hyl_type_numeric(38, 38), "0.00000000000000000000000000000000000001",
                   false);
    double_becomes(1e-39, hyl_type_numeric(38, 38), "0.00000000000000000000000000000000000000",
                   true);
    double_becomes(0.999, hyl_type_numeric(2, 2), NULL, false); /* 1.00 */
}

static void decimals_lose_places_and_keep_digits(void **state)
{
    (void)state;
    decimal_becomes(NANOARROW_TYPE_DECIMAL128, 9, 4, "123456", hyl_type_numeric(9, 2), "12.35",
                    true);
    decimal_becomes(NANOARROW_TYPE_DECIMAL128, 9, 4, "-123450", hyl_type_numeric(9, 2), "-12.35",
                    true);
    decimal_becomes(NANOARROW_TYPE_DECIMAL128, 9, 4, "123400", hyl_type_numeric(9, 2), "12.34",
                    false);
    decimal_becomes(NANOARROW_TYPE_DECIMAL128, 9, 4, "999999999", hyl_type_numeric(7, 2), NULL,
                    false);
    decimal_becomes(NANOARROW_TYPE_DECIMAL128, 9, 4, "5000", INT, "1", true);
    decimal_becomes(NANOARROW_TYPE_DECIMAL128, 9, 4, "4999", INT, "0", true);
    decimal_becomes(NANOARROW_TYPE_DECIMAL128, 9, 4, "10000", INT, "1", false);
    decimal_becomes(NANOARROW_TYPE_DECIMAL256, 76, 0,
                    "9999999999999999999999999999999999999999999999999999999999999999999999999999",
                    hyl_type_numeric(38, 0), NULL, false);
    decimal_becomes(NANOARROW_TYPE_DECIMAL256, 76, 40,
                    "12345678901234567890123456789012345678901234567890", hyl_type_numeric(38, 20),
                    "1234567890.12345678901234567890", true);
    decimal_becomes(NANOARROW_TYPE_DECIMAL128, 5, -2, "123", hyl_type_numeric(5, 0), "12300",
                    false);
    decimal_becomes(NANOARROW_TYPE_DECIMAL128, 5, -2, "1234", hyl_type_numeric(5, 0), NULL, false);
}

/* ---- Floats ---------------------------------------------------------------------------------- */

static void floats_become_the_nearest(void **state)
{
    (void)state;
    double_becomes(0.5, REAL, "0.5", false);
    double_becomes(0.1, REAL, "0.1", true);
    double_becomes(3.4028234663852886e38, REAL, "3.4028235e+38", false);
    double_becomes(3.5e38, REAL, NULL, false);
    double_becomes(-3.5e38, REAL, NULL, false);
    double_becomes(1e-60, REAL, "0", true);
    double_becomes((double)NAN, REAL, "NaN", false);
    double_becomes((double)INFINITY, REAL, "Infinity", false);
    double_becomes(-(double)INFINITY, REAL, "-Infinity", false);
    whole_becomes(NANOARROW_TYPE_INT64, 9007199254740992, DOUBLE, "9.007199254740992e+15", false);
    whole_becomes(NANOARROW_TYPE_INT64, 9007199254740993, DOUBLE, "9.007199254740992e+15", true);
    whole_becomes(NANOARROW_TYPE_INT64, INT64_C(1) << 60, DOUBLE, "1.152921504606847e+18", false);
    whole_becomes(NANOARROW_TYPE_INT64, INT64_MAX, DOUBLE, "9.223372036854776e+18", true);
    whole_becomes(NANOARROW_TYPE_UINT64, INT64_MIN, DOUBLE, "9.223372036854776e+18", false);
    whole_becomes(NANOARROW_TYPE_INT64, INT64_C(1) << 60, REAL, "1.1529215e+18", false);
    whole_becomes(NANOARROW_TYPE_INT32, 16777217, REAL, "1.6777216e+07", true);
    whole_becomes(NANOARROW_TYPE_INT32, 16777216, REAL, "1.6777216e+07", false);
    decimal_becomes(NANOARROW_TYPE_DECIMAL128, 9, 1, "15", DOUBLE, "1.5", false);
    decimal_becomes(NANOARROW_TYPE_DECIMAL128, 9, 1, "1", DOUBLE, "0.1", false);
    decimal_becomes(NANOARROW_TYPE_DECIMAL128, 38, 0, "12345678901234567890", DOUBLE,
                    "1.2345678901234567e+19", true);
    decimal_becomes(NANOARROW_TYPE_DECIMAL256, 76, 0,
                    "9999999999999999999999999999999999999999999999999999999999999999999999999999",
                    REAL, NULL, false);
}

/* ---- Dates ----------------------------------------------------------------------------------- */

static void timestamp_becomes(enum ArrowTimeUnit unit, int64_t value, const char *wanted,
                              bool changed)
{
    arrow_rig r;
    arrow_rig_start_time(&r, NANOARROW_TYPE_TIMESTAMP, unit);
    assert_int_equal(ArrowArrayAppendInt(&r.array, value), 0);
    assert_becomes(&r, DATE, HYL_LOSSY_TIMES, wanted, changed);
}

static void timestamps_lose_their_time_towards_the_past(void **state)
{
    (void)state;
    timestamp_becomes(NANOARROW_TIME_UNIT_SECOND, 0, "1970-01-01", false);
    timestamp_becomes(NANOARROW_TIME_UNIT_SECOND, 86399, "1970-01-01", true);
    timestamp_becomes(NANOARROW_TIME_UNIT_SECOND, 86400, "1970-01-02", false);
    timestamp_becomes(NANOARROW_TIME_UNIT_SECOND, -1, "1969-12-31", true);
    timestamp_becomes(NANOARROW_TIME_UNIT_MILLI, -86400000, "1969-12-31", false);
    timestamp_becomes(NANOARROW_TIME_UNIT_MICRO, -1, "1969-12-31", true);
    timestamp_becomes(NANOARROW_TIME_UNIT_NANO, 1, "1970-01-01", true);
    timestamp_becomes(NANOARROW_TIME_UNIT_NANO, INT64_MIN, "1677-09-21", true);
    timestamp_becomes(NANOARROW_TIME_UNIT_SECOND, INT64_MAX, NULL, false);
    timestamp_becomes(NANOARROW_TIME_UNIT_SECOND, INT64_MIN, NULL, false);
    timestamp_becomes(NANOARROW_TIME_UNIT_MILLI, INT64_MIN, NULL, false);
}

/* ---- Counting -------------------------------------------------------------------------------- */

static void only_what_was_kept_is_counted(void **state)
{
    arrow_rig r;
    int64_t done = -1;
    (void)state;
    arrow_rig_start(&r, NANOARROW_TYPE_DOUBLE);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(i % 3 == 2 ? ArrowArrayAppendNull(&r.array, 1)
                                    : ArrowArrayAppendDouble(&r.array, i % 2 ? i : i + 0.25),
                         0);
    }
    assert_int_equal(ArrowArrayAppendDouble(&r.array, 1e10), 0);
    arrow_rig_aim(&r, INT, true, HYL_LOSSY_NUMBERS);
    assert_status(arrow_rig_put(&r, 0, 11, &done), HYL_ERR_RANGE, &r.err);
    assert_int_equal(done, 10);
    hyl__stage_clear(&r.stage);
    r.source.changed = 0;
    assert_ok(arrow_rig_put(&r, 0, 10, &done), &r.err);
    assert_int_equal(r.source.changed, 3); /* 0.25, 4.25, 6.25 */
    arrow_rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_whole_type_ends_somewhere),
        cmocka_unit_test(large_doubles_keep_their_value),
        cmocka_unit_test(halves_go_away_from_zero),
        cmocka_unit_test(what_counts_nothing_is_refused),
        cmocka_unit_test(wide_integers_fit_where_they_are_small),
        cmocka_unit_test(small_doubles_count_by_their_shortest_digits),
        cmocka_unit_test(decimals_lose_places_and_keep_digits),
        cmocka_unit_test(floats_become_the_nearest),
        cmocka_unit_test(timestamps_lose_their_time_towards_the_past),
        cmocka_unit_test(only_what_was_kept_is_counted),
    };
    return cmocka_run_group_tests_name("data/arrow_lossy", tests, NULL, NULL);
}
