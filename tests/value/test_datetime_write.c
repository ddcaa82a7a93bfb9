#include "expect.h"
#include "value/datetime_text.h"
#include "value/text_write.h"

typedef char *(*write_micros)(char *to, int64_t micros);

static void expect_written(const char *begin, const char *end, const char *text)
{
    assert_true(end - begin <= HYL__SCALAR_TEXT_MAX);
    assert_int_equal(end - begin, strlen(text));
    assert_memory_equal(begin, text, strlen(text));
}

static void expect_micros(write_micros write, int64_t micros, const char *text)
{
    char buffer[HYL__SCALAR_TEXT_MAX];
    expect_written(buffer, write(buffer, micros), text);
}

static void dates_and_timestamps_are_as_the_oracle_has_them(void **state)
{
    (void)state;
    char buffer[HYL__SCALAR_TEXT_MAX];
#define DATE(year, month, day, days, text) \
    expect_written(buffer, hyl__write_date(buffer, days), text);
#define TIMESTAMP(micros, text) expect_micros(hyl__write_timestamp, micros, text);
#include "cases.inc"
#undef DATE
#undef TIMESTAMP
}

static void times_have_only_the_decimals_they_need(void **state)
{
    (void)state;
    expect_micros(hyl__write_time, 0, "00:00:00");
    expect_micros(hyl__write_time, 1, "00:00:00.000001");
    expect_micros(hyl__write_time, 500000, "00:00:00.5");
    expect_micros(hyl__write_time, INT64_C(45296123450), "12:34:56.12345");
    expect_micros(hyl__write_time, HYL_MICROS_PER_DAY - 1, "23:59:59.999999");
    expect_micros(hyl__write_time, HYL_MICROS_PER_DAY, "24:00:00");
}

static void the_zone_stands_before_the_era(void **state)
{
    (void)state;
    expect_micros(hyl__write_timestamptz, 0, "2000-01-01 00:00:00+00");
    expect_micros(hyl__write_timestamptz, -1, "1999-12-31 23:59:59.999999+00");
    expect_micros(hyl__write_timestamptz, HYL_DATE_MIN * HYL_MICROS_PER_DAY,
                  "4713-01-01 00:00:00+00 BC");
}

static void expect_interval(int32_t months, int32_t days, int64_t micros, const char *text)
{
    char buffer[HYL__SCALAR_TEXT_MAX];
    const hyl_interval interval = {micros, days, months};
    expect_written(buffer, hyl__write_interval(buffer, interval), text);
}

static void intervals_are_iso_8601_as_the_server_writes_it(void **state)
{
    (void)state;
    const int64_t second = 1000000;
    const int64_t hour = 3600 * second;
    expect_interval(0, 0, 0, "PT0S");
    expect_interval(14, 3, 4 * hour + 5 * 60 * second + 6789000, "P1Y2M3DT4H5M6.789000S");
    expect_interval(-1, 0, 0, "P-1M");
    expect_interval(-25, 0, 0, "P-2Y-1M");
    expect_interval(0, -1, 2 * hour, "P-1DT2H");
    expect_interval(0, 1, -hour, "P1DT-1H");
    expect_interval(-12, 5, -3 * second, "P-1Y5DT-3S");
    expect_interval(0, 0, -500000, "PT-0.500000S");
    expect_interval(0, 0, -hour - 1, "PT-1H-0.000001S");
    expect_interval(0, 0, 25 * hour, "PT25H");
    expect_interval(INT32_MAX, INT32_MAX, INT64_MAX,
                    "P178956970Y7M2147483647DT2562047788H54.775807S");
    expect_interval(INT32_MIN, INT32_MIN, INT64_MIN,
                    "P-178956970Y-8M-2147483648DT-2562047788H-54.775808S");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_and_timestamps_are_as_the_oracle_has_them),
        cmocka_unit_test(times_have_only_the_decimals_they_need),
        cmocka_unit_test(the_zone_stands_before_the_era),
        cmocka_unit_test(intervals_are_iso_8601_as_the_server_writes_it),
    };
    return cmocka_run_group_tests_name("datetime_write", tests, NULL, NULL);
}
