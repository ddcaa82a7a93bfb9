/* Days and the proleptic Gregorian calendar. */
#include "hyperbinary.h"

/*
 * The arithmetic is Richards' (Explanatory Supplement to the Astronomical Almanac, 3rd edition,
 * 15.11.3) on years that begin in March, counted from 4801 BC. So that every int32 has a date, days
 * are moved up by whole 400-year cycles first and the years moved back.
 */
enum {
    DAYS_IN_400_YEARS = 146097,
    MARCH_4801_BC = 32044, /* days before Julian day 0 */
    CYCLES_UP = 15000,
};

hyl_civil hyl_date_to_civil(int32_t days)
{
    const uint64_t a = (uint64_t)((int64_t)days + HYL__JULIAN_DAY_2000 + MARCH_4801_BC +
                                  (int64_t)CYCLES_UP * DAYS_IN_400_YEARS);
    const uint64_t century = (4 * a + 3) / DAYS_IN_400_YEARS;
    const uint64_t c = a - DAYS_IN_400_YEARS * century / 4;
    const uint64_t year_of_century = (4 * c + 3) / 1461;
    const uint64_t day_of_year = c - 1461 * year_of_century / 4;
    const uint64_t month = (5 * day_of_year + 2) / 153;
    hyl_civil civil;
    civil.day = (int32_t)(day_of_year - (153 * month + 2) / 5 + 1);
    civil.month = (int32_t)(month < 10 ? month + 3 : month - 9);
    civil.year = (int32_t)((int64_t)(100 * century + year_of_century + month / 10) - 4800 -
                           400 * (int64_t)CYCLES_UP);
    return civil;
}

static bool is_leap(int32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int32_t days_in_month(int32_t year, int32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

bool hyl_date_from_civil(hyl_civil civil, int32_t *days)
{
    if (civil.year < -4712 || civil.year > 294276 || civil.month < 1 || civil.month > 12 ||
        civil.day < 1 || civil.day > days_in_month(civil.year, civil.month)) {
        return false;
    }
    const int32_t before_march = civil.month < 3;
    const int32_t y = civil.year + 4800 - before_march;
    const int32_t m = civil.month - 3 + 12 * before_march;
    const int32_t julian =
        civil.day + (153 * m + 2) / 5 + 365 * y + y / 4 - y / 100 + y / 400 - (MARCH_4801_BC + 1);
    const int32_t result = julian - HYL__JULIAN_DAY_2000;
    if (!hyl__date_in_range(result)) {
        return false;
    }
    *days = result;
    return true;
}
