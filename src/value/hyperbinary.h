/*
 * HyperBinary: the server's own little-endian encoding of values.
 *
 * The loads are for the hot path of rows: the caller has checked that the value has the type's
 * width (hyl_type_width), so that each is a load and at most an addition.
 */
#ifndef HYL_VALUE_HYPERBINARY_H
#define HYL_VALUE_HYPERBINARY_H

#include "base/endian.h"

#include <hyperline/types.h>

/* PostgreSQL's jsonb, which is json here; in binary a version byte stands in front of its text. */
enum { HYL__OID_JSONB = 3802, HYL__OID_JSONB_ARRAY = 3807 };

/* Dates travel as Julian days, timestamps as microseconds from Julian day 0; 2000-01-01 is: */
#define HYL__JULIAN_DAY_2000    INT32_C(2451545)
#define HYL__JULIAN_MICROS_2000 (UINT64_C(2451545) * UINT64_C(86400000000))

#define HYL__TIMESTAMP_MIN (HYL_DATE_MIN * HYL_MICROS_PER_DAY)
#define HYL__TIMESTAMP_MAX ((HYL_DATE_MAX + 1) * HYL_MICROS_PER_DAY - 1)

static inline bool hyl__hb_load_bool(const uint8_t *from)
{
    return *from != 0;
}

static inline int16_t hyl__hb_load_i16(const uint8_t *from)
{
    return (int16_t)hyl__load_le16(from);
}

static inline int32_t hyl__hb_load_i32(const uint8_t *from)
{
    return (int32_t)hyl__load_le32(from);
}

static inline int64_t hyl__hb_load_i64(const uint8_t *from)
{
    return (int64_t)hyl__load_le64(from);
}

static inline uint32_t hyl__hb_load_u32(const uint8_t *from)
{
    return hyl__load_le32(from);
}

static inline float hyl__hb_load_f32(const uint8_t *from)
{
    uint32_t bits = hyl__load_le32(from);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline double hyl__hb_load_f64(const uint8_t *from)
{
    uint64_t bits = hyl__load_le64(from);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Days from 2000-01-01. What lies outside HYL_DATE_MIN..MAX wraps and shows as out of range. */
static inline int32_t hyl__hb_load_date(const uint8_t *from)
{
    return (int32_t)(hyl__load_le32(from) - (uint32_t)HYL__JULIAN_DAY_2000);
}

/* Microseconds from 2000-01-01. The encoding is unsigned, since the largest needs all 64 bits. */
static inline int64_t hyl__hb_load_timestamp(const uint8_t *from)
{
    return (int64_t)(hyl__load_le64(from) - HYL__JULIAN_MICROS_2000);
}

static inline hyl_interval hyl__hb_load_interval(const uint8_t *from)
{
    hyl_interval interval;
    interval.micros = hyl__hb_load_i64(from);
    interval.days = hyl__hb_load_i32(from + 8);
    interval.months = hyl__hb_load_i32(from + 12);
    return interval;
}

/* The two halves of a numeric of 8 or 16 bytes; precision and scale are the caller's to set. */
static inline void hyl__hb_load_numeric(const uint8_t *from, size_t width, hyl_numeric *out)
{
    int64_t low = hyl__hb_load_i64(from);
    out->lo = (uint64_t)low;
    out->hi = width == 16 ? hyl__hb_load_i64(from + 8) : (low < 0 ? -1 : 0);
}

static inline bool hyl__date_in_range(int32_t days)
{
    return days >= HYL_DATE_MIN && days <= HYL_DATE_MAX;
}

static inline bool hyl__time_in_range(int64_t micros)
{
    return micros >= 0 && micros <= HYL_MICROS_PER_DAY;
}

static inline bool hyl__timestamp_in_range(int64_t micros)
{
    return micros >= HYL__TIMESTAMP_MIN && micros <= HYL__TIMESTAMP_MAX;
}

/*
 * Decodes a value that is not NULL; `out->type` is set. Views only, no copy. Errors: PROTOCOL,
 * RANGE.
 */
HYL_NODISCARD hyl_status hyl__hb_decode(hyl_type type, hyl_bytes bytes, hyl_value *out,
                                        hyl_error *err);

/* TYPE where the value is of another type. All strings are of one kind. */
HYL_NODISCARD hyl_status hyl__value_check_kind(hyl_type type, const hyl_value *value,
                                               hyl_error *err);
/* RANGE where a date, time, timestamp or interval is outside what its type holds. */
HYL_NODISCARD hyl_status hyl__value_check_range(hyl_type type, const hyl_value *value,
                                                hyl_error *err);
/* Checks a value that is not NULL, arrays apart, against the type. Errors: TYPE, RANGE, ARG. */
HYL_NODISCARD hyl_status hyl__value_check(hyl_type type, const hyl_value *value, hyl_error *err);

/*
 * Appends a checked value, arrays apart. A failed append shows in hyl_buf_status.
 */
void hyl__hb_put(hyl_type type, const hyl_value *value, hyl_buf *out);

/* The array of elements of a type, with their modifier; UNKNOWN where there is none. */
hyl_type hyl__type_array_of(hyl_type element);

/* True for text, varchar, char, char(1) and json, which share as.str. */
static inline bool hyl__type_is_string(hyl_type_id id)
{
    return id == HYL_TYPE_TEXT || id == HYL_TYPE_VARCHAR || id == HYL_TYPE_CHAR ||
           id == HYL_TYPE_CHAR1 || id == HYL_TYPE_JSON;
}

/* RANGE: "value out of range for date". */
hyl_status hyl__fail_range(hyl_type type, hyl_error *err);

#endif
