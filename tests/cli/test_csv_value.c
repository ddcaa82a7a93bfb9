#include "support/test.h"

#include "cli/csv_value.h"
#include "support/guard.h"
#include "support/random.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* Every text ends at a page's end: reading on would end the program. */
#define WITH_GUARD(text, name, ...)                        \
    do {                                                   \
        guarded copy_ = guard_bytes((text), strlen(text)); \
        hyl_str name = guard_str(&copy_);                  \
        __VA_ARGS__;                                       \
        guard_release(&copy_);                             \
    } while (0)

static const csv_fit NO = CSV_NO_VALUE;
static const csv_fit RANGE = CSV_OUT_OF_RANGE;
static const csv_fit FITS = CSV_FITS;

static void check_int(const char *text, bool lenient, csv_fit fit, int64_t value)
{
    int64_t got = 0;
    WITH_GUARD(text, str, assert_int_equal(csv_parse_int(str, lenient, &got), fit));
    if (fit == CSV_FITS) {
        assert_int_equal(got, value);
    }
}

static void integers(void **state)
{
    (void)state;
    check_int("0", false, FITS, 0);
    check_int("-12", false, FITS, -12);
    check_int("999999999999999999", false, FITS, 999999999999999999);
    check_int("9223372036854775807", false, FITS, INT64_MAX);
    check_int("-9223372036854775808", false, FITS, INT64_MIN);
    check_int("9223372036854775808", false, RANGE, 0);
    check_int("-9223372036854775809", false, RANGE, 0);
    check_int("123456789012345678901234567890", false, RANGE, 0);
    const char *none[] = {
        "", "-", "+", "1.", "1e3", "a", "1a", " 1", "0x1", "--1", "12345678901234567890x"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        check_int(none[i], false, NO, 0);
        check_int(none[i], true, NO, 0);
    }
    const char *changing[] = {"007", "+7", "-0", "00", "-07"};
    const int64_t values[] = {7, 7, 0, 0, -7};
    for (size_t i = 0; i < sizeof changing / sizeof changing[0]; i++) {
        check_int(changing[i], false, NO, 0);
        check_int(changing[i], true, FITS, values[i]);
    }
    check_int("0000000000000000000000000012", true, FITS, 12);
}

static void booleans(void **state)
{
    (void)state;
    const struct {
        const char *text;
        bool strict;
        bool lenient;
        bool value;
    } cases[] = {
        {"true", true, true, true},     {"True", true, true, true},   {"TRUE", true, true, true},
        {"t", true, true, true},        {"false", true, true, false}, {"False", true, true, false},
        {"FALSE", true, true, false},   {"f", true, true, false},     {"T", false, true, true},
        {"F", false, true, false},      {"yes", false, true, true},   {"No", false, true, false},
        {"1", false, true, true},       {"0", false, true, false},    {"on", false, true, true},
        {"off", false, true, false},    {"", false, false, false},    {"tru", false, false, false},
        {"truee", false, false, false}, {"2", false, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool value = !cases[i].value;
        WITH_GUARD(cases[i].text, str, {
            assert_int_equal(csv_parse_bool(str, false, &value) == CSV_FITS, cases[i].strict);
            assert_int_equal(csv_parse_bool(str, true, &value) == CSV_FITS, cases[i].lenient);
        });
        if (cases[i].lenient) {
            assert_int_equal(value, cases[i].value);
        }
    }
}

static csv_fit parse_double(const char *text, bool lenient, double *out)
{
    csv_fit fit = CSV_NO_VALUE;
    WITH_GUARD(text, str, fit = csv_parse_double(str, lenient, out));
    return fit;
}

static void doubles(void **state)
{
    (void)state;
    const char *numbers[] = {"0",
                             "-0",
                             "1.5",
                             ".5",
                             "5.",
                             "1e3",
                             "1E-3",
                             "-1.25e+2",
                             "0.1",
                             "1e22",
                             "1e23",
                             "9007199254740993",
                             "2.2250738585072014e-308",
                             "4.9e-324",
                             "1.7976931348623157e308",
                             "0.30000000000000004",
                             "3.14159265358979323846264338327950288e0",
                             "0.000000000000000000000000001"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        double got = 0;
        assert_int_equal(parse_double(numbers[i], false, &got), CSV_FITS);
        double want = strtod(numbers[i], NULL);
        assert_memory_equal(&got, &want, sizeof got);
    }
    /* More digits than a double keeps: not where the type is inferred. */
    const char *longer[] = {"123456789012345678.5", "3.14159265358979323846264338327950288"};
    for (size_t i = 0; i < sizeof longer / sizeof longer[0]; i++) {
        double got = 0;
        assert_int_equal(parse_double(longer[i], false, &got), CSV_NO_VALUE);
        assert_int_equal(parse_double(longer[i], true, &got), CSV_FITS);
        double want = strtod(longer[i], NULL);
        assert_memory_equal(&got, &want, sizeof got);
    }
    const char *none[] = {"",    "-",    ".",    "e5",   "1e", "1e+", "1.2.3",
                          "1,5", "0x10", "nano", "infi", "1 ", "--1", "1e5x"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        double got;
        assert_int_equal(parse_double(none[i], false, &got), CSV_NO_VALUE);
        assert_int_equal(parse_double(none[i], true, &got), CSV_NO_VALUE);
    }
    const char *changing[] = {"+1.5", "007.5", "00", "12345678901234567890"};
    const double values[] = {1.5, 7.5, 0, 12345678901234567890.0};
    for (size_t i = 0; i < sizeof changing / sizeof changing[0]; i++) {
        double got;
        assert_int_equal(parse_double(changing[i], false, &got), CSV_NO_VALUE);
        assert_int_equal(parse_double(changing[i], true, &got), CSV_FITS);
        assert_true(got == values[i]);
    }
    double got;
    assert_int_equal(parse_double("1e400", false, &got), CSV_OUT_OF_RANGE);
    assert_int_equal(parse_double("NaN", false, &got), CSV_FITS);
    assert_true(isnan(got));
    assert_int_equal(parse_double("-Infinity", false, &got), CSV_FITS);
    assert_true(isinf(got) && got < 0);
    assert_int_equal(parse_double("inf", false, &got), CSV_FITS);
    assert_true(isinf(got) && got > 0);
}

/* Random decimals, against the C library's strtod. */
static void random_doubles(void **state)
{
    (void)state;
    random_source random = random_start("doubles", 0xd0b1e5);
    for (int i = 0; i < 200000; i++) {
        char text[96];
        unsigned long long whole = random_any_size(&random);
        unsigned long long behind = random_any_size(&random);
        int exponent = (int)random_below(&random, 61) - 30;
        if (random_below(&random, 2) == 0) {
            snprintf(text, sizeof text, "%llu.%llu", whole % 100000000, behind);
        } else {
            snprintf(text, sizeof text, "%llue%d", whole, exponent);
        }
        double got = 0;
        assert_int_equal(parse_double(text, true, &got), CSV_FITS);
        double want = strtod(text, NULL);
        assert_memory_equal(&got, &want, sizeof got);
    }
}

static void check_decimal(const char *text, bool lenient, int precision, int scale, csv_fit fit,
                          int64_t value)
{
    int64_t got = 0;
    WITH_GUARD(text, str,
               assert_int_equal(csv_parse_decimal(str, lenient, precision, scale, &got), fit));
    if (fit == CSV_FITS) {
        assert_int_equal(got, value);
    }
}

static void decimals(void **state)
{
    (void)state;
    check_decimal("1.50", false, 18, 2, FITS, 150);
    check_decimal("-0.05", false, 18, 2, FITS, -5);
    check_decimal(".50", false, 18, 2, FITS, 50);
    check_decimal("9999999999999999.99", false, 18, 2, FITS, 999999999999999999);
    check_decimal("10000000000000000.00", false, 18, 2, NO, 0);
    check_decimal("1.5", false, 18, 2, NO, 0);
    check_decimal("1.500", false, 18, 2, NO, 0);
    check_decimal("1", false, 18, 2, NO, 0);
    check_decimal("01.50", false, 18, 2, NO, 0);
    check_decimal("+1.50", false, 18, 2, NO, 0);
    check_decimal("1.50e0", false, 18, 2, NO, 0);
    check_decimal("1.5", true, 18, 2, FITS, 150);
    check_decimal("1.500", true, 18, 2, FITS, 150);
    check_decimal("1.505", true, 18, 2, RANGE, 0);
    check_decimal("1", true, 5, 2, FITS, 100);
    check_decimal("+01.50", true, 5, 2, FITS, 150);
    check_decimal("1.5e1", true, 5, 2, FITS, 1500);
    check_decimal("1000.00", true, 5, 2, RANGE, 0);
    check_decimal("-999.99", true, 5, 2, FITS, -99999);
    check_decimal("NaN", true, 5, 2, NO, 0);
    check_decimal("abc", true, 5, 2, NO, 0);
}

static void check_date(const char *text, csv_fit fit, int32_t days)
{
    int32_t got = 0;
    WITH_GUARD(text, str, assert_int_equal(csv_parse_date(str, &got), fit));
    if (fit == CSV_FITS) {
        assert_int_equal(got, days);
    }
}

static void dates(void **state)
{
    (void)state;
    check_date("2000-01-01", FITS, 0);
    check_date("2024-02-29", FITS, 8825);
    check_date("0001-01-01", FITS, -730119);
    check_date("9999-12-31", FITS, 2921939);
    check_date("10000-01-01", FITS, 2921940);
    check_date("0001-12-31 BC", FITS, -730120);
    check_date("294276-12-31", FITS, HYL_DATE_MAX);
    const char *none[] = {"",
                          "2024-02-30",
                          "2023-02-29",
                          "2024-13-01",
                          "2024-00-10",
                          "0000-01-01",
                          "2024-1-01",
                          "01/02/2024",
                          "2024/01/02",
                          "20240102",
                          "2024-01-0a",
                          "2024-01-01 ",
                          "2024-01-01x",
                          "x024-01-01",
                          "2024-01-01T",
                          "12024-01-01 AD"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        check_date(none[i], NO, 0);
    }
}

static void check_time(const char *text, csv_fit fit, int64_t micros)
{
    int64_t got = 0;
    WITH_GUARD(text, str, assert_int_equal(csv_parse_time(str, &got), fit));
    if (fit == CSV_FITS) {
        assert_int_equal(got, micros);
    }
}

static void times(void **state)
{
    (void)state;
    check_time("00:00", FITS, 0);
    check_time("12:34:56", FITS, 45296000000);
    check_time("23:59:59.999999", FITS, 86399999999);
    check_time("24:00:00", FITS, 86400000000);
    check_time("01:02:03.5", FITS, 3723500000);
    check_time("01:02:03.123456000", FITS, 3723123456);
    const char *none[] = {"",          "1:02",    "24:00:01", "25:00",     "12:60",
                          "12:34:60",  "12:34:5", "12:34:",   "12:34:56.", "12:34:56.1234567",
                          "12:34:56x", "12:34Z",  "ab:cd",    "12-34"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        check_time(none[i], NO, 0);
    }
}

static void check_timestamp(const char *text, bool zone, csv_fit fit, int64_t micros)
{
    int64_t got = 0;
    csv_fit result = CSV_NO_VALUE;
    WITH_GUARD(text, str,
               result = zone ? csv_parse_timestamptz(str, &got) : csv_parse_timestamp(str, &got));
    if (result != fit || (fit == CSV_FITS && got != micros)) {
        fail_msg("'%s': %d, %" PRId64, text, (int)result, got);
    }
}

static void timestamps(void **state)
{
    (void)state;
    const int64_t noon = 43200000000;
    check_timestamp("2000-01-01 12:00", false, FITS, noon);
    check_timestamp("2000-01-01T12:00:00", false, FITS, noon);
    check_timestamp("2000-01-01t12:00:00.000001", false, FITS, noon + 1);
    check_timestamp("2000-01-02", false, FITS, HYL_MICROS_PER_DAY);
    check_timestamp("1999-12-31 12:00:00", false, FITS, -noon);
    check_timestamp("10000-01-01 00:00:00", false, FITS, 2921940 * HYL_MICROS_PER_DAY);
    check_timestamp("0001-12-31 12:00:00 BC", false, FITS, -730120 * HYL_MICROS_PER_DAY + noon);
    check_timestamp("2000-01-01T12:00:00Z", false, NO, 0);
    check_timestamp("2000-01-01_12:00:00", false, NO, 0);
    check_timestamp("2000-01-01 ", false, NO, 0);
    check_timestamp("2000-01-01 12", false, NO, 0);
    check_timestamp("2000-01-01T12:00:00.1234567", false, NO, 0);

    check_timestamp("2000-01-01T12:00:00Z", true, FITS, noon);
    check_timestamp("2000-01-01 12:00:00+00", true, FITS, noon);
    check_timestamp("2000-01-01 12:00:00 +00:00", true, FITS, noon);
    check_timestamp("2000-01-01T14:00:00+02", true, FITS, noon);
    check_timestamp("2000-01-01T06:30-0530", true, FITS, noon);
    check_timestamp("2000-01-01T06:30:00-05:30", true, FITS, noon);
    check_timestamp("2000-01-01T12:00:00", true, NO, 0);
    check_timestamp("2000-01-01", true, NO, 0);
    check_timestamp("2000-01-01T12:00:00+2", true, NO, 0);
    check_timestamp("2000-01-01T12:00:00+02:", true, NO, 0);
    check_timestamp("2000-01-01T12:00:00+02:3", true, NO, 0);
    check_timestamp("2000-01-01T12:00:00+24", true, NO, 0);
    check_timestamp("2000-01-01T12:00:00+02:60", true, NO, 0);
    check_timestamp("2000-01-01T12:00:00Zx", true, NO, 0);
}

/* What the server writes is read back, over the whole range. */
static void the_servers_text_is_read(void **state)
{
    (void)state;
    random_source random = random_start("server text", 0x7e47);
    for (int i = 0; i < 50000; i++) {
        hyl_buf text = HYL_BUF_INIT;
        hyl_error err = HYL_ERROR_INIT;
        hyl_value value = {0};
        int32_t days = 0;
        int64_t micros = 0;
        value.type = HYL_TYPE_DATE;
        value.as.i32 = HYL_DATE_MIN + (int32_t)random_below(&random, HYL_DATE_MAX - HYL_DATE_MIN);
        assert_ok(hyl_value_text(hyl_type_of(value.type), &value, &text, &err), &err);
        assert_int_equal(csv_parse_date((hyl_str){(char *)text.data, text.len}, &days), CSV_FITS);
        assert_int_equal(days, value.as.i32);

        hyl_buf_clear(&text);
        value.type = i % 2 == 0 ? HYL_TYPE_TIMESTAMP : HYL_TYPE_TIMESTAMPTZ;
        value.as.i64 =
            days * HYL_MICROS_PER_DAY + (int64_t)random_below(&random, HYL_MICROS_PER_DAY);
        assert_ok(hyl_value_text(hyl_type_of(value.type), &value, &text, &err), &err);
        hyl_str str = {(char *)text.data, text.len};
        assert_int_equal(i % 2 == 0 ? csv_parse_timestamp(str, &micros)
                                    : csv_parse_timestamptz(str, &micros),
                         CSV_FITS);
        assert_int_equal(micros, value.as.i64);
        hyl_buf_reset(&text);
    }
}

static void blanks_are_trimmed(void **state)
{
    (void)state;
    hyl_str text = csv_trim(HYL_STR("  a b "));
    assert_int_equal(text.len, 3);
    assert_memory_equal(text.data, "a b", 3);
    assert_int_equal(csv_trim(HYL_STR("   ")).len, 0);
    assert_int_equal(csv_trim(HYL_STR("")).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(booleans),
        cmocka_unit_test(doubles),
        cmocka_unit_test(random_doubles),
        cmocka_unit_test(decimals),
        cmocka_unit_test(dates),
        cmocka_unit_test(times),
        cmocka_unit_test(timestamps),
        cmocka_unit_test(the_servers_text_is_read),
        cmocka_unit_test(blanks_are_trimmed),
    };
    return cmocka_run_group_tests_name("cli/csv_value", tests, NULL, NULL);
}
