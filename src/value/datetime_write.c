#include "datetime_text.h"

#include "hyperbinary.h"
#include "text_write.h"

#include <string.h>

#define MICROS_PER_SECOND INT64_C(1000000)

static char *write_bc(char *to)
{
    memcpy(to, " BC", 3);
    return to + 3;
}

/* "2024-02-29"; the year without its " BC". */
static char *write_civil(char *to, hyl_civil civil)
{
    const uint32_t year = (uint32_t)(civil.year > 0 ? civil.year : 1 - civil.year);
    if (year < 10000) {
        to = hyl__write_2(to, year / 100);
        to = hyl__write_2(to, year % 100);
    } else {
        to = hyl__write_u64(to, year);
    }
    *to++ = '-';
    to = hyl__write_2(to, (unsigned)civil.month);
    *to++ = '-';
    return hyl__write_2(to, (unsigned)civil.day);
}

char *hyl__write_date(char *to, int32_t days)
{
    const hyl_civil civil = hyl_date_to_civil(days);
    to = write_civil(to, civil);
    return civil.year > 0 ? to : write_bc(to);
}

/* ".5", ".000001", nothing for 0: zeros at the end are left out. */
static char *write_fraction(char *to, uint32_t micros)
{
    if (micros == 0) {
        return to;
    }
    *to++ = '.';
    to = hyl__write_padded(to, micros, 6);
    while (to[-1] == '0') {
        to--;
    }
    return to;
}

char *hyl__write_time(char *to, int64_t micros)
{
    const uint32_t seconds = (uint32_t)(micros / MICROS_PER_SECOND);
    to = hyl__write_2(to, seconds / 3600);
    *to++ = ':';
    to = hyl__write_2(to, seconds / 60 % 60);
    *to++ = ':';
    to = hyl__write_2(to, seconds % 60);
    return write_fraction(to, (uint32_t)(micros % MICROS_PER_SECOND));
}

static char *write_point_in_time(char *to, int64_t micros, bool with_zone)
{
    int64_t day = micros / HYL_MICROS_PER_DAY;
    int64_t time = micros % HYL_MICROS_PER_DAY;
    if (time < 0) {
        day--;
        time += HYL_MICROS_PER_DAY;
    }
    const hyl_civil civil = hyl_date_to_civil((int32_t)day);
    to = write_civil(to, civil);
    *to++ = ' ';
    to = hyl__write_time(to, time);
    if (with_zone) {
        memcpy(to, "+00", 3);
        to += 3;
    }
    return civil.year > 0 ? to : write_bc(to);
}

char *hyl__write_timestamp(char *to, int64_t micros)
{
    return write_point_in_time(to, micros, false);
}

char *hyl__write_timestamptz(char *to, int64_t micros)
{
    return write_point_in_time(to, micros, true);
}

/* ---- Intervals ------------------------------------------------------------------------------- */

/* "-3D"; nothing for 0. */
static char *write_unit(char *to, int64_t count, char unit)
{
    if (count == 0) {
        return to;
    }
    to = hyl__write_i64(to, count);
    *to++ = unit;
    return to;
}

/* "-6.789000S": six decimals if any, and the sign in front though the whole part may be 0. */
static char *write_seconds(char *to, int64_t micros)
{
    if (micros == 0) {
        return to;
    }
    const uint64_t magnitude = micros < 0 ? -(uint64_t)micros : (uint64_t)micros;
    if (micros < 0) {
        *to++ = '-';
    }
    to = hyl__write_u64(to, magnitude / (uint64_t)MICROS_PER_SECOND);
    if (magnitude % (uint64_t)MICROS_PER_SECOND != 0) {
        *to++ = '.';
        to = hyl__write_padded(to, magnitude % (uint64_t)MICROS_PER_SECOND, 6);
    }
    *to++ = 'S';
    return to;
}

char *hyl__write_interval(char *to, hyl_interval interval)
{
    const int64_t micros_per_minute = 60 * MICROS_PER_SECOND;
    const int64_t micros_per_hour = 60 * micros_per_minute;
    if (interval.months == 0 && interval.days == 0 && interval.micros == 0) {
        memcpy(to, "PT0S", 4);
        return to + 4;
    }
    *to++ = 'P';
    to = write_unit(to, interval.months / 12, 'Y');
    to = write_unit(to, interval.months % 12, 'M');
    to = write_unit(to, interval.days, 'D');
    if (interval.micros != 0) {
        *to++ = 'T';
        to = write_unit(to, interval.micros / micros_per_hour, 'H');
        to = write_unit(to, interval.micros % micros_per_hour / micros_per_minute, 'M');
        to = write_seconds(to, interval.micros % micros_per_minute);
    }
    return to;
}
