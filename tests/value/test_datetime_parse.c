#include "expect.h"
#include "support/random.h"
#include "value/datetime_text.h"
#include "value/hyperbinary.h"
#include "value/text_write.h"

typedef hyl_status (*parse_micros)(hyl_str text, int64_t *micros);

static hyl_status parse_guarded(parse_micros parse, const char *text, int64_t *micros)
{
    guarded copy = guard_bytes(text, strlen(text));
    hyl_status status = parse(guard_str(&copy), micros);
    guard_release(&copy);
    return status;
}

static void expect_micros(parse_micros parse, const char *text, int64_t wanted)
{
    int64_t micros = 0;
    hyl_status status = parse_guarded(parse, text, &micros);
    if (status != HYL_OK || micros != wanted) {
        fail_msg("'%s': %s, %lld", text, hyl_status_name(status), (long long)micros);
    }
}

static void expect_date(const char *text, int32_t wanted)
{
    int32_t days = 0;
    guarded copy = guard_bytes(text, strlen(text));
    assert_int_equal(hyl__parse_date(guard_str(&copy), &days), HYL_OK);
    assert_int_equal(days, wanted);
    guard_release(&copy);
}

static void dates_and_timestamps_are_as_the_oracle_has_them(void **state)
{
    (void)state;
#define DATE(year, month, day, days, text) expect_date(text, days);
#define TIMESTAMP(micros, text)            expect_micros(hyl__parse_timestamp, text, micros);
#include "cases.inc"
#undef DATE
#undef TIMESTAMP
}

static void zones_are_taken_off(void **state)
{
    (void)state;
    const int64_t minute = 60 * INT64_C(1000000);
    expect_micros(hyl__parse_timestamptz, "2000-01-01 00:00:00+00", 0);
    expect_micros(hyl__parse_timestamptz, "2000-01-01 00:00:00.5+02", 500000 - 120 * minute);
    expect_micros(hyl__parse_timestamptz, "2000-01-01 00:00:00-03:30", 210 * minute);
    expect_micros(hyl__parse_timestamptz, "2000-01-01 00:00:00+00:19:32",
                  -19 * minute - 32 * INT64_C(1000000));
    expect_micros(hyl__parse_timestamptz, "4713-01-01 00:00:00+00 BC",
                  HYL_DATE_MIN * HYL_MICROS_PER_DAY);
}

static void what_is_no_date_is_refused(void **state)
{
    (void)state;
    static const struct {
        hyl_type_id type;
        const char *text;
        hyl_status wanted;
    } cases[] = {
        {HYL_TYPE_DATE, "", HYL_ERR_PROTOCOL},
        {HYL_TYPE_DATE, "2024", HYL_ERR_PROTOCOL},
        {HYL_TYPE_DATE, "2024-02", HYL_ERR_PROTOCOL},
        {HYL_TYPE_DATE, "2024-02-2", HYL_ERR_PROTOCOL},
        {HYL_TYPE_DATE, "24-02-29", HYL_ERR_PROTOCOL},
        {HYL_TYPE_DATE, "2024-02-29x", HYL_ERR_PROTOCOL},
        {HYL_TYPE_DATE, "2024-02-29 B", HYL_ERR_PROTOCOL},
        {HYL_TYPE_DATE, "2024-02-29 BC ", HYL_ERR_PROTOCOL},
        {HYL_TYPE_DATE, "0000-01-01", HYL_ERR_PROTOCOL},
        {HYL_TYPE_DATE, "-001-01-01", HYL_ERR_PROTOCOL},
        {HYL_TYPE_DATE, "2023-02-29", HYL_ERR_RANGE},
        {HYL_TYPE_DATE, "4714-12-31 BC", HYL_ERR_RANGE},
        {HYL_TYPE_DATE, "294277-01-01", HYL_ERR_RANGE},
        {HYL_TYPE_DATE, "9999999-01-01", HYL_ERR_RANGE},
        {HYL_TYPE_DATE, "99999999-01-01", HYL_ERR_PROTOCOL},
        {HYL_TYPE_DATE, "infinity", HYL_ERR_RANGE},
        {HYL_TYPE_TIMESTAMPTZ, "-infinity", HYL_ERR_RANGE},
        {HYL_TYPE_TIMESTAMP, "Infinity", HYL_ERR_PROTOCOL},
        {HYL_TYPE_TIME, "", HYL_ERR_PROTOCOL},
        {HYL_TYPE_TIME, "12:34", HYL_ERR_PROTOCOL},
        {HYL_TYPE_TIME, "12:60:00", HYL_ERR_PROTOCOL},
        {HYL_TYPE_TIME, "23:59:60", HYL_ERR_PROTOCOL},
        {HYL_TYPE_TIME, "24:00:00.000001", HYL_ERR_PROTOCOL},
        {HYL_TYPE_TIME, "12:34:56.", HYL_ERR_PROTOCOL},
        {HYL_TYPE_TIME, "12:34:56.1234567", HYL_ERR_PROTOCOL},
        {HYL_TYPE_TIMESTAMP, "2024-02-29", HYL_ERR_PROTOCOL},
        {HYL_TYPE_TIMESTAMP, "2024-02-29T00:00:00", HYL_ERR_PROTOCOL},
        {HYL_TYPE_TIMESTAMP, "2024-02-29 00:00:00+00", HYL_ERR_PROTOCOL},
        {HYL_TYPE_TIMESTAMP, "2024-02-30 00:00:00", HYL_ERR_RANGE},
        {HYL_TYPE_TIMESTAMP, "294276-12-31 24:00:00", HYL_ERR_RANGE},
        {HYL_TYPE_TIMESTAMPTZ, "2024-02-29 00:00:00", HYL_ERR_PROTOCOL},
        {HYL_TYPE_TIMESTAMPTZ, "2024-02-29 00:00:00+2", HYL_ERR_PROTOCOL},
        {HYL_TYPE_TIMESTAMPTZ, "2024-02-29 00:00:00+02:60", HYL_ERR_PROTOCOL},
        {HYL_TYPE_TIMESTAMPTZ, "2024-02-29 00:00:00+02:00:60", HYL_ERR_PROTOCOL},
        {HYL_TYPE_TIMESTAMPTZ, "2024-02-29 00:00:00+02:", HYL_ERR_PROTOCOL},
        {HYL_TYPE_TIMESTAMPTZ, "4713-01-01 00:00:00+01 BC", HYL_ERR_RANGE},
        {HYL_TYPE_TIMESTAMPTZ, "294276-12-31 23:59:59-01", HYL_ERR_RANGE},
        {HYL_TYPE_TIMESTAMPTZ, "294276-12-31 23:59:59-99", HYL_ERR_RANGE},
        {HYL_TYPE_INTERVAL, "", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INTERVAL, "P", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INTERVAL, "PT", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INTERVAL, "P1", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INTERVAL, "P1X", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INTERVAL, "P1H", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INTERVAL, "PT1D", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INTERVAL, "P1.5D", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INTERVAL, "PT1.5H", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INTERVAL, "P1DT", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INTERVAL, "1 day", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INTERVAL, "P2147483648D", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INTERVAL, "P178956970Y8M", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INTERVAL, "P999999999999999999Y", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INTERVAL, "PT2562047788H54.775808S", HYL_ERR_PROTOCOL},
        {HYL_TYPE_INTERVAL, "PT999999999999999999H", HYL_ERR_PROTOCOL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_decode_text(hyl_type_of(cases[i].type), cases[i].text, cases[i].wanted);
    }
}

static void expect_interval(const hyl_interval *interval)
{
    char text[HYL__SCALAR_TEXT_MAX];
    const size_t len = (size_t)(hyl__write_interval(text, *interval) - text);
    guarded copy = guard_bytes(text, len);
    hyl_interval back;
    if (hyl__parse_interval(guard_str(&copy), &back) != HYL_OK || back.months != interval->months ||
        back.days != interval->days || back.micros != interval->micros) {
        fail_msg("%.*s", (int)len, text);
    }
    guard_release(&copy);
}

static void written_intervals_read_back_the_same(void **state)
{
    (void)state;
    random_source random = random_start("interval", 0x5eed0002);
    const hyl_interval extremes[] = {{INT64_MAX, INT32_MAX, INT32_MAX},
                                     {INT64_MIN, INT32_MIN, INT32_MIN},
                                     {0, 0, 0},
                                     {-1, 1, -1}};
    for (size_t i = 0; i < sizeof extremes / sizeof extremes[0]; i++) {
        expect_interval(&extremes[i]);
    }
    for (int i = 0; i < 5000; i++) {
        const hyl_interval interval = {(int64_t)random_any_size(&random),
                                       (int32_t)random_any_size(&random),
                                       (int32_t)random_any_size(&random)};
        expect_interval(&interval);
    }
}

static void written_timestamps_read_back_the_same(void **state)
{
    (void)state;
    random_source random = random_start("timestamp", 0x5eed0003);
    const uint64_t span = (uint64_t)HYL__TIMESTAMP_MAX - (uint64_t)HYL__TIMESTAMP_MIN;
    for (int i = 0; i < 5000; i++) {
        const int64_t micros =
            (int64_t)((uint64_t)HYL__TIMESTAMP_MIN + random_below(&random, span));
        char text[HYL__SCALAR_TEXT_MAX + 1];
        *hyl__write_timestamptz(text, micros) = '\0';
        expect_micros(hyl__parse_timestamptz, text, micros);
        *hyl__write_timestamp(text, micros) = '\0';
        expect_micros(hyl__parse_timestamp, text, micros);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_and_timestamps_are_as_the_oracle_has_them),
        cmocka_unit_test(zones_are_taken_off),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(written_intervals_read_back_the_same),
        cmocka_unit_test(written_timestamps_read_back_the_same),
    };
    return cmocka_run_group_tests_name("datetime_parse", tests, NULL, NULL);
}
