/* Dates, times, timestamps and intervals as text. Each function that writes returns the end. */
#ifndef HYL_VALUE_DATETIME_TEXT_H
#define HYL_VALUE_DATETIME_TEXT_H

#include <hyperline/types.h>

/* `to` has room for HYL__SCALAR_TEXT_MAX; the values are in their type's range. */
char *hyl__write_date(char *to, int32_t days);
char *hyl__write_time(char *to, int64_t micros);
char *hyl__write_timestamp(char *to, int64_t micros);
/* With the zone, always "+00". */
char *hyl__write_timestamptz(char *to, int64_t micros);
/* ISO 8601: "P1Y2M3DT4H5M6.789000S". Any interval. */
char *hyl__write_interval(char *to, hyl_interval interval);

/*
 * Each parses all of `text`. Errors, without a message: PROTOCOL (no such text), RANGE.
 */
HYL_NODISCARD hyl_status hyl__parse_date(hyl_str text, int32_t *days);
HYL_NODISCARD hyl_status hyl__parse_time(hyl_str text, int64_t *micros);
HYL_NODISCARD hyl_status hyl__parse_timestamp(hyl_str text, int64_t *micros);
/* The zone is "+02", "-03:30" or "+00:19:32" and must be there. */
HYL_NODISCARD hyl_status hyl__parse_timestamptz(hyl_str text, int64_t *micros);
HYL_NODISCARD hyl_status hyl__parse_interval(hyl_str text, hyl_interval *interval);

#endif
