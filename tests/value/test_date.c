#include "expect.h"
#include "value/hyperbinary.h"

typedef struct date_case {
    hyl_civil civil;
    int32_t days;
    const char *text;
} date_case;

/* From Python's datetime. */
static const date_case cases[] = {
#define DATE(year, month, day, days, text) {{year, month, day}, days, text},
#include "cases.inc"
#undef DATE
};

static void dates_are_as_the_oracle_has_them(void **state)
{
    (void)state;
    assert_true(sizeof cases / sizeof cases[0] > 500);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t days = 0;
        assert_true(hyl_date_from_civil(cases[i].civil, &days));
        assert_int_equal(days, cases[i].days);
        hyl_civil civil = hyl_date_to_civil(cases[i].days);
        assert_memory_equal(&civil, &cases[i].civil, sizeof civil);
    }
}

static bool is_later(hyl_civil a, hyl_civil b)
{
    if (a.year != b.year) {
        return a.year > b.year;
    }
    return a.month != b.month ? a.month > b.month : a.day > b.day;
}

/* Runs of days, with gaps that are no multiple of anything. */
static void days_go_to_later_dates_and_back(void **state)
{
    (void)state;
    hyl_civil before = hyl_date_to_civil(HYL_DATE_MIN - 1);
    for (int32_t day = HYL_DATE_MIN; day <= HYL_DATE_MAX; day += (day % 1000 == 0 ? 977 : 1)) {
        int32_t back = 0;
        const hyl_civil civil = hyl_date_to_civil(day);
        if (!is_later(civil, before) || !hyl_date_from_civil(civil, &back) || back != day) {
            fail_msg("day %d", day);
        }
        before = civil;
    }
}

static void the_ends_of_the_range_are_the_servers(void **state)
{
    (void)state;
    hyl_civil first = hyl_date_to_civil(HYL_DATE_MIN);
    hyl_civil last = hyl_date_to_civil(HYL_DATE_MAX);
    hyl_civil unix_epoch = hyl_date_to_civil(HYL_UNIX_EPOCH_DAYS);
    assert_true(first.year == -4712 && first.month == 1 && first.day == 1);
    assert_true(last.year == 294276 && last.month == 12 && last.day == 31);
    assert_true(unix_epoch.year == 1970 && unix_epoch.month == 1 && unix_epoch.day == 1);
}

/* Beyond the range too: no undefined arithmetic. */
static void any_number_of_days_has_a_date(void **state)
{
    (void)state;
    hyl_civil civil = hyl_date_to_civil(INT32_MAX);
    assert_true(civil.year == 5881610 && civil.month == 7 && civil.day == 11);
    civil = hyl_date_to_civil(INT32_MIN);
    assert_true(civil.year == -5877611 && civil.month == 6 && civil.day == 22);
}

static void days_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    const hyl_civil none[] = {{2024, 2, 30},     {2023, 2, 29},        {1900, 2, 29},
                              {2024, 4, 31},     {2024, 13, 1},        {2024, 0, 1},
                              {2024, 1, 0},      {2024, 1, 32},        {2024, -1, 1},
                              {-4713, 12, 31},   {294277, 1, 1},       {INT32_MAX, 1, 1},
                              {INT32_MIN, 1, 1}, {2024, INT32_MAX, 1}, {2024, 1, INT32_MIN}};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        int32_t days = 7;
        assert_false(hyl_date_from_civil(none[i], &days));
        assert_int_equal(days, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_as_the_oracle_has_them),
        cmocka_unit_test(days_go_to_later_dates_and_back),
        cmocka_unit_test(the_ends_of_the_range_are_the_servers),
        cmocka_unit_test(any_number_of_days_has_a_date),
        cmocka_unit_test(days_that_do_not_exist_are_refused),
    };
    return cmocka_run_group_tests_name("date", tests, NULL, NULL);
}
