/* PostgreSQL's text of a value that came in its binary format. */
#ifndef HYL_VALUE_PGTEXT_H
#define HYL_VALUE_PGTEXT_H

#include <hyperline/types.h>

/*
 * Appends the text as PostgreSQL itself writes it in a session with DateStyle=ISO, TimeZone=UTC,
 * IntervalStyle=iso_8601, extra_float_digits=3 and bytea_output=hex. Unlike hyl_value, which has
 * Hyper's ranges, it takes all that PostgreSQL has: numerics of any size and NaN, infinite dates,
 * arrays of several dimensions.
 * Errors: PROTOCOL (the bytes are no value of the type), TYPE (an unknown type), RANGE, NOMEM; what
 * was appended is then taken back.
 */
HYL_NODISCARD hyl_status hyl__pg_text(hyl_type type, hyl_bytes bytes, hyl_buf *out, hyl_error *err);

#endif
