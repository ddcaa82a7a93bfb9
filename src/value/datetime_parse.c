#include "datetime_text.h"

#include "hyperbinary.h"

#include <string.h>

#define MICROS_PER_SECOND INT64_C(1000000)

/* A place in a text. Reading never goes beyond the end. */
typedef struct cursor {
    const char *at;
    const char *end;
} cursor;

static cursor cursor_of(hyl_str text)
{
    return (cursor){text.data, text.len > 0 ? text.data + text.len : text.data};
}

static bool at_end(const cursor *c)
{
    return c->at == c->end;
}

static bool take_char(cursor *c, char wanted)
{
    if (at_end(c) || *c->at != wanted) {
        return false;
    }
    c->at++;
    return true;
}

/* Takes `min` to `max` digits (max <= 18) and gives their number and value. */
static bool take_digits(cursor *c, int min, int max, int *count, int64_t *value)
{
    *count = 0;
    *value = 0;
    while (*count < max && !at_end(c) && *c->at >= '0' && *c->at <= '9') {
        *value = *value * 10 + (*c->at - '0');
        c->at++;
        (*count)++;
    }
    return *count >= min;
}

static bool take_number(cursor *c, int min, int max, int64_t *value)
{
    int count;
    return take_digits(c, min, max, &count, value);
}

/* ---- Dates and times ------------------------------------------------------------------------- */

/* "2024-02-29"; the year as written, still without its era. */
static bool take_civil(cursor *c, hyl_civil *civil)
{
    int64_t year;
    int64_t month;
    int64_t day;
    if (!take_number(c, 4, 7, &year) || !take_char(c, '-') || !take_number(c, 2, 2, &month) ||
        !take_char(c, '-') || !take_number(c, 2, 2, &day)) {
        return false;
    }
    *civil = (hyl_civil){(int32_t)year, (int32_t)month, (int32_t)day};
    return true;
}

/* Ends a date or timestamp: " BC" or nothing, then the end; year 1 BC becomes 0. */
static bool take_era(cursor *c, hyl_civil *civil)
{
    if (civil->year == 0) {
        return false;
    }
    if (c->end - c->at == 3 && memcmp(c->at, " BC", 3) == 0) {
        c->at += 3;
        civil->year = 1 - civil->year;
    }
    return at_end(c);
}

/* ".789": up to six digits; nothing is 0. */
static bool take_fraction(cursor *c, int64_t *micros)
{
    int count;
    *micros = 0;
    if (!take_char(c, '.')) {
        return true;
    }
    if (!take_digits(c, 1, 6, &count, micros)) {
        return false;
    }
    for (; count < 6; count++) {
        *micros *= 10;
    }
    return true;
}

static bool take_time(cursor *c, int64_t *micros)
{
    int64_t hours;
    int64_t minutes;
    int64_t seconds;
    int64_t fraction;
    if (!take_number(c, 2, 2, &hours) || !take_char(c, ':') || !take_number(c, 2, 2, &minutes) ||
        !take_char(c, ':') || !take_number(c, 2, 2, &seconds) || !take_fraction(c, &fraction)) {
        return false;
    }
    *micros = ((hours * 60 + minutes) * 60 + seconds) * MICROS_PER_SECOND + fraction;
    return minutes < 60 && seconds < 60 && *micros <= HYL_MICROS_PER_DAY;
}

/* "+02", "-03:30", "+00:19:32": how far the zone is ahead of UTC, in microseconds. */
static bool take_zone(cursor *c, int64_t *micros)
{
    int64_t hours;
    int64_t minutes = 0;
    int64_t seconds = 0;
    const bool behind = take_char(c, '-');
    if ((!behind && !take_char(c, '+')) || !take_number(c, 2, 2, &hours)) {
        return false;
    }
    if (take_char(c, ':') && !take_number(c, 2, 2, &minutes)) {
        return false;
    }
    if (take_char(c, ':') && !take_number(c, 2, 2, &seconds)) {
        return false;
    }
    *micros = ((hours * 60 + minutes) * 60 + seconds) * MICROS_PER_SECOND;
    if (behind) {
        *micros = -*micros;
    }
    return minutes < 60 && seconds < 60;
}

hyl_status hyl__parse_date(hyl_str text, int32_t *days)
{
    cursor c = cursor_of(text);
    hyl_civil civil;
    if (!take_civil(&c, &civil) || !take_era(&c, &civil)) {
        return HYL_ERR_PROTOCOL;
    }
    return hyl_date_from_civil(civil, days) ? HYL_OK : HYL_ERR_RANGE;
}

hyl_status hyl__parse_time(hyl_str text, int64_t *micros)
{
    cursor c = cursor_of(text);
    return take_time(&c, micros) && at_end(&c) ? HYL_OK : HYL_ERR_PROTOCOL;
}

static hyl_status parse_point_in_time(hyl_str text, bool with_zone, int64_t *micros)
{
    cursor c = cursor_of(text);
    hyl_civil civil;
    int64_t time;
    int64_t zone = 0;
    int32_t days;
    if (!take_civil(&c, &civil) || !take_char(&c, ' ') || !take_time(&c, &time) ||
        (with_zone && !take_zone(&c, &zone)) || !take_era(&c, &civil)) {
        return HYL_ERR_PROTOCOL;
    }
    if (!hyl_date_from_civil(civil, &days)) {
        return HYL_ERR_RANGE;
    }
    /* The last day's 24:00 and a zone do not fit into 64 bits: whether they do is checked. */
    int64_t result = days * HYL_MICROS_PER_DAY;
    if (__builtin_add_overflow(result, time - zone, &result) || !hyl__timestamp_in_range(result)) {
        return HYL_ERR_RANGE;
    }
    *micros = result;
    return HYL_OK;
}

hyl_status hyl__parse_timestamp(hyl_str text, int64_t *micros)
{
    return parse_point_in_time(text, false, micros);
}

hyl_status hyl__parse_timestamptz(hyl_str text, int64_t *micros)
{
    return parse_point_in_time(text, true, micros);
}

/* ---- Intervals ------------------------------------------------------------------------------- */

/* *total += count * unit, checked. */
static bool add_units(int64_t *total, int64_t count, int64_t unit)
{
    int64_t product;
    return !__builtin_mul_overflow(count, unit, &product) &&
           !__builtin_add_overflow(*total, product, total);
}

/* One "-6.789000S": its signed count, its signed fraction in millionths and its letter. */
static bool take_unit(cursor *c, int64_t *count, int64_t *fraction, char *unit)
{
    const bool negative = take_char(c, '-');
    if (!take_number(c, 1, 18, count) || !take_fraction(c, fraction) || at_end(c)) {
        return false;
    }
    *unit = *c->at++;
    if (negative) {
        *count = -*count;
        *fraction = -*fraction;
    }
    return *fraction == 0 || *unit == 'S';
}

/* Years, months, weeks and days: what stands before "T". */
static bool add_date_unit(char unit, int64_t count, int64_t *months, int64_t *days)
{
    switch (unit) {
    case 'Y':
        return add_units(months, count, 12);
    case 'M':
        return add_units(months, count, 1);
    case 'W':
        return add_units(days, count, 7);
    case 'D':
        return add_units(days, count, 1);
    default:
        return false;
    }
}

static bool add_time_unit(char unit, int64_t count, int64_t fraction, int64_t *micros)
{
    switch (unit) {
    case 'H':
        return add_units(micros, count, 3600 * MICROS_PER_SECOND);
    case 'M':
        return add_units(micros, count, 60 * MICROS_PER_SECOND);
    case 'S':
        return add_units(micros, count, MICROS_PER_SECOND) && add_units(micros, fraction, 1);
    default:
        return false;
    }
}

/* Units up to `stop` or the end: those of the date or those of the time. */
static bool take_units(cursor *c, bool of_time, hyl_interval *out)
{
    int64_t months = out->months;
    int64_t days = out->days;
    while (!at_end(c) && (of_time || *c->at != 'T')) {
        int64_t count;
        int64_t fraction;
        char unit;
        if (!take_unit(c, &count, &fraction, &unit) ||
            !(of_time ? add_time_unit(unit, count, fraction, &out->micros)
                      : fraction == 0 && add_date_unit(unit, count, &months, &days))) {
            return false;
        }
    }
    out->months = (int32_t)months;
    out->days = (int32_t)days;
    return months == out->months && days == out->days;
}

hyl_status hyl__parse_interval(hyl_str text, hyl_interval *interval)
{
    cursor c = cursor_of(text);
    hyl_interval result = {0, 0, 0};
    if (!take_char(&c, 'P') || at_end(&c) || !take_units(&c, false, &result)) {
        return HYL_ERR_PROTOCOL;
    }
    if (take_char(&c, 'T') && (at_end(&c) || !take_units(&c, true, &result))) {
        return HYL_ERR_PROTOCOL;
    }
    *interval = result;
    return HYL_OK;
}
